//! A finding as plain text, HTML page, Slack message, chat notification, SNS message.
//!
//! Pure: a [`Finding`](sesame_diagnosis::finding::Finding) in, text or JSON out; time comes in as an argument. Whatever stands
//! in a finding came from an event or a policy and is untrusted: every renderer first passes it through [`escape::shown`], and
//! each escapes what it writes for its own medium.

pub mod chat;
pub mod compact;
pub mod escape;
pub mod gate;
pub mod grant;
pub mod json;
pub mod page;
pub mod phase;
pub mod report;
pub mod slack;
pub mod sns;
pub mod text;
pub mod words;
pub mod wrap;

pub use phase::{Phase, PhaseText, phase_text};

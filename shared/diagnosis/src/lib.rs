//! From a refused send to causes, hints and proven remedies.
//!
//! Pure: [`world::World`] and [`denial::Incident`] in, [`finding::Finding`] out.

pub mod address;
pub mod assemble;
pub mod causes;
pub mod changes;
pub mod commands;
pub mod context;
pub mod denial;
mod diagnose;
pub mod document;
pub mod evidence;
pub mod examine;
pub mod finding;
pub mod fold;
pub mod hint;
pub mod input;
pub mod message;
pub mod near_miss;
pub mod question;
pub mod record;
pub mod recorded;
pub mod remedy;
pub mod subject;
mod summary;
pub mod words;
pub mod world;

pub use diagnose::diagnose;

use jiff::Timestamp;

/// A policy document that bears on the request and does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_place}: {message}")]
pub struct InvalidDocument {
    /// The file and pointer, or the API call.
    pub source_place: String,
    /// What was found and what was expected.
    pub message: String,
}

/// How to diagnose.
#[derive(Debug, Clone)]
pub struct Options {
    /// The present time: bridges expire relative to it.
    pub now: Timestamp,
    /// Fail on a policy document that bears on the request and does not parse (offline); otherwise its layer is unreadable.
    pub strict: bool,
    /// The stack's own account; a principal elsewhere is advice-only. `None`: the account that got the record, else the caller's.
    pub own_account: Option<String>,
    /// Accounts with a separately deployed apply role.
    pub apply_role_accounts: Vec<String>,
}

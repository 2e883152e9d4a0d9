//! States, decision records, the content guard: what may be approved and applied, and how that is proven.
//!
//! Pure: keys, clock and stores come in from outside.

pub mod approver;
pub mod decision;
pub mod guard;
pub mod link;
pub mod mac;
pub mod receipt;
pub mod scope;
pub mod state;

pub use state::{Event, IllegalTransition, State};

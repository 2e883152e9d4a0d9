//! From a refused send to causes, hints and proven remedies.
//!
//! Pure: [`world::World`] and [`denial::Incident`] in, [`finding::Finding`] out.

pub mod address;
pub mod commands;
pub mod denial;
pub mod document;
pub mod finding;
pub mod fold;
pub mod input;
pub mod message;
pub mod record;
pub mod world;

use finding::Finding;
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
    /// The stack's own account; a principal elsewhere is advice-only. `None`: every account of the world is our own.
    pub own_account: Option<String>,
    /// Accounts with a separately deployed apply role.
    pub apply_role_accounts: Vec<String>,
}

/// Diagnoses one incident.
pub fn diagnose(
    _incident: &denial::Incident,
    _world: &world::World,
    _options: &Options,
) -> Result<Finding, InvalidDocument> {
    Err(InvalidDocument { source_place: String::new(), message: String::new() })
}

//! What a notice is about: the `phase` attribute of every message.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::state::State;

/// The phases that subscribers filter on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Phase {
    Finding,
    Approved,
    Rejected,
    Muted,
    Applied,
    Failed,
    Superseded,
    RolledBack,
    Expired,
    Revoked,
    Quiet,
    StillRefused,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Phase; 12] = [
        Phase::Finding,
        Phase::Approved,
        Phase::Rejected,
        Phase::Muted,
        Phase::Applied,
        Phase::Failed,
        Phase::Superseded,
        Phase::RolledBack,
        Phase::Expired,
        Phase::Revoked,
        Phase::Quiet,
        Phase::StillRefused,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Finding => "finding",
            Phase::Approved => "approved",
            Phase::Rejected => "rejected",
            Phase::Muted => "muted",
            Phase::Applied => "applied",
            Phase::Failed => "failed",
            Phase::Superseded => "superseded",
            Phase::RolledBack => "rolled-back",
            Phase::Expired => "expired",
            Phase::Revoked => "revoked",
            Phase::Quiet => "quiet",
            Phase::StillRefused => "still-refused",
        }
    }

    /// The phase that tells of a state; `None` while something is under way.
    pub fn of(state: State) -> Option<Phase> {
        match state {
            State::Open => Some(Phase::Finding),
            State::Approved => Some(Phase::Approved),
            State::Applied => Some(Phase::Applied),
            State::Failed { .. } => Some(Phase::Failed),
            State::Rejected => Some(Phase::Rejected),
            State::Muted => Some(Phase::Muted),
            State::Expired => Some(Phase::Expired),
            State::Superseded => Some(Phase::Superseded),
            State::RolledBack => Some(Phase::RolledBack),
            State::Applying | State::RollingBack => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

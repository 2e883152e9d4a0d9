//! The states of a finding, from the first alert to the last undo.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits for a decision.
    Open,
    /// Someone approved; nothing is written yet.
    Approved,
    /// Documents are being written; a crash here is resumed.
    Applying,
    /// Written, read back, and the send evaluates to allowed.
    Applied,
    /// Not applied.
    Failed {
        /// Everything that was written was put back.
        restored: bool,
    },
    /// Someone said no.
    Rejected,
    /// Someone asked for silence.
    Muted,
    /// Nobody decided in time.
    Expired,
    /// The documents changed before the decision, or before the application.
    Superseded,
    /// What was written is being put back.
    RollingBack,
    /// What was written is put back.
    RolledBack,
}

impl State {
    /// Every state.
    pub const ALL: [State; 12] = [
        State::Open,
        State::Approved,
        State::Applying,
        State::Applied,
        State::Failed { restored: true },
        State::Failed { restored: false },
        State::Rejected,
        State::Muted,
        State::Expired,
        State::Superseded,
        State::RollingBack,
        State::RolledBack,
    ];

    /// Its word, as shown and as stored in an index.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Approved => "approved",
            State::Applying => "applying",
            State::Applied => "applied",
            State::Failed { .. } => "failed",
            State::Rejected => "rejected",
            State::Muted => "muted",
            State::Expired => "expired",
            State::Superseded => "superseded",
            State::RollingBack => "rolling-back",
            State::RolledBack => "rolled-back",
        }
    }

    /// No decision is awaited and nothing is under way.
    pub fn is_closed(self) -> bool {
        !matches!(self, State::Open | State::Approved | State::Applying | State::RollingBack)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A signed decision to apply.
    Approve,
    /// A signed decision not to apply.
    Reject,
    /// A signed decision to be silent for a while.
    Mute,
    /// The time for a decision ran out.
    Expire,
    /// The documents are no longer those that were shown.
    Supersede,
    /// The first document is about to be written.
    Start,
    /// Written, read back, and the send evaluates to allowed.
    Complete,
    /// The application failed.
    Fail {
        /// Everything that was written was put back.
        restored: bool,
    },
    /// What was written is to be put back.
    RollBack,
    /// Everything that Sesame wrote for this finding, in whatever generation, is to be gone.
    Revoke,
    /// Somebody else took away what was written.
    Vanish,
    /// It is put back.
    RollBackComplete,
    /// It could not be put back, and stands as it stood.
    RollBackFail,
    /// The send was refused again after the finding was closed; the generation counts up.
    Reopen,
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 15] = [
        Event::Approve,
        Event::Reject,
        Event::Mute,
        Event::Expire,
        Event::Supersede,
        Event::Start,
        Event::Complete,
        Event::Fail { restored: true },
        Event::Fail { restored: false },
        Event::RollBack,
        Event::Revoke,
        Event::Vanish,
        Event::RollBackComplete,
        Event::RollBackFail,
        Event::Reopen,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Event::Approve => "approve",
            Event::Reject => "reject",
            Event::Mute => "mute",
            Event::Expire => "expire",
            Event::Supersede => "supersede",
            Event::Start => "start",
            Event::Complete => "complete",
            Event::Fail { .. } => "fail",
            Event::RollBack => "roll back",
            Event::Revoke => "revoke",
            Event::Vanish => "give up",
            Event::RollBackComplete => "complete the roll-back",
            Event::RollBackFail => "fail the roll-back",
            Event::Reopen => "reopen",
        }
    }
}

/// An event that a state does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {event} a finding that is {from}", event = .event.as_str())]
pub struct IllegalTransition {
    /// The state.
    pub from: State,
    /// The event.
    pub event: Event,
}

/// The state after an event.
pub fn next(from: State, event: Event) -> Result<State, IllegalTransition> {
    match (from, event) {
        (State::Open, Event::Approve) => Ok(State::Approved),
        (State::Open, Event::Reject) => Ok(State::Rejected),
        (State::Open, Event::Mute) => Ok(State::Muted),
        (State::Open, Event::Expire) => Ok(State::Expired),
        (State::Open | State::Approved, Event::Supersede) => Ok(State::Superseded),
        (State::Approved, Event::Start) => Ok(State::Applying),
        (State::Applying, Event::Complete) => Ok(State::Applied),
        (State::Applying, Event::Fail { restored }) => Ok(State::Failed { restored }),
        (State::Applied | State::Failed { restored: false }, Event::RollBack) => Ok(State::RollingBack),
        (State::Applied | State::Failed { restored: false }, Event::Vanish) => Ok(State::RolledBack),
        // What an earlier generation was given stands through the later ones, whatever is decided about those.
        (idle, Event::Revoke) if idle == State::Open || idle.is_closed() => Ok(State::RollingBack),
        (State::RollingBack, Event::RollBackComplete) => Ok(State::RolledBack),
        (State::RollingBack, Event::RollBackFail) => Ok(State::Applied),
        (closed, Event::Reopen) if closed.is_closed() => Ok(State::Open),
        (from, event) => Err(IllegalTransition { from, event }),
    }
}

/// IAM is eventually consistent: a refusal until so long after an application says nothing about it.
pub const SETTLING: SignedDuration = SignedDuration::from_mins(5);

/// How long a rejection keeps the same refusal from asking again.
pub const REJECTED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a further refusal does to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is counted, and the state stays.
    Fold,
    /// It happened before the finding was closed and only arrived now; it is counted.
    Late,
    /// It opens the next generation.
    Reopen,
}

/// What a refusal at `refused_at` does to a finding that is in `state` since `since`; `muted_until` is the end of a mute.
pub fn arrival(state: State, since: Timestamp, muted_until: Option<Timestamp>, refused_at: Timestamp) -> Arrival {
    if !state.is_closed() {
        return Arrival::Fold;
    }
    let quiet = match state {
        State::Applied => SETTLING,
        State::Rejected => REJECTED_FOR,
        _ => SignedDuration::ZERO,
    };
    let quiet_until = match (state, muted_until) {
        (State::Muted, Some(until)) => until,
        _ => since.checked_add(quiet).unwrap_or(Timestamp::MAX),
    };
    match (refused_at < quiet_until, state) {
        (false, _) => Arrival::Reopen,
        (true, State::Muted | State::Rejected) => Arrival::Fold,
        (true, _) => Arrival::Late,
    }
}

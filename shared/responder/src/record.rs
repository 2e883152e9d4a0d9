//! What is stored of a finding: where it stands, who decided, what was done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sesame_diagnosis::finding::Finding;
use sesame_remediation::decision::SignedDecision;
use sesame_remediation::receipt::Receipt;
use sesame_remediation::state::{Event, IllegalTransition, State, next};

/// A finding with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Counts writes; a write goes through only on top of the version that it read. 0: not stored yet.
    pub version: u64,
    /// The finding as of its last diagnosis.
    pub finding: Finding,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Whether the notice of that state went out.
    pub alert: Alert,
    /// When a notice last went out.
    pub alerted: Option<Timestamp>,
    /// How often the links of this generation were made void.
    pub link_series: u32,
    /// The end of a mute.
    pub muted_until: Option<Timestamp>,
    /// The last decision.
    pub decision: Option<SignedDecision>,
    /// The last application.
    pub receipt: Option<Receipt>,
    /// The ids of events that were counted, the latest last; at most [`Record::REMEMBERED`].
    pub counted: Vec<String>,
    /// Every change of state, the first first.
    pub history: Vec<Transition>,
}

/// Whether a notice went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alert {
    /// It is to be sent.
    Due,
    /// It was sent.
    Sent,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// When.
    pub time: Timestamp,
    /// The generation at that time.
    pub generation: u32,
    /// To what.
    pub state: State,
    /// By whom, or why, where there is more to say than the state.
    pub note: Option<String>,
}

impl Record {
    /// How many event ids are remembered to tell a repeat from a copy.
    pub const REMEMBERED: usize = 200;
    /// How many changes of state are kept.
    const KEPT: usize = 100;

    /// A new record of a new finding; its alert is due.
    pub fn new(finding: Finding, now: Timestamp) -> Record {
        let first = Transition { time: now, generation: finding.generation, state: State::Open, note: None };
        Record {
            version: 0,
            finding,
            state: State::Open,
            since: now,
            alert: Alert::Due,
            alerted: None,
            link_series: 0,
            muted_until: None,
            decision: None,
            receipt: None,
            counted: Vec::new(),
            history: vec![first],
        }
    }

    /// Moves to the state after an event.
    pub fn advance(&mut self, event: Event, now: Timestamp, note: Option<String>) -> Result<(), IllegalTransition> {
        self.state = next(self.state, event)?;
        self.since = now;
        if event == Event::Reopen {
            self.finding.generation += 1;
            self.link_series = 0;
        }
        self.history.push(Transition { time: now, generation: self.finding.generation, state: self.state, note });
        let surplus = self.history.len().saturating_sub(Record::KEPT);
        self.history.drain(..surplus);
        Ok(())
    }
}

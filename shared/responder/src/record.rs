//! What is stored of a finding: where it stands, who decided, what was done, and the history of all that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sesame_diagnosis::finding::{Finding, Operation};
use sesame_remediation::decision::{Approver, DecidedRemedy, Decision, Origin, SignedDecision, Verdict};
use sesame_remediation::guard::PREFIX;
use sesame_remediation::receipt::{Receipt, Written};
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
    /// Where two must approve: what the first approved, until the second does.
    #[serde(default)]
    pub approvals: Vec<SignedDecision>,
    /// The last decision.
    pub decision: Option<SignedDecision>,
    /// The last application of this generation.
    pub receipt: Option<Receipt>,
    /// The applications of earlier generations that nobody took back.
    #[serde(default)]
    pub earlier: Vec<Receipt>,
    /// The ids of events that were counted, the latest last; at most [`Record::REMEMBERED`].
    pub counted: Vec<String>,
    /// Everything that happened, the first first: changes of state, and attempts that were refused.
    pub history: Vec<Entry>,
    /// How many entries the history lost to its limits; the log has them.
    #[serde(default)]
    pub forgotten: u64,
}

/// Whether a notice went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alert {
    /// It is to be sent.
    Due,
    /// It was sent; of attempts that were refused since nobody was told yet.
    Attempts,
    /// It was sent.
    Sent,
}

/// Whether a document is one of Sesame's own, by its name.
fn is_ours(written: &Written) -> bool {
    written.target.policy.as_deref().is_some_and(|name| name.starts_with(PREFIX))
}

/// Whether something of what a receipt says was written is still in place, as far as Sesame knows.
pub fn stands(receipt: &Receipt) -> bool {
    matches!(receipt.state, State::Applied | State::Failed { restored: false }) && !receipt.written.is_empty()
}

/// Something that happened to a finding, or was tried: an entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// The generation at that time; for a refused attempt the one that it was about.
    pub generation: u32,
    /// The version of the record that was the first to hold this entry; 0 where that was not written down.
    #[serde(default)]
    pub version: u64,
    /// What was done, or was to be done.
    #[serde(default)]
    pub act: Option<Act>,
    /// The state before.
    #[serde(default)]
    pub from: Option<State>,
    /// The state after; for a refused attempt the one that stayed.
    pub state: State,
    /// By whom; nobody where Sesame did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Approver>,
    /// From where.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// Why, in the approver's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The documents that it was about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<DecidedRemedy>,
    /// Why the attempt was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Why it came so, in Sesame's words, where there is more to say than the state.
    pub note: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// The first refusal was diagnosed.
    Find,
    /// Refusals after the finding was closed were diagnosed anew.
    Reopen,
    /// Somebody approved.
    Approve,
    /// Somebody rejected.
    Reject,
    /// Somebody muted.
    Mute,
    /// Somebody asked to put back what was applied.
    RollBack,
    /// The same for a grant that is no longer wanted.
    Revoke,
    /// The time for a decision ran out.
    Expire,
    /// The documents were no longer those that were shown.
    Supersede,
    /// An application began.
    Start,
    /// It was done.
    Complete,
    /// It failed.
    Fail,
    /// What was applied was put back.
    RollBackComplete,
    /// It could not be put back.
    RollBackFail,
    /// Refusals stayed out after an application.
    Quiet,
    /// What Sesame wrote was found changed.
    Change,
    /// What Sesame wrote was found gone.
    Vanish,
}

impl Act {
    /// Its word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Act::Find => "find",
            Act::Reopen => "reopen",
            Act::Approve => "approve",
            Act::Reject => "reject",
            Act::Mute => "mute",
            Act::RollBack => "roll-back",
            Act::Revoke => "revoke",
            Act::Expire => "expire",
            Act::Supersede => "supersede",
            Act::Start => "start",
            Act::Complete => "complete",
            Act::Fail => "fail",
            Act::RollBackComplete => "roll-back-complete",
            Act::RollBackFail => "roll-back-fail",
            Act::Quiet => "quiet",
            Act::Change => "change",
            Act::Vanish => "vanish",
        }
    }
}

impl From<Verdict> for Act {
    fn from(verdict: Verdict) -> Act {
        match verdict {
            Verdict::Approve => Act::Approve,
            Verdict::Reject => Act::Reject,
            Verdict::Mute => Act::Mute,
            Verdict::RollBack => Act::RollBack,
            Verdict::Revoke => Act::Revoke,
        }
    }
}

impl From<Event> for Act {
    fn from(event: Event) -> Act {
        match event {
            Event::Approve => Act::Approve,
            Event::Reject => Act::Reject,
            Event::Mute => Act::Mute,
            Event::Expire => Act::Expire,
            Event::Supersede => Act::Supersede,
            Event::Start => Act::Start,
            Event::Complete => Act::Complete,
            Event::Fail { .. } => Act::Fail,
            Event::RollBack => Act::RollBack,
            Event::Revoke => Act::Revoke,
            Event::Vanish => Act::Vanish,
            Event::RollBackComplete => Act::RollBackComplete,
            Event::RollBackFail => Act::RollBackFail,
            Event::Reopen => Act::Reopen,
        }
    }
}

impl Record {
    /// How many event ids are remembered to tell a repeat from a copy.
    pub const REMEMBERED: usize = 200;
    /// How many entries the history keeps.
    const KEPT: usize = 300;
    /// How many of them may be refused attempts: whoever is refused again and again must not push out what was done.
    const KEPT_REFUSED: usize = 50;

    /// A new record of a new finding; its alert is due.
    pub fn new(finding: Finding, now: Timestamp) -> Record {
        let mut record = Record {
            version: 0,
            finding,
            state: State::Open,
            since: now,
            alert: Alert::Due,
            alerted: None,
            link_series: 0,
            muted_until: None,
            approvals: Vec::new(),
            decision: None,
            receipt: None,
            earlier: Vec::new(),
            counted: Vec::new(),
            history: Vec::new(),
            forgotten: 0,
        };
        let first = Entry { from: None, ..record.entry(Act::Find, now) };
        record.keep(first);
        record
    }

    /// Moves to the state after an event that Sesame itself brings about.
    pub fn advance(&mut self, event: Event, now: Timestamp, note: Option<String>) -> Result<(), IllegalTransition> {
        let digests = match event {
            Event::Start => self.decided(),
            Event::Complete | Event::Fail { .. } | Event::RollBackComplete | Event::RollBackFail | Event::Vanish => {
                self.written()
            }
            _ => Vec::new(),
        };
        let entry = Entry { digests, note, ..self.entry(event.into(), now) };
        self.step(event, now, entry)
    }

    /// Moves to the state after a decision.
    pub fn advance_by(&mut self, event: Event, decision: &Decision) -> Result<(), IllegalTransition> {
        let entry = self.entry_of(decision);
        self.step(event, decision.time, entry)
    }

    /// Keeps what happened without a change of state.
    pub fn note(&mut self, act: Act, now: Timestamp, note: Option<String>) {
        let entry = Entry { note, ..self.entry(act, now) };
        self.keep(entry);
    }

    /// The same, about documents.
    pub fn note_documents(&mut self, act: Act, now: Timestamp, digests: Vec<DecidedRemedy>, note: String) {
        let entry = Entry { digests, note: Some(note), ..self.entry(act, now) };
        self.keep(entry);
    }

    /// Keeps a decision that changes no state: the first of two approvals.
    pub fn note_decision(&mut self, decision: &Decision, note: Option<String>) {
        let entry = Entry { note, ..self.entry_of(decision) };
        self.keep(entry);
    }

    /// Keeps an attempt that was refused; the state stays.
    pub fn refuse(&mut self, attempt: &Decision, why: String) {
        let entry = Entry { refused: Some(why), ..self.entry_of(attempt) };
        self.keep(entry);
    }

    /// What Sesame wrote for this finding and nobody took back, the latest for each place: with nothing before it, since all
    /// of it is Sesame's own.
    pub fn standing(&self) -> Vec<Written> {
        let mut standing: Vec<Written> = Vec::new();
        let latest = self.receipt.iter().filter(|receipt| stands(receipt));
        for written in latest.chain(self.earlier.iter().rev()).flat_map(|receipt| receipt.written.iter().rev()) {
            if written.operation == Operation::Put
                && is_ours(written)
                && standing.iter().all(|known| known.target != written.target)
            {
                standing.push(Written { before: None, before_digest: None, edit: None, ..written.clone() });
            }
        }
        standing.reverse();
        standing
    }

    /// What happened last, refused attempts apart.
    pub fn last(&self) -> Option<&Entry> {
        self.history.iter().rev().find(|entry| entry.refused.is_none())
    }

    fn step(&mut self, event: Event, now: Timestamp, entry: Entry) -> Result<(), IllegalTransition> {
        self.state = next(self.state, event)?;
        self.since = now;
        if event == Event::Reopen {
            self.finding.generation += 1;
            self.link_series = 0;
            self.earlier.extend(self.receipt.take().filter(stands));
        }
        if event == Event::RollBackComplete && self.decision_is(Verdict::Revoke) {
            self.earlier.clear();
        }
        // The first of two approvals is needed until what was approved is in place.
        if self.state.is_closed() || event == Event::Reopen {
            self.approvals.clear();
        }
        self.keep(Entry { state: self.state, generation: self.finding.generation, ..entry });
        Ok(())
    }

    /// An entry about the present state, by nobody.
    fn entry(&self, act: Act, time: Timestamp) -> Entry {
        Entry {
            time,
            generation: self.finding.generation,
            version: self.version + 1,
            act: Some(act),
            from: Some(self.state),
            state: self.state,
            by: None,
            origin: Origin::default(),
            reason: None,
            digests: Vec::new(),
            refused: None,
            note: None,
        }
    }

    fn entry_of(&self, decision: &Decision) -> Entry {
        let undone = || if decision.verdict.is_undo() { self.written() } else { Vec::new() };
        Entry {
            generation: decision.generation,
            by: Some(decision.approver.clone()),
            origin: decision.origin.clone(),
            reason: decision.reason.clone(),
            digests: if decision.remedies.is_empty() { undone() } else { decision.remedies.clone() },
            ..self.entry(decision.verdict.into(), decision.time)
        }
    }

    fn decision_is(&self, verdict: Verdict) -> bool {
        self.decision.as_ref().is_some_and(|signed| signed.decision.verdict == verdict)
    }

    /// What the last decision was about.
    fn decided(&self) -> Vec<DecidedRemedy> {
        self.decision.as_ref().map(|signed| signed.decision.remedies.clone()).unwrap_or_default()
    }

    /// What the last application wrote.
    fn written(&self) -> Vec<DecidedRemedy> {
        self.receipt.iter().flat_map(|receipt| &receipt.written).map(DecidedRemedy::from).collect()
    }

    fn keep(&mut self, entry: Entry) {
        self.history.push(entry);
        let refused = |entry: &Entry| entry.refused.is_some();
        if self.history.iter().filter(|entry| refused(entry)).count() > Record::KEPT_REFUSED {
            self.forget(refused);
        }
        if self.history.len() > Record::KEPT {
            self.forget(|_| true);
        }
    }

    /// Drops the first entry of a kind.
    fn forget(&mut self, kind: impl Fn(&Entry) -> bool) {
        if let Some(first) = self.history.iter().position(kind) {
            self.history.remove(first);
            self.forgotten += 1;
        }
    }
}

//! Decisions: checked, signed, stored once.

use jiff::Timestamp;
use sesame_diagnosis::finding::{Applicability, Outcome, Provenance, Remedy};
use sesame_remediation::approver::is_refused_principal;
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, Decision, Verdict};
use sesame_remediation::mac::{Mac, MacError};
use sesame_remediation::scope;
use sesame_remediation::state::{Event, IllegalTransition};

use crate::notify::publish_due;
use crate::ports::{Clock, FindingStore, PortError, Publisher, SaveError};
use crate::record::{Alert, Record};
use crate::settings::{Settings, Shared};

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The finding.
    pub finding: String,
    /// The generation that was shown.
    pub generation: u32,
    /// What to do.
    pub verdict: Verdict,
    /// For an approval: the remedies that were shown, with their digests; empty for the plan as it is stored.
    pub remedies: Vec<DecidedRemedy>,
    /// By whom.
    pub approver: Approver,
    /// For a mute: until when.
    pub until: Option<Timestamp>,
}

/// Why a decision is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// No such finding.
    #[error("there is no finding `{0}`")]
    NoFinding(String),
    /// It is about an earlier generation.
    #[error("the decision is about generation {shown}, the finding is at {current}; look at it again")]
    Outdated {
        /// What was shown.
        shown: u32,
        /// What is.
        current: u32,
    },
    /// It was decided already, or nothing is to be decided.
    #[error(transparent)]
    State(#[from] IllegalTransition),
    /// The one who was refused.
    #[error("`{0}` is the principal that was refused, and cannot approve its own grant")]
    OwnGrant(String),
    /// What was shown is not what is stored.
    #[error("`{0}` is not what was shown; look at the finding again")]
    NotAsShown(String),
    /// A link cannot do that.
    #[error("a link cannot decide this: {0}")]
    NotByLink(&'static str),
    /// There is nothing that Sesame may apply.
    #[error("nothing to approve: {0}")]
    Nothing(String),
    /// The key.
    #[error(transparent)]
    Key(#[from] MacError),
    /// The store, or somebody else at the same time.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl From<PortError> for DecideError {
    fn from(error: PortError) -> DecideError {
        DecideError::Save(error.into())
    }
}

/// Takes a decision: once, signed, and only about what was shown.
pub async fn decide(
    request: Request,
    key: &impl Mac,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, DecideError> {
    let Shared { store, clock, settings, .. } = shared;
    let record = store.load(&request.finding).await?;
    let mut record = record.ok_or_else(|| DecideError::NoFinding(request.finding.clone()))?;
    let current = record.finding.generation;
    if request.generation != current {
        return Err(DecideError::Outdated { shown: request.generation, current });
    }
    if request.approver.channel == Channel::Link && !settings.approval.by_link {
        return Err(DecideError::NotByLink("links only show"));
    }
    let now = clock.now();
    let event = match request.verdict {
        Verdict::Approve => Event::Approve,
        Verdict::Reject => Event::Reject,
        Verdict::Mute => Event::Mute,
        Verdict::RollBack => Event::RollBack,
    };
    let note = request.approver.id.clone().unwrap_or_else(|| request.approver.channel.as_str().to_owned());
    // Before anything else: a second click must hear that it was decided, not why it could not be.
    record.advance(event, now, Some(note))?;
    let remedies = match request.verdict {
        Verdict::Approve => approvable(&record, &request, settings)?,
        _ => Vec::new(),
    };
    if request.verdict == Verdict::Mute {
        record.muted_until = request.until;
    }
    let ids: Vec<&str> = remedies.iter().map(|remedy| remedy.id.as_str()).collect();
    let scope = match request.verdict {
        Verdict::Approve => scope::of_remedies(&record.finding, &ids),
        Verdict::RollBack => {
            scope::of_written(&record.finding, record.receipt.as_ref().map_or(&[], |receipt| &receipt.written))
        }
        Verdict::Reject | Verdict::Mute => String::new(),
    };
    let decision = Decision {
        stack: settings.stack.clone(),
        finding: record.finding.id.clone(),
        generation: current,
        verdict: request.verdict,
        remedies,
        scope,
        approver: request.approver,
        time: now,
        until: request.until,
    };
    record.decision = Some(decision.sign(key).await?);
    record.alert = Alert::Due;
    store.save(&mut record).await?;
    Ok(publish_due(record, shared).await?)
}

/// The remedies that this approval is about, or why it cannot be given.
fn approvable(record: &Record, request: &Request, settings: &Settings) -> Result<Vec<DecidedRemedy>, DecideError> {
    let finding = &record.finding;
    let nothing = |why: &str| Err(DecideError::Nothing(why.to_owned()));
    if finding.outcome == Outcome::NotAuthorization {
        return nothing("no policy refused this send");
    }
    if finding.provenance != Provenance::Cloudtrail && !settings.approval.any_provenance {
        return nothing("only what CloudTrail recorded can lead to an application");
    }
    if is_refused_principal(finding, &request.approver) {
        return Err(DecideError::OwnGrant(request.approver.id.clone().unwrap_or_default()));
    }
    let remedies: Vec<&Remedy> = match request.remedies.as_slice() {
        [] => finding.planned().filter(|remedy| remedy.applicability != Applicability::AdviceOnly).collect(),
        shown => shown
            .iter()
            .map(|shown| {
                let stored = finding.remedy(&shown.id);
                stored
                    .filter(|stored| DecidedRemedy::from(*stored) == *shown)
                    .ok_or_else(|| DecideError::NotAsShown(shown.id.clone()))
            })
            .collect::<Result<_, _>>()?,
    };
    if remedies.is_empty() {
        return nothing("all that would help is for somebody else to do");
    }
    if let Some(advice) = remedies.iter().find(|remedy| remedy.applicability == Applicability::AdviceOnly) {
        return nothing(&format!("`{}` is advice only: {}", advice.id, advice.why));
    }
    let review = remedies.iter().any(|remedy| remedy.applicability == Applicability::NeedsReview);
    if review && request.approver.channel == Channel::Link {
        return Err(DecideError::NotByLink("it needs someone who is known to have reviewed it"));
    }
    Ok(remedies.into_iter().map(DecidedRemedy::from).collect())
}

//! Decisions: checked, signed, stored once; what is refused is kept as well.

use jiff::{SignedDuration, Timestamp};
use sesame_diagnosis::finding::{Applicability, Outcome, Provenance, Remedy};
use sesame_remediation::approver::{are_distinct, is_refused_principal};
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, Decision, DecisionError, Origin, Verdict};
use sesame_remediation::link::Link;
use sesame_remediation::mac::{Mac, MacError};
use sesame_remediation::receipt::{Receipt, SCHEMA, Verification};
use sesame_remediation::scope;
use sesame_remediation::state::{Event, State, next};

use crate::notify::publish_due;
use crate::ports::{Clock, FindingStore, PortError, Publisher, SaveError};
use crate::record::{Alert, Record};
use crate::settings::{ApprovalsNeeded, Settings, Shared};

/// How often a record that somebody else changes at the same time is tried again.
const ATTEMPTS: usize = 5;
/// The longest mute.
const LONGEST_MUTE: SignedDuration = SignedDuration::from_hours(366 * 24);

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The finding.
    pub finding: String,
    /// The generation that was shown.
    pub generation: u32,
    /// The link that it came by. One of an earlier series was made void since.
    pub link: Option<Link>,
    /// What to do.
    pub verdict: Verdict,
    /// For an approval: the remedies that were shown, with their digests; empty for the plan as it is stored.
    pub remedies: Vec<DecidedRemedy>,
    /// By whom.
    pub approver: Approver,
    /// For a mute: until when.
    pub until: Option<Timestamp>,
    /// Why, in free words: at most [`Request::LONGEST_REASON`] characters.
    pub reason: Option<String>,
    /// From where.
    pub origin: Origin,
}

impl Request {
    /// The longest reason, in characters.
    pub const LONGEST_REASON: usize = 500;
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
    /// The link was made void.
    #[error(
        "the link is no longer good, since the refusals changed after it was sent; use the link of the latest message, or `sesame show {0}`"
    )]
    Voided(String),
    /// The time of the link is over.
    #[error("the time of the link is over; use the link of the latest message, or `sesame show {0}`")]
    Late(String),
    /// It was decided already, or nothing is to be decided.
    #[error("cannot {verdict} a finding that is {state}{}", .standing.as_deref().map(|standing| format!(": {standing}")).unwrap_or_default(), verdict = verb(*.verdict))]
    State {
        /// What was wanted.
        verdict: Verdict,
        /// Where the finding stands.
        state: State,
        /// How it came there: by whom, when.
        standing: Option<String>,
    },
    /// The one who was refused.
    #[error("`{0}` is the principal that was refused, and cannot approve its own grant; somebody else has to")]
    OwnGrant(String),
    /// Two must approve, and these are not two.
    #[error("two different people must approve: {0}")]
    NotTwo(String),
    /// What was shown is not what is stored.
    #[error("`{0}` is not what was shown; look at the finding again")]
    NotAsShown(String),
    /// A link cannot do that.
    #[error("a link cannot decide this: {0}")]
    NotByLink(&'static str),
    /// The stack applies nothing.
    #[error(
        "this stack only suggests, and applies nothing: deploy it with Remediation=approve, or use the commands of the finding"
    )]
    SuggestOnly,
    /// There is nothing that Sesame may apply, or take back.
    #[error("nothing to {0}")]
    Nothing(String),
    /// The reason is no text that can be kept.
    #[error("the reason: {0}")]
    Reason(String),
    /// The end of a mute.
    #[error("the end of the mute: {0}")]
    Until(String),
    /// The key.
    #[error(transparent)]
    Key(#[from] MacError),
    /// The store, or somebody else at the same time.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl DecideError {
    /// Whether the decision was refused, and not merely hindered: the same attempt would be refused again.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, DecideError::NoFinding(_) | DecideError::Key(_) | DecideError::Save(_))
    }

    /// Whether a message is due for it: somebody wanted what they may not. A second click and a slip of the pen are kept, and told
    /// with the next message.
    fn is_to_be_told(&self) -> bool {
        !matches!(
            self,
            DecideError::State { .. }
                | DecideError::Nothing(_)
                | DecideError::SuggestOnly
                | DecideError::Reason(_)
                | DecideError::Until(_)
        )
    }
}

fn verb(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::RollBack => "roll back",
        verdict => verdict.as_str(),
    }
}

impl From<PortError> for DecideError {
    fn from(error: PortError) -> DecideError {
        DecideError::Save(error.into())
    }
}

/// Takes a decision: once, signed, and only about what was shown.
///
/// A decision that is refused is kept in the finding's history as well. Once a decision is stored it stands, even if nobody
/// could be told of it yet: its alert is then still due.
pub async fn decide(
    request: Request,
    key: &impl Mac,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, DecideError> {
    let mut request = request;
    let mut attempts = 0;
    loop {
        let stored = shared.store.load(&request.finding).await?;
        let mut record = stored.ok_or_else(|| DecideError::NoFinding(request.finding.clone()))?;
        let now = shared.clock.now();
        let taken = take(&mut record, &request, now, key, shared.settings).await;
        match &taken {
            Ok(decision) => request.remedies.clone_from(&decision.remedies), // what was meant stays meant in the next attempt
            Err(error) if error.is_refusal() => {
                record.refuse(&attempt(&request, now, shared.settings), error.to_string());
                if error.is_to_be_told() {
                    tell_later(&mut record);
                }
            }
            Err(_) => return taken.map(|_| record),
        }
        match (shared.store.save(&mut record).await, taken) {
            (Ok(()), Ok(_)) => return Ok(publish_due(record.clone(), shared).await.unwrap_or(record)),
            (Err(SaveError::Conflict(_)), _) if attempts < ATTEMPTS => attempts += 1,
            (Err(error), Ok(_)) => return Err(error.into()),
            (_, Err(refusal)) => return Err(refusal),
        }
    }
}

/// Keeps an attempt that was refused before it could be asked what it decides; a message tells of it.
///
/// # Errors
/// The store, or others who change the record again and again.
pub async fn keep_refused(
    request: &Request,
    why: &str,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<(), SaveError> {
    let mut attempts = 0;
    while let Some(mut record) = shared.store.load(&request.finding).await? {
        record.refuse(&attempt(request, shared.clock.now(), shared.settings), why.to_owned());
        tell_later(&mut record);
        match shared.store.save(&mut record).await {
            Err(SaveError::Conflict(_)) if attempts < ATTEMPTS => attempts += 1,
            saved => return saved,
        }
    }
    Ok(())
}

/// Has the sweep tell of a refused attempt, unless another message is due anyway.
fn tell_later(record: &mut Record) {
    if record.alert == Alert::Sent {
        record.alert = Alert::Attempts;
    }
}

/// The decision as it was wanted, for the history.
fn attempt(request: &Request, now: Timestamp, settings: &Settings) -> Decision {
    Decision {
        stack: settings.stack.clone(),
        finding: request.finding.clone(),
        generation: request.generation,
        verdict: request.verdict,
        remedies: request.remedies.clone(),
        scope: String::new(),
        approver: request.approver.clone(),
        time: now,
        until: request.until,
        reason: reason(request.reason.as_deref()).unwrap_or_default(),
        origin: Origin::new(request.origin.source_ip.as_deref(), request.origin.user_agent.as_deref()),
    }
}

/// Checks a decision, signs it and puts it into the record.
async fn take(
    record: &mut Record,
    request: &Request,
    now: Timestamp,
    key: &impl Mac,
    settings: &Settings,
) -> Result<Decision, DecideError> {
    let current = record.finding.generation;
    if request.generation != current {
        return Err(DecideError::Outdated { shown: request.generation, current });
    }
    let by_link = request.approver.channel == Channel::Link;
    if by_link && !settings.approval.by_link {
        return Err(DecideError::NotByLink("links only show"));
    }
    if by_link && request.verdict.is_undo() {
        return Err(DecideError::NotByLink("what was applied is taken back by someone who is known"));
    }
    let event = event(request.verdict);
    // Before what the decision says: a second click must hear that it was decided, not why it could not be.
    if next(record.state, event).is_err() {
        let standing = record.last().and_then(crate::audit::standing);
        return Err(DecideError::State { verdict: request.verdict, state: record.state, standing });
    }
    let link = request.link.as_ref();
    if by_link && link.map(|link| link.series) != Some(record.link_series) {
        return Err(DecideError::Voided(record.finding.id.clone()));
    }
    if link.is_some_and(|link| link.expires <= now) {
        return Err(DecideError::Late(record.finding.id.clone()));
    }
    let mut decision = Decision { reason: reason(request.reason.as_deref())?, ..attempt(request, now, settings) };
    decision.until = match request.verdict {
        Verdict::Mute => Some(end_of_mute(request.until, now)?),
        _ => None,
    };
    decision.remedies = match request.verdict {
        Verdict::Approve => approvable(record, request, settings)?,
        _ => Vec::new(),
    };
    if request.verdict == Verdict::Revoke {
        record.receipt = Some(revocable(record, now)?);
    }
    decision.scope = scope(record, &decision);
    let first = match (request.verdict, settings.approval.needed) {
        (Verdict::Approve, ApprovalsNeeded::Two) => is_first_of_two(record, &decision)?,
        _ => false,
    };
    let signed = decision.clone().sign(key).await?;
    if first {
        record.note_decision(
            &decision,
            Some("the first of two approvals; somebody else must approve the same".to_owned()),
        );
        record.approvals = vec![signed];
    } else {
        record.advance_by(event, &decision).map_err(|refused| DecideError::State {
            verdict: request.verdict,
            state: refused.from,
            standing: None,
        })?;
        record.muted_until = decision.until;
        record.decision = Some(signed);
    }
    record.alert = Alert::Due;
    Ok(decision)
}

/// The receipt of everything that stands, to be taken back as one.
fn revocable(record: &Record, now: Timestamp) -> Result<Receipt, DecideError> {
    let written = record.standing();
    if written.is_empty() {
        return Err(DecideError::Nothing("revoke: nothing that Sesame wrote for this finding is in place".to_owned()));
    }
    Ok(Receipt {
        schema: SCHEMA.to_owned(),
        finding: record.finding.id.clone(),
        generation: record.finding.generation,
        time: record.receipt.as_ref().map_or(now, |receipt| receipt.time),
        state: State::Applied,
        complete: false,
        written,
        left: Vec::new(),
        verification: Verification::default(),
        note: None,
    })
}

/// What the decision rests on beside the documents that it names.
fn scope(record: &Record, decision: &Decision) -> String {
    match decision.verdict {
        Verdict::Approve => {
            let ids: Vec<&str> = decision.remedies.iter().map(|remedy| remedy.id.as_str()).collect();
            scope::of_remedies(&record.finding, &ids)
        }
        Verdict::RollBack | Verdict::Revoke => {
            scope::of_written(&record.finding, record.receipt.as_ref().map_or(&[], |receipt| &receipt.written))
        }
        Verdict::Reject | Verdict::Mute => String::new(),
    }
}

fn event(verdict: Verdict) -> Event {
    match verdict {
        Verdict::Approve => Event::Approve,
        Verdict::Reject => Event::Reject,
        Verdict::Mute => Event::Mute,
        Verdict::RollBack => Event::RollBack,
        Verdict::Revoke => Event::Revoke,
    }
}

/// The reason as it is kept: trimmed, on one line; nothing where there is none.
fn reason(text: Option<&str>) -> Result<Option<String>, DecideError> {
    let blank = |c: char| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
    let text: String = text.unwrap_or_default().trim().chars().map(blank).collect();
    let length = text.chars().count();
    if length > Request::LONGEST_REASON {
        let most = Request::LONGEST_REASON;
        return Err(DecideError::Reason(format!("expected at most {most} characters, found {length}")));
    }
    if let Some(odd) = text.chars().find(|c| c.is_control()) {
        return Err(DecideError::Reason(format!("expected no control characters, found `{}`", odd.escape_unicode())));
    }
    Ok((!text.is_empty()).then_some(text))
}

fn end_of_mute(until: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, DecideError> {
    let latest = now.checked_add(LONGEST_MUTE).unwrap_or(Timestamp::MAX);
    match until {
        None => Err(DecideError::Until("expected a time, found none".to_owned())),
        Some(until) if until <= now => Err(DecideError::Until(format!("expected a time to come, found {until}"))),
        Some(until) if until > latest => {
            Err(DecideError::Until(format!("expected at most a year from now ({latest}), found {until}")))
        }
        Some(until) => Ok(until),
    }
}

/// Whether this approval is the first of two; an error where it can be neither the first nor the second.
fn is_first_of_two(record: &Record, decision: &Decision) -> Result<bool, DecideError> {
    if decision.approver.id.is_none() {
        return Err(DecideError::NotByLink("two people who are known must approve"));
    }
    let mut approvals = record.approvals.iter().map(|signed| &signed.decision);
    let Some(first) = approvals.rfind(|first| first.generation == decision.generation) else {
        return Ok(true);
    };
    if !are_distinct(&first.approver, &decision.approver) {
        let who = first.approver.id.as_deref().unwrap_or_default();
        return Err(DecideError::NotTwo(format!("`{who}` approved already; somebody else has to")));
    }
    // Of another plan it is no second approval: the first one is of what no longer is, or of what somebody else does not want.
    Ok(!same_plan(first, decision))
}

/// Whether two approvals are of the same documents for the same principal.
fn same_plan(a: &Decision, b: &Decision) -> bool {
    (&a.remedies, &a.scope) == (&b.remedies, &b.scope)
}

/// The approval that stands in a record, if it may be acted on: signed, about this generation, and where two are needed
/// seconded by somebody else.
///
/// # Errors
/// Why nothing may be applied.
pub async fn approval<'r>(
    record: &'r Record,
    key: &impl Mac,
    settings: &Settings,
) -> Result<&'r Decision, DecisionError> {
    let finding = &record.finding;
    let signed = record.decision.as_ref().ok_or(DecisionError::Forged)?;
    let decision = signed.verify(key, &settings.stack, &finding.id, finding.generation).await?;
    expect_approval(decision)?;
    if settings.approval.needed == ApprovalsNeeded::Two {
        let first = record.approvals.last().ok_or(DecisionError::Alone)?;
        let first = first.verify(key, &settings.stack, &finding.id, finding.generation).await?;
        expect_approval(first)?;
        if !same_plan(first, decision) || !are_distinct(&first.approver, &decision.approver) {
            return Err(DecisionError::Alone);
        }
    }
    Ok(decision)
}

fn expect_approval(decision: &Decision) -> Result<(), DecisionError> {
    match decision.verdict {
        Verdict::Approve => Ok(()),
        verdict => {
            Err(DecisionError::Elsewhere { found: format!("`{}`", verdict.as_str()), expected: "`approve`".to_owned() })
        }
    }
}

/// The remedies that this approval is about, or why it cannot be given.
fn approvable(record: &Record, request: &Request, settings: &Settings) -> Result<Vec<DecidedRemedy>, DecideError> {
    let finding = &record.finding;
    let nothing = |why: &str| Err(DecideError::Nothing(format!("approve: {why}")));
    if finding.outcome == Outcome::NotAuthorization {
        return nothing("no policy refused this send");
    }
    if !settings.apply {
        return Err(DecideError::SuggestOnly);
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

//! Documents put in place: the checks, the writes, the proof, and the way back. What the apply function and the command line
//! have in common.

use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::document::{digest, limits};
use sesame_diagnosis::finding::{Applicability, Cause, Certainty, Finding, Outcome, Remedy};
use sesame_diagnosis::world::World;
use sesame_diagnosis::{InvalidDocument, Options, diagnose};
use sesame_remediation::State;
use sesame_remediation::guard::{self, GuardRefusal};
use sesame_remediation::receipt::{Left, Receipt, SCHEMA, Verification, Written};

use crate::again;
use crate::documents;
use crate::ports::{PolicyWriter, PortError, WorldSource};

/// What is to be put in place.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// Ids of its remedies, in order.
    pub remedies: &'a [String],
    /// Also what is advice only. Only the embedded world may.
    pub force_advice: bool,
    /// How to evaluate again.
    pub options: &'a Options,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such remedy.
    #[error("the finding `{finding}` has no remedy `{remedy}`")]
    NoRemedy {
        /// The finding.
        finding: String,
        /// What was asked for.
        remedy: String,
    },
    /// One stands in the place of the other.
    #[error("`{0}` and `{1}` are alternatives, expected one of them")]
    Alternatives(String, String),
    /// There is nothing that may be written.
    #[error("nothing to apply: {0}")]
    Nothing(String),
    /// It is for somebody else to do.
    #[error("`{remedy}` is advice only: {why}")]
    AdviceOnly {
        /// The remedy.
        remedy: String,
        /// Why.
        why: String,
    },
    /// The content guard.
    #[error("`{remedy}` is {refusal}")]
    Guard {
        /// The remedy.
        remedy: String,
        /// What the guard says.
        refusal: GuardRefusal,
    },
    /// The finding's digest is not that of the finding's document.
    #[error("`{remedy}`: expected {field} to be the digest of its document; the finding was altered")]
    Altered {
        /// The remedy.
        remedy: String,
        /// Which.
        field: &'static str,
    },
    /// The document is not the one that the remedy was made for.
    #[error(
        "`{remedy}`: the document was changed since the diagnosis (expected {expected}, found {found}); diagnose again"
    )]
    Changed {
        /// The remedy.
        remedy: String,
        /// The digest that was expected.
        expected: String,
        /// The digest that was found.
        found: String,
    },
    /// AWS would not take it.
    #[error("`{remedy}`: {limit}")]
    Limit {
        /// The remedy.
        remedy: String,
        /// Which limit.
        limit: String,
    },
    /// A policy that bears on the request is broken.
    #[error(transparent)]
    Invalid(#[from] InvalidDocument),
    /// Something outside.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// An order that was checked: everything that can be known before something is written is known.
#[derive(Debug)]
pub struct Prepared<'a> {
    order: Order<'a>,
    chosen: Vec<&'a Remedy>,
    incident: Incident,
    world: World,
}

/// What came of writing.
#[derive(Debug)]
pub enum Attempt {
    /// It is told by the receipt: `applied`, or `failed` with what was written put back, if it could be.
    Ended(Receipt),
    /// Something outside that may pass kept it from being told how it ended. What is written stays, and another attempt takes
    /// it up.
    CutOff(Receipt, PortError),
}

/// Checks an order: the guard, the digests, the limits, and that the documents are those that the remedies were made for.
///
/// # Errors
/// Why nothing will be written.
pub async fn prepare<'a>(
    order: Order<'a>,
    source: &impl WorldSource,
    writer: &impl PolicyWriter,
) -> Result<Prepared<'a>, Refusal> {
    let chosen = choose(&order)?;
    let incident = again::incident(order.finding);
    let world = source.world(&incident).await?;
    // Every check that asks nobody comes before the first that does.
    for remedy in &chosen {
        check(&order, remedy, &world)?;
        let found = writer.read(&remedy.target).await?.as_ref().map(digest);
        // What is there already is what a run that was cut off left behind.
        if found != remedy.before_digest && found != remedy.after_digest {
            let expected = shown(remedy.before_digest.clone());
            return Err(Refusal::Changed { remedy: remedy.id.clone(), expected, found: shown(found) });
        }
    }
    Ok(Prepared { order, chosen, incident, world })
}

impl Prepared<'_> {
    /// The remedies that are to be written.
    pub fn remedies(&self) -> &[&Remedy] {
        &self.chosen
    }

    /// The world that they were checked in.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Writes, reads back, evaluates again.
    pub async fn write(self, source: &impl WorldSource, writer: &impl PolicyWriter) -> Attempt {
        let Prepared { order, chosen, incident, .. } = self;
        let left = left(order.finding, &chosen);
        let mut receipt = Receipt {
            schema: SCHEMA.to_owned(),
            finding: order.finding.id.clone(),
            generation: order.finding.generation,
            time: order.options.now,
            state: State::Applied,
            complete: left.is_empty(),
            written: Vec::new(),
            left,
            verification: Verification::default(),
            note: None,
        };
        match write_all(&order, &chosen, &incident, source, writer, &mut receipt).await {
            Ok(()) => receipt.note = incomplete(&receipt),
            Err(Stop::Passing(error)) => return Attempt::CutOff(receipt, error),
            Err(Stop::Failed(why)) => take_back(&mut receipt, why, writer).await,
        }
        Attempt::Ended(receipt)
    }
}

/// Puts back what a failed application wrote, and says how that went.
async fn take_back(receipt: &mut Receipt, why: String, writer: &impl PolicyWriter) {
    let restored = undo(&mut receipt.written, Altered::Goes, writer).await;
    receipt.state = State::Failed { restored: restored.is_ok() };
    receipt.complete = false;
    receipt.note = Some(match restored {
        Ok(()) => format!("{why}; everything was put back"),
        Err(error) => format!("{why}; and it could not be put back: {error}"),
    });
}

/// Puts remedies in place: checks everything, then writes. There is no other attempt: what cannot be finished is put back.
///
/// # Errors
/// Why nothing was written. Once something was written the result is a receipt.
pub async fn put_in_place(
    order: Order<'_>,
    source: &impl WorldSource,
    writer: &impl PolicyWriter,
) -> Result<Receipt, Refusal> {
    match prepare(order, source, writer).await?.write(source, writer).await {
        Attempt::Ended(receipt) => Ok(receipt),
        Attempt::CutOff(mut receipt, error) => {
            take_back(&mut receipt, error.to_string(), writer).await;
            Ok(receipt)
        }
    }
}

/// Takes back what a receipt says was written, the last first. What was put back leaves the list.
///
/// # Errors
/// A document that is not what was written any more stays as it is: whoever changed it since wants it so.
pub async fn put_back_all(written: &mut Vec<Written>, writer: &impl PolicyWriter) -> Result<(), PortError> {
    undo(written, Altered::Stays, writer).await
}

/// What becomes of a document of our name that is not what was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Altered {
    /// Somebody changed it since and wants it so.
    Stays,
    /// It was written a moment ago, in this very run.
    Goes,
}

async fn undo(written: &mut Vec<Written>, altered: Altered, writer: &impl PolicyWriter) -> Result<(), PortError> {
    while let Some(last) = written.last() {
        put_back(last, altered, writer).await?;
        written.pop();
    }
    Ok(())
}

/// Puts one document back and reads back until that is seen.
async fn put_back(written: &Written, altered: Altered, writer: &impl PolicyWriter) -> Result<(), PortError> {
    let found = writer.read(&written.target).await?.as_ref().map(digest);
    let before = written.before.as_ref().map(digest);
    let ours = found == before || found == written.after.as_ref().map(digest);
    if !ours && altered == Altered::Stays {
        let name = written.target.policy.as_deref().unwrap_or_default();
        return Err(PortError::lasting(format!(
            "`{name}` was changed since it was written; it is left as it is (expected {}, found {})",
            shown(written.after_digest.clone()),
            shown(found)
        )));
    }
    // Also when it reads as back: a document that was just written may not be seen yet, and comes to be.
    writer.put_back(written).await?;
    let mut attempt = 0;
    while writer.read(&written.target).await?.as_ref().map(digest) != before {
        if !writer.settle(attempt).await {
            return Err(PortError::passing(format!("`{}` was put back and still reads as written", written.remedy)));
        }
        attempt += 1;
    }
    Ok(())
}

fn shown(digest: Option<String>) -> String {
    digest.unwrap_or_else(|| "none".to_owned())
}

fn choose<'a>(order: &Order<'a>) -> Result<Vec<&'a Remedy>, Refusal> {
    let finding = order.finding;
    let mut chosen: Vec<&Remedy> = Vec::new();
    for id in order.remedies {
        let remedy = finding.remedy(id);
        let remedy = remedy.ok_or_else(|| Refusal::NoRemedy { finding: finding.id.clone(), remedy: id.clone() })?;
        let replaces = |a: &Remedy, b: &Remedy| a.alternative_to.as_deref() == Some(b.id.as_str());
        let siblings = |a: &Remedy, b: &Remedy| a.alternative_to.is_some() && a.alternative_to == b.alternative_to;
        if let Some(other) = chosen.iter().find(|b| replaces(remedy, b) || replaces(b, remedy) || siblings(remedy, b)) {
            return Err(Refusal::Alternatives(other.id.clone(), id.clone()));
        }
        chosen.push(remedy);
    }
    match chosen.is_empty() {
        true => Err(Refusal::Nothing("the finding has no plan".to_owned())),
        false => Ok(chosen),
    }
}

fn check(order: &Order<'_>, remedy: &Remedy, world: &World) -> Result<(), Refusal> {
    let id = || remedy.id.clone();
    let advice = remedy.applicability == Applicability::AdviceOnly;
    if advice && !order.force_advice {
        return Err(Refusal::AdviceOnly { remedy: id(), why: remedy.why.clone() });
    }
    if !advice {
        guard::check(order.finding, remedy).map_err(|refusal| Refusal::Guard { remedy: id(), refusal })?;
    }
    if remedy.before.as_ref().map(digest) != remedy.before_digest {
        return Err(Refusal::Altered { remedy: id(), field: "beforeDigest" });
    }
    if remedy.after.as_ref().map(digest) != remedy.after_digest {
        return Err(Refusal::Altered { remedy: id(), field: "afterDigest" });
    }
    let Some(after) = &remedy.after else { return Ok(()) };
    // The other policies of the same principal or identity count together with it.
    let beside = documents::at(world, &remedy.target).beside(remedy.target.policy.as_deref().unwrap_or_default());
    limits::check_document(remedy.target.kind, after, &beside)
        .map_err(|limit| Refusal::Limit { remedy: id(), limit: limit.to_string() })
}

/// The remedies of the plan that are neither chosen nor replaced by a chosen alternative.
fn left(finding: &Finding, chosen: &[&Remedy]) -> Vec<Left> {
    let done = |planned: &Remedy| {
        chosen.iter().any(|remedy| remedy.id == planned.id || remedy.alternative_to.as_deref() == Some(&planned.id))
    };
    let left = finding.planned().filter(|remedy| !done(remedy));
    left.map(|remedy| Left { remedy: remedy.id.clone(), why: remedy.why.clone() }).collect()
}

fn incomplete(receipt: &Receipt) -> Option<String> {
    let ids: Vec<&str> = receipt.left.iter().map(|left| left.remedy.as_str()).collect();
    (!ids.is_empty()).then(|| format!("the send stays refused until {} is done too", ids.join(", ")))
}

/// Why an application did not come to its end.
enum Stop {
    /// Another attempt may.
    Passing(PortError),
    /// What was written must not stay.
    Failed(String),
}

impl Stop {
    fn of(error: PortError, what: impl FnOnce(&PortError) -> String) -> Stop {
        match error.retry {
            true => Stop::Passing(error),
            false => Stop::Failed(what(&error)),
        }
    }
}

/// Writes, reads back, evaluates again, until the writer says that it should be seen by now.
async fn write_all(
    order: &Order<'_>,
    chosen: &[&Remedy],
    incident: &Incident,
    source: &impl WorldSource,
    writer: &impl PolicyWriter,
    receipt: &mut Receipt,
) -> Result<(), Stop> {
    for remedy in chosen {
        // Told before it is known whether it went through: a write that failed may have been one.
        receipt.written.push(written(remedy));
        let trace = writer.write(&remedy.target, remedy.after.as_ref()).await;
        let trace =
            trace.map_err(|error| Stop::of(error, |error| format!("`{}` could not be written: {error}", remedy.id)))?;
        if let Some(last) = receipt.written.last_mut() {
            (last.request_id, last.edit) = (trace.request_id, trace.edit);
        }
    }
    let mut attempt = 0;
    loop {
        let seen = match read_back(chosen, writer).await? {
            Ok(()) => evaluate_again(order, chosen, incident, source, receipt).await?,
            unseen => unseen,
        };
        match seen {
            Ok(()) => return Ok(()),
            Err(why) if !writer.settle(attempt).await => return Err(Stop::Failed(why)),
            Err(_) => attempt += 1,
        }
    }
}

/// What a remedy leaves on a receipt.
pub(crate) fn written(remedy: &Remedy) -> Written {
    Written {
        remedy: remedy.id.clone(),
        target: remedy.target.clone(),
        operation: remedy.operation,
        before: remedy.before.clone(),
        after: remedy.after.clone(),
        before_digest: remedy.before_digest.clone(),
        after_digest: remedy.after_digest.clone(),
        request_id: None,
        edit: None,
    }
}

/// Whether everything reads as it was written; the inner error says what does not, or not yet.
async fn read_back(chosen: &[&Remedy], writer: &impl PolicyWriter) -> Result<Result<(), String>, Stop> {
    for remedy in chosen.iter().filter(|remedy| remedy.after.is_some()) {
        let found = writer.read(&remedy.target).await;
        let found = found.map_err(|error| Stop::of(error, |error| format!("could not be read back: {error}")))?;
        if found.as_ref().map(digest) != remedy.after_digest {
            return Ok(Err(format!("`{}` reads back as something else than was written", remedy.id)));
        }
    }
    Ok(Ok(()))
}

/// Whether the same send is allowed now; the inner error says why it is not, or not yet.
async fn evaluate_again(
    order: &Order<'_>,
    chosen: &[&Remedy],
    incident: &Incident,
    source: &impl WorldSource,
    receipt: &mut Receipt,
) -> Result<Result<(), String>, Stop> {
    let again = |error: &dyn std::fmt::Display| format!("could not be evaluated again: {error}");
    let world = source.world(incident).await.map_err(|error| Stop::of(error, |error| again(error)))?;
    let now = diagnose(incident, &world, order.options).map_err(|error| Stop::Failed(again(&error)))?;
    receipt.verification =
        again::evaluate(incident, &world, order.options.strict).map_err(|error| Stop::Failed(again(&error)))?;
    Ok(judge(order.finding, chosen, &now, receipt))
}

/// Whether what was written did what it was written for: the causes that it was to mend are gone, and where nothing else is
/// left to do, the send is allowed, or turns on just what the remedies said it would turn on.
fn judge(before: &Finding, chosen: &[&Remedy], now: &Finding, receipt: &Receipt) -> Result<(), String> {
    let key = |finding: &Finding, cause: &Cause| {
        let request = finding.requests.get(cause.request);
        let request = request.map(|request| (request.action.to_ascii_lowercase(), request.resource.clone()));
        let policy = cause.policy.as_ref().map(|policy| (policy.name.clone(), policy.attached_to.clone()));
        let statement = cause.statement.as_ref().map(|statement| statement.pointer.clone());
        let level = cause.level.as_ref().map(|level| level.id.clone());
        (cause.kind, cause.layer.clone(), request, policy.filter(|_| statement.is_some()), statement, level)
    };
    let mended = chosen.iter().flat_map(|remedy| &remedy.fixes).filter_map(|index| before.causes.get(*index));
    for cause in mended {
        let wanted = key(before, cause);
        // What is only inferred is so from the refusal, which was of the policies as they were.
        let still = |cause: &Cause| cause.certainty == Certainty::Proven && key(now, cause) == wanted;
        if now.outcome == Outcome::Denied && now.causes.iter().any(still) {
            return Err(format!("the send is still refused: {}", cause.summary));
        }
    }
    let open = chosen.iter().any(|remedy| remedy.verification.allowed_after.is_none());
    match receipt.verification.allowed_after {
        Some(true) => Ok(()),
        // What is left to do may be just what still refuses.
        _ if !receipt.complete => Ok(()),
        None if open => Ok(()),
        None => Err(format!("whether the send is allowed is not known: {}", now.summary.why)),
        Some(false) => Err(format!("the send is still refused: {}", now.summary.why)),
    }
}

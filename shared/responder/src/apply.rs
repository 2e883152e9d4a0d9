//! Approved decisions put in place, and taken back.

use jiff::Timestamp;
use sesame_diagnosis::finding::{Operation, Remedy};
use sesame_remediation::decision::{DecidedRemedy, Decision, DecisionError};
use sesame_remediation::guard;
use sesame_remediation::mac::Mac;
use sesame_remediation::receipt::{Receipt, SCHEMA, Verification, Written};
use sesame_remediation::scope;
use sesame_remediation::state::{Event, IllegalTransition, State, next};

use crate::decide::approval;
use crate::notify::publish_due;
use crate::place::{Attempt, Order, Refusal, prepare, put_back_all, written};
use crate::ports::{Clock, FindingStore, PolicyWriter, PortError, Publisher, SaveError, WorldSource};
use crate::record::{Alert, Record};
use crate::settings::{Settings, Shared};
use crate::walls::{self, Breach, Controls};

/// How often a record that somebody else writes at the same time (a refusal that is counted) is tried again.
const ATTEMPTS: usize = 5;

/// Why nothing came of an application, not even a failure on record: another attempt may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// No such finding.
    #[error("there is no finding `{0}`")]
    NoFinding(String),
    /// It is not in a state for that.
    #[error(transparent)]
    State(#[from] IllegalTransition),
    /// The key could not be used.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// Somebody else changed the record at the same time.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// Something outside that may pass.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Does what a record waits for: applies, takes back, or tells what was not told yet. Safe to repeat, at any point.
pub async fn work(
    finding: &str,
    source: &impl WorldSource,
    writer: &impl PolicyWriter,
    key: &impl Mac,
    controls: &impl Controls,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    let record = load(finding, shared.store).await?;
    match record.state {
        State::Approved | State::Applying => apply(finding, source, writer, key, controls, shared).await,
        State::RollingBack => roll_back(finding, writer, key, shared).await,
        // A run that was cut off after its last word was stored.
        _ => Ok(publish_due(record, shared).await?),
    }
}

/// Applies what was approved.
///
/// The decision's code is checked before anything else is believed; then its age, what it rests on, the walls of the stack, the
/// switch. A run that was cut off is taken up again: what is written already reads as what was to be written.
pub async fn apply(
    finding: &str,
    source: &impl WorldSource,
    writer: &impl PolicyWriter,
    key: &impl Mac,
    controls: &impl Controls,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    let Shared { store, clock, settings, .. } = shared;
    let mut record = load(finding, store).await?;
    let resumed = record.state == State::Applying;
    if !resumed {
        // Nothing is changed by asking: only what is approved can start.
        next(record.state, Event::Start)?;
    }
    let decision = match approval(&record, key, settings).await {
        Err(DecisionError::Key(error)) => return Err(DecisionError::Key(error).into()),
        Err(error) => return disown(record, error.to_string(), shared).await,
        Ok(decision) => decision.clone(),
    };
    if let Err(why) = stands(&record, &decision, settings, clock.now()) {
        return give_up(record, &decision, format!("{why}; nothing is applied"), writer, shared).await;
    }
    match controls.is_on().await {
        Ok(true) => {}
        Ok(false) => {
            let why = "the stack's switch for applications is off; nothing is applied".to_owned();
            return give_up(record, &decision, why, writer, shared).await;
        }
        Err(error) if error.retry => return Err(error.into()),
        Err(error) => {
            let why = format!("the stack's switch for applications cannot be read, so it counts as off: {error}");
            return give_up(record, &decision, why, writer, shared).await;
        }
    }
    let remedies: Vec<String> = decision.remedies.iter().map(|decided| decided.id.clone()).collect();
    let finding = record.finding.clone();
    let options = settings.options(clock.now());
    let order = Order { finding: &finding, remedies: &remedies, force_advice: false, options: &options };
    let prepared = match prepare(order, source, writer).await {
        Ok(prepared) => prepared,
        Err(Refusal::Port(error)) if error.retry => return Err(error.into()),
        Err(refusal @ Refusal::Changed { .. }) if !resumed => {
            return finish(record, Event::Supersede, Some(refusal.to_string()), shared).await;
        }
        Err(refusal) => return give_up(record, &decision, refusal.to_string(), writer, shared).await,
    };
    if let Err(breach) = walls::check_boundary(settings, prepared.remedies(), prepared.world()) {
        return give_up(record, &decision, format!("{breach}; nothing is applied"), writer, shared).await;
    }
    if let Some(most) = settings.walls.grants_a_day {
        let application = format!("{}#{}", finding.id, finding.generation);
        let refused = match controls.count(&application, clock.now(), most).await {
            Ok(true) => None,
            Ok(false) => Some(format!("{most} applications began within 24 hours, the most that this stack may")),
            Err(error) if error.retry => return Err(error.into()),
            Err(error) => Some(format!("the applications of the last 24 hours cannot be counted: {error}")),
        };
        if let Some(why) = refused {
            return give_up(record, &decision, format!("{why}; nothing is applied"), writer, shared).await;
        }
    }
    let now = clock.now();
    match resumed {
        false => record.advance(Event::Start, now, None)?,
        // Whoever began it and is still about must not have the last word.
        true => record.since = now,
    }
    record.alert = Alert::Sent; // nothing to tell until it is done
    store.save(&mut record).await?;
    let receipt = match prepared.write(source, writer).await {
        Attempt::Ended(receipt) => receipt,
        Attempt::CutOff(_, error) => return Err(error.into()),
    };
    let event = match receipt.state {
        State::Failed { restored } => Event::Fail { restored },
        _ => Event::Complete,
    };
    let note = receipt.note.clone();
    record.receipt = Some(receipt);
    finish(record, event, note, shared).await
}

/// Takes back what was applied: only documents of ours, and only those that still are what was written.
pub async fn roll_back(
    finding: &str,
    writer: &impl PolicyWriter,
    key: &impl Mac,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    let mut record = load(finding, shared.store).await?;
    if record.state != State::RollingBack {
        return Err(IllegalTransition { from: record.state, event: Event::RollBackComplete }.into());
    }
    let decision = match undo(&record, key, shared.settings).await {
        Err(DecisionError::Key(error)) => return Err(DecisionError::Key(error).into()),
        Err(error) => return finish(record, Event::RollBackFail, Some(error.to_string()), shared).await,
        Ok(decision) => decision.clone(),
    };
    let Some(mut receipt) = record.receipt.clone() else {
        let why = Some("there is no receipt of an application".to_owned());
        return finish(record, Event::RollBackFail, why, shared).await;
    };
    if let Err(why) = may_take_back(&record, &receipt, &decision, shared) {
        return finish(record, Event::RollBackFail, Some(why), shared).await;
    }
    let mut written = receipt.written.clone();
    match put_back_all(&mut written, writer).await {
        Ok(()) => {
            receipt.state = State::RolledBack;
            record.receipt = Some(receipt);
            finish(record, Event::RollBackComplete, None, shared).await
        }
        Err(error) if error.retry => Err(error.into()),
        Err(error) => {
            receipt.written = written;
            record.receipt = Some(receipt);
            finish(record, Event::RollBackFail, Some(error.to_string()), shared).await
        }
    }
}

async fn load(finding: &str, store: &impl FindingStore) -> Result<Record, ApplyError> {
    store.load(finding).await?.ok_or_else(|| ApplyError::NoFinding(finding.to_owned()))
}

/// The decision to take back what was applied, verified.
async fn undo<'r>(record: &'r Record, key: &impl Mac, settings: &Settings) -> Result<&'r Decision, DecisionError> {
    let signed = record.decision.as_ref().ok_or(DecisionError::Forged)?;
    let finding = &record.finding;
    let decision = signed.verify(key, &settings.stack, &finding.id, finding.generation).await?;
    if !decision.verdict.is_undo() {
        let found = format!("`{}`", decision.verdict.as_str());
        return Err(DecisionError::Elsewhere { found, expected: "`roll-back` or `revoke`".to_owned() });
    }
    Ok(decision)
}

/// Whether what was decided may be written: the decision is fresh, the finding is the one that was decided about, and every
/// wall that needs no question lets it through.
fn stands(record: &Record, decision: &Decision, settings: &Settings, now: Timestamp) -> Result<(), String> {
    if !settings.apply {
        return Err("this stack only suggests".to_owned());
    }
    let says = |breach: Breach| breach.to_string();
    walls::check_age(decision, now).map_err(says)?;
    let remedies = as_decided(record, decision)?;
    walls::check(settings, &record.finding, &remedies, decision).map_err(says)?;
    remedies.iter().try_for_each(|remedy| {
        guard::check(&record.finding, remedy).map_err(|refusal| format!("`{}` is {refusal}", remedy.id))
    })
}

/// The remedies that were decided about, if they are still what they were.
fn as_decided<'r>(record: &'r Record, decision: &Decision) -> Result<Vec<&'r Remedy>, String> {
    let finding = &record.finding;
    let mut remedies = Vec::new();
    for decided in &decision.remedies {
        let stored = finding.remedy(&decided.id).filter(|stored| DecidedRemedy::from(*stored) == *decided);
        remedies.push(stored.ok_or_else(|| format!("`{}` is not what was approved", decided.id))?);
    }
    let ids: Vec<&str> = decision.remedies.iter().map(|decided| decided.id.as_str()).collect();
    match scope::of_remedies(finding, &ids) == decision.scope {
        true => Ok(remedies),
        false => Err(Breach::Altered.to_string()),
    }
}

/// Whether a receipt may be taken back: it is the one that was decided about, and what it would put back is ours.
fn may_take_back(
    record: &Record,
    receipt: &Receipt,
    decision: &Decision,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<(), String> {
    let finding = &record.finding;
    walls::check_age(decision, shared.clock.now()).map_err(|breach| breach.to_string())?;
    if scope::of_written(finding, &receipt.written) != decision.scope {
        return Err("the receipt is not the one that was decided about".to_owned());
    }
    receipt.written.iter().try_for_each(|written| {
        let refused = |why: &dyn std::fmt::Display| format!("`{}`: {why}", written.remedy);
        walls::check_place(shared.settings, finding, &written.remedy, &written.target).map_err(|why| refused(&why))?;
        // Deleting our own is all that is done where nothing stood before.
        let Some(before) = &written.before else { return Ok(()) };
        let remedy = finding.remedy(&written.remedy).ok_or_else(|| refused(&"the finding has no such remedy"))?;
        let back = Remedy { target: written.target.clone(), after: Some(before.clone()), ..remedy.clone() };
        guard::check(finding, &back).map_err(|why| refused(&why))
    })
}

/// Ends an application that cannot go on. A run that was cut off may have left documents of ours; they go first.
async fn give_up(
    record: Record,
    decision: &Decision,
    why: String,
    writer: &impl PolicyWriter,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    if record.state != State::Applying {
        return fail(record, why, Some(Vec::new()), shared).await;
    }
    // What was altered behind an approval says nothing about what was written; that is for people to look at.
    let Ok(remedies) = as_decided(&record, decision) else { return disown(record, why, shared).await };
    let may = |remedy: &&Remedy| remedy.operation == Operation::Put && guard::check(&record.finding, remedy).is_ok();
    let mut left: Vec<Written> = remedies.into_iter().filter(may).map(written).collect();
    let restored = take_back(&record, &mut left, shared.settings, writer).await;
    match restored {
        Ok(()) => fail(record, why, Some(Vec::new()), shared).await,
        Err(error) if error.retry => Err(error.into()),
        Err(error) => {
            let why = format!("{why}; and what was written could not be put back: {error}");
            fail(record, why, Some(left), shared).await
        }
    }
}

/// Puts back what a run that was cut off may have written, as far as this stack may write there.
async fn take_back(
    record: &Record,
    left: &mut Vec<Written>,
    settings: &Settings,
    writer: &impl PolicyWriter,
) -> Result<(), PortError> {
    for written in left.iter() {
        // A place that was taken off the list meanwhile is one where IAM refuses us.
        walls::check_place(settings, &record.finding, &written.remedy, &written.target)
            .map_err(|breach| PortError::lasting(breach.to_string()))?;
    }
    put_back_all(left, writer).await
}

/// Ends a record whose decision is worth nothing. Nothing that it says is acted on, not even to clean up.
async fn disown(
    record: Record,
    why: String,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    if record.state != State::Applying {
        return fail(record, why, Some(Vec::new()), shared).await;
    }
    let policy = format!("{}{}", guard::PREFIX, record.finding.id);
    let why = format!("{why}. An application had begun: look for a policy `{policy}`, and delete what nobody approved");
    fail(record, why, None, shared).await
}

/// Nothing more will be written. `left` is what could not be put back; `None` when that is not known.
async fn fail(
    mut record: Record,
    why: String,
    left: Option<Vec<Written>>,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    let restored = left.as_ref().is_some_and(Vec::is_empty);
    record.receipt = Some(Receipt {
        schema: SCHEMA.to_owned(),
        finding: record.finding.id.clone(),
        generation: record.finding.generation,
        time: shared.clock.now(),
        state: State::Failed { restored },
        complete: false,
        written: left.unwrap_or_default(),
        left: Vec::new(),
        verification: Verification::default(),
        note: Some(why.clone()),
    });
    finish(record, Event::Fail { restored }, Some(why), shared).await
}

/// Stores how it ended and tells of it. A refusal that was counted meanwhile is kept.
async fn finish(
    mut record: Record,
    event: Event,
    note: Option<String>,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    let begun = (record.state, record.since, record.decision.clone());
    let mut attempts = 0;
    loop {
        let now = shared.clock.now();
        let mut ended = record.clone();
        if matches!(event, Event::Fail { .. }) && ended.state == State::Approved {
            ended.advance(Event::Start, now, None)?;
        }
        ended.advance(event, now, note.clone())?;
        ended.alert = Alert::Due;
        match shared.store.save(&mut ended).await {
            Ok(()) => return Ok(publish_due(ended, shared).await?),
            Err(SaveError::Conflict(id)) if attempts < ATTEMPTS => {
                let stored = load(&id, shared.store).await?;
                if (stored.state, stored.since, stored.decision.clone()) != begun {
                    return Err(SaveError::Conflict(id).into());
                }
                record = Record { receipt: record.receipt, ..stored };
                attempts += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

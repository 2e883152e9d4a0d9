//! Approved decisions put in place, and taken back.

use sesame_diagnosis::finding::{Operation, Remedy};
use sesame_remediation::decision::{DecidedRemedy, Decision, DecisionError};
use sesame_remediation::mac::Mac;
use sesame_remediation::receipt::{Receipt, SCHEMA, Verification, Written};
use sesame_remediation::state::{Event, IllegalTransition, State, next};

use crate::decide::approval;
use crate::notify::publish_due;
use crate::place::{Order, Refusal, prepare, put_back_all};
use crate::ports::{Clock, FindingStore, PolicyWriter, PortError, Publisher, SaveError, WorldSource};
use crate::record::{Alert, Record};
use crate::settings::{Settings, Shared};

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

/// Applies what was approved.
///
/// The decision's code is checked before anything else is believed. A run that was cut off is taken up again: what is written
/// already reads as what was to be written.
pub async fn apply(
    finding: &str,
    source: &impl WorldSource,
    writer: &impl PolicyWriter,
    key: &impl Mac,
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
        Err(error) => return fail(record, error.to_string(), shared).await,
        Ok(decision) => decision.clone(),
    };
    if !settings.apply {
        let why = "the stack's switch for applications is off; nothing was written".to_owned();
        return give_up(record, &decision, why, writer, shared).await;
    }
    if let Some(altered) = decision.remedies.iter().find(|decided| !stands(&record, decided)) {
        let why = format!("`{}` is not what was approved; nothing was written", altered.id);
        return give_up(record, &decision, why, writer, shared).await;
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
    if !resumed {
        record.advance(Event::Start, clock.now(), None)?;
        record.alert = Alert::Sent; // nothing to tell until it is done
        store.save(&mut record).await?;
    }
    let receipt = prepared.write(source, writer).await;
    let event = match receipt.state {
        State::Failed { restored } => Event::Fail { restored },
        _ => Event::Complete,
    };
    let note = receipt.note.clone();
    record.receipt = Some(receipt);
    finish(record, event, note, shared).await
}

/// Ends an application that cannot go on. A run that was cut off may have left documents of ours; they go first.
async fn give_up(
    record: Record,
    decision: &Decision,
    why: String,
    writer: &impl PolicyWriter,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    match take_back_own(&record, decision, writer).await {
        Ok(()) => fail(record, why, shared).await,
        Err(error) if error.retry => Err(error.into()),
        Err(error) => {
            let why = format!("{why}; and what was written could not be put back: {error}");
            finish(record, Event::Fail { restored: false }, Some(why), shared).await
        }
    }
}

/// Takes back what was applied.
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
    match undo(&record, key, shared.settings).await {
        Err(DecisionError::Key(error)) => return Err(DecisionError::Key(error).into()),
        Err(error) => {
            return finish(record, Event::RollBackFail, Some(error.to_string()), shared).await;
        }
        Ok(_) => {}
    }
    let Some(mut receipt) = record.receipt.clone() else {
        let why = Some("there is no receipt of an application".to_owned());
        return finish(record, Event::RollBackFail, why, shared).await;
    };
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

fn stands(record: &Record, decided: &DecidedRemedy) -> bool {
    record.finding.remedy(&decided.id).is_some_and(|stored| DecidedRemedy::from(stored) == *decided)
}

/// What a run that was cut off wrote reads as what was to be written; that is put back.
async fn take_back_own(record: &Record, decision: &Decision, writer: &impl PolicyWriter) -> Result<(), PortError> {
    let remedies = decision.remedies.iter().filter_map(|decided| record.finding.remedy(&decided.id));
    for remedy in remedies.filter(|remedy| remedy.operation == Operation::Put && remedy.before != remedy.after) {
        if writer.read(&remedy.target).await? == remedy.after {
            writer.put_back(&written(remedy)).await?;
        }
    }
    Ok(())
}

fn written(remedy: &Remedy) -> Written {
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

/// Nothing was written, and nothing will be.
async fn fail(
    mut record: Record,
    why: String,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    record.receipt = Some(Receipt {
        schema: SCHEMA.to_owned(),
        finding: record.finding.id.clone(),
        generation: record.finding.generation,
        time: shared.clock.now(),
        state: State::Failed { restored: true },
        complete: false,
        written: Vec::new(),
        left: Vec::new(),
        verification: Verification::default(),
        note: Some(why.clone()),
    });
    finish(record, Event::Fail { restored: true }, Some(why), shared).await
}

async fn finish(
    mut record: Record,
    event: Event,
    note: Option<String>,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, ApplyError> {
    let now = shared.clock.now();
    if matches!(event, Event::Fail { .. }) && record.state == State::Approved {
        record.advance(Event::Start, now, None)?;
    }
    record.advance(event, now, note)?;
    record.alert = Alert::Due;
    shared.store.save(&mut record).await?;
    Ok(publish_due(record, shared).await?)
}

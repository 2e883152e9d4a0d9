//! The outbox: what is stored as due is told, then marked as told. A crash between the two tells it twice, never not at all.

use sesame_remediation::State;
use sesame_remediation::decision::Verdict;
use sesame_render::Phase;

use crate::audit;
use crate::ports::{Clock, FindingStore, Notice, PortError, Publisher, SaveError};
use crate::record::{Act, Alert, Record};
use crate::settings::Shared;

/// Tells of a record whose alert is due.
pub async fn publish_due(
    record: Record,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, PortError> {
    match record.alert {
        Alert::Due => publish(record, shared).await,
        Alert::Attempts | Alert::Sent => Ok(record),
    }
}

/// Tells how a record stands and that attempts were refused since the last message.
pub async fn publish_attempts(
    record: Record,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, PortError> {
    match record.alert {
        Alert::Attempts => publish(record, shared).await,
        Alert::Due | Alert::Sent => Ok(record),
    }
}

async fn publish(
    mut record: Record,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, PortError> {
    if let Some(phase) = phase_of(&record) {
        shared.publisher.publish(Notice { phase, record: &record }).await?;
        record.alerted = Some(shared.clock.now());
    }
    record.alert = Alert::Sent;
    match shared.store.save(&mut record).await {
        Ok(()) => Ok(record),
        // Whoever changed it in between left it due, or has told of it: the sweep will see.
        Err(SaveError::Conflict(id)) => Ok(shared.store.load(&id).await?.unwrap_or(record)),
        Err(SaveError::Port(error)) => Err(error),
    }
}

/// Tells of everything that was stored and not told.
pub async fn publish_all_due(
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<usize, PortError> {
    let mut told = 0;
    for id in shared.store.unfinished().await? {
        if let Some(record) = shared.store.load(&id).await?.filter(|record| record.alert == Alert::Due) {
            publish_due(record, shared).await?;
            told += 1;
        }
    }
    Ok(told)
}

/// The phase that tells of how a record stands; `None` while something is under way.
pub fn phase_of(record: &Record) -> Option<Phase> {
    let last = record.last();
    let act = last.and_then(|last| last.act);
    match record.state {
        State::Open => {
            let from = last.filter(|last| last.act == Some(Act::Reopen)).and_then(|last| last.from);
            match from {
                Some(State::Applied | State::Failed { restored: false }) => Some(Phase::StillRefused),
                _ => Some(Phase::Finding),
            }
        }
        State::Approved => Some(Phase::Approved),
        State::Applied if act == Some(Act::Quiet) => Some(Phase::Quiet),
        State::Applied if act == Some(Act::Vanish) => Some(Phase::Revoked),
        State::Applied | State::Failed { .. } if act == Some(Act::Change) => Some(Phase::Superseded),
        State::Applied => Some(Phase::Applied),
        State::Failed { .. } => Some(Phase::Failed),
        State::Rejected => Some(Phase::Rejected),
        State::Muted => Some(Phase::Muted),
        State::Expired => Some(Phase::Expired),
        State::Superseded => Some(Phase::Superseded),
        State::RolledBack if act == Some(Act::Vanish) || is_revocation(record) => Some(Phase::Revoked),
        State::RolledBack => Some(Phase::RolledBack),
        State::Applying | State::RollingBack => None,
    }
}

fn is_revocation(record: &Record) -> bool {
    record.decision.as_ref().is_some_and(|signed| signed.decision.verdict == Verdict::Revoke)
}

/// What a message says beside its phase: by whom, why, since when; `None` where the phase says it all.
pub fn detail(record: &Record) -> Option<String> {
    let parts = [standing(record), attempts(record)].into_iter().flatten();
    parts.reduce(|said, more| format!("{}. {more}", said.trim_end_matches('.')))
}

/// What was refused since the last message, where that is why there is another.
fn attempts(record: &Record) -> Option<String> {
    let refused = since_last_told(record).into_iter().filter(|line| line.refused.is_some());
    let refused: Vec<audit::Line> = refused.collect();
    let last = refused.last().filter(|_| record.alert == Alert::Attempts)?;
    let count = match refused.len() {
        1 => "An attempt was refused".to_owned(),
        many => format!("{many} attempts were refused, the last one"),
    };
    let what = last.act.map(Act::as_str).unwrap_or_default();
    let from = last.source_ip.as_deref().map(|ip| format!(" from `{}`", ip.replace('`', "'"))).unwrap_or_default();
    let who = record.history.iter().rfind(|entry| entry.refused.is_some()).and_then(|entry| entry.by.as_ref());
    let who = who.map(|by| format!(" by {}", audit::who(by))).unwrap_or_default();
    let why = last.refused.as_deref().unwrap_or_default();
    Some(format!("{count}: to {what}{who}{from} at {}: {why}", last.time))
}

fn standing(record: &Record) -> Option<String> {
    let last = record.last()?;
    let said = audit::detail(last);
    let failed = (last.act == Some(Act::RollBackFail)).then_some("It could not be taken back");
    let said = match (failed, said) {
        (Some(failed), Some(said)) => Some(format!("{failed}: {said}")),
        (failed, said) => said.or_else(|| failed.map(str::to_owned)),
    };
    // What Sesame did by itself it did on somebody's word.
    let decided = record.decision.as_ref().filter(|signed| {
        let ended = matches!(
            last.act,
            Some(Act::Complete | Act::Fail | Act::RollBackComplete | Act::RollBackFail | Act::Supersede)
        );
        ended && signed.decision.generation == record.finding.generation
    });
    let by = decided.map(|signed| audit::decided(&signed.decision));
    match (said, by) {
        (Some(said), Some(by)) => Some(format!("{}. {by}", said.trim_end_matches('.'))),
        (said, by) => said.or(by),
    }
}

/// What happened since the message before, and what was tried: at most the last twenty.
pub fn since_last_told(record: &Record) -> Vec<audit::Line> {
    let mut lines = audit::lines(record);
    lines.retain(|line| record.alerted.is_none_or(|alerted| line.time >= alerted));
    let surplus = lines.len().saturating_sub(20);
    lines.drain(..surplus);
    lines
}

//! The outbox: what is stored as due is told, then marked as told. A crash between the two tells it twice, never not at all.

use sesame_remediation::State;
use sesame_render::Phase;

use crate::ports::{Clock, FindingStore, Notice, PortError, Publisher, SaveError};
use crate::record::{Alert, Record};
use crate::settings::Shared;

/// Tells of a record whose alert is due.
pub async fn publish_due(
    mut record: Record,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, PortError> {
    if record.alert != Alert::Due {
        return Ok(record);
    }
    if let Some(phase) = phase_of(record.state) {
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

/// The phase that tells of a state; `None` while something is under way.
pub fn phase_of(state: State) -> Option<Phase> {
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

//! The messages of a queue: which held refused sends, which are put aside, and which must come again.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use sesame_diagnosis::denial::Denial;
use sesame_diagnosis::fold;
use sesame_diagnosis::input::{self, QueueMessage};
use sesame_responder::Shared;
use sesame_responder::diagnose::{Diagnosed, diagnose};
use sesame_responder::ports::{Clock, FindingStore, PortError, Publisher, WorldSource};

/// Puts aside what no attempt can work through.
pub(crate) trait SetAside {
    /// Keeps a message's body with the reason.
    fn set_aside(&self, body: &str, reason: &str) -> impl Future<Output = Result<(), PortError>>;
}

impl SetAside for sesame_aws::DeadLetters {
    async fn set_aside(&self, body: &str, reason: &str) -> Result<(), PortError> {
        self.put(body, reason).await
    }
}

/// What came of a batch.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Worked {
    /// Ids of messages that must come again.
    pub again: BTreeSet<String>,
    /// Messages that could not be read, and are put aside.
    pub poison: u64,
    /// Refused sends that were read.
    pub denials: u64,
    /// Findings that were stored.
    pub findings: u64,
    /// Records that are no refused send.
    pub skipped: u64,
}

/// Works through a batch. One message's trouble is never another's: what is readable is diagnosed, what is not is put aside
/// with the reason, and only messages whose finding could not be stored or published come again.
pub(crate) async fn work_through(
    messages: Vec<QueueMessage>,
    poison: &impl SetAside,
    source: &impl WorldSource,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Worked {
    let mut worked = Worked::default();
    let mut denials: Vec<Denial> = Vec::new();
    let mut holders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in messages {
        let id = message.message_id.unwrap_or_default();
        let read = input::read(message.body.as_bytes(), &format!("message {id}"));
        worked.skipped += read.skipped.total();
        for denial in read.denials {
            holders.entry(fold::id(&denial)).or_default().insert(id.clone());
            denials.push(denial);
        }
        // A message may hold readable records beside the broken one: those are diagnosed all the same.
        if let Some(error) = read.errors.first() {
            tracing::error!(message_id = id, reason = %error, "message put aside");
            match poison.set_aside(&message.body, &error.to_string()).await {
                Ok(()) => worked.poison += 1,
                Err(error) => {
                    tracing::error!(message_id = id, error = %error, "message could not be put aside");
                    worked.again.insert(id);
                }
            }
        }
    }
    worked.denials = denials.len() as u64;
    for Diagnosed { finding, result } in diagnose(denials, source, shared).await {
        match result {
            Ok(record) => {
                worked.findings += 1;
                let (outcome, count) = (record.finding.outcome, record.finding.event.count);
                tracing::info!(finding, ?outcome, count, gaps = record.finding.gaps.len(), "diagnosed");
            }
            Err(error) => {
                tracing::error!(finding, error = %error, "not stored or not published; the messages come again");
                worked.again.extend(holders.remove(&finding).unwrap_or_default());
            }
        }
    }
    worked
}

#[cfg(test)]
mod tests;

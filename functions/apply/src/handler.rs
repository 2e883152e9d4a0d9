//! One invocation: a batch of the table's stream.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sesame_aws::{AwsPolicyWriter, Clients, DeadLetters, DynamoControls, FreshWorld, KmsKey};
use sesame_lambda::{Fault, Metrics, Stack, SystemClock};
use sesame_responder::apply::{ApplyError, work};
use sesame_responder::ports::{Clock, PortError, SaveError};

use crate::Configuration;
use crate::stream::{Content, entries};

/// What lives as long as the process.
#[derive(Debug)]
pub(crate) struct Handler {
    stack: Stack,
    source: FreshWorld,
    writer: AwsPolicyWriter,
    key: KmsKey,
    controls: DynamoControls,
    dead_letters: DeadLetters,
}

#[derive(Debug, Default)]
struct Counts {
    worked: u64,
    again: u64,
    poison: u64,
}

impl Handler {
    pub(crate) fn new(configuration: Configuration, clients: Clients) -> Handler {
        let Configuration { environment, remediation, readable, writable, dead_letters } = configuration;
        let (account, table) = (environment.account.clone(), environment.table.clone());
        let mut stack = Stack::new(environment, readable, clients.clone());
        stack.settings.apply = remediation.applies;
        stack.settings.apply_role_accounts = remediation.apply_role_accounts;
        stack.settings.approval.needed = remediation.approvals_needed;
        stack.settings.walls = remediation.walls;
        Handler {
            source: stack.fresh_world(),
            writer: AwsPolicyWriter::new(clients.clone(), account, writable),
            key: KmsKey::new(clients.clone(), remediation.decision_key),
            controls: DynamoControls::new(clients.clone(), table),
            dead_letters: DeadLetters::new(clients, dead_letters),
            stack,
        }
    }

    /// One finding after the other. One's trouble is never another's: only those that another attempt may help come again.
    pub(crate) async fn handle(&self, event: Value) -> Result<Value, Fault> {
        let mut counts = Counts::default();
        // A finding that is in the batch twice is looked at once: what is done is what the table says now.
        let mut waiting: BTreeMap<String, String> = BTreeMap::new();
        let mut again: Vec<String> = Vec::new();
        for entry in entries(&event).map_err(Fault::Input)? {
            match entry.content {
                Content::Waits(finding) => drop(waiting.entry(finding).or_insert(entry.sequence_number)),
                Content::Nothing => {}
                Content::Broken(reason) => {
                    let number = &entry.sequence_number;
                    match self.put_aside(number, &reason).await {
                        Ok(()) => counts.poison += 1,
                        Err(_) => again.push(entry.sequence_number),
                    }
                }
            }
        }
        for (finding, sequence_number) in waiting {
            match self.work(&finding).await {
                Ok(()) => counts.worked += 1,
                // It would stop every other finding behind it, and the sweep brings it here again.
                Err(error) if is_lasting(&error) => match self.put_aside(&finding, &error.to_string()).await {
                    Ok(()) => counts.poison += 1,
                    Err(_) => again.push(sequence_number),
                },
                Err(error) => {
                    tracing::error!(finding, error = %error, "not done; the record comes again");
                    again.push(sequence_number);
                }
            }
        }
        counts.again = again.len() as u64;
        self.measure(&counts);
        let failures = again.iter().map(|sequence_number| json!({"itemIdentifier": sequence_number}));
        Ok(json!({"batchItemFailures": failures.collect::<Vec<_>>()}))
    }

    /// Keeps what no attempt of this batch can work through, with the reason.
    async fn put_aside(&self, what: &str, reason: &str) -> Result<(), PortError> {
        tracing::error!(what, reason, "put aside");
        let kept = self.dead_letters.put(what, reason).await;
        kept.inspect_err(|error| tracing::error!(what, error = %error, "could not be put aside"))
    }

    async fn work(&self, finding: &str) -> Result<(), ApplyError> {
        match work(finding, &self.source, &self.writer, &self.key, &self.controls, self.stack.shared()).await {
            Ok(record) => {
                let state = record.state.as_str();
                tracing::info!(finding, state, generation = record.finding.generation, "worked through");
                Ok(())
            }
            // The table forgot it, or somebody was quicker: there is nothing left to do.
            Err(error @ (ApplyError::NoFinding(_) | ApplyError::State(_))) => {
                tracing::warn!(finding, reason = %error, "nothing to do");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn measure(&self, counts: &Counts) {
        Metrics::new(&self.stack.settings.stack, "apply")
            .count("Worked", counts.worked)
            .count("Again", counts.again)
            .count("Poison", counts.poison)
            .write(SystemClock.now());
    }
}

/// Whether another attempt meets the same.
fn is_lasting(error: &ApplyError) -> bool {
    matches!(error, ApplyError::Port(error) | ApplyError::Save(SaveError::Port(error)) if !error.retry)
}

//! One invocation: a batch of the queue, or an event that somebody passed to the function directly.

use serde_json::{Value, json};
use sesame_aws::{Clients, DeadLetters};
use sesame_diagnosis::finding::Provenance;
use sesame_diagnosis::input;
use sesame_lambda::{Fault, Metrics, Stack, SystemClock};
use sesame_responder::diagnose::{DiagnoseError, diagnose};
use sesame_responder::ports::{Clock, PortError, SaveError};

use crate::Configuration;
use crate::batch::{Worked, work_through};

/// What lives as long as the process.
#[derive(Debug)]
pub(crate) struct Handler {
    stack: Stack,
    dead_letters: DeadLetters,
}

impl Handler {
    pub(crate) async fn new(configuration: Configuration, clients: Clients) -> Handler {
        let Configuration { environment, readable, apply_role_accounts, links, dead_letters } = configuration;
        let links = sesame_lambda::links(links, &environment.stack, &clients).await;
        let mut stack = Stack::new(environment, readable, clients.clone()).with_links(links);
        // What may be written there is planned for Sesame, and not as advice.
        stack.settings.apply_role_accounts = apply_role_accounts;
        Handler { stack, dead_letters: DeadLetters::new(clients, dead_letters) }
    }

    pub(crate) async fn handle(&self, event: Value) -> Result<Value, Fault> {
        let bytes = event.to_string().into_bytes();
        match input::queue_messages(&bytes) {
            Some(messages) => {
                let count = messages.len();
                let worked = work_through(messages, &self.dead_letters, &self.stack.world(), self.stack.shared()).await;
                self.measure(count, &worked);
                let failures = worked.again.iter().map(|id| json!({"itemIdentifier": id}));
                Ok(json!({"batchItemFailures": failures.collect::<Vec<_>>()}))
            }
            None => self.handle_direct(&bytes).await,
        }
    }

    /// Whoever may invoke the function may claim anything: such an event never counts as CloudTrail's.
    async fn handle_direct(&self, bytes: &[u8]) -> Result<Value, Fault> {
        let mut read = input::read(bytes, "the event");
        if let Some(error) = read.errors.first() {
            return Err(Fault::Input(error.to_string()));
        }
        for denial in read.denials.iter_mut().filter(|denial| denial.provenance == Provenance::Cloudtrail) {
            denial.provenance = Provenance::Invoke;
        }
        let mut findings = Vec::new();
        for diagnosed in diagnose(read.denials, &self.stack.world(), self.stack.shared()).await {
            let record = diagnosed.result.map_err(|error| match error {
                DiagnoseError::Save(SaveError::Port(error)) => Fault::Aws(error),
                error => Fault::Aws(PortError::passing(error.to_string())),
            })?;
            findings.push(record.finding.id);
        }
        Ok(json!({"findings": findings}))
    }

    fn measure(&self, messages: usize, worked: &Worked) {
        Metrics::new(&self.stack.settings.stack, "diagnose")
            .count("Messages", messages)
            .count("Denials", worked.denials)
            .count("Findings", worked.findings)
            .count("Skipped", worked.skipped)
            .count("Poison", worked.poison)
            .count("Again", worked.again.len())
            .write(SystemClock.now());
    }
}

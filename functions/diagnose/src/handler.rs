//! One invocation: a batch of the queue, or an event that somebody passed to the function directly.

use jiff::SignedDuration;
use serde_json::{Value, json};
use sesame_aws::{AwsWorld, Clients, DeadLetters, DynamoStore, SnsPublisher};
use sesame_diagnosis::finding::Provenance;
use sesame_diagnosis::input;
use sesame_lambda::{Environment, Fault, LinkEnvironment, Metrics, SystemClock};
use sesame_responder::diagnose::{DiagnoseError, diagnose};
use sesame_responder::ports::{Clock, PortError, SaveError};
use sesame_responder::settings::{Approval, ApprovalsNeeded};
use sesame_responder::walls::Walls;
use sesame_responder::{Settings, Shared};

use crate::batch::{Worked, work_through};

/// What lives as long as the process.
#[derive(Debug)]
pub(crate) struct Handler {
    clients: Clients,
    settings: Settings,
    account: String,
    store: DynamoStore,
    publisher: SnsPublisher,
    dead_letters: DeadLetters,
}

impl Handler {
    /// Links go into e-mails where there are any; a key that cannot be read must not keep an alert from going out.
    pub(crate) async fn new(environment: Environment, links: Option<LinkEnvironment>, clients: Clients) -> Handler {
        let links = match links {
            Some(links) => links.links(&environment.stack, &clients).await,
            None => None,
        };
        Handler {
            store: DynamoStore::new(clients.clone(), environment.table.clone()),
            publisher: SnsPublisher::new(clients.clone(), environment.topic, environment.table.clone())
                .with_links(links),
            dead_letters: DeadLetters::new(clients.clone(), environment.dead_letters),
            account: environment.account.clone(),
            settings: Settings {
                stack: environment.stack,
                own_account: Some(environment.account),
                apply_role_accounts: Vec::new(),
                strict: false,
                own_roles: environment.own_roles,
                alert_window: SignedDuration::from_hours(24),
                approval: Approval { by_link: false, needed: ApprovalsNeeded::One, any_provenance: false },
                apply: false,
                walls: Walls::shut(),
            },
            clients,
        }
    }

    pub(crate) async fn handle(&self, event: Value) -> Result<Value, Fault> {
        let bytes = event.to_string().into_bytes();
        match input::queue_messages(&bytes) {
            Some(messages) => {
                let count = messages.len();
                let worked = work_through(messages, &self.dead_letters, &self.world(), self.shared()).await;
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
        for diagnosed in diagnose(read.denials, &self.world(), self.shared()).await {
            let record = diagnosed.result.map_err(|error| match error {
                DiagnoseError::Save(SaveError::Port(error)) => Fault::Aws(error),
                error => Fault::Aws(PortError::passing(error.to_string())),
            })?;
            findings.push(record.finding.id);
        }
        Ok(json!({"findings": findings}))
    }

    /// A world of its own for each invocation: within it nothing is read twice, after it everything is read afresh.
    fn world(&self) -> AwsWorld {
        AwsWorld::new(self.clients.clone(), self.account.clone())
    }

    fn shared(&self) -> Shared<'_, DynamoStore, SnsPublisher, SystemClock> {
        Shared { store: &self.store, publisher: &self.publisher, clock: &SystemClock, settings: &self.settings }
    }

    fn measure(&self, messages: usize, worked: &Worked) {
        Metrics::new(&self.settings.stack, "diagnose")
            .count("Messages", messages)
            .count("Denials", worked.denials)
            .count("Findings", worked.findings)
            .count("Skipped", worked.skipped)
            .count("Poison", worked.poison)
            .count("Again", worked.again.len())
            .write(SystemClock.now());
    }
}

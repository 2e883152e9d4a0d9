//! One invocation: one sweep.

use jiff::SignedDuration;
use serde_json::{Value, json};
use sesame_aws::{AwsWorld, Clients, DynamoStore, SnsPublisher};
use sesame_lambda::{Environment, Fault, LinkEnvironment, Metrics, SystemClock};
use sesame_responder::ports::Clock;
use sesame_responder::settings::{Approval, ApprovalsNeeded};
use sesame_responder::sweep::{Swept, Terms, sweep};
use sesame_responder::walls::Walls;
use sesame_responder::{Settings, Shared};

/// How often template.yaml has the sweep run.
const EVERY: SignedDuration = SignedDuration::from_mins(10);
/// How long a finding waits for a decision where there are no links that could say it.
const WITHOUT_LINKS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What lives as long as the process.
#[derive(Debug)]
pub(crate) struct Handler {
    clients: Clients,
    settings: Settings,
    account: String,
    terms: Terms,
    store: DynamoStore,
    publisher: SnsPublisher,
}

impl Handler {
    pub(crate) async fn new(environment: Environment, links: Option<LinkEnvironment>, clients: Clients) -> Handler {
        let link_life = links.as_ref().map_or(WITHOUT_LINKS, |links| links.life);
        let links = match links {
            Some(links) => links.links(&environment.stack, &clients).await,
            None => None,
        };
        Handler {
            store: DynamoStore::new(clients.clone(), environment.table.clone()),
            publisher: SnsPublisher::new(clients.clone(), environment.topic, environment.table).with_links(links),
            account: environment.account.clone(),
            terms: Terms { link_life, every: EVERY },
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

    /// What failed for one finding is tried again with the next sweep; it is in the log, and in the metric `Failed`.
    pub(crate) async fn handle(&self) -> Result<Value, Fault> {
        let world = AwsWorld::new(self.clients.clone(), self.account.clone());
        let shared =
            Shared { store: &self.store, publisher: &self.publisher, clock: &SystemClock, settings: &self.settings };
        let swept = sweep(self.terms, &world, shared).await.map_err(Fault::Aws)?;
        for (finding, error) in &swept.failed {
            tracing::error!(finding, error, "not swept; the next sweep tries again");
        }
        self.measure(&swept);
        let failed: Vec<&str> = swept.failed.iter().map(|(finding, _)| finding.as_str()).collect();
        Ok(json!({
            "told": swept.told, "expired": swept.expired, "resumed": swept.resumed, "quiet": swept.quiet,
            "vanished": swept.vanished, "failed": failed
        }))
    }

    fn measure(&self, swept: &Swept) {
        Metrics::new(&self.settings.stack, "sweep")
            .count("Told", swept.told.len())
            .count("Expired", swept.expired.len())
            .count("Resumed", swept.resumed.len())
            .count("Quiet", swept.quiet.len())
            .count("Changed", swept.changed.len())
            .count("Vanished", swept.vanished.len())
            .count("Failed", swept.failed.len())
            .write(SystemClock.now());
    }
}

//! One invocation: one sweep.

use jiff::SignedDuration;
use serde_json::{Value, json};
use sesame_aws::{Clients, Members};
use sesame_lambda::{Environment, Fault, LinkEnvironment, Metrics, Stack, SystemClock};
use sesame_responder::ports::Clock;
use sesame_responder::sweep::{Swept, Terms, sweep};

/// How often template.yaml has the sweep run.
const EVERY: SignedDuration = SignedDuration::from_mins(10);
/// How long a finding waits for a decision where there are no links that could say it.
const WITHOUT_LINKS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What lives as long as the process.
#[derive(Debug)]
pub(crate) struct Handler {
    stack: Stack,
    terms: Terms,
}

impl Handler {
    pub(crate) async fn new(
        environment: Environment,
        readable: Members,
        links: Option<LinkEnvironment>,
        clients: Clients,
    ) -> Handler {
        let link_life = links.as_ref().map_or(WITHOUT_LINKS, |links| links.life);
        let links = sesame_lambda::links(links, &environment.stack, &clients).await;
        let stack = Stack::new(environment, readable, clients).with_links(links);
        Handler { stack, terms: Terms { link_life, every: EVERY } }
    }

    /// What failed for one finding is tried again with the next sweep; it is in the log, and in the metric `Failed`.
    pub(crate) async fn handle(&self) -> Result<Value, Fault> {
        let swept = sweep(self.terms, &self.stack.world(), self.stack.shared()).await.map_err(Fault::Aws)?;
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
        Metrics::new(&self.stack.settings.stack, "sweep")
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

//! One invocation: a request in, an answer out.

use jiff::SignedDuration;
use serde_json::Value;
use sesame_aws::{Clients, DynamoStore, KmsKey, SnsPublisher, link_key};
use sesame_lambda::{Fault, Metrics, SystemClock};
use sesame_remediation::decision::{Approver, Channel};
use sesame_remediation::mac::LocalKey;
use sesame_responder::ports::Clock;
use sesame_responder::settings::Approval;
use sesame_responder::web::{Site, WebApproval, answer};
use sesame_responder::{Settings, Shared};

use crate::configuration::Configuration;
use crate::gateway;

/// What lives as long as the process.
#[derive(Debug)]
pub(crate) struct Handler {
    settings: Settings,
    store: DynamoStore,
    publisher: SnsPublisher,
    decision_key: KmsKey,
    site: Site<LocalKey>,
}

impl Handler {
    /// Reads the key of the links, once: from then on a forged link costs no call.
    pub(crate) async fn open(configuration: Configuration, clients: Clients) -> Result<Handler, Fault> {
        let Configuration { environment, remediation, links, address, web_approval } = configuration;
        let key = link_key(&clients, &links.secret).await.map_err(Fault::Aws)?;
        Ok(Handler {
            store: DynamoStore::new(clients.clone(), environment.table.clone()),
            publisher: SnsPublisher::new(clients.clone(), environment.topic, environment.table),
            decision_key: KmsKey::new(clients, remediation.decision_key),
            site: Site {
                address,
                stack: environment.stack.clone(),
                stage: links.stage,
                link_key: key,
                approval: web_approval,
                visitor: Approver { channel: Channel::Link, id: None },
            },
            settings: Settings {
                stack: environment.stack,
                own_account: Some(environment.account),
                apply_role_accounts: remediation.apply_role_accounts,
                strict: false,
                own_roles: environment.own_roles,
                alert_window: SignedDuration::from_hours(24),
                approval: Approval {
                    by_link: web_approval == WebApproval::Approve,
                    needed: remediation.approvals_needed,
                    any_provenance: false,
                },
                apply: remediation.applies,
                walls: remediation.walls,
            },
        })
    }

    pub(crate) async fn handle(&self, event: Value) -> Result<Value, Fault> {
        let request = gateway::request(event)?;
        let shared =
            Shared { store: &self.store, publisher: &self.publisher, clock: &SystemClock, settings: &self.settings };
        let response = answer(&request, &self.site, &self.decision_key, shared).await;
        // Neither path nor query: they may hold a token.
        tracing::info!(
            method = request.method,
            status = response.status,
            signed = request.caller.is_some(),
            "answered"
        );
        Metrics::new(&self.settings.stack, "approve")
            .count("Requests", 1_u64)
            .count("Refused", u64::from((400..500).contains(&response.status)))
            .count("Failed", u64::from(response.status >= 500))
            .write(SystemClock.now());
        Ok(gateway::response(response))
    }
}

//! What functions are made of alike: findings kept, people told, accounts read.

use jiff::SignedDuration;
use sesame_aws::{AwsWorld, Clients, DynamoStore, FreshWorld, Members, SnsPublisher};
use sesame_remediation::mac::LocalKey;
use sesame_responder::links::Links;
use sesame_responder::settings::{Approval, ApprovalsNeeded};
use sesame_responder::walls::Walls;
use sesame_responder::{Settings, Shared};

use crate::{Environment, SystemClock};

/// A refusal that goes on is told of again after so long.
const ALERT_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// The stack as its functions work with it.
#[derive(Debug)]
pub struct Stack {
    /// Nobody may decide, nothing is applied, and nowhere may be written, unless a function sets it otherwise.
    pub settings: Settings,
    store: DynamoStore,
    publisher: SnsPublisher,
    clients: Clients,
    account: String,
    readable: Members,
}

impl Stack {
    /// The stack of an environment. `readable` are the other accounts that it may read.
    pub fn new(environment: Environment, readable: Members, clients: Clients) -> Stack {
        let Environment { stack, account, table, topic, own_roles } = environment;
        Stack {
            store: DynamoStore::new(clients.clone(), table.clone()),
            publisher: SnsPublisher::new(clients.clone(), topic, table),
            settings: Settings {
                stack,
                own_account: Some(account.clone()),
                apply_role_accounts: Vec::new(),
                strict: false,
                own_roles,
                alert_window: ALERT_WINDOW,
                approval: Approval { by_link: false, needed: ApprovalsNeeded::One, any_provenance: false },
                apply: false,
                walls: Walls::shut(),
            },
            clients,
            account,
            readable,
        }
    }

    /// The same, with links in e-mails where there are any.
    #[must_use]
    pub fn with_links(self, links: Option<Links<LocalKey>>) -> Stack {
        Stack { publisher: self.publisher.with_links(links), ..self }
    }

    /// What every use case works with.
    pub fn shared(&self) -> Shared<'_, DynamoStore, SnsPublisher, SystemClock> {
        Shared { store: &self.store, publisher: &self.publisher, clock: &SystemClock, settings: &self.settings }
    }

    /// The accounts for one invocation: within it nothing is read twice, after it everything is read afresh.
    pub fn world(&self) -> AwsWorld {
        AwsWorld::new(self.clients.clone(), self.account.clone()).with_members(self.readable.clone())
    }

    /// The accounts for whoever writes: read anew each time.
    pub fn fresh_world(&self) -> FreshWorld {
        FreshWorld::new(self.clients.clone(), self.account.clone(), self.readable.clone())
    }
}

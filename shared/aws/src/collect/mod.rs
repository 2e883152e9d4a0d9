//! What one refusal needs to know of the account, read from AWS.

mod cache;
mod candidates;
mod document;
mod iam;
mod organization;
mod ses;
mod wanted;

use std::collections::BTreeMap;

use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Account, Readable, World};
use sesame_responder::ports::{PortError, WorldSource};

use crate::Clients;
pub(crate) use document::url_encoded;
pub(crate) use organization::{RESOURCE_CONTROL, SERVICE_CONTROL};
pub(crate) use ses::{get_identity, sending, unread_identity};

use cache::Cache;
use wanted::{Principal, Wanted};

/// A live account, as far as the refusals at hand need it.
///
/// Everything that was read is kept for the life of this value: make one for each invocation, so that a batch of like
/// refusals costs one reading and the next batch sees what has changed.
#[derive(Debug)]
pub struct AwsWorld {
    clients: Clients,
    own_account: String,
    candidate_calls: usize,
    cache: Cache,
}

impl AwsWorld {
    /// A world seen with the credentials of `own_account` (twelve digits).
    pub fn new(clients: Clients, own_account: impl Into<String>) -> AwsWorld {
        AwsWorld { clients, own_account: own_account.into(), candidate_calls: 0, cache: Cache::default() }
    }

    /// Also looks at the other principals of the account, one of which may be the one that should have called, in at most so
    /// many calls of `iam:GetAccountAuthorizationDetails` (each gives up to a thousand principals and policies). Without it, or
    /// where that many do not list them all, the finding says that they were not looked at.
    pub fn with_candidates(self, calls: usize) -> AwsWorld {
        AwsWorld { candidate_calls: calls, ..self }
    }

    async fn collect(&self, incident: &Incident) -> World {
        let wanted = Wanted::of(incident);
        let mut accounts = BTreeMap::new();
        let organization = match &wanted.account {
            Some(id) => {
                let (account, organization) = futures_util::future::join(
                    self.principal_account(id, wanted.principal.as_ref()),
                    self.organization(id),
                )
                .await;
                accounts.insert(id.clone(), account);
                organization
            }
            None => self.organization(&self.own_account).await,
        };
        for (id, region, names) in &wanted.identities {
            let ses = match *id == self.own_account {
                true => Readable::Known(self.ses_region(region, names, &wanted.recipients).await),
                false => Readable::Gap(foreign(
                    "sending-authorization-policy",
                    "ses:GetEmailIdentity",
                    id,
                    &self.own_account,
                )),
            };
            let account = accounts.entry(id.clone()).or_insert_with(|| unread_account(id.clone()));
            account.ses.insert(region.clone(), ses);
        }
        World { accounts, organization }
    }

    /// IAM of the caller's account. A principal of another account is never looked up by its name in our own.
    async fn principal_account(&self, id: &str, principal: Option<&Principal>) -> Account {
        let mut account = unread_account(id.to_owned());
        let Some(principal) = principal else { return account };
        if id != self.own_account {
            account.iam_gap = Some(foreign("identity-policy", &principal.call(), id, &self.own_account));
            return account;
        }
        self.read_principal(principal, &mut account).await;
        if account.iam_gap.is_none() {
            self.read_others(&mut account).await;
        }
        account
    }
}

impl WorldSource for AwsWorld {
    async fn world(&self, incident: &Incident) -> Result<World, PortError> {
        Ok(self.collect(incident).await)
    }
}

pub(crate) fn unread_account(id: String) -> Account {
    Account {
        id,
        users: Vec::new(),
        groups: Vec::new(),
        roles: Vec::new(),
        managed_policies: BTreeMap::new(),
        iam_gap: None,
        others_gap: None,
        ses: BTreeMap::new(),
        history: Vec::new(),
    }
}

fn foreign(layer: &str, call: &str, account: &str, own_account: &str) -> Gap {
    Gap {
        layer: layer.to_owned(),
        source: call.to_owned(),
        reason: GapReason::AccessDenied,
        summary: format!("account {account} is not read: this stack reads account {own_account} alone"),
    }
}

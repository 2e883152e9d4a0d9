//! What one refusal needs to know of the accounts, read from AWS.

mod cache;
mod candidates;
mod document;
mod iam;
mod organization;
mod reader;
mod ses;
mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join;
use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Account, Organization, Readable, World};
use sesame_responder::ports::{PortError, WorldSource};

use crate::role::RoleRefused;
use crate::{Clients, Members};
pub(crate) use document::url_encoded;
pub(crate) use organization::{RESOURCE_CONTROL, SERVICE_CONTROL};
pub(crate) use reader::Reader;
pub(crate) use ses::{get_identity, sending, unread_identity};

use cache::Memo;
use wanted::{Principal, Wanted};

/// Live accounts, as far as the refusals at hand need them.
///
/// Everything that was read is kept for the life of this value: make one for each invocation, so that a batch of like
/// refusals costs one reading and the next batch sees what has changed.
#[derive(Debug)]
pub struct AwsWorld {
    own: Arc<Reader>,
    members: Members,
    /// Members by account, as far as they were wanted: entered once, or refused once.
    entered: Memo<Result<Arc<Reader>, Closed>>,
}

/// Why an account is not read.
#[derive(Debug, Clone)]
enum Closed {
    /// It is neither our own nor a member.
    NotListed,
    /// Its role does not let us in.
    Refused(RoleRefused),
}

impl AwsWorld {
    /// A world seen with the credentials of `own_account` (twelve digits).
    pub fn new(clients: Clients, own_account: impl Into<String>) -> AwsWorld {
        let own = Arc::new(Reader::new(clients, own_account, 0));
        AwsWorld { own, members: Members::none(), entered: Memo::default() }
    }

    /// Also reads these accounts, through the role that each of them has deployed.
    #[must_use]
    pub fn with_members(self, members: Members) -> AwsWorld {
        AwsWorld { members, ..self }
    }

    /// Also looks at the other principals of the own account, one of which may be the one that should have called, in at most
    /// so many calls of `iam:GetAccountAuthorizationDetails` (each gives up to a thousand principals and policies). Without it,
    /// or where that many do not list them all, the finding says that they were not looked at.
    #[must_use]
    pub fn with_candidates(self, calls: usize) -> AwsWorld {
        let own = Arc::new(Reader::new(self.own.clients.clone(), self.own.account.clone(), calls));
        AwsWorld { own, ..self }
    }

    /// Who reads an account: its principals are never looked up in another one.
    async fn reader(&self, account: &str) -> Result<Arc<Reader>, Closed> {
        if account == self.own.account {
            return Ok(Arc::clone(&self.own));
        }
        let enter = async {
            let clients = self.members.clients(&self.own.clients, account).await.ok_or(Closed::NotListed)?;
            Ok(Arc::new(Reader::new(clients.map_err(Closed::Refused)?, account, 0)))
        };
        self.entered.get_or(account.to_owned(), enter).await
    }

    async fn collect(&self, incident: &Incident) -> World {
        let wanted = Wanted::of(incident);
        let mut accounts = BTreeMap::new();
        let organization = match &wanted.account {
            Some(id) => {
                let reader = self.reader(id).await;
                let principal = self.principal_account(id, wanted.principal.as_ref(), &reader);
                let (account, organization) = join(principal, self.organization(id, &reader)).await;
                accounts.insert(id.clone(), account);
                organization
            }
            None => self.own.organization(&self.own.account).await,
        };
        for (id, region, names) in &wanted.identities {
            // Whether they count turns on the sandbox of whoever sends.
            let sends = wanted.account.as_ref().is_none_or(|sender| sender == id);
            let recipients = if sends { wanted.recipients.as_slice() } else { &[] };
            let ses = match self.reader(id).await {
                Ok(reader) => Readable::Known(reader.ses_region(region, names, recipients).await),
                Err(closed) => {
                    Readable::Gap(self.gap(&closed, "sending-authorization-policy", "ses:GetEmailIdentity", id))
                }
            };
            let account = accounts.entry(id.clone()).or_insert_with(|| Account::empty(id.clone()));
            account.ses.insert(region.clone(), ses);
        }
        World { accounts, organization }
    }

    /// IAM of the caller's account.
    async fn principal_account(
        &self,
        id: &str,
        principal: Option<&Principal>,
        reader: &Result<Arc<Reader>, Closed>,
    ) -> Account {
        let mut account = Account::empty(id);
        let Some(principal) = principal else { return account };
        let reader = match reader {
            Ok(reader) => reader,
            Err(closed) => {
                account.iam_gap = Some(self.gap(closed, "identity-policy", &principal.call(), id));
                return account;
            }
        };
        reader.read_principal(principal, &mut account).await;
        if account.iam_gap.is_none() {
            reader.read_others(&mut account).await;
        }
        account
    }

    /// The organization above an account, as the own account sees it; that a member is in none, only the member knows.
    async fn organization(
        &self,
        account: &str,
        reader: &Result<Arc<Reader>, Closed>,
    ) -> Readable<Option<Organization>> {
        let seen = self.own.organization(account).await;
        match reader {
            Ok(reader) if seen.gap().is_some() && reader.is_in_no_organization().await => Readable::Known(None),
            _ => seen,
        }
    }

    fn gap(&self, closed: &Closed, layer: &str, call: &str, account: &str) -> Gap {
        let own = &self.own.account;
        match closed {
            Closed::Refused(refused) => refused.gap(layer, &format!("account {account}")),
            Closed::NotListed => Gap {
                layer: layer.to_owned(),
                source: call.to_owned(),
                reason: GapReason::AccessDenied,
                summary: format!(
                    "account {account} is not read: only account {own} is, and accounts whose read role is listed"
                ),
            },
        }
    }
}

impl WorldSource for AwsWorld {
    async fn world(&self, incident: &Incident) -> Result<World, PortError> {
        Ok(self.collect(incident).await)
    }
}

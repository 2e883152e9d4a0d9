//! A whole account, for a snapshot: everything of IAM, SES in the Regions that were asked for, the organization above.

mod iam;
mod ses;

use sesame_diagnosis::world::{Account, Readable, World};
use sesame_responder::ports::PortError;

use crate::failure::Failure;
use crate::{AwsWorld, Clients};

/// How far a survey is, for whoever waits: SES answers about one call a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// IAM: so many users, groups, roles and policies so far.
    Iam(usize),
    /// SES in a Region: so many identities of so many.
    Ses {
        /// The Region.
        region: &'a str,
        /// Read so far.
        done: usize,
        /// To read.
        of: usize,
    },
    /// The organization.
    Organization,
}

/// Which account the credentials belong to.
pub async fn own_account(clients: &Clients) -> Result<String, PortError> {
    let call = "sts:GetCallerIdentity";
    let output = clients.sts.get_caller_identity().send().await;
    let output = output.map_err(|error| Failure::of(&error).port_error(call))?;
    output.account.ok_or_else(|| PortError::lasting(format!("{call} named no account")))
}

/// Reads the account of the credentials. What cannot be read is a gap in the world.
pub async fn survey(
    clients: &Clients,
    regions: &[String],
    progress: impl Fn(Step<'_>) + Sync,
) -> Result<World, PortError> {
    let id = own_account(clients).await?;
    let mut account: Account = iam::account(clients, &id, &progress).await;
    for region in regions {
        account.ses.insert(region.clone(), ses::region(clients, region, &progress).await);
    }
    progress(Step::Organization);
    let organization: Readable<_> = AwsWorld::new(clients.clone(), id.clone()).organization(&id).await;
    Ok(World { accounts: [(id, account)].into(), organization })
}

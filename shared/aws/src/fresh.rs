//! A world that is read anew each time: what was written a moment ago must be seen.

use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::world::World;
use sesame_responder::ports::{PortError, WorldSource};

use crate::members::Members;
use crate::{AwsWorld, Clients};

/// Reads an account for applications. Unlike [`AwsWorld`] it keeps nothing between two readings.
#[derive(Debug, Clone)]
pub struct FreshWorld {
    clients: Clients,
    own_account: String,
    members: Members,
}

impl FreshWorld {
    /// A world seen with the credentials of `own_account`, and with those of the members' roles.
    pub fn new(clients: Clients, own_account: impl Into<String>, members: Members) -> FreshWorld {
        FreshWorld { clients, own_account: own_account.into(), members }
    }
}

impl WorldSource for FreshWorld {
    async fn world(&self, incident: &Incident) -> Result<World, PortError> {
        let account = incident.latest.caller.account().map(str::to_owned);
        match account.filter(|account| self.members.has(account)) {
            // There, IAM and SES are the member's; a policy of the organization that its role cannot read is a gap.
            Some(member) => {
                let clients = self.members.clients(&self.clients, &member).await?;
                AwsWorld::new(clients, member).world(incident).await
            }
            None => AwsWorld::new(self.clients.clone(), self.own_account.clone()).world(incident).await,
        }
    }
}

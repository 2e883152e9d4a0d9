//! A world that is read anew each time: what was written a moment ago must be seen.

use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::world::World;
use sesame_responder::ports::{PortError, WorldSource};

use crate::{AwsWorld, Clients, Members};

/// Reads accounts for applications. Unlike [`AwsWorld`] it keeps nothing between two readings.
#[derive(Debug, Clone)]
pub struct FreshWorld {
    clients: Clients,
    own_account: String,
    members: Members,
}

impl FreshWorld {
    /// A world seen with the credentials of `own_account`, and with those of the members' read roles.
    pub fn new(clients: Clients, own_account: impl Into<String>, members: Members) -> FreshWorld {
        FreshWorld { clients, own_account: own_account.into(), members }
    }
}

impl WorldSource for FreshWorld {
    async fn world(&self, incident: &Incident) -> Result<World, PortError> {
        let world = AwsWorld::new(self.clients.clone(), self.own_account.clone());
        world.with_members(self.members.clone()).world(incident).await
    }
}

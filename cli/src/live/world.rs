//! The live world: for each incident what bears on it, read with the caller's own credentials.

use std::io::IsTerminal as _;

use indicatif::ProgressBar;
use sesame_aws::AwsWorld;
use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::world::World;
use sesame_responder::ports::WorldSource as _;

use super::{connect, runtime};
use crate::failure::Failure;

/// How many calls may be spent on looking at the account's other principals: each lists up to a thousand.
const CANDIDATE_CALLS: usize = 10;

/// A live account.
#[derive(Debug)]
pub struct LiveWorld {
    runtime: tokio::runtime::Runtime,
    world: AwsWorld,
    account: String,
}

impl LiveWorld {
    /// The account of the caller's credentials.
    pub fn open(profile: Option<&str>) -> Result<LiveWorld, Failure> {
        let runtime = runtime()?;
        let (clients, caller) = runtime.block_on(connect(profile, false))?;
        let world = AwsWorld::new(clients, caller.account.clone()).with_candidates(CANDIDATE_CALLS);
        Ok(LiveWorld { runtime, world, account: caller.account })
    }

    /// The account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What bears on an incident; what could not be read is a gap in it.
    pub fn read(&self, incident: &Incident) -> Result<World, Failure> {
        let progress = match std::io::stderr().is_terminal() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        progress.set_message(format!("reading account {}", self.account));
        let world = self.runtime.block_on(async {
            let reading = self.world.world(incident);
            tokio::pin!(reading);
            loop {
                tokio::select! {
                    world = &mut reading => return world,
                    () = tokio::time::sleep(std::time::Duration::from_millis(100)) => progress.tick(),
                }
            }
        });
        progress.finish_and_clear();
        world.map_err(Failure::snapshot)
    }
}

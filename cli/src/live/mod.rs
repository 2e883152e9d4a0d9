//! What needs an AWS account. Everything here is done with the caller's own credentials.

mod queue;
mod snapshot;
mod stack;
mod world;

use std::future::Future;
use std::process::ExitCode;

use sesame_aws::{Access, Caller, Clients};

use crate::arguments::{Live, Source};
use crate::failure::Failure;
use crate::world::Worlds;

pub use queue::drain;
pub use world::LiveWorld;

/// Runs a command.
pub fn run(command: &Live) -> Result<ExitCode, Failure> {
    match command {
        Live::Snapshot(arguments) => block_on(snapshot::run(arguments)),
        Live::List(arguments) => block_on(stack::list::run(arguments)),
        Live::Grants(arguments) => block_on(stack::list::grants(arguments)),
        Live::Show(arguments) => block_on(stack::show::run(arguments)),
        Live::Approve(arguments) => block_on(stack::decide::approve(arguments)),
        Live::Reject(arguments) => block_on(stack::decide::reject(arguments)),
        Live::Mute(arguments) => block_on(stack::decide::mute(arguments)),
        Live::Rollback(arguments) => block_on(stack::decide::roll_back(arguments)),
        Live::Revoke(arguments) => block_on(stack::decide::revoke(arguments)),
        Live::Doctor(_) => Err(Failure::usage("`sesame doctor` is not built yet")),
    }
}

/// The live world; credentials are checked here, before anything is worked on.
pub fn world(source: &Source) -> Result<Worlds, Failure> {
    Ok(Worlds::Live(Box::new(LiveWorld::open(source.profile.as_deref())?)))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::snapshot(format!("no way to AWS can be set up: {error}")))
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime()?.block_on(work)
}

async fn connect(profile: Option<&str>, patient: bool) -> Result<(Clients, Caller), Failure> {
    let access = Access { profile: profile.map(str::to_owned), region: None, patient };
    sesame_aws::caller(&access).await.map_err(Failure::snapshot)
}

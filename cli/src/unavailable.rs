//! What needs an AWS account, in a build that has no AWS in it.

use std::process::ExitCode;

use crate::arguments::{Capture, Live, Source};
use crate::failure::Failure;
use crate::world::Worlds;

/// Says how to get a build that can do it.
pub fn run(command: &Live) -> Result<ExitCode, Failure> {
    let name = match command {
        Live::Snapshot(_) => "snapshot",
        Live::List(_) => "list",
        Live::Show(_) => "show",
        Live::Approve(_) => "approve",
        Live::Reject(_) => "reject",
        Live::Mute(_) => "mute",
        Live::Rollback(_) => "rollback",
        Live::Grants(_) => "grants",
        Live::Revoke(_) => "revoke",
        Live::Doctor(_) => "doctor",
    };
    Err(unavailable(&format!("sesame {name}")))
}

/// Wrong usage of a build without AWS.
fn unavailable(what: &str) -> Failure {
    Failure::usage(format!("`{what}` needs a build with AWS in it: cargo install --path cli --features aws"))
}

/// There is no world but that of a snapshot.
pub fn world(_source: &Source) -> Result<Worlds, Failure> {
    Err(unavailable("--live"))
}

/// There is no queue without AWS.
pub fn drain(
    _url: &str,
    _arguments: &Capture,
    _keep: &mut dyn FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    Err(unavailable("sesame capture --queue"))
}

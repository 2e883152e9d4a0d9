//! What needs an AWS account, in a build that has no AWS in it.

use std::process::ExitCode;

use crate::arguments::Live;
use crate::failure::Failure;

/// Says how to get a build that can do it.
pub fn run(command: &Live) -> Result<ExitCode, Failure> {
    let name = match command {
        Live::Snapshot(_) => "snapshot",
        Live::Capture(_) => "capture",
        Live::Doctor(_) => "doctor",
        Live::List(_) => "list",
        Live::Show(_) => "show",
        Live::Approve(_) => "approve",
        Live::Reject(_) => "reject",
        Live::Mute(_) => "mute",
        Live::Rollback(_) => "rollback",
        Live::Grants(_) => "grants",
        Live::Revoke(_) => "revoke",
    };
    Err(unavailable(&format!("sesame {name}")))
}

/// Wrong usage of a build without AWS.
pub fn unavailable(what: &str) -> Failure {
    Failure::usage(format!("`{what}` needs a build with AWS in it: cargo install --path cli --features aws"))
}

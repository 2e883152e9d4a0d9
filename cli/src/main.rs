//! `sesame`: why was this send refused, and what is the smallest safe fix.

mod apply;
mod arguments;
mod capture;
mod check;
mod demo;
mod diagnose;
mod evaluate;
mod failure;
#[cfg_attr(not(feature = "aws"), path = "unavailable.rs")]
mod live;
mod mail;
mod output;
mod present;
mod replay;
mod serve;
mod table;
mod time;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let result = match command {
        Command::Diagnose(arguments) => diagnose::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Capture(arguments) => capture::run(&arguments),
        Command::Live(command) => live::run(&command),
    };
    match result {
        Ok(status) => status,
        Err(failure) => failure.report(),
    }
}

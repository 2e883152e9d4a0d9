//! Writes a scenario's snapshot and event into a folder, for the command line:
//!
//! `cargo run -q -p sesame-scenarios --example unpack -- NAME DIR` makes `DIR/snapshot/` and `DIR/event.json`. In place of a
//! NAME it takes the path of any file that is written as a scenario, such as `./draft.md`.
#![allow(clippy::print_stderr, reason = "a program for the command line")]

use std::path::Path;
use std::process::ExitCode;

use sesame_scenarios::{all, read, write_event, write_snapshot};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = arguments.as_slice() else {
        eprintln!("usage: unpack NAME|FILE.md DIR");
        return ExitCode::from(2);
    };
    let scenarios = if name.ends_with(".md") { vec![read(Path::new(name))] } else { all() };
    let wanted = name.strip_suffix(".md").map_or(name.as_str(), |path| path.rsplit('/').next().unwrap_or(path));
    let Some(scenario) = scenarios.iter().find(|scenario| scenario.name == wanted) else {
        let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        eprintln!("no scenario `{name}`; there are: {}", names.join(", "));
        return ExitCode::from(2);
    };
    let folder = Path::new(folder);
    write_snapshot(scenario, &folder.join("snapshot"));
    write_event(scenario, folder);
    ExitCode::SUCCESS
}

//! Writes the commands of every kind of change to files, for checks with other tools: `dump_commands DIRECTORY`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

#[path = "../tests/commands_cases/mod.rs"]
mod commands_cases;

use std::path::PathBuf;

use serde_json::json;

fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).expect("usage: dump_commands DIRECTORY"));
    std::fs::create_dir_all(&directory).unwrap();
    let groups = [("plain", commands_cases::plain_cases()), ("hostile", commands_cases::hostile_cases())];
    for (group, cases) in groups {
        let lines: Vec<String> = cases
            .iter()
            .map(|case| {
                json!({
                    "name": case.name,
                    "operation": case.operation,
                    "target": case.target,
                    "before": case.before,
                    "after": case.after,
                    "commands": case.commands(),
                })
                .to_string()
            })
            .collect();
        std::fs::write(directory.join(format!("{group}.jsonl")), lines.join("\n") + "\n").unwrap();
    }
}

//! `docs/causes.md` is made from the scenarios: each cause, the commands that show it, and what comes out.
//!
//! `BLESS=1 cargo test -p sesame-scenarios` writes the file anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write as _;
use std::path::PathBuf;

use sesame_scenarios::run::{findings, world};
use sesame_scenarios::{all, folder};

/// The groups of `docs/causes.md`: heading, and the scenarios by the beginnings of their names.
const GROUPS: [(&str, &[&str]); 7] = [
    ("The wrong IAM user or role", &["a-"]),
    ("No allow for the action", &["b-", "missing-allow-for-raw"]),
    ("A Deny in an identity-based policy", &["c-"]),
    ("A Deny in the sending authorization policy", &["d-"]),
    ("The permissions boundary", &["e-"]),
    ("Service control policies", &["f-", "scp-denies-region"]),
    ("An identity of another account", &["g-"]),
];

const OPENING: &str = "# Causes, each with a send that was refused for it

Every section is one scenario of `tests/scenarios/`: its title, the commands that unpack and diagnose it, and the three sentences
of the finding. `--format text` in place of `--format json` prints it as an e-mail subscriber reads it.
";

#[test]
fn causes_are_documented_as_they_come_out() {
    let path: PathBuf = folder().join("../../docs/causes.md");
    let written = document();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(there.lines()).position(|(new, old)| new != old);
    assert!(
        written == there,
        "docs/causes.md is not what comes out (first at line {}): run `BLESS=1 cargo test -p sesame-scenarios`",
        differs.unwrap_or_default() + 1
    );
}

fn document() -> String {
    let scenarios = all();
    let mut text = OPENING.to_owned();
    for (letter, (heading, beginnings)) in ('a'..).zip(GROUPS) {
        writeln!(text, "\n## ({letter}) {heading}").unwrap();
        for scenario in
            scenarios.iter().filter(|scenario| beginnings.iter().any(|start| scenario.name.starts_with(start)))
        {
            let finding = findings(scenario, &world(scenario)).remove(0);
            let (name, title) = (&scenario.name, &scenario.title);
            write!(
                text,
                "\n### {title}\n\n```sh\ncargo run -q -p sesame-scenarios --example unpack -- {name} target/{name}\ncargo run -q -p sesame -- \
                 diagnose --event target/{name}/event.json --snapshot target/{name}/snapshot --format json\n```\n\n\
                 - What: {}\n- Why: {}\n- Fix: {}\n",
                finding.summary.what, finding.summary.why, finding.summary.fix
            )
            .unwrap();
        }
    }
    text
}

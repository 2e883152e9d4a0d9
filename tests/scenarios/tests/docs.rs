//! `docs/causes.md` and `docs/findings.md` are made from the scenarios: each cause with the commands that show it, and five
//! findings whole.
//!
//! `BLESS=1 cargo test -p sesame-scenarios` writes the files anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write as _;
use std::path::PathBuf;

use sesame_diagnosis::Options;
use sesame_render::text::TextOptions;
use sesame_scenarios::run::{findings, findings_at, options, world};
use sesame_scenarios::{all, folder, rendered};

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

/// The scenarios whose whole e-mail `docs/findings.md` shows.
const SHOWN: [&str; 5] = [
    "missing-allow-for-raw",
    "c-deny-recipients-redacted",
    "identity-and-boundary",
    "scp-denies-region",
    "g-owner-does-not-allow",
];

#[test]
fn causes_are_documented_as_they_come_out() {
    same("causes.md", &causes());
}

#[test]
fn findings_are_shown_as_a_reader_meets_them() {
    same("findings.md", &whole_findings());
}

/// What the renderers' tests show is what the diagnosis writes today, and no old sentence.
#[test]
fn the_renderers_are_tested_with_findings_as_they_come_out() {
    let options = Options { now: "2026-11-23T15:14:00Z".parse().unwrap(), ..options() };
    let scenarios = rendered();
    for scenario in &scenarios {
        let mut finding = findings_at(scenario, &world(scenario), &options).remove(0);
        // A snapshot is read from a folder that is another one each time.
        for gap in &mut finding.gaps {
            let file = gap.source.rsplit('/').next().map(|name| format!("snapshot/{name}"));
            gap.source = file.filter(|_| gap.source.starts_with('/')).unwrap_or_else(|| gap.source.clone());
        }
        let text = serde_json::to_string_pretty(&finding).unwrap() + "\n";
        same(&format!("../shared/render/tests/fixtures/{}.json", scenario.name), &text);
    }
    let fixtures = std::fs::read_dir(folder().join("../../shared/render/tests/fixtures")).unwrap().count();
    assert_eq!(fixtures, scenarios.len(), "each sample of the renderers has its scenario");
}

/// The file, as seen from `docs/`, holds this text; with `BLESS` set it is written.
fn same(name: &str, written: &str) {
    let path: PathBuf = folder().join("../../docs").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, written).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(there.lines()).position(|(new, old)| new != old);
    assert!(
        written == there,
        "docs/{name} is not what comes out (first at line {}): run `BLESS=1 cargo test -p sesame-scenarios`",
        differs.unwrap_or_default() + 1
    );
}

fn whole_findings() -> String {
    let scenarios = all();
    let mut text = "# Five findings, as an e-mail subscriber reads them\n".to_owned();
    for name in SHOWN {
        let scenario =
            scenarios.iter().find(|scenario| scenario.name == name).unwrap_or_else(|| panic!("no scenario `{name}`"));
        let finding = findings(scenario, &world(scenario)).remove(0);
        let email = sesame_render::text::email(&finding, &TextOptions::email(options().now));
        write!(text, "\n## {}\n\n````text\n{}\n````\n", scenario.title, email.trim_end()).unwrap();
    }
    text
}

fn causes() -> String {
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

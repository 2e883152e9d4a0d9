//! Every scenario: the finding is as told, the plan is proven, and what the commands print is of the schema.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use sesame_diagnosis::finding::{Finding, Gap, GapReason};
use sesame_diagnosis::world::{Readable, World};
use sesame_diagnosis::{Options, diagnose, fold, input};
use sesame_scenarios::{Scenario, all, expect, write_snapshot};

fn options() -> Options {
    Options {
        now: "2026-03-01T03:05:00Z".parse().unwrap(),
        strict: true,
        own_account: None,
        apply_role_accounts: Vec::new(),
    }
}

fn world(scenario: &Scenario) -> World {
    if scenario.files.is_empty() {
        return nothing();
    }
    // Tests run side by side: each reads a folder of its own.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("sesame-scenario-{}-{number}", std::process::id()));
    write_snapshot(scenario, &folder);
    let world = sesame_snapshot::load(&folder).unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
    std::fs::remove_dir_all(&folder).unwrap();
    world
}

/// What is known without a snapshot.
fn nothing() -> World {
    let gap = Gap {
        layer: "service-control-policy".to_owned(),
        source: "--snapshot".to_owned(),
        reason: GapReason::MissingFile,
        summary: "no snapshot was given".to_owned(),
    };
    World { accounts: BTreeMap::new(), organization: Readable::Gap(gap) }
}

fn findings(scenario: &Scenario, world: &World) -> Vec<Finding> {
    let input = input::read(scenario.event.as_bytes(), &scenario.name);
    assert!(input.errors.is_empty(), "{}: {:?}", scenario.name, input.errors);
    let incidents = fold::fold(input.denials);
    incidents.iter().map(|incident| diagnose(incident, world, &options()).unwrap()).collect()
}

#[test]
fn findings_are_as_told() {
    let scenarios = all();
    assert!(scenarios.len() >= 2, "only {} scenarios were found", scenarios.len());
    let mut failures = Vec::new();
    for scenario in &scenarios {
        let found = findings(scenario, &world(scenario));
        assert_eq!(found.len(), 1, "{}: one finding is expected", scenario.name);
        let actual = serde_json::to_value(&found[0]).unwrap();
        let differences = expect::differences(&scenario.expected, &actual);
        if !differences.is_empty() {
            failures.push(format!("{}:\n    {}", scenario.name, differences.join("\n    ")));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} scenarios differ:\n{}",
        failures.len(),
        scenarios.len(),
        failures.join("\n")
    );
}

#[test]
fn every_plan_says_what_it_turns_on() {
    for scenario in all() {
        for finding in findings(&scenario, &world(&scenario)) {
            for remedy in finding.planned() {
                let verification = &remedy.verification;
                match verification.allowed_after {
                    Some(allowed) => assert!(allowed, "{}: {} does not help", scenario.name, remedy.id),
                    None => {
                        assert!(!verification.depends_on.is_empty(), "{}: {} names nothing", scenario.name, remedy.id)
                    }
                }
                assert!(remedy.alternative_to.is_none(), "{}: an alternative is in the plan", scenario.name);
            }
        }
    }
}

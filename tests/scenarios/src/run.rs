//! From a scenario to its findings, by the same way as the command line.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use sesame_diagnosis::finding::{Finding, Gap, GapReason};
use sesame_diagnosis::world::{Readable, World};
use sesame_diagnosis::{Options, diagnose, fold, input};

use crate::{Scenario, write_snapshot};

/// Options with a fixed clock, five minutes after the events.
pub fn options() -> Options {
    Options {
        now: "2026-03-01T03:05:00Z".parse().unwrap(),
        strict: true,
        own_account: None,
        apply_role_accounts: Vec::new(),
    }
}

/// Writes the scenario's snapshot and reads it again.
pub fn world(scenario: &Scenario) -> World {
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

/// The findings of the scenario's events.
pub fn findings(scenario: &Scenario, world: &World) -> Vec<Finding> {
    let input = input::read(scenario.event.as_bytes(), &scenario.name);
    assert!(input.errors.is_empty(), "{}: {:?}", scenario.name, input.errors);
    let incidents = fold::fold(input.denials);
    incidents.iter().map(|incident| diagnose(incident, world, &options()).unwrap()).collect()
}

//! From a scenario to its findings, by the same way as the command line.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sesame_diagnosis::denial::Incident;
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
    findings_at(scenario, world, &options())
}

/// The same at another time.
pub fn findings_at(scenario: &Scenario, world: &World, options: &Options) -> Vec<Finding> {
    let input = input::read(scenario.event.as_bytes(), &scenario.name);
    assert!(input.errors.is_empty(), "{}: {:?}", scenario.name, input.errors);
    let mut incidents = fold::fold(input.denials);
    if let (Some(repeated), Some(incident)) = (&scenario.repeated, incidents.first_mut()) {
        repeat(incident, repeated);
    }
    incidents.iter().map(|incident| diagnose(incident, world, options).unwrap()).collect()
}

/// Makes an incident one of many refusals; the last source and context are those that repeat.
fn repeat(incident: &mut Incident, repeated: &Value) {
    let more = repeated["count"].as_u64().unwrap() - incident.count;
    incident.count += more;
    incident.first_seen = Some(repeated["firstSeen"].as_str().unwrap().parse().unwrap());
    if let Some(source) = incident.sources.first_mut() {
        source.count += more;
        source.first_seen = repeated["firstSeen"].as_str().map(str::to_owned);
    }
    if let Some((_, count)) = incident.distinct.first_mut() {
        *count += more;
    }
}

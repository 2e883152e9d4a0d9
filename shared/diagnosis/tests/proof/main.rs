//! What a finding promises, held against worlds made at random: plans let the send through and nothing else, no part of them can
//! be left out, and taking them back leaves no trace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod beyond;
mod judge;
mod least;
mod parts;
mod plan;
mod reference;
mod world;

use proptest::prelude::*;
use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::{Finding, Remedy};
use sesame_diagnosis::world::World;
use sesame_diagnosis::{Options, diagnose};

use world::{Tape, incident};

fn options() -> Options {
    Options {
        now: "2026-03-01T03:05:00Z".parse().unwrap(),
        strict: true,
        own_account: None,
        apply_role_accounts: Vec::new(),
    }
}

fn tape() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..360)
}

struct Case {
    world: World,
    incident: Incident,
    finding: Finding,
    rest: Vec<u16>,
}

fn case(choices: &[u16]) -> Case {
    let split = choices.len() * 4 / 5;
    let mut tape = Tape::new(&choices[..split]);
    // The refusal first: short tapes still hold one.
    let incident = incident(&mut tape);
    let world = world::world(&mut tape);
    let finding = diagnose(&incident, &world, &options()).unwrap();
    Case { world, incident, finding, rest: choices[split..].to_vec() }
}

fn planned(finding: &Finding) -> Vec<&Remedy> {
    finding.planned().collect()
}

fn with_plan(case: &Case) -> World {
    let mut world = case.world.clone();
    planned(&case.finding).into_iter().for_each(|remedy| judge::apply(&mut world, remedy));
    world
}

/// A case as a person reads it, for messages of failed tests.
fn told(case: &Case) -> String {
    let mut lines = vec![format!("plan {:?}", case.finding.plan)];
    lines.extend(
        case.finding
            .requests
            .iter()
            .map(|request| format!("request {} on {}: {:?}", request.action, request.resource, request.possible)),
    );
    lines.extend(
        case.finding
            .causes
            .iter()
            .map(|cause| format!("cause of request {}, {:?}: {}", cause.request, cause.certainty, cause.summary)),
    );
    lines.extend(case.finding.remedies.iter().filter(|remedy| remedy.alternative_to.is_none()).map(|remedy| {
        format!(
            "{} fixes {:?}, {}\n  {}",
            remedy.id,
            remedy.fixes,
            remedy.title,
            remedy.after.clone().unwrap_or_default()
        )
    }));
    lines.extend(case.incident.distinct.iter().map(|(denial, _)| {
        format!("context {:?} from {:?}, TLS {:?}", denial.send, denial.source_ip, denial.secure_transport)
    }));
    lines.extend(case.incident.latest.message.text.clone());
    lines.join("\n")
}

//! Every plan can be put in place as it says, by what its finding alone tells of the send, and taken back again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pollster::block_on;
use sesame_diagnosis::finding::{Applicability, Finding, TargetKind};
use sesame_remediation::{State, guard};
use sesame_responder::place::{Order, put_back_all, put_in_place};
use sesame_scenarios::run::{findings, options, world};
use sesame_scenarios::{Scenario, all, write_snapshot};
use sesame_snapshot::embedded::SnapshotFolder;

/// Every file of a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.is_dir() {
            true => all.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes))),
            false => drop(all.insert(name, fs::read(&path).unwrap())),
        }
    }
    all
}

/// A snapshot cannot take a boundary that is not there yet: its copy of one of AWS's is for whoever owns the boundary.
fn makes_a_boundary(finding: &Finding) -> bool {
    finding.planned().any(|remedy| remedy.target.kind == TargetKind::Boundary && remedy.before.is_none())
}

fn put_in_place_and_back(scenario: &Scenario, finding: &Finding) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("sesame-applied-{}-{}", std::process::id(), scenario.name));
    write_snapshot(scenario, &folder);
    let before = files(&folder);
    let writer = SnapshotFolder(folder.clone());
    let options = options();
    let order = Order { finding, remedies: &finding.plan, force_advice: true, options: &options };
    let receipt = block_on(put_in_place(order, &writer, &writer)).map_err(|refusal| refusal.to_string())?;
    if receipt.state != State::Applied {
        return Err(receipt.note.unwrap_or_default());
    }
    let on: Vec<&String> = finding.planned().flat_map(|remedy| &remedy.verification.depends_on).collect();
    let unseen = |on: &&String| ["session-policy", "vpc-endpoint-policy"].contains(&on.as_str());
    let came = receipt.verification.allowed_after;
    let as_said = match on.as_slice() {
        [] => came == Some(true),
        // What no record shows may be taken as absent once the policies are others.
        on if on.iter().all(unseen) => came != Some(false),
        _ => came.is_none(),
    };
    if !as_said {
        return Err(format!("said to turn on {on:?}, came to {came:?}"));
    }
    let mut written = receipt.written;
    block_on(put_back_all(&mut written, &writer)).map_err(|error| error.to_string())?;
    if files(&folder) != before {
        return Err("not as it was after it was taken back".to_owned());
    }
    fs::remove_dir_all(&folder).unwrap();
    Ok(())
}

#[test]
fn every_plan_can_be_put_in_place_and_taken_back() {
    let mut failures = Vec::new();
    let mut applied = 0;
    for scenario in all().iter().filter(|scenario| !scenario.files.is_empty()) {
        for finding in findings(scenario, &world(scenario)) {
            // What Sesame offers to apply, its own guard lets through.
            for remedy in finding.remedies.iter().filter(|it| it.applicability != Applicability::AdviceOnly) {
                if let Err(refusal) = guard::check(&finding, remedy) {
                    failures.push(format!("{}: {}: {refusal}", scenario.name, remedy.id));
                }
            }
            if finding.plan.is_empty() || makes_a_boundary(&finding) {
                continue;
            }
            applied += 1;
            if let Err(why) = put_in_place_and_back(scenario, &finding) {
                failures.push(format!("{}: {why}", scenario.name));
            }
        }
    }
    assert!(applied > 100, "only {applied} plans were put in place");
    assert!(failures.is_empty(), "{} plans:\n{}", failures.len(), failures.join("\n"));
}

//! Sample findings, and data that tries to be more than data.
#![allow(dead_code, reason = "each test file uses a part of this")]

pub mod markup;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use sesame_diagnosis::finding::Finding;

/// The present of every test.
pub fn now() -> Timestamp {
    "2026-11-23T15:15:00Z".parse().unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A sample finding as JSON.
pub fn fixture_json(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A sample finding.
pub fn fixture(name: &str) -> Finding {
    serde_json::from_value(fixture_json(name)).unwrap()
}

/// The names of all sample findings.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 12, "sample findings: {names:?}");
    names
}

/// All sample findings, the huge one too.
pub fn all() -> Vec<(String, Finding)> {
    let mut list: Vec<_> = names().into_iter().map(|name| (name.clone(), fixture(&name))).collect();
    list.push(("huge".to_owned(), huge()));
    list
}

/// Two hundred near misses, forty causes, long documents.
pub fn huge() -> Finding {
    let mut finding = fixture("identity-action");
    let near = finding.causes[0].near_misses[0].clone();
    finding.causes[0].near_misses = (0..200)
        .map(|index| {
            let mut near = near.clone();
            near.policy.name = format!("policy-{index:03}");
            near.expected = (0..50).map(|value| format!("ses:Action{index}x{value}")).collect();
            near.summary = format!("statement `AllowSend` of inline policy `policy-{index:03}` comes close");
            near
        })
        .collect();
    let cause = finding.causes[0].clone();
    for _ in 0..39 {
        let mut cause = cause.clone();
        cause.near_misses.truncate(3);
        finding.causes.push(cause);
    }
    let evidence = finding.requests[0].layers[0].statements[0].clone();
    finding.requests[0].layers[0].statements = vec![evidence; 60];
    let request = finding.requests[0].clone();
    finding.requests = vec![request; 8];
    let remedy = finding.remedies[0].clone();
    for index in 2..12 {
        let mut remedy = remedy.clone();
        remedy.id = format!("r{index}0");
        remedy.commands.aws_cli = format!("{}\n{}", remedy.commands.aws_cli, "# padding\n".repeat(300));
        finding.plan.push(remedy.id.clone());
        finding.remedies.push(remedy);
    }
    finding
}

/// Names of fields whose values are of a closed list.
const CLOSED: [&str; 10] = [
    "outcome",
    "provenance",
    "managedBy",
    "origin",
    "certainty",
    "agreement",
    "reason",
    "role",
    "operation",
    "applicability",
];

/// The finding with this text in place of every string that is not of a closed list.
pub fn with_every_string(finding: &Value, text: &str) -> Finding {
    let mut tree = finding.clone();
    replace(&mut tree, "", "", text);
    serde_json::from_value(tree).unwrap()
}

fn replace(value: &mut Value, parent: &str, key: &str, text: &str) {
    match value {
        Value::String(string) => {
            let closed = CLOSED.contains(&key)
                || (key == "kind" && parent != "hints")
                || (key == "type" && parent == "principal")
                || key == "Effect";
            // What is decided from these is worth having along, too.
            let telling = parent == "hints" && key == "kind";
            if !closed && !telling {
                text.clone_into(string);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, parent, key, text)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, field)| replace(field, key, name, text));
            // Typed parts ignore it; documents, contexts and details take it as one more name.
            fields.insert(text.to_owned(), Value::String(text.to_owned()));
        }
        _ => {}
    }
}

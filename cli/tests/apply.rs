//! `sesame apply` and `sesame demo`: what is written, what is refused, and the way back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{Folder, NOW, Run, event, sesame, sesame_with};
use serde_json::{Value, json};

/// Every event of the demo.
const EVENTS: [&str; 11] = [
    "01-no-allow",
    "02-from-address",
    "03-default-configuration-set",
    "04-bulk",
    "05-smtp",
    "06-region",
    "07-template",
    "08-storm",
    "09-boundary",
    "10-deny-on-identity",
    "11-organization",
];

fn diagnose(event_name: &str, snapshot: &Folder) -> Run {
    let event = event(event_name);
    let run =
        sesame(&["diagnose", "--event", &event, "--snapshot", &snapshot.text(), "--format", "json", "--now", NOW]);
    run.succeeded();
    run
}

fn finding(event_name: &str, snapshot: &Folder, folder: &Folder) -> String {
    folder.write("finding.json", &diagnose(event_name, snapshot).stdout)
}

fn apply(finding: &str, snapshot: &Folder, more: &[&str]) -> Run {
    let mut arguments = vec!["apply", "--finding", finding, "--now", NOW, "--snapshot"];
    let snapshot = snapshot.text();
    arguments.push(&snapshot);
    arguments.extend(more);
    sesame(&arguments)
}

#[test]
fn every_plan_lets_the_send_through_and_comes_off_byte_for_byte() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/receipt.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for name in EVENTS {
        let (snapshot, folder) = (Folder::snapshot(), Folder::new());
        let original = snapshot.bytes();
        let finding = finding(name, &snapshot, &folder);
        let applied = apply(&finding, &snapshot, &["--plan", "--force-advice"]);
        applied.succeeded();
        let receipt = applied.json();
        schema.validate(&receipt).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(receipt["verification"]["allowedAfter"], true, "{name}");
        assert_ne!(snapshot.bytes(), original, "{name}");
        assert_ne!(diagnose(name, &snapshot).json()["outcome"], "denied", "{name}");

        let receipt = folder.write("receipt.json", &applied.stdout);
        sesame(&["apply", "--rollback", &receipt, "--snapshot", &snapshot.text()]).succeeded();
        assert_eq!(snapshot.bytes(), original, "{name}");
    }
}

#[test]
fn applications_come_off_in_turn() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let original = snapshot.bytes();
    let receipts: Vec<String> = EVENTS
        .iter()
        .map(|name| {
            let applied = apply(&finding(name, &snapshot, &folder), &snapshot, &["--force-advice"]);
            applied.succeeded();
            folder.write(&format!("{name}.json"), &applied.stdout)
        })
        .collect();
    for receipt in receipts.iter().rev() {
        sesame(&["apply", "--rollback", receipt, "--snapshot", &snapshot.text()]).succeeded();
    }
    assert_eq!(snapshot.bytes(), original);
}

#[test]
fn an_earlier_application_comes_off_without_the_later() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let first = apply(&finding("01-no-allow", &snapshot, &folder), &snapshot, &[]);
    let first = folder.write("first.json", first.succeeded());
    apply(&finding("02-from-address", &snapshot, &folder), &snapshot, &[]).succeeded();
    let run = sesame(&["apply", "--rollback", &first, "--snapshot", &snapshot.text()]);
    run.succeeded();
    assert!(run.stderr.contains("the file was changed elsewhere in the meantime"), "{}", run.stderr);
    assert_eq!(diagnose("01-no-allow", &snapshot).json()["outcome"], "denied");
    assert_ne!(diagnose("02-from-address", &snapshot).json()["outcome"], "denied");
    // Once only.
    let again = sesame(&["apply", "--rollback", &first, "--snapshot", &snapshot.text()]);
    assert!(again.failed(3).ends_with("expected the document that was written; it was changed since"));
}

#[test]
fn advice_is_refused_unless_it_is_forced() {
    for name in ["09-boundary", "10-deny-on-identity", "11-organization"] {
        let (snapshot, folder) = (Folder::snapshot(), Folder::new());
        let original = snapshot.bytes();
        let finding = finding(name, &snapshot, &folder);
        for more in [&[][..], &["--plan"], &["--remedy", "r1"]] {
            let refused = apply(&finding, &snapshot, more);
            assert!(refused.failed(1).contains("is advice only"), "{}", refused.stderr);
            assert_eq!((refused.stdout.as_str(), snapshot.bytes()), ("", original.clone()));
        }
        apply(&finding, &snapshot, &["--remedy", "r1", "--force-advice"]).succeeded();
    }
}

#[test]
fn an_alternative_is_applied_by_its_id() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let finding = finding("01-no-allow", &snapshot, &folder);
    let receipt = apply(&finding, &snapshot, &["--remedy", "r3"]);
    receipt.succeeded();
    let written = &receipt.json()["written"][0];
    assert_eq!(written["remedy"], "r3");
    let condition = &written["after"]["Statement"][0]["Condition"]["DateLessThan"]["aws:CurrentTime"];
    assert!(condition.as_str().unwrap().starts_with("2026-11-30T"), "{condition}");
}

#[test]
fn an_unknown_remedy_is_refused() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let finding = finding("01-no-allow", &snapshot, &folder);
    let error = apply(&finding, &snapshot, &["--remedy", "r99"]);
    assert!(error.failed(1).ends_with("has no remedy `r99`"));
}

#[test]
fn an_altered_finding_is_refused() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let original = snapshot.bytes();
    let honest = diagnose("01-no-allow", &snapshot).json();
    let cases: [(&str, Value, &str); 6] = [
        (
            "/remedies/0/after/Statement/0/Action",
            json!("ses:*"),
            "refused by the content guard at /after/Statement/0/Action",
        ),
        (
            "/remedies/0/after/Statement/0/Resource",
            json!("*"),
            "refused by the content guard at /after/Statement/0/Resource",
        ),
        ("/remedies/0/target/policy", json!("OrdersTable"), "refused by the content guard at /target/policy"),
        (
            "/remedies/0/target/principal",
            json!("arn:aws:iam::111122223333:role/app/newsletter"),
            "refused by the content guard at /target/principal",
        ),
        ("/remedies/0/after/Statement/0/Sid", json!("Other"), "expected afterDigest to be the digest of its document"),
        (
            "/remedies/0/beforeDigest",
            json!(format!("sha256:{}", "0".repeat(64))),
            "expected beforeDigest to be the digest of its document",
        ),
    ];
    for (pointer, value, expected) in cases {
        let mut altered = honest.clone();
        *altered.pointer_mut(pointer).unwrap() = value;
        let path = folder.write("altered.json", &altered.to_string());
        let refused = apply(&path, &snapshot, &[]);
        assert!(refused.failed(1).contains(expected), "{pointer}: {}", refused.stderr);
        assert_eq!(snapshot.bytes(), original);
    }
}

#[test]
fn a_document_that_changed_since_is_refused() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let finding = finding("10-deny-on-identity", &snapshot, &folder);
    snapshot.replace("accounts/333344445555/ses/eu-west-1.json", "invoices@billing.example", "bills@billing.example");
    let refused = apply(&finding, &snapshot, &["--force-advice"]);
    assert!(refused.failed(1).contains("the document was changed since the diagnosis"), "{}", refused.stderr);
}

#[test]
fn what_would_not_fit_is_refused() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let finding = finding("05-smtp", &snapshot, &folder);
    // A user's inline policies may hold 2,048 characters together.
    let long = format!("\"Sid\": \"{}\"", "x".repeat(1900));
    let other = json!([{ "PolicyName": "long", "PolicyDocument": { "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*", "Condition": { "StringLike": { "aws:x": long } } }] } }]);
    snapshot.replace(
        "accounts/111122223333/iam.json",
        "\"UserPolicyList\": []",
        &format!("\"UserPolicyList\": {other}"),
    );
    let refused = apply(&finding, &snapshot, &[]);
    assert!(refused.failed(1).contains("AWS allows 2048"), "{}", refused.stderr);
}

#[test]
fn input_and_snapshot_errors_have_their_statuses() {
    let (snapshot, folder) = (Folder::snapshot(), Folder::new());
    let nowhere = folder.file("nowhere.json");
    assert_eq!(apply(&nowhere, &snapshot, &[]).failed(1), format!("{nowhere}: expected a file, found none"));
    let wrong = folder.write("wrong.json", "{\"schema\": 7}");
    assert!(apply(&wrong, &snapshot, &[]).failed(1).starts_with(&format!("{wrong}: schema: expected a finding")));
    let finding = finding("01-no-allow", &snapshot, &folder);
    let missing = Folder::new();
    assert!(
        apply(&finding, &missing, &[])
            .failed(3)
            .ends_with("expected a snapshot (a folder `accounts` in it), found none")
    );
    let not_a_receipt = sesame(&["apply", "--rollback", &finding, "--snapshot", &snapshot.text()]);
    assert!(not_a_receipt.failed(1).contains("expected a receipt"), "{}", not_a_receipt.stderr);
}

#[test]
fn a_finding_comes_through_a_pipe() {
    let snapshot = Folder::snapshot();
    let finding = diagnose("01-no-allow", &snapshot).stdout;
    let run = sesame_with(&["apply", "--finding", "-", "--snapshot", &snapshot.text()], finding.as_bytes());
    run.succeeded();
    let back = sesame_with(&["apply", "--rollback", "-", "--snapshot", &snapshot.text()], run.stdout.as_bytes());
    back.succeeded();
}

#[test]
fn the_demo_plays_every_scene_and_leaves_a_page() {
    let folder = Folder::new();
    let out = folder.file("demo");
    let start = std::time::Instant::now();
    let run = sesame(&["demo", "--out", &out]);
    let took = start.elapsed();
    let text = run.succeeded();
    assert!(took.as_secs() < 20, "{took:?} in a debug build");
    assert!(text.contains("10 of 11 sends are allowed now"), "{text}");
    assert_eq!(text.matches("Checked: the same send again").count(), 10);
    assert_eq!(text.matches("e-mail: Applied:").count(), 8);
    let page = text.lines().last().unwrap();
    assert!(std::fs::read_to_string(page).unwrap().starts_with("<!doctype html>"));
    let pages = std::fs::read_dir(&out)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "html"));
    assert_eq!(pages.count(), 12);
    // It plays again, with the same words.
    assert_eq!(sesame(&["demo", "--out", &out]).succeeded(), text);
}

#[test]
fn the_demo_leaves_other_folders_alone() {
    let folder = Folder::new();
    let file = folder.write("mine.txt", "precious");
    let run = sesame(&["demo", "--out", &folder.text()]);
    assert!(run.failed(2).starts_with("--out: expected an empty folder or one of an earlier demo"));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
}

//! Every output validates against its JSON Schema in `docs/schema/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::path::Path;

use common::{all, fixture_json, markup::hostile, names, now};
use jsonschema::Validator;
use serde_json::{Value, json};
use sesame_policy::case::Case;
use sesame_render::chat::chat;
use sesame_render::slack::{Buttons, SlackOptions, slack};
use sesame_render::sns::{SnsOptions, sns};
use sesame_render::{Phase, compact};

fn schema(name: &str) -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema").join(format!("{name}.json"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
fn validates(validator: &Validator, value: &Value, what: &str) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

#[track_caller]
fn fails(validator: &Validator, value: &Value, what: &str) {
    assert!(!validator.is_valid(value), "{what}: {value}");
}

#[test]
fn sample_findings_and_their_compact_forms_validate() {
    let schema = schema("finding");
    for name in names() {
        validates(&schema, &fixture_json(&name), &name);
    }
    for (name, finding) in all() {
        for form in [compact::compact, compact::without_evidence, compact::pointer] {
            validates(&schema, &serde_json::to_value(form(&finding)).unwrap(), &name);
        }
    }
}

#[test]
fn a_finding_with_a_word_outside_of_a_closed_list_fails() {
    let schema = schema("finding");
    let places = [
        "/outcome",
        "/provenance",
        "/principal/type",
        "/requests/0/origin",
        "/requests/0/decision",
        "/requests/0/layers/0/layer",
        "/causes/0/kind",
        "/causes/0/layer",
        "/causes/0/certainty",
        "/hints/0/kind",
        "/witness/agreement",
        "/remedies/0/applicability",
        "/remedies/0/operation",
        "/remedies/0/target/kind",
        "/remedies/0/owner/role",
        "/causes/0/nearMisses/0/fails",
        "/schema",
        "/remedies/0/beforeDigest",
    ];
    for place in places {
        let mut finding = fixture_json("identity-action");
        *finding.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = json!("something-else");
        fails(&schema, &finding, place);
    }
    let mut more = fixture_json("identity-action");
    more["later"] = json!("fields may be added");
    validates(&schema, &more, "more");
    let mut less = fixture_json("identity-action");
    less.as_object_mut().unwrap().remove("witness");
    fails(&schema, &less, "no witness");
}

#[test]
fn every_hint_and_layer_has_its_place_in_the_lists() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/finding.json"));
    let schema: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let hints = schema["$defs"]["hint"]["properties"]["kind"]["enum"].as_array().unwrap();
    assert_eq!(hints.len(), 22);
    let layers: Vec<&str> =
        schema["$defs"]["layer"]["enum"].as_array().unwrap().iter().map(|layer| layer.as_str().unwrap()).collect();
    assert_eq!(layers, sesame_policy::LayerKind::ALL.map(sesame_policy::LayerKind::as_str));
}

#[test]
fn messages_to_sns_validate_with_all_that_is_in_them() {
    let (sns_schema, chat_schema, finding_schema) = (schema("sns"), schema("chat"), schema("finding"));
    for (name, finding) in all() {
        let phases = if name == "huge" { &Phase::ALL[..2] } else { &Phase::ALL[..] };
        for phase in phases.iter().copied() {
            let options = SnsOptions { detail: Some("by ada".to_owned()), ..SnsOptions::at(now()) };
            let message = sns(&finding, phase, &options);
            validates(&sns_schema, &serde_json::to_value(&message).unwrap(), &name);
            let parsed = |protocol: &str| -> Value { serde_json::from_str(&message.message[protocol]).unwrap() };
            validates(&chat_schema, &parsed("https"), &name);
            for protocol in ["sqs", "lambda", "firehose"] {
                validates(&finding_schema, &parsed(protocol), &name);
            }
            let sent: Value = serde_json::from_str(&message.message_text()).unwrap();
            assert!(sent.as_object().unwrap().values().all(Value::is_string), "{name}");
        }
    }
}

#[test]
fn chat_and_slack_messages_validate_whatever_the_data() {
    let (chat_schema, slack_schema) = (schema("chat"), schema("slack"));
    let hostile = hostile()
        .into_iter()
        .map(|text| (format!("{text:?}"), common::with_every_string(&fixture_json("identity-action"), &text)));
    for (name, finding) in all().into_iter().chain(hostile) {
        for phase in [Phase::Finding, Phase::Applied, Phase::Failed] {
            validates(&chat_schema, &chat(&finding, phase, Some("by ada"), now()), &name);
            let buttons = Buttons { approve: Some("a".into()), reject: Some("r".into()), mute: Some("m".into()) };
            let options = SlackOptions { now: now(), buttons: Some(buttons), phase: Some((phase, None)) };
            validates(&slack_schema, &slack(&finding, &options), &name);
        }
    }
    fails(&slack_schema, &json!({"text": "x", "blocks": [{"type": "header", "text": "x"}]}), "no text object");
    fails(&chat_schema, &json!({"version": "1.0", "source": "other", "content": {"description": "x"}}), "source");
}

#[test]
fn cases_and_answers_of_the_engine_validate() {
    let (case_schema, answer_schema) = (schema("evaluate-case"), schema("evaluate-answer"));
    let allow = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*",
        "Condition": {"StringEquals": {"ses:FromAddress": "a@example.com"}}}});
    let mut shared = allow.clone();
    shared["Statement"]["Principal"] = json!({"AWS": "111122223333"});
    let request = json!({"principal": "arn:aws:iam::111122223333:role/app", "action": "ses:SendEmail",
        "resource": "arn:aws:ses:eu-west-1:111122223333:identity/example.com",
        "context": {"ses:FromAddress": {"unknown": true}, "ses:Recipients": ["x@example.com"], "aws:SecureTransport": true}});
    let policies = [
        json!({"identity": [allow]}),
        json!({"identity": [{"name": "p", "document": allow}], "serviceControl": [[allow], {"unreadable": true}]}),
        json!({"identity": {"unreadable": true}, "boundary": [], "resource": {"name": null, "document": shared}}),
        json!({}),
    ];
    for policies in policies {
        let case =
            json!({"id": "c", "request": request, "policies": policies, "why": "unknown fields are ignored here"});
        validates(&case_schema, &case, "case");
        let answer = Case::parse(&case.to_string()).unwrap().answer();
        validates(&answer_schema, &serde_json::from_str(&answer).unwrap(), "answer");
    }
    for (pointer, value) in [
        ("/request/extra", json!(1)),
        ("/policies/extra", json!([])),
        ("/request/action", json!("SendEmail")),
        ("/id", json!(1)),
    ] {
        let mut case = json!({"id": "c", "request": request, "policies": {"identity": [allow]}});
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        case.pointer_mut(parent).unwrap()[name] = value;
        fails(&case_schema, &case, pointer);
        let error = Case::parse(&case.to_string()).expect_err(pointer).answer();
        validates(&answer_schema, &serde_json::from_str(&error).unwrap(), "error");
    }
}

#[test]
fn files_of_a_snapshot_folder_validate() {
    let organization = schema("snapshot-organization");
    validates(&organization, &json!({"NotInOrganization": true}), "none");
    let policy =
        json!({"Id": "p-1", "Name": "FullAWSAccess", "Arn": "arn:aws:organizations::aws:policy/p-1", "Content": {}});
    let whole = json!({"Id": "o-a1", "MasterAccountId": "999988887777", "Roots": [{"Id": "r-1", "Name": "Root",
        "ServiceControlPolicies": [policy], "OrganizationalUnits": [{"Id": "ou-1", "Name": "Mail", "ResourceControlPolicies": [],
        "Accounts": [{"Id": "111122223333", "Name": "production", "ServiceControlPolicies": [{"Id": "p-2", "Name": "x", "Content": "{}"}]}]}]}]});
    validates(&organization, &whole, "whole");
    fails(&organization, &json!({"Id": "o-a1"}), "no roots");
    let ses = schema("snapshot-ses");
    validates(
        &ses,
        &json!({"Account": {"ProductionAccessEnabled": true, "SendQuota": {}}, "ConfigurationSets": ["a"],
            "Identities": {"example.com": {"VerifiedForSendingStatus": true, "Policies": {"p": "{}", "q": {}}}}}),
        "ses",
    );
    fails(&ses, &json!({"Identities": {"example.com": {"VerifiedForSendingStatus": "yes"}}}), "a string for a boolean");
    let history = schema("snapshot-history");
    let change = json!({"time": "2026-11-23T15:20:00Z", "principalArn": "arn:aws:iam::111122223333:role/app", "api": "PutRolePolicy"});
    validates(&history, &json!([change]), "history");
    fails(&history, &json!([{"time": "2026-11-23T15:20:00Z"}]), "nothing was changed");
}

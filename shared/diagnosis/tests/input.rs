//! Reads every file under `tests/fixtures/events` and compares what was read with the `.expected.json` beside it.
//!
//! After a wanted change, `UPDATE_EXPECTED=1 cargo test -p sesame-diagnosis --test input` writes the expectations anew;
//! read the difference before you keep it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sesame_diagnosis::denial::{Caller, Denial, Parameter, Refusal};
use sesame_diagnosis::finding::CauseKind;
use sesame_diagnosis::input::{self, Input};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/events")
}

fn folder(name: &str) -> usize {
    let mut count = 0;
    let mut differences = Vec::new();
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(fixtures().join(name)).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if file.ends_with(".expected.json") {
            continue;
        }
        let found = summary(&input::read(&std::fs::read(&path).unwrap(), &file));
        let expected_path = path.with_file_name(format!("{file}.expected.json"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&expected_path, format!("{found:#}\n")).unwrap();
        }
        let expected: Value = serde_json::from_str(&std::fs::read_to_string(&expected_path).unwrap()).unwrap();
        if found != expected {
            differences.push(format!("{file}: expected {expected:#}\nfound {found:#}"));
        }
        count += 1;
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    count
}

#[test]
fn every_form_of_input_is_read() {
    assert_eq!(folder("forms"), 20);
}

#[test]
fn every_type_of_caller_is_read() {
    assert_eq!(folder("identities"), 20);
}

#[test]
fn parameters_of_every_operation_are_read() {
    assert_eq!(folder("parameters"), 19);
}

/// What was read, without what is unknown or absent. A parameter that was not given is `null`.
fn summary(input: &Input) -> Value {
    json!({
        "denials": input.denials.iter().map(denial).collect::<Vec<_>>(),
        "skipped": input.skipped.to_string(),
        "errors": input.errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn denial(denial: &Denial) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), Value::String(value));
        }
    };
    put("provenance", Some(format!("{:?}", denial.provenance)));
    put(
        "refusal",
        match &denial.refusal {
            Refusal::AccessDenied => None,
            Refusal::Other(other) => Some(format!("{other:?}")),
        },
    );
    put("eventId", denial.event_id.clone());
    put("sharedEventId", denial.shared_event_id.clone());
    put("time", denial.time.map(|time| time.to_string()));
    put("region", denial.region.clone());
    put("api", denial.api.clone());
    put("recipientAccount", denial.recipient_account.clone());
    put("eventAccount", denial.event_account.clone());
    put("accessKeyId", denial.access_key_id.clone());
    put("sourceIp", denial.source_ip.clone());
    put("userAgent", denial.user_agent.clone());
    put("secureTransport", denial.secure_transport.map(|value| value.to_string()));
    put("host", denial.host.clone());
    put("vpcEndpointId", denial.vpc_endpoint_id.clone());
    put("invokedBy", denial.invoked_by.clone());
    put("mfaAuthenticated", denial.mfa_authenticated.map(|value| value.to_string()));
    put("sessionCreated", denial.session_created.map(|time| time.to_string()));
    put("sourceIdentity", denial.source_identity.clone());
    fields.insert("caller".to_owned(), caller(&denial.caller));
    fields.insert("send".to_owned(), send(denial));
    fields.insert("resources".to_owned(), json!(denial.resources));
    fields.insert("message".to_owned(), message(denial));
    Value::Object(fields)
}

fn caller(caller: &Caller) -> Value {
    match caller {
        Caller::Root { arn } => json!({"root": arn.as_str()}),
        Caller::User { arn } => json!({"user": arn.as_str()}),
        Caller::Role { account, name, role_arn, session_arn } => json!({
            "role": name,
            "account": account,
            "roleArn": role_arn.as_ref().map(|arn| arn.as_str()),
            "sessionArn": session_arn.as_ref().map(|arn| arn.as_str()),
        }),
        Caller::FederatedUser { arn, issuer } => {
            json!({"federatedUser": arn.as_str(), "issuer": issuer.as_ref().map(|arn| arn.as_str())})
        }
        Caller::Service(service) => json!({"service": service}),
        Caller::Account { account, principal_id } => json!({"account": account, "principalId": principal_id}),
        Caller::Unknown => json!("unknown"),
    }
}

fn send(denial: &Denial) -> Value {
    let send = &denial.send;
    let mut fields = Map::new();
    if let Some(generation) = send.generation {
        fields.insert("generation".to_owned(), json!(format!("{generation:?}")));
    }
    if let Some(content) = send.content {
        fields.insert("content".to_owned(), json!(format!("{content:?}")));
    }
    if send.smtp {
        fields.insert("smtp".to_owned(), json!(true));
    }
    let texts = [
        ("fromAddress", &send.from_address),
        ("fromDisplayName", &send.from_display_name),
        ("feedbackAddress", &send.feedback_address),
        ("configurationSet", &send.configuration_set),
        ("template", &send.template),
        ("templateArn", &send.template_arn),
        ("identityArn", &send.identity_arn),
        ("feedbackIdentityArn", &send.feedback_identity_arn),
        ("tenant", &send.tenant),
        ("endpointId", &send.endpoint_id),
    ];
    for (name, parameter) in texts {
        parameter_field(&mut fields, name, parameter);
    }
    parameter_field(&mut fields, "recipients", &send.recipients);
    Value::Object(fields)
}

fn parameter_field<T: serde::Serialize>(fields: &mut Map<String, Value>, name: &str, parameter: &Parameter<T>) {
    match parameter {
        Parameter::Given(value) => fields.insert(name.to_owned(), json!(value)),
        Parameter::NotGiven => fields.insert(name.to_owned(), Value::Null),
        Parameter::Unknown => None,
    };
}

fn message(denial: &Denial) -> Value {
    let message = &denial.message;
    let mut fields = Map::new();
    let texts = [
        ("principal", &message.principal),
        ("action", &message.action),
        ("resource", &message.resource),
        ("layer", &message.layer),
        ("policyArn", &message.policy_arn),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(kind) = message.kind {
        fields.insert("kind".to_owned(), json!(if kind == CauseKind::NoAllow { "no-allow" } else { "explicit-deny" }));
    }
    Value::Object(fields)
}

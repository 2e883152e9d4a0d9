//! Nothing that a finding may say is without a scenario that expects it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sesame_scenarios::{Scenario, all, folder};

/// Fields of a finding, `*` for each element of a list, and where the schema lists their values.
const FIELDS: [(&str, &str); 21] = [
    ("outcome", "/properties/outcome/enum"),
    ("provenance", "/properties/provenance/enum"),
    ("principal/type", "/properties/principal/properties/type/enum"),
    ("principal/managedBy", "/properties/principal/properties/managedBy/enum"),
    ("witness/layer", "/properties/witness/properties/layer/enum"),
    ("witness/kind", "/properties/witness/properties/kind/enum"),
    ("witness/agreement", "/properties/witness/properties/agreement/enum"),
    ("requests/*/origin", "/$defs/request/properties/origin/enum"),
    ("requests/*/decision", "/$defs/decision/enum"),
    ("causes/*/kind", "/$defs/causeKind/enum"),
    ("causes/*/layer", "/$defs/layer/enum"),
    ("causes/*/certainty", "/$defs/cause/properties/certainty/enum"),
    ("causes/*/level/type", "/$defs/cause/properties/level/oneOf/0/properties/type/enum"),
    ("causes/*/policy/kind", "/$defs/policy/properties/kind/enum"),
    ("causes/*/conditions/*/state", "/$defs/condition/properties/state/enum"),
    ("causes/*/nearMisses/*/fails", "/$defs/element/enum"),
    ("hints/*/kind", "/$defs/hint/properties/kind/enum"),
    ("gaps/*/reason", "/$defs/gap/properties/reason/enum"),
    ("remedies/*/target/kind", "/$defs/remedy/properties/target/properties/kind/enum"),
    ("remedies/*/owner/role", "/$defs/remedy/properties/owner/properties/role/enum"),
    ("remedies/*/applicability", "/$defs/remedy/properties/applicability/enum"),
];

/// What no scenario can show, and why.
const NOT_HERE: [(&str, &str, &str); 7] = [
    ("witness/layer", "resource-control-policy", "SES is not covered by resource control policies"),
    ("causes/*/layer", "resource-control-policy", "SES is not covered by resource control policies"),
    ("causes/*/policy/kind", "rcp", "SES is not covered by resource control policies"),
    ("gaps/*/reason", "access-denied", "only AWS refuses to be read"),
    ("gaps/*/reason", "throttled", "only AWS throttles"),
    ("gaps/*/reason", "timeout", "only AWS answers late"),
    ("gaps/*/reason", "invalid-document", "a snapshot's document that does not parse ends the command"),
];

/// The layers that can refuse a send.
const LAYERS: [&str; 6] = [
    "identity-policy",
    "permissions-boundary",
    "session-policy",
    "service-control-policy",
    "sending-authorization-policy",
    "vpc-endpoint-policy",
];

/// The condition keys of SES, and the global ones that its guide or AWS's examples for it use.
const KEYS: [&str; 21] = [
    "ses:ApiVersion",
    "ses:FeedbackAddress",
    "ses:FromAddress",
    "ses:FromDisplayName",
    "ses:MultiRegionEndpointId",
    "ses:Recipients",
    "ses:TenantName",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalTag/team",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:ViaAWSService",
    "aws:VpcSourceIp",
];

/// `userIdentity.type` of whoever can send.
const CALLERS: [&str; 7] = ["Root", "IAMUser", "AssumedRole", "Role", "FederatedUser", "AWSService", "AWSAccount"];

/// The texts that expected blocks hold, by the field's place.
fn expected(scenarios: &[Scenario]) -> BTreeMap<String, BTreeSet<String>> {
    let mut texts = BTreeMap::new();
    for scenario in scenarios {
        collect(&scenario.expected, "", &mut texts);
    }
    texts
}

fn collect(value: &Value, place: &str, texts: &mut BTreeMap<String, BTreeSet<String>>) {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !name.ends_with("?lacks")) {
                let name = ["~", "?has", "?set"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
                collect(value, &below(name), texts);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, &below("*"), texts)),
        Value::String(text) => {
            texts.entry(place.to_owned()).or_default().insert(text.clone());
        }
        _ => {}
    }
}

#[test]
fn every_value_of_a_finding_is_expected_somewhere() {
    let schema = std::fs::read_to_string(folder().join("../../docs/schema/finding.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let told = expected(&all());
    let none = BTreeSet::new();
    let mut missing = Vec::new();
    for (place, list) in FIELDS {
        let values = schema.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("no list at {list}"));
        let here = told.get(place).unwrap_or(&none);
        for value in values.iter().filter_map(Value::as_str) {
            let elsewhere = NOT_HERE.iter().any(|(at, known, _)| (*at, *known) == (place, value));
            if !here.contains(value) && !elsewhere {
                missing.push(format!("{place}: {value}"));
            }
        }
    }
    assert!(missing.is_empty(), "no scenario expects:\n{}", missing.join("\n"));
}

#[test]
fn every_two_layers_refuse_together_somewhere() {
    let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
    for scenario in all() {
        let told = expected(&[scenario]);
        let layers = told.get("causes/*/layer").cloned().unwrap_or_default();
        let pair = |one: &String| layers.iter().map(move |other| (one.clone(), other.clone())).collect::<Vec<_>>();
        pairs.extend(layers.iter().flat_map(pair));
    }
    let missing: Vec<(&str, &str)> = LAYERS
        .iter()
        .flat_map(|one| LAYERS.iter().map(move |other| (*one, *other)))
        .filter(|(one, other)| !pairs.contains(&((*one).to_owned(), (*other).to_owned())))
        .collect();
    assert!(missing.is_empty(), "no scenario expects both of {missing:?}");
}

#[test]
fn every_key_decides_somewhere() {
    let told = expected(&all());
    let keys: BTreeSet<&String> =
        told.iter().filter(|(place, _)| place.ends_with("/key")).flat_map(|(_, texts)| texts).collect();
    let missing: Vec<&str> = KEYS.into_iter().filter(|key| !keys.contains(&(*key).to_owned())).collect();
    assert!(missing.is_empty(), "no scenario expects a condition on {missing:?}");
}

#[test]
fn every_call_and_every_kind_of_caller_is_refused_somewhere() {
    let (mut apis, mut callers, mut actions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for scenario in all() {
        for event in scenario.event.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let text = |place: &str| event.pointer(place).and_then(Value::as_str).map(str::to_owned);
            apis.extend(text("/detail/eventName"));
            callers.extend(text("/detail/userIdentity/type"));
            let message = text("/detail/errorMessage").unwrap_or_default();
            actions.extend(sesame_diagnosis::message::parse(&message).action);
        }
    }
    let lacks = |list: &BTreeSet<String>, name: &str| !list.contains(name);
    let apis: Vec<&str> = sesame_diagnosis::message::SEND_APIS.into_iter().filter(|name| lacks(&apis, name)).collect();
    let callers: Vec<&str> = CALLERS.into_iter().filter(|name| lacks(&callers, name)).collect();
    let actions: Vec<&str> =
        sesame_diagnosis::near_miss::SENDS.into_iter().filter(|name| lacks(&actions, name)).collect();
    assert!(
        apis.is_empty() && callers.is_empty() && actions.is_empty(),
        "no scenario has {apis:?} called, {actions:?} refused, or {callers:?} calling"
    );
}

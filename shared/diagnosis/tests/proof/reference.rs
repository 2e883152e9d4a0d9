//! A second judge: the slow reference evaluator, which shares no code with the engine.

use serde_json::{Map, Value, json};
use sesame_policy::{ContextValue, Decision, Policy, PolicySet, Possible, Principal, Request};
use sesame_testkit::reference;

/// What the reference evaluator answers where the whole request is known; `None` where something about it is not.
pub fn decide(policies: &PolicySet, request: &Request) -> Option<Possible> {
    let answer = reference::answer(&case(policies, request)?);
    let possible = answer["possible"].as_array().unwrap_or_else(|| panic!("no answer: {answer}"));
    let decision = |name: &Value| match name.as_str().unwrap() {
        "Allowed" => Decision::Allowed,
        "ImplicitDeny" => Decision::ImplicitDeny,
        _ => Decision::ExplicitDeny,
    };
    possible.iter().map(decision).map(Possible::only).reduce(Possible::union)
}

/// Request and policies in the form of `sesame evaluate`.
fn case(policies: &PolicySet, request: &Request) -> Option<Value> {
    // The form has no word for the user behind a federated session, whom a policy may name.
    if matches!(request.principal, Principal::FederatedUser { issuer: Some(_), .. }) {
        return None;
    }
    let mut context = Map::new();
    for (key, value) in request.context.iter() {
        let value = match value {
            ContextValue::One(value) => json!(value),
            ContextValue::Many(values) => json!(values),
            ContextValue::Absent => Value::Null,
            ContextValue::Unknown(_) => return None,
        };
        context.insert(key.to_owned(), value);
    }
    let mut layers = Map::new();
    let optional =
        [("boundary", &policies.boundary), ("session", &policies.session), ("vpcEndpoint", &policies.vpc_endpoint)];
    layers.insert("identity".to_owned(), slot(&policies.identity)?);
    layers.insert("resource".to_owned(), slot(&policies.resource)?);
    for (name, list) in optional {
        if let Some(list) = list {
            layers.insert(name.to_owned(), slot(list)?);
        }
    }
    if let Some(levels) = &policies.service_control {
        let levels = levels.iter().map(|level| slot(level)).collect::<Option<Vec<Value>>>()?;
        layers.insert("serviceControl".to_owned(), Value::Array(levels));
    }
    let request = json!({
        "principal": request.principal.to_string(),
        "action": request.action,
        "resource": request.resource.as_str(),
        "context": context,
    });
    Some(json!({ "id": "proof", "request": request, "policies": layers }))
}

/// The policies of a layer or level; `None` where some could be read and others not, which the form has no word for.
fn slot(policies: &[Policy]) -> Option<Value> {
    let document = |policy: &Policy| policy.document.as_ref().map(|document| document.raw.to_value());
    let read: Vec<Value> = policies.iter().filter_map(document).collect();
    match (read.len() == policies.len(), read.is_empty()) {
        (true, _) => Some(Value::Array(read)),
        (false, true) if policies.len() == 1 => Some(json!({ "unreadable": true })),
        _ => None,
    }
}

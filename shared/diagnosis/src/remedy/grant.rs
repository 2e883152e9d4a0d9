//! Grants: new Allow statements, as small as the refusal allows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sesame_policy::json::Json;
use sesame_policy::{ContextValue, LayerKind, PolicyDocument, PolicyGrammar, StatementTrace, Truth, decide};

use super::guard::{Guard, Guards, Unmendable, carry_over, literal};
use crate::causes::Found;
use crate::examine::{Examined, only};

/// What one statement of a grant says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Exact actions.
    pub actions: BTreeSet<String>,
    /// Exact ARNs, escaped.
    pub resources: BTreeSet<String>,
    /// Conditions.
    pub guards: Vec<Guard>,
}

/// The grants that mend a set of missing allows of one layer or level, and the keys whose guards they open.
///
/// `causes` are `no-allow` causes of that layer; `examined` holds for each question its examination in each request context.
pub fn grants(causes: &[&Found], examined: &[Vec<Examined>]) -> Result<(Vec<Grant>, Vec<String>), Unmendable> {
    let mut list: Vec<Grant> = Vec::new();
    let mut opened = Vec::new();
    for found in causes {
        let contexts = examined.get(found.cause.request).map(Vec::as_slice).unwrap_or_default();
        for context in
            contexts.iter().filter(|context| context.blockers.iter().any(|(blocker, _)| *blocker == found.blocker))
        {
            let guards = guards_of(context, found)?;
            for key in guards.opened {
                if !opened.contains(&key) {
                    opened.push(key);
                }
            }
            let action = context.question.action.clone();
            let grant = Grant {
                guards: without_missing_keys(&action, guards.conditions),
                actions: BTreeSet::from([action]),
                resources: BTreeSet::from([literal(context.question.resource.as_str(), "ArnLike")]),
            };
            if !list.contains(&grant) {
                list.push(grant);
            }
        }
    }
    Ok((merge(list), opened))
}

/// The guards of the nearest Allow in this context.
fn guards_of(examined: &Examined, found: &Found) -> Result<Guards, Unmendable> {
    let near = crate::near_miss::near_misses(examined, found.blocker.layer(), found.blocker.level());
    let traces =
        examined.evaluation.layer(found.blocker.layer()).map(|layer| layer.statements.as_slice()).unwrap_or_default();
    let Some(nearest) = near.first().and_then(|near| traces.iter().find(|trace| trace.at == near.at)) else {
        return Ok(Guards::default());
    };
    let own = examined.set.policy(&nearest.at).and_then(|policy| policy.info.as_ref());
    let mut guards = carry_over(nearest, own.is_some_and(crate::changes::is_own))?;
    let open = nearest.conditions.iter().any(|condition| condition.outcome == Truth::Unknown);
    if open && !may_hold(&guards.conditions, examined) {
        // No completion of this request passes them: they say nothing about this send.
        guards.conditions.clear();
    }
    through_that_endpoint(&mut guards, examined);
    guards.conditions.extend(only_that_address(examined, nearest));
    Ok(guards)
}

/// Through a VPC endpoint a request has no `aws:SourceIp`: what is opened for that is opened for the one endpoint, not for all.
fn through_that_endpoint(guards: &mut Guards, examined: &Examined) {
    let Some(endpoint) = examined.denial.vpc_endpoint_id.as_deref() else { return };
    let absent = |guard: &Guard| guard.operator == "Null" && guard.key.eq_ignore_ascii_case("aws:SourceIp");
    for guard in guards.conditions.iter_mut().filter(|guard| absent(guard)) {
        *guard = Guard {
            operator: "StringEquals".to_owned(),
            key: "aws:SourceVpce".to_owned(),
            values: vec![literal(endpoint, "StringEquals")],
        };
        guards.opened.push("aws:SourceVpce".to_owned());
    }
}

/// Whether the guards let the request through in some completion of what is not known of it.
fn may_hold(guards: &[Guard], examined: &Examined) -> bool {
    let grant = Grant {
        actions: BTreeSet::from([examined.question.action.clone()]),
        resources: BTreeSet::from([literal(examined.question.resource.as_str(), "ArnLike")]),
        guards: without_missing_keys(&examined.question.action, guards.to_vec()),
    };
    let document = document(statements(&[grant], None));
    let Ok(document) = PolicyDocument::from_json(Json::from_value(&document), PolicyGrammar::Identity) else {
        return false;
    };
    let alone = only(LayerKind::Identity, Some(Arc::new(document)), false, &examined.request);
    !decide(&alone, &examined.request).possible.refused()
}

/// Where the nearest Allow is for single addresses of the domain, the grant on the domain is for the one address as well.
fn only_that_address(examined: &Examined, nearest: &StatementTrace) -> Option<Guard> {
    let name = examined.question.resource.resource().strip_prefix("identity/").filter(|name| !name.contains('@'))?;
    let ContextValue::One(from) = examined.request.context.get("ses:FromAddress") else { return None };
    if nearest.resource != Truth::False
        || nearest.conditions.iter().any(|guard| guard.key.eq_ignore_ascii_case("ses:FromAddress"))
    {
        return None;
    }
    let attached = examined.set.policy(&nearest.at)?;
    let statement = crate::evidence::statement(attached, nearest.at.statement)?;
    let resource = statement.resource.as_ref().filter(|element| !element.negated)?;
    let of_domain: Vec<&str> = resource
        .patterns
        .iter()
        .filter_map(|pattern| pattern.as_str().split_once(":identity/").map(|(_, identity)| identity))
        .filter(|identity| identity.to_ascii_lowercase().ends_with(&name.to_ascii_lowercase()))
        .collect();
    let single = |identity: &&str| identity.contains('@') && !identity.contains(['*', '?', '$']);
    (!of_domain.is_empty() && of_domain.iter().all(single)).then(|| Guard {
        operator: "StringEquals".to_owned(),
        key: "ses:FromAddress".to_owned(),
        values: vec![literal(from, "StringEquals")],
    })
}

/// `ses:SendBulkEmail` has none of the address keys: a condition on one would never match. The guard then stands on the second
/// action of the pair. Source: Service Authorization Reference, "Actions defined by Amazon SES v2".
fn without_missing_keys(action: &str, guards: Vec<Guard>) -> Vec<Guard> {
    let bulk = action.eq_ignore_ascii_case("ses:SendBulkEmail");
    let address_keys = ["ses:fromaddress", "ses:fromdisplayname", "ses:feedbackaddress", "ses:recipients"];
    let mut guards: Vec<Guard> = guards
        .into_iter()
        .filter(|guard| !(bulk && address_keys.contains(&guard.key.to_ascii_lowercase().as_str())))
        .collect();
    guards.sort();
    guards
}

/// Folds grants that differ in one respect only, without ever allowing more than they did.
fn merge(grants: Vec<Grant>) -> Vec<Grant> {
    let mut merged: Vec<Grant> = Vec::new();
    for grant in grants {
        // The same but for the values of one guard (several request contexts).
        let twin = merged.iter_mut().find(|other| {
            other.actions == grant.actions
                && other.resources == grant.resources
                && one_guard_differs(&other.guards, &grant.guards)
        });
        match twin {
            Some(other) => {
                for (mine, theirs) in other.guards.iter_mut().zip(&grant.guards) {
                    let new: Vec<String> =
                        theirs.values.iter().filter(|value| !mine.values.contains(value)).cloned().collect();
                    mine.values.extend(new);
                }
            }
            None => merged.push(grant),
        }
    }
    let mut by_action: Vec<Grant> = Vec::new();
    for grant in merged {
        match by_action.iter_mut().find(|other| other.actions == grant.actions && other.guards == grant.guards) {
            Some(other) => other.resources.extend(grant.resources),
            None => by_action.push(grant),
        }
    }
    let mut by_resource: Vec<Grant> = Vec::new();
    for grant in by_action {
        match by_resource.iter_mut().find(|other| other.resources == grant.resources && other.guards == grant.guards) {
            Some(other) => other.actions.extend(grant.actions),
            None => by_resource.push(grant),
        }
    }
    by_resource
}

fn one_guard_differs(one: &[Guard], other: &[Guard]) -> bool {
    let same_shape = one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(a, b)| a.operator == b.operator && a.key == b.key && !a.operator.starts_with("Null"));
    same_shape && one.iter().zip(other).filter(|(a, b)| a.values != b.values).count() == 1
}

/// What grants allow, without their conditions: "call `ses:SendEmail` on identity `example.com` and configuration set `x`".
/// Only actions and resources that belong together stand together, resources in the order of `asked`.
pub fn calls(grants: &[Grant], asked: &[String]) -> String {
    let rank = |arn: &&String| asked.iter().position(|known| known == *arn);
    let mut by_action: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for grant in grants {
        for action in &grant.actions {
            let resources = by_action.entry(action).or_default();
            resources.extend(&grant.resources);
            resources.sort_by_key(rank);
            resources.dedup();
        }
    }
    let mut together: Vec<(Vec<String>, Vec<&String>)> = Vec::new();
    for (action, resources) in by_action {
        match together.iter_mut().find(|(_, known)| *known == resources) {
            Some((actions, _)) => actions.push(action.clone()),
            None => together.push((vec![action.clone()], resources)),
        }
    }
    let phrase = |(actions, resources): &(Vec<String>, Vec<&String>)| {
        let resources: Vec<String> = resources.iter().map(|arn| crate::words::short_arn(arn)).collect();
        format!("{} on {}", crate::words::list(actions), crate::words::join(&resources))
    };
    format!("call {}", together.iter().map(phrase).collect::<Vec<_>>().join(", and "))
}

/// What the guards of a grant say in its title, such as " from `a@example.com`": the From address, and every key that was opened.
pub fn scope(grants: &[Grant], opened: &[String]) -> String {
    let mut keys: Vec<&str> = vec!["ses:FromAddress"];
    keys.extend(opened.iter().map(String::as_str).filter(|key| !key.eq_ignore_ascii_case("ses:FromAddress")));
    let mut text = String::new();
    for key in keys {
        let of_key = |guard: &&Guard| {
            let operator = guard.operator.to_ascii_lowercase();
            guard.key.eq_ignore_ascii_case(key) && !operator.contains("not") && operator != "null"
        };
        let mut values: Vec<String> = Vec::new();
        for grant in grants {
            let guards: Vec<&Guard> = grant.guards.iter().filter(of_key).collect();
            // One statement without the guard allows any value.
            if guards.is_empty() {
                values.clear();
                break;
            }
            let new = guards.iter().flat_map(|guard| &guard.values).filter(|value| !values.contains(value));
            let new: Vec<String> = new.cloned().collect();
            values.extend(new);
        }
        if values.is_empty() {
            // Opened for a request that has no such key.
            let absent = |guard: &Guard| {
                guard.operator == "Null"
                    && guard.key.eq_ignore_ascii_case(key)
                    && guard.values.iter().all(|value| value == "true")
            };
            if !grants.is_empty() && grants.iter().all(|grant| grant.guards.iter().any(absent)) {
                let joint = if text.contains(" without ") { " and" } else { " without" };
                text.push_str(&format!("{joint} `{key}`"));
            }
            continue;
        }
        let list = crate::words::list(&values);
        text.push_str(&match key.to_ascii_lowercase().as_str() {
            "ses:fromaddress" => format!(" from {list}"),
            "ses:recipients" => format!(" to recipients among {list}"),
            _ if text.contains(" with `") => format!(" and `{key}` {list}"),
            _ => format!(" with `{key}` {list}"),
        });
    }
    text
}

/// A grant as a statement. `principal` for sending authorization policies.
pub fn statement(grant: &Grant, sid: &str, principal: Option<&Value>) -> Value {
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), json!(sid));
    statement.insert("Effect".to_owned(), json!("Allow"));
    if let Some(principal) = principal {
        statement.insert("Principal".to_owned(), principal.clone());
    }
    statement.insert("Action".to_owned(), one_or_list(&grant.actions));
    statement.insert("Resource".to_owned(), one_or_list(&grant.resources));
    if !grant.guards.is_empty() {
        statement.insert("Condition".to_owned(), conditions(&grant.guards));
    }
    Value::Object(statement)
}

/// A `Condition` element.
pub fn conditions(guards: &[Guard]) -> Value {
    let mut block: Map<String, Value> = Map::new();
    for guard in guards {
        let keys = block.entry(guard.operator.clone()).or_insert_with(|| json!({}));
        if let Some(keys) = keys.as_object_mut() {
            keys.insert(guard.key.clone(), one_or_list(&guard.values));
        }
    }
    Value::Object(block)
}

fn one_or_list<'v, I>(values: &'v I) -> Value
where
    &'v I: IntoIterator<Item = &'v String>,
{
    let list: Vec<&String> = values.into_iter().collect();
    match list.as_slice() {
        [only] => json!(only),
        _ => json!(list),
    }
}

/// A whole new document.
pub fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// `Sesame1`, `Sesame2`, …
pub fn statements(grants: &[Grant], principal: Option<&Value>) -> Vec<Value> {
    let sid = |index: usize| if grants.len() == 1 { "Sesame".to_owned() } else { format!("Sesame{}", index + 1) };
    grants.iter().enumerate().map(|(index, grant)| statement(grant, &sid(index), principal)).collect()
}

//! Alternatives to a grant: the near-miss statement edited in place, and bridges that end by themselves.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sesame_policy::ContextValue;
use sesame_policy::Truth;

use super::draft::Draft;
use super::guard::{host_range, literal, unmatched};
use super::patched;
use crate::causes::Found;
use crate::document;
use crate::examine::Examined;
use crate::finding::{Applicability, Operation, PolicyKind};
use crate::words;

/// How long bridges last, in days.
const BRIDGES: [i64; 3] = [1, 7, 30];

/// The near-miss statement of a cause edited so that it allows the request: a patch for whoever keeps that policy.
pub fn edited_near_miss(found: &Found, index: usize, examined: &Examined, alternative_to: usize) -> Option<Draft> {
    let near = found.near.first()?;
    let attached = examined.set.policy(&near.at)?;
    let info = attached.info.as_ref()?;
    if info.kind == PolicyKind::AwsManaged || crate::assemble::managed_by_aws(info.arn.as_deref().unwrap_or_default()) {
        return None;
    }
    let policy = attached.document.as_ref()?;
    let statement = policy.statements.get(near.at.statement)?;
    let trace = examined.evaluation.layer(near.at.layer)?.statements.iter().find(|trace| trace.at == near.at)?;
    let before = crate::assemble::raw_value(policy);
    let mut after = before.clone();
    if trace.action == Truth::False {
        if statement.action.negated {
            return None;
        }
        after =
            document::append_value(&after, &format!("{}/Action", statement.pointer), json!(examined.question.action))
                .ok()?;
    }
    if trace.resource == Truth::False {
        if statement.resource.as_ref().is_none_or(|element| element.negated) {
            return None;
        }
        let arn = literal(examined.question.resource.as_str(), "ArnLike");
        after = document::append_value(&after, &format!("{}/Resource", statement.pointer), json!(arn)).ok()?;
    }
    if trace.principal == Some(Truth::False) {
        return None;
    }
    for condition in trace.conditions.iter().filter(|condition| condition.outcome == Truth::False) {
        let operator = condition.operator.to_ascii_lowercase();
        if operator.contains("not")
            || operator.starts_with("null")
            || operator.contains("date")
            || operator.contains("bool")
        {
            return None;
        }
        let values: Vec<&String> = match &condition.actual {
            ContextValue::One(value) => vec![value],
            // One value is enough where any may match.
            ContextValue::Many(values) if operator.starts_with("foranyvalue:") => values.iter().take(1).collect(),
            ContextValue::Many(values) if operator.contains(':') => unmatched(condition, values),
            _ => return None,
        };
        for value in values.into_iter().filter(|value| !condition.expected.contains(value)) {
            let value = match operator.contains("ipaddress") {
                true => host_range(value),
                false => literal(value, &condition.operator),
            };
            after = document::append_value(&after, &condition.pointer, json!(value)).ok()?;
        }
    }
    if after == before {
        return None;
    }
    let name = words::statement_name(statement.sid.as_deref(), near.at.statement);
    Some(Draft {
        fixes: vec![index],
        title: format!("Extend {name} of {}", words::policy(info)),
        operation: Operation::Put,
        target: attached.target.clone(),
        before: Some(before),
        after: Some(after),
        applicability: Applicability::AdviceOnly,
        why: "this document is somebody else's; the patch is for whoever keeps it".to_owned(),
        alternative_to: Some(alternative_to),
        expires: None,
    })
    .filter(|draft| {
        patched::layer(draft.target.kind) == near.at.layer || near.at.layer == sesame_policy::LayerKind::Boundary
    })
}

/// The same grant with an end: `DateLessThan aws:CurrentTime` in every statement.
pub fn bridges(draft: &Draft, index: usize, now: Timestamp) -> Vec<Draft> {
    let bridge = |days: i64| {
        let end = now.checked_add(SignedDuration::from_hours(24 * days)).ok()?;
        let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut after = draft.after.clone()?;
        for statement in after.pointer_mut("/Statement")?.as_array_mut()? {
            let statement = statement.as_object_mut()?;
            let block = statement.entry("Condition").or_insert_with(|| json!({})).as_object_mut()?;
            let dates = block.entry("DateLessThan").or_insert_with(|| json!({})).as_object_mut()?;
            dates.insert("aws:CurrentTime".to_owned(), json!(end));
        }
        let span = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        Some(Draft {
            title: format!("{}, for {span}", draft.title),
            after: Some(after),
            expires: Some(end),
            alternative_to: Some(index),
            why: format!("{}; it ends by itself after {span}", draft.why),
            ..draft.clone()
        })
    };
    BRIDGES.into_iter().filter_map(bridge).collect()
}

/// Adds statements to a document that is there.
pub fn with_statements(document: &Value, statements: &[Value]) -> Option<Value> {
    statements.iter().try_fold(document.clone(), |document, statement| {
        let mut statement = statement.clone();
        if let Some(sid) = statement.get("Sid").and_then(Value::as_str).map(str::to_owned)
            && let Some(object) = statement.as_object_mut()
        {
            object.insert("Sid".to_owned(), json!(crate::document::unused_sid(&document, &sid)));
        }
        document::add_statement(&document, statement).ok()
    })
}

//! Exceptions to a Deny: its own exception extended by one value, else exactly this principal exempted. Always advice.

use serde_json::{Value, json};
use sesame_policy::evaluation::ConditionTrace;
use sesame_policy::{ContextValue, Statement, StatementTrace, Truth};

use super::guard::{Unmendable, is_time, is_transport, literal};
use crate::examine::Examined;

/// An exception to a Deny.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// The statement with it.
    pub after: Value,
    /// What was done, before the statement's name: "add … to … in", "exempt … from".
    pub how: String,
    /// It exempts the principal as a whole.
    pub exempts: bool,
}

/// Makes the smallest exception to a Deny statement for these request contexts: to `raw`, the statement's JSON as it stands or
/// with an exception made before.
///
/// # Errors
/// Where nothing that a policy says should give way: a time window, clear-text transport.
pub fn except(
    raw: &Value,
    statement: &Statement,
    traces: &[&StatementTrace],
    contexts: &[&Examined],
    principal_arn: Option<&str>,
) -> Result<Option<Exception>, Unmendable> {
    let Some(first) = traces.first() else { return Ok(None) };
    // Only a condition that makes the Deny match can be what decides; one of time or transport means that the send must change.
    if let Some(unmendable) = first.conditions.iter().find_map(decided_by) {
        return Err(unmendable);
    }
    if let Some(exception) = extend_condition(raw, statement, traces) {
        return Ok(Some(exception));
    }
    if let Some(exception) = only_where_present(raw, first, contexts) {
        return Ok(Some(exception));
    }
    if let Some(exception) = extend_element(raw, statement, contexts) {
        return Ok(Some(exception));
    }
    Ok(principal_arn.and_then(|arn| exempt_principal(raw, arn)))
}

/// A Deny that is there for its time window or for clear-text transport.
fn decided_by(condition: &ConditionTrace) -> Option<Unmendable> {
    if condition.outcome == Truth::False {
        return None;
    }
    // A Deny of calls over TLS is a guard the wrong way round: there the send is right.
    let over_tls = matches!(&condition.actual, ContextValue::One(value) if value.eq_ignore_ascii_case("true"));
    if is_transport(&condition.key) && !over_tls {
        return Some(Unmendable::Transport);
    }
    (is_time(&condition.key) && condition.operator.to_ascii_lowercase().contains("date")
        || is_time(&condition.key) && condition.operator.to_ascii_lowercase().contains("numeric"))
    .then_some(Unmendable::Time)
}

/// A Deny on a key that the action does not have at all matches whatever is sent, by a negated operator, `IfExists` or
/// `ForAllValues`: it was not written for this action. It then holds only where the key is there.
fn only_where_present(raw: &Value, trace: &StatementTrace, contexts: &[&Examined]) -> Option<Exception> {
    let examined = contexts.first()?;
    let question = &examined.question;
    let has = |key: &str| crate::context::has_key(&examined.denial, &question.action, &question.resource, key);
    let never = |condition: &&ConditionTrace| !has(&condition.key) && !is_null(&condition.operator);
    let condition = trace.conditions.iter().filter(|condition| condition.outcome == Truth::True).find(never)?;
    let mut after = raw.clone();
    let block = after.get_mut("Condition")?.as_object_mut()?;
    let operator = block.keys().find(|key| is_null(key)).cloned().unwrap_or_else(|| "Null".to_owned());
    let keys = block.entry(operator).or_insert_with(|| json!({})).as_object_mut()?;
    if keys.keys().any(|key| key.eq_ignore_ascii_case(&condition.key)) {
        return None;
    }
    keys.insert(condition.key.clone(), json!("false"));
    let how = format!("add the condition `Null` `{}` `false` to", condition.key);
    Some(Exception { after, how, exempts: false })
}

fn is_null(operator: &str) -> bool {
    operator.eq_ignore_ascii_case("Null")
}

/// Which exception is narrowest: what this one message says, before who sends it, before where it comes from.
fn breadth(key: &str) -> u8 {
    match key.to_ascii_lowercase().as_str() {
        "ses:fromaddress" | "ses:fromdisplayname" | "ses:feedbackaddress" | "ses:recipients" => 0,
        "aws:principalarn" | "aws:userid" | "aws:username" => 1,
        "aws:useragent" => 2,
        "aws:sourceip" | "aws:vpcsourceip" | "aws:sourcevpce" | "aws:sourcevpc" => 3,
        _ => 4,
    }
}

/// Adds the value of the request to the values of the Deny's own negated condition.
fn extend_condition(raw: &Value, statement: &Statement, traces: &[&StatementTrace]) -> Option<Exception> {
    let first = traces.first()?;
    let mut negated: Vec<&ConditionTrace> = first
        .conditions
        .iter()
        .filter(|condition| is_negated(&condition.operator) && condition.outcome != Truth::False)
        .collect();
    negated.sort_by_key(|condition| breadth(&condition.key));
    for condition in negated {
        let every = traces.iter().map(|trace| {
            let twin = trace.conditions.iter().find(|other| other.pointer == condition.pointer)?;
            values_to_except(twin)
        });
        let Some(lists) = every.collect::<Option<Vec<Vec<String>>>>() else { continue };
        let mut values: Vec<String> = Vec::new();
        for value in lists.iter().flatten() {
            if !values.contains(value) && !condition.expected.contains(value) {
                values.push(value.clone());
            }
        }
        // A Deny for all values no longer matches where one of them is excepted.
        if condition.operator.to_ascii_lowercase().starts_with("forallvalues:") {
            values = one_of_each(values, &lists);
        }
        if values.is_empty() {
            continue;
        }
        let within = condition.pointer.strip_prefix(&statement.pointer)?;
        let mut after = raw.clone();
        for value in &values {
            after = crate::document::append_value(&after, within, json!(value)).ok()?;
        }
        let how = format!("add {} to `{}` of `{}` in", crate::words::list(&values), condition.operator, condition.key);
        return Some(Exception { after, how, exempts: false });
    }
    None
}

/// The values without those of which every list that has any holds another one.
fn one_of_each(values: Vec<String>, lists: &[Vec<String>]) -> Vec<String> {
    let mut kept = values.clone();
    for value in values.iter().rev() {
        let spared = |list: &Vec<String>| {
            !list.contains(value) || list.iter().any(|other| other != value && kept.contains(other))
        };
        if lists.iter().all(spared) {
            kept.retain(|other| other != value);
        }
    }
    kept
}

fn is_negated(operator: &str) -> bool {
    operator.to_ascii_lowercase().contains("not")
}

/// The values of this request that the Deny does not except yet; `None` when they are not known.
fn values_to_except(condition: &ConditionTrace) -> Option<Vec<String>> {
    let operator = &condition.operator;
    let ip = operator.to_ascii_lowercase().contains("ipaddress");
    let text = |value: &String| {
        let range = |bits: &str| format!("{value}/{bits}");
        match (ip, value.contains(':')) {
            (true, false) => range("32"),
            (true, true) => range("128"),
            (false, _) => literal(value, operator),
        }
    };
    match &condition.actual {
        ContextValue::One(value) => Some(vec![text(value)]),
        ContextValue::Many(values) => {
            let like = operator.to_ascii_lowercase().contains("like");
            let excepted = |value: &String| {
                condition.expected.iter().any(|pattern| match like {
                    true => sesame_policy::pattern::wildcard_matches(pattern, value),
                    false => pattern == value,
                })
            };
            Some(values.iter().filter(|value| !excepted(value)).map(text).collect())
        }
        ContextValue::Absent | ContextValue::Unknown(_) => None,
    }
}

/// Adds the action to `NotAction`, or the ARN to `NotResource`.
fn extend_element(raw: &Value, statement: &Statement, contexts: &[&Examined]) -> Option<Exception> {
    let element = if statement.resource.as_ref().is_some_and(|element| element.negated) {
        "NotResource"
    } else if statement.action.negated {
        "NotAction"
    } else {
        return None;
    };
    let mut after = raw.clone();
    let mut values = Vec::new();
    for examined in contexts {
        let value = match element {
            "NotAction" => examined.question.action.clone(),
            _ => literal(examined.question.resource.as_str(), "ArnLike"),
        };
        if !values.contains(&value) {
            after = crate::document::append_value(&after, &format!("/{element}"), json!(value)).ok()?;
            values.push(value);
        }
    }
    let how = format!("add {} to `{element}` in", crate::words::list(&values));
    Some(Exception { after, how, exempts: false })
}

/// Adds `ArnNotEquals aws:PrincipalArn`, so that the Deny holds for everyone else.
fn exempt_principal(raw: &Value, arn: &str) -> Option<Exception> {
    let mut after = raw.clone();
    let condition = after.as_object_mut()?.entry("Condition").or_insert_with(|| json!({}));
    // An operator may be spelled in any case; one that is there already must not be doubled.
    let block = condition.as_object_mut()?;
    let operator = block.keys().find(|key| key.eq_ignore_ascii_case("ArnNotEquals")).cloned();
    let operator = operator.unwrap_or_else(|| "ArnNotEquals".to_owned());
    let keys = block.entry(operator).or_insert_with(|| json!({})).as_object_mut()?;
    if keys.keys().any(|key| key.eq_ignore_ascii_case("aws:PrincipalArn")) {
        return None;
    }
    keys.insert("aws:PrincipalArn".to_owned(), json!(literal(arn, "ArnLike")));
    Some(Exception { after, how: format!("exempt {} from", crate::words::short_arn(arn)), exempts: true })
}

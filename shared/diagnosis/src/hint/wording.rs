//! Hints about how statements are written.

use serde_json::json;
use sesame_policy::evaluation::ConditionTrace;
use sesame_policy::{Arn, ContextValue, Effect, StatementTrace, Truth};

use super::{Facts, hint};
use crate::context::has_key;
use crate::examine::{Blocker, Examined};
use crate::finding::{ConditionInfo, Hint};
use crate::words;

/// Keys that hold a list of values.
const MULTIVALUED: [&str; 1] = ["ses:recipients"];

pub(super) fn about_the_statements(facts: &Facts) -> Vec<Hint> {
    let mut list: Vec<Hint> = Vec::new();
    let mut push = |new: Option<Hint>| {
        if let Some(new) = new.filter(|new| !list.iter().any(|known: &Hint| known.kind == new.kind)) {
            list.push(new);
        }
    };
    for (examined, causes) in facts.refused() {
        push(address_and_domain(facts, examined, &causes));
        push(case_mismatch(examined, &causes));
        for trace in telling_statements(examined, &causes) {
            push(no_address_keys_on_bulk(examined, trace));
            push(without_set_operator(trace));
        }
    }
    list
}

/// The statements that the causes speak of: deciding Denys, and near misses.
fn telling_statements<'e>(
    examined: &'e Examined,
    causes: &[&'e crate::causes::Found],
) -> impl Iterator<Item = &'e StatementTrace> {
    let mut places: Vec<&sesame_policy::StatementRef> = Vec::new();
    for found in causes {
        if let Blocker::Deny(at) = &found.blocker {
            places.push(at);
        }
        places.extend(found.near.iter().map(|near| &near.at));
    }
    examined
        .evaluation
        .layers
        .iter()
        .flat_map(|layer| &layer.statements)
        .filter(move |trace| places.contains(&&trace.at))
}

/// An address identity is a resource of its own: a policy for its domain does not cover it, nor the other way.
fn address_and_domain(facts: &Facts, examined: &Examined, causes: &[&crate::causes::Found]) -> Option<Hint> {
    let resource = &examined.question.resource;
    let name = resource.resource().strip_prefix("identity/")?;
    let (_, domain) = name.rsplit_once('@')?;
    let there = super::sending::region(facts, resource.account(), resource.region());
    if there.is_some_and(|region| region.complete && !region.identities.contains_key(name)) {
        return None;
    }
    let of_domain = |pattern: &String| {
        let Ok(pattern) = Arn::parse(pattern) else { return false };
        let same = |one: &str, other: &str| sesame_policy::pattern::wildcard_matches(one, other);
        pattern.resource().eq_ignore_ascii_case(&format!("identity/{domain}"))
            && same(pattern.account(), resource.account())
            && same(pattern.region(), resource.region())
    };
    let mut near = causes.iter().flat_map(|found| &found.cause.near_misses);
    let near = near.find(|near| near.fails == "Resource" && near.expected.iter().any(of_domain))?;
    let text = format!(
        "`{name}` is an identity of its own, so SES authorizes the send on it and not on its domain `{domain}`, which {} allows",
        words::statement_name(near.statement.sid.as_deref(), near.statement.index)
    );
    Some(hint("address-identity-not-covered-by-domain", text, json!({ "address": name, "domain": domain })))
}

/// A value that is right but for its case.
fn case_mismatch(examined: &Examined, causes: &[&crate::causes::Found]) -> Option<Hint> {
    let mut compared: Vec<(&[String], Vec<String>)> = Vec::new();
    for found in causes {
        // What a Deny excepts, and this value is not among.
        let excepted = |condition: &&ConditionInfo| {
            let operator = condition.operator.to_ascii_lowercase();
            condition.matched == Some(true) && operator.contains("not") && !operator.contains("ignorecase")
        };
        for condition in found.cause.conditions.iter().filter(excepted) {
            compared.push((&condition.expected, condition.actual.clone().unwrap_or_default()));
        }
        for near in &found.cause.near_misses {
            if near.fails == "Resource" {
                compared.push((&near.expected, vec![examined.question.resource.to_string()]));
            }
            for condition in near.conditions() {
                compared.push((&condition.expected, condition.actual.clone().unwrap_or_default()));
            }
        }
    }
    for (expected, actual) in compared {
        let differs = |expected: &String, actual: &String| {
            let folded = sesame_policy::pattern::wildcard_matches(&expected.to_lowercase(), &actual.to_lowercase());
            folded && !sesame_policy::pattern::wildcard_matches(expected, actual)
        };
        for expected in expected {
            if let Some(actual) = actual.iter().find(|actual| differs(expected, actual)) {
                let text = format!("`{actual}` and `{expected}` differ in case only, and this comparison heeds case");
                return Some(hint("case-mismatch", text, json!({ "expected": expected, "actual": actual })));
            }
        }
    }
    None
}

fn no_address_keys_on_bulk(examined: &Examined, trace: &StatementTrace) -> Option<Hint> {
    if !examined.question.action.eq_ignore_ascii_case("ses:SendBulkEmail") || trace.action == Truth::False {
        return None;
    }
    let question = &examined.question;
    let missing =
        |condition: &&ConditionTrace| !has_key(&examined.denial, &question.action, &question.resource, &condition.key);
    let condition = trace.conditions.iter().find(missing)?;
    let key = &condition.key;
    let text = match (trace.effect, condition.outcome) {
        (Effect::Allow, _) => format!(
            "`ses:SendBulkEmail` has no `{key}`, so a condition on it never matches there; put it on `ses:SendBulkTemplatedEmail`, which the same call also needs"
        ),
        // A negated operator, `IfExists` or `ForAllValues` holds where the key is missing.
        (Effect::Deny, Truth::True) => format!(
            "`ses:SendBulkEmail` has no `{key}`, so a Deny by `{}` on it always holds there; `ses:SendBulkTemplatedEmail`, which the same call also needs, has the key",
            condition.operator
        ),
        (Effect::Deny, _) => return None,
    };
    Some(hint("no-address-keys-on-bulk", text, json!({ "key": key, "pointer": condition.pointer })))
}

fn without_set_operator(trace: &StatementTrace) -> Option<Hint> {
    let plain = |condition: &&ConditionTrace| {
        let operator = condition.operator.to_ascii_lowercase();
        let many = MULTIVALUED.contains(&condition.key.to_ascii_lowercase().as_str())
            || matches!(condition.actual, ContextValue::Many(_));
        many && !operator.contains(':') && operator != "null"
    };
    let condition = trace.conditions.iter().find(plain)?;
    let text = format!(
        "`{}` is multivalued: `{}` without ForAllValues: or ForAnyValue: never matches it",
        condition.key, condition.operator
    );
    let details = json!({ "key": condition.key, "operator": condition.operator, "pointer": condition.pointer });
    Some(hint("multivalued-key-without-set-operator", text, details))
}

/// A condition that no value of a send changes: the mistake is in the policy.
pub(super) fn never_matches(condition: &ConditionInfo, examined: &Examined) -> bool {
    let question = &examined.question;
    let key = condition.key.to_ascii_lowercase();
    let operator = condition.operator.to_ascii_lowercase();
    !has_key(&examined.denial, &question.action, &question.resource, &key)
        || (MULTIVALUED.contains(&key.as_str()) && !operator.contains(':') && operator != "null")
}

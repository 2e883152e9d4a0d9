//! Near misses: the Allow statements that came close to letting the request through, nearest first.

use sesame_policy::{Arn, Effect, LayerKind, PolicyDocument, Statement, StatementRef, StatementTrace, Truth};

use crate::evidence::{condition_info, fails, statement, statement_info};
use crate::examine::Examined;
use crate::finding::{ConditionInfo, NearMiss};
use crate::words;

/// How many near misses a cause holds.
const NEAR_MISSES: usize = 5;

/// A near miss and where it stands.
#[derive(Debug, Clone)]
pub struct Near {
    /// Which statement.
    pub at: StatementRef,
    /// How much would have to change; less is nearer.
    pub cost: u32,
    /// As the finding shows it.
    pub info: NearMiss,
}

/// The near misses of a layer or level, nearest first.
pub fn near_misses(examined: &Examined, layer: LayerKind, level: Option<usize>) -> Vec<Near> {
    let Some(evaluation) = examined.evaluation.layer(layer) else { return Vec::new() };
    let traces = evaluation
        .statements
        .iter()
        .filter(|trace| trace.effect == Effect::Allow && trace.at.level == level && trace.outcome != Truth::True);
    let mut list: Vec<Near> = traces.filter_map(|trace| near(examined, trace)).collect();
    list.sort_by(|a, b| (a.cost, &a.at).cmp(&(b.cost, &b.at)));
    list.truncate(NEAR_MISSES);
    list
}

fn near(examined: &Examined, trace: &StatementTrace) -> Option<Near> {
    let attached = examined.set.policy(&trace.at)?;
    let policy = attached.info.clone()?;
    let statement = statement(attached, trace.at.statement)?;
    let cost = cost(examined, trace, statement)?;
    let mut failing = fails(trace);
    let undecided: Vec<_> =
        trace.conditions.iter().filter(|condition| condition.outcome == Truth::Unknown).map(condition_info).collect();
    let unresolved = failing.is_empty() && trace.resource == Truth::Unknown;
    if failing.is_empty() {
        // It turns on something unknown: the value of a policy variable, a condition, or the session's name.
        failing.push(match undecided.is_empty() {
            _ if unresolved => "Resource",
            false => "Condition",
            true => "Principal",
        });
    }
    let first = failing.remove(0);
    let mut failed: Vec<ConditionInfo> = match first {
        "Condition" => {
            let failed = trace.conditions.iter().filter(|condition| condition.outcome == Truth::False);
            failed.map(condition_info).collect()
        }
        _ => Vec::new(),
    };
    if first == "Condition" && failed.is_empty() {
        // Whether the key is there at all is no question beside what its value is.
        let null = |condition: &ConditionInfo| condition.operator.to_ascii_lowercase().starts_with("null");
        let valued = |key: &str| undecided.iter().any(|other| !null(other) && other.key.eq_ignore_ascii_case(key));
        failed = undecided.iter().filter(|condition| !(null(condition) && valued(&condition.key))).cloned().collect();
    }
    let condition = (!failed.is_empty()).then(|| failed.remove(0));
    let request = &examined.request;
    let (expected, actual) = match first {
        "Action" => {
            (texts(statement.action.patterns.iter().map(|pattern| pattern.as_str())), Some(request.action.clone()))
        }
        "Resource" => {
            let patterns = statement.resource.iter().flat_map(|element| &element.patterns);
            (texts(patterns.map(|pattern| pattern.as_str())), Some(request.resource.to_string()))
        }
        "Principal" => (
            attached.document.as_deref().map(|document| principal_texts(document, statement)).unwrap_or_default(),
            Some(words::principal_text(&request.principal)),
        ),
        _ => {
            let actual =
                condition.as_ref().and_then(|condition| condition.actual.as_ref()).map(|values| values.join(", "));
            (condition.as_ref().map(|condition| condition.expected.clone()).unwrap_or_default(), actual)
        }
    };
    let mut info = NearMiss {
        policy,
        statement: statement_info(attached, trace.at.statement)?,
        fails: first.to_owned(),
        also_fails: failing.into_iter().map(str::to_owned).collect(),
        expected,
        actual,
        condition,
        further_conditions: failed,
        summary: String::new(),
    };
    info.summary = words::near_miss(&info, statement, unresolved);
    Some(Near { at: trace.at.clone(), cost, info })
}

fn texts<'t>(values: impl Iterator<Item = &'t str>) -> Vec<String> {
    values.map(str::to_owned).collect()
}

/// The members of a statement's `Principal` as written: the parsed form no longer tells an account's id from its root's ARN.
fn principal_texts(document: &PolicyDocument, statement: &Statement) -> Vec<String> {
    let raw = crate::assemble::raw_value(document);
    let element =
        ["Principal", "NotPrincipal"].iter().find_map(|name| raw.pointer(&format!("{}/{name}", statement.pointer)));
    let mut texts = Vec::new();
    element.into_iter().for_each(|element| collect_texts(element, &mut texts));
    texts
}

fn collect_texts(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect_texts(value, texts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}

/// How much of a statement would have to change; `None` when it did not come close.
fn cost(examined: &Examined, trace: &StatementTrace, statement: &Statement) -> Option<u32> {
    let request = &examined.request;
    let mut cost = 0;
    if trace.action == Truth::False {
        cost += if touches_a_send(statement) { 20 } else { return None };
    }
    if trace.resource == Truth::False {
        let patterns =
            statement.resource.iter().filter(|element| !element.negated).flat_map(|element| &element.patterns);
        let excluded = statement.resource.as_ref().is_some_and(|element| element.negated);
        let nearest = patterns.filter_map(|pattern| resource_distance(pattern.as_str(), &request.resource)).min();
        cost += nearest.or(excluded.then_some(30))?;
    }
    if trace.principal == Some(Truth::False) {
        cost += 25;
    }
    // What is not known costs less than what is known to fail.
    for condition in &trace.conditions {
        cost += match condition.outcome {
            Truth::False => 12,
            Truth::Unknown => 3,
            Truth::True => 0,
        };
    }
    if trace.resource == Truth::Unknown {
        cost += 3;
    }
    Some(cost)
}

/// Whether an Allow or Deny speaks of sending through SES at all.
pub fn touches_a_send(statement: &Statement) -> bool {
    SENDS.iter().any(|action| statement.action.matches(action))
}

/// Whether an action, or a pattern of actions, is one of SES by name.
pub fn of_ses(action: &str) -> bool {
    action.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("ses:"))
}

/// Whether an action is one that sends.
pub fn is_send(action: &str) -> bool {
    SENDS.iter().any(|send| send.eq_ignore_ascii_case(action))
}

/// The actions that send.
pub const SENDS: [&str; 7] = [
    "ses:SendEmail",
    "ses:SendRawEmail",
    "ses:SendTemplatedEmail",
    "ses:SendBulkEmail",
    "ses:SendBulkTemplatedEmail",
    "ses:SendCustomVerificationEmail",
    "ses:SendBounce",
];

/// How far a resource pattern is from the resource; `None`: of another service or kind altogether.
fn resource_distance(pattern: &str, resource: &Arn) -> Option<u32> {
    let Ok(pattern) = Arn::parse(pattern) else { return None };
    if !matches!(pattern.service(), "ses" | "*") {
        return None;
    }
    let mut distance = 0;
    if !part_matches(pattern.region(), resource.region()) {
        distance += 11;
    }
    if !part_matches(pattern.account(), resource.account()) {
        distance += 14;
    }
    let (wanted, have) = (resource.resource(), pattern.resource());
    let (wanted_kind, wanted_name) = wanted.split_once('/')?;
    let (have_kind, have_name) = have.split_once('/').unwrap_or((have, ""));
    distance += if wanted == have || have == "*" || part_matches(have, wanted) {
        0
    } else if wanted.eq_ignore_ascii_case(have) {
        10
    } else if wanted_kind != have_kind {
        18
    } else if related(wanted_name, have_name) {
        13
    } else {
        24
    };
    // No part differs, and yet it did not match: a policy variable, or the case of a fixed part.
    Some(distance.max(10))
}

/// Whether one of two identities is an address of the other's domain, or a subdomain of it.
fn related(one: &str, other: &str) -> bool {
    let domain = |name: &str| name.rsplit_once('@').map_or(name, |(_, domain)| domain).to_ascii_lowercase();
    let (one, other) = (domain(one), domain(other));
    one == other || one.ends_with(&format!(".{other}")) || other.ends_with(&format!(".{one}"))
}

/// `*` and `?` in one part of an ARN, by the policy language's own matcher.
fn part_matches(pattern: &str, text: &str) -> bool {
    sesame_policy::pattern::wildcard_matches(pattern, text)
}

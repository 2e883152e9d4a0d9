//! Guards: the conditions of the nearest Allow, carried over into a new grant, and opened by exactly the value that failed.

use sesame_policy::ContextValue;
use sesame_policy::evaluation::ConditionTrace;
use sesame_policy::{StatementTrace, Truth};

use crate::finding::Applicability;

/// A condition of a new statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guard {
    /// The operator.
    pub operator: String,
    /// The key.
    pub key: String,
    /// The values.
    pub values: Vec<String>,
}

/// The guards of a new grant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guards {
    /// The conditions.
    pub conditions: Vec<Guard>,
    /// Keys whose guard was opened by a value.
    pub opened: Vec<String>,
}

/// Why no policy change that we may suggest helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmendable {
    /// A time window is over or not yet open.
    Time,
    /// The call did not use TLS.
    Transport,
    /// The key that decides is not known.
    UnknownKey,
}

/// The guards to carry over from the nearest Allow: all of them as they are when another element failed, opened when it is a
/// condition that failed.
///
/// The end of a grant that Sesame made `for_a_time` is no guard of anybody's: whether it goes on is asked anew.
pub fn carry_over(trace: &StatementTrace, for_a_time: bool) -> Result<Guards, Unmendable> {
    let elsewhere =
        trace.action == Truth::False || trace.resource == Truth::False || trace.principal == Some(Truth::False);
    let mut guards = Guards::default();
    let over = |key: &str| for_a_time && is_time(key);
    let fails = |condition: &&ConditionTrace| condition.outcome == Truth::False && !over(&condition.key);
    if elsewhere && trace.conditions.iter().any(|condition| fails(&condition)) {
        // Another statement for another purpose: its guards say nothing about this send.
        return Ok(guards);
    }
    // The value of a policy variable decides which resource the Allow is for.
    if !elsewhere && trace.resource == Truth::Unknown {
        return Err(Unmendable::UnknownKey);
    }
    // A key that no request to SES has: no condition on it would say anything of a send.
    let foreign = |condition: &ConditionTrace| {
        let own = ["aws:", "ses:"].iter().any(|prefix| condition.key.to_ascii_lowercase().starts_with(prefix));
        !own && condition.actual == ContextValue::Absent
    };
    for condition in &trace.conditions {
        match condition.outcome {
            Truth::True if foreign(condition) => {}
            Truth::False if foreign(condition) => guards.opened.push(condition.key.clone()),
            Truth::False if over(&condition.key) => {}
            Truth::True => guards.conditions.push(kept(condition)),
            Truth::Unknown if elsewhere => guards.conditions.push(kept(condition)),
            Truth::Unknown if is_transport(&condition.key) => return Err(Unmendable::Transport),
            Truth::Unknown => return Err(Unmendable::UnknownKey),
            Truth::False => {
                guards.conditions.extend(opened(condition)?);
                guards.opened.push(condition.key.clone());
            }
        }
    }
    Ok(guards)
}

fn kept(condition: &ConditionTrace) -> Guard {
    Guard { operator: condition.operator.clone(), key: condition.key.clone(), values: condition.expected.clone() }
}

/// What may be done about a guard that was opened by a value.
pub fn applicability_of_opening(key: &str) -> Applicability {
    let key = key.to_ascii_lowercase();
    match key.as_str() {
        "aws:sourceip"
        | "aws:vpcsourceip"
        | "aws:sourcevpc"
        | "aws:sourcevpce"
        | "aws:securetransport"
        | "aws:currenttime"
        | "aws:epochtime"
        | "aws:tokenissuetime" => Applicability::AdviceOnly,
        _ => Applicability::NeedsReview,
    }
}

/// Whether a key speaks of time.
pub fn is_time(key: &str) -> bool {
    ["aws:currenttime", "aws:epochtime", "aws:tokenissuetime"].contains(&key.to_ascii_lowercase().as_str())
}

/// Whether a key speaks of transport.
pub fn is_transport(key: &str) -> bool {
    key.eq_ignore_ascii_case("aws:SecureTransport")
}

/// The operator without set operator and `IfExists`, lower-case, and its set operator.
fn base(operator: &str) -> (Option<&str>, String) {
    let (set, name) = operator.split_once(':').map_or((None, operator), |(set, name)| (Some(set), name));
    let name = name.to_ascii_lowercase();
    (set, name.strip_suffix("ifexists").map(str::to_owned).unwrap_or(name))
}

fn opened(condition: &ConditionTrace) -> Result<Vec<Guard>, Unmendable> {
    let (set, name) = base(&condition.operator);
    if is_time(&condition.key) || name.starts_with("date") {
        return Err(Unmendable::Time);
    }
    if is_transport(&condition.key) {
        return Err(Unmendable::Transport);
    }
    let guard = |operator: &str, values: Vec<String>| Guard {
        operator: operator.to_owned(),
        key: condition.key.clone(),
        values,
    };
    let null = |absent: bool| guard("Null", vec![if absent { "true" } else { "false" }.to_owned()]);
    if name == "null" {
        return Ok(vec![null(condition.actual == ContextValue::Absent)]);
    }
    match &condition.actual {
        ContextValue::Unknown(_) => Err(Unmendable::UnknownKey),
        ContextValue::Absent => Ok(vec![null(true)]),
        ContextValue::One(value) => {
            let operator = match name.as_str() {
                _ if name.contains("ipaddress") => "IpAddress",
                _ if name.starts_with("numeric") => "NumericEquals",
                _ if name.starts_with("arn") => "ArnEquals",
                "bool" => "Bool",
                _ => "StringEquals",
            };
            let value = if operator == "IpAddress" { host_range(value) } else { literal(value, operator) };
            Ok(vec![guard(operator, vec![value])])
        }
        ContextValue::Many(values) => Ok(opened_list(condition, set, &name, values)),
    }
}

/// A guard on a list: for `ForAllValues` its own values and those that failed; otherwise exactly the values of this request.
fn opened_list(condition: &ConditionTrace, set: Option<&str>, name: &str, values: &[String]) -> Vec<Guard> {
    let key = condition.key.clone();
    let positive = !name.contains("not");
    let every = set.is_none_or(|set| set.eq_ignore_ascii_case("ForAllValues"));
    if positive && every && matches!(name, "stringlike" | "stringequals" | "stringequalsignorecase") {
        let operator = match name {
            "stringlike" => "StringLike",
            "stringequals" => "StringEquals",
            _ => "StringEqualsIgnoreCase",
        };
        let mut all = condition.expected.clone();
        all.extend(unmatched(condition, values).into_iter().map(|value| literal(value, operator)));
        let mut guards = vec![Guard { operator: format!("ForAllValues:{operator}"), key: key.clone(), values: all }];
        if set.is_none() {
            // Without a set operator the guard never matched; ForAllValues alone would also match an absent key.
            guards.push(Guard { operator: "Null".to_owned(), key, values: vec!["false".to_owned()] });
        }
        return guards;
    }
    let values = values.iter().map(|value| literal(value, "StringEquals")).collect();
    vec![
        Guard { operator: "ForAllValues:StringEquals".to_owned(), key: key.clone(), values },
        Guard { operator: "Null".to_owned(), key, values: vec!["false".to_owned()] },
    ]
}

/// The values of a list, each once, that no value of a condition matches.
pub fn unmatched<'v>(condition: &ConditionTrace, values: &'v [String]) -> Vec<&'v String> {
    let (_, name) = base(&condition.operator);
    let matches = |value: &String, pattern: &String| match name.as_str() {
        "stringlike" => sesame_policy::pattern::wildcard_matches(pattern, value),
        "stringequalsignorecase" => value.eq_ignore_ascii_case(pattern),
        _ => value == pattern,
    };
    let mut list: Vec<&String> = Vec::new();
    for value in values {
        if !list.contains(&value) && !condition.expected.iter().any(|pattern| matches(value, pattern)) {
            list.push(value);
        }
    }
    list
}

/// A single address as a range.
pub fn host_range(address: &str) -> String {
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => format!("{address}/32"),
        Ok(std::net::IpAddr::V6(_)) => format!("{address}/128"),
        Err(_) => address.to_owned(),
    }
}

/// A text that the policy language takes literally: wildcards escaped where the operator has them, `$` where a variable could
/// begin. Source: IAM User Guide, "IAM policy elements: Variables and tags", predefined policy variables.
pub fn literal(text: &str, operator: &str) -> String {
    let wildcards = operator.contains("Like") || operator.starts_with("Arn");
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '*' if wildcards => escaped.push_str("${*}"),
            '?' if wildcards => escaped.push_str("${?}"),
            '$' if rest.peek() == Some(&'{') => escaped.push_str("${$}"),
            _ => escaped.push(char),
        }
    }
    escaped
}

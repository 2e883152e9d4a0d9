//! The content guard: what Sesame writes by itself, whatever a finding says.
//!
//! No IAM condition key sees inside a policy document, so this wall is code, and only code. It takes a short list of shapes
//! and refuses everything else.

use serde_json::{Map, Value};
use sesame_diagnosis::finding::{Applicability, Finding, Operation, Remedy, TargetKind};
use sesame_policy::Arn;

/// The prefix of every policy that is ours.
pub const PREFIX: &str = "sesame-";

/// The most statements in one of our documents.
const MOST_STATEMENTS: usize = 20;
/// The most values in one list.
const MOST_VALUES: usize = 100;
/// The longest value of a condition, in characters.
const LONGEST_VALUE: usize = 512;

/// A remedy that Sesame does not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused by the content guard at {pointer}: {reason}")]
pub struct GuardRefusal {
    /// JSON pointer into the remedy: `/after/Statement/0/Action`.
    pub pointer: String,
    /// What was expected and what was found.
    pub reason: String,
}

fn refuse<T>(pointer: &str, reason: impl Into<String>) -> Result<T, GuardRefusal> {
    Err(GuardRefusal { pointer: pointer.to_owned(), reason: reason.into() })
}

/// Whether this remedy of this finding is one that Sesame may write.
pub fn check(finding: &Finding, remedy: &Remedy) -> Result<(), GuardRefusal> {
    if remedy.applicability == Applicability::AdviceOnly {
        return refuse("/applicability", "expected a remedy that is not advice only");
    }
    if remedy.operation != Operation::Put {
        return refuse("/operation", "expected `put`, found `detach`");
    }
    check_target(finding, remedy)?;
    check_name(remedy)?;
    match &remedy.after {
        Some(after) => check_document(finding, remedy, after),
        None => refuse("/after", "expected a policy document, found none"),
    }
}

fn check_target(finding: &Finding, remedy: &Remedy) -> Result<(), GuardRefusal> {
    let target = &remedy.target;
    // An identity may be another account's: whether this stack may write there, its walls say.
    if target.kind == TargetKind::SendingAuthorization {
        let owns = |resource: &str| {
            Arn::parse(resource).is_ok_and(|arn| {
                Some(arn.account()) == target.account.as_deref()
                    && Some(arn.region()) == target.region.as_deref()
                    && arn.resource().strip_prefix("identity/") == target.identity.as_deref()
            })
        };
        return match finding.requests.iter().any(|request| owns(&request.resource)) {
            true => Ok(()),
            false => refuse("/target/identity", "expected an identity of the refused send, in its account and Region"),
        };
    }
    let account = match (&target.account, &finding.principal.account) {
        (Some(account), Some(own)) if account == own => account,
        (found, own) => {
            let reason = format!("expected the refused principal's account {}, found {}", quote(own), quote(found));
            return refuse("/target/account", reason);
        }
    };
    let kind = match target.kind {
        TargetKind::UserInline => "user/",
        TargetKind::RoleInline => "role/",
        _ => return refuse("/target/kind", "expected `user-inline`, `role-inline` or `sending-authorization`"),
    };
    if target.principal.is_none() || target.principal != finding.principal.arn {
        let reason = format!(
            "expected the refused principal {}, found {}",
            quote(&finding.principal.arn),
            quote(&target.principal)
        );
        return refuse("/target/principal", reason);
    }
    let arn = target.principal.as_deref().map(Arn::parse);
    let Some(Ok(arn)) = arn else { return refuse("/target/principal", "expected the ARN of a user or role") };
    if arn.service() != "iam" || arn.account() != account || !arn.resource().starts_with(kind) {
        return refuse("/target/principal", format!("expected `{kind}…` of IAM in account `{account}`, found `{arn}`"));
    }
    if ["role/aws-reserved/", "role/aws-service-role/"].iter().any(|path| arn.resource().starts_with(path)) {
        return refuse("/target/principal", format!("expected a role that its account may change, found `{arn}`"));
    }
    Ok(())
}

fn check_name(remedy: &Remedy) -> Result<(), GuardRefusal> {
    // IAM takes 128 characters of these; SES takes 64, without `+ = , . @`.
    let longest = if remedy.target.kind == TargetKind::SendingAuthorization { 64 } else { 128 };
    let name = remedy.target.policy.as_deref().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.strip_prefix(PREFIX) {
        Some(rest) if !rest.is_empty() && name.len() <= longest && rest.chars().all(fits) => Ok(()),
        _ => refuse("/target/policy", format!("expected a name of ours (`{PREFIX}…`), found `{name}`")),
    }
}

fn check_document(finding: &Finding, remedy: &Remedy, after: &Value) -> Result<(), GuardRefusal> {
    let document = object(after, "/after", &["Version", "Id", "Statement"])?;
    if document.get("Version").and_then(Value::as_str) != Some("2012-10-17") {
        return refuse("/after/Version", "expected `2012-10-17`");
    }
    let limit = size_limit(remedy.target.kind);
    let size = after.to_string().chars().filter(|c| !c.is_whitespace()).count();
    if size > limit {
        return refuse("/after", format!("expected at most {limit} characters, found {size}"));
    }
    // IAM takes Latin-1; control characters have no business in ours.
    if let Some(odd) = texts(after).find(|text| text.chars().any(|c| c.is_control() || u32::from(c) > 0xff)) {
        return refuse("/after", format!("expected Latin-1 characters only, found `{}`", odd.escape_debug()));
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements,
        _ => return refuse("/after/Statement", "expected a list of statements"),
    };
    if statements.is_empty() || statements.len() > MOST_STATEMENTS {
        return refuse(
            "/after/Statement",
            format!("expected 1 to {MOST_STATEMENTS} statements, found {}", statements.len()),
        );
    }
    statements.iter().enumerate().try_for_each(|(index, statement)| {
        check_statement(finding, remedy, statement, &format!("/after/Statement/{index}"))
    })
}

/// The most characters that one document of a kind may have by itself; whether it fits beside the others is for the limits of
/// the entity.
fn size_limit(kind: TargetKind) -> usize {
    match kind {
        TargetKind::UserInline => 2_048,
        TargetKind::RoleInline => 10_240,
        _ => 4_096,
    }
}

fn check_statement(finding: &Finding, remedy: &Remedy, statement: &Value, pointer: &str) -> Result<(), GuardRefusal> {
    let of_identity = remedy.target.kind == TargetKind::SendingAuthorization;
    let known: &[&str] = if of_identity {
        &["Sid", "Effect", "Principal", "Action", "Resource", "Condition"]
    } else {
        &["Sid", "Effect", "Action", "Resource", "Condition"]
    };
    let fields = object(statement, pointer, known)?;
    if fields.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return refuse(&format!("{pointer}/Effect"), "expected `Allow`");
    }
    for (at, action) in strings(fields, "Action", pointer)? {
        let denied = finding.requests.iter().any(|request| request.action.eq_ignore_ascii_case(action));
        if !action.to_ascii_lowercase().starts_with("ses:send") || !denied || has_wildcard(action) {
            return refuse(&at, format!("expected a `ses:Send…` action that was refused, found `{action}`"));
        }
    }
    for (at, resource) in strings(fields, "Resource", pointer)? {
        let asked = finding.requests.iter().any(|request| request.resource == resource);
        let exact = Arn::parse(resource).is_ok_and(|arn| arn.service() == "ses") && !has_wildcard(resource);
        if !asked || !exact {
            return refuse(&at, format!("expected the exact ARN of what was refused, found `{resource}`"));
        }
    }
    if of_identity {
        let pointer = format!("{pointer}/Principal");
        let principal = fields.get("Principal").and_then(|principal| principal.get("AWS")).and_then(Value::as_str);
        let only = fields.get("Principal").and_then(Value::as_object).is_some_and(|principal| principal.len() == 1);
        if !only || principal.is_none() || principal != finding.principal.arn.as_deref() {
            return refuse(&pointer, format!("expected `AWS`: {} and nothing else", quote(&finding.principal.arn)));
        }
    }
    match fields.get("Condition") {
        Some(condition) => check_conditions(condition, &format!("{pointer}/Condition")),
        None => Ok(()),
    }
}

/// In an Allow a condition can only narrow; what it may be is bounded all the same, so that a document of ours stays readable.
fn check_conditions(condition: &Value, pointer: &str) -> Result<(), GuardRefusal> {
    let Value::Object(operators) = condition else { return refuse(pointer, "expected an object") };
    for (operator, keys) in operators {
        let pointer = format!("{pointer}/{}", escape(operator));
        if !is_operator(operator) {
            return refuse(&pointer, format!("expected a condition operator, found `{operator}`"));
        }
        let Value::Object(keys) = keys else { return refuse(&pointer, "expected an object") };
        for key in keys.keys() {
            let lower = key.to_ascii_lowercase();
            if !lower.starts_with("ses:") && !lower.starts_with("aws:") {
                let reason = format!("expected a condition key of `ses:` or `aws:`, found `{key}`");
                return refuse(&format!("{pointer}/{}", escape(key)), reason);
            }
            for (at, value) in strings(keys, key, &pointer)? {
                if value.chars().count() > LONGEST_VALUE {
                    return refuse(&at, format!("expected at most {LONGEST_VALUE} characters"));
                }
            }
        }
    }
    Ok(())
}

fn is_operator(text: &str) -> bool {
    const BASES: [&str; 27] = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "ArnEquals",
        "ArnNotEquals",
        "ArnLike",
        "ArnNotLike",
        "Null",
    ];
    let base = text.strip_prefix("ForAllValues:").or_else(|| text.strip_prefix("ForAnyValue:")).unwrap_or(text);
    BASES.contains(&base) || base.strip_suffix("IfExists").is_some_and(|base| base != "Null" && BASES.contains(&base))
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?']) || text.contains("${")
}

/// An object with no other fields than these.
fn object<'v>(value: &'v Value, pointer: &str, known: &[&str]) -> Result<&'v Map<String, Value>, GuardRefusal> {
    let Value::Object(fields) = value else { return refuse(pointer, "expected an object") };
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => refuse(&format!("{pointer}/{}", escape(key)), format!("expected one of {}", known.join(", "))),
        None => Ok(fields),
    }
}

/// A string, or a list of strings, each with its pointer; never empty.
fn strings<'v>(
    fields: &'v Map<String, Value>,
    key: &str,
    pointer: &str,
) -> Result<Vec<(String, &'v str)>, GuardRefusal> {
    let pointer = format!("{pointer}/{}", escape(key));
    let values = match fields.get(key) {
        Some(Value::Array(values)) if !values.is_empty() && values.len() <= MOST_VALUES => values
            .iter()
            .enumerate()
            .map(|(index, value)| value.as_str().map(|text| (format!("{pointer}/{index}"), text)))
            .collect(),
        Some(Value::String(text)) => Some(vec![(pointer.clone(), text.as_str())]),
        _ => None,
    };
    match values {
        Some(values) => Ok(values),
        None => refuse(&pointer, format!("expected a string or a list of 1 to {MOST_VALUES} strings")),
    }
}

/// Every string in a tree, keys included.
fn texts(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(items) => Box::new(items.iter().flat_map(texts)),
        Value::Object(fields) => {
            Box::new(fields.iter().flat_map(|(key, value)| std::iter::once(key.as_str()).chain(texts(value))))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn quote(text: &Option<String>) -> String {
    text.as_ref().map_or_else(|| "none".to_owned(), |text| format!("`{text}`"))
}

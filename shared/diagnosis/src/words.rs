//! The sentences of a finding: exact, calm, in AWS's own terms.

use sesame_policy::Principal;

use crate::examine::Examined;
use crate::finding::{Cause, CauseKind, Certainty, ConditionInfo, NearMiss, PolicyInfo, PolicyKind};
use crate::subject::Subject;

/// A layer as AWS writes it in a sentence, without article.
pub fn layer(name: &str) -> &'static str {
    match name {
        "identity-policy" => "identity-based policy",
        "permissions-boundary" => "permissions boundary",
        "session-policy" => "session policy",
        "service-control-policy" => "service control policy",
        "resource-control-policy" => "resource control policy",
        "sending-authorization-policy" => "sending authorization policy",
        "vpc-endpoint-policy" => "VPC endpoint policy",
        _ => "policy",
    }
}

/// A policy in a sentence: what kind, its name, what it hangs on.
pub fn policy(info: &PolicyInfo) -> String {
    let holder = info.attached_to.as_deref().map(short_arn).unwrap_or_default();
    match info.kind {
        PolicyKind::UserInline | PolicyKind::RoleInline => format!("inline policy `{}` of {holder}", info.name),
        PolicyKind::GroupInline => format!("inline policy `{}` of {holder}", info.name),
        PolicyKind::CustomerManaged => format!("managed policy `{}` on {holder}", info.name),
        PolicyKind::AwsManaged => format!("AWS managed policy `{}` on {holder}", info.name),
        PolicyKind::Boundary => format!("permissions boundary `{}` of {holder}", info.name),
        PolicyKind::Scp => format!("service control policy `{}` on `{holder}`", info.name),
        PolicyKind::Rcp => format!("resource control policy `{}` on `{holder}`", info.name),
        PolicyKind::SendingAuthorization => format!("sending authorization policy `{}` of {holder}", info.name),
    }
}

/// The telling part of an ARN in a sentence: "role `app`", "user `mailer`", "identity `example.com`".
pub fn short_arn(text: &str) -> String {
    let Ok(arn) = sesame_policy::Arn::parse(text) else { return text.to_owned() };
    let resource = arn.resource();
    match resource.split_once('/') {
        Some(("role", path)) => format!("role `{}`", path.rsplit('/').next().unwrap_or(path)),
        Some(("assumed-role", rest)) => format!("role `{}`", rest.split('/').next().unwrap_or(rest)),
        Some(("user", path)) => format!("user `{}`", path.rsplit('/').next().unwrap_or(path)),
        Some(("group", path)) => format!("group `{}`", path.rsplit('/').next().unwrap_or(path)),
        Some(("federated-user", name)) => format!("federated user `{name}`"),
        Some(("configuration-set", name)) => format!("configuration set `{name}`"),
        Some((kind, name)) => format!("{kind} `{name}`"),
        None if resource == "root" => format!("the root user of account {}", arn.account()),
        None => format!("`{resource}`"),
    }
}

/// Who asks, in a sentence.
pub fn who(subject: &Subject) -> String {
    match (&subject.info.arn, subject.info.kind) {
        (Some(name), Some(crate::finding::PrincipalKind::Service)) => format!("the service `{name}`"),
        (_, Some(crate::finding::PrincipalKind::Account)) => {
            format!("a principal of account {}", subject.account_id.as_deref().unwrap_or("unknown"))
        }
        (Some(arn), _) => short_arn(arn),
        (None, _) => "an unknown principal".to_owned(),
    }
}

/// The principal of a request as a text to compare with a `Principal` element.
pub fn principal_text(principal: &Principal) -> String {
    match principal {
        Principal::Root { arn } | Principal::User { arn } | Principal::FederatedUser { arn, .. } => arn.to_string(),
        Principal::Role { account, name, role_arn, .. } => {
            role_arn.as_ref().map_or_else(|| format!("arn:aws:iam::{account}:role/{name}"), |arn| arn.to_string())
        }
        Principal::Service(name) => name.clone(),
        Principal::Anonymous => "anonymous".to_owned(),
    }
}

/// A list in backticks, cut after three.
pub fn list(values: &[String]) -> String {
    let mut shown: Vec<String> = values.iter().take(3).map(|value| format!("`{value}`")).collect();
    if values.len() > 3 {
        shown.push(format!("{} more", values.len() - 3));
    }
    shown.join(", ")
}

/// A condition and how the request stands to it: "`aws:SourceIp` is `198.51.100.7`, outside `203.0.113.0/24`".
pub fn condition(info: &ConditionInfo) -> String {
    let key = &info.key;
    let expected = list(&info.expected);
    let operator = Family::of(&info.operator);
    let recipients = key.eq_ignore_ascii_case("ses:Recipients");
    match (info.state.as_str(), &info.actual) {
        ("present", Some(actual)) => {
            let value = if actual.is_empty() { "empty".to_owned() } else { list(actual) };
            match (operator, info.matched) {
                (Family::Null, _) => format!("`{key}` is present"),
                (Family::Bool, _) => format!("`{key}` is {}", actual.join(", ")),
                (family, matched) => {
                    let inside = matched.unwrap_or(true) != family.negated();
                    format!("`{key}` is {value}, {} {expected}", family.relation(inside))
                }
            }
        }
        ("absent", _) => format!("`{key}` is not in the request"),
        _ if recipients => {
            let outside = operator.negated() == info.matched.unwrap_or(true);
            let every = info.operator.to_ascii_lowercase().starts_with("forallvalues:");
            let which = if every { "every recipient is" } else { "a recipient is" };
            format!(
                "{which} {} {expected} (the record does not show the recipients)",
                if outside { "outside" } else { "among" }
            )
        }
        _ => format!("`{key}` is {} {expected} (the record does not show it)", operator.relation(!operator.negated())),
    }
}

/// What operators say, for words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Equal { negated: bool },
    Like { negated: bool },
    Ip { negated: bool },
    Less,
    Greater,
    Bool,
    Null,
}

impl Family {
    fn of(operator: &str) -> Family {
        let name = operator.rsplit(':').next().unwrap_or(operator).to_ascii_lowercase();
        let negated = name.contains("not");
        match name.as_str() {
            _ if name.starts_with("null") => Family::Null,
            _ if name.starts_with("bool") => Family::Bool,
            _ if name.contains("ipaddress") => Family::Ip { negated },
            _ if name.contains("less") => Family::Less,
            _ if name.contains("greater") => Family::Greater,
            _ if name.contains("like") || name.starts_with("arn") => Family::Like { negated },
            _ => Family::Equal { negated },
        }
    }
    fn negated(self) -> bool {
        matches!(self, Family::Equal { negated: true } | Family::Like { negated: true } | Family::Ip { negated: true })
    }
    fn relation(self, inside: bool) -> &'static str {
        match (self, inside) {
            (Family::Equal { .. } | Family::Bool | Family::Null, true) => "which is",
            (Family::Equal { .. } | Family::Bool | Family::Null, false) => "not",
            (Family::Like { .. }, true) => "like",
            (Family::Like { .. }, false) => "not like",
            (Family::Ip { .. }, true) => "inside",
            (Family::Ip { .. }, false) => "outside",
            (Family::Less, true) => "before or below",
            (Family::Less, false) => "not before or below",
            (Family::Greater, true) => "after or above",
            (Family::Greater, false) => "not after or above",
        }
    }
}

/// A near miss: "`AllowSend` of … allows it but for Action: `ses:SendRawEmail` is not among `ses:SendEmail`".
pub fn near_miss(info: &NearMiss) -> String {
    let name = statement_name(info.statement.sid.as_deref(), info.statement.index);
    let place = format!("{name} of {}", policy(&info.policy));
    let why = match (info.fails.as_str(), &info.condition) {
        ("Condition", Some(condition_info)) => condition(condition_info),
        ("Action", _) => {
            format!("`{}` is not among {}", info.actual.as_deref().unwrap_or("the action"), list(&info.expected))
        }
        ("Resource", _) => {
            format!("`{}` is not covered by {}", info.actual.as_deref().unwrap_or("the resource"), list(&info.expected))
        }
        _ => format!(
            "`{}` is not covered by {}",
            info.actual.as_deref().unwrap_or("the principal"),
            list(&info.expected)
        ),
    };
    let also =
        if info.also_fails.is_empty() { String::new() } else { format!(" (and {})", info.also_fails.join(", ")) };
    format!("{place} comes close but for {}: {why}{also}", info.fails)
}

/// A statement in a sentence.
pub fn statement_name(sid: Option<&str>, index: usize) -> String {
    match sid {
        Some(sid) if !sid.is_empty() => format!("statement `{sid}`"),
        _ => format!("statement {index}"),
    }
}

/// A cause in one sentence.
pub fn cause(cause: &Cause, examined: &Examined, subject: &Subject, unread: bool) -> String {
    let action = format!("`{}`", examined.question.action);
    let resource = short_arn(examined.question.resource.as_str());
    let at_level = cause.level.as_ref().map(|level| {
        let kind = match level.kind.as_str() {
            "ou" => "organizational unit",
            "root" => "root",
            _ => "account",
        };
        format!("{kind} `{}`", level.name.as_deref().unwrap_or(&level.id))
    });
    let sure = match cause.certainty {
        Certainty::Proven | Certainty::Inferred => "",
        Certainty::Possible => "possibly ",
    };
    if unread {
        let layer = layer(&cause.layer);
        return match cause.certainty {
            Certainty::Possible => format!("a {layer} that could not be read may refuse {action} on {resource}"),
            _ => format!("AWS names a {layer} as what refused {action} on {resource}; it could not be read"),
        };
    }
    match (cause.kind, &cause.policy, &cause.statement) {
        (CauseKind::ExplicitDeny, Some(info), Some(statement)) => {
            let name = statement_name(statement.sid.as_deref(), statement.index);
            let conditions: Vec<String> = cause.conditions.iter().map(condition).collect();
            let because = if conditions.is_empty() { String::new() } else { format!(": {}", conditions.join(" and ")) };
            format!("{sure}{name} of {} denies {action} on {resource}{because}", policy(info))
        }
        _ => {
            let nearest = cause.near_misses.first();
            let close = nearest.map(|near| format!("; {}", near_miss(near))).unwrap_or_default();
            let holder = who(subject);
            let lacks = match (cause.layer.as_str(), at_level) {
                ("identity-policy", _) => format!("no identity-based policy of {holder} allows {action} on {resource}"),
                ("permissions-boundary", _) => match &cause.policy {
                    Some(info) => format!("{} does not allow {action} on {resource}", policy(info)),
                    None => format!("the permissions boundary does not allow {action} on {resource}"),
                },
                ("service-control-policy", Some(level)) => {
                    format!("no service control policy on {level} allows {action} on {resource}")
                }
                ("sending-authorization-policy", _) => format!(
                    "no sending authorization policy of {resource} in account {} allows {action} to {holder} of account {}",
                    examined.question.resource.account(),
                    subject.account_id.as_deref().unwrap_or("unknown"),
                ),
                (name, _) => format!("no {} allows {action} on {resource}", layer(name)),
            };
            format!("{sure}{lacks}{close}")
        }
    }
}

/// A sentence with a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

//! The sentences of a finding: exact, calm, in AWS's own terms.

mod condition;

pub use condition::{change, condition, conditions};

use sesame_policy::{Arn, Principal, Statement};

use crate::examine::Examined;
use crate::finding::{Cause, CauseKind, Certainty, ConditionInfo, Level, NearMiss, PolicyInfo, PolicyKind};
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

/// A noun with its article.
pub fn article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// A boundary of the account's own in the place of one of AWS's, which nobody else can edit.
pub fn own_boundary(info: &PolicyInfo) -> String {
    format!("a copy of {} that takes its place", policy(info))
}

/// A policy of the one that the sentence is about: "its inline policy `Mail`".
pub fn own_policy(info: &PolicyInfo) -> String {
    let kind = match info.kind {
        PolicyKind::UserInline | PolicyKind::RoleInline | PolicyKind::GroupInline => "inline policy",
        PolicyKind::CustomerManaged => "managed policy",
        PolicyKind::AwsManaged => "AWS managed policy",
        PolicyKind::Boundary => "permissions boundary",
        PolicyKind::Scp => "service control policy",
        PolicyKind::Rcp => "resource control policy",
        PolicyKind::SendingAuthorization => "sending authorization policy",
    };
    format!("its {kind} `{}`", info.name)
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
        PolicyKind::Scp => format!("service control policy `{}` on {}", info.name, node(info)),
        PolicyKind::Rcp => format!("resource control policy `{}` on {}", info.name, node(info)),
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
        Some(("multi-region-endpoint", name)) => format!("multi-region endpoint `{name}`"),
        Some(("custom-verification-email-template", name)) => format!("custom verification email template `{name}`"),
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

/// A list in backticks, cut after three: "`a`, `b` and `c`".
pub fn list(values: &[String]) -> String {
    let mut shown: Vec<String> = values.iter().take(3).map(|value| format!("`{value}`")).collect();
    if values.len() > 3 {
        shown.push(format!("{} more", values.len() - 3));
    }
    join(&shown)
}

/// Phrases in a row, the last after "and".
pub fn join(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A near miss: "statement `Send` of inline policy `Mail` of role `app` allows `ses:SendEmail`, not `ses:SendRawEmail`".
///
/// `unresolved`: it turns on a policy variable of the resource whose value is not known.
pub fn near_miss(info: &NearMiss, statement: &Statement, unresolved: bool) -> String {
    let place =
        format!("{} of {}", statement_name(info.statement.sid.as_deref(), info.statement.index), policy(&info.policy));
    let actual = info.actual.as_deref().unwrap_or("the request's");
    let why = match (info.fails.as_str(), &info.condition) {
        ("Condition", Some(failed))
            if info.further_conditions.is_empty()
                && crate::changes::is_own(&info.policy)
                && crate::remedy::guard::is_time(&failed.key) =>
        {
            format!("allowed it for a time, which ended at {}", list(&failed.expected))
        }
        ("Condition", Some(_)) => format!("would allow it, but {}", conditions(info.conditions(), false)),
        ("Action", _) if statement.action.negated => format!("leaves `{actual}` out by `NotAction`"),
        ("Action", _) => format!("allows {}, not `{actual}`", list(&info.expected)),
        ("Resource", _) if statement.resource.as_ref().is_some_and(|element| element.negated) => {
            format!("leaves {} out by `NotResource`", short_arn(actual))
        }
        ("Resource", _) => {
            let patterns: Vec<String> = info.expected.iter().map(|pattern| resource_beside(pattern, actual)).collect();
            let cut = if patterns.len() > 3 { vec![format!("{} more", patterns.len() - 3)] } else { Vec::new() };
            let shown: Vec<String> = patterns.into_iter().take(3).chain(cut).collect();
            let resource = resource_beside(actual, &info.expected.join(" "));
            match unresolved {
                true => {
                    format!("allows it on {}, and the record does not tell whether that is {resource}", join(&shown))
                }
                false => format!("allows it on {}, not on {resource}", join(&shown)),
            }
        }
        _ => format!("allows it to {}, not to `{actual}`", principals(&info.expected)),
    };
    let also = match info.also_fails.is_empty() {
        true => String::new(),
        false => format!(" (nor does its {} fit)", info.also_fails.join(", ")),
    };
    format!("{place} {why}{also}")
}

/// Principals of a statement; a unique id in the place of an ARN is what IAM leaves of a user or role that was deleted. Source:
/// IAM User Guide, "AWS JSON policy elements: Principal".
fn principals(expected: &[String]) -> String {
    let deleted = |text: &String| {
        let id = ["AIDA", "AROA"].iter().any(|prefix| text.starts_with(prefix));
        id && text.len() > 15 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match expected.iter().find(|text| deleted(text)) {
        Some(id) if expected.len() == 1 => format!("`{id}`, a principal that was deleted"),
        Some(id) => format!("{} (`{id}` was deleted)", list(expected)),
        None => list(expected),
    }
}

/// A resource beside another: short where they are of one Region and account, else whole.
fn resource_beside(text: &str, other: &str) -> String {
    match (Arn::parse(text), Arn::parse(other)) {
        (Ok(arn), Ok(other)) if arn.region() == other.region() && arn.account() == other.account() => short_arn(text),
        _ => format!("`{text}`"),
    }
}

/// A near miss in a sentence that has named the principal already.
fn beside(near: &NearMiss, subject: &Subject) -> String {
    let info = &near.policy;
    let kind = match info.kind {
        PolicyKind::UserInline | PolicyKind::RoleInline => "inline policy",
        PolicyKind::CustomerManaged => "managed policy",
        PolicyKind::AwsManaged => "AWS managed policy",
        PolicyKind::Boundary => {
            let text = near.summary.replacen(&format!(" of {}", policy(info)), "", 1);
            return format!("its {}", text.trim_start_matches("the "));
        }
        _ => return near.summary.clone(),
    };
    match info.attached_to == subject.info.arn {
        true => near.summary.replacen(&policy(info), &format!("{kind} `{}`", info.name), 1),
        false => near.summary.clone(),
    }
}

/// A statement in a sentence.
pub fn statement_name(sid: Option<&str>, index: usize) -> String {
    match sid {
        Some(sid) if !sid.is_empty() => format!("statement `{sid}`"),
        _ => {
            const ORDINALS: [&str; 10] =
                ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
            ORDINALS
                .get(index)
                .map_or_else(|| format!("statement number {}", index + 1), |nth| format!("the {nth} statement"))
        }
    }
}

/// A level of the organization in a sentence.
pub fn level(level: &Level) -> String {
    let kind = match level.kind.as_str() {
        "ou" => "organizational unit",
        "root" => "the root",
        _ => "account",
    };
    format!("{kind} `{}`", level.name.as_deref().unwrap_or(&level.id))
}

/// The node of the organization that a policy hangs on: as [`level`] says it.
fn node(info: &PolicyInfo) -> String {
    let id = info.attached_to.as_deref().unwrap_or_default();
    let kind = match id {
        _ if id.starts_with("r-") => "root",
        _ if id.starts_with("ou-") => "ou",
        _ => "account",
    };
    level(&Level { kind: kind.to_owned(), id: id.to_owned(), name: info.attached_to_name.clone() })
}

/// A cause in one sentence.
pub fn cause(cause: &Cause, examined: &Examined, subject: &Subject, unread: bool) -> String {
    let action = format!("`{}`", examined.question.action);
    let resource = short_arn(examined.question.resource.as_str());
    let at_level = cause.level.as_ref().map(level);
    let sure = match cause.certainty {
        Certainty::Proven | Certainty::Inferred => "",
        Certainty::Possible => "possibly ",
    };
    if unread {
        let layer = layer(&cause.layer);
        return match cause.certainty {
            Certainty::Possible if matches!(layer, "session policy" | "VPC endpoint policy") => {
                format!("{}, which no record shows, may refuse {action} on {resource}", article(layer))
            }
            Certainty::Possible => {
                format!("{} that could not be read may refuse {action} on {resource}", article(layer))
            }
            _ => {
                let named = match crate::hint::named_policy(&examined.denial, &cause.layer) {
                    Some(arn) => format!("{layer} `{arn}`"),
                    None => article(layer),
                };
                format!("AWS names {named} as what refused {action} on {resource}; it could not be read")
            }
        };
    }
    match (cause.kind, &cause.policy, &cause.statement) {
        (CauseKind::ExplicitDeny, Some(info), Some(statement)) => {
            let name = statement_name(statement.sid.as_deref(), statement.index);
            // That no AWS service called is so of nearly every send, and tells nothing beside other conditions.
            let usual = |condition: &&ConditionInfo| {
                let key = condition.key.to_ascii_lowercase();
                let by_service = ["aws:viaawsservice", "aws:principalisawsservice"].contains(&key.as_str());
                by_service && condition.actual.as_deref().is_some_and(|actual| actual == ["false"])
            };
            let telling: Vec<&ConditionInfo> = cause.conditions.iter().filter(|condition| !usual(condition)).collect();
            let all = cause.conditions.iter().collect();
            let mut because = conditions(if telling.is_empty() { all } else { telling }, true);
            if because.is_empty() {
                because = left_out(cause, examined);
            }
            let because = if because.is_empty() { because } else { format!(": {because}") };
            format!("{sure}{name} of {} denies {action} on {resource}{because}", policy(info))
        }
        _ => {
            let nearest = cause.near_misses.first();
            let close = nearest.map(|near| format!("; nearest: {}", beside(near, subject))).unwrap_or_default();
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
                ("sending-authorization-policy", _) => {
                    let of = subject.account_id.as_deref().filter(|_| !holder.contains(" account "));
                    let of = of.map(|account| format!(" of account {account}")).unwrap_or_default();
                    let owner = examined.question.resource.account();
                    format!(
                        "no sending authorization policy of {resource} in account {owner} allows {action} on {resource} to {holder}{of}"
                    )
                }
                (name, _) => format!("no {} allows {action} on {resource}", layer(name)),
            };
            format!("{sure}{lacks}{close}")
        }
    }
}

/// Why a Deny that speaks of all but what it names covers a request: "its `NotAction` does not name it".
fn left_out(cause: &Cause, examined: &Examined) -> String {
    let (Some(info), Some(at)) = (&cause.policy, &cause.statement) else { return String::new() };
    let mut policies = examined.set.iter().map(|(_, _, attached)| attached);
    let attached = policies.find(|attached| attached.info.as_ref() == Some(info));
    let Some(statement) = attached.and_then(|attached| crate::evidence::statement(attached, at.index)) else {
        return String::new();
    };
    let elements = [
        ("NotPrincipal", statement.principal.as_ref().is_some_and(|element| element.negated)),
        ("NotAction", statement.action.negated),
        ("NotResource", statement.resource.as_ref().is_some_and(|element| element.negated)),
    ];
    let negated: Vec<String> =
        elements.into_iter().filter(|(_, negated)| *negated).map(|(name, _)| format!("`{name}`")).collect();
    match negated.len() {
        0 => String::new(),
        1 => format!("it is for all but what its {} names", join(&negated)),
        _ => format!("it is for all but what its {} name", join(&negated)),
    }
}

/// A text with a capital.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A sentence with a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let mut sentence = capital(text);
    if sentence.is_empty() {
        return sentence;
    }
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

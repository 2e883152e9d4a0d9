//! Conditions in words.

use super::list;
use crate::finding::ConditionInfo;

/// A condition and how the request stands to it: "`aws:SourceIp` is `198.51.100.7`, outside `203.0.113.0/24`".
///
/// `refused` is what the condition must have come to for the refusal: true for a Deny, false for an Allow. It counts where the
/// record does not tell.
pub fn condition(info: &ConditionInfo, refused: bool) -> String {
    let key = &info.key;
    let family = Family::of(info);
    let holds = info.matched.unwrap_or(refused);
    let inside = holds != family.negated();
    match (info.state.as_str(), &info.actual) {
        ("present", Some(actual)) => present(info, family, actual, inside),
        ("absent", _) if is(key, "aws:SourceIp") => {
            format!("`{key}` is not in the request, which came through a VPC endpoint")
        }
        ("absent", _) => format!("`{key}` is not in the request"),
        _ if is(key, "aws:SecureTransport") => {
            let over_tls = info.expected.first().is_some_and(|value| value.eq_ignore_ascii_case("true")) == inside;
            format!("the call was made {} (the record shows no TLS details)", transport(over_tls))
        }
        _ if is(key, "ses:Recipients") && family != Family::Null => unknown_recipients(info, holds, inside),
        _ => {
            let why = match key.to_ascii_lowercase() {
                key if key.starts_with("aws:resourcetag/") => "the tags of the resource were not read",
                key if key.starts_with("aws:principaltag/") => "the tags of the session are not in the record",
                _ => "the record does not show it",
            };
            format!("`{key}` {} ({why})", family.predicate(inside, &expected(info)))
        }
    }
}

/// Conditions in a row; two bounds of one key are said together.
pub fn conditions<'c>(infos: impl IntoIterator<Item = &'c ConditionInfo>, refused: bool) -> String {
    let infos: Vec<&ConditionInfo> = infos.into_iter().collect();
    // An Allow fails by one condition; which one that was of several is not known where none of them is.
    let any = !refused && infos.iter().all(|info| info.matched.is_none());
    let mut phrases: Vec<String> = Vec::new();
    for info in infos {
        let phrase = condition(info, refused);
        // The same reason for not knowing is said once, with the last.
        if let (Some(reason), Some(last)) = (phrase.rfind(" (").and_then(|at| phrase.get(at..)), phrases.last_mut())
            && reason.ends_with(')')
            && let Some(shorter) = last.strip_suffix(reason)
        {
            *last = shorter.to_owned();
        }
        // "`aws:CurrentTime` is `…`, after `…` and before `…`"
        let shared = phrases.last().and_then(|last| {
            let (subject, _) = last.split_once("`, ")?;
            let rest = phrase.strip_prefix(subject)?.strip_prefix("`, ")?;
            Some(format!("{last} and {rest}"))
        });
        match (shared, phrases.last_mut()) {
            (Some(shared), Some(last)) => *last = shared,
            _ => phrases.push(phrase),
        }
    }
    phrases.join(if any { ", or " } else { ", and " })
}

fn present(info: &ConditionInfo, family: Family, actual: &[String], inside: bool) -> String {
    let key = &info.key;
    if is(key, "aws:SecureTransport") && family != Family::Null {
        let over_tls = actual.first().is_some_and(|value| value.eq_ignore_ascii_case("true"));
        return format!("the call was made {}", transport(over_tls));
    }
    match family {
        Family::Null => return format!("`{key}` is in the request"),
        Family::Bool => return format!("`{key}` is `{}`", actual.join(", ")),
        _ => {}
    }
    if is(key, "ses:Recipients") {
        if !info.operator.contains(':') {
            return format!("`{}` without a set operator never matches the multivalued `{key}`", info.operator);
        }
        let telling = telling(info, family, actual, inside);
        let who = if telling.len() == 1 { "the recipient" } else { "the recipients" };
        let verb = if telling.len() == 1 { "is" } else { "are" };
        let place =
            if inside { format!("among {}", expected(info)) } else { format!("outside {}", both(&expected(info))) };
        return format!("{who} {} {verb} {place}", list(&telling));
    }
    let shown: Vec<String> = actual.iter().map(|value| readable(key, value)).collect();
    let value = if shown.is_empty() { "empty".to_owned() } else { super::join(&shown) };
    match (family, inside) {
        (Family::Equal { .. }, true) => format!("`{key}` is {value}"),
        (Family::Like { .. }, true) => {
            let hits =
                |pattern: &&String| actual.iter().any(|value| sesame_policy::pattern::wildcard_matches(pattern, value));
            let hit: Vec<String> = info.values().iter().filter(hits).cloned().collect();
            let patterns = if hit.is_empty() { expected(info) } else { values(key, &hit) };
            format!("`{key}` is {value}, which matches {patterns}")
        }
        _ => format!("`{key}` is {value}, {}", family.relation(inside, &expected(info))),
    }
}

/// The values of a list on which it turns.
fn telling(info: &ConditionInfo, family: Family, actual: &[String], inside: bool) -> Vec<String> {
    let matches = |value: &String| {
        info.values().iter().any(|pattern| match family {
            Family::Like { .. } => sesame_policy::pattern::wildcard_matches(pattern, value),
            _ => pattern == value,
        })
    };
    let chosen: Vec<String> = actual.iter().filter(|value| matches(value) == inside).cloned().collect();
    if chosen.is_empty() { actual.to_vec() } else { chosen }
}

/// What must have been true of recipients that the record hides.
fn unknown_recipients(info: &ConditionInfo, holds: bool, inside: bool) -> String {
    let every = info.operator.to_ascii_lowercase().starts_with("forallvalues:");
    let values = expected(info);
    let told = match (every == holds, inside) {
        (false, true) => format!("a recipient is among {values}"),
        (false, false) => format!("a recipient is outside {}", both(&values)),
        (true, true) => format!("every recipient is among {values}"),
        (true, false) => format!("no recipient is among {values}"),
    };
    format!("{told} (the record does not show the recipients)")
}

/// How the send would have to change for the condition to come to `wanted`, as half a sentence; `None` for what a sender does
/// not choose. `through` is the AWS service that made the call for the caller: the address in the request is that of whoever
/// called the service. Source: IAM User Guide, "AWS: Denies access to AWS based on the source IP".
pub fn change(info: &ConditionInfo, wanted: bool, through: Option<&str>) -> Option<String> {
    let family = Family::of(info);
    let inside = wanted != family.negated();
    let values = expected(info);
    let object = |noun: &str| match (family, inside) {
        (Family::Equal { .. }, true) => values.clone(),
        (Family::Equal { .. }, false) => format!("{noun} other than {values}"),
        (Family::Ip { .. }, true) => format!("{noun} inside {values}"),
        (Family::Ip { .. }, false) => format!("{noun} outside {values}"),
        (_, true) => format!("{noun} that matches {values}"),
        (_, false) => format!("{noun} that does not match {values}"),
    };
    let key = info.key.to_ascii_lowercase();
    if family == Family::Null {
        // `Null` is true where the request lacks the key.
        let absent = info.expected.first().is_some_and(|value| value.eq_ignore_ascii_case("true")) == wanted;
        return key.starts_with("ses:").then(|| {
            format!("send {} `{}`", if absent { "without" } else { "with" }, crate::context::canonical(&info.key))
        });
    }
    if let Some(tag) = info.key.get(17..).filter(|_| key.starts_with("aws:principaltag/")) {
        return Some(match (family, inside) {
            (Family::Equal { .. }, true) => format!("call as a principal whose tag `{tag}` is {values}"),
            (Family::Equal { .. }, false) => format!("call as a principal whose tag `{tag}` is not {values}"),
            _ => return None,
        });
    }
    Some(match key.as_str() {
        "ses:fromaddress" => format!("send from {}", object("an address")),
        "ses:fromdisplayname" if (family, inside) == (Family::Equal { negated: family.negated() }, true) => {
            format!("send with the display name {values}")
        }
        "ses:fromdisplayname" => format!("send with {}", object("a display name")),
        "ses:feedbackaddress" if (family, inside) == (Family::Equal { negated: family.negated() }, true) => {
            format!("use the feedback address {values}")
        }
        "ses:feedbackaddress" => format!("use {}", object("a feedback address")),
        "ses:tenantname" if inside => format!("send for tenant {values}"),
        "ses:apiversion" if (family, inside) == (Family::Equal { negated: family.negated() }, true) => {
            format!("call version {values} of the SES API")
        }
        "aws:multifactorauthpresent"
            if info.expected.iter().any(|value| value.eq_ignore_ascii_case("true")) == wanted =>
        {
            let long_term = " (a long-term access key tells nothing of it)";
            let why = if info.state == "absent" { long_term } else { "" };
            format!("call with temporary credentials that were got with MFA{why}")
        }
        "ses:recipients" if inside => format!("send only to recipients among {values}"),
        "ses:recipients" => format!("send to no recipient among {values}"),
        "aws:sourceip" | "aws:vpcsourceip" => {
            let service = through.map(|service| format!(" `{service}`")).unwrap_or_default();
            // A range of one address is that address.
            let hosts = info.values().iter().map(|range| range.strip_suffix("/32").or(range.strip_suffix("/128")));
            let hosts: Option<Vec<String>> = hosts.map(|host| host.map(str::to_owned)).collect();
            let from = match hosts.filter(|_| inside) {
                Some(hosts) => self::values(&info.key, &hosts),
                None => object("an address"),
            };
            let path = if info.state == "absent" && is(&key, "aws:SourceIp") { ", past the VPC endpoint" } else { "" };
            format!("call{service} from {from}{path}")
        }
        "aws:sourcevpc" | "aws:sourcevpce" => format!("call through {}", object("a VPC endpoint")),
        "aws:useragent" => format!("call with {}", object("a client")),
        "aws:requestedregion" if inside => format!("call the endpoint of {values}"),
        "aws:requestedregion" => format!("call {}", object("a Region")),
        "aws:securetransport" => {
            let over_tls = info.expected.first().is_some_and(|value| value.eq_ignore_ascii_case("true")) == inside;
            match over_tls {
                true => "call over TLS".to_owned(),
                false => "the condition refuses calls over TLS, which is probably the wrong way round".to_owned(),
            }
        }
        "aws:principalarn" if !inside && info.actual.iter().flatten().any(|actual| actual.ends_with(":root")) => {
            "send as a user or a role, not as the root user".to_owned()
        }
        "aws:tokenissuetime" => format!("start a new session: those from before {values} were revoked"),
        "aws:currenttime" | "aws:epochtime" => match (family, wanted) {
            (Family::Less { .. }, true) | (Family::Greater { .. }, false) => {
                format!("the time window ended at {values}")
            }
            (Family::Less { .. }, false) | (Family::Greater { .. }, true) => {
                format!("wait until {values}")
            }
            _ => format!("send when `{}` {}", info.key, family.predicate(inside, &values)),
        },
        _ => return None,
    })
}

fn is(key: &str, name: &str) -> bool {
    key.eq_ignore_ascii_case(name)
}

fn transport(over_tls: bool) -> &'static str {
    if over_tls { "over TLS" } else { "in clear text" }
}

/// The policy's values: "`a`", "`a` or `b`", "`a`, `b` or 2 more".
fn expected(info: &ConditionInfo) -> String {
    values(&info.key, info.values())
}

fn values(key: &str, values: &[String]) -> String {
    let mut shown: Vec<String> = values.iter().take(3).map(|value| readable(key, value)).collect();
    if values.len() > 3 {
        shown.push(format!("{} more", values.len() - 3));
    }
    match shown.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// "`a` and `b`" of "`a` or `b`": what is outside is outside all of them.
fn both(values: &str) -> String {
    values.rsplit_once(" or ").map_or_else(|| values.to_owned(), |(rest, last)| format!("{rest} and {last}"))
}

/// A value in backticks; epoch seconds also as a date.
fn readable(key: &str, value: &str) -> String {
    let seconds = if is(key, "aws:EpochTime") { value.parse::<i64>().ok() } else { None };
    match seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()) {
        Some(time) => format!("`{value}` ({time})"),
        None => format!("`{value}`"),
    }
}

/// What operators say, for words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Equal { negated: bool },
    Like { negated: bool },
    Ip { negated: bool },
    Less { time: bool, equals: bool },
    Greater { time: bool, equals: bool },
    Bool,
    Null,
}

impl Family {
    fn of(info: &ConditionInfo) -> Family {
        let operator = &info.operator;
        let name = operator.rsplit(':').next().unwrap_or(operator).to_ascii_lowercase();
        let negated = name.contains("not");
        let time = name.starts_with("date") || is(&info.key, "aws:EpochTime");
        let equals = name.contains("thanequals");
        match name.as_str() {
            _ if name.starts_with("null") => Family::Null,
            _ if name.starts_with("bool") => Family::Bool,
            _ if name.contains("ipaddress") => Family::Ip { negated },
            _ if name.contains("less") => Family::Less { time, equals },
            _ if name.contains("greater") => Family::Greater { time, equals },
            _ if name.contains("like") || name.starts_with("arn") => Family::Like { negated },
            _ => Family::Equal { negated },
        }
    }

    fn negated(self) -> bool {
        matches!(self, Family::Equal { negated: true } | Family::Like { negated: true } | Family::Ip { negated: true })
    }

    /// How a value that is shown stands to the expected ones.
    fn relation(self, inside: bool, values: &str) -> String {
        match (self, inside) {
            (Family::Like { .. }, true) => format!("which matches {values}"),
            (Family::Like { .. }, false) => format!("which does not match {values}"),
            _ => self.place(inside, values),
        }
    }

    /// What must be true of a value that is not shown.
    fn predicate(self, inside: bool, values: &str) -> String {
        match (self, inside) {
            (Family::Like { .. }, true) => format!("matches {values}"),
            (Family::Like { .. }, false) => format!("does not match {values}"),
            (Family::Null, _) => "is in the request or not".to_owned(),
            _ => format!("is {}", self.place(inside, values)),
        }
    }

    fn place(self, inside: bool, values: &str) -> String {
        let word = match (self, inside) {
            (Family::Ip { .. }, true) => "inside",
            (Family::Ip { .. }, false) => return format!("outside {}", both(values)),
            (Family::Less { time: true, equals: false }, true)
            | (Family::Greater { time: true, equals: true }, false) => "before",
            (Family::Less { time: true, equals: true }, true)
            | (Family::Greater { time: true, equals: false }, false) => "not after",
            (Family::Greater { time: true, equals: false }, true)
            | (Family::Less { time: true, equals: true }, false) => "after",
            (Family::Greater { time: true, equals: true }, true)
            | (Family::Less { time: true, equals: false }, false) => "not before",
            (Family::Less { equals: false, .. }, true) | (Family::Greater { equals: true, .. }, false) => "below",
            (Family::Less { equals: true, .. }, true) | (Family::Greater { equals: false, .. }, false) => "at most",
            (Family::Greater { equals: false, .. }, true) | (Family::Less { equals: true, .. }, false) => "above",
            (Family::Greater { equals: true, .. }, true) | (Family::Less { equals: false, .. }, false) => "at least",
            (_, true) => return values.to_owned(),
            (_, false) => "not",
        };
        format!("{word} {values}")
    }
}

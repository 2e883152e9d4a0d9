//! Events without what names anybody: addresses, domains, names, accounts, keys, ids and addresses of machines are replaced, the
//! same by the same wherever it stands, so that what belongs together still does. Keys, types and AWS's own words stay.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// How AWS marks what it leaves out; that stays, since it is what one wants to know.
pub const MARKS: [&str; 4] = ["HIDDEN_DUE_TO_SECURITY_REASONS", "***", "****", ""];

/// What is replaced wherever it stands, the longest form first.
static TOKENS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<arn>arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?:\d{12}|aws)?:[^\s'`\x22,<>]+)",
        r"|(?P<address>[\p{L}\p{N}._%+=-]+@[\p{L}\p{N}.-]*[\p{L}\p{N}])",
        r"|(?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)",
        r"|(?P<key>\b(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA|ANVA|AIPA|APKA|ABIA|ACCA)[A-Z0-9]{4,}\b)",
        r"|(?P<account>\b\d{12}\b)",
        r"|(?P<resource>\b(?:vpce|vpc|ou|o)-[0-9a-z][0-9a-z-]{7,}\b)",
        r"|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7})",
    ))
    .ok()
});

/// Parts of ARNs that are AWS's own words.
const OWN_WORDS: [&str; 3] = ["aws-reserved", "aws-service-role", "sso.amazonaws.com"];
/// Fields that hold a name.
const NAMES: [&str; 8] = [
    "userName",
    "configurationSetName",
    "template",
    "templateName",
    "tenantName",
    "endpointId",
    "roleSessionName",
    "sourceIdentity",
];
/// Fields that hold addresses, with display names.
const ADDRESSES: [&str; 13] = [
    "fromEmailAddress",
    "source",
    "returnPath",
    "replyToAddresses",
    "toAddresses",
    "ccAddresses",
    "bccAddresses",
    "destinations",
    "feedbackForwardingEmailAddress",
    "bounceSender",
    "emailAddress",
    "recipient",
    "explanation",
];

/// Replaces consistently for as long as it lives.
#[derive(Debug, Default)]
pub struct Redactor {
    known: BTreeMap<(&'static str, String), usize>,
}

impl Redactor {
    /// An event without what names anybody.
    pub fn event(&mut self, event: &Value) -> Value {
        self.value("", event, false)
    }

    /// `free`: inside of what the caller wrote, where nothing is an own word of AWS.
    fn value(&mut self, key: &str, value: &Value, free: bool) -> Value {
        match value {
            Value::String(text) if MARKS.contains(&text.as_str()) => value.clone(),
            Value::String(text) => Value::String(self.string(key, text, free)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(key, item, free)).collect()),
            Value::Object(fields) => {
                let inside = |name: &str| free || ["requestParameters", "responseElements"].contains(&name);
                let fields = fields.iter().map(|(name, value)| {
                    // The keys of headers and replacement data are the caller's own.
                    (name.clone(), self.value(name, value, inside(name)))
                });
                Value::Object(fields.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn string(&mut self, key: &str, text: &str, free: bool) -> String {
        if key == "principalId" {
            let parts: Vec<String> = text
                .split(':')
                .enumerate()
                .map(|(index, part)| if index == 0 { self.tokens(part) } else { self.name(part) })
                .collect();
            return parts.join(":");
        }
        if NAMES.contains(&key) {
            return match text.contains('@') || text.starts_with("arn:") {
                true => self.tokens(text),
                false => self.name(text),
            };
        }
        if !free {
            return self.tokens(text);
        }
        if ADDRESSES.contains(&key) && text.contains('@') {
            return self.addresses(text);
        }
        match text.starts_with("arn:") {
            true => self.tokens(text),
            false => self.replaced("text", text, |number| format!("text {number}")),
        }
    }

    /// `Ann <ann@example.com>, bob@example.com`
    fn addresses(&mut self, text: &str) -> String {
        let parts: Vec<String> = text
            .split(',')
            .map(|part| match part.split_once('<') {
                Some((display, address)) if !display.trim().is_empty() => {
                    let display = self.replaced("display", display.trim(), |number| format!("Display Name {number}"));
                    format!("{display} <{}", self.tokens(address))
                }
                _ if part.contains('@') => self.tokens(part),
                _ => self.replaced("text", part, |number| format!("text {number}")),
            })
            .collect();
        parts.join(",")
    }

    /// Everything of a known form.
    fn tokens(&mut self, text: &str) -> String {
        let Some(tokens) = TOKENS.as_ref() else { return "unreadable".to_owned() };
        tokens.replace_all(text, |found: &Captures<'_>| self.token(found)).into_owned()
    }

    fn token(&mut self, found: &Captures<'_>) -> String {
        let group = |name: &str| found.name(name).map(|part| part.as_str().to_owned());
        if let Some(arn) = group("arn") {
            return self.arn(&arn);
        }
        if let Some(address) = group("address") {
            return self.address(&address);
        }
        if let Some(uuid) = group("uuid") {
            let uuid = uuid.to_ascii_lowercase();
            return self.replaced("uuid", &uuid, |number| format!("00000000-0000-4000-8000-{number:012}"));
        }
        if let Some(key) = group("key") {
            let prefix = key.get(..4).unwrap_or_default().to_owned();
            return self.replaced("key", &key, |number| format!("{prefix}EXAMPLE{number:09}"));
        }
        if let Some(account) = group("account") {
            return self.account(&account);
        }
        if let Some(resource) = group("resource") {
            let kind = resource.split('-').next().unwrap_or_default().to_owned();
            return self.replaced("resource", &resource, |number| format!("{kind}-{number:017}"));
        }
        match group("ip") {
            Some(ip) => self.ip(&ip),
            None => String::new(),
        }
    }

    fn ip(&mut self, text: &str) -> String {
        match text.parse::<IpAddr>() {
            // Documentation ranges: RFC 5737, RFC 3849.
            Ok(IpAddr::V4(_)) => self.replaced("ip", text, |number| match number {
                1..=254 => format!("192.0.2.{number}"),
                _ => format!("198.51.100.{}", number % 255),
            }),
            Ok(IpAddr::V6(_)) => self.replaced("ip", text, |number| format!("2001:db8::{number:x}")),
            Err(_) => text.to_owned(),
        }
    }

    fn account(&mut self, text: &str) -> String {
        self.replaced("account", text, |number| format!("1111{number:08}"))
    }

    fn address(&mut self, text: &str) -> String {
        let Some((local, domain)) = text.rsplit_once('@') else { return text.to_owned() };
        let local = self.replaced("local", local, |number| format!("address{number}"));
        format!("{local}@{}", self.domain(domain))
    }

    /// Labels are replaced one by one from the right, so that a subdomain stays one of its domain.
    fn domain(&mut self, text: &str) -> String {
        if text.ends_with(".amazonaws.com") {
            return text.to_owned();
        }
        let lower = text.to_ascii_lowercase();
        match lower.split_once('.') {
            Some((label, parent)) if parent.contains('.') => {
                let label = self.replaced("label", label, |number| format!("sub{number}"));
                format!("{label}.{}", self.domain(parent))
            }
            _ => self.replaced("domain", &lower, |number| format!("domain{number}.example")),
        }
    }

    fn name(&mut self, text: &str) -> String {
        self.replaced("name", text, |number| format!("name{number}"))
    }

    fn arn(&mut self, text: &str) -> String {
        let mut parts: Vec<String> = text.splitn(6, ':').map(str::to_owned).collect();
        let is_ses = parts.get(2).is_some_and(|service| service == "ses");
        let of_aws = parts.get(4).is_some_and(|account| account == "aws");
        if let Some(account) = parts.get_mut(4).filter(|account| account.len() == 12) {
            *account = self.account(account);
        }
        if let Some(resource) = parts.get_mut(5).filter(|_| !of_aws) {
            let (kind, rest) = resource.split_once('/').unwrap_or((resource.as_str(), ""));
            let names: Vec<String> = rest.split('/').map(|name| self.segment(kind, name, is_ses)).collect();
            if !rest.is_empty() {
                *resource = format!("{kind}/{}", names.join("/"));
            }
        }
        parts.join(":")
    }

    fn segment(&mut self, kind: &str, name: &str, is_ses: bool) -> String {
        if name.is_empty() || name == "*" || OWN_WORDS.contains(&name) {
            return name.to_owned();
        }
        match name.strip_prefix("AWSReservedSSO_") {
            Some(rest) => format!("AWSReservedSSO_{}", self.name(rest)),
            None if is_ses && kind == "identity" && name.contains('@') => self.address(name),
            None if is_ses && kind == "identity" => self.domain(name),
            None => self.name(name),
        }
    }

    /// The same for the same, counted up for each kind.
    fn replaced(&mut self, kind: &'static str, text: &str, make: impl Fn(usize) -> String) -> String {
        let next = self.known.keys().filter(|(known, _)| *known == kind).count() + 1;
        make(*self.known.entry((kind, text.to_owned())).or_insert(next))
    }
}

#[cfg(test)]
mod tests;

//! What else a remedy lets through: the refused request is varied in one respect at a time and evaluated without and with it.

use serde_json::{Value, json};
use sesame_policy::evaluation::decide;
use sesame_policy::{Arn, ContextValue, Decision, Request};

use super::patched::patched;
use crate::examine::Examined;
use crate::finding::Remedy;
use crate::near_miss::SENDS;
use crate::words;

/// A request like the refused one but in one respect.
struct Variation {
    /// As it reads in the sentence.
    words: String,
    request: Request,
    /// As it stands in `alsoAllowedRequests`.
    shown: Value,
}

/// One sentence, and examples, of what these remedies allow beyond the refused requests.
pub fn also_allowed(examined: &[Vec<Examined>], remedies: &[&Remedy], who: &str) -> (String, Vec<Value>) {
    let mut phrases: Vec<String> = Vec::new();
    let mut examples: Vec<Value> = Vec::new();
    let mut sends: Vec<String> = Vec::new();
    for examined in examined.iter().filter_map(|contexts| contexts.first()) {
        let before = examined.set.policy_set();
        let after = patched(examined, remedies).policy_set();
        if decide(&before, &examined.request).possible == sesame_policy::Possible::only(Decision::Allowed) {
            continue;
        }
        let send =
            format!("`{}` on {}", examined.question.action, words::short_arn(examined.question.resource.as_str()));
        for variation in variations(examined) {
            let allowed = |set| decide(set, &variation.request).possible.contains(Decision::Allowed);
            if !allowed(&before) && allowed(&after) {
                if !phrases.contains(&variation.words) {
                    phrases.push(variation.words);
                }
                if examples.len() < 10 {
                    examples.push(variation.shown);
                }
                if !sends.contains(&send) {
                    sends.push(send.clone());
                }
            }
        }
    }
    let sentence = match phrases.is_empty() {
        true => "Nothing else becomes allowed: every variation of this send that was tried stays as it was.".to_owned(),
        false => format!("{} can then also call {} {}.", capital(who), sends.join(" and "), join(&phrases)),
    };
    (sentence, examples)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn join(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

fn variations(examined: &Examined) -> Vec<Variation> {
    let mut list = Vec::new();
    let request = &examined.request;
    let bulk = request.action.eq_ignore_ascii_case("ses:SendBulkEmail");
    let domain = domain(request);
    let keys: [(&str, ContextValue, String); 6] = [
        ("ses:FromAddress", one(&format!("someone-else@{domain}")), format!("from any other address of `{domain}`")),
        (
            "ses:Recipients",
            ContextValue::Many(vec!["someone@elsewhere.example".to_owned()]),
            "to any other recipient".to_owned(),
        ),
        ("ses:FromDisplayName", one("Another Name"), "with any other display name".to_owned()),
        ("ses:FeedbackAddress", one("bounces@elsewhere.example"), "with any other feedback address".to_owned()),
        ("aws:SourceIp", one("192.0.2.77"), "from any other network address".to_owned()),
        ("aws:CurrentTime", one("2099-01-01T00:00:00Z"), "at any later time".to_owned()),
    ];
    for (key, value, words) in keys {
        // The action has no such key: there is nothing to vary.
        if bulk && key.starts_with("ses:") {
            continue;
        }
        let mut varied = request.clone();
        let shown = match &value {
            ContextValue::One(value) => json!(value),
            ContextValue::Many(values) => json!(values),
            _ => Value::Null,
        };
        varied.context.set(key, value);
        if key == "aws:CurrentTime" {
            varied.context.set("aws:EpochTime", one("4070908800"));
        }
        list.push(variation(words, varied, json!({ (key): shown })));
    }
    for action in SENDS.iter().filter(|action| !action.eq_ignore_ascii_case(&request.action)) {
        let varied = Request { action: (*action).to_owned(), ..request.clone() };
        list.push(variation(format!("as `{action}`"), varied, json!({})));
    }
    let kind = request.resource.resource().split('/').next().unwrap_or_default();
    for (name, words) in [("elsewhere.example", "on any other such resource")] {
        let text = request.resource.as_str();
        let prefix = text.strip_suffix(request.resource.resource()).unwrap_or_default();
        if let Ok(resource) = Arn::parse(&format!("{prefix}{kind}/{name}")) {
            list.push(variation(words.to_owned(), Request { resource, ..request.clone() }, json!({})));
        }
    }
    list
}

fn variation(words: String, request: Request, context: Value) -> Variation {
    let shown = json!({ "action": request.action, "resource": request.resource.as_str(), "context": context });
    Variation { words, request, shown }
}

fn one(value: &str) -> ContextValue {
    ContextValue::One(value.to_owned())
}

/// The domain that the send is from, as far as it is known.
fn domain(request: &Request) -> String {
    let from = match request.context.get("ses:FromAddress") {
        ContextValue::One(address) => Some(address.as_str()),
        _ => None,
    };
    let identity = request.resource.resource().strip_prefix("identity/");
    let text = from.or(identity).unwrap_or("example.com");
    text.rsplit_once('@').map_or(text, |(_, domain)| domain).to_owned()
}

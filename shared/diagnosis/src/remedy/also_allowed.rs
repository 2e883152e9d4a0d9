//! What else a remedy lets through: the refused request is varied in one respect at a time and evaluated without and with it.

use serde_json::{Value, json};
use sesame_policy::evaluation::decide;
use sesame_policy::{Arn, ContextValue, Decision, Possible, Request};

use super::patched::{Change, patched};
use crate::examine::Examined;
use crate::near_miss::SENDS;
use crate::words;

/// In what a variation differs from the refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The value of a condition key.
    Value,
    /// The action.
    Action,
    /// The resource.
    Resource,
}

/// A request like the refused one but in one respect.
struct Variation {
    /// In what it differs.
    kind: Kind,
    /// As it reads in the sentence.
    words: String,
    /// `None` where no policy asks for what is varied: it then fares as the refused request does.
    request: Option<Request>,
    /// As it stands in `alsoAllowedRequests`.
    shown: Value,
}

/// The refused questions and what is tried beside them, each with what it comes to before any change.
pub struct Variations<'e> {
    questions: Vec<Tried<'e>>,
}

/// One refused question and its variations.
struct Tried<'e> {
    examined: &'e Examined,
    /// As it reads in the sentence: "`ses:SendEmail` on identity `example.com`".
    send: String,
    variations: Vec<(Variation, Possible)>,
}

/// What remedies allow beyond the refused requests.
pub struct AlsoAllowed {
    /// One sentence.
    pub sentence: String,
    /// Examples, as they stand in `alsoAllowedRequests`.
    pub examples: Vec<Value>,
}

impl<'e> Variations<'e> {
    /// The variations of the refused questions, in their latest request context.
    pub fn of(examined: &'e [Vec<Examined>]) -> Variations<'e> {
        let surely = Possible::only(Decision::Allowed);
        let refused = examined
            .iter()
            .filter_map(|contexts| contexts.first())
            .filter(|examined| examined.evaluation.possible != surely);
        let tried = |examined: &'e Examined| {
            let question = &examined.question;
            let send = format!("`{}` on {}", question.action, words::short_arn(question.resource.as_str()));
            let before = |variation: &Variation| match &variation.request {
                Some(request) => decide(&examined.policies, request).possible,
                None => examined.evaluation.possible,
            };
            let variations = variations(examined).into_iter().map(|variation| {
                let possible = before(&variation);
                (variation, possible)
            });
            // What is allowed already cannot become so.
            Tried { examined, send, variations: variations.filter(|(_, before)| *before != surely).collect() }
        };
        Variations { questions: refused.map(tried).collect() }
    }

    /// One sentence, and examples, of what these changes allow beyond the refused requests.
    pub fn also_allowed(&self, changes: &[&Change], who: &str) -> AlsoAllowed {
        let surely = Possible::only(Decision::Allowed);
        let mut phrases: Vec<(Kind, &str)> = Vec::new();
        let mut examples: Vec<Value> = Vec::new();
        let mut sends: Vec<String> = Vec::new();
        for Tried { examined, send, variations } in &self.questions {
            let policies = patched(examined, changes);
            let itself = decide(&policies, &examined.request).possible;
            for (variation, before) in variations {
                let after = variation.request.as_ref().map_or(itself, |request| decide(&policies, request).possible);
                let newly = !before.contains(Decision::Allowed) && after.contains(Decision::Allowed);
                if newly || after == surely {
                    let phrase = (variation.kind, variation.words.as_str());
                    if !phrases.contains(&phrase) {
                        phrases.push(phrase);
                    }
                    if examples.len() < 10 {
                        examples.push(variation.shown.clone());
                    }
                    if !sends.contains(send) {
                        sends.push(send.clone());
                    }
                }
            }
        }
        let sentence = match phrases.is_empty() {
            true => {
                "Nothing else becomes allowed: every variation of this send that was tried stays as it was.".to_owned()
            }
            false => format!("{} can then also {}.", words::capital(who), sentence(&phrases, &words::join(&sends))),
        };
        AlsoAllowed { sentence, examples }
    }
}

/// "call … from any other address …; and call any other `ses:Send*` action; and do so on any other identity".
fn sentence(phrases: &[(Kind, &str)], sends: &str) -> String {
    let of = |kind: Kind| -> Vec<String> {
        phrases.iter().filter(|(other, _)| *other == kind).map(|(_, words)| (*words).to_owned()).collect()
    };
    let (values, actions, resources) = (of(Kind::Value), of(Kind::Action), of(Kind::Resource));
    let mut parts = Vec::new();
    if !values.is_empty() {
        // A grant without any guard: six phrases would say no more.
        let every = values.len() == KEYS;
        let any = "with any other addresses and names, from any other network address, at any later time";
        parts.push(format!("call {sends} {}", if every { any.to_owned() } else { join(&values) }));
    }
    if !actions.is_empty() {
        let every = actions.len() + 1 >= SENDS.len();
        let list = if every { "any other `ses:Send*` action".to_owned() } else { words::join(&actions) };
        parts.push(format!("call {list} there"));
    }
    if !resources.is_empty() {
        let again = if parts.is_empty() { format!("call {sends}") } else { "do so".to_owned() };
        parts.push(format!("{again} {}", join(&resources)));
    }
    parts.join("; and ")
}

fn join(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// How many condition keys are varied.
const KEYS: usize = 6;

fn variations(examined: &Examined) -> Vec<Variation> {
    let mut list = Vec::new();
    let request = &examined.request;
    let bulk = request.action.eq_ignore_ascii_case("ses:SendBulkEmail");
    let domain = domain(request);
    let keys: [(&str, ContextValue, String); KEYS] = [
        ("ses:FromAddress", one(&format!("someone-else@{domain}")), "with any other From address".to_owned()),
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
        let shown = match &value {
            ContextValue::One(value) => json!(value),
            ContextValue::Many(values) => json!(values),
            _ => Value::Null,
        };
        let asked = key == "aws:CurrentTime" || examined.set.keys.contains(&key.to_ascii_lowercase());
        let varied = asked.then(|| {
            let mut varied = request.clone();
            varied.context.set(key, value);
            if key == "aws:CurrentTime" {
                varied.context.set("aws:EpochTime", one("4070908800"));
            }
            varied
        });
        let shown =
            json!({ "action": request.action, "resource": request.resource.as_str(), "context": { (key): shown } });
        list.push(Variation { kind: Kind::Value, words, request: varied, shown });
    }
    for action in SENDS.iter().filter(|action| !action.eq_ignore_ascii_case(&request.action)) {
        let varied = Request { action: (*action).to_owned(), ..request.clone() };
        list.push(variation(Kind::Action, format!("`{action}`"), varied));
    }
    let kind = request.resource.resource().split('/').next().unwrap_or_default();
    let text = request.resource.as_str();
    let prefix = text.strip_suffix(request.resource.resource()).unwrap_or_default();
    if let Ok(resource) = Arn::parse(&format!("{prefix}{kind}/elsewhere.example")) {
        let words = format!("on any other {}", kind.replace('-', " "));
        list.push(variation(Kind::Resource, words, Request { resource, ..request.clone() }));
    }
    list
}

fn variation(kind: Kind, words: String, request: Request) -> Variation {
    let shown = json!({ "action": request.action, "resource": request.resource.as_str(), "context": {} });
    Variation { kind, words, request: Some(request), shown }
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

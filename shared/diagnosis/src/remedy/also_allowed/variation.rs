//! Variations of a refused request: like it but in one respect. What they try is any other value, and every value and pattern
//! that the changed statements themselves name.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sesame_policy::{Arn, ContextValue, PolicySet, Principal, Request};

use crate::assemble::Assembled;
use crate::context::{canonical, context, has_key, is_always_known};
use crate::examine::{self, Examined};
use crate::near_miss::SENDS;
use crate::question::Question;
use crate::remedy::Situation;
use crate::remedy::draft::Draft;
use crate::remedy::guard;
use crate::words;

/// In what a variation differs from the refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Respect {
    /// The value of this condition key.
    Value(String),
    /// The action.
    Action,
    /// The resource, of the same kind.
    Resource,
}

/// A request like the refused one but in one respect.
#[derive(Debug, Clone)]
pub struct Variation {
    /// In what it differs.
    pub respect: Respect,
    /// It stands for any other value, and not for one that a document names.
    pub general: bool,
    /// As it reads in the sentence.
    pub words: String,
    /// `None` where no policy asks for what is varied: it then fares as the refused request does.
    pub request: Option<Request>,
    /// The policies that bear on it, where they are not those of the refused request: those of its resource that were read,
    /// and then all, where some were not.
    pub bearing: Vec<Bearing>,
    /// As it stands in `alsoAllowedRequests`.
    pub shown: Value,
}

/// The policies that bear on a request.
#[derive(Debug, Clone)]
pub struct Bearing {
    /// With where each comes from.
    pub set: Assembled,
    /// The same in the engine's form.
    pub policies: PolicySet,
}

impl Bearing {
    fn of(set: Assembled) -> Bearing {
        Bearing { policies: set.policy_set(), set }
    }

    /// With the policies of the resource that were read, and with all where some were not.
    fn each(set: Assembled) -> Vec<Bearing> {
        let mut read = set.clone();
        read.resource.retain(|policy| policy.document.is_some());
        let unread = read.resource.len() < set.resource.len();
        std::iter::once(read).chain(unread.then_some(set)).map(Bearing::of).collect()
    }
}

/// Whom a message is from.
pub const FROM: &str = "ses:FromAddress";
/// Whom it is to.
const TO: &str = "ses:Recipients";
const DISPLAY_NAME: &str = "ses:FromDisplayName";
const FEEDBACK: &str = "ses:FeedbackAddress";
/// All that a message says of people.
pub const ADDRESSES: [&str; 4] = [FROM, TO, DISPLAY_NAME, FEEDBACK];
/// Where a call comes from.
pub const NETWORK: &str = "aws:SourceIp";
/// When it is made.
pub const TIME: &str = "aws:CurrentTime";

/// How many values of one key, and how many patterns, are tried.
const TRIED: usize = 12;

/// The name of whatever no policy names.
const ELSEWHERE: &str = "elsewhere";

/// What the statements speak of that the drafts write, leave out or change, and what the policies name that bear on the question
/// besides: any other value may be refused by one of them that makes an exception for a single one.
#[derive(Debug, Clone, Default)]
pub struct AtPlay {
    actions: Vec<String>,
    resources: Vec<String>,
    /// By key, in AWS's spelling.
    values: BTreeMap<String, Vec<String>>,
}

impl AtPlay {
    /// The patterns and values at play.
    pub fn of(drafts: &[Draft]) -> AtPlay {
        let mut at_play = AtPlay::default();
        for draft in drafts {
            let before = draft.before.as_ref().map(statements).unwrap_or_default();
            let after = draft.after.as_ref().map(statements).unwrap_or_default();
            // A policy that is taken off no longer denies anything that it speaks of.
            let changed: Vec<&Value> = match after.is_empty() {
                true => before,
                false => after.into_iter().filter(|statement| !before.contains(statement)).collect(),
            };
            changed.into_iter().for_each(|statement| at_play.add(statement));
        }
        at_play
    }

    /// The same with what the policies of a question name.
    fn with(&self, examined: &Examined) -> AtPlay {
        let mut at_play = self.clone();
        let documents = examined.set.iter().filter_map(|(_, _, attached)| attached.document.as_ref());
        for statement in documents.flat_map(|document| &document.statements) {
            let resources = statement.resource.iter().flat_map(|element| &element.patterns);
            push_all(&mut at_play.resources, resources.map(|pattern| pattern.as_str().to_owned()));
            for condition in &statement.conditions {
                let key = canonical(&condition.key);
                if ADDRESSES.contains(&key.as_str()) || key == NETWORK {
                    push_all(at_play.values.entry(key).or_default(), condition.values.iter().cloned());
                }
            }
        }
        at_play
    }

    fn add(&mut self, statement: &Value) {
        let list = |element: &str| statement.get(element).map(texts).unwrap_or_default();
        push_all(&mut self.actions, list("Action"));
        push_all(&mut self.resources, list("Resource"));
        // What such an element leaves out is the smaller part.
        let all_but = |element: &str| statement.get(element).map(|_| "*".to_owned());
        push_all(&mut self.actions, all_but("NotAction"));
        push_all(&mut self.resources, all_but("NotResource"));
        let blocks = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
        for (key, values) in blocks.filter_map(|(_, keys)| keys.as_object()).flatten() {
            push_all(self.values.entry(canonical(key)).or_default(), texts(values));
        }
    }
}

fn push_all(list: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for text in more {
        if list.len() < TRIED && !list.contains(&text) {
            list.push(text);
        }
    }
}

fn statements(document: &Value) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(single) => vec![single],
        None => Vec::new(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// Everything that is tried beside a refused question; those of `asked`, and its other refused contexts, are no variations of
/// it.
pub fn variations(situation: &Situation, examined: &Examined, at_play: &AtPlay, asked: &[&Question]) -> Vec<Variation> {
    let at_play = &at_play.with(examined);
    let mut list = general_values(examined, at_play);
    let of_question =
        |contexts: &&Vec<Examined>| contexts.first().is_some_and(|first| first.question == examined.question);
    let contexts = situation.examined.iter().find(of_question).map(Vec::as_slice).unwrap_or_default();
    let refused = |variation: &Variation| {
        let same = |other: &Examined| {
            let values = |key: &str, request: &Request| request.context.get(key).clone();
            let keys = examined.set.keys.iter().map(String::as_str).chain([FROM]).filter(|key| !guard::is_time(key));
            variation
                .request
                .as_ref()
                .is_some_and(|request| keys.clone().all(|key| values(key, request) == values(key, &other.request)))
        };
        contexts.iter().skip(1).any(same)
    };
    list.extend(named_values(examined, at_play).into_iter().filter(|variation| !refused(variation)));
    let another = |variation: &Variation| {
        let is = |question: &&Question| {
            variation.request.as_ref().is_some_and(|request| {
                request.resource == question.resource && request.action.eq_ignore_ascii_case(&question.action)
            })
        };
        !asked.iter().any(is)
    };
    list.extend(actions(situation, examined, at_play).into_iter().filter(another));
    list.extend(resources(situation, examined, at_play).into_iter().filter(another));
    list
}

fn general_values(examined: &Examined, at_play: &AtPlay) -> Vec<Variation> {
    let domain = domain(&examined.request);
    let mut list: Vec<(String, ContextValue, String)> = vec![
        (FROM.to_owned(), one(&format!("someone-else@{domain}")), format!("from any other address of `{domain}`")),
        (FROM.to_owned(), one("someone@elsewhere.example"), "from addresses of other domains".to_owned()),
        (TO.to_owned(), many("someone@elsewhere.example"), "to any other recipient".to_owned()),
        (DISPLAY_NAME.to_owned(), one("Another Name"), "with any other display name".to_owned()),
        (FEEDBACK.to_owned(), one("bounces@elsewhere.example"), "with any other feedback address".to_owned()),
        (NETWORK.to_owned(), one("192.0.2.77"), "from any other network address".to_owned()),
        (TIME.to_owned(), one("2099-01-01T00:00:00Z"), "at any later time".to_owned()),
    ];
    let usual = |key: &str| ADDRESSES.contains(&key) || [NETWORK, TIME].contains(&key) || belongs_to_another(key);
    for key in at_play.values.keys().filter(|key| !usual(key)) {
        list.push(match key.as_str() {
            "aws:SecureTransport" => (key.clone(), one("false"), "in clear text".to_owned()),
            "aws:RequestedRegion" => (key.clone(), one("elsewhere-1"), "in any other Region".to_owned()),
            "aws:UserAgent" => (key.clone(), one("Another/1.0"), "with any other client".to_owned()),
            _ => (key.clone(), one(ELSEWHERE), format!("with any other `{key}`")),
        });
    }
    let variation = |(key, value, words)| varied(examined, at_play, key, value, words, true);
    list.into_iter().filter_map(variation).collect()
}

/// Whom a key tells of, and what follows from another key's variation.
fn belongs_to_another(key: &str) -> bool {
    matches!(key, "aws:PrincipalArn" | "aws:EpochTime")
}

fn named_values(examined: &Examined, at_play: &AtPlay) -> Vec<Variation> {
    let mut list = Vec::new();
    for (key, values) in at_play.values.iter().filter(|(key, _)| !belongs_to_another(key)) {
        let other_case =
            values.iter().filter(|_| ADDRESSES.contains(&key.as_str())).filter_map(|value| in_other_case(value));
        for named in &values.iter().cloned().chain(other_case).collect::<Vec<String>>() {
            for value in instances(key, named) {
                let words = match key.as_str() {
                    FROM => format!("from `{named}`"),
                    TO => format!("to `{named}`"),
                    DISPLAY_NAME => format!("with the display name `{named}`"),
                    FEEDBACK => format!("with the feedback address `{named}`"),
                    NETWORK => format!("from the network `{named}`"),
                    TIME => format!("until `{named}`"),
                    _ => format!("with `{key}` `{named}`"),
                };
                let value = match key.as_str() {
                    TO => ContextValue::Many(vec![value]),
                    _ => ContextValue::One(value),
                };
                if *examined.request.context.get(key) != value {
                    list.extend(varied(examined, at_play, key.clone(), value, words, false));
                }
            }
        }
    }
    list
}

/// The same text with its first letter in the other case: some operators heed case, and some do not.
fn in_other_case(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let other = if first.is_ascii_lowercase() { first.to_ascii_uppercase() } else { first.to_ascii_lowercase() };
    (other != first).then(|| std::iter::once(other).chain(chars).collect())
}

/// Values that a value or pattern of a condition stands for.
fn instances(key: &str, named: &str) -> Vec<String> {
    if named.contains("${") {
        return Vec::new();
    }
    match key {
        NETWORK | "aws:VpcSourceIp" => named.split('/').next().map(str::to_owned).into_iter().collect(),
        // The last moment of a window.
        TIME => {
            let end = named.parse::<Timestamp>().ok();
            end.and_then(|end| end.checked_sub(SignedDuration::from_secs(1)).ok())
                .map(|end| end.to_string())
                .into_iter()
                .collect()
        }
        _ if named.contains(['*', '?']) => vec![instance(named), named.to_owned()],
        _ => vec![named.to_owned()],
    }
}

/// A text that a pattern matches.
fn instance(pattern: &str) -> String {
    pattern.replace('*', ELSEWHERE).replace('?', "x")
}

/// The refused request with another value of a key; `None` where its action has no such key.
fn varied(
    examined: &Examined,
    at_play: &AtPlay,
    key: String,
    value: ContextValue,
    words: String,
    general: bool,
) -> Option<Variation> {
    let request = &examined.request;
    if !has_key(&examined.denial, &request.action, &request.resource, &key) {
        return None;
    }
    let shown = match &value {
        ContextValue::One(value) => json!(value),
        ContextValue::Many(values) => json!(values),
        _ => Value::Null,
    };
    let lower = key.to_ascii_lowercase();
    let asked = is_always_known(&lower) || examined.set.keys.contains(&lower) || at_play.values.contains_key(&key);
    let varied = asked.then(|| {
        let mut varied = request.clone();
        if key == TIME
            && let ContextValue::One(time) = &value
            && let Ok(time) = time.parse::<Timestamp>()
        {
            varied.context.set("aws:EpochTime", ContextValue::One(time.as_second().to_string()));
        }
        varied.context.set(key.clone(), value);
        varied
    });
    let shown =
        json!({ "action": request.action, "resource": request.resource.as_str(), "context": { (key.clone()): shown } });
    Some(Variation { respect: Respect::Value(key), general, words, request: varied, bearing: Vec::new(), shown })
}

/// Every other action that sends, and what patterns of actions stand for besides.
fn actions(situation: &Situation, examined: &Examined, at_play: &AtPlay) -> Vec<Variation> {
    let request = &examined.request;
    let sends = SENDS.iter().filter(|action| !action.eq_ignore_ascii_case(&request.action));
    let of = |action: &&str| {
        variation(Respect::Action, false, format!("`{action}`"), with_action(situation, examined, action))
    };
    let mut list: Vec<Variation> = sends.map(of).collect();
    let is_send = |pattern: &&String| pattern.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("ses:Send"));
    for pattern in at_play.actions.iter().filter(|pattern| pattern.contains('*') && !is_send(pattern)) {
        let (action, words) = match pattern.as_str() {
            "*" | "*:*" => (format!("{ELSEWHERE}:{ELSEWHERE}"), "any other action of any service".to_owned()),
            pattern => (instance(pattern), format!("any other action of `{pattern}`")),
        };
        let other = Request { action, ..request.clone() };
        let mut general = variation(Respect::Action, true, words, other);
        if let Some(fields) = general.shown.as_object_mut() {
            fields.insert("action".to_owned(), json!(pattern));
        }
        list.push(general);
    }
    list
}

/// The same call asking for another action, which may have keys that the refused one lacks.
fn with_action(situation: &Situation, examined: &Examined, action: &str) -> Request {
    let question = Question { action: action.to_owned(), ..examined.question.clone() };
    let world = situation.library.world;
    let context = context(&examined.denial, situation.subject, &question, world, &examined.set);
    Request { action: question.action, context, ..examined.request.clone() }
}

/// Another resource of the same kind, and those that the documents name, each with the policies that bear on it.
fn resources(situation: &Situation, examined: &Examined, at_play: &AtPlay) -> Vec<Variation> {
    let request = &examined.request;
    let kind = request.resource.resource().split('/').next().unwrap_or_default();
    let text = request.resource.as_str();
    let prefix = text.strip_suffix(request.resource.resource()).unwrap_or_default();
    let is_another = |resource: &Arn| {
        resource.service() == request.resource.service()
            && resource.resource().split('/').next() == Some(kind)
            && *resource != request.resource
            && resource.account() == request.resource.account()
    };
    let other = |text: &str| Arn::parse(text).ok().filter(is_another);
    let on = |resource: Arn, general: bool, words: String| {
        let question = Question { resource, ..examined.question.clone() };
        let set = situation.library.on_another(&examined.set, &question);
        let context = context(
            &examined.denial,
            situation.subject,
            &question,
            situation.library.world,
            set.as_ref().unwrap_or(&examined.set),
        );
        let request = examine::request(request.principal.clone(), &question, context);
        let bearing = set.map(Bearing::each).unwrap_or_default();
        Variation { bearing, ..variation(Respect::Resource, general, words, request) }
    };
    let any = format!("on any other {}", kind.replace('-', " "));
    let general = other(&format!("{prefix}{kind}/{ELSEWHERE}.example"));
    let mut list: Vec<Variation> = general.into_iter().map(|resource| on(resource, true, any.clone())).collect();
    for pattern in at_play.resources.iter().filter(|pattern| *pattern != "*" && !pattern.contains("${")) {
        // A pattern of Regions or accounts stands for the refused request's own.
        let mut parts: Vec<&str> = pattern.splitn(6, ':').collect();
        for (index, own) in
            [(1, request.resource.partition()), (3, request.resource.region()), (4, request.resource.account())]
        {
            if let Some(part) = parts.get_mut(index).filter(|part| part.contains(['*', '?'])) {
                *part = own;
            }
        }
        let text = instance(&parts.join(":"));
        if let Some(resource) = other(&text) {
            list.push(on(resource, false, format!("on {}", words::short_arn(&parts.join(":")))));
        }
    }
    // Their own policies may let through what nothing else allows.
    let own = situation.library.identities_with_policies(&request.resource);
    for resource in own.into_iter().filter(is_another).take(TRIED) {
        let tried = |variation: &Variation| variation.request.as_ref().is_some_and(|tried| tried.resource == resource);
        if !list.iter().any(tried) {
            let words = format!("on {}", words::short_arn(resource.as_str()));
            list.push(on(resource, false, words));
        }
    }
    list
}

fn variation(respect: Respect, general: bool, words: String, request: Request) -> Variation {
    let shown = json!({ "action": request.action, "resource": request.resource.as_str(), "context": {} });
    Variation { respect, general, words, request: Some(request), bearing: Vec::new(), shown }
}

/// The same request by another principal of the same account; `None` where there is no such thing.
pub fn by_another(request: &Request) -> Option<Request> {
    let account = request.principal.account()?.to_owned();
    let partition = request.resource.partition().to_owned();
    let arn = format!("arn:{partition}:iam::{account}:role/{ELSEWHERE}");
    let mut other = request.clone();
    other.context.set("aws:PrincipalArn", ContextValue::One(arn.clone()));
    other.context.set("aws:userid", one(&format!("AROAELSEWHERE:{ELSEWHERE}")));
    other.principal = Principal::Role {
        partition,
        account,
        name: ELSEWHERE.to_owned(),
        role_arn: Arn::parse(&arn).ok(),
        session: Some(ELSEWHERE.to_owned()),
    };
    Some(other)
}

fn one(value: &str) -> ContextValue {
    ContextValue::One(value.to_owned())
}

fn many(value: &str) -> ContextValue {
    ContextValue::Many(vec![value.to_owned()])
}

/// The domain that the send is from, as far as it is known.
fn domain(request: &Request) -> String {
    let from = match request.context.get(FROM) {
        ContextValue::One(address) => Some(address.as_str()),
        _ => None,
    };
    let identity = request.resource.resource().strip_prefix("identity/");
    let text = from.or(identity).unwrap_or("example.com");
    text.rsplit_once('@').map_or(text, |(_, domain)| domain).to_owned()
}

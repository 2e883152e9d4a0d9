//! Cases: a request and its policies as one JSON line, and the answer as another. The engine by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::arn::Arn;
use crate::context::{Context, ContextValue};
use crate::document::{PolicyDocument, PolicyGrammar};
use crate::evaluation::{Evaluation, StatementRef, decide};
use crate::json::{Json, pointer};
use crate::layer::{LayerKind, Policy, PolicySet};
use crate::principal::Principal;
use crate::request::Request;

/// A case, parsed.
#[derive(Debug, Clone)]
pub struct Case {
    /// As given; any JSON value, `Null` when it was left out.
    pub id: Value,
    /// The question.
    pub request: Request,
    /// The policies.
    pub policies: PolicySet,
    /// Where each policy stands in the case, by layer, level and index.
    places: BTreeMap<(LayerKind, Option<usize>, usize), String>,
}

/// Why a line is no case: its id as far as it could be read, the place, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct CaseError {
    /// The case's id, `Null` when even that could not be read.
    pub id: Value,
    /// JSON pointer from the case's root.
    pub pointer: String,
    /// What was found and what was expected.
    pub message: String,
}

/// The answer to a line: its `Display` is one line of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    value: Value,
    error: bool,
}

impl Answer {
    /// Whether the line was no case.
    pub fn is_error(&self) -> bool {
        self.error
    }
    /// The answer as JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)
    }
}

/// Answers one line.
pub fn answer(line: &str) -> Answer {
    match Case::parse(line) {
        Ok(case) => Answer { value: case.answer(), error: false },
        Err(error) => {
            let value = json!({ "id": error.id, "error": { "pointer": error.pointer, "message": error.message } });
            Answer { value, error: true }
        }
    }
}

type Parsed<T> = Result<T, (String, String)>;

fn unexpected<T>(at: &str, found: &Json, expected: &str) -> Parsed<T> {
    Err((at.to_owned(), format!("expected {expected}, found {}", found.describe())))
}

fn missing<T>(at: &str, expected: &str) -> Parsed<T> {
    Err((at.to_owned(), format!("expected {expected}, found nothing")))
}

impl Case {
    /// Parses a line.
    ///
    /// # Errors
    /// What is no case, with its place.
    pub fn parse(line: &str) -> Result<Case, CaseError> {
        let json = match Json::parse(line.trim_start_matches('\u{feff}')) {
            Ok(json) => json,
            Err(error) => {
                let (pointer, message) = match error.place.starts_with('/') {
                    true => (error.place.clone(), error.message.clone()),
                    false => (String::new(), error.to_string()),
                };
                return Err(CaseError { id: id_of_broken(line), pointer, message });
            }
        };
        let id = json.get("id").map(Json::to_value).unwrap_or(Value::Null);
        parse(&json, id.clone()).map_err(|(pointer, message)| CaseError { id, pointer, message })
    }

    /// Evaluates the case.
    pub fn answer(&self) -> Value {
        let evaluation = decide(&self.policies, &self.request);
        let mut answer = json!({
            "id": self.id,
            "decision": word(&evaluation),
            "possible": evaluation.possible.iter().map(|decision| decision.as_str()).collect::<Vec<_>>(),
            "layers": evaluation.layers.iter().map(|layer| json!({
                "layer": layer.layer.as_str(),
                "decision": layer.possible.determined().map_or("Undetermined", |decision| decision.as_str()),
                "possible": layer.possible.iter().map(|decision| decision.as_str()).collect::<Vec<_>>(),
                "decisive": layer.decisive.iter().map(|at| self.decisive(at)).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "unknownKeys": evaluation.unknown_keys,
            "unreadableLayers": evaluation.unreadable_layers.iter().map(|layer| layer.as_str()).collect::<Vec<_>>(),
        });
        if let (true, Some(fields)) = (evaluation.approximate, answer.as_object_mut()) {
            fields.insert("approximate".to_owned(), json!(true));
        }
        answer
    }

    fn policy(&self, at: &StatementRef) -> Option<&Policy> {
        let set = &self.policies;
        let level = |levels: &'_ Option<Vec<Vec<Policy>>>| -> Option<usize> { levels.as_ref().and(at.level) };
        let list: &[Policy] = match at.layer {
            LayerKind::Identity => &set.identity,
            LayerKind::Boundary => set.boundary.as_deref()?,
            LayerKind::Session => set.session.as_deref()?,
            LayerKind::ServiceControl => set.service_control.as_ref()?.get(level(&set.service_control)?)?,
            LayerKind::ResourceControl => set.resource_control.as_ref()?.get(level(&set.resource_control)?)?,
            LayerKind::Resource => &set.resource,
            LayerKind::VpcEndpoint => set.vpc_endpoint.as_deref()?,
        };
        list.get(at.policy)
    }

    fn decisive(&self, at: &StatementRef) -> Value {
        let policy = self.policy(at);
        let statement = policy.and_then(|policy| policy.document.as_ref()?.statements.get(at.statement));
        json!({
            "policy": policy.and_then(|policy| policy.name.as_deref()),
            "statement": at.statement,
            "pointer": statement.map(|statement| statement.pointer.as_str()),
            "sid": statement.and_then(|statement| statement.sid.as_deref()),
            "at": self.places.get(&(at.layer, at.level, at.policy)),
        })
    }
}

fn word(evaluation: &Evaluation) -> &'static str {
    evaluation.decision().map_or("Undetermined", |decision| decision.as_str())
}

/// The id of a line with a fault elsewhere: a duplicate key, or nothing that can be read.
fn id_of_broken(line: &str) -> Value {
    serde_json::from_str::<Value>(line).ok().and_then(|value| value.get("id").cloned()).unwrap_or(Value::Null)
}

fn parse(json: &Json, id: Value) -> Parsed<Case> {
    let Json::Object(_) = json else { return unexpected("", json, "a case (an object)") };
    let Some(request) = json.get("request") else { return missing("/request", "a request") };
    let request = parse_request(request)?;
    let mut places = BTreeMap::new();
    let policies = match json.get("policies") {
        None | Some(Json::Null) => PolicySet::default(),
        Some(policies) => parse_policies(policies, &mut places)?,
    };
    Ok(Case { id, request, policies, places })
}

fn only(json: &Json, at: &str, known: &[&str]) -> Parsed<()> {
    let Json::Object(fields) = json else { return unexpected(at, json, "an object") };
    match fields.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, _)) => {
            Err((pointer(at, key), format!("expected one of `{}`, found the field `{key}`", known.join("`, `"))))
        }
        None => Ok(()),
    }
}

fn text<'j>(json: &'j Json, at: &str, key: &str, expected: &str) -> Parsed<&'j str> {
    match json.get(key) {
        Some(Json::String(text)) => Ok(text),
        Some(other) => unexpected(&pointer(at, key), other, expected),
        None => missing(&pointer(at, key), expected),
    }
}

fn parse_request(json: &Json) -> Parsed<Request> {
    let at = "/request";
    only(json, at, &["principal", "action", "resource", "resourceAccount", "context"])?;
    let principal = text(json, at, "principal", "a principal (an ARN, `service:NAME` or `anonymous`)")?;
    let principal = Principal::parse(principal).map_err(|message| (format!("{at}/principal"), message))?;
    let action = text(json, at, "action", "an action such as `ses:SendEmail`")?;
    let named = action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    if !named || action.contains(['*', '?']) {
        return Err((format!("{at}/action"), format!("expected an action such as `ses:SendEmail`, found `{action}`")));
    }
    let resource = text(json, at, "resource", "the ARN of a resource")?;
    let resource = match resource {
        // A call without a resource of its own is authorized on `*`.
        "*" => Arn::any(),
        _ => Arn::parse(resource).map_err(|error| (format!("{at}/resource"), error.to_string()))?,
    };
    let resource_account = match json.get("resourceAccount") {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(text.clone())
        }
        Some(other) => return unexpected(&format!("{at}/resourceAccount"), other, "twelve digits"),
    };
    let mut context = Context::new();
    match json.get("context") {
        None | Some(Json::Null) => {}
        Some(Json::Object(fields)) => {
            for (key, value) in fields {
                let at = pointer(&format!("{at}/context"), key);
                let doubled = context.iter().any(|(known, _)| known.eq_ignore_ascii_case(key));
                if doubled {
                    return Err((at, format!("expected each key once, found `{key}` again in another case")));
                }
                context.set(key.clone(), context_value(value, &at)?);
            }
        }
        Some(other) => return unexpected(&format!("{at}/context"), other, "an object of condition keys"),
    }
    Ok(Request { principal, action: action.to_owned(), resource, resource_account, context })
}

fn context_value(json: &Json, at: &str) -> Parsed<ContextValue> {
    let scalar = |json: &Json| match json {
        Json::String(text) | Json::Number(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    match json {
        Json::Null => Ok(ContextValue::Absent),
        Json::Array(list) => {
            let item = |(index, item): (usize, &Json)| {
                scalar(item)
                    .map_or_else(|| unexpected(&format!("{at}/{index}"), item, "a string, number or boolean"), Ok)
            };
            Ok(ContextValue::Many(list.iter().enumerate().map(item).collect::<Parsed<_>>()?))
        }
        Json::Object(_) => {
            only(json, at, &["unknown"])?;
            match json.get("unknown") {
                Some(Json::Bool(true)) => Ok(ContextValue::Unknown("not known".to_owned())),
                other => unexpected(&format!("{at}/unknown"), other.unwrap_or(&Json::Null), "`true`"),
            }
        }
        value => Ok(ContextValue::One(scalar(value).unwrap_or_default())),
    }
}

struct Reader<'p> {
    places: &'p mut BTreeMap<(LayerKind, Option<usize>, usize), String>,
}

fn parse_policies(json: &Json, places: &mut BTreeMap<(LayerKind, Option<usize>, usize), String>) -> Parsed<PolicySet> {
    let at = "/policies";
    only(
        json,
        at,
        &["identity", "boundary", "session", "serviceControl", "resourceControl", "resource", "vpcEndpoint"],
    )?;
    let mut reader = Reader { places };
    let mut list = |key: &str, layer: LayerKind, grammar: PolicyGrammar| match json.get(key) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(value) => reader.list(value, &format!("{at}/{key}"), (layer, None), grammar),
    };
    let some = |list: Vec<Policy>| Some(list).filter(|list| !list.is_empty());
    let identity = list("identity", LayerKind::Identity, PolicyGrammar::Identity)?;
    let boundary = some(list("boundary", LayerKind::Boundary, PolicyGrammar::Identity)?);
    let session = some(list("session", LayerKind::Session, PolicyGrammar::Identity)?);
    let vpc_endpoint = some(list("vpcEndpoint", LayerKind::VpcEndpoint, PolicyGrammar::ResourceOptional)?);
    let resource = list("resource", LayerKind::Resource, PolicyGrammar::Resource)?;
    let mut levels = |key: &str, layer: LayerKind, grammar: PolicyGrammar| match json.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => reader.levels(value, &format!("{at}/{key}"), layer, grammar),
    };
    Ok(PolicySet {
        identity,
        boundary,
        session,
        service_control: levels("serviceControl", LayerKind::ServiceControl, PolicyGrammar::Identity)?,
        resource_control: levels("resourceControl", LayerKind::ResourceControl, PolicyGrammar::ResourceOptional)?,
        resource,
        vpc_endpoint,
    })
}

/// `{"unreadable":true}`
fn is_unreadable(json: &Json, at: &str) -> Parsed<bool> {
    match json.get("unreadable") {
        None => Ok(false),
        Some(Json::Bool(true)) => only(json, at, &["unreadable"]).map(|()| true),
        Some(other) => unexpected(&format!("{at}/unreadable"), other, "`true`"),
    }
}

impl Reader<'_> {
    fn list(
        &mut self,
        json: &Json,
        at: &str,
        (layer, level): (LayerKind, Option<usize>),
        grammar: PolicyGrammar,
    ) -> Parsed<Vec<Policy>> {
        if is_unreadable(json, at)? {
            return Ok(vec![Policy::unreadable(None)]);
        }
        match json {
            Json::Array(items) => {
                let mut policies = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let at = format!("{at}/{index}");
                    policies.push(self.policy(item, &at, grammar)?);
                    self.places.insert((layer, level, index), at);
                }
                Ok(policies)
            }
            single @ Json::Object(_) if layer == LayerKind::Resource => {
                self.places.insert((layer, level, 0), at.to_owned());
                Ok(vec![self.policy(single, at, grammar)?])
            }
            other => unexpected(at, other, "a list of policies"),
        }
    }

    fn levels(
        &mut self,
        json: &Json,
        at: &str,
        layer: LayerKind,
        grammar: PolicyGrammar,
    ) -> Parsed<Option<Vec<Vec<Policy>>>> {
        if is_unreadable(json, at)? {
            return Ok(Some(vec![vec![Policy::unreadable(None)]]));
        }
        match json {
            Json::Array(levels) if levels.is_empty() => Ok(None),
            Json::Array(levels) => {
                let mut list = Vec::new();
                for (index, level) in levels.iter().enumerate() {
                    list.push(self.list(level, &format!("{at}/{index}"), (layer, Some(index)), grammar)?);
                }
                Ok(Some(list))
            }
            other => unexpected(at, other, "a list of levels, each a list of policies"),
        }
    }

    fn policy(&mut self, json: &Json, at: &str, grammar: PolicyGrammar) -> Parsed<Policy> {
        if is_unreadable(json, at)? {
            return Ok(Policy::unreadable(None));
        }
        let (name, document, at) = match json.get("document") {
            Some(document) => {
                only(json, at, &["name", "document"])?;
                let name = match json.get("name") {
                    None | Some(Json::Null) => None,
                    Some(Json::String(name)) => Some(name.clone()),
                    Some(other) => return unexpected(&format!("{at}/name"), other, "a string"),
                };
                (name, document, format!("{at}/document"))
            }
            None => (None, json, at.to_owned()),
        };
        let parsed = PolicyDocument::parse(document, grammar).map_err(|error| {
            (format!("{at}{}", error.pointer), format!("expected {}, found {}", error.expected, error.found))
        })?;
        Ok(Policy { name, document: Some(Arc::new(parsed)) })
    }
}

//! Cases: a request and its policies as one line of JSON, and the answer as another.
//!
//! ```
//! use sesame_policy::case::Case;
//!
//! let case = Case::parse(
//!     r#"{"id":"reads",
//!         "request":{"principal":"arn:aws:iam::111122223333:user/mailer","action":"ses:GetAccount",
//!                    "resource":"arn:aws:ses:us-east-1:111122223333:identity/example.com","context":{}},
//!         "policies":{"identity":[{"Version":"2012-10-17",
//!             "Statement":{"Effect":"Allow","Action":"ses:Get*","Resource":"*"}}]}}"#,
//! )?;
//! assert_eq!(
//!     case.answer(),
//!     concat!(
//!         r#"{"id":"reads","decision":"Allowed","possible":["Allowed"],"layers":[{"layer":"identity-policy","#,
//!         r#""decision":"Allowed","possible":["Allowed"],"decisive":[{"policy":null,"statement":0,"#,
//!         r#""pointer":"/Statement","sid":null,"at":"/policies/identity/0"}]}],"unknownKeys":[],"unreadableLayers":[]}"#,
//!     )
//! );
//! # Ok::<(), sesame_policy::case::CaseError>(())
//! ```

mod answer;

use std::sync::Arc;

use crate::arn::Arn;
use crate::context::{Context, ContextValue};
use crate::document::{PolicyDocument, PolicyGrammar};
use crate::evaluation::{Evaluation, decide};
use crate::json::{Json, push_index, push_pointer};
use crate::layer::{Policy, PolicySet};
use crate::principal::Principal;
use crate::request::Request;

/// A request and the policies that bear on it.
#[derive(Debug, Clone)]
pub struct Case {
    /// How the case is called; its answer repeats it.
    pub id: String,
    /// What is asked.
    pub request: Request,
    /// The policies.
    pub policies: PolicySet,
    /// `policies.resource` is a list, so that its policies have an index in their pointer.
    resource_is_list: bool,
}

/// Why a line is no case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}", pointer = if .pointer.is_empty() { "/" } else { .pointer })]
pub struct CaseError {
    /// The case's id, when that could be read.
    pub id: Option<String>,
    /// JSON pointer into the case; empty when the line is no JSON.
    pub pointer: String,
    /// What was expected and what was found.
    pub message: String,
}

type Result<T> = std::result::Result<T, Problem>;

/// A [`CaseError`] without its id.
struct Problem {
    pointer: String,
    message: String,
}

fn problem(pointer: &str, message: impl Into<String>) -> Problem {
    Problem { pointer: pointer.to_owned(), message: message.into() }
}

fn wrong(pointer: &str, found: Option<&Json>, expected: &str) -> Problem {
    let found = found.map_or("nothing".to_owned(), Json::describe);
    problem(pointer, format!("expected {expected}, found {found}"))
}

impl Case {
    /// Parses one line.
    pub fn parse(line: &str) -> std::result::Result<Case, CaseError> {
        let reading = Json::read(line);
        let id = reading.id;
        let refused = |Problem { pointer, message }: Problem| CaseError { id: id.clone(), pointer, message };
        let json = reading.result.map_err(|error| match error.place.starts_with('/') {
            true => refused(Problem { pointer: error.place, message: error.message }),
            // A case is one line of many: the first of its text is not the first of the file.
            false => {
                let message = error.to_string();
                let told = message.strip_prefix("line 1 ").filter(|_| !line.contains('\n'));
                refused(problem("", told.unwrap_or(&message)))
            }
        })?;
        case(json).map_err(refused)
    }

    /// Evaluates the case, without traces.
    pub fn decide(&self) -> Evaluation {
        decide(&self.policies, &self.request)
    }

    /// Evaluates the case and writes the answer as one line of JSON.
    pub fn answer(&self) -> String {
        self.answer_with(&self.decide())
    }

    /// Writes an evaluation of this case as one line of JSON.
    pub fn answer_with(&self, evaluation: &Evaluation) -> String {
        answer::line(self, evaluation)
    }
}

impl CaseError {
    /// The error as the case's answer, one line of JSON.
    pub fn answer(&self) -> String {
        answer::error_line(self)
    }
}

/// The fields of an object, taken out one by one; what is left is unknown.
struct Fields<'a> {
    pointer: &'a str,
    fields: Vec<(String, Json)>,
}

impl<'a> Fields<'a> {
    fn new(json: Json, pointer: &'a str, expected: &str) -> Result<Fields<'a>> {
        match json {
            Json::Object(fields) => Ok(Fields { pointer, fields }),
            other => Err(wrong(pointer, Some(&other), expected)),
        }
    }
    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(at).1)
    }
    /// A field that may be left out or `null`.
    fn take_given(&mut self, name: &str) -> Option<Json> {
        self.take(name).filter(|value| *value != Json::Null)
    }
    fn pointer(&self, name: &str) -> String {
        push_pointer(self.pointer, name)
    }
    fn text(&mut self, name: &str, expected: &str) -> Result<String> {
        match self.take(name) {
            Some(Json::String(text)) => Ok(text),
            other => Err(wrong(&self.pointer(name), other.as_ref(), expected)),
        }
    }
    fn done(self, expected: &str) -> Result<()> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => Err(problem(&self.pointer(name), format!("expected {expected}, found `{name}`"))),
        }
    }
}

fn case(json: Json) -> Result<Case> {
    let mut fields = Fields::new(json, "", "a case (a JSON object)")?;
    let id = fields.text("id", "the case's id (a string)")?;
    let missing = |name: &str, expected: &str| wrong(&push_pointer("", name), None, expected);
    const REQUEST: &str = "a request (a JSON object)";
    const POLICIES: &str = "the policies by layer (a JSON object)";
    let request_json = fields.take("request").ok_or_else(|| missing("request", REQUEST))?;
    let policies_json = fields.take("policies").ok_or_else(|| missing("policies", POLICIES))?;
    let request = request(Fields::new(request_json, "/request", REQUEST)?)?;
    let (policies, resource_is_list) = policies(Fields::new(policies_json, "/policies", POLICIES)?)?;
    Ok(Case { id, request, policies, resource_is_list })
}

fn request(mut fields: Fields<'_>) -> Result<Request> {
    let principal = fields.text("principal", "a principal (a string)")?;
    let principal =
        Principal::parse(&principal).map_err(|error| problem(&fields.pointer("principal"), error.to_string()))?;
    let action = fields.text("action", "an action (a string)")?;
    if !action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty()) {
        return Err(problem(&fields.pointer("action"), format!("expected `service:Action`, found `{action}`")));
    }
    let resource = fields.text("resource", "an ARN (a string)")?;
    let resource = Arn::parse(&resource).map_err(|error| problem(&fields.pointer("resource"), error.to_string()))?;
    let resource_account = match fields.take_given("resourceAccount") {
        None => None,
        Some(Json::String(text)) if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => Some(text),
        Some(other) => return Err(wrong(&fields.pointer("resourceAccount"), Some(&other), "twelve digits (a string)")),
    };
    let context = match fields.take_given("context") {
        None => Context::new(),
        Some(json) => context(json, &fields.pointer("context"))?,
    };
    fields.done("`principal`, `action`, `resource`, `resourceAccount` or `context`")?;
    Ok(Request { principal, action, resource, resource_account, context })
}

fn context(json: Json, pointer: &str) -> Result<Context> {
    let Json::Object(keys) = json else {
        return Err(wrong(pointer, Some(&json), "condition keys and their values (a JSON object)"));
    };
    let mut context = Context::new();
    for (key, value) in keys {
        let pointer = || push_pointer(pointer, &key);
        if context.iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(&key)) {
            return Err(problem(
                &pointer(),
                format!("expected every key once, whatever its case, found `{key}` again"),
            ));
        }
        let value = match value {
            Json::Null => ContextValue::Absent,
            Json::Array(items) => ContextValue::Many(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| {
                        scalar(item).map_err(|other| {
                            wrong(&push_index(&pointer(), index), Some(&other), "a string, a number or a boolean")
                        })
                    })
                    .collect::<Result<_>>()?,
            ),
            other if is_marker(&other, "unknown") => ContextValue::Unknown("not known".to_owned()),
            other => ContextValue::One(scalar(other).map_err(|other| {
                wrong(
                    &pointer(),
                    Some(&other),
                    "a string, a number, a boolean, a list of them, null or `{\"unknown\":true}`",
                )
            })?),
        };
        context.set(key, value);
    }
    Ok(context)
}

/// The JSON text of a value that is neither a list nor an object nor null; gives those back.
fn scalar(json: Json) -> std::result::Result<String, Json> {
    match json {
        Json::String(text) | Json::Number(text) => Ok(text),
        Json::Bool(value) => Ok(value.to_string()),
        other => Err(other),
    }
}

/// `{"unknown":true}`, `{"unreadable":true}`
fn is_marker(json: &Json, name: &str) -> bool {
    matches!(json, Json::Object(fields) if matches!(fields.as_slice(), [(field, Json::Bool(true))] if field == name))
}

fn policies(mut fields: Fields<'_>) -> Result<(PolicySet, bool)> {
    let mut flat = |name: &str, grammar| -> Result<Option<Vec<Policy>>> {
        let pointer = fields.pointer(name);
        let list = fields.take_given(name).map(|json| list(json, &pointer, grammar)).transpose()?;
        Ok(list.filter(|policies| !policies.is_empty()))
    };
    let identity = flat("identity", PolicyGrammar::Identity)?.unwrap_or_default();
    let boundary = flat("boundary", PolicyGrammar::Identity)?;
    let session = flat("session", PolicyGrammar::Identity)?;
    let vpc_endpoint = flat("vpcEndpoint", PolicyGrammar::ResourceControl)?;
    let mut levels = |name: &str, grammar| -> Result<Option<Vec<Vec<Policy>>>> {
        let pointer = fields.pointer(name);
        let levels = fields.take_given(name).map(|json| levels(json, &pointer, grammar)).transpose()?;
        Ok(levels.filter(|levels| !levels.is_empty()))
    };
    let service_control = levels("serviceControl", PolicyGrammar::Identity)?;
    let resource_control = levels("resourceControl", PolicyGrammar::ResourceControl)?;
    let pointer = fields.pointer("resource");
    let (resource, resource_is_list) = match fields.take_given("resource") {
        None => (Vec::new(), false),
        Some(json @ Json::Object(_)) => (vec![policy(json, &pointer, PolicyGrammar::Resource)?], false),
        Some(json) => (list(json, &pointer, PolicyGrammar::Resource)?, true),
    };
    fields
        .done("`identity`, `boundary`, `session`, `serviceControl`, `resourceControl`, `resource` or `vpcEndpoint`")?;
    let set = PolicySet { identity, boundary, session, service_control, resource_control, resource, vpc_endpoint };
    Ok((set, resource_is_list))
}

/// A list of policies, or one that can't be read.
fn list(json: Json, pointer: &str, grammar: PolicyGrammar) -> Result<Vec<Policy>> {
    match json {
        Json::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| policy(item, &push_index(pointer, index), grammar))
            .collect(),
        other if is_marker(&other, "unreadable") => Ok(vec![Policy::unreadable(None)]),
        other => Err(wrong(pointer, Some(&other), "a list of policies or `{\"unreadable\":true}`")),
    }
}

fn levels(json: Json, pointer: &str, grammar: PolicyGrammar) -> Result<Vec<Vec<Policy>>> {
    match json {
        Json::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| list(item, &push_index(pointer, index), grammar))
            .collect(),
        other if is_marker(&other, "unreadable") => Ok(vec![vec![Policy::unreadable(None)]]),
        other => Err(wrong(pointer, Some(&other), "a list of levels or `{\"unreadable\":true}`")),
    }
}

fn policy(json: Json, pointer: &str, grammar: PolicyGrammar) -> Result<Policy> {
    if is_marker(&json, "unreadable") {
        return Ok(Policy::unreadable(None));
    }
    if json.get("unreadable").is_some() {
        return Err(problem(pointer, "expected a policy or `{\"unreadable\":true}` and nothing beside it"));
    }
    let named = json.get("document").is_some() || (json.get("name").is_some() && json.get("Statement").is_none());
    if !named {
        return Ok(Policy { name: None, document: Some(document(json, pointer, grammar)?) });
    }
    let mut fields = Fields::new(json, pointer, "a policy")?;
    let name = match fields.take_given("name") {
        None => None,
        Some(Json::String(name)) => Some(name),
        Some(other) => return Err(wrong(&fields.pointer("name"), Some(&other), "the policy's name (a string)")),
    };
    let pointer = fields.pointer("document");
    let json = fields.take("document").ok_or_else(|| wrong(&pointer, None, "a policy document"))?;
    fields.done("`name` and `document`")?;
    Ok(Policy { name, document: Some(document(json, &pointer, grammar)?) })
}

fn document(json: Json, pointer: &str, grammar: PolicyGrammar) -> Result<Arc<PolicyDocument>> {
    match PolicyDocument::from_json(json, grammar) {
        Ok(document) => Ok(Arc::new(document)),
        Err(error) => Err(Problem {
            pointer: format!("{pointer}{}", error.pointer),
            message: format!("expected {}, found {}", error.expected, error.found),
        }),
    }
}

#[cfg(test)]
mod tests;

//! Policy documents, parsed once and strictly: what IAM would refuse is an error with its place.

use std::sync::Arc;

use crate::arn::Arn;
use crate::condition::{Condition, Operator};
use crate::json::{Json, pointer};
use crate::pattern::{ActionPattern, ArnPattern};

/// Which grammar a document must follow: whether it has principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyGrammar {
    /// Identity policies, boundaries, session policies and SCPs: no `Principal`, a `Resource` in every statement.
    Identity,
    /// Policies of resources: every statement has a `Principal`.
    Resource,
    /// RCPs and VPC endpoint policies: `Principal` may be left out, and is then everyone.
    ResourceOptional,
}

/// Why a document is not a policy: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: expected {expected}, found {found}", pointer = if .pointer.is_empty() { "/" } else { .pointer })]
pub struct PolicyError {
    /// JSON pointer (RFC 6901) into the document.
    pub pointer: String,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
}

/// `Allow` or `Deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Grants, or lets through a filter.
    Allow,
    /// Refuses, whatever else allows.
    Deny,
}

/// The policy language version; a missing `Version` is `V2008`, which knows no policy variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`
    V2008,
    /// `2012-10-17`
    V2012,
}

/// A parsed policy document. The raw tree is kept, unknown fields and all, so that nothing is ever written back through a
/// lossy type.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    /// The language version.
    pub version: Version,
    /// `Id`, where there is one.
    pub id: Option<String>,
    /// The statements, in order.
    pub statements: Vec<Arc<Statement>>,
    /// The document as it was read.
    pub raw: Json,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// `Sid`, where there is one.
    pub sid: Option<String>,
    /// JSON pointer to the statement: `/Statement/0`, or `/Statement` when the document has a single object there.
    pub pointer: String,
    /// Allow or Deny.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; `None` where the grammar has none.
    pub principal: Option<PrincipalElement>,
    /// `Action` or `NotAction`.
    pub action: ActionElement,
    /// `Resource` or `NotResource`; `None` where a resource policy leaves it out (then it is the resource itself).
    pub resource: Option<ResourceElement>,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub struct ActionElement {
    /// `NotAction`: everything but the patterns.
    pub negated: bool,
    /// The patterns, in order.
    pub patterns: Vec<ActionPattern>,
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub struct ResourceElement {
    /// `NotResource`: everything but the patterns.
    pub negated: bool,
    /// The patterns, in order.
    pub patterns: Vec<ArnPattern>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub struct PrincipalElement {
    /// `NotPrincipal`: everyone but these.
    pub negated: bool,
    /// The principals, in order.
    pub members: Vec<PrincipalPattern>,
}

/// One principal in a `Principal` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `"*"` or `{"AWS":"*"}`.
    Everyone,
    /// An account, as twelve digits or `:root`.
    Account(String),
    /// `{"AWS": ARN}` of a user, role, assumed-role session or federated user.
    Arn(Arn),
    /// The unique id of a deleted principal (`AIDA…`, `AROA…`): matches nobody.
    UniqueId(String),
    /// `{"Service": NAME}`.
    Service(String),
    /// `{"Federated": PROVIDER}`.
    Federated(String),
    /// `{"CanonicalUser": ID}`.
    CanonicalUser(String),
}

impl PolicyDocument {
    /// Parses a document.
    ///
    /// # Errors
    /// What IAM would refuse: an unknown operator or effect, a wrong type, a missing or contradicting element.
    pub fn parse(json: &Json, grammar: PolicyGrammar) -> Result<PolicyDocument, PolicyError> {
        let Json::Object(_) = json else { return Err(unexpected("", json, "a policy document (an object)")) };
        let version = match json.get("Version") {
            None => Version::V2008,
            Some(Json::String(text)) if text == "2012-10-17" => Version::V2012,
            Some(Json::String(text)) if text == "2008-10-17" => Version::V2008,
            Some(other) => return Err(unexpected("/Version", other, "`2012-10-17` or `2008-10-17`")),
        };
        let id = match json.get("Id") {
            None => None,
            Some(Json::String(text)) => Some(text.clone()),
            Some(other) => return Err(unexpected("/Id", other, "a string")),
        };
        let statements = match json.get("Statement") {
            None => return Err(missing("", "`Statement`")),
            Some(Json::Array(list)) => list
                .iter()
                .enumerate()
                .map(|(index, json)| statement(json, format!("/Statement/{index}"), version, grammar))
                .collect::<Result<Vec<_>, _>>()?,
            Some(single @ Json::Object(_)) => vec![statement(single, "/Statement".to_owned(), version, grammar)?],
            Some(other) => return Err(unexpected("/Statement", other, "a statement or a list of statements")),
        };
        Ok(PolicyDocument { version, id, statements, raw: json.clone() })
    }

    /// Parses a document from its text.
    ///
    /// # Errors
    /// As [`PolicyDocument::parse`], and what is not JSON or names a key twice.
    pub fn parse_str(text: &str, grammar: PolicyGrammar) -> Result<PolicyDocument, PolicyError> {
        let json = Json::parse(text).map_err(|error| PolicyError {
            pointer: if error.place.starts_with('/') { error.place } else { String::new() },
            found: error.message,
            expected: "JSON without duplicate keys".to_owned(),
        })?;
        PolicyDocument::parse(&json, grammar)
    }

    /// The same document without one statement; the raw tree is that of the whole document.
    #[must_use]
    pub fn without_statement(&self, index: usize) -> PolicyDocument {
        let mut document = self.clone();
        if index < document.statements.len() {
            document.statements.remove(index);
        }
        document
    }
}

impl ActionElement {
    /// Whether the element covers an action.
    pub fn matches(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action)) != self.negated
    }
}

fn unexpected(pointer: &str, found: &Json, expected: &str) -> PolicyError {
    PolicyError { pointer: pointer.to_owned(), found: found.describe(), expected: expected.to_owned() }
}

fn missing(pointer: &str, expected: &str) -> PolicyError {
    PolicyError { pointer: pointer.to_owned(), found: "nothing".to_owned(), expected: expected.to_owned() }
}

fn statement(json: &Json, at: String, version: Version, grammar: PolicyGrammar) -> Result<Arc<Statement>, PolicyError> {
    let Json::Object(_) = json else { return Err(unexpected(&at, json, "a statement (an object)")) };
    let sid = match json.get("Sid") {
        None => None,
        Some(Json::String(text)) => Some(text.clone()),
        Some(other) => return Err(unexpected(&pointer(&at, "Sid"), other, "a string")),
    };
    let effect = match json.get("Effect") {
        Some(Json::String(text)) if text == "Allow" => Effect::Allow,
        Some(Json::String(text)) if text == "Deny" => Effect::Deny,
        Some(other) => return Err(unexpected(&pointer(&at, "Effect"), other, "`Allow` or `Deny`")),
        None => return Err(missing(&at, "`Effect`")),
    };
    let action = match either(json, &at, "Action", "NotAction")? {
        None => return Err(missing(&at, "`Action` or `NotAction`")),
        Some((value, at, negated)) => {
            let parse = |(at, text): (String, &str)| {
                ActionPattern::parse(text).ok_or_else(|| PolicyError {
                    pointer: at,
                    found: format!("the string `{text}`"),
                    expected: "an action such as `ses:SendEmail`, or `*`".to_owned(),
                })
            };
            let patterns = strings(value, &at)?.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            ActionElement { negated, patterns }
        }
    };
    let resource = match either(json, &at, "Resource", "NotResource")? {
        None if grammar == PolicyGrammar::Identity => return Err(missing(&at, "`Resource` or `NotResource`")),
        None => None,
        Some((value, at, negated)) => {
            let parse = |(at, text): (String, &str)| {
                ArnPattern::parse(text, version).ok_or_else(|| PolicyError {
                    pointer: at,
                    found: format!("the string `{text}`"),
                    expected: "an ARN or `*`".to_owned(),
                })
            };
            let patterns = strings(value, &at)?.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            Some(ResourceElement { negated, patterns })
        }
    };
    let principal = match either(json, &at, "Principal", "NotPrincipal")? {
        Some((value, at, _)) if grammar == PolicyGrammar::Identity => {
            return Err(unexpected(&at, value, "no principal in this kind of policy"));
        }
        Some((value, at, negated)) => Some(PrincipalElement { negated, members: principals(value, &at)? }),
        None if grammar == PolicyGrammar::Resource => return Err(missing(&at, "`Principal` or `NotPrincipal`")),
        None => None,
    };
    let conditions = match json.get("Condition") {
        None => Vec::new(),
        Some(block) => conditions(block, &pointer(&at, "Condition"), version)?,
    };
    Ok(Arc::new(Statement { sid, pointer: at, effect, principal, action, resource, conditions }))
}

/// The element under one of two names, with its place and whether it is the second one.
fn either<'j>(
    json: &'j Json,
    at: &str,
    name: &str,
    negated: &str,
) -> Result<Option<(&'j Json, String, bool)>, PolicyError> {
    match (json.get(name), json.get(negated)) {
        (Some(_), Some(other)) => {
            Err(unexpected(&pointer(at, negated), other, &format!("`{name}` or `{negated}`, not both")))
        }
        (Some(value), None) => Ok(Some((value, pointer(at, name), false))),
        (None, Some(value)) => Ok(Some((value, pointer(at, negated), true))),
        (None, None) => Ok(None),
    }
}

/// A string or a list of strings, each with its place.
fn strings<'j>(json: &'j Json, at: &str) -> Result<Vec<(String, &'j str)>, PolicyError> {
    match json {
        Json::String(text) => Ok(vec![(at.to_owned(), text)]),
        Json::Array(list) if !list.is_empty() => list
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Json::String(text) => Ok((format!("{at}/{index}"), text.as_str())),
                other => Err(unexpected(&format!("{at}/{index}"), other, "a string")),
            })
            .collect(),
        Json::Array(_) => Err(PolicyError {
            pointer: at.to_owned(),
            found: "an empty list".to_owned(),
            expected: "at least one string".to_owned(),
        }),
        other => Err(unexpected(at, other, "a string or a list of strings")),
    }
}

fn principals(json: &Json, at: &str) -> Result<Vec<PrincipalPattern>, PolicyError> {
    match json {
        Json::String(text) if text == "*" => Ok(vec![PrincipalPattern::Everyone]),
        Json::Object(kinds) => {
            let mut list = Vec::new();
            for (kind, value) in kinds {
                let at = pointer(at, kind);
                for (at, text) in strings(value, &at)? {
                    list.push(match kind.as_str() {
                        "AWS" => aws_principal(text).ok_or_else(|| PolicyError {
                            pointer: at,
                            found: format!("the string `{text}`"),
                            expected: "`*`, an account id, or the ARN of a principal".to_owned(),
                        })?,
                        "Service" => PrincipalPattern::Service(text.to_owned()),
                        "Federated" => PrincipalPattern::Federated(text.to_owned()),
                        "CanonicalUser" => PrincipalPattern::CanonicalUser(text.to_owned()),
                        _ => return Err(unexpected(&at, value, "`AWS`, `Service`, `Federated` or `CanonicalUser`")),
                    });
                }
            }
            Ok(list)
        }
        other => Err(unexpected(at, other, "`*` or an object")),
    }
}

fn aws_principal(text: &str) -> Option<PrincipalPattern> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if text == "*" {
        return Some(PrincipalPattern::Everyone);
    }
    if is_account(text) {
        return Some(PrincipalPattern::Account(text.to_owned()));
    }
    if let Ok(arn) = Arn::parse(text) {
        let root = arn.service() == "iam" && arn.resource() == "root";
        return Some(if root {
            PrincipalPattern::Account(arn.account().to_owned())
        } else {
            PrincipalPattern::Arn(arn)
        });
    }
    let unique = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    unique.then(|| PrincipalPattern::UniqueId(text.to_owned()))
}

fn conditions(block: &Json, at: &str, version: Version) -> Result<Vec<Condition>, PolicyError> {
    let Json::Object(operators) = block else { return Err(unexpected(at, block, "an object of operators")) };
    let mut list = Vec::new();
    for (name, keys) in operators {
        let at = pointer(at, name);
        let operator = Operator::parse(name).ok_or_else(|| PolicyError {
            pointer: at.clone(),
            found: format!("the operator `{name}`"),
            expected: "a condition operator such as `StringEquals`".to_owned(),
        })?;
        let Json::Object(fields) = keys else { return Err(unexpected(&at, keys, "an object of condition keys")) };
        for (key, values) in fields {
            let at = pointer(&at, key);
            let texts = condition_values(values, &at)?;
            let single = !matches!(values, Json::Array(_));
            let condition = Condition::new(operator.clone(), key.clone(), texts, at.clone(), version);
            list.push(condition.map_err(|(index, expected)| PolicyError {
                pointer: if single { at.clone() } else { format!("{at}/{index}") },
                found: match values {
                    Json::Array(list) => list.get(index).map(Json::describe).unwrap_or_default(),
                    other => other.describe(),
                },
                expected: expected.to_owned(),
            })?);
        }
    }
    Ok(list)
}

fn condition_values(json: &Json, at: &str) -> Result<Vec<String>, PolicyError> {
    let text = |json: &Json, at: &str| match json {
        Json::String(text) | Json::Number(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        other => Err(unexpected(at, other, "a string, number or boolean")),
    };
    match json {
        Json::Array(list) => {
            list.iter().enumerate().map(|(index, item)| text(item, &format!("{at}/{index}"))).collect()
        }
        single => Ok(vec![text(single, at)?]),
    }
}

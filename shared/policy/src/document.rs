//! Policy documents, parsed once and strictly: what IAM would refuse is an error with its place.

mod parser;
mod statements;

use std::sync::Arc;

use crate::condition::Condition;
use crate::context::Context;
use crate::decision::Truth;
use crate::json::Json;
use crate::pattern::{ActionPattern, ArnPattern, ResourceParts};

pub(crate) use statements::ActionHead;
pub use statements::Statements;

/// Which grammar a document must follow: whether it has principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyGrammar {
    /// Identity policies, boundaries, session policies and SCPs: no `Principal`, a `Resource` in every statement.
    Identity,
    /// Policies of resources: a `Principal` in every statement.
    Resource,
    /// RCPs and VPC endpoint policies: `Principal` allowed; a statement without one is about everybody.
    ResourceControl,
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
    pub statements: Statements,
    /// The document as it was read; shared with its copies.
    pub raw: Arc<Json>,
    grammar: PolicyGrammar,
}

impl PolicyDocument {
    /// Parses a document; the first thing that IAM would refuse is the error. Fields that are not IAM's are kept and mean
    /// nothing; limits of size, number and uniqueness are not checked, and neither is whether services, actions and keys exist.
    pub fn parse(json: &Json, grammar: PolicyGrammar) -> Result<PolicyDocument, PolicyError> {
        PolicyDocument::from_json(json.clone(), grammar)
    }
    /// The same for a tree that is not needed elsewhere; it becomes [`PolicyDocument::raw`].
    pub fn from_json(json: Json, grammar: PolicyGrammar) -> Result<PolicyDocument, PolicyError> {
        parser::document(json, grammar)
    }
    /// Parses a document from its text.
    pub fn parse_str(text: &str, grammar: PolicyGrammar) -> Result<PolicyDocument, PolicyError> {
        match Json::parse(text) {
            Ok(json) => PolicyDocument::from_json(json, grammar),
            Err(error) if error.place.starts_with('/') => {
                Err(PolicyError { pointer: error.place, found: error.message, expected: "every key once".to_owned() })
            }
            Err(error) => Err(PolicyError {
                pointer: String::new(),
                found: error.to_string(),
                expected: "a JSON object".to_owned(),
            }),
        }
    }
    /// The grammar that the document was parsed by.
    pub fn grammar(&self) -> PolicyGrammar {
        self.grammar
    }
    /// The same document with only some of its statements, for evaluation: the tree as read and the pointers stay.
    #[must_use]
    pub fn keeping(&self, keep: impl Fn(usize) -> bool) -> PolicyDocument {
        PolicyDocument {
            id: self.id.clone(),
            statements: self.statements.keeping(keep),
            raw: self.raw.clone(),
            ..*self
        }
    }
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

impl ActionElement {
    /// Whether the element matches an action, `NotAction` turned round.
    pub fn matches(&self, action: &str) -> bool {
        self.matches_lower(&action.to_ascii_lowercase())
    }
    /// The same for an action in lower case.
    pub(crate) fn matches_lower(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches_lower(action)) != self.negated
    }
}

impl ResourceElement {
    /// Whether the element matches a resource, `NotResource` turned round; the context gives the policy variables.
    pub fn matches(&self, resource: &crate::arn::Arn, context: &Context) -> Truth {
        self.matches_parts(&resource.parts(), context)
    }
    pub(crate) fn matches_parts(&self, resource: &ResourceParts<'_>, context: &Context) -> Truth {
        let mut matched = Truth::False;
        for pattern in &self.patterns {
            matched = matched.or(pattern.matches_parts(resource, context));
            if matched == Truth::True {
                break;
            }
        }
        if self.negated { !matched } else { matched }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub struct PrincipalElement {
    /// `NotPrincipal`: everyone but these.
    pub negated: bool,
    /// The principals, in order.
    pub members: Vec<PrincipalPattern>,
    /// For each member that was written as the ARN of an account's root, the ARN's partition.
    partitions: Vec<Option<Box<str>>>,
}

impl PrincipalElement {
    /// Each principal, with the partition that its account's ARN names.
    pub(crate) fn with_partitions(&self) -> impl Iterator<Item = (&PrincipalPattern, Option<&str>)> {
        self.members.iter().zip(self.partitions.iter().map(Option::as_deref))
    }
}

/// One principal in a `Principal` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `"*"` or `{"AWS":"*"}`.
    Everyone,
    /// An account, written as twelve digits or as the ARN of its root: the twelve digits.
    Account(String),
    /// `{"AWS": ARN}` of a user, role, assumed-role session or federated user.
    Arn(crate::arn::Arn),
    /// The unique id of a deleted principal (`AIDA…`, `AROA…`): matches nobody.
    UniqueId(String),
    /// `{"Service": NAME}`.
    Service(String),
    /// `{"Federated": PROVIDER}`.
    Federated(String),
    /// `{"CanonicalUser": ID}`.
    CanonicalUser(String),
}

#[cfg(test)]
mod tests;

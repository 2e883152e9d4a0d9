//! Policy documents, parsed once and strictly: what IAM would refuse is an error with its place.

use std::sync::Arc;

use crate::condition::Condition;
use crate::json::Json;
use crate::pattern::{ActionPattern, ArnPattern};

/// Which grammar a document must follow: whether it has principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyGrammar {
    /// Identity policies, boundaries, session policies and SCPs: no `Principal`, a `Resource` in every statement.
    Identity,
    /// Policies of resources, RCPs and VPC endpoint policies: `Principal` allowed.
    Resource,
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

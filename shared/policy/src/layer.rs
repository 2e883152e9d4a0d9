//! The layers of an evaluation and the policies in them.

use std::fmt;
use std::sync::Arc;

use crate::document::PolicyDocument;

/// A layer of policies. Each has its own rule of who must allow and who may deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerKind {
    /// Inline, attached and group policies of the principal.
    Identity,
    /// The permissions boundary of the user or role.
    Boundary,
    /// The policy passed when the session was made.
    Session,
    /// Service control policies, by level from the root down to the account.
    ServiceControl,
    /// Resource control policies, by level from the root down to the account.
    ResourceControl,
    /// The policies of the resource: for SES the sending authorization policies of the identity.
    Resource,
    /// The policy of the VPC endpoint that the call came through.
    VpcEndpoint,
}

impl LayerKind {
    /// All layers in the order in which they are shown.
    pub const ALL: [LayerKind; 7] = [
        LayerKind::Identity,
        LayerKind::Boundary,
        LayerKind::Session,
        LayerKind::ServiceControl,
        LayerKind::ResourceControl,
        LayerKind::Resource,
        LayerKind::VpcEndpoint,
    ];
    /// The layer's name in answers and findings.
    pub fn as_str(self) -> &'static str {
        match self {
            LayerKind::Identity => "identity-policy",
            LayerKind::Boundary => "permissions-boundary",
            LayerKind::Session => "session-policy",
            LayerKind::ServiceControl => "service-control-policy",
            LayerKind::ResourceControl => "resource-control-policy",
            LayerKind::Resource => "sending-authorization-policy",
            LayerKind::VpcEndpoint => "vpc-endpoint-policy",
        }
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One policy in a layer. `document` is `None` when it could not be read: it may then allow, deny, or do nothing.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How whoever built the set names it; `None` for an unnamed one.
    pub name: Option<String>,
    /// The document; shared, since many evaluations use the same one.
    pub document: Option<Arc<PolicyDocument>>,
}

impl Policy {
    /// A policy whose document is known.
    pub fn new(name: impl Into<String>, document: Arc<PolicyDocument>) -> Policy {
        Policy { name: Some(name.into()), document: Some(document) }
    }
    /// A policy that may hold anything, or not be there at all.
    pub fn unreadable(name: Option<String>) -> Policy {
        Policy { name, document: None }
    }
}

/// Every policy that bears on a request, by layer.
///
/// `None` for boundary, session, SCP, RCP and VPC endpoint means that the layer does not apply (no boundary is set, the
/// account is in no organization, …). An empty list in a level of SCPs is a level that allows nothing. An unreadable layer is
/// a list with an unreadable [`Policy`] in it.
///
/// Documents are parsed by the [grammar](crate::PolicyGrammar) of their layer: `Resource` for `resource`, `ResourceControl` for
/// `resource_control` and `vpc_endpoint`, `Identity` for all others. A statement without a principal is about everybody, so an
/// identity policy among the policies of a resource would allow everybody what it allows.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    /// Identity-based policies of the principal; empty means that nothing allows.
    pub identity: Vec<Policy>,
    /// The permissions boundary.
    pub boundary: Option<Vec<Policy>>,
    /// Session policies.
    pub session: Option<Vec<Policy>>,
    /// SCPs of the principal's account, a list a level, from the root down.
    pub service_control: Option<Vec<Vec<Policy>>>,
    /// RCPs of the resource's account, a list a level, from the root down.
    pub resource_control: Option<Vec<Vec<Policy>>>,
    /// Policies of the resource.
    pub resource: Vec<Policy>,
    /// The VPC endpoint's policies.
    pub vpc_endpoint: Option<Vec<Policy>>,
}

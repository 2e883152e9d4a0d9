//! A request about which everything is known, and its evaluation.

use super::context::Context;
use super::policy::{Policy, Statement};
use super::principal::{Caller, Form};

/// The three decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Something allows the request, and nothing stops it.
    Allowed,
    /// Something that would have to allow the request does not.
    ImplicitDeny,
    /// A `Deny` statement fits the request.
    ExplicitDeny,
}

impl Decision {
    /// The name of the decision.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Allowed => "Allowed",
            Decision::ImplicitDeny => "ImplicitDeny",
            Decision::ExplicitDeny => "ExplicitDeny",
        }
    }
}

/// The layers, in the order in which they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LayerKind {
    Identity,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    Resource,
    VpcEndpoint,
}

impl LayerKind {
    pub fn name(self) -> &'static str {
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

/// The policies of every layer, root level first; an empty list is a layer or level that is not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers<'a> {
    pub identity: &'a [Policy],
    pub boundary: &'a [Policy],
    pub session: &'a [Policy],
    /// A level that is there but empty allows nothing; `None` is a level that is not there after all.
    pub service_control: Vec<Option<&'a [Policy]>>,
    pub resource_control: Vec<Option<&'a [Policy]>>,
    pub resource: &'a [Policy],
    pub vpc_endpoint: &'a [Policy],
}

/// A request with every unknown filled in.
#[derive(Clone, Debug)]
pub(crate) struct Complete<'a> {
    pub caller: &'a Caller,
    pub action: &'a str,
    pub resource: &'a str,
    pub resource_account: Option<&'a str>,
    pub context: &'a Context,
    pub layers: Layers<'a>,
}

/// The policy's name and the statement's index of every statement that decided.
pub(crate) type Decisive = Vec<(Option<String>, usize)>;

/// What one layer says by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerOutcome {
    pub kind: LayerKind,
    pub decision: Decision,
    pub decisive: Decisive,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub decision: Decision,
    pub layers: Vec<LayerOutcome>,
}

impl Outcome {
    fn layer(&self, kind: LayerKind) -> Option<Decision> {
        self.layers.iter().find(|layer| layer.kind == kind).map(|layer| layer.decision)
    }
}

/// Statements of one policy list that fit, with the forms in which they mean the caller.
struct Fitting<'a> {
    policy: &'a Policy,
    index: usize,
    statement: &'a Statement,
    forms: Vec<Form>,
}

impl Complete<'_> {
    pub fn has_boundary(&self) -> bool {
        !self.layers.boundary.is_empty()
    }

    fn fitting<'b>(&self, policies: &'b [Policy]) -> Vec<Fitting<'b>> {
        let mut found = Vec::new();
        for policy in policies {
            for (index, statement) in policy.statements.iter().enumerate() {
                let forms = statement.fits(self);
                if !forms.is_empty() {
                    found.push(Fitting { policy, index, statement, forms });
                }
            }
        }
        found
    }

    /// The decision of levels that must all allow; a plain layer has one level.
    fn levels(&self, kind: LayerKind, levels: &[Option<&[Policy]>]) -> LayerOutcome {
        let mut denies = Vec::new();
        let mut allows = Vec::new();
        let mut every_level_allows = true;
        for level in levels.iter().flatten() {
            let fitting = self.fitting(level);
            let name = |found: &Fitting| (found.policy.name.clone(), found.index);
            let here: Vec<_> = fitting.iter().filter(|found| found.statement.allow).map(name).collect();
            every_level_allows &= !here.is_empty();
            allows.extend(here);
            denies.extend(fitting.iter().filter(|found| !found.statement.allow).map(name));
        }
        let (decision, decisive) = if !denies.is_empty() {
            (Decision::ExplicitDeny, denies)
        } else if every_level_allows {
            (Decision::Allowed, allows)
        } else {
            (Decision::ImplicitDeny, Vec::new())
        };
        LayerOutcome { kind, decision, decisive }
    }

    fn layer(&self, kind: LayerKind, policies: &[Policy]) -> LayerOutcome {
        self.levels(kind, &[Some(policies)])
    }

    /// The decision of every layer that is given, and of the request.
    ///
    /// `given` says which layers stand in the case, also those that turn out to hold nothing.
    pub fn evaluate(&self, given: &dyn Fn(LayerKind) -> bool) -> Outcome {
        let same_account =
            self.caller.account().is_some_and(|account| Some(account.number.as_str()) == self.resource_account);
        let has_own_account = self.caller.account().is_some();
        let mut layers = Vec::new();

        if has_own_account || given(LayerKind::Identity) {
            let mut identity = self.layer(LayerKind::Identity, self.layers.identity);
            if matches!(self.caller, Caller::Root(_)) && identity.decision == Decision::ImplicitDeny {
                identity.decision = Decision::Allowed;
            }
            layers.push(identity);
        }
        if given(LayerKind::Boundary) {
            layers.push(self.filter(LayerKind::Boundary, self.layers.boundary));
        }
        if matches!(self.caller, Caller::Federated { .. }) {
            layers.push(self.layer(LayerKind::Session, self.layers.session));
        } else if given(LayerKind::Session) {
            layers.push(self.filter(LayerKind::Session, self.layers.session));
        }
        if given(LayerKind::ServiceControl) && self.caller.bound_by_service_control() {
            layers.push(self.levels(LayerKind::ServiceControl, &self.layers.service_control));
        }
        if given(LayerKind::ResourceControl) {
            layers.push(self.levels(LayerKind::ResourceControl, &self.layers.resource_control));
        }
        if given(LayerKind::Resource) || !same_account {
            layers.push(self.layer(LayerKind::Resource, self.layers.resource));
        }
        if given(LayerKind::VpcEndpoint) {
            layers.push(self.filter(LayerKind::VpcEndpoint, self.layers.vpc_endpoint));
        }

        let mut outcome = Outcome { decision: Decision::ImplicitDeny, layers };
        outcome.decision = if outcome.layers.iter().any(|layer| layer.decision == Decision::ExplicitDeny) {
            Decision::ExplicitDeny
        } else if self.passes(&outcome, same_account, has_own_account) {
            Decision::Allowed
        } else {
            Decision::ImplicitDeny
        };
        outcome
    }

    /// A layer that only restricts: one that turns out not to be there lets everything pass.
    fn filter(&self, kind: LayerKind, policies: &[Policy]) -> LayerOutcome {
        if policies.is_empty() {
            return LayerOutcome { kind, decision: Decision::Allowed, decisive: Vec::new() };
        }
        self.layer(kind, policies)
    }

    /// Whether every gate lets the request pass, nothing denying it.
    fn passes(&self, outcome: &Outcome, same_account: bool, has_own_account: bool) -> bool {
        let allows = |kind: LayerKind| outcome.layer(kind) == Some(Decision::Allowed);
        let allows_if_there = |kind: LayerKind| outcome.layer(kind).is_none_or(|found| found == Decision::Allowed);
        let guards = allows_if_there(LayerKind::ServiceControl)
            && allows_if_there(LayerKind::ResourceControl)
            && allows_if_there(LayerKind::VpcEndpoint);
        if !guards {
            return false;
        }
        if same_account {
            let skips = self.skips();
            return (allows(LayerKind::Identity) || skips.contains(&LayerKind::Identity))
                && (allows_if_there(LayerKind::Boundary) || skips.contains(&LayerKind::Boundary))
                && (allows_if_there(LayerKind::Session) || skips.contains(&LayerKind::Session));
        }
        allows(LayerKind::Resource)
            && (!has_own_account || allows(LayerKind::Identity))
            && allows_if_there(LayerKind::Boundary)
            && allows_if_there(LayerKind::Session)
    }

    /// The layers whose missing allow a resource policy of the same account makes up for.
    fn skips(&self) -> Vec<LayerKind> {
        use LayerKind::{Boundary, Identity, Session};
        let mut skipped = Vec::new();
        for found in self.fitting(self.layers.resource) {
            if !found.statement.allow {
                continue;
            }
            for form in found.forms {
                skipped.extend_from_slice(match form {
                    Form::User => &[Identity, Boundary][..],
                    Form::Role | Form::Issuer => &[Identity],
                    Form::Session | Form::Federated | Form::Everyone => &[Identity, Boundary, Session],
                    Form::Account | Form::Service => &[],
                });
            }
        }
        skipped
    }
}

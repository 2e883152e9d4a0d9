//! Evaluation: every layer, without early return, with evidence.

mod environment;
mod exact;
mod gates;
mod layers;
mod outcome;
mod statement;
mod trace;

use crate::context::ContextValue;
use crate::decision::{Decision, Possible};
use crate::layer::{LayerKind, Policy, PolicySet};
use crate::principal::Principal;
use crate::request::Request;

use environment::Environment;
pub use trace::{ConditionTrace, ConditionTraces, StatementTrace};

/// Which statement of which policy, by position in the [`PolicySet`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatementRef {
    /// The layer.
    pub layer: LayerKind,
    /// The level, from the root down; `Some` only for SCPs and RCPs.
    pub level: Option<usize>,
    /// Index of the policy in its layer or level.
    pub policy: usize,
    /// Index of the statement in its document.
    pub statement: usize,
}

impl StatementRef {
    /// The policy that the statement is in.
    pub fn policy<'p>(&self, policies: &'p PolicySet) -> Option<&'p Policy> {
        let levels = |levels: &'p Option<Vec<Vec<Policy>>>| levels.as_ref()?.get(self.level?);
        let list = match self.layer {
            LayerKind::Identity => Some(&policies.identity),
            LayerKind::Boundary => policies.boundary.as_ref(),
            LayerKind::Session => policies.session.as_ref(),
            LayerKind::ServiceControl => levels(&policies.service_control),
            LayerKind::ResourceControl => levels(&policies.resource_control),
            LayerKind::Resource => Some(&policies.resource),
            LayerKind::VpcEndpoint => policies.vpc_endpoint.as_ref(),
        };
        list?.get(self.policy)
    }
}

/// The result of evaluating one request against a [`PolicySet`].
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Every decision that some completion of the unknowns gives.
    pub possible: Possible,
    /// Not every completion could be told apart: `possible` and the names of what it turns on may hold too much, never too
    /// little.
    pub approximate: bool,
    /// Each layer that applies, in the order of [`LayerKind::ALL`].
    pub layers: Vec<LayerEvaluation>,
    /// The unknown context keys on which an undetermined decision turns, as spelled in the context, sorted.
    pub unknown_keys: Vec<String>,
    /// The layers with unreadable policies on which an undetermined decision turns.
    pub unreadable_layers: Vec<LayerKind>,
    /// For an undetermined decision one completion of the unknowns for each possible decision, as far as they were
    /// enumerated; what a completion does not name makes no difference to it.
    pub completions: Vec<Completion>,
}

/// One way in which everything that is not known may turn out, and the decision that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What the request then comes to.
    pub decision: Decision,
    /// The unknown context keys, as spelled in the context, with a value.
    pub keys: Vec<(String, ContextValue)>,
    /// The principal, where something of it was not known: with a session name, or with who issued its credentials.
    pub principal: Option<Principal>,
    /// The unreadable policies, by layer and level.
    pub unreadable: Vec<(LayerKind, Option<usize>, Assumed)>,
}

impl Completion {
    /// The request with what is unknown of it filled in.
    pub fn fill(&self, request: &Request) -> Request {
        let mut filled = request.clone();
        for (key, value) in &self.keys {
            filled.context.set(key.as_str(), value.clone());
        }
        if let Some(principal) = &self.principal {
            filled.principal = principal.clone();
        }
        filled
    }
}

/// What policies that could not be read may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assumed {
    /// There are none.
    NotThere,
    /// They neither allow nor deny the request.
    AllowNothing,
    /// They allow it. In a policy of the resource: in a form that lifts no other layer's refusal, such as the account's.
    Allow,
    /// A policy of the resource allows it to the user, the role or the user behind a federated session by its ARN, which
    /// stands in for the identity policies alone; for a user, for the permissions boundary too.
    AllowEntity,
    /// A policy of the resource allows it in a form that lifts the refusals of all the principal's own policies.
    AllowDirectly,
    /// They deny it.
    Deny,
}

impl Evaluation {
    /// The decision when all completions agree; `None` is `Undetermined`.
    pub fn decision(&self) -> Option<Decision> {
        self.possible.determined()
    }
    /// The evaluation of one layer, if it applies.
    pub fn layer(&self, kind: LayerKind) -> Option<&LayerEvaluation> {
        self.layers.iter().find(|layer| layer.layer == kind)
    }
}

/// What one layer says by itself.
#[derive(Debug, Clone)]
pub struct LayerEvaluation {
    /// Which layer.
    pub layer: LayerKind,
    /// Its possible decisions.
    pub possible: Possible,
    /// For SCPs and RCPs what each level says, from the root down; empty for other layers.
    pub levels: Vec<Possible>,
    /// The statements that make this decision (the matching Denys, else the matching Allows), or on which it turns.
    pub decisive: Vec<StatementRef>,
    /// Every statement with its elements; filled by [`evaluate`], empty after [`crate::evaluation::decide`].
    pub statements: Vec<StatementTrace>,
}

/// Evaluates a request with the full trace of every statement in every layer.
pub fn evaluate(policies: &PolicySet, request: &Request) -> Evaluation {
    layers::evaluate::<true>(policies, &Environment::new(policies, request))
}

/// The same evaluation without the traces: [`LayerEvaluation::statements`] stays empty, all else is equal.
pub fn decide(policies: &PolicySet, request: &Request) -> Evaluation {
    layers::evaluate::<false>(policies, &Environment::new(policies, request))
}

#[cfg(test)]
mod tests;

//! The world with remedies in it: the same policies, with a document put in or taken off.

use std::sync::Arc;

use serde_json::Value;
use sesame_policy::evaluation::decide;
use sesame_policy::json::Json;
use sesame_policy::{Arn, Decision, LayerKind, Policy, PolicyDocument, PolicyGrammar, PolicySet, Possible};

use super::draft::Draft;
use crate::assemble::{Assembled, Attached, LevelPolicies};
use crate::examine::Examined;
use crate::finding::{Operation, Target, TargetKind};

/// What the questions come to with some remedies in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// `Some(true)`: every question is allowed in every completion; `Some(false)`: some question is refused in every one.
    pub allowed: Option<bool>,
    /// The keys and layers on which it still turns.
    pub depends_on: Vec<String>,
}

/// A draft made ready to be put into policy sets: its document is parsed once.
#[derive(Debug, Clone)]
pub struct Change {
    operation: Operation,
    target: Target,
    document: Option<Arc<PolicyDocument>>,
    /// The policy is not there without it.
    new: bool,
}

impl Change {
    /// The change that a draft makes.
    pub fn of(draft: &Draft) -> Change {
        Change::to(draft, draft.after.as_ref())
    }

    /// The same with another document.
    pub fn to(draft: &Draft, document: Option<&Value>) -> Change {
        let grammar = match draft.target.kind {
            TargetKind::SendingAuthorization => PolicyGrammar::Resource,
            _ => PolicyGrammar::Identity,
        };
        let parse = |document| PolicyDocument::from_json(Json::from_value(document), grammar).ok().map(Arc::new);
        Change {
            operation: draft.operation,
            target: draft.target.clone(),
            document: document.and_then(parse),
            new: draft.before.is_none(),
        }
    }

    /// Where the document stands.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The document with the change; `None` where the policy is taken off.
    pub fn document(&self) -> Option<Arc<PolicyDocument>> {
        self.document.clone().filter(|_| self.operation == Operation::Put)
    }

    /// Whether the policy stays as it is, and is taken off where it is attached.
    pub fn is_detachment(&self) -> bool {
        self.operation == Operation::Detach
    }

    /// Whether the policy is not there without it.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// What becomes of a policy: itself, with another document, or nothing.
    fn apply(&self, attached: &Attached, policy: Policy) -> Option<Policy> {
        if !same_policy(&attached.target, &self.target) {
            return Some(policy);
        }
        match (self.operation, &self.document) {
            (Operation::Put, Some(document)) => Some(Policy { document: Some(document.clone()), ..policy }),
            (Operation::Put, None) => Some(policy),
            (Operation::Detach, _) => {
                let elsewhere =
                    (&attached.target.node, &attached.target.principal) != (&self.target.node, &self.target.principal);
                elsewhere.then_some(policy)
            }
        }
    }
}

/// Evaluates every question in every request context with these changes in place.
pub fn after(examined: &[Vec<Examined>], changes: &[&Change]) -> After {
    let mut allowed = Some(true);
    let mut depends_on: Vec<String> = Vec::new();
    for examined in examined.iter().flatten() {
        let evaluation = decide(&patched(examined, changes), &examined.request);
        if evaluation.possible.refused() {
            allowed = Some(false);
        } else if evaluation.possible != Possible::only(Decision::Allowed) {
            allowed = if allowed == Some(false) { allowed } else { None };
            let layers = evaluation.unreadable_layers.iter().map(|layer| layer.as_str().to_owned());
            for name in evaluation.unknown_keys.iter().cloned().chain(layers) {
                if !depends_on.contains(&name) {
                    depends_on.push(name);
                }
            }
        }
    }
    depends_on.sort();
    After { allowed, depends_on }
}

/// The policies of a question with these changes in place.
pub fn patched(examined: &Examined, changes: &[&Change]) -> PolicySet {
    patched_on(&examined.set, &examined.policies, &examined.question.resource, changes)
}

/// The policies that bear on a resource, with these changes in place; `before` is `set` in the engine's form.
pub fn patched_on(set: &Assembled, before: &PolicySet, resource: &Arn, changes: &[&Change]) -> PolicySet {
    let list = |attached: &[Attached], policies: &[Policy]| -> Vec<Policy> {
        let each = attached.iter().zip(policies);
        each.filter_map(|(attached, policy)| {
            changes.iter().try_fold(policy.clone(), |policy, change| change.apply(attached, policy))
        })
        .collect()
    };
    let optional = |attached: &Option<Vec<Attached>>, policies: &Option<Vec<Policy>>| {
        attached.as_deref().zip(policies.as_deref()).map(|(attached, policies)| list(attached, policies))
    };
    let levels = set.service_control.as_deref().zip(before.service_control.as_deref());
    let mut after = PolicySet {
        identity: list(&set.identity, &before.identity),
        // A principal whose boundary is taken off has none.
        boundary: optional(&set.boundary, &before.boundary).filter(|policies| !policies.is_empty()),
        service_control: levels.map(|(levels, policies)| {
            levels.iter().zip(policies).map(|(level, policies)| list(&level.policies, policies)).collect()
        }),
        resource: list(&set.resource, &before.resource),
        ..before.clone()
    };
    for change in changes.iter().filter(|change| change.operation == Operation::Put) {
        if !set.iter().any(|(_, _, attached)| same_policy(&attached.target, &change.target)) {
            add(&mut after, set, resource, change);
        }
    }
    after
}

/// Whether two targets name one policy, wherever it is attached.
pub fn same_policy(one: &Target, other: &Target) -> bool {
    if one.policy.is_none() || one.policy != other.policy {
        return false;
    }
    let managed = |kind: TargetKind| matches!(kind, TargetKind::CustomerManaged | TargetKind::Boundary);
    match (one.kind, other.kind) {
        (a, b) if managed(a) && managed(b) => one.account == other.account,
        (TargetKind::Scp, TargetKind::Scp) => true,
        (TargetKind::SendingAuthorization, TargetKind::SendingAuthorization) => {
            one.identity == other.identity && one.region == other.region && one.account == other.account
        }
        (TargetKind::RoleInline, TargetKind::PermissionSet) | (TargetKind::PermissionSet, TargetKind::RoleInline) => {
            one.principal == other.principal
        }
        (a, b) => a == b && one.principal == other.principal,
    }
}

/// Attaches a new policy where the question sees it.
fn add(policies: &mut PolicySet, set: &Assembled, resource: &Arn, change: &Change) {
    let Change { target, document: Some(document), new, .. } = change else { return };
    let policy = Policy { name: None, document: Some(document.clone()) };
    match target.kind {
        TargetKind::UserInline
        | TargetKind::RoleInline
        | TargetKind::GroupInline
        | TargetKind::CustomerManaged
        | TargetKind::PermissionSet => policies.identity.push(policy),
        // Another boundary in the place of the old one.
        TargetKind::Boundary if *new => policies.boundary = Some(vec![policy]),
        TargetKind::Boundary => {}
        TargetKind::Scp => {
            let levels = set.service_control.iter().flatten();
            for (level, attached) in levels.zip(policies.service_control.iter_mut().flatten()) {
                if is_at(level, target) {
                    attached.push(policy.clone());
                }
            }
        }
        TargetKind::SendingAuthorization if is_of(resource, target) => policies.resource.push(policy),
        TargetKind::SendingAuthorization => {}
    }
}

/// Whether a level is the node that a target is attached to.
fn is_at(level: &LevelPolicies, target: &Target) -> bool {
    level.level.as_ref().is_some_and(|level| Some(&level.id) == target.node.as_ref())
}

/// Whether a resource is the identity whose policy a target is.
pub fn is_of(resource: &Arn, target: &Target) -> bool {
    resource.resource().strip_prefix("identity/") == target.identity.as_deref()
        && Some(resource.region()) == target.region.as_deref()
        && Some(resource.account()) == target.account.as_deref()
}

/// The levels of SCPs that a change touches: where its policy is attached, or will be.
pub fn levels(examined: &Examined, change: &Change) -> Vec<usize> {
    let levels = examined.set.service_control.iter().flatten().enumerate();
    let touched = levels.filter(|(_, level)| match change.new {
        true => is_at(level, &change.target),
        false => level.policies.iter().any(|policy| same_policy(&policy.target, &change.target)),
    });
    touched.map(|(index, _)| index).collect()
}

/// The layers, and levels of SCPs, that changes touch.
pub fn places(examined: &Examined, changes: &[&Change]) -> Vec<(LayerKind, Option<usize>)> {
    let of = |change: &&Change| -> Vec<(LayerKind, Option<usize>)> {
        match layer(change.target.kind) {
            LayerKind::ServiceControl => {
                levels(examined, change).into_iter().map(|level| (LayerKind::ServiceControl, Some(level))).collect()
            }
            layer => vec![(layer, None)],
        }
    };
    let mut places: Vec<(LayerKind, Option<usize>)> = changes.iter().flat_map(of).collect();
    places.sort();
    places.dedup();
    places
}

/// The layer that a target's policies are in.
pub fn layer(kind: TargetKind) -> LayerKind {
    match kind {
        TargetKind::Boundary => LayerKind::Boundary,
        TargetKind::Scp => LayerKind::ServiceControl,
        TargetKind::SendingAuthorization => LayerKind::Resource,
        _ => LayerKind::Identity,
    }
}

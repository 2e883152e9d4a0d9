//! The world with remedies in it: the same policies, with a document put in or taken off.

use std::sync::Arc;

use serde_json::Value;
use sesame_policy::evaluation::decide;
use sesame_policy::json::Json;
use sesame_policy::{Decision, LayerKind, PolicyDocument, PolicyGrammar, Possible};

use crate::assemble::{Assembled, Attached};
use crate::examine::Examined;
use crate::finding::{Operation, Remedy, Target, TargetKind};

/// What the questions come to with some remedies in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// `Some(true)`: every question is allowed in every completion; `Some(false)`: some question is refused in every one.
    pub allowed: Option<bool>,
    /// The keys and layers on which it still turns.
    pub depends_on: Vec<String>,
}

/// Evaluates every question in every request context with these remedies in place.
pub fn after(examined: &[Vec<Examined>], remedies: &[&Remedy]) -> After {
    let mut allowed = Some(true);
    let mut depends_on: Vec<String> = Vec::new();
    for examined in examined.iter().flatten() {
        let set = patched(examined, remedies);
        let evaluation = decide(&set.policy_set(), &examined.request);
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

/// The policies of a question with these remedies in place.
pub fn patched(examined: &Examined, remedies: &[&Remedy]) -> Assembled {
    let mut set = examined.set.clone();
    for remedy in remedies {
        apply(&mut set, examined, remedy);
    }
    set
}

fn apply(set: &mut Assembled, examined: &Examined, remedy: &Remedy) {
    let target = &remedy.target;
    match (remedy.operation, &remedy.after) {
        (Operation::Put, Some(document)) => {
            let replaced = replace(set, target, document);
            if !replaced {
                add(set, examined, target, document, remedy.before.is_none());
            }
        }
        _ => detach(set, target),
    }
}

fn grammar(target: &Target) -> PolicyGrammar {
    match target.kind {
        TargetKind::SendingAuthorization => PolicyGrammar::Resource,
        _ => PolicyGrammar::Identity,
    }
}

fn parse(document: &Value, grammar: PolicyGrammar) -> Option<Arc<PolicyDocument>> {
    PolicyDocument::parse(&Json::from_value(document), grammar).ok().map(Arc::new)
}

/// Replaces the document wherever the policy is attached; false when it is nowhere.
fn replace(set: &mut Assembled, target: &Target, document: &Value) -> bool {
    let Some(parsed) = parse(document, grammar(target)) else { return false };
    let mut found = false;
    for_each(set, |policy| {
        if same_policy(&policy.target, target) {
            policy.document = Some(parsed.clone());
            found = true;
        }
    });
    found
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

fn for_each(set: &mut Assembled, mut change: impl FnMut(&mut Attached)) {
    let levels = set.service_control.iter_mut().flatten().flat_map(|level| &mut level.policies);
    let optional = [&mut set.boundary, &mut set.session, &mut set.vpc_endpoint];
    let optional = optional.into_iter().flatten().flatten();
    set.identity.iter_mut().chain(optional).chain(levels).chain(&mut set.resource).for_each(&mut change);
}

/// Attaches a new policy where the question sees it.
fn add(set: &mut Assembled, examined: &Examined, target: &Target, document: &Value, new: bool) {
    let Some(parsed) = parse(document, grammar(target)) else { return };
    let policy = Attached { info: None, target: target.clone(), document: Some(parsed), gap: None };
    match target.kind {
        TargetKind::UserInline
        | TargetKind::RoleInline
        | TargetKind::GroupInline
        | TargetKind::CustomerManaged
        | TargetKind::PermissionSet => set.identity.push(policy),
        // Another boundary in the place of the old one.
        TargetKind::Boundary if new => set.boundary = Some(vec![policy]),
        TargetKind::Boundary => {}
        TargetKind::Scp => {
            let levels = set.service_control.iter_mut().flatten();
            let here = |level: &&mut crate::assemble::LevelPolicies| {
                level.level.as_ref().is_some_and(|level| Some(&level.id) == target.node.as_ref())
            };
            levels.filter(here).for_each(|level| level.policies.push(policy.clone()));
        }
        TargetKind::SendingAuthorization => {
            let resource = &examined.question.resource;
            let here = resource.resource().strip_prefix("identity/") == target.identity.as_deref()
                && Some(resource.region()) == target.region.as_deref()
                && Some(resource.account()) == target.account.as_deref();
            if here {
                set.resource.push(policy);
            }
        }
    }
}

fn detach(set: &mut Assembled, target: &Target) {
    let keep = |policy: &Attached| !(same_policy(&policy.target, target) && policy.target.node == target.node);
    set.identity.retain(keep);
    set.resource.retain(keep);
    set.service_control.iter_mut().flatten().for_each(|level| level.policies.retain(keep));
    if set.boundary.as_ref().is_some_and(|list| !list.iter().all(keep)) {
        set.boundary = None;
    }
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

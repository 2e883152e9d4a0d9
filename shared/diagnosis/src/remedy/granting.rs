//! Missing allows: which document each grant goes to, and what Sesame may do about it.

use serde_json::{Value, json};
use sesame_policy::LayerKind;

use super::draft::Draft;
use super::{Bench, alternative, grant, guard};
use crate::assemble::{Attached, managed_by_aws, raw_value, target};
use crate::causes::Found;
use crate::document::limits;
use crate::examine::{Blocker, Examined};
use crate::finding::{ManagedBy, Operation, Origin, PrincipalKind, Target, TargetKind};
use crate::near_miss::is_send;
use crate::words;
use crate::world::Readable;

/// SCPs that may be attached to one node. Source: AWS Organizations User Guide, "Quotas for AWS Organizations".
const SCPS_PER_NODE: usize = 5;

impl Bench<'_, '_> {
    /// Missing allows: one document for each place that lacks them.
    pub(super) fn grants(&mut self) {
        let mut done: Vec<usize> = Vec::new();
        for (index, found) in self.situation.causes.iter().enumerate() {
            if done.contains(&index) || !matches!(found.blocker, Blocker::Gate(..)) {
                continue;
            }
            let place = self.place(found);
            let together: Vec<usize> = (index..self.situation.causes.len())
                .filter(|other| {
                    self.situation.causes.get(*other).is_some_and(|other| {
                        matches!(other.blocker, Blocker::Gate(..))
                            && other.blocker.layer() == found.blocker.layer()
                            && other.blocker.level() == found.blocker.level()
                            && self.place(other) == place
                            && self.beside(other) == self.beside(found)
                    })
                })
                .collect();
            done.extend(&together);
            self.grant(&together);
        }
    }

    /// Which document of a layer a missing allow would go to: one for each identity's policies, else one for the layer.
    fn place(&self, found: &Found) -> Option<String> {
        let resource = found.blocker.layer() == LayerKind::Resource;
        let examined = self.situation.examined.get(found.cause.request)?.first()?;
        resource.then(|| examined.question.resource.to_string())
    }

    /// What Sesame may apply stands in a document of its own, and what it may not, of one service, in another one: `None` where
    /// the layer has one document for all.
    fn beside(&self, found: &Found) -> Option<String> {
        let apart = found.blocker.layer() == LayerKind::Identity && !self.in_identity_center();
        let examined = self.situation.examined.get(found.cause.request).and_then(|contexts| contexts.first());
        examined.filter(|_| apart).and_then(|examined| not_a_send(&examined.question.action))
    }

    fn in_identity_center(&self) -> bool {
        self.situation.subject.info.managed_by == Some(ManagedBy::IdentityCenter)
    }

    fn grant(&mut self, indices: &[usize]) {
        let causes: Vec<&Found> = indices.iter().filter_map(|index| self.situation.causes.get(*index)).collect();
        let (grants, opened) = match grant::grants(&causes, self.situation.examined) {
            Ok(grants) => grants,
            Err(unmendable) => {
                self.unmendable.extend(indices.iter().map(|index| (*index, unmendable)));
                self.unmended = true;
                return;
            }
        };
        let Some(first) = causes.first() else { return };
        let Some(examined) = self.situation.examined.get(first.cause.request).and_then(|list| list.get(first.context))
        else {
            return;
        };
        let actions: Vec<String> = grants.iter().flat_map(|grant| grant.actions.iter().cloned()).collect();
        let draft = match first.blocker.layer() {
            LayerKind::Identity => self.identity_grant(&grants, examined),
            LayerKind::Boundary => self.boundary_grant(&grants, examined),
            LayerKind::ServiceControl => self.scp_grant(&grants, examined, first.blocker.level()),
            LayerKind::Resource => self.resource_grant(&grants, examined),
            _ => None,
        };
        let Some(mut draft) = draft else {
            self.unmended = true;
            return;
        };
        draft.fixes = indices.to_vec();
        let (applicability, why) = self.applicability(&draft, &actions, &opened);
        (draft.applicability, draft.why) = (applicability, why);
        let place = match first.blocker.layer() {
            LayerKind::Boundary => first.cause.policy.as_ref().map(|info| match draft.before {
                Some(_) => format!(" in {}", words::policy(info)),
                None => format!(" in {}", words::own_boundary(info)),
            }),
            LayerKind::ServiceControl => first
                .cause
                .level
                .as_ref()
                .map(|level| format!(" in a service control policy on {}", words::level(level))),
            LayerKind::Resource => Some(" in a sending authorization policy of that identity".to_owned()),
            _ => None,
        };
        let of_cause = |found: &&Found| self.situation.examined.get(found.cause.request)?.first();
        let asked: Vec<String> = causes
            .iter()
            .filter_map(of_cause)
            .map(|examined| guard::literal(examined.question.resource.as_str(), "ArnLike"))
            .collect();
        draft.title = format!(
            "Allow {} to {}{}{}",
            words::who(self.situation.subject),
            grant::calls(&grants, &asked),
            grant::scope(&grants, &opened),
            place.unwrap_or_default()
        );
        self.drafts.push(draft);
    }

    /// Our own name for a new policy.
    fn own_name(&self) -> String {
        format!("{}{}", crate::changes::OWN_PREFIX, self.situation.finding)
    }

    /// Where a boundary of the account's own goes, in the place of one of AWS's. Its name is no other new policy's.
    pub(super) fn own_boundary(&self, boundary: &Target) -> Target {
        Target { policy: Some(format!("{}-boundary", self.own_name())), ..boundary.clone() }
    }

    fn identity_grant(&self, grants: &[grant::Grant], examined: &Examined) -> Option<Draft> {
        let subject = self.situation.subject;
        let holder = subject.entity?;
        if subject.service_linked {
            return None;
        }
        let statements = grant::statements(grants, None);
        let is_user = holder.arn.contains(":user/");
        let own_name = match grants.iter().flat_map(|grant| &grant.actions).find_map(|action| not_a_send(action)) {
            Some(service) => format!("{}-{service}", self.own_name()),
            None => self.own_name(),
        };
        let (kind, name) = match (self.in_identity_center(), is_user) {
            (true, _) => (TargetKind::PermissionSet, "AwsSSOInlinePolicy".to_owned()),
            (false, true) => (TargetKind::UserInline, own_name.clone()),
            (false, false) => (TargetKind::RoleInline, own_name.clone()),
        };
        let at = Target {
            account: subject.account_id.clone(),
            principal: Some(holder.arn.clone()),
            policy: Some(name.clone()),
            ..target(kind)
        };
        let inline = |policy: &&Attached| {
            policy.target.principal.as_deref() == Some(&holder.arn)
                && matches!(
                    policy.target.kind,
                    TargetKind::UserInline | TargetKind::RoleInline | TargetKind::PermissionSet
                )
        };
        let there = examined.set.identity.iter().filter(inline).find(|policy| policy.target.policy == at.policy);
        let before = there.and_then(|policy| policy.document.as_ref()).map(|document| raw_value(document));
        let after = match &before {
            Some(before) => alternative::with_statements(before, &statements)?,
            None => grant::document(statements),
        };
        let drafted =
            self.drafts.iter().filter(|draft| draft.target.kind == kind).filter_map(|draft| draft.after.clone());
        let beside: Vec<Value> = examined
            .set
            .identity
            .iter()
            .filter(inline)
            .filter(|policy| policy.target.policy != at.policy)
            .filter_map(|policy| policy.document.as_ref().map(|document| raw_value(document)))
            .chain(drafted)
            .collect();
        let fits = limits::check_document(kind, &after, &beside).and_then(|()| limits::check_name(kind, &name));
        let (target, before, after) = match fits {
            Ok(()) => (at, before, after),
            // No room among the inline policies: a managed policy of its own, for whoever may create one.
            Err(_) => {
                let at = Target { policy: Some(own_name), ..Target { kind: TargetKind::CustomerManaged, ..at } };
                (at, None, grant::document(grant::statements(grants, None)))
            }
        };
        Some(self.draft(Operation::Put, target, before, Some(after)))
    }

    fn boundary_grant(&self, grants: &[grant::Grant], examined: &Examined) -> Option<Draft> {
        let boundary = examined.set.boundary.as_ref()?.first()?;
        let arn = boundary.target.policy.clone()?;
        let before = raw_value(boundary.document.as_ref()?);
        // Others may have the same boundary: the allow is held to this one principal.
        let guarded: Vec<grant::Grant> = grants.iter().map(|grant| self.for_this_principal(grant)).collect();
        let after = alternative::with_statements(&before, &grant::statements(&guarded, None))?;
        // A principal has one boundary, and no new one could be longer.
        limits::check_document(TargetKind::Boundary, &after, []).ok()?;
        if managed_by_aws(&arn) {
            // AWS's own policy cannot be edited: another boundary with the same statements and this one, in its place.
            return Some(self.draft(Operation::Put, self.own_boundary(&boundary.target), None, Some(after)));
        }
        Some(self.draft(Operation::Put, boundary.target.clone(), Some(before), Some(after)))
    }

    fn scp_grant(&self, grants: &[grant::Grant], examined: &Examined, level: Option<usize>) -> Option<Draft> {
        let level = examined.set.level(level)?;
        let node = level.level.as_ref()?.id.clone();
        let management = level.policies.first().and_then(|policy| policy.target.account.clone());
        // An SCP binds whole accounts: the allow is held to this one principal.
        let guarded: Vec<grant::Grant> = grants.iter().map(|grant| self.for_this_principal(grant)).collect();
        let statements = grant::statements(&guarded, None);
        if level.policies.len() < SCPS_PER_NODE {
            // Names are unique in an organization: two levels that lack the allow get a policy each.
            let name = self.own_name();
            let taken =
                |draft: &Draft| draft.target.kind == TargetKind::Scp && draft.target.policy.as_ref() == Some(&name);
            let taken = self.drafts.iter().any(taken);
            let name = if taken { format!("{name}-{node}") } else { name };
            let at = Target { account: management, policy: Some(name), node: Some(node), ..target(TargetKind::Scp) };
            return Some(self.draft(Operation::Put, at, None, Some(grant::document(statements))));
        }
        let editable = level.policies.iter().find(|policy| {
            policy.document.is_some() && !managed_by_aws(policy.target.policy.as_deref().unwrap_or_default())
        })?;
        let before = raw_value(editable.document.as_ref()?);
        let after = alternative::with_statements(&before, &statements)?;
        Some(self.draft(Operation::Put, editable.target.clone(), Some(before), Some(after)))
    }

    fn for_this_principal(&self, grant: &grant::Grant) -> grant::Grant {
        let mut grant = grant.clone();
        let has = grant.guards.iter().any(|guard| guard.key.eq_ignore_ascii_case("aws:PrincipalArn"));
        if let (Some(arn), false) = (self.principal_arn(), has) {
            grant.guards.push(guard::Guard {
                operator: "ArnEquals".to_owned(),
                key: "aws:PrincipalArn".to_owned(),
                values: vec![guard::literal(&arn, "ArnLike")],
            });
        }
        grant
    }

    /// Whether the identity is none of the account's, as far as was read, and AWS did not name it either: it has no policies.
    fn is_missing(&self, examined: &Examined) -> bool {
        let resource = &examined.question.resource;
        let account = self.situation.library.world.accounts.get(resource.account());
        let region = account.and_then(|account| account.ses.get(resource.region())).and_then(Readable::known);
        let name = resource.resource().strip_prefix("identity/").unwrap_or_default();
        examined.question.origin != Origin::Message
            && region.is_some_and(|region| region.complete && !region.identities.contains_key(name))
    }

    fn resource_grant(&self, grants: &[grant::Grant], examined: &Examined) -> Option<Draft> {
        let resource = &examined.question.resource;
        let identity = resource.resource().strip_prefix("identity/")?;
        if self.is_missing(examined) {
            return None;
        }
        let principal = match (self.situation.subject.info.kind?, &self.situation.subject.info.arn) {
            (PrincipalKind::Service, Some(name)) => json!({ "Service": name }),
            (_, Some(arn)) => json!({ "AWS": arn }),
            _ => return None,
        };
        let name = self.own_name();
        let at = Target {
            account: Some(resource.account().to_owned()),
            policy: Some(name.clone()),
            identity: Some(identity.to_owned()),
            region: Some(resource.region().to_owned()),
            ..target(TargetKind::SendingAuthorization)
        };
        let hold = |grant: &grant::Grant| match self.situation.subject.info.kind {
            // Root's ARN names its whole account.
            Some(PrincipalKind::Root) => self.for_this_principal(grant),
            Some(PrincipalKind::Service) => for_this_account(grant, resource.account()),
            _ => grant.clone(),
        };
        let held: Vec<grant::Grant> = grants.iter().map(hold).collect();
        let statements = grant::statements(&held, Some(&principal));
        let there = examined.set.resource.iter().find(|policy| policy.target == at);
        let before = there.and_then(|policy| policy.document.as_ref()).map(|document| raw_value(document));
        let after = match &before {
            Some(before) => alternative::with_statements(before, &statements)?,
            None => grant::document(statements),
        };
        let others: Vec<Value> = examined
            .set
            .resource
            .iter()
            .filter(|policy| policy.target != at)
            .filter_map(|policy| policy.document.as_ref().map(|document| raw_value(document)))
            .collect();
        limits::check_name(TargetKind::SendingAuthorization, &name).ok()?;
        match limits::check_document(TargetKind::SendingAuthorization, &after, &others) {
            Ok(()) => Some(self.draft(Operation::Put, at, before, Some(after))),
            Err(_) => self.in_another(grants, &principal, examined),
        }
    }

    /// The identity has as many policies as SES allows: the first that has room for the statements, for its owner to change.
    fn in_another(&self, grants: &[grant::Grant], principal: &Value, examined: &Examined) -> Option<Draft> {
        let statements = grant::statements(grants, Some(principal));
        let own = |policy: &&Attached| policy.info.as_ref().is_some_and(crate::changes::is_own);
        examined.set.resource.iter().filter(|policy| !own(policy)).find_map(|policy| {
            let before = raw_value(policy.document.as_ref()?);
            let after = alternative::with_statements(&before, &statements)?;
            limits::check_document(TargetKind::SendingAuthorization, &after, []).ok()?;
            Some(self.draft(Operation::Put, policy.target.clone(), Some(before), Some(after)))
        })
    }
}

/// A service acts for every account of AWS: a grant to it is held to what it does for the identity's own. Source: IAM User
/// Guide, "The confused deputy problem".
fn for_this_account(grant: &grant::Grant, account: &str) -> grant::Grant {
    let mut grant = grant.clone();
    let held = |guard: &guard::Guard| {
        ["aws:sourceaccount", "aws:sourcearn"].contains(&guard.key.to_ascii_lowercase().as_str())
    };
    if !grant.guards.iter().any(held) {
        grant.guards.push(guard::Guard {
            operator: "StringEquals".to_owned(),
            key: "aws:SourceAccount".to_owned(),
            values: vec![account.to_owned()],
        });
    }
    grant
}

/// The service of an action that does not send through SES.
fn not_a_send(action: &str) -> Option<String> {
    let service = action.split(':').next().unwrap_or_default();
    (!is_send(action)).then(|| service.to_ascii_lowercase())
}

//! Remedies: for every cause the smallest change to one document, proven by evaluating the patched world again.

mod also_allowed;
mod alternative;
mod deny;
mod draft;
mod grant;
pub mod guard;
pub mod patched;
mod proof;
mod smallest;

use serde_json::{Value, json};
use sesame_policy::{LayerKind, Truth};

use self::draft::Draft;
use self::guard::{Unmendable, applicability_of_opening};
use crate::assemble::{Attached, managed_by_aws, raw_value, target};
use crate::causes::Found;
use crate::denial::Denial;
use crate::document::limits;
use crate::examine::{Blocker, Examined};
use crate::finding::{
    Applicability, Certainty, ManagedBy, Operation, PrincipalKind, Provenance, Remedy, Target, TargetKind,
};
use crate::near_miss::SENDS;
use crate::subject::Subject;
use crate::{Options, words};

/// Everything that remedies are made from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// `f-…`
    pub finding: &'a str,
    /// The refused principal.
    pub subject: &'a Subject<'a>,
    /// The latest denial.
    pub denial: &'a Denial,
    /// For each question its examination in each request context.
    pub examined: &'a [Vec<Examined>],
    /// The causes.
    pub causes: &'a [Found],
    /// How to diagnose.
    pub options: &'a Options,
    /// A policy change is one of two ways (wrong principal, wrong Region): it needs review.
    pub doubtful: Option<&'a str>,
    /// Granting here would not help: the hint says what to do.
    pub futile: bool,
}

/// Remedies, and those of them that together let the send through.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In order; alternatives after what they stand for.
    pub remedies: Vec<Remedy>,
    /// Ids.
    pub plan: Vec<String>,
    /// Causes that no policy change should mend, and why.
    pub unmendable: Vec<(usize, Unmendable)>,
}

/// SCPs that may be attached to one node. Source: AWS Organizations User Guide, "Quotas for AWS Organizations".
const SCPS_PER_NODE: usize = 5;

/// Makes the remedies of all causes and proves them.
pub fn plan(situation: &Situation) -> Plan {
    let mut bench = Bench { situation, drafts: Vec::new(), unmendable: Vec::new(), unmended: false };
    bench.grants();
    bench.exceptions();
    smallest::prune(situation, &mut bench.drafts);
    let planned = bench.drafts.len();
    bench.alternatives();
    proof::prove(situation, bench.drafts, planned, bench.unmendable, bench.unmended)
}

/// The drafts on the way.
struct Bench<'s, 'a> {
    situation: &'s Situation<'a>,
    drafts: Vec<Draft>,
    unmendable: Vec<(usize, Unmendable)>,
    /// Some cause has no remedy at all.
    unmended: bool,
}

impl Bench<'_, '_> {
    /// Missing allows: one document for each place that lacks them.
    fn grants(&mut self) {
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
        if draft.title.is_empty() {
            let mut resources: Vec<String> = Vec::new();
            for found in &causes {
                let arn = self.situation.examined.get(found.cause.request).and_then(|list| list.first());
                let short =
                    arn.map(|examined| words::short_arn(examined.question.resource.as_str())).unwrap_or_default();
                if !resources.contains(&short) {
                    resources.push(short);
                }
            }
            let mut unique = actions.clone();
            unique.sort();
            unique.dedup();
            let place = match first.blocker.layer() {
                LayerKind::Boundary => first.cause.policy.as_ref().map(|info| format!(" in {}", words::policy(info))),
                LayerKind::ServiceControl => first
                    .cause
                    .level
                    .as_ref()
                    .map(|level| format!(" in a service control policy on {}", words::level(level))),
                LayerKind::Resource => Some(" in a sending authorization policy of that identity".to_owned()),
                _ => None,
            };
            draft.title = format!(
                "Allow {} to call {} on {}{}{}",
                words::who(self.situation.subject),
                words::list(&unique),
                words::join(&resources),
                grant::scope(&grants, &opened),
                place.unwrap_or_default()
            );
        }
        self.drafts.push(draft);
    }

    /// Our own name for a new policy.
    fn own_name(&self) -> String {
        format!("{}{}", crate::changes::OWN_PREFIX, self.situation.finding)
    }

    fn identity_grant(&self, grants: &[grant::Grant], examined: &Examined) -> Option<Draft> {
        let subject = self.situation.subject;
        let holder = subject.entity?;
        if subject.service_linked {
            return None;
        }
        let statements = grant::statements(grants, None);
        let identity_center = subject.info.managed_by == Some(ManagedBy::IdentityCenter);
        let is_user = holder.arn.contains(":user/");
        let (kind, name) = match (identity_center, is_user) {
            (true, _) => (TargetKind::PermissionSet, "AwsSSOInlinePolicy".to_owned()),
            (false, true) => (TargetKind::UserInline, self.own_name()),
            (false, false) => (TargetKind::RoleInline, self.own_name()),
        };
        let at = Target {
            account: subject.account_id.clone(),
            principal: Some(holder.arn.clone()),
            policy: Some(name.clone()),
            ..target(kind)
        };
        let inline = |policy: &&Attached| {
            policy.target.principal.as_deref() == Some(&holder.arn)
                && matches!(policy.target.kind, TargetKind::UserInline | TargetKind::RoleInline)
        };
        let there = examined.set.identity.iter().filter(inline).find(|policy| policy.target.policy == at.policy);
        let before = there.and_then(|policy| policy.document.as_ref()).map(|document| raw_value(document));
        let after = match &before {
            Some(before) => alternative::with_statements(before, &statements)?,
            None => grant::document(statements),
        };
        let beside: Vec<Value> = examined
            .set
            .identity
            .iter()
            .filter(inline)
            .filter(|policy| policy.target.policy != at.policy)
            .filter_map(|policy| policy.document.as_ref().map(|document| raw_value(document)))
            .collect();
        let fits = limits::check_document(kind, &after, &beside).and_then(|()| limits::check_name(kind, &name));
        let (target, before, after) = match fits {
            Ok(()) => (at, before, after),
            // No room among the inline policies: a managed policy of its own, for whoever may create one.
            Err(_) => {
                let at = Target { policy: Some(self.own_name()), ..Target { kind: TargetKind::CustomerManaged, ..at } };
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
        if managed_by_aws(&arn) || limits::check_document(TargetKind::Boundary, &after, []).is_err() {
            // AWS's own policy cannot be edited: another boundary with the same statements and this one, in its place.
            let at = Target { policy: Some(self.own_name()), ..boundary.target.clone() };
            return Some(self.draft(Operation::Put, at, None, Some(after)));
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

    fn resource_grant(&self, grants: &[grant::Grant], examined: &Examined) -> Option<Draft> {
        let resource = &examined.question.resource;
        let identity = resource.resource().strip_prefix("identity/")?;
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
        let statements = grant::statements(grants, Some(&principal));
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
        limits::check_document(TargetKind::SendingAuthorization, &after, &others).ok()?;
        limits::check_name(TargetKind::SendingAuthorization, &name).ok()?;
        Some(self.draft(Operation::Put, at, before, Some(after)))
    }

    /// The ARN that `aws:PrincipalArn` has for this principal.
    fn principal_arn(&self) -> Option<String> {
        let info = &self.situation.subject.info;
        match info.kind? {
            PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Root => info.arn.clone(),
            PrincipalKind::FederatedUser => info.session_arn.clone(),
            PrincipalKind::Service | PrincipalKind::Account => None,
        }
    }

    fn draft(&self, operation: Operation, target: Target, before: Option<Value>, after: Option<Value>) -> Draft {
        Draft {
            fixes: Vec::new(),
            title: String::new(),
            operation,
            target,
            before,
            after,
            applicability: Applicability::AdviceOnly,
            why: String::new(),
            alternative_to: None,
            expires: None,
        }
    }

    /// Denys: exceptions to them, one document after the other.
    fn exceptions(&mut self) {
        for (index, found) in self.situation.causes.iter().enumerate() {
            let Blocker::Deny(at) = &found.blocker else {
                if matches!(found.blocker, Blocker::Unreadable(..)) && found.cause.certainty != Certainty::Possible {
                    self.unmended = true;
                }
                continue;
            };
            let contexts: Vec<&Examined> = self
                .situation
                .examined
                .get(found.cause.request)
                .into_iter()
                .flatten()
                .filter(|examined| examined.blockers.iter().any(|(blocker, _)| *blocker == found.blocker))
                .collect();
            let Some(examined) = contexts.first() else { continue };
            let Some(attached) = examined.set.policy(at) else { continue };
            let (Some(info), Some(policy)) = (&attached.info, &attached.document) else { continue };
            let Some(statement) = policy.statements.get(at.statement) else { continue };
            let name = words::statement_name(statement.sid.as_deref(), at.statement);
            let drafted = self
                .drafts
                .iter()
                .position(|draft| patched::same_policy(&draft.target, &attached.target) && draft.before.is_some());
            let document = match drafted {
                Some(drafted) => self.drafts.get(drafted).and_then(|draft| draft.after.clone()),
                None => Some(raw_value(policy)),
            };
            let Some(document) = document else { continue };
            // The same statement may already have its exception, by another level or another question.
            if self.already_excepted(found, attached, &document, policy, at.statement) {
                self.add_fix(attached, index);
                continue;
            }
            if managed_by_aws(info.arn.as_deref().unwrap_or_default()) {
                let mut draft = self.draft(Operation::Detach, attached.target.clone(), Some(document), None);
                draft.fixes = vec![index];
                draft.title = format!("Detach {}", words::policy(info));
                draft.why =
                    "AWS's own policy cannot be edited, and what else it denies is for a person to weigh".to_owned();
                self.drafts.push(draft);
                continue;
            }
            let traces: Vec<_> = contexts
                .iter()
                .filter_map(|examined| {
                    examined.evaluation.layer(at.layer)?.statements.iter().find(|trace| trace.at == *at)
                })
                .collect();
            let arn = self.principal_arn();
            match deny::except(&document, statement, &traces, &contexts, arn.as_deref()) {
                Err(unmendable) => {
                    self.unmendable.push((index, unmendable));
                    self.unmended = true;
                }
                Ok(None) => self.unmended = true,
                Ok(Some(exception)) => {
                    let own = exception.exempts && info.attached_to == self.situation.subject.info.arn;
                    let place = if own { words::own_policy(info) } else { words::policy(info) };
                    let how = words::capital(&format!("{} {name} of {place}", exception.how));
                    match drafted.and_then(|drafted| self.drafts.get_mut(drafted)) {
                        Some(draft) => {
                            draft.after = Some(exception.after);
                            draft.fixes.push(index);
                            draft.title = format!("{}; {how}", draft.title);
                        }
                        None => {
                            let target = attached.target.clone();
                            let mut draft = self.draft(Operation::Put, target, Some(document), Some(exception.after));
                            draft.fixes = vec![index];
                            draft.title = how;
                            draft.why =
                                "blocked as configured: somebody wrote this Deny, so its owner decides".to_owned();
                            self.drafts.push(draft);
                        }
                    }
                }
            }
        }
    }

    /// Whether an earlier exception already keeps this statement from denying the question.
    fn already_excepted(
        &self,
        found: &Found,
        attached: &Attached,
        document: &Value,
        policy: &sesame_policy::PolicyDocument,
        index: usize,
    ) -> bool {
        let changed =
            document.pointer(&pointer_of(policy, index)) != raw_value(policy).pointer(&pointer_of(policy, index));
        if !changed {
            return false;
        }
        let Some(contexts) = self.situation.examined.get(found.cause.request) else { return false };
        let Some(draft) = self.drafts.iter().find(|draft| patched::same_policy(&draft.target, &attached.target)) else {
            return false;
        };
        let change = patched::Change::of(draft);
        contexts.iter().all(|examined| {
            let policies = patched::patched(examined, &[&change]);
            let evaluation = sesame_policy::evaluate(&policies, &examined.request);
            let Blocker::Deny(at) = &found.blocker else { return false };
            let traces = evaluation.layer(at.layer).map(|layer| layer.statements.as_slice()).unwrap_or_default();
            traces.iter().any(|trace| trace.at == *at && trace.outcome == Truth::False)
        })
    }

    fn add_fix(&mut self, attached: &Attached, index: usize) {
        let same = |draft: &&mut Draft| patched::same_policy(&draft.target, &attached.target);
        if let Some(draft) = self.drafts.iter_mut().find(same) {
            draft.fixes.push(index);
        }
    }

    /// Whether Sesame may apply a grant itself.
    fn applicability(&self, draft: &Draft, actions: &[String], opened: &[String]) -> (Applicability, String) {
        use Applicability::{AdviceOnly, Applicable, NeedsReview};
        let options = self.situation.options;
        let denial = self.situation.denial;
        let ours = |account: &str| {
            let home = options.own_account.as_deref().or(denial.recipient_account.as_deref());
            home.or(self.situation.subject.account_id.as_deref()) == Some(account)
                || options.apply_role_accounts.iter().any(|own| own == account)
        };
        let advice = |why: &str| (AdviceOnly, why.to_owned());
        if !actions.iter().all(|action| SENDS.iter().any(|send| send.eq_ignore_ascii_case(action))) {
            return advice("Sesame grants only actions that send through SES");
        }
        match draft.target.kind {
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::SendingAuthorization => {}
            TargetKind::PermissionSet => {
                return advice("a role of IAM Identity Center is changed through its permission set");
            }
            TargetKind::Boundary => return advice("a permissions boundary is a guardrail, and its owner decides"),
            TargetKind::Scp => return advice("service control policies belong to the organization's administrators"),
            TargetKind::CustomerManaged | TargetKind::GroupInline => {
                return advice(
                    "there is no room left for an inline policy, and a managed policy is for its owner to create",
                );
            }
        }
        if draft.before.is_some()
            && !draft.target.policy.as_deref().unwrap_or_default().starts_with(crate::changes::OWN_PREFIX)
        {
            return advice("this document is somebody else's");
        }
        if !draft.target.account.as_deref().is_some_and(ours) {
            return advice("the document is in another account, and its owner decides");
        }
        let sender = self.situation.subject.account_id.as_deref();
        if draft.target.kind == TargetKind::SendingAuthorization && sender.is_some_and(|sender| !ours(sender)) {
            return advice("the sender is in another account, whose principals are not this account's to judge");
        }
        if denial.provenance != Provenance::Cloudtrail {
            return advice("only a CloudTrail record proves who was refused, and this came in another way");
        }
        if let Some(key) = opened.iter().find(|key| applicability_of_opening(key) == AdviceOnly) {
            return (
                AdviceOnly,
                format!("blocked as configured: it widens the condition on `{key}`, which its owner decides"),
            );
        }
        if let Some(key) = opened.first() {
            return (
                NeedsReview,
                format!("blocked as configured: it widens the condition on `{key}`, which somebody wrote"),
            );
        }
        if let Some(doubt) = self.situation.doubtful {
            return (NeedsReview, doubt.to_owned());
        }
        (Applicable, "a new document of Sesame's own, with exact actions and ARNs, undone by deleting it".to_owned())
    }

    /// What may stand in place of the grants.
    fn alternatives(&mut self) {
        let mut more = Vec::new();
        for (index, draft) in self.drafts.iter().enumerate() {
            let grant = draft.operation == Operation::Put && draft.fixes.iter().all(|fix| self.is_gate(*fix));
            if !grant {
                continue;
            }
            if draft.applicability != Applicability::AdviceOnly {
                more.extend(alternative::bridges(draft, index, self.situation.options.now));
            }
            // One statement edited mends one cause: only where the grant mends no more than that.
            if let [fix] = draft.fixes.as_slice() {
                let found = self.situation.causes.get(*fix);
                let examined =
                    found.and_then(|found| self.situation.examined.get(found.cause.request)?.get(found.context));
                if let (Some(found), Some(examined)) = (found, examined) {
                    more.extend(alternative::edited_near_miss(found, *fix, examined, index));
                }
            }
        }
        self.drafts.extend(more);
    }

    fn is_gate(&self, cause: usize) -> bool {
        self.situation.causes.get(cause).is_some_and(|found| matches!(found.blocker, Blocker::Gate(..)))
    }
}

fn pointer_of(policy: &sesame_policy::PolicyDocument, index: usize) -> String {
    policy.statements.get(index).map(|statement| statement.pointer.clone()).unwrap_or_default()
}

//! Remedies: for every cause the smallest change to one document, proven by evaluating the patched world again.

mod also_allowed;
mod alternative;
mod deny;
mod draft;
mod excepting;
mod grant;
mod granting;
pub mod guard;
pub mod patched;
mod proof;
mod smallest;

use serde_json::Value;

use self::draft::Draft;
use self::guard::{Unmendable, applicability_of_opening};
use crate::Options;
use crate::assemble::Library;
use crate::causes::Found;
use crate::denial::Denial;
use crate::examine::{Blocker, Examined};
use crate::finding::{Applicability, Operation, PrincipalKind, Provenance, Remedy, Target, TargetKind};
use crate::near_miss::is_send;
use crate::subject::Subject;

/// Everything that remedies are made from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// `f-…`
    pub finding: &'a str,
    /// The refused principal.
    pub subject: &'a Subject<'a>,
    /// The latest denial.
    pub denial: &'a Denial,
    /// The world, and its documents.
    pub library: &'a Library<'a>,
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
        let set = self.situation.examined.first().and_then(|contexts| contexts.first()).map(|examined| &examined.set);
        if set.is_some_and(|set| crate::hint::quarantine(set).is_some()) {
            return advice(
                "AWS found these credentials exposed, and nothing is granted to them until they are replaced",
            );
        }
        if self.situation.subject.info.kind == Some(PrincipalKind::Service) {
            return advice(
                "Sesame grants to users and roles only, and what a service may do is for the identity's owner",
            );
        }
        if !actions.iter().all(|action| is_send(action)) {
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

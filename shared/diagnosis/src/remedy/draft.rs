//! Drafts: changes to documents before they are proven and numbered.

use serde_json::Value;

use crate::document;
use crate::finding::{Applicability, Commands, Operation, Owner, OwnerRole, Remedy, Target, TargetKind, Verification};

/// A change to one document.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Indices of the causes that it mends.
    pub fixes: Vec<usize>,
    /// One line.
    pub title: String,
    /// What is done.
    pub operation: Operation,
    /// Where.
    pub target: Target,
    /// The document as it is.
    pub before: Option<Value>,
    /// The document as it will be.
    pub after: Option<Value>,
    /// Whether Sesame may apply it.
    pub applicability: Applicability,
    /// Why that.
    pub why: String,
    /// Index of the draft in whose place it may stand.
    pub alternative_to: Option<usize>,
    /// When it ends by itself.
    pub expires: Option<String>,
}

impl Draft {
    /// The remedy, its proof still open.
    pub fn remedy(&self, id: String, alternative_to: Option<String>, finding: &str) -> Remedy {
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        let context = crate::commands::Context { finding, policy_name: None };
        let commands: Commands = crate::commands::commands(self.operation, &self.target, before, after, &context);
        Remedy {
            id,
            fixes: self.fixes.clone(),
            title: self.title.clone(),
            owner: Owner { account: self.target.account.clone(), role: owner_role(&self.target, self.operation) },
            operation: self.operation,
            target: self.target.clone(),
            before: self.before.clone(),
            after: self.after.clone(),
            patch: document::patch(before, after),
            before_digest: before.map(document::digest),
            after_digest: after.map(document::digest),
            applicability: self.applicability,
            why: self.why.clone(),
            alternative_to,
            expires: self.expires.clone(),
            verification: Verification {
                allowed_after: None,
                depends_on: Vec::new(),
                also_allowed: String::new(),
                also_allowed_requests: Vec::new(),
            },
            commands,
        }
    }
}

fn owner_role(target: &Target, operation: Operation) -> OwnerRole {
    let of_permission_set = target.principal.as_deref().is_some_and(|arn| arn.contains(":role/aws-reserved/"));
    match target.kind {
        TargetKind::Scp | TargetKind::PermissionSet => OwnerRole::OrganizationAdmin,
        // What hangs on a role of Identity Center is taken off in its permission set.
        _ if of_permission_set && operation == Operation::Detach => OwnerRole::OrganizationAdmin,
        TargetKind::SendingAuthorization => OwnerRole::IdentityOwner,
        _ => OwnerRole::AccountAdmin,
    }
}

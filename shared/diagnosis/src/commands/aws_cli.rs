//! The change as calls of the AWS CLI, and the calls that take it back.

use serde_json::Value;

use super::names::{
    Holder, identity_center_region, last_segment, or_fill_in, organization_policy_id, permission_set_name, policy_arn,
    policy_name, principal_name,
};
use super::shell::{Call, Step, chain, comment, word};
use super::{Change, Context};
use crate::document::limits::Limit;
use crate::document::quoted;
use crate::finding::{Target, TargetKind};

/// White space does not count, or far more is allowed than anyone reads.
const ANY_SIZE: usize = usize::MAX;

/// The change.
pub(super) fn apply(change: Change<'_>, target: &Target, context: &Context<'_>) -> String {
    let script = Script { target, context };
    let text = match change {
        Change::New { after } => script.create(after),
        Change::Replace { after, .. } => script.replace(after),
        Change::Detach { .. } => script.detach(),
        Change::Nothing => return nothing("there is no document to write"),
    };
    script.with_place(&text)
}

/// What takes it back.
pub(super) fn undo(change: Change<'_>, target: &Target, context: &Context<'_>) -> String {
    let script = Script { target, context };
    let text = match change {
        Change::New { .. } => script.delete(),
        Change::Replace { before, .. } => script.replace(before),
        Change::Detach { before } => match script.attach(before) {
            Some(text) => text,
            None => return nothing("the document was not read: put it back from where it is kept"),
        },
        Change::Nothing => return nothing("there is nothing to take back"),
    };
    script.with_place(&text)
}

/// A script of a comment only.
fn nothing(why: &str) -> String {
    comment(why).trim_end().to_owned()
}

/// The calls for one target.
struct Script<'a> {
    target: &'a Target,
    context: &'a Context<'a>,
}

impl Script<'_> {
    /// Says first in which account to run it.
    fn with_place(&self, text: &str) -> String {
        let place = match self.target.kind {
            TargetKind::Scp => "in the organization's management account, or a delegated administrator's".to_owned(),
            TargetKind::PermissionSet => format!(
                "in the account that administers Identity Center; fill in the ARNs of its instance and of the permission set {} \
                 (aws sso-admin list-instances, aws sso-admin list-permission-sets)",
                permission_set_name(self.target)
            ),
            _ => match &self.target.account {
                Some(account) => format!("in account {account}"),
                None => String::new(),
            },
        };
        let place = if place.is_empty() { String::new() } else { comment(&place) };
        format!("{place}{}", text.trim_end())
    }

    /// A new document, attached where it is to take effect.
    fn create(&self, document: &Value) -> String {
        let target = self.target;
        match target.kind {
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline | TargetKind::PermissionSet => {
                self.replace(document)
            }
            TargetKind::CustomerManaged => chain(&[self.create_managed(document).into(), self.attachment("attach")]),
            TargetKind::Boundary => {
                chain(&[self.create_managed(document).into(), self.put_boundary(&policy_arn(target))])
            }
            TargetKind::Scp => {
                let create = Call::new("organizations create-policy")
                    .option("type", "SERVICE_CONTROL_POLICY")
                    .option("name", policy_name(target))
                    .option("description", &self.description())
                    .option("query", "Policy.PolicySummary.Id")
                    .option("output", "text")
                    .document("content", document, Limit::ServiceControl.allowed());
                chain(&[Step::Read("policy_id", create), self.scp_attachment("attach")])
            }
            TargetKind::SendingAuthorization => chain(&[self
                .identity_policy("create-email-identity-policy")
                .document("policy", document, Limit::SendingAuthorization.allowed())
                .into()]),
        }
    }

    /// Another document in the place of the one that is there.
    fn replace(&self, document: &Value) -> String {
        let target = self.target;
        match target.kind {
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline => {
                chain(&[self.inline("put").document("policy-document", document, ANY_SIZE).into()])
            }
            TargetKind::CustomerManaged | TargetKind::Boundary => {
                let call = Call::new("iam create-policy-version")
                    .option("policy-arn", &policy_arn(target))
                    .flag("set-as-default")
                    .document("policy-document", document, ANY_SIZE);
                let limit = "a managed policy keeps five versions: if this answers LimitExceeded, delete an old one first \
                             (aws iam list-policy-versions, aws iam delete-policy-version)";
                comment(limit) + &chain(&[call.into()])
            }
            TargetKind::Scp => {
                let update = Call::new("organizations update-policy").variable("policy-id", "policy_id").document(
                    "content",
                    document,
                    Limit::ServiceControl.allowed(),
                );
                chain(&[self.scp_id(), update.into()])
            }
            TargetKind::SendingAuthorization => chain(&[self
                .identity_policy("update-email-identity-policy")
                .document("policy", document, Limit::SendingAuthorization.allowed())
                .into()]),
            TargetKind::PermissionSet => {
                self.permission_set(self.permission_set_call("put-inline-policy-to-permission-set").document(
                    "inline-policy",
                    document,
                    ANY_SIZE,
                ))
            }
        }
    }

    /// Takes the policy from the principal or node and leaves it where it is, if it can be without them.
    fn detach(&self) -> String {
        match self.target.kind {
            TargetKind::CustomerManaged => chain(&[self.attachment("detach")]),
            TargetKind::Boundary => chain(&[self.boundary_call("delete").into()]),
            TargetKind::Scp => chain(&[self.scp_id(), self.scp_attachment("detach")]),
            TargetKind::UserInline
            | TargetKind::RoleInline
            | TargetKind::GroupInline
            | TargetKind::SendingAuthorization
            | TargetKind::PermissionSet => self.delete(),
        }
    }

    /// Deletes what `create` made.
    fn delete(&self) -> String {
        let target = self.target;
        let delete_managed = || Call::new("iam delete-policy").option("policy-arn", &policy_arn(target)).into();
        match target.kind {
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline => {
                chain(&[self.inline("delete").into()])
            }
            TargetKind::CustomerManaged => chain(&[self.attachment("detach"), delete_managed()]),
            TargetKind::Boundary => {
                chain(&[self.put_boundary("<fill in: the ARN of the permissions boundary before>"), delete_managed()])
            }
            TargetKind::Scp => chain(&[
                self.scp_id(),
                self.scp_attachment("detach"),
                Call::new("organizations delete-policy").variable("policy-id", "policy_id").into(),
            ]),
            TargetKind::SendingAuthorization => chain(&[self.identity_policy("delete-email-identity-policy").into()]),
            TargetKind::PermissionSet => {
                self.permission_set(self.permission_set_call("delete-inline-policy-from-permission-set"))
            }
        }
    }

    /// Puts back what `detach` took; `None` when that needs a document that was not read.
    fn attach(&self, before: Option<&Value>) -> Option<String> {
        match self.target.kind {
            TargetKind::CustomerManaged => Some(chain(&[self.attachment("attach")])),
            TargetKind::Boundary => Some(chain(&[self.put_boundary(&policy_arn(self.target))])),
            TargetKind::Scp => Some(chain(&[self.scp_id(), self.scp_attachment("attach")])),
            TargetKind::UserInline
            | TargetKind::RoleInline
            | TargetKind::GroupInline
            | TargetKind::SendingAuthorization
            | TargetKind::PermissionSet => before.map(|before| self.create(before)),
        }
    }

    fn description(&self) -> String {
        format!("Sesame {}", self.context.finding).trim_end().chars().take(512).collect()
    }

    /// `put` or `delete` of an inline policy.
    fn inline(&self, verb: &str) -> Call {
        let holder = match self.target.kind {
            TargetKind::UserInline => "user",
            TargetKind::GroupInline => "group",
            _ => "role",
        };
        Call::new(format!("iam {verb}-{holder}-policy"))
            .option(&format!("{holder}-name"), principal_name(self.target))
            .option("policy-name", policy_name(self.target))
    }

    fn create_managed(&self, document: &Value) -> Call {
        Call::new("iam create-policy").option("policy-name", policy_name(self.target)).document(
            "policy-document",
            document,
            ANY_SIZE,
        )
    }

    /// `attach` or `detach` of a managed policy.
    fn attachment(&self, verb: &str) -> Step {
        let holder = Holder::of(self.target.principal.as_deref()).word();
        Call::new(format!("iam {verb}-{holder}-policy"))
            .option(&format!("{holder}-name"), principal_name(self.target))
            .option("policy-arn", &policy_arn(self.target))
            .into()
    }

    /// `put` or `delete` of the permissions boundary; groups have none.
    fn boundary_call(&self, verb: &str) -> Call {
        let holder = match Holder::of(self.target.principal.as_deref()) {
            Holder::User => Holder::User,
            Holder::Role | Holder::Group => Holder::Role,
        }
        .word();
        Call::new(format!("iam {verb}-{holder}-permissions-boundary"))
            .option(&format!("{holder}-name"), principal_name(self.target))
    }

    fn put_boundary(&self, arn: &str) -> Step {
        self.boundary_call("put").option("permissions-boundary", arn).into()
    }

    /// Sets `policy_id`: from the ARN, or looked up by the name that the policy was made with.
    fn scp_id(&self) -> Step {
        if let Some(id) = organization_policy_id(self.target) {
            return Step::Set("policy_id", word(id));
        }
        // A literal of the query language stands between backquotes, which the name must not end.
        let name = quoted(policy_name(self.target)).replace('`', "\\u0060");
        let list = Call::new("organizations list-policies")
            .option("filter", "SERVICE_CONTROL_POLICY")
            .option("query", &format!("Policies[?Name==`{name}`].Id"))
            .option("output", "text");
        Step::Read("policy_id", list)
    }

    /// `attach` or `detach` of the SCP in `policy_id`.
    fn scp_attachment(&self, verb: &str) -> Step {
        let node = or_fill_in(self.target.node.as_deref(), "<fill in: the id of the root, OU or account>");
        Call::new(format!("organizations {verb}-policy"))
            .variable("policy-id", "policy_id")
            .option("target-id", last_segment(node))
            .into()
    }

    fn identity_policy(&self, command: &str) -> Call {
        let target = self.target;
        Call::new(format!("sesv2 {command}"))
            .option("region", or_fill_in(target.region.as_deref(), "<fill in: the Region>"))
            .option("email-identity", or_fill_in(target.identity.as_deref(), "<fill in: the identity>"))
            .option("policy-name", policy_name(target))
    }

    fn permission_set_call(&self, command: &str) -> Call {
        let mut call = Call::new(format!("sso-admin {command}"));
        if let Some(region) = identity_center_region(self.target) {
            call = call.option("region", region);
        }
        call.variable("instance-arn", "instance_arn").variable("permission-set-arn", "permission_set_arn")
    }

    /// A change of a permission set, which takes effect once it is provisioned.
    fn permission_set(&self, change: Call) -> String {
        chain(&[
            Step::Set("instance_arn", word(super::names::INSTANCE_ARN_TO_FILL_IN)),
            Step::Set("permission_set_arn", word(super::names::PERMISSION_SET_ARN_TO_FILL_IN)),
            change.into(),
            self.permission_set_call("provision-permission-set")
                .option("target-type", "ALL_PROVISIONED_ACCOUNTS")
                .into(),
        ])
    }
}

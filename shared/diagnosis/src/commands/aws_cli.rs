//! The change as calls of the AWS CLI, and the calls that take it back.

use serde_json::{Value, json};

use super::names::{
    Holder, INSTANCE_ARN_TO_FILL_IN, PERMISSION_SET_ARN_TO_FILL_IN, identity_center_region, or_fill_in,
    organization_policy_id, path_of, permission_set_name, policy_arn, policy_name, principal_name,
};
use super::shell::{Call, Step, chain, comment, word};
use super::{Change, Context};
use crate::document::limits::Limit;
use crate::document::quoted;
use crate::finding::{Target, TargetKind};

/// White space does not count, or far more is allowed than anyone reads.
const ANY_SIZE: usize = usize::MAX;
/// The boundary that a new one takes the place of: a target does not name it.
const BOUNDARY_BEFORE: &str = "<fill in: the ARN of the permissions boundary before>";

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
            TargetKind::Scp => {
                comment("in the management account of the organization, or that of a delegated administrator")
            }
            TargetKind::PermissionSet => self.in_administering_account(),
            // What begins in Identity Center says so itself.
            _ if text.starts_with(&self.in_administering_account()) => String::new(),
            _ => self.in_account(),
        };
        format!("{place}{}", text.trim_end())
    }

    fn in_account(&self) -> String {
        match &self.target.account {
            Some(account) if account.bytes().all(|byte| byte.is_ascii_digit()) => {
                comment(&format!("in account {account}"))
            }
            _ => String::new(),
        }
    }

    fn in_administering_account(&self) -> String {
        comment("in the account that administers Identity Center")
            + &comment("fill in the ARN of its instance (aws sso-admin list-instances)")
            + &comment(&format!("and that of permission set {}", permission_set_name(self.target)))
            + &comment("(aws sso-admin list-permission-sets, aws sso-admin describe-permission-set)")
    }

    /// Whether the principal is a role of IAM Identity Center, which takes its policies and its boundary from a permission set
    /// alone.
    fn in_identity_center(&self) -> bool {
        identity_center_region(self.target).is_some()
    }

    /// A new document, attached where it is to take effect.
    fn create(&self, document: &Value) -> String {
        let target = self.target;
        match target.kind {
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline | TargetKind::PermissionSet => {
                self.replace(document)
            }
            TargetKind::CustomerManaged | TargetKind::Boundary if self.in_identity_center() => {
                let use_it = match target.kind {
                    TargetKind::Boundary => self.boundary_of_permission_set(&policy_arn(target)),
                    _ => self.attachment_of_permission_set("attach"),
                };
                format!("{}\n{use_it}", chain(&[self.create_managed(document).into()]))
            }
            TargetKind::CustomerManaged => chain(&[self.create_managed(document).into(), self.attachment("attach")]),
            TargetKind::Boundary => {
                chain(&[self.create_managed(document).into(), self.put_boundary(&policy_arn(target))])
            }
            TargetKind::Scp => {
                let create = Call::new("organizations create-policy")
                    .constant("type", "SERVICE_CONTROL_POLICY")
                    .option("name", policy_name(target))
                    .option("description", &self.description())
                    .constant("query", "Policy.PolicySummary.Id")
                    .constant("output", "text")
                    .document("content", document, Limit::ServiceControl.allowed());
                let attach = Call::new("organizations attach-policy").variable("policy-id", "policy_id");
                chain(&[Step::Read("policy_id", create), self.to_node(attach).into()])
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
                comment("a managed policy keeps five versions; if this answers LimitExceeded, delete an old one first")
                    + &comment("(aws iam list-policy-versions, aws iam delete-policy-version)")
                    + &chain(&[call.into()])
            }
            TargetKind::Scp => {
                let update = self.scp_call("update-policy");
                self.scp_chain(vec![update.document("content", document, Limit::ServiceControl.allowed())])
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
            TargetKind::CustomerManaged if self.in_identity_center() => self.attachment_of_permission_set("detach"),
            TargetKind::Boundary if self.in_identity_center() => {
                self.in_permission_set(self.permission_set_call("delete-permissions-boundary-from-permission-set"))
            }
            TargetKind::CustomerManaged => chain(&[self.attachment("detach")]),
            TargetKind::Boundary => chain(&[self.boundary_call("delete").into()]),
            TargetKind::Scp => self.scp_chain(vec![self.to_node(self.scp_call("detach-policy"))]),
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
            TargetKind::CustomerManaged | TargetKind::Boundary if self.in_identity_center() => {
                let no_longer = match target.kind {
                    TargetKind::Boundary => self.boundary_of_permission_set(BOUNDARY_BEFORE),
                    _ => self.attachment_of_permission_set("detach"),
                };
                format!("{no_longer}\n{}{}", self.in_account(), chain(&[delete_managed()]))
            }
            TargetKind::CustomerManaged => chain(&[self.attachment("detach"), delete_managed()]),
            TargetKind::Boundary => chain(&[self.put_boundary(BOUNDARY_BEFORE), delete_managed()]),
            TargetKind::Scp => {
                self.scp_chain(vec![self.to_node(self.scp_call("detach-policy")), self.scp_call("delete-policy")])
            }
            TargetKind::SendingAuthorization => chain(&[self.identity_policy("delete-email-identity-policy").into()]),
            TargetKind::PermissionSet => {
                self.permission_set(self.permission_set_call("delete-inline-policy-from-permission-set"))
            }
        }
    }

    /// Puts back what `detach` took; `None` when that needs a document that was not read.
    fn attach(&self, before: Option<&Value>) -> Option<String> {
        match self.target.kind {
            TargetKind::CustomerManaged if self.in_identity_center() => {
                Some(self.attachment_of_permission_set("attach"))
            }
            TargetKind::Boundary if self.in_identity_center() => {
                Some(self.boundary_of_permission_set(&policy_arn(self.target)))
            }
            TargetKind::CustomerManaged => Some(chain(&[self.attachment("attach")])),
            TargetKind::Boundary => Some(chain(&[self.put_boundary(&policy_arn(self.target))])),
            TargetKind::Scp => Some(self.scp_chain(vec![self.to_node(self.scp_call("attach-policy"))])),
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

    /// A call for the SCP: by the id in its ARN, or by the variable `policy_id`.
    fn scp_call(&self, command: &str) -> Call {
        let call = Call::new(format!("organizations {command}"));
        match organization_policy_id(self.target) {
            Some(id) => call.option("policy-id", id),
            None => call.variable("policy-id", "policy_id"),
        }
    }

    /// Calls for the SCP, after its id was looked up where only its name is known.
    fn scp_chain(&self, calls: Vec<Call>) -> String {
        let mut steps = Vec::new();
        if organization_policy_id(self.target).is_none() {
            // A literal of the query language stands between backquotes, which the name must not end.
            let name = quoted(policy_name(self.target)).replace('`', "\\u0060");
            let list = Call::new("organizations list-policies")
                .constant("filter", "SERVICE_CONTROL_POLICY")
                .option("query", &format!("Policies[?Name==`{name}`].Id"))
                .constant("output", "text");
            steps.push(Step::Read("policy_id", list));
        }
        steps.extend(calls.into_iter().map(Step::Call));
        chain(&steps)
    }

    /// Adds the root, OU or account.
    fn to_node(&self, call: Call) -> Call {
        call.option(
            "target-id",
            or_fill_in(self.target.node.as_deref(), "<fill in: the id of the root, OU or account>"),
        )
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

    /// `attach` or `detach` of a managed policy for a permission set: AWS's own by its ARN, a customer's by name and path.
    fn attachment_of_permission_set(&self, verb: &str) -> String {
        let to = if verb == "attach" { "to" } else { "from" };
        let arn = policy_arn(self.target);
        let call = match crate::assemble::managed_by_aws(&arn) {
            true => self
                .permission_set_call(&format!("{verb}-managed-policy-{to}-permission-set"))
                .option("managed-policy-arn", &arn),
            false => self
                .permission_set_call(&format!("{verb}-customer-managed-policy-reference-{to}-permission-set"))
                .option("customer-managed-policy-reference", &customer_reference(&arn).to_string()),
        };
        self.in_permission_set(call)
    }

    fn boundary_of_permission_set(&self, arn: &str) -> String {
        let boundary = match crate::assemble::managed_by_aws(arn) || arn == BOUNDARY_BEFORE {
            true => json!({ "ManagedPolicyArn": arn }),
            false => json!({ "CustomerManagedPolicyReference": customer_reference(arn) }),
        };
        let call = self.permission_set_call("put-permissions-boundary-to-permission-set");
        self.in_permission_set(call.option("permissions-boundary", &boundary.to_string()))
    }

    /// A change of a permission set for a policy that stands in another account.
    fn in_permission_set(&self, change: Call) -> String {
        self.in_administering_account() + &self.permission_set(change)
    }

    /// A change of a permission set, which takes effect once it is provisioned.
    fn permission_set(&self, change: Call) -> String {
        chain(&[
            Step::Set("instance_arn", word(INSTANCE_ARN_TO_FILL_IN)),
            Step::Set("permission_set_arn", word(PERMISSION_SET_ARN_TO_FILL_IN)),
            change.into(),
            self.permission_set_call("provision-permission-set")
                .constant("target-type", "ALL_PROVISIONED_ACCOUNTS")
                .into(),
        ])
    }
}

/// How a permission set names a customer's managed policy, which it looks for in every account that it is provisioned to.
fn customer_reference(arn: &str) -> Value {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    json!({ "Name": name, "Path": path_of(arn) })
}

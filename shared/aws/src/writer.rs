//! Policies of ours, written: inline policies of users and roles, sending authorization policies of identities.
//!
//! Each kind has a way to read, to write and to delete, and nothing else; a document that does not bear a name of ours is
//! neither written nor deleted, whoever asks.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use sesame_diagnosis::finding::{Target, TargetKind};
use sesame_policy::Arn;
use sesame_remediation::guard::PREFIX;
use sesame_remediation::receipt::Written;
use sesame_responder::ports::{PolicyWriter, PortError, Trace};

use crate::failure::Failure;
use crate::{Clients, Members};

/// IAM and SES take a moment until a change is seen everywhere.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>
const WAITS: [Duration; 7] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(8),
];

/// Writes to IAM and SES of the stack's account, and of accounts that have deployed its role.
#[derive(Debug, Clone)]
pub struct AwsPolicyWriter {
    clients: Clients,
    own_account: String,
    members: Members,
    waits: Vec<Duration>,
}

/// One of the places where a document of ours can stand.
enum Place<'t> {
    User { name: &'t str, policy: &'t str },
    Role { name: &'t str, policy: &'t str },
    Identity { region: &'t str, name: &'t str, policy: &'t str },
}

impl AwsPolicyWriter {
    /// Writes with the credentials of `own_account`.
    pub fn new(clients: Clients, own_account: impl Into<String>, members: Members) -> AwsPolicyWriter {
        AwsPolicyWriter { clients, own_account: own_account.into(), members, waits: WAITS.to_vec() }
    }

    /// Waits for so long, one after the other, until a change should be seen.
    #[must_use]
    pub fn waiting(self, waits: Vec<Duration>) -> AwsPolicyWriter {
        AwsPolicyWriter { waits, ..self }
    }

    async fn clients_for(&self, target: &Target) -> Result<Clients, PortError> {
        match target.account.as_deref() {
            Some(account) if account == self.own_account => Ok(self.clients.clone()),
            Some(account) => {
                let entered = self.members.clients(&self.clients, account).await;
                let without = || PortError::lasting(format!("account {account} has no apply role of this stack"));
                entered.ok_or_else(without)?.map_err(|refused| refused.port_error())
            }
            None => Err(PortError::lasting("expected a target in an account")),
        }
    }

    async fn delete(&self, target: &Target) -> Result<Trace, PortError> {
        let place = place(target)?;
        let clients = self.clients_for(target).await?;
        let (call, failure) = match place {
            Place::User { name, policy } => {
                let sent = clients.iam.delete_user_policy().user_name(name).policy_name(policy).send().await;
                ("iam:DeleteUserPolicy", sent.err().map(|error| Failure::of(&error)))
            }
            Place::Role { name, policy } => {
                let sent = clients.iam.delete_role_policy().role_name(name).policy_name(policy).send().await;
                ("iam:DeleteRolePolicy", sent.err().map(|error| Failure::of(&error)))
            }
            Place::Identity { region, name, policy } => {
                let ses = clients.ses(region);
                let sent = ses.delete_email_identity_policy().email_identity(name).policy_name(policy).send().await;
                ("ses:DeleteEmailIdentityPolicy", sent.err().map(|error| Failure::of(&error)))
            }
        };
        match failure {
            // It is gone: that is what was wanted.
            Some(failure) if failure.is_not_found() => Ok(Trace::default()),
            Some(failure) => Err(failure.port_error(call)),
            None => Ok(Trace::default()),
        }
    }

    async fn put(&self, target: &Target, document: &Value) -> Result<Trace, PortError> {
        let place = place(target)?;
        let clients = self.clients_for(target).await?;
        let text = document.to_string();
        match place {
            Place::User { name, policy } => {
                let request = clients.iam.put_user_policy().user_name(name).policy_name(policy).policy_document(text);
                let sent = request.send().await;
                sent.map_err(|error| Failure::of(&error).port_error("iam:PutUserPolicy"))?;
            }
            Place::Role { name, policy } => {
                let request = clients.iam.put_role_policy().role_name(name).policy_name(policy).policy_document(text);
                let sent = request.send().await;
                sent.map_err(|error| Failure::of(&error).port_error("iam:PutRolePolicy"))?;
            }
            Place::Identity { region, name, policy } => {
                let ses = clients.ses(region);
                let request = ses.create_email_identity_policy().email_identity(name).policy_name(policy).policy(text);
                match request.send().await {
                    Ok(_) => {}
                    // From a run that was cut off: reading back tells whether it is what was to be written.
                    Err(error) if error.as_service_error().is_some_and(|error| error.is_already_exists_exception()) => {
                    }
                    Err(error) => return Err(Failure::of(&error).port_error("ses:CreateEmailIdentityPolicy")),
                }
            }
        }
        Ok(Trace::default())
    }
}

impl PolicyWriter for AwsPolicyWriter {
    async fn read(&self, target: &Target) -> Result<Option<Value>, PortError> {
        let place = place(target)?;
        let clients = self.clients_for(target).await?;
        let document = match place {
            Place::User { name, policy } => {
                let sent = clients.iam.get_user_policy().user_name(name).policy_name(policy).send().await;
                let document = sent.map(|output| output.policy_document).map_err(|error| Failure::of(&error));
                found(document, "iam:GetUserPolicy")?.map(|text| url_decoded(&text)).transpose()?
            }
            Place::Role { name, policy } => {
                let sent = clients.iam.get_role_policy().role_name(name).policy_name(policy).send().await;
                let document = sent.map(|output| output.policy_document).map_err(|error| Failure::of(&error));
                found(document, "iam:GetRolePolicy")?.map(|text| url_decoded(&text)).transpose()?
            }
            Place::Identity { region, name, policy } => {
                let ses = clients.ses(region);
                // Not to be found is the identity, not the policy: that is an error.
                let sent = ses.get_email_identity_policies().email_identity(name).send().await;
                let sent = sent.map_err(|error| Failure::of(&error).port_error("ses:GetEmailIdentityPolicies"))?;
                sent.policies.and_then(|mut policies| policies.remove(policy))
            }
        };
        let parse = |text: String| {
            serde_json::from_str(&text)
                .map_err(|error| PortError::lasting(format!("the policy that is there is no JSON: {error}")))
        };
        document.map(parse).transpose()
    }

    async fn write(&self, target: &Target, document: Option<&Value>) -> Result<Trace, PortError> {
        match document {
            Some(document) => self.put(target, document).await,
            None => self.delete(target).await,
        }
    }

    async fn put_back(&self, written: &Written) -> Result<(), PortError> {
        self.write(&written.target, written.before.as_ref()).await.map(|_| ())
    }

    async fn settle(&self, attempt: u32) -> bool {
        let wait = usize::try_from(attempt).ok().and_then(|attempt| self.waits.get(attempt));
        match wait {
            Some(wait) => {
                tokio::time::sleep(*wait).await;
                true
            }
            None => false,
        }
    }
}

/// The place that a target names, if it is one where Sesame may write.
fn place(target: &Target) -> Result<Place<'_>, PortError> {
    let refused = |message: String| Err(PortError::lasting(message));
    let policy = target.policy.as_deref().unwrap_or_default();
    if policy.strip_prefix(PREFIX).is_none_or(str::is_empty) {
        return refused(format!("expected a policy name of ours (`{PREFIX}…`), found `{policy}`"));
    }
    let account = target.account.as_deref().unwrap_or_default();
    let named = |kind: &str| {
        let principal = target.principal.as_deref().unwrap_or_default();
        let resource = principal.splitn(6, ':').nth(5).and_then(|resource| resource.strip_prefix(kind));
        let name = resource.and_then(|rest| rest.rsplit('/').next()).filter(|name| !name.is_empty());
        let ours = Arn::parse(principal).is_ok_and(|arn| arn.service() == "iam" && arn.account() == account);
        name.filter(|_| ours).ok_or_else(|| {
            PortError::lasting(format!("expected a {kind}… of account `{account}`, found `{principal}`"))
        })
    };
    match target.kind {
        TargetKind::UserInline => Ok(Place::User { name: named("user/")?, policy }),
        TargetKind::RoleInline => Ok(Place::Role { name: named("role/")?, policy }),
        TargetKind::SendingAuthorization => match (target.region.as_deref(), target.identity.as_deref()) {
            (Some(region), Some(name)) if !region.is_empty() && !name.is_empty() => {
                Ok(Place::Identity { region, name, policy })
            }
            _ => refused("expected an identity with its Region".to_owned()),
        },
        kind => refused(format!("expected an inline or sending authorization policy, found {kind:?}")),
    }
}

fn found(document: Result<String, Failure>, call: &str) -> Result<Option<String>, PortError> {
    match document {
        Ok(text) => Ok(Some(text)),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure.port_error(call)),
    }
}

/// IAM hands documents out URL-encoded (RFC 3986).
fn url_decoded(text: &str) -> Result<String, PortError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|error| PortError::lasting(format!("the policy is no text: {error}")))
}

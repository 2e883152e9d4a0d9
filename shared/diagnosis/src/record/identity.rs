//! `userIdentity`: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>.

use serde::Deserialize;
use serde_json::Value;
use sesame_policy::Arn;

use super::lenient;
use crate::denial::Caller;

/// The fields of `userIdentity` that are used; each may be missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserIdentity {
    /// `Root`, `IAMUser`, `AssumedRole`, …
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: Option<String>,
    /// `AIDA…`, `AROA…:session`, …
    #[serde(deserialize_with = "lenient")]
    pub principal_id: Option<String>,
    /// The ARN of the user or the session.
    #[serde(deserialize_with = "lenient")]
    pub arn: Option<String>,
    /// The caller's account.
    #[serde(deserialize_with = "lenient")]
    pub account_id: Option<String>,
    /// The access key.
    #[serde(deserialize_with = "lenient")]
    pub access_key_id: Option<String>,
    /// The user's name; for the root user the account's alias.
    #[serde(deserialize_with = "lenient")]
    pub user_name: Option<String>,
    /// The service that called, or called for the caller.
    #[serde(deserialize_with = "lenient")]
    pub invoked_by: Option<String>,
    /// What is known of the session.
    #[serde(deserialize_with = "lenient")]
    pub session_context: Option<SessionContext>,
}

/// `userIdentity.sessionContext`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionContext {
    /// The role or user behind the session.
    #[serde(deserialize_with = "lenient")]
    pub session_issuer: Option<SessionIssuer>,
    /// How the session was made.
    #[serde(deserialize_with = "lenient")]
    pub attributes: Option<SessionAttributes>,
    /// The source identity that the session was made with.
    #[serde(deserialize_with = "lenient")]
    pub source_identity: Option<String>,
    /// Who vouched for the caller, where it came with a web identity.
    #[serde(deserialize_with = "lenient")]
    pub web_id_federation_data: Option<WebIdFederationData>,
}

/// `userIdentity.sessionContext.webIdFederationData`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebIdFederationData {
    /// The ARN of an OIDC provider, or `cognito-identity.amazonaws.com` and the like.
    #[serde(deserialize_with = "lenient")]
    pub federated_provider: Option<String>,
}

/// `userIdentity.sessionContext.sessionIssuer`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionIssuer {
    /// The ARN with its path.
    #[serde(deserialize_with = "lenient")]
    pub arn: Option<String>,
    /// Its account.
    #[serde(deserialize_with = "lenient")]
    pub account_id: Option<String>,
    /// The name of the role or user.
    #[serde(deserialize_with = "lenient")]
    pub user_name: Option<String>,
}

/// `userIdentity.sessionContext.attributes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionAttributes {
    /// When the session was made.
    #[serde(deserialize_with = "lenient")]
    pub creation_date: Option<String>,
    /// `"true"` or `"false"`.
    pub mfa_authenticated: Option<Value>,
}

/// Who called, by `userIdentity`. `region` tells the partition where an ARN has to be put together.
pub fn caller(identity: &UserIdentity, region: Option<&str>) -> Caller {
    let partition = partition(region);
    let account = identity.account_id.as_deref().filter(|account| !account.is_empty());
    let arn = identity.arn.as_deref();
    let by_arn = arn.map_or(Caller::Unknown, caller_of_arn);
    match identity.kind.as_deref().unwrap_or_default() {
        "Root" => match (by_arn, account) {
            (caller @ Caller::Root { .. }, _) => caller,
            (_, Some(account)) => caller_of_arn(&format!("arn:{partition}:iam::{account}:root")),
            (caller, None) => caller,
        },
        "IAMUser" => match (by_arn, account, &identity.user_name) {
            (caller @ Caller::User { .. }, _, _) => caller,
            (_, Some(account), Some(name)) => caller_of_arn(&format!("arn:{partition}:iam::{account}:user/{name}")),
            (caller, _, _) => caller,
        },
        "AssumedRole" | "Role" => role(identity, by_arn),
        "FederatedUser" => match by_arn {
            Caller::FederatedUser { arn, .. } => {
                let issuer = issuer(identity).and_then(|issuer| issuer.arn.as_deref());
                Caller::FederatedUser { arn, issuer: issuer.and_then(|arn| Arn::parse(arn).ok()) }
            }
            caller => caller,
        },
        "AWSService" => match &identity.invoked_by {
            Some(service) => Caller::Service(service.clone()),
            None => by_arn,
        },
        "AWSAccount" => match (by_arn, account) {
            (Caller::Unknown, Some(_)) => account_only(identity),
            (caller, _) => caller,
        },
        // Types that a send does not come from, and new ones: what an ARN tells holds for them too.
        _ => match (by_arn, &identity.invoked_by) {
            (Caller::Unknown, Some(service)) if arn.is_none() && account.is_none() => Caller::Service(service.clone()),
            (caller, _) => caller,
        },
    }
}

/// Who called, by the ARN that AWS's message names.
pub fn caller_of_arn(text: &str) -> Caller {
    let Ok(arn) = Arn::parse(text) else { return Caller::Unknown };
    if arn.account().is_empty() {
        return Caller::Unknown;
    }
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    match (arn.service(), kind) {
        ("iam", "root") => Caller::Root { arn },
        ("iam", "user") if !rest.is_empty() => Caller::User { arn },
        ("iam", "role") if !rest.is_empty() => Caller::Role {
            account: arn.account().to_owned(),
            name: last_segment(rest).to_owned(),
            role_arn: Some(arn),
            session_arn: None,
        },
        ("sts", "assumed-role") if !rest.is_empty() => Caller::Role {
            account: arn.account().to_owned(),
            name: rest.split('/').next().unwrap_or_default().to_owned(),
            role_arn: None,
            session_arn: Some(arn),
        },
        ("sts", "federated-user") if !rest.is_empty() => Caller::FederatedUser { arn, issuer: None },
        _ => Caller::Unknown,
    }
}

/// A session of a role: the role is the session's issuer, whose ARN has the path; else the session's ARN tells its name.
fn role(identity: &UserIdentity, by_arn: Caller) -> Caller {
    let issuer = issuer(identity);
    let by_issuer = issuer.and_then(|issuer| issuer.arn.as_deref()).map_or(Caller::Unknown, caller_of_arn);
    match (by_issuer, by_arn) {
        (Caller::Role { account, name, role_arn: Some(role_arn), .. }, by_arn) => {
            let session_arn = match by_arn {
                Caller::Role { session_arn, .. } => session_arn,
                _ => None,
            };
            Caller::Role { account, name, role_arn: Some(role_arn), session_arn }
        }
        (_, caller @ Caller::Role { .. }) => caller,
        (caller @ Caller::Root { .. }, _) => caller,
        _ => {
            let name = issuer.and_then(|issuer| issuer.user_name.clone());
            let account = issuer.and_then(|issuer| issuer.account_id.clone()).or_else(|| identity.account_id.clone());
            match (account, name) {
                (Some(account), Some(name)) if !account.is_empty() && !name.is_empty() => {
                    Caller::Role { account, name, role_arn: None, session_arn: None }
                }
                _ => Caller::Unknown,
            }
        }
    }
}

fn account_only(identity: &UserIdentity) -> Caller {
    match &identity.account_id {
        Some(account) => Caller::Account { account: account.clone(), principal_id: identity.principal_id.clone() },
        None => Caller::Unknown,
    }
}

fn issuer(identity: &UserIdentity) -> Option<&SessionIssuer> {
    identity.session_context.as_ref().and_then(|session| session.session_issuer.as_ref())
}

fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The partition of a Region; `aws` when the Region is not known.
pub(crate) fn partition(region: Option<&str>) -> &'static str {
    const PARTITIONS: [(&str, &str); 5] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eusc-", "aws-eusc"),
    ];
    let region = region.unwrap_or_default();
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

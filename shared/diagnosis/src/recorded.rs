//! What a record told of one call, in the form that a finding keeps: the same call can be judged again by it, with everything
//! that its conditions turn on.

use serde::{Deserialize, Serialize};

use crate::denial::{Denial, SendParameters};

/// What is kept beside the finding's caller, Region and message, which all its calls have in common.
///
/// What the record does not tell is left out; a parameter that was not given is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Recorded {
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `sourceIPAddress`, which may be the name of an AWS service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// `userAgent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Whether the call was made over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_transport: Option<bool>,
    /// `vpcEndpointId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_id: Option<String>,
    /// The AWS service that made the call for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
    /// Whether the session used MFA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa_authenticated: Option<bool>,
    /// When the session's credentials were made; RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_created: Option<String>,
    /// `sts:SourceIdentity` of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// Who vouched for the caller of `AssumeRoleWithWebIdentity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_identity_provider: Option<String>,
    /// The kind of the access key and its last four characters: never the key's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// What was to be sent.
    pub send: SendParameters,
}

impl Recorded {
    /// What is kept of a call.
    pub fn of(denial: &Denial) -> Recorded {
        Recorded {
            time: denial.time.map(|time| time.to_string()),
            source_ip: denial.source_ip.clone(),
            user_agent: denial.user_agent.clone(),
            secure_transport: denial.secure_transport,
            vpc_endpoint_id: denial.vpc_endpoint_id.clone(),
            invoked_by: denial.invoked_by.clone(),
            mfa_authenticated: denial.mfa_authenticated,
            session_created: denial.session_created.map(|time| time.to_string()),
            source_identity: denial.source_identity.clone(),
            web_identity_provider: denial.web_identity_provider.clone(),
            access_key: denial.access_key_id.as_deref().and_then(kind_and_suffix),
            send: denial.send.clone(),
        }
    }

    /// The call again, with what all calls of the finding have in common.
    pub fn again(self, base: &Denial) -> Denial {
        let time = |text: Option<String>| text.and_then(|text| text.parse().ok());
        Denial {
            time: time(self.time).or(base.time),
            source_ip: self.source_ip,
            user_agent: self.user_agent,
            secure_transport: self.secure_transport,
            vpc_endpoint_id: self.vpc_endpoint_id,
            invoked_by: self.invoked_by,
            mfa_authenticated: self.mfa_authenticated,
            session_created: time(self.session_created),
            source_identity: self.source_identity,
            web_identity_provider: self.web_identity_provider,
            access_key_id: self.access_key,
            send: self.send,
            ..base.clone()
        }
    }
}

/// `AKIA…MPLE`: whether it is a long-term key, and enough to find it.
fn kind_and_suffix(key_id: &str) -> Option<String> {
    let kind = key_id.get(..4)?;
    let start = key_id.len().checked_sub(4).filter(|start| *start >= 4)?;
    Some(format!("{kind}…{}", key_id.get(start..)?))
}

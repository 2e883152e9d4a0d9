//! Roles of other accounts: entered at once, so that a refusal is known before anything is asked with their rights.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};
use sesame_diagnosis::finding::Gap;
use sesame_responder::ports::PortError;

use crate::Clients;
use crate::failure::Failure;

const CALL: &str = "sts:AssumeRole";
/// How long the credentials of a role hold, in seconds: the least that STS gives.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const SESSION_SECONDS: i32 = 900;
/// Credentials that hold for less than this are made anew.
const MARGIN: Duration = Duration::from_secs(60);

/// A role, and what it wants to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// The external id that its trust policy asks for, where it does.
    pub external_id: Option<String>,
}

/// Why a role could not be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRefused {
    arn: String,
    failure: Failure,
}

impl Clients {
    /// The same with the rights of a role. They are renewed for as long as the clients are used.
    ///
    /// # Errors
    /// What STS says: no such role, it does not trust the caller, or the caller may not ask.
    pub async fn as_role(&self, role: Role) -> Result<Clients, RoleRefused> {
        let sts = self.sts.clone();
        let first = assume(&sts, &role).await.map_err(|failure| RoleRefused { arn: role.arn.clone(), failure })?;
        Ok(self.with_credentials(SharedCredentialsProvider::new(RoleCredentials { sts, role, first })))
    }
}

impl RoleRefused {
    /// The gap of a layer; `what` says what is not known for it.
    pub(crate) fn gap(&self, layer: &str, what: &str) -> Gap {
        self.failure.gap(layer, &format!("{CALL} {}", self.arn), what)
    }

    /// The error of a port.
    pub(crate) fn port_error(&self) -> PortError {
        self.failure.port_error(&format!("{CALL} {}", self.arn))
    }
}

impl fmt::Display for RoleRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.port_error().fmt(f)
    }
}

impl std::error::Error for RoleRefused {}

/// Makes credentials of a role when those that it has run out.
#[derive(Debug)]
struct RoleCredentials {
    sts: aws_sdk_sts::Client,
    role: Role,
    first: Credentials,
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        provider::future::ProvideCredentials::new(async {
            let good = |expiry: SystemTime| expiry > SystemTime::now() + MARGIN;
            if self.first.expiry().is_none_or(good) {
                return Ok(self.first.clone());
            }
            let made = assume(&self.sts, &self.role).await;
            made.map_err(|failure| {
                CredentialsError::provider_error(RoleRefused { arn: self.role.arn.clone(), failure })
            })
        })
    }
}

async fn assume(sts: &aws_sdk_sts::Client, role: &Role) -> Result<Credentials, Failure> {
    let request = sts.assume_role().role_arn(&role.arn).role_session_name("sesame");
    let request = request.set_external_id(role.external_id.clone()).duration_seconds(SESSION_SECONDS);
    let output = request.send().await.map_err(|error| Failure::of(&error))?;
    let given = output.credentials.ok_or_else(|| Failure::unanswered("no credentials"))?;
    let expiry = SystemTime::try_from(given.expiration).ok();
    let Some(expiry) = expiry else { return Err(Failure::unanswered("credentials without an end")) };
    Ok(Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), Some(expiry), CALL))
}

//! Other accounts, reached only through a role that their owner has deployed for this stack.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use sesame_responder::ports::PortError;

use crate::Clients;
use crate::failure::Failure;

/// How long the credentials of a member's role hold, in seconds: the least that STS gives.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const SESSION_SECONDS: i32 = 900;

/// The accounts whose owner has deployed the apply role of `infra/member-account.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    role: String,
    accounts: Vec<String>,
    external_id: String,
}

impl Members {
    /// Accounts (twelve digits) that have a role of this name which trusts the stack under this external id.
    pub fn new(role: impl Into<String>, accounts: Vec<String>, external_id: impl Into<String>) -> Members {
        Members { role: role.into(), accounts, external_id: external_id.into() }
    }

    /// No other account.
    pub fn none() -> Members {
        Members::new("", Vec::new(), "")
    }

    /// Whether an account is one of them.
    pub fn has(&self, account: &str) -> bool {
        self.accounts.iter().any(|member| member == account)
    }

    /// Clients with the rights of an account's role.
    ///
    /// # Errors
    /// An account that is not listed, before STS is asked; or what STS says.
    pub(crate) async fn clients(&self, own: &Clients, account: &str) -> Result<Clients, PortError> {
        if !self.has(account) {
            return Err(PortError::lasting(format!("account {account} has no apply role of this stack")));
        }
        let arn = format!("arn:{}:iam::{account}:role/{}", partition(own.region().unwrap_or_default()), self.role);
        let request = own.sts.assume_role().role_arn(&arn).role_session_name("sesame-apply");
        let request = request.external_id(&self.external_id).duration_seconds(SESSION_SECONDS);
        let output = request.send().await.map_err(|error| Failure::of(&error).port_error("sts:AssumeRole"))?;
        let given = output.credentials.ok_or_else(|| PortError::passing("sts:AssumeRole gave no credentials"))?;
        let credentials = Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            None,
            "member account",
        );
        Ok(own.with_credentials(SharedCredentialsProvider::new(credentials)))
    }
}

/// The partition of a Region. <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn partition(region: &str) -> &'static str {
    match region {
        china if china.starts_with("cn-") => "aws-cn",
        government if government.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

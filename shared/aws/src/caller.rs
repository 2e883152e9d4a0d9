//! Who is calling, asked first: where this cannot be answered, nothing can.

use aws_sdk_sts::error::ProvideErrorMetadata as _;

use crate::clients::{AccessError, causes};
use crate::failure::Failure;
use crate::{Access, Clients};

/// The owner of the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The ARN of the user or of the role's session.
    pub arn: String,
}

/// Clients with a person's own credentials, and whose they are.
///
/// # Errors
/// No credentials, credentials that AWS does not take, or no way to AWS.
pub async fn caller(access: &Access) -> Result<(Clients, Caller), AccessError> {
    let clients = Clients::of_caller(access).await?;
    let caller = clients.caller().await?;
    Ok((clients, caller))
}

impl Clients {
    /// Whose credentials these are. Needs no permission.
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    ///
    /// # Errors
    /// Credentials that AWS does not take, or no way to AWS.
    pub async fn caller(&self) -> Result<Caller, AccessError> {
        const CALL: &str = "sts:GetCallerIdentity";
        let output = self.sts.get_caller_identity().send().await.map_err(|error| {
            let failure = Failure::of(&error);
            match error.as_service_error() {
                Some(refusal) if failure.is_refusal() => {
                    let said = refusal.message().map(|said| format!(" ({said})")).unwrap_or_default();
                    AccessError(format!(
                        "AWS does not take these credentials: `{CALL}` gave {}{said}; sign in again",
                        failure.code
                    ))
                }
                Some(_) => AccessError(format!("AWS could not be asked: `{CALL}` gave {}; try again", failure.code)),
                None => AccessError(format!(
                    "AWS could not be reached: {}; check the network, the proxy and AWS_ENDPOINT_URL",
                    causes(&error)
                )),
            }
        })?;
        match (output.account, output.arn) {
            (Some(account), Some(arn)) => Ok(Caller { account, arn }),
            _ => Err(AccessError(format!("`{CALL}` named no account"))),
        }
    }
}

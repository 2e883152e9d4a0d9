//! Other accounts, reached only through a role that their owner has deployed for this stack.

use crate::Clients;
use crate::role::{Role, RoleRefused};

/// The accounts whose owner has deployed one of the roles of `infra/member-account.yaml`.
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

    /// Clients with the rights of an account's role; `None` for an account that is not listed, and then nobody is asked.
    pub(crate) async fn clients(&self, own: &Clients, account: &str) -> Option<Result<Clients, RoleRefused>> {
        if !self.accounts.iter().any(|member| member == account) {
            return None;
        }
        let partition = partition(own.region().unwrap_or_default());
        let arn = format!("arn:{partition}:iam::{account}:role/{}", self.role);
        Some(own.as_role(Role { arn, external_id: Some(self.external_id.clone()) }).await)
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

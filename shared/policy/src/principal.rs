//! Who asks: the principal of a request.

use crate::arn::Arn;

/// The principal of a request. Parsed from the forms of the case format; see [`Principal::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The root user of an account.
    Root {
        /// The whole ARN, as given.
        arn: Arn,
    },
    /// An IAM user.
    User {
        /// `arn:…:iam::A:user/path/name`.
        arn: Arn,
    },
    /// A role, or a session of it.
    Role {
        /// Twelve digits.
        account: String,
        /// The role's name, without its path.
        name: String,
        /// The role's ARN with its path, where it is known (a session's ARN does not hold the path).
        role_arn: Option<Arn>,
        /// The session's name; `None`: some session of the role, its name not known.
        session: Option<String>,
    },
    /// A federated user (`sts:GetFederationToken`).
    FederatedUser {
        /// `arn:…:sts::A:federated-user/name`.
        arn: Arn,
        /// The IAM user (or account root) who got the token, where it is known.
        issuer: Option<Arn>,
    },
    /// An AWS service, by its name such as `ses.amazonaws.com`.
    Service(String),
    /// Nobody in particular.
    Anonymous,
}

impl Principal {
    /// Parses `arn:…`, `service:NAME` or `anonymous`.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Principal, String> {
        let expected = || format!("expected the ARN of a principal, `service:NAME` or `anonymous`, found `{text}`");
        if text == "anonymous" {
            return Ok(Principal::Anonymous);
        }
        if let Some(name) = text.strip_prefix("service:").filter(|name| !name.is_empty()) {
            return Ok(Principal::Service(name.to_owned()));
        }
        let arn = Arn::parse(text).map_err(|_| expected())?;
        let account = arn.account().to_owned();
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(expected());
        }
        let resource = arn.resource().to_owned();
        match (arn.service(), resource.split_once('/')) {
            ("iam", None) if resource == "root" => Ok(Principal::Root { arn }),
            ("iam", Some(("user", name))) if !name.is_empty() => Ok(Principal::User { arn }),
            ("iam", Some(("role", path))) if !path.is_empty() => {
                let name = path.rsplit('/').next().unwrap_or(path).to_owned();
                Ok(Principal::Role { account, name, role_arn: Some(arn), session: None })
            }
            ("sts", Some(("assumed-role", rest))) => {
                let (name, session) = rest.split_once('/').ok_or_else(expected)?;
                let (name, session) = (name.to_owned(), Some(session.to_owned()));
                Ok(Principal::Role { account, name, role_arn: None, session })
            }
            ("sts", Some(("federated-user", name))) if !name.is_empty() => {
                Ok(Principal::FederatedUser { arn, issuer: None })
            }
            _ => Err(expected()),
        }
    }

    /// The principal's account, twelve digits; services and anonymous callers have none.
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::Root { arn } | Principal::User { arn } | Principal::FederatedUser { arn, .. } => {
                Some(arn.account())
            }
            Principal::Role { account, .. } => Some(account),
            Principal::Service(_) | Principal::Anonymous => None,
        }
    }

    /// Whether it is a role under `/aws-service-role/`, which service control policies do not bind.
    pub fn is_service_linked(&self) -> bool {
        matches!(self, Principal::Role { role_arn: Some(arn), .. } if arn.resource().starts_with("role/aws-service-role/"))
    }
}

//! Who asks: the principal of a request.

use std::fmt;

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
        /// `aws`, `aws-cn`, `aws-us-gov`, …
        partition: String,
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
        /// The IAM user (or account root) who got the token, where it is known. The identity policies of a request are those
        /// of this user; a root user has none and may do everything, which a policy that allows everything stands for.
        issuer: Option<Arn>,
    },
    /// An AWS service, by its name such as `ses.amazonaws.com`.
    Service(String),
    /// Nobody in particular.
    Anonymous,
}

/// Why a text is no principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the ARN of a user, role, assumed-role session, federated user or account root, `service:NAME` or `anonymous`, \
     found `{0}`"
)]
pub struct PrincipalError(pub String);

impl Principal {
    /// Parses the ARN of a user, a role (some session of it), an assumed-role session, a federated user or an account's root,
    /// `service:ses.amazonaws.com`, or `anonymous`.
    pub fn parse(text: &str) -> Result<Principal, PrincipalError> {
        let refused = || PrincipalError(text.to_owned());
        if text == "anonymous" {
            return Ok(Principal::Anonymous);
        }
        if let Some(name) = text.strip_prefix("service:") {
            return if name.is_empty() { Err(refused()) } else { Ok(Principal::Service(name.to_owned())) };
        }
        let arn = Arn::parse(text).map_err(|_| refused())?;
        let (partition, account) = (arn.partition().to_owned(), arn.account().to_owned());
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if partition.is_empty() || !arn.region().is_empty() || !digits {
            return Err(refused());
        }
        let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        let name = rest.rsplit('/').next().unwrap_or_default().to_owned();
        match (arn.service(), kind) {
            ("iam", "root") if arn.resource() == "root" => Ok(Principal::Root { arn }),
            ("iam", "user") if !name.is_empty() => Ok(Principal::User { arn }),
            ("iam", "role") if !name.is_empty() => {
                Ok(Principal::Role { partition, account, name, role_arn: Some(arn), session: None })
            }
            ("sts", "assumed-role") => match rest.split_once('/') {
                Some((name, session)) if !name.is_empty() && !session.is_empty() => {
                    let (name, session) = (name.to_owned(), Some(session.to_owned()));
                    Ok(Principal::Role { partition, account, name, role_arn: None, session })
                }
                _ => Err(refused()),
            },
            ("sts", "federated-user") if !name.is_empty() => Ok(Principal::FederatedUser { arn, issuer: None }),
            _ => Err(refused()),
        }
    }

    /// The account; `None` for a service and for anonymous callers.
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::Root { arn } | Principal::User { arn } | Principal::FederatedUser { arn, .. } => {
                Some(arn.account())
            }
            Principal::Role { account, .. } => Some(account),
            Principal::Service(_) | Principal::Anonymous => None,
        }
    }

    /// The partition; `None` for a service and for anonymous callers.
    pub fn partition(&self) -> Option<&str> {
        match self {
            Principal::Root { arn } | Principal::User { arn } | Principal::FederatedUser { arn, .. } => {
                Some(arn.partition())
            }
            Principal::Role { partition, .. } => Some(partition),
            Principal::Service(_) | Principal::Anonymous => None,
        }
    }

    /// A service-linked role, which SCPs do not bind. Told by the path of the role's ARN, so not for a session of which only
    /// the session's ARN is known.
    pub fn is_service_linked_role(&self) -> bool {
        match self {
            Principal::Role { role_arn: Some(arn), .. } => arn.resource().starts_with("role/aws-service-role/"),
            _ => false,
        }
    }
}

/// The form that [`Principal::parse`] takes.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Root { arn } | Principal::User { arn } | Principal::FederatedUser { arn, .. } => {
                write!(f, "{arn}")
            }
            Principal::Role { role_arn: Some(arn), session: None, .. } => write!(f, "{arn}"),
            Principal::Role { partition, account, name, session: None, .. } => {
                write!(f, "arn:{partition}:iam::{account}:role/{name}")
            }
            Principal::Role { partition, account, name, session: Some(session), .. } => {
                write!(f, "arn:{partition}:sts::{account}:assumed-role/{name}/{session}")
            }
            Principal::Service(name) => write!(f, "service:{name}"),
            Principal::Anonymous => f.write_str("anonymous"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_prints_as_it_was_read() {
        for text in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/team/mailer",
            "arn:aws-cn:iam::111122223333:role/team/app",
            "arn:aws-cn:sts::111122223333:assumed-role/app/session@x",
            "arn:aws:sts::111122223333:federated-user/bob",
            "service:ses.amazonaws.com",
            "anonymous",
        ] {
            assert_eq!(Principal::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_role_has_its_name_without_the_path() {
        let role = Principal::parse("arn:aws:iam::111122223333:role/a/b/app").unwrap();
        assert!(matches!(&role, Principal::Role { name, session: None, role_arn: Some(_), .. } if name == "app"));
        assert_eq!(role.account(), Some("111122223333"));
        let linked = Principal::parse("arn:aws:iam::111122223333:role/aws-service-role/ses.amazonaws.com/X").unwrap();
        assert!(linked.is_service_linked_role() && !role.is_service_linked_role());
    }

    #[test]
    fn what_is_no_principal_is_refused() {
        for text in [
            "",
            "*",
            "111122223333",
            "service:",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/team/",
            "arn:aws:sts::111122223333:federated-user/",
            "arn:aws:sts::111122223333:assumed-role/app/",
            "arn:aws:iam::1111222233334:user/x",
            "arn:aws:iam::11112222333x:user/x",
            "arn:aws:iam::11112222333:user/x",
            "arn:aws:iam:us-east-1:111122223333:user/x",
            "arn:aws:sts:us-east-1:111122223333:assumed-role/app/session",
            "arn::iam::111122223333:user/x",
            "arn:aws:iam::111122223333:group/x",
            "arn:aws:iam::111122223333:root/x",
            "arn:aws:sts::111122223333:assumed-role/app",
            "arn:aws:sts::111122223333:assumed-role//s",
            "Anonymous",
            "arn:aws:ses:us-east-1:111122223333:identity/example.com",
        ] {
            assert_eq!(Principal::parse(text), Err(PrincipalError(text.to_owned())), "{text}");
        }
    }
}

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

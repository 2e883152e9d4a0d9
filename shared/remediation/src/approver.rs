//! Who may not decide: the one who was refused; and who counts as somebody else.

use sesame_diagnosis::finding::Finding;
use sesame_policy::Arn;

use crate::decision::Approver;

/// Whether this decision would be the refused principal's own, in whatever form its ARN is given.
pub fn is_refused_principal(finding: &Finding, approver: &Approver) -> bool {
    let Some(approver) = approver.id.as_deref().and_then(identity) else { return false };
    [&finding.principal.arn, &finding.principal.session_arn, &finding.witness.principal]
        .into_iter()
        .flatten()
        .filter_map(|arn| identity(arn))
        .any(|refused| refused == approver)
}

/// Whether two ARNs are of the same user or role, sessions included.
pub fn same_principal(a: &str, b: &str) -> bool {
    identity(a).is_some_and(|a| identity(b) == Some(a))
}

/// Whether two approvers are known to be two people. Whoever follows a link is not known, and sessions of one role count as
/// one.
pub fn are_distinct(a: &Approver, b: &Approver) -> bool {
    match (&a.id, &b.id) {
        (Some(one), Some(other)) => one != other && !same_principal(one, other),
        _ => false,
    }
}

/// What stays the same between the ARNs of a user or role and those of its sessions: account, kind and name. Names are unique
/// in an account without regard to case, so that paths do not matter.
fn identity(arn: &str) -> Option<(String, &'static str, String)> {
    let arn = Arn::parse(arn).ok()?;
    let mut segments = arn.resource().split('/');
    let (kind, name) = match (arn.service(), segments.next()?) {
        ("iam", "root") => ("root", ""),
        ("iam", "user") => ("user", segments.next_back()?),
        ("iam", "role") => ("role", segments.next_back()?),
        ("sts", "assumed-role") => ("role", segments.next()?),
        ("sts", "federated-user") => ("federated-user", segments.next()?),
        _ => return None,
    };
    Some((arn.account().to_owned(), kind, name.to_ascii_lowercase()))
}

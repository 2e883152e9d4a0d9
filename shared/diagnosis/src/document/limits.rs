//! AWS's rules for the size and the characters of policy documents and names. Where each comes from: `docs/limits.md` in
//! the repository.
//!
//! AWS's pages say *characters*, its error messages say *bytes*; white space between the parts of a document does not count
//! for IAM, and its pages do not say whether white space inside strings does. Each check takes the stricter reading: UTF-8
//! bytes of the document without white space between its parts. What passes here is not refused for its size.

use std::fmt;

use serde_json::Value;

use super::text::compact;
use crate::finding::TargetKind;

/// Which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// All inline policies of a user together.
    UserInline,
    /// All inline policies of a group together.
    GroupInline,
    /// All inline policies of a role together.
    RoleInline,
    /// One managed policy, boundaries included.
    Managed,
    /// One service control policy.
    ServiceControl,
    /// One sending authorization policy.
    SendingAuthorization,
    /// The sending authorization policies of one identity.
    SendingAuthorizationCount,
    /// The name of a sending authorization policy.
    SendingAuthorizationName,
    /// The characters in the name of a sending authorization policy.
    SendingAuthorizationNameCharacters,
    /// The name of an IAM policy.
    PolicyName,
    /// The characters in the name of an IAM policy.
    PolicyNameCharacters,
    /// The name of a service control policy.
    ServiceControlName,
    /// The characters in an IAM policy document.
    DocumentCharacters,
    /// The managed policies attached to one user, group or role.
    AttachedPolicies,
    /// The inline policy of a permission set.
    PermissionSetInline,
}

impl Limit {
    /// What AWS allows; for characters, how many that are not in the set: none.
    pub const fn allowed(self) -> usize {
        match self {
            Limit::UserInline => 2_048,
            Limit::GroupInline | Limit::ServiceControl => 5_120,
            Limit::RoleInline | Limit::PermissionSetInline => 10_240,
            Limit::Managed => 6_144,
            Limit::SendingAuthorization => 4_096,
            Limit::SendingAuthorizationCount => 20,
            Limit::SendingAuthorizationName => 64,
            Limit::PolicyName | Limit::ServiceControlName => 128,
            Limit::AttachedPolicies => 10,
            Limit::SendingAuthorizationNameCharacters | Limit::PolicyNameCharacters | Limit::DocumentCharacters => 0,
        }
    }
}

/// A rule that a document or a name breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitExceeded {
    /// Which rule.
    pub limit: Limit,
    /// How much it allows.
    pub allowed: usize,
    /// How much it would be.
    pub actual: usize,
}

impl std::error::Error for LimitExceeded {}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitExceeded { limit, allowed, actual } = self;
        match limit {
            Limit::UserInline => size(f, "the inline policies of the user together", *actual, *allowed),
            Limit::GroupInline => size(f, "the inline policies of the group together", *actual, *allowed),
            Limit::RoleInline => size(f, "the inline policies of the role together", *actual, *allowed),
            Limit::Managed => size(f, "the managed policy", *actual, *allowed),
            Limit::ServiceControl => size(f, "the service control policy", *actual, *allowed),
            Limit::SendingAuthorization => size(f, "the sending authorization policy", *actual, *allowed),
            Limit::PermissionSetInline => size(f, "the inline policy of the permission set", *actual, *allowed),
            Limit::SendingAuthorizationName => {
                size(f, "the name of the sending authorization policy", *actual, *allowed)
            }
            Limit::PolicyName => size(f, "the name of the policy", *actual, *allowed),
            Limit::ServiceControlName => size(f, "the name of the service control policy", *actual, *allowed),
            Limit::SendingAuthorizationCount => {
                write!(f, "the identity would have {actual} sending authorization policies, SES allows {allowed}")
            }
            Limit::AttachedPolicies => {
                write!(f, "{actual} managed policies would be attached, the quota is {allowed}")
            }
            Limit::SendingAuthorizationNameCharacters => write!(
                f,
                "the name of the sending authorization policy has {actual} characters other than letters, digits, `_` and `-`"
            ),
            Limit::PolicyNameCharacters => {
                write!(f, "the name of the policy has {actual} characters other than letters, digits and `_+=,.@-`")
            }
            Limit::DocumentCharacters => write!(
                f,
                "the document has {actual} characters other than tab, line feed, carriage return and U+0020 to U+00FF"
            ),
        }
    }
}

fn size(f: &mut fmt::Formatter<'_>, what: &str, actual: usize, allowed: usize) -> fmt::Result {
    write!(f, "{what} would be {actual} characters long, AWS allows {allowed}")
}

fn at_most(limit: Limit, actual: usize) -> Result<(), LimitExceeded> {
    let allowed = limit.allowed();
    if actual <= allowed { Ok(()) } else { Err(LimitExceeded { limit, allowed, actual }) }
}

/// The size of a document as the checks count it: UTF-8 bytes, without white space between its parts.
pub fn counted_size(document: &Value) -> usize {
    compact(document).len()
}

/// Whether a document and the others that count with it fit what AWS allows for this kind of target.
///
/// `beside`: for inline policies of a user, group or role, its other inline policies (without the one that is written), whose
/// sizes are added up; for a sending authorization policy, the identity's others, which are counted. Not used otherwise.
pub fn check_document<'a>(
    kind: TargetKind,
    document: &Value,
    beside: impl IntoIterator<Item = &'a Value>,
) -> Result<(), LimitExceeded> {
    let together = |limit: Limit, beside: &mut dyn Iterator<Item = &'a Value>| {
        at_most(limit, counted_size(document) + beside.map(counted_size).sum::<usize>())
    };
    let mut beside = beside.into_iter();
    match kind {
        TargetKind::UserInline => together(Limit::UserInline, &mut beside)?,
        TargetKind::GroupInline => together(Limit::GroupInline, &mut beside)?,
        TargetKind::RoleInline => together(Limit::RoleInline, &mut beside)?,
        TargetKind::CustomerManaged | TargetKind::Boundary => at_most(Limit::Managed, counted_size(document))?,
        TargetKind::Scp => at_most(Limit::ServiceControl, counted_size(document))?,
        TargetKind::PermissionSet => at_most(Limit::PermissionSetInline, counted_size(document))?,
        TargetKind::SendingAuthorization => {
            at_most(Limit::SendingAuthorization, counted_size(document))?;
            at_most(Limit::SendingAuthorizationCount, 1 + beside.count())?;
        }
    }
    check_characters(kind, document)
}

/// Whether the document holds only characters that IAM takes. Organizations and SES take any.
fn check_characters(kind: TargetKind, document: &Value) -> Result<(), LimitExceeded> {
    match kind {
        TargetKind::Scp | TargetKind::SendingAuthorization => Ok(()),
        _ => {
            let refused = |character: &char| !matches!(character, '\t' | '\n' | '\r' | ' '..='\u{ff}');
            let in_text = |text: &str| text.chars().filter(refused).count();
            at_most(Limit::DocumentCharacters, count_in_strings(document, &in_text))
        }
    }
}

/// Adds up what `count` says of every string and key of a tree.
fn count_in_strings(value: &Value, count: &dyn Fn(&str) -> usize) -> usize {
    match value {
        Value::String(text) => count(text),
        Value::Array(items) => items.iter().map(|item| count_in_strings(item, count)).sum(),
        Value::Object(fields) => fields.iter().map(|(key, field)| count(key) + count_in_strings(field, count)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Whether AWS takes this as the name of a new policy of this kind.
pub fn check_name(kind: TargetKind, name: &str) -> Result<(), LimitExceeded> {
    let length = name.chars().count();
    let others = |set: &str| name.chars().filter(|c| !c.is_ascii_alphanumeric() && !set.contains(*c)).count();
    match kind {
        TargetKind::SendingAuthorization => {
            at_most(Limit::SendingAuthorizationName, length)?;
            at_most(Limit::SendingAuthorizationNameCharacters, others("_-"))
        }
        TargetKind::Scp => at_most(Limit::ServiceControlName, length),
        _ => {
            at_most(Limit::PolicyName, length)?;
            at_most(Limit::PolicyNameCharacters, others("_+=,.@-"))
        }
    }
}

/// Whether one more managed policy can be attached. `quota` is the account's own where it was read (`GetAccountSummary`),
/// else the default.
pub fn check_attachment(attached: usize, quota: Option<usize>) -> Result<(), LimitExceeded> {
    let limit = Limit::AttachedPolicies;
    let allowed = quota.unwrap_or(limit.allowed());
    let actual = attached + 1;
    if actual <= allowed { Ok(()) } else { Err(LimitExceeded { limit, allowed, actual }) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A document of exactly this counted size.
    fn of_size(size: usize) -> Value {
        let empty = counted_size(&json!({"Id": ""}));
        json!({"Id": "x".repeat(size - empty)})
    }

    #[test]
    fn each_kind_takes_exactly_its_size() {
        for (kind, limit, allowed) in [
            (TargetKind::UserInline, Limit::UserInline, 2_048),
            (TargetKind::GroupInline, Limit::GroupInline, 5_120),
            (TargetKind::RoleInline, Limit::RoleInline, 10_240),
            (TargetKind::CustomerManaged, Limit::Managed, 6_144),
            (TargetKind::Boundary, Limit::Managed, 6_144),
            (TargetKind::Scp, Limit::ServiceControl, 5_120),
            (TargetKind::SendingAuthorization, Limit::SendingAuthorization, 4_096),
            (TargetKind::PermissionSet, Limit::PermissionSetInline, 10_240),
        ] {
            assert_eq!(check_document(kind, &of_size(allowed), []), Ok(()), "{kind:?}");
            let exceeded = LimitExceeded { limit, allowed, actual: allowed + 1 };
            assert_eq!(check_document(kind, &of_size(allowed + 1), []), Err(exceeded), "{kind:?}");
        }
    }

    #[test]
    fn inline_policies_of_one_principal_add_up() {
        let others = [of_size(1_000), of_size(1_000)];
        assert_eq!(check_document(TargetKind::UserInline, &of_size(48), &others), Ok(()));
        let error = check_document(TargetKind::UserInline, &of_size(49), &others).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the inline policies of the user together would be 2049 characters long, AWS allows 2048"
        );
    }

    #[test]
    fn an_identity_takes_twenty_policies() {
        let others: Vec<Value> = (0..20).map(|_| json!({})).collect();
        assert_eq!(check_document(TargetKind::SendingAuthorization, &json!({}), &others[..19]), Ok(()));
        let error = check_document(TargetKind::SendingAuthorization, &json!({}), &others).unwrap_err();
        assert_eq!((error.limit, error.actual), (Limit::SendingAuthorizationCount, 21));
    }

    #[test]
    fn iam_documents_hold_latin_1_only() {
        let document = json!({"Statement": {"Sid\u{7f}": "é ÿ \t", "Resource": "“x”"}});
        let error = check_document(TargetKind::RoleInline, &document, []).unwrap_err();
        assert_eq!((error.limit, error.actual), (Limit::DocumentCharacters, 2));
        assert_eq!(check_document(TargetKind::Scp, &document, []), Ok(()));
        assert_eq!(check_document(TargetKind::RoleInline, &json!({"Id": "é ÿ \t\r\n\u{80}"}), []), Ok(()));
    }

    #[test]
    fn names_keep_to_their_length_and_characters() {
        assert_eq!(check_name(TargetKind::RoleInline, "sesame+f=1,a.b@c_d-e"), Ok(()));
        assert_eq!(check_name(TargetKind::RoleInline, &"a".repeat(128)), Ok(()));
        for (kind, name, limit) in [
            (TargetKind::RoleInline, "a/b c".to_owned(), Limit::PolicyNameCharacters),
            (TargetKind::UserInline, "ä".to_owned(), Limit::PolicyNameCharacters),
            (TargetKind::CustomerManaged, "a".repeat(129), Limit::PolicyName),
            (TargetKind::SendingAuthorization, "a".repeat(65), Limit::SendingAuthorizationName),
            (TargetKind::SendingAuthorization, "a.b".to_owned(), Limit::SendingAuthorizationNameCharacters),
            (TargetKind::Scp, "a".repeat(129), Limit::ServiceControlName),
        ] {
            assert_eq!(check_name(kind, &name).unwrap_err().limit, limit, "{name}");
        }
    }

    #[test]
    fn attachments_keep_to_the_quota() {
        assert_eq!(check_attachment(9, None), Ok(()));
        assert_eq!(check_attachment(10, None).unwrap_err().actual, 11);
        assert_eq!(check_attachment(10, Some(20)), Ok(()));
    }
}

//! What a target names: principals, policies and labels, taken from ARNs that nobody vouches for.

use super::Context;
use crate::finding::{Target, TargetKind};

/// Has the form of an ARN of an Identity Center instance, and says that it is none.
pub(super) const INSTANCE_ARN_TO_FILL_IN: &str = "arn:aws:sso:::instance/ssoins-REPLACEWITHYOURS";
/// The same for a permission set.
pub(super) const PERMISSION_SET_ARN_TO_FILL_IN: &str =
    "arn:aws:sso:::permissionSet/ssoins-REPLACEWITHYOURS/ps-REPLACEWITHYOURS";

/// What a managed policy is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    User,
    Group,
    Role,
}

impl Holder {
    /// `user`, `group`, `role`: as in ARNs and in the CLI's commands and parameters.
    pub(super) fn word(self) -> &'static str {
        match self {
            Holder::User => "user",
            Holder::Group => "group",
            Holder::Role => "role",
        }
    }
    /// `User`, `Group`, `Role`: as in CloudFormation.
    pub(super) fn title(self) -> &'static str {
        match self {
            Holder::User => "User",
            Holder::Group => "Group",
            Holder::Role => "Role",
        }
    }
    /// What the ARN of a principal is; a role when it does not say.
    pub(super) fn of(principal: Option<&str>) -> Holder {
        let resource = principal.and_then(|arn| arn.splitn(6, ':').nth(5)).unwrap_or_default();
        if resource.starts_with("user/") {
            Holder::User
        } else if resource.starts_with("group/") {
            Holder::Group
        } else {
            Holder::Role
        }
    }
}

/// What stands behind the last `/` of an ARN, since IAM's calls take names without their path; any other text whole.
pub(super) fn last_segment(arn: &str) -> &str {
    match arn.rsplit_once('/') {
        Some((_, name)) if arn.starts_with("arn:") => name,
        _ => arn,
    }
}

/// The path in the ARN of a policy, `/` when it has none.
pub(super) fn path_of(arn: &str) -> String {
    let path = arn.split_once('/').and_then(|(_, rest)| rest.rsplit_once('/')).map(|(folders, _)| folders);
    match path {
        Some(folders) if arn.starts_with("arn:") => format!("/{folders}/"),
        _ => "/".to_owned(),
    }
}

/// The partition of an ARN, `aws` when it is not one.
pub(super) fn partition_of(arn: Option<&str>) -> &str {
    arn.and_then(|arn| arn.strip_prefix("arn:")).and_then(|rest| rest.split(':').next()).unwrap_or("aws")
}

/// What the target leaves out, said so that a person can fill it in. AWS takes none of these texts for a name.
pub(super) fn or_fill_in<'a>(value: Option<&'a str>, what: &'a str) -> &'a str {
    value.filter(|value| !value.is_empty()).unwrap_or(what)
}

/// The name of the principal.
pub(super) fn principal_name(target: &Target) -> &str {
    or_fill_in(target.principal.as_deref().map(last_segment), "<fill in: the name of the user, role or group>")
}

/// The name of the policy, also where the target has its ARN.
pub(super) fn policy_name(target: &Target) -> &str {
    or_fill_in(target.policy.as_deref().map(last_segment), "<fill in: the name of the policy>")
}

/// The ARN of the managed policy: as given, or made of the account and the name of a new one.
pub(super) fn policy_arn(target: &Target) -> String {
    let policy = or_fill_in(target.policy.as_deref(), "<fill in: the name of the policy>");
    if policy.starts_with("arn:") {
        return policy.to_owned();
    }
    let principal = target.principal.as_deref();
    let of_principal = principal.and_then(|arn| arn.split(':').nth(4));
    let account = or_fill_in(target.account.as_deref().or(of_principal), "<fill in: the account>");
    format!("arn:{}:iam::{account}:policy/{policy}", partition_of(principal))
}

/// The id of an SCP that is there: the end of its ARN. `None` when only its name is known.
pub(super) fn organization_policy_id(target: &Target) -> Option<&str> {
    target.policy.as_deref().filter(|policy| policy.starts_with("arn:")).map(last_segment)
}

/// The permission set behind a role of Identity Center: `AWSReservedSSO_<name>_<16 hexadecimal digits>`.
pub(super) fn permission_set_name(target: &Target) -> &str {
    let name = target.principal.as_deref().map(last_segment).and_then(|role| {
        let (name, digits) = role.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
    });
    or_fill_in(name, "<fill in: the name of the permission set>")
}

/// The Region of Identity Center, which stands in the role's path unless it is `us-east-1`.
pub(super) fn identity_center_region(target: &Target) -> Option<&str> {
    let (_, rest) = target.principal.as_deref()?.split_once("/aws-reserved/sso.amazonaws.com/")?;
    Some(rest.split_once('/').map_or("us-east-1", |(region, _)| region))
}

/// The name of the SCP: of one that is there the context has it, of a new one the target.
pub(super) fn organization_policy_name<'a>(target: &'a Target, context: &Context<'a>) -> &'a str {
    match (organization_policy_id(target), context.policy_name) {
        (Some(_), name) => or_fill_in(name, "<fill in: the name of the policy>"),
        (None, _) => policy_name(target),
    }
}

/// What a resource of the change is called in a fragment.
pub(super) fn resource_name<'a>(target: &'a Target, context: &Context<'a>) -> &'a str {
    match target.kind {
        TargetKind::PermissionSet => permission_set_name(target),
        TargetKind::Scp if context.policy_name.is_some() => organization_policy_name(target, context),
        _ => policy_name(target),
    }
}

/// A CloudFormation logical id: letters and digits only, in capitalized words.
pub(super) fn logical_id(name: &str) -> String {
    let mut id = String::new();
    for word in name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut characters = word.chars();
        id.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(characters.as_str());
    }
    if !id.starts_with(|first: char| first.is_ascii_alphabetic()) {
        id.insert_str(0, "Policy");
    }
    id.truncate(255);
    id
}

/// A Terraform label: lower-case letters, digits and underscores.
pub(super) fn label(name: &str) -> String {
    let words: Vec<String> = name
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut label = words.join("_");
    if !label.starts_with(|first: char| first.is_ascii_alphabetic()) {
        label.insert_str(0, "policy_");
    }
    label.truncate(255);
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_without_their_path() {
        assert_eq!(last_segment("arn:aws:iam::111122223333:role/team/app/mailer"), "mailer");
        assert_eq!(path_of("arn:aws:iam::111122223333:policy/team/app/send"), "/team/app/");
        assert_eq!(path_of("arn:aws:iam::111122223333:policy/send"), "/");
        assert_eq!(path_of("a/b/c"), "/");
        assert_eq!(last_segment("a/b/c"), "a/b/c");
        assert_eq!(partition_of(Some("arn:aws-us-gov:iam::111122223333:role/x")), "aws-us-gov");
    }

    #[test]
    fn labels_hold_nothing_but_letters_and_digits() {
        assert_eq!(logical_id("sesame-f-1a2b"), "SesameF1a2b");
        assert_eq!(logical_id("9${x}`'\"\n日本"), "Policy9X");
        assert_eq!(logical_id("日本"), "Policy");
        assert_eq!(label("Sesame-f.1A2B"), "sesame_f_1a2b");
        assert_eq!(label("1%{ if }"), "policy_1_if");
        assert_eq!(label(""), "policy_");
    }
}

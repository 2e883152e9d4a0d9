//! `iam.json`: what `aws iam get-account-authorization-details` prints.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use std::collections::BTreeMap;

use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Account, Entity, Group, InlinePolicy, ManagedPolicy, Readable, Role, User};

use crate::error::SnapshotError;
use crate::located::{At, Fields, JsonFile};

/// Reads one account.
pub(super) fn read(file: &JsonFile, id: String) -> Result<Account, SnapshotError> {
    let root = file.root();
    let fields = root.object()?;
    if fields.boolean("IsTruncated")? == Some(true) {
        return Err(root.error("expected all pages of the account's authorization details, found `IsTruncated`: true"));
    }
    let lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];
    if lists.iter().all(|list| fields.get(list).is_none()) {
        return Err(root.error(
            "expected `UserDetailList`, `GroupDetailList`, `RoleDetailList` or `Policies`, found none of them",
        ));
    }
    Ok(Account {
        users: fields.list("UserDetailList", user)?,
        groups: fields.list("GroupDetailList", group)?,
        roles: fields.list("RoleDetailList", role)?,
        managed_policies: fields.list("Policies", managed_policy)?.into_iter().collect::<BTreeMap<_, _>>(),
        ..Account::empty(id)
    })
}

fn user(at: &At<'_>) -> Result<User, SnapshotError> {
    let fields = at.object()?;
    let entity = entity(&fields, "UserName", "UserId", "UserPolicyList")?;
    Ok(User { entity, groups: fields.list("GroupList", |name| name.string())? })
}

fn role(at: &At<'_>) -> Result<Role, SnapshotError> {
    Ok(Role { entity: entity(&at.object()?, "RoleName", "RoleId", "RolePolicyList")? })
}

fn group(at: &At<'_>) -> Result<Group, SnapshotError> {
    let fields = at.object()?;
    let arn = fields.required("Arn")?.string()?;
    Ok(Group {
        name: fields.string("GroupName")?.unwrap_or_else(|| last_segment(&arn)),
        inline: fields.list("GroupPolicyList", inline_policy)?,
        attached: fields.list("AttachedManagedPolicies", attached)?,
        arn,
    })
}

fn entity(fields: &Fields<'_>, name: &str, unique_id: &str, inline: &str) -> Result<Entity, SnapshotError> {
    let arn = fields.required("Arn")?.string()?;
    let boundary = match fields.get("PermissionsBoundary") {
        Some(boundary) => Some(boundary.object()?.required("PermissionsBoundaryArn")?.string()?),
        None => None,
    };
    Ok(Entity {
        name: fields.string(name)?.unwrap_or_else(|| last_segment(&arn)),
        path: fields.string("Path")?.unwrap_or_else(|| path_of(&arn)),
        unique_id: fields.string(unique_id)?,
        inline: fields.list(inline, inline_policy)?,
        attached: fields.list("AttachedManagedPolicies", attached)?,
        boundary,
        tags: fields.list("Tags", tag)?,
        gap: None,
        arn,
    })
}

fn inline_policy(at: &At<'_>) -> Result<InlinePolicy, SnapshotError> {
    let fields = at.object()?;
    Ok(InlinePolicy {
        name: fields.required("PolicyName")?.string()?,
        document: Readable::Known(fields.required("PolicyDocument")?.document()?),
    })
}

fn attached(at: &At<'_>) -> Result<String, SnapshotError> {
    at.object()?.required("PolicyArn")?.string()
}

fn tag(at: &At<'_>) -> Result<(String, String), SnapshotError> {
    let fields = at.object()?;
    Ok((fields.required("Key")?.string()?, fields.string("Value")?.unwrap_or_default()))
}

/// A managed policy's default version.
fn managed_policy(at: &At<'_>) -> Result<(String, Readable<ManagedPolicy>), SnapshotError> {
    let fields = at.object()?;
    let arn = fields.required("Arn")?.string()?;
    let Some(version) = default_version(&fields)? else {
        let gap = Gap {
            layer: "identity-policy".to_owned(),
            source: format!("{}#{}", at.file.path.display(), at.pointer),
            reason: GapReason::NotFound,
            summary: format!("the default version of `{arn}` is not in the snapshot"),
        };
        return Ok((arn, Readable::Gap(gap)));
    };
    let version = version.object()?;
    let policy = ManagedPolicy {
        name: fields.string("PolicyName")?.unwrap_or_else(|| last_segment(&arn)),
        document: version.required("Document")?.document()?,
        // Only shown; a date in another form is no reason to refuse the file.
        updated: version.get("CreateDate").and_then(|date| date.string().ok()),
        arn: arn.clone(),
    };
    Ok((arn, Readable::Known(policy)))
}

/// The version that is marked as default, else the one that `DefaultVersionId` names, else the only one.
pub(crate) fn default_version<'f>(policy: &Fields<'f>) -> Result<Option<At<'f>>, SnapshotError> {
    let Some(versions) = policy.get("PolicyVersionList") else { return Ok(None) };
    let versions: Vec<At<'f>> = versions.array()?.collect();
    for version in &versions {
        if version.object()?.boolean("IsDefaultVersion")? == Some(true) {
            return Ok(Some(version.clone()));
        }
    }
    let named = policy.string("DefaultVersionId")?;
    for version in &versions {
        if named.is_some() && version.object()?.string("VersionId")? == named {
            return Ok(Some(version.clone()));
        }
    }
    match versions.as_slice() {
        [only] if named.is_none() && only.object()?.boolean("IsDefaultVersion")?.is_none() => Ok(Some(only.clone())),
        _ => Ok(None),
    }
}

/// `arn:aws:iam::111122223333:policy/team/Send` is named `Send`.
fn last_segment(arn: &str) -> String {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name).to_owned()
}

/// `arn:aws:iam::111122223333:role/team/Send` has the path `/team/`.
fn path_of(arn: &str) -> String {
    match (arn.find('/'), arn.rfind('/')) {
        (Some(first), Some(last)) => arn.get(first..=last).unwrap_or("/").to_owned(),
        _ => "/".to_owned(),
    }
}

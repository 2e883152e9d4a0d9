//! Where a target's document stands in its file.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Document, json};
use sesame_diagnosis::finding::{Target, TargetKind};
use sesame_policy::Arn;
use sesame_remediation::receipt::Replacement;

use super::{Replacements, text};
use crate::error::SnapshotError;
use crate::load::default_version;
use crate::located::{At, JsonFile, Value};

/// RFC 3986's unreserved characters stay, as in IAM's own encoding.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A target in its file.
pub(super) struct Place<'f> {
    file: &'f JsonFile,
    target: &'f Target,
    /// The object that holds the list or map of policies: a user, a node, an identity, the file itself.
    holder: At<'f>,
    /// The policy's name, ARN or id.
    policy: &'f str,
    /// The documents that are this policy's: one, or none, or one for each place where an SCP is attached.
    documents: Vec<At<'f>>,
}

impl<'f> Place<'f> {
    pub(super) fn find(file: &'f JsonFile, target: &'f Target) -> Result<Place<'f>, SnapshotError> {
        let policy = target.policy.as_deref().unwrap_or_default();
        let (holder, documents) = match target.kind {
            TargetKind::SendingAuthorization => {
                let identity = identity(file, target)?;
                let policies = identity.object()?.get("Policies").map(|policies| policies.object()).transpose()?;
                let document = policies.and_then(|policies| policies.get(policy));
                (identity, document.into_iter().collect())
            }
            TargetKind::Scp => {
                let mut attached = Vec::new();
                let mut node = None;
                for root in file.root().object()?.required("Roots")?.array()? {
                    walk_nodes(&root, target.node.as_deref(), policy, &mut node, &mut attached)?;
                }
                let node = node.ok_or_else(|| {
                    file.root().error(format!("expected the node `{}`, found none", quoted(&target.node)))
                })?;
                (node, attached)
            }
            TargetKind::CustomerManaged | TargetKind::Boundary => {
                let root = file.root();
                let found = managed_policy(&root, policy)?;
                let version = found.map(|found| default_version(&found.object()?)).transpose()?.flatten();
                let document = version.map(|version| version.object()?.required("Document")).transpose()?;
                (root, document.into_iter().collect())
            }
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline | TargetKind::PermissionSet => {
                let holder = principal(file, target)?;
                let policies = holder.object()?.get(inline_list(target));
                let found = policies.as_ref().map(|list| item(list, "PolicyName", policy)).transpose()?.flatten();
                let document = found.map(|(_, found)| found.object()?.required("PolicyDocument")).transpose()?;
                (holder, document.into_iter().collect())
            }
        };
        Ok(Place { file, target, holder, policy, documents })
    }

    /// The document as it stands.
    pub(super) fn document(&self) -> Result<Option<Document>, SnapshotError> {
        let Some(at) = self.documents.first() else { return Ok(None) };
        match at.document()?.json {
            Ok(json) => Ok(Some(json.to_value())),
            Err(message) => Err(at.error(message)),
        }
    }

    /// Whether the policy is there, and attached where its kind needs that.
    pub(super) fn is_held(&self) -> Result<bool, SnapshotError> {
        match self.target.kind {
            TargetKind::CustomerManaged | TargetKind::Scp => Ok(self.attachment()?.is_some()),
            TargetKind::Boundary => Ok(member(&principal(self.file, self.target)?, "PermissionsBoundary").is_some()),
            _ => Ok(!self.documents.is_empty()),
        }
    }

    /// Where a managed policy or an SCP is attached: the list that says so, and the index in it.
    fn attachment(&self) -> Result<Option<(At<'f>, usize)>, SnapshotError> {
        let (holder, list, key) = match self.target.kind {
            TargetKind::Scp => (self.holder.clone(), "ServiceControlPolicies", "Arn"),
            _ => (principal(self.file, self.target)?, "AttachedManagedPolicies", "PolicyArn"),
        };
        let Some(list) = holder.object()?.get(list) else { return Ok(None) };
        for (index, item) in list.array()?.enumerate() {
            if is_policy(&item, key, self.policy)? {
                return Ok(Some((list, index)));
            }
        }
        Ok(None)
    }

    /// Writes the document where it stands, or makes a new policy of it.
    pub(super) fn put(&self, document: &Document) -> Result<Replacements, SnapshotError> {
        if !self.documents.is_empty() {
            return self.documents.iter().map(|at| self.replace(at, document)).collect();
        }
        match self.target.kind {
            TargetKind::SendingAuthorization => {
                // SES gives these as strings.
                let value = Document::from(document.to_string());
                let replacement = match self.holder.object()?.get("Policies") {
                    Some(policies) => text::append_member(self.file, policies.node, self.policy, &value),
                    None => {
                        text::append_member(self.file, self.holder.node, "Policies", &json!({ self.policy: value }))
                    }
                };
                Ok(vec![replacement])
            }
            TargetKind::Scp => {
                let new = json!({ "Id": self.policy, "Name": self.policy, "Content": document });
                Ok(vec![self.add(&self.holder, "ServiceControlPolicies", new)?])
            }
            TargetKind::CustomerManaged => {
                let account = self.target.account.as_deref().unwrap_or_default();
                let partition = self.target.principal.as_deref().and_then(|arn| Arn::parse(arn).ok());
                let partition = partition.as_ref().map_or("aws", |arn| arn.partition());
                let arn = match self.policy.starts_with("arn:") {
                    true => self.policy.to_owned(),
                    false => format!("arn:{partition}:iam::{account}:policy/{}", self.policy),
                };
                let name = arn.rsplit('/').next().unwrap_or_default();
                let version = json!({ "Document": document, "VersionId": "v1", "IsDefaultVersion": true });
                let policy = json!({ "PolicyName": name, "Arn": arn, "PolicyVersionList": [version] });
                let attached = json!({ "PolicyName": name, "PolicyArn": arn });
                Ok(vec![
                    self.add(&self.holder, "Policies", policy)?,
                    self.add(&principal(self.file, self.target)?, "AttachedManagedPolicies", attached)?,
                ])
            }
            TargetKind::Boundary => {
                Err(self.holder.error(format!("expected the boundary `{}`, found none", self.policy)))
            }
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline | TargetKind::PermissionSet => {
                let policy = json!({ "PolicyName": self.policy, "PolicyDocument": document });
                Ok(vec![self.add(&self.holder, inline_list(self.target), policy)?])
            }
        }
    }

    /// Takes the policy away: an inline policy is deleted, a managed one or an SCP is detached.
    pub(super) fn remove(&self) -> Result<Replacements, SnapshotError> {
        let absent = || self.holder.error(format!("expected the policy `{}`, found none", self.policy));
        let (list, index) = match self.target.kind {
            TargetKind::CustomerManaged | TargetKind::Scp => self.attachment()?.ok_or_else(absent)?,
            TargetKind::Boundary => {
                let holder = principal(self.file, self.target)?;
                let index = member(&holder, "PermissionsBoundary").ok_or_else(absent)?;
                (holder, index)
            }
            TargetKind::SendingAuthorization => {
                let policies = self.holder.object()?.required("Policies")?;
                let index = member(&policies, self.policy).ok_or_else(absent)?;
                (policies, index)
            }
            TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline | TargetKind::PermissionSet => {
                let list = self.holder.object()?.required(inline_list(self.target))?;
                let (index, _) = item(&list, "PolicyName", self.policy)?.ok_or_else(absent)?;
                (list, index)
            }
        };
        text::remove(self.file, list.node, index).map(|replacement| vec![replacement]).ok_or_else(absent)
    }

    fn add(&self, holder: &At<'f>, list: &str, value: Document) -> Result<Replacement, SnapshotError> {
        Ok(match holder.object()?.get(list) {
            Some(list) if matches!(list.node.value, Value::Array(_)) => text::append_item(self.file, list.node, &value),
            Some(other) => return Err(other.expected("a list")),
            None => text::append_member(self.file, holder.node, list, &Document::from(vec![value])),
        })
    }

    /// Keeps the form: an object, a string of JSON, or a string of URL-encoded JSON.
    fn replace(&self, at: &At<'f>, document: &Document) -> Result<Replacement, SnapshotError> {
        let value = match &at.node.value {
            Value::Scalar if at.string()?.trim_start().starts_with('{') => Document::from(document.to_string()),
            Value::Scalar => Document::from(utf8_percent_encode(&document.to_string(), ENCODED).to_string()),
            _ => document.clone(),
        };
        Ok(text::replace(self.file, at.node, &value))
    }
}

fn quoted(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

fn inline_list(target: &Target) -> &'static str {
    match target.kind {
        TargetKind::UserInline => "UserPolicyList",
        TargetKind::GroupInline => "GroupPolicyList",
        _ => "RolePolicyList",
    }
}

/// The user, role or group of a target.
fn principal<'f>(file: &'f JsonFile, target: &Target) -> Result<At<'f>, SnapshotError> {
    let arn = target.principal.as_deref().unwrap_or_default();
    let root = file.root();
    let fields = root.object()?;
    for list in ["UserDetailList", "RoleDetailList", "GroupDetailList"] {
        let Some(list) = fields.get(list) else { continue };
        if let Some((_, found)) = item(&list, "Arn", arn)? {
            return Ok(found);
        }
    }
    Err(root.error(format!("expected the principal `{arn}`, found none")))
}

fn identity<'f>(file: &'f JsonFile, target: &Target) -> Result<At<'f>, SnapshotError> {
    let name = quoted(&target.identity);
    let identities = file.root().object()?.required("Identities")?;
    identities
        .object()?
        .get(name)
        .ok_or_else(|| identities.error(format!("expected the identity `{name}`, found none")))
}

fn managed_policy<'f>(root: &At<'f>, policy: &str) -> Result<Option<At<'f>>, SnapshotError> {
    let Some(list) = root.object()?.get("Policies") else { return Ok(None) };
    for item in list.array()? {
        if is_policy(&item, "Arn", policy)? {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// Whether an entry is the policy of this ARN, name or id.
fn is_policy(item: &At<'_>, arn_key: &str, policy: &str) -> Result<bool, SnapshotError> {
    let fields = item.object()?;
    let arn = fields.string(arn_key)?;
    if policy.starts_with("arn:") {
        return Ok(arn.as_deref() == Some(policy));
    }
    for key in ["PolicyName", "Name", "Id"] {
        if fields.string(key)?.as_deref() == Some(policy) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The item of a list whose field has this value.
fn item<'f>(list: &At<'f>, key: &str, value: &str) -> Result<Option<(usize, At<'f>)>, SnapshotError> {
    for (index, item) in list.array()?.enumerate() {
        if item.object()?.string(key)?.as_deref() == Some(value) {
            return Ok(Some((index, item)));
        }
    }
    Ok(None)
}

fn member(at: &At<'_>, key: &str) -> Option<usize> {
    match &at.node.value {
        Value::Object(members) => members.iter().position(|member| member.key == key),
        _ => None,
    }
}

/// Finds a node of the organization by its id, and the content of an SCP wherever it is attached.
fn walk_nodes<'f>(
    at: &At<'f>,
    id: Option<&str>,
    policy: &str,
    node: &mut Option<At<'f>>,
    attached: &mut Vec<At<'f>>,
) -> Result<(), SnapshotError> {
    let fields = at.object()?;
    if fields.string("Id")?.as_deref() == id {
        *node = Some(at.clone());
    }
    if let Some(policies) = fields.get("ServiceControlPolicies") {
        for item in policies.array()? {
            if is_policy(&item, "Arn", policy)? {
                attached.push(item.object()?.required("Content")?);
            }
        }
    }
    for list in ["OrganizationalUnits", "Accounts"] {
        for child in fields.get(list).map(|list| list.array()).transpose()?.into_iter().flatten() {
            walk_nodes(&child, id, policy, node, attached)?;
        }
    }
    Ok(())
}

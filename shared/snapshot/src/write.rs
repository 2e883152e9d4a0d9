//! World to folder: what `sesame snapshot` writes.
//!
//! The files have the form that AWS prints, so they cannot say "could not be read". What could not be read stands in them as
//! an empty document, which is an error as soon as it bears on a request, and never passes for a policy that is not there.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use sesame_diagnosis::finding::Gap;
use sesame_diagnosis::world::{
    Account, Change, Entity, Group, InlinePolicy, Node, Organization, OrganizationPolicy, RawDocument, Readable,
    SesRegion, World,
};

use crate::error::SnapshotError;
use crate::part::{write_iam, write_organization, write_ses};

/// The name of the policy that stands for those that could not be listed.
const UNREADABLE: &str = "sesame-could-not-list-policies";

/// Writes a world into a folder, which is made if it is not there; files are readable by their owner only. What could not be
/// read is returned.
pub fn write(world: &World, folder: &Path) -> Result<Vec<Gap>, SnapshotError> {
    let mut gaps = Vec::new();
    for (id, account) in &world.accounts {
        gaps.extend(write_iam(account, folder)?);
        for (region, ses) in &account.ses {
            gaps.extend(write_ses(region, ses, id, folder)?);
        }
        if !account.history.is_empty() {
            let file = folder.join("accounts").join(id).join("history.json");
            write_file(&file, &account.history.iter().map(change).collect())?;
        }
    }
    gaps.extend(write_organization(&world.organization, folder)?);
    Ok(gaps)
}

/// Worlds as JSON; gathers what could not be read.
#[derive(Default)]
pub(crate) struct Writer {
    pub gaps: Vec<Gap>,
}

impl Writer {
    pub fn iam(&mut self, account: &Account) -> Value {
        let users = account.users.iter().map(|user| {
            let mut fields = self.entity(&user.entity, ["UserName", "UserId", "UserPolicyList"]);
            fields.insert("GroupList".to_owned(), json!(user.groups));
            Value::Object(fields)
        });
        let users: Vec<Value> = users.collect();
        let groups: Vec<Value> = account.groups.iter().map(|group| self.group(group)).collect();
        let roles =
            account.roles.iter().map(|role| self.entity(&role.entity, ["RoleName", "RoleId", "RolePolicyList"]));
        let roles: Vec<Value> = roles.map(Value::Object).collect();
        let policies = account.managed_policies.iter().map(|(arn, policy)| match policy {
            Readable::Known(policy) => json!({
                "PolicyName": policy.name, "Arn": policy.arn, "DefaultVersionId": "v1",
                "PolicyVersionList": [{
                    "Document": document(&policy.document), "VersionId": "v1", "IsDefaultVersion": true,
                    "CreateDate": policy.updated,
                }],
            }),
            Readable::Gap(gap) => {
                self.gaps.push(gap.clone());
                json!({ "Arn": arn, "PolicyVersionList": [] })
            }
        });
        let policies: Vec<Value> = policies.collect();
        json!({ "UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": policies })
    }

    fn entity(&mut self, entity: &Entity, [name, id, inline]: [&str; 3]) -> Map<String, Value> {
        let mut policies = self.inline(&entity.inline);
        if let Some(gap) = &entity.gap {
            self.gaps.push(gap.clone());
            policies.push(json!({ "PolicyName": UNREADABLE, "PolicyDocument": "" }));
        }
        let boundary = entity
            .boundary
            .as_ref()
            .map(|arn| json!({ "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn }));
        let tags = entity.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
        let fields = [
            ("Path", Some(json!(entity.path))),
            (name, Some(json!(entity.name))),
            (id, entity.unique_id.as_ref().map(|id| json!(id))),
            ("Arn", Some(json!(entity.arn))),
            (inline, Some(Value::Array(policies))),
            ("AttachedManagedPolicies", Some(attached(&entity.attached))),
            ("PermissionsBoundary", boundary),
            ("Tags", Some(tags.collect())),
        ];
        fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    fn group(&mut self, group: &Group) -> Value {
        json!({
            "GroupName": group.name, "Arn": group.arn, "GroupPolicyList": self.inline(&group.inline),
            "AttachedManagedPolicies": attached(&group.attached),
        })
    }

    fn inline(&mut self, policies: &[InlinePolicy]) -> Vec<Value> {
        let of = |policy: &InlinePolicy| {
            let document = match &policy.document {
                Readable::Known(raw) => document(raw),
                Readable::Gap(gap) => {
                    self.gaps.push(gap.clone());
                    json!("")
                }
            };
            json!({ "PolicyName": policy.name, "PolicyDocument": document })
        };
        policies.iter().map(of).collect()
    }

    pub fn ses(&mut self, region: &SesRegion) -> Value {
        let mut fields = Map::new();
        if let Some(account) = &region.account {
            let account = json!({
                "ProductionAccessEnabled": account.production_access,
                "SendingEnabled": account.sending_enabled,
                "EnforcementStatus": account.enforcement_status,
            });
            fields.insert("Account".to_owned(), account);
        }
        let identities = region.identities.iter().map(|(name, identity)| {
            let policies: Map<String, Value> = match &identity.policies {
                Readable::Known(policies) => {
                    // SES gives these documents as strings.
                    policies.iter().map(|(name, raw)| (name.clone(), as_text(&document(raw)))).collect()
                }
                Readable::Gap(gap) => {
                    self.gaps.push(gap.clone());
                    Map::from_iter([(UNREADABLE.to_owned(), json!(""))])
                }
            };
            let identity = json!({
                "VerifiedForSendingStatus": identity.verified,
                "ConfigurationSetName": identity.configuration_set,
                "Policies": policies,
            });
            (name.clone(), identity)
        });
        let identities: Map<String, Value> = identities.collect();
        // Without this field the list is not taken as complete when it is read.
        if region.complete || !identities.is_empty() {
            fields.insert("Identities".to_owned(), Value::Object(identities));
        }
        if let Some(names) = &region.configuration_sets {
            fields.insert("ConfigurationSets".to_owned(), json!(names));
        }
        if let Some(names) = &region.templates {
            fields.insert("Templates".to_owned(), json!(names));
        }
        Value::Object(fields)
    }

    pub fn organization(&mut self, organization: &Organization) -> Value {
        let mut roots = Vec::new();
        for path in organization.paths.values() {
            self.place(&mut roots, path);
        }
        json!({ "Id": organization.id, "MasterAccountId": organization.management_account, "Roots": roots })
    }

    /// Puts the nodes of one path into the tree, where they are not yet in it.
    fn place(&mut self, siblings: &mut Vec<Value>, path: &[Node]) {
        let Some((node, rest)) = path.split_first() else { return };
        let index = siblings.iter().position(|sibling| sibling.get("Id").and_then(Value::as_str) == Some(&node.id));
        let index = index.unwrap_or_else(|| {
            siblings.push(self.node(node));
            siblings.len() - 1
        });
        let list = match rest {
            [_account] => "Accounts",
            _ => "OrganizationalUnits",
        };
        let below = siblings.get_mut(index).and_then(Value::as_object_mut);
        if let (Some(below), false) = (below, rest.is_empty())
            && let Value::Array(children) = below.entry(list).or_insert_with(|| json!([]))
        {
            self.place(children, rest);
        }
    }

    fn node(&mut self, node: &Node) -> Value {
        let mut fields = Map::from_iter([("Id".to_owned(), json!(node.id))]);
        if let Some(name) = &node.name {
            fields.insert("Name".to_owned(), json!(name));
        }
        let lists = [
            ("ServiceControlPolicies", &node.service_control_policies),
            ("ResourceControlPolicies", &node.resource_control_policies),
        ];
        for (key, policies) in lists {
            match policies {
                Readable::Known(policies) => {
                    fields.insert(key.to_owned(), policies.iter().map(organization_policy).collect());
                }
                // A list that is not there reads as one that was not read.
                Readable::Gap(gap) => self.gaps.push(gap.clone()),
            }
        }
        Value::Object(fields)
    }
}

fn organization_policy(policy: &OrganizationPolicy) -> Value {
    json!({ "Id": policy.id, "Name": policy.name, "Arn": policy.arn, "Content": document(&policy.document) })
}

fn attached(arns: &[String]) -> Value {
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    arns.iter().map(|arn| json!({ "PolicyName": name(arn), "PolicyArn": arn })).collect()
}

fn change(change: &Change) -> Value {
    json!({
        "time": change.time, "policyArn": change.policy_arn, "principalArn": change.principal_arn, "api": change.api,
        "by": change.by,
    })
}

fn document(raw: &RawDocument) -> Value {
    raw.json.as_ref().map_or_else(|_| json!(""), |json| json.to_value())
}

fn as_text(document: &Value) -> Value {
    match document {
        Value::String(_) => document.clone(),
        other => json!(other.to_string()),
    }
}

/// Writes a file that is there as a whole or not at all, whatever cuts it off, in folders of the owner alone.
pub(crate) fn write_file(path: &Path, value: &Value) -> Result<(), SnapshotError> {
    let error = |error: std::io::Error| SnapshotError::whole(path, format!("could not be written: {error}"));
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(error)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let mut options = fs::OpenOptions::new();
    let mut file = private(options.write(true).create(true).truncate(true)).open(&unfinished).map_err(error)?;
    file.write_all(format!("{value:#}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(error)?;
    fs::rename(&unfinished, path).map_err(error)
}

/// Makes a folder, and those above it, that only their owner may enter, where files have owners.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Readable by the owner only, where files have owners.
pub(crate) fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

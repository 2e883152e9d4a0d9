//! `organization.json`: the tree of roots, organizational units and accounts, with the policies attached to each.

use std::collections::BTreeMap;

use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Node, NodeKind, Organization, OrganizationPolicy, Readable};

use crate::error::SnapshotError;
use crate::located::{At, Fields, JsonFile};

/// Reads the organization; `None` when the file says that there is none.
pub(super) fn read(file: &JsonFile) -> Result<Option<Organization>, SnapshotError> {
    let fields = file.root().object()?;
    if fields.boolean("NotInOrganization")? == Some(true) {
        return Ok(None);
    }
    let mut paths = BTreeMap::new();
    for root in fields.required("Roots")?.array()? {
        walk(&root, NodeKind::Root, &[], &mut paths)?;
    }
    Ok(Some(Organization { id: fields.string("Id")?, management_account: fields.string("MasterAccountId")?, paths }))
}

/// Follows a node down to its accounts.
fn walk(
    at: &At<'_>,
    kind: NodeKind,
    above: &[Node],
    paths: &mut BTreeMap<String, Vec<Node>>,
) -> Result<(), SnapshotError> {
    let fields = at.object()?;
    let mut path = above.to_vec();
    path.push(node(at, &fields, kind)?);
    for unit in fields.get("OrganizationalUnits").map(|at| at.array()).transpose()?.into_iter().flatten() {
        walk(&unit, NodeKind::Ou, &path, paths)?;
    }
    for account in fields.get("Accounts").map(|at| at.array()).transpose()?.into_iter().flatten() {
        let account_fields = account.object()?;
        let leaf = node(&account, &account_fields, NodeKind::Account)?;
        let id = leaf.id.clone();
        let full = path.iter().cloned().chain([leaf]).collect();
        if paths.insert(id.clone(), full).is_some() {
            return Err(account.error(format!("expected each account once in the tree, found `{id}` again")));
        }
    }
    Ok(())
}

fn node(at: &At<'_>, fields: &Fields<'_>, kind: NodeKind) -> Result<Node, SnapshotError> {
    Ok(Node {
        kind,
        id: fields.required("Id")?.string()?,
        name: fields.string("Name")?,
        service_control_policies: policies(at, fields, "ServiceControlPolicies", "service-control-policy")?,
        resource_control_policies: policies(at, fields, "ResourceControlPolicies", "resource-control-policy")?,
    })
}

/// A list that is not there was not read; one that is empty says that nothing is attached.
fn policies(
    at: &At<'_>,
    fields: &Fields<'_>,
    key: &str,
    layer: &str,
) -> Result<Readable<Vec<OrganizationPolicy>>, SnapshotError> {
    match fields.get(key) {
        Some(list) => Ok(Readable::Known(list.list(policy)?)),
        None => Ok(Readable::Gap(Gap {
            layer: layer.to_owned(),
            source: format!("{}#{}/{key}", at.file.path.display(), at.pointer),
            reason: GapReason::NotFound,
            summary: format!("organization.json has no `{key}` at `{}`", at.pointer),
        })),
    }
}

fn policy(at: &At<'_>) -> Result<OrganizationPolicy, SnapshotError> {
    let fields = at.object()?;
    let id = fields.required("Id")?.string()?;
    Ok(OrganizationPolicy {
        name: fields.string("Name")?.unwrap_or_else(|| id.clone()),
        arn: fields.string("Arn")?,
        document: fields.required("Content")?.document()?,
        id,
    })
}

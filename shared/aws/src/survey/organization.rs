//! The organization as a tree, where it may be listed; else the path from its root down to the own account.
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListOrganizationalUnitsForParent.html>

use aws_sdk_organizations::types::AccountState;
use sesame_diagnosis::finding::Gap;
use sesame_diagnosis::world::{Node, NodeKind, Organization, Readable};

use super::Step;
use crate::Clients;
use crate::collect::{RESOURCE_CONTROL, Reader, SERVICE_CONTROL};
use crate::failure::Failure;

const LAYER: &str = "service-control-policy";

/// A node whose policies and children are still to be read, below its ancestors.
struct Place {
    kind: NodeKind,
    id: String,
    name: Option<String>,
    above: Vec<Node>,
}

/// The whole organization of the account of the credentials; `Known(None)` when it is in none, or in one without service
/// control policies.
///
/// Only the management account and delegated administrators may list it. In any other account this gives what may be read of
/// the path from the root down to `own_account`.
pub async fn organization(
    clients: &Clients,
    own_account: &str,
    progress: impl Fn(Step<'_>),
) -> Readable<Option<Organization>> {
    progress(Step::Organization(0));
    let reader = Reader::new(clients.clone(), own_account, 0);
    let path = reader.organization(own_account).await;
    let roots: Result<Vec<_>, _> = clients.organizations.list_roots().into_paginator().send().try_collect().await;
    let Ok(roots) = roots else { return path };
    let described = match clients.organizations.describe_organization().send().await {
        Ok(output) => output.organization,
        Err(_) => return path,
    };
    let Some(described) = described else { return path };
    let mut organization =
        Organization { id: described.id, management_account: described.master_account_id, paths: Default::default() };
    let roots = roots.into_iter().flat_map(|page| page.roots.unwrap_or_default());
    let mut open: Vec<Place> = roots
        .filter_map(|root| Some(Place { kind: NodeKind::Root, id: root.id?, name: root.name, above: Vec::new() }))
        .collect();
    let mut read = 0;
    while let Some(place) = open.pop() {
        let node = node(&reader, place.kind, place.id.clone(), place.name).await;
        read += 1;
        progress(Step::Organization(read));
        let mut above = place.above;
        above.push(node);
        if place.kind == NodeKind::Account {
            organization.paths.insert(place.id, above);
            continue;
        }
        match children(clients, &place.id, &above).await {
            Ok(children) => open.extend(children),
            // A tree with a branch missing would look like a whole one.
            Err(gap) => return Readable::Gap(gap),
        }
    }
    // Where service control policies are on, AWS lets no node be without one.
    let without = |node: &Node| node.service_control_policies.known().is_some_and(Vec::is_empty);
    match organization.paths.values().flatten().all(without) && !organization.paths.is_empty() {
        true => Readable::Known(None),
        false => Readable::Known(Some(organization)),
    }
}

async fn node(reader: &Reader, kind: NodeKind, id: String, name: Option<String>) -> Node {
    let service = reader.policies_of(&id, &SERVICE_CONTROL).await;
    let resource = reader.policies_of(&id, &RESOURCE_CONTROL).await;
    Node {
        kind,
        id,
        name,
        service_control_policies: service.map_or_else(Readable::Gap, Readable::Known),
        resource_control_policies: resource.map_or_else(Readable::Gap, Readable::Known),
    }
}

async fn children(clients: &Clients, parent: &str, above: &[Node]) -> Result<Vec<Place>, Gap> {
    let organizations = &clients.organizations;
    let what = format!("the organization below `{parent}`");
    let units = organizations.list_organizational_units_for_parent().parent_id(parent);
    let units: Vec<_> = units.into_paginator().send().try_collect().await.map_err(|error| {
        Failure::of(&error).gap(LAYER, &format!("organizations:ListOrganizationalUnitsForParent {parent}"), &what)
    })?;
    let accounts = organizations.list_accounts_for_parent().parent_id(parent);
    let accounts: Vec<_> = accounts.into_paginator().send().try_collect().await.map_err(|error| {
        Failure::of(&error).gap(LAYER, &format!("organizations:ListAccountsForParent {parent}"), &what)
    })?;
    let place = |kind, id, name| Place { kind, id, name, above: above.to_vec() };
    let units = units.into_iter().flat_map(|page| page.organizational_units.unwrap_or_default());
    let units = units.filter_map(|unit| Some(place(NodeKind::Ou, unit.id?, unit.name)));
    let accounts = accounts.into_iter().flat_map(|page| page.accounts.unwrap_or_default());
    let accounts = accounts.filter_map(|account| Some(place(NodeKind::Account, account.id?, account.name)));
    Ok(units.chain(accounts).collect())
}

/// The active accounts of the organization, by id.
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>
///
/// # Errors
/// They may be listed by the management account and delegated administrators alone.
pub async fn accounts(clients: &Clients) -> Result<Vec<String>, Gap> {
    let pages: Result<Vec<_>, _> = clients.organizations.list_accounts().into_paginator().send().try_collect().await;
    let pages = pages.map_err(|error| {
        Failure::of(&error).gap(
            "identity-policy",
            "organizations:ListAccounts",
            "the other accounts of the organization",
        )
    })?;
    let accounts = pages.into_iter().flat_map(|page| page.accounts.unwrap_or_default());
    let active = accounts.filter(|account| account.state.as_ref().is_none_or(|state| *state == AccountState::Active));
    Ok(active.filter_map(|account| account.id).collect())
}

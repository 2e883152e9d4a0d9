//! Service control policies, from the root down to the account, where they can be read.
//!
//! `DescribeOrganization` works in every account of an organization; the rest only in the management account, in one with
//! delegated administration, or where the organization's resource policy shares it.
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html>
//! Resource control policies are not read: they do not cover SES.

use aws_sdk_organizations::types::{ParentType, PolicySummary, PolicyType};
use futures_util::future::{join, join_all};
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Node, NodeKind, Organization, OrganizationPolicy, Readable};

use super::Reader;
use super::document::plain;
use crate::failure::Failure;

const LAYER: &str = "service-control-policy";

/// A kind of organization policy.
pub(crate) struct Kind {
    layer: &'static str,
    words: &'static str,
    policy_type: PolicyType,
}

/// Service control policies.
pub(crate) const SERVICE_CONTROL: Kind =
    Kind { layer: LAYER, words: "service control policies", policy_type: PolicyType::ServiceControlPolicy };
/// Resource control policies: of no account for SES, and yet part of a snapshot.
pub(crate) const RESOURCE_CONTROL: Kind = Kind {
    layer: "resource-control-policy",
    words: "resource control policies",
    policy_type: PolicyType::ResourceControlPolicy,
};
/// Root, five levels of organizational units, and the account: what AWS allows.
const LEVELS: usize = 7;

impl Reader {
    /// The organization of an account, which need not be our own; `Known(None)` when it is in none, or in one without service
    /// control policies.
    pub(crate) async fn organization(&self, account: &str) -> Readable<Option<Organization>> {
        self.cache.organizations.get_or(account.to_owned(), self.read_organization(account)).await
    }

    async fn read_organization(&self, account: &str) -> Readable<Option<Organization>> {
        let call = "organizations:DescribeOrganization";
        let described = match self.clients.organizations.describe_organization().send().await {
            Ok(output) => output.organization,
            Err(error) if is_in_none(&error) && *account == self.account => return Readable::Known(None),
            Err(error) => {
                let what = format!("the organization of account {account}");
                return Readable::Gap(Failure::of(&error).gap(LAYER, call, &what));
            }
        };
        let Some(described) = described else { return Readable::Known(None) };
        let mut organization = Organization {
            id: described.id,
            management_account: described.master_account_id,
            paths: Default::default(),
        };
        // Service control policies do not bind the management account.
        if organization.management_account.as_deref() == Some(account) {
            return Readable::Known(Some(organization));
        }
        let path = match self.path(account).await {
            Ok(path) => path,
            Err(gap) => return Readable::Gap(gap),
        };
        // Where service control policies are on, AWS lets no node be without one.
        if path.iter().all(|node| node.service_control_policies.known().is_some_and(Vec::is_empty)) {
            return Readable::Known(None);
        }
        organization.paths.insert(account.to_owned(), path);
        Readable::Known(Some(organization))
    }

    /// Whether our own account is known to be in no organization.
    pub(super) async fn is_in_no_organization(&self) -> bool {
        let describe = async {
            let described = self.clients.organizations.describe_organization().send().await;
            described.is_err_and(|error| is_in_none(&error))
        };
        self.cache.alone.get_or(self.account.clone(), describe).await
    }

    /// The nodes from the root down to the account.
    async fn path(&self, account: &str) -> Result<Vec<Node>, Gap> {
        let mut ids = vec![(NodeKind::Account, account.to_owned())];
        while let Some((kind, child)) = ids.last() {
            if *kind == NodeKind::Root || ids.len() > LEVELS {
                break;
            }
            let parent = self.parent(child).await?;
            ids.push(parent);
        }
        ids.reverse();
        Ok(join_all(ids.into_iter().map(|(kind, id)| self.node(kind, id))).await)
    }

    async fn parent(&self, child: &str) -> Result<(NodeKind, String), Gap> {
        let call = format!("organizations:ListParents {child}");
        let output = self.clients.organizations.list_parents().child_id(child).send().await;
        let output =
            output.map_err(|error| Failure::of(&error).gap(LAYER, &call, "the organization above the account"))?;
        let parent = output.parents.unwrap_or_default().into_iter().next();
        let id = parent.as_ref().and_then(|parent| parent.id.clone());
        match (parent.and_then(|parent| parent.r#type), id) {
            (Some(ParentType::Root), Some(id)) => Ok((NodeKind::Root, id)),
            (Some(ParentType::OrganizationalUnit), Some(id)) => Ok((NodeKind::Ou, id)),
            _ => Err(Gap {
                layer: LAYER.to_owned(),
                source: call.clone(),
                reason: GapReason::NotFound,
                summary: format!("`{call}` named no root and no organizational unit"),
            }),
        }
    }

    async fn node(&self, kind: NodeKind, id: String) -> Node {
        let (name, policies) = join(self.node_name(kind, &id), self.policies_of(&id, &SERVICE_CONTROL)).await;
        let service_control_policies = match policies {
            Ok(policies) => Readable::Known(policies),
            Err(gap) => Readable::Gap(gap),
        };
        Node { kind, id, name, service_control_policies, resource_control_policies: Readable::Known(Vec::new()) }
    }

    /// For people only: a name that cannot be read is left out.
    async fn node_name(&self, kind: NodeKind, id: &str) -> Option<String> {
        let organizations = &self.clients.organizations;
        match kind {
            NodeKind::Root => Some("Root".to_owned()),
            NodeKind::Ou => {
                let unit = organizations.describe_organizational_unit().organizational_unit_id(id).send().await;
                unit.ok()?.organizational_unit?.name
            }
            NodeKind::Account => organizations.describe_account().account_id(id).send().await.ok()?.account?.name,
        }
    }

    pub(crate) async fn policies_of(&self, node: &str, kind: &Kind) -> Result<Vec<OrganizationPolicy>, Gap> {
        let call = format!("organizations:ListPoliciesForTarget {node}");
        let request = self.clients.organizations.list_policies_for_target();
        let request = request.target_id(node).filter(kind.policy_type.clone());
        let pages: Result<Vec<_>, _> = request.into_paginator().send().try_collect().await;
        let pages = pages
            .map_err(|error| Failure::of(&error).gap(kind.layer, &call, &format!("the {} of `{node}`", kind.words)))?;
        let summaries = pages.into_iter().flat_map(|page| page.policies.unwrap_or_default());
        join_all(summaries.map(|summary| self.policy(summary, kind.layer))).await.into_iter().collect()
    }

    async fn policy(&self, summary: PolicySummary, layer: &str) -> Result<OrganizationPolicy, Gap> {
        let id = summary.id.clone().unwrap_or_default();
        self.cache.organization_policies.get_or(id.clone(), self.describe_policy(id, summary, layer)).await
    }

    async fn describe_policy(
        &self,
        id: String,
        summary: PolicySummary,
        layer: &str,
    ) -> Result<OrganizationPolicy, Gap> {
        let call = format!("organizations:DescribePolicy {id}");
        let output = self.clients.organizations.describe_policy().policy_id(&id).send().await;
        let output = output.map_err(|error| Failure::of(&error).gap(layer, &call, &format!("policy `{id}`")))?;
        let content = output.policy.and_then(|policy| policy.content).unwrap_or_default();
        Ok(OrganizationPolicy {
            name: summary.name.unwrap_or_else(|| id.clone()),
            arn: summary.arn,
            document: plain(&content, call),
            id,
        })
    }
}

fn is_in_none<E, R>(error: &aws_sdk_organizations::error::SdkError<E, R>) -> bool
where
    E: aws_sdk_organizations::error::ProvideErrorMetadata,
{
    error.as_service_error().and_then(|error| error.code()) == Some("AWSOrganizationsNotInUseException")
}

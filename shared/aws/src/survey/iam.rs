//! `GetAccountAuthorizationDetails`: users, groups, roles and managed policies, with their documents.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use aws_sdk_iam::types::{
    AttachedPermissionsBoundary, AttachedPolicy, GroupDetail, ManagedPolicyDetail, PolicyDetail, RoleDetail, Tag,
    UserDetail,
};
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Account, Entity, Group, InlinePolicy, ManagedPolicy, Readable, Role, User};

use super::Step;
use crate::Clients;
use crate::collect::url_encoded;
use crate::failure::Failure;

const CALL: &str = "iam:GetAccountAuthorizationDetails";
const LAYER: &str = "identity-policy";
/// What IAM gives at most in one answer.
const PAGE: i32 = 1000;

/// Everything that IAM has of the account of the credentials, in at most so many calls.
///
/// All of it or nothing: half an account would look like a whole one.
pub async fn iam(clients: &Clients, id: &str, most_calls: usize, progress: impl Fn(Step<'_>)) -> Account {
    let nothing = |gap: Gap| Account { iam_gap: Some(gap), ..Account::empty(id) };
    let mut account = Account::empty(id);
    let request = clients.iam.get_account_authorization_details();
    let mut pages = request.into_paginator().page_size(PAGE).send();
    let mut calls = 0;
    while let Some(page) = pages.next().await {
        calls += 1;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                return nothing(Failure::of(&error).gap(LAYER, CALL, &format!("IAM of account {id}")));
            }
        };
        let more = page.is_truncated;
        account.users.extend(page.user_detail_list.unwrap_or_default().into_iter().map(user));
        account.groups.extend(page.group_detail_list.unwrap_or_default().into_iter().map(group));
        account.roles.extend(page.role_detail_list.unwrap_or_default().into_iter().map(role));
        account.managed_policies.extend(page.policies.unwrap_or_default().into_iter().filter_map(managed));
        let read = account.users.len() + account.groups.len() + account.roles.len() + account.managed_policies.len();
        progress(Step::Iam(read));
        if more && calls >= most_calls {
            return nothing(Gap {
                layer: LAYER.to_owned(),
                source: CALL.to_owned(),
                reason: GapReason::Timeout,
                summary: format!("IAM of account {id} has more principals and policies than {calls} calls list"),
            });
        }
    }
    account
}

fn user(user: UserDetail) -> User {
    let name = user.user_name.unwrap_or_default();
    User {
        entity: Entity {
            arn: user.arn.unwrap_or_default(),
            path: user.path.unwrap_or_else(|| "/".to_owned()),
            unique_id: user.user_id,
            inline: inline(&name, user.user_policy_list),
            attached: attached(user.attached_managed_policies),
            boundary: boundary(user.permissions_boundary),
            tags: tags(user.tags),
            gap: None,
            name,
        },
        groups: user.group_list.unwrap_or_default(),
    }
}

fn role(role: RoleDetail) -> Role {
    let name = role.role_name.unwrap_or_default();
    Role {
        entity: Entity {
            arn: role.arn.unwrap_or_default(),
            path: role.path.unwrap_or_else(|| "/".to_owned()),
            unique_id: role.role_id,
            inline: inline(&name, role.role_policy_list),
            attached: attached(role.attached_managed_policies),
            boundary: boundary(role.permissions_boundary),
            tags: tags(role.tags),
            gap: None,
            name,
        },
    }
}

fn group(group: GroupDetail) -> Group {
    let name = group.group_name.unwrap_or_default();
    Group {
        arn: group.arn.unwrap_or_default(),
        inline: inline(&name, group.group_policy_list),
        attached: attached(group.attached_managed_policies),
        name,
    }
}

fn inline(holder: &str, policies: Option<Vec<PolicyDetail>>) -> Vec<InlinePolicy> {
    let read = |policy: PolicyDetail| {
        let name = policy.policy_name.unwrap_or_default();
        let source = format!("{CALL} {holder} {name}");
        let document = url_encoded(&policy.policy_document.unwrap_or_default(), source);
        InlinePolicy { name, document: Readable::Known(document) }
    };
    policies.unwrap_or_default().into_iter().map(read).collect()
}

fn attached(policies: Option<Vec<AttachedPolicy>>) -> Vec<String> {
    policies.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_arn).collect()
}

fn boundary(boundary: Option<AttachedPermissionsBoundary>) -> Option<String> {
    boundary.and_then(|boundary| boundary.permissions_boundary_arn)
}

fn tags(tags: Option<Vec<Tag>>) -> Vec<(String, String)> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// The default version; the others count for nothing.
fn managed(policy: ManagedPolicyDetail) -> Option<(String, Readable<ManagedPolicy>)> {
    let arn = policy.arn?;
    let version = policy.policy_version_list.unwrap_or_default().into_iter().find(|version| version.is_default_version);
    let read = match version {
        Some(version) => Readable::Known(ManagedPolicy {
            name: policy.policy_name.unwrap_or_else(|| arn.rsplit('/').next().unwrap_or(&arn).to_owned()),
            document: url_encoded(&version.document.unwrap_or_default(), format!("{CALL} {arn}")),
            updated: version.create_date.map(|date| date.to_string()),
            arn: arn.clone(),
        }),
        None => Readable::Gap(Gap {
            layer: LAYER.to_owned(),
            source: format!("{CALL} {arn}"),
            reason: GapReason::NotFound,
            summary: format!("the default version of policy `{arn}` was not in the answer"),
        }),
    };
    Some((arn, read))
}

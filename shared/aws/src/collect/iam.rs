//! A user with its groups, or a role: inline, attached and boundary documents.
//!
//! Each operation is one that a least-privilege role can allow by itself; `GetAccountAuthorizationDetails` would read every
//! document of the account for the sake of one principal.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all, join3};
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Account, Entity, Group, InlinePolicy, ManagedPolicy, RawDocument, Readable, Role, User};

use super::Reader;
use super::document::url_encoded;
use super::wanted::Principal;
use crate::failure::Failure;

const IDENTITY: &str = "identity-policy";
const BOUNDARY: &str = "permissions-boundary";

/// What hangs on a user, role or group.
#[derive(Default)]
struct Policies {
    inline: Vec<InlinePolicy>,
    attached: Vec<String>,
    gap: Option<Gap>,
}

impl Reader {
    /// Reads a principal of our own account into it.
    pub(super) async fn read_principal(&self, principal: &Principal, account: &mut Account) {
        let read = self.cache.principals.get_or(principal.call(), self.principal(principal, &account.id)).await;
        account.users = read.users;
        account.roles = read.roles;
        account.groups = read.groups;
        account.managed_policies = read.managed_policies;
        account.iam_gap = read.iam_gap;
    }

    async fn principal(&self, principal: &Principal, account: &str) -> Account {
        let mut read = Account::empty(account);
        match principal {
            Principal::User(name) => match self.user(name).await {
                Ok((user, groups)) => (read.users, read.groups) = (vec![user], groups),
                Err(gap) => read.iam_gap = Some(gap),
            },
            Principal::Role(name) => match self.role(name).await {
                Ok(role) => read.roles = vec![role],
                Err(gap) => read.iam_gap = Some(gap),
            },
        }
        read.managed_policies = self.managed_policies(&read).await;
        read
    }

    async fn user(&self, name: &str) -> Result<(User, Vec<Group>), Gap> {
        let (user, policies, groups) = join3(self.get_user(name), self.user_policies(name), self.groups_of(name)).await;
        let mut entity = user?;
        entity.inline = policies.inline;
        entity.attached = policies.attached;
        entity.gap = policies.gap;
        let mut read = Vec::new();
        match groups {
            Ok(groups) => {
                for (group, gap) in groups {
                    entity.gap = entity.gap.or(gap);
                    read.push(group);
                }
            }
            Err(gap) => entity.gap = entity.gap.or(Some(gap)),
        }
        Ok((User { entity, groups: read.iter().map(|group| group.name.clone()).collect() }, read))
    }

    async fn get_user(&self, name: &str) -> Result<Entity, Gap> {
        let call = format!("iam:GetUser {name}");
        let output = self
            .clients
            .iam
            .get_user()
            .user_name(name)
            .send()
            .await
            .map_err(|error| Failure::of(&error).gap(IDENTITY, &call, &format!("user `{name}`")))?;
        let user = output.user.ok_or_else(|| empty_answer(&call))?;
        Ok(Entity {
            arn: user.arn,
            name: user.user_name,
            path: user.path,
            unique_id: Some(user.user_id),
            inline: Vec::new(),
            attached: Vec::new(),
            boundary: user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            tags: user.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
            gap: None,
        })
    }

    async fn role(&self, name: &str) -> Result<Role, Gap> {
        let (role, policies) = join(self.get_role(name), self.role_policies(name)).await;
        let mut entity = role?;
        entity.inline = policies.inline;
        entity.attached = policies.attached;
        entity.gap = policies.gap;
        Ok(Role { entity })
    }

    async fn get_role(&self, name: &str) -> Result<Entity, Gap> {
        let call = format!("iam:GetRole {name}");
        let output = self
            .clients
            .iam
            .get_role()
            .role_name(name)
            .send()
            .await
            .map_err(|error| Failure::of(&error).gap(IDENTITY, &call, &format!("role `{name}`")))?;
        let role = output.role.ok_or_else(|| empty_answer(&call))?;
        Ok(Entity {
            arn: role.arn,
            name: role.role_name,
            path: role.path,
            unique_id: Some(role.role_id),
            inline: Vec::new(),
            attached: Vec::new(),
            boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
            gap: None,
        })
    }

    async fn user_policies(&self, name: &str) -> Policies {
        let iam = &self.clients.iam;
        let names = iam.list_user_policies().user_name(name).into_paginator().items().send().try_collect();
        let attached = iam.list_attached_user_policies().user_name(name).into_paginator().items().send().try_collect();
        let (names, attached) = join(names, attached).await;
        let names = names.map_err(|error| listing(&error, "iam:ListUserPolicies", name));
        let attached = attached.map_err(|error| listing(&error, "iam:ListAttachedUserPolicies", name));
        let read = |policy: String| async move {
            let call = format!("iam:GetUserPolicy {name} {policy}");
            let output = iam.get_user_policy().user_name(name).policy_name(&policy).send().await;
            inline(policy, call, output.map(|output| output.policy_document).map_err(|error| Failure::of(&error)))
        };
        let (names, gap) = or_gap(names);
        policies(join_all(names.into_iter().map(read)).await, gap, attached)
    }

    async fn role_policies(&self, name: &str) -> Policies {
        let iam = &self.clients.iam;
        let names = iam.list_role_policies().role_name(name).into_paginator().items().send().try_collect();
        let attached = iam.list_attached_role_policies().role_name(name).into_paginator().items().send().try_collect();
        let (names, attached) = join(names, attached).await;
        let names = names.map_err(|error| listing(&error, "iam:ListRolePolicies", name));
        let attached = attached.map_err(|error| listing(&error, "iam:ListAttachedRolePolicies", name));
        let read = |policy: String| async move {
            let call = format!("iam:GetRolePolicy {name} {policy}");
            let output = iam.get_role_policy().role_name(name).policy_name(&policy).send().await;
            inline(policy, call, output.map(|output| output.policy_document).map_err(|error| Failure::of(&error)))
        };
        let (names, gap) = or_gap(names);
        policies(join_all(names.into_iter().map(read)).await, gap, attached)
    }

    async fn group_policies(&self, name: &str) -> Policies {
        let iam = &self.clients.iam;
        let names = iam.list_group_policies().group_name(name).into_paginator().items().send().try_collect();
        let attached =
            iam.list_attached_group_policies().group_name(name).into_paginator().items().send().try_collect();
        let (names, attached) = join(names, attached).await;
        let names = names.map_err(|error| listing(&error, "iam:ListGroupPolicies", name));
        let attached = attached.map_err(|error| listing(&error, "iam:ListAttachedGroupPolicies", name));
        let read = |policy: String| async move {
            let call = format!("iam:GetGroupPolicy {name} {policy}");
            let output = iam.get_group_policy().group_name(name).policy_name(&policy).send().await;
            inline(policy, call, output.map(|output| output.policy_document).map_err(|error| Failure::of(&error)))
        };
        let (names, gap) = or_gap(names);
        policies(join_all(names.into_iter().map(read)).await, gap, attached)
    }

    async fn groups_of(&self, user: &str) -> Result<Vec<(Group, Option<Gap>)>, Gap> {
        let call = self.clients.iam.list_groups_for_user().user_name(user);
        let groups = call.into_paginator().items().send().try_collect().await;
        let groups = groups.map_err(|error| listing(&error, "iam:ListGroupsForUser", user))?;
        let read = |group: aws_sdk_iam::types::Group| async move {
            let Policies { inline, attached, gap } = self.group_policies(&group.group_name).await;
            (Group { arn: group.arn, name: group.group_name, inline, attached }, gap)
        };
        Ok(join_all(groups.into_iter().map(read)).await)
    }

    /// The documents of every attached policy and boundary.
    async fn managed_policies(&self, read: &Account) -> BTreeMap<String, Readable<ManagedPolicy>> {
        let entities = || read.users.iter().map(|user| &user.entity).chain(read.roles.iter().map(|role| &role.entity));
        let attached = entities().flat_map(|entity| &entity.attached);
        let of_groups = read.groups.iter().flat_map(|group| &group.attached);
        let mut wanted: BTreeMap<&str, &str> = attached.chain(of_groups).map(|arn| (arn.as_str(), IDENTITY)).collect();
        for boundary in entities().filter_map(|entity| entity.boundary.as_deref()) {
            wanted.entry(boundary).or_insert(BOUNDARY);
        }
        let policies = wanted.into_iter().map(|(arn, layer)| async move {
            let policy = self.cache.managed_policies.get_or(arn.to_owned(), self.managed_policy(arn, layer)).await;
            (arn.to_owned(), policy)
        });
        join_all(policies).await.into_iter().collect()
    }

    async fn managed_policy(&self, arn: &str, layer: &str) -> Readable<ManagedPolicy> {
        match self.get_managed_policy(arn, layer).await {
            Ok(policy) => Readable::Known(policy),
            Err(gap) => Readable::Gap(gap),
        }
    }

    async fn get_managed_policy(&self, arn: &str, layer: &str) -> Result<ManagedPolicy, Gap> {
        let what = format!("policy `{arn}`");
        let call = format!("iam:GetPolicy {arn}");
        let output = self.clients.iam.get_policy().policy_arn(arn).send().await;
        let policy = output.map_err(|error| Failure::of(&error).gap(layer, &call, &what))?.policy;
        let policy = policy.ok_or_else(|| Gap { layer: layer.to_owned(), ..empty_answer(&call) })?;
        let version = policy.default_version_id.unwrap_or_default();
        let call = format!("iam:GetPolicyVersion {arn} {version}");
        let output = self.clients.iam.get_policy_version().policy_arn(arn).version_id(version).send().await;
        let version = output.map_err(|error| Failure::of(&error).gap(layer, &call, &what))?.policy_version;
        let version = version.ok_or_else(|| Gap { layer: layer.to_owned(), ..empty_answer(&call) })?;
        Ok(ManagedPolicy {
            arn: arn.to_owned(),
            name: policy.policy_name.unwrap_or_else(|| arn.rsplit('/').next().unwrap_or(arn).to_owned()),
            updated: version.create_date.map(|date| date.to_string()),
            document: version
                .document
                .map_or_else(|| no_document(&call), |document| url_encoded(&document, call.clone())),
        })
    }
}

fn inline(name: String, call: String, document: Result<String, Failure>) -> InlinePolicy {
    let document = match document {
        Ok(document) => Readable::Known(url_encoded(&document, call)),
        Err(failure) => Readable::Gap(failure.gap(IDENTITY, &call, &format!("inline policy `{name}`"))),
    };
    InlinePolicy { name, document }
}

fn policies(
    inline: Vec<InlinePolicy>,
    gap: Option<Gap>,
    attached: Result<Vec<aws_sdk_iam::types::AttachedPolicy>, Gap>,
) -> Policies {
    let (attached, second) = or_gap(attached);
    let attached = attached.into_iter().filter_map(|policy| policy.policy_arn).collect();
    Policies { inline, attached, gap: gap.or(second) }
}

fn or_gap<T>(list: Result<Vec<T>, Gap>) -> (Vec<T>, Option<Gap>) {
    match list {
        Ok(list) => (list, None),
        Err(gap) => (Vec::new(), Some(gap)),
    }
}

fn listing<E>(error: &aws_sdk_iam::error::SdkError<E>, operation: &str, name: &str) -> Gap
where
    E: aws_sdk_iam::error::ProvideErrorMetadata,
{
    Failure::of(error).gap(IDENTITY, &format!("{operation} {name}"), &format!("the policies of `{name}`"))
}

fn empty_answer(call: &str) -> Gap {
    Gap {
        layer: IDENTITY.to_owned(),
        source: call.to_owned(),
        reason: GapReason::NotFound,
        summary: format!("`{call}` answered without what was asked for"),
    }
}

fn no_document(call: &str) -> RawDocument {
    RawDocument { json: Err("expected a document, found none".to_owned()), source: call.to_owned() }
}

//! The documents where a target is, as a world has them.

use serde_json::Value;
use sesame_diagnosis::finding::{Target, TargetKind};
use sesame_diagnosis::world::{InlinePolicy, RawDocument, Readable, World};

/// The policies that stand where a target is: the inline policies of its principal, the policies of its identity.
#[derive(Default)]
pub(crate) struct Documents<'w> {
    /// Whether these are all, so that what is not among them is not there.
    all: bool,
    /// Name and document of each; `None` where the document could not be read.
    policies: Vec<(&'w str, Option<Value>)>,
}

/// What is known of one document.
pub(crate) enum Found<'d> {
    /// It is not there.
    Nothing,
    /// It reads so.
    Document(&'d Value),
    /// Whether it is there, or what it says, could not be read.
    Unread,
}

impl Documents<'_> {
    /// The document of a name.
    pub fn named(&self, name: &str) -> Found<'_> {
        match self.policies.iter().find(|(other, _)| *other == name) {
            Some((_, Some(document))) => Found::Document(document),
            Some((_, None)) => Found::Unread,
            None if self.all => Found::Nothing,
            None => Found::Unread,
        }
    }

    /// The documents of all other names, as far as they could be read.
    pub fn beside(self, name: &str) -> Vec<Value> {
        let others = self.policies.into_iter().filter(|(other, _)| *other != name);
        others.filter_map(|(_, document)| document).collect()
    }
}

/// What stands where a target is; nothing for the kinds of target that hold one document.
pub(crate) fn at<'w>(world: &'w World, target: &Target) -> Documents<'w> {
    find(world, target).unwrap_or_default()
}

fn find<'w>(world: &'w World, target: &Target) -> Option<Documents<'w>> {
    let account = world.accounts.get(target.account.as_ref()?)?;
    let principal = target.principal.as_deref().unwrap_or_default();
    let inline = |policies: &'w [InlinePolicy], whole: bool| Documents {
        all: whole && account.iam_gap.is_none(),
        policies: policies.iter().map(|policy| (policy.name.as_str(), read(&policy.document))).collect(),
    };
    match target.kind {
        TargetKind::UserInline => {
            let user = &account.users.iter().find(|user| user.entity.arn == principal)?.entity;
            Some(inline(&user.inline, user.gap.is_none()))
        }
        TargetKind::RoleInline | TargetKind::PermissionSet => {
            let role = &account.roles.iter().find(|role| role.entity.arn == principal)?.entity;
            Some(inline(&role.inline, role.gap.is_none()))
        }
        TargetKind::GroupInline => {
            let group = account.groups.iter().find(|group| group.arn == principal)?;
            Some(inline(&group.inline, true))
        }
        TargetKind::SendingAuthorization => {
            let region = account.ses.get(target.region.as_ref()?)?.known()?;
            let policies = region.identities.get(target.identity.as_deref()?)?.policies.known()?;
            let policies = policies.iter().map(|(name, document)| (name.as_str(), value(document))).collect();
            Some(Documents { all: true, policies })
        }
        TargetKind::CustomerManaged | TargetKind::Boundary | TargetKind::Scp => None,
    }
}

fn read(document: &Readable<RawDocument>) -> Option<Value> {
    document.known().and_then(value)
}

fn value(document: &RawDocument) -> Option<Value> {
    Some(document.json.as_ref().ok()?.to_value())
}

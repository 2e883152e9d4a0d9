//! What is known of the accounts and the organization: the input of a diagnosis beside the denial itself.
//!
//! A snapshot folder gives a whole world; a live account gives the part that one diagnosis needs, with gaps where reading
//! failed. Documents stay raw until they bear on a request: a broken one elsewhere does no harm.

use std::collections::BTreeMap;

use sesame_policy::json::Json;

use crate::finding::Gap;

/// Something that was read, or why it could not be.
#[derive(Debug, Clone, PartialEq)]
pub enum Readable<T> {
    /// It was read.
    Known(T),
    /// It could not be; the layer is then unreadable, never guessed.
    Gap(Gap),
}

impl<T> Readable<T> {
    /// The value, where it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Readable::Known(value) => Some(value),
            Readable::Gap(_) => None,
        }
    }
    /// The gap, where it was not.
    pub fn gap(&self) -> Option<&Gap> {
        match self {
            Readable::Known(_) => None,
            Readable::Gap(gap) => Some(gap),
        }
    }
}

/// A policy document as it was read: not parsed as a policy yet.
#[derive(Debug, Clone, PartialEq)]
pub struct RawDocument {
    /// The JSON tree, or what is wrong with the text when it is not even JSON.
    pub json: Result<Json, String>,
    /// Where it stands: a file with a JSON pointer, or an API call; for error messages.
    pub source: String,
}

/// Accounts and their organization.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// By account id.
    pub accounts: BTreeMap<String, Account>,
    /// The organization, `Known(None)` when the accounts are in none.
    pub organization: Readable<Option<Organization>>,
}

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Users; in a live world only those that were asked for.
    pub users: Vec<User>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Managed policies by ARN, boundaries included.
    pub managed_policies: BTreeMap<String, Readable<ManagedPolicy>>,
    /// What kept IAM from being read as a whole (no `iam.json`, access denied); `None` when it was read.
    pub iam_gap: Option<Gap>,
    /// Why principals beside those listed were not read; `None` when `users` and `roles` are all that there are.
    pub others_gap: Option<Gap>,
    /// SES by Region.
    pub ses: BTreeMap<String, Readable<SesRegion>>,
    /// Changes to show beside a finding.
    pub history: Vec<Change>,
}

impl Account {
    /// An account in which nothing is known to exist; `id` has twelve digits.
    pub fn empty(id: impl Into<String>) -> Account {
        Account {
            id: id.into(),
            users: Vec::new(),
            groups: Vec::new(),
            roles: Vec::new(),
            managed_policies: BTreeMap::new(),
            iam_gap: None,
            others_gap: None,
            ses: BTreeMap::new(),
            history: Vec::new(),
        }
    }
}

/// An inline policy.
#[derive(Debug, Clone, PartialEq)]
pub struct InlinePolicy {
    /// Its name.
    pub name: String,
    /// Its document.
    pub document: Readable<RawDocument>,
}

/// A managed policy, its default version.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedPolicy {
    /// `arn:…:policy/…`; `arn:aws:iam::aws:policy/…` for AWS's own.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The default version's document.
    pub document: RawDocument,
    /// When the default version was made, ISO 8601.
    pub updated: Option<String>,
}

/// What users and roles have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// With path.
    pub arn: String,
    /// Without path.
    pub name: String,
    /// `/` or `/team/app/`.
    pub path: String,
    /// `AIDA…` or `AROA…`.
    pub unique_id: Option<String>,
    /// Inline policies.
    pub inline: Vec<InlinePolicy>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
    /// The boundary's ARN.
    pub boundary: Option<String>,
    /// Tags, in order.
    pub tags: Vec<(String, String)>,
    /// Policies that could not be listed.
    pub gap: Option<Gap>,
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Name, policies, …
    pub entity: Entity,
    /// Names of its groups.
    pub groups: Vec<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Name, policies, …
    pub entity: Entity,
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// With path.
    pub arn: String,
    /// Without path.
    pub name: String,
    /// Inline policies.
    pub inline: Vec<InlinePolicy>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
}

/// SES in one Region of one account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SesRegion {
    /// `GetAccount`, where it was read.
    pub account: Option<SesAccount>,
    /// Identities by name.
    pub identities: BTreeMap<String, Identity>,
    /// Names of configuration sets; `None` when they were not listed.
    pub configuration_sets: Option<Vec<String>>,
    /// Names of templates; `None` when they were not listed.
    pub templates: Option<Vec<String>>,
    /// Whether `identities` lists all of them (a snapshot does; a live diagnosis reads only those it needs).
    pub complete: bool,
}

/// What `GetAccount` says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SesAccount {
    /// False: the account is in the sandbox.
    pub production_access: Option<bool>,
    /// False: sending is paused.
    pub sending_enabled: Option<bool>,
    /// `HEALTHY`, `PROBATION` or `SHUTDOWN`.
    pub enforcement_status: Option<String>,
}

/// What `GetEmailIdentity` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Verified for sending.
    pub verified: Option<bool>,
    /// The default configuration set.
    pub configuration_set: Option<String>,
    /// Sending authorization policies, in order.
    pub policies: Readable<Vec<(String, RawDocument)>>,
}

/// A change to show beside a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// ISO 8601.
    pub time: String,
    /// The policy that was changed.
    pub policy_arn: Option<String>,
    /// The principal whose policies were changed.
    pub principal_arn: Option<String>,
    /// The API operation.
    pub api: String,
    /// Who did it.
    pub by: Option<String>,
}

/// An organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// `o-…`
    pub id: Option<String>,
    /// SCPs do not bind this account.
    pub management_account: Option<String>,
    /// By account id: the nodes from the root down to the account itself.
    pub paths: BTreeMap<String, Vec<Node>>,
}

/// A root, an OU or an account, with what is attached to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// `root`, `ou` or `account`.
    pub kind: NodeKind,
    /// `r-…`, `ou-…` or twelve digits.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// SCPs attached here.
    pub service_control_policies: Readable<Vec<OrganizationPolicy>>,
    /// RCPs attached here.
    pub resource_control_policies: Readable<Vec<OrganizationPolicy>>,
}

/// The kinds of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum NodeKind {
    Root,
    Ou,
    Account,
}

impl NodeKind {
    /// As in the finding's `level.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            NodeKind::Root => "root",
            NodeKind::Ou => "ou",
            NodeKind::Account => "account",
        }
    }
}

/// An SCP or RCP.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationPolicy {
    /// `p-…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: Option<String>,
    /// Its content.
    pub document: RawDocument,
}

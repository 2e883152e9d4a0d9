//! Remedies as a finding holds them: a change to one document, whose it is, what it allows, and how to make it by hand.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One change that would help, as exact JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// `r1`, `r2`, …
    pub id: String,
    /// Indices into `causes`.
    pub fixes: Vec<usize>,
    /// One line.
    pub title: String,
    /// Who can do it.
    pub owner: Owner,
    /// Write the whole document, or take the policy off.
    pub operation: Operation,
    /// Where.
    pub target: Target,
    /// The whole document as it is; null when it is new.
    pub before: Option<Value>,
    /// The whole document as it will be; null for `detach`.
    pub after: Option<Value>,
    /// RFC 6902, from before to after.
    pub patch: Value,
    /// `sha256:` over the canonical form (RFC 8785).
    pub before_digest: Option<String>,
    /// The same of `after`.
    pub after_digest: Option<String>,
    /// Whether Sesame may apply it.
    pub applicability: Applicability,
    /// Why that applicability.
    pub why: String,
    /// The remedy in whose place this one may stand.
    pub alternative_to: Option<String>,
    /// When it ends by itself, ISO 8601.
    pub expires: Option<String>,
    /// What was computed of the world with it.
    pub verification: Verification,
    /// The same change for other tools.
    pub commands: Commands,
}

/// Who can make the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The account.
    pub account: Option<String>,
    /// Their part.
    pub role: OwnerRole,
}

/// Whose part a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum OwnerRole {
    AccountAdmin,
    OrganizationAdmin,
    IdentityOwner,
}

/// What is done to the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Write `after` as the whole document.
    Put,
    /// Take the policy from the principal or node.
    Detach,
}

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// What kind.
    pub kind: TargetKind,
    /// The account that holds it.
    pub account: Option<String>,
    /// The ARN of the user, role or group that holds or will hold the policy.
    pub principal: Option<String>,
    /// The policy's name (inline, sending authorization) or ARN (managed, SCP).
    pub policy: Option<String>,
    /// The SES identity's name.
    pub identity: Option<String>,
    /// The SES identity's Region.
    pub region: Option<String>,
    /// For SCPs: the id of the root, OU or account.
    pub node: Option<String>,
}

/// The kinds of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are AWS's own")]
pub enum TargetKind {
    UserInline,
    RoleInline,
    GroupInline,
    CustomerManaged,
    Boundary,
    Scp,
    SendingAuthorization,
    PermissionSet,
}

/// Whether Sesame may apply a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// Never applied by Sesame; for the person who may.
    AdviceOnly,
    /// Applied only by someone who reviewed it; never from a bare link.
    NeedsReview,
    /// Applied once approved.
    Applicable,
}

/// What was computed of the world with a remedy in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether the send is then allowed (with the rest of the plan); null when that still turns on something.
    pub allowed_after: Option<bool>,
    /// The keys and layers on which it still turns.
    pub depends_on: Vec<String>,
    /// What else becomes allowed, one sentence.
    pub also_allowed: String,
    /// Examples of it.
    pub also_allowed_requests: Vec<Value>,
}

/// The same change for other tools. The AWS CLI takes `after` from a quoted here-document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commands {
    /// AWS CLI, for bash.
    pub aws_cli: String,
    /// A CloudFormation fragment (YAML), null where it has no such resource.
    pub cloud_formation: Option<String>,
    /// A Terraform fragment, null where it has no such resource.
    pub terraform: Option<String>,
    /// AWS CLI that takes it back.
    pub undo: String,
}

//! The finding: what Sesame says about a refused send. The JSON form is `docs/schema/finding.json`; names and meanings are kept.

mod remedy;

pub use remedy::{Applicability, Commands, Operation, Owner, OwnerRole, Remedy, Target, TargetKind, Verification};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The schema's name and version.
pub const SCHEMA: &str = "sesame.finding/v1";

/// A finding: one fingerprint (account, Region, principal, action, resource, denial class), folded over its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// `f-` and a digest of the fingerprint.
    pub id: String,
    /// What came of the diagnosis.
    pub outcome: Outcome,
    /// Counts the times that a closed finding was opened again; the first is 1.
    pub generation: u32,
    /// How the denial came in.
    pub provenance: Provenance,
    /// The refused event or events.
    pub event: Event,
    /// Who was refused.
    pub principal: PrincipalInfo,
    /// Every authorization question that the send asks.
    pub requests: Vec<RequestInfo>,
    /// Why, each with its evidence.
    pub causes: Vec<Cause>,
    /// What else to know.
    pub hints: Vec<Hint>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What AWS's own message says.
    pub witness: Witness,
    /// What would mend it; those in `plan`, and alternatives.
    pub remedies: Vec<Remedy>,
    /// Ids of the remedies that together let the send through, in order.
    pub plan: Vec<String>,
    /// What, why, fix: one sentence each.
    pub summary: Summary,
}

/// What came of the diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Refused, and the cause is known or inferred.
    Denied,
    /// The policies as they stand now allow it.
    AllowedNow,
    /// What could be read allows; something could not be read or known.
    Undetermined,
    /// Refused, but not by a policy.
    NotAuthorization,
}

/// How a denial came in. Never folds upward: only `Cloudtrail` can lead to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// The error text alone.
    Text,
    /// A direct invocation or the command line.
    Invoke,
    /// An application's log line.
    Log,
    /// A CloudTrail record.
    Cloudtrail,
}

/// The refused events, folded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The latest event's id.
    pub id: Option<String>,
    /// The latest event's time, ISO 8601 UTC.
    pub time: Option<String>,
    /// The account whose principal called.
    pub account: Option<String>,
    /// Its name, where the organization could be read.
    pub account_name: Option<String>,
    /// The Region of the SES endpoint.
    pub region: Option<String>,
    /// The API operation, such as `SendEmail`.
    pub api: Option<String>,
    /// Where the call came from.
    pub source_ip: Option<String>,
    /// The caller's user agent.
    pub user_agent: Option<String>,
    /// Distinct event ids.
    pub count: u64,
    /// Time of the first event.
    pub first_seen: Option<String>,
    /// Time of the last event.
    pub last_seen: Option<String>,
    /// Up to five sources.
    pub sources: Vec<Source>,
    /// Up to 20 distinct request contexts: the known condition keys, and `count`.
    pub contexts: Vec<Value>,
}

/// Where calls came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The source address.
    pub ip: Option<String>,
    /// The user agent.
    pub user_agent: Option<String>,
    /// The last four characters of the access key id.
    pub key_id_suffix: Option<String>,
    /// The VPC endpoint.
    pub vpc_endpoint_id: Option<String>,
    /// Events from here.
    pub count: u64,
    /// The first of them.
    pub first_seen: Option<String>,
}

/// Who was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalInfo {
    /// The entity whose policies count.
    pub arn: Option<String>,
    /// The session, where there is one.
    pub session_arn: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Option<PrincipalKind>,
    /// Its account.
    pub account: Option<String>,
    /// Its IAM path.
    pub path: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Whether Sesame or its owner can put a policy on it.
    pub modifiable: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// What manages it.
    pub managed_by: Option<ManagedBy>,
    /// Who owns it, by its tags.
    pub owner: Option<String>,
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum PrincipalKind {
    User,
    Role,
    Root,
    FederatedUser,
    Service,
    Account,
}

/// What manages a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ManagedBy {
    Cloudformation,
    Terraform,
    Cdk,
    IdentityCenter,
}

/// One authorization question and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestInfo {
    /// The IAM action.
    pub action: String,
    /// The resource's ARN.
    pub resource: String,
    /// Why this question is asked.
    pub origin: Origin,
    /// `Allowed`, `ImplicitDeny`, `ExplicitDeny` or `Undetermined`.
    pub decision: String,
    /// Every decision that some completion of the unknowns gives.
    pub possible: Vec<String>,
    /// The unknown keys on which it turns.
    pub unknown_keys: Vec<String>,
    /// What each layer says.
    pub layers: Vec<LayerInfo>,
}

/// Why a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// AWS's message names action and resource.
    Message,
    /// The API call needs it.
    Api,
    /// The identity's default configuration set.
    DefaultConfigurationSet,
    /// The second of the two bulk actions.
    BulkPair,
    /// The account is in the sandbox and this is a recipient's identity.
    RecipientInSandbox,
    /// The feedback (Return-Path) identity.
    FeedbackIdentity,
}

/// What one layer says of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerInfo {
    /// The layer's name.
    pub layer: String,
    /// Its decision.
    pub decision: String,
    /// Set where the layer could not be read or is assumed absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The statements that bear on the question.
    pub statements: Vec<StatementEvidence>,
}

/// A statement held against the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementEvidence {
    /// The policy.
    pub policy: PolicyInfo,
    /// Where in it.
    pub statement: StatementInfo,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// Whether it matches: true, false, or null when that is not known.
    pub matched: Option<bool>,
    /// The elements that do not match, of Action, Resource, Principal, Condition.
    pub fails: Vec<String>,
    /// Its conditions.
    pub conditions: Vec<ConditionInfo>,
}

/// Which policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyInfo {
    /// What kind.
    pub kind: PolicyKind,
    /// Its name.
    pub name: String,
    /// Its ARN, where it has one.
    pub arn: Option<String>,
    /// The ARN or id of the user, role, group, node or identity that it hangs on.
    pub attached_to: Option<String>,
    /// The name of a node of the organization, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached_to_name: Option<String>,
}

/// The kinds of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are AWS's own")]
pub enum PolicyKind {
    UserInline,
    RoleInline,
    GroupInline,
    CustomerManaged,
    AwsManaged,
    Boundary,
    Scp,
    Rcp,
    SendingAuthorization,
}

/// Which statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementInfo {
    /// Its index in the document.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// JSON pointer: `/Statement/0`, or `/Statement` for a single object.
    pub pointer: String,
}

/// One reason why the send is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// A Deny, or an allow that is missing.
    pub kind: CauseKind,
    /// The layer's name.
    pub layer: String,
    /// Index into `requests`.
    pub request: usize,
    /// For SCPs and RCPs: where the deny is attached, or which level lacks the allow.
    pub level: Option<Level>,
    /// How sure it is.
    pub certainty: Certainty,
    /// The policy; null when nothing is there at all.
    pub policy: Option<PolicyInfo>,
    /// The Deny statement; null for `no-allow`.
    pub statement: Option<StatementInfo>,
    /// The Deny's conditions.
    pub conditions: Vec<ConditionInfo>,
    /// For `no-allow`: allows that came close, nearest first.
    pub near_misses: Vec<NearMiss>,
    /// One sentence.
    pub summary: String,
}

/// A Deny, or an allow that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum CauseKind {
    NoAllow,
    ExplicitDeny,
}

/// How sure a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Everything that it turns on is known.
    Proven,
    /// Exactly the completions in which it holds are refused.
    Inferred,
    /// It could not be seen.
    Possible,
}

/// A level of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// `root`, `ou` or `account`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The node's id.
    pub id: String,
    /// The node's name.
    pub name: Option<String>,
}

/// One condition held against the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionInfo {
    /// The operator as written.
    pub operator: String,
    /// The key as written.
    pub key: String,
    /// The values of the policy.
    pub expected: Vec<String>,
    /// The same with what is known of their policy variables put in; left out where that changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Vec<String>>,
    /// The values of the request, null when not known or absent.
    pub actual: Option<Vec<String>>,
    /// `present`, `absent` or `unknown`.
    pub state: String,
    /// Whether it holds; null when not known.
    pub matched: Option<bool>,
}

/// An Allow statement that came close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    /// The policy.
    pub policy: PolicyInfo,
    /// The statement.
    pub statement: StatementInfo,
    /// The first element that fails, of Action, Resource, Principal, Condition.
    pub fails: String,
    /// The others that fail.
    pub also_fails: Vec<String>,
    /// What the failing element holds.
    pub expected: Vec<String>,
    /// What the request has.
    pub actual: Option<String>,
    /// The condition that fails, where it is one; where none is known to fail, the first on which it turns.
    pub condition: Option<ConditionInfo>,
    /// The other conditions of that kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_conditions: Vec<ConditionInfo>,
    /// One sentence.
    pub summary: String,
}

impl ConditionInfo {
    /// The values of the policy as they count for this request, as far as that is known.
    pub fn values(&self) -> &[String] {
        self.resolved.as_deref().unwrap_or(&self.expected)
    }
}

impl NearMiss {
    /// The conditions that fail; where none is known to, those on which it turns.
    pub fn conditions(&self) -> impl Iterator<Item = &ConditionInfo> {
        self.condition.iter().chain(&self.further_conditions)
    }
}

/// What else to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// Which kind, of the closed list of the schema.
    pub kind: String,
    /// One sentence.
    pub summary: String,
    /// Facts for machines.
    pub details: Value,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The layer's name.
    pub layer: String,
    /// Which file or API call.
    pub source: String,
    /// Why.
    pub reason: GapReason,
    /// One sentence.
    pub summary: String,
}

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum GapReason {
    AccessDenied,
    NotFound,
    Throttled,
    Timeout,
    MissingFile,
    InvalidDocument,
}

/// What AWS's own message says, and whether the engine agrees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// The message as received.
    pub message: Option<String>,
    /// The principal that it names.
    pub principal: Option<String>,
    /// The action that it names.
    pub action: Option<String>,
    /// The resource that it names.
    pub resource: Option<String>,
    /// The layer that it names.
    pub layer: Option<String>,
    /// `no-allow` or `explicit-deny`, where it says.
    pub kind: Option<CauseKind>,
    /// The policy that it names.
    pub policy_arn: Option<String>,
    /// Whether the engine comes to the same.
    pub agreement: Agreement,
}

/// Whether message and engine agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// Both name the same layer.
    Agrees,
    /// The message names no layer.
    Silent,
    /// They differ, and the finding says so.
    Contradicts,
}

/// What, why, fix: one sentence each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Summary {
    pub what: String,
    pub why: String,
    pub fix: String,
}

impl Finding {
    /// The remedies of the plan, in order.
    pub fn planned(&self) -> impl Iterator<Item = &Remedy> {
        self.plan.iter().filter_map(|id| self.remedy(id))
    }
    /// A remedy by its id.
    pub fn remedy(&self, id: &str) -> Option<&Remedy> {
        self.remedies.iter().find(|remedy| remedy.id == id)
    }
}

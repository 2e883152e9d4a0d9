//! Where Sesame may write at all, whatever was approved: asked again at the moment of the application.
//!
//! IAM holds some of these walls a second time, by the apply role's policy; what a document says, no IAM policy can hold.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use sesame_diagnosis::finding::{Applicability, Finding, Provenance, Remedy, Target, TargetKind};
use sesame_diagnosis::world::World;
use sesame_policy::Arn;
use sesame_remediation::approver::{is_refused_principal, same_principal};
use sesame_remediation::decision::{Channel, Decision};
use sesame_remediation::guard::{self, GuardRefusal};

use crate::ports::PortError;
use crate::settings::Settings;

/// An approval is for now: one that could not be applied for so long is given anew, so that an old one is worth nothing to
/// whoever can write to the table.
pub const APPROVAL_HOLDS: SignedDuration = SignedDuration::from_hours(1);
/// How far two clocks may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// What a stack may write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walls {
    /// Users and roles that may get a policy of ours.
    pub principals: Listed,
    /// SES identities that may get one.
    pub identities: Listed,
    /// The permissions boundary that a user or role must have to get one.
    pub required_boundary: Option<String>,
    /// How many applications may begin within 24 hours; `None` for no limit.
    pub grants_a_day: Option<u32>,
}

impl Walls {
    /// The embedded world, where everything is a copy.
    pub fn open() -> Walls {
        Walls { principals: Listed::Any, identities: Listed::Any, required_boundary: None, grants_a_day: None }
    }

    /// Nothing may be written.
    pub fn shut() -> Walls {
        let none = || Listed::Only(Vec::new());
        Walls { principals: none(), identities: none(), required_boundary: None, grants_a_day: Some(0) }
    }
}

/// ARNs that are listed, letter by letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// All of them. Only the embedded world has this.
    Any,
    /// These.
    Only(Vec<String>),
}

impl Listed {
    fn holds(&self, arn: &str) -> bool {
        match self {
            Listed::Any => true,
            Listed::Only(list) => list.iter().any(|listed| listed == arn),
        }
    }
}

/// What is asked at the moment of an application, outside of the record.
pub trait Controls {
    /// Whether the switch for applications is on.
    fn is_on(&self) -> impl Future<Output = Result<bool, PortError>> + Send;
    /// Counts an application as of `now`, unless `most` others were counted within the last 24 hours: then `false`. Counting
    /// the same application again changes nothing.
    fn count(
        &self,
        application: &str,
        now: Timestamp,
        most: u32,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// The embedded world's: nothing is switched off or counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoControls;

impl Controls for NoControls {
    async fn is_on(&self) -> Result<bool, PortError> {
        Ok(true)
    }
    async fn count(&self, _application: &str, _now: Timestamp, _most: u32) -> Result<bool, PortError> {
        Ok(true)
    }
}

/// A wall that was run into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// The approval is too old, or of the future.
    #[error("the decision is of {0}, expected one of the last hour; decide again")]
    Stale(Timestamp),
    /// What the decision rests on was altered.
    #[error("the finding is not what was decided about")]
    Altered,
    /// Anyone can write a log line, or invoke a function that they may invoke.
    #[error("the refusal is known from {0}; only what CloudTrail recorded can lead to an application")]
    Provenance(&'static str),
    /// The one who was refused.
    #[error("`{0}` is the principal that was refused, and cannot approve its own grant")]
    OwnGrant(String),
    /// A link cannot decide that.
    #[error("`{0}` needs review, and a link cannot tell who reviewed it")]
    ByLink(String),
    /// Another account's, without a role there.
    #[error("`{remedy}` is in account {account}, which has no apply role of this stack")]
    Account {
        /// The remedy.
        remedy: String,
        /// Its target's account.
        account: String,
    },
    /// Not on the list.
    #[error("`{0}` is not among the stack's RemediablePrincipals; list it there, or do it by hand")]
    Principal(String),
    /// Not on the list.
    #[error("`{0}` is not among the stack's RemediableIdentities; list it there, or do it by hand")]
    Identity(String),
    /// The stack's own.
    #[error("`{0}` is a role of this stack, which never changes its own rights")]
    OwnRole(String),
    /// Not a name of this finding's.
    #[error("expected the policy name `{expected}`, found `{found}`")]
    Name {
        /// Ours.
        expected: String,
        /// What was found.
        found: String,
    },
    /// What would be put back is not ours to write.
    #[error("what stands there now is {0}")]
    Before(GuardRefusal),
    /// SES has no way to replace a policy in one step that the stack has a right to.
    #[error("the identity has an earlier policy of ours, `{0}`; roll that back first")]
    IdentityPolicyThere(String),
    /// The boundary.
    #[error("`{principal}` has {found}, expected the permissions boundary `{required}`")]
    Boundary {
        /// The user or role.
        principal: String,
        /// What it must have.
        required: String,
        /// What it has.
        found: String,
    },
}

impl Breach {
    /// The wall's name, as in `docs/walls.md`.
    pub fn wall(&self) -> &'static str {
        match self {
            Breach::Stale(_) => "age",
            Breach::Altered => "scope",
            Breach::Provenance(_) => "provenance",
            Breach::OwnGrant(_) => "own grant",
            Breach::ByLink(_) => "review",
            Breach::Account { .. } => "account",
            Breach::Principal(_) => "principals",
            Breach::Identity(_) => "identities",
            Breach::OwnRole(_) => "own roles",
            Breach::Name { .. } => "name",
            Breach::Before(_) | Breach::IdentityPolicyThere(_) => "before",
            Breach::Boundary { .. } => "boundary",
        }
    }
}

/// Whether a decision of this time may still be carried out.
pub fn check_age(decision: &Decision, now: Timestamp) -> Result<(), Breach> {
    let age = now.duration_since(decision.time);
    match age > APPROVAL_HOLDS || age < -CLOCKS_APART {
        true => Err(Breach::Stale(decision.time)),
        false => Ok(()),
    }
}

/// Whether these remedies of this finding may be written by this stack, on this approver's word.
pub fn check(settings: &Settings, finding: &Finding, remedies: &[&Remedy], decision: &Decision) -> Result<(), Breach> {
    if finding.provenance != Provenance::Cloudtrail && !settings.approval.any_provenance {
        return Err(Breach::Provenance(match finding.provenance {
            Provenance::Cloudtrail => "CloudTrail",
            Provenance::Invoke => "a direct invocation",
            Provenance::Log => "a log line",
            Provenance::Text => "a text",
        }));
    }
    if is_refused_principal(finding, &decision.approver) {
        return Err(Breach::OwnGrant(decision.approver.id.clone().unwrap_or_default()));
    }
    remedies.iter().try_for_each(|remedy| {
        if remedy.applicability == Applicability::NeedsReview && decision.approver.channel == Channel::Link {
            return Err(Breach::ByLink(remedy.id.clone()));
        }
        check_place(settings, finding, &remedy.id, &remedy.target)?;
        let Some(before) = &remedy.before else { return Ok(()) };
        if remedy.target.kind == TargetKind::SendingAuthorization && settings.own_account.is_some() {
            return Err(Breach::IdentityPolicyThere(remedy.target.policy.clone().unwrap_or_default()));
        }
        // What is there may have to be put back, and nothing is written that the guard has not seen.
        let back = Remedy { after: Some(before.clone()), ..(*remedy).clone() };
        guard::check(finding, &back).map_err(Breach::Before)
    })
}

/// Whether this stack may write to this place for this finding.
pub fn check_place(settings: &Settings, finding: &Finding, remedy: &str, target: &Target) -> Result<(), Breach> {
    let account = target.account.clone().unwrap_or_default();
    if let Some(own) = &settings.own_account
        && *own != account
        && !settings.apply_role_accounts.contains(&account)
    {
        return Err(Breach::Account { remedy: remedy.to_owned(), account });
    }
    let expected = format!("{}{}", guard::PREFIX, finding.id);
    let found = target.policy.clone().unwrap_or_default();
    if found != expected {
        return Err(Breach::Name { expected, found });
    }
    let walls = &settings.walls;
    if target.kind == TargetKind::SendingAuthorization {
        let identity = identity_arn(finding, target);
        return match walls.identities.holds(&identity) {
            true => Ok(()),
            false => Err(Breach::Identity(identity)),
        };
    }
    let principal = target.principal.clone().unwrap_or_default();
    if settings.own_roles.iter().any(|own| same_principal(own, &principal)) {
        return Err(Breach::OwnRole(principal));
    }
    match walls.principals.holds(&principal) {
        true => Ok(()),
        false => Err(Breach::Principal(principal)),
    }
}

/// Whether the principals of these targets have the boundary that the stack asks for, as read just now.
pub fn check_boundary(settings: &Settings, remedies: &[&Remedy], world: &World) -> Result<(), Breach> {
    let Some(required) = &settings.walls.required_boundary else { return Ok(()) };
    let inline = remedies.iter().filter(|remedy| remedy.target.kind != TargetKind::SendingAuthorization);
    for remedy in inline {
        let principal = remedy.target.principal.clone().unwrap_or_default();
        let account = remedy.target.account.as_ref().and_then(|account| world.accounts.get(account));
        let entity = account.and_then(|account| {
            let users = account.users.iter().map(|user| &user.entity);
            users.chain(account.roles.iter().map(|role| &role.entity)).find(|entity| entity.arn == principal)
        });
        let boundary = entity.and_then(|entity| entity.boundary.as_ref());
        if boundary != Some(required) {
            let found = boundary.map_or_else(|| "none".to_owned(), |boundary| format!("`{boundary}`"));
            return Err(Breach::Boundary { principal, required: required.clone(), found });
        }
    }
    Ok(())
}

/// The ARN of the identity that a target is about, in the partition of the refused principal.
fn identity_arn(finding: &Finding, target: &Target) -> String {
    let partition = finding.principal.arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
    let partition = partition.as_ref().map_or("aws", |arn| arn.partition());
    let (region, account) = (target.region.as_deref(), target.account.as_deref());
    let identity = target.identity.as_deref().unwrap_or_default();
    format!("arn:{partition}:ses:{}:{}:identity/{identity}", region.unwrap_or_default(), account.unwrap_or_default())
}

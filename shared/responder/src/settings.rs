//! What a stack, or the embedded world, is set to.

use jiff::{SignedDuration, Timestamp};
use sesame_diagnosis::Options;

use crate::walls::Walls;

/// Settings that the use cases share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The stack's name; part of everything that is signed.
    pub stack: String,
    /// The stack's own account; `None` in the embedded world, where every account of the snapshot is our own.
    pub own_account: Option<String>,
    /// Accounts with a separately deployed apply role.
    pub apply_role_accounts: Vec<String>,
    /// A broken policy document stops the diagnosis instead of being a gap.
    pub strict: bool,
    /// ARNs of the stack's own roles: their denials are not looked at, so that Sesame never feeds on itself.
    pub own_roles: Vec<String>,
    /// A refusal that goes on is told of again after so long.
    pub alert_window: SignedDuration,
    /// Who may decide how.
    pub approval: Approval,
    /// Whether the stack applies anything at all, or only suggests.
    pub apply: bool,
    /// What it may write to.
    pub walls: Walls,
}

/// What every use case works with.
#[derive(Debug)]
pub struct Shared<'a, S, P, C> {
    /// Where findings are kept.
    pub store: &'a S,
    /// Who tells people.
    pub publisher: &'a P,
    /// The clock.
    pub clock: &'a C,
    /// The settings.
    pub settings: &'a Settings,
}

// Derived, these would ask the same of what is only referred to.
impl<S, P, C> Clone for Shared<'_, S, P, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, P, C> Copy for Shared<'_, S, P, C> {}

/// Who may decide how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// A link may decide, not only show.
    pub by_link: bool,
    /// How many must approve before something is applied.
    pub needed: ApprovalsNeeded,
    /// What did not come from CloudTrail may be applied. Only the embedded world may: anyone can write a log line.
    pub any_provenance: bool,
}

/// How many must approve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ApprovalsNeeded {
    /// One is enough.
    #[default]
    One,
    /// Two different people, each known by name: a link says nothing of who follows it.
    Two,
}

impl Settings {
    /// The embedded world: everything is local, and so is who decides.
    pub fn embedded() -> Settings {
        Settings {
            stack: "local".to_owned(),
            own_account: None,
            apply_role_accounts: Vec::new(),
            strict: true,
            own_roles: Vec::new(),
            alert_window: SignedDuration::from_hours(24),
            approval: Approval { by_link: true, needed: ApprovalsNeeded::One, any_provenance: true },
            apply: true,
            walls: Walls::open(),
        }
    }

    /// How to diagnose now.
    pub fn options(&self, now: Timestamp) -> Options {
        Options {
            now,
            strict: self.strict,
            own_account: self.own_account.clone(),
            apply_role_accounts: self.apply_role_accounts.clone(),
        }
    }
}

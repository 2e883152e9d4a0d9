//! What changed after the refused event, where that can be known.

use jiff::Timestamp;

use crate::assemble::Assembled;
use crate::denial::Denial;
use crate::finding::PolicyInfo;
use crate::subject::Subject;
use crate::world::{Change, Readable, World};

/// The prefix of the names of all policies that Sesame writes.
pub const OWN_PREFIX: &str = "sesame-";

/// Whether a policy bears the name of one that Sesame wrote.
pub fn is_own(policy: &PolicyInfo) -> bool {
    policy.arn.is_none() && policy.name.starts_with(OWN_PREFIX)
}

/// Whether the policies at hand are known to have changed after the event.
pub fn changed_since(denial: &Denial, subject: &Subject, world: &World, set: &Assembled) -> bool {
    let own = set.iter().any(|(_, _, policy)| policy.info.as_ref().is_some_and(is_own));
    own || !changes_since(denial, subject, world, set).is_empty()
}

/// The changes after the event that touch the principal or one of the policies at hand, oldest first.
pub fn changes_since(denial: &Denial, subject: &Subject, world: &World, set: &Assembled) -> Vec<Change> {
    let Some(event) = denial.time else { return Vec::new() };
    let later = |time: &str| time.parse::<Timestamp>().is_ok_and(|time| time > event);
    let arns: Vec<&str> = set.iter().filter_map(|(_, _, policy)| policy.info.as_ref()?.arn.as_deref()).collect();
    let touches = |change: &Change| {
        let principal = change.principal_arn.as_deref();
        let policy = change.policy_arn.as_deref();
        (principal.is_some() && principal == subject.info.arn.as_deref())
            || policy.is_some_and(|arn| arns.contains(&arn))
    };
    let mut found: Vec<Change> = world
        .accounts
        .values()
        .flat_map(|account| &account.history)
        .filter(|change| touches(change) && later(&change.time))
        .cloned()
        .collect();
    for arn in &arns {
        let policy = subject.account.and_then(|account| account.managed_policies.get(*arn)).and_then(Readable::known);
        let updated = policy.and_then(|policy| policy.updated.clone()).filter(|time| later(time));
        let told = found.iter().any(|change| change.policy_arn.as_deref() == Some(*arn));
        if let (Some(time), false) = (updated, told) {
            found.push(Change {
                time,
                policy_arn: Some((*arn).to_owned()),
                principal_arn: None,
                api: "CreatePolicyVersion".to_owned(),
                by: None,
            });
        }
    }
    found.sort_by(|a, b| a.time.cmp(&b.time));
    found.dedup();
    found
}

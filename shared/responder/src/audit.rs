//! The audit: who did what to a finding, how, when, from where, about which documents.

use crate::record::{Act, Entry};

/// How a finding came to where it stands, in half a sentence: `approved by `…` at 2026-11-23T03:00:00Z`.
pub fn standing(entry: &Entry) -> Option<String> {
    let done = entry.act.map(past)?;
    let by = entry.by.as_ref().map(|by| match &by.id {
        Some(id) => format!(" by `{id}`"),
        None => format!(" by the holder of a {}", by.channel.as_str()),
    });
    Some(format!("{done}{} at {}", by.unwrap_or_default(), entry.time))
}

/// What was done, as a participle.
pub fn past(act: Act) -> &'static str {
    match act {
        Act::Find => "found",
        Act::Reopen => "refused again",
        Act::Approve => "approved",
        Act::Reject => "rejected",
        Act::Mute => "muted",
        Act::RollBack => "sent back",
        Act::Revoke => "revoked",
        Act::Expire => "expired",
        Act::Supersede => "superseded",
        Act::Start => "being applied",
        Act::Complete => "applied",
        Act::Fail => "failed",
        Act::RollBackComplete => "rolled back",
        Act::RollBackFail => "not rolled back",
        Act::Quiet => "quiet",
        Act::Vanish => "gone",
    }
}

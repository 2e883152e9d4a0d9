//! What happened to a finding after it was published, in short messages.

use std::fmt;

use serde::{Deserialize, Serialize};
use sesame_diagnosis::finding::{Applicability, Finding, Remedy};

use crate::escape::{self, Medium};
use crate::{grant, words};

/// Why a message goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The finding itself.
    Finding,
    /// Somebody approved its plan.
    Approved,
    /// Somebody rejected it.
    Rejected,
    /// Somebody asked to hear no more of it.
    Muted,
    /// The plan is in place.
    Applied,
    /// The plan could not be put in place.
    Failed,
    /// What was read no longer stands.
    Superseded,
    /// What was applied is taken back.
    RolledBack,
    /// Nobody decided in time.
    Expired,
    /// A grant was taken back.
    Revoked,
    /// The refusals stopped after the application.
    Quiet,
    /// They did not.
    StillRefused,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Phase; 12] = [
        Phase::Finding,
        Phase::Approved,
        Phase::Rejected,
        Phase::Muted,
        Phase::Applied,
        Phase::Failed,
        Phase::Superseded,
        Phase::RolledBack,
        Phase::Expired,
        Phase::Revoked,
        Phase::Quiet,
        Phase::StillRefused,
    ];
    /// The name in the message attribute `phase`.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Finding => "finding",
            Phase::Approved => "approved",
            Phase::Rejected => "rejected",
            Phase::Muted => "muted",
            Phase::Applied => "applied",
            Phase::Failed => "failed",
            Phase::Superseded => "superseded",
            Phase::RolledBack => "rolled-back",
            Phase::Expired => "expired",
            Phase::Revoked => "revoked",
            Phase::Quiet => "quiet",
            Phase::StillRefused => "still-refused",
        }
    }
    /// One sentence.
    fn sentence(self) -> &'static str {
        match self {
            Phase::Finding => "SES refused a send.",
            Phase::Approved => "Approved: Sesame is about to apply the plan.",
            Phase::Rejected => "Rejected: nothing is changed, and the sends stay refused.",
            Phase::Muted => "Muted: nothing is changed, and this finding alerts no more.",
            Phase::Applied => "Applied: written, read back, and the policies now allow the send.",
            Phase::Failed => "Failed: the plan is not in place.",
            Phase::Superseded => "Superseded: policies changed since the plan was made, and it no longer fits.",
            Phase::RolledBack => "Rolled back: the policies are again as they were before.",
            Phase::Expired => "Expired: nobody decided in time; nothing is changed.",
            Phase::Revoked => "Revoked: what Sesame granted is taken back.",
            Phase::Quiet => "Quiet: no refusal since the plan was applied.",
            Phase::StillRefused => "Still refused: sends fail although the plan was applied.",
        }
    }
    /// Two or three words for a subject.
    fn short(self) -> &'static str {
        match self {
            Phase::Finding => "SES refused",
            Phase::Approved => "Approved:",
            Phase::Rejected => "Rejected:",
            Phase::Muted => "Muted:",
            Phase::Applied => "Applied:",
            Phase::Failed => "Failed:",
            Phase::Superseded => "Superseded:",
            Phase::RolledBack => "Rolled back:",
            Phase::Expired => "Expired:",
            Phase::Revoked => "Revoked:",
            Phase::Quiet => "Quiet:",
            Phase::StillRefused => "Still refused:",
        }
    }
    /// The next thing to do, if any.
    fn next(self, id: &str) -> Option<String> {
        match self {
            Phase::Applied => Some(format!("sesame rollback {id}")),
            Phase::Failed | Phase::StillRefused | Phase::Superseded => Some(format!("sesame show {id}")),
            _ => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A short message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseText {
    /// Fewer than 100 characters of ASCII.
    pub subject: String,
    /// What happened, with the detail that was given (by whom, why, since when).
    pub sentence: String,
    /// What it is about: who was refused what, and for an approval or application what is given. Values stand in backquotes.
    pub about: Vec<String>,
    /// A command for what may come next.
    pub command: Option<String>,
}

/// The message of a phase. `detail` says by whom, why or since when, as a sentence of its own; it is untrusted like the rest.
pub fn phase_text(finding: &Finding, phase: Phase, detail: Option<&str>) -> PhaseText {
    phase_text_of(&escape::shown(finding, Medium::Plain), phase, detail)
}

/// The same of a finding that is fit to be shown.
pub(crate) fn phase_text_of(shown: &Finding, phase: Phase, detail: Option<&str>) -> PhaseText {
    let (ours, theirs): (Vec<&Remedy>, Vec<&Remedy>) =
        shown.planned().partition(|remedy| remedy.applicability != Applicability::AdviceOnly);
    let mut sentence = match phase {
        Phase::Applied if !theirs.is_empty() => "Applied in part: written and read back; the rest is for others to do.",
        _ => phase.sentence(),
    }
    .to_owned();
    if let Some(detail) = detail.map(|detail| escape::plain(detail.trim())).filter(|detail| !detail.is_empty()) {
        sentence.push(' ');
        sentence.push_str(&words::capital(&detail));
        if !sentence.ends_with(['.', '!', '?']) {
            sentence.push('.');
        }
    }
    let mut about = vec![shown.summary.what.clone()];
    if matches!(phase, Phase::Approved | Phase::Applied) {
        about.extend(grant::of(&ours, shown));
        about.extend(
            theirs
                .iter()
                .map(|remedy| format!("Still to be done by hand, by {}: {}.", words::owner(remedy), remedy.title)),
        );
    }
    PhaseText { subject: subject(shown, phase), sentence, about, command: phase.next(&escape::id(&shown.id)) }
}

/// The subject of a message, of a finding that is fit to be shown: ASCII, fewer than 100 characters, and the account and
/// Region always in it.
pub fn subject(finding: &Finding, phase: Phase) -> String {
    let event = &finding.event;
    let account = event.account_name.as_deref().or(event.account.as_deref()).unwrap_or("unknown account");
    let region = event.region.as_deref().unwrap_or("unknown Region");
    let who = escape::unquoted_plain(&words::who(&finding.principal));
    let place = format!(" in {}, {}", escape::header(account, 30), escape::header(region, 20));
    let left = 99_usize.saturating_sub(phase.short().len() + 1 + place.len());
    escape::header(&format!("{} {}{place}", phase.short(), escape::header(&who, left)), 100)
}

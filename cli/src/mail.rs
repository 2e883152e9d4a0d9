//! Notices as an e-mail subscriber gets them.

use jiff::Timestamp;
use sesame_remediation::decision::Verdict;
use sesame_render::text::{self, TextOptions};
use sesame_render::{Phase, phase_text};
use sesame_responder::ports::Notice;

/// An e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub body: String,
}

/// The e-mail of a notice.
pub fn mail(notice: Notice<'_>, now: Timestamp) -> Mail {
    mail_with_link(notice, None, now)
}

/// The same with a link by which one may decide.
pub fn mail_with_link(notice: Notice<'_>, link: Option<String>, now: Timestamp) -> Mail {
    let finding = notice.finding();
    let body = match notice.phase {
        Phase::Finding => text::email(finding, &TextOptions { decision_link: link, ..TextOptions::email(now) }),
        phase => text::phase_email(finding, phase, detail(notice).as_deref()),
    };
    Mail { subject: phase_text(finding, notice.phase, None).subject, body }
}

/// By whom, or why.
pub fn detail(notice: Notice<'_>) -> Option<String> {
    let receipt = notice.receipt().and_then(|receipt| receipt.note.clone());
    let decision = notice.record.decision.as_ref().map(|signed| &signed.decision);
    let by = decision.map(|decision| {
        let verdict = match decision.verdict {
            Verdict::Approve => "approved",
            Verdict::Reject => "rejected",
            Verdict::Mute => "muted",
            Verdict::RollBack => "rolled back",
            Verdict::Revoke => "revoked",
        };
        let who = decision.approver.id.as_deref().unwrap_or("the holder of a link");
        format!("{verdict} by {who}")
    });
    match notice.phase {
        Phase::Applied | Phase::Failed => receipt.or(by),
        Phase::Superseded => notice.record.history.last().and_then(|last| last.note.clone()),
        _ => by,
    }
}

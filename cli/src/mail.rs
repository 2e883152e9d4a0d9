//! Notices as an e-mail subscriber gets them.

use jiff::Timestamp;
use sesame_render::sns::{SnsOptions, sns};
use sesame_responder::notify::detail;
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
    let options = SnsOptions { decision_link: link, detail: detail(notice.record), ..SnsOptions::at(now) };
    let mut message = sns(notice.finding(), notice.phase, &options);
    Mail { subject: message.subject, body: message.message.remove("email").unwrap_or_default() }
}

//! Notices of the embedded responder: a file in the outbox, a line for people, a line for programs.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use pollster::block_on;
use serde_json::json;
use sesame_remediation::link::Link;
use sesame_remediation::mac::LocalKey;
use sesame_render::{Phase, escape};
use sesame_responder::ports::{Clock as _, Notice, PortError, Publisher};
use sesame_responder::web::Address;
use sesame_snapshot::SnapshotError;
use sesame_snapshot::embedded::{Outbox, SystemClock};

use crate::mail::{Mail, mail_with_link};
use crate::output;

/// How long a link lasts.
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

type Write = Box<dyn Fn(Notice<'_>) -> String + Send + Sync>;

/// Writes notices into the outbox, and tells of them on this terminal.
pub struct Announcer {
    outbox: Outbox<Write>,
    links: Links,
}

impl std::fmt::Debug for Announcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Announcer").finish_non_exhaustive()
    }
}

/// Makes the links of findings.
#[derive(Debug, Clone)]
pub struct Links {
    pub address: Address,
    pub stack: String,
    pub stage: String,
    pub key: std::sync::Arc<LocalKey>,
}

impl Links {
    /// The link of a notice, where somebody is to decide.
    fn of(&self, notice: Notice<'_>, now: Timestamp) -> Option<String> {
        if notice.phase != Phase::Finding {
            return None;
        }
        let finding = notice.finding();
        let link = Link {
            stack: self.stack.clone(),
            stage: self.stage.clone(),
            finding: finding.id.clone(),
            generation: finding.generation,
            series: notice.record.link_series,
            expires: now.checked_add(LIFE).ok()?,
        };
        // The key is here, so that nothing is waited for.
        let token = block_on(link.token(&*self.key)).ok()?;
        Some(self.address.link(&token))
    }

    fn mail(&self, notice: Notice<'_>) -> (Mail, Option<String>) {
        let now = SystemClock.now();
        let link = self.of(notice, now);
        (mail_with_link(notice, link.clone(), now), link)
    }
}

impl Announcer {
    /// Puts notices into this folder.
    pub fn open(outbox: &Path, links: Links) -> Result<Announcer, SnapshotError> {
        let of_mail = links.clone();
        let write: Write = Box::new(move |notice| {
            let (mail, _) = of_mail.mail(notice);
            format!("Subject: {}\n\n{}", mail.subject, mail.body)
        });
        Ok(Announcer { outbox: Outbox::open(outbox, write)?, links })
    }
}

impl Publisher for Announcer {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        self.outbox.publish(notice).await?;
        let (mail, link) = self.links.mail(notice);
        anstream::eprintln!("{}", mail.subject);
        if let Some(link) = &link {
            anstream::eprintln!("  {link}");
        }
        let finding = notice.finding();
        let line = json!({
            "phase": notice.phase, "finding": finding.id, "generation": finding.generation, "state": notice.record.state,
            "subject": mail.subject, "link": link,
        });
        // A reader that went away is no reason to stop: the outbox has it.
        let _ = output::print(&(escape::json(&line.to_string()) + "\n"));
        Ok(())
    }
}

//! Notices of the embedded responder: a file in the outbox, a line for people, a line for programs.

use std::path::Path;
use std::sync::Arc;

use pollster::block_on;
use serde_json::json;
use sesame_remediation::mac::LocalKey;
use sesame_render::{Phase, escape};
use sesame_responder::links::Links;
use sesame_responder::ports::{Clock as _, Notice, PortError, Publisher};
use sesame_snapshot::SnapshotError;
use sesame_snapshot::embedded::{Outbox, SystemClock};

use crate::mail::{Mail, mail_with_link};
use crate::output;

type Write = Box<dyn Fn(Notice<'_>) -> String + Send + Sync>;

/// Writes notices into the outbox, and tells of them on this terminal.
pub struct Announcer {
    outbox: Outbox<Write>,
    links: Arc<Links<LocalKey>>,
}

impl std::fmt::Debug for Announcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Announcer").finish_non_exhaustive()
    }
}

/// The e-mail of a notice, and the link in it where somebody is to decide. The key is here, so that nothing is waited for.
fn mail(links: &Links<LocalKey>, notice: Notice<'_>) -> (Mail, Option<String>) {
    let now = SystemClock.now();
    let link = match notice.phase {
        Phase::Finding => block_on(links.of(notice.record, now)).ok().flatten(),
        _ => None,
    };
    (mail_with_link(notice, link.clone(), now), link)
}

impl Announcer {
    /// Puts notices into this folder.
    pub fn open(outbox: &Path, links: Links<LocalKey>) -> Result<Announcer, SnapshotError> {
        let links = Arc::new(links);
        let of_mail = Arc::clone(&links);
        let write: Write = Box::new(move |notice| {
            let (mail, _) = mail(&of_mail, notice);
            format!("Subject: {}\n\n{}", mail.subject, mail.body)
        });
        Ok(Announcer { outbox: Outbox::open(outbox, write)?, links })
    }
}

impl Publisher for Announcer {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        self.outbox.publish(notice).await?;
        let (mail, link) = mail(&self.links, notice);
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

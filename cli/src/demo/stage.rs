//! What the demo shows on the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use sesame_diagnosis::finding::{Finding, Remedy};
use sesame_remediation::decision::Verdict;
use sesame_remediation::receipt::{Receipt, Verification};
use sesame_render::{Phase, escape};
use sesame_responder::notify::phase_of;
use sesame_responder::ports::Notice;
use sesame_responder::record::Record;

use crate::failure::Failure;
use crate::mail::mail;
use crate::output;

const TITLE: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Collects a scene's text and prints it at once, so that pipes and terminals see the same order.
pub struct Stage {
    scenes: usize,
    /// The whole of the first alert is shown; of the others what is seen without scrolling.
    whole: bool,
    applied: usize,
}

fn say(text: &str) {
    // A reader that went away is no reason to stop: the folder is what the demo leaves behind.
    let _ = output::print(text);
}

impl Stage {
    pub fn new(scenes: usize) -> Stage {
        Stage { scenes, whole: true, applied: 0 }
    }

    pub fn introduction(&mut self, out: &Path) {
        let out = out.display();
        say(&format!(
            "{TITLE}A sample organization, and {} refused sends{TITLE:#}\n\
             Five accounts in two organizational units, copied to {out}/snapshot. What Sesame may write is written\n\
             there, and nowhere else; no AWS account is touched.\n",
            self.scenes
        ));
    }

    pub fn scene(&mut self, index: usize, title: &str, record: &Record) {
        let number = index + 1;
        let id = escape::id(&record.finding.id);
        say(&format!("\n{TITLE}[{number}/{}] {title}{TITLE:#}  {QUIET}{id}{QUIET:#}\n", self.scenes));
    }

    pub fn alert(&mut self, record: &Record, now: Timestamp) {
        let mail = mail(Notice { phase: Phase::Finding, record }, now);
        // The evidence stands below what is to be read in ten seconds.
        let seen = match mail.body.split_once("\nLAYERS\n") {
            Some((head, rest)) if !self.whole => {
                format!("{}\n\n[{} more lines: layers, evidence, commands]", head.trim_end(), rest.lines().count() + 1)
            }
            _ => mail.body,
        };
        self.whole = false;
        quoted("e-mail", &mail.subject, &seen);
    }

    /// Asks on a terminal; elsewhere the demo answers.
    pub fn ask(&mut self, finding: &Finding) -> Result<Verdict, Failure> {
        let grants = super::grants(finding);
        let mut text = String::new();
        for grant in &grants {
            text += &format!("  {grant}\n");
        }
        say(&format!("{TITLE}Approve?{TITLE:#}\n{text}"));
        if !io::stdin().is_terminal() {
            say("  yes, says the demo\n");
            return Ok(Verdict::Approve);
        }
        loop {
            let mut err = anstream::stderr().lock();
            let asked = write!(err, "  [Y]es or [n]o: ").and_then(|()| err.flush());
            output::finish(asked)?;
            let mut answer = String::new();
            let read = io::stdin().lock().read_line(&mut answer);
            let read = read.map_err(|error| Failure::input(format!("standard input: could not be read: {error}")))?;
            match answer.trim().to_ascii_lowercase().as_str() {
                "" if read == 0 => return Ok(Verdict::Approve),
                "" | "y" | "yes" => return Ok(Verdict::Approve),
                "n" | "no" => return Ok(Verdict::Reject),
                _ => {}
            }
        }
    }

    /// The remedy is another's to put in place; the demo plays that other.
    pub fn for_others(&mut self, finding: &Finding) {
        let mut text = String::new();
        for remedy in finding.planned() {
            text += &format!("  {}: {}\n", remedy.id, escape::plain(&remedy.why));
        }
        say(&format!(
            "{TITLE}Not for Sesame to apply{TITLE:#}\n{text}  its owner follows the advice (here: the demo, as `sesame apply --force-advice` would)\n"
        ));
    }

    /// The document and the commands, for whoever may run them.
    pub fn by_hand(&mut self, remedy: &Remedy) {
        let document = remedy.after.as_ref().map(|after| format!("{after:#}")).unwrap_or_default();
        let text = format!("{}\n\n{document}", escape::plain(&remedy.title));
        say(&format!("{TITLE}Not for Sesame to apply{TITLE:#}\n  {}: {}\n", remedy.id, escape::plain(&remedy.why)));
        quoted("document", "what it would be", &text);
        quoted("commands", "for the organization's administrator", &remedy.commands.aws_cli);
        quoted("undo", "the way back", &remedy.commands.undo);
    }

    pub fn written(&mut self, receipt: &Receipt, by: &str) {
        let mut text = String::new();
        for written in &receipt.written {
            let policy = escape::plain(written.target.policy.as_deref().unwrap_or_default());
            let file = written.edit.as_ref().map(|edit| escape::plain(&edit.file)).unwrap_or_default();
            text += &format!("  {policy}\n  {QUIET}in snapshot/{file}{QUIET:#}\n");
        }
        say(&format!("{TITLE}Applied{by}{TITLE:#}\n{text}"));
    }

    pub fn checked(&mut self, checked: &Verification) {
        let mut text = String::new();
        for request in &checked.requests {
            let style = if request.decision == "Allowed" { GOOD } else { BAD };
            let (action, resource) = (escape::plain(&request.action), escape::plain(&request.resource));
            text += &format!("  {style}{}{style:#}  {action} on {resource}\n", request.decision);
        }
        self.applied += 1;
        say(&format!("{TITLE}Checked: the same send again{TITLE:#}\n{text}"));
    }

    pub fn closing(&mut self, record: &Record, now: Timestamp) {
        if let Some(phase) = phase_of(record) {
            let mail = mail(Notice { phase, record }, now);
            quoted("e-mail", &mail.subject, &mail.body);
        }
    }

    pub fn end(&mut self, page: &Path, out: &Path) -> Result<(), Failure> {
        output::print(&format!(
            "\n{TITLE}{} of {} sends are allowed now; what is left is with its owners.{TITLE:#}\n\
             The e-mails are in {}, the findings in {}.\n\
             Everything on one page:\n{}\n",
            self.applied,
            self.scenes,
            out.join("outbox").display(),
            out.join("findings").display(),
            page.display()
        ))
    }
}

/// A text within a margin. It came from a policy: nothing in it gets at the terminal.
fn quoted(kind: &str, title: &str, text: &str) {
    let mut shown = format!("{QUIET}  ┌ {kind}: {QUIET:#}{TITLE}{title}{TITLE:#}\n");
    for line in text.trim_end().lines() {
        shown += format!("{QUIET}  │{QUIET:#} {}", escape::visible(line)).trim_end();
        shown.push('\n');
    }
    say(&(shown + &format!("{QUIET}  └{QUIET:#}\n")));
}

//! The audit: who did what to a finding, or tried to, how, when, from where, about which documents.
//!
//! A finding's history is its audit. Here it is flattened: a line for each entry, for programs and for spreadsheets.

use jiff::Timestamp;
use serde::Serialize;
use sesame_remediation::State;
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, Decision, Verdict};
use sesame_render::escape;

use crate::list::{Cursor, Filter};
use crate::ports::{FindingStore, PortError};
use crate::record::{Act, Entry, Record};

/// One entry of the audit by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// When.
    pub time: Timestamp,
    /// The finding.
    pub finding: String,
    /// The generation that it was about.
    pub generation: u32,
    /// What was done, or was to be done; `None` where that was not written down.
    pub act: Option<Act>,
    /// Why the attempt was refused; `None` for what was done.
    pub refused: Option<String>,
    /// The state before.
    pub from: Option<State>,
    /// The state after.
    pub state: State,
    /// By which way; `None` where Sesame did it by itself.
    pub channel: Option<Channel>,
    /// By whom; `None` too for the holder of a link, whoever that is.
    pub by: Option<String>,
    /// From which address.
    pub source_ip: Option<String>,
    /// With which client.
    pub user_agent: Option<String>,
    /// Why, in the approver's words.
    pub reason: Option<String>,
    /// The documents that it was about.
    pub documents: Vec<DecidedRemedy>,
    /// Why it came so, in Sesame's words.
    pub note: Option<String>,
    /// The account of the refused send.
    pub account: Option<String>,
    /// Its Region.
    pub region: Option<String>,
    /// Who was refused.
    pub principal: Option<String>,
}

/// The audit of one finding, the first entry first.
pub fn lines(record: &Record) -> Vec<Line> {
    record.history.iter().map(|entry| line(record, entry)).collect()
}

/// The entries that the last write of a record brought.
pub fn new_lines(record: &Record) -> Vec<Line> {
    record.history.iter().filter(|entry| entry.version == record.version).map(|entry| line(record, entry)).collect()
}

fn line(record: &Record, entry: &Entry) -> Line {
    let finding = &record.finding;
    Line {
        time: entry.time,
        finding: finding.id.clone(),
        generation: entry.generation,
        act: entry.act,
        refused: entry.refused.clone(),
        from: entry.from,
        state: entry.state,
        channel: entry.by.as_ref().map(|by| by.channel),
        by: entry.by.as_ref().and_then(|by| by.id.clone()),
        source_ip: entry.origin.source_ip.clone(),
        user_agent: entry.origin.user_agent.clone(),
        reason: entry.reason.clone(),
        documents: entry.digests.clone(),
        note: entry.note.clone(),
        account: finding.event.account.clone(),
        region: finding.event.region.clone(),
        principal: finding.principal.arn.clone(),
    }
}

/// A part of the audit of many findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// The entries: finding by finding, those refused last first; of each the first entry first.
    pub entries: Vec<Line>,
    /// How many entries of these findings are only in the log, since a record keeps so many and no more.
    pub forgotten: u64,
    /// Where the next part begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// The audit of a page of findings.
///
/// # Errors
/// The store.
pub async fn export(store: &impl FindingStore, filter: &Filter) -> Result<Export, PortError> {
    let page = store.list(filter).await?;
    let mut export = Export { entries: Vec::new(), forgotten: 0, next: page.next };
    for summary in page.findings {
        if let Some(record) = store.load(&summary.id).await? {
            export.entries.extend(lines(&record));
            export.forgotten += record.forgotten;
        }
    }
    Ok(export)
}

const COLUMNS: [&str; 17] = [
    "time",
    "finding",
    "generation",
    "act",
    "refused",
    "from",
    "state",
    "channel",
    "by",
    "sourceIp",
    "userAgent",
    "reason",
    "documents",
    "note",
    "account",
    "region",
    "principal",
];

/// The lines as CSV of RFC 4180, with a header.
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and what is in these cells others wrote:
/// such a cell begins with an apostrophe. <https://owasp.org/www-community/attacks/CSV_Injection>
pub fn csv(lines: &[Line]) -> String {
    let mut text = COLUMNS.join(",") + "\r\n";
    for line in lines {
        let cells = [
            line.time.to_string(),
            line.finding.clone(),
            line.generation.to_string(),
            line.act.map(Act::as_str).unwrap_or_default().to_owned(),
            line.refused.clone().unwrap_or_default(),
            line.from.map(State::as_str).unwrap_or_default().to_owned(),
            line.state.as_str().to_owned(),
            line.channel.map(Channel::as_str).unwrap_or_default().to_owned(),
            line.by.clone().unwrap_or_default(),
            line.source_ip.clone().unwrap_or_default(),
            line.user_agent.clone().unwrap_or_default(),
            line.reason.clone().unwrap_or_default(),
            documents(&line.documents),
            line.note.clone().unwrap_or_default(),
            line.account.clone().unwrap_or_default(),
            line.region.clone().unwrap_or_default(),
            line.principal.clone().unwrap_or_default(),
        ];
        text += &cells.map(|text| cell(&text)).join(",");
        text += "\r\n";
    }
    text
}

/// `r1 none -> sha256:…; r2 …`
fn documents(documents: &[DecidedRemedy]) -> String {
    let one = |document: &DecidedRemedy| {
        let digest = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "none".to_owned());
        format!("{} {} -> {}", document.id, digest(&document.before_digest), digest(&document.after_digest))
    };
    documents.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn cell(text: &str) -> String {
    // Control characters, and those that turn the writing around or do not show at all, are shown.
    let shown = escape::visible(text);
    let formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '|' | '%');
    let shown = match shown.trim_start().starts_with(formula) {
        true => format!("'{shown}"),
        false => shown,
    };
    match shown.contains([',', '"']) || shown != shown.trim() {
        true => format!("\"{}\"", shown.replace('"', "\"\"")),
        false => shown,
    }
}

/// How a finding came to where it stands, in half a sentence: `approved by `…` at 2026-11-23T03:00:00Z`.
pub fn standing(entry: &Entry) -> Option<String> {
    let act = entry.act.map(done)?;
    let by = entry.by.as_ref().map(|by| format!(" by {}", who(by))).unwrap_or_default();
    Some(format!("{act}{by} at {}", entry.time))
}

/// By whom, why, and what Sesame has to say, as one sentence for a message; `None` where there is nothing to say.
pub fn detail(entry: &Entry) -> Option<String> {
    let by = entry.by.as_ref().map(|by| match &entry.reason {
        Some(reason) => format!("By {}: {reason}", who(by)),
        None => format!("By {}", who(by)),
    });
    match (by, &entry.note) {
        (Some(by), Some(note)) => Some(format!("{by}; {note}")),
        (by, note) => by.or_else(|| note.clone()),
    }
}

/// By whom and why something was decided, as a sentence.
pub fn decided(decision: &Decision) -> String {
    let done = match decision.verdict {
        Verdict::Approve => "Approved",
        Verdict::Reject => "Rejected",
        Verdict::Mute => "Muted",
        Verdict::RollBack | Verdict::Revoke => "Taken back",
    };
    match &decision.reason {
        Some(reason) => format!("{done} by {}: {reason}", who(&decision.approver)),
        None => format!("{done} by {}", who(&decision.approver)),
    }
}

/// Who decided: a name in backquotes, or what is known in its place.
pub(crate) fn who(by: &Approver) -> String {
    match (&by.id, by.channel) {
        (Some(id), _) => format!("`{}`", id.replace('`', "'")),
        (None, Channel::Link) => "the holder of a link".to_owned(),
        (None, Channel::Slack) => "somebody in Slack".to_owned(),
        (None, Channel::Cli) => "somebody on the command line".to_owned(),
        (None, Channel::Local) => "somebody at this machine".to_owned(),
    }
}

/// What was done, in a word or two.
pub(crate) fn done(act: Act) -> &'static str {
    match act {
        Act::Find => "found",
        Act::Reopen => "refused again",
        Act::Approve => "approved",
        Act::Reject => "rejected",
        Act::Mute => "muted",
        Act::RollBack => "told to take it back",
        Act::Revoke => "revoked",
        Act::Expire => "expired",
        Act::Supersede => "superseded",
        Act::Start => "application begun",
        Act::Complete => "applied",
        Act::Fail => "failed",
        Act::RollBackComplete => "taken back",
        Act::RollBackFail => "could not be taken back",
        Act::Quiet => "no refusal since",
        Act::Change => "found changed",
        Act::Vanish => "found gone",
    }
}

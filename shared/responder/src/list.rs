//! Lists of findings: what one line of a list shows, and how lists are paged.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sesame_remediation::State;

use crate::ports::PortError;
use crate::record::Record;

/// A finding in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The finding.
    pub id: String,
    /// Its generation.
    pub generation: u32,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Who was refused: an ARN where it is known.
    pub who: Option<String>,
    /// What was refused, in a sentence.
    pub what: String,
    /// The account.
    pub account: Option<String>,
    /// Its name.
    pub account_name: Option<String>,
    /// The Region.
    pub region: Option<String>,
    /// The last refusal; where that is not known, the last change of state. In whole seconds.
    pub last_seen: Timestamp,
    /// How many refusals.
    pub count: u64,
}

impl Summary {
    /// The line of a record.
    pub fn of(record: &Record) -> Summary {
        let finding = &record.finding;
        let event = &finding.event;
        let seen = event.last_seen.as_deref().and_then(|time| time.parse().ok()).unwrap_or(record.since);
        Summary {
            id: finding.id.clone(),
            generation: finding.generation,
            state: record.state,
            since: record.since,
            who: finding.principal.arn.clone().or_else(|| finding.principal.name.clone()),
            what: finding.summary.what.clone(),
            account: event.account.clone(),
            account_name: event.account_name.clone(),
            region: event.region.clone(),
            last_seen: Timestamp::from_second(seen.as_second()).unwrap_or(seen),
            count: event.count,
        }
    }
}

/// Which findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only those in a state of this word: see [`State::as_str`].
    pub state: Option<String>,
    /// Only those of this account.
    pub account: Option<String>,
    /// Only those of this Region.
    pub region: Option<String>,
    /// At most so many at once; 0 is taken as 1.
    pub limit: usize,
    /// Only those behind this place: [`Page::next`] of the page before.
    pub after: Option<Cursor>,
}

impl Default for Filter {
    /// All, a hundred at once.
    fn default() -> Filter {
        Filter { state: None, account: None, region: None, limit: 100, after: None }
    }
}

impl Filter {
    /// Those in a state.
    pub fn in_state(state: State) -> Filter {
        Filter { state: Some(state.as_str().to_owned()), ..Filter::default() }
    }

    /// Whether a finding is among those that are wanted, wherever the page begins.
    pub fn takes(&self, summary: &Summary) -> bool {
        let wanted = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        wanted(&self.state, Some(summary.state.as_str()))
            && wanted(&self.account, summary.account.as_deref())
            && wanted(&self.region, summary.region.as_deref())
    }
}

/// A part of a list; those refused last come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The findings.
    pub findings: Vec<Summary>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl Page {
    /// The page of a filter, of findings that are all at hand.
    pub fn cut(all: impl IntoIterator<Item = Summary>, filter: &Filter) -> Page {
        let place = |summary: &Summary| (Reverse(summary.last_seen), summary.id.clone());
        let from = filter.after.as_ref().map(|after| (Reverse(after.last_seen), after.finding.clone()));
        let mut findings: Vec<Summary> = all
            .into_iter()
            .filter(|summary| filter.takes(summary) && from.as_ref().is_none_or(|from| place(summary) > *from))
            .collect();
        findings.sort_by_key(place);
        let more = findings.len() > filter.limit.max(1);
        findings.truncate(filter.limit.max(1));
        let next = findings.last().filter(|_| more).map(Cursor::behind);
        Page { findings, next }
    }
}

/// A place in a list: behind a finding. As text `2026-11-23T03:00:00Z~f-0123456789abcdef`, safe in a URL when encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    /// The last refusal of that finding.
    pub last_seen: Timestamp,
    /// Its id.
    pub finding: String,
}

impl Cursor {
    /// The place behind a finding.
    pub fn behind(summary: &Summary) -> Cursor {
        Cursor { last_seen: summary.last_seen, finding: summary.id.clone() }
    }

    /// Reads a cursor from wherever it comes.
    ///
    /// # Errors
    /// What is no cursor of ours, with the form that was expected.
    pub fn parse(text: &str) -> Result<Cursor, PortError> {
        let cursor = text.split_once('~').and_then(|(time, finding)| {
            let id = !finding.is_empty() && finding.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            Some(Cursor { last_seen: time.parse().ok()?, finding: id.then(|| finding.to_owned())? })
        });
        let shown = text.chars().take(80).collect::<String>();
        cursor.ok_or_else(|| {
            PortError::lasting(format!(
                "expected where the page before ended (`TIME~FINDING`), found `{}`; leave it out to begin anew",
                shown.escape_debug()
            ))
        })
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> String {
        format!("{}~{}", cursor.last_seen, cursor.finding)
    }
}

impl TryFrom<String> for Cursor {
    type Error = PortError;

    fn try_from(text: String) -> Result<Cursor, PortError> {
        Cursor::parse(&text)
    }
}

//! How a finding stands, in words: the same on every page.

use jiff::Timestamp;
use sesame_remediation::State as Standing;
use sesame_remediation::state::REJECTED_FOR;
use sesame_render::page::{Entry, State, Tone};
use sesame_render::{escape, words};

use crate::audit::{done, who};
use crate::record::{self, Record};

/// How a record stands: its state, how it came to it, and what comes next.
pub fn standing(record: &Record, now: Timestamp) -> State {
    let id = escape::id(&record.finding.id);
    let note = || record.receipt.as_ref().and_then(|receipt| receipt.note.as_deref()).map(words::sentence);
    let by = decided_by(record, now);
    let by_hand =
        || "By hand: the commands on this page; or wait, since the next refusal is diagnosed afresh.".to_owned();
    let (name, tone, sentence, next) = match record.state {
        Standing::Open => ("Open", Tone::Calm, "It waits for a decision; nothing is changed.".to_owned(), None),
        Standing::Approved => ("Approved", Tone::Calm, by, None),
        Standing::Applying => ("Being applied", Tone::Calm, by, None),
        Standing::Applied => {
            let rest = note().map(|note| format!(" {note}")).unwrap_or_default();
            let done = match record.receipt.as_ref().is_some_and(|receipt| !receipt.complete) {
                true => "Applied in part: what Sesame may write is written and read back.",
                false => "Written, read back, and evaluated again: the policies allow the send.",
            };
            (
                "Applied",
                Tone::Good,
                format!("{done}{rest} {by}"),
                Some(format!("To take it back: `sesame rollback {id}`.")),
            )
        }
        Standing::Failed { restored: true } => {
            let why = note().unwrap_or_else(|| "The plan could not be put in place.".to_owned());
            (
                "Failed",
                Tone::Bad,
                format!("{why} Nothing is left of it: every document is as it was. {by}"),
                Some(by_hand()),
            )
        }
        Standing::Failed { restored: false } => {
            let why = note().unwrap_or_else(|| "The plan could not be put in place.".to_owned());
            let next = format!("To put it back: `sesame rollback {id}`; the commands on this page do it by hand.");
            ("Failed, and not put back", Tone::Bad, format!("{why} A part of it still stands. {by}"), Some(next))
        }
        Standing::Rejected => {
            let hours = REJECTED_FOR.as_hours();
            let next =
                format!("The same refusal asks again once {hours} hours are over; until then it is only counted.");
            ("Rejected", Tone::Calm, format!("Nothing was changed, and the sends stay refused. {by}"), Some(next))
        }
        Standing::Muted => {
            let until = record.muted_until.map(|until| words::moment(&until.to_string(), now));
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            let next = "A refusal after that asks again.".to_owned();
            (
                "Muted",
                Tone::Calm,
                format!("Nothing was changed, and refusals are only counted{until}. {by}"),
                Some(next),
            )
        }
        Standing::Expired => {
            let sentence = "Nobody decided in time; nothing was changed.".to_owned();
            let next = "The next refusal asks again. Before that, the commands on this page do it by hand.".to_owned();
            ("Expired", Tone::Calm, sentence, Some(next))
        }
        Standing::Superseded => {
            let why = record.history.last().and_then(|last| last.note.as_deref()).map(words::sentence);
            let why = why.unwrap_or_else(|| "The documents changed since they were shown.".to_owned());
            let next = "Nothing was written. The next refusal is diagnosed afresh.".to_owned();
            ("Superseded", Tone::Calm, words::capital(&why), Some(next))
        }
        Standing::RollingBack => ("Being taken back", Tone::Calm, by, None),
        Standing::RolledBack => {
            let sentence = format!("What was written is gone, and the documents are as they were before. {by}");
            ("Taken back", Tone::Calm, sentence, Some("The next refusal asks again.".to_owned()))
        }
    };
    State {
        name: name.to_owned(),
        tone,
        sentence: Some(sentence.trim().to_owned()).filter(|sentence| !sentence.is_empty()),
        next,
        history: history(record),
    }
}

/// "Approved by the holder of a link at 10:02 UTC: the campaign waits."; empty where nobody decided.
pub(super) fn decided_by(record: &Record, now: Timestamp) -> String {
    let Some(decision) = record.decision.as_ref().map(|signed| &signed.decision) else { return String::new() };
    if decision.generation != record.finding.generation {
        return String::new();
    }
    let reason =
        decision.reason.as_deref().map(|reason| format!(": “{}”", escape::clip(&reason.replace('`', "'"), 500)));
    let at = words::moment(&decision.time.to_string(), now);
    let verb = words::capital(done(decision.verdict.into()));
    format!("{verb} by {} at {at}{}.", who(&decision.approver), reason.unwrap_or_default())
}

/// Everything that happened, the first first: changes of state, and attempts that were refused.
pub fn history(record: &Record) -> Vec<Entry> {
    let told = |entry: &record::Entry| {
        let mut text = match entry.act {
            Some(act) => words::capital(done(act)),
            None => words::capital(entry.state.as_str()),
        };
        if entry.refused.is_some() {
            text = format!("Not {}", entry.act.map_or("done", done));
        }
        if let Some(by) = &entry.by {
            text += &format!(" by {}", who(by));
        }
        if let Some(ip) = &entry.origin.source_ip {
            text += &format!(" from `{}`", ip.replace('`', "'"));
        }
        let say = |text: &mut String, more: &str| {
            *text += ": ";
            *text += more;
        };
        let reason = entry.reason.as_deref().map(|reason| format!("“{}”", reason.replace('`', "'")));
        [reason.as_deref(), entry.refused.as_deref(), entry.note.as_deref()]
            .into_iter()
            .flatten()
            .for_each(|more| say(&mut text, more));
        Entry { time: entry.time.to_string(), text }
    };
    record.history.iter().map(told).collect()
}

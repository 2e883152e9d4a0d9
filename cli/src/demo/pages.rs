//! The demo's pages: one for each finding, and one that leads to them.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sesame_render::escape;
use sesame_render::page::{Entry, PageOptions, State, page};
use sesame_responder::record::Record;

use crate::failure::Failure;
use crate::report::{self, Row};

/// Writes the pages; the path of the one that leads to the others.
pub fn write(out: &Path, played: &[(&str, Record)], now: Timestamp) -> Result<PathBuf, Failure> {
    let mut rows = Vec::with_capacity(played.len());
    for (number, (title, record)) in played.iter().enumerate() {
        let file = format!("{:02}-{}.html", number + 1, escape::id(&record.finding.id));
        write_file(&out.join(&file), &page(&record.finding, &options(record, now)))?;
        let standing = standing(record).to_owned();
        rows.push(Row { finding: &record.finding, heading: Some(title), link: Some(file), standing });
    }
    let index = out.join("index.html");
    let introduction = "What was refused, why, and what became of it. Each has a page of its own.";
    write_file(&index, &report::page("Refused sends of a sample organization", introduction, &rows, now))?;
    Ok(index)
}

/// In a word or two.
fn standing(record: &Record) -> &'static str {
    match record.state {
        sesame_remediation::State::Superseded => "done by its owner",
        sesame_remediation::State::Open => "with its owner",
        state => state.as_str(),
    }
}

fn options(record: &Record, now: Timestamp) -> PageOptions {
    let history = record.history.iter().map(|step| Entry {
        time: step.time.to_string(),
        text: match &step.note {
            Some(note) => format!("{} ({note})", step.state),
            None => step.state.to_string(),
        },
    });
    let mut name = standing(record).to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let state = State { name, sentence: None, history: history.collect() };
    PageOptions { state: Some(state), ..PageOptions::at(now) }
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text)
        .map_err(|error| Failure::snapshot(format!("{}: could not be written: {error}", path.display())))
}

//! The demo's pages: one for each finding, and one that leads to them.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sesame_render::escape;
use sesame_render::page::{Entry, PageOptions, STYLE, State, page};
use sesame_responder::record::Record;

use crate::failure::Failure;

/// Writes the pages; the path of the one that leads to the others.
pub fn write(out: &Path, played: &[(&str, Record)], now: Timestamp) -> Result<PathBuf, Failure> {
    let mut rows = String::new();
    for (number, (title, record)) in played.iter().enumerate() {
        let file = format!("{:02}-{}.html", number + 1, escape::id(&record.finding.id));
        write_file(&out.join(&file), &page(&record.finding, &options(record, now)))?;
        rows += &format!(
            "<li><p><a href=\"{file}\">{}</a> <b>{}</b></p><p>{}</p><p>{}</p></li>\n",
            escape::html(title),
            escape::html(standing(record)),
            escape::marked(&escape::plain(&record.finding.summary.what)),
            escape::marked(&escape::plain(&record.finding.summary.why)),
        );
    }
    let index = out.join("index.html");
    write_file(&index, &INDEX.replace("STYLE", STYLE).replace("ROWS", &rows))?;
    Ok(index)
}

const INDEX: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sesame: the sample organization</title>
<style>STYLE</style>
</head>
<body>
<header class="top"><p class="brand">Sesame</p></header>
<main>
<section class="lead"><h1>Refused sends of a sample organization</h1></section>
<section><ol>
ROWS</ol></section>
</main>
</body>
</html>
"#;

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

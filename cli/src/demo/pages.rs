//! The demo's pages: one for each finding, and one that leads to them.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sesame_remediation::State as Standing;
use sesame_render::escape::{self, Span};
use sesame_render::page::{PageOptions, STYLE, State, page};
use sesame_render::words;
use sesame_responder::record::Record;

use crate::failure::Failure;

const TITLE: &str = "Refused sends of a sample organization";

const OVERVIEW_STYLE: &str = "\
.rows{padding:0;list-style:none;display:grid;gap:1.75rem}\
.rows h2{font-size:1.0625rem;margin-bottom:.25rem}\
.rows p{margin-top:.25rem}";

/// Writes the pages; the path of the one that leads to the others.
pub fn write(out: &Path, played: &[(&str, Record)], now: Timestamp) -> Result<PathBuf, Failure> {
    let mut list = String::new();
    for (number, (title, record)) in played.iter().enumerate() {
        let file = format!("{:02}-{}.html", number + 1, escape::id(&record.finding.id));
        write_file(&out.join(&file), &page(&record.finding, &options(record, now)))?;
        let finding = escape::shown(&record.finding, escape::Medium::Plain);
        list += &format!(
            "<li><h2><a href=\"{file}\">{}</a> <span class=\"chip plain\">{}</span></h2>\n\
             <p class=\"eyebrow\">{} · {}</p>\n<p>{}</p>\n<p>{}</p>\n<p>{}</p></li>\n",
            escape::html(title),
            standing(record),
            escape::html(&words::account(&finding.event)),
            escape::html(&words::failing(&finding.event, now)),
            marked(&finding.summary.what),
            marked(&finding.summary.why),
            marked(&finding.summary.fix),
        );
    }
    let index = out.join("index.html");
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Sesame: {TITLE}</title>\n\
         <style>{STYLE}\n{OVERVIEW_STYLE}</style>\n</head>\n<body>\n\
         <header class=\"top\"><p class=\"brand\">Sesame</p></header>\n<main>\n\
         <section class=\"lead\"><h1>{TITLE}</h1>\n\
         <p>What was refused, why, and what became of it. Each has a page of its own.</p></section>\n\
         <section><ol class=\"rows\">\n{list}</ol></section>\n</main>\n</body>\n</html>\n",
    );
    write_file(&index, &text)?;
    Ok(index)
}

/// A sentence with its values as code.
fn marked(sentence: &str) -> String {
    let spans = escape::spans(sentence).into_iter();
    spans
        .map(|span| match span {
            Span::Plain(text) => escape::html(&text),
            Span::Code(text) => format!("<code>{}</code>", escape::html(&text)),
        })
        .collect()
}

/// In a word or two.
fn standing(record: &Record) -> &'static str {
    match record.state {
        Standing::Superseded => "done by its owner",
        Standing::Open => "with its owner",
        state => state.as_str(),
    }
}

fn options(record: &Record, now: Timestamp) -> PageOptions {
    let mut state = sesame_responder::web::standing(record, now);
    if matches!(record.state, Standing::Superseded | Standing::Open) {
        // The demo played the owner, or nobody.
        let word = standing(record);
        state = State { name: words::capital(word), sentence: None, next: None, ..state };
    }
    PageOptions { state: Some(state), ..PageOptions::at(now) }
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text)
        .map_err(|error| Failure::snapshot(format!("{}: could not be written: {error}", path.display())))
}

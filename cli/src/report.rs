//! A page over several findings: when each was refused, drawn on one line of time, and what came of it.

use std::fmt::Write as _;

use jiff::Timestamp;
use sesame_diagnosis::finding::{Finding, Outcome};
use sesame_render::escape::{self, Span};
use sesame_render::page::STYLE;
use sesame_render::words;

/// A finding on the page.
#[derive(Debug, Clone)]
pub struct Row<'f> {
    /// The finding.
    pub finding: &'f Finding,
    /// A heading, where there is a better one than who was refused.
    pub heading: Option<&'f str>,
    /// A page of its own.
    pub link: Option<String>,
    /// How it stands, in a word or two.
    pub standing: String,
}

const PAGE_STYLE: &str = "\
.rows{padding:0;list-style:none;display:grid;gap:1.75rem}\
.rows h2{font-size:1.0625rem;margin-bottom:.25rem}\
.rows p{margin-top:.25rem}\
.times{width:100%;max-width:44rem;height:auto}\
.times text{font:12px var(--sans);fill:var(--soft)}\
.times .who{fill:var(--ink)}\
.times .line{stroke:var(--line)}\
.times .denied{fill:var(--shut)}\
.times .allowed-now{fill:var(--open)}\
.times .undetermined,.times .not-authorization{fill:var(--unknown)}";

/// The page. It has no scripts and needs no other resource.
pub fn page(title: &str, introduction: &str, rows: &[Row<'_>], now: Timestamp) -> String {
    let mut list = String::new();
    for row in rows {
        let finding = escape::shown(row.finding, escape::Medium::Plain);
        let heading = row.heading.map_or_else(|| words::capital(&words::who(&finding.principal)), str::to_owned);
        let heading = match &row.link {
            Some(link) => format!("<a href=\"{}\">{}</a>", escape::html(link), marked(&heading)),
            None => marked(&heading),
        };
        let chip = match row.finding.outcome {
            Outcome::AllowedNow => "proven",
            Outcome::Denied => "plain",
            _ => "review",
        };
        let _ = write!(
            list,
            "<li><h2>{heading} <span class=\"chip {chip}\">{}</span></h2>\n<p class=\"eyebrow\">{} · {}</p>\n\
             <p>{}</p>\n<p>{}</p>\n<p>{}</p></li>\n",
            escape::html(&row.standing),
            escape::html(&words::account(&finding.event)),
            escape::html(&words::failing(&finding.event, now)),
            marked(&finding.summary.what),
            marked(&finding.summary.why),
            marked(&finding.summary.fix),
        );
    }
    let title = escape::html(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Sesame: {title}</title>\n\
         <style>{STYLE}\n{PAGE_STYLE}</style>\n</head>\n<body>\n\
         <header class=\"top\"><p class=\"brand\">Sesame</p></header>\n<main>\n\
         <section class=\"lead\"><h1>{title}</h1><p>{}</p></section>\n<section>{}</section>\n\
         <section><ol class=\"rows\">\n{list}</ol></section>\n</main>\n</body>\n</html>\n",
        marked(introduction),
        picture(rows),
    )
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

/// The times of a finding's first and last refusal, in seconds.
fn times(finding: &Finding) -> Option<(i64, i64)> {
    let second = |text: &Option<String>| Some(text.as_ref()?.parse::<Timestamp>().ok()?.as_second());
    let last = second(&finding.event.last_seen)?;
    Some((second(&finding.event.first_seen).unwrap_or(last), last))
}

const WIDTH: i64 = 704;
const LABELS: i64 = 210;
const HEIGHT: i64 = 24;

/// One line of time, a bar for each finding from its first refusal to its last; nothing when no time is known.
fn picture(rows: &[Row<'_>]) -> String {
    let timed: Vec<(&Row<'_>, (i64, i64))> = rows.iter().filter_map(|row| Some((row, times(row.finding)?))).collect();
    let start = timed.iter().map(|(_, (first, _))| *first).min();
    let end = timed.iter().map(|(_, (_, last))| *last).max();
    let (Some(start), Some(end)) = (start, end) else { return String::new() };
    let room = WIDTH - LABELS - 60;
    let x = |time: i64| LABELS + (time - start).saturating_mul(room) / (end - start).max(1);
    let height = HEIGHT * (i64::try_from(timed.len()).unwrap_or(i64::MAX / HEIGHT) + 1) + 8;
    let mut drawn = String::new();
    for (index, (row, (first, last))) in timed.iter().enumerate() {
        let y = HEIGHT * i64::try_from(index).unwrap_or_default() + 4;
        let finding = escape::shown(row.finding, escape::Medium::Plain);
        let who = escape::unquoted(&words::who(&finding.principal));
        let outcome = serde_json::to_value(finding.outcome).ok();
        let class = outcome.as_ref().and_then(|outcome| outcome.as_str()).unwrap_or_default();
        let (from, to) = (x(*first), x(*last));
        let _ = write!(
            drawn,
            "<text class=\"who\" x=\"0\" y=\"{}\">{}</text><line class=\"line\" x1=\"{LABELS}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>\
             <rect class=\"{class}\" x=\"{from}\" y=\"{}\" width=\"{}\" height=\"10\" rx=\"3\"/><text x=\"{}\" y=\"{}\">{}</text>",
            y + 15,
            escape::html(&escape::clip(&who, 30)),
            WIDTH - 60,
            y + 11,
            y + 11,
            y + 6,
            (to - from).max(6),
            to.max(from + 6) + 6,
            y + 15,
            format_args!("{} ×", finding.event.count),
        );
    }
    let label = |time: i64| {
        let text = Timestamp::from_second(time).map(|time| time.to_string()).unwrap_or_default();
        text.replace('T', " ").replace('Z', " UTC")
    };
    let foot = height - 6;
    format!(
        "<svg class=\"times\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"When each was refused\">{drawn}\
         <text x=\"{LABELS}\" y=\"{foot}\">{}</text><text x=\"{}\" y=\"{foot}\" text-anchor=\"end\">{}</text></svg>",
        label(start),
        WIDTH - 60,
        if end > start { label(end) } else { String::new() },
    )
}

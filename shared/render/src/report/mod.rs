//! A report of many findings: what was refused in a set of log archives, with a picture of the causes over time.

mod chart;

use askama::Template;
use jiff::Timestamp;
use sesame_diagnosis::finding::{Applicability, Cause, Certainty, Finding, Outcome};

use crate::{escape, page, words};
use chart::Chart;

/// One finding and when its refusals were.
#[derive(Debug, Clone)]
pub struct Refusals<'f> {
    /// The finding.
    pub finding: &'f Finding,
    /// The times of its events, as far as they are known.
    pub times: Vec<Timestamp>,
}

/// A line of the table: what a person needs to choose where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `f-…`
    pub id: String,
    /// How many refusals.
    pub count: u64,
    /// The last one.
    pub last: String,
    /// Who was refused.
    pub who: String,
    /// Action and resource.
    pub what: String,
    /// The first cause, or the outcome where there is none.
    pub why: String,
    /// How sure that is, and whether Sesame may mend it.
    pub how: String,
}

/// The rows of a table, the most frequent first.
pub fn rows(refusals: &[Refusals]) -> Vec<Row> {
    let mut sorted: Vec<&Refusals> = refusals.iter().collect();
    sorted.sort_by(|a, b| {
        b.finding.event.count.cmp(&a.finding.event.count).then_with(|| a.finding.id.cmp(&b.finding.id))
    });
    sorted.into_iter().map(|refusal| row(refusal.finding)).collect()
}

fn row(finding: &Finding) -> Row {
    let request = finding.requests.first();
    let action = request.map(|request| request.action.clone()).or_else(|| finding.witness.action.clone());
    let resource = request.map(|request| request.resource.as_str()).or(finding.witness.resource.as_deref());
    let resource = resource.map(|arn| arn.splitn(6, ':').nth(5).unwrap_or(arn).to_owned());
    let what = [action, resource].into_iter().flatten().collect::<Vec<_>>().join(" on ");
    let how = match words::plan_applicability(finding) {
        Some(applicability) => format!("{}, {}", words::sureness(finding), short(applicability)),
        None => words::sureness(finding).to_owned(),
    };
    let who = escape::unquoted(&words::who(&finding.principal));
    Row {
        id: finding.id.clone(),
        count: finding.event.count,
        last: finding.event.last_seen.clone().unwrap_or_default(),
        who: escape::plain(&who),
        what: escape::plain(&what),
        why: cause(finding),
        how,
    }
}

/// Whether Sesame may apply the plan, in two words.
fn short(applicability: Applicability) -> &'static str {
    match applicability {
        Applicability::Applicable => "applicable",
        Applicability::NeedsReview => "needs review",
        Applicability::AdviceOnly => "advice only",
    }
}

/// Whether a cause is a policy that may refuse, and could not be read.
fn not_read(finding: &Finding, cause: &Cause) -> bool {
    let seen = cause.certainty == Certainty::Proven || cause.statement.is_some() || !cause.near_misses.is_empty();
    !seen && finding.gaps.iter().any(|gap| gap.layer == cause.layer)
}

/// What the refusals of a finding are counted under.
fn cause(finding: &Finding) -> String {
    match (finding.causes.first(), finding.outcome) {
        (Some(cause), _) if not_read(finding, cause) => format!("{}: not read", words::layer(&cause.layer)),
        (Some(cause), _) => format!("{}: {}", words::layer(&cause.layer), words::cause_kind(cause.kind)),
        (None, Outcome::AllowedNow) => "allowed now".to_owned(),
        (None, Outcome::NotAuthorization) => "no policy matter".to_owned(),
        (None, _) => "not known".to_owned(),
    }
}

/// Filters of the template.
mod filters {
    /// A sentence as HTML: untrusted text escaped, what stands in backquotes set as code.
    #[askama::filter_fn]
    pub fn marked(sentence: &str, _: &dyn askama::Values) -> askama::Result<String> {
        let html = |span| match span {
            crate::escape::Span::Code(text) => format!("<code>{}</code>", crate::escape::html(&text)),
            crate::escape::Span::Plain(text) => crate::escape::html(&text),
        };
        Ok(crate::escape::spans(sentence).into_iter().map(html).collect())
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'r> {
    style: &'static str,
    sources: String,
    read: String,
    now: String,
    chart: Option<Chart>,
    rows: Vec<Line<'r>>,
}

struct Line<'r> {
    row: Row,
    finding: &'r Finding,
}

/// The report as a page of its own: no scripts, nothing fetched.
///
/// `sources`: what was read; `read`: one line on how much, and what was left out.
pub fn report(refusals: &[Refusals], sources: &str, read: &str, now: Timestamp) -> String {
    let rows = rows(refusals);
    let find = |id: &str| refusals.iter().find(|refusal| refusal.finding.id == id).map(|refusal| refusal.finding);
    let lines = rows.into_iter().filter_map(|row| Some(Line { finding: find(&row.id)?, row })).collect();
    let times: Vec<(String, Vec<Timestamp>)> =
        refusals.iter().map(|refusal| (cause(refusal.finding), refusal.times.clone())).collect();
    let page = Page {
        style: page::STYLE,
        sources: escape::plain(sources),
        read: escape::plain(read),
        now: now.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        chart: Chart::of(&times),
        rows: lines,
    };
    // The template has no fallible parts: a failure to render would be one of memory.
    page.render().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(id: &str, name: &str, count: u64) -> Finding {
        let text = include_str!("../../tests/fixtures/identity-action.json");
        let mut finding: Finding = serde_json::from_str(text).unwrap();
        finding.id = id.to_owned();
        finding.principal.name = Some(name.to_owned());
        finding.event.count = count;
        finding
    }

    #[test]
    fn the_most_frequent_refusal_comes_first() {
        let (rare, often) = (finding("f-1", "a", 1), finding("f-2", "b", 9));
        let refusals =
            [Refusals { finding: &rare, times: Vec::new() }, Refusals { finding: &often, times: Vec::new() }];
        let ids: Vec<String> = rows(&refusals).into_iter().map(|row| row.id).collect();
        assert_eq!(ids, ["f-2", "f-1"]);
    }

    #[test]
    fn names_cannot_become_markup_in_the_report() {
        let hostile = finding("f-1", "<script>alert(1)</script>", 1);
        let times = vec!["2026-03-01T03:00:00Z".parse().unwrap(), "2026-03-01T05:00:00Z".parse().unwrap()];
        let refusals = [Refusals { finding: &hostile, times }];
        let html = report(&refusals, "<b>archive</b>", "1 record", "2026-03-02T00:00:00Z".parse().unwrap());
        assert!(!html.contains("<script") && !html.contains("<b>archive"), "{html}");
        assert!(html.contains("<svg"), "two refusals make a picture");
    }
}

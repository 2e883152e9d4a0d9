//! The report on the assumptions: a table, and JSON.

use serde_json::{Value, json};

use super::Event;
use super::assumptions::{Judged, Verdict};

/// As a table; assumptions that do not hold come first.
pub fn text(report: &[Judged]) -> String {
    let mut judged: Vec<&Judged> = report.iter().collect();
    judged.sort_by_key(|judged| match judged.verdict() {
        Verdict::DoesNotHold => 0,
        Verdict::Holds => 1,
        Verdict::NotSeen => 2,
    });
    let rows = judged.into_iter().map(|judged| {
        let against = judged.against.first().map(|file| format!(" (see {file})")).unwrap_or_default();
        [
            judged.verdict().as_str().to_owned(),
            format!("{}/{}", judged.seen - judged.against.len(), judged.seen),
            format!("{}{against}", judged.assumption.what),
        ]
    });
    crate::table::table(["", "EVENTS", "ASSUMPTION"], rows, None)
}

/// With the source of each assumption, and the files that speak against it.
pub fn json(report: &[Judged], events: &[Event], others: usize) -> Value {
    let assumptions = report.iter().map(|judged| {
        json!({
            "id": judged.assumption.id, "assumption": judged.assumption.what, "source": judged.assumption.source,
            "verdict": judged.verdict().as_str(), "seen": judged.seen, "against": judged.against,
        })
    });
    let files: Vec<&str> = events.iter().map(|event| event.file.as_str()).collect();
    json!({ "events": files, "others": others, "assumptions": assumptions.collect::<Vec<_>>() })
}

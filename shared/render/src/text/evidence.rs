//! What the finding rests on.

use sesame_diagnosis::finding::{Cause, ConditionInfo, Finding, NearMiss, Outcome, PolicyInfo, StatementInfo};
use sesame_diagnosis::words as sentences;

use super::writer::Writer;
use crate::{gate, words};

/// How many near misses a text shows.
const NEAR_MISSES: usize = 10;
/// How many causes it spells out.
const CAUSES: usize = 12;
/// How many values of a condition it shows.
const VALUES: usize = 8;

/// Each layer of each request: open, shut, unknown.
pub fn layers(out: &mut Writer, finding: &Finding) {
    if finding.requests.iter().all(|request| request.layers.is_empty()) {
        return;
    }
    out.heading("Layers");
    for (index, request) in finding.requests.iter().enumerate() {
        out.paragraph(&gate::asks(request));
        for gate in gate::gates(finding, index) {
            out.gate(gate.state.word(), &gate.layer, &gate.note);
        }
    }
}

/// The causes with their deciding statements.
pub fn causes(out: &mut Writer, finding: &Finding) {
    let told = |cause: &Cause| cause.policy.is_none() && cause.conditions.is_empty() && cause.level.is_none();
    if finding.causes.is_empty() || (finding.causes.len() == 1 && finding.causes.iter().all(told)) {
        return;
    }
    out.heading("Evidence");
    for (index, cause) in finding.causes.iter().take(CAUSES).enumerate() {
        if index > 0 {
            out.gap();
        }
        let sure = words::certainty(cause.certainty);
        out.numbered(index + 1, &format!("{}, {sure}", words::cause_heading(cause)));
        one(out, cause, finding.causes.len() > 1);
    }
    let more = finding.causes.len().saturating_sub(CAUSES);
    if more > 0 {
        out.paragraph(&format!("And {}.", words::counted(more, "more cause", "more causes")));
    }
}

fn one(out: &mut Writer, cause: &Cause, several: bool) {
    // A single cause was told already, under "why".
    if several {
        out.indented(3, &words::capital(&cause.summary));
    }
    if let Some(policy) = &cause.policy {
        // The sentence names a policy that lacks an allow.
        place(out, policy, cause.statement.as_ref(), several && cause.statement.is_none());
    }
    for condition in &cause.conditions {
        self::condition(out, condition);
    }
}

fn place(out: &mut Writer, policy: &PolicyInfo, statement: Option<&StatementInfo>, told: bool) {
    let statement = statement.map(|statement| {
        let name = sentences::statement_name(statement.sid.as_deref(), statement.index);
        format!("{name} ({}) of ", statement.pointer)
    });
    let line = format!("{}{}", statement.unwrap_or_default(), sentences::policy(policy));
    if !told {
        out.indented(3, &words::capital(&line));
    }
    if let Some(arn) = &policy.arn {
        out.indented(3, arn);
    }
}

fn condition(out: &mut Writer, condition: &ConditionInfo) {
    let outcome = match condition.matched {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "not known",
    };
    out.indented(3, &format!("{} {}: {outcome}", condition.operator, condition.key));
    out.indented(5, &format!("expected: {}", values(&condition.expected)));
    let actual = match (condition.state.as_str(), &condition.actual) {
        (_, Some(list)) if list.is_empty() => "empty".to_owned(),
        (_, Some(list)) => values(list),
        ("absent", None) => "not in the request".to_owned(),
        _ => "not in the record".to_owned(),
    };
    out.indented(5, &format!("actual: {actual}"));
}

fn values(list: &[String]) -> String {
    let mut shown: Vec<String> = list.iter().take(VALUES).map(|value| format!("`{value}`")).collect();
    if list.len() > VALUES {
        shown.push(format!("{} more", list.len() - VALUES));
    }
    shown.join(", ")
}

/// The Allow statements that came close, nearest first.
pub fn near_misses(out: &mut Writer, finding: &Finding) {
    // Two requests often miss the same statement for the same reason.
    let mut all: Vec<&NearMiss> = Vec::new();
    for near in finding.causes.iter().flat_map(|cause| &cause.near_misses) {
        let same = |known: &&NearMiss| {
            (&known.policy, &known.statement, &known.fails, &known.expected, &known.actual)
                == (&near.policy, &near.statement, &near.fails, &near.expected, &near.actual)
        };
        if !all.iter().any(same) {
            all.push(near);
        }
    }
    if all.is_empty() {
        return;
    }
    out.heading("Near misses");
    for (index, near) in all.iter().take(NEAR_MISSES).enumerate() {
        let also = match near.also_fails.is_empty() {
            true => String::new(),
            false => format!(" (and by {})", near.also_fails.join(", ")),
        };
        out.numbered(index + 1, &format!("Fails by {}{also}", near.fails));
        place(out, &near.policy, Some(&near.statement), false);
        near.conditions().for_each(|failing| condition(out, failing));
        if near.condition.is_none() {
            out.indented(5, &format!("expected: {}", values(&near.expected)));
            let actual = near.actual.as_deref().map_or_else(|| "not known".to_owned(), |actual| format!("`{actual}`"));
            out.indented(5, &format!("actual: {actual}"));
        }
    }
    if all.len() > NEAR_MISSES {
        out.paragraph(&format!("And {} more.", all.len() - NEAR_MISSES));
    }
}

/// AWS's own message.
pub fn witness(out: &mut Writer, finding: &Finding) {
    let Some(message) = &finding.witness.message else { return };
    out.heading("AWS's message");
    out.paragraph(message);
    if finding.outcome == Outcome::NotAuthorization {
        return;
    }
    let event = &finding.event;
    let names: [(&str, &Option<String>); 2] = [("event", &event.id), ("API", &event.api)];
    let known: Vec<String> =
        names.iter().filter_map(|(name, value)| value.as_deref().map(|value| format!("{name} {value}"))).collect();
    let agreement = format!("{}.", words::testimony(&finding.witness));
    match known.is_empty() {
        true => out.paragraph(&agreement),
        false => out.paragraph(&format!("{agreement} ({})", known.join(", "))),
    }
}

/// What else to know; the possibly stolen key stands in the head.
pub fn hints(out: &mut Writer, finding: &Finding) {
    let hints = words::untold_hints(finding);
    if hints.is_empty() {
        return;
    }
    out.heading("Hints");
    for hint in hints {
        out.bullet(&hint.summary);
    }
}

/// What could not be read.
pub fn gaps(out: &mut Writer, finding: &Finding) {
    if finding.gaps.is_empty() {
        return;
    }
    out.heading("Not read");
    for gap in &finding.gaps {
        out.bullet(&format!("{} ({}): {}", words::capital(&words::unread(gap)), gap.source, gap.summary));
    }
}

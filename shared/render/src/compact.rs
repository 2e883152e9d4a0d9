//! Smaller findings, for messages: first without what does not decide, then without evidence, then hardly more than a pointer.

use serde_json::{Value, json};
use sesame_diagnosis::finding::{Finding, LayerInfo, StatementEvidence};

use crate::escape;

/// How many near misses a message holds.
pub const NEAR_MISSES: usize = 10;
/// How many deciding statements of one layer it holds.
const STATEMENTS: usize = 5;
/// The longest string in the smallest form, in characters.
const LONGEST: usize = 300;

/// Deciding statements only, and ten near misses at most: the nearest of each cause before the second of any.
pub fn compact(finding: &Finding) -> Finding {
    let mut small = finding.clone();
    for request in &mut small.requests {
        for layer in &mut request.layers {
            deciding_only(layer);
        }
    }
    let mut kept = vec![0_usize; small.causes.len()];
    let mut left = NEAR_MISSES;
    let deepest = small.causes.iter().map(|cause| cause.near_misses.len()).max().unwrap_or_default().min(NEAR_MISSES);
    for depth in 0..deepest {
        for (cause, kept) in small.causes.iter().zip(&mut kept) {
            if left > 0 && cause.near_misses.len() > depth {
                *kept += 1;
                left -= 1;
            }
        }
    }
    for (cause, kept) in small.causes.iter_mut().zip(kept) {
        cause.near_misses.truncate(kept);
    }
    // What is kept to judge the same calls again is for whoever keeps the finding.
    for context in small.event.contexts.iter_mut().filter_map(Value::as_object_mut) {
        context.remove("recorded");
    }
    small
}

fn deciding_only(layer: &mut LayerInfo) {
    let decides = |statement: &StatementEvidence| match layer.decision.as_str() {
        "Allowed" => statement.matched == Some(true) && statement.effect == "Allow",
        "ExplicitDeny" => statement.matched == Some(true) && statement.effect == "Deny",
        "ImplicitDeny" => false,
        _ => statement.matched != Some(false),
    };
    let keep: Vec<bool> = layer.statements.iter().map(decides).collect();
    let mut keep = keep.into_iter();
    layer.statements.retain(|_| keep.next().unwrap_or_default());
    layer.statements.truncate(STATEMENTS);
}

/// Without any evidence: what, why, fix, the plan, and its documents.
pub fn without_evidence(finding: &Finding) -> Finding {
    let mut small = finding.clone();
    for request in &mut small.requests {
        request.layers.clear();
    }
    for cause in &mut small.causes {
        cause.near_misses.clear();
        cause.conditions.clear();
    }
    for hint in &mut small.hints {
        hint.details = json!({});
    }
    small.event.contexts.clear();
    small.event.sources.truncate(1);
    small.remedies.retain(|remedy| finding.plan.contains(&remedy.id));
    for remedy in &mut small.remedies {
        remedy.verification.also_allowed_requests.clear();
    }
    small
}

/// Hardly more than where to find the rest. Lists are cut and strings clipped, so that its size has a bound.
pub fn pointer(finding: &Finding) -> Finding {
    let mut small = without_evidence(finding);
    small.requests.truncate(3);
    small.causes.truncate(3);
    small.hints.truncate(5);
    small.gaps.truncate(5);
    small.plan.truncate(10);
    small.remedies.clear();
    small.witness.message = None;
    for request in &mut small.requests {
        request.unknown_keys.truncate(5);
        request.possible.truncate(3);
    }
    let Ok(tree) = serde_json::to_value(&small) else { return small };
    serde_json::from_value(clipped(tree)).unwrap_or(small)
}

fn clipped(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(escape::clip(&text, LONGEST)),
        Value::Array(items) => Value::Array(items.into_iter().map(clipped).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, clipped(field))).collect())
        }
        other => other,
    }
}

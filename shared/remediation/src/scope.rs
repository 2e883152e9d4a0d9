//! What a decision rests on beside the digests that were shown: who gets what, where.
//!
//! A decision names remedies by their ids, and a table holds what stands behind an id. Whoever can write to the table could
//! leave every document as it was approved and put another principal behind it. So the decision's code covers this too.

use serde_json::{Value, json};
use sesame_diagnosis::document::digest;
use sesame_diagnosis::finding::Finding;

use crate::receipt::Written;

/// The digest of what an approval of these remedies rests on: the refused principal, its requests, where the refusal is known
/// from, and each remedy's operation and target with its documents.
///
/// Counts and times are not in it: they move while an approval waits.
pub fn of_remedies(finding: &Finding, remedies: &[&str]) -> String {
    let chosen: Vec<Value> = remedies
        .iter()
        .map(|id| match finding.remedy(id) {
            Some(remedy) => json!({
                "id": remedy.id,
                "operation": remedy.operation,
                "target": remedy.target,
                "applicability": remedy.applicability,
                "before": remedy.before,
                "after": remedy.after,
                "fixes": remedy.fixes,
            }),
            None => Value::Null,
        })
        .collect();
    digest(&json!({ "finding": subject(finding), "remedies": chosen }))
}

/// The digest of what taking this back rests on.
pub fn of_written(finding: &Finding, written: &[Written]) -> String {
    let written: Vec<Value> = written
        .iter()
        .map(|written| {
            json!({
                "remedy": written.remedy,
                "operation": written.operation,
                "target": written.target,
                "before": written.before,
                "after": written.after,
            })
        })
        .collect();
    digest(&json!({ "finding": subject(finding), "written": written }))
}

fn subject(finding: &Finding) -> Value {
    let requests: Vec<Value> = finding
        .requests
        .iter()
        .map(|request| json!({ "action": request.action, "resource": request.resource }))
        .collect();
    json!({
        "id": finding.id,
        "generation": finding.generation,
        "provenance": finding.provenance,
        "principal": finding.principal.arn,
        "session": finding.principal.session_arn,
        "principalAccount": finding.principal.account,
        "requests": requests,
        "plan": finding.plan,
    })
}

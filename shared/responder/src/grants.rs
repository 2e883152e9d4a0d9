//! What Sesame has granted that still stands: what it wrote and nobody took back.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sesame_diagnosis::finding::Target;
use sesame_remediation::State;
use sesame_remediation::decision::Approver;
use sesame_remediation::receipt::{Receipt, Written};

use crate::list::{Filter, Summary};
use crate::ports::{FindingStore, PortError};
use crate::record::{Act, Record, stands};

/// A document of Sesame's own that stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The finding that it was written for: what a revocation names.
    pub finding: String,
    /// The generation.
    pub generation: u32,
    /// Where the finding stands.
    pub state: State,
    /// Who got it: an ARN where it is known.
    pub principal: Option<String>,
    /// Where it stands.
    pub target: Target,
    /// The actions that it allows.
    pub actions: Vec<String>,
    /// On what.
    pub resources: Vec<String>,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// Whether that time has come: the document stands, and allows nothing.
    pub expired: bool,
    /// When it was written.
    pub since: Timestamp,
    /// Who approved it.
    pub by: Option<Approver>,
    /// Why, in the approver's words.
    pub reason: Option<String>,
    /// Digest of the document as it was written.
    pub digest: Option<String>,
}

/// What stands of a record, the last first.
pub fn of(record: &Record, now: Timestamp) -> Vec<Grant> {
    let standing = record.standing();
    let mut grants: Vec<Grant> = receipts(record)
        .flat_map(|receipt| receipt.written.iter().map(move |written| (receipt, written)))
        .filter(|(_, written)| {
            standing.iter().any(|one| one.target == written.target && one.after_digest == written.after_digest)
        })
        .map(|(receipt, written)| grant(record, receipt, written, now))
        .collect();
    // One place holds one document, though two generations may have written the same.
    let mut seen: Vec<Target> = Vec::new();
    grants.retain(|grant| {
        let new = !seen.contains(&grant.target);
        seen.push(grant.target.clone());
        new
    });
    grants
}

/// All that stands, the last refused first; read finding by finding.
///
/// # Errors
/// The store.
pub async fn all(store: &impl FindingStore, now: Timestamp) -> Result<Vec<Grant>, PortError> {
    collect(store, now, |_| true).await
}

/// What stands of what a principal got; only its own findings are read.
///
/// # Errors
/// The store.
pub async fn of_principal(store: &impl FindingStore, arn: &str, now: Timestamp) -> Result<Vec<Grant>, PortError> {
    collect(store, now, |summary| summary.who.as_deref() == Some(arn)).await
}

async fn collect(
    store: &impl FindingStore,
    now: Timestamp,
    is_wanted: impl Fn(&Summary) -> bool,
) -> Result<Vec<Grant>, PortError> {
    let mut grants = Vec::new();
    let mut filter = Filter::default();
    loop {
        let page = store.list(&filter).await?;
        for summary in page.findings.into_iter().filter(|summary| is_wanted(summary)) {
            // Whatever the state: what an earlier generation got stands through the later ones.
            if let Some(record) = store.load(&summary.id).await? {
                grants.extend(of(&record, now));
            }
        }
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(grants),
        }
    }
}

/// The last first.
fn receipts(record: &Record) -> impl Iterator<Item = &Receipt> {
    record.receipt.iter().filter(|receipt| stands(receipt)).chain(record.earlier.iter().rev())
}

fn grant(record: &Record, receipt: &Receipt, written: &Written, now: Timestamp) -> Grant {
    let statements = written.after.as_ref().map(statements).unwrap_or_default();
    let expires = statements.iter().map(|statement| end(statement)).collect::<Option<Vec<_>>>();
    let expires = expires.and_then(|ends| ends.into_iter().max());
    let approval =
        record.history.iter().rev().find(|entry| {
            (entry.act, entry.generation, &entry.refused) == (Some(Act::Approve), receipt.generation, &None)
        });
    Grant {
        finding: record.finding.id.clone(),
        generation: receipt.generation,
        state: record.state,
        principal: record.finding.principal.arn.clone(),
        target: written.target.clone(),
        actions: values(&statements, "Action"),
        resources: values(&statements, "Resource"),
        expires,
        expired: expires.is_some_and(|end| end <= now),
        since: receipt.time,
        by: approval.and_then(|entry| entry.by.clone()),
        reason: approval.and_then(|entry| entry.reason.clone()),
        digest: written.after_digest.clone(),
    }
}

fn statements(document: &Value) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn values(statements: &[&Value], field: &str) -> Vec<String> {
    let mut all = BTreeSet::new();
    for value in statements.iter().filter_map(|statement| statement.get(field)) {
        match value {
            Value::String(one) => drop(all.insert(one.clone())),
            Value::Array(list) => all.extend(list.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    all.into_iter().collect()
}

/// When a statement ends by itself; `None` where it does not.
fn end(statement: &Value) -> Option<Timestamp> {
    statement.pointer("/Condition/DateLessThan/aws:CurrentTime")?.as_str()?.parse().ok()
}

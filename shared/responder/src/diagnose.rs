//! Refused sends in, stored findings and notices out.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use sesame_diagnosis::denial::{Caller, Denial, Incident};
use sesame_diagnosis::finding::Finding;
use sesame_diagnosis::{InvalidDocument, fold};
use sesame_remediation::approver::same_principal;
use sesame_remediation::state::{Arrival, Event, State, arrival};

use crate::again::{self, Merged};
use crate::notify::publish_due;
use crate::ports::{Clock, FindingStore, PortError, Publisher, SaveError, WorldSource};
use crate::record::{Alert, Record};
use crate::settings::{Settings, Shared};

/// How often a record that somebody else changes at the same time is tried again.
const ATTEMPTS: usize = 5;

/// Why a refusal did not become a finding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiagnoseError {
    /// A policy that bears on the request is broken.
    #[error(transparent)]
    Invalid(#[from] InvalidDocument),
    /// The record could not be read or written.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl From<PortError> for DiagnoseError {
    fn from(error: PortError) -> DiagnoseError {
        DiagnoseError::Save(error.into())
    }
}

/// What came of the refusals of one fingerprint.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosed {
    /// The finding's id.
    pub finding: String,
    /// The record as it was stored, or why it was not.
    pub result: Result<Record, DiagnoseError>,
}

/// Folds refusals, diagnoses each fingerprint on top of what is stored, stores it and tells of it.
///
/// Safe to repeat: what was counted is not counted again, and what was told is not told again.
pub async fn diagnose(
    denials: Vec<Denial>,
    source: &impl WorldSource,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Vec<Diagnosed> {
    let mut by_finding: BTreeMap<String, Vec<Denial>> = BTreeMap::new();
    for denial in denials.into_iter().filter(|denial| !is_own(denial, shared.settings)) {
        by_finding.entry(fold::id(&denial)).or_default().push(denial);
    }
    let mut results = Vec::with_capacity(by_finding.len());
    for (finding, denials) in by_finding {
        let result = diagnose_one(&finding, &denials, source, shared).await;
        results.push(Diagnosed { finding, result });
    }
    results
}

/// A denial of one of the stack's own roles.
fn is_own(denial: &Denial, settings: &Settings) -> bool {
    let Caller::Role { account, name, role_arn, .. } = &denial.caller else { return false };
    let arn = role_arn.as_ref().map_or_else(|| format!("arn:aws:iam::{account}:role/{name}"), |arn| arn.to_string());
    settings.own_roles.iter().any(|own| same_principal(own, &arn))
}

async fn diagnose_one(
    id: &str,
    denials: &[Denial],
    source: &impl WorldSource,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, DiagnoseError> {
    let mut attempts = 0;
    loop {
        let stored = shared.store.load(id).await?;
        let now = shared.clock.now();
        let Some(mut record) = take_in(stored, denials, source, now, shared.settings).await? else {
            // Nothing that was not counted before; what is stored may still have to be told.
            let stored = shared.store.load(id).await?.ok_or_else(|| PortError::passing(format!("`{id}` went away")))?;
            return Ok(publish_due(stored, shared).await?);
        };
        match shared.store.save(&mut record).await {
            Ok(()) => return Ok(publish_due(record, shared).await?),
            Err(SaveError::Conflict(_)) if attempts < ATTEMPTS => attempts += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The record with these refusals in it; `None` when it had them all.
async fn take_in(
    stored: Option<Record>,
    denials: &[Denial],
    source: &impl WorldSource,
    now: Timestamp,
    settings: &Settings,
) -> Result<Option<Record>, DiagnoseError> {
    let counted: HashSet<&str> = stored.iter().flat_map(|record| &record.counted).map(String::as_str).collect();
    let ids = |denial: &Denial| [denial.event_id.clone(), denial.shared_event_id.clone()].into_iter().flatten();
    let fresh: Vec<Denial> =
        denials.iter().filter(|denial| !ids(denial).any(|id| counted.contains(id.as_str()))).cloned().collect();
    let fresh_ids: Vec<String> = fresh.iter().flat_map(ids).collect();
    let Some(incident) = fold::fold(fresh).into_iter().next() else { return Ok(None) };
    let refused_at = incident.last_seen.unwrap_or(now);

    let mut record = match stored {
        None => {
            let finding = run(&incident, source, now, settings).await?;
            Record::new(finding, now)
        }
        Some(record) => fold_in(record, &incident, refused_at, source, now, settings).await?,
    };
    record.counted.extend(fresh_ids);
    let surplus = record.counted.len().saturating_sub(Record::REMEMBERED);
    record.counted.drain(..surplus);
    Ok(Some(record))
}

async fn run(
    incident: &Incident,
    source: &impl WorldSource,
    now: Timestamp,
    settings: &Settings,
) -> Result<Finding, DiagnoseError> {
    let world = source.world(incident).await?;
    Ok(sesame_diagnosis::diagnose(incident, &world, &settings.options(now))?)
}

async fn fold_in(
    mut record: Record,
    incident: &Incident,
    refused_at: Timestamp,
    source: &impl WorldSource,
    now: Timestamp,
    settings: &Settings,
) -> Result<Record, DiagnoseError> {
    let arrival = arrival(record.state, record.since, record.muted_until, refused_at);
    let Merged { incident, new_source } = match arrival {
        // A new generation starts its counts anew: the old ones are of refusals that were dealt with.
        Arrival::Reopen => Merged { incident: incident.clone(), new_source: false },
        _ => again::merge(again::incident(&record.finding), incident),
    };
    let mut finding = run(&incident, source, now, settings).await?;
    finding.generation = record.finding.generation;
    match (arrival, record.state) {
        (Arrival::Reopen, _) => {
            record.finding = finding;
            // Every closed state takes this event, and nothing else reopens.
            let note = applied_before(&record);
            let _ = record.advance(Event::Reopen, now, note);
            record.alert = Alert::Due;
        }
        (Arrival::Fold, State::Open) => {
            let changed = plan_digests(&record.finding) != plan_digests(&finding);
            record.finding = finding;
            if new_source || changed {
                record.link_series += 1;
            }
            if changed {
                // The first of two approved something else.
                record.approvals.clear();
            }
            let told = record.alerted.and_then(|told| told.checked_add(settings.alert_window).ok());
            if new_source || changed || told.is_some_and(|again| again <= now) {
                record.alert = Alert::Due;
            }
        }
        // Decided, or closed: only the counts move, since what was decided about must stay as it was shown.
        _ => record.finding.event = finding.event,
    }
    Ok(record)
}

/// What there is to say of a refusal that came although something was applied.
fn applied_before(record: &Record) -> Option<String> {
    let applied = matches!(record.state, State::Applied | State::Failed { restored: false });
    let receipt = record.receipt.as_ref().filter(|_| applied)?;
    Some(format!("applied at {}, and refused again since; this is the new diagnosis", receipt.time))
}

/// What an open link shows.
fn plan_digests(finding: &Finding) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let of = |id| finding.remedy(id);
    let planned = finding.plan.iter().filter_map(|id| of(id));
    planned
        .map(|remedy| (remedy.id.as_str(), remedy.before_digest.as_deref(), remedy.after_digest.as_deref()))
        .collect()
}

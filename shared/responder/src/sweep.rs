//! The sweep: what was left over, what ran out of time, and what came of what was applied.
//!
//! It runs every few minutes and only looks at what is stored and what is; run twice it does nothing twice.

use jiff::{SignedDuration, SignedDurationRound, Timestamp, Unit};
use sesame_diagnosis::document::digest;
use sesame_remediation::decision::DecidedRemedy;
use sesame_remediation::receipt::Written;
use sesame_remediation::state::{Event, State};

use crate::again;
use crate::documents::{self, Found};
use crate::list::{Filter, Summary};
use crate::notify::{publish_attempts, publish_due};
use crate::ports::{Clock, FindingStore, PortError, Publisher, SaveError, WorldSource};
use crate::record::{Act, Alert, Record};
use crate::settings::Shared;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long a finding waits for a decision after its last message: as long as the link in it lasts.
    pub link_life: SignedDuration,
    /// How often the sweep runs.
    pub every: SignedDuration,
}

/// Longer than this nothing is under way: what is approved, being applied or being put back was cut off.
const CUT_OFF: SignedDuration = SignedDuration::from_mins(10);
/// An approval that was not acted on for so long is given up: it would not be acted on any more.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(2);
/// The shortest and the longest silence that is told of. CloudTrail tells of a refusal some minutes after it.
const SHORTEST_SILENCE: SignedDuration = SignedDuration::from_mins(30);
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(24);
/// A silence is told of when it is so many times as long as the time from one refusal to the next was.
const TIMES: i32 = 10;
/// Of attempts that were refused is told at most so often.
const ATTEMPTS_APART: SignedDuration = SignedDuration::from_hours(1);
/// In its first day a document is looked after with every sweep, later once a day.
const FIRST_DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Findings that were told of at last.
    pub told: Vec<String>,
    /// Findings that nobody decided about in time.
    pub expired: Vec<String>,
    /// Findings whose application or undoing was set going again.
    pub resumed: Vec<String>,
    /// Findings whose refusals stayed out.
    pub quiet: Vec<String>,
    /// Findings whose documents somebody else changed.
    pub changed: Vec<String>,
    /// Findings whose documents somebody else took away.
    pub vanished: Vec<String>,
    /// Findings that could not be worked on, and why; the next sweep tries again.
    pub failed: Vec<(String, String)>,
}

/// Works through everything once. Trouble with one finding keeps no other from its turn.
///
/// # Errors
/// The lists of findings could not be read.
pub async fn sweep(
    terms: Terms,
    source: &impl WorldSource,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Swept, PortError> {
    let mut swept = Swept::default();
    for id in shared.store.unfinished().await? {
        let done = finish(&id, shared).await;
        swept.take(&id, done);
    }
    for summary in listed(State::Open, shared.store).await? {
        // A finding cannot be over its time if it has not stood for so long; most need not be loaded.
        if is_over(summary.since, terms.link_life, shared.clock.now()) {
            let done = expire(&summary.id, terms, shared).await;
            swept.take(&summary.id, done);
        }
    }
    for state in [State::Applied, State::Failed { restored: false }] {
        for summary in listed(state, shared.store).await? {
            let done = look_after(&summary, terms, source, shared).await;
            swept.take(&summary.id, done);
        }
    }
    Ok(swept)
}

/// What was done about a finding.
enum Done {
    Nothing,
    Told,
    Expired,
    Resumed,
    Quiet,
    Changed,
    Vanished,
}

impl Swept {
    fn take(&mut self, id: &str, done: Result<Done, SaveError>) {
        let list = match done {
            Ok(Done::Nothing) => return,
            Ok(Done::Told) => &mut self.told,
            Ok(Done::Expired) => &mut self.expired,
            Ok(Done::Resumed) => &mut self.resumed,
            Ok(Done::Quiet) => &mut self.quiet,
            Ok(Done::Changed) => &mut self.changed,
            Ok(Done::Vanished) => &mut self.vanished,
            // Somebody else works on it at this moment; what is left then, the next sweep finds.
            Err(SaveError::Conflict(_)) => return,
            Err(SaveError::Port(error)) => return self.failed.push((id.to_owned(), error.message)),
        };
        list.push(id.to_owned());
    }
}

async fn listed(state: State, store: &impl FindingStore) -> Result<Vec<Summary>, PortError> {
    let mut filter = Filter::in_state(state);
    let mut all = Vec::new();
    loop {
        let page = store.list(&filter).await?;
        all.extend(page.findings);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(all),
        }
    }
}

fn is_over(since: Timestamp, life: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(since) >= life
}

/// Tells what was not told; sets going again what was cut off, and gives up an approval that nothing acts on.
async fn finish(
    id: &str,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Done, SaveError> {
    let Some(mut record) = shared.store.load(id).await? else { return Ok(Done::Nothing) };
    let now = shared.clock.now();
    let mut done = Done::Nothing;
    match record.alert {
        Alert::Due => (record, done) = (publish_due(record, shared).await?, Done::Told),
        // Whoever tries again and again must not fill the mailboxes.
        Alert::Attempts if record.alerted.is_none_or(|last| is_over(last, ATTEMPTS_APART, now)) => {
            (record, done) = (publish_attempts(record, shared).await?, Done::Told);
        }
        Alert::Attempts | Alert::Sent => {}
    }
    match record.state {
        State::Approved if is_over(record.since, GIVEN_UP, now) => {
            let note = format!(
                "it was approved at {}, and nothing acted on that; look for the apply function's errors, and approve it again",
                record.since
            );
            change(record, Event::Supersede, note, shared).await?;
            Ok(Done::Expired)
        }
        State::Approved | State::Applying | State::RollingBack if is_over(record.since, CUT_OFF, now) => {
            // Written again it comes through the table's stream once more. The sweep itself has no right to write a policy.
            shared.store.save(&mut record).await?;
            Ok(Done::Resumed)
        }
        _ => Ok(done),
    }
}

async fn change(
    mut record: Record,
    event: Event,
    note: String,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<(), SaveError> {
    let refused = record.advance(event, shared.clock.now(), Some(note));
    refused.map_err(|refused| PortError::lasting(refused.to_string()))?;
    tell(record, shared).await
}

async fn tell(
    mut record: Record,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<(), SaveError> {
    record.alert = Alert::Due;
    shared.store.save(&mut record).await?;
    publish_due(record, shared).await?;
    Ok(())
}

/// Closes a finding that nobody decided about while its link was good.
async fn expire(
    id: &str,
    terms: Terms,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Done, SaveError> {
    let record = shared.store.load(id).await?.filter(|record| record.state == State::Open);
    let Some(record) = record else { return Ok(Done::Nothing) };
    // Each message brings a new link.
    let last = record.alerted.map_or(record.since, |alerted| alerted.max(record.since));
    if record.alert == Alert::Due || !is_over(last, terms.link_life, shared.clock.now()) {
        return Ok(Done::Nothing);
    }
    let note = format!("nobody decided within {}; the next refusal asks again", spoken(terms.link_life));
    change(record, Event::Expire, note, shared).await?;
    Ok(Done::Expired)
}

/// Looks whether what was applied still stands, and whether it helped.
async fn look_after(
    summary: &Summary,
    terms: Terms,
    source: &impl WorldSource,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Done, SaveError> {
    let now = shared.clock.now();
    let age = now.duration_since(summary.since);
    let day = |age: SignedDuration| age.as_hours().div_euclid(24);
    if age > FIRST_DAY && day(age) == day(age - terms.every) && summary.last_seen < summary.since {
        return Ok(Done::Nothing);
    }
    let record = shared.store.load(&summary.id).await?.filter(|record| record.state == summary.state);
    let Some(mut record) = record.filter(|record| record.alert != Alert::Due) else { return Ok(Done::Nothing) };
    let Drift { gone, changed } = drift(&record, source).await?;
    if !gone.is_empty() {
        let note = removed(&gone);
        let all = record.receipt.as_ref().is_none_or(|receipt| receipt.written.len() == gone.len());
        if all {
            record
                .advance(Event::Vanish, now, Some(note))
                .map_err(|refused| PortError::lasting(refused.to_string()))?;
        } else {
            record.note(Act::Vanish, now, Some(note));
        }
        if let Some(receipt) = &mut record.receipt {
            receipt.written.retain(|written| !gone.iter().any(|gone| gone.target == written.target));
            receipt.state = if all { State::RolledBack } else { receipt.state };
        }
        tell(record, shared).await?;
        return Ok(Done::Vanished);
    }
    let changes = unknown_changes(&record, &changed);
    if !changes.is_empty() {
        record.note_documents(Act::Change, now, changes, altered(&changed));
        tell(record, shared).await?;
        return Ok(Done::Changed);
    }
    match silence(&record, now) {
        Some(note) => {
            record.note(Act::Quiet, now, Some(note));
            tell(record, shared).await?;
            Ok(Done::Quiet)
        }
        None => Ok(Done::Nothing),
    }
}

/// What became of the documents that were written. What could not be read is as it was, as far as Sesame knows.
#[derive(Default)]
struct Drift {
    /// Not there any more.
    gone: Vec<Written>,
    /// There, and not as written: with the digest of what is there.
    changed: Vec<(Written, String)>,
}

async fn drift(record: &Record, source: &impl WorldSource) -> Result<Drift, PortError> {
    let mut drift = Drift::default();
    let written: Vec<&Written> =
        record.receipt.iter().flat_map(|receipt| &receipt.written).filter(|written| written.after.is_some()).collect();
    if written.is_empty() {
        return Ok(drift);
    }
    let world = source.world(&again::incident(&record.finding)).await?;
    for written in written {
        let name = written.target.policy.as_deref().unwrap_or_default();
        match documents::at(&world, &written.target).named(name) {
            Found::Nothing => drift.gone.push(written.clone()),
            Found::Document(found) => {
                let found = digest(found);
                if written.after_digest.as_ref() != Some(&found) {
                    drift.changed.push((written.clone(), found));
                }
            }
            Found::Unread => {}
        }
    }
    Ok(drift)
}

/// The changes that nobody was told of since the application, as an entry has them: from what was written to what was found.
fn unknown_changes(record: &Record, changed: &[(Written, String)]) -> Vec<DecidedRemedy> {
    let since = record.history.iter().rposition(|entry| entry.act == Some(Act::Complete)).unwrap_or(0);
    let known = |remedy: &DecidedRemedy| {
        let told = record.history.iter().skip(since).filter(|entry| entry.act == Some(Act::Change));
        let last = told.flat_map(|entry| &entry.digests).rfind(|told| told.id == remedy.id);
        last == Some(remedy)
    };
    let change = |(written, found): &(Written, String)| DecidedRemedy {
        id: written.remedy.clone(),
        before_digest: written.after_digest.clone(),
        after_digest: Some(found.clone()),
    };
    changed.iter().map(change).filter(|change| !known(change)).collect()
}

fn places<'w>(written: impl Iterator<Item = &'w Written>) -> String {
    let place = |written: &Written| {
        let target = &written.target;
        let on = target.principal.as_deref().or(target.identity.as_deref()).unwrap_or_default();
        format!("`{}` on `{on}`", target.policy.as_deref().unwrap_or_default())
    };
    written.map(place).collect::<Vec<_>>().join(" and ")
}

fn removed(gone: &[Written]) -> String {
    format!(
        "{} is gone, and Sesame did not take it away: your pipeline removed it, or somebody else did. If the send \
         is to stay allowed, put the same statement into the code that manages this policy",
        places(gone.iter())
    )
}

fn altered(changed: &[(Written, String)]) -> String {
    format!(
        "{} is not as Sesame wrote it: what it grants now nobody approved. Sesame leaves it, also in a rollback; look who \
         changed it, and delete it by hand if that was not meant",
        places(changed.iter().map(|(written, _)| written))
    )
}

/// "No refusal for 42 minutes (was every 20 s)", once after an application, as soon as it is worth saying.
fn silence(record: &Record, now: Timestamp) -> Option<String> {
    let told = |act: Act| record.history.iter().rposition(|entry| entry.act == Some(act) && entry.refused.is_none());
    if record.state != State::Applied || told(Act::Quiet) > told(Act::Complete) {
        return None;
    }
    let event = &record.finding.event;
    let time = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let (first, last) = (time(&event.first_seen), time(&event.last_seen));
    let silent = now.duration_since(last.map_or(record.since, |last| last.max(record.since)));
    let intervals = i32::try_from(event.count.saturating_sub(1)).unwrap_or(i32::MAX);
    let apart = match (first, last) {
        (Some(first), Some(last)) if intervals > 0 => Some(last.duration_since(first) / intervals),
        _ => None,
    };
    let wanted = apart.and_then(|apart| apart.checked_mul(TIMES)).unwrap_or(SHORTEST_SILENCE);
    if silent < wanted.clamp(SHORTEST_SILENCE, LONGEST_SILENCE) {
        return None;
    }
    let before = match apart {
        Some(apart) => format!("was every {}", short(apart)),
        None => "there had been one".to_owned(),
    };
    let for_how_long = spoken(silent);
    Some(format!("no refusal for {for_how_long} ({before}); silence is no proof that the send goes through"))
}

/// `42 minutes`, `3 hours`, `7 days`: the largest unit that is at least one, rounded down.
fn spoken(duration: SignedDuration) -> String {
    let (minutes, hours) = (duration.as_mins(), duration.as_hours());
    let (number, unit) = match (minutes, hours) {
        (_, 48..) => (hours / 24, "day"),
        (120.., _) => (hours, "hour"),
        _ => (minutes, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// `20 s`, `3 min`, `2 h`.
fn short(duration: SignedDuration) -> String {
    let round = |unit| duration.round(SignedDurationRound::new().smallest(unit)).unwrap_or(duration);
    match duration.as_secs() {
        ..=0 => "second or more often".to_owned(),
        1..120 => format!("{} s", round(Unit::Second).as_secs()),
        120..7200 => format!("{} min", round(Unit::Minute).as_mins()),
        _ => format!("{} h", round(Unit::Hour).as_hours()),
    }
}

//! The sweep, with a clock that moves and a machine that goes away at any call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod desk;

use std::collections::BTreeMap;

use desk::{Cut, Desk, Gate, Gated, NO_ALLOW, NOW, denials, run, time};
use jiff::{SignedDuration, Timestamp};
use pollster::block_on;
use serde_json::{Value, json};
use sesame_diagnosis::denial::Denial;
use sesame_diagnosis::document::digest;
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_remediation::State;
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, Verdict};
use sesame_render::Phase;
use sesame_responder::Shared;
use sesame_responder::decide::{Request, decide};
use sesame_responder::grants;
use sesame_responder::list::{Filter, Page};
use sesame_responder::memory::MemoryWorld;
use sesame_responder::notify::detail;
use sesame_responder::ports::{Clock, FindingStore, PolicyWriter, PortError, SaveError};
use sesame_responder::record::{Act, Alert, Record};
use sesame_responder::sweep::{Swept, Terms, sweep};
use sesame_responder::walls::Walls;

const FROM_ADDRESS: &str = include_str!("../../../cli/demo/events/02-from-address.json");
const BY_DEFAULT: &str = include_str!("../../../cli/demo/events/03-default-configuration-set.json");
const BULK: &str = include_str!("../../../cli/demo/events/04-bulk.json");
const TEMPLATE: &str = include_str!("../../../cli/demo/events/07-template.json");

const TERMS: Terms = Terms { link_life: SignedDuration::from_hours(7 * 24), every: SignedDuration::from_mins(10) };

fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.settings.walls = Walls::open();
    desk.settings.own_account = None;
    desk
}

fn swept(desk: &Desk) -> Swept {
    block_on(sweep(TERMS, &desk.world, desk.shared())).unwrap()
}

fn at(desk: &Desk, time: Timestamp) -> Swept {
    desk.clock.set(time);
    swept(desk)
}

/// One finding and no other.
fn only(record: &Record) -> &[String] {
    std::slice::from_ref(&record.finding.id)
}

fn minutes(after: Timestamp, minutes: i64) -> Timestamp {
    after + SignedDuration::from_mins(minutes)
}

fn phases(desk: &Desk) -> Vec<Phase> {
    desk.publisher.published().into_iter().map(|(phase, _)| phase).collect()
}

/// Ten refusals, 20 seconds apart, the last at 02:53.
fn steady() -> Vec<Denial> {
    let one = denials(NO_ALLOW).remove(0);
    let nth = |number: i64| Denial {
        event_id: Some(format!("e-{number}")),
        shared_event_id: None,
        time: Some(time("2026-11-23T02:50:00Z") + SignedDuration::from_secs(20 * number)),
        ..one.clone()
    };
    (0..10).map(nth).collect()
}

fn applied(desk: &Desk, denials: Vec<Denial>) -> Record {
    let open = desk.take_in(denials);
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let applied = desk.work(&approved).unwrap();
    assert_eq!(applied.state, State::Applied, "{:?}", applied.receipt);
    applied
}

#[test]
fn what_nobody_decided_while_its_link_was_good_expires_with_a_message() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    let end = time(NOW) + TERMS.link_life;
    assert_eq!(at(&desk, end - SignedDuration::from_secs(1)), Swept::default());
    assert_eq!(at(&desk, end).expired, only(&open));
    let expired = desk.record(&open.finding.id);
    assert_eq!((expired.state, phases(&desk).last()), (State::Expired, Some(&Phase::Expired)));
    let note = expired.history.last().unwrap().note.as_deref();
    assert_eq!(note, Some("nobody decided within 7 days; the next refusal asks again"));
    assert_eq!(swept(&desk), Swept::default(), "once");
}

#[test]
fn a_message_that_brings_a_new_link_brings_new_time() {
    let desk = desk();
    desk.take_in(denials(NO_ALLOW));
    desk.clock.set(time("2026-11-25T03:00:00Z"));
    let mut again = denials(NO_ALLOW);
    again[0].event_id = Some("e-2".to_owned());
    desk.take_in(again);
    assert_eq!(phases(&desk), [Phase::Finding, Phase::Finding]);
    assert_eq!(at(&desk, time(NOW) + TERMS.link_life), Swept::default());
    assert_eq!(at(&desk, time("2026-12-02T03:00:00Z")).expired.len(), 1);
}

#[test]
fn what_was_stored_and_not_told_is_told() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    desk.overwrite(Record { alert: Alert::Due, alerted: None, ..open.clone() });
    assert_eq!(swept(&desk).told, only(&open));
    assert_eq!(phases(&desk), [Phase::Finding, Phase::Finding]);
    assert_eq!(swept(&desk), Swept::default());
}

#[test]
fn what_was_cut_off_comes_through_the_stream_again() {
    for state in [State::Approved, State::Applying, State::RollingBack] {
        let desk = desk();
        let open = desk.take_in(denials(NO_ALLOW));
        let approved = desk.decide(&open, Verdict::Approve).unwrap();
        desk.overwrite(Record { state, ..approved.clone() });
        let before = desk.record(&open.finding.id);
        assert_eq!(at(&desk, minutes(time(NOW), 9)), Swept::default(), "{state}: it may be under way");
        assert_eq!(at(&desk, minutes(time(NOW), 10)).resumed, only(&open), "{state}");
        let after = desk.record(&open.finding.id);
        assert_eq!(after, Record { version: before.version + 1, ..before }, "{state}: written, and nothing else");
    }
}

#[test]
fn an_approval_that_nothing_acts_on_is_given_up() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    desk.decide(&open, Verdict::Approve).unwrap();
    at(&desk, minutes(time(NOW), 120));
    let after = desk.record(&open.finding.id);
    assert_eq!((after.state, phases(&desk).last()), (State::Superseded, Some(&Phase::Superseded)));
    assert!(after.history.last().unwrap().note.as_ref().unwrap().ends_with("and approve it again"));
}

#[test]
fn silence_after_an_application_is_told_of_once_and_never_called_proof() {
    let desk = desk();
    let applied = applied(&desk, steady());
    assert_eq!(at(&desk, minutes(applied.since, 29)), Swept::default());
    assert_eq!(at(&desk, minutes(applied.since, 42)).quiet, only(&applied));
    let after = desk.record(&applied.finding.id);
    assert_eq!((after.state, after.since), (State::Applied, applied.since));
    assert_eq!(phases(&desk).last(), Some(&Phase::Quiet));
    let said = "no refusal for 42 minutes (was every 20 s); silence is no proof that the send goes through";
    assert_eq!(sesame_responder::notify::detail(&after).as_deref(), Some(said));
    assert_eq!(at(&desk, minutes(applied.since, 600)), Swept::default(), "once");
}

#[test]
fn what_was_rare_must_stay_out_for_longer() {
    let desk = desk();
    let mut hourly = steady();
    for (number, denial) in hourly.iter_mut().enumerate() {
        denial.time = Some(time("2026-11-22T17:00:00Z") + SignedDuration::from_hours(number as i64));
    }
    let applied = applied(&desk, hourly);
    assert_eq!(at(&desk, minutes(applied.since, 9 * 60 + 59)), Swept::default());
    at(&desk, minutes(applied.since, 10 * 60));
    let note = desk.record(&applied.finding.id).history.last().unwrap().note.clone().unwrap();
    assert!(note.starts_with("no refusal for 10 hours (was every 60 min)"), "{note}");
}

#[test]
fn a_refusal_that_was_on_its_way_is_late_and_one_after_five_minutes_is_new() {
    let desk = desk();
    let applied = applied(&desk, denials(NO_ALLOW));
    let refused = |at: Timestamp| {
        desk.clock.set(minutes(at, 5));
        let mut again = denials(NO_ALLOW);
        (again[0].event_id, again[0].time) = (Some(format!("at {at}")), Some(at));
        desk.take_in(again)
    };
    let late = refused(minutes(applied.since, 5) - SignedDuration::from_secs(1));
    assert_eq!((late.state, late.finding.generation, late.finding.event.count), (State::Applied, 1, 2));
    assert_eq!(phases(&desk).last(), Some(&Phase::Applied), "nobody is woken for what is over");

    let new = refused(minutes(applied.since, 5));
    assert_eq!((new.state, new.finding.generation), (State::Open, 2));
    assert_eq!(phases(&desk).last(), Some(&Phase::StillRefused));
    let said = "applied at 2026-11-23T03:00:00Z, and refused again since; this is the new diagnosis";
    assert_eq!(sesame_responder::notify::detail(&new).as_deref(), Some(said));
    // The next refusal of the new generation is a refusal like any other.
    let expired = at(&desk, new.since + TERMS.link_life);
    assert_eq!(expired.expired, [new.finding.id]);
}

#[test]
fn a_document_that_somebody_else_took_away_is_no_grant_any_more() {
    let desk = desk();
    let applied = applied(&desk, denials(NO_ALLOW));
    block_on(desk.world.write(&applied.finding.remedies[0].target, None)).unwrap();
    assert_eq!(at(&desk, minutes(applied.since, 20)).vanished, only(&applied));
    let after = desk.record(&applied.finding.id);
    assert_eq!((after.state, phases(&desk).last()), (State::RolledBack, Some(&Phase::Revoked)));
    let last = after.history.last().unwrap();
    assert_eq!((last.act, last.digests.len()), (Some(Act::Vanish), 1));
    let note = last.note.as_ref().unwrap();
    let name = applied.finding.remedies[0].target.policy.as_ref().unwrap();
    assert!(note.starts_with(&format!("`{name}` on `arn:aws:iam::111122223333:role/")), "{note}");
    assert!(note.contains("your pipeline removed it, or somebody else did"), "{note}");
    assert_eq!(block_on(grants::all(&desk.store, desk.clock.now())).unwrap(), []);
    assert_eq!(swept(&desk), Swept::default());
    assert!(desk.decide(&after, Verdict::RollBack).is_err());
}

#[test]
fn a_document_that_somebody_else_changed_is_told_of_once_for_each_change() {
    let desk = desk();
    let applied = applied(&desk, denials(NO_ALLOW));
    let remedy = &applied.finding.remedies[0];
    let write = |document: &Value| block_on(desk.world.write(&remedy.target, Some(document))).unwrap();
    let wider = |resource: &str| {
        let mut document = remedy.after.clone().unwrap();
        document["Statement"][0]["Resource"] = json!(resource);
        document
    };
    let digests = || desk.record(&applied.finding.id).history.last().unwrap().digests.clone();
    write(&wider("*"));
    assert_eq!(at(&desk, minutes(applied.since, 10)).changed, only(&applied));
    let after = desk.record(&applied.finding.id);
    assert_eq!((after.state, phases(&desk).last()), (State::Applied, Some(&Phase::Superseded)));
    let note = after.history.last().unwrap().note.clone().unwrap();
    assert!(note.contains("is not as Sesame wrote it: what it grants now nobody approved"), "{note}");
    let expected = DecidedRemedy {
        id: remedy.id.clone(),
        before_digest: remedy.after_digest.clone(),
        after_digest: Some(digest(&wider("*"))),
    };
    assert_eq!(digests(), [expected]);
    assert_eq!(at(&desk, minutes(applied.since, 20)), Swept::default(), "once");
    write(&wider("arn:aws:ses:*:*:identity/*"));
    assert_eq!(at(&desk, minutes(applied.since, 30)).changed, only(&applied), "again when it changes again");
    // Put right, there is nothing to tell; the silence that follows is told as ever.
    write(remedy.after.as_ref().unwrap());
    assert_eq!(at(&desk, minutes(applied.since, 40)).changed, Vec::<String>::new());
}

#[test]
fn attempts_that_were_refused_are_told_of_together_and_at_most_once_an_hour() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    let own = Approver { channel: Channel::Cli, id: Some(desk::ROLE.to_owned()) };
    let attempt = || {
        let wanted = Request { approver: own.clone(), ..desk::request(&open, Verdict::Approve) };
        block_on(decide(wanted, &desk.key, desk.shared())).unwrap_err()
    };
    attempt();
    attempt();
    assert_eq!(desk.record(&open.finding.id).alert, Alert::Attempts);
    assert_eq!(at(&desk, minutes(open.since, 59)), Swept::default(), "the last message is not an hour old");
    assert_eq!(at(&desk, minutes(open.since, 60)).told, only(&open));
    let (phase, told) = desk.publisher.published().pop().unwrap();
    assert_eq!((phase, told.state), (Phase::Finding, State::Open));
    let said = detail(&told).unwrap();
    assert!(said.starts_with("2 attempts were refused, the last one: to approve by `arn:aws:iam::"), "{said}");
    assert!(said.contains("is the principal that was refused"), "{said}");
    assert_eq!(swept(&desk), Swept::default());
    attempt();
    assert_eq!(at(&desk, minutes(open.since, 119)), Swept::default());
    assert_eq!(at(&desk, minutes(open.since, 120)).told, only(&open));
    assert!(
        detail(&desk.publisher.published().pop().unwrap().1).unwrap().starts_with("An attempt was refused: to approve")
    );
}

#[test]
fn a_second_click_brings_no_message_of_its_own() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    desk.decide(&open, Verdict::Reject).unwrap();
    desk.decide(&open, Verdict::Reject).unwrap_err();
    let record = desk.record(&open.finding.id);
    assert_eq!((record.alert, record.history.last().unwrap().refused.is_some()), (Alert::Sent, true));
}

#[test]
fn what_cannot_be_read_is_not_called_gone() {
    let desk = desk();
    let applied = applied(&desk, denials(NO_ALLOW));
    desk.world.change(|world| {
        let account = world.accounts.get_mut(desk::ACCOUNT).unwrap();
        let role = account.roles.iter_mut().find(|role| role.entity.arn == desk::ROLE).unwrap();
        role.entity.inline.clear();
        role.entity.gap = Some(Gap {
            layer: "identity-policy".to_owned(),
            source: "iam:ListRolePolicies".to_owned(),
            reason: GapReason::AccessDenied,
            summary: "no".to_owned(),
        });
    });
    assert_eq!(at(&desk, minutes(applied.since, 20)), Swept::default());
    desk.world.change(|world| world.accounts.clear());
    assert_eq!(swept(&desk), Swept::default());
}

#[test]
fn after_its_first_day_a_document_is_looked_after_once_a_day() {
    let desk = desk();
    let applied = applied(&desk, denials(NO_ALLOW));
    let mut looked = Vec::new();
    for number in 0..(5 * 24 * 6) {
        desk.clock.set(minutes(applied.since, 10 * number));
        let gate = Gate::default();
        let gated = Gated::new(&desk, &gate);
        let shared = Shared { store: &gated, publisher: &gated, clock: &desk.clock, settings: &desk.settings };
        run(sweep(TERMS, &gated, shared)).unwrap().unwrap();
        if gate.log.lock().unwrap().contains(&"world") {
            looked.push(number);
        }
    }
    let (first, later): (Vec<i64>, Vec<i64>) = looked.into_iter().partition(|number| *number <= 24 * 6);
    assert_eq!(first, (0..=24 * 6).collect::<Vec<_>>());
    assert_eq!(later, [2, 3, 4].map(|day| day * 24 * 6));
}

/// A store in which one finding cannot be read.
struct Broken<'s>(&'s sesame_responder::memory::MemoryStore, String);

impl FindingStore for Broken<'_> {
    async fn load(&self, finding: &str) -> Result<Option<Record>, PortError> {
        match finding == self.1 {
            true => Err(PortError::lasting("the record cannot be read")),
            false => self.0.load(finding).await,
        }
    }
    async fn save(&self, record: &mut Record) -> Result<(), SaveError> {
        self.0.save(record).await
    }
    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        self.0.unfinished().await
    }
    async fn list(&self, filter: &Filter) -> Result<Page, PortError> {
        self.0.list(filter).await
    }
}

#[test]
fn trouble_with_one_finding_keeps_no_other_from_its_turn() {
    let desk = desk();
    let first = desk.take_in(denials(NO_ALLOW));
    let second = desk.take_in(denials(FROM_ADDRESS));
    desk.clock.set(time(NOW) + TERMS.link_life);
    for (broken, whole) in [(&first, &second), (&second, &first)] {
        let store = Broken(&desk.store, broken.finding.id.clone());
        let shared = Shared { store: &store, publisher: &desk.publisher, clock: &desk.clock, settings: &desk.settings };
        let swept = block_on(sweep(TERMS, &desk.world, shared)).unwrap();
        assert_eq!(swept.failed, [(broken.finding.id.clone(), "the record cannot be read".to_owned())]);
        assert_eq!(swept.expired, only(whole));
        desk.overwrite(whole.clone());
    }
}

/// One of everything that a sweep has to do, a week after it began.
fn everything() -> Desk {
    let desk = desk();
    desk.take_in(denials(FROM_ADDRESS)); // expires
    let gone = applied(&desk, denials(BY_DEFAULT));
    block_on(desk.world.write(&gone.receipt.as_ref().unwrap().written[0].target, None)).unwrap();
    applied(&desk, steady()); // quiet
    let week = time(NOW) + TERMS.link_life;
    desk.clock.set(week - SignedDuration::from_mins(30));
    let due = desk.take_in(denials(BULK));
    desk.overwrite(Record { alert: Alert::Due, alerted: None, ..due });
    let open = desk.take_in(denials(TEMPLATE));
    desk.overwrite(Record { state: State::Applying, ..open });
    desk.clock.set(week);
    desk
}

/// The same again, with nothing published yet: made once, since a diagnosis takes its time.
fn again(desk: &Desk) -> Desk {
    let copy = Desk { world: MemoryWorld::new(desk.world.now()), settings: desk.settings.clone(), ..Desk::new() };
    copy.clock.set(desk.clock.now());
    for summary in block_on(desk.store.list(&Filter::default())).unwrap().findings {
        copy.overwrite(desk.record(&summary.id));
    }
    copy
}

/// What became of each finding, and how often each was told of what.
type Outcome = BTreeMap<String, (State, Alert, Vec<Option<Act>>)>;

fn outcome(desk: &Desk) -> (Outcome, BTreeMap<(String, String), usize>) {
    let page = block_on(desk.store.list(&Filter::default())).unwrap();
    let records = page.findings.iter().map(|summary| desk.record(&summary.id));
    let outcome = records
        .map(|record| {
            let acts = record.history.iter().map(|entry| entry.act).collect();
            (record.finding.id.clone(), (record.state, record.alert, acts))
        })
        .collect();
    let mut told = BTreeMap::new();
    for (phase, record) in desk.publisher.published() {
        *told.entry((record.finding.id, phase.to_string())).or_default() += 1;
    }
    (outcome, told)
}

#[test]
fn a_sweep_that_is_cut_off_anywhere_is_made_good_by_the_next() {
    let template = everything();
    let whole = again(&template);
    let gate = Gate::default();
    let gated = Gated::new(&whole, &gate);
    let shared = Shared { store: &gated, publisher: &gated, clock: &whole.clock, settings: &whole.settings };
    let done = run(sweep(TERMS, &gated, shared)).unwrap().unwrap();
    let counts = [&done.told, &done.expired, &done.resumed, &done.quiet, &done.vanished].map(Vec::len);
    assert_eq!((counts, &done.failed), ([1, 1, 1, 1, 1], &Vec::new()), "one of everything");
    let (expected, told) = outcome(&whole);
    let calls = gate.calls();
    assert!(calls > 15, "{calls} calls");

    for cut in (0..calls).flat_map(|call| [Cut::Before(call), Cut::After(call)]) {
        let desk = again(&template);
        let gate = Gate::cut(cut);
        let gated = Gated::new(&desk, &gate);
        let shared = Shared { store: &gated, publisher: &gated, clock: &desk.clock, settings: &desk.settings };
        assert_eq!(run(sweep(TERMS, &gated, shared)), None, "{cut:?}: it was cut off");
        let next = swept(&desk);
        assert_eq!(next.failed, [], "{cut:?}");
        let (after, told_after) = outcome(&desk);
        assert_eq!(after, expected, "{cut:?}");
        for (what, times) in &told {
            let after = told_after.get(what).copied().unwrap_or_default();
            assert!((*times..=times + 1).contains(&after), "{cut:?}: {what:?} was told {after} times, not {times}");
        }
        assert_eq!(told_after.len(), told.len(), "{cut:?}: {told_after:?}");
    }
}

#[test]
fn two_sweeps_at_once_do_nothing_twice_to_a_finding() {
    let template = everything();
    let whole = again(&template);
    swept(&whole);
    let (expected, _) = outcome(&whole);
    for seed in 0..20 {
        let desk = again(&template);
        let gate = Gate::default();
        let gated = Gated::new(&desk, &gate);
        let shared = Shared { store: &gated, publisher: &gated, clock: &desk.clock, settings: &desk.settings };
        let both = (0..2).map(|_| Box::pin(sweep(TERMS, &gated, shared)) as _).collect();
        for result in desk::run_interleaved::<Result<Swept, PortError>>(both, seed) {
            assert_eq!(result.unwrap().failed, [], "seed {seed}");
        }
        swept(&desk);
        assert_eq!(outcome(&desk).0, expected, "seed {seed}");
    }
}

#[test]
fn what_is_open_is_left_to_whoever_decides() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    assert_eq!(at(&desk, minutes(time(NOW), 60)), Swept::default());
    assert_eq!(desk.record(&open.finding.id), open);
}

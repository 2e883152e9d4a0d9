//! The use cases over the ports in memory: every way from a refusal to its end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use pollster::block_on;
use serde_json::{Value, json};
use sesame_diagnosis::denial::{Denial, Incident};
use sesame_diagnosis::document::digest;
use sesame_diagnosis::finding::{Applicability, Finding, Outcome, Provenance, Target};
use sesame_diagnosis::world::World;
use sesame_diagnosis::{fold, input};
use sesame_policy::json::Json;
use sesame_remediation::State;
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, Origin, Verdict};
use sesame_remediation::link::Link;
use sesame_remediation::mac::LocalKey;
use sesame_remediation::receipt::Written;
use sesame_render::Phase;
use sesame_responder::apply::{ApplyError, apply, roll_back};
use sesame_responder::decide::{DecideError, Request, decide};
use sesame_responder::diagnose::diagnose;
use sesame_responder::list::{Filter, Page};
use sesame_responder::memory::{FixedClock, MemoryPublisher, MemoryStore, MemoryWorld};
use sesame_responder::notify::publish_all_due;
use sesame_responder::ports::{FindingStore, Notice, PolicyWriter, PortError, Publisher, SaveError, Trace};
use sesame_responder::record::{Alert, Record};
use sesame_responder::walls::NoControls;
use sesame_responder::{Settings, Shared};

const NO_ALLOW: &str = include_str!("../../../cli/demo/events/01-no-allow.json");
const FROM_ADDRESS: &str = include_str!("../../../cli/demo/events/02-from-address.json");
const STORM: &str = include_str!("../../../cli/demo/events/08-storm.json");
const BOUNDARY: &str = include_str!("../../../cli/demo/events/09-boundary.json");

fn world() -> World {
    sesame_snapshot::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cli/demo/snapshot")).unwrap()
}

fn denials(event: &str) -> Vec<Denial> {
    let input = input::read(event.as_bytes(), "event");
    assert_eq!(input.errors, []);
    input.denials
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Everything that the use cases need.
struct Desk<P> {
    world: MemoryWorld,
    store: MemoryStore,
    publisher: P,
    clock: FixedClock,
    key: LocalKey,
    settings: Settings,
}

fn desk() -> Desk<MemoryPublisher> {
    desk_with(MemoryPublisher::default())
}

fn desk_with<P>(publisher: P) -> Desk<P> {
    Desk {
        world: MemoryWorld::new(world()),
        store: MemoryStore::default(),
        publisher,
        clock: FixedClock::new(time("2026-11-23T03:00:00Z")),
        key: LocalKey::new("decisions", &[7; 32]).unwrap(),
        settings: Settings { stack: "test".to_owned(), ..Settings::embedded() },
    }
}

impl<P: Publisher + Sync> Desk<P> {
    fn shared(&self) -> Shared<'_, MemoryStore, P, FixedClock> {
        Shared { store: &self.store, publisher: &self.publisher, clock: &self.clock, settings: &self.settings }
    }

    fn take_in(&self, denials: Vec<Denial>) -> Record {
        let mut all = block_on(diagnose(denials, &self.world, self.shared()));
        assert_eq!(all.len(), 1);
        all.remove(0).result.unwrap()
    }

    fn record(&self, id: &str) -> Record {
        block_on(self.store.load(id)).unwrap().unwrap()
    }

    fn overwrite(&self, mut record: Record) {
        block_on(self.store.save(&mut record)).unwrap();
    }

    fn decide(&self, record: &Record, verdict: Verdict) -> Result<Record, DecideError> {
        self.decide_as(request(record, verdict))
    }

    fn decide_as(&self, request: Request) -> Result<Record, DecideError> {
        block_on(decide(request, &self.key, self.shared()))
    }

    fn apply(&self, record: &Record) -> Result<Record, ApplyError> {
        block_on(apply(&record.finding.id, &self.world, &self.world, &self.key, &NoControls, self.shared()))
    }

    fn roll_back(&self, record: &Record) -> Result<Record, ApplyError> {
        block_on(roll_back(&record.finding.id, &self.world, &self.key, self.shared()))
    }
}

fn request(record: &Record, verdict: Verdict) -> Request {
    Request {
        finding: record.finding.id.clone(),
        generation: record.finding.generation,
        link: None,
        verdict,
        remedies: Vec::new(),
        approver: Approver { channel: Channel::Cli, id: Some("arn:aws:iam::111122223333:user/admin".to_owned()) },
        until: None,
        reason: None,
        origin: Origin::default(),
    }
}

fn phases(desk: &Desk<MemoryPublisher>) -> Vec<Phase> {
    desk.publisher.published().into_iter().map(|(phase, _)| phase).collect()
}

#[test]
fn from_refusal_to_undo() {
    let desk = desk();
    let before = desk.world.now();
    let open = desk.take_in(denials(NO_ALLOW));
    assert_eq!((open.state, open.alert, open.finding.outcome), (State::Open, Alert::Sent, Outcome::Denied));

    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    assert_eq!(approved.state, State::Approved);
    assert_eq!(desk.world.now(), before, "an approval changes nothing");

    let applied = desk.apply(&approved).unwrap();
    assert_eq!(applied.state, State::Applied);
    let receipt = applied.receipt.as_ref().unwrap();
    assert_eq!(receipt.verification.allowed_after, Some(true));
    assert!(receipt.complete && receipt.note.is_none());
    assert_eq!(receipt.written[0].after_digest, Some(digest(receipt.written[0].after.as_ref().unwrap())));
    assert_ne!(desk.world.now(), before);

    let undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
    assert_eq!(undoing.state, State::RollingBack);
    assert_eq!(desk.roll_back(&undoing).unwrap().state, State::RolledBack);
    assert_eq!(desk.world.now(), before);
    assert_eq!(phases(&desk), [Phase::Finding, Phase::Approved, Phase::Applied, Phase::RolledBack]);
}

#[test]
fn what_comes_twice_is_counted_and_told_once() {
    let desk = desk();
    let first = desk.take_in(denials(NO_ALLOW));
    let second = desk.take_in(denials(NO_ALLOW));
    assert_eq!(first, second);
    assert_eq!(phases(&desk), [Phase::Finding]);
}

#[test]
fn a_storm_is_one_finding_and_one_alert() {
    let desk = desk();
    let mut all = denials(STORM);
    let later = all.split_off(10);
    let first = desk.take_in(all);
    let second = desk.take_in(later);
    assert_eq!((first.finding.event.count, second.finding.event.count), (10, 24));
    assert_eq!(second.finding.event.first_seen.as_deref(), Some("2026-11-23T02:00:00Z"));
    assert_eq!(second.finding.event.contexts.len(), 4, "two senders from two addresses");
    let counts: u64 = second.finding.event.contexts.iter().map(|context| context["count"].as_u64().unwrap()).sum();
    assert_eq!(counts, 24);
    assert_eq!(second.link_series, 1, "a new source makes open links void");
    assert_eq!(phases(&desk), [Phase::Finding, Phase::Finding], "and is told of");
    assert_eq!(desk.take_in(denials(STORM)).finding.event.count, 24);
}

#[test]
fn split_or_whole_a_storm_comes_to_the_same_plan() {
    let (one, other) = (desk(), desk());
    let whole = one.take_in(denials(STORM));
    let mut all = denials(STORM);
    let later = all.split_off(7);
    other.take_in(all);
    let parts = other.take_in(later);
    let after = |record: &Record| record.finding.remedies.iter().map(|remedy| remedy.after.clone()).collect::<Vec<_>>();
    assert_eq!(after(&whole), after(&parts));
}

#[test]
fn a_weaker_way_in_adds_nothing_and_a_stronger_one_takes_over() {
    let desk = desk();
    let with = |provenance: Provenance, id: &str| {
        let mut denials = denials(NO_ALLOW);
        denials[0].provenance = provenance;
        denials[0].event_id = Some(id.to_owned());
        denials
    };
    assert_eq!(desk.take_in(with(Provenance::Log, "log-1")).finding.provenance, Provenance::Log);
    let stronger = desk.take_in(with(Provenance::Cloudtrail, "event-1"));
    assert_eq!((stronger.finding.provenance, stronger.finding.event.count), (Provenance::Cloudtrail, 1));
    let weaker = desk.take_in(with(Provenance::Log, "log-2"));
    assert_eq!((weaker.finding.provenance, weaker.finding.event.count), (Provenance::Cloudtrail, 1));
}

/// Fails to publish until it is told otherwise.
#[derive(Default)]
struct Unreliable {
    works: AtomicBool,
    inner: MemoryPublisher,
}

impl Publisher for Unreliable {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        match self.works.load(Ordering::Relaxed) {
            true => self.inner.publish(notice).await,
            false => Err(PortError::passing("the topic does not answer")),
        }
    }
}

#[test]
fn what_was_stored_and_not_told_is_told_later() {
    let desk = desk_with(Unreliable::default());
    let results = block_on(diagnose(denials(NO_ALLOW), &desk.world, desk.shared()));
    assert_eq!(results[0].result.as_ref().unwrap_err().to_string(), "the topic does not answer");
    let id = results[0].finding.clone();
    assert_eq!(desk.record(&id).alert, Alert::Due);

    desk.publisher.works.store(true, Ordering::Relaxed);
    assert_eq!(block_on(publish_all_due(desk.shared())), Ok(1));
    assert_eq!(block_on(publish_all_due(desk.shared())), Ok(0));
    assert_eq!(desk.record(&id).alert, Alert::Sent);
    assert_eq!(desk.publisher.inner.published().len(), 1);
}

#[test]
fn a_refusal_that_goes_on_is_told_of_again_after_the_window() {
    let desk = desk();
    let again = |id: &str| {
        let mut denials = denials(NO_ALLOW);
        denials[0].event_id = Some(id.to_owned());
        denials
    };
    desk.take_in(again("e-1"));
    desk.take_in(again("e-2"));
    assert_eq!(phases(&desk).len(), 1);
    desk.clock.set(time("2026-11-24T03:00:01Z"));
    desk.take_in(again("e-3"));
    assert_eq!(phases(&desk).len(), 2);
}

#[test]
fn denials_of_our_own_roles_are_not_looked_at() {
    let mut desk = desk();
    desk.settings.own_roles = vec!["arn:aws:iam::111122223333:role/app/orders".to_owned()];
    assert_eq!(block_on(diagnose(denials(NO_ALLOW), &desk.world, desk.shared())), []);
}

#[test]
fn a_decision_is_taken_once() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    desk.decide(&open, Verdict::Reject).unwrap();
    let error = desk.decide(&open, Verdict::Approve).unwrap_err();
    let by = "rejected by `arn:aws:iam::111122223333:user/admin` at 2026-11-23T03:00:00Z";
    assert_eq!(error.to_string(), format!("cannot approve a finding that is rejected: {by}"));
    assert_eq!(phases(&desk), [Phase::Finding, Phase::Rejected]);
}

#[test]
fn decisions_that_are_not_theirs_to_take_are_refused() {
    let mut desk = desk();
    let record = desk.take_in(denials(FROM_ADDRESS));
    let approve = request(&record, Verdict::Approve);
    let refused = |desk: &Desk<MemoryPublisher>, request: Request| desk.decide_as(request).unwrap_err();

    let nobody = Request { finding: "f-0".to_owned(), ..approve.clone() };
    assert_eq!(refused(&desk, nobody), DecideError::NoFinding("f-0".to_owned()));
    let earlier = Request { generation: 0, ..approve.clone() };
    assert_eq!(refused(&desk, earlier), DecideError::Outdated { shown: 0, current: 1 });

    let own = "arn:aws:sts::111122223333:assumed-role/newsletter/newsletter-prod";
    let by = |channel, id: Option<&str>| Approver { channel, id: id.map(str::to_owned) };
    let own_grant = Request { approver: by(Channel::Cli, Some(own)), ..approve.clone() };
    assert_eq!(refused(&desk, own_grant), DecideError::OwnGrant(own.to_owned()));

    assert_eq!(record.finding.remedies[0].applicability, Applicability::NeedsReview);
    let link = Link {
        stack: String::new(),
        stage: String::new(),
        finding: record.finding.id.clone(),
        generation: 1,
        series: 0,
        expires: Timestamp::MAX,
    };
    let by_link = Request { approver: by(Channel::Link, None), link: Some(link), ..approve.clone() };
    assert!(matches!(refused(&desk, by_link.clone()), DecideError::NotByLink(_)));

    let mut shown = DecidedRemedy::from(&record.finding.remedies[0]);
    shown.after_digest = Some(digest(&json!({ "something": "else" })));
    let altered = Request { remedies: vec![shown], ..approve.clone() };
    assert_eq!(refused(&desk, altered), DecideError::NotAsShown("r1".to_owned()));

    let advice =
        record.finding.remedies.iter().find(|remedy| remedy.applicability == Applicability::AdviceOnly).unwrap();
    let advice = Request { remedies: vec![advice.into()], ..approve.clone() };
    assert!(matches!(refused(&desk, advice), DecideError::Nothing(_)));

    desk.settings.approval.by_link = false;
    let reject = Request { verdict: Verdict::Reject, ..by_link };
    assert!(matches!(refused(&desk, reject), DecideError::NotByLink(_)));
    let after = desk.record(&record.finding.id);
    let tried = after.history.iter().filter(|entry| entry.refused.is_some()).count();
    assert_eq!(tried, 6, "what was refused is kept");
    let unchanged = Record { version: record.version, history: record.history.clone(), alert: Alert::Sent, ..after };
    assert_eq!(unchanged, record, "and nothing else is stored");
}

#[test]
fn only_what_cloudtrail_recorded_can_be_approved_in_a_stack() {
    let mut desk = desk();
    desk.settings.approval.any_provenance = false;
    let mut denials = denials(NO_ALLOW);
    denials[0].provenance = Provenance::Log;
    let record = desk.take_in(denials);
    assert!(matches!(desk.decide(&record, Verdict::Approve), Err(DecideError::Nothing(_))));
}

#[test]
fn what_is_for_others_to_do_cannot_be_approved() {
    let desk = desk();
    let record = desk.take_in(denials(BOUNDARY));
    let error = desk.decide(&record, Verdict::Approve).unwrap_err();
    assert_eq!(error.to_string(), "nothing to approve: all that would help is for somebody else to do");
}

#[test]
fn an_unsigned_approval_applies_nothing() {
    let desk = desk();
    let before = desk.world.now();
    let open = desk.take_in(denials(NO_ALLOW));
    // Somebody who can write to the table, but has no key.
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let forgeries: [fn(&mut Record); 5] = [
        |record| record.decision = None,
        |record| record.decision.as_mut().unwrap().mac = "AAAA".to_owned(),
        |record| record.decision.as_mut().unwrap().decision.approver.id = Some("somebody else".to_owned()),
        |record| record.finding.generation = 2,
        |record| record.decision.as_mut().unwrap().decision.stack = "other".to_owned(),
    ];
    for forge in forgeries {
        let desk = Desk { store: MemoryStore::default(), ..desk_with(MemoryPublisher::default()) };
        let mut record = Record { version: 0, ..approved.clone() };
        forge(&mut record);
        desk.overwrite(record.clone());
        let failed = desk.apply(&record).unwrap();
        assert_eq!(failed.state, State::Failed { restored: true });
        assert_eq!(desk.world.now(), before);
        assert_eq!(phases(&desk), [Phase::Failed]);
    }
}

#[test]
fn a_finding_altered_after_its_approval_is_not_applied() {
    let desk = desk();
    let before = desk.world.now();
    let open = desk.take_in(denials(NO_ALLOW));
    let mut approved = desk.decide(&open, Verdict::Approve).unwrap();
    let remedy = &mut approved.finding.remedies[0];
    // With its digest, or without.
    remedy.after.as_mut().unwrap()["Statement"][0]["Resource"] = json!("*");
    let digest_too = digest(remedy.after.as_ref().unwrap());
    let mut with_digest = approved.clone();
    with_digest.finding.remedies[0].after_digest = Some(digest_too);
    for (altered, says) in [(approved, "is not what was decided about"), (with_digest, "is not what was approved")] {
        let stored = desk_with(MemoryPublisher::default());
        stored.overwrite(Record { version: 0, ..altered.clone() });
        let failed = stored.apply(&altered).unwrap();
        assert_eq!(failed.state, State::Failed { restored: true });
        assert!(failed.receipt.unwrap().note.unwrap().contains(says));
        assert_eq!(stored.world.now(), before);
    }
}

#[test]
fn a_document_that_somebody_changed_supersedes_the_approval() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let target = approved.finding.remedies[0].target.clone();
    block_on(desk.world.write(&target, Some(&json!({ "Version": "2012-10-17", "Statement": [] })))).unwrap();
    let changed = desk.world.now();
    assert_eq!(desk.apply(&approved).unwrap().state, State::Superseded);
    assert_eq!(desk.world.now(), changed);
}

#[test]
fn the_switch_is_read_before_anything_is_written() {
    let mut desk = desk();
    let before = desk.world.now();
    let open = desk.take_in(denials(NO_ALLOW));
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    desk.settings.apply = false;
    assert_eq!(desk.apply(&approved).unwrap().state, State::Failed { restored: true });
    assert_eq!(desk.world.now(), before);
}

#[test]
fn nothing_is_applied_or_undone_that_is_not_due() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    assert!(matches!(desk.apply(&open), Err(ApplyError::State(_))));
    assert!(matches!(desk.roll_back(&open), Err(ApplyError::State(_))));
    assert_eq!(desk.record(&open.finding.id), open);
}

#[test]
fn a_run_that_was_cut_off_is_taken_up_again() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    // It wrote the document, and then nothing more was heard of it.
    let mut cut_off = desk.record(&open.finding.id);
    cut_off.advance(sesame_remediation::Event::Start, time("2026-11-23T03:00:00Z"), None).unwrap();
    desk.overwrite(cut_off);
    let remedy = &approved.finding.remedies[0];
    block_on(desk.world.write(&remedy.target, remedy.after.as_ref())).unwrap();
    assert_eq!(block_on(desk.store.unfinished()).unwrap(), std::slice::from_ref(&open.finding.id));

    assert_eq!(desk.apply(&approved).unwrap().state, State::Applied);
    assert_eq!(block_on(desk.store.unfinished()).unwrap(), [] as [String; 0]);
}

#[test]
fn a_run_that_was_cut_off_and_cannot_go_on_leaves_nothing_behind() {
    let mut desk = desk();
    let before = desk.world.now();
    let open = desk.take_in(denials(NO_ALLOW));
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let mut cut_off = desk.record(&open.finding.id);
    cut_off.advance(sesame_remediation::Event::Start, time("2026-11-23T03:00:00Z"), None).unwrap();
    desk.overwrite(cut_off);
    let remedy = &approved.finding.remedies[0];
    block_on(desk.world.write(&remedy.target, remedy.after.as_ref())).unwrap();
    desk.settings.apply = false;
    assert_eq!(desk.apply(&approved).unwrap().state, State::Failed { restored: true });
    assert_eq!(desk.world.now(), before);
}

/// A writer that goes wrong in one way.
struct Faulty<'w> {
    world: &'w MemoryWorld,
    fault: Fault,
    writes: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The write fails.
    Write,
    /// Something else is written.
    Alters,
    /// It is written, and a guardrail comes into being at the same time.
    DeniedMeanwhile,
    /// As before, and it cannot be deleted again.
    NotBack,
}

impl PolicyWriter for Faulty<'_> {
    async fn read(&self, target: &Target) -> Result<Option<Value>, PortError> {
        self.world.read(target).await
    }

    async fn write(&self, target: &Target, document: Option<&Value>) -> Result<Trace, PortError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let altered = json!({ "Version": "2012-10-17", "Statement": [] });
        match self.fault {
            Fault::Write => Err(PortError::lasting("no")),
            Fault::Alters => self.world.write(target, document.map(|_| &altered)).await,
            Fault::DeniedMeanwhile | Fault::NotBack => {
                let deny = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Action": "ses:*", "Resource": "*" } });
                let other = Target { policy: Some("lockdown".to_owned()), ..target.clone() };
                self.world.write(&other, Some(&deny)).await?;
                self.world.write(target, document).await
            }
        }
    }

    async fn put_back(&self, written: &Written) -> Result<(), PortError> {
        match self.fault {
            Fault::NotBack => Err(PortError::lasting("no")),
            _ => self.world.put_back(written).await,
        }
    }
}

#[test]
fn what_does_not_help_is_put_back() {
    for (fault, restored, says) in [
        (Fault::Write, true, "`r1` could not be written: no; everything was put back"),
        (Fault::Alters, true, "`r1` reads back as something else than was written; everything was put back"),
        (Fault::DeniedMeanwhile, true, "everything was put back"),
        (Fault::NotBack, false, "and it could not be put back: no"),
    ] {
        let desk = desk();
        let open = desk.take_in(denials(NO_ALLOW));
        let approved = desk.decide(&open, Verdict::Approve).unwrap();
        let writer = Faulty { world: &desk.world, fault, writes: AtomicUsize::new(0) };
        let failed =
            block_on(apply(&open.finding.id, &desk.world, &writer, &desk.key, &NoControls, desk.shared())).unwrap();
        assert_eq!(failed.state, State::Failed { restored });
        let receipt = failed.receipt.unwrap();
        assert!(receipt.note.as_ref().unwrap().contains(says), "{receipt:?}");
        assert_eq!(receipt.written.is_empty(), restored, "what could not be put back stays on the receipt");
        let ours = block_on(desk.world.read(&approved.finding.remedies[0].target)).unwrap();
        assert_eq!(ours.is_none(), restored);
        assert_eq!(phases(&desk).last(), Some(&Phase::Failed));
    }
}

#[test]
fn a_mixed_plan_is_applied_as_far_as_it_may_be() {
    let desk = desk();
    // The same refusal, and a boundary that lacks the action as well.
    desk.world.change(|world| {
        let boundary = "arn:aws:iam::333344445555:policy/AppBoundary".to_owned();
        let policy = world.accounts["333344445555"].managed_policies[&boundary].clone();
        let account = world.accounts.get_mut("111122223333").unwrap();
        account.managed_policies.insert(boundary.clone(), policy);
        let role = account.roles.iter_mut().find(|role| role.entity.name == "orders").unwrap();
        role.entity.boundary = Some(boundary);
    });
    let open = desk.take_in(denials(NO_ALLOW));
    assert_eq!(open.finding.plan.len(), 2);
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let applied = desk.apply(&approved).unwrap();
    assert_eq!(applied.state, State::Applied);
    let receipt = applied.receipt.unwrap();
    assert!(!receipt.complete);
    assert_eq!(receipt.verification.allowed_after, Some(false));
    assert_eq!((receipt.written.len(), receipt.left.len()), (1, 1));
    assert!(receipt.note.unwrap().starts_with("the send stays refused until "));
}

#[test]
fn a_refusal_after_the_application_opens_the_next_generation() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let applied = desk.apply(&approved).unwrap();
    let at = |offset: i64, id: &str| {
        let mut denials = denials(NO_ALLOW);
        denials[0].event_id = Some(id.to_owned());
        denials[0].time = Some(applied.since + SignedDuration::from_secs(offset));
        denials
    };
    let late = desk.take_in(at(60, "late"));
    assert_eq!((late.state, late.finding.generation, late.finding.event.count), (State::Applied, 1, 2));
    assert_eq!(late.finding.plan, applied.finding.plan, "what was decided about stays as it was shown");

    let reopened = desk.take_in(at(600, "new"));
    assert_eq!((reopened.state, reopened.finding.generation, reopened.finding.event.count), (State::Open, 2, 1));
    assert_eq!(phases(&desk).last(), Some(&Phase::StillRefused));
    // The decision was about generation 1.
    let error = desk.decide_as(Request { generation: 1, ..request(&reopened, Verdict::Approve) }).unwrap_err();
    assert_eq!(error, DecideError::Outdated { shown: 1, current: 2 });
}

#[test]
fn a_mute_is_silent_until_its_end() {
    let desk = desk();
    let open = desk.take_in(denials(NO_ALLOW));
    let until = time("2026-11-30T03:00:00Z");
    let muted = desk.decide_as(Request { until: Some(until), ..request(&open, Verdict::Mute) }).unwrap();
    assert_eq!((muted.state, muted.muted_until), (State::Muted, Some(until)));
    let at = |time: Timestamp, id: &str| {
        let mut denials = denials(NO_ALLOW);
        (denials[0].event_id, denials[0].time) = (Some(id.to_owned()), Some(time));
        denials
    };
    assert_eq!(desk.take_in(at(until - SignedDuration::from_secs(1), "e-2")).state, State::Muted);
    assert_eq!(phases(&desk), [Phase::Finding, Phase::Muted]);
    assert_eq!(desk.take_in(at(until, "e-3")).state, State::Open);
}

/// Another worker writes the record just before we do, a few times.
struct Contended<'s> {
    store: &'s MemoryStore,
    left: AtomicUsize,
}

impl FindingStore for Contended<'_> {
    async fn load(&self, finding: &str) -> Result<Option<Record>, PortError> {
        self.store.load(finding).await
    }

    async fn save(&self, record: &mut Record) -> Result<(), SaveError> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            && let Some(mut other) = self.store.load(&record.finding.id).await?
        {
            other.counted.push(format!("somebody else's {}", other.version));
            other.finding.event.count += 1;
            self.store.save(&mut other).await?;
        }
        self.store.save(record).await
    }

    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        self.store.unfinished().await
    }

    async fn list(&self, filter: &Filter) -> Result<Page, PortError> {
        self.store.list(filter).await
    }
}

#[test]
fn a_record_that_others_write_too_loses_nothing() {
    let desk = desk();
    desk.take_in(denials(NO_ALLOW));
    let contended = Contended { store: &desk.store, left: AtomicUsize::new(3) };
    let Shared { publisher, clock, settings, .. } = desk.shared();
    let shared = Shared { store: &contended, publisher, clock, settings };
    let mut next = denials(NO_ALLOW);
    next[0].event_id = Some("e-2".to_owned());
    let record = block_on(diagnose(next, &desk.world, shared)).remove(0).result.unwrap();
    assert_eq!(record.finding.event.count, 5, "one before, three by others, and ours");
}

#[test]
fn a_broken_policy_is_told_as_such() {
    let desk = desk();
    desk.world.change(|world| {
        let account = world.accounts.get_mut("111122223333").unwrap();
        let role = account.roles.iter_mut().find(|role| role.entity.name == "orders").unwrap();
        let sesame_diagnosis::world::Readable::Known(document) = &mut role.entity.inline[0].document else { panic!() };
        document.json = Ok(Json::from_value(&json!({ "Statement": 7 })));
    });
    let results = block_on(diagnose(denials(NO_ALLOW), &desk.world, desk.shared()));
    let error = results[0].result.as_ref().unwrap_err().to_string();
    assert!(error.contains("OrdersTable") || error.contains("/PolicyDocument"), "{error}");
}

/// The finding of an event, diagnosed once, and the finding of what is made of that finding.
fn there_and_back(event: &str) -> (Finding, Finding) {
    let world = world();
    let options = Settings::embedded().options(time("2026-11-23T03:00:00Z"));
    let incident: Incident = fold::fold(denials(event)).remove(0);
    let once = sesame_diagnosis::diagnose(&incident, &world, &options).unwrap();
    let twice = sesame_diagnosis::diagnose(&sesame_responder::again::incident(&once), &world, &options).unwrap();
    (once, twice)
}

#[test]
fn a_stored_finding_leads_back_to_the_same_diagnosis() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cli/demo/events");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (once, twice) = there_and_back(&std::fs::read_to_string(&path).unwrap());
        assert_eq!(once.outcome, twice.outcome, "{}", path.display());
        assert_eq!(once.causes, twice.causes, "{}", path.display());
        assert_eq!(once.requests, twice.requests, "{}", path.display());
        assert_eq!(once.event, twice.event, "{}", path.display());
        assert_eq!(once.principal, twice.principal, "{}", path.display());
        let documents =
            |finding: &Finding| finding.remedies.iter().map(|remedy| remedy.after.clone()).collect::<Vec<_>>();
        assert_eq!(documents(&once), documents(&twice), "{}", path.display());
    }
}

//! Decisions: in every state, at once, by two, and everything that is refused kept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod contract;
mod desk;

use std::sync::atomic::{AtomicU32, Ordering};

use desk::{Desk, Gate, Gated, NO_ALLOW, NOW, denials, request, run_interleaved, time};
use jiff::SignedDuration;
use pollster::block_on;
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, DecisionError, Origin, Verdict};
use sesame_remediation::link::Link;
use sesame_remediation::mac::LocalKey;
use sesame_remediation::receipt::{Receipt, SCHEMA, Verification};
use sesame_remediation::state::{Event, State, next};
use sesame_render::Phase;
use sesame_responder::Shared;
use sesame_responder::decide::{DecideError, Request, approval, decide};
use sesame_responder::memory::MemoryStore;
use sesame_responder::ports::FindingStore;
use sesame_responder::record::{Act, Record};
use sesame_responder::settings::ApprovalsNeeded;
use sesame_snapshot::embedded::FindingFolder;

const VERDICTS: [Verdict; 5] = [Verdict::Approve, Verdict::Reject, Verdict::Mute, Verdict::RollBack, Verdict::Revoke];

fn event(verdict: Verdict) -> Event {
    match verdict {
        Verdict::Approve => Event::Approve,
        Verdict::Reject => Event::Reject,
        Verdict::Mute => Event::Mute,
        Verdict::RollBack => Event::RollBack,
        Verdict::Revoke => Event::Revoke,
    }
}

fn by(name: &str) -> Approver {
    Approver { channel: Channel::Cli, id: Some(format!("arn:aws:iam::111122223333:{name}")) }
}

fn wanted(record: &Record, verdict: Verdict) -> Request {
    let until = (verdict == Verdict::Mute).then(|| time(NOW) + SignedDuration::from_hours(24));
    Request { until, ..request(record, verdict) }
}

/// A record of which something is in place, so that only its state decides what may be done.
fn with_grant(desk: &Desk) -> Record {
    let open = desk.take_in(denials(NO_ALLOW));
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let receipt = desk.work(&approved).unwrap().receipt;
    Record { receipt, ..open }
}

#[test]
fn a_verdict_is_taken_in_the_states_that_take_it_and_refused_in_all_others() {
    let mut desk = Desk::new();
    let granted = with_grant(&desk);
    for state in State::ALL {
        for verdict in VERDICTS {
            desk.store = MemoryStore::default();
            let record = Record { state, ..granted.clone() };
            desk.overwrite(record.clone());
            let result = block_on(decide(wanted(&record, verdict), &desk.key, desk.shared()));
            let after = desk.record(&record.finding.id);
            let last = after.history.last().unwrap();
            assert_eq!((last.act, last.from), (Some(verdict.into()), Some(state)), "{state} {verdict:?}");
            assert_eq!(last.by, Some(by("user/admin")));
            match (next(state, event(verdict)), result) {
                (Ok(to), Ok(taken)) => {
                    assert_eq!((taken.state, after.state, last.state), (to, to, to), "{state} {verdict:?}");
                    assert_eq!(last.refused, None);
                }
                (Err(_), Err(error @ DecideError::State { .. })) => {
                    assert_eq!((after.state, last.state), (state, state), "{state} {verdict:?}");
                    assert_eq!(last.refused, Some(error.to_string()), "what was tried is kept");
                    assert_eq!(after.decision, record.decision, "and nothing else");
                }
                (expected, found) => panic!("{state} {verdict:?}: {found:?}, expected {expected:?}"),
            }
        }
    }
}

#[test]
fn whatever_comes_twice_is_taken_once_and_says_by_whom() {
    for verdict in [Verdict::Approve, Verdict::Reject, Verdict::Mute] {
        let desk = Desk::new();
        let open = desk.take_in(denials(NO_ALLOW));
        let order = Request { reason: Some("the release waits".to_owned()), ..wanted(&open, verdict) };
        let first = block_on(decide(order.clone(), &desk.key, desk.shared())).unwrap();
        let error = block_on(decide(order, &desk.key, desk.shared())).unwrap_err().to_string();
        let by = "by `arn:aws:iam::111122223333:user/admin` at 2026-11-23T03:00:00Z";
        assert!(error.ends_with(by), "{error}");
        let after = desk.record(&open.finding.id);
        assert_eq!((after.state, &after.decision, after.since), (first.state, &first.decision, first.since));
        assert_eq!(desk.publisher.published().len(), 2, "the finding and the decision, once each");
    }
}

/// Approves and rejects one finding at once, in the order of `seed`; how many got their way, and the record after.
fn at_once(store: &impl FindingStore, desk: &Desk, open: &Record, orders: Vec<Request>, seed: u64) -> (usize, Record) {
    let shared = Shared { store, publisher: &desk.publisher, clock: &desk.clock, settings: &desk.settings };
    let futures = orders.into_iter().map(|order| Box::pin(decide(order, &desk.key, shared)) as _).collect();
    let results: Vec<Result<Record, DecideError>> = run_interleaved(futures, seed);
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(error, DecideError::State { .. }), "{error}");
    }
    let won = results.iter().filter(|result| result.is_ok()).count();
    (won, desk.record(&open.finding.id))
}

#[test]
fn of_those_who_decide_at_once_one_gets_their_way_and_the_others_hear_so() {
    // A diagnosis takes its time: once.
    let mut desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    for seed in 0..40 {
        desk.store = MemoryStore::default();
        desk.overwrite(open.clone());
        let orders = [Verdict::Approve, Verdict::Reject, Verdict::Approve, Verdict::Mute];
        let orders: Vec<Request> = orders.into_iter().map(|verdict| wanted(&open, verdict)).collect();
        // A gate before every call gives the others a turn.
        let gate = Gate::default();
        let gated = Gated::new(&desk, &gate);
        let (won, after) = at_once(&gated, &desk, &open, orders, seed);
        assert_eq!(won, 1, "seed {seed}");
        let decided = |entry: &&sesame_responder::record::Entry| entry.by.is_some();
        let (refused, taken): (Vec<_>, Vec<_>) =
            after.history.iter().filter(decided).partition(|entry| entry.refused.is_some());
        assert_eq!((taken.len(), refused.len()), (1, 3), "seed {seed}: nobody's attempt is lost");
        assert_eq!(taken[0].state, after.state);
    }
}

#[test]
fn of_processes_that_decide_at_once_over_a_folder_one_gets_its_way() {
    let folder = std::env::temp_dir().join(format!("sesame-decisions-{}", std::process::id()));
    let store = FindingFolder::open(&folder).unwrap();
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    block_on(store.save(&mut Record { version: 0, ..open.clone() })).unwrap();
    let won = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for verdict in [Verdict::Approve, Verdict::Reject, Verdict::Mute, Verdict::Reject] {
            let (store, desk, open, won) = (&store, &desk, &open, &won);
            scope.spawn(move || {
                let shared = Shared { store, publisher: &desk.publisher, clock: &desk.clock, settings: &desk.settings };
                match block_on(decide(wanted(open, verdict), &desk.key, shared)) {
                    Ok(_) => drop(won.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => assert!(matches!(error, DecideError::State { .. }), "{error}"),
                }
            });
        }
    });
    let after = block_on(store.load(&open.finding.id)).unwrap().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(won.load(Ordering::Relaxed), 1);
    assert_eq!(after.history.iter().filter(|entry| entry.refused.is_some()).count(), 3);
}

#[test]
fn a_refusal_that_is_counted_meanwhile_does_not_cost_a_decision() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let mut again = denials(NO_ALLOW);
    again[0].event_id = Some("e-2".to_owned());
    desk.take_in(again);
    // Decided on the page of before: the plan is still the one that was shown.
    let remedies = open.finding.planned().map(DecidedRemedy::from).collect();
    let order = Request { remedies, ..wanted(&open, Verdict::Approve) };
    let approved = block_on(decide(order, &desk.key, desk.shared())).unwrap();
    assert_eq!((approved.state, approved.finding.event.count), (State::Approved, 2));
}

#[test]
fn every_refusal_says_what_to_do() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let refused = |order: Request| block_on(decide(order, &desk.key, desk.shared())).unwrap_err().to_string();
    let approve = wanted(&open, Verdict::Approve);
    let link = Approver { channel: Channel::Link, id: None };
    let by_link = |verdict, series: Option<u32>| {
        let came_by = series.map(|series| Link { series, ..desk::link(&open) });
        Request { approver: link.clone(), link: came_by, ..wanted(&open, verdict) }
    };
    let mute = |until| Request { until, ..wanted(&open, Verdict::Mute) };
    let reason = |reason: &str| Request { reason: Some(reason.to_owned()), ..approve.clone() };
    let own = Approver { channel: Channel::Cli, id: Some(open.finding.principal.session_arn.clone().unwrap()) };
    let wrong = DecidedRemedy { id: "r1".to_owned(), before_digest: None, after_digest: Some("sha256:00".to_owned()) };
    let id = &open.finding.id;
    for (order, says) in [
        (Request { generation: 7, ..approve.clone() }, "look at it again"),
        (by_link(Verdict::Approve, Some(1)), &*format!("use the link of the latest message, or `sesame show {id}`")),
        (by_link(Verdict::Approve, None), "the link is no longer good"),
        (by_link(Verdict::Revoke, Some(0)), "taken back by someone who is known"),
        (Request { approver: own, ..approve.clone() }, "somebody else has to"),
        (Request { remedies: vec![wrong], ..approve.clone() }, "look at the finding again"),
        (mute(None), "expected a time, found none"),
        (mute(Some(time(NOW))), "expected a time to come, found 2026-11-23T03:00:00Z"),
        (mute(Some(time("2028-11-23T03:00:00Z"))), "expected at most a year from now"),
        (reason(&"x".repeat(501)), "expected at most 500 characters, found 501"),
        (reason("\u{1b}[2J"), "expected no control characters, found `\\u{1b}`"),
        (wanted(&open, Verdict::Revoke), "nothing that Sesame wrote for this finding is in place"),
        (wanted(&open, Verdict::RollBack), "cannot roll back a finding that is open: found at"),
    ] {
        let said = refused(order);
        assert!(said.contains(says), "{said}, expected {says}");
        let last = desk.record(id).history.last().unwrap().clone();
        assert_eq!((last.refused, last.state), (Some(said), State::Open), "and it is kept");
    }
    assert_eq!(desk.publisher.published().len(), 1, "nobody is told of what did not happen");
}

#[test]
fn a_reason_and_an_origin_are_signed_and_kept() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let order = Request {
        reason: Some("  the release\r\nwaits for it ".to_owned()),
        origin: Origin::new(Some("192.0.2.7"), Some(&"x".repeat(300))),
        ..wanted(&open, Verdict::Approve)
    };
    let approved = block_on(decide(order, &desk.key, desk.shared())).unwrap();
    let decision = block_on(approval(&approved, &desk.key, &desk.settings)).unwrap();
    assert_eq!(decision.reason.as_deref(), Some("the release  waits for it"));
    assert_eq!(decision.origin.user_agent.as_deref().map(str::len), Some(256));
    let last = approved.history.last().unwrap();
    assert_eq!((&last.reason, &last.origin), (&decision.reason, &decision.origin));
    assert_eq!(last.digests, decision.remedies);
    let mut altered = approved.clone();
    altered.decision.as_mut().unwrap().decision.reason = Some("another".to_owned());
    assert_eq!(block_on(approval(&altered, &desk.key, &desk.settings)), Err(DecisionError::Forged));
}

#[test]
fn whoever_is_refused_again_and_again_pushes_nothing_out() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let rejected = desk.decide(&open, Verdict::Reject).unwrap();
    for _ in 0..120 {
        desk.decide(&open, Verdict::Approve).unwrap_err();
    }
    let after = desk.record(&open.finding.id);
    assert_eq!(after.history[..2], rejected.history[..], "what was done is there");
    assert_eq!((after.history.len(), after.forgotten), (52, 70), "and how much is not is told");
}

fn two() -> Desk {
    let mut desk = Desk::new();
    desk.settings.approval.needed = ApprovalsNeeded::Two;
    desk
}

fn approve_as(desk: &Desk, record: &Record, name: &str) -> Result<Record, DecideError> {
    let order = Request { approver: by(name), ..wanted(record, Verdict::Approve) };
    block_on(decide(order, &desk.key, desk.shared()))
}

#[test]
fn where_two_must_approve_one_waits_in_open_for_the_other() {
    let desk = two();
    let open = desk.take_in(denials(NO_ALLOW));
    let first = approve_as(&desk, &open, "user/alice").unwrap();
    assert_eq!((first.state, first.approvals.len()), (State::Open, 1));
    let last = first.history.last().unwrap();
    assert_eq!((last.act, last.from, last.state), (Some(Act::Approve), Some(State::Open), State::Open));
    let again = approve_as(&desk, &open, "user/alice").unwrap_err().to_string();
    assert!(again.contains("`arn:aws:iam::111122223333:user/alice` approved already; somebody else has to"), "{again}");
    let second = approve_as(&desk, &open, "user/bob").unwrap();
    assert_eq!(second.state, State::Approved);
    assert_eq!(desk.work(&second).unwrap().state, State::Applied);
    let phases: Vec<Phase> = desk.publisher.published().into_iter().map(|(phase, _)| phase).collect();
    assert_eq!(phases, [Phase::Finding, Phase::Finding, Phase::Approved, Phase::Applied]);
}

#[test]
fn one_person_is_not_two() {
    let desk = two();
    let open = desk.take_in(denials(NO_ALLOW));
    let by_link = Approver { channel: Channel::Link, id: None };
    let order = Request { approver: by_link, link: Some(desk::link(&open)), ..wanted(&open, Verdict::Approve) };
    let error = block_on(decide(order, &desk.key, desk.shared())).unwrap_err();
    assert!(matches!(error, DecideError::NotByLink(_)), "nobody knows who holds a link: {error}");
    let session = |name: &str| Approver {
        channel: Channel::Cli,
        id: Some(format!("arn:aws:sts::111122223333:assumed-role/admins/{name}")),
    };
    let as_session = |name: &str| Request { approver: session(name), ..wanted(&open, Verdict::Approve) };
    block_on(decide(as_session("one"), &desk.key, desk.shared())).unwrap();
    let error = block_on(decide(as_session("two"), &desk.key, desk.shared())).unwrap_err();
    assert!(matches!(error, DecideError::NotTwo(_)), "a session's name is chosen by whoever takes it: {error}");
}

#[test]
fn an_approval_of_another_plan_is_no_second_one() {
    let desk = two();
    let open = desk.take_in(denials(NO_ALLOW));
    approve_as(&desk, &open, "user/alice").unwrap();
    let bridge = open.finding.remedies.iter().find(|remedy| remedy.alternative_to.is_some()).unwrap();
    let order = Request { approver: by("user/bob"), remedies: vec![bridge.into()], ..wanted(&open, Verdict::Approve) };
    let other = block_on(decide(order, &desk.key, desk.shared())).unwrap();
    assert_eq!(other.state, State::Open);
    assert_eq!(other.approvals[0].decision.approver, by("user/bob"), "it is the first of its own");
}

#[test]
fn with_one_good_approval_nothing_is_applied_where_two_are_needed() {
    let desk = two();
    let open = desk.take_in(denials(NO_ALLOW));
    approve_as(&desk, &open, "user/alice").unwrap();
    let approved = approve_as(&desk, &open, "user/bob").unwrap();
    let key = &LocalKey::new("decisions", &[9; 32]).unwrap();
    let forged = block_on(approved.approvals[0].decision.clone().sign(key)).unwrap();
    let same = approved.decision.clone().unwrap();
    for (approvals, expected) in
        [(Vec::new(), DecisionError::Alone), (vec![same], DecisionError::Alone), (vec![forged], DecisionError::Forged)]
    {
        let record = Record { approvals, ..approved.clone() };
        assert_eq!(block_on(approval(&record, &desk.key, &desk.settings)), Err(expected));
        let desk = Desk { settings: desk.settings.clone(), ..Desk::new() };
        desk.overwrite(record.clone());
        assert_eq!(desk.work(&record).unwrap().state, State::Failed { restored: true });
        assert_eq!(desk.ours(&record), None);
    }
}

#[test]
fn a_stack_that_only_suggests_takes_no_approval() {
    let mut desk = Desk::new();
    desk.settings.apply = false;
    let open = desk.take_in(denials(NO_ALLOW));
    let error = desk.decide(&open, Verdict::Approve).unwrap_err();
    assert!(error.to_string().starts_with("this stack only suggests"), "{error}");
    assert_eq!(desk.decide(&open, Verdict::Reject).unwrap().state, State::Rejected);
}

#[test]
fn a_record_of_before_there_was_an_audit_is_read() {
    let desk = Desk::new();
    let mut old = serde_json::to_value(desk.take_in(denials(NO_ALLOW))).unwrap();
    for new in ["approvals", "earlier", "forgotten"] {
        old.as_object_mut().unwrap().remove(new);
    }
    old["history"] = serde_json::json!([{"time": NOW, "generation": 1, "state": "open", "note": null}]);
    let record: Record = serde_json::from_value(old).unwrap();
    assert_eq!((record.history[0].act, record.history[0].state), (None, State::Open));
    desk.overwrite(record.clone());
    assert_eq!(desk.decide(&record, Verdict::Approve).unwrap().state, State::Approved);
}

#[test]
fn an_empty_receipt_is_nothing_to_revoke() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let receipt = Receipt {
        schema: SCHEMA.to_owned(),
        finding: open.finding.id.clone(),
        generation: 1,
        time: time(NOW),
        state: State::Applied,
        complete: true,
        written: Vec::new(),
        left: Vec::new(),
        verification: Verification::default(),
        note: None,
    };
    desk.overwrite(Record { state: State::Applied, receipt: Some(receipt), ..open.clone() });
    assert!(matches!(desk.decide(&open, Verdict::Revoke).unwrap_err(), DecideError::Nothing(_)));
}

#[test]
fn memory_and_folder_keep_the_contract_of_a_store() {
    block_on(contract::is_kept(&MemoryStore::default()));
    let folder = std::env::temp_dir().join(format!("sesame-contract-{}", std::process::id()));
    block_on(contract::is_kept(&FindingFolder::open(&folder).unwrap()));
    std::fs::remove_dir_all(&folder).unwrap();
}

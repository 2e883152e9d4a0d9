//! A run of the apply function that is cut off before or after any call, repeated, doubled, or run beside another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod desk;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use desk::{Cut, Desk, Gate, Gated, NO_ALLOW, ROLE, denials, run, run_interleaved};
use pollster::block_on;
use serde_json::{Value, json};
use sesame_diagnosis::denial::Denial;
use sesame_diagnosis::finding::{Target, TargetKind};
use sesame_remediation::State;
use sesame_remediation::decision::Verdict;
use sesame_render::Phase;
use sesame_responder::apply::ApplyError;
use sesame_responder::notify::publish_all_due;
use sesame_responder::ports::{PolicyWriter as _, SaveError};
use sesame_responder::record::{Alert, Record};
use sesame_responder::walls::Listed;

/// A run of the apply function.
type Run<'g> = Pin<Box<dyn Future<Output = Result<Record, ApplyError>> + 'g>>;

fn freeze() -> Value {
    json!({ "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Action": "ses:*", "Resource": "*" } })
}

/// How often each phase was told.
fn told(desk: &Desk, wanted: Phase) -> usize {
    desk.publisher.published().iter().filter(|(phase, _)| *phase == wanted).count()
}

/// Runs a prepared desk once without a cut, to see how many calls there are; then once for each call with a cut before it and
/// once with a cut after it, each followed by runs until one ends. `between` happens while nothing runs.
fn at_every_call(
    prepare: impl Fn() -> (Desk, Record),
    meanwhile: Option<&Value>,
    between: impl Fn(&Desk),
    check: impl Fn(&Desk, &Record, &str),
) {
    let (desk, record) = prepare();
    let gate = Gate::default();
    let whole = Gated { meanwhile, ..Gated::new(&desk, &gate) };
    run(whole.work(&record.finding.id)).expect("nothing cuts it off").unwrap();
    let calls = gate.calls();
    let log = gate.log.lock().unwrap().clone();
    assert!(calls >= 8, "only {log:?}");
    for (number, call) in log.iter().enumerate() {
        for cut in [Cut::Before(number), Cut::After(number)] {
            let place = format!("{cut:?}: {call}");
            let (desk, record) = prepare();
            let gate = Gate::cut(cut);
            let cut_off = Gated { meanwhile, ..Gated::new(&desk, &gate) };
            assert!(run(cut_off.work(&record.finding.id)).is_none(), "{place} did not cut it off");
            between(&desk);
            let gate = Gate::default();
            let again = Gated { meanwhile, ..Gated::new(&desk, &gate) };
            run(again.work(&record.finding.id))
                .expect("nothing cuts it off")
                .unwrap_or_else(|error| panic!("{place}: {error}"));
            block_on(publish_all_due(desk.shared())).unwrap();
            let end = desk.record(&record.finding.id);
            assert_eq!(end.alert, Alert::Sent, "{place}");
            check(&desk, &end, &place);
        }
    }
}

fn approved() -> (Desk, Record) {
    let desk = Desk::new();
    let record = desk.approved();
    (desk, record)
}

/// An identity of another account, which has an apply role of its own.
const THEIRS: &str = "arn:aws:ses:eu-west-1:222233334444:identity/crm.example";

/// The same, for a send by another account's identity: a policy for the role here, and one for the identity there.
fn approved_on_both_sides() -> (Desk, Record) {
    let mut desk = Desk::new();
    desk.settings.apply_role_accounts = vec!["222233334444".to_owned()];
    desk.settings.walls.identities = Listed::Only(vec![THEIRS.to_owned()]);
    let event = NO_ALLOW.replace("arn:aws:ses:eu-west-1:111122223333:identity/shop.example", THEIRS).replace(
        "orders@shop.example\",",
        &format!("orders@crm.example\", \"fromEmailAddressIdentityArn\": \"{THEIRS}\","),
    );
    let open = desk.take_in(denials(&event));
    let kinds: Vec<TargetKind> = open.finding.planned().map(|remedy| remedy.target.kind).collect();
    assert_eq!(kinds, [TargetKind::RoleInline, TargetKind::SendingAuthorization]);
    let record = desk.decide(&open, Verdict::Approve).unwrap();
    (desk, record)
}

/// A plan of one document, and one of two.
const PLANS: [fn() -> (Desk, Record); 2] = [approved, approved_on_both_sides];

#[test]
fn an_application_that_is_cut_off_anywhere_comes_to_the_same_end() {
    for approved in PLANS {
        let (desk, record) = approved();
        let documents = record.finding.plan.len();
        desk.work(&record).unwrap();
        let applied = desk.world.now();
        at_every_call(
            approved,
            None,
            |_| {},
            |desk, end, place| {
                assert_eq!(end.state, State::Applied, "{place}");
                assert_eq!(desk.world.now(), applied, "{place}");
                assert_eq!(desk.controls.counted(), 1, "{place}");
                assert!((1..=2).contains(&told(desk, Phase::Applied)), "{place}");
                assert_eq!(end.receipt.as_ref().unwrap().written.len(), documents, "{place}");
            },
        );
    }
}

#[test]
fn an_application_that_does_not_help_leaves_nothing_behind_wherever_it_is_cut_off() {
    let freeze = freeze();
    for approved in PLANS {
        at_every_call(
            approved,
            Some(&freeze),
            |_| {},
            |desk, end, place| {
                assert_eq!(end.state, State::Failed { restored: true }, "{place}");
                assert_eq!(ours(desk, end), 0, "{place}");
                assert!((1..=2).contains(&told(desk, Phase::Failed)), "{place}");
            },
        );
    }
}

#[test]
fn a_switch_that_is_thrown_while_a_run_is_cut_off_takes_back_what_it_wrote() {
    let off = |desk: &Desk| desk.controls.off.store(true, Ordering::Relaxed);
    for approved in PLANS {
        at_every_call(approved, None, off, |desk, end, place| match end.state {
            // It had had its last word.
            State::Applied => assert_eq!(ours(desk, end), end.finding.plan.len(), "{place}"),
            State::Failed { restored: true } => assert_eq!(ours(desk, end), 0, "{place}"),
            other => panic!("{place}: {other}"),
        });
    }
}

/// How many documents of a plan are in place.
fn ours(desk: &Desk, record: &Record) -> usize {
    let stands = |target: &Target| block_on(desk.world.read(target)).unwrap().is_some();
    record.finding.planned().filter(|remedy| stands(&remedy.target)).count()
}

#[test]
fn an_undo_that_is_cut_off_anywhere_comes_to_the_same_end() {
    let before = Desk::new().world.now();
    for approved in PLANS {
        at_every_call(
            || {
                let (desk, record) = approved();
                let applied = desk.work(&record).unwrap();
                let undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
                (desk, undoing)
            },
            None,
            |_| {},
            |desk, end, place| {
                assert_eq!(end.state, State::RolledBack, "{place}");
                assert_eq!(desk.world.now(), before, "{place}");
                assert!((1..=2).contains(&told(desk, Phase::RolledBack)), "{place}");
            },
        );
    }
}

#[test]
fn a_record_of_the_stream_that_comes_again_changes_nothing() {
    let (desk, record) = approved();
    let applied = desk.work(&record).unwrap();
    let world = desk.world.now();
    assert_eq!(desk.work(&record).unwrap(), applied);
    assert_eq!((desk.world.now(), told(&desk, Phase::Applied)), (world, 1));
}

/// The same refusal in another Region: another finding, and the same role.
fn elsewhere(region: &str) -> Vec<Denial> {
    denials(&NO_ALLOW.replace("eu-west-1", region))
}

fn all_of<'g>(gated: &'g Gated<'g>, ids: &'g [String]) -> Vec<Run<'g>> {
    ids.iter().map(|id| Box::pin(gated.work(id)) as Run<'g>).collect()
}

#[test]
fn the_same_finding_worked_on_twice_at_the_same_time_is_applied_once() {
    for seed in 0..200 {
        let (desk, record) = approved();
        let gate = Gate::default();
        let gated = Gated::new(&desk, &gate);
        let ids = [record.finding.id.clone(), record.finding.id.clone()];
        let results = run_interleaved(all_of(&gated, &ids), seed);
        let conflicts = results.iter().filter(|result| matches!(result, Err(ApplyError::Save(SaveError::Conflict(_)))));
        let others = results.iter().filter(
            |result| matches!(result, Err(error) if !matches!(error, ApplyError::Save(_) | ApplyError::State(_))),
        );
        assert_eq!(others.count(), 0, "seed {seed}: {results:?}");
        assert!(conflicts.count() <= 1, "seed {seed}: {results:?}");
        // Whoever was refused comes again.
        let end = desk.work(&record).unwrap();
        assert_eq!(end.state, State::Applied, "seed {seed}");
        assert!(desk.ours(&end).is_some(), "seed {seed}");
        assert_eq!(desk.controls.counted(), 1, "seed {seed}");
    }
}

#[test]
fn approvals_of_findings_that_overlap_do_not_get_in_each_others_way() {
    for seed in 0..100 {
        let desk = Desk::new();
        let first = desk.approved();
        let open = desk.take_in(elsewhere("us-east-1"));
        let second = desk.decide(&open, Verdict::Approve).unwrap();
        assert_ne!(first.finding.id, second.finding.id);
        assert_eq!(second.finding.remedies[0].target.principal.as_deref(), Some(ROLE));
        let gate = Gate::default();
        let gated = Gated::new(&desk, &gate);
        let ids = [first.finding.id.clone(), second.finding.id.clone()];
        let results = run_interleaved(all_of(&gated, &ids), seed);
        assert!(
            results.iter().all(|result| result.as_ref().unwrap().state == State::Applied),
            "seed {seed}: {results:?}"
        );
        // One is undone, the other stays.
        let undoing = desk.decide(&desk.record(&ids[0]), Verdict::RollBack).unwrap();
        assert_eq!(desk.work(&undoing).unwrap().state, State::RolledBack);
        assert_eq!((desk.ours(&first).is_some(), desk.ours(&second).is_some()), (false, true), "seed {seed}");
    }
}

#[test]
fn as_many_begin_in_a_day_as_may_and_not_one_more_at_the_same_time() {
    for seed in 0..100 {
        let mut desk = Desk::new();
        desk.settings.walls.grants_a_day = Some(2);
        let mut ids = vec![desk.approved().finding.id];
        for region in ["us-east-1", "us-west-2", "ap-south-1"] {
            let open = desk.take_in(elsewhere(region));
            ids.push(desk.decide(&open, Verdict::Approve).unwrap().finding.id);
        }
        let gate = Gate::default();
        let gated = Gated::new(&desk, &gate);
        let results = run_interleaved(all_of(&gated, &ids), seed);
        let ended = |state: State| results.iter().filter(|result| result.as_ref().unwrap().state == state).count();
        assert_eq!(
            (ended(State::Applied), ended(State::Failed { restored: true })),
            (2, 2),
            "seed {seed}: {results:?}"
        );
        let standing = ids.iter().filter(|id| desk.ours(&desk.record(id)).is_some()).count();
        assert_eq!(standing, 2, "seed {seed}");
    }
}

#[test]
fn refusals_that_are_counted_during_an_application_are_kept() {
    let (desk, record) = approved();
    let gate = Gate::cut(Cut::After(log_index(&desk, &record, "write")));
    let (desk, record) = approved();
    assert!(run(Gated::new(&desk, &gate).work(&record.finding.id)).is_none());
    let mut more = denials(NO_ALLOW);
    (more[0].event_id, more[0].shared_event_id) = (Some("another".to_owned()), None);
    assert_eq!(desk.take_in(more).finding.event.count, 2);
    let end = desk.work(&record).unwrap();
    assert_eq!((end.state, end.finding.event.count), (State::Applied, 2));
}

/// At which call of a whole run this one comes first.
fn log_index(desk: &Desk, record: &Record, name: &str) -> usize {
    let gate = Gate::default();
    run(Gated::new(desk, &gate).work(&record.finding.id)).unwrap().unwrap();
    let log = gate.log.lock().unwrap();
    log.iter().position(|call| *call == name).unwrap()
}

#[test]
fn a_refusal_that_is_counted_while_the_last_word_is_stored_is_no_conflict() {
    for seed in 0..100 {
        let (desk, record) = approved();
        let gate = Gate::default();
        let gated = Gated::new(&desk, &gate);
        let counting = async {
            // Somebody else writes the record now and then.
            for number in 0..3 {
                let mut stored =
                    sesame_responder::ports::FindingStore::load(&gated, &record.finding.id).await?.unwrap();
                stored.finding.event.count += 1;
                stored.counted.push(format!("e-{number}"));
                let _ = sesame_responder::ports::FindingStore::save(&gated, &mut stored).await;
            }
            Ok(record.clone())
        };
        let both: Vec<Run<'_>> = vec![Box::pin(gated.work(&record.finding.id)), Box::pin(counting)];
        let results = run_interleaved(both, seed);
        match &results[0] {
            Ok(end) => assert_eq!(end.state, State::Applied, "seed {seed}"),
            // Only at its beginning, where it has done nothing yet.
            Err(error) => assert!(matches!(error, ApplyError::Save(SaveError::Conflict(_))), "seed {seed}: {error}"),
        }
        assert_eq!(desk.work(&record).unwrap().state, State::Applied, "seed {seed}");
    }
}

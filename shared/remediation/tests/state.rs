//! Every state with every event, and what a late or further refusal does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sesame_remediation::state::{Arrival, Event, REJECTED_FOR, SETTLING, State, arrival, next};

/// The whole table: everything that is not in it is refused.
const LEGAL: [(State, Event, State); 33] = [
    (State::Open, Event::Approve, State::Approved),
    (State::Open, Event::Reject, State::Rejected),
    (State::Open, Event::Mute, State::Muted),
    (State::Open, Event::Expire, State::Expired),
    (State::Open, Event::Supersede, State::Superseded),
    (State::Approved, Event::Supersede, State::Superseded),
    (State::Approved, Event::Start, State::Applying),
    (State::Applying, Event::Complete, State::Applied),
    (State::Applying, Event::Fail { restored: true }, State::Failed { restored: true }),
    (State::Applying, Event::Fail { restored: false }, State::Failed { restored: false }),
    (State::Applied, Event::RollBack, State::RollingBack),
    (State::Failed { restored: false }, Event::RollBack, State::RollingBack),
    (State::Applied, Event::Vanish, State::RolledBack),
    (State::Failed { restored: false }, Event::Vanish, State::RolledBack),
    (State::Open, Event::Revoke, State::RollingBack),
    (State::Applied, Event::Revoke, State::RollingBack),
    (State::Failed { restored: true }, Event::Revoke, State::RollingBack),
    (State::Failed { restored: false }, Event::Revoke, State::RollingBack),
    (State::Rejected, Event::Revoke, State::RollingBack),
    (State::Muted, Event::Revoke, State::RollingBack),
    (State::Expired, Event::Revoke, State::RollingBack),
    (State::Superseded, Event::Revoke, State::RollingBack),
    (State::RolledBack, Event::Revoke, State::RollingBack),
    (State::RollingBack, Event::RollBackComplete, State::RolledBack),
    (State::RollingBack, Event::RollBackFail, State::Applied),
    (State::Applied, Event::Reopen, State::Open),
    (State::Failed { restored: true }, Event::Reopen, State::Open),
    (State::Failed { restored: false }, Event::Reopen, State::Open),
    (State::Rejected, Event::Reopen, State::Open),
    (State::Muted, Event::Reopen, State::Open),
    (State::Expired, Event::Reopen, State::Open),
    (State::Superseded, Event::Reopen, State::Open),
    (State::RolledBack, Event::Reopen, State::Open),
];

#[test]
fn every_pair_of_state_and_event_is_as_in_the_table() {
    for from in State::ALL {
        for event in Event::ALL {
            let expected = LEGAL.iter().find(|(state, by, _)| (*state, *by) == (from, event)).map(|(_, _, to)| *to);
            match (next(from, event), expected) {
                (Ok(to), Some(expected)) => assert_eq!(to, expected, "{from} {event:?}"),
                (Err(error), None) => assert_eq!((error.from, error.event), (from, event)),
                (found, expected) => panic!("{from} {event:?}: {found:?}, expected {expected:?}"),
            }
        }
    }
}

#[test]
fn every_state_is_reached_and_none_is_a_trap() {
    let reached: BTreeSet<String> = LEGAL.iter().map(|(_, _, to)| format!("{to:?}")).collect();
    for state in State::ALL {
        assert!(reached.contains(&format!("{state:?}")), "{state} is never reached");
        assert!(LEGAL.iter().any(|(from, _, _)| *from == state), "nothing leads out of {state}");
    }
}

#[test]
fn nothing_is_applied_without_an_approval() {
    // The only way into `applying` is from `approved`, the only way there is an approval of what is open.
    let into = |state: State| LEGAL.iter().filter(move |(_, _, to)| *to == state).map(|(from, by, _)| (*from, *by));
    assert_eq!(into(State::Applying).collect::<Vec<_>>(), [(State::Approved, Event::Start)]);
    assert_eq!(into(State::Approved).collect::<Vec<_>>(), [(State::Open, Event::Approve)]);
}

#[test]
fn an_illegal_transition_says_so() {
    let error = next(State::Rejected, Event::Approve).unwrap_err();
    assert_eq!(error.to_string(), "cannot approve a finding that is rejected");
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_refusal_before_the_policies_settled_is_late_and_one_after_reopens() {
    let since = time("2026-11-23T10:00:00Z");
    let at = |offset: SignedDuration| arrival(State::Applied, since, None, since + offset);
    assert_eq!(at(SignedDuration::from_secs(-60)), Arrival::Late);
    assert_eq!(at(SETTLING - SignedDuration::from_secs(1)), Arrival::Late);
    assert_eq!(at(SETTLING), Arrival::Reopen);
}

#[test]
fn what_is_under_way_only_counts() {
    let since = time("2026-11-23T10:00:00Z");
    for state in [State::Open, State::Approved, State::Applying, State::RollingBack] {
        assert_eq!(arrival(state, since, None, since + SignedDuration::from_hours(48)), Arrival::Fold, "{state}");
    }
}

#[test]
fn a_rejection_and_a_mute_hold_for_their_time() {
    let since = time("2026-11-23T10:00:00Z");
    let hour = SignedDuration::from_hours(1);
    assert_eq!(arrival(State::Rejected, since, None, since + REJECTED_FOR - hour), Arrival::Fold);
    assert_eq!(arrival(State::Rejected, since, None, since + REJECTED_FOR), Arrival::Reopen);
    let until = Some(since + hour * 24 * 7);
    assert_eq!(arrival(State::Muted, since, until, since + hour * 24 * 6), Arrival::Fold);
    assert_eq!(arrival(State::Muted, since, until, since + hour * 24 * 7), Arrival::Reopen);
}

#[test]
fn other_closed_states_reopen_with_the_next_refusal() {
    let since = time("2026-11-23T10:00:00Z");
    let second = SignedDuration::from_secs(1);
    for state in [State::Expired, State::Superseded, State::RolledBack, State::Failed { restored: true }] {
        assert_eq!(arrival(state, since, None, since - second), Arrival::Late, "{state}");
        assert_eq!(arrival(state, since, None, since), Arrival::Reopen, "{state}");
    }
}

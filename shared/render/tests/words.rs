//! The small pieces: times, gates, grants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{fixture, now};
use serde_json::json;
use sesame_diagnosis::finding::{Certainty, Finding};
use sesame_render::gate::{State, gates};
use sesame_render::{escape, grant, words};

#[test]
fn a_moment_names_its_day_only_when_it_is_not_today() {
    let cases = [
        ("2026-11-23T14:02:20Z", "14:02 UTC"),
        ("2026-11-23T23:30:00+09:00", "14:30 UTC"),
        ("2026-11-22T23:59:00Z", "22 Nov 23:59 UTC"),
        ("2025-01-02T03:04:05Z", "2 Jan 2025 03:04 UTC"),
        ("yesterday", "yesterday"),
    ];
    for (time, expected) in cases {
        assert_eq!(words::moment(time, now()), expected);
    }
}

#[test]
fn a_span_has_one_unit() {
    let cases =
        [(0, "1 s"), (20, "20 s"), (89, "89 s"), (90, "2 min"), (5_399, "90 min"), (5_400, "2 h"), (172_800, "2 days")];
    for (seconds, expected) in cases {
        assert_eq!(words::span(seconds), expected, "{seconds}");
    }
}

#[test]
fn how_often_and_since_when() {
    let mut event = fixture("identity-action").event;
    assert_eq!(words::failing(&event, now()), "214 times since 14:02 UTC, about every 20 s, last at 15:13 UTC");
    event.first_seen.clone_from(&event.last_seen);
    assert_eq!(words::failing(&event, now()), "214 times since 15:13 UTC, last at 15:13 UTC");
    event.count = 1;
    assert_eq!(words::failing(&event, now()), "once, at 15:13 UTC");
    (event.first_seen, event.last_seen, event.time) = (None, None, None);
    assert_eq!(words::failing(&event, now()), "once, time not known");
    event.count = u64::MAX;
    assert_eq!(words::failing(&event, now()), format!("{} times, since when is not known", u64::MAX));
}

fn states(finding: &Finding) -> Vec<(State, String)> {
    gates(finding, 0).into_iter().map(|gate| (gate.state, gate.note)).collect()
}

#[test]
fn gates_say_what_shuts_them() {
    assert_eq!(states(&fixture("scp-deny"))[1], (State::Shut, "Deny `OnlyFrankfurt` matches, at `Mail`".to_owned()));
    assert_eq!(
        states(&fixture("scp-no-allow"))[1],
        (State::Shut, "no statement allows it, at `production`".to_owned())
    );
    assert_eq!(states(&fixture("identity-deny"))[0].0, State::Shut);
    assert_eq!(states(&fixture("identity-deny"))[0].1, "inferred: Deny `OnlyInternal` matches");
}

#[test]
fn a_layer_that_only_aws_names_is_shut_by_inference() {
    let expected = (State::Shut, "inferred: AWS names it, and it could not be read".to_owned());
    assert_eq!(states(&fixture("session-policy"))[1], expected);
}

#[test]
fn a_gate_that_could_not_be_seen_is_unknown_and_not_shut() {
    let mut finding = fixture("identity-deny");
    finding.causes[0].certainty = Certainty::Possible;
    assert_eq!(states(&finding)[0], (State::Unknown, "turns on `ses:Recipients`".to_owned()));
    let undetermined = states(&fixture("undetermined"));
    assert_eq!(undetermined[1].0, State::Unknown);
    assert!(undetermined[1].1.contains("the snapshot has no organization.json"));
}

#[test]
fn a_sending_authorization_policy_that_need_not_allow_is_by_passed() {
    assert_eq!(states(&fixture("allowed-now"))[2].0, State::NotNeeded);
    assert_eq!(states(&fixture("sending-authorization"))[2].0, State::Shut);
}

#[test]
fn what_is_taken_as_absent_is_a_gate_of_its_own() {
    let finding = fixture("identity-action");
    let last = gates(&finding, 0).pop().unwrap();
    assert_eq!((last.layer.as_str(), last.state), ("session policy", State::Unknown));
}

#[test]
fn a_grant_is_read_off_the_document_and_not_off_the_title() {
    let mut finding = fixture("identity-action");
    finding.remedies[0].title = "Allow nothing at all".to_owned();
    assert_eq!(
        grant::sentences(&finding),
        ["Role `newsletter-sender` will be able to call `ses:SendRawEmail` as `news@example.com` in eu-west-1."]
    );
    finding.remedies[0].after = Some(json!({"Statement": [
        {"Effect": "Allow", "Action": ["ses:*"], "Resource": ["*"]},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "arn:aws:ses:*:111122223333:identity/*",
         "Condition": {"ForAllValues:StringLike": {"ses:Recipients": ["*@a.example", "*@b.example"]}}},
    ]}));
    assert_eq!(
        grant::sentences(&finding),
        [
            "Role `newsletter-sender` will be able to call `ses:*` on `*`.",
            "Role `newsletter-sender` gets what a statement without Action or Resource allows; read the document.",
            "Role `newsletter-sender` will be able to call `ses:SendEmail` as any identity, only where every \
             `ses:Recipients` is like `*@a.example` or `*@b.example`.",
        ]
    );
}

#[test]
fn a_grant_that_ends_says_when_and_one_whose_end_is_only_in_the_document_does_too() {
    let finding = fixture("identity-action");
    let bridge = finding.remedy("r3").unwrap();
    assert!(grant::of(&[bridge], &finding)[0].ends_with("in eu-west-1, until 30 Nov 2026 15:14 UTC."));
    let mut silent = bridge.clone();
    silent.expires = None;
    assert!(grant::of(&[&silent], &finding)[0].contains("`aws:CurrentTime` `DateLessThan` `2026-11-30T15:14:00Z`"));
}

#[test]
fn a_boundary_is_no_grant_where_another_policy_gives() {
    let finding = fixture("boundary");
    assert_eq!(grant::sentences(&finding).len(), 1);
    let boundary = finding.remedy("r2").unwrap();
    assert_eq!(grant::of(&[boundary], &finding).len(), 1);
}

#[test]
fn an_exception_to_a_deny_is_no_grant() {
    assert!(grant::sentences(&fixture("identity-deny")).is_empty());
}

#[test]
fn links_in_data_are_taken_apart_and_arns_are_not() {
    let cases = [
        ("see https://evil.example/x.y", "see https[:]//evil[.]example/x.y"),
        ("ftp://a.b,http://c.d", "ftp[:]//a[.]b,http[:]//c[.]d"),
        ("WWW.evil.example", "WWW[.]evil.example"),
        ("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/a"),
        ("news@example.com", "news@example.com"),
        ("://", "[:]//"),
    ];
    for (text, expected) in cases {
        assert_eq!(escape::plain(text), expected);
    }
}

#[test]
fn hidden_characters_are_shown() {
    assert_eq!(escape::visible("a\u{202e}b\n\t\r\0\u{feff}"), r"a\u{202e}b\n\t\r\u{0}\u{feff}");
    assert_eq!(escape::visible("é 日本語 😀"), "é 日本語 😀");
}

#[test]
fn values_in_backquotes_are_code_and_an_odd_one_is_an_apostrophe() {
    assert_eq!(escape::marked("a `b*c` d*e* (arn:x:y:z), f"), "a `b*c` `d*e*` (`arn:x:y:z`), f");
    assert_eq!(escape::marked("User `arn' x"), "User 'arn' x");
    assert_eq!(escape::marked("<!channel> & `<@U1>`"), "`&lt;!channel&gt;` &amp; `&lt;@U1&gt;`");
}

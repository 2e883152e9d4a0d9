//! What was granted and still stands, and what of it is known later: grants and audit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod desk;

use desk::{ACCOUNT, Desk, NO_ALLOW, ROLE, denials, request, time};
use jiff::SignedDuration;
use pollster::block_on;
use sesame_diagnosis::finding::Applicability;
use sesame_remediation::State;
use sesame_remediation::decision::{Channel, Origin, Verdict};
use sesame_render::Phase;
use sesame_responder::audit;
use sesame_responder::decide::{Request, decide};
use sesame_responder::grants;
use sesame_responder::list::Filter;
use sesame_responder::ports::{Clock, PolicyWriter};
use sesame_responder::record::{Act, Record};

fn standing(desk: &Desk) -> Vec<grants::Grant> {
    block_on(grants::all(&desk.store, desk.clock.now())).unwrap()
}

fn applied(desk: &Desk) -> Record {
    let open = desk.take_in(denials(NO_ALLOW));
    let order = Request { reason: Some("=HYPERLINK(\"http://x\")".to_owned()), ..request(&open, Verdict::Approve) };
    let approved = block_on(decide(order, &desk.key, desk.shared())).unwrap();
    desk.work(&approved).unwrap()
}

/// The same refusal once more, a quarter of an hour after the application.
fn refused_again(desk: &Desk) -> Record {
    let later = desk.clock.now() + SignedDuration::from_mins(15);
    desk.clock.set(later);
    let mut again = denials(NO_ALLOW);
    (again[0].event_id, again[0].time) = (Some(format!("again at {later}")), Some(later));
    desk.take_in(again)
}

#[test]
fn what_is_in_place_is_a_grant_until_it_is_taken_back() {
    let desk = Desk::new();
    assert_eq!(standing(&desk), []);
    let applied = applied(&desk);
    let all = standing(&desk);
    let [grant] = &all[..] else { panic!("{all:?}") };
    assert_eq!((grant.finding.as_str(), grant.generation), (applied.finding.id.as_str(), 1));
    assert_eq!((grant.principal.as_deref(), grant.target.principal.as_deref()), (Some(ROLE), Some(ROLE)));
    assert_eq!(grant.actions, ["ses:SendRawEmail"]);
    assert!(grant.resources.iter().all(|arn| arn.starts_with("arn:aws:ses:") && arn.contains(ACCOUNT)), "{grant:?}");
    assert_eq!((grant.expires, grant.expired, grant.state), (None, false, State::Applied));
    assert_eq!(grant.by.as_ref().unwrap().id.as_deref(), Some("arn:aws:iam::111122223333:user/admin"));
    assert!(grant.reason.as_ref().unwrap().starts_with("=HYPERLINK"));
    assert_eq!(grant.digest, applied.receipt.as_ref().unwrap().written[0].after_digest);

    let undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
    assert_eq!(standing(&desk).len(), 1, "it stands until it is gone");
    desk.work(&undoing).unwrap();
    assert_eq!(standing(&desk), []);
}

#[test]
fn a_grant_that_ends_by_itself_says_when() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let bridge = open
        .finding
        .remedies
        .iter()
        .find(|remedy| remedy.expires.is_some() && remedy.applicability != Applicability::AdviceOnly);
    let bridge = bridge.unwrap();
    let order = Request { remedies: vec![bridge.into()], ..request(&open, Verdict::Approve) };
    let approved = block_on(decide(order, &desk.key, desk.shared())).unwrap();
    assert_eq!(desk.work(&approved).unwrap().state, State::Applied);
    let end = time(bridge.expires.as_deref().unwrap());
    let grant = standing(&desk).remove(0);
    assert_eq!((grant.expires, grant.expired), (Some(end), false));
    desk.clock.set(end);
    assert!(standing(&desk)[0].expired, "the document stands, and allows nothing");
}

#[test]
fn a_grant_stands_through_later_generations_and_is_revoked_from_any() {
    let desk = Desk::new();
    let first = applied(&desk);
    let open = refused_again(&desk);
    assert_eq!((open.state, open.finding.generation), (State::Open, 2));
    assert_eq!(standing(&desk)[0].generation, 1);
    let rejected = desk.decide(&open, Verdict::Reject).unwrap();
    assert_eq!(standing(&desk)[0].generation, 1);

    let revoking = desk.decide(&rejected, Verdict::Revoke).unwrap();
    let entry = revoking.history.last().unwrap();
    assert_eq!((entry.act, entry.digests.len()), (Some(Act::Revoke), 1));
    let revoked = desk.work(&revoking).unwrap();
    assert_eq!(revoked.state, State::RolledBack, "{:?}", revoked.history.last());
    assert_eq!((standing(&desk), desk.ours(&first)), (Vec::new(), None));
    assert_eq!(desk.publisher.published().last().unwrap().0, Phase::Revoked);
    assert!(desk.decide(&revoked, Verdict::Revoke).is_err(), "there is nothing left");
}

#[test]
fn one_place_is_one_grant_whichever_generation_wrote_it_last() {
    let desk = Desk::new();
    let first = applied(&desk);
    // Somebody deletes it, and nobody tells Sesame.
    block_on(desk.world.write(&first.finding.remedies[0].target, None)).unwrap();
    let open = refused_again(&desk);
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let second = desk.work(&approved).unwrap();
    assert_eq!(second.state, State::Applied, "{:?}", second.receipt);
    let all = standing(&desk);
    assert_eq!(all.iter().map(|grant| grant.generation).collect::<Vec<_>>(), [2]);
    let revoking = desk.decide(&second, Verdict::Revoke).unwrap();
    desk.work(&revoking).unwrap();
    assert_eq!(standing(&desk), []);
}

#[test]
fn the_audit_says_who_did_what_when_from_where_about_which_documents() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let order = Request {
        reason: Some("the release waits".to_owned()),
        origin: Origin::new(Some("192.0.2.7"), Some("aws-cli/2")),
        ..request(&open, Verdict::Approve)
    };
    let approved = block_on(decide(order.clone(), &desk.key, desk.shared())).unwrap();
    block_on(decide(order, &desk.key, desk.shared())).unwrap_err();
    let done = desk.work(&approved).unwrap();
    let lines = audit::lines(&done);
    let told: Vec<(Option<Act>, Option<State>, State, bool)> =
        lines.iter().map(|line| (line.act, line.from, line.state, line.refused.is_some())).collect();
    assert_eq!(
        told,
        [
            (Some(Act::Find), None, State::Open, false),
            (Some(Act::Approve), Some(State::Open), State::Approved, false),
            (Some(Act::Approve), Some(State::Approved), State::Approved, true),
            (Some(Act::Start), Some(State::Approved), State::Applying, false),
            (Some(Act::Complete), Some(State::Applying), State::Applied, false),
        ]
    );
    for line in &lines[1..3] {
        assert_eq!(
            (line.channel, line.by.as_deref()),
            (Some(Channel::Cli), Some("arn:aws:iam::111122223333:user/admin"))
        );
        assert_eq!((line.source_ip.as_deref(), line.user_agent.as_deref()), (Some("192.0.2.7"), Some("aws-cli/2")));
        assert_eq!(line.reason.as_deref(), Some("the release waits"));
    }
    let written = &done.receipt.as_ref().unwrap().written[0];
    for line in [&lines[1], &lines[3], &lines[4]] {
        assert_eq!(line.documents[0].after_digest, written.after_digest, "{:?}", line.act);
    }
    // What a write brought goes to the log with that write, and only then.
    assert_eq!(audit::new_lines(&approved).len(), 0, "the last write marked it as told");
    let versions: Vec<u64> = done.history.iter().map(|entry| entry.version).collect();
    assert!(
        versions.is_sorted() && versions.iter().all(|version| (1..=done.version).contains(version)),
        "{versions:?}"
    );
}

#[test]
fn the_audit_of_all_findings_is_read_page_by_page() {
    let desk = Desk::new();
    applied(&desk);
    desk.take_in(denials(include_str!("../../../cli/demo/events/02-from-address.json")));
    let whole = block_on(audit::export(&desk.store, &Filter::default())).unwrap();
    assert_eq!((whole.entries.len(), whole.forgotten, whole.next.clone()), (5, 0, None));
    let mut filter = Filter { limit: 1, ..Filter::default() };
    let mut parts = Vec::new();
    loop {
        let part = block_on(audit::export(&desk.store, &filter)).unwrap();
        parts.extend(part.entries);
        match part.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    assert_eq!(parts, whole.entries);
    let json = serde_json::to_value(&whole).unwrap();
    let approve = json["entries"].as_array().unwrap().iter().find(|entry| entry["act"] == "approve").unwrap();
    assert_eq!(
        (&approve["by"], &approve["state"]),
        (&"arn:aws:iam::111122223333:user/admin".into(), &"approved".into())
    );
}

/// A reader of RFC 4180 by itself, so that the writer is not judged by its own rules.
fn parse(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = csv.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) if chars.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(c),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "the last line ends as the others do");
    rows
}

#[test]
fn the_csv_is_that_of_the_standard_and_holds_no_formula() {
    let desk = Desk::new();
    let mut record = applied(&desk);
    let hostile = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1+1",
        "\t=1+1",
        "\r\n=1+1",
        "＝1+1",
        "|calc",
        "a,b",
        "say \"no\"",
        "a\r\nb",
        "",
        "'=1",
        "\u{1b}[2J",
        "\u{202e}txt.exe",
        "x",
        "%0A",
        " trailing ",
        "=cmd|' /C calc'!A0",
        "ä€",
        "\u{0}",
    ];
    let entry = record.history[1].clone();
    record.history = hostile
        .into_iter()
        .map(|text| sesame_responder::record::Entry {
            reason: Some(text.to_owned()),
            origin: Origin::new(Some(text), Some(text)),
            ..entry.clone()
        })
        .collect();
    let csv = audit::csv(&audit::lines(&record));
    let rows = parse(&csv);
    assert_eq!(rows.len(), record.history.len() + 1);
    for row in &rows {
        assert_eq!(row.len(), 17, "{row:?}");
        for cell in row {
            let first = cell.trim_start().chars().next();
            assert!(!first.is_some_and(|c| "=+-@＝＋－＠|%".contains(c)), "{cell:?} is a formula");
            assert!(!cell.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{cell:?}");
        }
    }
    assert!(csv.contains("'=1+1,") && csv.contains("\"a,b\"") && csv.contains("\"say \"\"no\"\"\""), "{csv}");
}

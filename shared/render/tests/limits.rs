//! Sizes that AWS and Slack set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{all, fixture, fixture_json, huge, now, with_every_string};
use sesame_diagnosis::finding::Finding;
use sesame_render::chat::chat;
use sesame_render::page::{PageOptions, page};
use sesame_render::slack::{Buttons, SlackOptions, slack};
use sesame_render::sns::{MESSAGE_LIMIT, SnsOptions, sns};
use sesame_render::text::{EMAIL_LIMIT, TextOptions, email, terminal};
use sesame_render::{Phase, compact};

const LINK: &str = "https://sesame.example/decide?t=token";

fn options() -> TextOptions {
    TextOptions { decision_link: Some(LINK.to_owned()), ..TextOptions::email(now()) }
}

/// Every string as long as it may get, and longer.
fn bloated() -> Finding {
    with_every_string(&fixture_json("stolen-key"), &"<&é \u{1b}`".repeat(4_000))
}

#[test]
fn an_email_is_at_most_8_kib_and_keeps_its_link_and_command() {
    for (name, finding) in all().into_iter().chain([("bloated".to_owned(), bloated())]) {
        let body = email(&finding, &options());
        assert!(body.len() <= EMAIL_LIMIT, "{name}: {}", body.len());
        assert!(name == "bloated" || body.contains(&format!("Decide:   {LINK}\n")), "{name}");
        assert!(body.contains("sesame show "), "{name}");
    }
}

#[test]
fn an_email_that_is_too_long_loses_evidence_first_and_says_so() {
    let body = email(&huge(), &options());
    let note = "Left out to keep this message short: what each layer says, the near misses, the evidence";
    assert!(body.replace('\n', " ").contains(note), "{body}");
    assert!(!body.contains("NEAR MISSES") && !body.contains("LAYERS"), "{body}");
    assert!(body.contains("FIX") && body.contains("WHY"), "{body}");
    let whole = terminal(&huge(), &TextOptions::terminal(now(), 80, false));
    assert!(whole.contains("NEAR MISSES") && !whole.contains("Left out"));
}

#[test]
fn prose_is_wrapped_and_what_must_not_be_broken_is_not() {
    let finding = fixture("scp-deny");
    let body = email(&finding, &options());
    for line in body.lines().filter(|line| line.chars().count() > 100) {
        let unbroken = line.trim().split(' ').count() == 1 || line.starts_with("aws ") || line.starts_with("Decide:");
        let document = line.starts_with(' ') || line.starts_with("# ");
        assert!(unbroken || document, "{line}");
    }
    assert!(body.lines().any(|line| line.trim() == finding.causes[0].policy.as_ref().unwrap().arn.as_ref().unwrap()));
    let command = finding.remedies[0].commands.aws_cli.lines().nth(1).unwrap();
    assert!(body.lines().any(|line| line == command), "{command}");
    for line in terminal(&finding, &TextOptions::terminal(now(), 80, false)).lines() {
        let own = line.starts_with("aws ") || line.starts_with("# ") || line.trim().split(' ').count() == 1;
        assert!(line.chars().count() <= 80 || own, "{line}");
    }
}

#[test]
fn slack_messages_keep_the_limits_of_blocks() {
    let buttons = Buttons { approve: Some("a".repeat(2_000)), reject: Some("r".repeat(2_001)), mute: None };
    for (name, finding) in all().into_iter().chain([("bloated".to_owned(), bloated())]) {
        let options = SlackOptions { now: now(), buttons: Some(buttons.clone()), phase: None };
        let message = slack(&finding, &options);
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50, "{name}");
        assert!(serde_json::to_string(blocks).unwrap().chars().count() <= 13_000, "{name}");
        let actions: Vec<_> = blocks.iter().filter(|block| block["type"] == "actions").collect();
        assert_eq!(actions.len(), 1, "{name}");
        // A value that Slack would refuse has no button rather than a cut one.
        let ids: Vec<_> = actions[0]["elements"].as_array().unwrap().iter().map(|one| &one["action_id"]).collect();
        assert_eq!(ids, ["sesame-approve"], "{name}");
    }
}

#[test]
fn a_later_phase_has_no_buttons() {
    let buttons = Buttons { approve: Some("a".into()), reject: Some("r".into()), mute: Some("m".into()) };
    let options =
        SlackOptions { now: now(), buttons: Some(buttons), phase: Some((Phase::Applied, Some("by ada".into()))) };
    let message = slack(&fixture("identity-action"), &options);
    assert!(message["blocks"].as_array().unwrap().iter().all(|block| block["type"] != "actions"));
    assert!(message.to_string().contains("By ada."));
}

#[test]
fn chat_notifications_keep_their_caps() {
    for (name, finding) in all().into_iter().chain([("bloated".to_owned(), bloated())]) {
        let note = chat(&finding, Phase::Finding, None, now());
        assert!(note["content"]["title"].as_str().unwrap().chars().count() <= 250, "{name}");
        let description = note["content"]["description"].as_str().unwrap();
        assert!((1..=8_000).contains(&description.chars().count()), "{name}");
    }
}

#[test]
fn a_message_to_sns_fits_in_256_kib_whatever_the_finding() {
    let mut large = huge();
    for remedy in &mut large.remedies {
        remedy.commands.terraform = Some("x".repeat(60_000));
    }
    let mut many = huge();
    many.plan.truncate(1);
    let more = [("bloated".into(), bloated()), ("large".into(), large), ("many".into(), many)];
    for (name, finding) in all().into_iter().chain(more) {
        let options = SnsOptions { stored_pointer: Some("finding/f-1/1".to_owned()), ..SnsOptions::at(now()) };
        let message = sns(&finding, Phase::Finding, &options);
        assert!(message.size() <= MESSAGE_LIMIT, "{name}: {}", message.size());
        let back: Finding = serde_json::from_str(&message.message["sqs"]).unwrap();
        assert_eq!(back.outcome, finding.outcome, "{name}");
        let machine: serde_json::Value = serde_json::from_str(&message.message["lambda"]).unwrap();
        assert_eq!(machine["stored"], "finding/f-1/1", "{name}");
        assert_eq!(machine["phase"], "finding", "{name}");
        let dropped = machine.get("dropped").and_then(|dropped| dropped.as_str());
        let expected = match name.as_str() {
            "bloated" | "large" | "huge" => Some("all but the summary"),
            "many" => Some("evidence"),
            _ => None,
        };
        assert_eq!(dropped, expected, "{name}");
    }
}

#[test]
fn compact_findings_keep_ten_near_misses_the_nearest_of_each_cause_first() {
    let mut finding = huge();
    finding.causes.truncate(3);
    let small = compact::compact(&finding);
    let kept: Vec<usize> = small.causes.iter().map(|cause| cause.near_misses.len()).collect();
    assert_eq!(kept, [4, 3, 3]);
    assert_eq!(small.causes[0].near_misses[..], finding.causes[0].near_misses[..4]);
}

#[test]
fn compact_findings_keep_the_deciding_statements_only() {
    let small = compact::compact(&fixture("scp-deny"));
    let [identity, organization] = &small.requests[0].layers[..] else { panic!("two layers") };
    assert_eq!(identity.statements.len(), 1);
    assert_eq!(organization.statements[0].statement.sid.as_deref(), Some("OnlyFrankfurt"));
    assert!(compact::compact(&fixture("identity-action")).requests[0].layers[0].statements.is_empty());
}

#[test]
fn only_the_email_has_the_decision_link() {
    for (name, finding) in all() {
        let options = SnsOptions { decision_link: Some(LINK.to_owned()), ..SnsOptions::at(now()) };
        let message = sns(&finding, Phase::Finding, &options).message;
        for (protocol, text) in message {
            assert_eq!(text.contains(LINK), protocol == "email", "{name}: {protocol}");
        }
    }
}

#[test]
fn attributes_are_those_to_filter_by() {
    let message = sns(&fixture("boundary"), Phase::Finding, &SnsOptions::at(now()));
    let shown: Vec<(&str, &str)> =
        message.message_attributes.iter().map(|(name, attribute)| (*name, attribute.string_value.as_str())).collect();
    let expected = [
        ("account", "111122223333"),
        ("applicability", "advice-only"),
        ("kind", "no-allow"),
        ("layer", "identity-policy"),
        ("outcome", "denied"),
        ("phase", "finding"),
        ("principal", "arn:aws:iam::111122223333:role/service/newsletter-sender"),
        ("region", "eu-west-1"),
    ];
    assert_eq!(shown, expected);
    let message = sns(&fixture("not-authorization"), Phase::Finding, &SnsOptions::at(now()));
    let names: Vec<&str> = message.message_attributes.keys().copied().collect();
    assert_eq!(names, ["outcome", "phase", "region"]);
}

#[test]
fn a_page_of_a_huge_finding_is_bounded_and_says_what_it_leaves_out() {
    let html = page(&huge(), &PageOptions::at(now()));
    assert!(html.len() < 2_000_000, "{}", html.len());
    assert!(html.contains("more, in the JSON below") && html.contains("more causes, in the JSON below"));
    assert!(html.contains("shortened"));
}

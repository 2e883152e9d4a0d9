//! What the renderers write, to be read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use base64::Engine;
use common::{fixture, now};
use sesame_render::page::{PageOptions, STYLE, STYLE_HASH, content_security_policy, page};
use sesame_render::slack::{Buttons, SlackOptions, slack};
use sesame_render::sns::{SnsOptions, sns};
use sesame_render::text::{TextOptions, email, phase_email, terminal};
use sesame_render::{Phase, chat};
use sha2::Digest;

#[test]
fn email_of_a_missing_action() {
    let link = Some("https://sesame.example/decide?t=token".to_owned());
    let options = TextOptions { decision_link: link, ..TextOptions::email(now()) };
    insta::assert_snapshot!(email(&fixture("identity-action"), &options));
}

#[test]
fn terminal_of_a_possibly_stolen_key() {
    insta::assert_snapshot!(terminal(&fixture("stolen-key"), &TextOptions::terminal(now(), 80, false)));
}

#[test]
fn terminal_of_two_causes_and_two_requests() {
    insta::assert_snapshot!(terminal(&fixture("boundary"), &TextOptions::terminal(now(), 80, false)));
}

#[test]
fn terminal_of_what_could_not_be_read() {
    insta::assert_snapshot!(terminal(&fixture("undetermined"), &TextOptions::terminal(now(), 80, false)));
}

#[test]
fn terminal_of_a_refusal_that_is_no_policy_matter() {
    insta::assert_snapshot!(terminal(&fixture("not-authorization"), &TextOptions::terminal(now(), 80, false)));
}

#[test]
fn closing_message_of_a_mixed_plan() {
    insta::assert_snapshot!(phase_email(&fixture("boundary"), Phase::Applied, Some("by ada, at 15:20 UTC")));
}

#[test]
fn slack_message_of_a_deny() {
    let buttons = Buttons { approve: None, reject: Some("r".into()), mute: Some("m".into()) };
    let options = SlackOptions { now: now(), buttons: Some(buttons), phase: None };
    insta::assert_json_snapshot!(slack(&fixture("identity-deny"), &options));
}

#[test]
fn chat_notification_of_an_scp() {
    insta::assert_json_snapshot!(chat::chat(&fixture("scp-deny"), Phase::Finding, None, now()));
}

#[test]
fn sns_message_of_an_unread_session_policy() {
    let mut message = sns(&fixture("session-policy"), Phase::Finding, &SnsOptions::at(now()));
    // Each has its own snapshot or test.
    for protocol in ["https", "email", "lambda", "firehose"] {
        message.message.insert(protocol, "…".to_owned());
    }
    insta::assert_json_snapshot!(message);
}

#[test]
fn page_of_a_sending_authorization_policy() {
    let html = page(&fixture("sending-authorization"), &PageOptions::at(now()));
    let (head, body) = html.split_once("<body>").unwrap();
    assert!(head.contains(STYLE));
    let (body, _) = body.split_once("<summary>The finding as JSON").unwrap();
    insta::assert_snapshot!(body);
}

#[test]
fn the_hash_in_the_content_security_policy_is_that_of_the_style_sheet() {
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
    assert_eq!(STYLE_HASH, format!("sha256-{digest}"));
    assert!(content_security_policy().contains(STYLE_HASH));
    assert!(!STYLE.contains('<'));
}

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

/// The colours of one half of the style sheet.
fn colours(block: &str) -> Vec<(String, [f64; 3])> {
    let (_, block) = block.split_once(":root{").unwrap();
    let (block, _) = block.split_once('}').unwrap();
    let colour = |declaration: &str| {
        let (name, value) = declaration.split_once(':')?;
        let hex = value.strip_prefix('#')?;
        let digits: Vec<u8> = hex.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
        let channel = |index: usize| match digits.len() {
            3 => f64::from(digits[index] * 17) / 255.0,
            _ => f64::from(digits[index * 2] * 16 + digits[index * 2 + 1]) / 255.0,
        };
        Some((name.to_owned(), [channel(0), channel(1), channel(2)]))
    };
    block.split(';').filter_map(colour).collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear =
        |channel: f64| if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

#[test]
fn every_colour_of_text_has_the_contrast_of_wcag_aa() {
    let (light, dark) = STYLE.split_once("prefers-color-scheme:dark").unwrap();
    for half in [light, dark] {
        let colours = colours(half);
        let get = |name: &str| colours.iter().find(|(known, _)| *known == format!("--{name}")).unwrap().1;
        let pairs = ["ink", "soft", "accent", "open", "shut", "unknown"]
            .into_iter()
            .flat_map(|text| ["paper", "card"].map(|ground| (text, ground)))
            .chain([
                ("ink", "tint"),
                ("soft", "tint"),
                ("ink", "alarm"),
                ("add-ink", "add"),
                ("del-ink", "del"),
                ("on-accent", "accent"),
            ]);
        for (text, ground) in pairs {
            let (a, b) = (luminance(get(text)), luminance(get(ground)));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
        }
    }
}

#[test]
fn the_hash_in_the_content_security_policy_is_that_of_the_style_sheet() {
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
    assert_eq!(STYLE_HASH, format!("sha256-{digest}"));
    assert!(content_security_policy().contains(STYLE_HASH));
    assert!(!STYLE.contains('<'));
}

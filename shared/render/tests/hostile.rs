//! Nothing that stands in a finding becomes markup, a link, a mention or a control sequence.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod common;

use common::markup::{hostile, is_our_markup, no_hidden_characters, tags};
use common::{fixture_json, names, now, with_every_string};
use proptest::prelude::*;
use serde_json::Value;
use sesame_diagnosis::finding::Finding;
use sesame_render::chat::chat;
use sesame_render::escape;
use sesame_render::page::{Choice, Decision, Entry, Form, Note, PageOptions, State, Step, Tone, note, page};
use sesame_render::slack::{Buttons, SlackOptions, slack};
use sesame_render::sns::{SnsOptions, sns};
use sesame_render::text::{TextOptions, email, phase_email, terminal};
use sesame_render::{Phase, phase_text};

const LINK: &str = "https://sesame.example/decide?t=token";

/// Each value in every string of a finding; which finding changes from value to value.
fn hostile_findings() -> Vec<(String, String, Finding)> {
    let base = ["identity-action", "scp-deny", "stolen-key"].map(|name| (name, fixture_json(name)));
    let one = |(index, text): (usize, String)| {
        let (name, json) = &base[index % base.len()];
        let what: String = format!("{name} with {text:?}").chars().take(200).collect();
        let finding = with_every_string(json, &text);
        (what, text, finding)
    };
    hostile().into_iter().enumerate().map(one).collect()
}

fn form(text: &str) -> Form {
    // Values of fields come back as they are, so they are not shown but exact.
    let exact = escape::visible(text);
    Form {
        action: "/decide".to_owned(),
        csrf: exact.clone(),
        hidden: vec![(exact.clone(), exact.clone())],
        decisions: Decision::ALL.to_vec(),
        choices: vec![
            Choice { value: exact.clone(), remedies: vec![exact] },
            Choice { value: "r1 - -".to_owned(), remedies: vec!["r1".to_owned()] },
        ],
        mute_days: vec![1, 7, 30],
        note: Some(text.to_owned()),
    }
}

fn full_page(finding: &Finding, text: &str) -> String {
    let entry = || vec![Entry { time: text.to_owned(), text: text.to_owned() }];
    let told = || Some(text.to_owned());
    let state = State { name: text.to_owned(), tone: Tone::Bad, sentence: told(), next: told(), history: entry() };
    page(finding, &PageOptions { now: now(), form: Some(form(text)), state: Some(state), earlier_grants: entry() })
}

fn message(finding: &Finding, text: &str, phase: Phase) -> Value {
    let buttons = Buttons { approve: Some("a".into()), reject: Some("r".into()), mute: Some("m".into()) };
    let later = (phase != Phase::Finding).then(|| (phase, Some(text.to_owned())));
    slack(finding, &SlackOptions { now: now(), buttons: Some(buttons), phase: later })
}

fn email_with_link(finding: &Finding) -> String {
    email(finding, &TextOptions { decision_link: Some(LINK.to_owned()), ..TextOptions::email(now()) })
}

/// Every string of a JSON value.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| [vec![name.as_str()], strings(field)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

/// The parts of a text that a reader would make links of.
fn no_links(text: &str, what: &str, markdown: bool) {
    let text = text.replace(LINK, "").replace("file:///dev/stdin", "");
    let lower = text.to_lowercase();
    for sign in ["://", "www.", "mailto:", "](", "][", "]:"] {
        if sign.starts_with(']') && !markdown {
            continue;
        }
        // Within code, brackets are only brackets.
        let shown = if sign.starts_with(']') { without_code(&lower) } else { lower.clone() };
        // A full stop or a colon after a value is the sentence's own: no name follows it.
        let named = |after: &&str| sign.len() < 4 || after.starts_with(char::is_alphanumeric);
        let mut found = shown.split(sign).skip(1).filter(named);
        assert!(found.next().is_none(), "{what}: {sign} in {text}");
    }
}

fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("CODE")
}

#[test]
fn a_page_holds_only_tags_and_attributes_of_its_own() {
    for (what, text, finding) in hostile_findings() {
        is_our_markup(&full_page(&finding, &text), &what, &["#what", "#decide", "/decide"]);
    }
}

#[test]
fn a_small_page_holds_only_tags_and_attributes_of_its_own() {
    for text in hostile() {
        let said = Note {
            heading: text.clone(),
            tone: Tone::Bad,
            sentences: vec![text.clone(), format!("`{text}`")],
            steps: vec![Step { name: "Approved", place: std::cmp::Ordering::Equal }],
            history: vec![Entry { time: text.clone(), text: text.clone() }],
            again_after: Some(2),
            link: Some(("/f/f-1".to_owned(), "See how it stands")),
        };
        is_our_markup(&note(&said, now()), &text, &["/f/f-1"]);
    }
}

#[test]
fn a_page_without_a_form_has_no_field_and_no_button() {
    for name in names() {
        let html = page(&common::fixture(&name), &PageOptions::at(now()));
        for (tag, _) in tags(&html) {
            assert!(!["form", "input", "button", "select"].contains(&tag.as_str()), "{name}: <{tag}>");
        }
    }
}

#[test]
fn text_shows_control_characters_and_makes_no_link_of_data() {
    for (what, text, finding) in hostile_findings() {
        let plain = TextOptions::terminal(now(), 80, false);
        for (form, body) in [
            ("email", email_with_link(&finding)),
            ("terminal", terminal(&finding, &plain)),
            ("phase", phase_email(&finding, Phase::Applied, Some(&text))),
        ] {
            let what = format!("{form}: {what}");
            no_hidden_characters(&body, &what);
            let lower = body.replace(LINK, "").replace("file:///dev/stdin", "").to_lowercase();
            for sign in ["://", "www.", "mailto:"] {
                assert!(!lower.contains(sign), "{what}: {sign} in {body}");
            }
        }
    }
}

#[test]
fn only_one_line_of_an_email_begins_with_decide() {
    for (what, _, finding) in hostile_findings() {
        let body = email_with_link(&finding);
        let lines: Vec<&str> = body.lines().filter(|line| line.starts_with("Decide:   ")).collect();
        assert_eq!(lines, [format!("Decide:   {LINK}")], "{what}");
        assert!(email(&finding, &TextOptions::email(now())).lines().all(|line| !line.starts_with("Decide:")), "{what}");
    }
}

#[test]
fn styles_of_a_terminal_are_all_that_is_added_to_its_text() {
    for (what, _, finding) in hostile_findings().into_iter().step_by(5) {
        let plain = terminal(&finding, &TextOptions::terminal(now(), 80, false));
        let styled = terminal(&finding, &TextOptions::terminal(now(), 80, true));
        let mut stripped = String::new();
        let mut rest = styled.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            stripped.push_str(before);
            let (sequence, after) = after.split_once('m').unwrap();
            assert!(
                sequence.starts_with('[') && sequence[1..].chars().all(|c| c.is_ascii_digit() || c == ';'),
                "{what}"
            );
            rest = after;
        }
        stripped.push_str(rest);
        assert_eq!(stripped, plain, "{what}");
        assert_ne!(styled, plain, "{what}");
    }
}

#[test]
fn slack_gets_no_mention_no_link_and_no_control_character() {
    for (what, text, finding) in hostile_findings() {
        for phase in [Phase::Finding, Phase::Failed] {
            let message = message(&finding, &text, phase);
            for string in strings(&message) {
                no_hidden_characters(string, &what);
                no_links(string, &what, false);
                assert!(!string.contains(['<', '>']), "{what}: {string}");
                for after in string.split('&').skip(1) {
                    let known = ["amp;", "lt;", "gt;"].iter().any(|entity| after.starts_with(entity));
                    assert!(known, "{what}: a bare & in {string}");
                }
            }
            assert_eq!(message["link_names"], false);
            assert_eq!(message["parse"], "none");
        }
    }
}

#[test]
fn slack_code_cannot_be_ended_by_data() {
    let finding = with_every_string(&fixture_json("scp-deny"), "a`b` *c*");
    for string in strings(&message(&finding, "x`", Phase::Finding)) {
        assert_eq!(string.matches('`').count() % 2, 0, "{string}");
    }
}

#[test]
fn chat_gets_no_mention_no_link_and_no_control_character() {
    for (what, text, finding) in hostile_findings() {
        for phase in [Phase::Finding, Phase::Applied] {
            let note = chat(&finding, phase, Some(&text), now());
            for string in strings(&note) {
                no_hidden_characters(string, &what);
                no_links(string, &what, true);
                assert!(!string.contains(['<', '>']), "{what}: {string}");
            }
        }
    }
}

#[test]
fn subjects_are_one_short_line_of_ascii() {
    for (what, text, finding) in hostile_findings() {
        for phase in [Phase::Finding, Phase::StillRefused] {
            let subject = phase_text(&finding, phase, Some(&text)).subject;
            assert!(subject.len() < 100, "{what}: {subject}");
            assert!(subject.chars().all(|character| matches!(character, ' '..='~')), "{what}: {subject}");
            assert_eq!(sns(&finding, phase, &SnsOptions::at(now())).subject, subject, "{what}");
        }
    }
}

#[test]
fn attributes_hold_no_control_character_and_are_never_empty() {
    for (what, _, finding) in hostile_findings() {
        for (name, attribute) in sns(&finding, Phase::Finding, &SnsOptions::at(now())).message_attributes {
            no_hidden_characters(&attribute.string_value, &format!("{what}: {name}"));
            assert!(!attribute.string_value.is_empty(), "{what}: {name}");
        }
    }
}

#[test]
fn machine_forms_are_the_data_itself_without_raw_control_characters() {
    for (what, text, finding) in hostile_findings() {
        let message = sns(&finding, Phase::Finding, &SnsOptions::at(now()));
        let line = &message.message["sqs"];
        no_hidden_characters(line, &what);
        assert!(!line.contains('\n'), "{what}");
        let back: Finding = serde_json::from_str(line).unwrap();
        // Of a very long finding only the beginnings of texts are sent.
        assert!(
            back.summary.what == text
                || (text.len() > 1_000 && text.starts_with(back.summary.what.split('…').next().unwrap())),
            "{what}"
        );
        let pretty = sesame_render::json::pretty(&finding);
        no_hidden_characters(&pretty, &what);
        assert_eq!(serde_json::from_str::<Finding>(&pretty).unwrap(), finding, "{what}");
    }
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(64))]

    #[test]
    fn any_text_is_harmless_everywhere(
        text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|[<>&\"'`*_~\\[\\]():/@!| a-c\\n]{0,60}|(:|/|`|\\*|<|\\]|\\(| |www|\\.|mailto|x\\.y){0,20}"
    ) {
        let finding = with_every_string(&fixture_json("identity-action"), &text);
        for string in strings(&message(&finding, &text, Phase::Finding)) {
            no_hidden_characters(string, "slack");
            no_links(string, "slack", false);
            prop_assert!(!string.contains(['<', '>']));
        }
        for string in strings(&chat(&finding, Phase::Finding, Some(&text), now())) {
            no_links(string, "chat", true);
            prop_assert!(!string.contains(['<', '>']));
        }
        let body = email_with_link(&finding);
        no_hidden_characters(&body, "email");
        prop_assert!(!body.replace(LINK, "").replace("file:///dev/stdin", "").contains("://"));
        let html = full_page(&finding, &text);
        let opened = tags(&html).iter().filter(|(name, _)| name == "p").count();
        let closed = tags(&html).iter().filter(|(name, _)| name == "/p").count();
        prop_assert_eq!(opened, closed);
        prop_assert!(!html.contains("<script"));
    }

    #[test]
    fn clipping_keeps_whole_characters_and_says_what_is_cut(text in "\\PC{0,80}", longest in 0_usize..60) {
        let clipped = escape::clip(&text, longest);
        let length = text.chars().count();
        if length <= longest {
            prop_assert_eq!(clipped, text);
        } else {
            let kept: String = text.chars().take(longest).collect();
            prop_assert_eq!(clipped, format!("{kept}… ({} more characters)", length - longest));
        }
    }
}

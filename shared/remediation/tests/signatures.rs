//! What is signed cannot be forged, altered, or used for something else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::finding;
use jiff::Timestamp;
use pollster::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};
use sesame_remediation::approver::{is_refused_principal, same_principal};
use sesame_remediation::decision::{
    Approver, Channel, DecidedRemedy, Decision, DecisionError, Origin, SignedDecision, Verdict,
};
use sesame_remediation::link::{Link, LinkError};
use sesame_remediation::mac::{LocalKey, Mac};

fn key() -> LocalKey {
    LocalKey::new("decisions", &[7; 32]).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn decision() -> Decision {
    Decision {
        stack: "prod".to_owned(),
        finding: "f-0123456789abcdef".to_owned(),
        generation: 2,
        verdict: Verdict::Approve,
        remedies: vec![DecidedRemedy {
            id: "r1".to_owned(),
            before_digest: None,
            after_digest: Some("sha256:aa".to_owned()),
        }],
        scope: "sha256:cc".to_owned(),
        approver: Approver { channel: Channel::Slack, id: Some("T1/U1".to_owned()) },
        time: time("2026-11-23T10:00:00Z"),
        until: None,
        reason: Some("the release waits for it".to_owned()),
        origin: Origin::new(Some("192.0.2.7"), Some("Slackbot 1.0")),
    }
}

fn verify(signed: &SignedDecision, key: &LocalKey) -> Result<Decision, DecisionError> {
    block_on(signed.verify(key, "prod", "f-0123456789abcdef", 2)).cloned()
}

#[test]
fn a_signed_decision_verifies_and_survives_storage() {
    let signed = block_on(decision().sign(&key())).unwrap();
    let stored: SignedDecision = serde_json::from_str(&serde_json::to_string(&signed).unwrap()).unwrap();
    assert_eq!(verify(&stored, &key()), Ok(decision()));
}

#[test]
fn an_hmac_is_that_of_the_standard() {
    // RFC 4231, test case 6's key is longer than a block; case 1's is shorter than what is taken here.
    let key = LocalKey::new("rfc", &[0xaa; 131]).unwrap();
    let mac = block_on(key.sign(b"Test Using Larger Than Block-Size Key - Hash Key First")).unwrap();
    let text: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert!(LocalKey::new("short", &[0x0b; 20]).is_err());
    assert_eq!(format!("{key:?}"), r#"LocalKey { id: "rfc", .. }"#, "a key is not shown");
}

#[test]
fn any_altered_field_is_a_forgery() {
    let signed = serde_json::to_value(block_on(decision().sign(&key())).unwrap()).unwrap();
    let changes: Vec<(&str, Value)> = vec![
        ("/decision/stack", json!("test")),
        ("/decision/finding", json!("f-fedcba9876543210")),
        ("/decision/generation", json!(3)),
        ("/decision/verdict", json!("reject")),
        ("/decision/remedies/0/id", json!("r2")),
        ("/decision/remedies/0/beforeDigest", json!("sha256:aa")),
        ("/decision/remedies/0/afterDigest", json!("sha256:bb")),
        ("/decision/remedies/0/afterDigest", Value::Null),
        ("/decision/remedies", json!([])),
        ("/decision/scope", json!("sha256:dd")),
        ("/decision/scope", json!("")),
        ("/decision/approver/channel", json!("cli")),
        ("/decision/approver/id", json!("T1/U2")),
        ("/decision/approver/id", Value::Null),
        ("/decision/time", json!("2026-11-23T10:00:01Z")),
        ("/decision/until", json!("2026-11-23T10:00:00Z")),
        ("/decision/reason", json!("no reason")),
        ("/decision/reason", Value::Null),
        ("/decision/origin/sourceIp", json!("192.0.2.8")),
        ("/decision/origin/userAgent", json!("curl")),
        ("/decision/origin", json!({})),
        ("/keyId", json!("other")),
        ("/mac", json!("")),
        ("/mac", json!("AAAA")),
        ("/mac", json!("not base64!")),
    ];
    for (pointer, value) in changes {
        let mut altered = signed.clone();
        *altered.pointer_mut(pointer).unwrap() = value.clone();
        let altered: SignedDecision = serde_json::from_value(altered).unwrap();
        assert_eq!(verify(&altered, &key()), Err(DecisionError::Forged), "{pointer} = {value}");
    }
}

#[test]
fn another_key_did_not_sign_it() {
    let forged = block_on(decision().sign(&LocalKey::new("decisions", &[8; 32]).unwrap())).unwrap();
    assert_eq!(verify(&forged, &key()), Err(DecisionError::Forged));
}

#[test]
fn a_decision_about_something_else_is_not_acted_on() {
    let signed = block_on(decision().sign(&key())).unwrap();
    for (stack, finding, generation) in
        [("test", "f-0123456789abcdef", 2), ("prod", "f-fedcba9876543210", 2), ("prod", "f-0123456789abcdef", 3)]
    {
        let result = block_on(signed.verify(&key(), stack, finding, generation)).cloned();
        assert!(matches!(result, Err(DecisionError::Elsewhere { .. })), "{result:?}");
    }
}

#[test]
fn where_a_field_ends_cannot_be_shifted() {
    // Without lengths these two would be the same bytes.
    let (mut one, mut other) = (decision(), decision());
    (one.stack, one.finding) = ("prod".to_owned(), "f-1".to_owned());
    (other.stack, other.finding) = ("prodf".to_owned(), "-1".to_owned());
    let one = block_on(one.sign(&key())).unwrap();
    let other = block_on(other.sign(&key())).unwrap();
    assert_ne!(one.mac, other.mac);
}

fn link() -> Link {
    Link {
        stack: "prod".to_owned(),
        stage: "v1".to_owned(),
        finding: "f-0123456789abcdef".to_owned(),
        generation: 1,
        series: 0,
        expires: time("2026-11-24T10:00:00Z"),
    }
}

const NOW: &str = "2026-11-23T10:00:00Z";

#[test]
fn a_link_is_read_back_until_it_expires() {
    let token = block_on(link().token(&key())).unwrap();
    assert!(token.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)), "{token} is safe in a URL");
    assert_eq!(block_on(Link::read(&token, &key(), "prod", "v1", time(NOW))), Ok(link()));
    let expired = block_on(Link::read(&token, &key(), "prod", "v1", link().expires));
    assert_eq!(expired, Err(LinkError::Expired(link().expires)));
}

#[test]
fn a_link_of_another_stack_stage_key_or_making_is_not_valid() {
    let token = block_on(link().token(&key())).unwrap();
    let read = |token: &str, key: &LocalKey, stack: &str, stage: &str| {
        block_on(Link::read(token, key, stack, stage, time(NOW)))
    };
    assert_eq!(read(&token, &key(), "test", "v1"), Err(LinkError::Invalid));
    assert_eq!(read(&token, &key(), "prod", "v2"), Err(LinkError::Invalid));
    assert_eq!(read(&token, &LocalKey::new("decisions", &[8; 32]).unwrap(), "prod", "v1"), Err(LinkError::Invalid));
    let later = token.replace(&link().expires.as_second().to_string(), "99999999999");
    assert_eq!(read(&later, &key(), "prod", "v1"), Err(LinkError::Invalid));
    let next = token.replace(".1.0.", ".2.0.");
    assert_ne!(next, token);
    assert_eq!(read(&next, &key(), "prod", "v1"), Err(LinkError::Invalid));
    for token in ["", ".", "....", "f.1.0.1.", "f.1.0.99999999999999999999.AA", &format!("{token}.x")] {
        assert_eq!(read(token, &key(), "prod", "v1"), Err(LinkError::Invalid), "{token}");
    }
}

#[test]
fn a_decisions_code_is_no_links_code() {
    // Even with the same key: the domains differ.
    let signed = block_on(decision().sign(&key())).unwrap();
    let token = block_on(link().token(&key())).unwrap();
    let crossed = token.rsplit_once('.').unwrap().0.to_owned() + "." + &signed.mac;
    assert_eq!(block_on(Link::read(&crossed, &key(), "prod", "v1", time(NOW))), Err(LinkError::Invalid));
}

#[test]
fn nobody_approves_their_own_grant() {
    let approver = |id: &str| Approver { channel: Channel::Cli, id: Some(id.to_owned()) };
    let mut finding = finding();
    assert!(is_refused_principal(&finding, &approver("arn:aws:iam::111122223333:user/mailer")));
    assert!(!is_refused_principal(&finding, &approver("arn:aws:iam::111122223333:user/admin")));
    assert!(!is_refused_principal(&finding, &approver("arn:aws:iam::444455556666:user/mailer")));
    assert!(!is_refused_principal(&finding, &Approver { channel: Channel::Link, id: None }));

    finding.principal.arn = Some("arn:aws:iam::111122223333:role/team/app".to_owned());
    assert!(is_refused_principal(&finding, &approver("arn:aws:sts::111122223333:assumed-role/app/alice")));
    assert!(is_refused_principal(&finding, &approver("arn:aws:iam::111122223333:role/team/App")));
    assert!(!is_refused_principal(&finding, &approver("arn:aws:sts::111122223333:assumed-role/other/app")));
    assert!(!is_refused_principal(&finding, &approver("arn:aws:iam::111122223333:user/app")));

    assert!(!same_principal("T1/U1", "T1/U1"), "what is no ARN is nobody of IAM");
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(256))]

    #[test]
    fn reading_a_token_never_panics(token in ".{0,200}") {
        prop_assert_eq!(block_on(Link::read(&token, &key(), "prod", "v1", time(NOW))), Err(LinkError::Invalid));
    }

    #[test]
    fn one_flipped_bit_of_a_code_is_a_forgery(byte in 0..32_usize, bit in 0..8_u8) {
        let message = b"message";
        let mut mac = block_on(key().sign(message)).unwrap();
        prop_assert_eq!(block_on(key().verify(message, &mac)), Ok(true));
        mac[byte] ^= 1 << bit;
        prop_assert_eq!(block_on(key().verify(message, &mac)), Ok(false));
        prop_assert_eq!(block_on(key().verify(message, &mac[..31])), Ok(false));
    }
}

//! Whatever comes in, reading and folding it gives an answer: no panic, every error one line, nothing lost uncounted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use sesame_diagnosis::input::{self, Input};
use sesame_diagnosis::{address, fold, message};

static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/events");
    let mut paths: Vec<PathBuf> = ["forms", "identities", "parameters"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_str().unwrap().ends_with(".expected.json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
});

/// Reads, folds, and checks what holds of every input.
fn check(bytes: &[u8]) -> Input {
    let input = input::read(bytes, "events");
    assert_eq!(input, input::read(bytes, "events"), "the same bytes give the same answer");
    for error in &input.errors {
        let line = error.to_string();
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.starts_with("events: "), "{line}");
        assert!(!line.ends_with('.'), "{line}");
    }
    let counted: u64 = fold::fold(input.denials.clone()).iter().map(|incident| incident.count).sum();
    assert!(counted <= input.denials.len() as u64);
    assert!(
        !input.denials.is_empty() || !input.errors.is_empty() || input.skipped.total() > 0 || is_empty_list(bytes),
        "something came of it"
    );
    input
}

/// A list of nothing, or a log subscription's control message, rightly gives nothing.
fn is_empty_list(bytes: &[u8]) -> bool {
    // UTF-16 has a zero beside every letter.
    let text: String = bytes.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    text.contains('[') || text.contains("awslogs") || bytes.starts_with(&[0x1f, 0x8b])
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("HIDDEN_DUE_TO_SECURITY_REASONS")),
        Just(json!("ses.amazonaws.com")),
        Just(json!("SendEmail")),
        Just(json!("AccessDenied")),
        Just(json!("arn:aws:sts::111122223333:assumed-role/a/b")),
        Just(json!("{\"message\":\"Access denied\"}")),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "Records",
            "detail",
            "detail-type",
            "body",
            "awslogs",
            "data",
            "logEvents",
            "message",
            "time",
            "region",
            "eventName",
            "eventSource",
            "eventVersion",
            "errorCode",
            "errorMessage",
            "userIdentity",
            "type",
            "arn",
            "accountId",
            "sessionContext",
            "sessionIssuer",
            "requestParameters",
            "content",
            "raw",
            "template",
            "destination",
            "toAddresses",
            "bulkEmailEntries",
            "resources",
            "ARN",
            "tlsDetails",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::hash_map(key.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Puts `value` in place of the value at some place of `json`.
fn put(json: &mut Value, mut place: usize, value: &Value) {
    match json {
        Value::Array(values) if !values.is_empty() => {
            let count = values.len();
            match values.get_mut(place % (count + 1)) {
                Some(inner) => put(inner, place / (count + 1), value),
                None => *json = value.clone(),
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            let count = fields.len();
            let index = place % (count + 1);
            place /= count + 1;
            match fields.values_mut().nth(index) {
                Some(inner) => put(inner, place, value),
                None => *json = value.clone(),
            }
        }
        _ => *json = value.clone(),
    }
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(256))]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn any_bytes_after_a_mark_are_answered(
        mark in prop::sample::select(vec![&b"\x1f\x8b"[..], b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        check(&[mark, &bytes].concat());
    }

    #[test]
    fn any_json_is_answered(value in any_json()) {
        check(value.to_string().as_bytes());
    }

    #[test]
    fn fixtures_with_other_bytes_in_them_are_answered(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = which.get(FIXTURES.as_slice()).clone();
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        check(&bytes);
    }

    #[test]
    fn fixtures_with_other_values_in_them_are_answered(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<usize>(), any_json()), 1..4),
    ) {
        if let Ok(mut json) = serde_json::from_slice::<Value>(which.get(FIXTURES.as_slice()).as_slice()) {
            for (place, value) in edits {
                put(&mut json, place, &value);
            }
            check(json.to_string().as_bytes());
        }
    }

    #[test]
    fn any_text_is_parsed(text in "(\\PC|\n|`|'|\"|arn:|User|:| is not authorized to perform|on resource|because no |with an explicit deny in a){0,40}") {
        let parsed = message::parse(&text);
        for value in [&parsed.principal, &parsed.action, &parsed.resource, &parsed.policy_arn].into_iter().flatten() {
            prop_assert!(text.contains(value.as_str()), "{value} is not in the text");
        }
        message::refusal(&text);
        message::api(&text);
        input::read_message(&text, None, None);
    }

    #[test]
    fn any_text_gives_addresses_that_are_addresses(text in "(\\PC|<|>|,|\"|\\(|\\)|\\\\|@|=\\?utf-8\\?Q\\?|\\?=|:|;){0,40}") {
        for mailbox in address::parse_list(&text) {
            let (local, domain) = mailbox.address.rsplit_once('@').unwrap();
            prop_assert!(!local.is_empty() && !domain.is_empty());
            prop_assert!(mailbox.display_name.is_none_or(|name| !name.is_empty()));
            prop_assert_eq!(address::parse(&mailbox.address).map(|again| again.address), Some(mailbox.address));
        }
    }

    #[test]
    fn a_plain_address_is_read_as_written(
        local in "[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,20}",
        domain in "[A-Za-z0-9.-]{1,20}",
        name in "[A-Za-z0-9 ,.@<>()\\\\\"]{0,16}",
    ) {
        let address = format!("{local}@{domain}");
        let quoted: String = name.chars().flat_map(|c| ['\\', c]).collect();
        let mailbox = address::parse(&format!("\"{quoted}\" <{address}>")).unwrap();
        prop_assert_eq!(mailbox.address, address);
        prop_assert_eq!(mailbox.display_name.unwrap_or_default(), name.trim());
    }
}

#[test]
fn every_fixture_is_answered_alike_in_any_wrapping() {
    for bytes in FIXTURES.iter().filter(|bytes| !bytes.starts_with(&[0x1f, 0x8b])) {
        let plain = check(bytes);
        let text = std::str::from_utf8(bytes).unwrap();

        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        assert_eq!(check(&encoder.finish().unwrap()), plain, "gzipped");

        assert_eq!(check(&[b"\xef\xbb\xbf", bytes.as_slice()].concat()), plain, "after a byte order mark");
        let units = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
        assert_eq!(check(&[vec![0xff, 0xfe], units(u16::to_le_bytes)].concat()), plain, "as UTF-16");
        assert_eq!(check(&[vec![0xfe, 0xff], units(u16::to_be_bytes)].concat()), plain, "as big-endian UTF-16");
        assert_eq!(check(&text.replace('\n', "\r\n").into_bytes()), plain, "with the other line ends");
        assert_eq!(check(format!("{}\n \t\n", text.trim_end()).as_bytes()), plain, "with blanks after it");
    }
}

#[test]
fn a_list_and_lines_of_documents_give_what_the_documents_give() {
    let documents: Vec<Value> = FIXTURES.iter().filter_map(|bytes| serde_json::from_slice(bytes).ok()).collect();
    assert!(documents.len() > 40);
    let mut expected = Input::default();
    for document in &documents {
        expected.append(check(document.to_string().as_bytes()));
    }
    let lines: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let pretty: Vec<String> = documents.iter().map(|document| format!("{document:#}")).collect();
    for text in [lines.join("\n"), pretty.join("\n"), format!("[{}]", lines.join(","))] {
        let found = check(text.as_bytes());
        assert_eq!((&found.denials, &found.skipped), (&expected.denials, &expected.skipped));
        assert_eq!(found.errors.len(), expected.errors.len());
    }
}

#[test]
fn the_messages_of_a_batch_can_be_read_each_by_itself() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/events/forms/sqs-batch.json");
    let bytes = std::fs::read(path).unwrap();
    let messages = input::queue_messages(&bytes).unwrap();
    let counts: Vec<(usize, usize)> = messages
        .iter()
        .map(|message| input::read(message.body.as_bytes(), message.message_id.as_deref().unwrap()))
        .map(|input| (input.denials.len(), input.errors.len()))
        .collect();
    assert_eq!(counts, [(1, 0), (0, 1), (1, 0)]);
    assert_eq!(input::queue_messages(b"{\"Records\":[{\"eventName\":\"SendEmail\"}]}"), None);
    assert_eq!(input::queue_messages(b"{}"), None);
}

#[test]
fn empty_input_is_an_error_that_says_what_was_expected() {
    for bytes in [&b""[..], b"\n \t", b"\xef\xbb\xbf", b"\xff\xfe"] {
        let input = check(bytes);
        assert_eq!(input.errors.len(), 1);
        assert!(input.errors[0].to_string().starts_with("events: the input is empty: expected an EventBridge event"));
    }
}

#[test]
fn lists_in_lists_and_deep_values_are_errors() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(check(deep.as_bytes()).errors.len(), 1);
    let nested = format!("{{\"detail\":{}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(check(nested.as_bytes()).errors.len(), 1);
    let mut body = String::from("{\"message\":\"Access denied\"}");
    for _ in 0..6 {
        body = json!({ "body": body }).to_string();
    }
    assert_eq!(check(body.as_bytes()).errors.len(), 1);
}

#[test]
fn a_flood_of_errors_is_counted_and_not_kept() {
    let records = vec!["{}"; 1000].join(",");
    let input = check(format!("{{\"Records\":[{records}]}}").as_bytes());
    assert_eq!((input.errors.len(), input.errors_left_out), (100, 900));
}

#[test]
fn control_characters_do_not_get_into_an_error_line() {
    let input = input::read(b"\x1b[31mred", "ev\nil\x1b");
    assert_eq!(input.errors[0].to_string(), "ev\\nil\\u{1b}: line 1: expected JSON, found `\\u{1b}[31mred`");
}

//! The real binary before a runtime API made here: it starts, answers a batch, and says what is wrong with an event.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "../../../shared/lambda/tests/function/mod.rs"]
mod function;

use function::{Function, read_by, told_by_the_template, without_environment};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_diagnose");
/// Nothing listens there: what these events need must not need AWS.
const NO_AWS: &str = "http://127.0.0.1:9";

#[test]
fn a_batch_that_holds_no_refused_send_succeeds_without_aws() {
    let sent = json!({"eventSource": "ses.amazonaws.com", "eventName": "SendEmail", "eventVersion": "1.11"});
    let batch = json!({"Records": [{"messageId": "m1", "body": sent.to_string()}]});
    assert_eq!(
        Function::start(BINARY, NO_AWS).invoke(&batch),
        ("response".to_owned(), json!({"batchItemFailures": []}))
    );
}

#[test]
fn a_message_that_can_neither_be_read_nor_put_aside_comes_again() {
    let batch = json!({"Records": [{"messageId": "m1", "body": "{nonsense"}]});
    let answer = json!({"batchItemFailures": [{"itemIdentifier": "m1"}]});
    assert_eq!(Function::start(BINARY, NO_AWS).invoke(&batch), ("response".to_owned(), answer));
}

#[test]
fn an_event_that_cannot_be_read_is_an_error_with_a_stable_type() {
    let (kind, body) = Function::start(BINARY, NO_AWS).invoke(&json!({"hello": "world"}));
    assert_eq!(kind, "error");
    assert_eq!(body.get("errorType"), Some(&json!("Sesame.Input")));
}

#[test]
fn a_function_without_its_environment_says_what_is_missing_and_ends() {
    let said = without_environment(BINARY);
    assert!(said.contains("SESAME_TABLE") && said.contains("SESAME_TOPIC"), "{said}");
}

#[test]
fn it_reads_what_the_template_tells_it_and_nothing_else() {
    assert_eq!(read_by(BINARY), told_by_the_template("Diagnose"));
}

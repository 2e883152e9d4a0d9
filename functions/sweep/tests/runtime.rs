//! The real binary before a runtime API and an AWS made here: it sweeps, and says what is missing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

#[path = "../../../shared/lambda/tests/function/mod.rs"]
mod function;
#[allow(dead_code, reason = "this file uses its part")]
#[path = "../../../shared/aws/tests/fake/server.rs"]
mod server;

use function::{Function, read_by, told_by_the_template, without_environment};
use serde_json::json;
use server::{FakeAws, json as answer, json_error};

const BINARY: &str = env!("CARGO_BIN_EXE_sweep");

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_table_is_swept_in_a_moment() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "Query" => answer(&json!({"Items": []})),
        other => panic!("{other}"),
    })
    .await;
    let url = aws.url();
    let swept = tokio::task::spawn_blocking(move || Function::start(BINARY, &url).invoke(&json!({}))).await.unwrap();
    let nothing = json!({"told": [], "expired": [], "resumed": [], "quiet": [], "vanished": [], "failed": []});
    assert_eq!(swept, ("response".to_owned(), nothing));
    let indexes: Vec<String> =
        aws.calls().iter().map(|call| call.json().get("IndexName").unwrap().as_str().unwrap().to_owned()).collect();
    assert_eq!(indexes, ["due", "list", "list", "list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_read_is_an_error_with_a_stable_type() {
    let aws = FakeAws::start(|_| json_error(400, "AccessDeniedException")).await;
    let url = aws.url();
    let failed = tokio::task::spawn_blocking(move || Function::start(BINARY, &url).invoke(&json!({}))).await.unwrap();
    assert_eq!((failed.0.as_str(), failed.1.get("errorType")), ("error", Some(&json!("Sesame.AwsLasting"))));
}

#[test]
fn a_function_without_its_environment_says_what_is_missing_and_ends() {
    let said = without_environment(BINARY);
    assert!(said.contains("SESAME_TABLE") && said.contains("SESAME_TOPIC"), "{said}");
}

#[test]
fn it_reads_what_the_template_tells_it_and_nothing_else() {
    assert_eq!(read_by(BINARY), told_by_the_template("Sweep"));
}

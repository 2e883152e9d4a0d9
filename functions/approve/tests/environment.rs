//! The real binary without its environment.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

#[allow(dead_code, reason = "this file uses its part")]
#[path = "../../../shared/lambda/tests/function/mod.rs"]
mod function;

use function::{read_by, told_by_the_template, without_environment};

const BINARY: &str = env!("CARGO_BIN_EXE_approve");

#[test]
fn a_function_without_its_environment_says_all_that_is_missing_and_ends() {
    let said = without_environment(BINARY);
    for name in ["SESAME_TABLE", "SESAME_DECISION_KEY", "SESAME_LINK_SECRET", "SESAME_WEB_APPROVAL"] {
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn it_reads_what_the_template_tells_it_and_nothing_else() {
    assert_eq!(read_by(BINARY), told_by_the_template("Approve"));
}

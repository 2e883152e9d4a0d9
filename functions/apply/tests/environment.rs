//! The real binary without its environment.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::process::Command;

#[test]
fn a_function_without_its_environment_says_all_that_is_missing_and_ends() {
    let output = Command::new(env!("CARGO_BIN_EXE_apply")).env_clear().output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    for name in ["SESAME_TABLE", "SESAME_DECISION_KEY", "SESAME_REMEDIABLE_PRINCIPALS", "SESAME_GRANTS_A_DAY"] {
        assert!(said.contains(name), "{said}");
    }
}

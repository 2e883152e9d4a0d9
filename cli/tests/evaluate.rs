//! `sesame evaluate` as a filter: lines in, lines out, one by one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use common::sesame_with;
use serde_json::Value;

fn case(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","request":{{"principal":"anonymous","action":"ses:SendEmail","resource":"arn:aws:ses:us-east-1:111122223333:identity/example.com"}},"policies":{{}}}}"#
    )
}

#[test]
fn each_line_is_answered_in_its_turn_whatever_its_ends() {
    let input = format!("\u{feff}{}\r\n\n   \r\n{{\n{}\n\u{feff}{}\n{}", case("a"), case("b"), case("c"), case("d"));
    let run = sesame_with(&["evaluate", "--cases", "-"], input.as_bytes());
    assert_eq!(run.status, 1, "some lines are no cases");
    let answers: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<Option<&str>> = answers.iter().map(|answer| answer["id"].as_str()).collect();
    // A byte order mark stands at the beginning of a file, nowhere else.
    assert_eq!(ids, [Some("a"), None, Some("b"), None, Some("d")]);
    assert_eq!(run.stderr, "");
}

#[test]
fn bytes_that_are_no_text_are_an_answer_too() {
    let mut input = b"{\"id\":\"\xff\"}\n".to_vec();
    input.extend(case("next").bytes());
    let run = sesame_with(&["evaluate", "--cases", "-"], &input);
    let answers: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["error"]["message"], "expected UTF-8 text");
    assert_eq!((run.status, answers[1]["decision"].as_str()), (1, Some("ImplicitDeny")));
}

#[test]
fn an_answer_does_not_wait_for_the_next_case() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sesame"))
        .args(["evaluate", "--cases", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for id in ["one", "two", "three"] {
        writeln!(input, "{}", case(id)).unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(input);
    assert!(answers.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn nothing_in_is_nothing_out() {
    let run = sesame_with(&["evaluate", "--cases", "-"], b"");
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
}

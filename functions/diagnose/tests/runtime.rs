//! The real binary before a runtime API made here: it starts, answers a batch, and says what is wrong with an event.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A running function. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
struct Function {
    process: Child,
    api: TcpListener,
}

impl Function {
    fn start() -> Function {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let variables = [
            ("AWS_LAMBDA_RUNTIME_API", api.local_addr().unwrap().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "diagnose".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "none".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "none".to_owned()),
            // Nothing listens there: what these events need must not need AWS.
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
            ("SESAME_STACK", "sesame".to_owned()),
            ("SESAME_ACCOUNT", "111122223333".to_owned()),
            ("SESAME_TABLE", "findings".to_owned()),
            ("SESAME_TOPIC", "arn:aws:sns:eu-west-1:111122223333:topic".to_owned()),
            ("SESAME_DEAD_LETTERS", "http://127.0.0.1:9/dead".to_owned()),
            ("SESAME_OWN_ROLES", "arn:aws:iam::111122223333:role/diagnose".to_owned()),
        ];
        let command = &mut Command::new(env!("CARGO_BIN_EXE_diagnose"));
        let process = command.env_clear().envs(variables).stdout(Stdio::piped()).spawn().unwrap();
        Function { process, api }
    }

    /// Hands out one event; gives the kind of the answer (`response` or `error`) and its body.
    fn invoke(&self, event: &Value) -> (String, Value) {
        let event = event.to_string();
        loop {
            let (mut stream, _) = self.api.accept().unwrap();
            while let Some((line, body)) = request(&mut stream) {
                if line.starts_with("GET ") && line.contains("/invocation/next") {
                    let head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                                Lambda-Runtime-Deadline-Ms: 4102444800000\r\nContent-Length: ";
                    write!(stream, "{head}{}\r\n\r\n{event}", event.len()).unwrap();
                } else {
                    stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
                    let kind = line.split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
                    return (kind, serde_json::from_str(&body).unwrap());
                }
            }
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request's first line and body; `None` when the connection is over.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, String::from_utf8(body).unwrap()))
}

#[test]
fn a_batch_that_holds_no_refused_send_succeeds_without_aws() {
    let sent = json!({"eventSource": "ses.amazonaws.com", "eventName": "SendEmail", "eventVersion": "1.11"});
    let batch = json!({"Records": [{"messageId": "m1", "body": sent.to_string()}]});
    assert_eq!(Function::start().invoke(&batch), ("response".to_owned(), json!({"batchItemFailures": []})));
}

#[test]
fn a_message_that_can_neither_be_read_nor_put_aside_comes_again() {
    let batch = json!({"Records": [{"messageId": "m1", "body": "{nonsense"}]});
    let answer = json!({"batchItemFailures": [{"itemIdentifier": "m1"}]});
    assert_eq!(Function::start().invoke(&batch), ("response".to_owned(), answer));
}

#[test]
fn an_event_that_cannot_be_read_is_an_error_with_a_stable_type() {
    let (kind, body) = Function::start().invoke(&json!({"hello": "world"}));
    assert_eq!(kind, "error");
    assert_eq!(body.get("errorType"), Some(&json!("Sesame.Input")));
}

#[test]
fn a_function_without_its_environment_says_what_is_missing_and_ends() {
    let output = Command::new(env!("CARGO_BIN_EXE_diagnose")).env_clear().output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("SESAME_TABLE") && said.contains("SESAME_TOPIC"), "{said}");
}

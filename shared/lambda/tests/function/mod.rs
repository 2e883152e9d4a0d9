//! A function's real binary before a runtime API made here.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running function. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
pub struct Function {
    process: Child,
    api: TcpListener,
}

impl Function {
    /// Starts it in the environment of the template. Nothing answers at `aws` unless a test lets something.
    pub fn start(binary: &str, aws: &str) -> Function {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let variables = [
            ("AWS_LAMBDA_RUNTIME_API", api.local_addr().unwrap().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "function".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "none".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "none".to_owned()),
            ("AWS_ENDPOINT_URL", aws.to_owned()),
            ("SESAME_STACK", "sesame".to_owned()),
            ("SESAME_ACCOUNT", "111122223333".to_owned()),
            ("SESAME_TABLE", "findings".to_owned()),
            ("SESAME_TOPIC", "arn:aws:sns:eu-west-1:111122223333:topic".to_owned()),
            ("SESAME_DEAD_LETTERS", format!("{aws}/dead")),
            ("SESAME_OWN_ROLES", "arn:aws:iam::111122223333:role/diagnose".to_owned()),
            ("SESAME_READ_ROLE_NAME", "sesame-read".to_owned()),
            ("SESAME_READ_ROLE_ACCOUNTS", "none".to_owned()),
            ("SESAME_APPLY_ROLE_ACCOUNTS", "none".to_owned()),
        ];
        let command = &mut Command::new(binary);
        let process = command.env_clear().envs(variables).stdout(Stdio::piped()).spawn().unwrap();
        Function { process, api }
    }

    /// Hands out one event; gives the kind of the answer (`response` or `error`) and its body.
    pub fn invoke(&self, event: &Value) -> (String, Value) {
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

/// What a binary says that is started without its environment; it must end, and not well.
pub fn without_environment(binary: &str) -> String {
    ended(Command::new(binary).env_clear())
}

fn ended(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap()
}

/// The variables that a binary reads: it names all that are wrong, and here all are. Those that need not be set are.
pub fn read_by(binary: &str) -> BTreeSet<String> {
    let optional = [("SESAME_APPROVAL_URL", "?"), ("SESAME_APPROVALS_NEEDED", "?")];
    let said = ended(Command::new(binary).env_clear().envs(optional));
    let parts = said.split("environment variable `").skip(1);
    parts.filter_map(|part| Some(part.split_once('`')?.0.to_owned())).collect()
}

/// The variables that template.yaml sets for a function, by the name of its resource.
pub fn told_by_the_template(function: &str) -> BTreeSet<String> {
    let template = include_str!("../../../../template.yaml");
    let resource = template.split(&format!("\n  {function}:\n")).nth(1).expect("the function is in the template");
    let lines = resource.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    let names = lines.filter_map(|line| line.trim().split_once(':').map(|(name, _)| name));
    names.filter(|name| name.starts_with("SESAME_")).map(str::to_owned).collect()
}

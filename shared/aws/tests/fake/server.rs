//! A scripted AWS on a loopback port: answers by operation, and remembers what was asked. It stands in for the wire forms
//! that the emulators get wrong or lack (faults, paging, URL-encoded documents).

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One call as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `iam`, `ses`, `organizations`, `dynamodb`, `sns`, `sqs`: the name that it is signed for.
    pub service: String,
    /// `GetUser`; for SES, which names no operation, `GET /v2/email/account`.
    pub operation: String,
    /// The Region that it is signed for.
    pub region: String,
    /// The access key that it is signed with.
    pub access_key: String,
    /// The body: form fields (IAM, SNS) or JSON.
    pub body: String,
}

impl Call {
    /// The value of a form field.
    pub fn field(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        let value = self.body.split('&').find_map(|pair| pair.strip_prefix(&prefix))?;
        Some(percent_encoding::percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
    }
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// An answer: status and body, or none at all.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Status, body.
    Body(u16, String),
    /// The connection stays open and silent.
    Silence,
}

/// `<GetUserResponse><GetUserResult>…`, as the Query protocol has it.
pub fn query(operation: &str, result: &str) -> Answer {
    let body = format!("<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>");
    Answer::Body(200, body)
}

/// The credentials of a role, for as long as `until` says.
pub fn entered(access_key: &str, until: &str) -> Answer {
    let credentials = format!(
        "<Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token</SessionToken><Expiration>{until}</Expiration></Credentials>"
    );
    query("AssumeRole", &credentials)
}

/// An error of the Query protocol.
pub fn query_error(status: u16, code: &str) -> Answer {
    let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>");
    Answer::Body(status, body)
}

/// A JSON answer.
pub fn json(value: &serde_json::Value) -> Answer {
    Answer::Body(200, value.to_string())
}

/// An error of the JSON protocols.
pub fn json_error(status: u16, code: &str) -> Answer {
    Answer::Body(status, serde_json::json!({"__type": code, "message": "no"}).to_string())
}

/// The server.
pub struct FakeAws {
    /// Its port.
    pub port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl FakeAws {
    /// Starts on a free port.
    pub async fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> FakeAws {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&calls), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &seen, answer.as_ref()).await });
            }
        });
        FakeAws { port, calls }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The operations, in order.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> usize {
        self.calls().iter().filter(|call| call.operation == operation).count()
    }
}

async fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Call>>, answer: &(impl Fn(&Call) -> Answer + ?Sized)) {
    let mut buffer = Vec::new();
    loop {
        let Some(call) = read(&mut stream, &mut buffer).await else { return };
        seen.lock().unwrap().push(call.clone());
        let (status, body) = match answer(&call) {
            Answer::Body(status, body) => (status, body),
            Answer::Silence => return std::future::pending().await,
        };
        let kind = if body.starts_with('<') { "text/xml" } else { "application/json" };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Call> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
            let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
            if buffer.len() >= end + 4 + length {
                let body = String::from_utf8(buffer[end + 4..end + 4 + length].to_vec()).unwrap();
                buffer.drain(..end + 4 + length);
                return Some(call(&head, body));
            }
        }
        let mut chunk = [0; 8192];
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => buffer.extend_from_slice(&chunk[..read]),
            _ => return None,
        }
    }
}

fn call(head: &str, body: String) -> Call {
    let authorization = header(head, "authorization").unwrap();
    let scope: Vec<&str> = authorization.split("Credential=").nth(1).unwrap().split('/').collect();
    let (access_key, region, service) = (scope[0].to_owned(), scope[2].to_owned(), scope[3].to_owned());
    let line = head.lines().next().unwrap();
    let operation = match header(head, "x-amz-target") {
        Some(target) => target.rsplit('.').next().unwrap().to_owned(),
        None => match body.strip_prefix("Action=") {
            Some(rest) => rest.split('&').next().unwrap().to_owned(),
            None => line.split(' ').take(2).collect::<Vec<_>>().join(" "),
        },
    };
    Call { service, operation, region, access_key, body }
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

//! A scripted AWS, and the binary as it meets it.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

use std::process::Command;
use std::sync::mpsc;

use crate::common::{Run, run};
pub use fake::{Answer, Call, FakeAws, json, json_error, query, query_error};

#[path = "../../../shared/aws/tests/fake/server.rs"]
mod fake;

/// Starts it in a thread of its own, for the life of the test.
pub fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> FakeAws {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            send.send(FakeAws::start(answer).await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receive.recv().unwrap()
}

/// `sesame` with nothing of this machine's AWS configuration.
pub fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sesame"));
    let home = env!("CARGO_TARGET_TMPDIR");
    command.args(arguments).env_clear().env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// `sesame` with credentials for a server on a loopback port.
pub fn with_credentials(port: u16, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

pub fn sesame_at(aws: &FakeAws, arguments: &[&str]) -> Run {
    run(&mut with_credentials(aws.port, arguments), b"")
}

//! `sesame` with hostile values in what it reads: nothing gets at a terminal, a page, a shell or a template.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod common;
#[path = "../../shared/render/tests/common/markup.rs"]
mod markup;

use std::fs;
use std::process::{Command, Stdio};

use common::serve::Server;
use common::{Folder, demo, event, sesame_with};
use markup::{hostile, is_our_markup, no_hidden_characters};
use serde_json::{Value, json};

/// A refused send of the demo with this text wherever an event holds text of others.
fn hostile_event(name: &str, text: &str) -> Value {
    let mut event: Value = serde_json::from_str(&fs::read_to_string(event(name)).unwrap()).unwrap();
    let detail = event.get_mut("detail").unwrap();
    detail["userAgent"] = json!(text);
    detail["sourceIPAddress"] = json!(text);
    detail["eventID"] = json!(format!("id-{text}"));
    let parameters = &mut detail["requestParameters"];
    if let Some(from) = parameters.get("fromEmailAddress").and_then(Value::as_str) {
        let domain = from.rsplit_once('@').unwrap().1.trim_end_matches('>').to_owned();
        parameters["fromEmailAddress"] = json!(format!("{text}@{domain}"));
    }
    parameters["emailTags"] = json!([{"name": text, "value": text}]);
    event
}

fn short(text: &str) -> String {
    format!("{text:?}").chars().take(80).collect()
}

#[test]
fn every_format_shows_it_as_text() {
    let lines: Vec<String> = hostile().iter().map(|text| hostile_event("02-from-address", text).to_string()).collect();
    // Folded they are one finding of twenty contexts; each by itself would be the same words ninety times.
    for lines in lines.chunks(8) {
        for format in ["text", "json", "html", "sns", "slack", "chat"] {
            let run = sesame_with(
                &["diagnose", "--event", "-", "--snapshot", &demo("snapshot"), "--format", format],
                lines.join("\n").as_bytes(),
            );
            no_hidden_characters(&run.stderr, format);
            no_hidden_characters(run.succeeded(), format);
            match format {
                "html" => is_our_markup(&run.stdout, format, &["#what"]),
                "text" => {
                    let links = run.stdout.replace("file:///dev/stdin", "").to_lowercase();
                    assert!(!["://", "www.", "mailto:"].iter().any(|sign| links.contains(sign)), "{}", run.stdout);
                }
                _ => assert!(serde_json::from_str::<Value>(&run.stdout).is_ok(), "{format}"),
            }
        }
    }
}

/// Runs a text in a shell where `aws` only swallows what it is given; whatever else it does would show.
fn runs_nothing_else(script: &str, what: &str) {
    let folder = Folder::new();
    let aws = folder.write("bin/aws", "#!/bin/sh\ncat >/dev/null\n");
    assert!(Command::new("chmod").args(["+x", &aws]).status().unwrap().success());
    fs::create_dir_all(folder.path().join("here")).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.file("bin"));
    let run = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", script])
        .current_dir(folder.path().join("here"))
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{what}: {stderr}\n{script}");
    assert_eq!(stderr, "", "{what}: {script}");
    assert_eq!(fs::read_dir(folder.path().join("here")).unwrap().count(), 0, "{what} left something behind:\n{script}");
}

#[test]
fn commands_run_nothing_but_the_aws_cli_and_fragments_stay_whole() {
    let (mut commands, mut fragments, mut armed) = (0, 0, 0);
    for text in hostile() {
        let what = short(&text);
        let event = hostile_event("02-from-address", &text).to_string();
        let run = sesame_with(
            &["diagnose", "--event", "-", "--snapshot", &demo("snapshot"), "--format", "json"],
            event.as_bytes(),
        );
        let finding: Value = serde_json::from_str(run.succeeded()).unwrap();
        for remedy in finding["remedies"].as_array().unwrap() {
            for command in ["awsCli", "undo"] {
                let script = remedy["commands"][command].as_str().unwrap();
                runs_nothing_else(script, &what);
                commands += 1;
                armed += usize::from(script.contains("canary"));
            }
            if let Some(terraform) = remedy["commands"]["terraform"].as_str() {
                assert!(hcl::parse(terraform).is_ok(), "{what}: {terraform}");
                fragments += 1;
            }
        }
    }
    // An address with a line break in it is none, and proposes nothing.
    assert!(commands >= 150 && fragments >= 75, "{commands} commands, {fragments} fragments");
    assert!(armed >= 5, "{armed} of them with something to run");
}

#[test]
fn what_is_served_is_text_too() {
    let snapshot = Folder::snapshot();
    let mut server = Server::start(&snapshot, &[]);
    for text in hostile() {
        server.send(&format!("{}\n", hostile_event("02-from-address", &text)));
    }
    let mut link = server.line();
    // Every new source makes the link void and brings another; the last one is good.
    while let Some(next) = server.line_within(std::time::Duration::from_secs(3)) {
        link = next;
    }
    no_hidden_characters(link["subject"].as_str().unwrap(), "the subject");
    let visit = server.open(link["link"].as_str().unwrap());
    let page = server.get(&visit);
    let prefix = &visit.path;
    is_our_markup(&page.body, "the page", &["#what", "#decide", prefix]);
    assert!(page.body.contains("id=\"decide\""), "the last link decides");
    for entry in fs::read_dir(server.out().join("outbox")).unwrap() {
        let mail = fs::read_to_string(entry.unwrap().path()).unwrap();
        no_hidden_characters(&mail, "a message");
        assert_eq!(mail.lines().filter(|line| line.starts_with("Decide:")).count(), 1, "{mail}");
    }
    let (status, stderr) = server.stop();
    assert_eq!(status, Some(0));
    no_hidden_characters(&stderr, "standard error");
}

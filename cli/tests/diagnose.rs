//! `sesame diagnose`, `check`, `replay` and `evaluate`: what goes where, and with which status they end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{Folder, NOW, Run, demo, event, sesame, sesame_with};
use serde_json::{Value, json};

const MESSAGE: &str = "User `arn:aws:iam::111122223333:user/smtp/smtp-printer' is not authorized to perform `ses:SendRawEmail' on \
                       resource `arn:aws:ses:eu-west-1:111122223333:identity/office.shop.example'";

#[test]
fn one_finding_is_pretty_and_several_are_lines() {
    let snapshot = demo("snapshot");
    let one = sesame(&["diagnose", "--event", &event("01-no-allow"), "--snapshot", &snapshot, "--format", "json"]);
    assert!(one.succeeded().starts_with("{\n"));
    assert_eq!(one.json()["outcome"], "denied");
    assert_eq!(one.stderr, "");

    let lines = ["01-no-allow", "02-from-address"].map(|name| std::fs::read_to_string(event(name)).unwrap());
    let lines = lines.map(|text| serde_json::from_str::<Value>(&text).unwrap().to_string()).join("\n");
    let two = sesame_with(&["diagnose", "--event", "-", "--snapshot", &snapshot, "--format", "json"], lines.as_bytes());
    let findings: Vec<Value> = two.succeeded().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| finding["schema"] == "sesame.finding/v1"));
}

#[test]
fn every_format_prints_something_of_its_kind() {
    let (event, snapshot) = (event("02-from-address"), demo("snapshot"));
    let run = |format: &str| {
        let run = sesame(&["diagnose", "--event", &event, "--snapshot", &snapshot, "--format", format, "--now", NOW]);
        run.succeeded().to_owned()
    };
    assert!(run("text").contains("WHY (proven)"));
    assert!(!run("text").contains('\u{1b}'), "no colours into a pipe");
    assert!(run("html").starts_with("<!doctype html>"));
    let json = |format: &str| serde_json::from_str::<Value>(&run(format)).unwrap();
    assert!(json("sns")["Message"]["email"].is_string());
    assert!(json("slack")["blocks"].is_array());
    assert_eq!(json("chat")["source"], "custom");
}

#[test]
fn input_that_cannot_be_read_is_status_1() {
    let folder = Folder::new();
    let snapshot = demo("snapshot");
    let run = |path: &str| sesame(&["diagnose", "--event", path, "--snapshot", &snapshot]);
    let nowhere = folder.file("nowhere.json");
    assert_eq!(run(&nowhere).failed(1), format!("{nowhere}: expected a file, found none"));
    let here = folder.text();
    assert_eq!(run(&here).failed(1), format!("{here}: expected a file, found a folder"));
    let broken = folder.write("broken.json", "{\"detail\": {");
    assert!(run(&broken).failed(1).starts_with(&broken));
    let unknown = folder.write("unknown.json", "{\"something\": \"else\"}");
    assert!(run(&unknown).failed(1).starts_with(&unknown));
}

#[test]
fn a_bad_line_is_told_with_its_number_and_the_others_go_on() {
    let good = serde_json::from_str::<Value>(&std::fs::read_to_string(event("01-no-allow")).unwrap()).unwrap();
    let lines = format!("{good}\n{{\"broken\n{good}\n");
    let run = sesame_with(
        &["diagnose", "--event", "-", "--snapshot", &demo("snapshot"), "--format", "json"],
        lines.as_bytes(),
    );
    assert!(run.failed(1).contains("line 2"), "{}", run.stderr);
    assert_eq!(run.json()["outcome"], "denied");
}

#[test]
fn what_is_no_refused_send_is_counted() {
    let folder = Folder::new();
    let text = std::fs::read_to_string(event("01-no-allow")).unwrap();
    let other = folder.write("s3.json", &text.replace("ses.amazonaws.com", "s3.amazonaws.com"));
    let run = sesame(&["diagnose", "--event", &other, "--snapshot", &demo("snapshot")]);
    assert_eq!((run.succeeded(), run.stderr.lines().count()), ("", 1));
    assert!(run.stderr.contains("no refused SES send: skipped 1 record"), "{}", run.stderr);
}

#[test]
fn a_snapshot_that_cannot_be_read_is_status_3() {
    let event = event("01-no-allow");
    let run = |snapshot: &str| sesame(&["diagnose", "--event", &event, "--snapshot", snapshot]);
    let folder = Folder::snapshot();
    let nowhere = folder.file("nowhere");
    assert_eq!(run(&nowhere).failed(3), format!("{nowhere}: expected a file or folder here, found none"));

    folder.write("accounts/111122223333/iam.json", "{\"UserDetailList\": 7}");
    let file = folder.file("accounts/111122223333/iam.json");
    assert_eq!(run(&folder.text()).failed(3), format!("{file}: /UserDetailList: expected a list, found a number"));
    folder.write("accounts/111122223333/iam.json", "{\"UserDetailList\": [");
    assert!(run(&folder.text()).failed(3).starts_with(&format!("{file}: line 1 column ")));
}

#[test]
fn only_a_broken_policy_that_bears_on_the_request_is_status_3() {
    let event = event("01-no-allow");
    let file = "accounts/111122223333/iam.json";
    // A policy of the role that was refused, and one of another.
    let folder = Folder::snapshot();
    folder.replace(
        file,
        "\"Sid\": \"Table\",\n                \"Effect\": \"Allow\"",
        "\"Sid\": \"Table\",\n                \"Effect\": \"Maybe\"",
    );
    let run = sesame(&["diagnose", "--event", &event, "--snapshot", &folder.text()]);
    let error = run.failed(3);
    assert!(error.contains("iam.json#/RoleDetailList/0/RolePolicyList/0/PolicyDocument"), "{error}");
    assert!(error.contains("/Statement/0/Effect"), "{error}");
    assert_eq!(run.stdout, "");

    let folder = Folder::snapshot();
    folder.replace(
        file,
        "\"Sid\": \"SendNews\",\n                \"Effect\": \"Allow\"",
        "\"Sid\": \"SendNews\",\n                \"Effect\": \"Maybe\"",
    );
    sesame(&["diagnose", "--event", &event, "--snapshot", &folder.text()]).succeeded();
}

#[test]
fn wrong_usage_is_status_2() {
    let snapshot = demo("snapshot");
    let event = event("01-no-allow");
    for arguments in [
        vec![],
        vec!["nonsense"],
        vec!["diagnose"],
        vec!["diagnose", "--event", &event, "--message", "x"],
        vec!["diagnose", "--event", &event, "--format", "pdf"],
        vec!["diagnose", "--event", &event, "--snapshot", &snapshot, "--live"],
        vec!["apply", "--snapshot", &snapshot],
        vec!["apply", "--rollback", "r.json", "--remedy", "r1", "--snapshot", &snapshot],
        vec!["check", "--principal", "nobody", "--from", "a@example.com", "--snapshot", &snapshot],
        vec![
            "check",
            "--principal",
            "arn:aws:iam::111122223333:user/a",
            "--from",
            "example.com",
            "--snapshot",
            &snapshot,
        ],
        vec!["evaluate"],
        vec!["replay"],
    ] {
        let run = sesame(&arguments);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!run.stderr.is_empty());
    }
}

#[cfg(not(feature = "aws"))]
#[test]
fn what_needs_aws_names_the_build_that_has_it() {
    let folder = Folder::new();
    let captured = folder.file("captured");
    let event = event("01-no-allow");
    for arguments in [
        vec!["diagnose", "--event", &event, "--live"],
        vec!["diagnose", "--message", MESSAGE, "--live"],
        vec!["check", "--principal", "arn:aws:iam::111122223333:user/a", "--from", "a@example.com", "--live"],
        vec!["replay", &event, "--live"],
        vec!["snapshot", "--out", "somewhere"],
        vec!["capture", "--queue", "https://example.com/q", "--out", &captured],
        vec!["list"],
        vec!["show", "f-1"],
        vec!["approve", "f-1", "--bridge", "7d"],
        vec!["reject", "f-1"],
        vec!["mute", "f-1", "--for", "4w"],
        vec!["rollback", "f-1", "--yes"],
        vec!["grants"],
        vec!["revoke", "f-1"],
        vec!["doctor"],
    ] {
        let run = sesame(&arguments);
        let error = run.failed(2);
        assert!(error.ends_with("needs a build with AWS in it: cargo install --path cli --features aws"), "{error}");
    }
}

#[test]
fn a_message_alone_is_enough_to_begin_with() {
    let bare = sesame(&["diagnose", "--message", MESSAGE, "--format", "json"]);
    bare.succeeded();
    let finding = bare.json();
    assert_eq!(finding["provenance"], "text");
    assert_eq!(finding["causes"], serde_json::json!([]));
    assert!(finding["hints"].as_array().unwrap().iter().any(|hint| hint["kind"] == "more-needed"));

    let with = sesame(&["diagnose", "--message", MESSAGE, "--snapshot", &demo("snapshot"), "--format", "json"]);
    assert_eq!((with.json()["outcome"].as_str(), with.status), (Some("denied"), 0));

    let smtp = sesame(&["diagnose", "--message", "535 Authentication Credentials Invalid", "--format", "json"]);
    assert_eq!((smtp.json()["outcome"].as_str(), smtp.status), (Some("not-authorization"), 0));
}

#[test]
fn an_account_that_is_not_in_the_snapshot_is_no_error() {
    let folder = Folder::snapshot();
    std::fs::remove_dir_all(folder.path().join("accounts/111122223333")).unwrap();
    let run = sesame(&["diagnose", "--event", &event("01-no-allow"), "--snapshot", &folder.text(), "--format", "json"]);
    assert_eq!((run.json()["outcome"].as_str(), run.status), (Some("undetermined"), 0));
}

#[test]
fn names_from_outside_do_not_reach_the_terminal() {
    let run = sesame(&["diagnose", "--event", "no\u{1b}[31m\nsuch.json"]);
    assert_eq!(run.failed(1), "no\\u{1b}[31m\\nsuch.json: expected a file, found none");
}

/// Would the demo's newsletter role be allowed to send from this address?
fn check(from: &str, further: [&str; 2]) -> Run {
    let principal = "arn:aws:iam::111122223333:role/app/newsletter";
    let asked = ["check", "--principal", principal, "--from", from, "--region", "eu-west-1"];
    sesame(&[&asked[..], &["--snapshot", &demo("snapshot")], &further].concat())
}

#[test]
fn check_says_whether_a_send_would_be_allowed() {
    let outcome = |from: &str| {
        let run = check(from, ["--format", "json"]);
        run.succeeded();
        run.json()["outcome"].clone()
    };
    assert_eq!(outcome("news@news.shop.example"), "allowed-now");
    assert_eq!(outcome("other@news.shop.example"), "denied");
}

/// Nothing was refused, so nothing can be inferred from a refusal: what the command line leaves out is not known.
#[test]
fn check_says_on_what_the_answer_turns() {
    let folder = Folder::new();
    let snapshot = folder.file("snapshot");
    let ses = format!("{snapshot}/accounts/111122223333/ses");
    std::fs::create_dir_all(&ses).unwrap();
    let statement = |effect: &str, condition: Value| json!({ "Effect": effect, "Action": "ses:Send*", "Resource": "*", "Condition": condition });
    let document = json!({ "Version": "2012-10-17", "Statement": [
        statement("Allow", json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } })),
        statement("Deny", json!({ "ForAnyValue:StringLike": { "ses:Recipients": "*@rival.example" } })) ] });
    let user = json!({ "UserName": "mailer", "UserId": "AIDAEXAMPLE", "Arn": "arn:aws:iam::111122223333:user/mailer", "Path": "/", "GroupList": [],
        "AttachedManagedPolicies": [], "UserPolicyList": [{ "PolicyName": "Send", "PolicyDocument": document }] });
    let iam = json!({ "UserDetailList": [user], "GroupDetailList": [], "RoleDetailList": [], "Policies": [] });
    let identities = json!({ "Account": {}, "Identities": { "example.com": { "IdentityType": "DOMAIN", "VerifiedForSendingStatus": true, "Policies": {} } },
        "ConfigurationSets": [], "Templates": [] });
    std::fs::write(format!("{snapshot}/accounts/111122223333/iam.json"), iam.to_string()).unwrap();
    std::fs::write(format!("{ses}/us-east-1.json"), identities.to_string()).unwrap();
    std::fs::write(format!("{snapshot}/organization.json"), r#"{"NotInOrganization":true}"#).unwrap();
    let principal = "arn:aws:iam::111122223333:user/mailer";
    let run = |more: &[&str]| {
        let fixed = ["check", "--principal", principal, "--from", "a@example.com", "--snapshot", snapshot.as_str()];
        sesame(&[&fixed, more].concat()).succeeded().to_owned()
    };
    let open = run(&[]);
    assert!(open.starts_with("not known\nUser `mailer` of account 111122223333 may be refused "), "{open}");
    assert!(open.contains("With `--to` the answer is sure. With `--source-ip` the answer is sure."), "{open}");
    assert!(!open.contains("record") && !open.to_lowercase().contains("inferred"), "{open}");
    let sure = ["--source-ip", "203.0.113.9", "--to", "ann@example.net"];
    assert!(run(&sure).starts_with("allowed\n"));
    let raw = run(&[&sure[..], &["--raw"]].concat());
    assert!(raw.starts_with("allowed\n") && raw.contains("`ses:SendRawEmail`"), "{raw}");
    assert!(run(&["--source-ip", "203.0.113.9", "--to", "ann@rival.example"]).starts_with("refused\n"));
    assert!(run(&["--source-ip", "198.51.100.7", "--to", "ann@example.net"]).starts_with("refused\n"));
}

#[test]
fn replay_folds_archives_into_a_table_and_a_page() {
    let folder = Folder::new();
    let html = folder.file("report.html");
    let run = sesame(&["replay", &demo("events"), "--snapshot", &demo("snapshot"), "--html", &html, "--now", NOW]);
    assert_eq!(run.succeeded().lines().count(), 12, "a head and eleven findings:\n{}", run.stdout);
    assert!(run.stdout.lines().any(|line| line.trim_start().starts_with("24 ")), "{}", run.stdout);
    assert!(std::fs::read_to_string(html).unwrap().contains("<svg"));
}

#[test]
fn replay_reads_what_cloudwatch_logs_exports() {
    let folder = Folder::new();
    std::fs::copy(event("01-no-allow"), folder.file("000000.gz")).unwrap();
    let run = sesame(&["replay", &folder.text(), "--snapshot", &demo("snapshot"), "--now", NOW]);
    assert_eq!(run.succeeded().lines().count(), 2, "a head and a finding:\n{}", run.stdout);
}

/// One folder that cannot be read keeps nothing of the others back.
#[test]
fn replay_passes_over_a_folder_that_cannot_be_read() {
    let folder = Folder::new();
    std::fs::copy(event("01-no-allow"), folder.file("event.json")).unwrap();
    // Deeper than a path may be long: not even root reads it by its path.
    let deep = "name=$(printf '%0200d' 0); i=0; while [ $i -lt 24 ]; do mkdir $name && cd -P $name || exit 1; i=$((i+1)); done";
    let made = std::process::Command::new("bash").args(["-c", deep]).current_dir(folder.path()).status().unwrap();
    assert!(made.success());
    let run = sesame(&["replay", &folder.text(), "--snapshot", &demo("snapshot"), "--now", NOW]);
    assert_eq!((run.status, run.stdout.lines().count()), (1, 2), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("1 file read, 1 folder could not be; skipped no records"), "{}", run.stderr);
}

/// The identity is allowed here, and the configuration set is what would be refused.
#[test]
fn check_names_what_would_be_refused() {
    let run = check("News <news@news.shop.example>", ["--configuration-set", "nowhere"]);
    let told = "would be refused `ses:SendEmail` on configuration set `nowhere` in eu-west-1.";
    assert!(run.succeeded().contains(told), "{}", run.stdout);
}

#[test]
fn evaluate_answers_every_line_in_its_turn() {
    let case = r#"{"id":"yes","request":{"principal":"arn:aws:iam::111122223333:user/a","action":"ses:SendEmail","resource":"arn:aws:ses:us-east-1:111122223333:identity/example.com","context":{}},"policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ses:*","Resource":"*"}]}]}}"#;
    let good = sesame_with(&["evaluate", "--cases", "-"], format!("{case}\n\n{case}").as_bytes());
    let answers: Vec<Value> = good.succeeded().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((answers.len(), answers[1]["decision"].as_str()), (2, Some("Allowed")));

    let mut input = format!("{case}\n{{\"id\":\"broken\"}}\n").into_bytes();
    input.extend(b"\xff\xfe\n");
    input.extend(case.as_bytes());
    let mixed = sesame_with(&["evaluate", "--cases", "-"], &input);
    assert_eq!(mixed.status, 1);
    let answers: Vec<Value> = mixed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        answers.iter().map(|answer| answer["id"].as_str()).collect::<Vec<_>>(),
        [Some("yes"), Some("broken"), None, Some("yes")]
    );
    assert_eq!(answers[2]["error"]["message"], "expected UTF-8 text");

    let folder = Folder::new();
    let nowhere = folder.file("nowhere.jsonl");
    assert_eq!(sesame(&["evaluate", "--cases", &nowhere]).failed(1), format!("{nowhere}: expected a file, found none"));
}

#[test]
fn help_teaches_with_examples() {
    for command in ["diagnose", "check", "apply", "replay", "evaluate"] {
        let help = sesame(&[command, "--help"]);
        assert!(help.succeeded().contains(&format!("sesame {command} ")), "{command}");
    }
    assert!(sesame(&["--help"]).succeeded().contains("Exit status: 0 done, 1 "));
}

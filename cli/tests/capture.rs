//! `sesame capture`: what is kept of real events, and what they say about what is assumed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{Folder, sesame, sesame_with};
use serde_json::{Value, json};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/events").join(name).display().to_string()
}

fn files(out: &str) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn verdict<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["assumptions"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()
}

/// A refused v2 send as EventBridge would hand it on, if all assumptions hold.
fn event() -> Value {
    json!({
        "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ses", "account": "123456789012", "time": "2026-11-23T03:14:07Z", "region": "eu-west-1",
        "detail": {
            "eventVersion": "1.11", "eventTime": "2026-11-23T03:14:07Z", "eventSource": "ses.amazonaws.com",
            "eventName": "SendEmail", "awsRegion": "eu-west-1", "sourceIPAddress": "203.0.113.7", "userAgent": "Boto3/1.43",
            "userIdentity": {"type": "IAMUser", "principalId": "AIDAREALREALREAL", "accountId": "123456789012",
                "arn": "arn:aws:iam::123456789012:user/realname", "accessKeyId": "AKIAREALREALREAL", "userName": "realname"},
            "errorCode": "AccessDenied",
            "errorMessage": "User `arn:aws:iam::123456789012:user/realname' is not authorized to perform `ses:SendEmail' on \
                resource `arn:aws:ses:eu-west-1:123456789012:identity/realcorp.com'",
            "requestParameters": {"fromEmailAddress": "sales@realcorp.com",
                "destination": {"toAddresses": "HIDDEN_DUE_TO_SECURITY_REASONS"}, "content": "HIDDEN_DUE_TO_SECURITY_REASONS"},
            "eventID": "a4a4c1a6-3a1f-4e9f-9d0d-7f5b9c7f6c11", "eventType": "AwsApiCall", "managementEvent": false,
            "recipientAccountId": "123456789012", "eventCategory": "Data",
            "resources": [{"ARN": "arn:aws:ses:eu-west-1:123456789012:identity/realcorp.com"}]
        }
    })
}

fn capture(events: &[Value], out: &str) -> Value {
    let lines = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let run = sesame_with(&["capture", "--event", "-", "--out", out, "--format", "json"], lines.as_bytes());
    run.succeeded();
    run.json()
}

#[test]
fn an_event_as_it_is_assumed_bears_out_what_it_speaks_of() {
    let folder = Folder::new();
    let report = capture(&[event()], &folder.file("out"));
    for id in [
        "detail-type",
        "source",
        "data-event",
        "event-type",
        "error-code",
        "message-form",
        "no-reason",
        "resources",
        "from-in-clear",
        "recipients-hidden",
        "content-hidden",
        "generation",
        "read-by-sesame",
    ] {
        assert_eq!(verdict(&report, id)["verdict"], "holds", "{id}");
    }
    for id in ["owner-copy", "smtp-action", "template-action", "role-issuer"] {
        assert_eq!(verdict(&report, id)["verdict"], "not seen", "{id}");
    }
    let all = report["assumptions"].as_array().unwrap();
    assert!(all.iter().all(|one| !one["source"].as_str().unwrap().is_empty()));
}

#[test]
fn what_is_otherwise_is_told_with_the_event_that_shows_it() {
    let folder = Folder::new();
    let mut other = event();
    other["detail-type"] = json!("AWS Service Event via CloudTrail");
    other["detail"]["eventID"] = json!("b4a4c1a6-3a1f-4e9f-9d0d-7f5b9c7f6c11");
    other["detail"]["requestParameters"]["destination"] = json!({"toAddresses": ["bob@realcustomer.org"]});
    other["detail"]["errorMessage"] = json!(
        "User: arn:aws:iam::123456789012:user/realname is not authorized to perform: \
        ses:SendEmail on resource: arn:aws:ses:eu-west-1:123456789012:identity/realcorp.com because no identity-based \
        policy allows the ses:SendEmail action"
    );
    let report = capture(&[event(), other], &folder.file("out"));
    for id in ["detail-type", "recipients-hidden", "no-reason"] {
        let judged = verdict(&report, id);
        assert_eq!((&judged["verdict"], &judged["seen"]), (&json!("does not hold"), &json!(2)), "{id}");
        assert_eq!(judged["against"], json!(["event-0002-SendEmail-AccessDenied.json"]));
    }
    assert_eq!(verdict(&report, "read-by-sesame")["verdict"], "holds");

    let folder = Folder::new();
    let file = folder.write("event.json", &event().to_string());
    let table = sesame(&["capture", "--event", &file, "--out", &folder.file("out")]);
    assert!(table.succeeded().lines().nth(1).unwrap().starts_with("holds"), "{}", table.stdout);
}

#[test]
fn what_is_kept_names_nobody_and_still_reads_as_a_refusal() {
    let folder = Folder::new();
    let out = folder.file("out");
    capture(&[event()], &out);
    let kept = format!("{out}/event-0001-SendEmail-AccessDenied.json");
    let text = fs::read_to_string(&kept).unwrap();
    for secret in ["real", "REAL", "123456789012", "203.0.113", "a4a4c1a6", "sales"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let finding = sesame(&["diagnose", "--event", &kept, "--format", "json"]).json();
    assert_eq!(finding["principal"]["type"], "user");
    assert_eq!(finding["event"]["api"], "SendEmail");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn every_form_of_input_is_unwrapped_and_nothing_is_overwritten() {
    let folder = Folder::new();
    let out = folder.file("out");
    let forms = [
        "forms/sqs-batch.json",
        "forms/log-file.json",
        "forms/eventbridge.json",
        "parameters/v2-raw.json",
        "parameters/smtp.json",
    ];
    let forms = forms.map(fixture);
    let mut arguments = vec!["capture", "--out", &out];
    forms.iter().for_each(|file| arguments.extend(["--event", file.as_str()]));
    sesame(&arguments).succeeded();
    let first = files(&out);
    assert!(first.len() >= 5, "{first:?}");
    let before: Vec<Vec<u8>> = first.iter().map(|name| fs::read(format!("{out}/{name}")).unwrap()).collect();
    sesame(&["capture", "--out", &out, "--event", &forms[3]]).succeeded();
    let after: Vec<Vec<u8>> = first.iter().map(|name| fs::read(format!("{out}/{name}")).unwrap()).collect();
    assert_eq!((files(&out).len(), after), (first.len() + 1, before));
}

#[test]
fn an_event_that_comes_twice_is_kept_once_and_others_are_counted() {
    let folder = Folder::new();
    let mut other = event();
    other["detail"]["eventName"] = json!("GetSendQuota");
    let report = capture(&[event(), event(), other], &folder.file("out"));
    assert_eq!((report["events"].as_array().unwrap().len(), report["others"].as_u64()), (1, Some(1)));
}

#[test]
fn what_is_no_json_is_told_with_its_line() {
    let folder = Folder::new();
    let lines = format!("{}\n{{nonsense\n", event());
    let run = sesame_with(&["capture", "--event", "-", "--out", &folder.file("out")], lines.as_bytes());
    assert!(run.failed(1).starts_with("standard input: line 2: expected JSON"), "{}", run.stderr);
    assert_eq!(sesame(&["capture", "--out", &folder.file("out")]).status, 2);
}

#[cfg(feature = "aws")]
mod queue {
    use std::sync::Mutex;

    use serde_json::json;

    use super::aws::{Answer, json, sesame_at, start};
    use super::{event, files};
    use crate::common::Folder;

    #[test]
    fn a_queue_is_read_to_its_end_and_what_is_kept_is_taken_out() {
        let waiting = Mutex::new(vec![event().to_string()]);
        let aws = start(move |call| match call.operation.as_str() {
            "GetCallerIdentity" => super::aws::query(
                "GetCallerIdentity",
                "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/a</Arn>",
            ),
            "ReceiveMessage" => match waiting.lock().unwrap().pop() {
                Some(body) => json(&json!({"Messages": [{"Body": body, "ReceiptHandle": "h1"}]})),
                None => json(&json!({})),
            },
            "DeleteMessage" => {
                assert_eq!(call.json()["ReceiptHandle"], "h1");
                json(&json!({}))
            }
            other => Answer::Body(500, other.to_owned()),
        });
        let folder = Folder::new();
        let out = folder.file("out");
        let url = format!("http://127.0.0.1:{}/123456789012/events", aws.port);
        let run = sesame_at(&aws, &["capture", "--queue", &url, "--out", &out, "--wait", "1"]);
        run.succeeded();
        assert_eq!(files(&out), ["event-0001-SendEmail-AccessDenied.json"]);
        assert_eq!(aws.count("DeleteMessage"), 1);
    }
}

#[cfg(feature = "aws")]
#[path = "common/aws.rs"]
mod aws;

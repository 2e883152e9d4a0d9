//! What the command line does with a live account: `--live` and `sesame snapshot`.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

#[path = "common/aws.rs"]
mod aws;
mod common;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws::{Answer, Call, FakeAws, bare, json, json_error, query, query_error, sesame_at, start};
use common::{Folder, run};
use serde_json::{Value, json as value};

const ACCOUNT: &str = "111122223333";
const MESSAGE: &str = "User: arn:aws:iam::111122223333:user/shop is not authorized to perform: ses:SendEmail on resource: \
                       arn:aws:ses:eu-west-1:111122223333:identity/example.com because no identity-based policy allows \
                       the ses:SendEmail action";
const SEND: &str = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ses%3ASendEmail%22%2C\
                    %22Resource%22%3A%22%2A%22%7D%7D";

/// An account with a user that may do nothing, a role that may send, and twelve identities.
fn account(call: &Call) -> Answer {
    let user = format!(
        "<Path>/</Path><UserName>shop</UserName><UserId>AIDA1</UserId><Arn>arn:aws:iam::{ACCOUNT}:user/shop</Arn>"
    );
    match call.operation.as_str() {
        "GetCallerIdentity" => query(
            "GetCallerIdentity",
            &format!("<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><UserId>AIDA2</UserId>"),
        ),
        "GetUser" => query("GetUser", &format!("<User>{user}<CreateDate>2026-01-01T00:00:00Z</CreateDate></User>")),
        operation @ ("ListUserPolicies" | "ListAttachedUserPolicies" | "ListGroupsForUser") => query(operation, ""),
        "GetAccountAuthorizationDetails" => query(
            "GetAccountAuthorizationDetails",
            &format!(
                "<UserDetailList><member>{user}</member></UserDetailList><RoleDetailList><member><Path>/</Path>\
                 <RoleName>mailer</RoleName><RoleId>AROA1</RoleId><Arn>arn:aws:iam::{ACCOUNT}:role/mailer</Arn>\
                 <RolePolicyList><member><PolicyName>send</PolicyName><PolicyDocument>{SEND}</PolicyDocument></member>\
                 </RolePolicyList></member></RoleDetailList>"
            ),
        ),
        "GET /v2/email/account" => json(&value!({"ProductionAccessEnabled": true, "SendingEnabled": true})),
        "POST /v2/email/list-identities" => {
            let name = |number| value!({"IdentityName": if number == 0 { "example.com".to_owned() } else { format!("{number}.example") }});
            json(&value!({"EmailIdentities": (0..12).map(name).collect::<Vec<_>>()}))
        }
        "POST /v2/email/list-configuration-sets" => json(&value!({"ConfigurationSets": []})),
        path if path.starts_with("GET /v2/email/templates") => json(&value!({"TemplatesMetadata": []})),
        path if path.starts_with("GET /v2/email/identities/") => {
            json(&value!({"VerifiedForSendingStatus": true, "Policies": {}}))
        }
        "ListRoots" | "ListAccounts" => json_error(400, "AccessDeniedException"),
        "DescribeOrganization" => json_error(400, "AWSOrganizationsNotInUseException"),
        other => panic!("unexpected {other}"),
    }
}

/// The account above, but for some operations.
fn but(change: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static) -> FakeAws {
    start(move |call| change(call).unwrap_or_else(|| account(call)))
}

fn identities_read(aws: &FakeAws) -> usize {
    aws.operations().iter().filter(|operation| operation.starts_with("GET /v2/email/identities/")).count()
}

#[test]
fn without_credentials_one_line_names_the_remedy() {
    let folder = Folder::new();
    let out = folder.file("out");
    for arguments in [vec!["diagnose", "--message", MESSAGE, "--live"], vec!["snapshot", "--out", &out]] {
        let run = run(&mut bare(&arguments), b"");
        let expected = "no AWS credentials were found: sign in (`aws sso login`), or set AWS_PROFILE, or \
                        AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        assert_eq!(run.failed(3), expected);
    }
    assert!(!std::path::Path::new(&out).exists(), "nothing is written");
}

#[test]
fn a_profile_that_cannot_be_used_is_named() {
    let folder = Folder::new();
    let file = folder.write("config", "[profile audit]\ncredential_process = false\n");
    let arguments = ["diagnose", "--message", MESSAGE, "--live", "--profile", "audit"];
    let run = run(bare(&arguments).env("AWS_CONFIG_FILE", file), b"");
    let error = run.failed(3);
    assert!(error.starts_with("the AWS credentials cannot be used: ") && error.contains("aws sso login"), "{error}");
    let run = common::run(&mut bare(&["diagnose", "--message", MESSAGE, "--live", "--profile", "nobody"]), b"");
    assert!(run.failed(3).starts_with("no AWS credentials were found in profile `nobody`: "));
}

#[test]
fn without_a_way_to_aws_status_3_says_so() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = run(&mut aws::with_credentials(port, &["diagnose", "--message", MESSAGE, "--live"]), b"");
    let error = run.failed(3);
    assert!(error.starts_with("AWS could not be reached: ") && error.contains("check the network"), "{error}");
}

#[test]
fn credentials_that_aws_refuses_are_status_3() {
    let aws = start(|_| query_error(403, "ExpiredToken"));
    let run = sesame_at(
        &aws,
        &["check", "--principal", "arn:aws:iam::111122223333:user/a", "--from", "a@example.com", "--live"],
    );
    let expected = "AWS does not take these credentials: `sts:GetCallerIdentity` gave ExpiredToken (no); sign in again";
    assert_eq!(run.failed(3), expected);
}

#[test]
fn a_live_diagnosis_is_that_of_the_snapshot() {
    let aws = start(account);
    let folder = Folder::new();
    let (out, now) = (folder.file("out"), "2026-11-23T03:05:00Z");
    let live = sesame_at(&aws, &["diagnose", "--message", MESSAGE, "--live", "--format", "json", "--now", now]);
    live.succeeded();
    let finding = live.json();
    assert_eq!((finding["outcome"].as_str(), &finding["gaps"]), (Some("denied"), &value!([])));
    let wrong = finding["hints"].as_array().unwrap().iter().find(|hint| hint["kind"] == "wrong-principal").unwrap();
    assert_eq!(wrong["details"]["candidates"], value!([format!("arn:aws:iam::{ACCOUNT}:role/mailer")]));
    assert_eq!(identities_read(&aws), 1, "only what bears on the send is read");

    let taken = sesame_at(&aws, &["snapshot", "--out", &out, "--region", "eu-west-1"]);
    assert_eq!(taken.succeeded(), "");
    let offline =
        common::sesame(&["diagnose", "--message", MESSAGE, "--snapshot", &out, "--format", "json", "--now", now]);
    assert_eq!(offline.json(), finding);
}

#[test]
fn what_could_not_be_read_live_is_a_gap_and_no_failure() {
    let aws = but(|call| (call.operation == "GetUser").then(|| query_error(403, "AccessDenied")));
    let run = sesame_at(&aws, &["diagnose", "--message", MESSAGE, "--live", "--format", "json"]);
    run.succeeded();
    assert_eq!(run.json()["gaps"][0]["reason"], "access-denied");
}

#[test]
fn a_snapshot_needs_a_region_and_a_folder_of_its_own() {
    let aws = start(account);
    let folder = Folder::new();
    let out = folder.file("out");
    let error = sesame_at(&aws, &["snapshot", "--out", &out]);
    assert_eq!(error.failed(2), "no Region is configured: give --region, or set AWS_REGION");
    folder.write("mine.txt", "mine");
    let error = sesame_at(&aws, &["snapshot", "--out", &folder.text(), "--region", "eu-west-1"]);
    assert!(error.failed(2).starts_with("--out: expected a new folder, an empty one or a snapshot"));
}

#[test]
fn a_second_run_reads_only_what_the_first_could_not() {
    let calls = AtomicUsize::new(0);
    let aws = but(move |call| {
        let this = call.operation == "GET /v2/email/identities/3.example";
        (this && calls.fetch_add(1, Ordering::Relaxed) == 0).then(|| json_error(403, "AccessDeniedException"))
    });
    let folder = Folder::new();
    let out = folder.file("out");
    let take = |more: &[&str]| {
        let arguments = [&["snapshot", "--out", &out, "--region", "eu-west-1"], more].concat();
        let run = sesame_at(&aws, &arguments);
        run.succeeded();
        run.stderr
    };
    let said = take(&[]);
    assert!(said.contains("not read: the sending authorization policies of `3.example` could not be read"), "{said}");
    assert!(said.ends_with("out: 3 files written\n"), "{said}");
    assert_eq!(identities_read(&aws), 12);

    assert!(take(&[]).ends_with("out: 1 files written, 2 kept from before (--refresh reads them anew)\n"));
    assert_eq!(identities_read(&aws), 13, "only the one that was missing");
    assert_eq!(aws.count("GetAccountAuthorizationDetails"), 1);

    assert!(take(&[]).ends_with("out: 0 files written, 3 kept from before (--refresh reads them anew)\n"));
    assert!(take(&["--refresh"]).ends_with("out: 3 files written\n"));
    assert_eq!(identities_read(&aws), 25);
}

#[test]
fn a_snapshot_that_was_killed_goes_on_where_it_was() {
    let calls = AtomicUsize::new(0);
    let aws = but(move |call| {
        let this = call.operation == "GET /v2/email/identities/11.example";
        (this && calls.fetch_add(1, Ordering::Relaxed) == 0).then_some(Answer::Silence)
    });
    let folder = Folder::new();
    let out = folder.file("out");
    let arguments = ["snapshot", "--out", &out, "--region", "eu-west-1"];
    let mut first = command(&aws, &arguments).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while aws.count("GET /v2/email/identities/11.example") == 0 {
        assert!(begin.elapsed() < Duration::from_secs(30), "the last identity is never asked for");
        std::thread::sleep(Duration::from_millis(20));
    }
    first.kill().unwrap();
    first.wait().unwrap();

    let second = run(&mut command(&aws, &arguments), b"");
    second.succeeded();
    assert!(second.stderr.contains("kept from before"), "{}", second.stderr);
    let again = |name: &str| aws.count(&format!("GET /v2/email/identities/{name}"));
    assert_eq!((again("1.example"), again("example.com"), again("11.example")), (1, 1, 2));
    let file = std::fs::read_to_string(format!("{out}/accounts/{ACCOUNT}/ses/eu-west-1.json")).unwrap();
    let ses: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(ses["Identities"].as_object().unwrap().len(), 12);
}

fn command(aws: &FakeAws, arguments: &[&str]) -> Command {
    aws::with_credentials(aws.port, arguments)
}

#[test]
fn throttling_is_waited_out() {
    let calls = AtomicUsize::new(0);
    let aws = but(move |call| {
        let this = call.operation == "GET /v2/email/identities/11.example";
        (this && calls.fetch_add(1, Ordering::Relaxed) < 2).then(|| json_error(429, "TooManyRequestsException"))
    });
    let folder = Folder::new();
    let run = sesame_at(&aws, &["snapshot", "--out", &folder.file("out"), "--region", "eu-west-1"]);
    run.succeeded();
    assert!(!run.stderr.contains("not read"), "{}", run.stderr);
}

#[test]
fn every_account_of_the_organization_is_read_through_its_role() {
    let other = "444455556666";
    let aws = but(move |call| match call.operation.as_str() {
        "ListAccounts" => Some(json(&value!({"Accounts": [
            {"Id": ACCOUNT, "State": "ACTIVE"}, {"Id": other, "State": "ACTIVE"}, {"Id": "777788889999", "State": "ACTIVE"},
            {"Id": "000011112222", "State": "SUSPENDED"}]}))),
        "AssumeRole" if call.field("RoleArn").unwrap().contains("777788889999") => {
            Some(query_error(403, "AccessDenied"))
        }
        "AssumeRole" => Some(query(
            "AssumeRole",
            "<Credentials><AccessKeyId>ASIAOTHER</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
        )),
        "GetCallerIdentity" if call.access_key == "ASIAOTHER" => Some(query(
            "GetCallerIdentity",
            &format!("<Account>{other}</Account><Arn>arn:aws:sts::{other}:assumed-role/audit/sesame</Arn>"),
        )),
        _ => None,
    });
    let folder = Folder::new();
    let out = folder.file("out");
    let run = sesame_at(&aws, &["snapshot", "--out", &out, "--region", "eu-west-1", "--organization-role", "audit"]);
    run.succeeded();
    assert!(std::path::Path::new(&format!("{out}/accounts/{other}/iam.json")).exists());
    assert!(run.stderr.contains("not read: account 777788889999: "), "{}", run.stderr);
    assert!(!run.stderr.contains("000011112222"), "suspended accounts cannot be read, and send nothing");
}

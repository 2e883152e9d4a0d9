//! The verbs for a deployed stack: `list`, `show`, `approve`, `reject`, `mute`, `rollback`, `grants`, `revoke`. The server is
//! the door that the stack itself has; only its network is a loopback port, and its policies are a snapshot folder.
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

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use aws::{Answer, Call, FakeAws, query, query_error, start};
use common::{Folder, Run, event, run};
use jiff::Timestamp;
use pollster::block_on;
use serde_json::{Value, json};
use sesame_diagnosis::input;
use sesame_remediation::State;
use sesame_remediation::decision::{Approver, Channel};
use sesame_remediation::mac::LocalKey;
use sesame_responder::diagnose::diagnose;
use sesame_responder::memory::{FixedClock, MemoryPublisher, MemoryStore};
use sesame_responder::ports::FindingStore as _;
use sesame_responder::walls::NoControls;
use sesame_responder::web::{self, Address, HttpRequest, Site, WebApproval};
use sesame_responder::{Settings, Shared, apply};
use sesame_snapshot::embedded::SnapshotFolder;

const OPERATOR: &str = "arn:aws:iam::111122223333:user/oncall";

/// A stack with the findings of some of the demo's events. IAM, where the command line is let at it, has one inline policy.
struct Desk {
    inline: Mutex<Option<String>>,
    store: MemoryStore,
    publisher: MemoryPublisher,
    clock: FixedClock,
    settings: Settings,
    world: SnapshotFolder,
    _folder: Folder,
    site: Site<LocalKey>,
    key: LocalKey,
    applies: bool,
    /// What was asked, for looking at afterwards.
    bodies: Mutex<Vec<Value>>,
}

struct Stack {
    desk: Arc<Desk>,
    aws: FakeAws,
    findings: Vec<String>,
}

fn stack(events: &[&str], applies: bool) -> Stack {
    let folder = Folder::snapshot();
    let desk = Arc::new(Desk {
        inline: Mutex::default(),
        store: MemoryStore::default(),
        publisher: MemoryPublisher::default(),
        clock: FixedClock::new(Timestamp::now()),
        settings: Settings::embedded(),
        world: SnapshotFolder(folder.path().to_owned()),
        _folder: folder,
        site: Site {
            address: Address::parse("https://sesame.example").unwrap(),
            stack: "local".to_owned(),
            stage: "$default".to_owned(),
            link_key: LocalKey::new("link", &[1; 32]).unwrap(),
            approval: WebApproval::View,
            visitor: Approver { channel: Channel::Link, id: None },
        },
        key: LocalKey::new("decision", &[2; 32]).unwrap(),
        applies,
        bodies: Mutex::default(),
    });
    let mut findings = Vec::new();
    for name in events {
        let denials = input::read(&std::fs::read(event(name)).unwrap(), name).denials;
        let diagnosed = block_on(diagnose(denials, &desk.world, desk.shared()));
        findings.extend(diagnosed.into_iter().map(|diagnosed| diagnosed.result.unwrap().finding.id));
    }
    let (server, port) = (Arc::clone(&desk), Arc::new(OnceLock::<u16>::new()));
    let known = Arc::clone(&port);
    let aws = start(move |call| server.answer(call, *known.get().unwrap()));
    port.set(aws.port).unwrap();
    Stack { desk, aws, findings }
}

impl Desk {
    fn shared(&self) -> Shared<'_, MemoryStore, MemoryPublisher, FixedClock> {
        Shared { store: &self.store, publisher: &self.publisher, clock: &self.clock, settings: &self.settings }
    }

    fn answer(&self, call: &Call, port: u16) -> Answer {
        if call.operation == "DescribeStacks" {
            return match call.field("StackName").as_deref() {
                Some("sesame") => query("DescribeStacks", &self.outputs(port)),
                _ => query_error(400, "ValidationError"),
            };
        }
        match call.operation.as_str() {
            "GetCallerIdentity" => {
                let caller = format!("<Account>111122223333</Account><Arn>{OPERATOR}</Arn>");
                return query("GetCallerIdentity", &caller);
            }
            "GetRolePolicy" => {
                let policy = self.inline.lock().unwrap().clone();
                return match policy {
                    Some(document) => {
                        let (role, name) = (call.field("RoleName").unwrap(), call.field("PolicyName").unwrap());
                        let document =
                            percent_encoding::utf8_percent_encode(&document, percent_encoding::NON_ALPHANUMERIC);
                        query(
                            "GetRolePolicy",
                            &format!(
                                "<RoleName>{role}</RoleName><PolicyName>{name}</PolicyName><PolicyDocument>{document}</PolicyDocument>"
                            ),
                        )
                    }
                    None => query_error(404, "NoSuchEntity"),
                };
            }
            "DeleteRolePolicy" => {
                assert!(call.field("PolicyName").unwrap().starts_with("sesame-f-"));
                *self.inline.lock().unwrap() = None;
                return query("DeleteRolePolicy", "");
            }
            _ => {}
        }
        assert_eq!((call.service.as_str(), call.region.as_str()), ("execute-api", "eu-west-1"));
        let (method, target) = call.operation.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix("/stage").unwrap();
        if method == "GET" && self.applies {
            // What the stream does in a stack, a moment after the decision.
            let finding = path.trim_start_matches("/findings/");
            let _ = block_on(apply::work(finding, &self.world, &self.world, &self.key, &NoControls, self.shared()));
        }
        if !call.body.is_empty() {
            self.bodies.lock().unwrap().push(call.json());
        }
        let request = HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: BTreeMap::from([("user-agent".to_owned(), "sesame".to_owned())]),
            cookies: Vec::new(),
            body: call.body.clone().into_bytes(),
            caller: Some(OPERATOR.to_owned()),
            source_ip: Some("192.0.2.7".to_owned()),
        };
        let response = block_on(web::answer(&request, &self.site, &self.key, self.shared()));
        Answer::Body(response.status, String::from_utf8(response.body).unwrap())
    }

    fn outputs(&self, port: u16) -> String {
        let output = |key: &str, value: &str| {
            format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
        };
        let outputs = output("ApiUrl", &format!("http://127.0.0.1:{port}/stage/"))
            + &output("DecideArn", "arn:aws:execute-api:eu-west-1:111122223333:abc/*/POST/decide")
            + &if self.applies { output("ApplyFunction", "apply") } else { String::new() };
        format!(
            "<Stacks><member><StackName>sesame</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
             <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs></member></Stacks>"
        )
    }
}

impl Stack {
    fn sesame(&self, arguments: &[&str]) -> Run {
        run(aws::with_credentials(self.aws.port, arguments).env("AWS_REGION", "eu-west-1"), b"")
    }

    fn state(&self, finding: &str) -> State {
        block_on(self.desk.store.load(finding)).unwrap().unwrap().state
    }

    fn one(&self) -> &str {
        assert_eq!(self.findings.len(), 1);
        &self.findings[0]
    }
}

#[test]
fn a_list_fits_eighty_columns_and_json_holds_all() {
    let stack = stack(&["01-no-allow", "02-from-address"], true);
    let table = stack.sesame(&["list"]);
    let lines: Vec<&str> = table.succeeded().lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("FINDING             STATE  LAST              COUNT  WHO"), "{}", lines[0]);
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{}", table.stdout);
    assert!(stack.findings.iter().all(|id| table.stdout.contains(id)));

    let json = stack.sesame(&["list", "--state", "open", "--format", "json"]).json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 2);
    assert_eq!(json["findings"][0]["state"], "open");
    let none = stack.sesame(&["list", "--state", "applied"]);
    assert_eq!((none.succeeded(), none.stderr.as_str()), ("", "no findings\n"));
    let odd = stack.sesame(&["list", "--state", "half done"]);
    assert!(odd.failed(1).starts_with("state: expected one of open, approved"));
}

#[test]
fn a_finding_is_shown_as_it_is_diagnosed() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    let finding = stack.sesame(&["show", id, "--format", "json"]).json();
    assert_eq!((finding["id"].as_str(), finding["schema"].as_str()), (Some(id), Some("sesame.finding/v1")));
    let text = stack.sesame(&["show", id]);
    assert!(text.succeeded().contains("WHY (proven)") && text.stdout.contains("\nSTATE open since "));
    let record = stack.sesame(&["show", id, "--record"]).json();
    assert_eq!((record["state"].as_str(), record["finding"]["id"].as_str()), (Some("open"), Some(id)));

    assert_eq!(stack.sesame(&["show", "f-0000"]).failed(1), "there is no finding `f-0000`");
    assert!(stack.sesame(&["show", "../../x"]).failed(2).starts_with("expected the id of a finding"));
}

#[test]
fn an_approval_is_of_what_was_shown_and_is_followed_to_its_end() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    let done = stack.sesame(&["approve", id, "--yes", "--wait", "--reason", "order mails are ours"]);
    done.succeeded();
    assert!(done.stderr.contains("will be able to call"), "{}", done.stderr);
    assert!(done.stderr.contains("What else becomes allowed: "), "{}", done.stderr);
    assert!(done.stderr.lines().last().unwrap().starts_with("applied"), "{}", done.stderr);
    assert_eq!(stack.state(id), State::Applied);
    let body = stack.desk.bodies.lock().unwrap()[0].clone();
    assert_eq!((body["verdict"].as_str(), body["generation"].as_u64()), (Some("approve"), Some(1)));
    assert!(body["remedies"][0]["afterDigest"].as_str().unwrap().starts_with("sha256:"));
    let record = block_on(stack.desk.store.load(id)).unwrap().unwrap();
    let approval = record.history.iter().find(|entry| entry.by.is_some()).unwrap();
    assert_eq!(approval.by.as_ref().unwrap().id.as_deref(), Some(OPERATOR));
    assert_eq!(approval.reason.as_deref(), Some("order mails are ours"));
    assert!(stack.sesame(&["show", id]).stdout.contains("(order mails are ours)"));

    let again = stack.sesame(&["approve", id, "--yes"]);
    assert_eq!(again.status, 1, "{}", again.stderr);
    let back = stack.sesame(&["rollback", id, "--yes", "--wait"]);
    back.succeeded();
    assert!(back.stderr.contains("goes away"), "{}", back.stderr);
    assert_eq!(stack.state(id), State::RolledBack);
}

#[test]
fn a_bridge_is_the_longest_that_ends_in_time() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    stack.sesame(&["approve", id, "--bridge", "8d", "--yes"]).succeeded();
    let body = stack.desk.bodies.lock().unwrap()[0].clone();
    let record = block_on(stack.desk.store.load(id)).unwrap().unwrap();
    let remedy = record.finding.remedy(body["remedies"][0]["id"].as_str().unwrap()).unwrap();
    let end: Timestamp = remedy.expires.as_deref().unwrap().parse().unwrap();
    assert_eq!(end.duration_since(Timestamp::now()).as_hours(), 24 * 7 - 1, "seven days, less the moment since");

    let stack = self::stack(&["01-no-allow"], true);
    let short = stack.sesame(&["approve", stack.one(), "--bridge", "2h", "--yes"]);
    assert!(short.failed(1).contains("has no bridge that ends before"));
}

#[test]
fn what_is_no_decision_is_not_sent() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    let asked = stack.sesame(&["approve", id]);
    assert_eq!(asked.failed(2), "nobody can be asked here: --yes decides without asking");
    assert_eq!(stack.sesame(&["approve", id, "--remedy", "r99", "--yes"]).failed(1), "the finding has no remedy `r99`");
    assert_eq!(stack.sesame(&["mute", id, "--for", "soon"]).status, 2);
    assert!(stack.desk.bodies.lock().unwrap().is_empty());
    assert_eq!(stack.state(id), State::Open);
}

#[test]
fn advice_is_nothing_to_approve() {
    let stack = stack(&["09-boundary"], true);
    let refused = stack.sesame(&["approve", stack.one(), "--yes"]);
    assert!(refused.failed(1).contains("is advice only"), "{}", refused.stderr);
}

#[test]
fn a_finding_is_rejected_or_muted() {
    let stack = stack(&["01-no-allow", "02-from-address"], true);
    let [first, second] = stack.findings.as_slice() else { panic!() };
    stack.sesame(&["reject", first, "--reason", "a test account"]).succeeded();
    assert_eq!(stack.state(first), State::Rejected);
    stack.sesame(&["mute", second, "--for", "2w"]).succeeded();
    let record = block_on(stack.desk.store.load(second)).unwrap().unwrap();
    assert_eq!(record.state, State::Muted);
    assert_eq!(record.muted_until.unwrap().duration_since(Timestamp::now()).as_hours(), 24 * 14 - 1);
}

#[test]
fn a_stack_that_is_not_there_is_told_with_what_to_give() {
    let stack = stack(&[], true);
    let none = stack.sesame(&["list", "--stack", "other"]);
    assert!(none.failed(3).ends_with("give the address with --api"), "{}", none.stderr);
    let run = run(&mut aws::with_credentials(stack.aws.port, &["list"]), b"");
    assert!(run.failed(3).starts_with("no Region is configured"), "{}", run.stderr);
    for url in ["http://sesame.example", "ftp://127.0.0.1", "sesame", "https://a@b", "https://x/?a"] {
        let wrong = stack.sesame(&["list", "--api", url]);
        assert!(wrong.failed(2).starts_with("--api: expected the API's https address"), "{}", wrong.stderr);
    }
}

#[test]
fn the_address_may_be_given() {
    let stack = stack(&["01-no-allow"], true);
    let url = format!("http://127.0.0.1:{}/stage", stack.aws.port);
    stack.sesame(&["list", "--api", &url]).succeeded();
    assert_eq!(stack.aws.count("DescribeStacks"), 0);
}

#[test]
fn what_the_api_itself_refuses_names_the_permission() {
    let aws = start(|_| Answer::Body(403, json!({"message": "Forbidden"}).to_string()));
    let url = format!("http://127.0.0.1:{}", aws.port);
    let list = |aws: &FakeAws| {
        run(aws::with_credentials(aws.port, &["list", "--api", &url]).env("AWS_REGION", "eu-west-1"), b"")
    };
    let expected = format!("{url} does not let these credentials in (Forbidden): they need execute-api:Invoke");
    assert_eq!(list(&aws).failed(3), expected);
}

#[test]
fn throttling_is_waited_out_and_a_failing_function_is_told() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let aws = start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => Answer::Body(429, json!({"message": "Too Many Requests"}).to_string()),
        _ => Answer::Body(500, json!({"message": "Internal Server Error"}).to_string()),
    });
    let url = format!("http://127.0.0.1:{}", aws.port);
    let run = run(aws::with_credentials(aws.port, &["list", "--api", &url]).env("AWS_REGION", "eu-west-1"), b"");
    assert_eq!(run.failed(3), format!("{url} answered 500: Internal Server Error; try again in a minute"));
    assert_eq!(aws.calls().len(), 2);
}

#[test]
fn what_was_granted_is_listed_until_it_is_taken_back() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    let none = stack.sesame(&["grants"]);
    assert_eq!((none.succeeded(), none.stderr.as_str()), ("", "nothing that Sesame granted stands\n"));
    stack.sesame(&["approve", id, "--bridge", "7d", "--yes", "--wait"]).succeeded();
    let table = stack.sesame(&["grants"]);
    let lines: Vec<&str> = table.succeeded().lines().collect();
    let columns: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!((lines.len(), columns.as_slice()), (2, ["FINDING", "SINCE", "UNTIL", "WHO", "MAY"].as_slice()));
    assert!(lines[1].starts_with(id) && lines[1].contains("orders"), "{}", lines[1]);
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{}", table.stdout);
    let json = stack.sesame(&["grants", "--format", "json"]).json();
    let grant = &json["grants"][0];
    assert_eq!((grant["finding"].as_str(), grant["actions"][0].as_str()), (Some(id), Some("ses:SendRawEmail")));
    stack.sesame(&["rollback", id, "--yes", "--wait"]).succeeded();
    assert_eq!(stack.sesame(&["grants", "--format", "json"]).json()["grants"], json!([]));
}

#[test]
fn the_audit_says_who_did_what_and_what_was_refused() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    stack.sesame(&["reject", id, "--reason", "=not now, \"please\""]).succeeded();
    stack.sesame(&["reject", id]).failed(1);
    let entries = stack.sesame(&["list", "--audit", "json"]).json();
    let acts: Vec<(&str, bool)> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["act"].as_str().unwrap(), entry["refused"].is_string()))
        .collect();
    assert_eq!(acts, [("find", false), ("reject", false), ("reject", true)]);
    assert_eq!(
        (entries["entries"][1]["by"].as_str(), entries["entries"][1]["sourceIp"].as_str()),
        (Some(OPERATOR), Some("192.0.2.7"))
    );
    let csv = stack.sesame(&["list", "--audit", "csv"]);
    let lines: Vec<&str> = csv.succeeded().lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("time,finding,generation,act,refused,"), "{}", lines[0]);
    assert!(lines[2].contains("\"'=not now, \"\"please\"\"\""), "no formula, and quoted: {}", lines[2]);
}

#[test]
fn a_grant_is_revoked_by_the_stack() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    stack.sesame(&["approve", id, "--yes", "--wait"]).succeeded();
    let revoked = stack.sesame(&["revoke", id, "--yes", "--wait", "--reason", "over"]);
    revoked.succeeded();
    assert!(revoked.stderr.contains("policy `sesame-f-"), "{}", revoked.stderr);
    assert_eq!(stack.state(id), State::RolledBack);
    assert_eq!(stack.aws.count("DeleteRolePolicy"), 0, "the stack does it, not the caller");
}

#[test]
fn a_grant_is_revoked_by_hand_where_the_stack_can_write_nothing() {
    let stack = stack(&["01-no-allow"], true);
    let id = stack.one();
    stack.sesame(&["approve", id, "--yes", "--wait"]).succeeded();
    let record = block_on(stack.desk.store.load(id)).unwrap().unwrap();
    let written = record.standing()[0].after.clone().unwrap();

    let altered = json!({"Version": "2012-10-17", "Statement": []});
    *stack.desk.inline.lock().unwrap() = Some(altered.to_string());
    let refused = stack.sesame(&["revoke", id, "--myself", "--yes"]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("was changed since Sesame wrote it: --yes does not delete it"),
        "{}",
        refused.stderr
    );
    assert_eq!(stack.aws.count("DeleteRolePolicy"), 0);

    *stack.desk.inline.lock().unwrap() = Some(written.to_string());
    let done = stack.sesame(&["revoke", id, "--myself", "--yes"]);
    done.succeeded();
    assert!(
        done.stderr.contains("\"Action\"") && done.stderr.contains("is deleted"),
        "shown, then deleted: {}",
        done.stderr
    );
    assert_eq!(stack.aws.count("DeleteRolePolicy"), 1);
    assert!(stack.sesame(&["revoke", id, "--myself", "--yes"]).stderr.contains("is gone already"));
    assert!(
        stack.desk.bodies.lock().unwrap().iter().all(|body| body["verdict"] == "approve"),
        "the stack is not asked"
    );
}

#[test]
fn a_stack_without_an_apply_function_is_not_asked_to_revoke() {
    let stack = stack(&["01-no-allow"], false);
    let run = stack.sesame(&["revoke", stack.one(), "--yes"]);
    assert!(run.failed(1).starts_with("nothing that Sesame wrote for f-"), "{}", run.stderr);
}

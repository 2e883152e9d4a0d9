//! What one diagnosis costs in CPU time: a typical world, and an account with 10,000 statements.
//!
//! `cargo run --release -p sesame-diagnosis --example cost`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a measurement")]
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sesame_diagnosis::denial::{Content, Denial, Incident, Parameter};
use sesame_diagnosis::finding::Provenance;
use sesame_diagnosis::world::{
    Account, Entity, Identity, InlinePolicy, ManagedPolicy, Node, NodeKind, Organization, OrganizationPolicy,
    RawDocument, Readable, Role, SesAccount, SesRegion, World,
};
use sesame_diagnosis::{Options, diagnose, fold, message};
use sesame_policy::Arn;
use sesame_policy::json::Json;

const ACCOUNT: &str = "111122223333";
const DOMAIN: &str = "arn:aws:ses:us-east-1:111122223333:identity/example.com";

fn raw(document: &Value) -> RawDocument {
    RawDocument { json: Ok(Json::from_value(document)), source: "generated".to_owned() }
}

fn inline(name: &str, statements: Value) -> InlinePolicy {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    InlinePolicy { name: name.to_owned(), document: Readable::Known(raw(&document)) }
}

fn role(name: &str, policies: Vec<InlinePolicy>) -> Role {
    let entity = Entity {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        name: name.to_owned(),
        path: "/".to_owned(),
        unique_id: None,
        inline: policies,
        attached: Vec::new(),
        boundary: None,
        tags: Vec::new(),
        gap: None,
    };
    Role { entity }
}

fn statement(index: usize) -> Value {
    match index % 5 {
        0 => {
            json!({ "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": format!("arn:aws:s3:::bucket-{index}/*") })
        }
        1 => {
            json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": format!("arn:aws:sqs:us-east-1:{ACCOUNT}:queue-{index}") })
        }
        2 => {
            json!({ "Effect": "Allow", "Action": "ses:SendEmail", "Resource": format!("arn:aws:ses:us-east-1:{ACCOUNT}:identity/d{index}.example"),
            "Condition": { "StringLike": { "ses:FromAddress": format!("*@d{index}.example") } } })
        }
        3 => {
            json!({ "Effect": "Deny", "Action": "ses:*", "Resource": "*", "Condition": { "StringEquals": { "ses:FromAddress": format!("x{index}@example.com") } } })
        }
        _ => {
            json!({ "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t{index}") })
        }
    }
}

/// Roles of ten statements each; the refused one's are the first. `own` statements are the refused role's.
fn world(roles: usize, own: usize) -> World {
    let statements = |from: usize, count: usize| Value::Array((from..from + count).map(statement).collect());
    let mut list = vec![role("app", vec![inline("Send", statements(0, own))])];
    list.extend(
        (1..=roles).map(|index| role(&format!("r{index}"), vec![inline("Policy", statements(index * 10, 10))])),
    );
    let account = Account {
        id: ACCOUNT.to_owned(),
        users: Vec::new(),
        groups: Vec::new(),
        roles: list,
        managed_policies: BTreeMap::<String, Readable<ManagedPolicy>>::new(),
        iam_gap: None,
        others_gap: None,
        ses: BTreeMap::from([("us-east-1".to_owned(), Readable::Known(ses()))]),
        history: Vec::new(),
    };
    World { accounts: BTreeMap::from([(ACCOUNT.to_owned(), account)]), organization: organization() }
}

fn ses() -> SesRegion {
    let policy = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Principal": "*", "Action": "ses:*", "Resource": DOMAIN,
        "Condition": { "Bool": { "aws:SecureTransport": "false" } } } });
    let identity = Identity {
        verified: Some(true),
        configuration_set: Some("tracking".to_owned()),
        policies: Readable::Known(vec![("Tls".to_owned(), raw(&policy))]),
    };
    SesRegion {
        account: Some(SesAccount {
            production_access: Some(true),
            sending_enabled: Some(true),
            enforcement_status: None,
        }),
        identities: BTreeMap::from([("example.com".to_owned(), identity)]),
        complete: true,
        ..SesRegion::default()
    }
}

fn organization() -> Readable<Option<Organization>> {
    let full = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let regions = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:RequestedRegion": ["us-east-1", "eu-west-1"] } } }] });
    let policy = |name: &str, document: &Value| OrganizationPolicy {
        id: format!("p-{name}"),
        name: name.to_owned(),
        arn: Some(format!("arn:aws:organizations::999999999999:policy/o-abc123/service_control_policy/p-{name}")),
        document: raw(document),
    };
    let node = |kind: NodeKind, id: &str| Node {
        kind,
        id: id.to_owned(),
        name: None,
        service_control_policies: Readable::Known(vec![policy("Full", &full), policy("Regions", &regions)]),
        resource_control_policies: Readable::Known(Vec::new()),
    };
    let path = vec![node(NodeKind::Root, "r-root"), node(NodeKind::Ou, "ou-prod"), node(NodeKind::Account, ACCOUNT)];
    Readable::Known(Some(Organization {
        id: Some("o-abc123".to_owned()),
        management_account: Some("999999999999".to_owned()),
        paths: BTreeMap::from([(ACCOUNT.to_owned(), path)]),
    }))
}

fn incident(contexts: usize, recipients_known: bool) -> Incident {
    let denial = |index: usize| {
        let mut denial = Denial::new(Provenance::Cloudtrail);
        let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/app/session");
        denial.message = message::parse(&format!(
            "User `{session}' is not authorized to perform `ses:SendRawEmail' on resource `{DOMAIN}'"
        ));
        denial.caller = sesame_diagnosis::denial::Caller::Role {
            account: ACCOUNT.to_owned(),
            name: "app".to_owned(),
            role_arn: Arn::parse(&format!("arn:aws:iam::{ACCOUNT}:role/app")).ok(),
            session_arn: Arn::parse(&session).ok(),
        };
        denial.recipient_account = Some(ACCOUNT.to_owned());
        denial.region = Some("us-east-1".to_owned());
        denial.api = Some("SendEmail".to_owned());
        denial.event_id = Some(format!("event-{index}"));
        denial.time = Some("2026-03-01T03:00:00Z".parse().unwrap());
        denial.source_ip = Some("192.0.2.10".to_owned());
        denial.secure_transport = Some(true);
        denial.send.content = Some(Content::Raw);
        denial.send.from_address = Parameter::Given(format!("a{index}@example.com"));
        denial.send.configuration_set = Parameter::NotGiven;
        if recipients_known {
            denial.send.recipients = Parameter::Given(vec!["x@example.com".to_owned()]);
        }
        denial
    };
    fold::fold((0..contexts).map(denial).collect()).remove(0)
}

fn options() -> Options {
    Options {
        now: "2026-03-01T03:05:00Z".parse().unwrap(),
        strict: true,
        own_account: None,
        apply_role_accounts: Vec::new(),
    }
}

/// How long this thread has been on a processor; wall-clock time where the system does not tell.
fn now(start: Instant) -> Duration {
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The median of a few runs.
fn measure(name: &str, world: &World, incident: &Incident) {
    let mut times: Vec<Duration> = Vec::new();
    let start = Instant::now();
    while times.len() < 5 || (times.len() < 200 && start.elapsed() < Duration::from_secs(2)) {
        let begin = now(start);
        black_box(diagnose(black_box(incident), black_box(world), &options()).unwrap());
        times.push(now(start).saturating_sub(begin));
    }
    times.sort();
    let median = times[times.len() / 2].as_secs_f64() * 1000.0;
    println!("{name:<58} {median:>9.3} ms  (median of {})", times.len());
}

/// The most memory that this process has had, in MiB; where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn main() {
    measure("typical: 20 roles of 10 statements, 3 levels of SCPs", &world(20, 10), &incident(1, true));
    measure("typical, 20 request contexts", &world(20, 10), &incident(20, true));
    measure("10,000 statements in the account, 10 of them the role's", &world(1000, 10), &incident(1, true));
    measure("10,000 statements, 500 of them the role's", &world(950, 500), &incident(1, true));
    if let Some(peak) = peak() {
        println!("peak memory of this process, worlds included: {peak} MiB");
    }
}

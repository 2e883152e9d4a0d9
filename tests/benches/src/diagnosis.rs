//! What one diagnosis costs: a typical world, and an account with 10,000 statements.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sesame_diagnosis::denial::{Caller, Content, Denial, Incident, Parameter};
use sesame_diagnosis::finding::Provenance;
use sesame_diagnosis::world::{
    Account, Entity, Identity, InlinePolicy, Node, NodeKind, Organization, OrganizationPolicy, RawDocument, Readable,
    Role, SesAccount, SesRegion, World,
};
use sesame_diagnosis::{Options, diagnose, fold, message};
use sesame_policy::Arn;
use sesame_policy::json::Json;

use crate::made::MadeError;

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

/// Roles of ten statements each beside the refused one, whose statements are `own`. Every fiftieth may send from any identity.
fn world(roles: usize, own: Vec<Value>) -> World {
    let other = |index: usize| {
        let mut statements: Vec<Value> = (index * 10..index * 10 + 10).map(statement).collect();
        if index.is_multiple_of(50) {
            statements.push(json!({ "Effect": "Allow", "Action": "ses:Send*", "Resource": "*" }));
        }
        role(&format!("r{index}"), vec![inline("Policy", Value::Array(statements))])
    };
    let mut list = vec![role("app", vec![inline("Send", Value::Array(own))])];
    list.extend((1..=roles).map(other));
    let account = Account {
        roles: list,
        ses: BTreeMap::from([("us-east-1".to_owned(), Readable::Known(ses()))]),
        ..Account::empty(ACCOUNT)
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

/// Refusals of one fingerprint, each from another address.
fn incident(contexts: usize) -> Result<Incident, MadeError> {
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/app/session");
    let mut denials = Vec::new();
    for index in 0..contexts {
        let mut denial = Denial::new(Provenance::Cloudtrail);
        denial.message = message::parse(&format!(
            "User `{session}' is not authorized to perform `ses:SendRawEmail' on resource `{DOMAIN}'"
        ));
        denial.caller = Caller::Role {
            account: ACCOUNT.to_owned(),
            name: "app".to_owned(),
            role_arn: Arn::parse(&format!("arn:aws:iam::{ACCOUNT}:role/app")).ok(),
            session_arn: Arn::parse(&session).ok(),
        };
        denial.recipient_account = Some(ACCOUNT.to_owned());
        denial.region = Some("us-east-1".to_owned());
        denial.api = Some("SendEmail".to_owned());
        denial.event_id = Some(format!("event-{index}"));
        denial.time = Some(time("2026-03-01T03:00:00Z")?);
        denial.source_ip = Some("192.0.2.10".to_owned());
        denial.secure_transport = Some(true);
        denial.send.content = Some(Content::Raw);
        denial.send.from_address = Parameter::Given(format!("a{index}@example.com"));
        denial.send.configuration_set = Parameter::NotGiven;
        denials.push(denial);
    }
    fold::fold(denials).pop().ok_or_else(|| MadeError::new("no incident"))
}

/// What is measured: its name, how long one diagnosis may take, the world and the incident.
fn tasks() -> Result<[(&'static str, Duration, World, Incident); 6], MadeError> {
    let budget = Duration::from_millis;
    let mixed = |count: usize| (0..count).map(statement).collect::<Vec<_>>();
    // A caller that has nothing to do with sending: the account is searched for who was meant.
    let foreign = vec![json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" })];
    // Each of these may have matched.
    let turned_on_recipients = |count: usize| {
        let denies = (0..count).map(|index| {
            json!({ "Effect": "Deny", "Action": "ses:*", "Resource": "*",
                "Condition": { "ForAnyValue:StringLike": { "ses:Recipients": format!("*@d{index}.example") } } })
        });
        let allow = json!({ "Effect": "Allow", "Action": "ses:*", "Resource": "*" });
        std::iter::once(allow).chain(denies).collect::<Vec<_>>()
    };
    Ok([
        ("20 roles of 10 statements, 3 levels of SCPs", budget(2), world(20, mixed(10)), incident(1)?),
        ("the same, 20 request contexts folded", budget(20), world(20, mixed(10)), incident(20)?),
        ("10,000 statements, a caller that never sends", budget(50), world(1000, foreign), incident(1)?),
        ("10,000 statements, 500 of them the caller's", budget(50), world(950, mixed(500)), incident(1)?),
        ("10 Denys that turn on hidden recipients", budget(10), world(20, turned_on_recipients(10)), incident(1)?),
        ("100 Denys that turn on hidden recipients", budget(100), world(20, turned_on_recipients(100)), incident(1)?),
    ])
}

/// The most memory that one diagnosis of these worlds may take, worlds included, in MiB.
const MEMORY: u64 = 30;

/// Measures each diagnosis that has this in its name; true when all keep to their budgets.
pub(crate) fn measure(name: &str, rate: impl Fn(&mut dyn FnMut()) -> f64, unit: f64) -> Result<bool, MadeError> {
    let wanted: Vec<_> = tasks()?.into_iter().filter(|(task, ..)| task.contains(name)).collect();
    if wanted.is_empty() {
        return Ok(true);
    }
    let options = Options {
        now: time("2026-03-01T03:05:00Z")?,
        strict: true,
        own_account: None,
        apply_role_accounts: Vec::new(),
    };
    let mut kept = true;
    println!("diagnosis: one finding with its remedies and their proof");
    for (name, budget, world, incident) in wanted {
        let rate = rate(&mut || {
            black_box(diagnose(black_box(&incident), black_box(&world), &options).is_ok());
        });
        let verdict = if 1.0 / rate <= budget.as_secs_f64() { "" } else { "  OVER BUDGET" };
        kept &= verdict.is_empty();
        let milliseconds = budget.as_millis();
        println!("{name:<44}{:>9.3} ms of {milliseconds} ms{:>16.3}{verdict}", 1e3 / rate, rate / unit);
    }
    if let Some(peak) = peak() {
        println!("{:<44}{peak:>9} MiB of {MEMORY} MiB", "peak memory, worlds included");
        kept &= peak <= MEMORY;
    }
    Ok(kept)
}

/// The most memory that this process has had, in MiB; where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn time(text: &str) -> Result<Timestamp, MadeError> {
    text.parse().map_err(|error: jiff::Error| MadeError::new(error))
}

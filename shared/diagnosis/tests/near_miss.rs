//! Near misses are ranked by how little of a statement would have to change.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sesame_diagnosis::denial::{Caller, Content, Denial, Incident, Parameter};
use sesame_diagnosis::finding::Provenance;
use sesame_diagnosis::world::{Account, Entity, Identity, InlinePolicy, RawDocument, Readable, SesRegion, User, World};
use sesame_diagnosis::{Options, diagnose, fold, message};
use sesame_policy::Arn;
use sesame_policy::json::Json;

const ACCOUNT: &str = "111122223333";
const OWNER: &str = "444455556666";

fn identity(account: &str) -> String {
    format!("arn:aws:ses:us-east-1:{account}:identity/example.com")
}

fn raw(statements: &[Value]) -> RawDocument {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    RawDocument { json: Ok(Json::from_value(&document)), source: "test".to_owned() }
}

/// A user with these statements, and an identity of an account with these in its sending authorization policy.
fn world(own: &[Value], owner: &str, sending: &[Value]) -> World {
    let inline = InlinePolicy { name: "Send".to_owned(), document: Readable::Known(raw(own)) };
    let entity = Entity {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/mailer"),
        name: "mailer".to_owned(),
        path: "/".to_owned(),
        unique_id: None,
        inline: if own.is_empty() { Vec::new() } else { vec![inline] },
        attached: Vec::new(),
        boundary: None,
        tags: Vec::new(),
        gap: None,
    };
    let policies = if sending.is_empty() { Vec::new() } else { vec![("Sending".to_owned(), raw(sending))] };
    let region = SesRegion {
        identities: BTreeMap::from([(
            "example.com".to_owned(),
            Identity { verified: Some(true), configuration_set: None, policies: Readable::Known(policies) },
        )]),
        complete: true,
        ..SesRegion::default()
    };
    let mut accounts =
        BTreeMap::from([(ACCOUNT.to_owned(), Account::empty(ACCOUNT)), (owner.to_owned(), Account::empty(owner))]);
    accounts.get_mut(ACCOUNT).unwrap().users = vec![User { entity, groups: Vec::new() }];
    accounts.get_mut(owner).unwrap().ses.insert("us-east-1".to_owned(), Readable::Known(region));
    World { accounts, organization: Readable::Known(None) }
}

/// The user's refused send from an identity of an account. Its recipients are not known.
fn incident(owner: &str) -> Incident {
    let user = format!("arn:aws:iam::{ACCOUNT}:user/mailer");
    let mut denial = Denial::new(Provenance::Cloudtrail);
    denial.message = message::parse(&format!(
        "User `{user}' is not authorized to perform `ses:SendEmail' on resource `{}'",
        identity(owner)
    ));
    denial.caller = Caller::User { arn: Arn::parse(&user).unwrap() };
    denial.recipient_account = Some(ACCOUNT.to_owned());
    denial.region = Some("us-east-1".to_owned());
    denial.api = Some("SendEmail".to_owned());
    denial.event_id = Some("event".to_owned());
    denial.time = Some("2026-03-01T03:00:00Z".parse().unwrap());
    denial.source_ip = Some("192.0.2.10".to_owned());
    denial.send.content = Some(Content::Simple);
    denial.send.from_address = Parameter::Given("news@example.com".to_owned());
    denial.send.configuration_set = Parameter::NotGiven;
    denial.send.recipients = Parameter::Unknown;
    if owner != ACCOUNT {
        denial.send.identity_arn = Parameter::Given(identity(owner));
    }
    fold::fold(vec![denial]).pop().unwrap()
}

/// The statements that the finding shows as near misses of a layer, by their `Sid`, each with what fails first.
fn shown(layer: &str, world: &World, owner: &str) -> Vec<(String, String)> {
    let options = Options {
        now: "2026-03-01T03:05:00Z".parse().unwrap(),
        strict: true,
        own_account: None,
        apply_role_accounts: Vec::new(),
    };
    let finding = serde_json::to_value(diagnose(&incident(owner), world, &options).unwrap()).unwrap();
    let causes = finding["causes"].as_array().unwrap();
    let cause = causes.iter().find(|cause| cause["layer"] == layer && cause["kind"] == "no-allow");
    let cause = cause.unwrap_or_else(|| panic!("no missing allow in {layer}: {finding:#}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let near = cause["nearMisses"].as_array().cloned().unwrap_or_default();
    near.iter().map(|near| (text(&near["statement"]["sid"]), text(&near["fails"]))).collect()
}

/// A statement that allows the send, with some elements replaced.
fn allow(sid: &str, elements: Value) -> Value {
    let mut statement =
        json!({ "Sid": sid, "Effect": "Allow", "Action": "ses:SendEmail", "Resource": identity(ACCOUNT) });
    for (name, value) in elements.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement
}

/// From the one that needs the least change to the one that needs the most.
fn ranked() -> Vec<(Value, &'static str)> {
    let resource = |arn: &str| json!({ "Resource": arn });
    let other_address = json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } });
    let two = json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" }, "StringEquals": { "ses:FromAddress": "a@example.com" } });
    let unknown = json!({ "ForAllValues:StringLike": { "ses:Recipients": "*@example.com" } });
    vec![
        (allow("HiddenRecipients", json!({ "Condition": unknown })), "Condition"),
        (allow("Case", resource("arn:aws:ses:us-east-1:111122223333:identity/Example.com")), "Resource"),
        (allow("Region", resource("arn:aws:ses:eu-west-1:111122223333:identity/example.com")), "Resource"),
        (allow("OneCondition", json!({ "Condition": other_address })), "Condition"),
        (
            allow("AddressOfDomain", resource("arn:aws:ses:us-east-1:111122223333:identity/boss@example.com")),
            "Resource",
        ),
        (allow("Account", resource("arn:aws:ses:us-east-1:999988887777:identity/example.com")), "Resource"),
        (allow("Kind", resource("arn:aws:ses:us-east-1:111122223333:configuration-set/tracking")), "Resource"),
        (allow("SiblingAction", json!({ "Action": "ses:SendRawEmail" })), "Action"),
        (
            allow(
                "RegionAndCondition",
                json!({ "Resource": "arn:aws:ses:eu-west-1:111122223333:identity/example.com",
                "Condition": other_address }),
            ),
            "Resource",
        ),
        (allow("OtherDomain", resource("arn:aws:ses:us-east-1:111122223333:identity/other.example")), "Resource"),
        (
            allow(
                "TwoConditionsAndRegion",
                json!({ "Resource": "arn:aws:ses:eu-west-1:111122223333:identity/example.com",
            "Condition": two }),
            ),
            "Resource",
        ),
        (
            allow(
                "ActionAndOtherDomain",
                json!({ "Action": "ses:SendRawEmail",
                "Resource": "arn:aws:ses:us-east-1:111122223333:identity/other.example" }),
            ),
            "Action",
        ),
    ]
}

#[test]
fn of_two_near_misses_the_one_that_needs_less_change_comes_first() {
    let ranked = ranked();
    for (index, (nearer, nearer_fails)) in ranked.iter().enumerate() {
        for (farther, farther_fails) in &ranked[index + 1..] {
            let expected = [(nearer, nearer_fails), (farther, farther_fails)]
                .map(|(statement, fails)| (statement["Sid"].as_str().unwrap().to_owned(), (*fails).to_owned()));
            // Whatever their order in the document.
            for own in [[nearer.clone(), farther.clone()], [farther.clone(), nearer.clone()]] {
                assert_eq!(shown("identity-policy", &world(&own, ACCOUNT, &[]), ACCOUNT), expected);
            }
        }
    }
}

#[test]
fn near_misses_that_need_as_much_change_stand_in_the_order_of_the_document() {
    let network =
        |sid: &str, range: &str| allow(sid, json!({ "Condition": { "IpAddress": { "aws:SourceIp": range } } }));
    let own = [network("B", "203.0.113.0/24"), network("A", "198.51.100.0/24")];
    let shown = shown("identity-policy", &world(&own, ACCOUNT, &[]), ACCOUNT);
    assert_eq!(shown.iter().map(|(sid, _)| sid.as_str()).collect::<Vec<_>>(), ["B", "A"]);
}

#[test]
fn the_five_nearest_are_shown() {
    let mut own: Vec<Value> = ranked().into_iter().map(|(statement, _)| statement).collect();
    own.reverse();
    let shown = shown("identity-policy", &world(&own, ACCOUNT, &[]), ACCOUNT);
    assert_eq!(
        shown.iter().map(|(sid, _)| sid.as_str()).collect::<Vec<_>>(),
        ["HiddenRecipients", "Case", "Region", "OneCondition", "AddressOfDomain"]
    );
}

#[test]
fn what_does_not_speak_of_sending_came_not_close() {
    let own = [
        allow("OtherService", json!({ "Action": "s3:GetObject", "Resource": "*" })),
        allow("NoSend", json!({ "Action": "ses:GetAccount" })),
        allow("OtherServicesResource", json!({ "Resource": "arn:aws:sqs:us-east-1:111122223333:queue" })),
        json!({ "Sid": "Refuses", "Effect": "Deny", "Action": "ses:SendEmail", "Resource": identity(ACCOUNT),
            "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } } }),
    ];
    assert_eq!(shown("identity-policy", &world(&own, ACCOUNT, &[]), ACCOUNT), []);
}

/// In a sending authorization policy of another account the form of the principal counts too.
#[test]
fn a_principal_that_is_someone_else_is_farther_than_a_condition() {
    let mailer = format!("arn:aws:iam::{ACCOUNT}:user/mailer");
    let own = [allow("Own", json!({ "Resource": identity(OWNER) }))];
    let condition = json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } });
    let sending = [
        allow("Stranger", json!({ "Resource": identity(OWNER), "Principal": { "AWS": "999988887777" } })),
        allow(
            "Network",
            json!({ "Resource": identity(OWNER), "Principal": { "AWS": mailer }, "Condition": condition }),
        ),
    ];
    let shown = shown("sending-authorization-policy", &world(&own, OWNER, &sending), OWNER);
    let expected = [("Network", "Condition"), ("Stranger", "Principal")];
    assert_eq!(shown, expected.map(|(sid, fails)| (sid.to_owned(), fails.to_owned())));
}

//! Policies of ours on the wire: each kind read, written and deleted, and nothing else; the switch and the count; the key.

use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json as value};
use sesame_aws::{AwsPolicyWriter, DynamoControls, KmsKey, Members};
use sesame_diagnosis::finding::{Target, TargetKind};
use sesame_remediation::mac::Mac;
use sesame_responder::ports::PolicyWriter;
use sesame_responder::walls::Controls;

use crate::ACCOUNT;
use crate::fake::{Answer, Call, FakeAws, entered, json, json_error, query, query_error};

const NAME: &str = "sesame-f-0123456789abcdef";

fn target(kind: TargetKind) -> Target {
    let principal = match kind {
        TargetKind::UserInline => Some("arn:aws:iam::111122223333:user/team/mailer".to_owned()),
        TargetKind::SendingAuthorization => None,
        _ => Some("arn:aws:iam::111122223333:role/team/mailer".to_owned()),
    };
    let identity = (kind == TargetKind::SendingAuthorization).then(|| "example.com".to_owned());
    Target {
        kind,
        account: Some(ACCOUNT.to_owned()),
        principal,
        policy: Some(NAME.to_owned()),
        region: identity.is_some().then(|| "eu-central-1".to_owned()),
        identity,
        node: None,
    }
}

fn document() -> Value {
    value!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "a+b %"}]})
}

fn writer(aws: &FakeAws) -> AwsPolicyWriter {
    AwsPolicyWriter::new(aws.impatient_clients(), ACCOUNT, Members::none()).waiting(vec![Duration::from_millis(1)])
}

/// IAM and SES with one policy each, which is URL-encoded by the one and plain in the other.
fn answers(call: &Call) -> Answer {
    let text = document().to_string();
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    match call.operation.as_str() {
        "GetUserPolicy" => query(
            "GetUserPolicy",
            &format!(
                "<UserName>mailer</UserName><PolicyName>{NAME}</PolicyName><PolicyDocument>{encoded}</PolicyDocument>"
            ),
        ),
        "GetRolePolicy" => query(
            "GetRolePolicy",
            &format!(
                "<RoleName>mailer</RoleName><PolicyName>{NAME}</PolicyName><PolicyDocument>{encoded}</PolicyDocument>"
            ),
        ),
        "PutUserPolicy" | "PutRolePolicy" | "DeleteUserPolicy" | "DeleteRolePolicy" => query(&call.operation, ""),
        "GET /v2/email/identities/example.com/policies" => json(&value!({"Policies": {NAME: text, "theirs": "{}"}})),
        path if path.ends_with(&format!("/v2/email/identities/example.com/policies/{NAME}")) => json(&value!({})),
        other => panic!("{other} was called"),
    }
}

#[tokio::test]
async fn each_kind_is_read_written_and_deleted_by_its_own_operations_and_no_others() {
    let cases = [
        (TargetKind::UserInline, ["GetUserPolicy", "PutUserPolicy", "DeleteUserPolicy"].map(str::to_owned)),
        (TargetKind::RoleInline, ["GetRolePolicy", "PutRolePolicy", "DeleteRolePolicy"].map(str::to_owned)),
        (
            TargetKind::SendingAuthorization,
            [
                "GET /v2/email/identities/example.com/policies".to_owned(),
                format!("POST /v2/email/identities/example.com/policies/{NAME}"),
                format!("DELETE /v2/email/identities/example.com/policies/{NAME}"),
            ],
        ),
    ];
    for (kind, operations) in cases {
        let aws = FakeAws::start(answers).await;
        let writer = writer(&aws);
        let target = target(kind);
        assert_eq!(writer.read(&target).await.unwrap(), Some(document()), "{kind:?}");
        writer.write(&target, Some(&document())).await.unwrap();
        writer.write(&target, None).await.unwrap();
        assert_eq!(aws.operations(), operations);
        let written = &aws.calls()[1];
        match kind {
            TargetKind::SendingAuthorization => {
                assert_eq!(written.region, "eu-central-1", "SES is asked in the identity's Region");
                let policy = written.json()["Policy"].as_str().unwrap().to_owned();
                assert_eq!(serde_json::from_str::<Value>(&policy).unwrap(), document());
            }
            _ => {
                let given = written.field("PolicyDocument").unwrap();
                assert_eq!(serde_json::from_str::<Value>(&given).unwrap(), document());
                assert_eq!(written.field("PolicyName").as_deref(), Some(NAME));
                let name = written.field("UserName").or_else(|| written.field("RoleName"));
                assert_eq!(name.as_deref(), Some("mailer"), "the name without its path");
            }
        }
    }
}

#[tokio::test]
async fn a_policy_that_is_not_there_reads_as_none_and_is_deleted_already() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "GET /v2/email/identities/example.com/policies" => json(&value!({"Policies": {"theirs": "{}"}})),
        operation if operation.starts_with("DELETE") => json_error(404, "NotFoundException"),
        _ => query_error(404, "NoSuchEntity"),
    })
    .await;
    for kind in [TargetKind::UserInline, TargetKind::RoleInline, TargetKind::SendingAuthorization] {
        assert_eq!(writer(&aws).read(&target(kind)).await.unwrap(), None);
        writer(&aws).write(&target(kind), None).await.unwrap();
    }
}

#[tokio::test]
async fn an_identity_that_is_not_there_is_an_error_and_not_an_identity_without_policies() {
    let aws = FakeAws::start(|_| json_error(404, "NotFoundException")).await;
    let error = writer(&aws).read(&target(TargetKind::SendingAuthorization)).await.unwrap_err();
    assert!(!error.retry && error.message.contains("ses:GetEmailIdentityPolicies gave NotFoundException"), "{error}");
}

#[tokio::test]
async fn a_policy_of_a_run_that_was_cut_off_is_no_error() {
    let aws = FakeAws::start(|_| json_error(400, "AlreadyExistsException")).await;
    writer(&aws).write(&target(TargetKind::SendingAuthorization), Some(&document())).await.unwrap();
}

#[tokio::test]
async fn what_is_not_ours_is_neither_written_nor_read_nor_deleted() {
    let aws = FakeAws::start(|call| panic!("{} was called", call.operation)).await;
    let edits: [fn(&mut Target); 12] = [
        |target| target.policy = Some("OrdersTable".to_owned()),
        |target| target.policy = Some("sesame-".to_owned()),
        |target| target.policy = None,
        |target| target.kind = TargetKind::CustomerManaged,
        |target| target.kind = TargetKind::GroupInline,
        |target| target.kind = TargetKind::Boundary,
        |target| target.kind = TargetKind::PermissionSet,
        |target| target.kind = TargetKind::Scp,
        |target| target.account = Some("444455556666".to_owned()),
        |target| target.account = None,
        |target| target.principal = Some("arn:aws:iam::444455556666:role/mailer".to_owned()),
        |target| target.principal = Some("arn:aws:iam::111122223333:group/mailer".to_owned()),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut target = target(TargetKind::RoleInline);
        edit(&mut target);
        let writer = writer(&aws);
        assert!(writer.read(&target).await.is_err(), "edit {number}");
        assert!(writer.write(&target, Some(&document())).await.is_err(), "edit {number}");
        assert!(!writer.write(&target, None).await.unwrap_err().retry, "edit {number}");
    }
    assert_eq!(aws.calls(), []);
}

#[tokio::test]
async fn refusals_last_and_throttling_passes() {
    let aws = FakeAws::start(|_| query_error(403, "AccessDenied")).await;
    let error = writer(&aws).write(&target(TargetKind::UserInline), Some(&document())).await.unwrap_err();
    assert!(!error.retry && error.message.starts_with("iam:PutUserPolicy gave AccessDenied"), "{error}");
    let aws = FakeAws::start(|_| query_error(400, "Throttling")).await;
    let error = writer(&aws).write(&target(TargetKind::UserInline), Some(&document())).await.unwrap_err();
    assert!(error.retry, "{error}");
}

#[tokio::test]
async fn it_waits_as_often_as_it_was_told_and_then_says_so() {
    let aws = FakeAws::start(answers).await;
    let writer = writer(&aws);
    assert!(writer.settle(0).await);
    assert!(!writer.settle(1).await);
}

#[tokio::test]
async fn another_account_is_entered_by_its_role_and_only_when_it_is_listed() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "AssumeRole" => entered("ASIAMEMBER", "2099-01-01T00:00:00Z"),
        operation => query(operation, ""),
    })
    .await;
    let members = Members::new("sesame-apply", vec!["444455556666".to_owned()], "prod");
    let writer = AwsPolicyWriter::new(aws.impatient_clients(), ACCOUNT, members);
    let mut there = target(TargetKind::RoleInline);
    there.account = Some("444455556666".to_owned());
    there.principal = Some("arn:aws:iam::444455556666:role/app".to_owned());
    writer.write(&there, Some(&document())).await.unwrap();
    assert_eq!(aws.operations(), ["AssumeRole", "PutRolePolicy"]);
    assert_eq!(aws.calls()[1].access_key, "ASIAMEMBER");
    let asked = &aws.calls()[0];
    assert_eq!(asked.field("RoleArn").as_deref(), Some("arn:aws:iam::444455556666:role/sesame-apply"));
    assert_eq!(asked.field("ExternalId").as_deref(), Some("prod"));
    assert_eq!(asked.field("DurationSeconds").as_deref(), Some("900"));

    there.account = Some("999988887777".to_owned());
    there.principal = Some("arn:aws:iam::999988887777:role/app".to_owned());
    let error = writer.write(&there, Some(&document())).await.unwrap_err();
    assert_eq!(error.to_string(), "account 999988887777 has no apply role of this stack");
    assert_eq!(aws.calls().len(), 2, "nobody was asked");
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn the_switch_is_on_where_nobody_switched_it_and_otherwise_only_when_it_says_so() {
    let cases = [
        (value!({}), true),
        (value!({"Item": {"apply": {"S": "on"}}}), true),
        (value!({"Item": {"apply": {"S": "off"}}}), false),
        (value!({"Item": {"apply": {"S": "ON "}}}), false),
        (value!({"Item": {"apply": {"BOOL": true}}}), false),
        (value!({"Item": {}}), false),
    ];
    for (answer, on) in cases {
        let said = answer.clone();
        let aws = FakeAws::start(move |call| {
            assert_eq!(call.json()["Key"], value!({"pk": {"S": "control"}, "sk": {"S": "switch"}}));
            assert_eq!(call.json()["ConsistentRead"], value!(true));
            json(&answer)
        })
        .await;
        assert_eq!(DynamoControls::new(aws.impatient_clients(), "findings").is_on().await, Ok(on), "{said}");
    }
    let aws = FakeAws::start(|_| json_error(400, "AccessDeniedException")).await;
    assert!(DynamoControls::new(aws.impatient_clients(), "findings").is_on().await.is_err());
}

/// A table with one item that knows the condition on its version; another application is counted just before the first
/// `others` writes.
async fn counting(others: usize) -> FakeAws {
    let state: Mutex<(Option<Value>, usize)> = Mutex::new((None, others));
    FakeAws::start(move |call| {
        let body = call.json();
        let (item, others) = &mut *state.lock().unwrap();
        if call.operation == "GetItem" {
            return json(&item.as_ref().map_or_else(|| value!({}), |item| value!({"Item": item})));
        }
        if *others > 0 {
            *others -= 1;
            let version = item.as_ref().map_or(0, |item| item["version"]["N"].as_str().unwrap().parse().unwrap()) + 1;
            let mut begun = item.as_ref().map_or_else(|| value!({}), |item| item["begun"]["M"].clone());
            begun[format!("other-{version}")] = value!({"S": "2026-11-23T03:00:00Z"});
            *item = Some(value!({"version": {"N": version.to_string()}, "begun": {"M": begun}}));
        }
        let stored = item.as_ref().map(|item| item["version"].clone());
        let expected = body["ExpressionAttributeValues"][":before"].clone();
        if stored.unwrap_or_default() != expected {
            return json_error(400, "ConditionalCheckFailedException");
        }
        *item = Some(body["Item"].clone());
        json(&value!({}))
    })
    .await
}

#[tokio::test]
async fn so_many_applications_are_counted_in_a_day_and_each_of_them_once() {
    let aws = counting(0).await;
    let controls = DynamoControls::new(aws.impatient_clients(), "findings");
    let now = time("2026-11-23T03:00:00Z");
    assert_eq!(controls.count("f-1#1", now, 2).await, Ok(true));
    assert_eq!(controls.count("f-2#1", now + SignedDuration::from_hours(1), 2).await, Ok(true));
    assert_eq!(controls.count("f-3#1", now + SignedDuration::from_hours(2), 2).await, Ok(false));
    assert_eq!(controls.count("f-1#1", now + SignedDuration::from_hours(2), 2).await, Ok(true), "it was counted");
    let writes = aws.count("PutItem");
    assert_eq!(writes, 2, "and is not counted again");
    // A day after the first there is room for one.
    let next = now + SignedDuration::from_hours(24) + SignedDuration::from_secs(1);
    assert_eq!(controls.count("f-3#1", next, 2).await, Ok(true));
    assert_eq!(controls.count("f-4#1", next, 2).await, Ok(false));
    assert_eq!(controls.count("f-4#1", next, 0).await, Ok(false));
}

#[tokio::test]
async fn applications_that_are_counted_at_the_same_time_do_not_exceed_the_limit() {
    let aws = counting(1).await;
    let controls = DynamoControls::new(aws.impatient_clients(), "findings");
    let now = time("2026-11-23T03:00:00Z");
    assert_eq!(controls.count("f-1#1", now, 1).await, Ok(false), "the other one was first");
    let aws = counting(1).await;
    let controls = DynamoControls::new(aws.impatient_clients(), "findings");
    assert_eq!(controls.count("f-1#1", now, 2).await, Ok(true), "there is room for both");
    let aws = counting(100).await;
    let controls = DynamoControls::new(aws.impatient_clients(), "findings");
    assert!(controls.count("f-1#1", now, 1000).await.unwrap_err().retry);
}

#[tokio::test]
async fn a_code_is_made_and_checked_by_kms_and_a_wrong_one_is_no_error() {
    let aws = FakeAws::start(|call| {
        assert_eq!(call.json()["MacAlgorithm"], value!("HMAC_SHA_256"));
        match call.operation.as_str() {
            "GenerateMac" => json(&value!({"Mac": "AQID", "MacAlgorithm": "HMAC_SHA_256"})),
            _ if call.json()["Mac"] == value!("AQID") => json(&value!({"MacValid": true})),
            _ => json_error(400, "KMSInvalidMacException"),
        }
    })
    .await;
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1";
    let key = KmsKey::new(aws.impatient_clients(), arn);
    assert_eq!(key.key_id(), arn);
    assert_eq!(key.sign(b"message").await, Ok(vec![1, 2, 3]));
    assert_eq!(key.verify(b"message", &[1, 2, 3]).await, Ok(true));
    assert_eq!(key.verify(b"message", &[1, 2, 4]).await, Ok(false));
    let aws = FakeAws::start(|_| json_error(400, "AccessDeniedException")).await;
    let error = KmsKey::new(aws.impatient_clients(), arn).verify(b"m", &[1]).await.unwrap_err();
    assert!(error.to_string().contains("kms:VerifyMac gave AccessDeniedException"), "{error}");
}

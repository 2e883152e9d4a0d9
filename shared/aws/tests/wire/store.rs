//! Findings in DynamoDB, notices to SNS, messages put aside in SQS.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json as value};
use sesame_aws::{DeadLetters, DynamoStore, SnsPublisher, link_key};
use sesame_diagnosis::finding::Finding;
use sesame_remediation::link::Link;
use sesame_remediation::mac::{LocalKey, Mac};
use sesame_remediation::{Event, State};
use sesame_render::Phase;
use sesame_responder::links::Links;
use sesame_responder::ports::{FindingStore, Notice, Publisher, SaveError};
use sesame_responder::record::{Alert, Record};

use crate::contract;
use crate::fake::{Answer, Call, FakeAws, json, json_error, query, query_error};

const SINCE: &str = "2026-11-23T03:00:00Z";

fn record(id: &str) -> Record {
    let finding: Finding = serde_json::from_value(value!({
        "schema": "sesame.finding/v1", "id": id, "outcome": "denied", "generation": 1, "provenance": "cloudtrail",
        "event": {
            "id": "e1", "time": SINCE, "account": "111122223333", "accountName": null, "region": "eu-west-1",
            "api": "SendEmail", "sourceIp": null, "userAgent": null, "count": 1, "firstSeen": SINCE, "lastSeen": SINCE,
            "sources": [], "contexts": []
        },
        "principal": {
            "arn": null, "sessionArn": null, "type": "user", "account": null, "path": null, "name": null,
            "modifiable": true, "whyNot": null, "managedBy": null, "owner": null
        },
        "requests": [], "causes": [], "hints": [], "gaps": [],
        "witness": {
            "message": null, "principal": null, "action": null, "resource": null, "layer": null, "kind": null,
            "policyArn": null, "agreement": "silent"
        },
        "remedies": [], "plan": [], "summary": {"what": "w", "why": "y", "fix": "f"}
    }))
    .unwrap();
    Record::new(finding, SINCE.parse().unwrap())
}

/// A table that knows our two conditions.
async fn table() -> FakeAws {
    let items: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
    FakeAws::start(move |call| {
        let body = call.json();
        assert_eq!(body["TableName"], "findings");
        let mut items = items.lock().unwrap();
        match call.operation.as_str() {
            "GetItem" => {
                assert_eq!(body["ConsistentRead"], true);
                let item = items.get(body["Key"]["pk"]["S"].as_str().unwrap());
                json(&item.map_or_else(|| value!({}), |item| value!({"Item": item})))
            }
            "PutItem" => {
                let id = body["Item"]["pk"]["S"].as_str().unwrap().to_owned();
                let stored = items.get(&id).map(|item| item["version"]["N"].clone());
                let holds = match body["ConditionExpression"].as_str().unwrap() {
                    "attribute_not_exists(pk)" => stored.is_none(),
                    "version = :before" => stored.as_ref() == Some(&body["ExpressionAttributeValues"][":before"]["N"]),
                    other => panic!("{other}"),
                };
                if !holds {
                    return json_error(400, "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException");
                }
                items.insert(id, body["Item"].clone());
                json(&value!({}))
            }
            "Query" if body["IndexName"] == "list" => list(&items, &body),
            "Query" => {
                assert_eq!(body["IndexName"], "due");
                let due = items.values().filter(|item| item["due"] == body["ExpressionAttributeValues"][":due"]);
                json(&value!({"Items": due.map(|item| value!({"pk": item["pk"]})).collect::<Vec<_>>()}))
            }
            other => panic!("{other}"),
        }
    })
    .await
}

/// A query of the index `list`: as DynamoDB, it first takes as many items as the limit says, and filters then.
fn list(items: &BTreeMap<String, Value>, body: &Value) -> Answer {
    assert_eq!(body["KeyConditionExpression"], "sk = :record");
    let mut all: Vec<&Value> = items.values().filter(|item| item["sk"]["S"] == "record").collect();
    let place =
        |key: &Value| (key["lastSeen"]["S"].as_str().unwrap().to_owned(), key["pk"]["S"].as_str().unwrap().to_owned());
    all.sort_by_key(|item| std::cmp::Reverse(place(item)));
    let start = body.get("ExclusiveStartKey").map(place);
    let mut rest = all.into_iter().filter(|item| start.as_ref().is_none_or(|start| place(item) < *start)).peekable();
    let limit = usize::try_from(body["Limit"].as_u64().unwrap()).unwrap();
    let taken: Vec<&Value> = rest.by_ref().take(limit).collect();
    let filter = body["FilterExpression"].as_str().unwrap_or_default();
    let holds = |item: &Value| {
        filter.split(" AND ").filter(|condition| !condition.is_empty()).all(|condition| {
            let (name, value) = condition.split_once(" = ").unwrap();
            let name = body["ExpressionAttributeNames"][name].as_str().unwrap();
            item[name] == body["ExpressionAttributeValues"][value]
        })
    };
    let found: Vec<Value> =
        taken.iter().filter(|item| holds(item)).map(|item| value!({"summary": item["summary"]})).collect();
    let mut answer = value!({"Items": found});
    if let (Some(last), true) = (taken.last(), rest.peek().is_some()) {
        answer["LastEvaluatedKey"] = value!({"pk": last["pk"], "sk": last["sk"], "lastSeen": last["lastSeen"]});
    }
    json(&answer)
}

fn last_item(aws: &FakeAws) -> Value {
    let puts: Vec<Call> = aws.calls().into_iter().filter(|call| call.operation == "PutItem").collect();
    puts.last().unwrap().json()["Item"].clone()
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_saved() {
    let aws = table().await;
    let store = DynamoStore::new(aws.clients(), "findings");
    assert_eq!(store.load("f-1").await.unwrap(), None);
    let mut record = record("f-1");
    store.save(&mut record).await.unwrap();
    assert_eq!(record.version, 1);
    assert_eq!(store.load("f-1").await.unwrap(), Some(record));
}

#[tokio::test]
async fn the_table_keeps_the_contract_of_a_store() {
    let aws = table().await;
    contract::is_kept(&DynamoStore::new(aws.clients(), "findings")).await;
}

#[tokio::test]
async fn of_two_who_read_the_same_version_one_writes() {
    let aws = table().await;
    let store = DynamoStore::new(aws.clients(), "findings");
    store.save(&mut record("f-1")).await.unwrap();
    let mut first = store.load("f-1").await.unwrap().unwrap();
    let mut second = first.clone();
    store.save(&mut first).await.unwrap();
    assert_eq!(store.save(&mut second).await, Err(SaveError::Conflict("f-1".to_owned())));
    assert_eq!(second.version, 1, "what was not written is not counted");
    assert_eq!(store.save(&mut record("f-1")).await, Err(SaveError::Conflict("f-1".to_owned())));
}

#[tokio::test]
async fn an_item_shows_people_where_a_finding_stands() {
    let aws = table().await;
    DynamoStore::new(aws.clients(), "findings").save(&mut record("f-1")).await.unwrap();
    let item = last_item(&aws);
    assert_eq!((&item["state"]["S"], &item["outcome"]["S"]), (&"open".into(), &"denied".into()));
    assert_eq!((&item["account"]["S"], &item["region"]["S"]), (&"111122223333".into(), &"eu-west-1".into()));
}

#[tokio::test]
async fn a_finding_is_due_until_it_was_told() {
    let aws = table().await;
    let store = DynamoStore::new(aws.clients(), "findings");
    let mut told = record("f-1");
    store.save(&mut told).await.unwrap();
    store.save(&mut record("f-2")).await.unwrap();
    assert_eq!(last_item(&aws)["dueSince"]["S"], SINCE);
    told.alert = Alert::Sent;
    store.save(&mut told).await.unwrap();
    assert_eq!(last_item(&aws)["due"], Value::Null);
    assert_eq!(store.unfinished().await.unwrap(), ["f-2"]);
}

#[tokio::test]
async fn a_finding_that_is_still_refused_is_not_forgotten() {
    let aws = table().await;
    let store = DynamoStore::new(aws.clients(), "findings");
    let expiry = |item: Value| item["ttl"]["N"].as_str().unwrap().parse::<i64>().unwrap();
    let day = 24 * 60 * 60;
    let start = SINCE.parse::<Timestamp>().unwrap().as_second();
    let mut record = record("f-1");
    store.save(&mut record).await.unwrap();
    assert_eq!(expiry(last_item(&aws)), start + 400 * day);
    record.finding.event.last_seen = Some("2027-11-23T03:00:00Z".to_owned());
    store.save(&mut record).await.unwrap();
    assert_eq!(expiry(last_item(&aws)), start + 765 * day);
}

/// Text that gzip cannot shrink.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[(state >> 58) as usize])
    };
    (0..length).map(|_| next()).collect()
}

fn evidence(length: usize) -> Value {
    value!([{
        "action": "ses:SendEmail", "resource": "r", "origin": "message", "decision": "ImplicitDeny", "possible": [],
        "unknownKeys": [],
        "layers": [{"layer": "identity-policy", "decision": "ImplicitDeny", "statements": [{
            "policy": {"kind": "user-inline", "name": noise(length), "arn": null, "attachedTo": null},
            "statement": {"index": 0, "sid": null, "pointer": "/Statement/0"},
            "effect": "Allow", "matched": false, "fails": [], "conditions": []
        }]}]
    }])
}

#[tokio::test]
async fn a_record_too_large_for_an_item_loses_evidence_and_nothing_else() {
    let aws = table().await;
    let store = DynamoStore::new(aws.clients(), "findings");
    let mut record = record("f-1");
    record.finding.requests = serde_json::from_value(evidence(600_000)).unwrap();
    store.save(&mut record).await.unwrap();
    let mut stored = store.load("f-1").await.unwrap().unwrap();
    assert!(stored.finding.requests[0].layers[0].statements.is_empty());
    stored.finding.requests = record.finding.requests.clone();
    assert_eq!(stored, record);
}

#[tokio::test]
async fn a_record_that_no_cut_makes_small_enough_is_refused_for_good() {
    let aws = table().await;
    let mut record = record("f-1");
    record.finding.summary.why = noise(600_000);
    let error = DynamoStore::new(aws.clients(), "findings").save(&mut record).await.unwrap_err();
    let SaveError::Port(error) = error else { panic!("{error}") };
    assert!(!error.retry && error.message.contains("300000 is the most"), "{error}");
    assert_eq!(aws.calls(), []);
}

#[tokio::test]
async fn errors_say_whether_another_attempt_may_help() {
    let cases = [
        (400, "AccessDeniedException", false),
        (400, "ValidationException", false),
        (400, "ResourceNotFoundException", false),
        (400, "ThrottlingException", true),
        (500, "InternalServerError", true),
    ];
    for (status, code, retry) in cases {
        let aws = FakeAws::start(move |_| json_error(status, code)).await;
        let error = DynamoStore::new(aws.impatient_clients(), "findings").load("f-1").await.unwrap_err();
        assert_eq!(error.retry, retry, "{error}");
        assert!(error.message.starts_with("dynamodb:GetItem gave "), "{error}");
    }
}

#[tokio::test]
async fn a_message_is_put_aside_with_its_reason() {
    let aws = FakeAws::start(|_| Answer::Body(200, r#"{"MessageId":"m"}"#.to_owned())).await;
    DeadLetters::new(aws.clients(), "http://127.0.0.1/dead").put("{nonsense", "expected an event").await.unwrap();
    let sent = aws.calls()[0].json();
    assert_eq!((&sent["QueueUrl"], &sent["MessageBody"]), (&"http://127.0.0.1/dead".into(), &"{nonsense".into()));
    assert_eq!(sent["MessageAttributes"]["reason"], value!({"DataType": "String", "StringValue": "expected an event"}));
}

#[tokio::test]
async fn a_notice_has_a_text_for_each_protocol_and_attributes_to_filter_by() {
    let aws = FakeAws::start(|_| query("Publish", "<MessageId>m</MessageId>")).await;
    let record = record("f-1");
    let publisher = SnsPublisher::new(aws.clients(), "arn:aws:sns:eu-west-1:111122223333:topic", "findings");
    publisher.publish(Notice { phase: Phase::Finding, record: &record }).await.unwrap();
    let call = &aws.calls()[0];
    assert_eq!(call.field("MessageStructure").as_deref(), Some("json"));
    assert!(call.field("Subject").is_some_and(|subject| !subject.is_empty() && subject.len() < 100));
    let message: BTreeMap<String, String> = serde_json::from_str(&call.field("Message").unwrap()).unwrap();
    assert_eq!(message.keys().collect::<Vec<_>>(), ["default", "email", "firehose", "https", "lambda", "sqs"]);
    let finding: Value = serde_json::from_str(&message["sqs"]).unwrap();
    assert_eq!((&finding["id"], &finding["stored"]), (&"f-1".into(), &"dynamodb:findings/f-1".into()));
    let attributes: BTreeMap<String, String> = (1..=8)
        .filter_map(|index| {
            let entry = |part: &str| call.field(&format!("MessageAttributes.entry.{index}.{part}"));
            Some((entry("Name")?, entry("Value.StringValue")?))
        })
        .collect();
    assert_eq!((attributes["phase"].as_str(), attributes["outcome"].as_str()), ("finding", "denied"));
    assert!(!attributes.contains_key("layer"), "there is no cause, hence no layer: {attributes:?}");
}

#[tokio::test]
async fn a_notice_that_does_not_get_through_is_an_error() {
    let aws = FakeAws::start(|_| query_error(403, "AuthorizationError")).await;
    let publisher = SnsPublisher::new(aws.clients(), "arn:aws:sns:eu-west-1:111122223333:topic", "findings");
    let error = publisher.publish(Notice { phase: Phase::Finding, record: &record("f-1") }).await.unwrap_err();
    assert_eq!(error.message, "sns:Publish gave AuthorizationError: no");
}

fn links() -> Links<LocalKey> {
    Links {
        stack: "prod".to_owned(),
        stage: "$default".to_owned(),
        url: "https://sesame.example".to_owned(),
        life: SignedDuration::from_hours(7 * 24),
        key: LocalKey::new("link", &[7; 32]).unwrap(),
    }
}

/// The texts that a notice of this record goes out as.
async fn published(record: &Record, phase: Phase) -> BTreeMap<String, String> {
    let aws = FakeAws::start(|_| query("Publish", "<MessageId>m</MessageId>")).await;
    let publisher = SnsPublisher::new(aws.clients(), "arn:aws:sns:eu-west-1:111122223333:topic", "findings");
    publisher.with_links(Some(links())).publish(Notice { phase, record }).await.unwrap();
    serde_json::from_str(&aws.calls()[0].field("Message").unwrap()).unwrap()
}

#[tokio::test]
async fn a_link_is_in_the_email_and_nowhere_else() {
    let texts = published(&record("f-1"), Phase::Finding).await;
    let token = texts["email"].split("https://sesame.example/t/").nth(1).unwrap().split_whitespace().next().unwrap();
    let links = links();
    let now = Timestamp::now();
    let link = Link::read(token, &links.key, "prod", "$default", now).await.unwrap();
    assert_eq!((link.finding.as_str(), link.generation, link.series), ("f-1", 1, 0));
    let left = link.expires.duration_since(now);
    assert!(left <= links.life && left > links.life - SignedDuration::from_mins(1), "{left}");
    for (protocol, text) in texts.iter().filter(|(protocol, _)| *protocol != "email") {
        assert!(!text.contains("/t/") && !text.contains(token), "{protocol}: {text}");
    }
}

#[tokio::test]
async fn what_waits_for_no_decision_has_no_link() {
    for (state, phase) in [
        (State::Rejected, Phase::Rejected),
        (State::Applied, Phase::Applied),
        (State::Applied, Phase::Quiet),
        (State::Expired, Phase::Expired),
    ] {
        let record = Record { state, ..record("f-1") };
        assert!(published(&record, phase).await.values().all(|text| !text.contains("/t/")), "{phase}");
    }
}

#[tokio::test]
async fn machines_get_the_audit_since_the_message_before() {
    let mut told = record("f-1");
    told.advance(Event::Reject, told.since, Some("not now".to_owned())).unwrap();
    let texts = published(&told, Phase::Rejected).await;
    let message: Value = serde_json::from_str(&texts["lambda"]).unwrap();
    let acts: Vec<&str> =
        message["audit"].as_array().unwrap().iter().map(|line| line["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["find", "reject"]);
    assert_eq!(message["detail"], "not now");
    told.alerted = Some(told.since + SignedDuration::from_secs(1));
    let texts = published(&told, Phase::Rejected).await;
    assert_eq!(serde_json::from_str::<Value>(&texts["sqs"]).unwrap()["audit"], Value::Null);
}

#[tokio::test]
async fn refused_again_an_email_has_the_new_diagnosis_and_says_so_first() {
    let mut again = record("f-1");
    again.state = State::Applied;
    again.advance(Event::Reopen, again.since, Some("applied at noon, and refused again since".to_owned())).unwrap();
    let email = published(&again, Phase::StillRefused).await.remove("email").unwrap();
    assert!(email.starts_with("Still refused:"), "{email}");
    assert!(email.contains("Applied at noon, and refused again since.") && email.contains("/t/"), "{email}");
}

#[tokio::test]
async fn the_key_of_links_is_read_once_and_is_not_shown() {
    for body in [
        value!({"SecretString": "0123456789abcdef0123456789abcdef"}),
        value!({"SecretBinary": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}),
    ] {
        let aws = FakeAws::start(move |_| json(&body)).await;
        let key = link_key(&aws.clients(), "arn:aws:secretsmanager:eu-west-1:111122223333:secret:link").await.unwrap();
        let same = LocalKey::new("link", b"0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(key.sign(b"message").await, same.sign(b"message").await);
        assert_eq!(aws.operations(), ["GetSecretValue"]);
    }
    let aws = FakeAws::start(|_| json(&value!({"SecretString": "hunter2"}))).await;
    let error = link_key(&aws.clients(), "link").await.unwrap_err();
    assert!(
        error.message.ends_with("expected at least 32 bytes, found 7") && !error.message.contains("hunter2"),
        "{error}"
    );
    let aws = FakeAws::start(|_| json_error(400, "AccessDeniedException")).await;
    assert!(!link_key(&aws.clients(), "link").await.unwrap_err().retry);
}

/// Writes what is logged as the functions do: JSON, a line each.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_entry_of_the_audit_is_a_line_of_the_log_when_it_is_stored() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let aws = table().await;
    let store = DynamoStore::new(aws.clients(), "findings");
    let mut record = record("f-1");
    store.save(&mut record).await.unwrap();
    let mut stale = Record { version: 0, ..record.clone() };
    record.advance(Event::Reject, record.since, Some("a\nsecond \"line\"".to_owned())).unwrap();
    store.save(&mut record).await.unwrap();
    store.save(&mut record).await.unwrap();
    stale.advance(Event::Expire, stale.since, None).unwrap();
    store.save(&mut stale).await.unwrap_err();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let audit: Vec<&Value> =
        lines.iter().filter(|line| line["target"] == "sesame::audit").map(|line| &line["fields"]).collect();
    let acts: Vec<&str> = audit.iter().map(|line| line["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["find", "reject"], "once each, and nothing of what was not stored");
    let reject = audit[1];
    assert_eq!(
        (&reject["finding"], &reject["from"], &reject["state"]),
        (&"f-1".into(), &"open".into(), &"rejected".into())
    );
    assert_eq!(reject["note"], "a\nsecond \"line\"");
}

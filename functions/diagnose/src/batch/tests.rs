use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::json;
use sesame_diagnosis::input::QueueMessage;
use sesame_diagnosis::world::{Readable, World};
use sesame_responder::list::{Filter, Page};
use sesame_responder::memory::{MemoryPublisher, MemoryStore, MemoryWorld};
use sesame_responder::ports::{Clock, FindingStore, Notice, PortError, Publisher, SaveError};
use sesame_responder::record::{Alert, Record};
use sesame_responder::{Settings, Shared};

use super::{SetAside, Worked, work_through};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        "2026-11-23T04:00:00Z".parse().unwrap()
    }
}

#[derive(Default)]
struct Aside {
    kept: Mutex<Vec<(String, String)>>,
    fails: bool,
}

impl SetAside for Aside {
    async fn set_aside(&self, body: &str, reason: &str) -> Result<(), PortError> {
        if self.fails {
            return Err(PortError::passing("sqs:SendMessage gave no connection"));
        }
        self.kept.lock().unwrap().push((body.to_owned(), reason.to_owned()));
        Ok(())
    }
}

/// A publisher that does not get through.
struct Mute;

impl Publisher for Mute {
    async fn publish(&self, _notice: Notice<'_>) -> Result<(), PortError> {
        Err(PortError::passing("sns:Publish gave no connection"))
    }
}

/// A store that takes nothing of one user.
struct Without(MemoryStore, &'static str);

impl FindingStore for Without {
    async fn load(&self, finding: &str) -> Result<Option<Record>, PortError> {
        self.0.load(finding).await
    }
    async fn save(&self, record: &mut Record) -> Result<(), SaveError> {
        if record.finding.principal.arn.as_deref().is_some_and(|arn| arn.ends_with(self.1)) {
            return Err(PortError::passing("dynamodb:PutItem gave no connection").into());
        }
        self.0.save(record).await
    }
    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        self.0.unfinished().await
    }

    async fn list(&self, filter: &Filter) -> Result<Page, PortError> {
        self.0.list(filter).await
    }
}

fn event(id: &str, user: &str) -> serde_json::Value {
    let arn = format!("arn:aws:iam::111122223333:user/{user}");
    let identity = "arn:aws:ses:eu-west-1:111122223333:identity/example.com";
    json!({
        "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.ses",
        "account": "111122223333", "time": "2026-11-23T03:14:07Z", "region": "eu-west-1", "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "principalId": "AIDA1", "arn": arn, "accountId": "111122223333",
                             "accessKeyId": "AKIA1", "userName": user},
            "eventTime": "2026-11-23T03:14:07Z", "eventSource": "ses.amazonaws.com", "eventName": "SendEmail",
            "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.1", "userAgent": "x",
            "errorCode": "AccessDeniedException",
            "errorMessage": format!("User: {arn} is not authorized to perform: ses:SendEmail on resource: {identity}"),
            "requestParameters": null, "responseElements": null, "requestID": "r", "eventID": id, "readOnly": false,
            "eventType": "AwsApiCall", "managementEvent": false, "recipientAccountId": "111122223333",
            "eventCategory": "Data"
        }
    })
}

fn message(id: &str, body: impl ToString) -> QueueMessage {
    QueueMessage { message_id: Some(id.to_owned()), body: body.to_string() }
}

fn settings() -> Settings {
    Settings { own_account: Some("111122223333".to_owned()), strict: false, ..Settings::embedded() }
}

async fn work(
    messages: Vec<QueueMessage>,
    aside: &Aside,
    store: &impl FindingStore,
    publisher: &impl Publisher,
) -> Worked {
    let world = MemoryWorld::new(World { accounts: BTreeMap::new(), organization: Readable::Known(None) });
    let shared = Shared { store, publisher, clock: &Fixed, settings: &settings() };
    work_through(messages, aside, &world, shared).await
}

fn ids(worked: &Worked) -> Vec<&str> {
    worked.again.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn refused_sends_of_one_principal_are_one_finding_and_one_notice() {
    let (store, publisher) = (MemoryStore::default(), MemoryPublisher::default());
    let messages = vec![message("m1", event("e1", "shop")), message("m2", event("e2", "shop"))];
    let worked = work(messages, &Aside::default(), &store, &publisher).await;
    assert_eq!(worked, Worked { denials: 2, findings: 1, ..Worked::default() });
    let published = publisher.published();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].1.finding.event.count, 2);
}

#[tokio::test]
async fn a_message_that_comes_twice_is_counted_and_told_once() {
    let (store, publisher) = (MemoryStore::default(), MemoryPublisher::default());
    for _ in 0..2 {
        let worked = work(vec![message("m1", event("e1", "shop"))], &Aside::default(), &store, &publisher).await;
        assert_eq!(ids(&worked), [""; 0]);
    }
    assert_eq!(publisher.published().len(), 1);
    let id = &publisher.published()[0].1.finding.id;
    assert_eq!(store.load(id).await.unwrap().unwrap().finding.event.count, 1);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_put_aside_with_its_reason_and_harms_no_other() {
    let (store, publisher, aside) = (MemoryStore::default(), MemoryPublisher::default(), Aside::default());
    let messages = vec![message("m1", "{nonsense"), message("m2", event("e1", "shop"))];
    let worked = work(messages, &aside, &store, &publisher).await;
    assert_eq!(worked, Worked { denials: 1, findings: 1, poison: 1, ..Worked::default() });
    let kept = aside.kept.lock().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, "{nonsense");
    assert!(kept[0].1.starts_with("message m1: "), "{}", kept[0].1);
}

#[tokio::test]
async fn what_is_readable_in_a_broken_message_is_diagnosed_all_the_same() {
    let (store, publisher, aside) = (MemoryStore::default(), MemoryPublisher::default(), Aside::default());
    let lines = format!("{}\n{{nonsense\n", event("e1", "shop"));
    let worked = work(vec![message("m1", lines)], &aside, &store, &publisher).await;
    assert_eq!(worked, Worked { denials: 1, findings: 1, poison: 1, ..Worked::default() });
}

#[tokio::test]
async fn a_message_that_cannot_even_be_put_aside_comes_again() {
    let (store, publisher) = (MemoryStore::default(), MemoryPublisher::default());
    let aside = Aside { fails: true, ..Aside::default() };
    let messages = vec![message("m1", "{nonsense"), message("m2", event("e1", "shop"))];
    let worked = work(messages, &aside, &store, &publisher).await;
    assert_eq!((ids(&worked), worked.poison, worked.findings), (vec!["m1"], 0, 1));
}

#[tokio::test]
async fn only_messages_whose_finding_failed_come_again() {
    let store = Without(MemoryStore::default(), "/shop");
    let publisher = MemoryPublisher::default();
    let messages = vec![
        message("m1", event("e1", "shop")),
        message("m2", event("e2", "desk")),
        message("m3", event("e3", "shop")),
    ];
    let worked = work(messages, &Aside::default(), &store, &publisher).await;
    assert_eq!((ids(&worked), worked.findings), (vec!["m1", "m3"], 1));
}

#[tokio::test]
async fn what_was_stored_and_not_told_is_told_when_the_message_comes_again() {
    let (store, publisher) = (MemoryStore::default(), MemoryPublisher::default());
    let body = event("e1", "shop");
    let worked = work(vec![message("m1", &body)], &Aside::default(), &store, &Mute).await;
    assert_eq!(ids(&worked), ["m1"]);
    let due = store.unfinished().await.unwrap();
    assert_eq!(due.len(), 1);
    let worked = work(vec![message("m1", &body)], &Aside::default(), &store, &publisher).await;
    assert_eq!(ids(&worked), [""; 0]);
    assert_eq!(publisher.published().len(), 1);
    let record = store.load(&due[0]).await.unwrap().unwrap();
    assert_eq!((record.alert, record.finding.event.count), (Alert::Sent, 1));
}

#[tokio::test]
async fn what_is_no_refused_send_is_skipped_and_counted() {
    let mut other = event("e1", "shop");
    other["detail"]["errorCode"] = json!("MessageRejected");
    let (store, publisher, aside) = (MemoryStore::default(), MemoryPublisher::default(), Aside::default());
    let worked = work(vec![message("m1", other)], &aside, &store, &publisher).await;
    assert_eq!(worked, Worked { skipped: 1, ..Worked::default() });
    assert_eq!(aside.kept.lock().unwrap().len(), 0);
}

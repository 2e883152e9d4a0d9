//! What every store of findings keeps to, whatever it is made of.

use jiff::Timestamp;
use sesame_remediation::{Event, State};
use sesame_responder::list::{Cursor, Filter, Page};
use sesame_responder::ports::{FindingStore, SaveError};
use sesame_responder::record::{Alert, Record};

const FINDING: &str = include_str!("../../../snapshot/tests/fixtures/finding.json");
const SINCE: &str = "2026-11-23T10:00:00Z";

/// A record that was told of, refused last at this minute of the hour.
fn record(id: &str, minute: u8, account: &str) -> Record {
    let since: Timestamp = SINCE.parse().unwrap();
    let mut record = Record::new(serde_json::from_str(FINDING).unwrap(), since);
    record.finding.id = id.to_owned();
    record.finding.event.account = Some(account.to_owned());
    record.finding.event.last_seen = Some(format!("2026-11-23T10:{minute:02}:00Z"));
    record.alert = Alert::Sent;
    record
}

fn ids(page: &Page) -> Vec<&str> {
    page.findings.iter().map(|summary| summary.id.as_str()).collect()
}

/// Every page of a filter, in order.
async fn pages(store: &impl FindingStore, mut filter: Filter) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = store.list(&filter).await.unwrap();
        assert!(page.findings.len() <= filter.limit);
        all.extend(page.findings.into_iter().map(|summary| summary.id));
        match page.next {
            Some(next) => filter.after = Some(Cursor::parse(&String::from(next)).unwrap()),
            None => return all,
        }
    }
}

/// Takes a store that is empty.
pub async fn is_kept(store: &impl FindingStore) {
    assert_eq!(store.load("f-none").await.unwrap(), None);
    assert_eq!(store.list(&Filter::default()).await.unwrap(), Page { findings: Vec::new(), next: None });

    // One write a version.
    let mut first = record("f-1", 1, "111122223333");
    store.save(&mut first).await.unwrap();
    assert_eq!(first.version, 1);
    assert_eq!(store.load("f-1").await.unwrap().as_ref(), Some(&first));
    let mut stale = Record { version: 0, ..first.clone() };
    assert_eq!(store.save(&mut stale).await, Err(SaveError::Conflict("f-1".to_owned())));
    assert_eq!(stale.version, 0, "what was not written is not counted");
    let mut one = first.clone();
    let mut other = first.clone();
    one.advance(Event::Reject, one.since, None).unwrap();
    other.advance(Event::Expire, one.since, None).unwrap();
    store.save(&mut one).await.unwrap();
    assert_eq!(store.save(&mut other).await, Err(SaveError::Conflict("f-1".to_owned())));
    assert_eq!(store.load("f-1").await.unwrap().unwrap().state, State::Rejected);

    // What is left to be done.
    store.save(&mut Record { alert: Alert::Due, ..record("f-2", 2, "111122223333") }).await.unwrap();
    store.save(&mut Record { state: State::Applying, ..record("f-3", 3, "444455556666") }).await.unwrap();
    let mut unfinished = store.unfinished().await.unwrap();
    unfinished.sort();
    assert_eq!(unfinished, ["f-2", "f-3"]);

    // The list: those refused last first, a page at a time, those that are wanted.
    for (id, minute) in [("f-4", 4), ("f-5", 5), ("f-6", 6), ("f-7", 7)] {
        store.save(&mut record(id, minute, "111122223333")).await.unwrap();
    }
    let all = ["f-7", "f-6", "f-5", "f-4", "f-3", "f-2", "f-1"];
    assert_eq!(ids(&store.list(&Filter::default()).await.unwrap()), all);
    for limit in 1..=8 {
        assert_eq!(pages(store, Filter { limit, ..Filter::default() }).await, all, "{limit} at once");
        let open = pages(store, Filter { limit, ..Filter::in_state(State::Open) }).await;
        assert_eq!(open, ["f-7", "f-6", "f-5", "f-4", "f-2"], "{limit} at once");
    }
    let account = Some("444455556666".to_owned());
    assert_eq!(pages(store, Filter { account: account.clone(), ..Filter::default() }).await, ["f-3"]);
    assert_eq!(pages(store, Filter { account, ..Filter::in_state(State::Open) }).await, [""; 0]);
    assert_eq!(pages(store, Filter { region: Some("us-east-1".to_owned()), ..Filter::default() }).await, [""; 0]);

    // A line is that of the record as it was written last.
    let mut refused = store.load("f-4").await.unwrap().unwrap();
    refused.finding.event.last_seen = Some("2026-11-23T11:00:00.5Z".to_owned());
    refused.finding.event.count = 7;
    store.save(&mut refused).await.unwrap();
    let page = store.list(&Filter { limit: 1, ..Filter::default() }).await.unwrap();
    let first = &page.findings[0];
    assert_eq!((first.id.as_str(), first.count, first.state), ("f-4", 7, State::Open));
    assert_eq!(
        (first.last_seen.to_string().as_str(), &first.who),
        ("2026-11-23T11:00:00Z", &refused.finding.principal.arn)
    );
}

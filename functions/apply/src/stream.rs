//! Records of the table's stream: which findings wait for something to be done.
//!
//! The record says only which finding; everything else is read from the table, since a stream tells of what was.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html>

use serde::Deserialize;
use serde_json::Value;

/// The sort key of the item that holds a finding's record.
const RECORD: &str = "record";
/// States in which something is to be done. The template's filter lets only these through; it is asked again here.
const WAITING: [&str; 3] = ["approved", "applying", "rolling-back"];

/// One record of the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What a failure is reported by.
    pub sequence_number: String,
    /// What is in it.
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// A finding that waits.
    Waits(String),
    /// Nothing for this function.
    Nothing,
    /// It is not what it should be.
    Broken(String),
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "eventSource")]
    source: Option<String>,
    dynamodb: Change,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "SequenceNumber")]
    sequence_number: String,
    #[serde(rename = "Keys", default)]
    keys: Value,
    #[serde(rename = "NewImage", default)]
    new_image: Value,
}

/// The entries of a batch, in its order. `Err` when it is no batch of a stream.
pub(crate) fn entries(event: &Value) -> Result<Vec<Entry>, String> {
    let records = event.get("Records").and_then(Value::as_array);
    let records = records.ok_or("expected a batch of a DynamoDB stream: `Records` is missing")?;
    records
        .iter()
        .enumerate()
        .map(|(index, record)| entry(record).map_err(|error| format!("/Records/{index}: {error}")))
        .collect()
}

/// A record without a sequence number cannot be reported by itself: then the whole batch comes again.
fn entry(record: &Value) -> Result<Entry, String> {
    let envelope = Envelope::deserialize(record).map_err(|error| error.to_string())?;
    if envelope.source.as_deref() != Some("aws:dynamodb") {
        return Err(format!("expected a record of a DynamoDB stream, found one of {:?}", envelope.source));
    }
    let Change { sequence_number, keys, new_image } = envelope.dynamodb;
    let content = match (attribute(&keys, "pk"), attribute(&keys, "sk"), attribute(&new_image, "state")) {
        (None, _, _) | (_, None, _) => Content::Broken("expected the keys `pk` and `sk` with a string each".to_owned()),
        (_, Some(sk), _) if sk != RECORD => Content::Nothing,
        (Some(finding), _, Some(state)) if WAITING.contains(&state) => Content::Waits(finding.to_owned()),
        _ => Content::Nothing,
    };
    Ok(Entry { sequence_number, content })
}

fn attribute<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    item.get(name)?.get("S")?.as_str()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::{Content, entries};

    fn record(sequence: &str, pk: &str, sk: &str, state: &str) -> Value {
        json!({
            "eventID": "1", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
            "dynamodb": {
                "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
                "NewImage": {"pk": {"S": pk}, "sk": {"S": sk}, "state": {"S": state}, "version": {"N": "3"}},
                "SequenceNumber": sequence, "SizeBytes": 100, "StreamViewType": "NEW_IMAGE"
            },
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:111122223333:table/findings/stream/2026-11-23T00:00:00.000"
        })
    }

    fn contents(event: &Value) -> Vec<Content> {
        entries(event).unwrap().into_iter().map(|entry| entry.content).collect()
    }

    #[test]
    fn findings_that_wait_are_found_and_nothing_else() {
        let mut removed = record("6", "f-6", "record", "approved");
        removed["dynamodb"].as_object_mut().unwrap().remove("NewImage");
        let event = json!({"Records": [
            record("1", "f-1", "record", "approved"),
            record("2", "f-2", "record", "rolling-back"),
            record("3", "f-3", "record", "applying"),
            record("4", "f-4", "record", "applied"),
            record("5", "control", "switch", "approved"),
            removed,
        ]});
        let waits = |finding: &str| Content::Waits(finding.to_owned());
        let nothing = || Content::Nothing;
        assert_eq!(contents(&event), [waits("f-1"), waits("f-2"), waits("f-3"), nothing(), nothing(), nothing()]);
    }

    #[test]
    fn a_record_without_keys_is_broken_by_itself() {
        let mut broken = record("1", "f-1", "record", "approved");
        broken["dynamodb"]["Keys"] = json!({"pk": {"N": "1"}});
        let event = json!({"Records": [broken, record("2", "f-2", "record", "approved")]});
        assert!(matches!(contents(&event).as_slice(), [Content::Broken(_), Content::Waits(_)]));
    }

    #[test]
    fn what_is_no_batch_of_a_stream_is_an_error_that_says_where() {
        assert!(entries(&json!({"hello": 1})).unwrap_err().contains("`Records` is missing"));
        let queue = json!({"Records": [{"eventSource": "aws:sqs", "dynamodb": {"SequenceNumber": "1"}}]});
        assert!(entries(&queue).unwrap_err().starts_with("/Records/0: expected a record of a DynamoDB stream"));
        assert!(entries(&json!({"Records": [{"dynamodb": {}}]})).unwrap_err().contains("SequenceNumber"));
    }
}

//! Findings in DynamoDB: one item each, written on top of the version that was read and on no other.

use std::collections::HashMap;
use std::io::{Read, Write};

use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use sesame_remediation::State;
use sesame_remediation::decision::Channel;
use sesame_responder::audit;
use sesame_responder::list::{Cursor, Filter, Page, Summary};
use sesame_responder::memory::is_unfinished;
use sesame_responder::ports::{FindingStore, PortError, SaveError};
use sesame_responder::record::{Act, Record};

use crate::Clients;
use crate::failure::Failure;

/// DynamoDB takes items of at most 400 KB; the rest is room for the attributes beside the record.
const LARGEST: usize = 300_000;
/// What a record may unpack to; more is no record of ours.
const LARGEST_UNPACKED: u64 = 50_000_000;
/// A finding is kept for a year and a month after its last change or refusal.
const KEPT_SECONDS: i64 = 400 * 24 * 60 * 60;
/// The index of what the sweep has to look at, and the value under which it finds it.
const DUE_INDEX: &str = "due";
const DUE: &str = "due";
/// The index of the list: of every record its summary, ordered by the last refusal.
const LIST_INDEX: &str = "list";
/// The item of a finding that holds its record.
const RECORD: &str = "record";

/// The findings table.
///
/// Beside the packed record an item has attributes for people and queries (`state`, `outcome`, `account`, `region`), `version`
/// for conditional writes, `due` and `dueSince` while something is still to be done, `lastSeen` and `summary` for the list, and
/// `ttl`.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    clients: Clients,
    table: String,
}

impl DynamoStore {
    /// The store over a table.
    pub fn new(clients: Clients, table: impl Into<String>) -> DynamoStore {
        DynamoStore { clients, table: table.into() }
    }
}

impl FindingStore for DynamoStore {
    async fn load(&self, finding: &str) -> Result<Option<Record>, PortError> {
        let request = self.clients.dynamodb.get_item().table_name(&self.table).consistent_read(true);
        let request = request.key("pk", text(finding)).key("sk", text(RECORD));
        let output = request.send().await.map_err(|error| Failure::of(&error).port_error("dynamodb:GetItem"))?;
        let Some(item) = output.item else { return Ok(None) };
        let packed = item.get("record").and_then(|value| value.as_b().ok());
        let packed = packed.ok_or_else(|| PortError::lasting(format!("item `{finding}` has no attribute `record`")))?;
        unpack(packed.as_ref())
            .map(Some)
            .map_err(|message| PortError::lasting(format!("the record of `{finding}` cannot be read: {message}")))
    }

    async fn save(&self, record: &mut Record) -> Result<(), SaveError> {
        let before = record.version;
        record.version += 1;
        let result = self.put(record, before).await;
        if result.is_err() {
            record.version = before;
        }
        result
    }

    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        let request = self.clients.dynamodb.query().table_name(&self.table).index_name(DUE_INDEX);
        let request = request.key_condition_expression("due = :due").expression_attribute_values(":due", text(DUE));
        let items: Result<Vec<_>, _> = request.into_paginator().items().send().try_collect().await;
        let items = items.map_err(|error| Failure::of(&error).port_error("dynamodb:Query"))?;
        Ok(items.iter().filter_map(|item| item.get("pk")?.as_s().ok().cloned()).collect())
    }

    async fn list(&self, filter: &Filter) -> Result<Page, PortError> {
        let limit = filter.limit.max(1);
        let mut findings = Vec::new();
        let mut start = filter.after.as_ref().map(start_key);
        loop {
            let output = self.list_query(filter, limit, start).await?;
            for item in output.items.unwrap_or_default() {
                findings.extend(summary(&item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() || findings.len() >= limit {
                break;
            }
        }
        // What was read beyond the limit is read again with the next page, which begins behind the last that is shown.
        let more = start.is_some() || findings.len() > limit;
        findings.truncate(limit);
        let next = findings.last().filter(|_| more).map(Cursor::behind);
        Ok(Page { findings, next })
    }
}

/// The key from which a query of the list goes on.
fn start_key(after: &Cursor) -> HashMap<String, AttributeValue> {
    let key = [("pk", text(&after.finding)), ("sk", text(RECORD)), ("lastSeen", text(&after.last_seen.to_string()))];
    key.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn summary(item: &HashMap<String, AttributeValue>) -> Result<Option<Summary>, PortError> {
    let Some(json) = item.get("summary").and_then(|value| value.as_s().ok()) else { return Ok(None) };
    let summary = serde_json::from_str(json);
    summary.map(Some).map_err(|error| PortError::lasting(format!("the summary of an item cannot be read: {error}")))
}

impl DynamoStore {
    async fn list_query(
        &self,
        filter: &Filter,
        limit: usize,
        start: Option<HashMap<String, AttributeValue>>,
    ) -> Result<QueryOutput, PortError> {
        let request = self.clients.dynamodb.query().table_name(&self.table).index_name(LIST_INDEX);
        let request =
            request.key_condition_expression("sk = :record").expression_attribute_values(":record", text(RECORD));
        let mut request = request
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        // `state` and `region` are words of DynamoDB's own: names go in by placeholders.
        let wanted = [("state", &filter.state), ("account", &filter.account), ("region", &filter.region)];
        let mut conditions = Vec::new();
        for (name, value) in wanted {
            if let Some(value) = value {
                conditions.push(format!("#{name} = :{name}"));
                request = request
                    .expression_attribute_names(format!("#{name}"), name)
                    .expression_attribute_values(format!(":{name}"), text(value));
            }
        }
        if !conditions.is_empty() {
            request = request.filter_expression(conditions.join(" AND "));
        }
        request.send().await.map_err(|error| Failure::of(&error).port_error("dynamodb:Query"))
    }

    async fn put(&self, record: &Record, before: u64) -> Result<(), SaveError> {
        let id = &record.finding.id;
        let packed = pack_within(record)
            .map_err(|message| PortError::lasting(format!("the record of `{id}` cannot be stored: {message}")))?;
        let summary = Summary::of(record);
        let listed = serde_json::to_string(&summary)
            .map_err(|error| PortError::lasting(format!("the summary of `{id}` cannot be stored: {error}")))?;
        let mut request = self
            .clients
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("pk", text(id))
            .item("sk", text(RECORD))
            .item("version", number(record.version))
            .item("record", AttributeValue::B(Blob::new(packed)))
            .item("state", text(record.state.as_str()))
            .item("outcome", text(&word(&record.finding.outcome)))
            .item("lastSeen", text(&summary.last_seen.to_string()))
            .item("summary", text(&listed))
            .item("ttl", number(expiry(record)));
        for (name, value) in [("account", &summary.account), ("region", &summary.region)] {
            if let Some(value) = value {
                request = request.item(name, text(value));
            }
        }
        if is_unfinished(record) {
            request = request.item("due", text(DUE)).item("dueSince", text(&record.since.to_string()));
        }
        request = match before {
            0 => request.condition_expression("attribute_not_exists(pk)"),
            _ => {
                request.condition_expression("version = :before").expression_attribute_values(":before", number(before))
            }
        };
        match request.send().await {
            Ok(_) => {
                log_audit(record);
                Ok(())
            }
            Err(error) if is_conflict(&error) => Err(SaveError::Conflict(id.clone())),
            Err(error) => Err(Failure::of(&error).port_error("dynamodb:PutItem").into()),
        }
    }
}

/// The audit goes to the log as well, a line for each entry, once it is stored: there nobody who writes to the table can
/// change it.
fn log_audit(record: &Record) {
    for line in audit::new_lines(record) {
        let documents = serde_json::to_string(&line.documents).unwrap_or_default();
        tracing::info!(
            target: "sesame::audit",
            finding = line.finding,
            generation = line.generation,
            act = line.act.map(Act::as_str),
            refused = line.refused,
            from = line.from.map(State::as_str),
            state = line.state.as_str(),
            channel = line.channel.map(Channel::as_str),
            by = line.by,
            source_ip = line.source_ip,
            user_agent = line.user_agent,
            reason = line.reason,
            documents,
            note = line.note,
            time = line.time.to_string(),
            "audit"
        );
    }
}

pub(crate) fn is_conflict<R>(
    error: &aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::put_item::PutItemError, R>,
) -> bool {
    error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception())
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The word that an enum has in JSON.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A finding that is still refused is not forgotten, however long ago its state last changed.
fn expiry(record: &Record) -> i64 {
    let seen = record.finding.event.last_seen.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    record.since.max(seen.unwrap_or(record.since)).as_second() + KEPT_SECONDS
}

/// Packs a record. One that is too large first loses the evidence of statements, which another diagnosis finds again, then
/// all but the nearest near misses; causes and remedies are never cut.
fn pack_within(record: &Record) -> Result<Vec<u8>, String> {
    let packed = pack(record)?;
    if packed.len() <= LARGEST {
        return Ok(packed);
    }
    let mut cut = record.clone();
    for request in &mut cut.finding.requests {
        request.layers.iter_mut().for_each(|layer| layer.statements.clear());
    }
    let packed = pack(&cut)?;
    if packed.len() <= LARGEST {
        return Ok(packed);
    }
    cut.finding.causes.iter_mut().for_each(|cause| cause.near_misses.truncate(1));
    let packed = pack(&cut)?;
    if packed.len() <= LARGEST {
        return Ok(packed);
    }
    Err(format!("it has {} bytes, and {LARGEST} is the most", packed.len()))
}

fn pack(record: &Record) -> Result<Vec<u8>, String> {
    let json = serde_json::to_vec(record).map_err(|error| error.to_string())?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

fn unpack(packed: &[u8]) -> Result<Record, String> {
    let mut json = Vec::new();
    let mut decoder = GzDecoder::new(packed).take(LARGEST_UNPACKED);
    decoder.read_to_end(&mut json).map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| error.to_string())
}

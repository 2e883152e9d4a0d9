//! CloudTrail records: which of them are refused sends, and what they tell.
//!
//! The record's fields: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.
//! Read leniently, since services fill records in as they like: only what decides whether a record counts must have its type.

pub mod identity;
mod mime;
mod parameters;

pub(crate) use parameters::{content_of_api, generation_of_api};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sesame_policy::Arn;

use crate::denial::{Caller, Denial, Refusal};
use crate::finding::Provenance;
use crate::message;
use identity::UserIdentity;

/// What came of reading a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A refused send.
    Denied(Box<Denial>),
    /// Something else.
    Skipped(Skip),
}

/// Why a record or a text does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// No error at all.
    Success,
    /// It failed, but was not refused.
    OtherFailure,
    /// An API of SES that sends nothing.
    NotASend,
    /// Another service's.
    OtherService,
    /// A log line that speaks of no refusal.
    NoRefusal,
    /// An event of another kind, such as SES's own of deliveries and bounces.
    NotARecord,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct RecordError {
    /// JSON pointer within the record.
    pub pointer: String,
    /// What was expected and what was found.
    pub message: String,
}

/// What an EventBridge event says of the record in it; stands in for what the record leaves out.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    /// `account`.
    pub account: Option<String>,
    /// `region`.
    pub region: Option<String>,
    /// `time`.
    pub time: Option<Timestamp>,
}

/// Reads a record.
pub fn read(json: &str, provenance: Provenance, envelope: &Envelope) -> Result<Reading, RecordError> {
    let head: Head = serde_json::from_str(json).map_err(|error| not_a_record(&error))?;
    let source = required(head.event_source, "eventSource")?;
    let name = required(head.event_name, "eventName")?;
    let code = optional(head.error_code, "errorCode")?;
    if !source.eq_ignore_ascii_case("ses.amazonaws.com") {
        return Ok(Reading::Skipped(Skip::OtherService));
    }
    let Some(api) = message::send_api(&name) else {
        return Ok(Reading::Skipped(Skip::NotASend));
    };
    let denied = match &code {
        Some(code) => is_access_denied(code),
        // Some services leave the code out and give the message alone.
        None => match head.error_message.as_ref().and_then(Value::as_str) {
            Some(text) => message::refusal(text) == Some(Refusal::AccessDenied),
            None => return Ok(Reading::Skipped(Skip::Success)),
        },
    };
    if !denied {
        return Ok(Reading::Skipped(Skip::OtherFailure));
    }
    let record: Record = serde_json::from_str(json).map_err(|error| not_a_record(&error))?;
    Ok(Reading::Denied(Box::new(denial(record, api, code.as_deref(), provenance, envelope))))
}

/// `AccessDenied`, `AccessDeniedException`, `Client.AccessDenied`.
fn is_access_denied(code: &str) -> bool {
    const PREFIX: &str = "AccessDenied";
    let code = code.trim();
    code.split(['.', ':', '#']).any(|part| {
        let part = part.trim_start();
        part.get(..PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(PREFIX))
    })
}

fn denial(record: Record, api: &str, code: Option<&str>, provenance: Provenance, envelope: &Envelope) -> Denial {
    let region = record.aws_region.filter(|region| !region.is_empty()).or_else(|| envelope.region.clone());
    let message = record.error_message.as_deref().map(message::parse).unwrap_or_default();
    let identity = record.user_identity.unwrap_or_default();
    let mut caller = identity::caller(&identity, region.as_deref());
    if caller == Caller::Unknown
        && let Some(arn) = &message.principal
    {
        caller = identity::caller_of_arn(arn);
    }
    let recipient = record.recipient_account_id;
    let provenance = match accounts_agree(&identity, recipient.as_deref(), envelope) {
        true => provenance,
        // CloudTrail writes no such record: whoever did may have meant another principal to get a policy.
        false => provenance.min(Provenance::Invoke),
    };
    let session = identity.session_context.unwrap_or_default();
    let attributes = session.attributes.unwrap_or_default();
    let tls = record.tls_details.filter(|details| details.as_object().is_some_and(|fields| !fields.is_empty()));
    let host = tls.as_ref().and_then(|tls| tls.get("clientProvidedHostHeader")).and_then(Value::as_str);
    let send = parameters::read(&parameters::Evidence {
        api,
        host,
        error_code: code,
        action: message.action.as_deref(),
        parameters: record.request_parameters.as_ref(),
    });
    Denial {
        event_id: record.event_id,
        shared_event_id: record.shared_event_id,
        time: record.event_time.as_deref().and_then(time).or(envelope.time),
        region,
        api: Some(api.to_owned()),
        caller,
        recipient_account: recipient,
        event_account: envelope.account.clone(),
        access_key_id: identity.access_key_id,
        source_ip: record.source_ip_address,
        user_agent: record.user_agent,
        secure_transport: tls.is_some().then_some(true),
        host: host.map(str::to_owned),
        vpc_endpoint_id: record.vpc_endpoint_id,
        invoked_by: identity.invoked_by,
        mfa_authenticated: attributes.mfa_authenticated.as_ref().and_then(boolean),
        session_created: attributes.creation_date.as_deref().and_then(time),
        source_identity: session.source_identity,
        web_identity_provider: session.web_id_federation_data.and_then(|data| data.federated_provider),
        send,
        resources: record.resources.unwrap_or_default().iter().filter_map(resource_arn).collect(),
        message,
        refusal: Refusal::AccessDenied,
        ..Denial::new(provenance)
    }
}

/// Whether the accounts of a record are the same wherever CloudTrail writes the same: the caller's beside its ARN and its
/// session's issuer, the recipient's beside the envelope's.
fn accounts_agree(identity: &UserIdentity, recipient: Option<&str>, envelope: &Envelope) -> bool {
    let of_arn = |arn: &Option<String>| {
        let arn = arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
        arn.map(|arn| arn.account().to_owned())
    };
    let issuer = identity.session_context.as_ref().and_then(|session| session.session_issuer.as_ref());
    let caller = [
        identity.account_id.clone(),
        of_arn(&identity.arn),
        issuer.and_then(|issuer| issuer.account_id.clone()),
        issuer.and_then(|issuer| of_arn(&issuer.arn)),
    ];
    same(caller) && same([recipient.map(str::to_owned), envelope.account.clone()])
}

/// Whether those that are given are the same.
fn same<const N: usize>(accounts: [Option<String>; N]) -> bool {
    let mut given = accounts.into_iter().flatten().filter(|account| !account.is_empty());
    given.next().is_none_or(|first| given.all(|account| account == first))
}

/// A time as AWS writes it.
pub fn time(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn resource_arn(resource: &Value) -> Option<String> {
    let text = match resource {
        Value::String(text) => text,
        Value::Object(fields) => {
            fields.iter().find(|(key, _)| key.eq_ignore_ascii_case("arn")).and_then(|(_, value)| value.as_str())?
        }
        _ => return None,
    };
    text.starts_with("arn:").then(|| text.to_owned())
}

/// The fields that decide whether a record counts. Most records of a log file are read no further.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    event_source: Option<Value>,
    event_name: Option<Value>,
    error_code: Option<Value>,
    error_message: Option<Value>,
}

/// The fields that a denial is made of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default, deserialize_with = "lenient", rename = "eventID")]
    event_id: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "sharedEventID")]
    shared_event_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    event_time: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    aws_region: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "sourceIPAddress")]
    source_ip_address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    user_agent: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    error_message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    user_identity: Option<UserIdentity>,
    #[serde(default, deserialize_with = "lenient")]
    recipient_account_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    vpc_endpoint_id: Option<String>,
    #[serde(default)]
    request_parameters: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    resources: Option<Vec<Value>>,
    #[serde(default)]
    tls_details: Option<Value>,
}

/// A field that may be missing, null or of another type than the one that is documented.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

fn not_a_record(error: &serde_json::Error) -> RecordError {
    RecordError { pointer: String::new(), message: format!("expected a CloudTrail record: {error}") }
}

fn required(value: Option<Value>, name: &str) -> Result<String, RecordError> {
    optional(value, name)?.ok_or_else(|| RecordError {
        pointer: format!("/{name}"),
        message: format!("expected a CloudTrail record with `{name}`, found none"),
    })
}

fn optional(value: Option<Value>, name: &str) -> Result<Option<String>, RecordError> {
    let found = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => return Ok(Some(text)),
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::Array(_)) => "an array",
        Some(Value::Object(_)) => "an object",
    };
    Err(RecordError { pointer: format!("/{name}"), message: format!("expected a string, found {found}") })
}

//! Refusals that come as text: an error's message, a line of a log.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sesame_policy::Arn;

use super::{Input, decode};
use crate::denial::{ApiGeneration, Content, Denial, DenialMessage, OtherRefusal, Refusal, SendParameters};
use crate::finding::Provenance;
use crate::message;
use crate::record::{self, Envelope, Reading, Skip, identity};

/// The denial that an error's text tells of, whatever the text says. A Region that is not given is taken from the text.
pub fn from_message(text: &str, time: Option<Timestamp>, region: Option<&str>) -> Denial {
    let plain = message::plain(text);
    let refusal = message::refusal(&plain).unwrap_or(Refusal::Other(OtherRefusal::Rejected));
    let mut denial = denial(&plain, refusal, Provenance::Text);
    denial.time = time;
    denial.region = region.map(str::to_owned).or(denial.region);
    denial
}

/// As [`from_message`], but a refusal by another service, or of what sends nothing, is skipped.
pub fn read_message(text: &str, time: Option<Timestamp>, region: Option<&str>) -> Input {
    let mut input = Input::default();
    input.add(reading(from_message(text, time, region)));
    input
}

/// `{"message":…,"time":…,"region":…}`. The error is a pointer and what was expected there.
pub(super) fn message_object(json: &str) -> Result<Reading, (&'static str, String)> {
    #[derive(Deserialize)]
    struct Object {
        message: Value,
        time: Option<Value>,
        region: Option<Value>,
    }
    let object: Object = serde_json::from_str(json).map_err(|error| ("", error.to_string()))?;
    let Value::String(text) = &object.message else {
        let found = decode::kind(&object.message.to_string());
        return Err(("/message", format!("expected the text of an error, found {found}")));
    };
    let time = match &object.time {
        None | Some(Value::Null) => None,
        Some(value) => Some(time(value).ok_or_else(|| {
            let found = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let found = decode::beginning(&found);
            ("/time", format!("expected a time such as `2026-01-31T09:30:00Z`, found `{found}`"))
        })?),
    };
    let region = match &object.region {
        None | Some(Value::Null) => None,
        Some(Value::String(region)) => Some(region.as_str()),
        Some(value) => {
            return Err(("/region", format!("expected a string, found {}", decode::kind(&value.to_string()))));
        }
    };
    Ok(reading(from_message(text, time, region)))
}

/// ISO 8601, or milliseconds since 1970 as log services count.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => record::time(text),
        Value::Number(number) => {
            let number = number.as_i64()?;
            // Seconds until the year 5138.
            if number < 100_000_000_000 {
                Timestamp::from_second(number).ok()
            } else {
                Timestamp::from_millisecond(number).ok()
            }
        }
        _ => None,
    }
}

/// What an EventBridge event says of its record.
pub(super) fn envelope(json: &str) -> Envelope {
    #[derive(Deserialize)]
    struct Event {
        account: Option<Value>,
        region: Option<Value>,
        time: Option<Value>,
    }
    let Ok(event) = serde_json::from_str::<Event>(json) else { return Envelope::default() };
    let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    Envelope { account: text(event.account), region: text(event.region), time: event.time.as_ref().and_then(time) }
}

/// The lines of a CloudWatch Logs subscription's payload.
pub(super) fn subscription(json: &str) -> Result<Vec<Reading>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Payload {
        message_type: Option<String>,
        owner: Option<String>,
        #[serde(default)]
        log_events: Vec<LogEvent>,
    }
    #[derive(Deserialize)]
    struct LogEvent {
        id: Option<String>,
        timestamp: Option<Value>,
        message: String,
    }
    let payload: Payload =
        serde_json::from_str(json).map_err(|error| format!("expected a CloudWatch Logs payload: {error}"))?;
    // CloudWatch Logs sends a control message to see whether the destination can be reached.
    if payload.message_type.as_deref() == Some("CONTROL_MESSAGE") {
        return Ok(Vec::new());
    }
    let line = |event: LogEvent| {
        let envelope =
            Envelope { account: payload.owner.clone(), region: None, time: event.timestamp.as_ref().and_then(time) };
        match log_line(&event.message, &envelope) {
            Reading::Denied(denial) => {
                let event_id = denial.event_id.clone().or(event.id);
                Reading::Denied(Box::new(Denial { event_id, ..*denial }))
            }
            skipped => skipped,
        }
    };
    Ok(payload.log_events.into_iter().map(line).collect())
}

/// A line of a log: a trail's own record, or an application's words.
fn log_line(line: &str, envelope: &Envelope) -> Reading {
    let line = line.trim();
    if line.starts_with('{')
        && line.contains("\"eventSource\"")
        && let Ok(reading) = record::read(line, Provenance::Log, envelope)
    {
        return reading;
    }
    let text = message::plain(line);
    let Some(refusal) = message::refusal(&text) else { return Reading::Skipped(Skip::NoRefusal) };
    let mut denial = denial(&text, refusal, Provenance::Log);
    denial.time = envelope.time;
    denial.event_account.clone_from(&envelope.account);
    match reading(denial) {
        // Without an action only words tell whether it is of SES at all, and much is denied that is not AWS's.
        Reading::Denied(denial) if denial.message.action.is_none() && !is_of_ses(&text, &denial.refusal) => {
            Reading::Skipped(Skip::NoRefusal)
        }
        reading => reading,
    }
}

fn is_of_ses(text: &str, refusal: &Refusal) -> bool {
    let denied_by_aws = text.contains("AccessDenied") || text.to_ascii_lowercase().contains("access denied: user");
    (*refusal != Refusal::AccessDenied || denied_by_aws) && message::speaks_of_ses(text)
}

/// Skips what names another service's action, or an action or operation that sends nothing.
fn reading(denial: Denial) -> Reading {
    let skip = match (&denial.message.action, &denial.api) {
        (Some(action), _) if message::is_send_action(action) => None,
        (Some(action), _) if action.to_ascii_lowercase().starts_with("ses:") => Some(Skip::NotASend),
        (Some(_), _) => Some(Skip::OtherService),
        (None, Some(api)) if message::send_api(api).is_none() => Some(Skip::NotASend),
        (None, _) => None,
    };
    match skip {
        Some(skip) => Reading::Skipped(skip),
        None => Reading::Denied(Box::new(denial)),
    }
}

fn denial(text: &str, refusal: Refusal, provenance: Provenance) -> Denial {
    let message = match refusal {
        Refusal::AccessDenied => message::parse(text),
        Refusal::Other(_) => DenialMessage { text: message::parse(text).text, ..DenialMessage::default() },
    };
    let api = message::api(text);
    let resource = message.resource.as_deref().and_then(|resource| Arn::parse(resource).ok());
    let region = resource.map(|arn| arn.region().to_owned()).filter(|region| !region.is_empty());
    Denial {
        region: region.or_else(|| message::checked_region(text)),
        caller: message.principal.as_deref().map(identity::caller_of_arn).unwrap_or_default(),
        send: send(text, api.as_deref(), message.action.as_deref()),
        api,
        message,
        refusal,
        ..Denial::new(provenance)
    }
}

fn send(text: &str, api: Option<&str>, action: Option<&str>) -> SendParameters {
    let lower = text.to_ascii_lowercase();
    let raw = action.is_some_and(|action| action.eq_ignore_ascii_case("ses:SendRawEmail"));
    // `554 Access denied: User …`, also as mail libraries print it: `(554, b"Access denied: User …")`.
    let refused = raw && lower.contains("access denied: user");
    let smtp = ["authentication credentials invalid", "454 throttling", "email-smtp."];
    if refused || smtp.iter().any(|words| lower.contains(words)) {
        return SendParameters {
            smtp: true,
            generation: Some(ApiGeneration::V2),
            content: Some(Content::Raw),
            ..SendParameters::default()
        };
    }
    let code = text.contains("AccessDeniedException").then_some("AccessDeniedException");
    let v2 = text.contains("operation error SESv2").then_some(ApiGeneration::V2);
    SendParameters {
        generation: v2.or_else(|| record::generation_of_api(api.unwrap_or_default(), action, code)),
        content: record::content_of_api(api.unwrap_or_default(), action),
        ..SendParameters::default()
    }
}

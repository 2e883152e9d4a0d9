//! A finding as an SNS message: a text for each protocol, and attributes to filter by.
//!
//! Limits: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sesame_diagnosis::finding::Finding;

use crate::{Phase, chat, compact, escape, json, phase, text};

/// The most that a message may be, body and attributes: e-mail and HTTPS take no more.
pub const MESSAGE_LIMIT: usize = 256 * 1024;
/// The longest value of an attribute.
const ATTRIBUTE: usize = 256;

/// How to publish a finding.
#[derive(Debug, Clone)]
pub struct SnsOptions {
    /// The present time.
    pub now: Timestamp,
    /// The link where one may decide: in the e-mail only.
    pub decision_link: Option<String>,
    /// Where the whole finding is kept, as a machine finds it.
    pub stored_pointer: Option<String>,
    /// For later phases: by whom, why, since when.
    pub detail: Option<String>,
    /// For machines: what happened since the message before, and what was tried.
    pub audit: Vec<Value>,
}

impl SnsOptions {
    /// Nothing but the time.
    pub fn at(now: Timestamp) -> SnsOptions {
        SnsOptions { now, decision_link: None, stored_pointer: None, detail: None, audit: Vec::new() }
    }
}

/// What to publish with `MessageStructure=json`: there `Message` goes out as JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SnsMessage {
    /// Fewer than 100 characters of ASCII.
    pub subject: String,
    /// The text of each protocol.
    pub message: BTreeMap<&'static str, String>,
    /// For subscription filters; empty ones are left out.
    pub message_attributes: BTreeMap<&'static str, Attribute>,
}

/// A message attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// Always `String`.
    pub data_type: &'static str,
    /// The value.
    pub string_value: String,
}

impl SnsMessage {
    /// `Message` as the text that SNS takes.
    pub fn message_text(&self) -> String {
        serde_json::to_string(&self.message).unwrap_or_default()
    }
    /// The size that counts against the limit, in bytes.
    pub fn size(&self) -> usize {
        let attribute = |(name, attribute): (&&str, &Attribute)| {
            name.len() + attribute.data_type.len() + attribute.string_value.len()
        };
        let attributes: usize = self.message_attributes.iter().map(attribute).sum();
        self.subject.len() + self.message_text().len() + attributes
    }
}

/// The message of a phase. Over 256 KiB the evidence is dropped, then all but a pointer to the stored finding.
pub fn sns(finding: &Finding, phase: Phase, options: &SnsOptions) -> SnsMessage {
    let shown = escape::shown(finding, escape::Medium::Plain);
    let mut message = SnsMessage {
        subject: phase::subject(&shown, phase),
        message: texts(&shown, phase, options),
        message_attributes: attributes(finding, phase),
    };
    for form in [Form::Compact, Form::WithoutEvidence, Form::Pointer] {
        let machine = machine(&form.of(finding), phase, options, form.dropped());
        for protocol in ["sqs", "lambda", "firehose"] {
            message.message.insert(protocol, machine.clone());
        }
        if message.size() <= MESSAGE_LIMIT {
            break;
        }
    }
    message
}

/// How much of a finding goes out.
#[derive(Debug, Clone, Copy)]
enum Form {
    Compact,
    WithoutEvidence,
    Pointer,
}

impl Form {
    fn of(self, finding: &Finding) -> Finding {
        match self {
            Form::Compact => compact::compact(finding),
            Form::WithoutEvidence => compact::without_evidence(finding),
            Form::Pointer => compact::pointer(finding),
        }
    }
    fn dropped(self) -> Option<&'static str> {
        match self {
            Form::Compact => None,
            Form::WithoutEvidence => Some("evidence"),
            Form::Pointer => Some("all but the summary"),
        }
    }
}

fn texts(finding: &Finding, phase: Phase, options: &SnsOptions) -> BTreeMap<&'static str, String> {
    let (email, default) = match phase {
        // Refused again after an application: what is to be decided now is the new diagnosis.
        Phase::Finding | Phase::StillRefused => {
            let mut with_link = text::TextOptions::email(options.now);
            with_link.lead = lead(finding, phase, options);
            let without = text::email_of(finding, &with_link);
            with_link.decision_link.clone_from(&options.decision_link);
            (text::email_of(finding, &with_link), without)
        }
        _ => {
            let body = text::phase_email_of(finding, phase, options.detail.as_deref());
            (body.clone(), body)
        }
    };
    let chat = chat::chat_of(finding, phase, options.detail.as_deref(), options.now);
    BTreeMap::from([("default", default), ("email", email), ("https", json::line(&chat))])
}

/// What stands before a whole finding.
fn lead(finding: &Finding, phase: Phase, options: &SnsOptions) -> Option<String> {
    let said = phase::phase_text_of(finding, phase, options.detail.as_deref()).sentence;
    (phase == Phase::StillRefused || options.detail.is_some()).then_some(said)
}

/// The finding for machines: its own fields, and `phase`, `detail`, `audit`, `stored` (where the whole is kept), `dropped`.
fn machine(finding: &Finding, phase: Phase, options: &SnsOptions, dropped: Option<&str>) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(finding) else { return String::new() };
    fields.insert("phase".to_owned(), json!(phase.as_str()));
    if let Some(detail) = &options.detail {
        fields.insert("detail".to_owned(), json!(escape::clip(detail, 1_000)));
    }
    if !options.audit.is_empty() {
        fields.insert("audit".to_owned(), json!(options.audit));
    }
    if let Some(stored) = &options.stored_pointer {
        fields.insert("stored".to_owned(), json!(stored));
    }
    if let Some(dropped) = dropped {
        fields.insert("dropped".to_owned(), json!(dropped));
    }
    json::line(&fields)
}

fn attributes(finding: &Finding, phase: Phase) -> BTreeMap<&'static str, Attribute> {
    let first = finding.causes.first();
    let values: [(&'static str, Option<String>); 8] = [
        ("outcome", name(&finding.outcome)),
        ("layer", first.map(|cause| cause.layer.clone())),
        ("kind", first.and_then(|cause| name(&cause.kind))),
        ("account", finding.event.account.clone()),
        ("region", finding.event.region.clone()),
        ("principal", finding.principal.arn.clone()),
        ("applicability", crate::words::plan_applicability(finding).and_then(|applicability| name(&applicability))),
        ("phase", Some(phase.as_str().to_owned())),
    ];
    let attribute = |(key, value): (&'static str, Option<String>)| {
        let value: String = escape::visible(&value?).chars().take(ATTRIBUTE).collect();
        (!value.is_empty()).then_some((key, Attribute { data_type: "String", string_value: value }))
    };
    values.into_iter().filter_map(attribute).collect()
}

/// The name of a value in the finding's JSON.
fn name<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

//! From bytes to refused sends. The form is told by the content, not by a name:
//!
//! - an EventBridge event whose `detail` is a CloudTrail record, by itself or in the bodies of an SQS batch;
//! - a CloudTrail record, or a log file of them (`{"Records":[…]}`);
//! - a CloudWatch Logs subscription payload (`{"awslogs":{"data":…}}`) whose lines speak of a refusal;
//! - an error's text: `{"message":…,"time":…,"region":…}`;
//! - lines of any of these; and each of them gzipped.
//!
//! What is no refused send is counted, what cannot be read is an error with its place; the rest goes on.

mod decode;
mod skipped;
mod text;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

pub use skipped::Skipped;
pub use text::{from_message, read_message};

use crate::denial::Denial;
use crate::finding::Provenance;
use crate::record::{self, Envelope, Reading, Skip};

/// What can be read, for messages.
const EXPECTED: &str = "an EventBridge event, an SQS batch, a CloudTrail record or log file, a CloudWatch Logs payload, or an object \
                        with `message`";
/// Errors beyond so many are counted only.
const ERRORS_KEPT: usize = 100;
/// How deep one form may lie in another: a batch holds bodies, which may hold a log file.
const DEPTH: u8 = 3;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// The refused sends, in the order of the input.
    pub denials: Vec<Denial>,
    /// What does not count, by reason.
    pub skipped: Skipped,
    /// What could not be read; the first hundred.
    pub errors: Vec<InputError>,
    /// How many errors there were beyond those.
    pub errors_left_out: u64,
}

impl Input {
    /// Adds what another input held.
    pub fn append(&mut self, other: Input) {
        self.denials.extend(other.denials);
        self.skipped.append(&other.skipped);
        self.errors_left_out += other.errors_left_out;
        other.errors.into_iter().for_each(|error| self.fail(error));
    }

    fn fail(&mut self, error: InputError) {
        if self.errors.len() < ERRORS_KEPT {
            self.errors.push(error);
        } else {
            self.errors_left_out += 1;
        }
    }

    fn add(&mut self, reading: Reading) {
        match reading {
            Reading::Denied(denial) => self.denials.push(*denial),
            Reading::Skipped(skip) => self.skipped.count(skip),
        }
    }
}

/// A part of the input that could not be read. Displays as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The input's name.
    pub file: String,
    /// Line and JSON pointer, as far as they apply: `line 3, /detail/eventName`.
    pub place: String,
    /// What was expected and what was found.
    pub message: String,
}

impl std::error::Error for InputError {}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.file.as_str(), self.place.as_str(), self.message.as_str()];
        for (index, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
            if index > 0 {
                f.write_str(": ")?;
            }
            // Names and messages come from outside: no control character gets to a terminal, no line is broken.
            for c in part.chars() {
                if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
            }
        }
        Ok(())
    }
}

/// Reads `bytes`; `name` stands for them in errors.
pub fn read(bytes: &[u8], name: &str) -> Input {
    let mut input = Input::default();
    match decode::plain_text(bytes) {
        Ok(text) => Reader { name, input: &mut input }.documents(text.trim_ascii_end()),
        Err(message) => input.fail(InputError { file: name.to_owned(), place: String::new(), message }),
    }
    input
}

/// A message of an SQS batch. Reading each by itself lets a failed one be reported by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// `messageId`.
    pub message_id: Option<String>,
    /// `body`: what [`read`] takes.
    pub body: String,
}

/// The messages of an SQS batch; `None` when `bytes` is none.
pub fn queue_messages(bytes: &[u8]) -> Option<Vec<QueueMessage>> {
    #[derive(Deserialize)]
    struct Batch {
        #[serde(rename = "Records")]
        records: Vec<Message>,
    }
    #[derive(Deserialize)]
    struct Message {
        #[serde(rename = "messageId")]
        message_id: Option<String>,
        body: String,
    }
    let batch: Batch = serde_json::from_slice(bytes).ok()?;
    Some(batch.records.into_iter().map(|m| QueueMessage { message_id: m.message_id, body: m.body }).collect())
}

/// Where in the input a value stands.
#[derive(Debug, Clone, Default)]
struct Place {
    line: Option<usize>,
    pointer: String,
}

impl Place {
    fn at(&self, pointer: &str) -> Place {
        Place { line: self.line, pointer: format!("{}{pointer}", self.pointer) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) if self.pointer.is_empty() => write!(f, "line {line}"),
            Some(line) => write!(f, "line {line}, {}", self.pointer),
            None => f.write_str(&self.pointer),
        }
    }
}

/// The fields by which forms are told apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form<'a> {
    #[serde(borrow, rename = "Records")]
    records: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    event_name: Option<&'a RawValue>,
    #[serde(borrow)]
    event_source: Option<&'a RawValue>,
    #[serde(borrow)]
    event_version: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    awslogs: Option<&'a RawValue>,
    #[serde(borrow)]
    log_events: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

struct Reader<'a> {
    name: &'a str,
    input: &'a mut Input,
}

impl Reader<'_> {
    fn fail(&mut self, place: &Place, message: impl Into<String>) {
        let error = InputError { file: self.name.to_owned(), place: place.to_string(), message: message.into() };
        self.input.fail(error);
    }

    /// One JSON value, several one after the other, or lines of which some may be bad.
    fn documents(&mut self, text: &[u8]) {
        let mut values = Vec::new();
        let mut lines = LineCount { text, at: 0, line: 1 };
        let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
        let failure = loop {
            let start = stream.byte_offset();
            match stream.next() {
                Some(Ok(value)) => values.push((lines.line_of_value(start), value)),
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        match failure {
            None => {
                let several = values.len() > 1;
                for (line, value) in values {
                    self.value(value.get(), &Place { line: several.then_some(line), pointer: String::new() }, DEPTH);
                }
            }
            Some(_) if decode::looks_like_lines(text) => self.lines(text),
            Some(error) => {
                let place = Place { line: Some(error.line()), pointer: String::new() };
                self.fail(&place, decode::not_json(text, &error));
            }
        }
    }

    fn lines(&mut self, text: &[u8]) {
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let place = Place { line: Some(index + 1), pointer: String::new() };
            match serde_json::from_slice::<&RawValue>(line) {
                Ok(value) => self.value(value.get(), &place, DEPTH),
                Err(error) => self.fail(&place, decode::not_json(line, &error)),
            }
        }
    }

    /// One value of any form.
    fn value(&mut self, json: &str, place: &Place, depth: u8) {
        let json = json.trim();
        if json.starts_with('[') {
            // `jq .Records` leaves a list of what it was.
            return self.each(json, place, depth, Reader::value);
        }
        if !json.starts_with('{') {
            return self.fail(place, format!("expected {EXPECTED}, found {}", decode::kind(json)));
        }
        let form: Form<'_> = match serde_json::from_str(json) {
            Ok(form) => form,
            Err(error) => return self.fail(place, format!("expected {EXPECTED}: {error}")),
        };
        if form.event_name.is_some() || form.event_version.is_some() {
            self.record(json, place, Provenance::Cloudtrail, &Envelope::default());
        } else if let Some(records) = form.records {
            self.each(records.get(), &place.at("/Records"), depth, Reader::value);
        } else if let Some(detail) = form.detail {
            self.event(json, detail.get(), form.detail_type, place);
        } else if form.detail_type.is_some() {
            self.fail(&place.at("/detail"), "expected a CloudTrail record, found none");
        } else if let Some(body) = form.body {
            self.body(body.get(), &place.at("/body"), depth);
        } else if let Some(logs) = form.awslogs {
            self.subscription(logs.get(), &place.at("/awslogs"));
        } else if form.log_events.is_some() {
            self.log_events(json, place);
        } else if let (Some(_), None) = (form.message, form.event_source) {
            self.message(json, place);
        } else if form.event_source.is_some() {
            self.record(json, place, Provenance::Cloudtrail, &Envelope::default());
        } else {
            self.fail(place, format!("expected {EXPECTED}"));
        }
    }

    /// Every element of a list, without holding the list.
    fn each(&mut self, json: &str, place: &Place, depth: u8, read: fn(&mut Self, &str, &Place, u8)) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.fail(place, "expected an event or a record, found another list");
        };
        let mut index = 0_usize;
        let visited = Each(|element: &str| {
            read(self, element, &place.at(&format!("/{index}")), depth);
            index += 1;
        })
        .visit(json);
        if visited.is_err() {
            self.fail(place, format!("expected an array, found {}", decode::kind(json)));
        }
    }

    fn record(&mut self, json: &str, place: &Place, provenance: Provenance, envelope: &Envelope) {
        match record::read(json, provenance, envelope) {
            Ok(reading) => self.input.add(reading),
            Err(error) => self.fail(&place.at(&error.pointer), error.message),
        }
    }

    /// An EventBridge event.
    fn event(&mut self, json: &str, detail: &str, detail_type: Option<&RawValue>, place: &Place) {
        let at = place.at("/detail");
        if !detail.starts_with('{') {
            return self.fail(&at, format!("expected a CloudTrail record, found {}", decode::kind(detail)));
        }
        // SES sends events of its own to the same bus: deliveries, bounces, complaints.
        let via_cloudtrail = detail_type.is_none_or(|name| name.get().contains("CloudTrail"));
        let names_api = serde_json::from_str::<Form<'_>>(detail).is_ok_and(|detail| detail.event_name.is_some());
        if !via_cloudtrail && !names_api {
            return self.input.skipped.count(Skip::NotARecord);
        }
        self.record(detail, &at, Provenance::Cloudtrail, &text::envelope(json));
    }

    /// The body of an SQS message: the text of another form.
    fn body(&mut self, json: &str, place: &Place, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.fail(place, "expected an event or a record, found another message");
        };
        let Ok(body) = serde_json::from_str::<String>(json) else {
            return self.fail(place, format!("expected a string, found {}", decode::kind(json)));
        };
        let body = body.trim_start_matches('\u{feff}').trim();
        match serde_json::from_str::<&RawValue>(body) {
            Ok(value) => self.value(value.get(), place, depth),
            Err(error) => self.fail(place, decode::not_json(body.as_bytes(), &error)),
        }
    }

    /// `awslogs` of a CloudWatch Logs subscription.
    fn subscription(&mut self, json: &str, place: &Place) {
        #[derive(Deserialize)]
        struct Logs {
            data: String,
        }
        let at = place.at("/data");
        let Ok(logs) = serde_json::from_str::<Logs>(json) else {
            return self.fail(&at, "expected a string of base64");
        };
        match decode::subscription(&logs.data) {
            Ok(payload) => self.log_events(&payload, &at),
            Err(message) => self.fail(&at, message),
        }
    }

    fn log_events(&mut self, json: &str, place: &Place) {
        match text::subscription(json) {
            Ok(readings) => readings.into_iter().for_each(|reading| self.input.add(reading)),
            Err(message) => self.fail(place, message),
        }
    }

    fn message(&mut self, json: &str, place: &Place) {
        match text::message_object(json) {
            Ok(reading) => self.input.add(reading),
            Err((pointer, message)) => self.fail(&place.at(pointer), message),
        }
    }
}

/// Numbers the lines of a text as its values go by.
struct LineCount<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl LineCount<'_> {
    /// The line of the value that starts at `offset` or after the white space there.
    fn line_of_value(&mut self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let start = offset + blank;
        let passed = self.text.get(self.at..start).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = start;
        self.line
    }
}

/// Hands every element of a JSON array to a function.
struct Each<F>(F);

impl<F: FnMut(&str)> Each<F> {
    fn visit(self, json: &str) -> Result<(), serde_json::Error> {
        serde_json::Deserializer::from_str(json).deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&str)> Visitor<'de> for Each<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&'de RawValue>()? {
            (self.0)(element.get());
        }
        Ok(())
    }
}

//! A finding as a custom notification of Amazon Q Developer in chat applications.
//!
//! The format: <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sesame_diagnosis::finding::Finding;

use crate::escape::{self, Medium};
use crate::{Phase, grant, phase, text, words};

/// Our own caps, in characters: of a description, of a step, of a title or value.
const DESCRIPTION: usize = 8_000;
const STEP: usize = 350;
const VALUE: usize = 250;
/// How many resources are named.
const RESOURCES: usize = 10;

/// The notification. `phase` and `detail` as in [`phase::phase_text`].
pub fn chat(finding: &Finding, phase: Phase, detail: Option<&str>, now: Timestamp) -> Value {
    chat_of(&escape::shown(finding, Medium::Plain), phase, detail, now)
}

/// The same of a finding that is fit to be shown.
pub(crate) fn chat_of(finding: &Finding, phase: Phase, detail: Option<&str>, now: Timestamp) -> Value {
    let id = escape::id(&finding.id);
    let note = phase::phase_text_of(finding, phase, detail);
    let description = match phase {
        Phase::Finding => description(finding, now),
        _ => later(&note),
    };
    let mut steps: Vec<String> = Vec::new();
    if phase == Phase::Finding {
        steps.push(step(&finding.summary.fix));
    }
    steps.extend(note.command.as_deref().map(escape::code));
    let show = format!("sesame show {id}");
    if note.command.as_deref() != Some(show.as_str()) {
        steps.push(escape::code(&show));
    }
    json!({
        "version": "1.0",
        "source": "custom",
        "id": format!("{id}-{}-{phase}", finding.generation),
        "content": {
            "textType": "client-markdown",
            "title": value(&note.subject),
            "description": description,
            "nextSteps": steps,
            "keywords": keywords(finding, phase),
        },
        "metadata": {
            "threadId": id,
            "summary": value(&note.subject),
            "eventType": format!("sesame-{phase}"),
            "relatedResources": resources(finding),
            "additionalContext": context(finding, phase),
        },
    })
}

/// Paragraphs, each whole or not there.
fn description(finding: &Finding, now: Timestamp) -> String {
    let event = &finding.event;
    let mut parts = vec![
        sentence(&finding.summary.what),
        format!(
            "*Account* {} · *Region* {} · *Caller* {} · *Refused* {}",
            sentence(&words::account(event)),
            sentence(event.region.as_deref().unwrap_or("unknown")),
            sentence(&words::who(&finding.principal)),
            sentence(&words::failing(event, now)),
        ),
        format!("*Why* ({})\n{}", words::sureness(finding), sentence(&words::why(finding))),
    ];
    parts.push(format!("*Fix*\n{}", sentence(&finding.summary.fix)));
    parts.extend(grant::sentences(finding).iter().map(|text| sentence(text)));
    parts.extend(words::also_allowed(finding).into_iter().map(sentence));
    parts.extend(text::dependencies(finding).map(|text| sentence(&text)));
    if let Some(hint) = words::hint(finding, "possible-stolen-key") {
        parts.push(format!("*If nobody knows this caller*\n{}", sentence(&hint.summary)));
    }
    for near in words::untold_near_misses(finding).into_iter().take(3) {
        parts.push(sentence(&near.summary));
    }
    for hint in words::untold_hints(finding).into_iter().take(6) {
        parts.push(sentence(&hint.summary));
    }
    for gap in finding.gaps.iter().take(4) {
        parts.push(format!("Not read: {}", sentence(&gap.summary)));
    }
    parts.dedup();
    joined(&parts)
}

fn later(note: &phase::PhaseText) -> String {
    let mut parts = vec![sentence(&note.sentence)];
    parts.extend(note.about.iter().map(|about| sentence(about)));
    joined(&parts)
}

fn joined(parts: &[String]) -> String {
    let mut text = String::new();
    for part in parts {
        if text.chars().count() + part.chars().count() + 2 > DESCRIPTION {
            break;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(part);
    }
    text
}

/// One sentence of Markdown. Cut before it is escaped.
fn sentence(text: &str) -> String {
    escape::marked(&escape::clip(text, 1_200))
}

fn step(text: &str) -> String {
    escape::marked(&escape::clip(text, STEP))
}

fn keywords(finding: &Finding, phase: Phase) -> Vec<String> {
    let mut list = vec![phase.as_str().to_owned(), words::outcome(finding.outcome).to_owned()];
    list.extend(finding.event.account_name.as_deref().map(value));
    list.extend(finding.event.region.as_deref().map(value));
    list.extend(finding.causes.first().map(|cause| value(&words::layer(&cause.layer))));
    list
}

/// A bare value: no markup is expected there, so none may come to be.
fn value(text: &str) -> String {
    escape::clip(&escape::bare(&escape::clip(text, VALUE - 100)), VALUE - 40)
}

fn resources(finding: &Finding) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    let arns = finding.principal.arn.iter().chain(finding.requests.iter().map(|request| &request.resource));
    for arn in arns.map(|arn| value(arn)) {
        if !list.contains(&arn) && list.len() < RESOURCES {
            list.push(arn);
        }
    }
    list
}

fn context(finding: &Finding, phase: Phase) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            map.insert(name.to_owned(), Value::String(value(text)));
        }
    };
    put("findingId", Some(&finding.id));
    put("phase", Some(phase.as_str()));
    put("account", finding.event.account.as_deref());
    put("accountName", finding.event.account_name.as_deref());
    put("region", finding.event.region.as_deref());
    put("principal", finding.principal.arn.as_deref());
    put("layer", finding.causes.first().map(|cause| cause.layer.as_str()));
    put("certainty", Some(words::sureness(finding)));
    Value::Object(map)
}

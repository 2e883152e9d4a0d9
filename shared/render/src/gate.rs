//! The layers of a request as gates on its way: open, shut, not known.

use serde_json::Value;
use sesame_diagnosis::finding::{Cause, CauseKind, Certainty, Finding, LayerInfo, RequestInfo};

use crate::words;

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It lets the request through.
    Open,
    /// It stops the request.
    Shut,
    /// That could not be read, or turns on something that is not recorded.
    Unknown,
    /// It allows nothing, and in this case nothing is needed from it.
    NotNeeded,
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Shut => "shut",
            State::Unknown => "unknown",
            State::NotNeeded => "by-passed",
        }
    }
}

/// A layer of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// As a reader says it.
    pub layer: String,
    /// How it stands.
    pub state: State,
    /// Why, in a few words.
    pub note: String,
}

/// The gates of a request, in the order in which they are shown.
pub fn gates(finding: &Finding, index: usize) -> Vec<Gate> {
    let Some(request) = finding.requests.get(index) else { return Vec::new() };
    let causes: Vec<&Cause> = finding.causes.iter().filter(|cause| cause.request == index).collect();
    let mut list: Vec<Gate> = request.layers.iter().map(|layer| gate(layer, request, &causes)).collect();
    let shown = |name: &str| request.layers.iter().any(|layer| layer.layer == name);
    for layer in assumed_absent(finding).into_iter().filter(|name| !shown(name)) {
        let note = "never in the record; taken as absent".to_owned();
        list.push(Gate { layer: words::layer(layer), state: State::Unknown, note });
    }
    list
}

fn assumed_absent(finding: &Finding) -> Vec<&str> {
    let layers = words::hint(finding, "assumed-absent").and_then(|hint| hint.details.get("layers"));
    layers.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn gate(layer: &LayerInfo, request: &RequestInfo, causes: &[&Cause]) -> Gate {
    let own: Vec<&&Cause> = causes.iter().filter(|cause| cause.layer == layer.layer).collect();
    let (state, note) = match layer.decision.as_str() {
        "Allowed" => (State::Open, String::new()),
        "ExplicitDeny" => (State::Shut, shut(&own, "a Deny matches")),
        "ImplicitDeny" if own.is_empty() && not_needed(layer, request, causes) => {
            (State::NotNeeded, "allows nothing, and need not".to_owned())
        }
        "ImplicitDeny" => (State::Shut, shut(&own, "no statement allows it")),
        // Only this fits the refusal, although it could not be seen to the end.
        _ if own.iter().any(|cause| cause.certainty == Certainty::Inferred) => {
            let why = match layer.note {
                Some(_) => "AWS names it, and it could not be read".to_owned(),
                None => shut(&own, "it refuses"),
            };
            (State::Shut, format!("inferred: {why}"))
        }
        _ => (State::Unknown, unknown(layer, request, &own)),
    };
    Gate { layer: words::layer(&layer.layer), state, note }
}

/// In the same account one of identity-based and sending authorization policy is enough.
fn not_needed(layer: &LayerInfo, request: &RequestInfo, causes: &[&Cause]) -> bool {
    request.decision == "Allowed" || !causes.is_empty() || layer.layer == "sending-authorization-policy"
}

fn shut(own: &[&&Cause], otherwise: &str) -> String {
    let Some(first) = own.first() else { return otherwise.to_owned() };
    let what = match (first.kind, &first.statement) {
        (CauseKind::ExplicitDeny, Some(statement)) => match &statement.sid {
            Some(sid) if !sid.is_empty() => format!("Deny `{sid}` matches"),
            _ => format!("the Deny at {} matches", statement.pointer),
        },
        (CauseKind::ExplicitDeny, None) => "a Deny matches".to_owned(),
        (CauseKind::NoAllow, _) => "no statement allows it".to_owned(),
    };
    let level = first.level.as_ref().map(|level| format!(", at `{}`", level.name.as_deref().unwrap_or(&level.id)));
    let more = match own.len() {
        0 | 1 => String::new(),
        more => format!(" (and {} more)", more - 1),
    };
    format!("{what}{}{more}", level.unwrap_or_default())
}

fn unknown(layer: &LayerInfo, request: &RequestInfo, own: &[&&Cause]) -> String {
    if let Some(note) = &layer.note {
        return note.clone();
    }
    let keys: Vec<String> = request.unknown_keys.iter().map(|key| format!("`{key}`")).collect();
    match (keys.is_empty(), own.first()) {
        (false, _) => format!("turns on {}", words::and(&keys)),
        (true, Some(cause)) if cause.kind == CauseKind::ExplicitDeny => "may deny".to_owned(),
        _ => "not known".to_owned(),
    }
}

/// What a request asks: "`ses:SendRawEmail` on identity `example.com`".
pub fn asks(request: &RequestInfo) -> String {
    format!("`{}` on {}", request.action, sesame_diagnosis::words::short_arn(&request.resource))
}

//! The door for callers with an IAM identity: JSON in and out. The route's authorizer lets nobody else in; that is asked again here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sesame_remediation::State;
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, Verdict};
use sesame_remediation::mac::Mac;
use sesame_render::words;

use super::{HttpRequest, HttpResponse, LARGEST_BODY, origin, standing};
use crate::decide::{DecideError, Request};
use crate::list::{Cursor, Filter};
use crate::ports::{Clock, FindingStore, PortError, Publisher, SaveError};
use crate::record::Record;
use crate::{Shared, audit, grants};

/// The most findings of one answer.
const MOST: usize = 200;

/// So many entries of the audit are enough for one answer: Lambda takes at most 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MOST_ENTRIES: usize = 4_000;

/// The body of `POST /decide`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    finding: String,
    generation: u32,
    verdict: Wanted,
    #[serde(default)]
    remedies: Vec<DecidedRemedy>,
    #[serde(default)]
    until: Option<Timestamp>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Approve,
    Reject,
    Mute,
    Rollback,
    Revoke,
}

impl From<Wanted> for Verdict {
    fn from(wanted: Wanted) -> Verdict {
        match wanted {
            Wanted::Approve => Verdict::Approve,
            Wanted::Reject => Verdict::Reject,
            Wanted::Mute => Verdict::Mute,
            Wanted::Rollback => Verdict::RollBack,
            Wanted::Revoke => Verdict::Revoke,
        }
    }
}

/// What came of a decision.
#[derive(Debug, Serialize)]
struct Taken<'a> {
    finding: &'a str,
    generation: u32,
    state: State,
    message: String,
}

/// What went wrong: a word for programs, a sentence for people, and where the finding stands if it is known.
#[derive(Debug, Serialize)]
struct Trouble {
    error: &'static str,
    message: String,
    state: Option<State>,
}

fn trouble(status: u16, error: &'static str, message: impl Into<String>, state: Option<State>) -> HttpResponse {
    HttpResponse::json(status, &Trouble { error, message: message.into(), state })
}

/// The address is right, the method is not.
pub(super) fn wrong_method(allowed: &'static str) -> HttpResponse {
    trouble(405, "method", format!("expected {allowed}"), None).with("allow", allowed.to_owned())
}

/// Who calls. The route is only reached with a signature; that a template may be changed some day is why this is not believed.
fn caller(request: &HttpRequest) -> Result<&str, Box<HttpResponse>> {
    let arn = request.caller.as_deref().filter(|caller| caller.starts_with("arn:"));
    arn.ok_or_else(|| {
        let message = "expected a request that is signed with AWS credentials (service execute-api), found none";
        Box::new(trouble(403, "no-caller", message, None))
    })
}

/// `POST /decide`.
pub(super) async fn decide(
    request: &HttpRequest,
    key: &impl Mac,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> HttpResponse {
    let caller = match caller(request) {
        Ok(caller) => caller.to_owned(),
        Err(response) => return *response,
    };
    if request.body.len() > LARGEST_BODY {
        return trouble(413, "too-large", format!("expected at most {LARGEST_BODY} bytes"), None);
    }
    let order: Order = match serde_json::from_slice(&request.body) {
        Ok(order) => order,
        Err(error) => return trouble(400, "not-a-decision", format!("the body: {error}"), None),
    };
    let wanted = Request {
        finding: order.finding.clone(),
        generation: order.generation,
        link: None,
        verdict: order.verdict.into(),
        remedies: order.remedies,
        approver: Approver { channel: Channel::Cli, id: Some(caller) },
        until: order.until,
        reason: order.reason,
        origin: origin(request),
    };
    match crate::decide::decide(wanted, key, shared).await {
        Ok(record) => HttpResponse::json(200, &taken(&record, shared.clock.now())),
        Err(error) => {
            // Where it stands is worth knowing, and no reason to fail twice.
            let state = match &error {
                DecideError::State { state, .. } => Some(*state),
                DecideError::NoFinding(_) => None,
                _ => shared.store.load(&order.finding).await.ok().flatten().map(|record| record.state),
            };
            refused(&error, state)
        }
    }
}

fn taken(record: &Record, now: Timestamp) -> Taken<'_> {
    let state = standing(record, now);
    let message =
        [Some(state.name + "."), state.sentence, state.next].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Taken { finding: &record.finding.id, generation: record.finding.generation, state: record.state, message }
}

fn refused(error: &DecideError, state: Option<State>) -> HttpResponse {
    let (status, word) = match error {
        DecideError::NoFinding(_) => (404, "no-finding"),
        DecideError::Outdated { .. } => (409, "outdated"),
        DecideError::Voided(_) => (409, "voided"),
        DecideError::Late(_) => (409, "late"),
        DecideError::State { .. } => (409, "decided-already"),
        DecideError::NotAsShown(_) => (409, "not-as-shown"),
        DecideError::Save(SaveError::Conflict(_)) => (409, "changed-meanwhile"),
        DecideError::OwnGrant(_) => (403, "own-grant"),
        DecideError::NotTwo(_) => (403, "not-two"),
        DecideError::NotByLink(_) => (403, "not-by-link"),
        DecideError::SuggestOnly => (422, "suggest-only"),
        DecideError::Nothing(_) => (422, "nothing-to-approve"),
        DecideError::Reason(_) => (400, "reason"),
        DecideError::Until(_) => (400, "until"),
        DecideError::Key(_) => (503, "key"),
        DecideError::Save(SaveError::Port(_)) => (503, "store"),
    };
    // What a port says may name tables and requests; the log has it.
    let message = match status {
        503 => "what is kept of this finding, or the key, could not be reached; try again in a minute".to_owned(),
        _ => words::sentence(&error.to_string()),
    };
    trouble(status, word, message, state)
}

/// `GET /findings?state=&account=&region=&limit=&after=`: a page of the list.
pub(super) async fn list(
    request: &HttpRequest,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> HttpResponse {
    if let Err(response) = caller(request) {
        return *response;
    }
    match filter(request, &[]) {
        Err(message) => trouble(400, "query", message, None),
        Ok(filter) => match shared.store.list(&filter).await {
            Ok(page) => HttpResponse::json(200, &page),
            Err(error) => unread(&error),
        },
    }
}

fn filter(request: &HttpRequest, more: &[&str]) -> Result<Filter, String> {
    let fields = request.query_fields();
    let known = [&["state", "account", "region", "limit", "after"], more].concat();
    if let Some(odd) = fields.names().find(|name| !known.contains(name)) {
        return Err(format!("expected some of {}, found `{}`", known.join(", "), odd.escape_debug()));
    }
    let text = |name: &str| fields.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let state = text("state");
    if let Some(state) = state.as_ref().filter(|state| State::ALL.iter().all(|known| known.as_str() != state.as_str()))
    {
        let mut words: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
        words.dedup();
        return Err(format!("state: expected one of {}, found `{}`", words.join(", "), state.escape_debug()));
    }
    let limit = match text("limit") {
        None => Filter::default().limit,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| format!("limit: expected a number from 1 to {MOST}, found `{}`", text.escape_debug()))?,
    };
    let after =
        text("after").map(|text| Cursor::parse(&text)).transpose().map_err(|error| format!("after: {error}"))?;
    Ok(Filter { state, account: text("account"), region: text("region"), limit, after })
}

/// `GET /findings/{id}`: the record, without the ids of the events that were counted.
pub(super) async fn show(
    id: &str,
    request: &HttpRequest,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> HttpResponse {
    if let Err(response) = caller(request) {
        return *response;
    }
    match shared.store.load(id).await {
        Ok(Some(record)) => {
            let mut shown = match serde_json::to_value(&record) {
                Ok(Value::Object(fields)) => fields,
                _ => Map::new(),
            };
            shown.remove("counted");
            HttpResponse::json(200, &shown)
        }
        Ok(None) => trouble(404, "no-finding", format!("there is no finding `{}`", id.escape_debug()), None),
        Err(error) => unread(&error),
    }
}

/// `GET /grants`: what Sesame has granted that still stands.
pub(super) async fn grants(
    request: &HttpRequest,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> HttpResponse {
    if let Err(response) = caller(request) {
        return *response;
    }
    match grants::all(shared.store, shared.clock.now()).await {
        Ok(grants) => HttpResponse::json(200, &json!({ "grants": grants })),
        Err(error) => unread(&error),
    }
}

/// `GET /audit?format=json|csv`: everything that happened to the findings of a filter, or was tried.
///
/// The whole of it, as far as an answer may be long; where it goes on is in `next`, for CSV in the header `sesame-next`.
pub(super) async fn audit(
    request: &HttpRequest,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> HttpResponse {
    if let Err(response) = caller(request) {
        return *response;
    }
    let csv = match request.query_fields().get("format") {
        None | Some("json") => false,
        Some("csv") => true,
        Some(odd) => {
            let message = format!("format: expected json or csv, found `{}`", odd.escape_debug());
            return trouble(400, "query", message, None);
        }
    };
    let mut filter = match filter(request, &["format"]) {
        Ok(filter) => filter,
        Err(message) => return trouble(400, "query", message, None),
    };
    let mut all = audit::Export { entries: Vec::new(), forgotten: 0, next: None };
    loop {
        let part = match audit::export(shared.store, &filter).await {
            Ok(part) => part,
            Err(error) => return unread(&error),
        };
        all.entries.extend(part.entries);
        all.forgotten += part.forgotten;
        all.next = part.next;
        match &all.next {
            Some(next) if all.entries.len() < MOST_ENTRIES => filter.after = Some(next.clone()),
            _ => break,
        }
    }
    if !csv {
        return HttpResponse::json(200, &all);
    }
    let file = HttpResponse::file("text/csv; charset=utf-8", "sesame-audit.csv", audit::csv(&all.entries).into_bytes());
    match all.next {
        Some(next) => file.with("sesame-next", String::from(next)),
        None => file,
    }
}

fn unread(error: &PortError) -> HttpResponse {
    let message = match error.retry {
        true => "what is kept of the findings could not be read; try again in a minute",
        false => "what is kept of the findings could not be read; the function's log says why",
    };
    HttpResponse::json(503, &json!({"error": "store", "message": message, "state": null}))
}

//! What a form decides.

use jiff::{SignedDuration, Timestamp};
use sesame_remediation::State;
use sesame_remediation::decision::Verdict;
use sesame_remediation::link::is_form_code;
use sesame_remediation::mac::Mac;
use sesame_render::page::{Decision, Note, Tone, note};
use sesame_render::{escape, words};

use super::door::{Visitor, refused, visitor};
use super::offer::{MUTE_DAYS, chosen};
use super::{Fields, HttpRequest, HttpResponse, LARGEST_BODY, Site, WebApproval, origin, page, standing};
use crate::Shared;
use crate::decide::{DecideError, Request, decide, keep_refused};
use crate::ports::{Clock, FindingStore, Publisher, SaveError};
use crate::record::Record;

const NOTHING: &str = "Nothing was decided.";

/// `POST /f/{id}`. Whatever does not come from this page, in this browser, by this link, is refused before anything is asked.
pub(super) async fn take(
    id: &str,
    request: &HttpRequest,
    site: &Site<impl Mac>,
    key: &impl Mac,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> HttpResponse {
    let now = shared.clock.now();
    if request.body.len() > LARGEST_BODY || request.media_type() != "application/x-www-form-urlencoded" {
        return page::said(415, "Not a form of this page", &["Open the page again and use its buttons."], now);
    }
    if !is_same_origin(request, &site.address.origin) {
        return elsewhere(now);
    }
    let visitor = match visitor(id, request, site).await {
        Ok(visitor) => visitor,
        Err(refusal) => return refused(&refusal, now),
    };
    let fields = Fields::parse(&request.body);
    let Some(mut order) = order(id, &fields, &visitor, request, site, now) else {
        return page::said(400, "Not a form of this page", &["It did not say what to decide.", NOTHING], now);
    };
    match is_form_code(fields.get("csrf").unwrap_or_default(), &visitor.token, page::PURPOSE, &site.link_key).await {
        Ok(true) => {}
        // What cannot be kept is refused all the same.
        Ok(false) => {
            let _ = keep_refused(&order, "the form was not one of this finding's page", shared).await;
            return elsewhere(now);
        }
        Err(_) => return page::unreadable(now),
    }
    if site.approval != WebApproval::Approve {
        let _ = keep_refused(&order, "links only show", shared).await;
        return page::said(403, "Links only show here", &["Decisions are for the command line.", NOTHING], now);
    }
    let record = match page::load(id, shared).await {
        Ok(record) => record,
        Err(response) => return response,
    };
    if order.verdict == Verdict::Approve {
        match chosen(fields.get("remedies").unwrap_or_default(), &record.finding, now) {
            Some(remedies) => order.remedies = remedies,
            None if record.state == State::Open => {
                let _ = keep_refused(&order, "the remedies were not those that the page offers", shared).await;
                let sentences = vec!["The plan changed since this page was opened; look at it again.".to_owned()];
                return back(409, "Not as it was shown", Tone::Calm, sentences, &record, site, now);
            }
            None => {}
        }
    }
    match decide(order, key, shared).await {
        Ok(_) => HttpResponse::see_other(site.address.finding(id)),
        Err(error) => match page::load(id, shared).await {
            Ok(record) => not_taken(&error, &record, site, now),
            Err(response) => response,
        },
    }
}

/// What the browser says of where the form stood. With `Referrer-Policy: no-referrer` the header `Origin` is `null`, so that
/// `Sec-Fetch-Site`, which no page can set, says it; a browser too old for that must name the origin.
/// <https://fetch.spec.whatwg.org/#append-a-request-origin-header-for-a-request>
fn is_same_origin(request: &HttpRequest, own: &str) -> bool {
    let named = match request.header("origin") {
        None | Some("null") => None,
        Some(origin) => Some(origin.eq_ignore_ascii_case(own)),
    };
    match (request.header("sec-fetch-site"), named) {
        (_, Some(false)) => false,
        (Some(site), _) => site == "same-origin",
        (None, named) => named == Some(true),
    }
}

/// What the fields ask for, but for the remedies; `None` where they ask for nothing.
fn order<L>(
    id: &str,
    fields: &Fields,
    visitor: &Visitor,
    request: &HttpRequest,
    site: &Site<L>,
    now: Timestamp,
) -> Option<Request> {
    let decision = fields.get("decision")?;
    let verdict = match Decision::ALL.into_iter().find(|known| known.as_str() == decision)? {
        Decision::Approve => Verdict::Approve,
        Decision::Reject => Verdict::Reject,
        Decision::Mute => Verdict::Mute,
        Decision::RollBack => Verdict::RollBack,
    };
    let reason = fields.get("reason").map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
    Some(Request {
        finding: id.to_owned(),
        generation: visitor.link.generation,
        link: Some(visitor.link.clone()),
        verdict,
        remedies: Vec::new(),
        approver: site.visitor.clone(),
        until: end_of_mute(fields, now),
        reason,
        origin: origin(request),
    })
}

fn end_of_mute(fields: &Fields, now: Timestamp) -> Option<Timestamp> {
    let days: u32 = fields.get("days")?.parse().ok()?;
    let days = MUTE_DAYS.into_iter().find(|offered| *offered == days)?;
    now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()
}

/// A decision that was not taken, in words.
fn not_taken<L>(error: &DecideError, record: &Record, site: &Site<L>, now: Timestamp) -> HttpResponse {
    let id = escape::id(&record.finding.id);
    let (status, heading) = match error {
        DecideError::State { .. } | DecideError::Save(SaveError::Conflict(_)) => {
            return decided_already(record, site, now);
        }
        DecideError::Key(_) | DecideError::Save(SaveError::Port(_)) => return page::unreadable(now),
        DecideError::NoFinding(_) => (404, "This finding is not kept any more"),
        DecideError::Outdated { .. } | DecideError::Voided(_) | DecideError::Late(_) => (409, "This link only shows"),
        DecideError::NotAsShown(_) => (409, "Not as it was shown"),
        DecideError::OwnGrant(_) => (403, "Not for the one who was refused"),
        DecideError::NotByLink(_) | DecideError::NotTwo(_) => (403, "Not by a link"),
        DecideError::Reason(_) | DecideError::Until(_) => (400, "Not a form of this page"),
        DecideError::Nothing(_) | DecideError::SuggestOnly => (422, "Nothing to approve"),
    };
    let mut sentences = vec![words::capital(&words::sentence(&error.to_string())), NOTHING.to_owned()];
    if matches!(error, DecideError::NotByLink(_)) {
        sentences.push(format!("On the command line: `sesame approve {id}`."));
    }
    back(status, heading, Tone::Calm, sentences, record, site, now)
}

/// A second click, or somebody who was quicker.
fn decided_already<L>(record: &Record, site: &Site<L>, now: Timestamp) -> HttpResponse {
    let state = standing(record, now);
    let mut sentences = vec![format!("It stands at: {}.", state.name.to_lowercase())];
    sentences.extend(Some(standing::decided_by(record, now)).filter(|by| !by.is_empty()));
    sentences.push("What was sent now changed nothing.".to_owned());
    back(409, "It was decided already", state.tone, sentences, record, site, now)
}

fn back<L>(
    status: u16,
    heading: &str,
    tone: Tone,
    sentences: Vec<String>,
    record: &Record,
    site: &Site<L>,
    now: Timestamp,
) -> HttpResponse {
    let link = Some((site.address.finding(&record.finding.id), "See how it stands"));
    let said = Note { heading: heading.to_owned(), tone, sentences, link, ..Note::default() };
    HttpResponse::page(status, note(&said, now))
}

/// The form did not come from our page.
fn elsewhere(now: Timestamp) -> HttpResponse {
    let sentences = [
        "This did not come from the page of this finding in this browser, so nothing was decided.",
        "Open the link of the message again and use the buttons there. A very old browser may not say where a form comes from: use another, or the command line.",
    ];
    page::said(403, "Not from this page", &sentences, now)
}

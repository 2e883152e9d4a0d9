//! What a form decides.

use jiff::{SignedDuration, Timestamp};
use sesame_remediation::decision::{Channel, Verdict};
use sesame_remediation::link::is_form_code;
use sesame_remediation::mac::Mac;
use sesame_render::page::{Decision, Note, Tone, note};
use sesame_render::{escape, words};

use super::door::{Visitor, refused, visitor};
use super::offer::{MUTE_DAYS, chosen};
use super::{Fields, HttpRequest, HttpResponse, LARGEST_BODY, Site, WebApproval, origin, page, standing};
use crate::Shared;
use crate::decide::{DecideError, Request, decide};
use crate::ports::{Clock, FindingStore, Publisher, SaveError};
use crate::record::Record;

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
    match is_form_code(fields.get("csrf").unwrap_or_default(), &visitor.token, page::PURPOSE, &site.link_key).await {
        Ok(true) => {}
        Ok(false) => return elsewhere(now),
        Err(_) => return page::unreadable(now),
    }
    let record = match page::load(id, shared).await {
        Ok(record) => record,
        Err(response) => return response,
    };
    let order = match order(&fields, &record, &visitor, request, site, now) {
        Ok(order) => order,
        Err(response) => return *response,
    };
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

/// What the fields ask for, or the page that says why that cannot be asked.
fn order<L>(
    fields: &Fields,
    record: &Record,
    visitor: &Visitor,
    request: &HttpRequest,
    site: &Site<L>,
    now: Timestamp,
) -> Result<Request, Box<HttpResponse>> {
    let odd = |status: u16, heading: &str, why: String| {
        Box::new(back(status, heading, Tone::Calm, vec![why, "Nothing was decided.".to_owned()], record, site, now))
    };
    let decision = fields.get("decision");
    let decision = Decision::ALL.into_iter().find(|known| Some(known.as_str()) == decision);
    let Some(decision) = decision else {
        return Err(odd(400, "Not a form of this page", "It did not say what to decide.".to_owned()));
    };
    if site.approval != WebApproval::Approve {
        return Err(odd(403, "Links only show here", "Decisions are for the command line.".to_owned()));
    }
    // What else may have made the link void is asked, and kept, where the decision is taken.
    if visitor.is_late(now) {
        return Err(odd(409, "This link only shows", page::late(&record.finding.id)));
    }
    let verdict = match decision {
        Decision::Approve => Verdict::Approve,
        Decision::Reject => Verdict::Reject,
        Decision::Mute => Verdict::Mute,
        Decision::RollBack if site.visitor.channel == Channel::Local => Verdict::RollBack,
        Decision::RollBack => {
            let id = escape::id(&record.finding.id);
            return Err(odd(403, "Not by a link", format!("To take it back: `sesame rollback {id}`.")));
        }
    };
    let remedies = match verdict {
        Verdict::Approve => {
            chosen(fields.get("remedies").unwrap_or_default(), &record.finding, now).ok_or_else(|| {
                odd(
                    409,
                    "Not as it was shown",
                    "The plan changed since this page was opened; look at it again.".to_owned(),
                )
            })?
        }
        _ => Vec::new(),
    };
    let until = match verdict {
        Verdict::Mute => Some(
            end_of_mute(fields, now)
                .ok_or_else(|| odd(400, "Not a form of this page", format!("Expected one of {MUTE_DAYS:?} days.")))?,
        ),
        _ => None,
    };
    let reason = fields.get("reason").map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
    Ok(Request {
        finding: record.finding.id.clone(),
        generation: visitor.link.generation,
        series: Some(visitor.link.series),
        verdict,
        remedies,
        approver: site.visitor.clone(),
        until,
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
        DecideError::Outdated { .. } | DecideError::Voided(_) => (409, "This link only shows"),
        DecideError::NotAsShown(_) => (409, "Not as it was shown"),
        DecideError::OwnGrant(_) => (403, "Not for the one who was refused"),
        DecideError::NotByLink(_) | DecideError::NotTwo(_) => (403, "Not by a link"),
        DecideError::Reason(_) | DecideError::Until(_) => (400, "Not a form of this page"),
        DecideError::Nothing(_) => (422, "Nothing to approve"),
    };
    let mut sentences = vec![words::capital(&words::sentence(&error.to_string())), "Nothing was decided.".to_owned()];
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

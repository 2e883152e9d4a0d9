//! The page of a finding, and the small ones.

use std::cmp::Ordering;

use jiff::Timestamp;
use sesame_diagnosis::words::short_arn;
use sesame_remediation::State;
use sesame_remediation::link::form_code;
use sesame_remediation::mac::Mac;
use sesame_render::page::{Decision, Entry, Form, Note, PageOptions, Step, note, page};
use sesame_render::{escape, words};

use super::door::{Visitor, refused, visitor};
use super::offer::{MUTE_DAYS, Offer, offer};
use super::{HttpRequest, HttpResponse, Site, WebApproval, standing};
use crate::grants::{self, Grant};
use crate::ports::{Clock, FindingStore, PortError, Publisher};
use crate::record::Record;
use crate::{Shared, audit};

/// The most earlier grants that a page lists.
const GRANTS: usize = 20;
/// What the code of the page's form is for.
pub(super) const PURPOSE: &str = "decide";

/// `GET /f/{id}`: the finding as it stands, with a form where this visitor may decide.
pub(super) async fn show(
    id: &str,
    request: &HttpRequest,
    site: &Site<impl Mac>,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> HttpResponse {
    let now = shared.clock.now();
    let visitor = match visitor(id, request, site).await {
        Ok(visitor) => visitor,
        Err(refusal) => return refused(&refusal, now),
    };
    let record = match load(id, shared).await {
        Ok(record) => record,
        Err(response) => return response,
    };
    match record.state {
        State::Approved | State::Applying | State::RollingBack => under_way(&record, now),
        _ => whole(&record, &visitor, site, shared, now).await,
    }
}

/// The record, or the page that says why there is none.
pub(super) async fn load(
    id: &str,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
) -> Result<Record, HttpResponse> {
    let now = shared.clock.now();
    match shared.store.load(id).await {
        Ok(Some(record)) => Ok(record),
        Ok(None) => {
            let sentences = ["It was put away, as old findings are.", "On the command line: `sesame list`."];
            Err(said(404, "This finding is not kept any more", &sentences, now))
        }
        Err(_) => Err(unreadable(now)),
    }
}

/// Why a link that is genuine lets one only look.
fn void(visitor: &Visitor, record: &Record, now: Timestamp) -> Option<String> {
    let instead = instead(&record.finding.id);
    if visitor.link.generation != record.finding.generation {
        return Some(format!(
            "This link is of an earlier time: the send was refused again after the finding was closed. {instead}"
        ));
    }
    if visitor.link.series != record.link_series {
        return Some(format!(
            "This link only shows: a new source of refusals came up, or the plan changed, after it was sent. {instead}"
        ));
    }
    visitor.is_late(now).then(|| format!("The time of this link is over; it only shows. {instead}"))
}

fn instead(id: &str) -> String {
    format!("To decide: the link of the latest message, or `sesame approve {}`.", escape::id(id))
}

async fn whole(
    record: &Record,
    visitor: &Visitor,
    site: &Site<impl Mac>,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
    now: Timestamp,
) -> HttpResponse {
    let id = escape::id(&record.finding.id);
    let mut state = standing(record, now);
    let mut offer = offer(record, site, shared.settings, now);
    if let Some(why) = void(visitor, record, now) {
        offer = Offer::default();
        if record.state == State::Open {
            state.next = Some(why);
        }
    } else if record.state == State::Open && site.approval == WebApproval::View {
        state.next = Some(format!(
            "Links only show here. To decide: `sesame approve {id}`, `sesame reject {id}` or `sesame mute {id}`."
        ));
    }
    if offer.decisions.contains(&Decision::RollBack) {
        state.next = Some("To take it back: the button further down on this page.".to_owned());
    }
    let form = match offer.decisions.is_empty() {
        true => None,
        false => match form_code(&visitor.token, PURPOSE, &site.link_key).await {
            Ok(csrf) => Some(form(offer, csrf, record, site)),
            Err(_) => return unreadable(now),
        },
    };
    let earlier_grants = match earlier_grants(record, shared, now).await {
        Ok(grants) => grants,
        Err(_) => return unreadable(now),
    };
    let options = PageOptions { now, form, state: Some(state), earlier_grants };
    HttpResponse::page(200, page(&record.finding, &options))
}

/// What else Sesame has given the principal that was refused, and what this finding gave it before.
async fn earlier_grants(
    record: &Record,
    shared: Shared<'_, impl FindingStore, impl Publisher, impl Clock>,
    now: Timestamp,
) -> Result<Vec<Entry>, PortError> {
    let Some(principal) = record.finding.principal.arn.as_deref() else { return Ok(Vec::new()) };
    let own = (&record.finding.id, record.finding.generation);
    let all = grants::of_principal(shared.store, principal, now).await?;
    let earlier = all.iter().filter(|grant| (&grant.finding, grant.generation) != own);
    Ok(earlier.take(GRANTS).map(told).collect())
}

fn told(grant: &Grant) -> Entry {
    let quoted = |list: &[String]| {
        let mut shown: Vec<String> =
            list.iter().take(4).map(|text| format!("`{}`", short_arn(&text.replace('`', "'")))).collect();
        shown.extend((list.len() > 4).then(|| format!("{} more", list.len() - 4)));
        words::and(&shown)
    };
    let end = match (grant.expires, grant.expired) {
        (Some(end), true) => format!(", which ended at {end}"),
        (Some(end), false) => format!(", until {end}"),
        (None, _) => String::new(),
    };
    let by = grant.by.as_ref().map(|by| format!(", approved by {}", audit::who(by))).unwrap_or_default();
    let id = escape::id(&grant.finding);
    let text = format!("{} on {}{end}{by} (`{id}`)", quoted(&grant.actions), quoted(&grant.resources));
    Entry { time: grant.since.to_string(), text }
}

fn form<L>(offer: Offer, csrf: String, record: &Record, site: &Site<L>) -> Form {
    Form {
        action: site.address.finding(&record.finding.id),
        csrf,
        hidden: Vec::new(),
        decisions: offer.decisions,
        choices: offer.choices,
        mute_days: MUTE_DAYS.to_vec(),
        note: offer.note,
    }
}

/// What is under way is a page of few words, since it loads itself again: seldom, and in the end not at all.
fn under_way(record: &Record, now: Timestamp) -> HttpResponse {
    let id = escape::id(&record.finding.id);
    let state = standing(record, now);
    let again_after = match now.as_second() - record.since.as_second() {
        ..20 => Some(2),
        20..120 => Some(5),
        120..600 => Some(20),
        _ => None,
    };
    let at = |own: State| match (own, record.state) {
        (own, present) if own == present => Ordering::Equal,
        (State::Approved, _) => Ordering::Less,
        _ => Ordering::Greater,
    };
    let steps = match record.state {
        State::RollingBack => vec![
            Step { name: "Asked for", place: Ordering::Less },
            Step { name: "Being taken back", place: Ordering::Equal },
            Step { name: "Taken back", place: Ordering::Greater },
        ],
        _ => vec![
            Step { name: "Approved", place: at(State::Approved) },
            Step { name: "Being applied", place: at(State::Applying) },
            Step { name: "Applied", place: Ordering::Greater },
        ],
    };
    let mut sentences: Vec<String> = vec![record.finding.summary.what.clone()];
    sentences.extend(state.sentence);
    sentences.push(match again_after {
        Some(_) => "This page follows by itself until it is done.".to_owned(),
        None => format!("That takes longer than it should. It is taken up again by itself within the hour; `sesame show {id}` says more."),
    });
    let said = Note {
        heading: state.name,
        sentences,
        steps,
        history: state.history,
        again_after,
        link: Some((String::new(), "Look again now")),
        ..Note::default()
    };
    HttpResponse::page(200, note(&said, now))
}

/// A small page.
pub(super) fn said(status: u16, heading: &str, sentences: &[impl AsRef<str>], now: Timestamp) -> HttpResponse {
    let said = Note {
        heading: heading.to_owned(),
        sentences: sentences.iter().map(|sentence| sentence.as_ref().to_owned()).collect(),
        ..Note::default()
    };
    HttpResponse::page(status, note(&said, now))
}

/// The store, or a key, did not answer.
pub(super) fn unreadable(now: Timestamp) -> HttpResponse {
    let sentences = ["What is kept of this finding could not be read. Nothing was decided.", "Try again in a minute."];
    said(503, "Not at the moment", &sentences, now).with("retry-after", "30".to_owned())
}

/// No page has this address.
pub(super) fn nothing_here(now: Timestamp) -> HttpResponse {
    said(404, "Nothing here", &["Open the link of a message, whole, or use the command line: `sesame list`."], now)
}

/// The address is right, the method is not.
pub(super) fn wrong_method(allowed: &'static str, now: Timestamp) -> HttpResponse {
    said(405, "Not in this way", &[format!("Expected one of {allowed}.")], now).with("allow", allowed.to_owned())
}

//! A site over the ports in memory, and a browser that keeps one cookie.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use pollster::block_on;
use sesame_diagnosis::input;
use sesame_remediation::decision::{Approver, Channel};
use sesame_remediation::link::Link;
use sesame_remediation::mac::LocalKey;
use sesame_responder::diagnose::diagnose;
use sesame_responder::memory::{FixedClock, MemoryPublisher, MemoryStore, MemoryWorld};
use sesame_responder::ports::{Clock as _, FindingStore as _};
use sesame_responder::record::Record;
use sesame_responder::settings::Approval;
use sesame_responder::web::{Address, HttpRequest, HttpResponse, Site, WebApproval, answer};
use sesame_responder::{Settings, Shared};

pub const NO_ALLOW: &str = include_str!("../../../../cli/demo/events/01-no-allow.json");
pub const NEEDS_REVIEW: &str = include_str!("../../../../cli/demo/events/02-from-address.json");
pub const BOUNDARY: &str = include_str!("../../../../cli/demo/events/09-boundary.json");
pub const ORIGIN: &str = "https://sesame.example";
pub const CALLER: &str = "arn:aws:iam::111122223333:user/admin";

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub struct Desk {
    pub world: MemoryWorld,
    pub store: MemoryStore,
    pub publisher: MemoryPublisher,
    pub clock: FixedClock,
    pub key: LocalKey,
    pub site: Site<LocalKey>,
    pub settings: Settings,
}

pub fn site() -> Site<LocalKey> {
    Site {
        address: Address::parse(ORIGIN).unwrap(),
        stack: "test".to_owned(),
        stage: "$default".to_owned(),
        link_key: LocalKey::new("links", &[9; 32]).unwrap(),
        approval: WebApproval::Approve,
        visitor: Approver { channel: Channel::Link, id: None },
    }
}

pub fn desk() -> Desk {
    let world = sesame_snapshot::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cli/demo/snapshot")).unwrap();
    Desk {
        world: MemoryWorld::new(world),
        store: MemoryStore::default(),
        publisher: MemoryPublisher::default(),
        clock: FixedClock::new(time("2026-11-23T03:00:00Z")),
        key: LocalKey::new("decisions", &[7; 32]).unwrap(),
        site: site(),
        settings: Settings {
            stack: "test".to_owned(),
            approval: Approval { any_provenance: false, ..Settings::embedded().approval },
            ..Settings::embedded()
        },
    }
}

impl Desk {
    pub fn shared(&self) -> Shared<'_, MemoryStore, MemoryPublisher, FixedClock> {
        Shared { store: &self.store, publisher: &self.publisher, clock: &self.clock, settings: &self.settings }
    }

    pub fn take_in(&self, event: &str) -> Record {
        let denials = input::read(event.as_bytes(), "event").denials;
        block_on(diagnose(denials, &self.world, self.shared())).remove(0).result.unwrap()
    }

    pub fn record(&self, id: &str) -> Record {
        block_on(self.store.load(id)).unwrap().unwrap()
    }

    pub fn save(&self, mut record: Record) {
        block_on(self.store.save(&mut record)).unwrap();
    }

    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        block_on(answer(request, &self.site, &self.key, self.shared()))
    }

    pub fn link(&self, record: &Record) -> Link {
        Link {
            stack: "test".to_owned(),
            stage: "$default".to_owned(),
            finding: record.finding.id.clone(),
            generation: record.finding.generation,
            series: record.link_series,
            expires: self.clock.now().checked_add(SignedDuration::from_hours(7 * 24)).unwrap(),
        }
    }

    pub fn token(&self, record: &Record) -> String {
        self.sign(&self.link(record))
    }

    pub fn sign(&self, link: &Link) -> String {
        block_on(link.token(&self.site.link_key)).unwrap()
    }

    /// Opens a page as a browser does that came by this token.
    pub fn open(&self, token: &str, id: &str) -> HttpResponse {
        self.answer(&with_cookie(get(&format!("/f/{id}")), token))
    }

    /// Sends a form of the page as its browser would, with these fields beside the code.
    pub fn submit(&self, token: &str, id: &str, fields: &[(&str, &str)]) -> HttpResponse {
        let csrf = field(&text(&self.open(token, id)), "csrf").unwrap_or_else(|| "none".to_owned());
        self.answer(&form(token, id, &csrf, fields))
    }

    /// The first of the choices that the page offers.
    pub fn choices(&self, token: &str, id: &str) -> Vec<String> {
        fields(&text(&self.open(token, id)), "remedies")
    }
}

pub fn get(path: &str) -> HttpRequest {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    HttpRequest {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        source_ip: Some("192.0.2.7".to_owned()),
        ..HttpRequest::default()
    }
    .with_header("user-agent", "Browser/1")
}

pub trait WithHeader {
    fn with_header(self, name: &str, value: &str) -> Self;
}

impl WithHeader for HttpRequest {
    fn with_header(mut self, name: &str, value: &str) -> HttpRequest {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }
}

pub fn with_cookie(request: HttpRequest, token: &str) -> HttpRequest {
    HttpRequest { cookies: vec![format!("sesame={token}")], ..request }
}

pub fn form(token: &str, id: &str, csrf: &str, fields: &[(&str, &str)]) -> HttpRequest {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("csrf", csrf);
    fields.iter().for_each(|(name, value)| _ = body.append_pair(name, value));
    let request = with_cookie(get(&format!("/f/{id}")), token)
        .with_header("content-type", "application/x-www-form-urlencoded")
        .with_header("sec-fetch-site", "same-origin")
        .with_header("origin", "null");
    HttpRequest { method: "POST".to_owned(), body: body.finish().into_bytes(), ..request }
}

/// A request as the API hands it on of somebody whose signature it has checked.
pub fn signed(method: &str, path: &str, body: &serde_json::Value) -> HttpRequest {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    HttpRequest { method: method.to_owned(), body, caller: Some(CALLER.to_owned()), ..get(path) }
}

pub fn text(response: &HttpResponse) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

pub fn json(response: &HttpResponse) -> serde_json::Value {
    assert_eq!(response.header("content-type"), Some("application/json"));
    serde_json::from_slice(&response.body).unwrap()
}

/// The values of a page's fields of a name.
pub fn fields(html: &str, name: &str) -> Vec<String> {
    let start = format!("name=\"{name}\" value=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

pub fn field(html: &str, name: &str) -> Option<String> {
    fields(html, name).into_iter().next()
}

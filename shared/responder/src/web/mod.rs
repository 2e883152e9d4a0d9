//! The doors of HTTP: a page for whoever holds a link, and JSON for callers whose IAM identity the API has found.
//!
//! Pure but for the ports: the approve function and `sesame serve` turn what reaches them into an [`HttpRequest`] and back.
//! Looking changes nothing: only `POST` decides, and only with a cookie that a link left behind, the code of a form that came
//! with that page, from the page's own origin. The code of a link is checked with a local key before anything else is asked.

mod decided;
mod door;
mod http;
mod offer;
mod page;
mod signed;
mod standing;

use sesame_remediation::decision::{Approver, Channel, Origin};
use sesame_remediation::mac::Mac;

pub use http::{Fields, HttpRequest, HttpResponse};
pub use standing::{history, standing};

use crate::Shared;
use crate::ports::{Clock, FindingStore, Publisher};

/// The largest body that is looked at, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;

/// What holders of links may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebApproval {
    /// Look and decide.
    Approve,
    /// Look.
    View,
    /// Nothing: no link is sent, and none is taken.
    Off,
}

/// The site that the doors belong to.
#[derive(Debug)]
pub struct Site<L> {
    /// Its address.
    pub address: Address,
    /// The stack, which every link is bound to.
    pub stack: String,
    /// Its stage, likewise.
    pub stage: String,
    /// The key of the links, held here: a forged link costs no call.
    pub link_key: L,
    /// What holders of links may do.
    pub approval: WebApproval,
    /// Who decides by the page: the holder of a link, or a local user.
    pub visitor: Approver,
}

impl<L> Site<L> {
    /// Whether whoever looks at the page is at this machine.
    fn is_local(&self) -> bool {
        self.visitor.channel == Channel::Local
    }
}

/// The address of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Scheme, host and port: `https://abc.execute-api.eu-west-1.amazonaws.com`.
    pub origin: String,
    /// The path under which everything lies: empty, or `/` and a name.
    pub path: String,
}

impl Address {
    /// Reads a base URL without a query.
    pub fn parse(url: &str) -> Option<Address> {
        let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| ["https", "http"].contains(scheme))?;
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let plain = |text: &str| !text.contains(['?', '#', '@', '"', '\\', ';', ' ']);
        let right = !host.is_empty() && plain(rest) && rest.chars().all(|character| !character.is_control());
        let origin = format!("{scheme}://{}", host.to_ascii_lowercase());
        right.then(|| Address { origin, path: path.trim_end_matches('/').to_owned() })
    }

    /// Whether browsers reach it by TLS. Cookies are then for TLS alone.
    fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The path of a finding's page.
    fn finding(&self, id: &str) -> String {
        format!("{}/f/{id}", self.path)
    }
}

/// Answers a request. Every request gets an answer.
pub async fn answer(
    request: &HttpRequest,
    site: &Site<impl Mac + Sync>,
    decision_key: &(impl Mac + Sync),
    shared: Shared<'_, impl FindingStore + Sync, impl Publisher + Sync, impl Clock + Sync>,
) -> HttpResponse {
    let mut response = route(request, site, decision_key, shared).await;
    if site.address.is_secure() {
        response = response.with("strict-transport-security", "max-age=31536000".to_owned());
    }
    if request.method == "HEAD" {
        response.body.clear();
    }
    response
}

async fn route(
    request: &HttpRequest,
    site: &Site<impl Mac + Sync>,
    decision_key: &(impl Mac + Sync),
    shared: Shared<'_, impl FindingStore + Sync, impl Publisher + Sync, impl Clock + Sync>,
) -> HttpResponse {
    let now = shared.clock.now();
    // A custom domain may hand the path on with or without its mapping.
    let path = request.path.strip_prefix(site.address.path.as_str()).unwrap_or(&request.path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (segments.as_slice(), request.method.as_str()) {
        (["t", token], "GET" | "HEAD") => door::enter(token, site, now).await,
        (["f", id], "GET" | "HEAD") => page::show(id, request, site, shared).await,
        (["f", id], "POST") => decided::take(id, request, site, decision_key, shared).await,
        (["decide"], "POST") => signed::decide(request, decision_key, shared).await,
        (["findings"], "GET" | "HEAD") => signed::list(request, shared).await,
        (["findings", id], "GET" | "HEAD") => signed::show(id, request, shared).await,
        (["grants"], "GET" | "HEAD") => signed::grants(request, shared).await,
        (["audit"], "GET" | "HEAD") => signed::audit(request, shared).await,
        (["t", _], _) => page::wrong_method("GET, HEAD", now),
        (["f", _], _) => page::wrong_method("GET, HEAD, POST", now),
        (["decide"], _) => signed::wrong_method("POST"),
        (["findings" | "grants" | "audit"] | ["findings", _], _) => signed::wrong_method("GET, HEAD"),
        _ => page::nothing_here(now),
    }
}

/// From where a request came.
fn origin(request: &HttpRequest) -> Origin {
    Origin::new(request.source_ip.as_deref(), request.header("user-agent"))
}

//! Requests and answers of HTTP, as far as the doors need them: filled in from API Gateway or from a socket.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// A request.
#[derive(Clone, Default)]
pub struct HttpRequest {
    /// `GET`, `HEAD`, `POST`, …
    pub method: String,
    /// The path, as it came.
    pub path: String,
    /// What stands behind `?`, as it came.
    pub query: String,
    /// Headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// Cookies as `name=value`, where they come apart from the headers.
    pub cookies: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
    /// The ARN of whoever signed the request, as the API's own authorizer found it; never anything that the request says.
    pub caller: Option<String>,
    /// The address that it came from.
    pub source_ip: Option<String>,
}

impl HttpRequest {
    /// A header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The media type of the body, without parameters, in lower case.
    pub fn media_type(&self) -> String {
        let header = self.header("content-type").unwrap_or_default();
        header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Every cookie of a name: API Gateway lists them apart, emulators and sockets leave them in the header.
    pub fn cookies_named(&self, name: &str) -> Vec<&str> {
        let header = self.header("cookie").unwrap_or_default().split(';');
        let listed = self.cookies.iter().flat_map(|line| line.split(';'));
        let mut found: Vec<&str> = Vec::new();
        for (other, value) in listed.chain(header).filter_map(|pair| pair.trim().split_once('=')) {
            if other == name && !found.contains(&value) {
                found.push(value);
            }
        }
        found
    }

    /// The fields of the query.
    pub fn query_fields(&self) -> Fields {
        Fields::parse(self.query.as_bytes())
    }
}

/// A path may hold a link's token, a header a cookie, a body a form's code: none of that gets into a log by accident.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Names and values of a form or a query.
#[derive(Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`, of which every text is some form.
    pub fn parse(bytes: &[u8]) -> Fields {
        Fields(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// A field's value; a field that comes twice has none, since which was meant is not known.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// A form holds its code.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Headers by their lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// Values of `Set-Cookie`.
    pub cookies: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A redirection's cookie is a token.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

impl HttpResponse {
    fn new(status: u16, media_type: Option<&str>, body: Vec<u8>) -> HttpResponse {
        let mut headers = vec![
            ("cache-control", "no-store".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("x-frame-options", "DENY".to_owned()),
            ("cross-origin-opener-policy", "same-origin".to_owned()),
            ("cross-origin-resource-policy", "same-origin".to_owned()),
            ("x-robots-tag", "noindex, nofollow".to_owned()),
        ];
        headers.extend(media_type.map(|media_type| ("content-type", media_type.to_owned())));
        HttpResponse { status, headers, cookies: Vec::new(), body }
    }

    /// A page.
    pub fn page(status: u16, html: String) -> HttpResponse {
        HttpResponse::new(status, Some("text/html; charset=utf-8"), html.into_bytes())
            .with("content-security-policy", sesame_render::page::content_security_policy())
    }

    /// JSON.
    pub fn json(status: u16, value: &impl Serialize) -> HttpResponse {
        match serde_json::to_vec(value) {
            Ok(body) => HttpResponse::new(status, Some("application/json"), body),
            Err(_) => HttpResponse::new(500, Some("application/json"), br#"{"error":"no-json-form"}"#.to_vec()),
        }
    }

    /// A file of some other kind, to be kept under a name.
    pub fn file(media_type: &str, name: &str, body: Vec<u8>) -> HttpResponse {
        HttpResponse::new(200, Some(media_type), body)
            .with("content-disposition", format!("attachment; filename=\"{name}\""))
    }

    /// "See other": the browser gets that by GET.
    pub fn see_other(location: String) -> HttpResponse {
        HttpResponse::new(303, None, Vec::new()).with("location", location)
    }

    /// One more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> HttpResponse {
        self.headers.push((name, value));
        self
    }

    /// A header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

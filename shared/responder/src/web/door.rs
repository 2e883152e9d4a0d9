//! The way in: a link's token becomes a cookie, and is gone from the address.

use jiff::Timestamp;
use sesame_remediation::link::{Link, LinkError};
use sesame_remediation::mac::Mac;

use super::{HttpRequest, HttpResponse, Site, WebApproval, page};

/// The name of the cookie.
const COOKIE: &str = "sesame";
/// No token of ours is longer, in bytes.
const LONGEST: usize = 512;

/// Whoever came by a link.
pub(super) struct Visitor {
    /// The token, as it came.
    pub token: String,
    /// What it says.
    pub link: Link,
}

impl Visitor {
    /// Whether the link's time is over.
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.link.expires <= now
    }
}

/// `GET /t/{token}`: checks the token, leaves it as a cookie, and sends the browser to an address without it.
///
/// The cookie goes with the browser's session. It is `SameSite=Lax`, since the first visit comes from a mail: a stricter one would
/// not be sent on this very redirection.
pub(super) async fn enter(token: &str, site: &Site<impl Mac>, now: Timestamp) -> HttpResponse {
    match read(token, site).await {
        Ok(link) => {
            let path = site.address.finding(&link.finding);
            let secure = if site.address.is_secure() { "; Secure" } else { "" };
            let cookie = format!("{COOKIE}={token}; Path={path}; HttpOnly; SameSite=Lax{secure}");
            let mut response = HttpResponse::see_other(path);
            response.cookies.push(cookie);
            response
        }
        Err(refusal) => refused(&refusal, now),
    }
}

/// The one who shows a cookie of this finding.
pub(super) async fn visitor(id: &str, request: &HttpRequest, site: &Site<impl Mac>) -> Result<Visitor, LinkRefusal> {
    if site.approval == WebApproval::Off {
        return Err(LinkRefusal::Off);
    }
    let mut refusal = LinkRefusal::NoCookie;
    for token in request.cookies_named(COOKIE) {
        match read(token, site).await {
            Ok(link) if link.finding == id => return Ok(Visitor { token: token.to_owned(), link }),
            Ok(_) => {}
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// Why a link is not taken.
pub(super) enum LinkRefusal {
    /// Links are switched off.
    Off,
    /// It is none of this stack's.
    Invalid,
    /// The page was opened without one.
    NoCookie,
    /// The key could not be used.
    Key,
}

async fn read(token: &str, site: &Site<impl Mac>) -> Result<Link, LinkRefusal> {
    if site.approval == WebApproval::Off {
        return Err(LinkRefusal::Off);
    }
    if token.len() > LONGEST {
        return Err(LinkRefusal::Invalid);
    }
    match Link::verify(token, &site.link_key, &site.stack, &site.stage).await {
        Ok(link) => Ok(link),
        Err(LinkError::Key(_)) => Err(LinkRefusal::Key),
        Err(LinkError::Invalid | LinkError::Expired(_)) => Err(LinkRefusal::Invalid),
    }
}

/// The page that says what to do instead.
pub(super) fn refused(refusal: &LinkRefusal, now: Timestamp) -> HttpResponse {
    let (status, heading, sentences): (_, _, &[&str]) = match refusal {
        LinkRefusal::Off => (
            404,
            "Links are switched off here",
            &["Whoever set this stack up lets nobody see or decide by a link.", "On the command line: `sesame list`."],
        ),
        LinkRefusal::Invalid => (
            403,
            "This link is not valid",
            &[
                "It was not made by this stack, or a part of it got lost on the way.",
                "Open the link of the latest message once more, whole, or use the command line: `sesame list`.",
            ],
        ),
        LinkRefusal::NoCookie => (
            403,
            "This page opens with the link of a message",
            &[
                "The link leaves a cookie in this browser, and without it there is nothing to see here.",
                "Open the link of the latest message again. Where cookies are blocked, use the command line: `sesame list`.",
            ],
        ),
        LinkRefusal::Key => (
            503,
            "Not at the moment",
            &["The key of the links could not be used. Nothing was decided.", "Try again in a minute."],
        ),
    };
    page::said(status, heading, sentences, now)
}

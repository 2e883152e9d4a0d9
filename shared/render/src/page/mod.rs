//! A finding as a page of HTML: no scripts, one style sheet, for phones first.

mod picture;
mod view;

use std::fmt;

use askama::Template;
use jiff::Timestamp;
use sesame_diagnosis::finding::Finding;

use crate::escape;

/// The style sheet, which stands in the page as it is.
pub const STYLE: &str = include_str!("../../templates/style.css");

/// The hash of [`STYLE`] as a Content-Security-Policy wants it.
pub const STYLE_HASH: &str = "sha256-63WaTV6y1B3NTCSTYWcKBKROeEUtLLF2nK28Dr08RaM=";

/// The Content-Security-Policy to send with a page: nothing but its style sheet, and forms to the page's own origin.
pub fn content_security_policy() -> String {
    format!("default-src 'none'; style-src '{STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
}

/// How to write a finding as a page.
#[derive(Debug, Clone)]
pub struct PageOptions {
    /// The present time.
    pub now: Timestamp,
    /// Buttons to decide with; none without.
    pub form: Option<Form>,
    /// How the finding stands.
    pub state: Option<State>,
    /// What Sesame gave this principal before.
    pub earlier_grants: Vec<Entry>,
}

impl PageOptions {
    /// The page without buttons and state.
    pub fn at(now: Timestamp) -> PageOptions {
        PageOptions { now, form: None, state: None, earlier_grants: Vec::new() }
    }
}

/// A form to decide with.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it is posted to.
    pub action: String,
    /// The token that ties it to this visitor: field `csrf`.
    pub csrf: String,
    /// Further hidden fields, name and value.
    pub hidden: Vec<(String, String)>,
    /// The decisions that this visitor may take: field `decision`.
    pub decisions: Vec<Decision>,
    /// The sets of remedies to choose from, the first preset: field `remedies`, ids joined by commas.
    pub choices: Vec<Vec<String>>,
    /// Why a decision is not on offer, or what to know before taking one.
    pub note: Option<String>,
}

/// What a visitor may decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Apply it.
    Approve,
    /// Don't.
    Reject,
    /// Don't, and alert no more.
    Mute,
}

impl Decision {
    /// The value of the field `decision`.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approve => "approve",
            Decision::Reject => "reject",
            Decision::Mute => "mute",
        }
    }
}

/// How a finding stands.
#[derive(Debug, Clone)]
pub struct State {
    /// In a word or two: "Open", "Applied".
    pub name: String,
    /// In a sentence.
    pub sentence: Option<String>,
    /// What happened, in order.
    pub history: Vec<Entry>,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When, ISO 8601.
    pub time: String,
    /// What, by whom.
    pub text: String,
}

/// The page. It needs no other resource; send it with [`content_security_policy`].
pub fn page(finding: &Finding, options: &PageOptions) -> String {
    // A template that is checked when it is compiled fails only on writing, and a string takes everything.
    view::Page::new(finding, options).render().unwrap_or_default()
}

/// Markup that is safe to write as it is: made of escaped text and tags of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Html(String);

impl Html {
    /// A sentence whose values stand in backquotes.
    fn sentence(text: &str) -> Html {
        let mut html = String::new();
        for span in escape::spans(text) {
            match span {
                escape::Span::Plain(text) => html.push_str(&escape::html(&text)),
                escape::Span::Code(text) => {
                    html.push_str("<code>");
                    html.push_str(&escape::html(&text));
                    html.push_str("</code>");
                }
            }
        }
        Html(html)
    }
    /// Markup of our own.
    fn ours(text: &'static str) -> Html {
        Html(text.to_owned())
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::FastWritable for Html {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        dest.write_str(&self.0)?;
        Ok(())
    }
}

impl askama::filters::HtmlSafe for Html {}

//! A finding as a page of HTML: no scripts, one style sheet, for phones first.

mod note;
mod picture;
mod view;

use std::fmt;

use askama::Template;
use jiff::Timestamp;
use sesame_diagnosis::finding::Finding;

use crate::escape;

pub use note::{Note, Step, note};

/// The style sheet, which stands in the page as it is.
pub const STYLE: &str = include_str!("../../templates/style.css");

/// The hash of [`STYLE`] as a Content-Security-Policy wants it.
pub const STYLE_HASH: &str = "sha256-BGz4D592W0W+5xoYYC2fdH7aWRV6Yeo1XXjALd+R0xA=";

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
    /// The sets of remedies to choose from, the first preset: field `remedies`.
    pub choices: Vec<Choice>,
    /// How many days a mute may last, the second preset: field `days`.
    pub mute_days: Vec<u32>,
    /// Why a decision is not on offer, or what to know before taking one.
    pub note: Option<String>,
}

/// The longest reason that a form takes, in characters.
pub const LONGEST_REASON: usize = 500;

/// A set of remedies that may be approved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The value of the field.
    pub value: String,
    /// The ids of its remedies, in order.
    pub remedies: Vec<String>,
}

/// What a visitor may decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Apply it.
    Approve,
    /// Don't.
    Reject,
    /// Don't, and be silent for a while.
    Mute,
    /// Take back what was applied.
    RollBack,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Decision; 4] = [Decision::Approve, Decision::Reject, Decision::Mute, Decision::RollBack];

    /// The value of the field `decision`.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approve => "approve",
            Decision::Reject => "reject",
            Decision::Mute => "mute",
            Decision::RollBack => "rollback",
        }
    }
}

/// How a finding stands.
#[derive(Debug, Clone)]
pub struct State {
    /// In a word or two: "Open", "Applied".
    pub name: String,
    /// How that is to be taken.
    pub tone: Tone,
    /// In a sentence or two.
    pub sentence: Option<String>,
    /// What to do next, in a sentence; commands stand in backquotes.
    pub next: Option<String>,
    /// What happened, in order.
    pub history: Vec<Entry>,
}

/// How news is to be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it comes.
    #[default]
    Calm,
    /// It is done.
    Good,
    /// It went wrong.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Calm => "calm",
            Tone::Good => "good",
            Tone::Bad => "bad",
        }
    }
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

/// Sesame's sign: a gate that stands open.
const MARK: &str = r#"<svg class="sign" viewBox="0 0 20 20" aria-hidden="true"><path d="M3 18V4l6 3v14M17 18V4l-6 3v14" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/></svg>"#;

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

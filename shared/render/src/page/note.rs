//! Small pages: how an application goes on, and what there is to say when there is nothing to show.

use askama::Template;
use jiff::Timestamp;

use super::view::{Happened, happened};
use super::{Entry, Html, MARK, STYLE, Tone};
use crate::escape;

/// What a small page says.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Its heading.
    pub heading: String,
    /// How it is to be taken.
    pub tone: Tone,
    /// Its sentences; values and commands stand in backquotes.
    pub sentences: Vec<String>,
    /// The way from beginning to end, where it tells of one.
    pub steps: Vec<Step>,
    /// What happened, in order.
    pub history: Vec<Entry>,
    /// The page loads itself again after so many seconds; no script is needed for that.
    pub again_after: Option<u32>,
    /// A link at the end: where to, relative to the site, and its text.
    pub link: Option<(String, &'static str)>,
}

/// A step on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// Whether it is behind us, where we are, or to come.
    pub place: std::cmp::Ordering,
}

#[derive(Template)]
#[template(path = "note.html")]
struct Page {
    style: Html,
    mark: Html,
    tone: &'static str,
    heading: String,
    sentences: Vec<Html>,
    steps: Vec<Shown>,
    history: Vec<Happened>,
    again_after: Option<u32>,
    link: Option<(String, &'static str)>,
}

struct Shown {
    name: &'static str,
    class: &'static str,
    words: &'static str,
    current: bool,
}

/// The page. Send it with [`super::content_security_policy`].
pub fn note(note: &Note, now: Timestamp) -> String {
    let shown = |step: &Step| {
        let (class, words) = match step.place {
            std::cmp::Ordering::Less => ("done", "done"),
            std::cmp::Ordering::Equal => ("now", "under way"),
            std::cmp::Ordering::Greater => ("later", "to come"),
        };
        Shown { name: step.name, class, words, current: step.place.is_eq() }
    };
    let page = Page {
        style: Html::ours(STYLE),
        mark: Html::ours(MARK),
        tone: note.tone.class(),
        heading: escape::visible(&escape::clip(&note.heading, 200)),
        sentences: note.sentences.iter().map(|text| Html::sentence(&escape::clip(text, 1_200))).collect(),
        steps: note.steps.iter().map(shown).collect(),
        history: happened(&note.history, now),
        again_after: note.again_after,
        link: note.link.clone(),
    };
    // A template that is checked when it is compiled fails only on writing, and a string takes everything.
    page.render().unwrap_or_default()
}

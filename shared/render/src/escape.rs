//! Untrusted text: the one place where it is made harmless.
//!
//! [`shown`] goes through every string of a finding and makes characters visible that do not show as themselves; for media whose
//! readers turn addresses into links it also takes those apart. What is left is escaped by each renderer for its own syntax.

use std::fmt::Write;

use serde_json::{Map, Value};
use sesame_diagnosis::finding::Finding;

/// Where text is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A page: links are made by markup only.
    Html,
    /// E-mail, terminal, Slack, chat: whatever looks like a link is made one.
    Plain,
}

/// Longest string that any reader is shown, in characters.
const LONGEST: usize = 1_500;
/// Longest command or fragment.
const LONGEST_COMMAND: usize = 40_000;

/// The finding with every string made fit to be shown: hidden characters as `\u{…}`, overlong strings cut and, for
/// [`Medium::Plain`], nothing left that a reader turns into a link.
///
/// Documents (`before`, `after`, `patch`) stay as they are: they are only ever written as JSON, which escapes them.
pub fn shown(finding: &Finding, medium: Medium) -> Finding {
    let Ok(tree) = serde_json::to_value(finding) else { return finding.clone() };
    // No name of the schema holds a character that changes, so what comes back always has the finding's shape.
    serde_json::from_value(shown_value(tree, "", medium)).unwrap_or_else(|_| finding.clone())
}

fn shown_value(value: Value, key: &str, medium: Medium) -> Value {
    match value {
        Value::String(text) => Value::String(shown_text(&text, key, medium)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| shown_value(item, key, medium)).collect()),
        Value::Object(fields) => {
            let pairs = fields.into_iter().map(|(name, field)| match name.as_str() {
                "before" | "after" | "patch" => (name, field),
                _ => {
                    let field = shown_value(field, &name, medium);
                    (shown_text(&name, "", medium), field)
                }
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn shown_text(text: &str, key: &str, medium: Medium) -> String {
    if matches!(key, "awsCli" | "cloudFormation" | "terraform" | "undo") {
        return commands(&clip(text, LONGEST_COMMAND), medium);
    }
    let text = visible(&clip(text, LONGEST));
    match medium {
        Medium::Html => text,
        Medium::Plain => defang(&text),
    }
}

/// One untrusted value for a plain-text medium.
pub fn plain(text: &str) -> String {
    defang(&visible(&clip(text, LONGEST)))
}

/// Whether a character does not show as itself: controls, text direction marks, zero-width and other invisible characters.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Hidden characters as `\n`, `\r`, `\t` or `\u{…}`; the result is one line.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            hidden if is_hidden(hidden) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(hidden));
            }
            plain => shown.push(plain),
        }
    }
    shown
}

/// A command or fragment: lines stay lines. Where a reader makes links, `://` becomes `:\u002f\u002f` and so on, the same text to
/// JSON, to YAML and to Terraform in a double-quoted string, which is where documents stand.
fn commands(text: &str, medium: Medium) -> String {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    let text = lines.join("\n");
    match medium {
        Medium::Html => text,
        // The AWS CLI reads a document from standard input by this name; it is ours and leads nowhere.
        Medium::Plain => {
            let text =
                text.replace("://", ":\\u002f\\u002f").replace("file:\\u002f\\u002f/dev/stdin", "file:///dev/stdin");
            without_schemes(&text, "\\u002e", "\\u003a")
        }
    }
}

/// Takes apart what readers turn into links: `https://x.example` becomes `https[:]//x[.]example`, `www.x.example` becomes
/// `www[.]x.example`, `mailto:` becomes `mailto[:]`. ARNs, addresses and names of domains stay as they are.
pub fn defang(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(&without_schemes(before, "[.]", "[:]"));
        out.push_str("[:]//");
        let end = after
            .find(|character: char| !(character.is_alphanumeric() || matches!(character, '.' | '-' | '@')))
            .unwrap_or(after.len());
        let (host, tail) = after.split_at(end);
        out.push_str(&host.replace('.', "[.]"));
        rest = tail;
    }
    out.push_str(&without_schemes(rest, "[.]", "[:]"));
    out
}

/// `www.` and `mailto:`, with something else for the dot and the colon.
fn without_schemes(text: &str, dot: &str, colon: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, name, mark)) = ["www.", "mailto:"]
        .into_iter()
        .filter_map(|name| Some((find_ignoring_case(rest, name)?, name.len() - 1, name)))
        .min_by_key(|(at, ..)| *at)
    {
        let (before, after) = rest.split_at(at);
        let (name, after) = after.split_at(name);
        let sign = if mark.ends_with('.') { dot } else { colon };
        out.push_str(before);
        out.push_str(name);
        out.push_str(sign);
        rest = after.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn find_ignoring_case(text: &str, ascii: &str) -> Option<usize> {
    text.as_bytes().windows(ascii.len()).position(|window| window.eq_ignore_ascii_case(ascii.as_bytes()))
}

/// At most so many characters; what is cut is said.
pub fn clip(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((at, _)) => {
            let (kept, cut) = text.split_at(at);
            format!("{kept}… ({} more characters)", cut.chars().count())
        }
    }
}

/// `&`, `<`, `>`, `"` and `'` for HTML, hidden characters shown. The templates escape by themselves; this is for what is
/// written outside of them.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
    }
    out
}

/// `&`, `<` and `>`, which is all that Slack's mrkdwn lets one escape: no mention and no link can then be formed.
pub fn angle(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A value where no markup is expected, in a medium that may yet read some: no mention and no link can be formed.
pub fn bare(text: &str) -> String {
    angle(&text.replace("](", "] (").replace("][", "] [").replace("]:", "] :"))
}

/// A value as inline code of mrkdwn or Markdown; a backquote inside would end it and becomes `'`.
pub fn code(text: &str) -> String {
    match text.trim().is_empty() {
        true => String::new(),
        false => format!("`{}`", angle(&text.replace('`', "'"))),
    }
}

/// A sentence with values in backquotes, for Slack's mrkdwn and for Markdown.
///
/// Neither knows a common way to escape `*`, `_`, `~`, `[` or `:name:`, so that every word with one of those is written as
/// code, where they mean nothing and read as they are.
pub fn marked(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len() + 16);
    for span in spans(sentence) {
        match span {
            Span::Code(text) => out.push_str(&code(&text)),
            Span::Plain(text) => out.push_str(&marked_words(&text)),
        }
    }
    // Where empty code has gone, what stood on both sides of it may have become a link.
    defang(&out)
}

fn marked_words(text: &str) -> String {
    let special =
        |word: &str| word.contains(['*', '_', '~', '[', ']', '|', '#', '!', '\\']) || word.matches(':').count() > 1;
    let words = text.split(' ').map(|word| {
        if !special(word) {
            return angle(word);
        }
        let start = word.len() - word.trim_start_matches(['(', '"']).len();
        let (opening, word) = word.split_at(start);
        let end = word.trim_end_matches([')', '"', ',', ';', '.', ':']).len();
        let (word, closing) = word.split_at(end);
        format!("{opening}{}{closing}", code(word))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Words.
    Plain(String),
    /// What stood between backquotes.
    Code(String),
}

/// The parts of a sentence that has values in backquotes. An unmatched backquote reads as `'`.
pub fn spans(sentence: &str) -> Vec<Span> {
    let pieces: Vec<&str> = sentence.split('`').collect();
    let paired = pieces.len() % 2 == 1;
    let last = pieces.len().saturating_sub(1);
    let mut list: Vec<Span> = Vec::new();
    for (index, piece) in pieces.into_iter().enumerate() {
        let unmatched = !paired && index == last;
        match (index % 2 == 1, unmatched) {
            (_, true) => list.push(Span::Plain(format!("'{piece}"))),
            (_, false) if piece.is_empty() => {}
            (true, false) => list.push(Span::Code(piece.to_owned())),
            (false, false) => list.push(Span::Plain(piece.to_owned())),
        }
    }
    list
}

/// A sentence without its backquotes, where there is no markup at all.
pub fn unquoted(sentence: &str) -> String {
    sentence.replace('`', "")
}

/// The same for a medium whose readers make links: what stood on both sides of a backquote may have become one.
pub fn unquoted_plain(sentence: &str) -> String {
    defang(&unquoted(sentence))
}

/// One line of printable ASCII of fewer than `limit` characters, for an e-mail header or the subject of an SNS message.
pub fn header(text: &str, limit: usize) -> String {
    let ascii: String =
        visible(text).chars().map(|character| if matches!(character, ' '..='~') { character } else { '?' }).collect();
    let words: Vec<&str> = ascii.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.len() < limit {
        return line;
    }
    let kept: String = line.chars().take(limit.saturating_sub(4)).collect();
    format!("{}...", kept.trim_end())
}

/// Serialized JSON with hidden characters as `\u` escapes: the same document.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// A finding's id where it is part of a command: nothing but letters, digits, `-` and `_`.
pub fn id(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    text.chars().take(64).map(|character| if plain(character) { character } else { '_' }).collect()
}

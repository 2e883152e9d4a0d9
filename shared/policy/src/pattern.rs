//! Patterns with `*`, `?` and policy variables: parsed once, matched by the greedy loop, never worse than pattern × text.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Resource", "… Action", "IAM policy elements: Variables and tags".

use crate::arn::Arn;
use crate::document::Version;

/// A piece of a text with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Characters as they stand, wildcards included.
    Text(String),
    /// A character that is no wildcard whatever it is: `${*}`, `${?}`, `${$}`.
    Escaped(char),
    /// `${key}` or `${key, 'default'}`.
    Variable {
        /// The condition key.
        key: String,
        /// What stands in when the key has no single value.
        default: Option<String>,
    },
}

/// Splits a text at its policy variables. In 2008-10-17 there are none.
pub fn pieces(text: &str, version: Version) -> Vec<Piece> {
    let mut list = Vec::new();
    let mut rest = text;
    while let (Version::V2012, Some(start)) = (version, rest.find("${")) {
        let (before, after) = rest.split_at(start);
        let Some(end) = variable_end(after) else { break };
        if !before.is_empty() {
            list.push(Piece::Text(before.to_owned()));
        }
        let inside = after.get(2..end).unwrap_or_default();
        list.push(match inside {
            "*" => Piece::Escaped('*'),
            "?" => Piece::Escaped('?'),
            "$" => Piece::Escaped('$'),
            _ => variable(inside),
        });
        rest = after.get(end + 1..).unwrap_or_default();
    }
    if !rest.is_empty() {
        list.push(Piece::Text(rest.to_owned()));
    }
    list
}

/// Where the `}` of a variable stands; one inside the quoted default does not count.
fn variable_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().skip(2).find_map(|(at, char)| match char {
        '\'' => {
            quoted = !quoted;
            None
        }
        '}' if !quoted => Some(at),
        _ => None,
    })
}

fn variable(inside: &str) -> Piece {
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => {
            let default = default.trim();
            let quoted = default.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            (key, quoted.map(str::to_owned))
        }
        None => (inside, None),
    };
    Piece::Variable { key: key.trim().to_owned(), default }
}

/// One element of a pattern that is ready to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// This character.
    Char(char),
    /// `?`
    AnyChar,
    /// `*`
    AnySequence,
}

/// The elements of a text in which `*` and `?` are wildcards.
pub fn elements(text: &str) -> Vec<Element> {
    text.chars().map(element).collect()
}

fn element(char: char) -> Element {
    match char {
        '*' => Element::AnySequence,
        '?' => Element::AnyChar,
        other => Element::Char(other),
    }
}

/// Matches elements against a text by the greedy loop with one point to go back to.
pub fn matches(pattern: &[Element], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(Element::AnySequence), _) => {
                p += 1;
                back = Some((p, t));
            }
            (None, None) => return true,
            (Some(Element::AnyChar), Some(_)) => (p, t) = (p + 1, t + 1),
            (Some(Element::Char(wanted)), Some(char)) if wanted == char => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((start, from)) if from < text.len() => {
                    back = Some((start, from + 1));
                    (p, t) = (start, from + 1);
                }
                _ => return false,
            },
        }
    }
}

/// Whether a text matches a pattern with `*` and `?`.
pub fn wildcard_matches(pattern: &str, text: &str) -> bool {
    matches(&elements(pattern), &text.chars().collect::<Vec<_>>())
}

/// A pattern for actions, such as `ses:Send*`; matched without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPattern {
    text: String,
    elements: Vec<Element>,
}

impl ActionPattern {
    /// Parses `*` or `service:name`; `None` for anything else.
    pub fn parse(text: &str) -> Option<ActionPattern> {
        let all = !text.is_empty() && text.bytes().all(|byte| byte == b'*');
        let named = text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        (all || named).then(|| ActionPattern { text: text.to_owned(), elements: elements(&text.to_lowercase()) })
    }
    /// As written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Whether it covers an action.
    pub fn matches(&self, action: &str) -> bool {
        matches(&self.elements, &action.to_lowercase().chars().collect::<Vec<_>>())
    }
}

/// A pattern for resources: six parts matched each by itself, the last one taking the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArnPattern {
    text: String,
    /// `*` alone: every resource.
    all: bool,
    /// Up to six parts, each in pieces; missing ones match anything.
    parts: Vec<Vec<Piece>>,
}

impl ArnPattern {
    /// Parses `*` or an ARN, perhaps short; `None` for anything else.
    pub fn parse(text: &str, version: Version) -> Option<ArnPattern> {
        let all = !text.is_empty() && text.bytes().all(|byte| byte == b'*');
        if !all && !text.starts_with("arn:") {
            return None;
        }
        // Variables stand only in the last part: before the fifth colon a `${` is literal.
        let part = |(index, part): (usize, &str)| pieces(part, if index < 5 { Version::V2008 } else { version });
        Some(ArnPattern { text: text.to_owned(), all, parts: text.splitn(6, ':').enumerate().map(part).collect() })
    }
    /// As written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Whether it covers a resource; `resolve` gives the value of a variable, `None` when it has none.
    pub fn matches(&self, resource: &Arn, resolve: &impl Fn(&str) -> Option<String>) -> bool {
        if self.all {
            return true;
        }
        arn_parts_match(&self.parts, resource.as_str(), resolve)
    }
    /// The keys of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key.as_str()),
            _ => None,
        })
    }
}

/// Matches up to six parts of a pattern against a text of six parts; a text that is no ARN matches nothing.
pub fn arn_parts_match(parts: &[Vec<Piece>], text: &str, resolve: &impl Fn(&str) -> Option<String>) -> bool {
    let actual: Vec<&str> = text.splitn(6, ':').collect();
    if actual.len() != 6 || actual.first() != Some(&"arn") {
        return false;
    }
    actual.iter().enumerate().all(|(index, actual)| match parts.get(index) {
        None => true,
        Some(pieces) => match resolved(pieces, resolve, true) {
            None => false,
            // `arn` and the service are no place for part wildcards.
            Some(pattern) if index == 0 || index == 2 => {
                let whole: Option<String> = pattern
                    .iter()
                    .map(|element| match element {
                        Element::Char(char) => Some(*char),
                        _ => None,
                    })
                    .collect();
                pattern.iter().all(|element| *element == Element::AnySequence) && !pattern.is_empty()
                    || whole.is_some_and(|whole| whole == *actual)
            }
            Some(pattern) => matches(&pattern, &actual.chars().collect::<Vec<_>>()),
        },
    })
}

/// The elements of a text in pieces once its variables have their values; `None` when one has none.
pub fn resolved(pieces: &[Piece], resolve: &impl Fn(&str) -> Option<String>, wildcards: bool) -> Option<Vec<Element>> {
    let mut list = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) if wildcards => list.extend(text.chars().map(element)),
            Piece::Text(text) => list.extend(text.chars().map(Element::Char)),
            Piece::Escaped(char) => list.push(Element::Char(*char)),
            Piece::Variable { key, default } => {
                let value = resolve(key).or_else(|| default.clone())?;
                list.extend(value.chars().map(Element::Char));
            }
        }
    }
    Some(list)
}

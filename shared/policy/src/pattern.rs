//! Patterns with `*`, `?` and policy variables: parsed once, matched by the greedy loop, never worse than pattern × text.

mod arn;

use crate::context::{Context, ContextValue, KeyType, key_hash};
use crate::decision::Truth;

pub use arn::{ArnPattern, ArnPatternError};
pub(crate) use arn::{ConditionArnPattern, ResourceParts};

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Element {
    Literal(Box<str>),
    /// `?`
    AnyCharacter,
    /// `*`, or several in a row.
    AnySequence,
    /// `${key}`
    Variable(Variable),
}

/// A policy variable: `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) key: Box<str>,
    pub(crate) hash: u64,
    pub(crate) default: Option<Box<str>>,
}

/// What a variable stands for in one request.
pub(crate) enum Substitute<'a> {
    Text(&'a str),
    /// The key is absent or a list, and there is no default.
    Nothing,
    /// The key's value is not known.
    Unknown,
}

impl Variable {
    pub(crate) fn substitute<'a>(&'a self, context: &'a Context) -> Substitute<'a> {
        let default = || self.default.as_deref().map_or(Substitute::Nothing, Substitute::Text);
        match context.get_hashed(self.hash, &self.key) {
            ContextValue::One(text) => Substitute::Text(text),
            ContextValue::Absent | ContextValue::Many(_) => default(),
            // A list, known or not, has no place in a pattern.
            ContextValue::Unknown(_) if KeyType::of(&self.key) == KeyType::TextList => default(),
            ContextValue::Unknown(_) => Substitute::Unknown,
        }
    }
}

/// A piece of a pattern in which the variables were replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Literal(&'a str),
    AnyCharacter,
    AnySequence,
}

/// A pattern after its variables were looked up.
pub(crate) enum Resolved<'a> {
    Tokens(Vec<Token<'a>>),
    /// A variable has no value: the pattern matches nothing.
    Nothing,
    /// A variable's value is not known.
    Unknown,
}

/// Which characters of a text are more than themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// `${…}` is a policy variable (not so in documents of version 2008-10-17).
    pub(crate) variables: bool,
}

/// A parsed pattern. The simple ones, which most are, hold one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// `*`
    Everything,
    /// No wildcard.
    Literal(Box<str>),
    /// `text*`
    Prefix(Box<str>),
    /// `*text`
    Suffix(Box<str>),
    /// Anything else without variables.
    Wildcards(Box<[Element]>),
    /// Holds a variable.
    Variables(Box<[Element]>),
}

/// A piece of a pattern, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'p> {
    Literal(&'p str),
    /// `?`
    AnyCharacter,
    /// `*`, or several in a row.
    AnySequence,
    /// `${key}`
    Variable(&'p Variable),
}

impl Pattern {
    pub(crate) fn parse(text: &str, syntax: Syntax) -> Pattern {
        let mut builder = Builder::default();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let (_, after) = rest.split_at(character.len_utf8());
            match character {
                '*' if syntax.wildcards => builder.push(Element::AnySequence),
                '?' if syntax.wildcards => builder.push(Element::AnyCharacter),
                '$' if syntax.variables => match variable(after) {
                    Some((element, beyond)) => {
                        match element {
                            Element::Literal(escaped) => builder.literal.push_str(&escaped),
                            other => builder.push(other),
                        }
                        rest = beyond;
                        continue;
                    }
                    None => builder.literal.push('$'),
                },
                other => builder.literal.push(other),
            }
            rest = after;
        }
        Pattern::from_elements(builder.finish())
    }

    pub(crate) fn from_elements(elements: Vec<Element>) -> Pattern {
        Pattern(match elements.as_slice() {
            [] => Form::Literal("".into()),
            [Element::Literal(text)] => Form::Literal(text.clone()),
            [Element::AnySequence] => Form::Everything,
            [Element::Literal(prefix), Element::AnySequence] => Form::Prefix(prefix.clone()),
            [Element::AnySequence, Element::Literal(suffix)] => Form::Suffix(suffix.clone()),
            more if more.iter().any(|element| matches!(element, Element::Variable(_))) => {
                Form::Variables(elements.into())
            }
            _ => Form::Wildcards(elements.into()),
        })
    }

    /// The pieces, in order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let (simple, elements): ([Option<Piece<'_>>; 2], &[Element]) = match &self.0 {
            Form::Everything => ([Some(Piece::AnySequence), None], &[]),
            Form::Literal(text) => ([Some(Piece::Literal(text)), None], &[]),
            Form::Prefix(text) => ([Some(Piece::Literal(text)), Some(Piece::AnySequence)], &[]),
            Form::Suffix(text) => ([Some(Piece::AnySequence), Some(Piece::Literal(text))], &[]),
            Form::Wildcards(elements) | Form::Variables(elements) => ([None, None], elements),
        };
        simple.into_iter().flatten().chain(elements.iter().map(Element::piece))
    }

    /// The pieces that are no variables.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        self.pieces().filter_map(Piece::token)
    }

    pub(crate) fn has_variables(&self) -> bool {
        matches!(self.0, Form::Variables(_))
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let elements: &[Element] = if let Form::Variables(elements) = &self.0 { elements } else { &[] };
        elements.iter().filter_map(|element| match element {
            Element::Variable(variable) => Some(variable),
            _ => None,
        })
    }

    /// The literal text, when the pattern is nothing else.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match &self.0 {
            Form::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// The text before the first wildcard or variable.
    pub(crate) fn literal_prefix(&self) -> &str {
        match self.pieces().next() {
            Some(Piece::Literal(text)) => text,
            _ => "",
        }
    }

    /// Matches a pattern without variables. A variable matches nothing here.
    #[inline]
    pub(crate) fn matches_plain(&self, text: &str) -> bool {
        match &self.0 {
            Form::Everything => true,
            Form::Literal(literal) => **literal == *text,
            Form::Prefix(prefix) => begins_with(text.as_bytes(), prefix.as_bytes()),
            Form::Suffix(suffix) => text.as_bytes().ends_with(suffix.as_bytes()),
            Form::Variables(_) => false,
            Form::Wildcards(elements) => elements_match(elements, text),
        }
    }

    /// Matches with the variables' values from a context.
    pub(crate) fn matches(&self, text: &str, context: &Context) -> Truth {
        if !self.has_variables() {
            return self.matches_plain(text).into();
        }
        match self.resolve(context) {
            Resolved::Tokens(tokens) => tokens_match(&tokens, text).into(),
            Resolved::Nothing => Truth::False,
            Resolved::Unknown => Truth::Unknown,
        }
    }

    /// Puts the variables' values in.
    pub(crate) fn resolve<'a>(&'a self, context: &'a Context) -> Resolved<'a> {
        let mut tokens = Vec::new();
        let mut unknown = false;
        for piece in self.pieces() {
            tokens.push(match piece {
                Piece::Literal(text) => Token::Literal(text),
                Piece::AnyCharacter => Token::AnyCharacter,
                Piece::AnySequence => Token::AnySequence,
                Piece::Variable(variable) => match variable.substitute(context) {
                    Substitute::Text(text) => Token::Literal(text),
                    Substitute::Nothing => return Resolved::Nothing,
                    Substitute::Unknown => {
                        unknown = true;
                        continue;
                    }
                },
            });
        }
        if unknown { Resolved::Unknown } else { Resolved::Tokens(tokens) }
    }
}

impl Element {
    fn piece(&self) -> Piece<'_> {
        match self {
            Element::Literal(text) => Piece::Literal(text),
            Element::AnyCharacter => Piece::AnyCharacter,
            Element::AnySequence => Piece::AnySequence,
            Element::Variable(variable) => Piece::Variable(variable),
        }
    }
}

impl<'p> Piece<'p> {
    fn token(self) -> Option<Token<'p>> {
        match self {
            Piece::Literal(text) => Some(Token::Literal(text)),
            Piece::AnyCharacter => Some(Token::AnyCharacter),
            Piece::AnySequence => Some(Token::AnySequence),
            Piece::Variable(_) => None,
        }
    }
}

impl From<Token<'_>> for Element {
    fn from(token: Token<'_>) -> Element {
        match token {
            Token::Literal(text) => Element::Literal(text.into()),
            Token::AnyCharacter => Element::AnyCharacter,
            Token::AnySequence => Element::AnySequence,
        }
    }
}

#[derive(Default)]
struct Builder {
    elements: Vec<Element>,
    literal: String,
}

impl Builder {
    fn push(&mut self, element: Element) {
        self.flush();
        if element != Element::AnySequence || self.elements.last() != Some(&Element::AnySequence) {
            self.elements.push(element);
        }
    }
    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.elements.push(Element::Literal(std::mem::take(&mut self.literal).into()));
        }
    }
    fn finish(mut self) -> Vec<Element> {
        self.flush();
        self.elements
    }
}

/// Reads what follows a `$`: `{key}`, `{key, 'default'}`, or one of the escapes `{*}`, `{?}`, `{$}`. `None` when it is not
/// closed: the text is then literal.
fn variable(text: &str) -> Option<(Element, &str)> {
    let body = text.strip_prefix('{')?;
    if let Some((key, quoted)) = body.split_once('\'')
        && let Some(key) = key.trim_end().strip_suffix(',')
        && !key.contains('}')
        && let Some((default, after)) = quoted.split_once('\'')
        && let Some(beyond) = after.trim_start().strip_prefix('}')
    {
        return Some((named_variable(key, Some(default)), beyond));
    }
    let (key, beyond) = body.split_once('}')?;
    let element = match key {
        "*" | "?" | "$" => Element::Literal(key.into()),
        other => named_variable(other, None),
    };
    Some((element, beyond))
}

fn named_variable(key: &str, default: Option<&str>) -> Element {
    let key = key.trim();
    Element::Variable(Variable { key: key.into(), hash: key_hash(key), default: default.map(Into::into) })
}

/// Whether a text matches a pattern in which `*` stands for any characters, colons and slashes included, and `?` for one.
pub fn wildcard_matches(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern, Syntax { wildcards: true, variables: false }).matches_plain(text)
}

/// Whether resolved tokens match a text.
pub(crate) fn tokens_match(tokens: &[Token<'_>], text: &str) -> bool {
    wildcard_match(tokens.len(), |at| tokens.get(at).copied(), text)
}

/// The greedy loop: on a mismatch only the last `*` takes one more character, since an earlier one could gain nothing.
fn wildcard_match<'p>(count: usize, token: impl Fn(usize) -> Option<Token<'p>>, text: &str) -> bool {
    let bytes = text.as_bytes();
    if let Some(last) = count.checked_sub(1)
        && let Some(Token::Literal(suffix)) = token(last)
        && !bytes.ends_with(suffix.as_bytes())
    {
        return false;
    }
    let (mut at, mut position) = (0, 0);
    // Where to go on from after the last `*`, and the first position that it has not taken.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let advanced = match token(at) {
            Some(Token::AnySequence) if at + 1 == count => return true,
            Some(Token::AnySequence) => {
                star = Some((at + 1, position));
                at += 1;
                continue;
            }
            Some(Token::AnyCharacter) => next_character(bytes, position),
            Some(Token::Literal(literal)) => bytes
                .get(position..)
                .is_some_and(|rest| rest.starts_with(literal.as_bytes()))
                .then_some(position + literal.len()),
            None if position == bytes.len() => return true,
            None => None,
        };
        match advanced {
            Some(after) => {
                position = after;
                at += 1;
            }
            None => {
                let Some((resume, taken)) = star else { return false };
                let Some(next) = next_character(bytes, taken) else { return false };
                star = Some((resume, next));
                at = resume;
                position = next;
            }
        }
    }
}

fn elements_match(elements: &[Element], text: &str) -> bool {
    wildcard_match(elements.len(), |at| elements.get(at).and_then(|element| element.piece().token()), text)
}

/// Whether a text begins with another. The last byte of that is looked at first, since it tells more texts apart than their
/// common beginnings (`arn:`, `ses:`, `identity/`).
fn begins_with(text: &[u8], prefix: &[u8]) -> bool {
    let Some((last, _)) = prefix.split_last() else { return true };
    text.get(prefix.len() - 1) == Some(last) && text.starts_with(prefix)
}

/// The position after the character that begins at `position`; `None` at the end.
fn next_character(bytes: &[u8], position: usize) -> Option<usize> {
    let width = match bytes.get(position)? {
        0x00..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    };
    Some((position + width).min(bytes.len()))
}

/// A pattern for actions, such as `ses:Send*`; matched without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPattern {
    text: String,
    /// Of the text in lower case.
    pattern: Pattern,
}

/// Why a text is no action pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `*` or `service:Action`, found `{0}`")]
pub struct ActionPatternError(pub String);

impl ActionPattern {
    /// Parses `*` or `service:Action` with `*` and `?` anywhere. There is one colon, and the service's prefix holds letters,
    /// digits, `-`, `.` and wildcards alone: all that IAM takes, too.
    pub fn parse(text: &str) -> Result<ActionPattern, ActionPatternError> {
        let everything = !text.is_empty() && text.bytes().all(|byte| byte == b'*');
        let of_service = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'*' | b'?');
        let service_and_name = text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty() && service.bytes().all(of_service) && !name.is_empty() && !name.contains(':')
        });
        if !everything && !service_and_name {
            return Err(ActionPatternError(text.to_owned()));
        }
        let syntax = Syntax { wildcards: true, variables: false };
        Ok(ActionPattern { text: text.to_owned(), pattern: Pattern::parse(&text.to_ascii_lowercase(), syntax) })
    }
    /// As written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Whether an action matches, without regard to case.
    pub fn matches(&self, action: &str) -> bool {
        self.matches_lower(&action.to_ascii_lowercase())
    }
    /// The same for an action that is in lower case already.
    pub(crate) fn matches_lower(&self, action: &str) -> bool {
        self.pattern.matches_plain(action)
    }
    /// The lower-case text that every matching action begins with.
    pub(crate) fn literal_prefix(&self) -> &str {
        self.pattern.literal_prefix()
    }
}

#[cfg(test)]
mod tests;

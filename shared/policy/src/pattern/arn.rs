//! Patterns for ARNs: six parts, matched each by itself.

use super::{Element, Pattern, Resolved, Syntax, Token, tokens_match};
use crate::arn::Arn;
use crate::context::Context;
use crate::decision::Truth;

const WILDCARDS: Syntax = Syntax { wildcards: true, variables: false };

/// An ARN cut at its first five colons.
pub(crate) type ResourceParts<'a> = [&'a str; 6];

/// A pattern for resources: six parts matched each by itself, the last one taking the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArnPattern {
    text: String,
    /// The parts after `arn`; `None`: all stars, which match everything.
    parts: Option<Box<[Pattern; 5]>>,
}

/// Why a text is no pattern for resources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `*` or an ARN (`arn:partition:service:region:account:resource`), found `{0}`")]
pub struct ArnPatternError(pub String);

impl ArnPattern {
    /// Parses `*` or an ARN with `*` and `?`; a short one is filled up with `*`. As in IAM, the service must be there, and a
    /// short ARN has no part left empty between others (`arn:aws:s3::bucket` lacks a colon). With `variables` (language version 2012-10-17),
    /// `${…}` after the fifth colon is a policy variable.
    pub fn parse(text: &str, variables: bool) -> Result<ArnPattern, ArnPatternError> {
        if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            return Ok(ArnPattern { text: text.to_owned(), parts: None });
        }
        let mut pieces = text.splitn(6, ':').skip(1);
        let pieces: [Option<&str>; 5] = std::array::from_fn(|_| pieces.next());
        let [_, service, _, _, rest] = pieces;
        let lacks_a_colon = rest.is_none() && text.contains("::");
        if !text.starts_with("arn:") || service.is_none_or(str::is_empty) || lacks_a_colon {
            return Err(ArnPatternError(text.to_owned()));
        }
        let mut pieces = pieces.into_iter().flatten();
        let parts = std::array::from_fn(|index| match pieces.next() {
            None => Pattern::parse("*", WILDCARDS),
            // In the service's place a `*` stands for all of it or for itself.
            Some(service) if index == 1 => {
                let everything = !service.is_empty() && service.bytes().all(|byte| byte == b'*');
                Pattern::parse(service, Syntax { wildcards: everything, variables: false })
            }
            Some(piece) => Pattern::parse(piece, Syntax { wildcards: true, variables: variables && index == 4 }),
        });
        Ok(ArnPattern { text: text.to_owned(), parts: Some(Box::new(parts)) })
    }
    /// As written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Whether a resource matches. A variable without a value matches nothing; one whose value is not known, perhaps.
    pub fn matches(&self, resource: &Arn, context: &Context) -> Truth {
        self.matches_parts(&resource.parts(), context)
    }
    pub(crate) fn matches_parts(&self, resource: &ResourceParts<'_>, context: &Context) -> Truth {
        let Some([fixed @ .., rest]) = self.parts.as_deref() else { return Truth::True };
        let [_, actual @ .., actual_rest] = resource;
        let plain = !rest.has_variables();
        // The last part tells most apart.
        if plain && !rest.matches_plain(actual_rest)
            || !fixed.iter().zip(actual).all(|(pattern, part)| pattern.matches_plain(part))
        {
            return Truth::False;
        }
        if plain { Truth::True } else { rest.matches(actual_rest, context) }
    }
    /// The pattern of the last part, unless this is `*`.
    pub(crate) fn resource_part(&self) -> Option<&Pattern> {
        self.parts.as_deref().map(|[.., rest]| rest)
    }
}

/// A value of an ARN condition operator: six parts with wildcards in each, variables anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConditionArnPattern {
    /// Without variables, cut once.
    Fixed(Box<[Pattern; 6]>),
    /// A variable may hold colons, so this is cut after the variables were replaced.
    Variables(Pattern),
}

impl ConditionArnPattern {
    pub(crate) fn parse(text: &str, variables: bool) -> ConditionArnPattern {
        let whole = Pattern::parse(text, Syntax { wildcards: true, variables });
        if whole.has_variables() {
            return ConditionArnPattern::Variables(whole);
        }
        // `${*}` and the like are literal now, so the parts are cut from the elements and not from the text.
        let tokens: Vec<Token<'_>> = whole.tokens().collect();
        let parts = cut(&tokens).into_iter().map(|part| part.into_iter().map(Element::from).collect());
        let mut parts = parts.collect::<Vec<Vec<Element>>>().into_iter();
        ConditionArnPattern::Fixed(Box::new(std::array::from_fn(|_| {
            Pattern::from_elements(parts.next().unwrap_or_else(|| vec![Element::AnySequence]))
        })))
    }

    /// Whether an ARN, cut in its parts, matches.
    pub(crate) fn matches(&self, actual: &ResourceParts<'_>, context: &Context) -> Truth {
        match self {
            ConditionArnPattern::Fixed(parts) => {
                parts.iter().zip(actual).all(|(pattern, part)| pattern.matches_plain(part)).into()
            }
            ConditionArnPattern::Variables(whole) => match whole.resolve(context) {
                Resolved::Nothing => Truth::False,
                Resolved::Unknown => Truth::Unknown,
                Resolved::Tokens(tokens) => {
                    let parts = cut(&tokens);
                    actual
                        .iter()
                        .enumerate()
                        .all(|(index, part)| parts.get(index).is_none_or(|tokens| tokens_match(tokens, part)))
                        .into()
                }
            },
        }
    }

    /// The parts as tokens, after the variables were looked up.
    pub(crate) fn resolve<'a>(&'a self, context: &'a Context) -> Option<Vec<Vec<Token<'a>>>> {
        match self {
            ConditionArnPattern::Fixed(parts) => Some(parts.iter().map(|part| part.tokens().collect()).collect()),
            ConditionArnPattern::Variables(whole) => match whole.resolve(context) {
                Resolved::Tokens(tokens) => Some(cut(&tokens)),
                Resolved::Nothing | Resolved::Unknown => None,
            },
        }
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &super::Variable> {
        let whole = match self {
            ConditionArnPattern::Fixed(_) => None,
            ConditionArnPattern::Variables(whole) => Some(whole),
        };
        whole.into_iter().flat_map(Pattern::variables)
    }
}

/// Cuts tokens at the first five colons of their literals. A short pattern gives fewer than six parts.
fn cut<'a>(tokens: &[Token<'a>]) -> Vec<Vec<Token<'a>>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        let Token::Literal(text) = *token else {
            if let Some(part) = parts.last_mut() {
                part.push(*token);
            }
            continue;
        };
        let cuts = 6 - parts.len();
        for (index, piece) in text.splitn(cuts + 1, ':').enumerate() {
            if index > 0 {
                parts.push(Vec::new());
            }
            if let (Some(part), false) = (parts.last_mut(), piece.is_empty()) {
                part.push(Token::Literal(piece));
            }
        }
    }
    parts
}

//! The values of a condition, parsed once, and what they match.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;

use super::{BaseOperator, ConditionValueError, Decimal, Moment};
use crate::arn;
use crate::context::Context;
use crate::decision::Truth;
use crate::letters;
use crate::pattern::{ConditionArnPattern, Pattern, Resolved, Syntax, Token, Variable};

/// How a value of the policy and a value of the request are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Text { wildcards: bool, ignore_case: bool },
    Number(Comparison),
    Date(Comparison),
    Boolean,
    Binary,
    Network,
    Arn,
    Existence,
}

/// The value of the request is … the value of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// The parsed values of a condition; in the order of the document, except for `Null`.
#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    Text(Vec<Pattern>),
    IgnoreCase(Vec<Pattern>),
    Boolean(Vec<Pattern>),
    Number(Comparison, Vec<Decimal>),
    Date(Comparison, Vec<Moment>),
    /// `None`: no base64, which equals nothing.
    Binary(Vec<Option<Vec<u8>>>),
    Network(Vec<IpNet>),
    Arn(Vec<ConditionArnPattern>),
    Null {
        /// Some value is `true`: holds for an absent key.
        absent: bool,
        /// Some value is `false`: holds for a present key.
        present: bool,
    },
}

impl Matcher {
    pub(super) fn new(base: BaseOperator, values: &[String], variables: bool) -> Result<Matcher, ConditionValueError> {
        let patterns = |syntax| values.iter().map(|value| Pattern::parse(value, syntax)).collect();
        Ok(match base.family() {
            Family::Text { wildcards, ignore_case: false } => Matcher::Text(patterns(Syntax { wildcards, variables })),
            Family::Text { wildcards, ignore_case: true } => {
                Matcher::IgnoreCase(patterns(Syntax { wildcards, variables }))
            }
            Family::Boolean => Matcher::Boolean(patterns(Syntax { wildcards: false, variables })),
            Family::Number(comparison) => Matcher::Number(comparison, parse_all(values, "a number", Decimal::parse)?),
            Family::Date(comparison) => {
                Matcher::Date(comparison, parse_all(values, "a date or seconds since 1970", Moment::parse)?)
            }
            Family::Network => Matcher::Network(parse_all(values, "an IP address or a CIDR range", parse_network)?),
            Family::Binary => Matcher::Binary(values.iter().map(|value| STANDARD.decode(value).ok()).collect()),
            Family::Arn => {
                Matcher::Arn(values.iter().map(|value| ConditionArnPattern::parse(value, variables)).collect())
            }
            Family::Existence => {
                let values = parse_all(values, "`true` or `false`", parse_boolean)?;
                Matcher::Null { absent: values.contains(&true), present: values.contains(&false) }
            }
        })
    }

    /// Whether any value matches.
    pub(super) fn matches(&self, actual: &str, context: &Context) -> Truth {
        match self {
            Matcher::Text(patterns) => any(patterns, |pattern| pattern.matches(actual, context)),
            Matcher::IgnoreCase(patterns) => any(patterns, |pattern| matches_ignoring_case(pattern, actual, context)),
            Matcher::Boolean(patterns) => match parse_boolean(actual) {
                Some(_) => any(patterns, |pattern| matches_ignoring_case(pattern, actual, context)),
                None => Truth::False,
            },
            Matcher::Number(comparison, numbers) => match Decimal::parse(actual) {
                Some(actual) => numbers.iter().any(|number| comparison.holds(actual.cmp(number))).into(),
                None => Truth::False,
            },
            Matcher::Date(comparison, moments) => match Moment::parse(actual) {
                Some(actual) => moments.iter().any(|moment| comparison.holds(actual.cmp(moment))).into(),
                None => Truth::False,
            },
            Matcher::Binary(values) => match STANDARD.decode(actual) {
                Ok(actual) => values.iter().flatten().any(|value| *value == actual).into(),
                Err(_) => Truth::False,
            },
            Matcher::Network(networks) => match actual.parse::<IpAddr>() {
                Ok(actual) => networks.iter().any(|network| network.contains(&actual)).into(),
                Err(_) => Truth::False,
            },
            Matcher::Arn(patterns) => match arn::split(actual) {
                Some(parts) => any(patterns, |pattern| pattern.matches(&parts, context)),
                None => Truth::False,
            },
            Matcher::Null { .. } => Truth::False,
        }
    }

    /// Whether the value at an index matches.
    pub(super) fn value_matches(&self, index: usize, actual: &str, context: &Context) -> Truth {
        let one = match self {
            Matcher::Text(patterns) => patterns.get(index).map(|pattern| pattern.matches(actual, context)),
            Matcher::IgnoreCase(patterns) => {
                patterns.get(index).map(|pattern| matches_ignoring_case(pattern, actual, context))
            }
            Matcher::Boolean(patterns) => parse_boolean(actual)
                .and_then(|_| patterns.get(index).map(|pattern| matches_ignoring_case(pattern, actual, context))),
            Matcher::Number(comparison, numbers) => Decimal::parse(actual)
                .and_then(|actual| numbers.get(index).map(|number| comparison.holds(actual.cmp(number)).into())),
            Matcher::Date(comparison, moments) => Moment::parse(actual)
                .and_then(|actual| moments.get(index).map(|moment| comparison.holds(actual.cmp(moment)).into())),
            Matcher::Binary(values) => match (STANDARD.decode(actual), values.get(index)) {
                (Ok(actual), Some(Some(value))) => Some((*value == actual).into()),
                _ => None,
            },
            Matcher::Network(networks) => match (actual.parse::<IpAddr>(), networks.get(index)) {
                (Ok(actual), Some(network)) => Some(network.contains(&actual).into()),
                _ => None,
            },
            Matcher::Arn(patterns) => match (arn::split(actual), patterns.get(index)) {
                (Some(parts), Some(pattern)) => Some(pattern.matches(&parts, context)),
                _ => None,
            },
            Matcher::Null { .. } => None,
        };
        one.unwrap_or(Truth::False)
    }

    pub(super) fn variables(&self) -> Vec<&Variable> {
        match self {
            Matcher::Text(patterns) | Matcher::IgnoreCase(patterns) | Matcher::Boolean(patterns) => {
                patterns.iter().flat_map(Pattern::variables).collect()
            }
            Matcher::Arn(patterns) => patterns.iter().flat_map(ConditionArnPattern::variables).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn resolved_values(&self, values: &[String], context: &Context) -> Option<Vec<Option<String>>> {
        if self.variables().is_empty() {
            return None;
        }
        Some(match self {
            Matcher::Text(patterns) | Matcher::IgnoreCase(patterns) | Matcher::Boolean(patterns) => {
                patterns.iter().map(|pattern| pattern_text(pattern, context)).collect()
            }
            Matcher::Arn(patterns) => patterns
                .iter()
                .zip(values)
                .map(|(pattern, value)| match pattern {
                    ConditionArnPattern::Fixed(_) => Some(value.clone()),
                    ConditionArnPattern::Variables(whole) => pattern_text(whole, context),
                })
                .collect(),
            _ => values.iter().cloned().map(Some).collect(),
        })
    }
}

fn parse_all<T>(
    values: &[String],
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ConditionValueError> {
    values
        .iter()
        .enumerate()
        .map(|(index, value)| parse(value).ok_or_else(|| ConditionValueError { index, found: value.clone(), expected }))
        .collect()
}

/// A bare address is a range of one.
fn parse_network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn parse_boolean(text: &str) -> Option<bool> {
    [true, false].into_iter().find(|value| text.eq_ignore_ascii_case(if *value { "true" } else { "false" }))
}

fn any<T>(items: &[T], matches: impl Fn(&T) -> Truth) -> Truth {
    let mut truth = Truth::False;
    for item in items {
        truth = truth.or(matches(item));
        if truth == Truth::True {
            break;
        }
    }
    truth
}

/// For patterns without wildcards.
fn matches_ignoring_case(pattern: &Pattern, actual: &str, context: &Context) -> Truth {
    if let Some(literal) = pattern.as_literal() {
        return letters::same(literal, actual).into();
    }
    match pattern.resolve(context) {
        Resolved::Tokens(tokens) => letters::same(&literal_text(&tokens), actual).into(),
        Resolved::Nothing => Truth::False,
        Resolved::Unknown => Truth::Unknown,
    }
}

/// The tokens as text, wildcards as themselves.
fn literal_text(tokens: &[Token<'_>]) -> String {
    tokens
        .iter()
        .map(|token| match token {
            Token::Literal(text) => text,
            Token::AnyCharacter => "?",
            Token::AnySequence => "*",
        })
        .collect()
}

fn pattern_text(pattern: &Pattern, context: &Context) -> Option<String> {
    match pattern.resolve(context) {
        Resolved::Tokens(tokens) => Some(literal_text(&tokens)),
        Resolved::Nothing | Resolved::Unknown => None,
    }
}

//! Condition blocks, operator by operator.

use std::cmp::Ordering;

use super::context::{Context, Present};
use super::json::{Fault, Node};
use super::value::{Decimal, Range, base64, instant};
use super::variable::{pieces, plain_text, resolve};
use super::wildcard::{Item, arn_parts, matches, six_parts};

/// What an operator compares, without its negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// How two numbers or dates are compared: the actual value is … the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equals,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
}

impl Order {
    fn allows(self, ordering: Ordering) -> bool {
        match self {
            Order::Equals => ordering == Ordering::Equal,
            Order::Less => ordering == Ordering::Less,
            Order::LessEquals => ordering != Ordering::Greater,
            Order::Greater => ordering == Ordering::Greater,
            Order::GreaterEquals => ordering != Ordering::Less,
        }
    }
}

/// A set operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    All,
    Any,
}

/// One key under one operator.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub set: Option<Set>,
    pub comparison: Comparison,
    pub negated: bool,
    pub if_exists: bool,
    /// In lower case.
    pub key: String,
    pub values: Vec<String>,
}

const OPERATORS: &[(&str, Comparison, bool)] = &[
    ("stringequals", Comparison::StringEquals, false),
    ("stringnotequals", Comparison::StringEquals, true),
    ("stringequalsignorecase", Comparison::StringEqualsIgnoreCase, false),
    ("stringnotequalsignorecase", Comparison::StringEqualsIgnoreCase, true),
    ("stringlike", Comparison::StringLike, false),
    ("stringnotlike", Comparison::StringLike, true),
    ("numericequals", Comparison::Numeric(Order::Equals), false),
    ("numericnotequals", Comparison::Numeric(Order::Equals), true),
    ("numericlessthan", Comparison::Numeric(Order::Less), false),
    ("numericlessthanequals", Comparison::Numeric(Order::LessEquals), false),
    ("numericgreaterthan", Comparison::Numeric(Order::Greater), false),
    ("numericgreaterthanequals", Comparison::Numeric(Order::GreaterEquals), false),
    ("dateequals", Comparison::Date(Order::Equals), false),
    ("datenotequals", Comparison::Date(Order::Equals), true),
    ("datelessthan", Comparison::Date(Order::Less), false),
    ("datelessthanequals", Comparison::Date(Order::LessEquals), false),
    ("dategreaterthan", Comparison::Date(Order::Greater), false),
    ("dategreaterthanequals", Comparison::Date(Order::GreaterEquals), false),
    ("bool", Comparison::Bool, false),
    ("binaryequals", Comparison::Binary, false),
    ("ipaddress", Comparison::Ip, false),
    ("notipaddress", Comparison::Ip, true),
    ("arnequals", Comparison::Arn, false),
    ("arnnotequals", Comparison::Arn, true),
    ("arnlike", Comparison::Arn, false),
    ("arnnotlike", Comparison::Arn, true),
    ("null", Comparison::Null, false),
];

/// Reads a `Condition` block.
pub(crate) fn read(block: &Node) -> Result<Vec<Clause>, Fault> {
    let mut clauses = Vec::new();
    for (operator, keys) in block.fields()? {
        let blank = named(&operator).ok_or_else(|| keys.fault(format!("unknown condition operator `{operator}`")))?;
        for (key, value) in keys.fields()? {
            let mut clause = Clause { key: key.to_lowercase(), ..blank.clone() };
            for value in value.one_or_many()? {
                let text = value.scalar()?;
                check(clause.comparison, &text).map_err(|message| value.fault(message))?;
                clause.values.push(text);
            }
            clauses.push(clause);
        }
    }
    Ok(clauses)
}

fn named(operator: &str) -> Option<Clause> {
    let lower = operator.to_lowercase();
    let (set, rest) = if let Some(rest) = lower.strip_prefix("forallvalues:") {
        (Some(Set::All), rest)
    } else if let Some(rest) = lower.strip_prefix("foranyvalue:") {
        (Some(Set::Any), rest)
    } else {
        (None, lower.as_str())
    };
    let (name, if_exists) = match rest.strip_suffix("ifexists") {
        Some(name) => (name, true),
        None => (rest, false),
    };
    let (_, comparison, negated) = OPERATORS.iter().find(|(known, _, _)| *known == name)?;
    if *comparison == Comparison::Null && (if_exists || set.is_some()) {
        return None;
    }
    Some(Clause { set, comparison: *comparison, negated: *negated, if_exists, key: String::new(), values: Vec::new() })
}

/// Whether a policy's value can be compared at all.
fn check(comparison: Comparison, text: &str) -> Result<(), String> {
    let (fine, expected) = match comparison {
        Comparison::Numeric(_) => (Decimal::parse(text).is_some(), "a number"),
        Comparison::Date(_) => (instant(text).is_some(), "a date"),
        Comparison::Ip => (Range::parse(text).is_some(), "an address or address range"),
        Comparison::Null => (text == "true" || text == "false", "`true` or `false`"),
        _ => (true, ""),
    };
    if fine { Ok(()) } else { Err(format!("expected {expected}, found `{text}`")) }
}

impl Clause {
    /// Whether the clause holds, the context being fully known.
    pub fn holds(&self, variables: bool, context: &Context) -> bool {
        let actual = context.get(&self.key);
        if self.comparison == Comparison::Null {
            return self.values.iter().any(|value| (value == "true") == actual.is_none());
        }
        match (actual, self.set) {
            (None, _) if self.if_exists => true,
            (None, Some(Set::All)) => true,
            (None, Some(Set::Any)) => false,
            (None, None) => self.negated,
            (Some(Present::One(value)), _) => self.value_passes(value, variables, context),
            (Some(Present::Many(_)), None) => false,
            (Some(Present::Many(values)), Some(Set::All)) => {
                values.iter().all(|value| self.value_passes(value, variables, context))
            }
            (Some(Present::Many(values)), Some(Set::Any)) => {
                values.iter().any(|value| self.value_passes(value, variables, context))
            }
        }
    }

    /// One value of the request against all values of the policy: any of them, or, negated, none of them.
    fn value_passes(&self, actual: &str, variables: bool, context: &Context) -> bool {
        let found = self.values.iter().any(|wanted| self.compare(actual, wanted, variables, context));
        found != self.negated
    }

    /// One value of the request against one value of the policy, without the negation.
    pub fn compare(&self, actual: &str, wanted: &str, variables: bool, context: &Context) -> bool {
        let resolved = |wildcards: bool| resolve(&pieces(wanted, variables), wildcards, context);
        match self.comparison {
            Comparison::StringEquals => resolved(false).is_some_and(|wanted| matches(&wanted, actual)),
            Comparison::StringEqualsIgnoreCase => {
                resolved(false).is_some_and(|wanted| same_letters(&plain_text(&wanted), actual))
            }
            Comparison::StringLike => resolved(true).is_some_and(|wanted| matches(&wanted, actual)),
            Comparison::Arn => resolved(true).is_some_and(|wanted| arn_matches(&wanted, actual)),
            Comparison::Bool => resolved(false).is_some_and(|wanted| {
                let (wanted, actual) = (plain_text(&wanted).to_lowercase(), actual.to_lowercase());
                wanted == actual && (wanted == "true" || wanted == "false")
            }),
            Comparison::Numeric(order) => match (Decimal::parse(actual), Decimal::parse(wanted)) {
                (Some(actual), Some(wanted)) => order.allows(actual.compare(&wanted)),
                _ => false,
            },
            Comparison::Date(order) => match (instant(actual), instant(wanted)) {
                (Some(actual), Some(wanted)) => order.allows(actual.cmp(&wanted)),
                _ => false,
            },
            Comparison::Binary => base64(actual).is_some_and(|bytes| base64(wanted) == Some(bytes)),
            Comparison::Ip => Range::parse(wanted).is_some_and(|range| range.holds(actual)),
            Comparison::Null => false,
        }
    }
}

/// Character by character the same, or the small and the capital form of one letter.
fn same_letters(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| same_letter(*one, *other))
}

/// The small and the capital form each lead to the other: `É` and `é`, and not `ß`, whose capital form is two letters.
pub(crate) fn same_letter(one: char, other: char) -> bool {
    let is = |letters: String, letter: char| letters == letter.to_string();
    let pair = |small: char, capital: char| {
        is(capital.to_lowercase().to_string(), small) && is(small.to_uppercase().to_string(), capital)
    };
    one == other || pair(one, other) || pair(other, one)
}

/// Each of the six parts by itself.
pub(crate) fn arn_matches(wanted: &[Item], actual: &str) -> bool {
    let Some(parts) = arn_parts(actual) else { return false };
    six_parts(wanted).iter().zip(parts).all(|(wanted, part)| matches(wanted, part))
}

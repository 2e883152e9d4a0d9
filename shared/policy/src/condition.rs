//! Conditions: the operators as a table, and what each makes of a value.

mod date;
mod matcher;
mod number;
mod operator;

pub use operator::{BaseOperator, Operator, OperatorError, SetOperator};

pub(crate) use date::Moment;
pub(crate) use matcher::Matcher;
pub(crate) use number::Decimal;

use crate::context::{Context, ContextValue, key_hash};
use crate::decision::Truth;
use crate::pattern::Variable;

/// One condition: an operator, a key and the values; the values are alternatives.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The operator.
    pub operator: Operator,
    /// The condition key as spelled in the document.
    pub key: String,
    /// The values as their JSON text.
    pub values: Vec<String>,
    /// JSON pointer to the values: `/Statement/0/Condition/StringLike/ses:FromAddress`.
    pub pointer: String,
    key_hash: u64,
    matcher: Matcher,
}

/// Why a condition's value can't stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct ConditionValueError {
    /// Index of the value.
    pub index: usize,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: &'static str,
}

impl Condition {
    /// Builds a condition. `variables`: whether `${…}` is a policy variable (language version 2012-10-17).
    pub fn new(
        operator: Operator,
        key: String,
        values: Vec<String>,
        pointer: String,
        variables: bool,
    ) -> Result<Condition, ConditionValueError> {
        let matcher = Matcher::new(operator.base, &values, variables)?;
        Ok(Condition { key_hash: key_hash(&key), operator, key, values, pointer, matcher })
    }

    /// Whether the condition holds in a context.
    pub fn evaluate(&self, context: &Context) -> Truth {
        self.evaluate_value(self.actual(context), context)
    }

    /// Whether the condition would hold if its key had this value; the context gives the policy variables.
    pub fn evaluate_value(&self, actual: &ContextValue, context: &Context) -> Truth {
        let Operator { set, base, if_exists, .. } = self.operator;
        if let Matcher::Null { absent, present } = self.matcher {
            return match actual {
                ContextValue::Absent => absent.into(),
                ContextValue::One(_) | ContextValue::Many(_) => present.into(),
                ContextValue::Unknown(_) if absent == present => absent.into(),
                ContextValue::Unknown(_) => Truth::Unknown,
            };
        }
        match (actual, set) {
            (ContextValue::Unknown(_), _) => Truth::Unknown,
            (ContextValue::Absent, _) if if_exists => Truth::True,
            (ContextValue::Absent, Some(SetOperator::ForAllValues)) => Truth::True,
            (ContextValue::Absent, Some(SetOperator::ForAnyValue)) => Truth::False,
            (ContextValue::Absent, None) => base.is_negated().into(),
            (ContextValue::One(value), _) => self.element(value, context),
            // A list needs a set operator.
            (ContextValue::Many(_), None) => Truth::False,
            (ContextValue::Many(values), Some(SetOperator::ForAllValues)) => {
                fold(values, Truth::True, Truth::False, |all, value| all.and(self.element(value, context)))
            }
            (ContextValue::Many(values), Some(SetOperator::ForAnyValue)) => {
                fold(values, Truth::False, Truth::True, |any, value| any.or(self.element(value, context)))
            }
        }
    }

    /// Whether one value of the policy matches one value of the request, before a negated operator turns it round.
    /// `False` for an index that does not exist and for `Null`.
    pub fn value_matches(&self, index: usize, actual: &str, context: &Context) -> Truth {
        self.matcher.value_matches(index, actual, context)
    }

    /// The values after policy variables were put in; `None` when no value holds one. In the list, `None` is a variable
    /// that has no value, or whose value is not known.
    pub fn resolved_values(&self, context: &Context) -> Option<Vec<Option<String>>> {
        self.matcher.resolved_values(&self.values, context)
    }

    /// The key's value in a context.
    pub fn actual<'a>(&self, context: &'a Context) -> &'a ContextValue {
        context.get_hashed(self.key_hash, &self.key)
    }

    /// One value of the request against all values of the policy.
    fn element(&self, actual: &str, context: &Context) -> Truth {
        let matched = self.matcher.matches(actual, context);
        if self.operator.base.is_negated() { !matched } else { matched }
    }

    pub(crate) fn key_hash(&self) -> u64 {
        self.key_hash
    }

    pub(crate) fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    pub(crate) fn variables(&self) -> Vec<&Variable> {
        self.matcher.variables()
    }
}

/// Folds until the result cannot change any more.
fn fold(values: &[String], start: Truth, end: Truth, step: impl Fn(Truth, &str) -> Truth) -> Truth {
    let mut truth = start;
    for value in values {
        truth = step(truth, value);
        if truth == end {
            break;
        }
    }
    truth
}

#[cfg(test)]
mod tests;

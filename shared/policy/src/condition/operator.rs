//! The condition operators as a table.

use super::matcher::{Comparison, Family};

/// A condition operator with its set operator and `IfExists`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// As spelled in the document.
    pub text: String,
    /// `ForAllValues:` or `ForAnyValue:`.
    pub set: Option<SetOperator>,
    /// The operator itself.
    pub base: BaseOperator,
    /// The suffix `IfExists`.
    pub if_exists: bool,
}

/// How an operator treats a list of values in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// Every value of the request must match; true of an absent key and of an empty list.
    ForAllValues,
    /// Some value of the request must match; false of an absent key and of an empty list.
    ForAnyValue,
}

/// The operators without set operator and `IfExists`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are AWS's own")]
pub enum BaseOperator {
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnEquals,
    ArnNotEquals,
    ArnLike,
    ArnNotLike,
    Null,
}

/// One line of the table.
struct Row {
    base: BaseOperator,
    name: &'static str,
    /// How a value of the policy and a value of the request are compared.
    family: Family,
    /// The outcome is turned round; an absent key then matches.
    negated: bool,
}

const fn row(base: BaseOperator, name: &'static str, family: Family, negated: bool) -> Row {
    Row { base, name, family, negated }
}

/// In the order of [`BaseOperator`], so that an operator is its own index.
const OPERATORS: [Row; 27] = {
    use BaseOperator::*;
    use Comparison::*;
    use Family::*;
    [
        row(StringEquals, "StringEquals", Text { wildcards: false, ignore_case: false }, false),
        row(StringNotEquals, "StringNotEquals", Text { wildcards: false, ignore_case: false }, true),
        row(StringEqualsIgnoreCase, "StringEqualsIgnoreCase", Text { wildcards: false, ignore_case: true }, false),
        row(StringNotEqualsIgnoreCase, "StringNotEqualsIgnoreCase", Text { wildcards: false, ignore_case: true }, true),
        row(StringLike, "StringLike", Text { wildcards: true, ignore_case: false }, false),
        row(StringNotLike, "StringNotLike", Text { wildcards: true, ignore_case: false }, true),
        row(NumericEquals, "NumericEquals", Number(Equal), false),
        row(NumericNotEquals, "NumericNotEquals", Number(Equal), true),
        row(NumericLessThan, "NumericLessThan", Number(Less), false),
        row(NumericLessThanEquals, "NumericLessThanEquals", Number(LessOrEqual), false),
        row(NumericGreaterThan, "NumericGreaterThan", Number(Greater), false),
        row(NumericGreaterThanEquals, "NumericGreaterThanEquals", Number(GreaterOrEqual), false),
        row(DateEquals, "DateEquals", Date(Equal), false),
        row(DateNotEquals, "DateNotEquals", Date(Equal), true),
        row(DateLessThan, "DateLessThan", Date(Less), false),
        row(DateLessThanEquals, "DateLessThanEquals", Date(LessOrEqual), false),
        row(DateGreaterThan, "DateGreaterThan", Date(Greater), false),
        row(DateGreaterThanEquals, "DateGreaterThanEquals", Date(GreaterOrEqual), false),
        row(Bool, "Bool", Boolean, false),
        row(BinaryEquals, "BinaryEquals", Binary, false),
        row(IpAddress, "IpAddress", Network, false),
        row(NotIpAddress, "NotIpAddress", Network, true),
        row(ArnEquals, "ArnEquals", Arn, false),
        row(ArnNotEquals, "ArnNotEquals", Arn, true),
        row(ArnLike, "ArnLike", Arn, false),
        row(ArnNotLike, "ArnNotLike", Arn, true),
        row(Null, "Null", Existence, false),
    ]
};

/// Why a text is no condition operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a condition operator, found `{0}`")]
pub struct OperatorError(pub String);

impl BaseOperator {
    #[expect(
        clippy::indexing_slicing,
        reason = "the table has a row for every operator, in their order; a test holds that"
    )]
    fn row(self) -> &'static Row {
        const { assert!(OPERATORS.len() == BaseOperator::Null as usize + 1) };
        &OPERATORS[self as usize]
    }
    /// All of them.
    pub fn all() -> impl Iterator<Item = BaseOperator> {
        OPERATORS.iter().map(|row| row.base)
    }
    /// AWS's spelling.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }
    /// Whether the operator turns the comparison round, and so matches an absent key.
    pub fn is_negated(self) -> bool {
        self.row().negated
    }
    pub(crate) fn family(self) -> Family {
        self.row().family
    }
}

impl Operator {
    /// Parses an operator with its set operator and `IfExists`, without regard to case.
    pub fn parse(text: &str) -> Result<Operator, OperatorError> {
        let (set, rest) = match text.split_once(':') {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("ForAllValues") => {
                (Some(SetOperator::ForAllValues), rest)
            }
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("ForAnyValue") => {
                (Some(SetOperator::ForAnyValue), rest)
            }
            Some(_) => return Err(OperatorError(text.to_owned())),
            None => (None, text),
        };
        let named = |name: &str| BaseOperator::all().find(|base| base.as_str().eq_ignore_ascii_case(name));
        const IF_EXISTS: &str = "IfExists";
        let (base, if_exists) = match named(rest) {
            Some(base) => (Some(base), false),
            None => {
                let cut = rest.len().checked_sub(IF_EXISTS.len());
                let parts = cut.and_then(|at| rest.split_at_checked(at));
                (
                    parts
                        .filter(|(_, suffix)| suffix.eq_ignore_ascii_case(IF_EXISTS))
                        .and_then(|(name, _)| named(name)),
                    true,
                )
            }
        };
        match base {
            Some(BaseOperator::Null) if set.is_some() || if_exists => Err(OperatorError(text.to_owned())),
            Some(base) => Ok(Operator { text: text.to_owned(), set, base, if_exists }),
            None => Err(OperatorError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_its_own_row() {
        for (index, base) in BaseOperator::all().enumerate() {
            assert_eq!(base as usize, index);
            assert_eq!(base.as_str(), format!("{base:?}"));
        }
    }

    #[test]
    fn operators_are_read_in_any_case_with_prefix_and_suffix() {
        for base in BaseOperator::all() {
            let plain = Operator::parse(&base.as_str().to_lowercase()).unwrap();
            assert_eq!((plain.base, plain.set, plain.if_exists), (base, None, false));
            let full = format!("forallvalues:{}IFEXISTS", base.as_str());
            match (base, Operator::parse(&full)) {
                (BaseOperator::Null, parsed) => assert_eq!(parsed, Err(OperatorError(full))),
                (_, parsed) => {
                    let set = Some(SetOperator::ForAllValues);
                    assert_eq!(parsed, Ok(Operator { text: full, set, base, if_exists: true }));
                }
            }
        }
        assert_eq!(Operator::parse("ForAnyValue:StringLike").unwrap().set, Some(SetOperator::ForAnyValue));
    }

    #[test]
    fn what_is_no_operator_is_refused() {
        for text in [
            "",
            "StringMatches",
            "NullIfExists",
            "ForAnyValue:Null",
            "ForAllValues:",
            "ForSomeValue:StringLike",
            "IfExists",
            "StringLikeIfExistsIfExists",
            "StringLike ",
            "ForAllValues:ForAnyValue:StringLike",
            "éIfExists",
            "String",
        ] {
            assert_eq!(Operator::parse(text), Err(OperatorError(text.to_owned())), "{text}");
        }
    }
}

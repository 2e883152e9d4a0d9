//! Conditions: the operators as a table, and what each makes of a value.

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
}

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

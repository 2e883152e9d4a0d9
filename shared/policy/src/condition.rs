//! Conditions: the operators as a table, and what each makes of a value.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys or values".

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use ipnet::IpNet;
use jiff::Timestamp;

use crate::context::{Context, ContextValue};
use crate::decision::Truth;
use crate::document::Version;
use crate::pattern::{Piece, arn_parts_match, matches, pieces, resolved};

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
    /// The values, ready to be compared.
    parsed: Vec<Expected>,
}

/// A value of a condition, ready to be compared.
#[derive(Debug, Clone)]
enum Expected {
    /// String operators.
    Text(Vec<Piece>),
    /// ARN operators: up to six parts.
    Arn(Vec<Vec<Piece>>),
    Number(Decimal),
    Date(Timestamp),
    Net(IpNet),
    Binary(Option<Vec<u8>>),
    Null(bool),
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    String { ignore_case: bool, wildcards: bool },
    Arn,
    Numeric(Compare),
    Date(Compare),
    Bool,
    Binary,
    Ip,
    Null,
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Compare::Equal => order == Ordering::Equal,
            Compare::Less => order == Ordering::Less,
            Compare::LessOrEqual => order != Ordering::Greater,
            Compare::Greater => order == Ordering::Greater,
            Compare::GreaterOrEqual => order != Ordering::Less,
        }
    }
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

use BaseOperator as B;

/// One row an operator: its name in lower case, what it is, what it compares, whether it is turned round.
const OPERATORS: [(&str, BaseOperator, Family, bool); 27] = [
    ("stringequals", B::StringEquals, Family::String { ignore_case: false, wildcards: false }, false),
    ("stringnotequals", B::StringNotEquals, Family::String { ignore_case: false, wildcards: false }, true),
    (
        "stringequalsignorecase",
        B::StringEqualsIgnoreCase,
        Family::String { ignore_case: true, wildcards: false },
        false,
    ),
    (
        "stringnotequalsignorecase",
        B::StringNotEqualsIgnoreCase,
        Family::String { ignore_case: true, wildcards: false },
        true,
    ),
    ("stringlike", B::StringLike, Family::String { ignore_case: false, wildcards: true }, false),
    ("stringnotlike", B::StringNotLike, Family::String { ignore_case: false, wildcards: true }, true),
    ("numericequals", B::NumericEquals, Family::Numeric(Compare::Equal), false),
    ("numericnotequals", B::NumericNotEquals, Family::Numeric(Compare::Equal), true),
    ("numericlessthan", B::NumericLessThan, Family::Numeric(Compare::Less), false),
    ("numericlessthanequals", B::NumericLessThanEquals, Family::Numeric(Compare::LessOrEqual), false),
    ("numericgreaterthan", B::NumericGreaterThan, Family::Numeric(Compare::Greater), false),
    ("numericgreaterthanequals", B::NumericGreaterThanEquals, Family::Numeric(Compare::GreaterOrEqual), false),
    ("dateequals", B::DateEquals, Family::Date(Compare::Equal), false),
    ("datenotequals", B::DateNotEquals, Family::Date(Compare::Equal), true),
    ("datelessthan", B::DateLessThan, Family::Date(Compare::Less), false),
    ("datelessthanequals", B::DateLessThanEquals, Family::Date(Compare::LessOrEqual), false),
    ("dategreaterthan", B::DateGreaterThan, Family::Date(Compare::Greater), false),
    ("dategreaterthanequals", B::DateGreaterThanEquals, Family::Date(Compare::GreaterOrEqual), false),
    ("bool", B::Bool, Family::Bool, false),
    ("binaryequals", B::BinaryEquals, Family::Binary, false),
    ("ipaddress", B::IpAddress, Family::Ip, false),
    ("notipaddress", B::NotIpAddress, Family::Ip, true),
    ("arnequals", B::ArnEquals, Family::Arn, false),
    ("arnnotequals", B::ArnNotEquals, Family::Arn, true),
    ("arnlike", B::ArnLike, Family::Arn, false),
    ("arnnotlike", B::ArnNotLike, Family::Arn, true),
    ("null", B::Null, Family::Null, false),
];

impl BaseOperator {
    fn row(self) -> (Family, bool) {
        OPERATORS.iter().find(|row| row.1 == self).map_or((Family::Null, false), |row| (row.2, row.3))
    }
    /// Whether it matches what its values do not: `StringNotEquals`, `NotIpAddress`, …
    pub fn negated(self) -> bool {
        self.row().1
    }
}

impl Operator {
    /// Parses an operator; names ignore case. `None` for one that IAM does not know.
    pub fn parse(text: &str) -> Option<Operator> {
        let (set, name) = match text.split_once(':') {
            Some((set, name)) if set.eq_ignore_ascii_case("ForAllValues") => (Some(SetOperator::ForAllValues), name),
            Some((set, name)) if set.eq_ignore_ascii_case("ForAnyValue") => (Some(SetOperator::ForAnyValue), name),
            Some(_) => return None,
            None => (None, text),
        };
        let name = name.to_ascii_lowercase();
        let find = |name: &str| OPERATORS.iter().find(|row| row.0 == name).map(|row| row.1);
        let (base, if_exists) = match find(&name) {
            Some(base) => (base, false),
            None => (find(name.strip_suffix("ifexists")?)?, true),
        };
        let null = base == BaseOperator::Null;
        (!(null && (if_exists || set.is_some()))).then(|| Operator { text: text.to_owned(), set, base, if_exists })
    }
}

impl Condition {
    /// Parses the values of a condition; the error says what was expected of the value at that index.
    pub fn new(
        operator: Operator,
        key: String,
        values: Vec<String>,
        pointer: String,
        version: Version,
    ) -> Result<Condition, (usize, &'static str)> {
        let family = operator.base.row().0;
        let parse =
            |(index, value): (usize, &String)| expected(family, value, version).map_err(|wanted| (index, wanted));
        let parsed = values.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        Ok(Condition { operator, key, values, pointer, parsed })
    }

    /// Whether the condition holds. An unknown key, or a variable whose value is not known, makes it unknown.
    pub fn outcome(&self, context: &Context) -> Truth {
        let unknown_variable = self.variables().any(|key| matches!(context.get(key), ContextValue::Unknown(_)));
        match context.get(&self.key) {
            ContextValue::Unknown(_) => Truth::Unknown,
            ContextValue::Absent if self.operator.base != BaseOperator::Null => Truth::from(self.absent()),
            _ if unknown_variable => Truth::Unknown,
            value => Truth::from(self.holds(value, context)),
        }
    }

    /// What it makes of an absent key.
    fn absent(&self) -> bool {
        match self.operator.set {
            _ if self.operator.if_exists => true,
            Some(SetOperator::ForAllValues) => true,
            Some(SetOperator::ForAnyValue) => false,
            None => self.operator.base.negated(),
        }
    }

    fn holds(&self, value: &ContextValue, context: &Context) -> bool {
        let (family, negated) = self.operator.base.row();
        if family == Family::Null {
            let absent = matches!(value, ContextValue::Absent);
            return self.parsed.iter().any(|expected| matches!(expected, Expected::Null(wanted) if *wanted == absent));
        }
        let one = |actual: &String| {
            self.parsed.iter().any(|expected| self.matches(family, expected, actual, context)) != negated
        };
        match (value, self.operator.set) {
            (ContextValue::One(actual), _) => one(actual),
            // A list without a set operator never matches.
            (ContextValue::Many(_), None) => false,
            (ContextValue::Many(list), Some(SetOperator::ForAllValues)) => list.iter().all(one),
            (ContextValue::Many(list), Some(SetOperator::ForAnyValue)) => list.iter().any(one),
            (ContextValue::Absent | ContextValue::Unknown(_), _) => self.absent(),
        }
    }

    fn matches(&self, family: Family, expected: &Expected, actual: &str, context: &Context) -> bool {
        let resolve = |key: &str| match context.get(key) {
            ContextValue::One(value) => Some(value.clone()),
            _ => None,
        };
        match (family, expected) {
            (Family::String { ignore_case, wildcards }, Expected::Text(pieces)) => {
                let fold = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
                let Some(mut pattern) = resolved(pieces, &resolve, wildcards) else { return false };
                if ignore_case {
                    let text: String = pattern
                        .iter()
                        .map(|element| match element {
                            crate::pattern::Element::Char(char) => *char,
                            crate::pattern::Element::AnyChar => '?',
                            crate::pattern::Element::AnySequence => '*',
                        })
                        .collect();
                    pattern = fold(&text).chars().map(crate::pattern::Element::Char).collect();
                }
                matches(&pattern, &fold(actual).chars().collect::<Vec<_>>())
            }
            (Family::Bool, Expected::Text(pieces)) => {
                let Some(pattern) = resolved(pieces, &resolve, false) else { return false };
                let wanted: String = pattern
                    .iter()
                    .filter_map(|element| match element {
                        crate::pattern::Element::Char(char) => Some(*char),
                        _ => None,
                    })
                    .collect();
                let is_bool = |text: &str| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
                is_bool(&wanted) && wanted.eq_ignore_ascii_case(actual)
            }
            (Family::Arn, Expected::Arn(parts)) => arn_parts_match(parts, actual, &resolve),
            (Family::Numeric(compare), Expected::Number(wanted)) => {
                Decimal::parse(actual).is_some_and(|actual| compare.holds(actual.cmp(wanted)))
            }
            (Family::Date(compare), Expected::Date(wanted)) => {
                date(actual).is_some_and(|actual| compare.holds(actual.cmp(wanted)))
            }
            (Family::Ip, Expected::Net(net)) => actual.parse::<IpAddr>().is_ok_and(|address| net.contains(&address)),
            (Family::Binary, Expected::Binary(wanted)) => {
                let actual = base64::engine::general_purpose::STANDARD.decode(actual).ok();
                actual.is_some() && actual == *wanted
            }
            _ => false,
        }
    }

    /// The keys of the variables in its values.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parsed
            .iter()
            .flat_map(|expected| match expected {
                Expected::Text(pieces) => std::slice::from_ref(pieces).iter().collect::<Vec<_>>(),
                Expected::Arn(parts) => parts.iter().collect(),
                _ => Vec::new(),
            })
            .flatten()
            .filter_map(|piece| match piece {
                Piece::Variable { key, .. } => Some(key.as_str()),
                _ => None,
            })
    }
}

fn expected(family: Family, value: &str, version: Version) -> Result<Expected, &'static str> {
    Ok(match family {
        Family::String { .. } | Family::Bool => Expected::Text(pieces(value, version)),
        Family::Arn => Expected::Arn(value.splitn(6, ':').map(|part| pieces(part, version)).collect()),
        Family::Numeric(_) => Expected::Number(Decimal::parse(value).ok_or("a number")?),
        Family::Date(_) => Expected::Date(date(value).ok_or("a date (ISO 8601) or epoch seconds")?),
        Family::Ip => Expected::Net(net(value).ok_or("an IP address or CIDR range")?),
        Family::Binary => Expected::Binary(base64::engine::general_purpose::STANDARD.decode(value).ok()),
        Family::Null => match value.to_ascii_lowercase().as_str() {
            "true" => Expected::Null(true),
            "false" => Expected::Null(false),
            _ => return Err("`true` or `false`"),
        },
    })
}

fn net(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Parses the dates that IAM takes: the W3C forms of ISO 8601 down to the year, and epoch seconds.
pub fn date(text: &str) -> Option<Timestamp> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if text.len() == 4 && digits(text) {
        return format!("{text}-01-01T00:00:00Z").parse().ok();
    }
    if let Some((whole, fraction)) = unsigned.split_once('.').or(Some((unsigned, "0"))) {
        if digits(whole) && digits(fraction) {
            let seconds: i64 = text.split('.').next()?.parse().ok()?;
            let nanos: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
            return Timestamp::new(seconds, if text.starts_with('-') { -nanos } else { nanos }).ok();
        }
    }
    match text.split_once(['T', 't']) {
        Some((day, time)) => {
            let zoned = time.ends_with(['Z', 'z']) || time.contains('+') || time.contains('-');
            let text = if zoned { format!("{day}T{time}") } else { format!("{day}T{time}Z") };
            text.parse().ok()
        }
        None if text.len() == 7 => format!("{text}-01T00:00:00Z").parse().ok(),
        None => format!("{text}T00:00:00Z").parse().ok(),
    }
}

/// A decimal number, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// Digits without leading and trailing zeros; empty for zero.
    digits: String,
    /// The value is `0.digits × 10^exponent`.
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').to_owned();
        let exponent = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()? + i64::from(power);
        let zero = digits.is_empty();
        Some(Decimal { negative: negative && !zero, digits, exponent: if zero { 0 } else { exponent } })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let magnitude = || match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits)),
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(),
            (true, true) => magnitude().reverse(),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

//! The request's context and conditions about it.

use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::text::{arn_pattern, flip_case, pattern};

/// How a key's values look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Text,
    List,
    Address,
    Date,
    Epoch,
    Flag,
    Number,
    Arn,
    Bytes,
}

const KEYS: &[(&str, Sort)] = &[
    ("ses:FromAddress", Sort::Text),
    ("ses:FromDisplayName", Sort::Text),
    ("ses:FeedbackAddress", Sort::Text),
    ("aws:PrincipalTag/team", Sort::Text),
    ("aws:username", Sort::Text),
    ("ses:Recipients", Sort::List),
    ("ses:Recipients", Sort::List),
    ("aws:TagKeys", Sort::List),
    ("aws:SourceIp", Sort::Address),
    ("aws:CurrentTime", Sort::Date),
    ("aws:EpochTime", Sort::Epoch),
    ("aws:SecureTransport", Sort::Flag),
    ("aws:MultiFactorAuthAge", Sort::Number),
    ("aws:PrincipalArn", Sort::Arn),
    ("aws:SourceArn", Sort::Arn),
    ("example:Digest", Sort::Bytes),
];

fn vocabulary(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Text | Sort::List => {
            &["a@x.com", "b@x.com", "a@y.com", "A@x.com", "ab@x.com", "é@x.com", "a", "x.com", "*", "", "true"]
        }
        Sort::Address => {
            &["10.0.0.5", "10.0.1.9", "10.128.0.1", "192.0.2.7", "2001:db8::5", "::ffff:10.0.0.5", "office"]
        }
        Sort::Date => &[
            "2020-01-01T00:00:00Z",
            "2020-06-15T12:30:00+02:00",
            "2020-06-15t9:30z",
            "2021-01-01",
            "2019",
            "1577836800",
            "soon",
        ],
        Sort::Epoch => &["1577836800", "1592217000", "1609459200", "1700000000"],
        Sort::Flag => &["true", "false", "TRUE", "yes"],
        Sort::Number => &["10", "20", "30", "20.0", "2e1", "25", "-10", "many"],
        Sort::Arn => &[
            "arn:aws:iam::111122223333:role/app/sender",
            "arn:aws:iam::111122223333:user/mailer",
            "arn:aws:ses:eu-west-1:111122223333:identity/x.com",
            "arn:aws:sns:eu-west-1:444455556666:topic:with:colons",
            "no arn",
        ],
        Sort::Bytes => &["AQID", "AQI=", "AQIE", "?"],
    }
}

/// Values that a policy can hold for such a key.
fn policy_vocabulary(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Address => &[
            "10.0.0.0/24",
            "10.0.0.0/8",
            "10.0.0.5",
            "0.0.0.0/0",
            "192.0.2.0/25",
            "2001:db8::/32",
            "::/0",
            "10.1.2.3/16",
        ],
        Sort::Date => &[
            "2020-01-01",
            "2020-01-01T00:00Z",
            "2020-06-15T10:30:00Z",
            "2021",
            "2019-06",
            "1577836800",
            "2020-06-15T12:30:00+02:00",
            "2020-06-15t9:30:00-01",
        ],
        Sort::Epoch => &["1577836800", "1592217000", "1650000000"],
        Sort::Number => &["10", "20", "30", "20.0", "20.", "-10", "2e1", ".2e2"],
        other => vocabulary(other),
    }
}

fn operators(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Text | Sort::List => &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringLike",
            "StringNotLike",
        ],
        Sort::Address => &["IpAddress", "NotIpAddress"],
        Sort::Date => &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        Sort::Epoch => {
            &["DateLessThan", "DateGreaterThanEquals", "NumericLessThanEquals", "NumericGreaterThan", "NumericEquals"]
        }
        Sort::Flag => &["Bool"],
        Sort::Number => &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        Sort::Arn => &["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "StringLike"],
        Sort::Bytes => &["BinaryEquals", "StringEquals"],
    }
}

/// The keys of one request, with the values that are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Key, sort, and a value of it when it has one.
    pub keys: Vec<(&'static str, Sort, Option<String>)>,
}

/// A context, with at most `unknown` unknown keys.
pub(crate) fn context(random: &mut Random, mut unknown: usize) -> (Map<String, Value>, Known) {
    let mut context = Map::new();
    let mut known = Known::default();
    for _ in 0..2 + random.below(5) {
        let Some((key, sort)) = KEYS.get(random.below(KEYS.len())).copied() else { continue };
        if known.keys.iter().any(|(named, _, _)| *named == key) {
            continue;
        }
        let words = vocabulary(sort);
        let word = random.pick(words);
        let many = if sort == Sort::List { 75 } else { 6 };
        let value = if unknown > 0 && random.chance(45) {
            unknown -= 1;
            json!({"unknown": true})
        } else if random.chance(4) {
            Value::Null
        } else if random.chance(many) {
            let mut list = Vec::new();
            while random.chance(65) && list.len() < 4 {
                list.push(random.pick(words));
            }
            json!(list)
        } else {
            scalar(random, word)
        };
        let single = match &value {
            Value::Object(_) | Value::Null => None,
            Value::Array(items) => items.first().and_then(Value::as_str).map(str::to_owned),
            _ => Some(word.to_owned()),
        };
        known.keys.push((key, sort, single));
        context.insert(if random.chance(10) { flip_case(random, key) } else { key.to_owned() }, value);
    }
    (context, known)
}

/// A text, or the JSON number or boolean that it stands for.
fn scalar(random: &mut Random, word: &str) -> Value {
    let typed =
        serde_json::from_str::<Value>(word).ok().filter(|value| format!("{value}") == *word && !value.is_string());
    match typed {
        Some(typed) if random.chance(30) => typed,
        _ => json!(word),
    }
}

/// A `Condition` block.
pub(crate) fn block(random: &mut Random, known: &Known) -> Value {
    let mut block = Map::new();
    loop {
        let (operator, key, value) = clause(random, known);
        let keys = block.entry(operator).or_insert_with(|| json!({}));
        if let Some(keys) = keys.as_object_mut() {
            keys.insert(key, value);
        }
        if !random.chance(35) {
            return Value::Object(block);
        }
    }
}

fn clause(random: &mut Random, known: &Known) -> (String, String, Value) {
    let given = known.keys.get(random.below(known.keys.len())).cloned().filter(|_| random.chance(85));
    let (key, sort, word) = given.unwrap_or_else(|| {
        let (key, sort) = KEYS.get(random.below(KEYS.len())).copied().unwrap_or(("ses:FromAddress", Sort::Text));
        (key, sort, None)
    });
    let name = if random.chance(8) { flip_case(random, key) } else { key.to_owned() };
    if random.chance(7) {
        let value = if random.chance(10) { json!(["true", "false"]) } else { json!(random.pick(&["true", "false"])) };
        return ("Null".to_owned(), name, value);
    }
    // Now and then an operator that does not suit the key.
    let sort = if random.chance(4) { random.weighted(ANY_SORT, sort) } else { sort };
    let base = random.pick(operators(sort));
    let mut operator = base.to_owned();
    if random.chance(20) {
        operator.push_str("IfExists");
    }
    let set = if sort == Sort::List { 80 } else { 12 };
    if random.chance(set) {
        operator = format!("{}:{operator}", random.pick(&["ForAllValues", "ForAnyValue"]));
    }
    if random.chance(4) {
        operator = flip_case(random, &operator);
    }
    let mut values = vec![value(random, base, sort, word.as_deref(), known)];
    while random.chance(25) {
        values.push(value(random, base, sort, None, known));
    }
    let value = match values.as_slice() {
        [only] if random.chance(70) => only.clone(),
        _ => Value::Array(values),
    };
    (operator, name, value)
}

const ANY_SORT: &[(usize, Sort)] = &[
    (2, Sort::Text),
    (1, Sort::Address),
    (1, Sort::Date),
    (1, Sort::Flag),
    (1, Sort::Number),
    (1, Sort::Arn),
    (1, Sort::Bytes),
];

/// One value of a policy, often one that the request's value fits.
fn value(random: &mut Random, operator: &str, sort: Sort, word: Option<&str>, known: &Known) -> Value {
    let word = match word {
        Some(word) if random.chance(75) => word,
        _ => random.pick(vocabulary(sort)),
    };
    if operator.contains("Ip") || operator.contains("Date") || operator.contains("Numeric") {
        return scalar(random, random.clone().pick(policy_vocabulary(sort)));
    }
    let made = if operator.starts_with("Arn") {
        arn_pattern(random, word, false)
    } else if operator.contains("Like") {
        pattern(random, word)
    } else if random.chance(15) {
        flip_case(random, word)
    } else {
        word.to_owned()
    };
    if operator != "BinaryEquals" && random.chance(14) {
        return json!(with_variable(random, &made, known));
    }
    if operator == "Bool" { scalar(random, &made) } else { json!(made) }
}

/// The text with a policy variable in the place of a part of it.
pub(crate) fn with_variable(random: &mut Random, text: &str, known: &Known) -> String {
    if random.chance(12) {
        return format!("{}{}", random.pick(&["${*}", "${?}", "${$}", "${", "$"]), text);
    }
    let given = known.keys.get(random.below(known.keys.len())).cloned();
    let (key, word) = match given {
        Some((key, _, word)) if random.chance(85) => (key, word),
        _ => ("aws:userid", None),
    };
    let name = if random.chance(10) { flip_case(random, key) } else { key.to_owned() };
    let variable = match random.below(5) {
        0 => format!("${{{name}, '{}'}}", random.pick(&["a", "x.com", "*", "a b"])),
        _ => format!("${{{name}}}"),
    };
    match word {
        Some(word) if !word.is_empty() && text.contains(&word) => text.replacen(&word, &variable, 1),
        _ if random.chance(50) => variable,
        _ => format!("{variable}{text}"),
    }
}

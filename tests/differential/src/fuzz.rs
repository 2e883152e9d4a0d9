//! What must hold of any bytes: the fuzz targets of `tests/fuzz` call these functions, and an ordinary test gives them every
//! input that is kept there.

use serde_json::Value;

use sesame_policy::case::Case;
use sesame_policy::condition::{Condition, Operator};
use sesame_policy::json::Json;
use sesame_policy::pattern::{ArnPattern, wildcard_matches};
use sesame_policy::{
    Arn, Context, ContextValue, PolicyDocument, PolicyGrammar, Principal, Truth, decide, evaluate as evaluate_in_full,
};

/// Fails when something does not hold of these bytes.
pub type Check = fn(&[u8]);

/// The names of the targets, each with its function.
pub const TARGETS: [(&str, Check); 4] =
    [("arn", arn), ("document", document), ("evaluate", evaluate), ("matcher", matcher)];

/// ARNs, patterns for them, and principals.
pub fn arn(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(principal) = Principal::parse(text) {
        assert_eq!(principal.to_string(), text, "a principal prints as it was read");
    }
    let patterns = [false, true].map(|variables| ArnPattern::parse(text, variables));
    let Ok(arn) = Arn::parse(text) else { return };
    let parts = [arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()];
    assert_eq!(format!("arn:{}", parts.join(":")), text, "the parts are all there is");
    for pattern in patterns {
        let matched = pattern.map(|pattern| pattern.matches(&arn, &Context::new()));
        // Of a text without wildcards and variables the pattern is the text itself. One for no service is none.
        if !text.contains(['*', '?', '$']) && !arn.service().is_empty() {
            assert_eq!(matched, Ok(Truth::True), "an ARN matches itself");
        }
    }
}

/// JSON and policy documents.
pub fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match (Json::parse(text), serde_json::from_str::<Value>(text)) {
        (Ok(json), other) => {
            assert_eq!(Json::parse(&json.to_string()).as_ref(), Ok(&json), "a tree prints as it was read");
            // No number is out of range here.
            assert!(
                other.is_ok_and(|value| value == json.to_value()) || text.contains(|sign: char| sign.is_ascii_digit())
            );
        }
        (Err(error), Ok(_)) => {
            let stricter = error.place.starts_with('/') || error.message.contains("nested deeper");
            assert!(stricter, "what is JSON is refused: {error}");
        }
        (Err(_), Err(_)) => {}
    }
    for grammar in [PolicyGrammar::Identity, PolicyGrammar::Resource, PolicyGrammar::ResourceControl] {
        let Ok(document) = PolicyDocument::parse_str(text, grammar) else { continue };
        for statement in &document.statements {
            assert!(document.raw.pointer(&statement.pointer).is_some(), "a statement is where its pointer says");
            for condition in &statement.conditions {
                assert!(document.raw.pointer(&condition.pointer).is_some(), "so is a condition");
            }
        }
        let again = PolicyDocument::parse(&document.raw, grammar);
        assert_eq!(again.map(|again| again.statements.len()), Ok(document.statements.len()), "and parses again");
    }
}

/// Cases, from their text to the answer.
pub fn evaluate(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let case = match Case::parse(text) {
        Ok(case) => case,
        Err(error) => {
            let answer: Value = serde_json::from_str(&error.answer()).unwrap_or_default();
            assert!(answer.pointer("/error/message").is_some(), "an error is an answer");
            return;
        }
    };
    let (short, full) = (case.decide(), evaluate_in_full(&case.policies, &case.request));
    assert_eq!((short.possible, &short.unknown_keys), (full.possible, &full.unknown_keys));
    assert!(short.possible.iter().next().is_some(), "some decision is possible");
    let answer: Value = serde_json::from_str(&case.answer()).unwrap_or_default();
    assert_eq!(answer.get("id").and_then(Value::as_str), Some(case.id.as_str()));
    for completion in short.completions.iter().filter(|completion| completion.unreadable.is_empty()) {
        let after = decide(&case.policies, &completion.fill(&case.request));
        assert_eq!(after.decision(), Some(completion.decision), "a completion leads where it says");
    }
}

/// Wildcards against regular expressions. The pattern is the first line, the text the rest.
pub fn matcher(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let (pattern, text) = input.split_once('\n').unwrap_or((input, ""));
    let mut expression = String::from("(?s)^");
    for character in pattern.chars() {
        match character {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression.push('$');
    let Ok(oracle) = regex::RegexBuilder::new(&expression).size_limit(1 << 22).build() else { return };
    let expected = oracle.is_match(text);
    assert_eq!(wildcard_matches(pattern, text), expected, "{pattern:?} {text:?}");
    let context = Context::new().with("x:y", ContextValue::One(text.to_owned()));
    let conditions = [("StringLike", expected), ("StringNotLike", !expected)];
    for (operator, holds) in conditions {
        let Ok(operator) = Operator::parse(operator) else { continue };
        let condition = Condition::new(operator, "X:Y".to_owned(), vec![pattern.to_owned()], String::new(), false);
        assert_eq!(condition.map(|condition| condition.evaluate(&context)), Ok(Truth::from(holds)));
    }
}

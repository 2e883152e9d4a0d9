//! The policy engine's answer to the text of a case.

use serde_json::Value;

use sesame_policy::case::Case;

/// The answer as `sesame evaluate` gives it; `null` should it be no JSON, which agrees with nothing.
pub fn answer(text: &str) -> Value {
    let line = match Case::parse(text) {
        Ok(case) => case.answer(),
        Err(error) => error.answer(),
    };
    serde_json::from_str(&line).unwrap_or_default()
}

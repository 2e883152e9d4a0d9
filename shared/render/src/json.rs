//! A finding as JSON.

use serde::Serialize;
use sesame_diagnosis::finding::Finding;

use crate::escape;

/// On one line.
pub fn line<T: Serialize>(value: &T) -> String {
    escape::json(&serde_json::to_string(value).unwrap_or_default())
}

/// Indented.
pub fn pretty(finding: &Finding) -> String {
    escape::json(&serde_json::to_string_pretty(finding).unwrap_or_default())
}

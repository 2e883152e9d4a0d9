//! Expectations: a part of a finding.

use serde_json::Value;

/// Where the actual value differs from what is expected, each with its place.
///
/// Objects: every expected key must be there and fit; a key that ends in `~` wants the actual text to contain the expected one;
/// a key that ends in `?has` wants the actual list to hold an element that fits each expected one, in any order; `?set` wants
/// the list to be as long besides; `?lacks` wants none of its elements to fit. Lists: the same length, element by element.
/// Everything else: equal.
pub fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, actual, "", &mut found);
    found
}

fn compare(expected: &Value, actual: &Value, place: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(fields), Value::Object(_)) => {
            for (key, wanted) in fields {
                if let Some(name) = key.strip_suffix('~') {
                    let text = actual.get(name).and_then(Value::as_str).unwrap_or_default();
                    let part = wanted.as_str().unwrap_or_default();
                    if !text.contains(part) {
                        found.push(format!("{place}/{name}: expected a text with `{part}`, found `{text}`"));
                    }
                } else if let Some(name) = key.strip_suffix("?lacks") {
                    let list = actual.get(name).and_then(Value::as_array);
                    for unwanted in wanted.as_array().into_iter().flatten() {
                        if let Some(element) =
                            list.into_iter().flatten().find(|element| differences(unwanted, element).is_empty())
                        {
                            found.push(format!("{place}/{name}: {element} must not be there"));
                        }
                    }
                } else if let Some(name) = key.strip_suffix("?has").or_else(|| key.strip_suffix("?set")) {
                    let empty = Vec::new();
                    let list = actual.get(name).and_then(Value::as_array).unwrap_or(&empty);
                    let length = wanted.as_array().map_or(0, Vec::len);
                    if key.ends_with("?set") && list.len() != length {
                        found.push(format!("{place}/{name}: expected {length} elements, found {}", list.len()));
                    }
                    for wanted in wanted.as_array().into_iter().flatten() {
                        let nearest = list.iter().map(|element| differences(wanted, element)).min_by_key(Vec::len);
                        match nearest {
                            Some(nearest) if nearest.is_empty() => {}
                            Some(nearest) => found.push(format!(
                                "{place}/{name}: nothing there fits {wanted}; nearest: {}",
                                nearest.join("; ")
                            )),
                            None => found.push(format!("{place}/{name}: nothing is there")),
                        }
                    }
                } else {
                    match actual.get(key) {
                        Some(value) => compare(wanted, value, &format!("{place}/{key}"), found),
                        None => found.push(format!("{place}/{key}: missing")),
                    }
                }
            }
        }
        (Value::Array(wanted), Value::Array(list)) => {
            if wanted.len() != list.len() {
                found.push(format!("{place}: expected {} elements, found {}: {actual}", wanted.len(), list.len()));
            }
            for (index, (wanted, value)) in wanted.iter().zip(list).enumerate() {
                compare(wanted, value, &format!("{place}/{index}"), found);
            }
        }
        _ if expected == actual => {}
        _ => found.push(format!("{place}: expected {expected}, found {actual}")),
    }
}

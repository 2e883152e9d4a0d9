//! Expectations: a part of a finding.

use serde_json::Value;

/// Where the actual value differs from what is expected, each with its place.
///
/// Objects: every expected key must be there and fit; a key that ends in `~` wants the actual text to contain the expected one;
/// a key that ends in `?has` wants the actual list to hold an element that fits each expected one, in any order; one that ends in
/// `?lacks` wants it to hold none that fits any. Lists: the same length, element by element. Everything else: equal.
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
                } else if let Some(name) = key.strip_suffix("?has") {
                    let empty = Vec::new();
                    let list = actual.get(name).and_then(Value::as_array).unwrap_or(&empty);
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
                } else if let Some(name) = key.strip_suffix("?lacks") {
                    let list = actual.get(name).and_then(Value::as_array).expect("a list of the finding");
                    for unwanted in wanted.as_array().into_iter().flatten() {
                        for element in list.iter().filter(|element| differences(unwanted, element).is_empty()) {
                            found.push(format!(
                                "{place}/{name}: expected nothing that fits {unwanted}, found {element}"
                            ));
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

//! The way from one document to another: as RFC 6902, and as a unified diff.

use serde_json::{Value, json};
use similar::TextDiff;

use super::text::pretty;

/// The RFC 6902 patch from `before` to `after`. A new document is one `add` at `""`, a document that goes is one `remove`
/// at `""`, two equal documents are the empty patch.
///
/// A list is compared from both ends, so that a statement added or removed anywhere leaves its neighbours untouched.
pub fn patch(before: Option<&Value>, after: Option<&Value>) -> Value {
    let mut operations = Vec::new();
    match (before, after) {
        (None, None) => {}
        (None, Some(after)) => operations.push(json!({"op": "add", "path": "", "value": after})),
        (Some(_), None) => operations.push(json!({"op": "remove", "path": ""})),
        (Some(before), Some(after)) => compare(before, after, "", &mut operations),
    }
    Value::Array(operations)
}

fn compare(before: &Value, after: &Value, path: &str, operations: &mut Vec<Value>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for key in before.keys().filter(|key| !after.contains_key(*key)) {
                operations.push(json!({"op": "remove", "path": child(path, key)}));
            }
            for (key, value) in after {
                match before.get(key) {
                    Some(present) => compare(present, value, &child(path, key), operations),
                    None => operations.push(json!({"op": "add", "path": child(path, key), "value": value})),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => compare_lists(before, after, path, operations),
        _ => operations.push(json!({"op": "replace", "path": path, "value": after})),
    }
}

fn compare_lists(before: &[Value], after: &[Value], path: &str, operations: &mut Vec<Value>) {
    let shorter = before.len().min(after.len());
    let start = before.iter().zip(after).take_while(|(left, right)| left == right).count();
    let end = before.iter().rev().zip(after.iter().rev()).take(shorter - start).take_while(|(l, r)| l == r).count();
    // What is left between the equal ends is compared pairwise; the rest of it goes or comes.
    let paired = shorter - end;
    for (index, (left, right)) in before.iter().zip(after).enumerate().take(paired).skip(start) {
        compare(left, right, &child(path, &index.to_string()), operations);
    }
    for _ in paired..before.len() - end {
        operations.push(json!({"op": "remove", "path": child(path, &paired.to_string())}));
    }
    for (index, value) in after.iter().enumerate().take(after.len() - end).skip(paired) {
        operations.push(json!({"op": "add", "path": child(path, &index.to_string()), "value": value}));
    }
}

/// The pointer (RFC 6901) of a child.
fn child(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Why a patch does not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It is not RFC 6902.
    #[error("not a JSON patch: {0}")]
    Malformed(String),
    /// It needs something that the document does not hold.
    #[error("the patch does not apply: {0}")]
    DoesNotApply(String),
}

/// Applies an RFC 6902 patch. `None` is a document that is not there: an `add` at `""` makes it, a `remove` at `""` takes it.
pub fn apply_patch(before: Option<&Value>, patch: &Value) -> Result<Option<Value>, PatchError> {
    let operations: json_patch::Patch =
        serde_json::from_value(patch.clone()).map_err(|error| PatchError::Malformed(error.to_string()))?;
    let mut document = before.cloned();
    for operation in operations.0 {
        let at_root = operation.path().is_root();
        document = match (operation, document) {
            (json_patch::PatchOperation::Add(add), _) if at_root => Some(add.value),
            (json_patch::PatchOperation::Remove(_), Some(_)) if at_root => None,
            (operation, Some(mut document)) => {
                json_patch::patch(&mut document, &[operation])
                    .map_err(|error| PatchError::DoesNotApply(error.to_string()))?;
                Some(document)
            }
            (operation, None) => {
                return Err(PatchError::DoesNotApply(format!("no document at `{}`", operation.path())));
            }
        };
    }
    Ok(document)
}

/// A unified diff of the two documents, indented; `""` when they are equal. A document that is not there counts as empty.
pub fn diff(before: Option<&Value>, after: Option<&Value>) -> String {
    let text = |document: Option<&Value>| document.map(|document| pretty(document) + "\n").unwrap_or_default();
    let (before, after) = (text(before), text(after));
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(&before, &after).unified_diff().context_radius(3).header("before", "after").to_string()
}

//! Small edits by JSON pointer that keep everything else as it was, unknown fields and order included.

use serde_json::{Map, Value};

/// Why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer leads nowhere.
    #[error("nothing at `{0}` in the document")]
    NotFound(String),
    /// A document is a JSON object.
    #[error("expected an object at `{0}`")]
    NotAnObject(String),
    /// An object cannot become a list of values.
    #[error("expected a value or a list of values at `{0}`, found an object")]
    NotAList(String),
    /// Without its last statement it is no policy; detach or delete it.
    #[error("`{0}` is the only statement of the document")]
    OnlyStatement(String),
}

/// Appends a value to the list at a pointer. A scalar there becomes a list of both; a value that is there already is not
/// added again.
pub fn append_value(document: &Value, pointer: &str, value: Value) -> Result<Value, EditError> {
    let mut edited = document.clone();
    let place = edited.pointer_mut(pointer).ok_or_else(|| EditError::NotFound(pointer.to_owned()))?;
    match place {
        Value::Object(_) => return Err(EditError::NotAList(pointer.to_owned())),
        Value::Array(values) if values.contains(&value) => {}
        Value::Array(values) => values.push(value),
        single if *single == value => {}
        single => *single = Value::Array(vec![single.take(), value]),
    }
    Ok(edited)
}

/// Adds a statement behind the others. A single object there becomes a list.
pub fn add_statement(document: &Value, statement: Value) -> Result<Value, EditError> {
    let mut edited = document.clone();
    match fields_mut(&mut edited)?.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.push(statement),
        Some(single) => *single = Value::Array(vec![single.take(), statement]),
        None => {
            fields_mut(&mut edited)?.insert("Statement".to_owned(), Value::Array(vec![statement]));
        }
    }
    Ok(edited)
}

/// Removes a statement, by its pointer: `/Statement/0`, or `/Statement` for a single object.
pub fn remove_statement(document: &Value, pointer: &str) -> Result<Value, EditError> {
    let not_found = || EditError::NotFound(pointer.to_owned());
    let mut edited = document.clone();
    match fields_mut(&mut edited)?.get_mut("Statement").ok_or_else(not_found)? {
        Value::Array(statements) => {
            let index =
                (0..statements.len()).find(|index| pointer == format!("/Statement/{index}")).ok_or_else(not_found)?;
            if statements.len() == 1 {
                return Err(EditError::OnlyStatement(pointer.to_owned()));
            }
            statements.remove(index);
        }
        _ if pointer == "/Statement" => return Err(EditError::OnlyStatement(pointer.to_owned())),
        _ => return Err(not_found()),
    }
    Ok(edited)
}

/// Puts another value at a pointer where there is one already.
pub fn replace_at(document: &Value, pointer: &str, value: Value) -> Result<Value, EditError> {
    let mut edited = document.clone();
    *edited.pointer_mut(pointer).ok_or_else(|| EditError::NotFound(pointer.to_owned()))? = value;
    Ok(edited)
}

/// `wanted`, or `wanted2`, `wanted3`, … : the first that is no `Sid` of the document yet, since IAM takes each only once.
pub fn unused_sid(document: &Value, wanted: &str) -> String {
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let used = |sid: &str| statements.iter().any(|statement| statement.get("Sid").and_then(Value::as_str) == Some(sid));
    let mut sid = wanted.to_owned();
    let mut number = 2_usize;
    while used(&sid) {
        sid = format!("{wanted}{number}");
        number += 1;
    }
    sid
}

fn fields_mut(document: &mut Value) -> Result<&mut Map<String, Value>, EditError> {
    document.as_object_mut().ok_or_else(|| EditError::NotAnObject("/".to_owned()))
}

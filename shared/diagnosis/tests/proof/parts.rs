//! What a remedy writes, part by part, and the document with one part less.

use serde_json::{Value, json};
use sesame_diagnosis::finding::{Remedy, TargetKind};
use sesame_diagnosis::world::World;

use crate::world::{ACCOUNT, AWS_MANAGED};

/// The elements of a statement that hold a list.
const LISTS: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];

/// The statements of a document.
pub fn statements(document: Option<&Value>) -> Vec<Value> {
    match document.and_then(|document| document.get("Statement")) {
        Some(Value::Array(list)) => list.clone(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    }
}

/// The document that a remedy starts from. A new boundary keeps the statements of the one in whose place it stands.
pub fn base(world: &World, remedy: &Remedy) -> Option<Value> {
    match (&remedy.before, remedy.target.kind) {
        (None, TargetKind::Boundary) => {
            let policy = world.accounts[ACCOUNT].managed_policies[AWS_MANAGED].known().unwrap();
            Some(policy.document.json.as_ref().unwrap().to_value())
        }
        (before, _) => before.clone(),
    }
}

/// The statements that a remedy adds. An edit of a statement that was there is no grant of ours.
pub fn new_statements(world: &World, remedy: &Remedy) -> Vec<Value> {
    let before = statements(base(world, remedy).as_ref());
    statements(remedy.after.as_ref()).into_iter().skip(before.len()).collect()
}

/// The texts of a value, or of a list of them.
pub fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// A value that a remedy writes.
#[derive(Debug, Clone)]
pub struct Part {
    /// Index of its statement.
    pub statement: usize,
    /// The statement was not there before.
    pub new: bool,
    /// `Action`, …, or operator and key of a condition.
    pub place: Place,
    /// The value.
    pub value: String,
}

/// Where a value stands in its statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Element(String),
    Condition { operator: String, key: String, new: bool },
}

/// Every value that is in the one document and not in the other: statements keep their places, new ones come last.
pub fn parts(before: Option<&Value>, after: Option<&Value>) -> Vec<Part> {
    let was = statements(before);
    let mut list = Vec::new();
    for (index, statement) in statements(after).iter().enumerate() {
        let new = index >= was.len();
        let old = was.get(index).cloned().unwrap_or_default();
        let mut compare = |place: Place, old: &Value, now: &Value| {
            let known = texts(old);
            let added = texts(now).into_iter().filter(|value| !known.contains(value));
            list.extend(added.map(|value| Part { statement: index, new, place: place.clone(), value }));
        };
        for element in LISTS {
            compare(Place::Element(element.to_owned()), &old[element], &statement[element]);
        }
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().unwrap() {
                let before = &old["Condition"][operator][key];
                let (operator, key) = (operator.clone(), key.clone());
                compare(Place::Condition { operator, key, new: before.is_null() }, before, values);
            }
        }
    }
    list
}

/// The document with one part less, in every way, each with what is left out: a statement, a value of a list, a condition of a
/// statement that was there. A condition of a new Allow narrows it, and is no part that could be spared.
pub fn one_less(before: Option<&Value>, after: &Value) -> Vec<(String, Value)> {
    let (was, now) = (statements(before), statements(Some(after)));
    let with = |statements: Vec<Value>| {
        let mut less = after.clone();
        less["Statement"] = Value::Array(statements);
        less
    };
    let mut list = Vec::new();
    for index in (was.len()..now.len()).filter(|_| now.len() > 1) {
        let mut rest = now.clone();
        let statement = rest.remove(index);
        list.push((statement.to_string(), with(rest)));
    }
    for part in parts(before, Some(after)) {
        let mut rest = now.clone();
        let statement = &mut rest[part.statement];
        let (of, key) = match &part.place {
            Place::Element(element) => (statement.as_object_mut().unwrap(), element),
            Place::Condition { operator, key, .. } => (statement["Condition"][operator].as_object_mut().unwrap(), key),
        };
        let values: Vec<String> = texts(&of[key]).into_iter().filter(|value| *value != part.value).collect();
        match &part.place {
            _ if !values.is_empty() => of[key] = json!(values),
            Place::Condition { operator, .. } if !part.new => {
                of.remove(key);
                if of.is_empty() {
                    statement["Condition"].as_object_mut().unwrap().remove(operator);
                }
            }
            _ => continue,
        }
        list.push((format!("{part:?}"), with(rest)));
    }
    list
}

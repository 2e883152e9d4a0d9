//! Makes a case on which the answers differ as small as it goes.

use serde_json::Value;

use crate::answers::{Comparison, compare};

/// The smallest case found by leaving things out, and what differs in it.
pub fn minimize(case: Value) -> (Value, String) {
    let mut smallest = case;
    let mut difference = match compare(&smallest) {
        Comparison::Different(difference) => difference,
        Comparison::Same(..) => return (smallest, String::new()),
    };
    // An error on one side only also comes from leaving out what is needed, so it counts only if it was there before.
    let errors_count = one_sided_error(&difference);
    loop {
        let smaller = candidates(&smallest).into_iter().find_map(|candidate| match compare(&candidate) {
            Comparison::Different(found) if one_sided_error(&found) == errors_count => Some((candidate, found)),
            _ => None,
        });
        match smaller {
            Some((candidate, found)) => (smallest, difference) = (candidate, found),
            None => return (smallest, difference),
        }
    }
}

fn one_sided_error(difference: &str) -> bool {
    difference.contains("error none")
}

/// The case with one thing left out or made simpler, big things first.
fn candidates(case: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    for root in ["/policies", "/request/context", "/request/resourceAccount"] {
        collect(case, root, &mut places);
    }
    places.sort_by_key(|place| place.matches('/').count());
    let mut made = Vec::new();
    for place in places {
        made.extend(without(case, &place));
        if let Some(Value::Array(items)) = case.pointer(&place)
            && let [only] = items.as_slice()
        {
            made.extend(replaced(case, &place, only.clone()));
        }
        if let Some(document) = case.pointer(&place).and_then(|policy| policy.get("document")) {
            made.extend(replaced(case, &place, document.clone()));
        }
        if place.ends_with("Action") || place.ends_with("Resource") {
            made.extend(replaced(case, &place, Value::from("*")).filter(|simpler| simpler != case));
        }
    }
    made
}

fn collect(case: &Value, place: &str, places: &mut Vec<String>) {
    let step = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
    match case.pointer(place) {
        Some(Value::Object(fields)) => {
            for name in fields.keys().filter(|name| !["unknown", "unreadable"].contains(&name.as_str())) {
                places.push(step(name));
                collect(case, &step(name), places);
            }
        }
        Some(Value::Array(items)) => {
            for index in 0..items.len() {
                places.push(step(&index.to_string()));
                collect(case, &step(&index.to_string()), places);
            }
        }
        _ => {}
    }
}

fn without(case: &Value, place: &str) -> Option<Value> {
    let (parent, name) = place.rsplit_once('/')?;
    let name = name.replace("~1", "/").replace("~0", "~");
    let mut made = case.clone();
    match made.pointer_mut(parent)? {
        Value::Object(fields) => {
            fields.shift_remove(&name)?;
        }
        Value::Array(items) => {
            let index = name.parse::<usize>().ok().filter(|index| *index < items.len())?;
            items.remove(index);
        }
        _ => return None,
    }
    Some(made)
}

fn replaced(case: &Value, place: &str, by: Value) -> Option<Value> {
    let mut made = case.clone();
    *made.pointer_mut(place)? = by;
    Some(made)
}

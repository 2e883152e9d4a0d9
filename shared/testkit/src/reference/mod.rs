//! A slow evaluator of policy cases, written straight from the rules, to check the real one against.
//!
//! It shares no code with the real one. A case in which everything is known is evaluated statement by statement with
//! a recursive wildcard matcher. A case with unknowns is evaluated once for every way to fill them in.

mod case;
mod complete;
mod completion;
mod condition;
mod context;
mod json;
mod policy;
mod principal;
mod universe;
mod value;
mod variable;
mod wildcard;
mod witness;

use serde_json::{Value, json};

pub use complete::Decision;
pub use context::Present;
pub use json::{Fault, read};
pub use universe::Universe;

use case::Case;

/// More completions than this are not tried.
const MOST_COMPLETIONS: usize = 2_000_000;

/// The answer to a case, in the form of an output line; the values of unknown keys come from the policies.
///
/// `"rich"` says whether those values are known to reach every possible decision. `"approximate": true` stands there
/// when there were too many completions to try; nothing but the fault or the id is then of use.
pub fn answer(case: &Value) -> Value {
    answer_up_to(case, MOST_COMPLETIONS)
}

/// As [`answer`], giving up at so many completions.
pub fn answer_up_to(case: &Value, most: usize) -> Value {
    match Case::read(case) {
        Ok(read) => answer_case(case, &read, &Universe::derive(&read), most),
        Err(fault) => refusal(case, &fault),
    }
}

/// As [`answer`], with the values to try for each unknown key given.
pub fn answer_within(case: &Value, universe: &Universe) -> Value {
    match Case::read(case) {
        Ok(read) => answer_case(case, &read, universe, MOST_COMPLETIONS),
        Err(fault) => refusal(case, &fault),
    }
}

/// The answer to the text of a case; duplicate keys are faults.
pub fn answer_text(text: &str) -> Value {
    match read(text) {
        Ok(case) => answer(&case),
        Err(fault) => refusal(&serde_json::from_str(text).unwrap_or_default(), &fault),
    }
}

fn refusal(case: &Value, fault: &Fault) -> Value {
    let id = case.get("id").filter(|id| id.is_string());
    json!({"id": id, "error": {"pointer": fault.pointer, "message": fault.message}})
}

fn answer_case(case: &Value, read: &Case, universe: &Universe, most: usize) -> Value {
    let id = case.get("id");
    let answer = match completion::answer(read, universe, most) {
        Ok(answer) => answer,
        Err(too_many) => return json!({"id": id, "approximate": true, "completions": too_many.completions}),
    };
    let names = |possible: &std::collections::BTreeSet<Decision>| -> Vec<&'static str> {
        possible.iter().map(|decision| decision.name()).collect()
    };
    let decision = |possible: &std::collections::BTreeSet<Decision>| match names(possible).as_slice() {
        [only] => only,
        _ => "Undetermined",
    };
    let layers: Vec<Value> = answer
        .layers
        .iter()
        .map(|answer| {
            let mut layer = json!({
                "layer": answer.kind.name(),
                "decision": decision(&answer.possible),
                "possible": names(&answer.possible),
            });
            if let (Some(decisive), Some(fields)) = (&answer.decisive, layer.as_object_mut()) {
                fields.insert("decisive".to_owned(), json!(decisive));
            }
            layer
        })
        .collect();
    json!({
        "id": id,
        "decision": decision(&answer.possible),
        "possible": names(&answer.possible),
        "layers": layers,
        "unknownKeys": answer.unknown_keys,
        "unreadableLayers": answer.unreadable_layers,
        "rich": universe.rich,
    })
}

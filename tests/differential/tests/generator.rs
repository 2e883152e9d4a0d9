//! The generated cases reach deep.
#![allow(clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use sesame_differential::case;
use sesame_testkit::reference;

#[test]
fn generator_reaches_every_decision_and_layer() {
    let mut decisions: BTreeMap<String, usize> = BTreeMap::new();
    let mut layers: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..2_000 {
        let answer = reference::answer_up_to(&case(3, number), 2_000);
        *decisions.entry(answer["decision"].as_str().unwrap_or("none").to_owned()).or_default() += 1;
        for layer in answer["layers"].as_array().into_iter().flatten() {
            for possible in layer["possible"].as_array().into_iter().flatten() {
                *layers.entry(format!("{} {}", layer["layer"], possible)).or_default() += 1;
            }
        }
    }
    for decision in ["Allowed", "ImplicitDeny", "ExplicitDeny", "Undetermined"] {
        assert!(decisions.get(decision).is_some_and(|count| *count > 200), "{decisions:?}");
    }
    // Seven layers with three decisions each.
    assert_eq!(layers.len(), 21, "{layers:?}");
    assert!(layers.values().all(|count| *count > 20), "{layers:?}");
}

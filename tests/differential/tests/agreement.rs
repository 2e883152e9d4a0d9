//! The policy engine agrees with the reference evaluator on generated cases.
#![allow(clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use sesame_differential::{case, run};
use sesame_testkit::reference;

#[test]
fn engine_and_reference_agree_on_generated_cases() {
    let found = run(7, 0..4_000);
    if let Some((case, difference)) = found.disagreement {
        panic!("{difference}\n{case}");
    }
    // The generator has to reach each kind of comparison.
    assert!(found.counts.known > 1_000, "{:?}", found.counts);
    assert!(found.counts.exact > 600, "{:?}", found.counts);
    assert!(found.counts.skipped < 200, "{:?}", found.counts);
}

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

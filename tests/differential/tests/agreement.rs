//! The policy engine agrees with the reference evaluator on generated cases.
#![allow(clippy::panic, reason = "tests")]

use sesame_differential::run;

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

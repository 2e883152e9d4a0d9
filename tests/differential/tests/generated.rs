//! The policy engine agrees with the reference evaluator on generated cases.
#![allow(clippy::panic, reason = "tests")]

use sesame_differential::run;

#[test]
fn engine_and_reference_agree_on_generated_cases() {
    // Fewer where so many builds are tested that each second counts: `make mutants`.
    let cases = std::env::var("DIFFERENTIAL_CASES").map_or(4_000, |cases| cases.parse().unwrap_or(4_000));
    let found = run(7, 0..cases);
    if let Some((case, difference)) = found.disagreement {
        panic!("{difference}\n{case}");
    }
    // The generator has to reach each kind of comparison.
    assert!(found.counts.known > cases / 4, "{:?}", found.counts);
    assert!(found.counts.exact > cases / 7, "{:?}", found.counts);
    assert!(found.counts.skipped < cases / 20, "{:?}", found.counts);
}

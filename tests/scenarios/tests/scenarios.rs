//! Every scenario: the finding is as told, the plan is proven, and what the commands print is of the schema.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use sesame_scenarios::run::{findings, world};
use sesame_scenarios::{all, expect};

#[test]
fn findings_are_as_told() {
    let scenarios = all();
    assert!(scenarios.len() >= 2, "only {} scenarios were found", scenarios.len());
    let mut failures = Vec::new();
    for scenario in &scenarios {
        let found = findings(scenario, &world(scenario));
        assert_eq!(found.len(), 1, "{}: one finding is expected", scenario.name);
        let actual = serde_json::to_value(&found[0]).unwrap();
        let differences = expect::differences(&scenario.expected, &actual);
        if !differences.is_empty() {
            failures.push(format!("{}:\n    {}", scenario.name, differences.join("\n    ")));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} scenarios differ:\n{}",
        failures.len(),
        scenarios.len(),
        failures.join("\n")
    );
}

#[test]
fn every_plan_says_what_it_turns_on() {
    for scenario in all() {
        for finding in findings(&scenario, &world(&scenario)) {
            for remedy in finding.planned() {
                let verification = &remedy.verification;
                match verification.allowed_after {
                    Some(allowed) => assert!(allowed, "{}: {} does not help", scenario.name, remedy.id),
                    None => {
                        assert!(!verification.depends_on.is_empty(), "{}: {} names nothing", scenario.name, remedy.id)
                    }
                }
                assert!(remedy.alternative_to.is_none(), "{}: an alternative is in the plan", scenario.name);
            }
        }
    }
}

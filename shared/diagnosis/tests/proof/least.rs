//! Nothing too much: no part of a plan can be left out, and what it grants is named to the letter.

use proptest::prelude::*;
use serde_json::{Value, json};
use sesame_diagnosis::world::World;
use sesame_policy::Possible;

use crate::{Case, case, judge, new_statements, planned, tape, texts, told, world};

proptest! {
    #![proptest_config(sesame_testkit::laws::config(200))]

    #[test]
    fn no_part_of_a_plan_can_be_left_out(choices in tape()) {
        let case = case(&choices);
        let plan = planned(&case.finding);
        if plan.is_empty() {
            return Ok(());
        }
        // What could not be read may refuse whatever is granted: each part must make a difference where it does not.
        let read = judge::filled_in(&case.world);
        let mut whole = read.clone();
        plan.iter().for_each(|remedy| judge::apply(&mut whole, remedy));
        let whole = judged(&whole, &case);
        for (index, remedy) in plan.iter().enumerate() {
            let mut smaller: Vec<Option<Value>> = vec![None];
            if remedy.before.is_none() {
                smaller.extend(parts_left_out(remedy.after.as_ref().unwrap()).into_iter().map(Some));
            }
            for document in smaller {
                let mut world = read.clone();
                for (other, planned) in plan.iter().enumerate() {
                    match (&document, other == index) {
                        (Some(document), true) => judge::apply_document(&mut world, planned, document),
                        (None, true) => {}
                        _ => judge::apply(&mut world, planned),
                    }
                }
                let without = judged(&world, &case);
                prop_assert!(
                    without != whole,
                    "{} need not be whole: {} does as well\n{}",
                    remedy.id,
                    document.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string),
                    told(&case)
                );
            }
        }
    }

    #[test]
    fn grants_are_exact(choices in tape()) {
        let case = case(&choices);
        for remedy in &case.finding.remedies {
            for statement in new_statements(remedy) {
                prop_assert_eq!(&statement["Effect"], &json!("Allow"));
                prop_assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none() && statement.get("NotPrincipal").is_none());
                for action in texts(&statement["Action"]) {
                    prop_assert!(world::SENDS.contains(&action.as_str()), "{action}");
                }
                for resource in texts(&statement["Resource"]) {
                    prop_assert!(resource.starts_with("arn:aws:ses:us-east-1:"), "{resource}");
                    let plain = resource.replace("${*}", "").replace("${?}", "").replace("${$}", "");
                    prop_assert!(!plain.contains(['*', '?', '$']), "{resource}");
                }
                if let Some(principal) = statement.get("Principal") {
                    prop_assert!(!principal.to_string().contains('*'));
                }
            }
        }
    }
}

/// What each request comes to, and the keys on which that turns.
fn judged(world: &World, case: &Case) -> Vec<(Possible, Vec<String>)> {
    let answers = judge::answers(world, &case.world, &case.incident);
    answers.into_iter().map(|answer| (answer.possible, answer.unknown_keys)).collect()
}

/// The document with one statement, action or resource less, in every way.
fn parts_left_out(document: &Value) -> Vec<Value> {
    let mut list = Vec::new();
    let statements = document["Statement"].as_array().unwrap();
    for index in 0..statements.len() {
        if statements.len() > 1 {
            let mut less = document.clone();
            less["Statement"].as_array_mut().unwrap().remove(index);
            list.push(less);
        }
        for element in ["Action", "Resource"] {
            let values = texts(&statements[index][element]);
            for left_out in values.iter().filter(|_| values.len() > 1) {
                let rest: Vec<&String> = values.iter().filter(|value| *value != left_out).collect();
                let mut less = document.clone();
                less["Statement"][index][element] = json!(rest);
                list.push(less);
            }
        }
    }
    list
}

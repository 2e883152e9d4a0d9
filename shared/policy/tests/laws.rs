//! Laws that hold for every request and every set of policies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod support;

use proptest::prelude::*;
use sesame_policy::document::PolicyGrammar;
use sesame_policy::evaluation::{Evaluation, decide, evaluate};
use sesame_policy::{ContextValue, Decision, LayerKind, Policy, Possible, StatementRef, Truth};
use sesame_testkit::laws::config;
use support::{Choices, complete, document, fill, policies, request, show, statement};

fn numbers() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), 1..120)
}

proptest! {
    #![proptest_config(config(400))]

    /// Every way in which the unknowns may turn out leads to a decision that was possible, in each layer too.
    #[test]
    fn filling_in_the_unknowns_never_leaves_the_possible_set(numbers in numbers(), seeds in prop::collection::vec(numbers(), 6)) {
        let mut choices = Choices::new(numbers);
        let (policies, request) = (policies(&mut choices), request(&mut choices, 3));
        let before = decide(&policies, &request);
        for seed in seeds {
            let (completed_policies, completed) = complete(&mut Choices::new(seed), &policies, &request);
            let after = decide(&completed_policies, &completed);
            prop_assert!(after.decision().is_some());
            prop_assert!(after.possible.is_subset(before.possible), "{:?} not in {:?}: {:?}\n{}", after.possible, before.possible, completed.context, show(&policies));
            for layer in &after.layers {
                if let Some(earlier) = before.layer(layer.layer) {
                    prop_assert!(layer.possible.is_subset(earlier.possible), "{:?} {:?} {:?}\n{}", layer, earlier, completed.context, show(&policies));
                }
            }
        }
    }

    /// Every possible decision comes with a completion that leads to it.
    #[test]
    fn every_possible_decision_is_one_that_some_completion_gives(numbers in numbers()) {
        let mut choices = Choices::new(numbers);
        let (policies, request) = (policies(&mut choices), request(&mut choices, 2));
        let evaluation = decide(&policies, &request);
        if evaluation.decision().is_none() && !evaluation.approximate {
            let shown: Possible = evaluation.completions.iter().map(|completion| completion.decision).collect();
            prop_assert_eq!(shown, evaluation.possible);
        }
        for completion in &evaluation.completions {
            let completed = completion.fill(&request);
            let after = decide(&fill(&policies, completion, &request.principal), &completed);
            prop_assert!(after.possible.contains(completion.decision), "{completion:?} {:?}", after.possible);
            // What the completion does not name makes no difference.
            prop_assert_eq!(after.decision(), Some(completion.decision), "{:?} {:?}", completion, after.layers);
        }
    }

    /// Two completions that differ in one key alone and lead to different decisions differ in a key that is named.
    #[test]
    fn a_key_on_which_the_decision_turns_is_named(numbers in numbers(), seed in numbers(), other in numbers()) {
        let mut choices = Choices::new(numbers);
        let (policies, request) = (policies(&mut choices), request(&mut choices, 2));
        let evaluation = decide(&policies, &request);
        let (completed_policies, completed) = complete(&mut Choices::new(seed), &policies, &request);
        let first = decide(&completed_policies, &completed).decision();
        let mut choices = Choices::new(other);
        for (key, value) in request.context.iter() {
            if matches!(value, ContextValue::Unknown(_)) {
                let mut changed = completed.clone();
                changed.context.set(key, support::value(&mut choices, key));
                if decide(&completed_policies, &changed).decision() != first {
                    prop_assert!(evaluation.unknown_keys.iter().any(|named| named == key), "{} {:?}", key, evaluation.unknown_keys);
                }
            }
        }
    }

    #[test]
    fn adding_a_deny_never_allows(numbers in numbers()) {
        let mut choices = Choices::new(numbers);
        let (before, request) = (policies(&mut choices), request(&mut choices, 4));
        let mut after = before.clone();
        add(&mut choices, &mut after, "Deny");
        let (before, after) = (decide(&before, &request), decide(&after, &request));
        if !before.approximate && !after.approximate {
            prop_assert!(!after.possible.contains(Decision::Allowed) || before.possible.contains(Decision::Allowed));
            prop_assert!(!before.possible.refused() || after.possible.refused());
        }
    }

    #[test]
    fn adding_an_allow_never_turns_into_an_explicit_deny(numbers in numbers()) {
        let mut choices = Choices::new(numbers);
        let (before, request) = (policies(&mut choices), request(&mut choices, 4));
        let mut after = before.clone();
        add(&mut choices, &mut after, "Allow");
        let (before, after) = (decide(&before, &request), decide(&after, &request));
        if !before.approximate && !after.approximate {
            prop_assert_eq!(after.possible.contains(Decision::ExplicitDeny), before.possible.contains(Decision::ExplicitDeny));
            prop_assert!(before.decision() != Some(Decision::Allowed) || after.decision() == Some(Decision::Allowed));
        }
    }

    #[test]
    fn the_order_of_statements_is_irrelevant(numbers in numbers()) {
        let mut choices = Choices::new(numbers);
        let (mut policies, request) = (policies(&mut choices), request(&mut choices, 4));
        let before = decide(&policies, &request);
        for list in lists(&mut policies) {
            list.reverse();
            for policy in list.iter_mut() {
                let Some(document) = &policy.document else { continue };
                let mut raw = document.raw.to_value();
                raw["Statement"].as_array_mut().unwrap().reverse();
                let text = raw.to_string();
                policy.document = Some(sesame_policy::PolicyDocument::parse_str(&text, document.grammar()).unwrap().into());
            }
        }
        let after = decide(&policies, &request);
        prop_assert_eq!(before.possible, after.possible);
        prop_assert_eq!(&before.unknown_keys, &after.unknown_keys);
        prop_assert_eq!(&before.unreadable_layers, &after.unreadable_layers);
        for (before, after) in before.layers.iter().zip(&after.layers) {
            prop_assert_eq!((before.layer, before.possible, &before.levels), (after.layer, after.possible, &after.levels));
            prop_assert_eq!(before.decisive.len(), after.decisive.len());
        }
    }

    #[test]
    fn a_decision_and_a_traced_evaluation_are_equal(numbers in numbers()) {
        let mut choices = Choices::new(numbers);
        let (policies, request) = (policies(&mut choices), request(&mut choices, 3));
        let (short, full) = (decide(&policies, &request), evaluate(&policies, &request));
        prop_assert!(short.layers.iter().all(|layer| layer.statements.is_empty()));
        let mut without = full.clone();
        without.layers.iter_mut().for_each(|layer| layer.statements.clear());
        prop_assert_eq!(format!("{without:?}"), format!("{short:?}"));
        traces_fit(&full)?;
    }
}

/// A trace's outcome is that of its elements, and what decides is what matches.
fn traces_fit(evaluation: &Evaluation) -> Result<(), TestCaseError> {
    for layer in &evaluation.layers {
        for trace in &layer.statements {
            let elements = trace.conditions.iter().fold(
                trace.action.and(trace.resource).and(trace.principal.unwrap_or(Truth::True)),
                |all, condition| all.and(condition.outcome),
            );
            prop_assert!(elements == trace.outcome || elements == Truth::Unknown, "{:?}", trace);
        }
        let outcome =
            |at: &StatementRef| layer.statements.iter().find(|trace| trace.at == *at).map(|trace| trace.outcome);
        prop_assert!(layer.decisive.iter().all(|at| outcome(at).is_some_and(Truth::possible)), "{:?}", layer);
    }
    Ok(())
}

fn lists(policies: &mut sesame_policy::PolicySet) -> Vec<&mut Vec<Policy>> {
    let mut lists = vec![&mut policies.identity, &mut policies.resource];
    lists.extend([&mut policies.boundary, &mut policies.session, &mut policies.vpc_endpoint].into_iter().flatten());
    lists.extend([&mut policies.service_control, &mut policies.resource_control].into_iter().flatten().flatten());
    lists
}

/// Adds a policy of one statement to a layer that is there.
fn add(choices: &mut Choices, policies: &mut sesame_policy::PolicySet, effect: &str) {
    let grammars = [PolicyGrammar::Identity, PolicyGrammar::Resource];
    let mut lists = lists(policies);
    let at = choices.below(lists.len());
    let grammar = lists[at]
        .iter()
        .find_map(|policy| policy.document.as_ref())
        .map_or(grammars[at.min(1)], |document| document.grammar());
    let text = statement(choices, effect, grammar != PolicyGrammar::Identity);
    lists[at].push(Policy { name: None, document: Some(document(&[text], "2012-10-17", grammar)) });
}

#[test]
fn the_layers_have_their_names() {
    assert_eq!(LayerKind::ALL.map(LayerKind::as_str).len(), 7);
}

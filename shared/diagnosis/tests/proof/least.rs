//! Nothing too much: no part of a plan can be left out, what it writes is named to the letter, and no smaller candidate would do.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use sesame_diagnosis::denial::Caller;
use sesame_diagnosis::finding::Remedy;
use sesame_diagnosis::question::questions;
use sesame_diagnosis::subject::resolve;
use sesame_diagnosis::world::World;
use sesame_policy::{ContextValue, Decision, Possible};

use crate::parts::{Place, base, new_statements, one_less, parts, statements, texts};
use crate::{Case, case, judge, planned, tape, told, world};

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
        let there = condition_values(&case.world);
        let whole = judged(&with(&read, &plan, None), &case);
        for (index, remedy) in plan.iter().enumerate() {
            let rest: Vec<&Remedy> = plan.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| *other).collect();
            prop_assert!(judged(&with(&read, &rest, None), &case) != whole, "{} is not needed\n{}", remedy.id, told(&case));
            for (part, smaller) in spared(&case, remedy, &there) {
                let without = judged(&with(&read, &rest, Some((remedy, &smaller))), &case);
                prop_assert!(without != whole, "{} does as well without {part}\n{}", remedy.id, told(&case));
            }
        }
        // An alternative stands in the place of one part of the plan.
        for remedy in &case.finding.remedies {
            let Some(replaced) = &remedy.alternative_to else { continue };
            let rest: Vec<&Remedy> = plan.iter().filter(|other| other.id != *replaced).copied().collect();
            let whole = judged(&with(&read, &rest, Some((remedy, remedy.after.as_ref().unwrap()))), &case);
            for (part, smaller) in spared(&case, remedy, &there) {
                let without = judged(&with(&read, &rest, Some((remedy, &smaller))), &case);
                prop_assert!(without != whole, "{} does as well without {part}: {remedy:#?}\n{}", remedy.id, told(&case));
            }
        }
    }

    #[test]
    fn grants_are_exact(choices in tape()) {
        let case = case(&choices);
        let asked = refused(&case);
        for remedy in &case.finding.remedies {
            for statement in new_statements(&case.world, remedy) {
                prop_assert_eq!(&statement["Effect"], &json!("Allow"));
                prop_assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none() && statement.get("NotPrincipal").is_none());
                for action in texts(&statement["Action"]) {
                    prop_assert!(world::SENDS.contains(&action.as_str()), "{action}");
                    for resource in texts(&statement["Resource"]) {
                        // Every pair: a list of actions on a list of resources is no more than was asked and refused.
                        prop_assert!(asked.contains(&(action.clone(), resource.clone())), "{action} on {resource}\n{}", told(&case));
                    }
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

    /// A wildcard, a range or a value besides the request's own comes from a document that is there, word by word: a new grant
    /// takes over the guards of the nearest Allow, which say what that permission is for.
    #[test]
    fn what_a_remedy_writes_is_the_requests_own_or_was_there(choices in tape()) {
        let case = case(&choices);
        let there = condition_values(&case.world);
        for remedy in &case.finding.remedies {
            for part in parts(base(&case.world, remedy).as_ref(), remedy.after.as_ref()) {
                let value = part.value.clone();
                match &part.place {
                    Place::Element(element) if element.ends_with("Action") => {
                        prop_assert!(asked(&case).any(|(action, _)| action == value), "{part:?}\n{}", told(&case));
                    }
                    Place::Element(_) => {
                        prop_assert!(asked(&case).any(|(_, resource)| resource == value), "{part:?}\n{}", told(&case));
                    }
                    Place::Condition { operator, key, .. } => {
                        let carried = part.new && there.contains(&(key.to_ascii_lowercase(), value.clone()));
                        let bridge = remedy.expires.as_ref() == Some(&value);
                        let presence = operator == "Null";
                        prop_assert!(
                            carried || bridge || presence || own(&case, operator, key).contains(&value),
                            "{part:?} of {} is nobody's\n{}",
                            remedy.id,
                            told(&case)
                        );
                    }
                }
            }
        }
    }

    /// A principal is exempted from a Deny only where none of the Deny's own exceptions could take one more value instead.
    #[test]
    fn the_narrowest_exception_is_taken(choices in tape()) {
        let case = case(&choices);
        let plan = planned(&case.finding);
        let read = judge::filled_in(&case.world);
        for (index, remedy) in plan.iter().enumerate() {
            let Some(after) = &remedy.after else { continue };
            let base = base(&case.world, remedy);
            let exempted = parts(base.as_ref(), Some(after)).into_iter().filter(|part| {
                let exempts = |operator: &str| operator.eq_ignore_ascii_case("ArnNotEquals");
                matches!(&part.place, Place::Condition { operator, key, new: true }
                    if exempts(operator) && key == "aws:PrincipalArn" && !part.new)
            });
            for part in exempted {
                let whole = judged(&with(&read, &plan, None), &case);
                let rest: Vec<&Remedy> = plan.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| *other).collect();
                let was = &statements(base.as_ref())[part.statement];
                for narrower in exceptions(was, &case) {
                    let mut list = statements(Some(after));
                    list[part.statement] = narrower.clone();
                    let mut document = after.clone();
                    document["Statement"] = Value::Array(list);
                    let instead = judged(&with(&read, &rest, Some((remedy, &document))), &case);
                    prop_assert!(instead != whole, "{narrower} would do\n{}", told(&case));
                }
            }
        }
    }
}

/// The world with these remedies in it, and one more with another document.
fn with(world: &World, remedies: &[&Remedy], other: Option<(&Remedy, &Value)>) -> World {
    let mut world = world.clone();
    remedies.iter().for_each(|remedy| judge::apply(&mut world, remedy));
    if let Some((remedy, document)) = other {
        judge::apply_document(&mut world, remedy, document);
    }
    world
}

/// What each request comes to, and the keys on which that turns.
fn judged(world: &World, case: &Case) -> Vec<(Possible, Vec<String>)> {
    let answers = judge::answers(world, &case.world, &case.incident);
    answers.into_iter().map(|answer| (answer.possible, answer.unknown_keys)).collect()
}

/// A remedy's document with one part less. The values of a guard that is taken over whole are its author's choice.
fn spared(case: &Case, remedy: &Remedy, there: &BTreeSet<(String, String)>) -> Vec<(String, Value)> {
    let base = base(&case.world, remedy);
    // A policy that is taken off has no parts.
    let Some(after) = &remedy.after else { return Vec::new() };
    let carried: Vec<String> = parts(base.as_ref(), Some(after))
        .into_iter()
        .filter(|part| match &part.place {
            Place::Condition { key, .. } => part.new && there.contains(&(key.to_ascii_lowercase(), part.value.clone())),
            Place::Element(_) => false,
        })
        .map(|part| format!("{part:?}"))
        .collect();
    let mut list = one_less(base.as_ref(), after);
    list.retain(|(part, _)| !carried.contains(part));
    list
}

/// Key (lower-case) and value of every condition in the documents of a world.
fn condition_values(world: &World) -> BTreeSet<(String, String)> {
    let mut set = BTreeSet::new();
    for document in world::documents(world) {
        for statement in statements(Some(&document)) {
            let blocks = statement["Condition"].as_object().cloned().unwrap_or_default();
            for (key, values) in blocks.values().filter_map(Value::as_object).flatten() {
                set.extend(texts(values).into_iter().map(|value| (key.to_ascii_lowercase(), value)));
            }
        }
    }
    set
}

/// Actions and resources of the questions of an incident, resources as a policy names them.
fn asked(case: &Case) -> impl Iterator<Item = (String, String)> + '_ {
    case.incident.distinct.iter().flat_map(|(denial, _)| {
        let list = questions(denial, &resolve(denial, &case.world), &case.world);
        list.into_iter().map(|question| (question.action, escaped(question.resource.as_str())))
    })
}

/// Those that were not allowed for certain in each request context.
fn refused(case: &Case) -> BTreeSet<(String, String)> {
    let answers = judge::answers(&case.world, &case.world, &case.incident);
    let open = asked(case).zip(answers).filter(|(_, answer)| answer.possible != Possible::only(Decision::Allowed));
    open.map(|(pair, _)| pair).collect()
}

/// A text that patterns take literally.
fn escaped(text: &str) -> String {
    text.replace('*', "${*}").replace('?', "${?}")
}

/// The values of a key in the requests of an incident, as an operator takes them.
fn own(case: &Case, operator: &str, key: &str) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    for (denial, _) in &case.incident.distinct {
        for question in questions(denial, &resolve(denial, &case.world), &case.world) {
            let (request, _) = judge::ask(&case.world, denial, &question);
            // Whose a service's call is, no record tells: it is held to the identity's own account.
            if key == "aws:SourceAccount" && matches!(denial.caller, Caller::Service(_)) {
                set.insert(question.resource.account().to_owned());
            }
            let values = match request.context.get(key) {
                ContextValue::One(value) => vec![value.clone()],
                ContextValue::Many(values) => values.clone(),
                _ => Vec::new(),
            };
            set.extend(values.into_iter().map(|value| {
                let operator = operator.to_ascii_lowercase();
                match (operator.contains("ipaddress"), operator.contains("like") || operator.contains("arn")) {
                    (true, _) if value.contains(':') => format!("{value}/128"),
                    (true, _) => format!("{value}/32"),
                    (_, true) => escaped(&value),
                    (_, false) => value,
                }
            }));
        }
    }
    set
}

/// A Deny with what is known of the requests added to one of its own exceptions, in every way.
fn exceptions(deny: &Value, case: &Case) -> Vec<Value> {
    let mut list = Vec::new();
    let extend = |values: &Value, more: BTreeSet<String>| -> Option<Value> {
        let mut all = texts(values);
        let new: Vec<String> = more.into_iter().filter(|value| !all.contains(value)).collect();
        all.extend(new.iter().cloned());
        (!new.is_empty()).then(|| json!(all))
    };
    for (operator, keys) in deny["Condition"].as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().unwrap() {
            let negated = operator.to_ascii_lowercase().contains("not");
            if let Some(all) = extend(values, own(case, operator, key)).filter(|_| negated) {
                let mut other = deny.clone();
                other["Condition"][operator][key] = all;
                list.push(other);
            }
        }
    }
    let elements = [
        ("NotAction", asked(case).map(|(action, _)| action).collect::<BTreeSet<_>>()),
        ("NotResource", asked(case).map(|(_, resource)| resource).collect()),
    ];
    for (element, more) in elements {
        if let Some(all) = deny.get(element).and_then(|values| extend(values, more)) {
            let mut other = deny.clone();
            other[element] = all;
            list.push(other);
        }
    }
    list
}

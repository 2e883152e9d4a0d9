//! The two answers to a case, and whether they agree.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use sesame_testkit::reference;

use crate::engine;

/// More completions than this are left to the engine alone.
const MOST_COMPLETIONS: usize = 6_000;

/// What kind of agreement a case showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Nothing was unknown.
    Known,
    /// All values of the unknowns that make a difference were tried: the answers are equal.
    Exact,
    /// Only some were tried: the engine's answer holds everything that they give.
    Contained,
    /// The same, because the engine could not tell all values apart.
    Approximate,
    /// Too many for the reference evaluator.
    Skipped,
}

/// How many cases there were of which sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases without unknowns.
    pub known: u64,
    /// Cases with unknowns, compared exactly.
    pub exact: u64,
    /// Cases with unknowns, checked for containment.
    pub contained: u64,
    /// Cases in which the engine calls its answer approximate, checked for containment.
    pub approximate: u64,
    /// Cases that the reference evaluator could not answer.
    pub skipped: u64,
    /// Cases by the engine's answer: allowed, implicitly denied, explicitly denied, undetermined, an error.
    pub answers: [u64; 5],
}

impl Counts {
    pub(crate) fn add(&mut self, sort: Sort, answer: usize) {
        if let Some(count) = self.answers.get_mut(answer) {
            *count += 1;
        }
        match sort {
            Sort::Approximate => self.approximate += 1,
            Sort::Known => self.known += 1,
            Sort::Exact => self.exact += 1,
            Sort::Contained => self.contained += 1,
            Sort::Skipped => self.skipped += 1,
        }
    }

    /// The sum of two counts.
    pub fn plus(self, other: Counts) -> Counts {
        Counts {
            known: self.known + other.known,
            exact: self.exact + other.exact,
            contained: self.contained + other.contained,
            approximate: self.approximate + other.approximate,
            skipped: self.skipped + other.skipped,
            answers: std::array::from_fn(|at| {
                let count = |counts: &Counts| counts.answers.get(at).copied().unwrap_or_default();
                count(&self) + count(&other)
            }),
        }
    }
}

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The answers agree; the index of the answer in [`Counts::answers`].
    Same(Sort, usize),
    /// They do not; what differs.
    Different(String),
}

/// Answers the case both ways.
pub fn compare(case: &Value) -> Comparison {
    let expected = reference::answer_up_to(case, MOST_COMPLETIONS);
    let found = engine::answer(&case.to_string());
    let error = |answer: &Value| answer.pointer("/error/pointer").and_then(Value::as_str).map(str::to_owned);
    if error(&expected).is_some() || error(&found).is_some() {
        return if error(&expected) == error(&found) {
            Comparison::Same(Sort::Known, answer(&found))
        } else {
            Comparison::Different(format!("reference error {}, engine error {}", at(&expected), at(&found)))
        };
    }
    if is_true(&expected, "approximate") {
        return Comparison::Same(Sort::Skipped, answer(&found));
    }
    let approximate = is_true(&found, "approximate");
    let exact = is_true(&expected, "rich") && !approximate;
    let difference = differing(&expected, &found, exact);
    let unknown = case.to_string().contains("\"unknown\"") || case.to_string().contains("\"unreadable\"");
    match difference {
        Some(difference) => Comparison::Different(difference),
        None if !unknown => Comparison::Same(Sort::Known, answer(&found)),
        None if exact => Comparison::Same(Sort::Exact, answer(&found)),
        None if approximate => Comparison::Same(Sort::Approximate, answer(&found)),
        None => Comparison::Same(Sort::Contained, answer(&found)),
    }
}

/// Which of [`Counts::answers`] an answer is.
fn answer(found: &Value) -> usize {
    let decisions = ["Allowed", "ImplicitDeny", "ExplicitDeny", "Undetermined"];
    let decision = found.get("decision").and_then(Value::as_str);
    decisions.iter().position(|name| Some(*name) == decision).unwrap_or(decisions.len())
}

fn at(answer: &Value) -> String {
    answer.get("error").map_or("none".to_owned(), Value::to_string)
}

fn is_true(answer: &Value, field: &str) -> bool {
    answer.get(field) == Some(&Value::Bool(true))
}

fn differing(expected: &Value, found: &Value, exact: bool) -> Option<String> {
    for field in ["possible", "unknownKeys", "unreadableLayers"] {
        let (wanted, given) = (set(expected, field), set(found, field));
        if !agree(&wanted, &given, exact) {
            return Some(format!("{field}: reference {wanted:?}, engine {given:?}"));
        }
    }
    let possible = set(found, "possible");
    let decision = found.get("decision").and_then(Value::as_str).unwrap_or_default();
    let stated = match possible.iter().collect::<Vec<_>>().as_slice() {
        [only] => only.as_str(),
        _ => "Undetermined",
    };
    if decision != stated {
        return Some(format!("decision: {decision}, but possible is {possible:?}"));
    }
    let (wanted, given) = (layers(expected), layers(found));
    if wanted.keys().collect::<Vec<_>>() != given.keys().collect::<Vec<_>>() {
        return Some(format!("layers: reference {:?}, engine {:?}", wanted.keys(), given.keys()));
    }
    wanted.iter().find_map(|(name, wanted)| {
        let given = given.get(name)?;
        (!agree(wanted, given, exact)).then(|| format!("layer {name}: reference {wanted:?}, engine {given:?}"))
    })
}

fn agree(wanted: &BTreeSet<String>, given: &BTreeSet<String>, exact: bool) -> bool {
    if exact { wanted == given } else { wanted.is_subset(given) }
}

fn set(answer: &Value, field: &str) -> BTreeSet<String> {
    let items = answer.get(field).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn layers(answer: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let layers = answer.get("layers").and_then(Value::as_array);
    layers
        .into_iter()
        .flatten()
        .filter_map(|layer| Some((layer.get("layer")?.as_str()?.to_owned(), set(layer, "possible"))))
        .collect()
}

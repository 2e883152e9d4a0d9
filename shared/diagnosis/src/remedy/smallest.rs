//! Nothing too much: a part of what is granted that another part makes good is left out again. Request contexts are granted one
//! by one, so that the grant for one may cover another.

use std::sync::Arc;

use serde_json::{Value, json};
use sesame_policy::evaluation::decide;
use sesame_policy::{Effect, PolicySet, Possible, Request};

use super::Situation;
use super::draft::Draft;
use super::patched::{Change, patched, places};
use crate::examine::{Examined, alone, neutralize, unreadable_policies};
use crate::finding::TargetKind;

/// Leaves out new statements, and their actions and resources, where every answer stays as it is.
pub fn prune(situation: &Situation, drafts: &mut [Draft]) {
    let mut changes: Option<(Vec<Change>, Answers)> = None;
    let mut pruned: Vec<(usize, Option<Value>)> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        // Statements are added behind those that were there.
        let there = match &draft.before {
            Some(before) => statement_count(before),
            // A new boundary keeps those of the one in whose place it stands.
            None if draft.target.kind == TargetKind::Boundary => boundary_statements(situation),
            None => 0,
        };
        let reductions = draft.after.as_ref().map(|after| reductions(after, there)).unwrap_or_default();
        if reductions.is_empty() {
            continue;
        }
        // Most plans have nothing that could be left out, and never come here.
        let (changes, whole) = changes.get_or_insert_with(|| {
            let changes: Vec<Change> = drafts.iter().map(Change::of).collect();
            let whole = Answers::of(situation, &changes);
            (changes, whole)
        });
        // Each that succeeds makes a smaller document, whose parts are tried anew.
        let (mut left, mut smallest) = (reductions, None);
        while let Some(smaller) = left.pop() {
            let Some(place) = changes.get_mut(index) else { break };
            let kept = std::mem::replace(place, Change::to(draft, Some(&smaller)));
            if whole.stay(situation, changes) {
                left = self::reductions(&smaller, there);
                smallest = Some(smaller);
            } else if let Some(place) = changes.get_mut(index) {
                *place = kept;
            }
        }
        pruned.push((index, smallest));
    }
    for (index, smallest) in pruned {
        if let (Some(draft), Some(smallest)) = (drafts.get_mut(index), smallest) {
            draft.after = Some(smallest);
        }
    }
}

/// What a question comes to, and the unknown keys on which that turns.
type Answer = (Possible, Vec<String>);

/// The answers to all questions.
enum Answers {
    /// Of all policies together, where they let every request through.
    Whole(Vec<Answer>),
    /// Where something still refuses, no part of a grant would make a difference: what the Allows of each changed layer come to
    /// by themselves.
    Apart(Vec<Answer>),
}

impl Answers {
    fn of(situation: &Situation, changes: &[Change]) -> Answers {
        let whole = whole(situation, changes);
        match whole.iter().any(|(possible, _)| possible.refused()) {
            false => Answers::Whole(whole),
            true => Answers::Apart(apart(situation, changes)),
        }
    }

    /// Whether they are the same with these changes.
    fn stay(&self, situation: &Situation, changes: &[Change]) -> bool {
        match self {
            Answers::Whole(answers) => *answers == whole(situation, changes),
            Answers::Apart(answers) => *answers == apart(situation, changes),
        }
    }
}

/// The answers with these changes. What could not be read may refuse whatever is granted: it is taken as out of the way, so that
/// every part that makes a difference shows it.
fn whole(situation: &Situation, changes: &[Change]) -> Vec<Answer> {
    let changes: Vec<&Change> = changes.iter().collect();
    let each = situation.examined.iter().flatten();
    each.map(|examined| answer(&readable(examined, &changes), &examined.request)).collect()
}

/// The same without any Deny, each changed layer alone.
fn apart(situation: &Situation, changes: &[Change]) -> Vec<Answer> {
    let changes: Vec<&Change> = changes.iter().collect();
    let mut list = Vec::new();
    for examined in situation.examined.iter().flatten() {
        let allows = only_allows(readable(examined, &changes));
        for (layer, level) in places(examined, &changes) {
            list.push(answer(&alone(&allows, layer, level, &examined.request), &examined.request));
        }
    }
    list
}

fn answer(policies: &PolicySet, request: &Request) -> Answer {
    let evaluation = decide(policies, request);
    (evaluation.possible, evaluation.unknown_keys)
}

fn readable(examined: &Examined, changes: &[&Change]) -> PolicySet {
    let policies = patched(examined, changes);
    neutralize(&policies, &unreadable_policies(&policies), &examined.request)
}

fn only_allows(mut policies: PolicySet) -> PolicySet {
    let levels = policies.service_control.iter_mut().flatten().flatten();
    let optional =
        policies.boundary.iter_mut().chain(&mut policies.session).chain(&mut policies.vpc_endpoint).flatten();
    let each = policies.identity.iter_mut().chain(&mut policies.resource).chain(optional).chain(levels);
    for document in each.filter_map(|policy| policy.document.as_mut()) {
        let allows = |index: usize| document.statements.get(index).is_some_and(|it| it.effect == Effect::Allow);
        *document = Arc::new(document.keeping(allows));
    }
    policies
}

fn boundary_statements(situation: &Situation) -> usize {
    let boundaries = situation.examined.iter().flatten().filter_map(|examined| examined.set.boundary.as_ref()?.first());
    boundaries
        .filter_map(|boundary| boundary.document.as_ref())
        .map(|document| document.statements.len())
        .next()
        .unwrap_or(0)
}

fn statement_count(document: &Value) -> usize {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.len(),
        Some(_) => 1,
        None => 0,
    }
}

/// The document with one part less, in every way, but for the statements that were there; the broadest statements, which have no
/// condition, are tried first (the last is tried first).
fn reductions(document: &Value, there: usize) -> Vec<Value> {
    let Some(statements) = document.get("Statement").and_then(Value::as_array) else { return Vec::new() };
    let mut list = Vec::new();
    for (index, statement) in statements.iter().enumerate().skip(there) {
        for element in ["Action", "Resource"] {
            let values = statement.get(element).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for left_out in values.iter().filter(|_| values.len() > 1) {
                let rest: Vec<&Value> = values.iter().filter(|value| *value != left_out).collect();
                let rest = match rest.as_slice() {
                    [only] => json!(only),
                    _ => json!(rest),
                };
                list.extend(crate::document::replace_at(document, &format!("/Statement/{index}/{element}"), rest).ok());
            }
        }
    }
    let mut by_breadth: Vec<usize> = (there..statements.len()).collect();
    by_breadth.sort_by_key(|index| statements.get(*index).is_none_or(|statement| statement.get("Condition").is_none()));
    let without = |index: usize| crate::document::remove_statement(document, &format!("/Statement/{index}")).ok();
    // One is left: without it nothing would be granted at all.
    list.extend(by_breadth.into_iter().filter(|_| statements.len() > there + 1).filter_map(without));
    list
}

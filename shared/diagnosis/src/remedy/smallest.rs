//! Nothing too much: a part of a new document that another part makes good is left out again. Request contexts are granted one
//! by one, so that the grant for one may cover another.

use serde_json::{Value, json};
use sesame_policy::Possible;
use sesame_policy::evaluation::decide;

use super::Situation;
use super::draft::Draft;
use super::patched::{Change, patched};
use crate::examine::{Examined, neutralize, unreadable_policies};
use crate::finding::TargetKind;

/// Leaves out statements, actions and resources of new documents where every answer stays as it is.
pub fn prune(situation: &Situation, drafts: &mut [Draft]) {
    let mut changes: Option<(Vec<Change>, Vec<Answer>)> = None;
    let mut pruned: Vec<(usize, Option<Value>)> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        // A new boundary takes the place of one whose statements it keeps, whatever they are good for.
        let replaces = draft.target.kind == TargetKind::Boundary;
        let new = draft.after.as_ref().filter(|_| draft.before.is_none() && !replaces);
        let reductions = new.map(reductions).unwrap_or_default();
        if reductions.is_empty() {
            continue;
        }
        // Most plans have nothing that could be left out, and never come here.
        let (changes, whole) = changes.get_or_insert_with(|| {
            let changes: Vec<Change> = drafts.iter().map(Change::of).collect();
            let whole = answers(situation, &changes);
            (changes, whole)
        });
        // Each that succeeds makes a smaller document, whose parts are tried anew.
        let (mut left, mut smallest) = (reductions, None);
        while let Some(smaller) = left.pop() {
            let Some(place) = changes.get_mut(index) else { break };
            let kept = std::mem::replace(place, Change::to(draft, Some(&smaller)));
            if answers(situation, changes) == *whole {
                left = self::reductions(&smaller);
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

/// The answers to all questions with these changes. What could not be read may refuse whatever is granted: it is taken as out of
/// the way, so that every part that makes a difference shows it.
fn answers(situation: &Situation, changes: &[Change]) -> Vec<Answer> {
    let changes: Vec<&Change> = changes.iter().collect();
    let answer = |examined: &Examined| {
        let policies = patched(examined, &changes);
        let readable = neutralize(&policies, &unreadable_policies(&policies), &examined.request);
        let evaluation = decide(&readable, &examined.request);
        (evaluation.possible, evaluation.unknown_keys)
    };
    situation.examined.iter().flatten().map(answer).collect()
}

/// The document with one part less, in every way; the broadest statements, which have no condition, are tried first (the last is
/// tried first).
fn reductions(document: &Value) -> Vec<Value> {
    let Some(statements) = document.get("Statement").and_then(Value::as_array) else { return Vec::new() };
    let mut list = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
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
    let mut by_breadth: Vec<usize> = (0..statements.len()).collect();
    by_breadth.sort_by_key(|index| statements.get(*index).is_none_or(|statement| statement.get("Condition").is_none()));
    let without = |index: usize| crate::document::remove_statement(document, &format!("/Statement/{index}")).ok();
    list.extend(by_breadth.into_iter().filter_map(without));
    list
}

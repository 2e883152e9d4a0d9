//! Nothing too much: a part of a new document that another part makes good is left out again. Request contexts are granted one
//! by one, so that the grant for one may cover another.

use serde_json::{Value, json};
use sesame_policy::Possible;
use sesame_policy::evaluation::decide;

use super::Situation;
use super::draft::Draft;
use super::patched::patched;
use crate::examine::{Blocker, Examined, neutralize};
use crate::finding::Remedy;

/// Leaves out statements, actions and resources of new documents where every answer stays as it is.
pub fn prune(situation: &Situation, drafts: &mut [Draft]) {
    for index in 0..drafts.len() {
        let new = drafts.get(index).filter(|draft| draft.before.is_none()).and_then(|draft| draft.after.clone());
        let Some(mut document) = new else { continue };
        let reductions = reductions(&document);
        if reductions.is_empty() {
            continue;
        }
        let mut remedies: Vec<Remedy> =
            drafts.iter().map(|draft| draft.remedy(String::new(), None, situation.finding)).collect();
        let whole = answers(situation, &remedies);
        // Each that succeeds makes a smaller document, whose parts are tried anew.
        let mut left = reductions;
        while let Some(smaller) = left.pop() {
            if let Some(remedy) = remedies.get_mut(index) {
                remedy.after = Some(smaller.clone());
            }
            if answers(situation, &remedies) == whole {
                left = self::reductions(&smaller);
                document = smaller;
            }
        }
        if let Some(draft) = drafts.get_mut(index) {
            draft.after = Some(document);
        }
    }
}

/// What each question comes to with these remedies, and the keys on which that turns. What could not be read may refuse whatever
/// is granted: it is taken as out of the way, so that every part that makes a difference shows it.
fn answers(situation: &Situation, remedies: &[Remedy]) -> Vec<(Possible, Vec<String>)> {
    let remedies: Vec<&Remedy> = remedies.iter().collect();
    let answer = |examined: &Examined| {
        let set = patched(examined, &remedies);
        let unreadable: Vec<Blocker> = set.unreadable().collect();
        let evaluation =
            decide(&neutralize(&set, unreadable.iter(), &examined.request).policy_set(), &examined.request);
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

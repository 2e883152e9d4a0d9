//! The sentence that says what else becomes allowed.

use std::collections::BTreeSet;

use super::Seen;
use super::variation::{ADDRESSES, FROM, NETWORK, Respect, TIME, Variation};
use crate::near_miss::SENDS;
use crate::question::Question;
use crate::words;

/// One variation in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    respect: Respect,
    /// It stands for any other value.
    general: bool,
    words: String,
}

impl Phrase {
    /// The words of a variation.
    pub fn of(variation: &Variation) -> Phrase {
        Phrase { respect: variation.respect.clone(), general: variation.general, words: variation.words.clone() }
    }
}

/// How many single values, actions or resources are named.
const NAMED: usize = 3;

/// One sentence: what becomes allowed now, what only other policies still refuse, and for whom else.
pub fn sentence(seen: &Seen, who: &str) -> String {
    let now = list(&seen.now, &seen.sends);
    let behind = list(&seen.behind, &seen.sends_behind);
    let mut text = match (now.is_empty(), behind.is_empty()) {
        (false, true) => format!("{} can then also {now}", words::capital(who)),
        (false, false) => {
            format!("{} can then also {now}; where other policies come to allow it, also {behind}", words::capital(who))
        }
        (true, false) => {
            format!("Nothing else becomes allowed now; where other policies come to allow it, {who} can also {behind}")
        }
        (true, true) => {
            "Nothing else becomes allowed: every variation of this send that was tried stays as it was".to_owned()
        }
    };
    if !seen.others.is_empty() {
        let verb = if seen.others.len() == 1 { "is" } else { "are" };
        text = match now.is_empty() && behind.is_empty() {
            true => format!("{} {verb} let through as well", words::capital(&words::join(&seen.others))),
            false => format!("{text}; {} {verb} let through as well", words::join(&seen.others)),
        };
        text.push_str(", as far as other policies allow");
    }
    text.push('.');
    text
}

/// "`ses:SendEmail` on identity `example.com` and configuration set `tracking`".
fn sends(questions: &[&Question]) -> String {
    let mut by_action: Vec<(&str, Vec<String>)> = Vec::new();
    for question in questions {
        let resource = words::short_arn(question.resource.as_str());
        match by_action.iter_mut().find(|(action, _)| action.eq_ignore_ascii_case(&question.action)) {
            Some((_, resources)) => resources.push(resource),
            None => by_action.push((&question.action, vec![resource])),
        }
    }
    let mut together: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (action, resources) in by_action {
        match together.iter_mut().find(|(_, known)| *known == resources) {
            Some((actions, _)) => actions.push(format!("`{action}`")),
            None => together.push((vec![format!("`{action}`")], resources)),
        }
    }
    let phrase = |(actions, resources): &(Vec<String>, Vec<String>)| {
        format!("{} on {}", words::join(actions), words::join(resources))
    };
    together.iter().map(phrase).collect::<Vec<_>>().join(", and ")
}

/// "call … from any other address …; and call any other `ses:Send*` action there; and do so on any other identity".
fn list(phrases: &[Phrase], questions: &[&Question]) -> String {
    let sends = sends(questions);
    let of = |respect: &Respect| -> Vec<String> { shown(phrases.iter().filter(|phrase| phrase.respect == *respect)) };
    let mut keys: Vec<&str> = Vec::new();
    for phrase in phrases {
        if let Respect::Value(key) = &phrase.respect
            && !keys.contains(&key.as_str())
        {
            keys.push(key);
        }
    }
    let mut parts = Vec::new();
    if !keys.is_empty() {
        let values: Vec<String> = keys.iter().flat_map(|key| of(&Respect::Value((*key).to_owned()))).collect();
        // A grant without any guard: six phrases would say no more.
        let any = |key: &&str| {
            let of_key = |phrase: &&Phrase| matches!(&phrase.respect, Respect::Value(known) if known == key);
            let general = phrases.iter().filter(of_key).filter(|phrase| phrase.general).count();
            general >= if *key == FROM { 2 } else { 1 }
        };
        let every = ADDRESSES.iter().chain([&NETWORK, &TIME]).all(any);
        let others: Vec<String> = keys
            .iter()
            .filter(|key| !ADDRESSES.contains(key) && **key != NETWORK && **key != TIME)
            .flat_map(|key| of(&Respect::Value((*key).to_owned())))
            .collect();
        let values = match every {
            true => {
                let all = "with any other addresses and names, from any other network address, at any later time";
                std::iter::once(all.to_owned()).chain(others).collect::<Vec<_>>().join(", ")
            }
            false => or(&values),
        };
        parts.push(format!("call {sends} {values}"));
    }
    let actions: Vec<&Phrase> = phrases.iter().filter(|phrase| phrase.respect == Respect::Action).collect();
    if !actions.is_empty() {
        let others = actions.iter().filter(|phrase| !phrase.general).count();
        let asked: BTreeSet<String> = questions.iter().map(|question| question.action.to_ascii_lowercase()).collect();
        let mut named = match others + asked.len() >= SENDS.len() {
            true => vec!["any other `ses:Send*` action".to_owned()],
            false => actions.iter().filter(|phrase| !phrase.general).map(|phrase| phrase.words.clone()).collect(),
        };
        named.extend(actions.iter().filter(|phrase| phrase.general).map(|phrase| phrase.words.clone()));
        parts.push(format!("call {} there", words::join(&named)));
    }
    let resources = of(&Respect::Resource);
    if !resources.is_empty() {
        let again = match parts.is_empty() {
            true => {
                let mut actions: Vec<String> = Vec::new();
                for action in questions.iter().map(|question| format!("`{}`", question.action)) {
                    if !actions.contains(&action) {
                        actions.push(action);
                    }
                }
                format!("call {}", words::join(&actions))
            }
            false => "do so".to_owned(),
        };
        parts.push(format!("{again} {}", or(&resources)));
    }
    parts.join("; and ")
}

/// The words of one respect: where any other value is allowed, single ones need not be named.
fn shown<'p>(phrases: impl Iterator<Item = &'p Phrase>) -> Vec<String> {
    let (general, single): (Vec<&Phrase>, Vec<&Phrase>) = phrases.partition(|phrase| phrase.general);
    let words = |list: &[&Phrase]| list.iter().map(|phrase| phrase.words.clone()).collect::<Vec<_>>();
    let from = general.first().is_some_and(|first| first.respect == Respect::Value(FROM.to_owned()));
    match general.as_slice() {
        [] => {}
        [_, _] if from => return vec!["with any other From address".to_owned()],
        // One domain's addresses, or all but one's: single ones of the others are named beside it.
        [only] if from => {
            let domain = only.words.split('`').nth(1).map(|domain| format!("@{domain}`"));
            let beside = single.iter().filter(|phrase| domain.as_ref().is_some_and(|end| !phrase.words.ends_with(end)));
            return std::iter::once(only).chain(beside).map(|phrase| phrase.words.clone()).collect();
        }
        _ => return words(&general),
    }
    let mut named = words(&single);
    if named.len() > NAMED {
        let more = named.len() - NAMED;
        named.truncate(NAMED);
        named.push(format!("with {more} more that the documents name"));
    }
    named
}

fn or(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

//! Strings that show what a set of patterns can tell apart.
//!
//! All patterns are run side by side over all strings, shortest first. For every combination of patterns that some
//! string fits, the first such string is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::condition::same_letter;
use super::wildcard::Item;

/// One element of a pattern over strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    /// This character, in either case when `fold`.
    Char { character: char, fold: bool },
    /// One character; not a colon when `within_part`.
    One { within_part: bool },
    /// Any run of characters; without a colon when `within_part`.
    Many { within_part: bool },
}

impl Symbol {
    fn accepts(self, found: char) -> bool {
        match self {
            Symbol::Char { character, fold: false } => character == found,
            Symbol::Char { character, fold: true } => same_letter(character, found),
            Symbol::One { within_part } | Symbol::Many { within_part } => !(within_part && found == ':'),
        }
    }
}

/// The symbols of ordinary items.
pub(crate) fn symbols(items: &[Item], fold: bool, within_part: bool) -> Vec<Symbol> {
    items
        .iter()
        .map(|item| match item {
            Item::Char(character) => Symbol::Char { character: *character, fold },
            Item::AnyOne => Symbol::One { within_part },
            Item::AnyMany => Symbol::Many { within_part },
        })
        .collect()
}

/// The positions that a pattern can have reached, one bit each; the one after the last symbol means that it fits.
type Positions = u128;

/// Longer patterns are left out of the search.
const LONGEST: usize = 127;

fn has(positions: Positions, index: usize) -> bool {
    positions >> index & 1 == 1
}

fn close(pattern: &[Symbol], mut positions: Positions) -> Positions {
    for (index, symbol) in pattern.iter().enumerate() {
        if has(positions, index) && matches!(symbol, Symbol::Many { .. }) {
            positions |= 1 << (index + 1);
        }
    }
    positions
}

fn advance(pattern: &[Symbol], positions: Positions, found: char) -> Positions {
    let mut next = 0;
    for (index, symbol) in pattern.iter().enumerate() {
        if has(positions, index) && symbol.accepts(found) {
            next |= 1 << if matches!(symbol, Symbol::Many { .. }) { index } else { index + 1 };
        }
    }
    close(pattern, next)
}

/// One string for every combination of patterns that some string fits; `false` beside it when the search was cut off.
pub(crate) fn witnesses(patterns: &[Vec<Symbol>], most_states: usize) -> (Vec<String>, bool) {
    let mut searched: Vec<&Vec<Symbol>> = Vec::new();
    for pattern in patterns.iter().filter(|pattern| pattern.len() <= LONGEST) {
        if !searched.contains(&pattern) {
            searched.push(pattern);
        }
    }
    let all_searched = patterns.iter().all(|pattern| pattern.len() <= LONGEST);
    let alphabet = alphabet(&searched);
    let start: Vec<Positions> = searched.iter().map(|pattern| close(pattern, 1)).collect();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start, String::new())]);
    let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    while let Some((state, text)) = queue.pop_front() {
        let fits = searched.iter().zip(&state).map(|(pattern, positions)| has(*positions, pattern.len())).collect();
        found.entry(fits).or_insert_with(|| text.clone());
        for character in &alphabet {
            let next: Vec<Positions> =
                searched.iter().zip(&state).map(|(pattern, at)| advance(pattern, *at, *character)).collect();
            if seen.len() >= most_states {
                return (found.into_values().collect(), false);
            }
            if seen.insert(next.clone()) {
                queue.push_back((next, format!("{text}{character}")));
            }
        }
    }
    (found.into_values().collect(), all_searched)
}

/// The characters that the patterns name, and one that none of them does.
fn alphabet(patterns: &[&Vec<Symbol>]) -> Vec<char> {
    let mut named = BTreeSet::new();
    for symbol in patterns.iter().copied().flatten() {
        match symbol {
            Symbol::Char { character, fold: false } => {
                named.insert(*character);
            }
            Symbol::Char { character, fold: true } => {
                named.extend(character.to_lowercase().chain(character.to_uppercase()).chain([*character]));
            }
            Symbol::One { within_part } | Symbol::Many { within_part } => {
                if *within_part {
                    named.insert(':');
                }
            }
        }
    }
    let other = ('a'..='\u{10ffff}').find(|candidate| candidate.is_alphanumeric() && !named.contains(candidate));
    named.into_iter().chain(other).collect()
}

#[cfg(test)]
mod tests {
    use super::super::wildcard::{matches, pattern};
    use super::*;

    fn of(texts: &[&str]) -> Vec<String> {
        let patterns: Vec<_> = texts.iter().map(|text| symbols(&pattern(text), false, false)).collect();
        let (found, complete) = witnesses(&patterns, 10_000);
        assert!(complete);
        found
    }

    #[test]
    fn every_combination_has_its_string() {
        let patterns = ["a@*", "*@x.com", "?@*"];
        let mut combinations: Vec<Vec<bool>> = of(&patterns)
            .iter()
            .map(|text| patterns.iter().map(|one| matches(&pattern(one), text)).collect())
            .collect();
        combinations.sort();
        // `a@*` implies `?@*`: six combinations are left.
        assert_eq!(combinations.len(), 6);
        combinations.dedup();
        assert_eq!(combinations.len(), 6);
    }

    #[test]
    fn contradictions_have_no_string() {
        assert_eq!(of(&["a*", "b*"]).len(), 3);
        assert_eq!(of(&["*"]).len(), 1);
        assert_eq!(of(&["ab", "a?"]).len(), 3);
    }
}

//! The values that an unknown condition key may have, one for each combination of outcomes that it can lead to.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::environment::Environment;
use super::automaton::Glob;
use super::points::Demands;
use super::space::{AxisKind, AxisValue, Element, Space};
use crate::condition::{Condition, Matcher};
use crate::context::{Context, ContextValue, KeyType};
use crate::letters;
use crate::pattern::{ConditionArnPattern, Pattern, Piece, Resolved, Substitute, Token, tokens_match};

/// How many values a key is given at most.
const VALUES: usize = 4_096;
/// How many combinations of other keys' values are put into the patterns for one key.
const CONTEXTS: usize = 256;
/// The longest text that is searched for what a variable in a pattern could stand for.
const LONGEST_TEXT: usize = 256;

/// Fills the axes of condition keys. A key that is a policy variable in another unknown key's condition comes before that.
pub(super) fn fill(space: &mut Space<'_>, environment: &Environment<'_>) {
    let mut waiting: Vec<usize> =
        (0..space.axes.len()).filter(|axis| matches!(key_of(space, *axis), Some((_, _)))).collect();
    while !waiting.is_empty() {
        let ready = |axis: &usize| variables_before(space, *axis).all(|other| !waiting.contains(&other));
        // In a circle any order is as good, and none is complete.
        let next = waiting.iter().position(ready).unwrap_or_default();
        let axis = waiting.remove(next);
        let (values, complete) = values(space, axis, &waiting, environment);
        if let Some(axis) = space.axes.get_mut(axis) {
            axis.values = values.into_iter().map(AxisValue::Key).collect();
            axis.complete = complete;
        }
    }
}

fn key_of<'s>(space: &'s Space<'_>, axis: usize) -> Option<(&'s str, KeyType)> {
    match &space.axes.get(axis)?.kind {
        AxisKind::Key { key, kind, .. } => Some((key, *kind)),
        AxisKind::Session | AxisKind::Issuer | AxisKind::Unreadable { .. } => None,
    }
}

/// The conditions on a key, each with its axes.
fn conditions_on<'s, 'p>(space: &'s Space<'p>, axis: usize) -> impl Iterator<Item = (&'p Condition, &'s [usize])> {
    let key = key_of(space, axis).map(|(key, _)| key.to_owned());
    space.atoms.iter().filter_map(move |atom| match atom.element {
        Element::Condition(condition) if key.as_deref().is_some_and(|key| condition.key.eq_ignore_ascii_case(key)) => {
            Some((condition, atom.axes.as_slice()))
        }
        _ => None,
    })
}

/// The other axes whose values stand as variables in conditions on this one.
fn variables_before(space: &Space<'_>, axis: usize) -> impl Iterator<Item = usize> {
    conditions_on(space, axis).flat_map(|(_, axes)| axes).copied().filter(move |other| *other != axis)
}

fn values(
    space: &Space<'_>,
    axis: usize,
    waiting: &[usize],
    environment: &Environment<'_>,
) -> (Vec<ContextValue>, bool) {
    let Some((key, kind)) = key_of(space, axis) else { return (Vec::new(), false) };
    let mut complete = true;
    let mut demands = Demands::default();
    for (condition, axes) in conditions_on(space, axis) {
        // Without a set operator all lists are alike.
        if kind == KeyType::TextList && condition.operator.set.is_none() {
            continue;
        }
        // A key in its own pattern.
        complete &= !condition.variables().iter().any(|variable| variable.key.eq_ignore_ascii_case(key));
        let others: Vec<usize> = axes.iter().copied().filter(|other| *other != axis).collect();
        complete &= !others.iter().any(|other| waiting.contains(other));
        let (contexts, all) = contexts(space, &others, environment.context);
        complete &= all;
        for context in contexts {
            demand(&mut demands, condition.matcher(), &context);
        }
    }
    complete &= as_variable(&mut demands, space, axis, environment, true);
    let (texts, all_texts) = demands.texts(kind);
    complete &= all_texts;
    complete &= texts.len() < VALUES;
    let mut seen = HashSet::new();
    let texts = texts.into_iter().filter(|text| seen.insert(text.clone())).take(VALUES);
    let mut values = vec![ContextValue::Absent];
    if kind == KeyType::TextList {
        values.push(ContextValue::Many(Vec::new()));
        values.extend(texts.map(|text| ContextValue::Many(vec![text])));
    } else {
        values.extend(texts.map(ContextValue::One));
    }
    (values, complete)
}

/// The context with every combination of the values of some keys.
fn contexts(space: &Space<'_>, axes: &[usize], context: &Context) -> (Vec<Context>, bool) {
    let mut contexts = Vec::new();
    let mut combinations = space.combinations(axes);
    while let Some(at) = combinations.next_combination() {
        if contexts.len() == CONTEXTS {
            return (contexts, false);
        }
        let mut completed = context.clone();
        for axis in axes {
            if let Some((AxisKind::Key { key, .. }, AxisValue::Key(value))) = space.value(*axis, at) {
                completed.set(key.as_str(), value.clone());
            }
        }
        contexts.push(completed);
    }
    // In a circle of variables the others have no values yet.
    if contexts.is_empty() {
        contexts.push(context.clone());
    }
    (contexts, true)
}

/// Adds what a condition compares a value with. A pattern that is not resolved matches nothing.
fn demand(demands: &mut Demands, matcher: &Matcher, context: &Context) {
    let globs = |patterns: &[Pattern], ignore_case: bool| {
        patterns
            .iter()
            .filter_map(|pattern| match pattern.resolve(context) {
                Resolved::Tokens(tokens) => Some(Glob::of_tokens(&tokens, ignore_case)),
                Resolved::Nothing | Resolved::Unknown => None,
            })
            .collect()
    };
    match matcher {
        Matcher::Text(patterns) => demands.add_test(globs(patterns, false)),
        Matcher::IgnoreCase(patterns) => demands.add_test(globs(patterns, true)),
        Matcher::Boolean(patterns) => {
            let truths = globs(patterns, true);
            demands.add_test(
                truths.into_iter().filter(|glob| ["true", "false"].iter().any(|text| glob.matches(text))).collect(),
            );
        }
        Matcher::Binary(values) => {
            demands
                .add_test(values.iter().flatten().map(|bytes| Glob::of_text(&STANDARD.encode(bytes), false)).collect());
        }
        Matcher::Arn(patterns) => demands.add_test(
            patterns
                .iter()
                .filter_map(|pattern| pattern.resolve(context))
                .filter_map(|parts| Glob::of_arn(&parts))
                .collect(),
        ),
        Matcher::Number(_, numbers) => demands.numbers.extend(numbers.iter().cloned()),
        Matcher::Date(_, moments) => demands.moments.extend(moments.iter().copied()),
        Matcher::Network(networks) => demands.networks.extend(networks.iter().copied()),
        Matcher::Null { .. } => {}
    }
}

/// Adds what the key's value is compared with where it stands as a policy variable. Tells whether that is all; without
/// `relations` what other unknown keys say of it is left out.
fn as_variable(
    demands: &mut Demands,
    space: &Space<'_>,
    axis: usize,
    environment: &Environment<'_>,
    relations: bool,
) -> bool {
    let Some((key, _)) = key_of(space, axis) else { return false };
    let mut complete = true;
    let mut related: HashMap<usize, HashSet<(String, String)>> = HashMap::new();
    for atom in space.atoms.iter().filter(|atom| atom.axes.contains(&axis)) {
        match atom.element {
            Element::Principal(..) => {}
            Element::Resource(element) => {
                let [.., resource] = environment.resource;
                for pattern in element.patterns.iter().filter_map(|pattern| pattern.resource_part()) {
                    complete &= captures(demands, pattern, resource, key, environment.context, Reading::Text);
                }
            }
            Element::Condition(condition) => {
                let mentions = condition.variables().iter().any(|variable| variable.key.eq_ignore_ascii_case(key));
                if !mentions || condition.key.eq_ignore_ascii_case(key) {
                    continue;
                }
                match condition.actual(environment.context) {
                    ContextValue::Absent => {}
                    ContextValue::One(text) => {
                        complete &= known_text(demands, condition, text, key, environment.context);
                    }
                    ContextValue::Many(texts) => {
                        for text in texts {
                            complete &= known_text(demands, condition, text, key, environment.context);
                        }
                    }
                    ContextValue::Unknown(_) if !relations => complete = false,
                    ContextValue::Unknown(_) => {
                        let other = atom.axes.iter().copied().find(|other| {
                            key_of(space, *other).is_some_and(|(other, _)| condition.key.eq_ignore_ascii_case(other))
                        });
                        complete &= other.is_some_and(|other| {
                            relation(
                                demands,
                                space,
                                other,
                                condition,
                                key,
                                environment,
                                related.entry(other).or_default(),
                            )
                        });
                    }
                }
            }
        }
    }
    complete
}

fn known_text(demands: &mut Demands, condition: &Condition, text: &str, key: &str, context: &Context) -> bool {
    match condition.matcher() {
        Matcher::Text(patterns) => patterns
            .iter()
            .fold(true, |all, pattern| all & captures(demands, pattern, text, key, context, Reading::Text)),
        Matcher::IgnoreCase(patterns) | Matcher::Boolean(patterns) => patterns
            .iter()
            .fold(true, |all, pattern| all & captures(demands, pattern, text, key, context, Reading::IgnoringCase)),
        Matcher::Arn(patterns) => patterns.iter().fold(true, |all, pattern| match pattern {
            ConditionArnPattern::Fixed(_) => all,
            ConditionArnPattern::Variables(whole) => {
                all & captures(demands, whole, text, key, context, Reading::BeginningOfArn)
            }
        }),
        _ => true,
    }
}

/// How a pattern is held against a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Text,
    IgnoringCase,
    /// A short pattern matches too, and parts are not told apart: more than what matches.
    BeginningOfArn,
}

/// Adds every value of a variable with which a pattern could match a text. Tells whether that is all.
fn captures(
    demands: &mut Demands,
    pattern: &Pattern,
    text: &str,
    key: &str,
    context: &Context,
    reading: Reading,
) -> bool {
    if !pattern.variables().any(|variable| variable.key.eq_ignore_ascii_case(key)) {
        return true;
    }
    if text.len() > LONGEST_TEXT {
        return false;
    }
    let ignore_case = reading == Reading::IgnoringCase;
    let subject = if ignore_case { letters::lower_text(text) } else { text.to_owned() };
    let ends: Vec<usize> = subject.char_indices().map(|(at, _)| at).chain([subject.len()]).collect();
    let mut found = HashSet::new();
    for (index, start) in ends.iter().enumerate() {
        for end in ends.iter().skip(index) {
            let Some(value) = subject.get(*start..*end) else { continue };
            if found.contains(value) {
                continue;
            }
            let completed = context.clone().with(key, ContextValue::One(value.to_owned()));
            let Some(mut tokens) = tokens_with_unknown_as_anything(pattern, &completed) else { return true };
            if reading == Reading::BeginningOfArn {
                tokens.push(Token::AnySequence);
            }
            let lower: Vec<String> = tokens.iter().map(|token| lower_case(token, ignore_case)).collect();
            let tokens: Vec<Token<'_>> = tokens
                .iter()
                .zip(&lower)
                .map(|(token, lower)| match token {
                    Token::Literal(_) => Token::Literal(lower),
                    other => *other,
                })
                .collect();
            if tokens_match(&tokens, &subject) {
                found.insert(value.to_owned());
            }
        }
    }
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort_unstable_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let all = found.len() <= VALUES;
    for value in found.into_iter().take(VALUES) {
        demands.add_test(vec![Glob::of_text(&value, ignore_case)]);
    }
    all
}

fn lower_case(token: &Token<'_>, ignore_case: bool) -> String {
    match token {
        Token::Literal(text) if ignore_case => letters::lower_text(text),
        Token::Literal(text) => (*text).to_owned(),
        Token::AnyCharacter | Token::AnySequence => String::new(),
    }
}

/// The tokens of a pattern, a variable of unknown value as `*`; `None` when a variable has no value.
fn tokens_with_unknown_as_anything<'a>(pattern: &'a Pattern, context: &'a Context) -> Option<Vec<Token<'a>>> {
    pattern
        .pieces()
        .map(|piece| match piece {
            Piece::Literal(text) => Some(Token::Literal(text)),
            Piece::AnyCharacter => Some(Token::AnyCharacter),
            Piece::AnySequence => Some(Token::AnySequence),
            Piece::Variable(variable) => match variable.substitute(context) {
                Substitute::Text(text) => Some(Token::Literal(text)),
                Substitute::Unknown => Some(Token::AnySequence),
                Substitute::Nothing => None,
            },
        })
        .collect()
}

/// A variable of unknown value in a condition on another unknown key: `prefix${key}suffix` as the whole of it. Whatever the
/// other key's patterns say of that text, they say of the variable's value between prefix and suffix. Other relations are
/// not told completely.
fn relation(
    demands: &mut Demands,
    space: &Space<'_>,
    other: usize,
    condition: &Condition,
    key: &str,
    environment: &Environment<'_>,
    forms: &mut HashSet<(String, String)>,
) -> bool {
    let context = environment.context;
    let (patterns, ignore_case) = match condition.matcher() {
        Matcher::Text(patterns) => (patterns, false),
        Matcher::IgnoreCase(patterns) | Matcher::Boolean(patterns) => (patterns, true),
        _ => return false,
    };
    let mut complete = true;
    let about = |pattern: &&Pattern| pattern.variables().any(|variable| variable.key.eq_ignore_ascii_case(key));
    for pattern in patterns.iter().filter(about) {
        let Some((before, after)) = around(pattern, key, context) else {
            complete = false;
            continue;
        };
        if matches!(condition.matcher(), Matcher::Boolean(_)) {
            for truth in ["true", "false"] {
                demands.add_test(vec![Glob::of_text(truth, true).between(&before, &after)]);
            }
        }
        let mut wanted = Demands::default();
        for (rival, axes) in conditions_on(space, other) {
            demand(&mut wanted, rival.matcher(), context);
            // A third key of unknown value among the variables.
            complete &=
                axes.iter().all(|axis| *axis == other || key_of(space, *axis).is_some_and(|(own, _)| own == key));
        }
        complete &= as_variable(&mut wanted, space, other, environment, false);
        complete &= wanted.numbers.is_empty() && wanted.moments.is_empty() && wanted.networks.is_empty();
        for test in wanted.tests {
            if ignore_case {
                // Of patterns that do tell upper from lower case, several may fit one spelling or another.
                complete &= test.iter().all(|glob| glob.is_literal() || glob.ignores_case());
                demands.add_test(test.iter().map(|glob| glob.ignoring_case().between(&before, &after)).collect());
            } else {
                demands.add_test(test.iter().map(|glob| glob.between(&before, &after)).collect());
            }
        }
        complete &= forms.iter().all(|form| never_equal(form, &before, &after, ignore_case));
        forms.insert((before, after));
    }
    complete
}

/// Whether no text between two texts is ever the same as that text between two others, unless these are the same.
fn never_equal(form: &(String, String), before: &str, after: &str, ignore_case: bool) -> bool {
    let same = |one: &str, other: &str| if ignore_case { letters::same(one, other) } else { one == other };
    let characters = |one: &str, other: &str| one.chars().count() + other.chars().count();
    let (other_before, other_after) = form;
    characters(other_before, other_after) != characters(before, after)
        || same(other_before, before)
        || same(other_after, after)
}

/// What stands before and after a variable in a pattern of nothing but text and that variable.
fn around(pattern: &Pattern, key: &str, context: &Context) -> Option<(String, String)> {
    let mut before = String::new();
    let mut after: Option<String> = None;
    for piece in pattern.pieces() {
        let text = match piece {
            Piece::Literal(text) => text,
            Piece::AnyCharacter | Piece::AnySequence => return None,
            Piece::Variable(own) if own.key.eq_ignore_ascii_case(key) => match after {
                Some(_) => return None,
                None => {
                    after = Some(String::new());
                    continue;
                }
            },
            Piece::Variable(own) => match own.substitute(context) {
                Substitute::Text(text) => text,
                Substitute::Nothing | Substitute::Unknown => return None,
            },
        };
        after.as_mut().unwrap_or(&mut before).push_str(text);
    }
    Some((before, after?))
}

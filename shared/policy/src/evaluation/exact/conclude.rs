//! From the combinations to the decisions, and to what they turn on.

use super::super::environment::Environment;
use super::super::gates::{Rules, Tally, World};
use super::super::layers::Notes;
use super::super::outcome::{MATCH, Outcome};
use super::super::{Assumed, Completion, Evaluation};
use super::collect::{Level, levels};
use super::keys;
use super::space::{AxisKind, AxisValue, COMBINATIONS, Space, another_issuer, complete_principal};
use crate::decision::{Decision, Possible};
use crate::document::Effect;
use crate::layer::{LayerKind, PolicySet};

/// Makes an evaluation exact that three-valued logic left open.
pub(in super::super) fn conclude(
    policies: &PolicySet,
    environment: &Environment<'_>,
    rules: Rules,
    evaluation: &mut Evaluation,
    notes: &mut [Option<Notes>],
) {
    let mut space = Space::default();
    let mut levels = levels(policies, environment, &mut space);
    space.fill_principals(environment);
    keys::fill(&mut space, environment);
    space.fill_tables(environment);
    space.merge_values();
    for level in &mut levels {
        settle(level, &space, notes);
    }
    conclude_layers(&levels, &space, rules, evaluation);
    conclude_all(&levels, &space, environment, rules, evaluation);
}

/// Finds the statements whose outcome is the same in every completion after all.
fn settle(level: &mut Level, space: &Space<'_>, notes: &mut [Option<Notes>]) {
    for statement in std::mem::take(&mut level.undecided) {
        let Some(outcome) = exact_outcome(&statement.axes, space, |at| statement.bits(space, at)) else {
            level.undecided.push(statement);
            continue;
        };
        if let Some(Some(notes)) = notes.get_mut(level.layer as usize)
            && outcome.truth() != statement.outcome.truth()
        {
            notes.settle(statement.effect, outcome.truth(), &statement.at);
        }
        if outcome.must != outcome.may {
            level.undecided.push(super::collect::Undecided { outcome, ..statement });
            continue;
        }
        match statement.effect {
            Effect::Deny => level.deny |= outcome.must & MATCH != 0,
            Effect::Allow => level.allow |= outcome.must,
        }
    }
}

/// The bits in all and in some combinations of some axes; `None` when that can't be told exactly.
fn exact_outcome(axes: &[usize], space: &Space<'_>, bits: impl Fn(&[usize]) -> Option<u8>) -> Option<Outcome> {
    if !enumerable(axes, space) || !complete(axes, space) {
        return None;
    }
    let mut outcome = Outcome { must: u8::MAX, may: 0 };
    let mut combinations = space.combinations(axes);
    while let Some(at) = combinations.next_combination() {
        let bits = bits(at)?;
        outcome = Outcome { must: outcome.must & bits, may: outcome.may | bits };
    }
    Some(outcome)
}

fn enumerable(axes: &[usize], space: &Space<'_>) -> bool {
    space.size(axes) <= COMBINATIONS
}

fn complete(axes: &[usize], space: &Space<'_>) -> bool {
    axes.iter().all(|axis| space.axes.get(*axis).is_some_and(|axis| axis.complete))
}

/// The axes on which a set of levels turns; with `allows`, also those of statements that only allow.
fn axes_of<'l>(levels: impl Iterator<Item = &'l Level>, allows: bool) -> Vec<usize> {
    let mut axes: Vec<usize> = Vec::new();
    for level in levels.filter(|level| !level.deny) {
        let allows = allows && level.allow & level.mask != level.mask;
        let relevant = level.undecided.iter().filter(|statement| allows || statement.effect == Effect::Deny);
        axes.extend(relevant.flat_map(|statement| &statement.axes).copied());
        axes.extend(level.unreadable);
    }
    axes.sort_unstable();
    axes.dedup();
    axes
}

/// The decision of one level, or of all levels of a layer, at a combination.
fn layer_decision(
    rules: Rules,
    kind: LayerKind,
    levels: &[&Level],
    space: &Space<'_>,
    at: &[usize],
) -> Option<Decision> {
    let mut tally = Tally { deny: Outcome::NEVER, allow: Outcome::ALWAYS };
    for level in levels {
        let (deny, allow) = level.at(space, at)?;
        let deny = if deny { Outcome::ALWAYS } else { Outcome::NEVER };
        tally = Tally { deny: tally.deny | deny, allow: tally.allow & Outcome::known(allow) };
    }
    rules.layer(kind, tally).possible().determined()
}

/// The possible decisions of one level, or of all levels of a layer: exact, or at least not too few.
fn possible_of(rules: Rules, kind: LayerKind, levels: &[&Level], space: &Space<'_>) -> (Possible, bool) {
    let mut tally = Tally { deny: Outcome::NEVER, allow: Outcome::ALWAYS };
    for level in levels {
        let own = level.tally();
        tally = Tally { deny: tally.deny | own.deny, allow: tally.allow & own.allow };
    }
    let most = rules.layer(kind, tally).possible();
    if most.determined().is_some() {
        return (most, true);
    }
    let axes = axes_of(levels.iter().copied(), true);
    if !enumerable(&axes, space) {
        return (most, false);
    }
    let mut possible = Possible::NONE;
    let mut combinations = space.combinations(&axes);
    while let Some(at) = combinations.next_combination() {
        match layer_decision(rules, kind, levels, space, at) {
            Some(decision) => possible = possible.with(decision),
            None => return (most, false),
        }
    }
    match possible == most || complete(&axes, space) {
        true => (possible, true),
        false => (most, false),
    }
}

fn conclude_layers(levels: &[Level], space: &Space<'_>, rules: Rules, evaluation: &mut Evaluation) {
    for layer in &mut evaluation.layers {
        let own: Vec<&Level> = levels.iter().filter(|level| level.layer == layer.layer).collect();
        let (possible, exact) = possible_of(rules, layer.layer, &own, space);
        layer.possible = possible;
        evaluation.approximate |= !exact;
        for (level, possible) in own.iter().filter(|level| level.level.is_some()).zip(&mut layer.levels) {
            let (own, exact) = possible_of(rules, layer.layer, &[*level], space);
            *possible = own;
            evaluation.approximate |= !exact;
        }
    }
}

fn world(levels: &[Level], space: &Space<'_>, rules: Rules, at: &[usize]) -> Option<World> {
    let mut world = rules.empty_world();
    for chunk in levels.chunk_by(|one, next| one.layer == next.layer) {
        let (mut deny, mut allow) = (false, u8::MAX);
        let mut layer = LayerKind::Identity;
        for level in chunk {
            let (level_denies, level_allows) = level.at(space, at)?;
            (deny, allow, layer) = (deny | level_denies, allow & level_allows, level.layer);
        }
        rules.set(&mut world, layer, deny, allow);
    }
    Some(world)
}

fn conclude_all(
    levels: &[Level],
    space: &Space<'_>,
    environment: &Environment<'_>,
    rules: Rules,
    evaluation: &mut Evaluation,
) {
    let (mut least, mut most) = (rules.empty_world(), rules.empty_world());
    for chunk in levels.chunk_by(|one, next| one.layer == next.layer) {
        let mut layer = Tally { deny: Outcome::NEVER, allow: Outcome::ALWAYS };
        for own in chunk.iter().map(Level::tally) {
            layer = Tally { deny: layer.deny | own.deny, allow: layer.allow & own.allow };
        }
        if let Some(first) = chunk.first() {
            layer.put(rules, first.layer, &mut least, &mut most);
        }
    }
    evaluation.possible = rules.between(least, most);
    if evaluation.possible.determined().is_some() {
        return;
    }
    let allows =
        evaluation.possible.contains(Decision::Allowed) && evaluation.possible.contains(Decision::ImplicitDeny);
    let axes = axes_of(levels.iter(), allows);
    let Some(decisions) = decisions(levels, space, rules, &axes) else {
        evaluation.approximate = true;
        name_axes(&axes, space, environment, evaluation);
        return;
    };
    let possible: Possible = decisions.iter().copied().collect();
    let complete = complete(&axes, space);
    if possible != evaluation.possible && !complete {
        evaluation.approximate = true;
        name_axes(&axes, space, environment, evaluation);
        return;
    }
    evaluation.possible = possible;
    if possible.determined().is_some() {
        return;
    }
    // An axis that lacks values may turn the decision by one of those, and so may the axes that meet it in a statement.
    evaluation.approximate |= !complete;
    let doubtful = |axis: usize| !complete && space.meets_incomplete(axis);
    let turning: Vec<usize> =
        axes.iter().copied().filter(|axis| turns_on(*axis, &axes, space, &decisions) || doubtful(*axis)).collect();
    name_axes(&turning, space, environment, evaluation);
    evaluation.completions = completions(&axes, space, environment, &decisions);
}

/// The decision for every combination of the axes' values; `None` over the budget.
fn decisions(levels: &[Level], space: &Space<'_>, rules: Rules, axes: &[usize]) -> Option<Vec<Decision>> {
    if !enumerable(axes, space) {
        return None;
    }
    let mut decisions = Vec::with_capacity(space.size(axes));
    let mut combinations = space.combinations(axes);
    while let Some(at) = combinations.next_combination() {
        decisions.push(rules.decide(world(levels, space, rules, at)?));
    }
    Some(decisions)
}

/// Whether two combinations that differ in this axis alone lead to different decisions.
fn turns_on(axis: usize, axes: &[usize], space: &Space<'_>, decisions: &[Decision]) -> bool {
    let size = |axis: usize| space.size(&[axis]);
    let stride: usize = axes.iter().skip_while(|other| **other != axis).skip(1).map(|other| size(*other)).product();
    let block = stride * size(axis);
    decisions.chunks(block.max(1)).any(|block| {
        (0..stride).any(|offset| {
            let mut line = block.iter().skip(offset).step_by(stride.max(1));
            let first = line.next();
            line.any(|decision| Some(decision) != first)
        })
    })
}

fn name_axes(axes: &[usize], space: &Space<'_>, environment: &Environment<'_>, evaluation: &mut Evaluation) {
    for axis in axes.iter().filter_map(|axis| space.axes.get(*axis)) {
        match &axis.kind {
            AxisKind::Key { key, hash, .. } => {
                let spelling = environment.context.spelling(*hash, key).unwrap_or(key);
                evaluation.unknown_keys.push(spelling.to_owned());
            }
            AxisKind::Unreadable { layer, .. } => evaluation.unreadable_layers.push(*layer),
            AxisKind::Session | AxisKind::Issuer => {}
        }
    }
    evaluation.unknown_keys.sort_unstable();
    evaluation.unreadable_layers.sort_unstable();
    evaluation.unreadable_layers.dedup();
}

/// The first combination that leads to each decision.
fn completions(
    axes: &[usize],
    space: &Space<'_>,
    environment: &Environment<'_>,
    decisions: &[Decision],
) -> Vec<Completion> {
    let mut completions: Vec<Completion> = Vec::new();
    let mut combinations = space.combinations(axes);
    for decision in decisions {
        let Some(at) = combinations.next_combination() else { break };
        if completions.iter().any(|known| known.decision == *decision) {
            continue;
        }
        let mut completion =
            Completion { decision: *decision, keys: Vec::new(), principal: None, unreadable: Vec::new() };
        for axis in axes {
            match space.value(*axis, at) {
                Some((AxisKind::Key { key, hash, .. }, AxisValue::Key(value))) => {
                    let spelling = environment.context.spelling(*hash, key).unwrap_or(key);
                    completion.keys.push((spelling.to_owned(), value.clone()));
                }
                Some((AxisKind::Unreadable { layer, level }, AxisValue::Unreadable(assumed))) => {
                    completion.unreadable.push((*layer, *level, *assumed));
                }
                Some((_, value)) => completion.principal = Some(complete_principal(environment.principal, value)),
                None => {}
            }
        }
        // Who is named must be someone.
        let by_name = completion.unreadable.iter().any(|(_, _, assumed)| *assumed == Assumed::AllowEntity);
        if by_name
            && completion.principal.is_none()
            && let Some(issuer) = another_issuer(environment.principal, &[])
        {
            completion.principal = Some(complete_principal(environment.principal, &AxisValue::Issuer(issuer)));
        }
        completions.push(completion);
    }
    completions.sort_by_key(|completion| completion.decision);
    completions
}

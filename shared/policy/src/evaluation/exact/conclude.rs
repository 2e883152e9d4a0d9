//! From the functions of levels to the decisions, and to what they turn on.

use super::super::environment::Environment;
use super::super::gates::{Rules, Tally};
use super::super::layers::Notes;
use super::super::outcome::{ALL, MATCH, Outcome};
use super::super::{Assumed, Completion, Evaluation};
use super::collect::{Level, levels};
use super::diagram::Function;
use super::functions::Functions;
use super::keys;
use super::space::{AxisKind, AxisValue, Space, another_issuer, complete_principal};
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
    let mut functions = Functions::new(&space);
    for level in &mut levels {
        settle(level, &space, &mut functions, notes);
    }
    let levels: Vec<Concluded> = levels
        .into_iter()
        .map(|level| Concluded { deny: functions.deny(&level), allow: functions.allow(&level), level })
        .collect();
    conclude_layers(&levels, &space, &mut functions, rules, evaluation);
    conclude_all(&levels, &space, &mut functions, environment, rules, evaluation);
}

/// A level, and whether it denies and what it allows as functions of what is not known; `None` over the budget.
struct Concluded {
    level: Level,
    deny: Option<Function>,
    allow: Option<Function>,
}

/// Finds the statements whose outcome is the same in every completion after all.
fn settle(level: &mut Level, space: &Space<'_>, functions: &mut Functions<'_, '_>, notes: &mut [Option<Notes>]) {
    for mut statement in std::mem::take(&mut level.undecided) {
        statement.function = functions.statement(&statement);
        let Some(function) = statement.function.filter(|_| complete(&statement.axes, space)) else {
            level.undecided.push(statement);
            continue;
        };
        let outcome = functions.outcome(function);
        if let Some(Some(notes)) = notes.get_mut(level.layer as usize)
            && outcome.truth() != statement.outcome.truth()
        {
            notes.settle(statement.effect, outcome.truth(), &statement.at);
        }
        if outcome.must != outcome.may {
            level.undecided.push(statement);
            continue;
        }
        match statement.effect {
            Effect::Deny => level.deny |= outcome.must & MATCH != 0,
            Effect::Allow => level.allow |= outcome.must,
        }
    }
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

/// Whether some level denies; `None` over the budget.
fn deny_of<'l>(levels: impl Iterator<Item = &'l Concluded>, functions: &mut Functions<'_, '_>) -> Option<Function> {
    let denies: Option<Vec<Function>> = levels.map(|own| own.deny).collect();
    functions.diagrams.combine_all(denies?, 0, |one, other| one | other)
}

/// What all levels of a layer allow; `None` over the budget.
fn allow_of<'l>(levels: impl Iterator<Item = &'l Concluded>, functions: &mut Functions<'_, '_>) -> Option<Function> {
    let allows: Option<Vec<Function>> = levels.map(|own| own.allow).collect();
    functions.diagrams.combine_all(allows?, ALL.into(), |one, other| one & other)
}

/// A decision as a result of a function.
fn coded(decision: Option<Decision>) -> u16 {
    Decision::ALL.iter().zip(0..).find(|(own, _)| Some(**own) == decision).map_or(u16::MAX, |(_, code)| code)
}

fn decoded(code: u16) -> Option<Decision> {
    Decision::ALL.get(usize::from(code)).copied()
}

fn decisions(functions: &Functions<'_, '_>, function: Function) -> Possible {
    functions.diagrams.results(function).into_iter().filter_map(decoded).collect()
}

/// The possible decisions of one level, or of all levels of a layer: exact, or at least not too few.
fn possible_of(
    rules: Rules,
    kind: LayerKind,
    levels: &[&Concluded],
    space: &Space<'_>,
    functions: &mut Functions<'_, '_>,
) -> (Possible, bool) {
    let tally = Tally::of_levels(levels.iter().map(|own| own.level.tally()));
    let most = rules.layer(kind, tally).possible();
    if most.determined().is_some() {
        return (most, true);
    }
    let deny = deny_of(levels.iter().copied(), functions);
    let allow = allow_of(levels.iter().copied(), functions);
    let decision = deny.zip(allow).and_then(|(deny, allow)| {
        functions.diagrams.combine(deny, allow, |deny, allow| {
            let deny = if deny != 0 { Outcome::ALWAYS } else { Outcome::NEVER };
            let allow = Outcome::known(u8::try_from(allow).unwrap_or(ALL));
            coded(rules.layer(kind, Tally { deny, allow }).possible().determined())
        })
    });
    let Some(decision) = decision else { return (most, false) };
    let possible = decisions(functions, decision);
    let axes = axes_of(levels.iter().map(|own| &own.level), true);
    match possible == most || complete(&axes, space) {
        true => (possible, true),
        false => (most, false),
    }
}

fn conclude_layers(
    levels: &[Concluded],
    space: &Space<'_>,
    functions: &mut Functions<'_, '_>,
    rules: Rules,
    evaluation: &mut Evaluation,
) {
    for layer in &mut evaluation.layers {
        let own: Vec<&Concluded> = levels.iter().filter(|own| own.level.layer == layer.layer).collect();
        let (possible, exact) = possible_of(rules, layer.layer, &own, space, functions);
        layer.possible = possible;
        evaluation.approximate |= !exact;
        for (level, possible) in own.iter().filter(|own| own.level.level.is_some()).zip(&mut layer.levels) {
            let (own, exact) = possible_of(rules, layer.layer, &[*level], space, functions);
            *possible = own;
            evaluation.approximate |= !exact;
        }
    }
}

/// The decision when nothing denies; `None` over the budget.
fn without_deny(levels: &[Concluded], functions: &mut Functions<'_, '_>, rules: Rules) -> Option<Function> {
    // The results are places in this list.
    let mut worlds = vec![rules.empty_world()];
    let mut world = Function::constant(0);
    for chunk in levels.chunk_by(|one, next| one.level.layer == next.level.layer) {
        let Some(first) = chunk.first() else { continue };
        let allow = allow_of(chunk.iter(), functions)?;
        world = functions.diagrams.combine(world, allow, |world, allow| {
            let Some(mut world) = worlds.get(usize::from(world)).copied() else { return u16::MAX };
            rules.set(&mut world, first.level.layer, false, u8::try_from(allow).unwrap_or(ALL));
            let place = worlds.iter().position(|known| *known == world).unwrap_or_else(|| {
                worlds.push(world);
                worlds.len() - 1
            });
            u16::try_from(place).unwrap_or(u16::MAX)
        })?;
    }
    functions.diagrams.map(world, |world| coded(worlds.get(usize::from(world)).map(|world| rules.decide(*world))))
}

fn conclude_all(
    levels: &[Concluded],
    space: &Space<'_>,
    functions: &mut Functions<'_, '_>,
    environment: &Environment<'_>,
    rules: Rules,
    evaluation: &mut Evaluation,
) {
    let (mut least, mut most) = (rules.empty_world(), rules.empty_world());
    for chunk in levels.chunk_by(|one, next| one.level.layer == next.level.layer) {
        if let Some(first) = chunk.first() {
            let layer = Tally::of_levels(chunk.iter().map(|own| own.level.tally()));
            layer.put(rules, first.level.layer, &mut least, &mut most);
        }
    }
    evaluation.possible = rules.between(least, most);
    if evaluation.possible.determined().is_some() {
        return;
    }
    let [allowed, missing] =
        [Decision::Allowed, Decision::ImplicitDeny].map(|decision| evaluation.possible.contains(decision));
    let axes = axes_of(levels.iter().map(|own| &own.level), allowed && missing);
    let otherwise = match (allowed, missing) {
        (true, true) => without_deny(levels, functions, rules),
        (true, false) => Some(Function::constant(coded(Some(Decision::Allowed)))),
        (false, _) => Some(Function::constant(coded(Some(Decision::ImplicitDeny)))),
    };
    let decision = deny_of(levels.iter(), functions).zip(otherwise).and_then(|(deny, otherwise)| {
        let explicit = coded(Some(Decision::ExplicitDeny));
        functions.diagrams.combine(deny, otherwise, |deny, otherwise| if deny != 0 { explicit } else { otherwise })
    });
    let complete = complete(&axes, space);
    let Some((decision, possible)) = decision
        .map(|decision| (decision, decisions(functions, decision)))
        .filter(|(_, possible)| *possible == evaluation.possible || complete)
    else {
        evaluation.approximate = true;
        name_axes(&axes, space, environment, evaluation);
        return;
    };
    evaluation.possible = possible;
    if possible.determined().is_some() {
        return;
    }
    // A value that an axis lacks may make any other one matter.
    evaluation.approximate |= !complete;
    let named = if complete { functions.axes(decision) } else { axes.clone() };
    name_axes(&named, space, environment, evaluation);
    evaluation.completions =
        possible.iter().filter_map(|result| completion(result, decision, &axes, functions, environment)).collect();
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

/// What leads to a decision: a value for each axis.
fn completion(
    result: Decision,
    decision: Function,
    axes: &[usize],
    functions: &Functions<'_, '_>,
    environment: &Environment<'_>,
) -> Option<Completion> {
    let mut completion = Completion { decision: result, keys: Vec::new(), principal: None, unreadable: Vec::new() };
    for (kind, value) in functions.values(decision, coded(Some(result)), axes)? {
        match (kind, value) {
            (AxisKind::Key { key, hash, .. }, AxisValue::Key(value)) => {
                let spelling = environment.context.spelling(*hash, key).unwrap_or(key);
                completion.keys.push((spelling.to_owned(), value));
            }
            (AxisKind::Unreadable { layer, level }, AxisValue::Unreadable(assumed)) => {
                completion.unreadable.push((*layer, *level, assumed));
            }
            (_, value) => completion.principal = Some(complete_principal(environment.principal, &value)),
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
    Some(completion)
}

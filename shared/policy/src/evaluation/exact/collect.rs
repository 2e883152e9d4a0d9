//! What is left of the policies when everything that is known has been evaluated.

use super::super::environment::Environment;
use super::super::gates::Tally;
use super::super::layers::applicable;
use super::super::outcome::{ALL, MATCH, Outcome};
use super::super::{Assumed, StatementRef, statement};
use super::diagram::Function;
use super::space::{Atom, AxisKind, AxisValue, Element, Space};
use crate::context::ContextValue;
use crate::decision::Truth;
use crate::document::{Effect, Statement};
use crate::layer::{LayerKind, Policy, PolicySet};
use crate::principal::Principal;

/// A layer, or one level of it.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) layer: LayerKind,
    pub(super) level: Option<usize>,
    /// What the known statements come to.
    pub(super) deny: bool,
    pub(super) allow: u8,
    pub(super) undecided: Vec<Undecided>,
    /// The axis of the policies that could not be read.
    pub(super) unreadable: Option<usize>,
    /// The allow bits that matter in this layer.
    pub(super) mask: u8,
    /// What an allow for the principal's entity lifts.
    pub(super) entity: u8,
}

/// A statement whose outcome is not known.
#[derive(Debug)]
pub(super) struct Undecided {
    pub(super) at: StatementRef,
    pub(super) effect: Effect,
    /// Bits that its known elements leave.
    pub(super) fixed: u8,
    pub(super) atoms: Vec<usize>,
    pub(super) axes: Vec<usize>,
    /// What is known of it so far.
    pub(super) outcome: Outcome,
    /// Its outcome bits; `None`: not made yet, or over the budget.
    pub(super) function: Option<Function>,
}

impl Level {
    /// What it comes to as far as it is known.
    pub(super) fn tally(&self) -> Tally {
        let known = |bits| Outcome::known(bits);
        let mut tally = Tally { deny: known(if self.deny { ALL } else { 0 }), allow: known(self.allow) };
        for statement in &self.undecided {
            tally.take(statement.effect, statement.outcome);
        }
        if self.unreadable.is_some() {
            tally.take_unreadable();
        }
        tally
    }
}

/// Collects the levels of every layer, with their undecided statements split into atoms.
pub(super) fn levels<'p>(policies: &'p PolicySet, environment: &Environment<'_>, space: &mut Space<'p>) -> Vec<Level> {
    let mut levels = Vec::new();
    for (layer, lists) in applicable(policies, environment) {
        for (index, list) in lists.lists() {
            levels.push(level(layer, index, list, environment, space));
        }
    }
    levels
}

fn level<'p>(
    layer: LayerKind,
    index: Option<usize>,
    policies: &'p [Policy],
    environment: &Environment<'_>,
    space: &mut Space<'p>,
) -> Level {
    // Elsewhere, and for other accounts, an allow lifts nothing.
    let mask = if layer == LayerKind::Resource && environment.same_account { ALL } else { MATCH };
    let entity = mask & environment.entity_bits();
    let mut level =
        Level { layer, level: index, deny: false, allow: 0, undecided: Vec::new(), unreadable: None, mask, entity };
    for (position, policy) in policies.iter().enumerate() {
        let Some(document) = &policy.document else {
            level.unreadable = Some(unreadable_axis(layer, index, space));
            continue;
        };
        for (number, statement) in document.statements.candidates(environment.head) {
            let mask = if statement.effect == Effect::Deny { MATCH } else { mask };
            let outcome = statement::outcome(environment, statement).masked(mask);
            if outcome.must == outcome.may {
                match statement.effect {
                    Effect::Deny => level.deny |= outcome.must & MATCH != 0,
                    Effect::Allow => level.allow |= outcome.must,
                }
                continue;
            }
            let at = StatementRef { layer, level: index, policy: position, statement: number };
            level.undecided.push(undecided(statement, at, outcome, mask, environment, space));
        }
    }
    level
}

fn unreadable_axis(layer: LayerKind, level: Option<usize>, space: &mut Space<'_>) -> usize {
    let axis = space.axis(AxisKind::Unreadable { layer, level });
    let more: &[Assumed] = match layer {
        LayerKind::Resource => &[Assumed::AllowDirectly, Assumed::AllowEntity],
        // That there is no boundary at all makes a difference to `NotPrincipal`; elsewhere it is like one of the others.
        LayerKind::Boundary => &[Assumed::NotThere],
        _ => &[],
    };
    if let Some(axis) = space.axes.get_mut(axis) {
        let values = [Assumed::Allow, Assumed::AllowNothing, Assumed::Deny].iter().chain(more);
        axis.values = values.copied().map(AxisValue::Unreadable).collect();
    }
    axis
}

fn undecided<'p>(
    statement: &'p Statement,
    at: StatementRef,
    outcome: Outcome,
    mask: u8,
    environment: &Environment<'_>,
    space: &mut Space<'p>,
) -> Undecided {
    let mut atoms: Vec<(Element<'p>, Vec<usize>)> = Vec::new();
    let mut fixed = mask;
    let principal = statement::principal(environment, statement).masked(mask);
    match &statement.principal {
        Some(element) if principal.must != principal.may => {
            let axis = match environment.principal {
                Principal::Role { session: None, .. } => Some(space.axis(AxisKind::Session)),
                Principal::FederatedUser { issuer: None, .. } => Some(space.axis(AxisKind::Issuer)),
                _ => None,
            };
            let mut axes: Vec<usize> = axis.into_iter().collect();
            if element.negated && statement.effect == Effect::Deny && environment.boundary == Truth::Unknown {
                axes.push(space.axis(AxisKind::Unreadable { layer: LayerKind::Boundary, level: None }));
            }
            atoms.push((Element::Principal(element, statement.effect), axes));
        }
        _ => fixed = principal.must,
    }
    if let Some(element) = &statement.resource
        && statement::resource(environment, statement) == Truth::Unknown
    {
        let variables = element.patterns.iter().filter_map(|pattern| pattern.resource_part());
        let variables = variables.flat_map(|pattern| pattern.variables());
        let axes = variables.filter_map(|variable| space.variable_axis(variable, environment.context)).collect();
        atoms.push((Element::Resource(element), axes));
    }
    for condition in &statement.conditions {
        if condition.evaluate(environment.context) != Truth::Unknown {
            continue;
        }
        let mut axes = Vec::new();
        let own_unknown = matches!(condition.actual(environment.context), ContextValue::Unknown(_));
        if own_unknown {
            axes.push(space.key_axis(&condition.key, condition.key_hash()));
        }
        let variables = condition.variables().into_iter();
        axes.extend(variables.filter_map(|variable| space.variable_axis(variable, environment.context)));
        atoms.push((Element::Condition(condition), axes));
    }
    let mut all_axes = Vec::new();
    let atoms = atoms
        .into_iter()
        .map(|(element, axes)| {
            let mut own: Vec<usize> = Vec::new();
            for axis in axes {
                if !own.contains(&axis) {
                    own.push(axis);
                }
                if !all_axes.contains(&axis) {
                    all_axes.push(axis);
                }
            }
            space.atoms.push(Atom::new(element, own));
            space.atoms.len() - 1
        })
        .collect();
    Undecided { at, effect: statement.effect, fixed, atoms, axes: all_axes, outcome, function: None }
}

//! The walk through the layers.

use super::environment::Environment;
use super::exact;
use super::gates::{Rules, Tally};
use super::statement;
use super::trace::Sources;
use super::{Evaluation, LayerEvaluation, StatementRef, StatementTrace};
use crate::decision::{Decision, Possible, Truth};
use crate::document::Effect;
use crate::layer::{LayerKind, Policy, PolicySet};
use crate::principal::Principal;

/// The policies of a layer that applies.
#[derive(Clone, Copy)]
pub(super) enum LayerPolicies<'p> {
    Flat(&'p [Policy]),
    Levels(&'p [Vec<Policy>]),
}

impl<'p> LayerPolicies<'p> {
    /// Each list of policies, with the level's index where the layer has levels.
    pub(super) fn lists(self) -> impl Iterator<Item = (Option<usize>, &'p [Policy])> {
        let (flat, levels): (Option<&[Policy]>, &[Vec<Policy>]) = match self {
            LayerPolicies::Flat(policies) => (Some(policies), &[]),
            LayerPolicies::Levels(levels) => (None, levels),
        };
        flat.into_iter()
            .map(|policies| (None, policies))
            .chain(levels.iter().enumerate().map(|(level, policies)| (Some(level), policies.as_slice())))
    }

    /// How many statements could be read.
    fn statements(self) -> usize {
        let policies = self.lists().flat_map(|(_, policies)| policies);
        policies.filter_map(|policy| policy.document.as_ref()).map(|document| document.statements.len()).sum()
    }
}

/// The layers that apply to a request, in the order in which they are shown.
pub(super) fn applicable<'p>(
    policies: &'p PolicySet,
    environment: &Environment<'_>,
) -> impl Iterator<Item = (LayerKind, LayerPolicies<'p>)> {
    let given = |list: &'p Option<Vec<Policy>>| list.as_deref().filter(|policies| !policies.is_empty());
    let levels = |list: &'p Option<Vec<Vec<Policy>>>| list.as_deref().filter(|levels| !levels.is_empty());
    let caller = environment.has_caller_side();
    let federated = matches!(environment.principal, Principal::FederatedUser { .. });
    let flat = LayerPolicies::Flat;
    [
        (caller || !policies.identity.is_empty()).then_some((LayerKind::Identity, flat(&policies.identity))),
        given(&policies.boundary).map(|list| (LayerKind::Boundary, flat(list))),
        // Without a session policy a federated user has no permissions: an empty layer, which allows nothing.
        given(&policies.session).or(federated.then_some(&[])).map(|list| (LayerKind::Session, flat(list))),
        levels(&policies.service_control)
            .filter(|_| environment.bound_by_service_control())
            .map(|levels| (LayerKind::ServiceControl, LayerPolicies::Levels(levels))),
        levels(&policies.resource_control).map(|levels| (LayerKind::ResourceControl, LayerPolicies::Levels(levels))),
        (!environment.same_account || !policies.resource.is_empty())
            .then_some((LayerKind::Resource, flat(&policies.resource))),
        given(&policies.vpc_endpoint).map(|list| (LayerKind::VpcEndpoint, flat(list))),
    ]
    .into_iter()
    .flatten()
}

/// What is noted of the statements of a layer on the way.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) denies: Vec<StatementRef>,
    pub(super) allows: Vec<StatementRef>,
    pub(super) unknown: Vec<(Effect, StatementRef)>,
    traces: Vec<StatementTrace>,
}

impl Notes {
    fn note(&mut self, effect: Effect, truth: Truth, at: &StatementRef) {
        match (truth, effect) {
            (Truth::False, _) => {}
            (Truth::True, Effect::Deny) => self.denies.push(at.clone()),
            (Truth::True, Effect::Allow) => self.allows.push(at.clone()),
            (Truth::Unknown, _) => self.unknown.push((effect, at.clone())),
        }
    }

    /// The statements that make a layer's decision, or on which it turns.
    fn decisive(self, possible: Possible) -> Vec<StatementRef> {
        // Statements that each match in some completions may leave no completion in which none of them does.
        let together = |certain: Vec<StatementRef>, effect: Effect| match certain.is_empty() {
            true => self.unknown.iter().filter(|(own, _)| *own == effect).map(|(_, at)| at.clone()).collect(),
            false => certain,
        };
        match possible.determined() {
            Some(Decision::ExplicitDeny) => together(self.denies, Effect::Deny),
            Some(Decision::Allowed) => together(self.allows, Effect::Allow),
            Some(Decision::ImplicitDeny) => Vec::new(),
            None => {
                // Where nothing can be missing, one allow more makes no difference.
                let missing = possible.contains(Decision::ImplicitDeny);
                let turned_on = self.unknown.into_iter().filter(|(effect, _)| missing || *effect == Effect::Deny);
                let mut all = self.allows;
                all.extend(turned_on.map(|(_, at)| at));
                all.sort_unstable();
                all
            }
        }
    }

    /// Puts a statement, whose outcome was not known, where it belongs after all.
    pub(super) fn settle(&mut self, effect: Effect, truth: Truth, at: &StatementRef) {
        self.unknown.retain(|(_, unknown)| unknown != at);
        self.note(effect, truth, at);
        self.denies.sort_unstable();
        self.allows.sort_unstable();
        self.unknown.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        for trace in self.traces.iter_mut().filter(|trace| trace.at == *at) {
            trace.outcome = truth;
        }
    }
}

/// Evaluates every layer and concludes. With `TRACE` every statement's trace is kept.
pub(super) fn evaluate<const TRACE: bool>(policies: &PolicySet, environment: &Environment<'_>) -> Evaluation {
    let rules = Rules::new(environment);
    let (mut least, mut most) = (rules.empty_world(), rules.empty_world());
    let mut evaluation = Evaluation {
        possible: Possible::NONE,
        approximate: false,
        layers: Vec::with_capacity(LayerKind::ALL.len()),
        unknown_keys: Vec::new(),
        unreadable_layers: Vec::new(),
        completions: Vec::new(),
    };
    let mut all_notes = [const { None }; LayerKind::ALL.len()];
    let mut settled = true;
    for (kind, lists) in applicable(policies, environment) {
        let mut notes = Notes::default();
        if TRACE {
            notes.traces.reserve_exact(lists.statements());
        }
        let mut levels = Vec::new();
        let layer = Tally::of_levels(lists.lists().map(|(level, list)| {
            let tally = tally::<TRACE>(environment, kind, level, list, &mut notes);
            if level.is_some() {
                levels.push(tally.possible());
            }
            tally
        }));
        layer.put(rules, kind, &mut least, &mut most);
        let possible = rules.layer(kind, layer).possible();
        settled &= possible.determined().is_some() && levels.iter().all(|level| level.determined().is_some());
        evaluation.layers.push(LayerEvaluation {
            layer: kind,
            possible,
            levels,
            decisive: Vec::new(),
            statements: Vec::new(),
        });
        if let Some(place) = all_notes.get_mut(kind as usize) {
            *place = Some(notes);
        }
    }
    evaluation.possible = rules.between(least, most);
    settled &= evaluation.possible.determined().is_some();
    if !settled {
        exact::conclude(policies, environment, rules, &mut evaluation, &mut all_notes);
    }
    for layer in &mut evaluation.layers {
        let Some(mut notes) = all_notes.get_mut(layer.layer as usize).and_then(Option::take) else { continue };
        layer.statements = std::mem::take(&mut notes.traces);
        layer.decisive = notes.decisive(layer.possible);
    }
    evaluation
}

/// The statements of one list of policies.
fn tally<const TRACE: bool>(
    environment: &Environment<'_>,
    layer: LayerKind,
    level: Option<usize>,
    policies: &[Policy],
    notes: &mut Notes,
) -> Tally {
    let mut tally = Tally::NOTHING;
    for (index, policy) in policies.iter().enumerate() {
        let Some(document) = &policy.document else {
            tally.take_unreadable();
            continue;
        };
        if TRACE {
            let mut candidates = document.statements.candidates(environment.head).map(|(index, _)| index).peekable();
            let mut sources = Sources::new(document, environment.context);
            for (position, statement) in document.statements.iter().enumerate() {
                let at = StatementRef { layer, level, policy: index, statement: position };
                let candidate = candidates.next_if_eq(&position).is_some();
                let (outcome, trace) = statement::trace(environment, statement, candidate, at.clone(), &mut sources);
                notes.traces.push(trace);
                tally.take(statement.effect, outcome);
                notes.note(statement.effect, outcome.truth(), &at);
            }
        } else {
            for (position, statement) in document.statements.candidates(environment.head) {
                let outcome = statement::outcome(environment, statement);
                tally.take(statement.effect, outcome);
                let at = StatementRef { layer, level, policy: index, statement: position };
                notes.note(statement.effect, outcome.truth(), &at);
            }
        }
    }
    tally
}

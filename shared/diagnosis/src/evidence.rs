//! From the engine's traces to the evidence of a finding.

use sesame_policy::evaluation::{ConditionTrace, LayerEvaluation};
use sesame_policy::{ContextValue, Effect, Possible, Statement, StatementTrace, Truth};

use crate::assemble::{Assembled, Attached};
use crate::examine::Examined;
use crate::finding::{ConditionInfo, LayerInfo, RequestInfo, StatementEvidence, StatementInfo};

/// How many statements of a layer a finding shows; what bears on the request comes first.
const STATEMENTS_SHOWN: usize = 20;

/// A question and its answer, with the evidence of every layer.
pub fn request_info(examined: &Examined) -> RequestInfo {
    let evaluation = &examined.evaluation;
    RequestInfo {
        action: examined.question.action.clone(),
        resource: examined.question.resource.to_string(),
        origin: examined.question.origin,
        decision: decision(evaluation.possible),
        possible: evaluation.possible.iter().map(|decision| decision.as_str().to_owned()).collect(),
        unknown_keys: evaluation.unknown_keys.clone(),
        layers: evaluation.layers.iter().map(|layer| layer_info(layer, &examined.set)).collect(),
    }
}

/// The word for a set of decisions.
pub fn decision(possible: Possible) -> String {
    possible.determined().map_or("Undetermined", |decision| decision.as_str()).to_owned()
}

fn layer_info(layer: &LayerEvaluation, set: &Assembled) -> LayerInfo {
    let mut statements: Vec<(u8, StatementEvidence)> = layer
        .statements
        .iter()
        .filter_map(|trace| Some((relevance(trace)?, statement_evidence(trace, set)?)))
        .collect();
    statements.sort_by_key(|(relevance, _)| *relevance);
    statements.truncate(STATEMENTS_SHOWN);
    let gaps = set.iter().filter(|(kind, _, _)| *kind == layer.layer).filter_map(|(_, _, policy)| policy.gap.as_ref());
    let notes: Vec<&str> = gaps.map(|gap| gap.summary.as_str()).collect();
    LayerInfo {
        layer: layer.layer.as_str().to_owned(),
        decision: decision(layer.possible),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        statements: statements.into_iter().map(|(_, statement)| statement).collect(),
    }
}

/// How much a statement bears on the request: matches, may match, came close. `None`: not at all.
fn relevance(trace: &StatementTrace) -> Option<u8> {
    match trace.outcome {
        Truth::True => Some(0),
        Truth::Unknown => Some(1),
        Truth::False if trace.action.possible() && trace.resource.possible() => Some(2),
        Truth::False if trace.effect == Effect::Allow && (trace.action.possible() || trace.resource == Truth::True) => {
            Some(3)
        }
        Truth::False => None,
    }
}

fn statement_evidence(trace: &StatementTrace, set: &Assembled) -> Option<StatementEvidence> {
    let attached = set.policy(&trace.at)?;
    Some(StatementEvidence {
        policy: attached.info.clone()?,
        statement: statement_info(attached, trace.at.statement)?,
        effect: if trace.effect == Effect::Allow { "Allow" } else { "Deny" }.to_owned(),
        matched: trace.outcome.known(),
        fails: fails(trace).into_iter().map(str::to_owned).collect(),
        conditions: trace.conditions.iter().map(condition_info).collect(),
    })
}

/// The elements that do not match, in the order Action, Resource, Principal, Condition.
pub fn fails(trace: &StatementTrace) -> Vec<&'static str> {
    let elements = [
        ("Action", trace.action == Truth::False),
        ("Resource", trace.resource == Truth::False),
        ("Principal", trace.principal == Some(Truth::False)),
        ("Condition", trace.conditions.iter().any(|condition| condition.outcome == Truth::False)),
    ];
    elements.into_iter().filter(|(_, failed)| *failed).map(|(element, _)| element).collect()
}

/// Which statement of a policy.
pub fn statement_info(attached: &Attached, index: usize) -> Option<StatementInfo> {
    let statement = statement(attached, index)?;
    Some(StatementInfo { index, sid: statement.sid.clone(), pointer: statement.pointer.clone() })
}

/// The statement itself.
pub fn statement(attached: &Attached, index: usize) -> Option<&Statement> {
    attached.document.as_ref()?.statements.get(index)
}

/// A condition and what the request has for it.
pub fn condition_info(trace: &ConditionTrace) -> ConditionInfo {
    let (actual, state) = match &trace.actual {
        ContextValue::One(value) => (Some(vec![value.clone()]), "present"),
        ContextValue::Many(values) => (Some(values.clone()), "present"),
        ContextValue::Absent => (None, "absent"),
        ContextValue::Unknown(_) => (None, "unknown"),
    };
    let resolved = trace.resolved.as_ref().map(|resolved| {
        let values = trace.expected.iter().zip(resolved);
        values.map(|(raw, resolved)| resolved.clone().unwrap_or_else(|| raw.clone())).collect::<Vec<String>>()
    });
    ConditionInfo {
        operator: trace.operator.clone(),
        key: trace.key.clone(),
        expected: trace.expected.clone(),
        resolved: resolved.filter(|resolved| *resolved != trace.expected),
        actual,
        state: state.to_owned(),
        matched: trace.outcome.known(),
    }
}

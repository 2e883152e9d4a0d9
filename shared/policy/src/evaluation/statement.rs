//! One statement against a request.

use super::environment::Environment;
use super::outcome::Outcome;
use super::trace::Sources;
use super::{StatementRef, StatementTrace};
use crate::decision::Truth;
use crate::document::Statement;

/// Whether a statement matches, looking no further than needed.
pub(super) fn outcome(environment: &Environment<'_>, statement: &Statement) -> Outcome {
    if !statement.action.matches_lower(&environment.action) {
        return Outcome::NEVER;
    }
    let mut outcome = principal(environment, statement);
    if outcome == Outcome::NEVER {
        return outcome;
    }
    outcome = outcome & resource(environment, statement).into();
    for condition in &statement.conditions {
        if outcome == Outcome::NEVER {
            return outcome;
        }
        outcome = outcome & condition.evaluate(environment.context).into();
    }
    outcome
}

/// The same with every element looked at; the conditions only where they can still change the outcome, since what is shown of
/// them is evaluated when it is read. `candidate`: whether the action may match at all.
pub(super) fn trace(
    environment: &Environment<'_>,
    statement: &Statement,
    candidate: bool,
    at: StatementRef,
    sources: &mut Sources<'_>,
) -> (Outcome, StatementTrace) {
    let action = Truth::from(candidate && statement.action.matches_lower(&environment.action));
    let principal_outcome = principal(environment, statement);
    let resource = resource(environment, statement);
    let mut outcome = principal_outcome & action.into() & resource.into();
    for condition in &statement.conditions {
        if outcome == Outcome::NEVER {
            break;
        }
        outcome = outcome & condition.evaluate(environment.context).into();
    }
    let trace = StatementTrace {
        conditions: sources.traces(at.statement, statement),
        at,
        effect: statement.effect,
        outcome: outcome.truth(),
        action,
        resource,
        principal: statement.principal.as_ref().map(|_| principal_outcome.truth()),
    };
    (outcome, trace)
}

pub(super) fn principal(environment: &Environment<'_>, statement: &Statement) -> Outcome {
    match &statement.principal {
        None => Outcome::ALWAYS,
        Some(element) => environment.principal_outcome(element, statement.effect),
    }
}

pub(super) fn resource(environment: &Environment<'_>, statement: &Statement) -> Truth {
    match &statement.resource {
        None => Truth::True,
        Some(element) => element.matches_parts(&environment.resource, environment.context),
    }
}

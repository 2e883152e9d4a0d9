//! Causes: one for each request and deciding Deny; for a missing allow one for each request, layer and level.

use sesame_policy::Effect;

use crate::assemble::Attached;
use crate::denial::Denial;
use crate::evidence::{condition_info, statement_info};
use crate::examine::{Blocker, Examined};
use crate::finding::{Cause, CauseKind, Certainty};
use crate::near_miss::{Near, near_misses};
use crate::subject::Subject;
use crate::words;

/// A cause, with what it came from.
#[derive(Debug, Clone)]
pub struct Found {
    /// As the finding shows it.
    pub cause: Cause,
    /// What blocks.
    pub blocker: Blocker,
    /// Near misses with their places, for the remedies.
    pub near: Vec<Near>,
    /// Index of the request context (0: the latest) in which it was found.
    pub context: usize,
}

/// The causes of a finding: `examined` holds for each question its examination in each request context.
pub fn causes(examined: &[Vec<Examined>], denial: &Denial, subject: &Subject) -> Vec<Found> {
    let mut list: Vec<Found> = Vec::new();
    for (request, contexts) in examined.iter().enumerate() {
        for (context, examined) in contexts.iter().enumerate() {
            for (blocker, certainty) in &examined.blockers {
                let known = list.iter_mut().find(|found| found.cause.request == request && found.blocker == *blocker);
                match known {
                    Some(found) => found.cause.certainty = found.cause.certainty.min(*certainty),
                    None => list.push(found(examined, request, context, blocker, *certainty, denial, subject)),
                }
            }
        }
    }
    list
}

fn found(
    examined: &Examined,
    request: usize,
    context: usize,
    blocker: &Blocker,
    certainty: Certainty,
    denial: &Denial,
    subject: &Subject,
) -> Found {
    let layer = blocker.layer();
    let level = examined.set.level(blocker.level()).and_then(|level| level.level.clone());
    let near = match blocker {
        Blocker::Gate(..) => near_misses(examined, layer, blocker.level()),
        _ => Vec::new(),
    };
    let mut cause = Cause {
        kind: CauseKind::NoAllow,
        layer: layer.as_str().to_owned(),
        request,
        level,
        certainty,
        policy: None,
        statement: None,
        conditions: Vec::new(),
        near_misses: near.iter().map(|near| near.info.clone()).collect(),
        summary: String::new(),
    };
    match blocker {
        Blocker::Deny(at) => {
            cause.kind = CauseKind::ExplicitDeny;
            let attached = examined.set.policy(at);
            cause.policy = attached.and_then(|attached| attached.info.clone());
            cause.statement = attached.and_then(|attached| statement_info(attached, at.statement));
            let traces = examined.evaluation.layer(layer).map(|layer| layer.statements.as_slice()).unwrap_or_default();
            let trace = traces.iter().find(|trace| trace.at == *at);
            cause.conditions =
                trace.map(|trace| trace.conditions.iter().map(condition_info).collect()).unwrap_or_default();
        }
        Blocker::Gate(_, level) => {
            cause.policy = near.first().map(|near| near.info.policy.clone()).or_else(|| {
                let policies = examined.set.policies(layer, *level);
                let allows = |policy: &&Attached| {
                    let statements = policy.document.iter().flat_map(|document| &document.statements);
                    statements.into_iter().any(|statement| statement.effect == Effect::Allow)
                };
                policies.iter().find(allows).or(policies.first()).and_then(|policy| policy.info.clone())
            });
        }
        Blocker::Unreadable(_, level, index) => {
            cause.kind = denial.message.kind.unwrap_or(CauseKind::NoAllow);
            cause.policy = examined.set.policies(layer, *level).get(*index).and_then(|policy| policy.info.clone());
        }
    }
    cause.summary = words::cause(&cause, examined, subject, matches!(blocker, Blocker::Unreadable(..)));
    Found { cause, blocker: blocker.clone(), near, context }
}

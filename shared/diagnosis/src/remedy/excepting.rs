//! Denys: an exception to each, or their policy taken off.

use std::collections::BTreeMap;

use serde_json::Value;
use sesame_policy::Truth;

use super::draft::Draft;
use super::{Bench, deny, patched};
use crate::assemble::{Attached, managed_by_aws, raw_value};
use crate::causes::Found;
use crate::examine::{Blocker, Examined};
use crate::finding::{Certainty, Operation};
use crate::words;

/// How many statements of one document a title tells.
const TOLD: usize = 3;

impl Bench<'_, '_> {
    /// Denys: exceptions to them, one document after the other.
    pub(super) fn exceptions(&mut self) {
        // How many statements of a draft's document were changed beside its first one.
        let mut beside: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, found) in self.situation.causes.iter().enumerate() {
            let Blocker::Deny(at) = &found.blocker else {
                if matches!(found.blocker, Blocker::Unreadable(..)) && found.cause.certainty != Certainty::Possible {
                    self.unmended = true;
                }
                continue;
            };
            let contexts: Vec<&Examined> = self
                .situation
                .examined
                .get(found.cause.request)
                .into_iter()
                .flatten()
                .filter(|examined| examined.blockers.iter().any(|(blocker, _)| *blocker == found.blocker))
                .collect();
            let Some(examined) = contexts.first() else { continue };
            let Some(attached) = examined.set.policy(at) else { continue };
            let (Some(info), Some(policy)) = (&attached.info, &attached.document) else { continue };
            let Some(statement) = policy.statements.get(at.statement) else { continue };
            let name = words::statement_name(statement.sid.as_deref(), at.statement);
            let drafted = self
                .drafts
                .iter()
                .position(|draft| patched::same_policy(&draft.target, &attached.target) && draft.before.is_some());
            let document = match drafted {
                Some(drafted) => self.drafts.get(drafted).and_then(|draft| draft.after.clone()),
                None => Some(raw_value(policy)),
            };
            let Some(document) = document else { continue };
            // The same statement may already have its exception, by another level or another question.
            if self.already_excepted(found, attached, &document, policy, at.statement) {
                self.add_fix(attached, index);
                continue;
            }
            if managed_by_aws(info.arn.as_deref().unwrap_or_default()) {
                let mut draft = self.draft(Operation::Detach, attached.target.clone(), Some(document), None);
                draft.fixes = vec![index];
                draft.title = format!("Detach {}", words::policy(info));
                draft.why =
                    "AWS's own policy cannot be edited, and what else it denies is for a person to weigh".to_owned();
                self.drafts.push(draft);
                continue;
            }
            let traces: Vec<_> = contexts
                .iter()
                .filter_map(|examined| {
                    examined.evaluation.layer(at.layer)?.statements.iter().find(|trace| trace.at == *at)
                })
                .collect();
            let arn = self.principal_arn();
            match deny::except(&document, statement, &traces, &contexts, arn.as_deref()) {
                Err(unmendable) => {
                    self.unmendable.push((index, unmendable));
                    self.unmended = true;
                }
                Ok(None) => self.unmended = true,
                Ok(Some(exception)) => {
                    let own = exception.exempts && info.attached_to == self.situation.subject.info.arn;
                    let place = if own { words::own_policy(info) } else { words::policy(info) };
                    let how = words::capital(&format!("{} {name} of {place}", exception.how));
                    match drafted.and_then(|drafted| Some((drafted, self.drafts.get_mut(drafted)?))) {
                        Some((drafted, draft)) => {
                            draft.after = Some(exception.after);
                            draft.fixes.push(index);
                            let count = beside.entry(drafted).or_default();
                            *count += 1;
                            if *count < TOLD {
                                draft.title = format!("{}; {} {name} of {place}", draft.title, exception.how);
                            }
                        }
                        None => {
                            let target = attached.target.clone();
                            let mut draft = self.draft(Operation::Put, target, Some(document), Some(exception.after));
                            draft.fixes = vec![index];
                            draft.title = how;
                            draft.why =
                                "blocked as configured: somebody wrote this Deny, so its owner decides".to_owned();
                            self.drafts.push(draft);
                        }
                    }
                }
            }
        }
        self.count_untold(&beside);
    }

    /// Says in each title how many statements it does not tell.
    fn count_untold(&mut self, beside: &BTreeMap<usize, usize>) {
        for (index, count) in beside {
            let untold = (count + 1).saturating_sub(TOLD);
            if let (Some(draft), 1..) = (self.drafts.get_mut(*index), untold) {
                let statements = if untold == 1 { "statement" } else { "statements" };
                draft.title = format!("{}; and {untold} more {statements} of that policy", draft.title);
            }
        }
    }

    /// Whether an earlier exception already keeps this statement from denying the question.
    fn already_excepted(
        &self,
        found: &Found,
        attached: &Attached,
        document: &Value,
        policy: &sesame_policy::PolicyDocument,
        index: usize,
    ) -> bool {
        let changed =
            document.pointer(&pointer_of(policy, index)) != raw_value(policy).pointer(&pointer_of(policy, index));
        if !changed {
            return false;
        }
        let Some(contexts) = self.situation.examined.get(found.cause.request) else { return false };
        let Some(draft) = self.drafts.iter().find(|draft| patched::same_policy(&draft.target, &attached.target)) else {
            return false;
        };
        let change = patched::Change::of(draft);
        contexts.iter().all(|examined| {
            let policies = patched::patched(examined, &[&change]);
            let evaluation = sesame_policy::evaluate(&policies, &examined.request);
            let Blocker::Deny(at) = &found.blocker else { return false };
            let traces = evaluation.layer(at.layer).map(|layer| layer.statements.as_slice()).unwrap_or_default();
            traces.iter().any(|trace| trace.at == *at && trace.outcome == Truth::False)
        })
    }

    fn add_fix(&mut self, attached: &Attached, index: usize) {
        let same = |draft: &&mut Draft| patched::same_policy(&draft.target, &attached.target);
        if let Some(draft) = self.drafts.iter_mut().find(same) {
            draft.fixes.push(index);
        }
    }
}

fn pointer_of(policy: &sesame_policy::PolicyDocument, index: usize) -> String {
    policy.statements.get(index).map(|statement| statement.pointer.clone()).unwrap_or_default()
}

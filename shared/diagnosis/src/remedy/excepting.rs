//! Denys: an exception to each, or their policy taken off.

use serde_json::{Value, json};
use sesame_policy::{PolicyDocument, Statement, StatementRef, Truth};

use super::deny::{self, Exception};
use super::draft::Draft;
use super::guard::Unmendable;
use super::{Bench, alternative, patched};
use crate::assemble::{Attached, managed_by_aws, raw_value};
use crate::examine::{Blocker, Examined};
use crate::finding::{Certainty, Operation, PolicyInfo, TargetKind};
use crate::words;

/// A cause that is a Deny, with what it stands in.
struct Denied<'s> {
    /// Index of the cause.
    cause: usize,
    at: &'s StatementRef,
    /// The request contexts that it refuses.
    contexts: Vec<&'s Examined>,
    /// All request contexts of its question.
    asked: &'s [Examined],
    attached: &'s Attached,
    info: &'s PolicyInfo,
    policy: &'s PolicyDocument,
    statement: &'s Statement,
}

impl Denied<'_> {
    /// Whether one change mends both. AWS's own policy is taken off each principal that has it.
    fn is_beside(&self, other: &Denied) -> bool {
        let (target, beside) = (&self.attached.target, &other.attached.target);
        let edited = !managed_by_aws(self.info.arn.as_deref().unwrap_or_default());
        patched::same_policy(target, beside) && (edited || target.principal == beside.principal)
    }
}

/// A Deny with exceptions.
struct Excepted {
    /// The statement with them.
    after: Value,
    /// What was done, one phrase an exception.
    how: Vec<String>,
    /// Indices of the causes that it mends.
    fixes: Vec<usize>,
    /// Those that it does not, and why not where that is known.
    left: Vec<(usize, Option<Unmendable>)>,
}

/// In how many orders the exceptions to one statement are tried.
const ORDERS: usize = 8;
/// How many exceptions of one document a title tells.
const TOLD: usize = 3;

/// What was done, the first few exceptions told and the others counted.
fn told(how: &[String]) -> String {
    let mut phrases: Vec<String> = how.iter().take(TOLD).cloned().collect();
    match how.len().saturating_sub(TOLD) {
        0 => {}
        1 => phrases.push("and 1 more statement of that policy".to_owned()),
        more => phrases.push(format!("and {more} more statements of that policy")),
    }
    phrases.join("; ")
}

impl<'s> Bench<'s, '_> {
    /// Denys: exceptions to them, one document after the other.
    pub(super) fn exceptions(&mut self) {
        let mut documents: Vec<Vec<Denied<'s>>> = Vec::new();
        for (index, found) in self.situation.causes.iter().enumerate() {
            match &found.blocker {
                Blocker::Deny(at) => {
                    let Some(denied) = self.denied(index, at) else { continue };
                    let same = |other: &&mut Vec<Denied>| other.iter().any(|it| it.is_beside(&denied));
                    match documents.iter_mut().find(same) {
                        Some(together) => together.push(denied),
                        None => documents.push(vec![denied]),
                    }
                }
                Blocker::Unreadable(..) if found.cause.certainty != Certainty::Possible => self.unmended = true,
                _ => {}
            }
        }
        documents.into_iter().for_each(|denies| self.except(denies));
    }

    fn denied(&self, cause: usize, at: &'s StatementRef) -> Option<Denied<'s>> {
        let situation = self.situation;
        let found = situation.causes.get(cause)?;
        let refuses = |examined: &&Examined| examined.blockers.iter().any(|(blocker, _)| *blocker == found.blocker);
        let asked = situation.examined.get(found.cause.request)?;
        let contexts: Vec<&Examined> = asked.iter().filter(refuses).collect();
        let attached = contexts.first()?.set.policy(at)?;
        let policy = attached.document.as_deref()?;
        let (info, statement) = (attached.info.as_ref()?, policy.statements.get(at.statement)?);
        Some(Denied { cause, at, contexts, asked, attached, info, policy, statement })
    }

    /// Exceptions to the Denys of one document.
    fn except(&mut self, mut denies: Vec<Denied>) {
        let Some(first) = denies.first() else { return };
        let (attached, info, raw) = (first.attached, first.info, raw_value(first.policy));
        let by_aws = managed_by_aws(info.arn.as_deref().unwrap_or_default());
        let boundary = attached.target.kind == TargetKind::Boundary;
        if crate::hint::is_quarantine(info) {
            // AWS asks not to take it off: the credentials are to be replaced.
            self.unmended = true;
            return;
        }
        if by_aws && !boundary {
            let mut draft = self.draft(Operation::Detach, attached.target.clone(), Some(raw), None);
            draft.fixes = denies.iter().map(|denied| denied.cause).collect();
            draft.title = format!("Detach {}", words::policy(info));
            draft.why =
                "AWS's own policy cannot be edited, and what else it denies is for a person to weigh".to_owned();
            self.drafts.push(draft);
            return;
        }
        let mut document = raw.clone();
        let (mut how, mut fixes, mut left) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(statement) = denies.first().map(|denied| denied.statement) {
            let (together, rest) = denies.into_iter().partition(|denied| denied.statement.pointer == statement.pointer);
            denies = rest;
            let Some(place) = document.pointer_mut(&statement.pointer) else { continue };
            let excepted = self.least(&raw, place, together);
            *place = excepted.after;
            how.extend(excepted.how);
            fixes.extend(excepted.fixes);
            left.extend(excepted.left);
        }
        self.unmended |= !left.is_empty();
        self.unmendable.extend(left.into_iter().filter_map(|(cause, why)| Some((cause, why?))));
        if how.is_empty() {
            return;
        }
        fixes.sort_unstable();
        let how = told(&how);
        // AWS's own boundary gives way to one of the account's own, with the same statements.
        let (target, before) = match by_aws {
            true => (self.own_boundary(&attached.target), None),
            false => (attached.target.clone(), Some(raw.clone())),
        };
        let same = |draft: &&mut Draft| {
            patched::same_policy(&draft.target, &target) && draft.before.is_some() == before.is_some()
        };
        match self.drafts.iter_mut().find(same) {
            // What was granted in this document stands behind its own statements.
            Some(draft) => {
                let granted = draft.after.as_ref().map(statements).unwrap_or_default();
                let granted: Vec<Value> = granted.into_iter().skip(statements(&raw).len()).collect();
                draft.after = alternative::with_statements(&document, &granted);
                draft.fixes.extend(fixes);
                draft.title = format!("{}; {how}", draft.title);
            }
            None => {
                let mut draft = self.draft(Operation::Put, target, before, Some(document));
                draft.fixes = fixes;
                draft.title = words::capital(&how);
                draft.why = "blocked as configured: somebody wrote this Deny, so its owner decides".to_owned();
                self.drafts.push(draft);
            }
        }
    }

    /// The fewest exceptions to one statement: a broader one may make an earlier one of no need.
    fn least(&self, raw: &Value, statement: &Value, mut denies: Vec<Denied>) -> Excepted {
        let mut least = self.excepted(raw, statement, &denies);
        for _ in 1..denies.len().min(ORDERS) {
            if least.how.len() < 2 {
                break;
            }
            denies.rotate_left(1);
            let other = self.excepted(raw, statement, &denies);
            if other.how.len() < least.how.len() && other.left.len() <= least.left.len() {
                least = other;
            }
        }
        least
    }

    /// The statement with an exception for each cause, in this order, but for those that an earlier exception covers.
    fn excepted(&self, raw: &Value, statement: &Value, denies: &[Denied]) -> Excepted {
        let mut done = Excepted { after: statement.clone(), how: Vec::new(), fixes: Vec::new(), left: Vec::new() };
        let arn = self.principal_arn();
        for denied in denies {
            if self.already_excepted(raw, &done.after, denied) {
                done.fixes.push(denied.cause);
                continue;
            }
            let of = denied.contexts.iter().filter_map(|examined| examined.evaluation.layer(denied.at.layer));
            let traces: Vec<_> =
                of.filter_map(|layer| layer.statements.iter().find(|trace| trace.at == *denied.at)).collect();
            let contexts = &denied.contexts;
            match deny::except(&done.after, denied.statement, &traces, contexts, arn.as_deref()) {
                Err(unmendable) => done.left.push((denied.cause, Some(unmendable))),
                Ok(None) => done.left.push((denied.cause, None)),
                Ok(Some(exception)) => {
                    done.how.push(self.phrase(denied, &exception));
                    done.after = exception.after;
                    done.fixes.push(denied.cause);
                }
            }
        }
        done
    }

    fn phrase(&self, denied: &Denied, exception: &Exception) -> String {
        let info = denied.info;
        let name = words::statement_name(denied.statement.sid.as_deref(), denied.at.statement);
        let own = exception.exempts && info.attached_to == self.situation.subject.info.arn;
        let place = match (managed_by_aws(info.arn.as_deref().unwrap_or_default()), own) {
            (true, _) => words::own_boundary(info),
            (false, true) => words::own_policy(info),
            (false, false) => words::policy(info),
        };
        format!("{} {name} of {place}", exception.how)
    }

    /// Whether an earlier exception already keeps this statement from denying the question. The statement is judged alone: what
    /// its neighbours come to costs much where they turn on what is not known, and changes nothing here.
    fn already_excepted(&self, raw: &Value, statement: &Value, denied: &Denied) -> bool {
        if raw.pointer(&denied.statement.pointer) == Some(statement) {
            return false;
        }
        let mut alone = raw.as_object().cloned().unwrap_or_default();
        alone.insert("Statement".to_owned(), json!([statement]));
        let target = denied.attached.target.clone();
        let draft = self.draft(Operation::Put, target, Some(raw.clone()), Some(Value::Object(alone)));
        let change = patched::Change::of(&draft);
        let at = StatementRef { statement: 0, ..*denied.at };
        denied.asked.iter().all(|examined| {
            let policies = patched::patched(examined, &[&change]);
            let evaluation = sesame_policy::evaluate(&policies, &examined.request);
            let traces = evaluation.layer(at.layer).map(|layer| layer.statements.as_slice()).unwrap_or_default();
            traces.iter().any(|trace| trace.at == at && trace.outcome == Truth::False)
        })
    }
}

fn statements(document: &Value) -> Vec<Value> {
    match document.get("Statement") {
        Some(Value::Array(list)) => list.clone(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    }
}

//! Proof: the world is evaluated with the plan in it, and with each alternative in the place of what it stands for.

use super::also_allowed::{AlsoAllowed, Variations};
use super::draft::Draft;
use super::guard::Unmendable;
use super::patched::{self, After, Change};
use super::{Plan, Situation};
use crate::finding::{Remedy, Verification};
use crate::words;

/// Numbers the drafts, of which the first `planned` make the plan, and evaluates the world with them in it.
pub fn prove(
    situation: &Situation,
    drafts: Vec<Draft>,
    planned: usize,
    unmendable: Vec<(usize, Unmendable)>,
    unmended: bool,
) -> Plan {
    // A grant that cannot help is not offered at all.
    if situation.futile || drafts.is_empty() {
        return Plan { unmendable, ..Plan::default() };
    }
    let changes: Vec<Change> = drafts.iter().map(Change::of).collect();
    let who = words::who(situation.subject);
    let variations = Variations::of(situation, &drafts);
    let proof = |changes: &[&Change]| -> Verification {
        let After { allowed, depends_on } = patched::after(situation.examined, changes);
        let AlsoAllowed { sentence, examples } = variations.also_allowed(changes, &who);
        Verification { allowed_after: allowed, depends_on, also_allowed: sentence, also_allowed_requests: examples }
    };
    let plan: Vec<&Change> = changes.iter().take(planned).collect();
    let whole = proof(&plan);
    let helps = whole.allowed_after != Some(false);
    let complete = planned > 0 && helps && !unmended;
    let id = |index: usize| format!("r{}", index + 1);
    let mut remedies: Vec<Remedy> = Vec::with_capacity(drafts.len());
    for (draft, change) in drafts.iter().zip(&changes) {
        let verification = match draft.alternative_to {
            None => whole.clone(),
            Some(replaced) => {
                let rest = plan.iter().enumerate().filter(|(index, _)| *index != replaced).map(|(_, change)| *change);
                proof(&rest.chain(std::iter::once(change)).collect::<Vec<_>>())
            }
        };
        // What does not help is not offered in place of what does.
        if complete && draft.alternative_to.is_some() && verification.allowed_after == Some(false) {
            continue;
        }
        // Alternatives come last: what they stand for has its number already.
        let remedy = draft.remedy(id(remedies.len()), draft.alternative_to.map(id), situation.finding);
        remedies.push(Remedy { verification, ..remedy });
    }
    let plan = if complete { (0..planned).map(id).collect() } else { Vec::new() };
    Plan { remedies, plan, unmendable }
}

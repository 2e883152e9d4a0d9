//! Generated cases, answered by the policy engine and by the slow reference evaluator; the engine behind one function, and
//! what fuzzing asks of it.
//!
//! A generated case depends on the seed and its number only, so that a disagreement can be had again.

mod answers;
mod condition;
pub mod engine;
pub mod fuzz;
mod generate;
mod minimize;
mod mistake;
mod principal;
mod random;
mod text;

pub use answers::{Comparison, Counts, compare};
pub use generate::case;
pub use minimize::minimize;

/// What a run found.
#[derive(Debug, Default)]
pub struct Run {
    /// How many cases there were of which sort.
    pub counts: Counts,
    /// The first disagreement: the case as small as it could be made, and what differs in it.
    pub disagreement: Option<(serde_json::Value, String)>,
}

/// Runs the cases of these numbers, up to the first disagreement.
pub fn run(seed: u64, numbers: impl Iterator<Item = u64>) -> Run {
    let mut run = Run::default();
    for number in numbers {
        let generated = case(seed, number);
        match compare(&generated) {
            Comparison::Same(sort, answer) => run.counts.add(sort, answer),
            Comparison::Different(_) => {
                let (smallest, difference) = minimize(generated);
                run.disagreement = Some((smallest, difference));
                return run;
            }
        }
    }
    run
}

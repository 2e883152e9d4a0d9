//! `sesame-differential --cases N --seed S`: compares the policy engine with the reference evaluator.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sesame_differential::{Counts, Run, run};

/// So many cases are run between two looks at whether another thread has found a disagreement.
const CHUNK: u64 = 500;

fn main() -> ExitCode {
    let mut cases = 10_000;
    let mut seed = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = arguments.next().and_then(|text| text.parse::<u64>().ok());
        match (argument.as_str(), number) {
            ("--cases", Some(number)) => cases = number,
            ("--seed", Some(number)) => seed = number,
            _ => {
                eprintln!("usage: sesame-differential [--cases NUMBER] [--seed NUMBER]");
                return ExitCode::from(2);
            }
        }
    }
    let workers = thread::available_parallelism().map_or(1, |count| u64::try_from(count.get()).unwrap_or(1));
    let stop = AtomicBool::new(false);
    let runs: Vec<Run> = thread::scope(|scope| {
        let stop = &stop;
        let handles: Vec<_> =
            (0..workers).map(|worker| scope.spawn(move || work(seed, cases, worker, workers, stop))).collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).collect()
    });
    if u64::try_from(runs.len()) != Ok(workers) {
        eprintln!("error: a worker stopped early");
        return ExitCode::FAILURE;
    }
    let counts = runs.iter().fold(Counts::default(), |sum, run| sum.plus(run.counts));
    println!(
        "seed {seed}: {} cases fully known, {} with unknowns compared exactly, {} for containment, {} approximate, {} skipped",
        counts.known, counts.exact, counts.contained, counts.approximate, counts.skipped
    );
    let [allowed, implicit, explicit, undetermined, errors] = counts.answers;
    println!(
        "{allowed} allowed, {implicit} implicitly and {explicit} explicitly denied, {undetermined} undetermined, {errors} errors"
    );
    match runs.into_iter().find_map(|run| run.disagreement) {
        None => ExitCode::SUCCESS,
        Some((case, difference)) => {
            println!("{case}\n{difference}");
            ExitCode::FAILURE
        }
    }
}

/// The chunks of one worker, until all are done or any worker has found a disagreement.
fn work(seed: u64, cases: u64, worker: u64, workers: u64, stop: &AtomicBool) -> Run {
    let mut total = Run::default();
    let mut chunk = worker;
    while chunk * CHUNK < cases && !stop.load(Ordering::Relaxed) {
        let found = run(seed, chunk * CHUNK..((chunk + 1) * CHUNK).min(cases));
        total.counts = total.counts.plus(found.counts);
        if found.disagreement.is_some() {
            total.disagreement = found.disagreement;
            stop.store(true, Ordering::Relaxed);
        }
        chunk += workers;
    }
    total
}

//! How fast the policy engine decides, in decisions per second of CPU time, and what a diagnosis costs.
//!
//! `cargo run --release -p sesame-benches`. Policies are parsed once, before the clock starts. CPU times of one machine are
//! no measure for another, so each rate is also given against a loop of plain arithmetic that runs in the same process, and
//! `--instructions` counts the instructions of each piece of work under callgrind.

mod diagnosis;
mod instructions;
mod made;
mod work;

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use work::Work;

/// How long one measurement runs, in CPU time. The best of several counts: the others were disturbed.
const ROUND: Duration = Duration::from_millis(250);
const ROUNDS: usize = 8;

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap_or_default(), now.tv_nsec.try_into().unwrap_or_default())
}

/// How often something is done in a second of CPU time.
fn rate(mut work: impl FnMut()) -> f64 {
    let mut best: f64 = 0.0;
    for _ in 0..ROUNDS {
        let start = cpu_time();
        let mut count = 0_u32;
        let mut batch = 1;
        let spent = loop {
            for _ in 0..batch {
                work();
            }
            count += batch;
            let spent = cpu_time().saturating_sub(start);
            if spent >= ROUND {
                break spent;
            }
            batch = if spent < ROUND / 16 { batch * 2 } else { batch };
        };
        best = best.max(f64::from(count) / spent.as_secs_f64());
    }
    best
}

/// [`rate`] of something that is not named by its type.
fn rate_of(work: &mut dyn FnMut()) -> f64 {
    rate(work)
}

/// A loop that no compiler and no cache changes much: a thousand steps of a linear congruential generator.
fn calibration() -> u64 {
    (0..1000).fold(black_box(1_u64), |state, _| {
        black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
}

const USAGE: &str = "usage: sesame-benches [NAME]              rates of all work, or of what has NAME in its name
       sesame-benches --instructions      instructions of each piece of work (needs valgrind)
       sesame-benches --repeat NAME COUNT do one piece of work so often";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => rates(""),
        ["--instructions"] => instructions::report(&work::all()?),
        ["--repeat", name, count] => repeat(name, count.parse()?),
        [name] if !name.starts_with('-') => rates(name),
        _ => Err(USAGE.into()),
    }
}

fn repeat(name: &str, count: u32) -> Result<(), Box<dyn Error>> {
    let mut all = work::all()?;
    let work = all.iter_mut().find(|work| work.name == name).ok_or("no work of this name")?;
    (0..count).for_each(|_| (work.once)());
    Ok(())
}

fn rates(part_of_name: &str) -> Result<(), Box<dyn Error>> {
    let unit = rate(|| {
        black_box(calibration());
    });
    println!("calibration: {unit:.0} loops of 1000 steps a CPU-second");
    // First, while nothing else has taken memory.
    let kept = diagnosis::measure(if part_of_name == "diagnosis" { "" } else { part_of_name }, rate_of, unit)?;
    println!("{:<48}{:>14}{:>12}{:>16}", "", "a CPU-second", "each", "to calibration");
    for Work { name, mut once } in work::all()?.into_iter().filter(|work| work.name.contains(part_of_name)) {
        let rate = rate(&mut once);
        println!("{name:<48}{rate:>14.0}{:>9.2} µs{:>16.3}", 1e6 / rate, rate / unit);
    }
    if kept { Ok(()) } else { Err("a diagnosis is over its budget".into()) }
}

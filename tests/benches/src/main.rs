//! How fast the policy engine decides, in decisions per second of CPU time, and what a diagnosis costs.
//!
//! `cargo run --release -p sesame-benches`. Policies are parsed once, before the clock starts. CPU times of one machine are
//! no measure for another, so each rate is also given against a loop of plain arithmetic that runs in the same process.

mod diagnosis;
mod made;

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sesame_policy::case::Case;
use sesame_policy::{ContextValue, decide, evaluate};

const CASES: &str = include_str!("../cases.jsonl");
/// How long one measurement runs, in CPU time. The best of several counts: the others were disturbed.
const ROUND: Duration = Duration::from_millis(250);
const ROUNDS: usize = 8;

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap_or_default(), now.tv_nsec.try_into().unwrap_or_default())
}

/// [`rate`] of something that is not named by its type.
fn rate_of(work: &mut dyn FnMut()) -> f64 {
    rate(work)
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

/// A loop that no compiler and no cache changes much: a thousand steps of a linear congruential generator.
fn calibration() -> u64 {
    (0..1000).fold(black_box(1_u64), |state, _| {
        black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let cases = CASES.lines().map(Case::parse).collect::<Result<Vec<_>, _>>()?;
    let unit = rate(|| {
        black_box(calibration());
    });
    println!("calibration: {unit:.0} loops of 1000 steps a CPU-second");
    let kept = diagnosis::measure(rate_of, unit)?;
    println!("{:<44}{:>14}{:>12}{:>16}", "", "a CPU-second", "each", "to calibration");
    let report = |name: &str, rate: f64| {
        println!("{name:<44}{rate:>14.0}{:>9.2} µs{:>16.3}", 1e6 / rate, rate / unit);
    };
    for case in &cases {
        let (policies, request) = (&case.policies, &case.request);
        report(
            &format!("{}: decide", case.id),
            rate(|| {
                black_box(decide(black_box(policies), black_box(request)));
            }),
        );
        report(
            &format!("{}: evaluate, full trace", case.id),
            rate(|| {
                black_box(evaluate(black_box(policies), black_box(request)));
            }),
        );
        let mut unknown = request.clone();
        unknown.context.set("ses:Recipients", ContextValue::Unknown("redacted".to_owned()));
        report(
            &format!("{}: decide, recipients unknown", case.id),
            rate(|| {
                black_box(decide(black_box(policies), black_box(&unknown)));
            }),
        );
    }
    for (case, line) in cases.iter().zip(CASES.lines()) {
        report(
            &format!("{}: parse the case", case.id),
            rate(|| {
                black_box(Case::parse(black_box(line)).is_ok());
            }),
        );
        report(
            &format!("{}: decide and write the answer", case.id),
            rate(|| {
                black_box(case.answer());
            }),
        );
    }
    println!("growth: decisions over one policy of so many statements");
    for count in [100, 1_000, 10_000] {
        let (policies, request) = made::statements(count)?;
        let rate = rate(|| {
            black_box(decide(black_box(&policies), black_box(&request)));
        });
        println!("{count:>10} statements{:>12.2} µs{:>10.2} ns a statement", 1e6 / rate, 1e9 / rate / f64::from(count));
    }
    println!("hostile patterns: one decision");
    for length in [1_000, 10_000] {
        for (name, policies, request) in made::hostile(length)? {
            let rate = rate(|| {
                black_box(decide(black_box(&policies), black_box(&request)));
            });
            println!("{name:<28} on {length:>6} characters{:>12.2} µs", 1e6 / rate);
        }
    }
    match kept {
        true => Ok(()),
        false => Err("a diagnosis is over its budget".into()),
    }
}

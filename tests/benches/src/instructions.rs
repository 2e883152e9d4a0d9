//! Instructions instead of seconds: the same number on every run, whatever else the machine does.

use std::error::Error;
use std::process::Command;

use crate::work::Work;

/// So often each piece of work is done; what it takes to come there is measured by itself and taken off.
const COUNT: u64 = 20;

pub(crate) fn report(all: &[Work]) -> Result<(), Box<dyn Error>> {
    println!("{:<48}{:>16}", "", "instructions");
    for Work { name, .. } in all {
        let each = (instructions(name, COUNT + 1)?).saturating_sub(instructions(name, 1)?) / COUNT;
        println!("{name:<48}{each:>16}");
    }
    Ok(())
}

/// The instructions of this program doing a piece of work so often.
fn instructions(name: &str, count: u64) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--repeat", name, &count.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}; install it, `make bench` does"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = collected.ok_or_else(|| format!("valgrind gave no count:\n{log}"))?;
    Ok(number.trim().parse()?)
}

//! `sesame evaluate`: the engine by itself, a line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Evaluate;
use crate::failure::{Failure, Status};
use crate::output;

/// The longest line that is read: more than any request and its policies can hold.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Answers each case in its turn.
pub fn run(arguments: &Evaluate) -> Result<ExitCode, Failure> {
    let path = &arguments.cases;
    let unreadable = |error: io::Error| Failure::input(format!("{}: could not be read: {error}", path.display()));
    let (reader, length): (Box<dyn Read>, Option<u64>) = match path == Path::new("-") {
        true => (Box::new(io::stdin()), None),
        false => {
            let file = File::open(path).map_err(unreadable)?;
            let length = file.metadata().ok().map(|metadata| metadata.len());
            (Box::new(file), length)
        }
    };
    let progress = progress(length);
    let mut lines = BufReader::with_capacity(1 << 16, progress.wrap_read(reader));
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut failed = false;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.by_ref().take(LONGEST_LINE).read_line(&mut line).map_err(unreadable)? == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let answer = sesame_policy::case::answer(&line);
        failed |= answer.is_error();
        if let Err(error) = writeln!(out, "{answer}") {
            output::finish(Err(error))?;
            break; // nobody reads on
        }
    }
    output::finish(out.flush())?;
    progress.finish_and_clear();
    Ok(if failed { Status::Input.into() } else { ExitCode::SUCCESS })
}

/// A bar on a terminal, when the answers go elsewhere.
fn progress(length: Option<u64>) -> ProgressBar {
    if io::stdout().is_terminal() || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    match (length, ProgressStyle::with_template(template)) {
        (Some(length), Ok(style)) => ProgressBar::new(length).with_style(style),
        _ => ProgressBar::no_length(),
    }
}

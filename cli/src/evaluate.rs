//! `sesame evaluate`: the engine by itself, a line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use sesame_policy::case::{Case, CaseError};

use crate::arguments::Evaluate;
use crate::failure::{Failure, Status};
use crate::output;

/// The longest line that is read: more than any request and its policies can hold.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Answers each case in its turn.
pub fn run(arguments: &Evaluate) -> Result<ExitCode, Failure> {
    let path = &arguments.cases;
    let unreadable = |error: io::Error| Failure::unreadable(path, &error);
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
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut failed = false;
    let mut line = Vec::new();
    skip_byte_order_mark(&mut lines).map_err(unreadable)?;
    while read_line(&mut lines, &mut line).map_err(unreadable)? {
        let no_case = |message: &str| CaseError { id: None, pointer: String::new(), message: message.to_owned() };
        let case = match std::str::from_utf8(&line) {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(_) if line.len() as u64 >= LONGEST_LINE => Err(no_case("expected a line of less than 64 MiB")),
            Ok(text) => Case::parse(text),
            Err(_) => Err(no_case("expected UTF-8 text")),
        };
        failed |= case.is_err();
        let mut written = writeln!(out, "{}", case.map_or_else(|error| error.answer(), |case| case.answer()));
        // Whoever writes a case and waits for its answer gets it before the next read, which may take a while.
        if written.is_ok() && !lines.buffer().contains(&b'\n') {
            written = out.flush();
        }
        if written.is_err() {
            output::finish(written)?;
            break; // nobody reads on
        }
    }
    output::finish(out.flush())?;
    progress.finish_and_clear();
    Ok(if failed { Status::Input.into() } else { ExitCode::SUCCESS })
}

/// Some editors begin a file with one.
fn skip_byte_order_mark(reader: &mut impl BufRead) -> io::Result<()> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    Ok(())
}

/// Reads a line without its end; of one that is too long the beginning. False at the end of the input.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.pop_if(|last| *last == b'\n').is_none() && line.len() as u64 == LONGEST_LINE {
        reader.skip_until(b'\n')?;
    }
    Ok(true)
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

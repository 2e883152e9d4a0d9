//! `sesame replay`: log archives in, findings folded by fingerprint out.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use sesame_diagnosis::fold;
use sesame_diagnosis::input::{self, Input};
use sesame_render::report::{Refusals, Row, report, rows};

use crate::arguments::Replay;
use crate::failure::{Failure, Status, report as tell};
use crate::table::{columns, cut, minute};
use crate::{diagnose, output, present, world};

/// Reads archives, prints a table (or findings), and writes the report that was asked for.
pub fn run(arguments: &Replay) -> Result<ExitCode, Failure> {
    let (files, shut) = files(&arguments.paths)?;
    let (input, broken) = read(&files);
    let failed = broken + shut > 0;
    let worlds = world::load(&arguments.source)?;
    let times = times(&input);
    let count = if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) };
    let but = match broken {
        0 => String::new(),
        1 => ", 1 of them not whole".to_owned(),
        broken => format!(", {broken} of them not whole"),
    };
    let shut = match shut {
        0 => String::new(),
        1 => ", 1 folder could not be".to_owned(),
        shut => format!(", {shut} folders could not be"),
    };
    let read = format!("{count} read{but}{shut}; {}", input.skipped);
    if input.denials.is_empty() {
        anstream::eprintln!("no refused SES send: {read}");
        return Ok(status(failed));
    }
    let options = diagnose::options(&worlds, arguments.now);
    let findings = diagnose::diagnose_all(&fold::fold(input.denials), &worlds, &options)?;
    let refusals: Vec<Refusals> = findings
        .iter()
        .map(|finding| Refusals { finding, times: times.get(&finding.id).cloned().unwrap_or_default() })
        .collect();
    match arguments.format {
        Some(format) => output::print(&present::findings(&findings, format, options.now))?,
        None => output::print(&table(&rows(&refusals)))?,
    }
    if let Some(path) = &arguments.html {
        let names: Vec<String> = arguments.paths.iter().map(|path| path.display().to_string()).collect();
        let page = report(&refusals, &names.join(", "), &read, options.now);
        std::fs::write(path, page)
            .map_err(|error| Failure::input(format!("{}: could not be written: {error}", path.display())))?;
        anstream::eprintln!("report: {}", path.display());
    }
    anstream::eprintln!("{read}");
    Ok(status(failed))
}

fn status(failed: bool) -> ExitCode {
    if failed { Status::Input.into() } else { ExitCode::SUCCESS }
}

/// The files of the archives, folders walked, in a stable order; and how many folders in them could not be read: those are told
/// and passed over.
fn files(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, usize), Failure> {
    let (mut list, mut shut) = (Vec::new(), 0);
    for path in paths {
        walk(path, &mut list, &mut shut)?;
    }
    list.sort();
    list.dedup();
    Ok((list, shut))
}

fn walk(path: &Path, list: &mut Vec<PathBuf>, shut: &mut usize) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::input(format!("{}: expected a file or a folder, found none", path.display()))
        }
        _ => Failure::input(format!("{}: could not be read: {error}", path.display())),
    };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        list.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Digest files stand beside the logs and hold no records; links are not followed, so that no loop can be walked.
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() && name != "CloudTrail-Digest" {
            if let Err(failure) = walk(&entry.path(), list, shut) {
                *shut += 1;
                failure.report();
            }
        } else if kind.is_file()
            // What CloudWatch Logs exports is named `000000.gz`.
            && [".json", ".jsonl", ".ndjson", ".log", ".gz"].iter().any(|end| name.ends_with(end))
        {
            list.push(entry.path());
        }
    }
    Ok(())
}

/// Everything in the files, and how many of them could not be read as a whole: those are told and passed over.
fn read(files: &[PathBuf]) -> (Input, usize) {
    let progress = progress(files.len());
    let mut all = Input::default();
    let mut broken = 0;
    for file in files {
        // CloudTrail has a folder for each day, and the same names in each: the path's end tells them apart.
        let parts: Vec<_> = file.components().rev().take(4).map(|part| part.as_os_str().to_string_lossy()).collect();
        progress.set_message(parts.into_iter().rev().collect::<Vec<_>>().join("/"));
        match diagnose::read(file) {
            Ok(bytes) => {
                let input = input::read(&bytes, &file.display().to_string());
                broken += usize::from(!input.errors.is_empty());
                input.errors.iter().for_each(|error| progress.suspend(|| tell(&error.to_string())));
                all.append(input);
            }
            Err(failure) => {
                broken += 1;
                progress.suspend(|| {
                    failure.report();
                });
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    (all, broken)
}

fn progress(files: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match (u64::try_from(files), ProgressStyle::with_template("{bar:30} {pos} of {len} files, {eta} left  {wide_msg}"))
    {
        (Ok(files), Ok(style)) => ProgressBar::new(files).with_style(style),
        _ => ProgressBar::hidden(),
    }
}

/// When the refusals of each finding were; an event that stands in several files counts once.
fn times(input: &Input) -> BTreeMap<String, Vec<Timestamp>> {
    let mut times: BTreeMap<String, BTreeMap<String, Timestamp>> = BTreeMap::new();
    for (index, denial) in input.denials.iter().enumerate() {
        let event =
            denial.shared_event_id.clone().or_else(|| denial.event_id.clone()).unwrap_or_else(|| format!("#{index}"));
        if let Some(time) = denial.time {
            times.entry(fold::id(denial)).or_default().insert(event, time);
        }
    }
    times.into_iter().map(|(id, events)| (id, events.into_values().collect())).collect()
}

/// A table; on a terminal that is too narrow for it, three lines a finding.
fn table(rows: &[Row]) -> String {
    let width = if std::io::stdout().is_terminal() { present::width() } else { usize::MAX };
    let last = |row: &Row| minute(&row.last);
    let cause = |row: &Row| if row.why == row.how { row.why.clone() } else { format!("{} ({})", row.why, row.how) };
    let wide = columns(
        ["COUNT", "LAST", "WHO", "WHAT", "CAUSE", "FINDING"],
        rows.iter().map(|row| {
            [row.count.to_string(), last(row), row.who.clone(), row.what.clone(), cause(row), row.id.clone()]
        }),
    );
    if wide.iter().all(|line| line.chars().count() <= width) {
        return wide.into_iter().map(|line| line + "\n").collect();
    }
    let narrow = columns(
        ["COUNT", "LAST", "FINDING", "WHO"],
        rows.iter().map(|row| [row.count.to_string(), last(row), row.id.clone(), row.who.clone()]),
    );
    let below = rows.iter().map(|row| [row.what.clone(), cause(row)].map(|text| format!("       {text}")));
    let below = std::iter::once(["WHAT", "CAUSE"].map(|head| format!("       {head}"))).chain(below);
    let lines = narrow.into_iter().zip(below).flat_map(|(line, [what, cause])| [line, what, cause]);
    lines.map(|line| cut(&line, width) + "\n").collect()
}

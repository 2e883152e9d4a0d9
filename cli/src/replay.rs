//! `sesame replay`: log archives in, a table of findings out.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use sesame_diagnosis::finding::Finding;
use sesame_diagnosis::fold;
use sesame_diagnosis::input::{self, Input};
use sesame_render::{escape, words};

use crate::arguments::Replay;
use crate::failure::{Failure, Status, name, report};
use crate::report::{Row, page};
use crate::{diagnose, live, output, world};

/// Errors beyond so many are counted only.
const ERRORS_SHOWN: usize = 20;

/// Reads every file, folds all denials, and prints what they come to.
pub fn run(arguments: &Replay) -> Result<ExitCode, Failure> {
    if arguments.source.live {
        return Err(live::unavailable("--live"));
    }
    let mut files = Vec::new();
    for path in &arguments.paths {
        list(path, &mut files)?;
    }
    let progress = progress(files.len() as u64);
    let mut all = Input::default();
    for file in &files {
        all.append(input::read(&diagnose::read(file)?, &name(file)));
        progress.inc(1);
    }
    progress.finish_and_clear();
    let Input { denials, skipped, errors, errors_left_out } = all;
    errors.iter().take(ERRORS_SHOWN).for_each(|error| report(&error.to_string()));
    let more = errors_left_out + errors.len().saturating_sub(ERRORS_SHOWN) as u64;
    if more > 0 {
        report(&format!("{more} more could not be read"));
    }
    let read = words::counted(files.len(), "file", "files");
    let sends = words::counted(denials.len(), "refused SES send", "refused SES sends");
    anstream::eprintln!("read {read}: {sends}, {skipped}");

    let world = world::load(&arguments.source)?;
    let options = diagnose::options(&arguments.source, arguments.now);
    let mut findings = diagnose::diagnose_all(&fold::fold(denials), &world, &options)?;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.event.count));
    output::print(&table(&findings))?;
    if let Some(path) = &arguments.html {
        let rows: Vec<Row<'_>> = findings.iter().map(row).collect();
        let introduction = format!("{read}, {}.", words::counted(findings.len(), "finding", "findings"));
        let text = page("Refused sends", &introduction, &rows, options.now);
        fs::write(path, text)
            .map_err(|error| Failure::input(format!("{}: could not be written: {error}", path.display())))?;
    }
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { Status::Input.into() })
}

fn row(finding: &Finding) -> Row<'_> {
    Row { finding, heading: None, link: None, standing: words::outcome(finding.outcome).to_owned() }
}

/// Every file under a path, in order.
fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let unreadable = |error: io::Error| Failure::unreadable(path, &error);
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(unreadable)?;
    entries.sort();
    entries.iter().try_for_each(|entry| list(entry, files))
}

/// Count, who, what, outcome, certainty and the first cause; the most frequent first.
fn table(findings: &[Finding]) -> String {
    let mut rows = vec![["count", "who", "account", "action", "outcome", "why"].map(str::to_owned)];
    for finding in findings {
        let finding = &escape::shown(finding, escape::Medium::Plain);
        let action = finding.requests.first().map(|request| request.action.clone()).unwrap_or_default();
        let layer = finding.causes.first().map(|cause| format!("{}: ", cause.layer)).unwrap_or_default();
        rows.push([
            finding.event.count.to_string(),
            escape::unquoted(&words::who(&finding.principal)),
            finding.event.account_name.clone().or_else(|| finding.event.account.clone()).unwrap_or_default(),
            action,
            words::outcome(finding.outcome).to_owned(),
            layer + &escape::unquoted(&escape::clip(&finding.summary.why, 120)),
        ]);
    }
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn progress(files: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match ProgressStyle::with_template("{bar:30} {pos} of {len} files, {eta} left") {
        Ok(style) => ProgressBar::new(files).with_style(style),
        Err(_) => ProgressBar::new(files),
    }
}

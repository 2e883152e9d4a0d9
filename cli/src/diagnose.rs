//! `sesame diagnose`.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::Finding;
use sesame_diagnosis::input::{self, Input};
use sesame_diagnosis::{Options, fold};

use crate::arguments::Diagnose;
use crate::failure::{Failure, Status, name, report};
use crate::world::Worlds;
use crate::{output, present, time, world};

/// Reads denials, and prints a finding for each.
pub fn run(arguments: &Diagnose) -> Result<ExitCode, Failure> {
    // Before a long input is read: without credentials, or without AWS in the build, there is no need to.
    let live = if arguments.source.live { Some(world::load(&arguments.source)?) } else { None };
    let input = match (&arguments.input.event, &arguments.input.message) {
        (Some(path), _) => input::read(&read(path)?, &name(path)),
        (None, message) => input::read_message(message.as_deref().unwrap_or_default(), None, None),
    };
    let Input { denials, skipped, errors, errors_left_out } = input;
    errors.iter().for_each(|error| report(&error.to_string()));
    if errors_left_out > 0 {
        report(&format!("{errors_left_out} more could not be read"));
    }
    let status = if errors.is_empty() { ExitCode::SUCCESS } else { Status::Input.into() };
    if denials.is_empty() && !errors.is_empty() {
        return Ok(status);
    }
    let worlds = match live {
        Some(live) => live,
        None => world::load(&arguments.source)?,
    };
    if denials.is_empty() {
        anstream::eprintln!("no refused SES send: {skipped}");
        return Ok(status);
    }
    let options = options(&worlds, arguments.now);
    let findings = diagnose_all(&fold::fold(denials), &worlds, &options)?;
    output::print(&present::findings(&findings, arguments.format, options.now))?;
    Ok(status)
}

/// One finding for each incident.
pub fn diagnose_all(incidents: &[Incident], worlds: &Worlds, options: &Options) -> Result<Vec<Finding>, Failure> {
    let diagnose = |incident| Ok(sesame_diagnosis::diagnose(incident, worlds.of(incident)?.as_ref(), options)?);
    incidents.iter().map(diagnose).collect()
}

/// A document of a snapshot can be mended, so a broken one stops the diagnosis; live it is one more gap.
pub fn options(worlds: &Worlds, now: Option<jiff::Timestamp>) -> Options {
    let strict = matches!(worlds, Worlds::Loaded(_));
    Options { now: time::now(now), strict, own_account: worlds.own_account(), apply_role_accounts: Vec::new() }
}

/// A file's bytes; `-` is standard input.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Failure::unreadable(path, &error))?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|error| Failure::unreadable(path, &error))
}

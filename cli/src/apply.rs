//! `sesame apply`: remedies into a snapshot, and out of it again.

use std::path::Path;
use std::process::ExitCode;

use pollster::block_on;
use sesame_diagnosis::finding::{Applicability, Finding};
use sesame_remediation::State;
use sesame_remediation::receipt::{self, Receipt};
use sesame_responder::place::{Order, Refusal, put_in_place};
use sesame_responder::settings::Settings;
use sesame_snapshot::edit::{PutBack, put_back};
use sesame_snapshot::embedded::SnapshotFolder;

use crate::arguments::Apply;
use crate::failure::{Failure, Status, report};
use crate::{diagnose, output, time};

/// Applies, or takes back.
pub fn run(arguments: &Apply) -> Result<ExitCode, Failure> {
    match (&arguments.input.finding, &arguments.input.rollback) {
        (Some(finding), _) => apply(arguments, finding),
        (None, Some(receipt)) => roll_back(&arguments.snapshot, receipt),
        (None, None) => Err(Failure::usage("expected --finding or --rollback")),
    }
}

fn apply(arguments: &Apply, path: &Path) -> Result<ExitCode, Failure> {
    let finding: Finding = read(path, "a finding as `sesame diagnose --format json` prints it")?;
    let chosen = choose(arguments, &finding)?;
    let options = Settings::embedded().options(time::now(arguments.now));
    let folder = SnapshotFolder(arguments.snapshot.clone());
    // An unreadable folder is told as such, whatever else is wrong.
    sesame_snapshot::load(&arguments.snapshot)?;
    let order = Order { finding: &finding, remedies: &chosen, force_advice: arguments.force_advice, options: &options };
    let receipt = block_on(put_in_place(order, &folder, &folder)).map_err(|refusal| match refusal {
        Refusal::Invalid(_) | Refusal::Port(_) => Failure::snapshot(refusal),
        refusal => Failure::input(refusal),
    })?;
    let text = serde_json::to_string_pretty(&receipt)
        .map_err(|error| Failure::input(format!("the receipt has no JSON form: {error}")))?;
    output::print(&(text + "\n"))?;
    Ok(tell(&receipt))
}

/// The remedies that were asked for: one, or what of the plan may be written.
fn choose(arguments: &Apply, finding: &Finding) -> Result<Vec<String>, Failure> {
    if let Some(id) = &arguments.remedy {
        return Ok(vec![id.clone()]);
    }
    let may = |applicability| arguments.force_advice || applicability != Applicability::AdviceOnly;
    let chosen: Vec<String> =
        finding.planned().filter(|remedy| may(remedy.applicability)).map(|remedy| remedy.id.clone()).collect();
    match (chosen.is_empty(), finding.planned().next()) {
        (true, Some(advice)) => {
            Err(Failure::input(format!("`{}` is advice only: {} (--force-advice writes it)", advice.id, advice.why)))
        }
        (true, None) => Err(Failure::input("the finding has no plan: nothing to apply")),
        (false, _) => Ok(chosen),
    }
}

/// What became of it, on standard error; the status says whether all of it is done.
fn tell(receipt: &Receipt) -> ExitCode {
    let written: Vec<&str> = receipt.written.iter().map(|written| written.remedy.as_str()).collect();
    match receipt.state {
        State::Failed { restored } => {
            report(receipt.note.as_deref().unwrap_or("not applied"));
            if restored { Status::Input.into() } else { Status::Snapshot.into() }
        }
        _ if !receipt.complete => {
            report(&format!("applied {}; {}", written.join(", "), receipt.note.as_deref().unwrap_or_default()));
            Status::Input.into()
        }
        _ => {
            let allowed = match receipt.verification.allowed_after {
                Some(true) => "the send is allowed",
                _ => "whether the send is allowed turns on what is not known",
            };
            anstream::eprintln!("applied {}: {allowed}", written.join(", "));
            ExitCode::SUCCESS
        }
    }
}

fn roll_back(snapshot: &Path, path: &Path) -> Result<ExitCode, Failure> {
    let receipt: Receipt = read(path, "a receipt as `sesame apply` prints it")?;
    if receipt.schema != receipt::SCHEMA {
        let (expected, found) = (receipt::SCHEMA, receipt.schema);
        return Err(Failure::input(format!("{}: /schema: expected `{expected}`, found `{found}`", path.display())));
    }
    sesame_snapshot::load(snapshot)?;
    if receipt.written.is_empty() {
        anstream::eprintln!("nothing to put back: nothing was written");
        return Ok(ExitCode::SUCCESS);
    }
    for written in receipt.written.iter().rev() {
        match put_back(snapshot, written)? {
            PutBack::Exact => anstream::eprintln!("put back {}", written.remedy),
            PutBack::Document => anstream::eprintln!(
                "put back the document of {}; the file was changed elsewhere in the meantime, and keeps that",
                written.remedy
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads one of our own formats.
fn read<T: serde::de::DeserializeOwned>(path: &Path, expected: &str) -> Result<T, Failure> {
    let bytes = diagnose::read(path)?;
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let inner = error.into_inner();
        Failure::input(format!("{}: {place}: expected {expected}: {inner}", path.display()))
    })?;
    match json.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(Failure::input(format!("{}: expected one only, found more: {error}", path.display()))),
    }
}

//! `sesame show`.

use std::process::ExitCode;

use serde_json::Value;
use sesame_remediation::State;
use sesame_render::escape::visible;
use sesame_responder::audit;
use sesame_responder::record::Record;

use super::{Stack, id};
use crate::arguments::Format;
use crate::arguments::live::Show;
use crate::failure::Failure;
use crate::{output, present, time};

/// Shows a finding as `diagnose` does; as text, with where it stands and how it came there.
pub async fn run(arguments: &Show) -> Result<ExitCode, Failure> {
    let stack = Stack::open(&arguments.stack).await?;
    if arguments.record {
        let record: Value = stack.get(&format!("/findings/{}", id(&arguments.finding)?)).await?;
        output::print(&format!("{record:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let record = stack.record(&arguments.finding).await?;
    let mut text = present::findings(std::slice::from_ref(&record.finding), arguments.format, time::now(None));
    if arguments.format == Format::Text {
        text += &standing(&record);
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Where a finding stands, and everything that happened to it.
fn standing(record: &Record) -> String {
    let mut text = format!("\nSTATE {} since {}\n", words(record.state), record.since);
    if let Some(note) = record.receipt.as_ref().and_then(|receipt| receipt.note.as_ref()) {
        text += &format!("  {}\n", visible(note));
    }
    for entry in &record.history {
        let what = match (&entry.refused, audit::standing(entry)) {
            (Some(why), Some(standing)) => format!("not {standing}: {why}"),
            (_, Some(standing)) => standing,
            (_, None) => format!("{} at {}", entry.state, entry.time),
        };
        let reason = entry.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        text += &format!("  {}\n", visible(&format!("{what}{reason}")));
    }
    text
}

/// A state in words.
pub fn words(state: State) -> String {
    match state {
        State::Failed { restored: true } => "failed (everything was put back)".to_owned(),
        State::Failed { restored: false } => "failed (something that was written stands)".to_owned(),
        state => state.to_string(),
    }
}

//! `sesame capture`: real events, made harmless and kept, and what they say about what is assumed of them.

mod assumptions;
mod redact;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use crate::arguments::{Capture, ListFormat};
use crate::failure::{Failure, name};
use crate::{diagnose, live, output};
use redact::Redactor;

/// An event as it came: with EventBridge's envelope, or the bare record.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The whole.
    pub whole: Value,
    /// The file that it is kept in.
    pub file: String,
}

impl Event {
    /// EventBridge's envelope, where it came in one.
    pub fn envelope(&self) -> Option<&Value> {
        self.whole.get("detail").map(|_| &self.whole)
    }
    /// The CloudTrail record.
    pub fn record(&self) -> &Value {
        self.whole.get("detail").unwrap_or(&self.whole)
    }
}

/// What is found of one source.
#[derive(Debug, Default)]
pub struct Found {
    events: Vec<Value>,
    others: usize,
}

/// Keeps events, and prints which assumptions they bear out.
pub fn run(arguments: &Capture) -> Result<ExitCode, Failure> {
    let mut keeper = Keeper::open(&arguments.out)?;
    match &arguments.input.queue {
        Some(url) => live::drain(url, arguments, &mut |body| {
            let found = parse(body, url)?;
            keeper.keep(found)
        })?,
        None => {
            for path in &arguments.input.event {
                let bytes = diagnose::read(path)?;
                let text = String::from_utf8(bytes)
                    .map_err(|_| Failure::input(format!("{}: expected JSON, found other bytes", name(path))))?;
                keeper.keep(parse(&text, &name(path))?)?;
            }
        }
    }
    let report = assumptions::judge(&keeper.events);
    match arguments.format {
        ListFormat::Json => output::print(&format!("{:#}\n", table::json(&report, &keeper.events, keeper.others)))?,
        ListFormat::Table => output::print(&table::text(&report))?,
    }
    anstream::eprintln!(
        "{}: {} events kept without what names anybody; {} others passed over",
        arguments.out.display(),
        keeper.events.len(),
        keeper.others
    );
    Ok(ExitCode::SUCCESS)
}

/// One JSON value, or one a line.
fn parse(text: &str, source: &str) -> Result<Found, Failure> {
    let mut found = Found::default();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => gather(value, &mut found),
        Err(whole) => {
            let lines: Vec<(usize, &str)> =
                text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
            if lines.len() < 2 {
                return Err(Failure::input(format!("{source}: expected JSON: {whole}")));
            }
            for (number, line) in lines {
                let value = serde_json::from_str(line).map_err(|error| {
                    Failure::input(format!("{source}: line {}: expected JSON: {error}", number + 1))
                })?;
                gather(value, &mut found);
            }
        }
    }
    Ok(found)
}

/// Sends of SES, out of whatever they are wrapped in: an SQS batch, a log file, an EventBridge event, a record.
fn gather(value: Value, found: &mut Found) {
    if let Some(Value::Array(records)) = value.get("Records") {
        for record in records {
            let body = record.get("body").and_then(Value::as_str).and_then(|body| serde_json::from_str(body).ok());
            gather(body.unwrap_or_else(|| record.clone()), found);
        }
        return;
    }
    let record = value.get("detail").unwrap_or(&value);
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("eventSource") == "ses.amazonaws.com" && text("eventName").starts_with("Send") {
        true => found.events.push(value),
        false => found.others += 1,
    }
}

/// The folder of kept events.
struct Keeper {
    folder: PathBuf,
    redactor: Redactor,
    events: Vec<Event>,
    others: usize,
    seen: BTreeSet<String>,
    next: usize,
}

impl Keeper {
    fn open(folder: &Path) -> Result<Keeper, Failure> {
        let failed = |error| Failure::input(format!("{}: could not be written: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(failed)?;
        let numbers = fs::read_dir(folder).map_err(failed)?.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_prefix("event-")?.get(..4)?.parse::<usize>().ok()
        });
        Ok(Keeper {
            folder: folder.to_owned(),
            redactor: Redactor::default(),
            events: Vec::new(),
            others: 0,
            seen: BTreeSet::new(),
            // Files of an earlier run stay as they are.
            next: numbers.max().unwrap_or_default() + 1,
        })
    }

    fn keep(&mut self, found: Found) -> Result<(), Failure> {
        self.others += found.others;
        for event in found.events {
            let record = event.get("detail").unwrap_or(&event);
            let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            // A copy in another account has an id of its own; the same event may come twice.
            if !text("eventID").is_empty() && !self.seen.insert(text("eventID")) {
                continue;
            }
            let code = Some(text("errorCode")).filter(|code| !code.is_empty()).unwrap_or_else(|| "allowed".to_owned());
            let plain = |text: String| text.chars().filter(char::is_ascii_alphanumeric).take(60).collect::<String>();
            let file = format!("event-{:04}-{}-{}.json", self.next, plain(text("eventName")), plain(code));
            let whole = self.redactor.event(&event);
            self.write(&file, &whole)?;
            self.next += 1;
            self.events.push(Event { whole, file });
        }
        Ok(())
    }

    fn write(&self, file: &str, event: &Value) -> Result<(), Failure> {
        let path = self.folder.join(file);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let written = options.open(&path).and_then(|mut out| out.write_all(format!("{event:#}\n").as_bytes()));
        written.map_err(|error| Failure::input(format!("{}: could not be written: {error}", path.display())))
    }
}

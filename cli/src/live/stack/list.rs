//! `sesame list` and `sesame grants`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};
use sesame_diagnosis::words::short_arn;
use sesame_responder::list::{Cursor, Page, Summary};

use super::Stack;
use crate::arguments::live::{AuditFormat, Grants, List, ListFormat};
use crate::failure::Failure;
use crate::{output, present, table};

/// Lists findings, those refused last first; or exports the audit.
pub async fn run(arguments: &List) -> Result<ExitCode, Failure> {
    let stack = Stack::open(&arguments.stack).await?;
    match arguments.audit {
        Some(AuditFormat::Csv) => return csv(&stack).await,
        Some(AuditFormat::Json) => return audit(&stack).await,
        None => {}
    }
    let findings = all(&stack, arguments).await?;
    if arguments.format == ListFormat::Json {
        output::print(&format!("{:#}\n", json!({ "findings": findings })))?;
        return Ok(ExitCode::SUCCESS);
    }
    if findings.is_empty() {
        anstream::eprintln!("no findings");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = findings.iter().map(|finding| {
        [
            finding.id.clone(),
            finding.state.to_string(),
            table::minute(&finding.last_seen.to_string()),
            finding.count.to_string(),
            finding.who.as_deref().map(short_arn).unwrap_or_else(|| "-".to_owned()),
            finding.what.clone(),
        ]
    });
    output::print(&table::table(["FINDING", "STATE", "LAST", "COUNT", "WHO", "WHAT"], rows, Some(width())))?;
    Ok(ExitCode::SUCCESS)
}

/// The audit as CSV, part by part; the header stands once.
async fn csv(stack: &Stack) -> Result<ExitCode, Failure> {
    let mut path = "/audit?format=csv".to_owned();
    let mut first = true;
    loop {
        let answer = stack.get_answer(&path).await?;
        let header = answer.body.iter().position(|byte| *byte == b'\n').map_or(answer.body.len(), |at| at + 1);
        let (_, rows) = answer.body.split_at(if first { 0 } else { header });
        output::bytes(rows)?;
        first = false;
        match answer.next {
            Some(next) => path = format!("/audit?format=csv&after={}", encoded(&next)),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// A part of the audit.
#[derive(Debug, Deserialize)]
struct Part {
    entries: Vec<Value>,
    #[serde(default)]
    forgotten: u64,
    next: Option<String>,
}

/// The audit as JSON, all parts in one.
async fn audit(stack: &Stack) -> Result<ExitCode, Failure> {
    let mut path = "/audit?format=json".to_owned();
    let (mut entries, mut forgotten) = (Vec::new(), 0);
    loop {
        let part: Part = stack.get(&path).await?;
        entries.extend(part.entries);
        forgotten += part.forgotten;
        match part.next {
            Some(next) => path = format!("/audit?format=json&after={}", encoded(&next)),
            None => break,
        }
    }
    output::print(&format!("{:#}\n", json!({ "entries": entries, "forgotten": forgotten })))?;
    Ok(ExitCode::SUCCESS)
}

async fn all(stack: &Stack, arguments: &List) -> Result<Vec<Summary>, Failure> {
    let mut findings = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let after_text = after.take().map(String::from);
        let fields = [("state", &arguments.state), ("account", &arguments.account), ("after", &after_text)];
        let fields: Vec<String> = fields
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_deref()?))))
            .collect();
        let query = if fields.is_empty() { String::new() } else { format!("?{}", fields.join("&")) };
        let page: Page = stack.get(&format!("/findings{query}")).await?;
        findings.extend(page.findings);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(findings),
        }
    }
}

/// A value of a query.
fn encoded(text: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The terminal's width; a pipe gets what fits every terminal.
fn width() -> usize {
    if std::io::stdout().is_terminal() { present::width().max(40) } else { 80 }
}

/// A grant, as far as the table shows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    finding: String,
    principal: Option<String>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
    expires: Option<String>,
    #[serde(default)]
    expired: bool,
    since: String,
}

/// Lists what Sesame has granted that still stands.
pub async fn grants(arguments: &Grants) -> Result<ExitCode, Failure> {
    let stack = Stack::open(&arguments.stack).await?;
    let answer: Value = stack.get("/grants").await?;
    if arguments.format == ListFormat::Json {
        output::print(&format!("{answer:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let list = answer.get("grants").cloned().unwrap_or(answer);
    let grants: Vec<Grant> = serde_json::from_value(list)
        .map_err(|error| Failure::snapshot(format!("/grants: {error}: expected a stack of this version")))?;
    if grants.is_empty() {
        anstream::eprintln!("nothing that Sesame granted stands");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = grants.iter().map(|grant| {
        let end = match (&grant.expires, grant.expired) {
            (Some(_), true) => "expired".to_owned(),
            (Some(end), false) => table::minute(end),
            (None, _) => "-".to_owned(),
        };
        let resources: Vec<String> = grant.resources.iter().map(|arn| short_arn(arn)).collect();
        [
            grant.finding.clone(),
            table::minute(&grant.since).get(..10).unwrap_or_default().to_owned(),
            end,
            grant.principal.as_deref().map(short_arn).unwrap_or_else(|| "-".to_owned()),
            format!("{} on {}", grant.actions.join(", "), resources.join(", ")),
        ]
    });
    output::print(&table::table(["FINDING", "SINCE", "UNTIL", "WHO", "MAY"], rows, Some(width())))?;
    Ok(ExitCode::SUCCESS)
}

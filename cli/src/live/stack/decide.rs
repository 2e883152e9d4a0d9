//! `sesame approve`, `reject`, `mute`, `rollback` and `revoke`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use sesame_aws::{AwsPolicyWriter, Members};
use sesame_diagnosis::document::digest;
use sesame_diagnosis::finding::{Applicability, Finding, Remedy};
use sesame_remediation::State;
use sesame_remediation::decision::DecidedRemedy;
use sesame_remediation::receipt::Written;
use sesame_render::escape::visible;
use sesame_render::grant;
use sesame_responder::ports::PolicyWriter as _;
use sesame_responder::record::Record;

use super::Stack;
use super::show::words;
use crate::arguments::live::{Approve, Decide, Mute, Reject, Revoke, TakeBack};
use crate::failure::{Failure, Status, report};
use crate::time;

/// How often it is looked whether it is done, and for how long.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const LOOK_FOR: Duration = Duration::from_secs(5 * 60);

/// What the stack says of a decision that it took.
#[derive(Debug, Deserialize)]
struct Taken {
    state: State,
    message: String,
}

/// Approves the plan, its bridge, or the remedies that were named.
pub async fn approve(arguments: &Approve) -> Result<ExitCode, Failure> {
    may_ask(arguments.yes)?;
    let stack = Stack::open(&arguments.decide.stack).await?;
    let record = stack.record(&arguments.finding).await?;
    let now = time::now(None);
    let remedies = chosen(arguments, &record.finding, now)?;
    say(&offer(&record, &remedies));
    if !arguments.yes && !confirmed("Approve?")? {
        return Err(Failure::input("nothing was decided"));
    }
    let remedies: Vec<DecidedRemedy> = remedies.into_iter().map(DecidedRemedy::from).collect();
    let more = json!({ "remedies": remedies });
    decide(&stack, &record, "approve", more, &arguments.decide).await
}

/// The remedies to approve: what the stack may apply of them is for the stack to say.
fn chosen<'f>(arguments: &Approve, finding: &'f Finding, now: Timestamp) -> Result<Vec<&'f Remedy>, Failure> {
    if !arguments.remedy.is_empty() {
        let find =
            |id: &String| finding.remedy(id).ok_or_else(|| Failure::input(format!("the finding has no remedy `{id}`")));
        return arguments.remedy.iter().map(find).collect();
    }
    let plan: Vec<&Remedy> =
        finding.planned().filter(|remedy| remedy.applicability != Applicability::AdviceOnly).collect();
    match (plan.is_empty(), finding.planned().next()) {
        (true, Some(advice)) => return Err(Failure::input(format!("`{}` is advice only: {}", advice.id, advice.why))),
        (true, None) => return Err(Failure::input("the finding has no plan: nothing to approve")),
        (false, _) => {}
    }
    match arguments.bridge {
        Some(span) => plan.into_iter().map(|remedy| bridge(finding, remedy, now, span)).collect(),
        None => Ok(plan),
    }
}

/// The longest of a remedy's bridges that ends within a time from now.
fn bridge<'f>(
    finding: &'f Finding,
    remedy: &Remedy,
    now: Timestamp,
    span: SignedDuration,
) -> Result<&'f Remedy, Failure> {
    let latest = now.saturating_add(span).map_err(Failure::usage)?;
    let of_it = finding.remedies.iter().filter(|bridge| bridge.alternative_to.as_deref() == Some(remedy.id.as_str()));
    let ends: Vec<(Timestamp, &Remedy)> =
        of_it.filter_map(|bridge| Some((bridge.expires.as_ref()?.parse().ok()?, bridge))).collect();
    let fits = ends.iter().filter(|(end, _)| *end > now && *end <= latest).max_by_key(|(end, _)| *end);
    fits.map(|(_, bridge)| *bridge).ok_or_else(|| {
        let offered: Vec<String> = ends.iter().map(|(end, bridge)| format!("{} until {end}", bridge.id)).collect();
        let offered = if offered.is_empty() { "none".to_owned() } else { offered.join(", ") };
        Failure::input(format!("`{}` has no bridge that ends before {latest}; on offer: {offered}", remedy.id))
    })
}

/// What an approval will do.
fn offer(record: &Record, remedies: &[&Remedy]) -> String {
    let finding = &record.finding;
    let mut lines = vec![finding.summary.what.clone(), finding.summary.why.clone(), String::new()];
    let grants = grant::of(remedies, finding);
    for remedy in remedies {
        lines.push(format!("{}: {}", remedy.id, remedy.title));
        if remedy.applicability != Applicability::Applicable {
            lines.push(format!("  to be reviewed: {}", remedy.why));
        }
    }
    lines.extend(grants);
    let also = remedies.iter().map(|remedy| remedy.verification.also_allowed.as_str()).filter(|also| !also.is_empty());
    lines.extend(also.map(|also| format!("What else becomes allowed: {also}")));
    let left = finding.planned().filter(|planned| remedies.iter().all(|remedy| remedy.id != planned.id));
    let left: Vec<&Remedy> = left.filter(|planned| planned.applicability == Applicability::AdviceOnly).collect();
    lines.extend(left.iter().map(|remedy| format!("Left for others ({}): {}", remedy.id, remedy.title)));
    lines.join("\n")
}

/// Says no.
pub async fn reject(arguments: &Reject) -> Result<ExitCode, Failure> {
    let stack = Stack::open(&arguments.decide.stack).await?;
    let record = stack.record(&arguments.finding).await?;
    decide(&stack, &record, "reject", json!({}), &arguments.decide).await
}

/// Asks for silence.
pub async fn mute(arguments: &Mute) -> Result<ExitCode, Failure> {
    let stack = Stack::open(&arguments.decide.stack).await?;
    let record = stack.record(&arguments.finding).await?;
    let until = time::now(None).saturating_add(arguments.length).map_err(Failure::usage)?;
    decide(&stack, &record, "mute", json!({ "until": until }), &arguments.decide).await
}

/// Takes back what was applied.
pub async fn roll_back(arguments: &TakeBack) -> Result<ExitCode, Failure> {
    may_ask(arguments.yes)?;
    let stack = Stack::open(&arguments.decide.stack).await?;
    take_back(&stack, arguments, "rollback").await
}

/// The same for a grant that is no longer wanted; by the caller's own hand where the stack can write nothing.
pub async fn revoke(arguments: &Revoke) -> Result<ExitCode, Failure> {
    let take = &arguments.take_back;
    may_ask(take.yes)?;
    let stack = Stack::open(&take.decide.stack).await?;
    match arguments.myself || stack.only_suggests() {
        true => delete_myself(&stack, take).await,
        false => take_back(&stack, take, "revoke").await,
    }
}

async fn take_back(stack: &Stack, arguments: &TakeBack, verdict: &str) -> Result<ExitCode, Failure> {
    let record = stack.record(&arguments.finding).await?;
    let lines: Vec<String> = record.standing().iter().map(|written| format!("{} goes away", place(written))).collect();
    say(&lines.join("\n"));
    if !arguments.yes && !confirmed("Take it back?")? {
        return Err(Failure::input("nothing was decided"));
    }
    decide(stack, &record, verdict, json!({}), &arguments.decide).await
}

/// Where a document of Sesame's stands.
fn place(written: &Written) -> String {
    let target = &written.target;
    let holder = target.principal.as_deref().or(target.identity.as_deref()).unwrap_or("?");
    format!("policy `{}` of {holder}", target.policy.as_deref().unwrap_or("?"))
}

/// Deletes what Sesame wrote for a finding with the caller's own rights, after it was shown.
///
/// The writer takes no document that does not bear a name of Sesame's; a document that somebody has changed since is left to
/// whoever looks at it.
async fn delete_myself(stack: &Stack, arguments: &TakeBack) -> Result<ExitCode, Failure> {
    let record = stack.record(&arguments.finding).await?;
    let standing = record.standing();
    if standing.is_empty() {
        return Err(Failure::input(format!("nothing that Sesame wrote for {} stands", record.finding.id)));
    }
    let caller = stack.clients.caller().await.map_err(Failure::snapshot)?;
    let writer = AwsPolicyWriter::new(stack.clients.clone(), caller.account, Members::none());
    for written in &standing {
        let place = place(written);
        let Some(document) = writer.read(&written.target).await.map_err(Failure::snapshot)? else {
            anstream::eprintln!("{}", visible(&format!("{place} is gone already")));
            continue;
        };
        say(&format!("{place}:\n{document:#}"));
        if written.after_digest.as_deref() != Some(digest(&document).as_str()) {
            say("It was changed since Sesame wrote it.");
            if arguments.yes {
                return Err(Failure::input(format!(
                    "{place} was changed since Sesame wrote it: --yes does not delete it"
                )));
            }
        }
        if !arguments.yes && !confirmed("Delete it?")? {
            return Err(Failure::input("nothing was deleted"));
        }
        writer.write(&written.target, None).await.map_err(Failure::snapshot)?;
        anstream::eprintln!(
            "{}",
            visible(&format!("{place} is deleted; the stack's record follows with its next sweep"))
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a decision to the stack, about what was shown.
async fn decide(
    stack: &Stack,
    record: &Record,
    verdict: &str,
    more: Value,
    arguments: &Decide,
) -> Result<ExitCode, Failure> {
    let mut body = json!({
        "finding": record.finding.id, "generation": record.finding.generation, "verdict": verdict,
        "reason": arguments.reason,
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    let taken: Taken = stack.post("/decide", &body).await?;
    anstream::eprintln!("{}", visible(&taken.message));
    match arguments.wait && !taken.state.is_closed() && taken.state != State::Open {
        true => follow(stack, &record.finding.id).await,
        false => Ok(ExitCode::SUCCESS),
    }
}

/// Looks until nothing is under way any more.
async fn follow(stack: &Stack, finding: &str) -> Result<ExitCode, Failure> {
    let begin = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let record = stack.record(finding).await?;
        if record.state.is_closed() {
            return Ok(end(&record));
        }
        if begin.elapsed() > LOOK_FOR {
            let minutes = LOOK_FOR.as_secs() / 60;
            return Err(Failure::input(format!(
                "still {} after {minutes} minutes; look again with `sesame show {finding}`",
                record.state
            )));
        }
    }
}

/// What came of it; the status says whether it is what was wanted.
fn end(record: &Record) -> ExitCode {
    let receipt = record.receipt.as_ref().and_then(|receipt| receipt.note.clone());
    let last = record.history.last().and_then(|entry| entry.note.clone());
    let note = receipt.or(last).map(|note| format!(": {note}")).unwrap_or_default();
    let text = format!("{}{note}", words(record.state));
    if matches!(record.state, State::Applied | State::RolledBack) {
        anstream::eprintln!("{}", visible(&text));
        return ExitCode::SUCCESS;
    }
    report(&text);
    Status::Input.into()
}

/// Without a terminal nobody can be asked.
fn may_ask(yes: bool) -> Result<(), Failure> {
    match yes || std::io::stdin().is_terminal() {
        true => Ok(()),
        false => Err(Failure::usage("nobody can be asked here: --yes decides without asking")),
    }
}

/// Asks on standard error, so that standard output stays what it is; anything but a yes is a no.
fn confirmed(question: &str) -> Result<bool, Failure> {
    anstream::eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stderr().flush().and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    read.map_err(|error| Failure::input(format!("standard input: could not be read: {error}")))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// What comes from outside, line by line, on standard error.
fn say(text: &str) {
    for line in text.lines() {
        anstream::eprintln!("{}", visible(line));
    }
}

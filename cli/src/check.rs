//! `sesame check`: would this send be allowed, and what would stop it?

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anstyle::AnsiColor;
use sesame_diagnosis::denial::{ApiGeneration, Caller, Content, Denial, DenialMessage, Parameter, SendParameters};
use sesame_diagnosis::finding::{Certainty, Finding, Outcome, Provenance};
use sesame_diagnosis::record::identity;
use sesame_diagnosis::{address, fold};
use sesame_render::wrap::wrap;
use sesame_render::{escape, gate};

use crate::arguments::{Check, Format};
use crate::failure::Failure;
use crate::{diagnose, output, present, world};

/// Diagnoses the send as if it had been refused; a finding that says `allowed-now` is the answer "yes".
pub fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    let send = send(arguments)?;
    let worlds = world::load(&arguments.source)?;
    let options = diagnose::options(&worlds, arguments.now);
    let mut findings = diagnose::diagnose_all(&fold::fold(vec![send]), &worlds, &options)?;
    findings.iter_mut().for_each(|finding| not_yet(finding, arguments));
    let text = match arguments.format {
        Format::Text => findings.iter().map(answer).collect(),
        format => present::findings(&findings, format, options.now),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A finding is of a refusal that was; this one would be. What is inferred from a refusal is here no more than possible.
fn not_yet(finding: &mut Finding, arguments: &Check) {
    for cause in finding.causes.iter_mut().filter(|cause| cause.certainty == Certainty::Inferred) {
        cause.certainty = Certainty::Possible;
    }
    let proven = finding.causes.iter().any(|cause| cause.certainty == Certainty::Proven);
    if finding.outcome == Outcome::Denied && !proven {
        finding.outcome = Outcome::Undetermined;
    }
    let all = finding.requests.iter().flat_map(|request| &request.unknown_keys);
    let mut keys: Vec<String> = all.map(|key| format!("`{key}`")).collect();
    keys.sort();
    keys.dedup();
    let summary = &mut finding.summary;
    let said = match finding.outcome {
        Outcome::AllowedNow => {
            summary.what = summary.what.replacen(" was refused ", " may call ", 1);
            summary.why = "The policies allow it.".to_owned();
            summary.fix = "Nothing to change.".to_owned();
            return;
        }
        Outcome::Denied => " would be refused ",
        _ => " may be refused ",
    };
    summary.what = summary.what.replacen(" was refused ", said, 1);
    if finding.outcome != Outcome::Denied {
        summary.why = turns_on(&summary.why, &keys);
    }
    summary.fix = summary.fix.replace(" in the refused send", " in the send").replace(
        "Sesame does not apply this: only a CloudTrail record proves who was refused, and this came in another way",
        "Sesame applies only what a CloudTrail record of a refusal asks for",
    );
    let options = [
        ("`ses:Recipients`", "`--to`", arguments.to.is_empty()),
        ("`aws:SourceIp`", "`--source-ip`", arguments.source_ip.is_none()),
    ];
    for (_, option, _) in options.iter().filter(|(key, _, free)| *free && keys.iter().any(|known| known == key)) {
        summary.fix.push_str(&format!(" With {option} the answer is sure."));
    }
}

/// Why a send that nobody has refused yet may be refused.
fn turns_on(why: &str, keys: &[String]) -> String {
    const OF_RECORDS: [&str; 5] = [
        " (the record does not show the recipients)",
        " (the record does not show it)",
        " (the record shows no TLS details)",
        " (the tags of the session are not in the record)",
        ", and AWS's message names no layer",
    ];
    let plain = OF_RECORDS.iter().fold(why.to_owned(), |text, of_record| text.replace(of_record, ""));
    let Some(inferred) = plain.strip_prefix("Inferred: ") else { return plain };
    match keys {
        [] => format!("Possibly {inferred}"),
        keys => format!("It turns on {}: possibly {inferred}", sesame_diagnosis::words::join(keys)),
    }
}

/// The answer in a word, the reasons, and what each layer says.
fn answer(finding: &Finding) -> String {
    let shown = escape::shown(finding, escape::Medium::Plain);
    let (style, word) = match finding.outcome {
        Outcome::AllowedNow => (AnsiColor::Green.on_default().bold(), "allowed"),
        Outcome::Denied => (AnsiColor::Red.on_default().bold(), "refused"),
        _ => (AnsiColor::Yellow.on_default().bold(), "not known"),
    };
    let mut text = format!("{style}{word}{style:#}\n");
    let width = if std::io::stdout().is_terminal() { present::width() } else { usize::MAX };
    for sentence in [&shown.summary.what, &shown.summary.why, &shown.summary.fix] {
        text += &(wrap(sentence, width, "", "") + "\n");
    }
    for (index, request) in shown.requests.iter().enumerate() {
        text += &format!("\n{} on {}\n", request.action, request.resource);
        for gate in gate::gates(&shown, index) {
            let note = if gate.note.is_empty() { String::new() } else { format!(": {}", gate.note) };
            text += &format!("  {:<8} {}{note}\n", gate.state.word(), gate.layer);
        }
    }
    text
}

fn send(arguments: &Check) -> Result<Denial, Failure> {
    let caller = identity::caller_of_arn(&arguments.principal);
    if caller == Caller::Unknown {
        let found = &arguments.principal;
        return Err(Failure::usage(format!(
            "--principal: expected the ARN of a user, role or session, found `{found}`"
        )));
    }
    let from = address::parse(&arguments.from).filter(|mailbox| mailbox.address.contains('@'));
    let from = from.ok_or_else(|| {
        let found = &arguments.from;
        Failure::usage(format!("--from: expected an address such as `news@example.com`, found `{found}`"))
    })?;
    let given = |value: &Option<String>| value.clone().map_or(Parameter::NotGiven, Parameter::Given);
    let (content, action) = match (arguments.raw, &arguments.template) {
        (true, _) => (Content::Raw, "ses:SendRawEmail"),
        (false, Some(_)) => (Content::Template, "ses:SendEmail"),
        (false, None) => (Content::Simple, "ses:SendEmail"),
    };
    // Nothing was refused yet. A message that names the action and no resource is no evidence against any of the questions.
    let message = DenialMessage { action: Some(action.to_owned()), ..DenialMessage::default() };
    Ok(Denial {
        api: Some("SendEmail".to_owned()),
        message,
        caller,
        region: Some(arguments.region.clone()),
        send: SendParameters {
            generation: Some(ApiGeneration::V2),
            content: Some(content),
            from_address: Parameter::Given(from.address),
            from_display_name: from.display_name.map_or(Parameter::NotGiven, Parameter::Given),
            feedback_address: Parameter::NotGiven,
            // Without recipients the answer holds for every recipient, or says on what it turns.
            recipients: match arguments.to.as_slice() {
                [] => Parameter::Unknown,
                to => Parameter::Given(to.to_vec()),
            },
            configuration_set: given(&arguments.configuration_set),
            template: given(&arguments.template),
            template_arn: Parameter::NotGiven,
            identity_arn: Parameter::NotGiven,
            feedback_identity_arn: Parameter::NotGiven,
            tenant: Parameter::NotGiven,
            endpoint_id: Parameter::NotGiven,
            smtp: false,
        },
        source_ip: arguments.source_ip.map(|address| address.to_string()),
        secure_transport: Some(true),
        ..Denial::new(Provenance::Invoke)
    })
}

//! `sesame check`: would this send be allowed, and what would stop it?

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anstyle::AnsiColor;
use sesame_diagnosis::denial::{ApiGeneration, Caller, Content, Denial, DenialMessage, Parameter, SendParameters};
use sesame_diagnosis::finding::{Finding, Outcome, Provenance};
use sesame_diagnosis::fold;
use sesame_diagnosis::record::identity;
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
    findings.iter_mut().for_each(not_yet);
    let text = match arguments.format {
        Format::Text => findings.iter().map(answer).collect(),
        format => present::findings(&findings, format, options.now),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The finding's sentences are of a refusal that was; this one would be.
fn not_yet(finding: &mut Finding) {
    let summary = &mut finding.summary;
    if finding.outcome == Outcome::AllowedNow {
        summary.what = summary.what.replacen(" was refused ", " may call ", 1);
        summary.why = "The policies allow it.".to_owned();
        summary.fix = "Nothing to change.".to_owned();
    } else {
        summary.what = summary.what.replacen(" was refused ", " would be refused ", 1);
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
    let given = |value: &Option<String>| value.clone().map_or(Parameter::NotGiven, Parameter::Given);
    let content = if arguments.template.is_some() { Content::Template } else { Content::Simple };
    // Nothing was refused yet. A message that names the action and no resource is no evidence against any of the questions.
    let message = DenialMessage { action: Some("ses:SendEmail".to_owned()), ..DenialMessage::default() };
    Ok(Denial {
        api: Some("SendEmail".to_owned()),
        message,
        caller,
        region: Some(arguments.region.clone()),
        send: SendParameters {
            generation: Some(ApiGeneration::V2),
            content: Some(content),
            from_address: Parameter::Given(arguments.from.clone()),
            from_display_name: Parameter::NotGiven,
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
        secure_transport: Some(true),
        ..Denial::new(Provenance::Invoke)
    })
}

//! The same refusal again: from a stored finding back to what a diagnosis starts from, and further refusals added to it.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;
use sesame_diagnosis::denial::{ApiGeneration, Caller, Content, Denial, Incident, Parameter, Refusal, SendParameters};
use sesame_diagnosis::finding::{Finding, Origin, PrincipalKind, Source};
use sesame_diagnosis::record::identity;
use sesame_diagnosis::recorded::Recorded;
use sesame_diagnosis::world::World;
use sesame_diagnosis::{InvalidDocument, assemble, context, examine, fold, message, question, subject};
use sesame_policy::{Arn, Decision, LayerKind, Possible, evaluation};
use sesame_remediation::receipt::{Verification, Verified};

/// How many request contexts and sources are kept, as when denials are folded.
const CONTEXTS: usize = 20;
const SOURCES: usize = 5;

/// The incident that a finding tells of. What the finding does not show is unknown in it, never guessed.
pub fn incident(finding: &Finding) -> Incident {
    let event = &finding.event;
    let base = denial(finding);
    let mut distinct: Vec<(Denial, u64)> =
        event.contexts.iter().map(|context| (in_context(&base, context), count(context))).collect();
    if distinct.is_empty() {
        distinct.push((base.clone(), event.count.max(1)));
    }
    Incident {
        id: finding.id.clone(),
        latest: distinct.first().map_or(base, |(denial, _)| denial.clone()),
        count: event.count,
        first_seen: time(event.first_seen.as_deref()),
        last_seen: time(event.last_seen.as_deref()),
        distinct,
        cut: 0,
        sources: event.sources.clone(),
    }
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}

fn count(context: &Value) -> u64 {
    context.get("count").and_then(Value::as_u64).unwrap_or(1)
}

/// What all contexts have in common.
fn denial(finding: &Finding) -> Denial {
    let event = &finding.event;
    let witness = finding.witness.message.as_deref();
    let resources = || finding.requests.iter().map(|request| request.resource.as_str());
    let named = |prefix: &str| {
        let resource =
            resources().find_map(|arn| Arn::parse(arn).ok()?.resource().strip_prefix(prefix).map(str::to_owned));
        resource.map_or(Parameter::NotGiven, Parameter::Given)
    };
    let asked = |origin: Origin| finding.requests.iter().find(|request| request.origin == origin);
    let action = finding.requests.first().map(|request| request.action.to_ascii_lowercase()).unwrap_or_default();
    let template = named("template/");
    let content = match action.strip_prefix("ses:send").unwrap_or_default() {
        "rawemail" => Some(Content::Raw),
        "bulkemail" | "bulktemplatedemail" => Some(Content::Bulk),
        "templatedemail" => Some(Content::Template),
        "customverificationemail" => Some(Content::CustomVerification),
        "bounce" => Some(Content::Bounce),
        "email" if template.given().is_some() => Some(Content::Template),
        "email" => Some(Content::Simple),
        _ => None,
    };
    // Only the v2 API has one operation for both kinds of content, and an operation of this name.
    let v2 = matches!(
        (event.api.as_deref(), action.as_str()),
        (Some("SendEmail"), "ses:sendrawemail") | (Some("SendBulkEmail"), _)
    );
    let by_default = asked(Origin::DefaultConfigurationSet).is_some();
    Denial {
        event_id: event.id.clone(),
        time: time(event.time.as_deref()),
        region: event.region.clone(),
        api: event.api.clone(),
        caller: caller(finding),
        source_ip: event.source_ip.clone(),
        user_agent: event.user_agent.clone(),
        send: SendParameters {
            generation: v2.then_some(ApiGeneration::V2),
            content,
            configuration_set: if by_default { Parameter::NotGiven } else { named("configuration-set/") },
            template,
            feedback_identity_arn: match asked(Origin::FeedbackIdentity) {
                Some(request) => Parameter::Given(request.resource.clone()),
                None => Parameter::NotGiven,
            },
            ..SendParameters::default()
        },
        resources: finding.requests.first().map(|request| request.resource.clone()).into_iter().collect(),
        message: witness.map(message::parse).unwrap_or_default(),
        refusal: witness.and_then(message::refusal).unwrap_or(Refusal::AccessDenied),
        ..Denial::new(finding.provenance)
    }
}

fn caller(finding: &Finding) -> Caller {
    let principal = &finding.principal;
    let by_arn = principal.arn.as_deref().map(identity::caller_of_arn).unwrap_or_default();
    let session_arn = principal.session_arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
    let account = || principal.account.clone().unwrap_or_default();
    match (by_arn, principal.kind, session_arn) {
        // Only the account is known, and its root's ARN stands for it.
        (_, Some(PrincipalKind::Account), _) => Caller::Account { account: account(), principal_id: None },
        (Caller::Role { account, name, role_arn, .. }, _, session_arn) => {
            Caller::Role { account, name, role_arn, session_arn }
        }
        (_, Some(PrincipalKind::FederatedUser), Some(arn)) => {
            Caller::FederatedUser { arn, issuer: principal.arn.as_deref().and_then(|arn| Arn::parse(arn).ok()) }
        }
        (Caller::Unknown, Some(PrincipalKind::Service), _) => {
            principal.arn.clone().map_or(Caller::Unknown, Caller::Service)
        }
        (Caller::Unknown, _, _) => match &principal.account {
            Some(account) => Caller::Account { account: account.clone(), principal_id: None },
            None => Caller::Unknown,
        },
        (caller, _, _) => caller,
    }
}

/// The same with what one context tells: all that the record told, else what the context shows of it.
fn in_context(base: &Denial, context: &Value) -> Denial {
    if let Some(recorded) = context.get("recorded").and_then(|recorded| Recorded::deserialize(recorded).ok()) {
        return recorded.again(base);
    }
    let text = |key: &str| match context.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let parameter = |key: &str| text(key).map_or(Parameter::Unknown, Parameter::Given);
    let recipients = match context.get("ses:Recipients") {
        Some(Value::Array(list)) => {
            Parameter::Given(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => Parameter::Unknown,
    };
    Denial {
        time: time(text("aws:CurrentTime").as_deref()).or(base.time),
        source_ip: text("aws:SourceIp").or_else(|| base.source_ip.clone()),
        user_agent: text("aws:UserAgent").or_else(|| base.user_agent.clone()),
        vpc_endpoint_id: text("aws:SourceVpce"),
        secure_transport: text("aws:SecureTransport").and_then(|text| text.parse().ok()),
        send: SendParameters {
            from_address: parameter("ses:FromAddress"),
            from_display_name: parameter("ses:FromDisplayName"),
            feedback_address: parameter("ses:FeedbackAddress"),
            recipients,
            ..base.send.clone()
        },
        ..base.clone()
    }
}

/// What the questions of a send come to with the policies as they are in this world.
///
/// The refusal is no evidence here, since it was of the policies as they were. What is never read, a session policy and a VPC
/// endpoint's, is taken as absent unless AWS's message named it.
///
/// # Errors
/// With `strict`, a document that bears on a question and does not parse.
pub fn evaluate(incident: &Incident, world: &World, strict: bool) -> Result<Verification, InvalidDocument> {
    let named = incident.latest.message.layer.as_deref();
    let unseen = [LayerKind::Session, LayerKind::VpcEndpoint].into_iter().any(|layer| named == Some(layer.as_str()));
    let mut requests: Vec<(Verified, Possible)> = Vec::new();
    for (denial, _) in &incident.distinct {
        let subject = subject::resolve(denial, world);
        let Some(principal) = subject.principal.clone() else { continue };
        for question in question::questions(denial, &subject, world) {
            let set = assemble::assemble(world, &subject, &question, strict)?;
            let context = context::context(denial, &subject, &question, world, &set);
            let request = examine::request(principal.clone(), &question, context);
            let possible = evaluation::decide(&set.policy_set(), &request).possible;
            let possible = if unseen { possible.union(Possible::only(Decision::ImplicitDeny)) } else { possible };
            let same = |known: &&mut (Verified, Possible)| {
                known.0.action.eq_ignore_ascii_case(&question.action) && known.0.resource == question.resource.as_str()
            };
            match requests.iter_mut().find(same) {
                Some((_, all)) => *all = all.union(possible),
                None => {
                    let (action, resource) = (question.action.clone(), question.resource.to_string());
                    requests.push((Verified { action, resource, decision: String::new() }, possible));
                }
            }
        }
    }
    let allowed_after = match requests.as_slice() {
        [] => None,
        all if all.iter().all(|(_, possible)| *possible == Possible::only(Decision::Allowed)) => Some(true),
        all if all.iter().any(|(_, possible)| possible.refused()) => Some(false),
        _ => None,
    };
    let decision = |possible: Possible| possible.determined().map_or("Undetermined", Decision::as_str).to_owned();
    let requests = requests.into_iter().map(|(request, possible)| Verified { decision: decision(possible), ..request });
    Ok(Verification { allowed_after, requests: requests.collect() })
}

/// What came of adding refusals to a stored incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Both together.
    pub incident: Incident,
    /// A source that the stored incident did not have.
    pub new_source: bool,
}

/// Adds further refusals of the same fingerprint.
///
/// Evidence never folds upward: what is weaker than the stored evidence adds nothing, and what is stronger takes its place.
pub fn merge(stored: Incident, fresh: &Incident) -> Merged {
    if stored.latest.provenance != fresh.latest.provenance {
        let incident = if fresh.latest.provenance > stored.latest.provenance { fresh.clone() } else { stored };
        return Merged { incident, new_source: false };
    }
    let new_source = fresh.sources.iter().any(|source| stored.sources.iter().all(|known| !same_source(known, source)));
    let mut distinct = fresh.distinct.clone();
    for (denial, count) in stored.distinct {
        match distinct.iter_mut().find(|(known, _)| fold::same_context(known, &denial)) {
            Some((_, total)) => *total += count,
            None => distinct.push((denial, count)),
        }
    }
    let cut = stored.cut + fresh.cut + u64::try_from(distinct.len().saturating_sub(CONTEXTS)).unwrap_or_default();
    distinct.truncate(CONTEXTS);
    let latest = if fresh.latest.time < stored.latest.time { stored.latest } else { fresh.latest.clone() };
    let incident = Incident {
        id: stored.id,
        latest,
        count: stored.count + fresh.count,
        first_seen: [stored.first_seen, fresh.first_seen].into_iter().flatten().min(),
        last_seen: stored.last_seen.max(fresh.last_seen),
        distinct,
        cut,
        sources: merge_sources(stored.sources, &fresh.sources),
    };
    Merged { incident, new_source }
}

fn merge_sources(stored: Vec<Source>, fresh: &[Source]) -> Vec<Source> {
    let mut sources = fresh.to_vec();
    for source in stored {
        match sources.iter_mut().find(|known| same_source(known, &source)) {
            Some(known) => {
                known.count += source.count;
                known.first_seen = [known.first_seen.take(), source.first_seen].into_iter().flatten().min();
            }
            None => sources.push(source),
        }
    }
    // The most frequent say most; those just seen come first among equals.
    sources.sort_by_key(|source| Reverse(source.count));
    sources.truncate(SOURCES);
    sources
}

fn same_source(a: &Source, b: &Source) -> bool {
    let key = |source: &Source| {
        (source.ip.clone(), source.user_agent.clone(), source.key_id_suffix.clone(), source.vpc_endpoint_id.clone())
    };
    key(a) == key(b)
}

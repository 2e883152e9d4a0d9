//! The diagnosis: one incident and the world in, one finding out.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sesame_policy::{ContextValue, Decision, LayerKind, Possible};

use crate::assemble::{Assembled, Attached, Library};
use crate::causes::{Found, causes};
use crate::context::{SHOWN_KEYS, values};
use crate::denial::{Denial, Incident, Refusal};
use crate::evidence::request_info;
use crate::examine::{Blocker, Examined, examine};
use crate::finding::{Agreement, CauseKind, Certainty, Event, Finding, Gap, Outcome, SCHEMA, Witness};
use crate::hint::{self, Facts};
use crate::question::{Question, questions};
use crate::recorded::Recorded;
use crate::remedy::{self, Plan, Situation};
use crate::subject::{Subject, resolve};
use crate::summary::summary;
use crate::world::{Readable, World};
use crate::{InvalidDocument, Options};

/// Diagnoses one incident.
///
/// # Errors
/// With `options.strict`, a policy document that bears on the request and does not parse.
pub fn diagnose(incident: &Incident, world: &World, options: &Options) -> Result<Finding, InvalidDocument> {
    let denial = &incident.latest;
    let subject = resolve(denial, world);
    if let Refusal::Other(refusal) = denial.refusal {
        return Ok(not_authorization(incident, &subject, world, refusal));
    }
    let library = Library::new(world);
    let examined = examine_all(incident, &subject, &library, options)?;
    let mut found = causes(&examined, denial, &subject);
    if !anything_readable(&examined, &subject) {
        found.clear();
    }
    let facts = Facts { incident, denial, subject: &subject, library: &library, examined: &examined, causes: &found };
    let wrong_principal = hint::wrong_principal(&facts);
    let wrong_region = hint::wrong_region(&facts);
    let forgotten_arn = hint::forgotten_arn(&facts);
    let others_gap = if wrong_principal.is_none() { hint::others_unread(&facts) } else { None };
    let doubtful = match (&wrong_principal, &wrong_region) {
        (Some(_), _) => Some("another principal of the account may already send this"),
        (None, Some(_)) => Some("the send may be meant for another Region"),
        (None, None) => None,
    };
    let planned = remedy::plan(&Situation {
        finding: &incident.id,
        subject: &subject,
        denial,
        library: &library,
        examined: &examined,
        causes: &found,
        options,
        doubtful,
        futile: forgotten_arn.is_some() || wrong_region.as_ref().is_some_and(|region| region.futile),
    });
    let outcome = outcome(&examined, &found);
    let hints = hint::hints(
        &facts,
        wrong_principal.as_ref(),
        wrong_region.as_ref(),
        forgotten_arn.as_ref(),
        &planned.unmendable,
    );
    let Plan { remedies, plan, .. } = planned;
    let witness = witness(denial, &examined, &found);
    let causes: Vec<_> = found.into_iter().map(|found| found.cause).collect();
    let summary = summary(outcome, incident, &subject, &examined, &causes, &hints, &remedies, &plan, &witness);
    Ok(Finding {
        schema: SCHEMA.to_owned(),
        id: incident.id.clone(),
        outcome,
        generation: 1,
        provenance: denial.provenance,
        event: event(incident, &subject, &examined, world),
        principal: subject.info.clone(),
        requests: examined.iter().filter_map(|contexts| contexts.first()).map(request_info).collect(),
        causes,
        hints,
        gaps: gaps(&examined).into_iter().chain(others_gap).collect(),
        witness,
        remedies,
        plan,
        summary,
    })
}

/// Every question in every distinct request context; the latest context first.
fn examine_all<'w>(
    incident: &Incident,
    subject: &Subject<'w>,
    library: &Library<'w>,
    options: &Options,
) -> Result<Vec<Vec<Examined>>, InvalidDocument> {
    let world = library.world;
    let mut list: Vec<Vec<Examined>> = Vec::new();
    // The same policies bear on a resource in every request context.
    let mut sets: BTreeMap<String, Arc<Assembled>> = BTreeMap::new();
    let others = incident.distinct.iter().map(|(denial, _)| denial).filter(|denial| **denial != incident.latest);
    for denial in std::iter::once(&incident.latest).chain(others) {
        let shared = Arc::new(denial.clone());
        for question in questions(denial, subject, world) {
            let set = match sets.entry(question.resource.to_string()) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => {
                    place.insert(Arc::new(library.assemble(subject, &question, options.strict)?)).clone()
                }
            };
            let Some(examined) = examine(&question, &shared, subject, world, set) else { continue };
            let same = |contexts: &&mut Vec<Examined>| {
                contexts.first().is_some_and(|first| same_question(&first.question, &question))
            };
            match list.iter_mut().find(same) {
                Some(contexts) => contexts.push(examined),
                None => list.push(vec![examined]),
            }
        }
    }
    Ok(list)
}

fn same_question(one: &Question, other: &Question) -> bool {
    one.resource == other.resource && one.action.eq_ignore_ascii_case(&other.action)
}

/// Whether any layer that could refuse was read as a whole; a principal or an identity that has no policies counts as read.
fn anything_readable(examined: &[Vec<Examined>], subject: &Subject) -> bool {
    let read = |policies: &[Attached]| policies.iter().all(|policy| policy.document.is_some());
    examined.iter().flatten().any(|examined| {
        let set = &examined.set;
        set.iter().any(|(_, _, policy)| policy.document.is_some())
            || (subject.entity.is_some() && read(&set.identity))
            || (examined.question.resource.resource().starts_with("identity/") && read(&set.resource))
    })
}

fn outcome(examined: &[Vec<Examined>], found: &[Found]) -> Outcome {
    if found.iter().any(|found| found.cause.certainty <= Certainty::Inferred) {
        return Outcome::Denied;
    }
    let all_allowed =
        examined.iter().flatten().all(|examined| examined.evaluation.possible == Possible::only(Decision::Allowed));
    match found.is_empty() && !examined.is_empty() && all_allowed {
        true => Outcome::AllowedNow,
        false => Outcome::Undetermined,
    }
}

fn witness(denial: &Denial, examined: &[Vec<Examined>], found: &[Found]) -> Witness {
    let message = &denial.message;
    Witness {
        message: message.text.clone(),
        principal: message.principal.clone(),
        action: message.action.clone(),
        resource: message.resource.clone(),
        layer: message.layer.clone(),
        kind: message.kind,
        policy_arn: message.policy_arn.clone(),
        agreement: agreement(denial, examined, found),
    }
}

/// Whether AWS's message and the engine come to the same. A missing SCP allow that AWS calls an explicit deny agrees (IAM User
/// Guide, "Troubleshoot access denied error messages").
fn agreement(denial: &Denial, examined: &[Vec<Examined>], found: &[Found]) -> Agreement {
    let Some(layer) = denial.message.layer.as_deref() else { return Agreement::Silent };
    let scp = layer == LayerKind::ServiceControl.as_str();
    let unread = |found: &Found| matches!(found.blocker, Blocker::Unreadable(..));
    let same_kind = |kind: CauseKind| denial.message.kind.is_none_or(|named| named == kind);
    let named =
        found.iter().any(|found| found.cause.layer == layer && (scp || unread(found) || same_kind(found.cause.kind)));
    if named {
        return Agreement::Agrees;
    }
    // The layer could not be judged: there is no second witness to contradict the first.
    let judged = examined
        .first()
        .and_then(|contexts| contexts.first())
        .and_then(|examined| examined.evaluation.layers.iter().find(|evaluation| evaluation.layer.as_str() == layer));
    match judged {
        Some(judged) if judged.possible.determined().is_none() => Agreement::Agrees,
        _ => Agreement::Contradicts,
    }
}

fn gaps(examined: &[Vec<Examined>]) -> Vec<Gap> {
    let mut list: Vec<Gap> = Vec::new();
    for gap in examined
        .iter()
        .flatten()
        .flat_map(|examined| examined.set.iter().filter_map(|(_, _, policy)| policy.gap.clone()))
    {
        if !list.contains(&gap) {
            list.push(gap);
        }
    }
    list
}

fn event(incident: &Incident, subject: &Subject, examined: &[Vec<Examined>], world: &World) -> Event {
    let denial = &incident.latest;
    let account_name = subject.account_id.as_ref().and_then(|id| match &world.organization {
        Readable::Known(Some(organization)) => organization.paths.get(id)?.last()?.name.clone(),
        _ => None,
    });
    let contexts = incident
        .distinct
        .iter()
        .filter_map(|(denial, count)| {
            let question = &examined.first()?.first()?.question;
            let mut context = Map::new();
            for (key, value) in values(&SHOWN_KEYS, denial, subject, question, world) {
                match value {
                    ContextValue::One(value) => context.insert(key.to_owned(), json!(value)),
                    ContextValue::Many(values) => context.insert(key.to_owned(), json!(values)),
                    ContextValue::Absent | ContextValue::Unknown(_) => None,
                };
            }
            context.insert("count".to_owned(), json!(count));
            context.insert("recorded".to_owned(), json!(Recorded::of(denial)));
            Some(Value::Object(context))
        })
        .collect();
    Event {
        id: denial.event_id.clone(),
        time: denial.time.map(|time| time.to_string()),
        account: subject.account_id.clone().or_else(|| denial.recipient_account.clone()),
        account_name,
        region: denial.region.clone(),
        api: denial.api.clone(),
        source_ip: denial.source_ip.clone(),
        user_agent: denial.user_agent.clone(),
        count: incident.count,
        first_seen: incident.first_seen.map(|time| time.to_string()),
        last_seen: incident.last_seen.map(|time| time.to_string()),
        sources: incident.sources.clone(),
        contexts,
    }
}

fn not_authorization(
    incident: &Incident,
    subject: &Subject,
    world: &World,
    refusal: crate::denial::OtherRefusal,
) -> Finding {
    let hints = hint::other_refusal(refusal, &incident.latest);
    let outcome = Outcome::NotAuthorization;
    let witness = witness(&incident.latest, &[], &[]);
    let summary = summary(outcome, incident, subject, &[], &[], &hints, &[], &[], &witness);
    Finding {
        schema: SCHEMA.to_owned(),
        id: incident.id.clone(),
        outcome,
        generation: 1,
        provenance: incident.latest.provenance,
        event: event(incident, subject, &[], world),
        principal: subject.info.clone(),
        requests: Vec::new(),
        causes: Vec::new(),
        hints,
        gaps: Vec::new(),
        witness,
        remedies: Vec::new(),
        plan: Vec::new(),
        summary,
    }
}

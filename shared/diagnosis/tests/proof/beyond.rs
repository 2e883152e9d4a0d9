//! What else becomes allowed: nothing for others by a grant, and nothing that the finding does not say.

use proptest::prelude::*;
use serde_json::Value;
use sesame_diagnosis::denial::{Caller, Denial, Incident, Parameter};
use sesame_diagnosis::finding::{CauseKind, Remedy};
use sesame_diagnosis::question::{Question, questions};
use sesame_diagnosis::subject::resolve;
use sesame_diagnosis::world::World;
use sesame_policy::pattern::wildcard_matches;
use sesame_policy::{Arn, Decision, LayerKind};

use crate::parts::{new_statements, texts};
use crate::world::{self, Tape};
use crate::{case, judge, planned, tape, told, with_plan};

proptest! {
    #![proptest_config(sesame_testkit::laws::config(200))]

    #[test]
    fn grants_open_nothing_for_others(choices in tape()) {
        let case = case(&choices);
        let grants: Vec<&Remedy> = planned(&case.finding)
            .into_iter()
            .filter(|remedy| remedy.fixes.iter().all(|fix| case.finding.causes[*fix].kind == CauseKind::NoAllow))
            .collect();
        let mut changed = case.world.clone();
        grants.iter().for_each(|remedy| judge::apply(&mut changed, remedy));
        let granted: Vec<Value> = grants.iter().flat_map(|remedy| new_statements(&case.world, remedy)).collect();
        let layers = judge::touched(&grants);
        let mut tape = Tape::new(&case.rest);
        for _ in 0..12 {
            let who = tape.below(4);
            let other = world::denial(&mut tape, who);
            for question in bystander_questions(&other, &case.incident, &mut tape) {
                // Alone as well: what another layer still refuses must be no more than was granted either.
                if !opened(&case.world, &changed, &other, &question, &layers) {
                    continue;
                }
                let itself = is_meant(&case.incident.latest.caller, &other.caller);
                prop_assert!(itself, "opened for {:?}: {question:?}\n{}", other.caller, told(&case));
                let covered = granted.iter().any(|statement| {
                    texts(&statement["Action"]).contains(&question.action)
                        && texts(&statement["Resource"]).contains(&question.resource.to_string())
                });
                prop_assert!(covered, "{question:?} is outside {granted:?}");
            }
        }
    }

    #[test]
    fn what_else_becomes_allowed_is_said(choices in tape()) {
        let case = case(&choices);
        let plan = planned(&case.finding);
        let Some(first) = plan.first() else { return Ok(()) };
        let said = &first.verification.also_allowed;
        let changed = with_plan(&case);
        let layers = judge::touched(&plan);
        let latest = std::iter::once(&case.incident.latest);
        let contexts: Vec<&Denial> = latest.chain(case.incident.distinct.iter().map(|(denial, _)| denial)).collect();
        let refused = case.finding.requests.iter().filter(|request| request.decision != "Allowed");
        let refused: Vec<Question> = refused
            .map(|request| Question {
                action: request.action.clone(),
                resource: Arn::parse(&request.resource).unwrap(),
                origin: request.origin,
            })
            .collect();
        let mut tape = Tape::new(&case.rest);
        for refused_question in &refused {
            // The latest context in which it is asked.
            let asks = |denial: &&&Denial| {
                let asked = questions(denial, &resolve(denial, &case.world), &case.world);
                asked.iter().any(|question| {
                    (&question.action, &question.resource) == (&refused_question.action, &refused_question.resource)
                })
            };
            let latest = *contexts.iter().find(asks).unwrap();
            for _ in 0..12 {
                let (denial, question, respect) = varied(latest, refused_question, &mut tape);
                let same = denial == *latest && question == *refused_question;
                // `ses:SendBulkEmail` has none of the address keys, a call through a VPC endpoint no `aws:SourceIp`: there is nothing
                // to vary.
                let through_endpoint = latest.vpc_endpoint_id.is_some() && matches!(respect, Respect::SourceIp(_));
                let no_key = (question.action == "ses:SendBulkEmail" && respect.is_of_a_message()) || through_endpoint;
                // What another context of the incident asked is granted by name in a title, and not opened besides.
                let titled = match &respect {
                    Respect::Resource(value) => {
                        let name = format!("`{}`", value.split_once('/').unwrap().1);
                        let asked = |text: &str| text == question.resource.as_str();
                        case.finding.requests.iter().any(|request| asked(&request.resource))
                            && plan.iter().any(|remedy| remedy.title.contains(&name))
                    }
                    _ => false,
                };
                if !same && !no_key && !titled && opened(&case.world, &changed, &denial, &question, &layers) {
                    prop_assert!(
                        respect.is_in(said),
                        "{respect:?} of {} on {} is not in: {said}\n{}",
                        question.action,
                        question.resource,
                        told(&case)
                    );
                }
            }
        }
    }
}

/// Whether a request that was refused may be allowed once the world has changed: by all policies together, or by one of these
/// layers alone.
fn opened(before: &World, after: &World, denial: &Denial, question: &Question, layers: &[LayerKind]) -> bool {
    let before = judge::ask_apart(before, denial, question, layers);
    let after = judge::ask_apart(after, denial, question, layers);
    before
        .iter()
        .zip(&after)
        .any(|(before, after)| !before.contains(Decision::Allowed) && after.contains(Decision::Allowed))
}

/// Whether a grant to the one is one to the other: a federated user has the policies of the user who issued its session.
fn is_meant(refused: &Caller, other: &Caller) -> bool {
    match (refused, other) {
        (Caller::FederatedUser { issuer: Some(issuer), .. }, Caller::User { arn }) => issuer == arn,
        _ => refused == other,
    }
}

/// In what one request differs from another.
#[derive(Debug)]
enum Respect {
    From(String),
    Recipient(String),
    DisplayName(String),
    FeedbackAddress(String),
    SourceIp(String),
    Action(String),
    Resource(String),
    Principal,
}

impl Respect {
    fn is_of_a_message(&self) -> bool {
        matches!(self, Respect::From(_) | Respect::Recipient(_) | Respect::DisplayName(_) | Respect::FeedbackAddress(_))
    }

    /// Whether a sentence speaks of it: of any other value, or of this one by itself or by a pattern.
    fn is_in(&self, sentence: &str) -> bool {
        const ALL: &str = "any other addresses and names, from any other network address";
        let says = |words: &[&str]| words.iter().any(|words| sentence.contains(words));
        // What stands between backquotes.
        let mut named = sentence.split('`').skip(1).step_by(2);
        let own = |address: &String| format!("any other address of `{}`", address.rsplit_once('@').unwrap().1);
        match self {
            Respect::From(value) => {
                says(&[ALL, "any other From address", "addresses of other domains", &own(value)])
                    || named.any(|pattern| wildcard_matches(pattern, value))
            }
            Respect::Recipient(value) => {
                says(&[ALL, "any other recipient"]) || named.any(|pattern| wildcard_matches(pattern, value))
            }
            Respect::DisplayName(value) => says(&[ALL, "any other display name", &format!("`{value}`")]),
            Respect::FeedbackAddress(value) => says(&[ALL, "any other feedback address", &format!("`{value}`")]),
            Respect::SourceIp(value) => {
                let in_network = |named: &str| match named.split_once('/') {
                    Some((start, _)) => start.split(['.', ':']).next() == value.split(['.', ':']).next(),
                    None => false,
                };
                says(&[ALL, "any other network address"]) || named.any(in_network)
            }
            Respect::Action(value) => says(&["any other `ses:Send*` action", &format!("`{value}`")]),
            Respect::Resource(value) => {
                let name = value.split_once('/').unwrap().1;
                says(&["on any other identity", "on any other configuration set", "on any other template"])
                    || named.any(|pattern| wildcard_matches(pattern, name))
            }
            Respect::Principal => says(&["every other"]),
        }
    }
}

/// The refused request, different in one respect.
fn varied(latest: &Denial, question: &Question, tape: &mut Tape) -> (Denial, Question, Respect) {
    let (mut denial, mut question) = (latest.clone(), question.clone());
    let send = &mut denial.send;
    let respect = match tape.below(8) {
        0 => {
            let value = tape.pick(&world::ADDRESSES).to_owned();
            send.from_address = Parameter::Given(value.clone());
            Respect::From(value)
        }
        1 => {
            let value = tape.pick(&["x@example.com", "z@rival.example", "someone@third.example"]).to_owned();
            send.recipients = Parameter::Given(vec![value.clone()]);
            Respect::Recipient(value)
        }
        2 => {
            let value = tape.pick(&["Example", "Boss", "Third"]).to_owned();
            send.from_display_name = Parameter::Given(value.clone());
            Respect::DisplayName(value)
        }
        3 => {
            let value = tape.pick(&["bounce@example.com", "back@third.example"]).to_owned();
            send.feedback_address = Parameter::Given(value.clone());
            Respect::FeedbackAddress(value)
        }
        4 => {
            let value = tape.pick(&world::NETWORKS).to_owned();
            denial.source_ip = Some(value.clone());
            Respect::SourceIp(value)
        }
        5 => {
            question.action = tape.pick(&world::SENDS).to_owned();
            Respect::Action(question.action.clone())
        }
        6 => {
            let kind = question.resource.resource().split('/').next().unwrap();
            let name = tape.pick(&["example.com", "a@example.com", "tracking", "elsewhere.example"]);
            let prefix = question.resource.as_str().strip_suffix(question.resource.resource()).unwrap();
            question.resource = Arn::parse(&format!("{prefix}{kind}/{name}")).unwrap();
            Respect::Resource(question.resource.resource().to_owned())
        }
        _ => {
            let other = [0, 1, 2, 3].map(world::caller).into_iter().filter(|other| !is_meant(&denial.caller, other));
            let others: Vec<_> = other.collect();
            denial.caller = others[tape.below(others.len())].clone();
            Respect::Principal
        }
    };
    (denial, question, respect)
}

/// What someone may ask: the refused questions themselves, and others near them.
fn bystander_questions(other: &Denial, incident: &Incident, tape: &mut Tape) -> Vec<Question> {
    let message = &incident.latest.message;
    let refused = message.resource.as_deref().and_then(|text| Arn::parse(text).ok()).unwrap();
    let origin = sesame_diagnosis::finding::Origin::Api;
    let resources = [
        refused.to_string(),
        world::identity_arn(world::ACCOUNT, "example.com"),
        world::identity_arn(world::ACCOUNT, "elsewhere.example"),
        world::identity_arn(world::OWNER, "brand.example"),
        format!("arn:aws:ses:us-east-1:{}:configuration-set/tracking", world::ACCOUNT),
    ];
    let question = |tape: &mut Tape| Question {
        action: tape.pick(&world::SENDS).to_owned(),
        resource: Arn::parse(&resources[tape.below(resources.len())]).unwrap(),
        origin,
    };
    let same = Question { action: message.action.clone().unwrap(), resource: refused.clone(), origin };
    let own = Question { action: other.message.action.clone().unwrap(), resource: refused.clone(), origin };
    vec![same, own, question(tape), question(tape)]
}

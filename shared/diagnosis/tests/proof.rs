//! What a finding promises, held against worlds made at random: plans let the send through and nothing else, no part of them can
//! be left out, and taking them back leaves no trace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod proof_world;

use proof_world::{Tape, incident, judge, world};
use proptest::prelude::*;
use serde_json::{Value, json};
use sesame_diagnosis::denial::{Denial, Incident, Parameter};
use sesame_diagnosis::finding::{Applicability, CauseKind, Finding, Outcome, Remedy};
use sesame_diagnosis::question::{Question, questions};
use sesame_diagnosis::subject::resolve;
use sesame_diagnosis::world::World;
use sesame_diagnosis::{Options, diagnose, document};
use sesame_policy::pattern::wildcard_matches;
use sesame_policy::{Arn, Decision, LayerKind, Possible};

fn options() -> Options {
    Options {
        now: "2026-03-01T03:05:00Z".parse().unwrap(),
        strict: true,
        own_account: None,
        apply_role_accounts: Vec::new(),
    }
}

fn tape() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..260)
}

struct Case {
    world: World,
    incident: Incident,
    finding: Finding,
    rest: Vec<u16>,
}

fn case(choices: &[u16]) -> Case {
    let split = choices.len() * 4 / 5;
    let mut tape = Tape::new(&choices[..split]);
    // The refusal first: short tapes still hold one.
    let incident = incident(&mut tape);
    let world = world(&mut tape);
    let finding = diagnose(&incident, &world, &options()).unwrap();
    Case { world, incident, finding, rest: choices[split..].to_vec() }
}

fn planned(finding: &Finding) -> Vec<&Remedy> {
    finding.planned().collect()
}

fn with_plan(case: &Case) -> World {
    let mut world = case.world.clone();
    planned(&case.finding).into_iter().for_each(|remedy| judge::apply(&mut world, remedy));
    world
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(200))]

    #[test]
    fn a_plan_lets_every_request_through_or_names_what_it_turns_on(choices in tape()) {
        let case = case(&choices);
        let plan = planned(&case.finding);
        if plan.is_empty() {
            return Ok(());
        }
        let after = judge::answers(&with_plan(&case), &case.world, &case.incident);
        for remedy in &plan {
            let verification = &remedy.verification;
            match verification.allowed_after {
                Some(true) => {
                    prop_assert!(after.iter().all(|answer| answer.possible == Possible::only(Decision::Allowed)), "{}", told(&case));
                    prop_assert!(verification.depends_on.is_empty());
                }
                None => {
                    prop_assert!(!verification.depends_on.is_empty());
                    prop_assert!(after.iter().all(|answer| answer.possible.contains(Decision::Allowed)));
                    for answer in &after {
                        for key in &answer.unknown_keys {
                            prop_assert!(verification.depends_on.contains(key), "{key} of {:?}\n{}", verification.depends_on, told(&case));
                        }
                        for layer in &answer.unreadable_layers {
                            prop_assert!(verification.depends_on.iter().any(|name| name == layer.as_str()));
                        }
                    }
                }
                Some(false) => prop_assert!(false, "{} does not help\n{}", remedy.id, told(&case)),
            }
        }
    }

    #[test]
    fn a_plan_lets_every_completion_of_the_unknown_through(choices in tape()) {
        let case = case(&choices);
        let plan = planned(&case.finding);
        if plan.is_empty() || plan.iter().any(|remedy| remedy.verification.allowed_after != Some(true)) {
            return Ok(());
        }
        let world = with_plan(&case);
        let mut tape = Tape::new(&case.rest);
        for (denial, _) in &case.incident.distinct {
            for question in questions(denial, &resolve(denial, &case.world), &case.world) {
                for _ in 0..4 {
                    let completed = completed(denial, &mut tape);
                    let (_, answer) = judge::ask(&world, &completed, &question);
                    prop_assert!(answer.possible.contains(Decision::Allowed) && !answer.possible.refused(), "{question:?} {completed:#?}");
                    prop_assert_eq!(answer.possible, Possible::only(Decision::Allowed));
                }
            }
        }
    }

    #[test]
    fn a_remedy_taken_back_leaves_no_trace(choices in tape()) {
        let case = case(&choices);
        for remedy in &case.finding.remedies {
            let mut changed = case.world.clone();
            judge::apply(&mut changed, remedy);
            prop_assert!(changed != case.world, "{} changes nothing", remedy.id);
            judge::undo(&mut changed, remedy);
            prop_assert!(changed == case.world, "{} cannot be taken back", remedy.id);
            let patched = document::apply_patch(remedy.before.as_ref(), &remedy.patch).unwrap();
            prop_assert_eq!(patched.map(|value| value.to_string()), remedy.after.as_ref().map(Value::to_string));
            prop_assert_eq!(remedy.before.as_ref().map(document::digest), remedy.before_digest.clone());
            prop_assert_eq!(remedy.after.as_ref().map(document::digest), remedy.after_digest.clone());
        }
    }

    #[test]
    fn no_part_of_a_plan_can_be_left_out(choices in tape()) {
        let case = case(&choices);
        let plan = planned(&case.finding);
        if plan.is_empty() {
            return Ok(());
        }
        // What could not be read may refuse whatever is granted: each part must make a difference where it does not.
        let read = judge::filled_in(&case.world);
        let mut whole = read.clone();
        plan.iter().for_each(|remedy| judge::apply(&mut whole, remedy));
        let whole = judged(&whole, &case);
        for (index, remedy) in plan.iter().enumerate() {
            let mut smaller: Vec<Option<Value>> = vec![None];
            if remedy.before.is_none() {
                smaller.extend(parts_left_out(remedy.after.as_ref().unwrap()).into_iter().map(Some));
            }
            for document in smaller {
                let mut world = read.clone();
                for (other, planned) in plan.iter().enumerate() {
                    match (&document, other == index) {
                        (Some(document), true) => judge::apply_document(&mut world, planned, document),
                        (None, true) => {}
                        _ => judge::apply(&mut world, planned),
                    }
                }
                let without = judged(&world, &case);
                prop_assert!(
                    without != whole,
                    "{} need not be whole: {} does as well\n{}",
                    remedy.id,
                    document.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string),
                    told(&case)
                );
            }
        }
    }

    #[test]
    fn grants_are_exact(choices in tape()) {
        let case = case(&choices);
        for remedy in &case.finding.remedies {
            for statement in new_statements(remedy) {
                prop_assert_eq!(&statement["Effect"], &json!("Allow"));
                prop_assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none() && statement.get("NotPrincipal").is_none());
                for action in texts(&statement["Action"]) {
                    prop_assert!(proof_world::SENDS.contains(&action.as_str()), "{action}");
                }
                for resource in texts(&statement["Resource"]) {
                    prop_assert!(resource.starts_with("arn:aws:ses:us-east-1:"), "{resource}");
                    let plain = resource.replace("${*}", "").replace("${?}", "").replace("${$}", "");
                    prop_assert!(!plain.contains(['*', '?', '$']), "{resource}");
                }
                if let Some(principal) = statement.get("Principal") {
                    prop_assert!(!principal.to_string().contains('*'));
                }
            }
        }
    }

    #[test]
    fn grants_open_nothing_for_others(choices in tape()) {
        let case = case(&choices);
        let grants: Vec<&Remedy> = planned(&case.finding)
            .into_iter()
            .filter(|remedy| remedy.fixes.iter().all(|fix| case.finding.causes[*fix].kind == CauseKind::NoAllow))
            .collect();
        let mut changed = case.world.clone();
        grants.iter().for_each(|remedy| judge::apply(&mut changed, remedy));
        let granted: Vec<Value> = grants.iter().flat_map(|remedy| new_statements(remedy)).collect();
        let layers = judge::touched(&grants);
        let mut tape = Tape::new(&case.rest);
        for _ in 0..12 {
            let who = tape.below(4);
            let other = proof_world::denial(&mut tape, who);
            for question in bystander_questions(&other, &case.incident, &mut tape) {
                // Alone as well: what another layer still refuses must be no more than was granted either.
                if !opened(&case.world, &changed, &other, &question, &layers) {
                    continue;
                }
                prop_assert_eq!(&other.caller, &case.incident.latest.caller, "opened for someone else");
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
                // `ses:SendBulkEmail` has none of the address keys: there is nothing to vary.
                let no_key = question.action == "ses:SendBulkEmail" && respect.is_of_a_message();
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

    #[test]
    fn findings_are_deterministic(choices in tape()) {
        let case = case(&choices);
        let again = diagnose(&case.incident, &case.world, &options()).unwrap();
        prop_assert_eq!(&again, &case.finding);
        let text = serde_json::to_string(&case.finding).unwrap();
        prop_assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), again);
    }

    #[test]
    fn a_finding_holds_together(choices in tape()) {
        let case = case(&choices);
        let finding = &case.finding;
        for cause in &finding.causes {
            prop_assert!(cause.request < finding.requests.len());
            prop_assert!(!cause.summary.is_empty());
            let scp = cause.layer == "service-control-policy";
            prop_assert!(scp || cause.level.is_none());
        }
        for (index, remedy) in finding.remedies.iter().enumerate() {
            prop_assert_eq!(&remedy.id, &format!("r{}", index + 1));
            prop_assert!(!remedy.fixes.is_empty() && remedy.fixes.iter().all(|fix| *fix < finding.causes.len()));
            if let Some(other) = &remedy.alternative_to {
                prop_assert!(finding.remedy(other).is_some_and(|other| other.alternative_to.is_none()));
            }
            let ours = remedy.target.policy.as_deref().unwrap().starts_with("sesame-");
            prop_assert!(ours || remedy.applicability == Applicability::AdviceOnly);
            if remedy.applicability != Applicability::AdviceOnly {
                prop_assert_eq!(remedy.target.account.as_deref(), Some(proof_world::ACCOUNT));
            }
        }
        for id in &finding.plan {
            prop_assert!(finding.remedy(id).is_some_and(|remedy| remedy.alternative_to.is_none()));
        }
        match finding.outcome {
            Outcome::Denied => prop_assert!(!finding.causes.is_empty()),
            Outcome::AllowedNow => prop_assert!(finding.causes.is_empty() && finding.remedies.is_empty()),
            _ => {}
        }
        // Every cause that stands in a plan's way is mended by it.
        if !finding.plan.is_empty() {
            let mended: Vec<usize> = finding.planned().flat_map(|remedy| remedy.fixes.clone()).collect();
            for (index, cause) in finding.causes.iter().enumerate() {
                let sure = cause.certainty == sesame_diagnosis::finding::Certainty::Proven;
                prop_assert!(!sure || mended.contains(&index), "cause {index} is not mended\n{}", told(&case));
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
                says(&["on any other identity", "on any other configuration set"])
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
            let value = tape.pick(&proof_world::ADDRESSES).to_owned();
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
            let value = tape.pick(&proof_world::NETWORKS).to_owned();
            denial.source_ip = Some(value.clone());
            Respect::SourceIp(value)
        }
        5 => {
            question.action = tape.pick(&proof_world::SENDS).to_owned();
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
            let other = [0, 1, 2, 3].map(proof_world::caller).into_iter().filter(|caller| *caller != denial.caller);
            let others: Vec<_> = other.collect();
            denial.caller = others[tape.below(others.len())].clone();
            Respect::Principal
        }
    };
    (denial, question, respect)
}

/// What each request comes to, and the keys on which that turns.
fn judged(world: &World, case: &Case) -> Vec<(Possible, Vec<String>)> {
    let answers = judge::answers(world, &case.world, &case.incident);
    answers.into_iter().map(|answer| (answer.possible, answer.unknown_keys)).collect()
}

/// A case as a person reads it, for messages of failed tests.
fn told(case: &Case) -> String {
    let mut lines = vec![format!("plan {:?}", case.finding.plan)];
    lines.extend(
        case.finding
            .requests
            .iter()
            .map(|request| format!("request {} on {}: {:?}", request.action, request.resource, request.possible)),
    );
    lines.extend(
        case.finding
            .causes
            .iter()
            .map(|cause| format!("cause of request {}, {:?}: {}", cause.request, cause.certainty, cause.summary)),
    );
    lines.extend(case.finding.remedies.iter().filter(|remedy| remedy.alternative_to.is_none()).map(|remedy| {
        format!(
            "{} fixes {:?}, {}\n  {}",
            remedy.id,
            remedy.fixes,
            remedy.title,
            remedy.after.clone().unwrap_or_default()
        )
    }));
    lines.extend(case.incident.distinct.iter().map(|(denial, _)| {
        format!("context {:?} from {:?}, TLS {:?}", denial.send, denial.source_ip, denial.secure_transport)
    }));
    lines.extend(case.incident.latest.message.text.clone());
    lines.join("\n")
}

/// The statements that a remedy adds.
fn new_statements(remedy: &Remedy) -> Vec<Value> {
    let statements = |document: Option<&Value>| match document.and_then(|document| document.get("Statement")) {
        Some(Value::Array(list)) => list.clone(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    };
    // An edit of a statement that was there is no grant of ours.
    let before = statements(remedy.before.as_ref());
    statements(remedy.after.as_ref()).into_iter().skip(before.len()).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// The document with one statement, action or resource less, in every way.
fn parts_left_out(document: &Value) -> Vec<Value> {
    let mut list = Vec::new();
    let statements = document["Statement"].as_array().unwrap();
    for index in 0..statements.len() {
        if statements.len() > 1 {
            let mut less = document.clone();
            less["Statement"].as_array_mut().unwrap().remove(index);
            list.push(less);
        }
        for element in ["Action", "Resource"] {
            let values = texts(&statements[index][element]);
            for left_out in values.iter().filter(|_| values.len() > 1) {
                let rest: Vec<&String> = values.iter().filter(|value| *value != left_out).collect();
                let mut less = document.clone();
                less["Statement"][index][element] = json!(rest);
                list.push(less);
            }
        }
    }
    list
}

/// The same send with everything that its record does not tell filled in.
fn completed(denial: &Denial, tape: &mut Tape) -> Denial {
    let mut whole = denial.clone();
    let send = &mut whole.send;
    if send.from_address == Parameter::Unknown {
        send.from_address = Parameter::Given(tape.pick(&proof_world::ADDRESSES).to_owned());
    }
    if send.recipients == Parameter::Unknown {
        let list = vec![tape.pick(&proof_world::RECIPIENTS).to_owned(), tape.pick(&proof_world::RECIPIENTS).to_owned()];
        send.recipients = Parameter::Given(list);
    }
    for value in [&mut send.from_display_name, &mut send.feedback_address] {
        if *value == Parameter::Unknown {
            *value = if tape.one_in(2) { Parameter::NotGiven } else { Parameter::Given("Boss".to_owned()) };
        }
    }
    if whole.source_ip.is_none() {
        whole.source_ip = Some(tape.pick(&proof_world::NETWORKS).to_owned());
    }
    if whole.secure_transport.is_none() {
        whole.secure_transport = Some(tape.one_in(2));
    }
    whole
}

/// What someone may ask: the refused questions themselves, and others near them.
fn bystander_questions(other: &Denial, incident: &Incident, tape: &mut Tape) -> Vec<Question> {
    let message = &incident.latest.message;
    let refused = message.resource.as_deref().and_then(|text| Arn::parse(text).ok()).unwrap();
    let origin = sesame_diagnosis::finding::Origin::Api;
    let resources = [
        refused.to_string(),
        proof_world::identity_arn(proof_world::ACCOUNT, "example.com"),
        proof_world::identity_arn(proof_world::ACCOUNT, "elsewhere.example"),
        proof_world::identity_arn(proof_world::OWNER, "brand.example"),
        format!("arn:aws:ses:us-east-1:{}:configuration-set/tracking", proof_world::ACCOUNT),
    ];
    let question = |tape: &mut Tape| Question {
        action: tape.pick(&proof_world::SENDS).to_owned(),
        resource: Arn::parse(&resources[tape.below(resources.len())]).unwrap(),
        origin,
    };
    let same = Question { action: message.action.clone().unwrap(), resource: refused.clone(), origin };
    let own = Question { action: other.message.action.clone().unwrap(), resource: refused.clone(), origin };
    vec![same, own, question(tape), question(tape)]
}

//! What a plan does, and what a finding is by itself.

use proptest::prelude::*;
use serde_json::Value;
use sesame_diagnosis::denial::{Denial, Parameter};
use sesame_diagnosis::finding::{Applicability, CauseKind, Certainty, Finding, Outcome};
use sesame_diagnosis::question::questions;
use sesame_diagnosis::subject::resolve;
use sesame_diagnosis::{diagnose, document};
use sesame_policy::{Decision, Possible};

use crate::parts::{new_statements, texts};
use crate::world::{self, Tape};
use crate::{case, judge, options, planned, tape, told, with_plan};

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
            // What a grant mends, it names.
            let granted = new_statements(&case.world, remedy);
            for cause in remedy.fixes.iter().map(|fix| &finding.causes[*fix]).filter(|_| !granted.is_empty()) {
                let request = &finding.requests[cause.request];
                let names = |statement: &Value| {
                    texts(&statement["Action"]).contains(&request.action)
                        && texts(&statement["Resource"]).contains(&request.resource)
                };
                let mended = cause.kind != CauseKind::NoAllow || granted.iter().any(names);
                prop_assert!(mended, "{} does not name {}\n{}", remedy.id, cause.summary, told(&case));
            }
            let ours = remedy.target.policy.as_deref().unwrap().starts_with("sesame-");
            prop_assert!(ours || remedy.applicability == Applicability::AdviceOnly);
            if remedy.applicability != Applicability::AdviceOnly {
                prop_assert_eq!(remedy.target.account.as_deref(), Some(world::ACCOUNT));
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
                let sure = cause.certainty == Certainty::Proven;
                prop_assert!(!sure || mended.contains(&index), "cause {index} is not mended\n{}", told(&case));
            }
        }
    }
}

/// The same send with everything that its record does not tell filled in.
fn completed(denial: &Denial, tape: &mut Tape) -> Denial {
    let mut whole = denial.clone();
    let send = &mut whole.send;
    if send.from_address == Parameter::Unknown {
        send.from_address = Parameter::Given(tape.pick(&world::ADDRESSES).to_owned());
    }
    if send.recipients == Parameter::Unknown {
        let list = vec![tape.pick(&world::RECIPIENTS).to_owned(), tape.pick(&world::RECIPIENTS).to_owned()];
        send.recipients = Parameter::Given(list);
    }
    for value in [&mut send.from_display_name, &mut send.feedback_address] {
        if *value == Parameter::Unknown {
            *value = if tape.one_in(2) { Parameter::NotGiven } else { Parameter::Given("Boss".to_owned()) };
        }
    }
    if whole.source_ip.is_none() {
        whole.source_ip = Some(tape.pick(&world::NETWORKS).to_owned());
    }
    if whole.secure_transport.is_none() {
        whole.secure_transport = Some(tape.one_in(2));
    }
    whole
}

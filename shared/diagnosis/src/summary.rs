//! What, why and fix, one sentence each, read in ten seconds.

use crate::denial::{Denial, Incident};
use crate::examine::Examined;
use crate::finding::{Applicability, Cause, Certainty, Hint, Outcome, Remedy, Summary};
use crate::subject::Subject;
use crate::words;

/// The three sentences.
#[allow(clippy::too_many_arguments, reason = "each is a part of the finding that the sentences speak of")]
pub fn summary(
    outcome: Outcome,
    incident: &Incident,
    subject: &Subject,
    examined: &[Vec<Examined>],
    causes: &[Cause],
    hints: &[Hint],
    remedies: &[Remedy],
    plan: &[String],
) -> Summary {
    Summary {
        what: words::sentence(&what(outcome, incident, subject, examined)),
        why: words::sentence(&why(outcome, causes, hints)),
        fix: words::sentence(&fix(outcome, causes, hints, remedies, plan)),
    }
}

fn what(outcome: Outcome, incident: &Incident, subject: &Subject, examined: &[Vec<Examined>]) -> String {
    let denial = &incident.latest;
    let region = denial.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
    let times = if incident.count > 1 { format!(", {} times", incident.count) } else { String::new() };
    if outcome == Outcome::NotAuthorization {
        return format!("SES rejected a send{region}{times}, and not for lack of permission");
    }
    let asked = asked(denial, examined);
    let account = subject.account_id.as_deref().map(|id| format!(" of account {id}")).unwrap_or_default();
    let who = words::who(subject);
    let account = if who.contains(" account ") { String::new() } else { account };
    format!("{}{account} was refused {asked}{region}{times}", capital(&who))
}

fn asked(denial: &Denial, examined: &[Vec<Examined>]) -> String {
    let first = examined.first().and_then(|contexts| contexts.first());
    let action = denial.message.action.clone().or_else(|| first.map(|examined| examined.question.action.clone()));
    let action = action.or_else(|| denial.api.as_ref().map(|api| format!("ses:{api}")));
    let resource =
        denial.message.resource.clone().or_else(|| first.map(|examined| examined.question.resource.to_string()));
    match (action, resource.filter(|resource| resource != "*")) {
        (Some(action), Some(resource)) => format!("`{action}` on {}", words::short_arn(&resource)),
        (Some(action), None) => format!("`{action}`"),
        (None, _) => "a send".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn why(outcome: Outcome, causes: &[Cause], hints: &[Hint]) -> String {
    let first_hint = || hints.first().map(|hint| hint.summary.clone());
    match outcome {
        Outcome::NotAuthorization => {
            first_hint().unwrap_or_else(|| "the text names no cause that a policy could mend".to_owned())
        }
        Outcome::AllowedNow => {
            let changed = hints.iter().find(|hint| hint.kind == "changed-since-event").map(|hint| hint.summary.clone());
            changed.map_or_else(
                || "the policies as they stand now allow it: they changed after the event, or something refused that is never read".to_owned(),
                |changed| format!("the policies as they stand now allow it: {}", lower(&changed)),
            )
        }
        Outcome::Undetermined if causes.is_empty() => {
            let needed = hints.iter().find(|hint| hint.kind == "more-needed").map(|hint| hint.summary.clone());
            needed.map_or_else(
                || "nothing that could be read refuses it".to_owned(),
                |needed| format!("nothing could be read that would tell; {}", lower(&needed)),
            )
        }
        Outcome::Denied | Outcome::Undetermined => {
            let Some(first) = causes.first() else { return "the cause is not known".to_owned() };
            let more = match causes.len() - 1 {
                0 => String::new(),
                1 => " (and 1 more cause)".to_owned(),
                more => format!(" (and {more} more causes)"),
            };
            let sure = match first.certainty {
                Certainty::Proven => "",
                Certainty::Inferred => "inferred: ",
                Certainty::Possible => "possible: ",
            };
            format!("{sure}{}{more}", first.summary)
        }
    }
}

/// A sentence as the tail of another.
fn lower(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn fix(outcome: Outcome, causes: &[Cause], hints: &[Hint], remedies: &[Remedy], plan: &[String]) -> String {
    let hint = |kind: &str| hints.iter().find(|hint| hint.kind == kind).map(|hint| lower(&hint.summary));
    if matches!(outcome, Outcome::NotAuthorization) {
        return "no policy change mends this; do what the hint says".to_owned();
    }
    if outcome == Outcome::AllowedNow {
        return "nothing to change; send again, and tell Sesame if it is still refused".to_owned();
    }
    let planned: Vec<&Remedy> = plan.iter().filter_map(|id| remedies.iter().find(|remedy| remedy.id == *id)).collect();
    if planned.is_empty() {
        let told = ["wrong-region", "blocked-as-configured", "not-modifiable-principal", "more-needed"]
            .into_iter()
            .find_map(hint);
        return match (told, causes.is_empty()) {
            (Some(told), _) => format!("no policy change is suggested: {told}"),
            (None, true) => "no policy change is suggested until the cause is known".to_owned(),
            (None, false) => "no set of policy changes is known to let this send through".to_owned(),
        };
    }
    let titles: Vec<String> = planned.iter().map(|remedy| lower(&remedy.title)).collect();
    let least = planned.iter().map(|remedy| remedy.applicability).min().unwrap_or(Applicability::AdviceOnly);
    let who = match least {
        Applicability::Applicable => "Sesame can apply it once approved",
        Applicability::NeedsReview => "Sesame can apply it after a review",
        Applicability::AdviceOnly => "Sesame only advises here: it is for the owner of the policy",
    };
    let wrong = hint("wrong-principal")
        .map(|text| format!("first see whether the right credentials were used ({text}); else "))
        .unwrap_or_default();
    format!("{wrong}{}; {who}", titles.join(", and "))
}

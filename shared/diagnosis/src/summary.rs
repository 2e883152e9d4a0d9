//! What, why and fix, one sentence each, read in ten seconds.

use sesame_policy::Decision;

use crate::denial::{Denial, Incident, OtherRefusal, Refusal};
use crate::examine::Examined;
use crate::finding::{
    Agreement, Applicability, Cause, CauseKind, Certainty, Hint, Origin, Outcome, PrincipalKind, Remedy, StatementInfo,
    Summary, Witness,
};
use crate::question::Question;
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
    witness: &Witness,
) -> Summary {
    let contradiction = contradiction(outcome, witness);
    let why = why(outcome, &asked(&incident.latest, examined, causes), examined, causes, hints, witness);
    Summary {
        what: words::sentence(&what(outcome, incident, subject, examined, causes)),
        why: words::sentence(&(why + &contradiction)),
        fix: words::sentence(&(fix(outcome, incident, causes, hints, remedies, plan) + &left_out(incident, plan))),
    }
}

/// What a plan does not cover: only so many kinds of one send are looked at.
fn left_out(incident: &Incident, plan: &[String]) -> String {
    if incident.cut == 0 || plan.is_empty() {
        return String::new();
    }
    let kinds = if incident.cut == 1 { "kind" } else { "kinds" };
    let (covered, cut) = (incident.distinct.len(), incident.cut);
    format!("; it covers the latest {covered} kinds of this send, and {cut} earlier {kinds} were not looked at")
}

/// What AWS's message says and the policies do not show.
fn contradiction(outcome: Outcome, witness: &Witness) -> String {
    let (Agreement::Contradicts, Some(named)) = (witness.agreement, named(witness)) else { return String::new() };
    match outcome {
        Outcome::AllowedNow => format!("; AWS's message names {named}, which is not there now"),
        _ => format!("; but AWS's message names {named}, which what was read does not show"),
    }
}

/// The layer that AWS's message names, and what it says of it: "an explicit deny in a service control policy (`arn:…`)".
fn named(witness: &Witness) -> Option<String> {
    let layer = words::article(words::layer(witness.layer.as_ref()?));
    let named = match witness.kind {
        Some(CauseKind::ExplicitDeny) => format!("an explicit deny in {layer}"),
        Some(CauseKind::NoAllow) => format!("a missing allow in {layer}"),
        None => layer,
    };
    let arn = witness.policy_arn.as_deref().map(|arn| format!(" (`{arn}`)")).unwrap_or_default();
    Some(named + &arn)
}

fn what(
    outcome: Outcome,
    incident: &Incident,
    subject: &Subject,
    examined: &[Vec<Examined>],
    causes: &[Cause],
) -> String {
    let denial = &incident.latest;
    let region = denial.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
    let times = if incident.count > 1 { format!(", {} times", incident.count) } else { String::new() };
    if outcome == Outcome::NotAuthorization {
        return match unnamed(incident) {
            true => format!("a send was rejected{region}{times}"),
            false => format!("SES rejected a send{region}{times}, and not for lack of permission"),
        };
    }
    let asked = asked(denial, examined, causes) + &why_that_resource(denial, examined, causes);
    let account = subject.account_id.as_deref().map(|id| format!(" of account {id}")).unwrap_or_default();
    let who = match (subject.info.kind, subject.info.session_arn.as_deref()) {
        (Some(PrincipalKind::FederatedUser), Some(session)) if Some(session) != subject.info.arn.as_deref() => {
            format!("{} of {}", words::short_arn(session), words::who(subject))
        }
        _ => words::who(subject),
    };
    let account = if who.contains(" account ") { String::new() } else { account };
    format!("{}{account} was refused {asked}{region}{times}", words::capital(&who))
}

/// Whether nothing tells what kind of refusal it was, so that nothing is said of policies either.
fn unnamed(incident: &Incident) -> bool {
    incident.latest.refusal == Refusal::Other(OtherRefusal::Rejected)
}

/// Why a resource was asked that is not the sender's own identity.
fn why_that_resource(denial: &Denial, examined: &[Vec<Examined>], causes: &[Cause]) -> String {
    let Some(question) = told(examined, causes) else { return String::new() };
    let resource = question.resource.as_str();
    let feedback = denial.send.feedback_identity_arn.given().is_some_and(|arn| arn == resource);
    let from = denial.send.identity_arn.given().is_some_and(|arn| arn == resource);
    if question.origin == Origin::RecipientInSandbox {
        return " (a recipient's, which SES authorizes too in the sandbox)".to_owned();
    }
    if feedback && !from { " (the identity of its feedback address)".to_owned() } else { String::new() }
}

/// The question that the sentences speak of: the one that AWS's message names, else the first that is refused.
fn told<'e>(examined: &'e [Vec<Examined>], causes: &[Cause]) -> Option<&'e Question> {
    let question = |index: usize| Some(&examined.get(index)?.first()?.question);
    let first = question(0)?;
    let refused = causes.first().filter(|_| first.origin != Origin::Message);
    refused.and_then(|cause| question(cause.request)).or(Some(first))
}

fn asked(denial: &Denial, examined: &[Vec<Examined>], causes: &[Cause]) -> String {
    let first = told(examined, causes);
    let action = first.map(|question| question.action.clone()).or_else(|| denial.message.action.clone());
    let action = action.or_else(|| denial.api.as_ref().map(|api| format!("ses:{api}")));
    let resource = first.map(|question| question.resource.to_string()).or_else(|| denial.message.resource.clone());
    match (action, resource.filter(|resource| resource != "*")) {
        (Some(action), Some(resource)) => format!("`{action}` on {}", words::short_arn(&resource)),
        (Some(action), None) => format!("`{action}`"),
        (None, _) => "a send".to_owned(),
    }
}

fn why(
    outcome: Outcome,
    asked: &str,
    examined: &[Vec<Examined>],
    causes: &[Cause],
    hints: &[Hint],
    witness: &Witness,
) -> String {
    let first_hint = || hints.first().map(|hint| hint.summary.clone());
    match outcome {
        Outcome::NotAuthorization => {
            let next = hints.first().and_then(|hint| hint.details.get("next")).and_then(|next| next.as_str());
            let what = |text: String| match next {
                Some(next) => text.trim_end_matches('.').trim_end_matches(next).trim_end_matches("; ").to_owned(),
                None => text,
            };
            first_hint().map(what).unwrap_or_else(|| "the text names no cause that a policy could mend".to_owned())
        }
        Outcome::AllowedNow => {
            let changed = hints.iter().find(|hint| hint.kind == "changed-since-event").map(|hint| hint.summary.clone());
            changed.map_or_else(
                || "the policies as they stand now allow it: they were changed after the event, or a policy refused it that is never read".to_owned(),
                |changed| format!("the policies as they stand now allow it: {}", lower(&changed)),
            )
        }
        Outcome::Undetermined if causes.is_empty() => {
            if let Some(named) = named(witness) {
                return format!("AWS's message names {named}; the policy itself was not read");
            }
            // What is needed is the next sentence.
            match hints.iter().any(|hint| hint.kind == "more-needed") {
                true => "what was read does not tell, and AWS's message names no layer".to_owned(),
                false => "nothing that could be read refuses it".to_owned(),
            }
        }
        Outcome::Denied | Outcome::Undetermined => {
            let Some(first) = causes.first() else { return "the cause is not known".to_owned() };
            // The sentence before has named what was refused.
            let short = |cause: &Cause| cause.summary.trim_start_matches("possibly ").replacen(asked, "it", 1);
            // The same layer lacks other resources' allows as well: these are said with the first.
            let (alike, others): (Vec<&Cause>, Vec<&Cause>) =
                causes.iter().skip(1).partition(|cause| lacks_likewise(first, cause) || denies_likewise(first, cause));
            let may = short(first).ends_with(" may refuse it");
            let nor = nor(first, &alike, examined, may);
            let (told, near) = match short(first).split_once("; nearest: ") {
                Some((told, near)) => (told.to_owned(), format!("; nearest: {near}")),
                None => (short(first), String::new()),
            };
            let (told, nor) = match first.kind {
                CauseKind::ExplicitDeny => (told.replacen(" denies it", &format!(" denies it{nor}"), 1), String::new()),
                CauseKind::NoAllow => (told, nor),
            };
            let more = match others.as_slice() {
                [] => String::new(),
                [second] if same_statement(first, second) && second.level.is_some() => {
                    let level = second.level.as_ref().map(words::level).unwrap_or_default();
                    format!("; the same policy is attached to {level} as well")
                }
                [second] => {
                    let text = short(second);
                    let both = first.certainty == Certainty::Possible && second.certainty == Certainty::Possible;
                    let joint = if both { "or" } else { "besides," };
                    format!("; {joint} {}", text.split("; nearest: ").next().unwrap_or_default())
                }
                more => format!("; besides, {}", besides(more)),
            };
            let more = format!("{nor}{near}{more}");
            // Something was read that allows, nothing that refuses, and nothing that turns on what is not known of the send.
            let allows = |examined: &Examined| {
                let judged = examined.evaluation.layers.iter().filter_map(|layer| layer.possible.determined());
                let judged: Vec<Decision> = judged.collect();
                let all = judged.iter().all(|decision| *decision == Decision::Allowed);
                all && !judged.is_empty() && examined.evaluation.unknown_keys.is_empty()
            };
            let open = examined.iter().filter_map(|contexts| contexts.first()).all(allows);
            // What could not be read "may refuse it": that is doubt enough.
            let doubt = if first.summary.starts_with("possibly ") { "possibly " } else { "" };
            let sure = match first.certainty {
                Certainty::Proven => String::new(),
                Certainty::Inferred => "inferred: ".to_owned(),
                Certainty::Possible if open => format!("everything that could be read allows it; {doubt}"),
                Certainty::Possible => doubt.to_owned(),
            };
            format!("{sure}{told}{more}")
        }
    }
}

/// Whether a cause is the first one again, for another action or resource. One identity's policies say nothing of another one.
fn lacks_likewise(first: &Cause, cause: &Cause) -> bool {
    let no_allow = cause.kind == CauseKind::NoAllow && first.kind == CauseKind::NoAllow;
    let place = |cause: &Cause| (cause.layer.clone(), cause.level.clone(), cause.certainty);
    no_allow && place(cause) == place(first) && first.layer != "sending-authorization-policy"
}

/// Whether a cause is the first one's statement again, for another action or resource.
fn denies_likewise(first: &Cause, cause: &Cause) -> bool {
    let place = |cause: &Cause| (cause.level.clone(), cause.certainty, cause.conditions.clone());
    same_statement(first, cause) && place(cause) == place(first)
}

/// Whether one Deny statement is behind both.
fn same_statement(first: &Cause, cause: &Cause) -> bool {
    let policy = |cause: &Cause| Some((cause.policy.as_ref()?.name.clone(), cause.policy.as_ref()?.arn.clone()));
    let both = cause.kind == CauseKind::ExplicitDeny && first.kind == CauseKind::ExplicitDeny;
    both && cause.statement.is_some()
        && (cause.layer.as_str(), policy(cause), &cause.statement)
            == (first.layer.as_str(), policy(first), &first.statement)
}

/// ", nor on configuration set `tracking` and template `welcome`, nor `ses:SendBulkEmail` on any of them"; of a Deny, and of
/// what `may` refuse, ", on configuration set `tracking` too".
fn nor(first: &Cause, alike: &[&Cause], examined: &[Vec<Examined>], may: bool) -> String {
    let question = |cause: &Cause| Some(&examined.get(cause.request)?.first()?.question);
    let Some(asked) = question(first) else { return String::new() };
    let mut by_action: Vec<(&str, Vec<String>)> =
        vec![(&asked.action, vec![words::short_arn(asked.resource.as_str())])];
    for other in alike.iter().filter_map(|cause| question(cause)) {
        let resource = words::short_arn(other.resource.as_str());
        match by_action.iter_mut().find(|(action, _)| action.eq_ignore_ascii_case(&other.action)) {
            Some((_, resources)) => resources.push(resource),
            None => by_action.push((&other.action, vec![resource])),
        }
    }
    let (joint, too) = match first.kind {
        CauseKind::NoAllow if !may => (", nor", ""),
        _ => (",", " too"),
    };
    let mut text = String::new();
    let own = by_action.first().map(|(_, resources)| resources.clone()).unwrap_or_default();
    for (index, (action, resources)) in by_action.iter().enumerate() {
        let on = match index {
            0 => resources.iter().skip(1).cloned().collect(),
            _ => resources.clone(),
        };
        let phrase = match index {
            0 => format!("on {}", words::join(&on)),
            _ if on.len() > 1 && on == own => format!("`{action}` on any of them"),
            _ => format!("`{action}` on {}", words::join(&on)),
        };
        if !on.is_empty() {
            text.push_str(&format!("{joint} {phrase}{too}"));
        }
    }
    text
}

/// How many more causes are named.
const NAMED: usize = 3;

/// Two and more causes beside the first, each in a few words.
fn besides(causes: &[&Cause]) -> String {
    let mut counted: Vec<(String, Vec<Option<&StatementInfo>>)> = Vec::new();
    for cause in causes {
        let policy = cause.policy.as_ref().map(words::policy);
        let level = cause.level.as_ref().map(|level| format!(" on {}", words::level(level))).unwrap_or_default();
        let phrase = match (cause.kind, policy) {
            (CauseKind::ExplicitDeny, Some(policy)) => format!("{policy} denies it"),
            (CauseKind::NoAllow, Some(policy)) if cause.layer == "permissions-boundary" => {
                format!("{policy} does not allow it")
            }
            _ => format!("no {}{level} allows it", words::layer(&cause.layer)),
        };
        let phrase = if cause.certainty == Certainty::Possible { format!("possibly {phrase}") } else { phrase };
        match counted.iter_mut().find(|(known, _)| *known == phrase) {
            // The same statement for another resource of the send is no other one.
            Some((_, statements)) if statements.contains(&cause.statement.as_ref()) => {}
            Some((_, statements)) => statements.push(cause.statement.as_ref()),
            None => counted.push((phrase, vec![cause.statement.as_ref()])),
        }
    }
    let phrase = |(phrase, statements): (String, Vec<_>)| match statements.len() > 1 && phrase.ends_with(" denies it") {
        true => format!("{phrase} by {} statements", statements.len()),
        false => phrase,
    };
    let mut phrases: Vec<String> = counted.into_iter().map(phrase).collect();
    if phrases.len() > NAMED {
        let more = phrases.len() - NAMED;
        phrases.truncate(NAMED);
        phrases.push(if more == 1 { "1 more cause".to_owned() } else { format!("{more} more causes") });
    }
    words::join(&phrases)
}

/// A sentence as the tail of another.
fn lower(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn fix(
    outcome: Outcome,
    incident: &Incident,
    causes: &[Cause],
    hints: &[Hint],
    remedies: &[Remedy],
    plan: &[String],
) -> String {
    let find = |kind: &str| hints.iter().find(|hint| hint.kind == kind);
    if outcome == Outcome::NotAuthorization {
        let next = hints.first().and_then(|hint| hint.details.get("next")).and_then(|next| next.as_str());
        return next.map_or_else(
            || "no policy change mends this".to_owned(),
            |next| if unnamed(incident) { next.to_owned() } else { format!("{next}; no policy change mends this") },
        );
    }
    if outcome == Outcome::AllowedNow {
        return "nothing needs to change: send again".to_owned();
    }
    let planned: Vec<&Remedy> = plan.iter().filter_map(|id| remedies.iter().find(|remedy| remedy.id == *id)).collect();
    if planned.is_empty() {
        return without_plan(causes, find);
    }
    let mut titles: Vec<String> = Vec::new();
    for remedy in &planned {
        let title = lower(&remedy.title);
        // The same grant in another layer.
        let first = titles.first().filter(|_| title.starts_with("allow "));
        let rest = first.and_then(|first| title.strip_prefix(first.as_str())).filter(|rest| rest.starts_with(" in "));
        titles.push(rest.map(|rest| format!("the same{rest}")).unwrap_or(title));
    }
    let change = titles.join(", and ");
    let detail = |kind: &str, name: &str| -> Option<String> {
        Some(find(kind)?.details.get(name)?.as_array()?.first()?.as_str()?.to_owned())
    };
    // Where a policy change is one of two ways, the other one comes first.
    let quarantined = find("possible-stolen-key").is_some_and(|hint| hint.details.get("quarantine").is_some());
    let first = match (detail("wrong-principal", "candidates"), detail("wrong-region", "regions")) {
        _ if quarantined => "replace the exposed access key first; then ".to_owned(),
        (Some(arn), _) => format!("use the credentials of {} if they are what is meant; else ", words::short_arn(&arn)),
        (None, Some(region)) => format!("call the endpoint of `{region}` if that Region is meant; else "),
        (None, None) => ways(find).map(|ways| format!("{ways}; else ")).unwrap_or_default(),
    };
    // What a policy does not mend is said with the policy, or the next refusal surprises.
    let next = ["identity-not-found", "identity-unverified", "sending-paused"].into_iter().find_map(find);
    let next = next.map(|hint| lower(hint.summary.split(": with the policies").next().unwrap_or_default()));
    let next = next.map(|next| format!("; SES still rejects the message then: {next}")).unwrap_or_default();
    let sandbox = find("sandbox").filter(|_| next.is_empty());
    let sandbox = sandbox.map(|hint| format!("; then {}", lower(&hint.summary))).unwrap_or_default();
    format!("{first}{change}; {}{next}{sandbox}", who_applies(&planned))
}

/// How the send could change so that nothing refuses it, where that is known.
fn ways<'h>(find: impl Fn(&str) -> Option<&'h Hint>) -> Option<String> {
    let ways = find("blocked-as-configured")?.details.get("changes")?.as_array()?;
    let ways: Vec<&str> = ways.iter().filter_map(|way| way.as_str()).collect();
    let mut named: Vec<String> = ways.iter().take(NAMED).map(|way| (*way).to_owned()).collect();
    if ways.len() > NAMED {
        named.push(format!("so on for {} more conditions", ways.len() - NAMED));
    }
    (!named.is_empty()).then(|| named.join(", and "))
}

/// Who puts the plan in place.
fn who_applies(planned: &[&Remedy]) -> String {
    use Applicability::{AdviceOnly, Applicable, NeedsReview};
    let all = |wanted: Applicability| planned.iter().all(|remedy| remedy.applicability == wanted);
    if all(Applicable) {
        return "Sesame can apply this once approved".to_owned();
    }
    if all(AdviceOnly) {
        let why = planned.first().map(|remedy| remedy.why.as_str()).unwrap_or_default();
        return format!("Sesame does not apply this: {}", why.trim_start_matches("blocked as configured: "));
    }
    if all(NeedsReview) {
        return "Sesame can apply this after a review".to_owned();
    }
    let ids = |wanted: Applicability| -> Vec<String> {
        planned.iter().filter(|remedy| remedy.applicability == wanted).map(|remedy| remedy.id.clone()).collect()
    };
    let phrase = |wanted: Applicability, one: &str| {
        let ids = ids(wanted);
        (!ids.is_empty()).then(|| format!("{} {one}", words::join(&ids)))
    };
    let parts = [
        phrase(Applicable, "can be applied by Sesame once approved"),
        phrase(NeedsReview, "can be applied by Sesame after a review"),
        phrase(
            AdviceOnly,
            if ids(AdviceOnly).len() > 1 {
                "only by the owners of those policies"
            } else {
                "only by the owner of that policy"
            },
        ),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What to do where no policy change is suggested.
fn without_plan<'h>(causes: &[Cause], find: impl Fn(&str) -> Option<&'h Hint>) -> String {
    if find("possible-stolen-key").is_some_and(|hint| hint.details.get("quarantine").is_some()) {
        return "replace the exposed access key and follow the case that AWS Support opened; the policy stays until then"
            .to_owned();
    }
    if let Some(hint) = find("wrong-region") {
        let regions = hint.details.get("regions").and_then(|list| list.as_array()).into_iter().flatten();
        let regions: Vec<String> = regions.filter_map(|region| region.as_str().map(|it| format!("`{it}`"))).collect();
        return format!("call the endpoint of {}; no policy change helps here", regions.join(" or "));
    }
    if let Some(hint) = find("identity-in-other-account").filter(|_| find("wrong-region").is_none()) {
        let detail = |name: &str| hint.details.get(name).and_then(|detail| detail.as_str());
        if let (Some(arn), Some(parameter)) = (detail("arn"), detail("parameter")) {
            return format!("pass `{arn}` as {parameter}; no policy change helps here");
        }
    }
    if let Some(hint) = find("more-needed") {
        // What the sender may do about it needs nothing more.
        let way = ways(&find).map(|ways| format!("{ways}; ")).unwrap_or_default();
        return format!("{way}no policy change is suggested yet; {}", lower(&hint.summary));
    }
    if let Some(hint) = find("blocked-as-configured") {
        let text = lower(&hint.summary);
        let advice =
            text.trim_start_matches("blocked as configured: ").trim_end_matches("; no policy should give way here");
        return format!("{advice}; no policy change is suggested");
    }
    if let Some(hint) = find("not-modifiable-principal") {
        let why = hint.details.get("why").and_then(|why| why.as_str()).unwrap_or_default();
        return format!("no policy change is suggested: {why}");
    }
    match causes.is_empty() {
        true => "no policy change is suggested until the cause is known".to_owned(),
        false => "no set of policy changes is known that lets this send through".to_owned(),
    }
}

//! Small pieces that every renderer says in the same words.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use sesame_diagnosis::finding::{
    Agreement, Applicability, Cause, CauseKind, Certainty, Event, Finding, Gap, Hint, ManagedBy, NearMiss, Operation,
    Outcome, OwnerRole, PrincipalInfo, PrincipalKind, Remedy, TargetKind, Witness,
};
use sesame_diagnosis::words::short_arn;

/// A layer as a reader says it.
pub fn layer(name: &str) -> String {
    match name {
        "identity-policy" => "identity-based policy",
        "permissions-boundary" => "permissions boundary",
        "session-policy" => "session policy",
        "service-control-policy" => "service control policy (SCP)",
        "resource-control-policy" => "resource control policy (RCP)",
        "sending-authorization-policy" => "sending authorization policy",
        "vpc-endpoint-policy" => "VPC endpoint policy",
        other => other,
    }
    .to_owned()
}

/// The layer that was not read: the policy of another service's resource is no sending authorization policy.
pub fn unread(gap: &Gap) -> String {
    let elsewhere = gap.source.starts_with("arn:") && gap.source.split(':').nth(2) != Some("ses");
    match gap.layer == "sending-authorization-policy" && elsewhere {
        true => "resource-based policy".to_owned(),
        false => layer(&gap.layer),
    }
}

/// `proven`, `inferred` or `possible`.
pub fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Proven => "proven",
        Certainty::Inferred => "inferred",
        Certainty::Possible => "possible",
    }
}

/// What a degree of certainty means.
pub fn certainty_meaning(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Proven => "everything that it turns on was read",
        Certainty::Inferred => "part of the request is not recorded, and only this fits the refusal",
        Certainty::Possible => "it could not be seen",
    }
}

/// What stands beside "Why": how sure the first cause is, or why there is none.
pub fn sureness(finding: &Finding) -> &'static str {
    match (finding.causes.first(), finding.outcome) {
        (Some(first), _) => certainty(first.certainty),
        (None, Outcome::Denied | Outcome::Undetermined) => "not known",
        (None, Outcome::AllowedNow) => "allowed now",
        (None, Outcome::NotAuthorization) => "not a matter of policies",
    }
}

/// `summary.why` without the degree of certainty in front, which stands beside it everywhere.
pub fn why(finding: &Finding) -> String {
    let why = finding.summary.why.as_str();
    let rest = ["Inferred: ", "Possible: ", "inferred: ", "possible: "].iter().find_map(|word| why.strip_prefix(word));
    rest.map_or_else(|| why.to_owned(), capital)
}

/// The outcome in a word or two.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Denied => "refused",
        Outcome::AllowedNow => "allowed now",
        Outcome::Undetermined => "refused, cause undetermined",
        Outcome::NotAuthorization => "rejected, not by a policy",
    }
}

/// "no allow" or "explicit deny".
pub fn cause_kind(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::NoAllow => "no allow",
        CauseKind::ExplicitDeny => "explicit deny",
    }
}

/// A heading for a cause: "No allow in the service control policy (SCP) of organizational unit `mail`".
pub fn cause_heading(cause: &Cause) -> String {
    let level = cause.level.as_ref().map(|level| {
        let kind = match level.kind.as_str() {
            "ou" => "organizational unit",
            "root" => "the organization's root",
            _ => "account",
        };
        format!(", {kind} `{}`", level.name.as_deref().unwrap_or(&level.id))
    });
    format!("{}: {}{}", capital(cause_kind(cause.kind)), layer(&cause.layer), level.unwrap_or_default())
}

/// Who can do something about a remedy.
pub fn applicability(applicability: Applicability) -> &'static str {
    match applicability {
        Applicability::Applicable => "Sesame applies it once approved",
        Applicability::NeedsReview => "Sesame applies it after a review; never from the bare link",
        Applicability::AdviceOnly => "advice: for whoever owns that policy",
    }
}

/// The least applicability of the plan, `None` when the plan is empty.
pub fn plan_applicability(finding: &Finding) -> Option<Applicability> {
    finding.planned().map(|remedy| remedy.applicability).min()
}

/// Whose part a remedy is.
pub fn owner(remedy: &Remedy) -> String {
    let role = match remedy.owner.role {
        OwnerRole::AccountAdmin => "the administrator",
        OwnerRole::OrganizationAdmin => "the organization's administrator",
        OwnerRole::IdentityOwner => "the owner of the identity",
    };
    match &remedy.owner.account {
        Some(account) => format!("{role} of account {account}"),
        None => role.to_owned(),
    }
}

/// The document that a remedy writes, or takes off.
pub fn target(remedy: &Remedy) -> String {
    let target = &remedy.target;
    let holder = target.principal.as_deref().map(|arn| format!(" of {}", short_arn(arn))).unwrap_or_default();
    let node = target.node.as_deref().map(|node| format!(" on `{node}`")).unwrap_or_default();
    let identity = target.identity.as_deref().map(|name| format!(" of identity `{name}`")).unwrap_or_default();
    let region = target.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
    let (kind, place) = match target.kind {
        TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline => ("inline policy", holder),
        TargetKind::CustomerManaged => ("managed policy", holder),
        TargetKind::Boundary => ("permissions boundary", holder),
        TargetKind::Scp => ("service control policy", node),
        TargetKind::SendingAuthorization => ("sending authorization policy", format!("{identity}{region}")),
        TargetKind::PermissionSet => ("inline policy of the permission set behind", holder.replacen(" of", "", 1)),
    };
    let name = target.policy.as_deref().map(|name| format!(" `{}`", name.rsplit('/').next().unwrap_or(name)));
    let name = name.filter(|_| target.kind != TargetKind::PermissionSet).unwrap_or_default();
    match (remedy.operation, &remedy.before) {
        (Operation::Detach, _) => format!("Detach {kind}{name}{place}"),
        (Operation::Put, None) => format!("New {kind}{name}{place}"),
        (Operation::Put, Some(_)) => format!("Change in {kind}{name}{place}"),
    }
}

/// What manages a principal.
pub fn managed_by(by: ManagedBy) -> &'static str {
    match by {
        ManagedBy::Cloudformation => "CloudFormation",
        ManagedBy::Terraform => "Terraform",
        ManagedBy::Cdk => "the CDK",
        ManagedBy::IdentityCenter => "IAM Identity Center",
    }
}

/// Whether AWS's own message agrees.
pub fn agreement(agreement: Agreement) -> &'static str {
    match agreement {
        Agreement::Agrees => "AWS's message says the same",
        Agreement::Silent => "AWS's message names no layer",
        Agreement::Contradicts => "AWS's message says something else",
    }
}

/// What AWS's message says beside the finding: whether it agrees, and whether its end is missing.
pub fn testimony(witness: &Witness) -> String {
    let cut = witness.message.as_deref().is_some_and(sesame_diagnosis::message::was_cut);
    let unsaid = witness.agreement == Agreement::Silent && cut;
    let tail = if unsaid { "; it was cut before its end" } else { "" };
    format!("{}{tail}", agreement(witness.agreement))
}

/// That AWS's message names a layer which does not refuse, where "why" does not say so already.
pub fn contradiction(finding: &Finding) -> Option<String> {
    let told = finding.summary.why.contains("AWS's message names");
    (finding.witness.agreement == Agreement::Contradicts && !told).then(|| {
        let layer = finding.witness.layer.as_deref().map(layer);
        let named = layer.map(|layer| format!(": it names {}", sesame_diagnosis::words::article(&layer)));
        format!("{}{}.", agreement(Agreement::Contradicts), named.unwrap_or_default())
    })
}

/// "production (111122223333)".
pub fn account(event: &Event) -> String {
    match (&event.account_name, &event.account) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (None, Some(id)) => id.clone(),
        (Some(name), None) => name.clone(),
        (None, None) => "unknown account".to_owned(),
    }
}

/// "role `app`"; "an unknown caller" when nothing is known.
pub fn who(principal: &PrincipalInfo) -> String {
    match (principal.kind, &principal.arn, &principal.name) {
        (Some(PrincipalKind::Service), Some(name), _) => format!("the service `{name}`"),
        // Only the account is known, and its root's ARN stands for all in it.
        (Some(PrincipalKind::Account), ..) => {
            format!("a principal of account {}", principal.account.as_deref().unwrap_or("unknown"))
        }
        (_, Some(arn), _) => short_arn(arn),
        (_, None, Some(name)) => format!("`{name}`"),
        (_, None, None) => "an unknown caller".to_owned(),
    }
}

/// Who called, with its session: "role `app`, session `i-0abc`", "federated user `guest` of user `broker`".
pub fn caller(principal: &PrincipalInfo) -> String {
    match (principal.kind, session(principal)) {
        (Some(PrincipalKind::FederatedUser), Some(session)) if principal.session_arn != principal.arn => {
            format!("federated user `{session}` of {}", who(principal))
        }
        (Some(PrincipalKind::FederatedUser), _) | (_, None) => who(principal),
        (_, Some(session)) => format!("{}, session `{session}`", who(principal)),
    }
}

/// The session's own name, where a session called.
pub fn session(principal: &PrincipalInfo) -> Option<&str> {
    let arn = principal.session_arn.as_deref()?;
    let name = arn.rsplit('/').next().filter(|name| *name != arn)?;
    Some(name)
}

/// "14:02 UTC", with the day when it is not today's, with the year when it is not this year's.
pub fn moment(time: &str, now: Timestamp) -> String {
    let Ok(at) = time.parse::<Timestamp>() else { return time.to_owned() };
    let (at, now) = (TimeZone::UTC.to_datetime(at), TimeZone::UTC.to_datetime(now));
    let form = match (at.date() == now.date(), at.year() == now.year()) {
        (true, _) => "%H:%M UTC",
        (false, true) => "%-d %b %H:%M UTC",
        (false, false) => "%-d %b %Y %H:%M UTC",
    };
    at.strftime(form).to_string()
}

/// "20 s", "4 min", "3 h", "2 days".
pub fn span(seconds: i64) -> String {
    match seconds {
        ..90 => format!("{} s", seconds.max(1)),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

/// How often, since when: "214 times since 14:02 UTC, about every 20 s, last at 15:13 UTC".
pub fn failing(event: &Event, now: Timestamp) -> String {
    let first = event.first_seen.as_deref().or(event.time.as_deref());
    let last = event.last_seen.as_deref().or(event.time.as_deref());
    let at = |time: &str| moment(time, now);
    match (event.count, first, last) {
        (0 | 1, _, Some(last)) => format!("once, at {}", at(last)),
        (0 | 1, _, None) => "once, time not known".to_owned(),
        (count, Some(first), Some(last)) => {
            let every = interval(first, last, count).map(|every| format!(", about every {every}")).unwrap_or_default();
            format!("{count} times since {}{every}, last at {}", at(first), at(last))
        }
        (count, _, _) => format!("{count} times, since when is not known"),
    }
}

fn interval(first: &str, last: &str, count: u64) -> Option<String> {
    let (first, last) = (first.parse::<Timestamp>().ok()?, last.parse::<Timestamp>().ok()?);
    let seconds = last.since((Unit::Second, first)).ok()?.get_seconds();
    let between = i64::try_from(count.checked_sub(1)?).ok()?;
    (seconds > 0).then(|| seconds.checked_div(between).map(span))?
}

/// The near misses that the sentence of "why" does not tell already.
pub fn untold_near_misses(finding: &Finding) -> Vec<&NearMiss> {
    let all = finding.causes.iter().flat_map(|cause| &cause.near_misses);
    all.filter(|near| !finding.summary.why.contains(near.summary.trim_end_matches('.'))).collect()
}

/// The hints that neither "why" nor "fix" tells already; the possibly stolen key has a place of its own.
pub fn untold_hints(finding: &Finding) -> Vec<&Hint> {
    let told = format!("{}\n{}", finding.summary.why, finding.summary.fix).to_lowercase();
    // What is no matter of policies has its one hint in both sentences.
    let says = |text: &str| told.contains(&text.trim_end_matches('.').to_lowercase());
    let in_parts = |hint: &Hint| finding.outcome == Outcome::NotAuthorization && hint.summary.split("; ").all(says);
    let untold = |hint: &&Hint| hint.kind != "possible-stolen-key" && !says(&hint.summary) && !in_parts(hint);
    finding.hints.iter().filter(untold).collect()
}

/// What else the plan allows, each sentence once; "nothing else" only where nothing else is said.
pub fn also_allowed(finding: &Finding) -> Vec<&str> {
    let mut list: Vec<&str> = Vec::new();
    for remedy in finding.planned() {
        let sentence = remedy.verification.also_allowed.as_str();
        if !sentence.is_empty() && !list.contains(&sentence) {
            list.push(sentence);
        }
    }
    if list.len() > 1 {
        list.retain(|sentence| !sentence.starts_with("Nothing else"));
    }
    list
}

/// A hint by its kind.
pub fn hint<'f>(finding: &'f Finding, kind: &str) -> Option<&'f Hint> {
    finding.hints.iter().find(|hint| hint.kind == kind)
}

/// What to do when nobody knows the caller.
pub const IF_NOT_YOU: [&str; 3] = [
    "Approve nothing until somebody recognizes this caller.",
    "A user: deactivate the access key in IAM. A role: revoke its active sessions, and mend what leaked the credentials.",
    "Then look in CloudTrail for what else that key or session called.",
];

/// The first letter as a capital.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// "a", "a and b", "a, b and c".
pub fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// "1 near miss", "12 near misses".
pub fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// With a capital in front and a full stop behind.
pub fn sentence(text: &str) -> String {
    sesame_diagnosis::words::sentence(text)
}

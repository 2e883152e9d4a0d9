//! Hints: what else to know about a refusal. Each is given when its facts hold, and not otherwise.

mod principal;
mod sending;
mod wording;

pub use principal::WrongPrincipal;
pub(crate) use principal::{is_quarantine, quarantine};
pub use principal::{others_unread, wrong_principal};
pub use sending::{ForgottenArn, WrongRegion, forgotten_arn, wrong_region};

use serde_json::{Value, json};
use sesame_policy::LayerKind;

use crate::assemble::Library;
use crate::causes::Found;
use crate::denial::{Denial, Incident, OtherRefusal};
use crate::examine::{Blocker, Examined};
use crate::finding::{Certainty, ConditionInfo, Hint, NearMiss};
use crate::remedy::guard::Unmendable;
use crate::subject::Subject;

/// Everything that hints are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The folded denials.
    pub incident: &'a Incident,
    /// The latest denial.
    pub denial: &'a Denial,
    /// The refused principal.
    pub subject: &'a Subject<'a>,
    /// The world, with its documents.
    pub library: &'a Library<'a>,
    /// For each question its examination in each request context.
    pub examined: &'a [Vec<Examined>],
    /// The causes.
    pub causes: &'a [Found],
}

impl Facts<'_> {
    /// The latest context of each question that a cause blocks, with its causes.
    fn refused(&self) -> impl Iterator<Item = (&Examined, Vec<&Found>)> {
        self.examined.iter().enumerate().filter_map(|(index, contexts)| {
            let causes: Vec<&Found> = self.causes.iter().filter(|found| found.cause.request == index).collect();
            let first = contexts.first()?;
            (!causes.is_empty()).then_some((first, causes))
        })
    }
}

pub(crate) fn hint(kind: &str, summary: String, details: Value) -> Hint {
    Hint { kind: kind.to_owned(), summary: crate::words::sentence(&summary), details }
}

/// The hints of a refusal by policy.
pub fn hints(
    facts: &Facts,
    wrong: Option<&WrongPrincipal>,
    region: Option<&WrongRegion>,
    forgotten: Option<&ForgottenArn>,
    unmendable: &[(usize, Unmendable)],
) -> Vec<Hint> {
    let mut list = Vec::new();
    list.extend(wrong.map(WrongPrincipal::hint));
    list.extend(region.map(WrongRegion::hint));
    list.extend(forgotten.map(ForgottenArn::hint));
    list.extend(sending::about_the_resources(facts));
    list.extend(wording::about_the_statements(facts));
    list.extend(principal::about_the_principal(facts));
    list.extend(blocked_as_configured(facts, unmendable));
    list.extend(sending::what_would_fail_next(
        facts,
        forgotten.is_some() || region.is_some_and(|region| region.futile),
    ));
    list.extend(changed(facts));
    list.extend(assumed_absent(facts));
    list.extend(more_needed(facts, unmendable));
    list.extend(principal::possible_stolen_key(facts));
    // Two questions of one send may give the same hint.
    let mut once: Vec<Hint> = Vec::new();
    for hint in list {
        if !once.contains(&hint) {
            once.push(hint);
        }
    }
    once
}

/// The hints of a refusal that is no policy matter: what it is, and what to do.
pub fn other_refusal(refusal: OtherRefusal, denial: &Denial) -> Vec<Hint> {
    let region = denial.region.as_deref().unwrap_or("the Region of the endpoint");
    let (kind, what, next) = match refusal {
        OtherRefusal::Unverified => (
            "identity-unverified",
            format!(
                "an address or domain of the message is not verified in {region}, or the account is in the sandbox and a recipient is not verified"
            ),
            format!("verify it in {region}, or pass the identity's ARN when it belongs to another account"),
        ),
        OtherRefusal::SendingPaused => (
            "sending-paused",
            "sending is paused for the account or for the configuration set".to_owned(),
            "see `SendingEnabled` of GetAccount and the configuration set's sending options".to_owned(),
        ),
        OtherRefusal::Suspended => (
            "sending-paused",
            "AWS has suspended sending for this account".to_owned(),
            "see the AWS Health Dashboard and the case that AWS Support opened".to_owned(),
        ),
        OtherRefusal::Sandbox => (
            "sandbox",
            format!("the account is in the SES sandbox in {region}"),
            format!("request production access in {region}"),
        ),
        OtherRefusal::Credentials => (
            "smtp-user",
            "the SMTP user name or password is missing or wrong: the password is made from a secret access key for one Region"
                .to_owned(),
            format!("make the password for {region}, and use the access key id as the user name"),
        ),
        OtherRefusal::Signature => (
            "more-needed",
            "AWS does not take the request's signature or token: the credentials are expired, unknown or of another account"
                .to_owned(),
            "renew the credentials that the sender uses, and compare its clock".to_owned(),
        ),
        OtherRefusal::MailFromDomain => (
            "identity-unverified",
            "the custom MAIL FROM domain is not set up".to_owned(),
            "publish its MX record and wait until SES has verified it".to_owned(),
        ),
        OtherRefusal::NotFound => (
            "identity-not-found",
            format!("the configuration set or template does not exist in {region}"),
            format!("create it in {region}, or call the Region that has it"),
        ),
        OtherRefusal::Throttled => (
            "more-needed",
            "a sending quota or rate was exceeded".to_owned(),
            "slow down and retry, or ask for a higher quota".to_owned(),
        ),
        OtherRefusal::Rejected => (
            "more-needed",
            "the text does not say that a permission is missing".to_owned(),
            "look for the whole text of the error, with its code".to_owned(),
        ),
    };
    let details = json!({ "region": denial.region, "next": next });
    vec![hint(kind, format!("{what}; {next}"), details)]
}

/// Someone wrote the Deny or the condition that refused: it may be right, and the send wrong.
fn blocked_as_configured(facts: &Facts, unmendable: &[(usize, Unmendable)]) -> Option<Hint> {
    let mut advice: Vec<String> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    // How the send could change so that nothing refuses it: known when each cause has such a way.
    let mut ways: Vec<String> = Vec::new();
    for found in facts.causes {
        let Some(examined) = facts.examined.get(found.cause.request).and_then(|contexts| contexts.first()) else {
            continue;
        };
        let deny = matches!(found.blocker, Blocker::Deny(_));
        let conditions: Vec<&ConditionInfo> = match deny {
            true => found.cause.conditions.iter().filter(|condition| condition.matched != Some(false)).collect(),
            false => {
                let nearest = found.cause.near_misses.first().filter(|near| near.fails == "Condition");
                let conditions = nearest.into_iter().flat_map(NearMiss::conditions);
                // That a grant of Sesame's has ended is nobody's guard.
                let own = nearest.is_some_and(|near| crate::changes::is_own(&near.policy));
                conditions.filter(|condition| !(own && crate::remedy::guard::is_time(&condition.key))).collect()
            }
        };
        // What no value could change is a mistake in the policy.
        let conditions: Vec<&ConditionInfo> =
            conditions.into_iter().filter(|condition| !wording::never_matches(condition, examined)).collect();
        let unconditional = deny && found.cause.conditions.is_empty();
        if conditions.is_empty() && !unconditional {
            continue;
        }
        keys.extend(conditions.iter().map(|condition| condition.key.clone()));
        let there: Vec<ConditionInfo> =
            conditions.iter().map(|condition| where_it_is(facts, examined, condition)).collect();
        let there: Vec<&ConditionInfo> = there.iter().collect();
        let changes = ways_out(&there, deny, facts.denial.invoked_by.as_deref());
        ways.extend(changes.clone());
        advice.push(match (changes, unconditional) {
            (Some(changes), _) => changes,
            (None, true) => "the Deny has no condition, so it is meant for every such send; ask its owner".to_owned(),
            (None, false) => "somebody wrote this condition; ask its owner".to_owned(),
        });
    }
    let firm = |(_, reason): &(usize, Unmendable)| matches!(reason, Unmendable::Transport | Unmendable::Time);
    if !advice.is_empty() && unmendable.iter().any(firm) {
        advice.push("no policy should give way here".to_owned());
    }
    let mut seen = Vec::new();
    advice.retain(|text| {
        !seen.contains(text) && {
            seen.push(text.clone());
            true
        }
    });
    keys.sort();
    keys.dedup();
    (!advice.is_empty()).then(|| {
        let text = format!("blocked as configured: {}", advice.join("; "));
        if ways.len() < facts.causes.len() || ways.iter().any(|way| way.starts_with("the ") || way.starts_with("wait "))
        {
            ways.clear();
        }
        ways.dedup();
        hint("blocked-as-configured", text, json!({ "keys": keys, "changes": ways }))
    })
}

/// Of the Regions that a condition lets a call go to, those that are known to have the identity, if any is.
fn where_it_is(facts: &Facts, examined: &Examined, condition: &ConditionInfo) -> ConditionInfo {
    let mut condition = condition.clone();
    if condition.key.eq_ignore_ascii_case("aws:RequestedRegion") {
        let resource = &examined.question.resource;
        let has = |region: &String| {
            let region = sending::region(facts, resource.account(), region);
            let name = resource.resource().strip_prefix("identity/").unwrap_or_default();
            region.is_some_and(|region| region.identities.contains_key(name))
        };
        let there: Vec<String> = condition.expected.iter().filter(|region| has(region)).cloned().collect();
        if !there.is_empty() {
            (condition.expected, condition.resolved) = (there, None);
        }
    }
    condition
}

/// How a send could change so that these conditions no longer refuse it; `None` where a sender chooses none of it.
fn ways_out(conditions: &[&ConditionInfo], deny: bool, through: Option<&str>) -> Option<String> {
    let change = |condition: &&&ConditionInfo| crate::words::change(condition, !deny, through);
    if !deny {
        // All of an Allow's conditions must hold.
        let changes: Vec<String> = conditions.iter().map(|condition| change(&condition)).collect::<Option<_>>()?;
        return (!changes.is_empty()).then(|| changes.join(", and "));
    }
    // Any one of a Deny's conditions that no longer holds lets the send through; a time that is over does not come back.
    let mut changes: Vec<String> = conditions.iter().filter_map(|condition| change(&condition)).collect();
    if changes.len() > 1 {
        changes.retain(|change| !change.starts_with("the time window ended"));
    }
    (!changes.is_empty()).then(|| changes.join(", or "))
}

fn changed(facts: &Facts) -> Option<Hint> {
    let set = &facts.examined.first()?.first()?.set;
    let changes = crate::changes::changes_since(facts.denial, facts.subject, facts.library.world, set);
    let last = changes.last()?;
    let what =
        last.policy_arn.as_deref().or(last.principal_arn.as_deref()).map(crate::words::short_arn).unwrap_or_default();
    let by = last.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    let text = format!("since the event {what} was changed ({} at {}{by})", last.api, last.time);
    let list: Vec<Value> = changes
        .iter()
        .map(|change| json!({ "time": change.time, "policyArn": change.policy_arn, "principalArn": change.principal_arn, "api": change.api, "by": change.by }))
        .collect();
    Some(hint("changed-since-event", text, json!({ "changes": list })))
}

/// What is never in a record and is taken as absent.
fn assumed_absent(facts: &Facts) -> Option<Hint> {
    let set = &facts.examined.first()?.first()?.set;
    let mut assumed = Vec::new();
    if facts.subject.has_issuer && set.session.is_none() {
        assumed.push("session-policy");
    }
    if facts.denial.vpc_endpoint_id.is_some() && set.vpc_endpoint.is_none() {
        assumed.push("vpc-endpoint-policy");
    }
    let mut names: Vec<String> = assumed.iter().map(|layer| format!("a {}", crate::words::layer(layer))).collect();
    // A session tag would stand in the place of the role's own.
    let own = |key: &String| key.strip_prefix("aws:principaltag/").filter(|tag| own_tag(facts, tag)).map(str::to_owned);
    let tags: Vec<String> = set.keys.iter().filter(|_| facts.subject.has_issuer).filter_map(own).collect();
    if !tags.is_empty() {
        names.push(format!("session tags ({})", crate::words::list(&tags)));
    }
    (!names.is_empty()).then(|| {
        let pronoun = if names.len() == 1 && tags.is_empty() { "it is" } else { "they are" };
        let text = format!("no record shows {}: {pronoun} taken as absent", names.join(" or "));
        let details = match tags.is_empty() {
            true => json!({ "layers": assumed }),
            false => json!({ "layers": assumed, "tags": tags }),
        };
        hint("assumed-absent", text, details)
    })
}

fn own_tag(facts: &Facts, tag: &str) -> bool {
    facts.subject.entity.is_some_and(|entity| crate::subject::tag(entity, &[tag]).is_some())
}

/// What to supply so that more can be said.
fn more_needed(facts: &Facts, unmendable: &[(usize, Unmendable)]) -> Option<Hint> {
    let mut needed: Vec<String> = Vec::new();
    let mut need = |text: &str| {
        if !needed.iter().any(|known| known == text) {
            needed.push(text.to_owned());
        }
    };
    // Where AWS names a layer, that is the one to be looked at.
    let named = facts.denial.message.layer.as_deref();
    let of_interest = |layer: &str| named.is_none_or(|named| named == layer);
    let own_layers = ["identity-policy", "permissions-boundary", "sending-authorization-policy"];
    if facts.subject.principal.is_none() {
        need("the principal's ARN");
    } else if facts.subject.account.is_none()
        && facts.subject.account_id.is_some()
        && own_layers.into_iter().any(of_interest)
    {
        let account = facts.subject.account_id.as_deref().unwrap_or_default();
        need(&format!("a snapshot of account {account}, or credentials that may read it"));
    }
    if facts.denial.region.is_none() {
        need("the Region of the endpoint");
    }
    if facts.denial.message.action.is_none() && facts.denial.api.is_none() {
        need("the whole error text, with action and resource");
    } else if facts.examined.is_empty() && facts.denial.message.resource.is_none() {
        if facts.denial.message.text.as_deref().is_some_and(crate::message::was_cut) {
            need("the whole error text, as the sender logged it (this one was cut before its end)");
        }
        let shown = if facts.denial.event_id.is_some() { "record" } else { "text" };
        need(&format!("the From address or the identity (the {shown} names neither)"));
    }
    let undecided = facts.causes.iter().all(|found| found.cause.certainty == Certainty::Possible);
    let unguarded = |request: usize| {
        unmendable.iter().any(|(index, reason)| {
            *reason == Unmendable::UnknownKey
                && facts.causes.get(*index).is_some_and(|found| found.cause.request == request)
        })
    };
    for (request, contexts) in facts.examined.iter().enumerate() {
        let Some(evaluation) = contexts.first().map(|examined| &examined.evaluation) else { continue };
        if undecided || unguarded(request) {
            let keys = evaluation.unknown_keys.iter();
            let tags: Vec<String> = keys
                .filter_map(|key| key.strip_prefix("aws:PrincipalTag/").filter(|_| facts.subject.has_issuer))
                .map(|tag| format!("`{tag}`"))
                .collect();
            match tags.as_slice() {
                [] => {}
                [tag] => need(&format!("the session tag {tag} ({})", recorded(facts, "it"))),
                tags => need(&format!("the session tags {} ({})", crate::words::join(tags), recorded(facts, "them"))),
            }
            for key in &evaluation.unknown_keys {
                let resource = contexts.first().map(|examined| examined.question.resource.as_str()).unwrap_or_default();
                if key.starts_with("aws:PrincipalTag/") && facts.subject.has_issuer {
                    continue;
                }
                need(&match (key.strip_prefix("aws:ResourceTag/"), facts.denial.invoked_by.as_deref()) {
                    (Some(tag), _) => format!("the tag `{tag}` of {}", crate::words::short_arn(resource)),
                    (None, Some(service)) if key == "aws:SourceIp" => {
                        format!("the value of `{key}` (the CloudTrail record of the call to `{service}` shows it)")
                    }
                    (None, _) => format!("the value of `{key}` in the refused send"),
                });
            }
        }
        if undecided {
            // What the snapshot of the account would hold is asked for once.
            let account = facts.subject.account_id.as_deref().filter(|_| facts.subject.account.is_none());
            let owner = contexts.first().map(|examined| examined.question.resource.account());
            let in_snapshot = |layer: &LayerKind| match layer {
                LayerKind::Identity | LayerKind::Boundary => account.is_some(),
                LayerKind::Resource => account.is_some() && account == owner,
                _ => false,
            };
            let unreadable = evaluation.unreadable_layers.iter().filter(|layer| of_interest(layer.as_str()));
            for layer in unreadable.filter(|layer| !in_snapshot(layer)) {
                need(&unread(facts, layer.as_str()));
            }
        }
    }
    // The layer that AWS names, and that could not be read.
    for found in facts.causes.iter().filter(|found| matches!(found.blocker, Blocker::Unreadable(..))) {
        need(&unread(facts, &found.cause.layer));
    }
    (!needed.is_empty())
        .then(|| hint("more-needed", format!("still needed: {}", needed.join("; ")), json!({ "needed": needed })))
}

/// Where CloudTrail keeps what a session was given: source: CloudTrail User Guide, "CloudTrail userIdentity element".
fn recorded(facts: &Facts, what: &str) -> String {
    use crate::denial::Caller;
    let in_identity_center = facts.subject.info.managed_by == Some(crate::finding::ManagedBy::IdentityCenter);
    let call = match &facts.denial.caller {
        Caller::FederatedUser { .. } => "the `GetFederationToken` call",
        _ if facts.denial.web_identity_provider.is_some() => "the `AssumeRoleWithWebIdentity` call",
        _ if in_identity_center => "the `AssumeRoleWithSAML` call",
        Caller::Role { .. } => "the `AssumeRole` or `AssumeRoleWithSAML` call",
        _ => "the call",
    };
    format!("CloudTrail has {what} in the record of {call} that began the session")
}

/// A layer that could not be read, and where it is to be found.
fn unread(facts: &Facts, layer: &str) -> String {
    match layer {
        "session-policy" => {
            format!("the session policy ({})", recorded(facts, "it"))
        }
        "vpc-endpoint-policy" => {
            let endpoint = facts.denial.vpc_endpoint_id.as_deref().map(|id| format!(" `{id}`")).unwrap_or_default();
            format!("the policy of VPC endpoint{endpoint} (`aws ec2 describe-vpc-endpoints` shows it)")
        }
        "service-control-policy" if named_policy(facts.denial, layer).is_some() => {
            let id = named_policy(facts.denial, layer).and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
            format!("service control policy `{id}` (the organization's management account can read it)")
        }
        "service-control-policy" => {
            "the service control policies (the organization's management account can read them)".to_owned()
        }
        _ => unread_document(facts, layer)
            .unwrap_or_else(|| format!("the {} that could not be read", crate::words::layer(layer))),
    }
}

/// The policy that AWS's message names in a layer, by its ARN.
pub(crate) fn named_policy<'d>(denial: &'d Denial, layer: &str) -> Option<&'d str> {
    let message = &denial.message;
    message.policy_arn.as_deref().filter(|_| message.layer.as_deref() == Some(layer))
}

/// A policy that is attached and was not read, or the principal that was not found, by name.
fn unread_document(facts: &Facts, layer: &str) -> Option<String> {
    let subject = facts.subject;
    if layer == LayerKind::Identity.as_str() && subject.entity.is_none() {
        let read = subject.account.is_some_and(|account| account.iam_gap.is_none());
        return read
            .then(|| format!("the policies of {}, which is not in the account now", crate::words::who(subject)));
    }
    let contexts = facts.examined.iter().filter_map(|contexts| contexts.first());
    let mut policies = contexts.flat_map(|examined| examined.set.iter());
    let (.., unread) = policies.find(|(kind, _, policy)| kind.as_str() == layer && policy.document.is_none())?;
    Some(format!("the document of {}", crate::words::policy(unread.info.as_ref()?)))
}

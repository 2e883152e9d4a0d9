//! Hints: what else to know about a refusal. Each is given when its facts hold, and not otherwise.

mod principal;
mod sending;
mod wording;

pub use principal::WrongPrincipal;
pub use principal::wrong_principal;
pub use sending::{WrongRegion, wrong_region};

use serde_json::{Value, json};

use crate::causes::Found;
use crate::denial::{Denial, Incident, OtherRefusal};
use crate::examine::{Blocker, Examined};
use crate::finding::Hint;
use crate::remedy::guard::Unmendable;
use crate::subject::Subject;
use crate::world::World;

/// Everything that hints are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The folded denials.
    pub incident: &'a Incident,
    /// The latest denial.
    pub denial: &'a Denial,
    /// The refused principal.
    pub subject: &'a Subject<'a>,
    /// The world.
    pub world: &'a World,
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
    unmendable: &[(usize, Unmendable)],
) -> Vec<Hint> {
    let mut list = Vec::new();
    list.extend(wrong.map(WrongPrincipal::hint));
    list.extend(region.map(WrongRegion::hint));
    list.extend(sending::about_the_resources(facts));
    list.extend(wording::about_the_statements(facts));
    list.extend(principal::about_the_principal(facts));
    list.extend(blocked_as_configured(facts, unmendable));
    list.extend(sending::what_would_fail_next(facts));
    list.extend(changed(facts));
    list.extend(assumed_absent(facts));
    list.extend(more_needed(facts, unmendable));
    list.extend(principal::possible_stolen_key(facts));
    list
}

/// The hints of a refusal that is no policy matter.
pub fn other_refusal(refusal: OtherRefusal, denial: &Denial) -> Vec<Hint> {
    let region = denial.region.as_deref().unwrap_or("the Region of the endpoint");
    let (kind, text) = match refusal {
        OtherRefusal::Unverified => (
            "identity-unverified",
            format!("SES rejected the message, not the caller: an address or domain is not verified in {region}, or the account is in the sandbox and a recipient is not verified; verify it there, or pass the identity's ARN when it belongs to another account"),
        ),
        OtherRefusal::SendingPaused => (
            "sending-paused",
            "sending is paused for the account or the configuration set; see GetAccount and the configuration set's sending options".to_owned(),
        ),
        OtherRefusal::Suspended => ("sending-paused", "AWS has suspended sending for this account; the AWS Health Dashboard and Support say why".to_owned()),
        OtherRefusal::Sandbox => ("sandbox", format!("the account is in the SES sandbox in {region}; request production access there")),
        OtherRefusal::Credentials => (
            "smtp-user",
            format!("the SMTP credentials are wrong: an SMTP password is made from the secret access key for one Region; make one for {region}, and use the access key id as user name"),
        ),
        OtherRefusal::MailFromDomain => (
            "identity-unverified",
            "the custom MAIL FROM domain is not set up: its MX record is missing or not verified".to_owned(),
        ),
        OtherRefusal::NotFound => ("identity-not-found", format!("the configuration set or template does not exist in {region}")),
        OtherRefusal::Throttled => ("more-needed", "a sending quota or rate was passed; slow down and retry, or ask for a higher quota".to_owned()),
        OtherRefusal::Rejected => ("more-needed", "SES rejected the message for a reason that is no matter of policies".to_owned()),
    };
    vec![hint(kind, text, json!({ "region": denial.region }))]
}

/// Someone wrote the Deny or the condition that refused: it may be right, and the send wrong.
fn blocked_as_configured(facts: &Facts, unmendable: &[(usize, Unmendable)]) -> Option<Hint> {
    let mut advice: Vec<String> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    for (index, found) in facts.causes.iter().enumerate() {
        let conditions = match &found.blocker {
            Blocker::Deny(_) => {
                found.cause.conditions.iter().filter(|condition| condition.matched != Some(false)).collect()
            }
            _ => found
                .cause
                .near_misses
                .first()
                .filter(|near| near.fails == "Condition")
                .and_then(|near| near.condition.as_ref())
                .into_iter()
                .collect::<Vec<_>>(),
        };
        for condition in &conditions {
            if !keys.contains(&condition.key) {
                keys.push(condition.key.clone());
                advice.push(wording::change_the_send(condition));
            }
        }
        match unmendable.iter().find(|(cause, _)| *cause == index) {
            Some((_, Unmendable::Transport)) => advice.push("no policy should give way here: send over TLS".to_owned()),
            Some((_, Unmendable::Time)) => advice.push(
                "no policy should give way by itself here: send inside the time window, or ask its owner to move it"
                    .to_owned(),
            ),
            _ => {}
        }
        if matches!(found.blocker, Blocker::Deny(_)) && conditions.is_empty() && advice.is_empty() {
            advice.push("a Deny without conditions was written for a reason; ask its owner".to_owned());
        }
    }
    advice.dedup();
    (!advice.is_empty()).then(|| {
        let text = format!("blocked as configured: {}", advice.join("; "));
        hint("blocked-as-configured", text, json!({ "keys": keys }))
    })
}

fn changed(facts: &Facts) -> Option<Hint> {
    let set = &facts.examined.first()?.first()?.set;
    let changes = crate::changes::changes_since(facts.denial, facts.subject, facts.world, set);
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
    if facts.subject.is_session && set.session.is_none() {
        assumed.push("session-policy");
    }
    if facts.denial.vpc_endpoint_id.is_some() && set.vpc_endpoint.is_none() {
        assumed.push("vpc-endpoint-policy");
    }
    let names: Vec<&str> = assumed.iter().map(|layer| crate::words::layer(layer)).collect();
    (!assumed.is_empty()).then(|| {
        let text = format!("taken as absent, since no record shows it: a {}", names.join(" and a "));
        hint("assumed-absent", text, json!({ "layers": assumed }))
    })
}

/// What to supply so that more can be said.
fn more_needed(facts: &Facts, unmendable: &[(usize, Unmendable)]) -> Option<Hint> {
    let mut needed: Vec<String> = Vec::new();
    let mut need = |text: &str| {
        if !needed.iter().any(|known| known == text) {
            needed.push(text.to_owned());
        }
    };
    if facts.subject.principal.is_none() {
        need("the principal's ARN");
    } else if facts.subject.account.is_none() && facts.subject.account_id.is_some() {
        need("a snapshot of the principal's account, or credentials that may read it");
    }
    if facts.denial.region.is_none() {
        need("the Region of the endpoint");
    }
    if facts.denial.message.action.is_none() && facts.denial.api.is_none() {
        need("the whole error text, with action and resource");
    }
    for (index, reason) in unmendable {
        if *reason == Unmendable::UnknownKey {
            if let Some(contexts) = facts.causes.get(*index).and_then(|found| facts.examined.get(found.cause.request)) {
                for key in
                    contexts.first().map(|examined| examined.evaluation.unknown_keys.as_slice()).unwrap_or_default()
                {
                    need(&format!("the value of `{key}` in the refused send"));
                }
            }
        }
    }
    let undecided = facts.causes.iter().all(|found| found.cause.certainty == crate::finding::Certainty::Possible);
    if undecided {
        for examined in facts.examined.iter().filter_map(|contexts| contexts.first()) {
            for layer in &examined.evaluation.unreadable_layers {
                need(&format!("the {} that could not be read", crate::words::layer(layer.as_str())));
            }
        }
    }
    (!needed.is_empty())
        .then(|| hint("more-needed", format!("to say more: {}", needed.join("; ")), json!({ "needed": needed })))
}

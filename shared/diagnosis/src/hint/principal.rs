//! Hints about who called.

use serde_json::json;
use sesame_policy::evaluation::evaluate;
use sesame_policy::json::Json;
use sesame_policy::pattern::wildcard_matches;
use sesame_policy::{Arn, Decision, Effect, LayerKind, Possible, Truth};

use super::{Facts, hint};
use crate::assemble::{Assembled, Library, managed_by_aws};
use crate::context::context;
use crate::denial::{Caller, Denial};
use crate::examine::{Blocker, request};
use crate::finding::{CauseKind, Gap, Hint, PolicyInfo, PrincipalKind};
use crate::near_miss::{of_ses, touches_a_send};
use crate::question::Question;
use crate::subject::resolve;
use crate::world::{Account, Entity, InlinePolicy, RawDocument, Readable};

/// Candidates shown.
const CANDIDATES: usize = 5;

/// Another principal of the account may already send this.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongPrincipal {
    /// ARNs, best first.
    pub candidates: Vec<String>,
    caller: String,
}

impl WrongPrincipal {
    pub(super) fn hint(&self) -> Hint {
        let best = self.candidates.first().map(|arn| crate::words::short_arn(arn)).unwrap_or_default();
        let text = format!(
            "{best} may already send this, and {} was not set up for it: check which credentials the sender uses",
            self.caller
        );
        hint("wrong-principal", text, json!({ "candidates": self.candidates }))
    }
}

/// Whether the send was probably made with the wrong credentials: another principal of the account is allowed exactly this, and
/// the caller has nothing to do with sending, by its policies or by its name.
pub fn wrong_principal(facts: &Facts) -> Option<WrongPrincipal> {
    let account = facts.subject.account?;
    if !caller_may_be_wrong(facts) {
        return None;
    }
    let questions: Vec<&Question> =
        facts.examined.iter().filter_map(|contexts| Some(&contexts.first()?.question)).collect();
    let own = facts.subject.info.arn.as_deref();
    let users = account.users.iter().map(|user| (&user.entity, user.groups.as_slice(), true));
    let roles = account.roles.iter().map(|role| (&role.entity, [].as_slice(), false));
    let mut candidates: Vec<(u32, &str, &Entity, bool)> = users
        .chain(roles)
        .filter(|(entity, ..)| Some(entity.arn.as_str()) != own && !entity.path.starts_with("/aws-"))
        .filter(|(entity, groups, _)| {
            questions.iter().all(|question| names_the_send(entity, groups, account, question))
        })
        .map(|(entity, _, is_user)| (rank(entity, is_user, facts), entity.arn.as_str(), entity, is_user))
        .collect();
    // The best first: only as many are evaluated as are shown.
    candidates.sort_by_key(|(rank, arn, ..)| (*rank, *arn));
    let may_send = candidates
        .into_iter()
        .filter(|(_, _, entity, is_user)| may_send(entity, *is_user, &questions, facts.denial, facts.library));
    let candidates: Vec<String> = may_send.take(CANDIDATES).map(|(_, arn, ..)| arn.to_owned()).collect();
    (!candidates.is_empty()).then(|| WrongPrincipal { candidates, caller: crate::words::who(facts.subject) })
}

/// What kept other principals from being looked at, where one of them may be the one that should have called.
pub fn others_unread(facts: &Facts) -> Option<Gap> {
    let gap = facts.subject.account?.others_gap.as_ref()?;
    caller_may_be_wrong(facts).then(|| gap.clone())
}

/// The caller lacks an allow, and has nothing to do with sending.
fn caller_may_be_wrong(facts: &Facts) -> bool {
    let lacks = facts.causes.iter().any(|found| {
        found.cause.kind == CauseKind::NoAllow && matches!(found.blocker, Blocker::Gate(LayerKind::Identity, _))
    });
    facts.subject.entity.is_some() && lacks && (!caller_touches_a_send(facts) || caller_looks_foreign(facts))
}

fn caller_touches_a_send(facts: &Facts) -> bool {
    let identity = facts.examined.first().and_then(|contexts| contexts.first()).map(|examined| &examined.set.identity);
    identity
        .into_iter()
        .flatten()
        .filter_map(|policy| policy.document.as_ref())
        .any(|document| document.statements.iter().any(touches_a_send))
}

/// Names, paths and tags of principals that build, deploy or look, and do not send.
fn caller_looks_foreign(facts: &Facts) -> bool {
    const FOREIGN: [&str; 8] =
        ["deploy", "pipeline", "github-actions", "cicd", "readonly", "read-only", "audit", "terraform"];
    let Some(entity) = facts.subject.entity else { return false };
    let texts = [entity.name.as_str(), entity.path.as_str()].into_iter();
    let tags = entity
        .tags
        .iter()
        .filter(|(key, _)| matches!(key.to_ascii_lowercase().as_str(), "purpose" | "role" | "function"));
    texts.chain(tags.map(|(_, value)| value.as_str())).any(|text| {
        let text = text.to_ascii_lowercase();
        FOREIGN.iter().any(|word| text.contains(word))
    })
}

/// Whether some Allow of a principal names the action as one of SES, and may be about the resource: a quick look before documents
/// are parsed, which lets through whatever a closer look could.
fn names_the_send(entity: &Entity, groups: &[String], account: &Account, question: &Question) -> bool {
    let names = |document: &RawDocument| {
        let statements = document.json.as_ref().ok().and_then(|json| json.get("Statement"));
        statements.is_some_and(|statements| items(statements).any(|statement| may_allow(statement, question)))
    };
    let inline = |list: &[InlinePolicy]| list.iter().filter_map(|policy| policy.document.known()).any(names);
    let attached = |list: &[String]| {
        let policies = list.iter().filter_map(|arn| account.managed_policies.get(arn).and_then(Readable::known));
        policies.map(|policy| &policy.document).any(names)
    };
    let in_groups = || {
        let groups = account.groups.iter().filter(|group| groups.contains(&group.name));
        groups.into_iter().any(|group| inline(&group.inline) || attached(&group.attached))
    };
    inline(&entity.inline) || attached(&entity.attached) || in_groups()
}

fn may_allow(statement: &Json, question: &Question) -> bool {
    let texts = |name: &str| statement.get(name).into_iter().flat_map(items).filter_map(Json::as_str);
    let action = |pattern: &str| {
        of_ses(pattern) && wildcard_matches(&pattern.to_ascii_lowercase(), &question.action.to_ascii_lowercase())
    };
    let resource = |pattern: &str| pattern.contains("${") || wildcard_matches(pattern, question.resource.as_str());
    statement.get("Effect").and_then(Json::as_str) == Some("Allow")
        && texts("Action").any(action)
        && (statement.get("NotResource").is_some() || texts("Resource").any(resource))
}

/// A list's values, or the value that stands in its place.
fn items(json: &Json) -> impl Iterator<Item = &Json> {
    match json {
        Json::Array(list) => list.iter(),
        single => std::slice::from_ref(single).iter(),
    }
}

/// Whether a principal may do all of this, and by a statement that names SES: an administrator is no sender.
fn may_send(entity: &Entity, is_user: bool, questions: &[&Question], denial: &Denial, library: &Library) -> bool {
    let Ok(arn) = Arn::parse(&entity.arn) else { return false };
    let caller = match is_user {
        true => Caller::User { arn },
        false => Caller::Role {
            account: arn.account().to_owned(),
            name: entity.name.clone(),
            role_arn: Some(arn),
            session_arn: None,
        },
    };
    let as_other = Denial { caller, ..denial.clone() };
    let subject = resolve(&as_other, library.world);
    let Some(principal) = subject.principal.clone() else { return false };
    questions.iter().all(|question| {
        let Ok(set) = library.assemble(&subject, question, false) else { return false };
        let context = context(&as_other, &subject, question, library.world, &set);
        let evaluation = evaluate(&set.policy_set(), &request(principal.clone(), question, context));
        let named = evaluation.layer(LayerKind::Identity).is_some_and(|layer| {
            layer.statements.iter().any(|trace| {
                let statement = set
                    .policy(&trace.at)
                    .and_then(|policy| policy.document.as_ref()?.statements.get(trace.at.statement));
                let by_name = |statement: &sesame_policy::Statement| {
                    !statement.action.negated
                        && statement.action.patterns.iter().any(|pattern| of_ses(pattern.as_str()))
                };
                trace.effect == Effect::Allow && trace.outcome == Truth::True && statement.is_some_and(by_name)
            })
        });
        // What no one can read (SCPs) binds both principals alike.
        let allowed = evaluation.possible == Possible::only(Decision::Allowed)
            || (evaluation.possible.contains(Decision::Allowed) && evaluation.unknown_keys.is_empty());
        named && allowed
    })
}

/// The best candidate first: of the same kind, named like a sender, with few policies.
fn rank(entity: &Entity, is_user: bool, facts: &Facts) -> u32 {
    let same_kind = is_user == (facts.subject.info.kind == Some(PrincipalKind::User));
    let name = entity.name.to_ascii_lowercase();
    let sender = ["mail", "ses", "smtp", "send", "notif"].iter().any(|word| name.contains(word));
    let policies = u32::try_from(entity.inline.len() + entity.attached.len()).unwrap_or(u32::MAX / 4);
    u32::from(!same_kind) * 200 + u32::from(!sender) * 100 + policies.min(99)
}

pub(super) fn about_the_principal(facts: &Facts) -> Vec<Hint> {
    let mut list = Vec::new();
    let subject = facts.subject;
    let name = subject.info.name.as_deref().unwrap_or_default();
    let smtp_host = facts.denial.host.as_deref().is_some_and(|host| host.starts_with("email-smtp."));
    let raw = facts
        .examined
        .first()
        .and_then(|contexts| contexts.first())
        .is_none_or(|examined| examined.question.action.eq_ignore_ascii_case("ses:SendRawEmail"));
    let made_for_smtp = name.starts_with("ses-smtp-user");
    if made_for_smtp && !raw {
        let text = format!(
            "user `{name}` bears the name of one that the SES console makes for SMTP and allows `ses:SendRawEmail` alone; this call was none over SMTP"
        );
        list.push(hint("smtp-user", text, json!({ "user": subject.info.arn })));
    } else if facts.denial.send.smtp || smtp_host || (made_for_smtp && facts.denial.host.is_none()) {
        let text = format!(
            "sent over SMTP: SES authorizes it as `ses:SendRawEmail` of the IAM user behind the SMTP user name{}",
            if name.is_empty() { String::new() } else { format!(" (`{name}`)") }
        );
        list.push(hint("smtp-user", text, json!({ "user": subject.info.arn })));
    }
    let identity_matters = facts.causes.iter().any(|found| found.cause.layer == LayerKind::Identity.as_str());
    if let (Some(why), true) = (&subject.info.why_not, identity_matters) {
        let text = format!("{} cannot be changed here: {why}", crate::words::who(subject));
        list.push(hint("not-modifiable-principal", text, json!({ "principal": subject.info.arn, "why": why })));
    }
    list
}

/// A refused send is also what a stolen key looks like: said when its source does not fit, and calmly.
pub(super) fn possible_stolen_key(facts: &Facts) -> Option<Hint> {
    if let Some(policy) = facts.examined.first().and_then(|contexts| quarantine(&contexts.first()?.set)) {
        let text = format!(
            "AWS attaches `{}` when it finds credentials exposed, and {} has it: deactivate and replace the access key, and follow the case that AWS Support opened, before granting anything",
            policy.name,
            crate::words::who(facts.subject)
        );
        let details = json!({ "quarantine": policy.arn, "keyIdSuffix": key_suffix(facts.denial) });
        return Some(hint("possible-stolen-key", text, details));
    }
    let long_term = facts.denial.access_key_id.as_deref().is_some_and(|key| key.starts_with("AKIA"));
    let mut signs: Vec<String> = Vec::new();
    let place = |key: &str| {
        matches!(
            key.to_ascii_lowercase().as_str(),
            "aws:sourceip" | "aws:vpcsourceip" | "aws:sourcevpc" | "aws:sourcevpce" | "aws:useragent"
        )
    };
    for found in facts.causes {
        let denied = found
            .cause
            .conditions
            .iter()
            .filter(|condition| condition.matched == Some(true) && condition.state == "present");
        let nearest = found.cause.near_misses.first().filter(|near| near.fails == "Condition");
        let missed = nearest.and_then(|near| near.condition.as_ref()).filter(|condition| condition.state == "present");
        let signs_here = denied.map(|condition| (condition, true)).chain(missed.map(|condition| (condition, false)));
        for (condition, refused) in signs_here.filter(|(condition, _)| place(&condition.key)) {
            let sign = crate::words::condition(condition, refused);
            if !signs.contains(&sign) {
                signs.push(sign);
            }
        }
    }
    let mut addresses: Vec<&str> = facts.incident.sources.iter().filter_map(|source| source.ip.as_deref()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut agents: Vec<&str> =
        facts.incident.sources.iter().filter_map(|source| source.user_agent.as_deref()).collect();
    agents.sort_unstable();
    agents.dedup();
    if addresses.len() > 1 && agents.len() > 1 && long_term {
        signs.push(format!(
            "one long-term access key was used from {} addresses with {} clients",
            addresses.len(),
            agents.len()
        ));
    }
    if signs.is_empty() || !(long_term || facts.subject.is_session) {
        return None;
    }
    let text = format!(
        "the source does not fit: {}; most often that is a move to another network or client, but a stolen key looks the same: if nobody knows this caller, deactivate the key or end the role's sessions before granting anything",
        signs.join("; ")
    );
    Some(hint("possible-stolen-key", text, json!({ "signs": signs, "keyIdSuffix": key_suffix(facts.denial) })))
}

/// The policy by which AWS holds credentials that were exposed; AWS asks not to take it off. Source: AWS Managed Policy
/// Reference, "AWSCompromisedKeyQuarantineV3".
pub(crate) fn quarantine(set: &Assembled) -> Option<&PolicyInfo> {
    set.identity.iter().filter_map(|policy| policy.info.as_ref()).find(|policy| is_quarantine(policy))
}

/// Whether a policy is one of AWS's for exposed credentials.
pub(crate) fn is_quarantine(policy: &PolicyInfo) -> bool {
    let arn = policy.arn.as_deref().unwrap_or_default();
    managed_by_aws(arn) && policy.name.starts_with("AWSCompromisedKeyQuarantine")
}

fn key_suffix(denial: &Denial) -> Option<String> {
    let key = denial.access_key_id.as_deref()?;
    key.get(key.len().saturating_sub(4)..).map(str::to_owned)
}

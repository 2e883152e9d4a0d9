//! Folds refusals of one fingerprint into one incident.
//!
//! The fingerprint is of account, Region, principal, action, resource and denial class. It is the same for every copy and
//! repetition of a refusal, so that a storm of them is one finding.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use jiff::Timestamp;
use sesame_policy::Arn;
use sha2::{Digest, Sha256};

use crate::denial::{ApiGeneration, Caller, Content, Denial, Incident, OtherRefusal, Parameter, Refusal};
use crate::finding::{CauseKind, Source};
use crate::record::identity;

/// How many request contexts an incident shows.
const CONTEXTS: usize = 20;
/// How many sources an incident shows.
const SOURCES: usize = 5;
/// Separates these digests from any other use of SHA-256.
const DOMAIN: &str = "sesame.fingerprint/v1";

/// Folds `denials`, in whatever order they come. Incidents are ordered by their first denial, then by id.
///
/// Where denials of one fingerprint came in several ways, only those of the strongest provenance count: what a log line or a
/// text says must not add to what CloudTrail recorded.
pub fn fold(mut denials: Vec<Denial>) -> Vec<Incident> {
    denials.sort_by(latest_first);
    let mut seen: HashSet<String> = HashSet::new();
    // Copies for several accounts share an id of their own; the copy of the caller's account tells most and is kept. A log
    // line that bears the id of a record does not displace it.
    denials.sort_by_key(|denial| (Reverse(denial.provenance), !is_own_copy(denial)));
    denials.retain(|denial| {
        let ids = [("event", &denial.event_id), ("shared", &denial.shared_event_id)];
        let ids: Vec<String> =
            ids.iter().filter_map(|(kind, id)| id.as_ref().map(|id| format!("{kind} {id}"))).collect();
        let duplicate = ids.iter().any(|id| seen.contains(id));
        seen.extend(ids);
        !duplicate
    });
    denials.sort_by(latest_first);
    let mut groups: BTreeMap<String, Vec<Denial>> = BTreeMap::new();
    for denial in denials {
        groups.entry(id(&denial)).or_default().push(denial);
    }
    let mut incidents: Vec<Incident> = groups.into_iter().filter_map(|(id, group)| incident(id, group)).collect();
    incidents.sort_by(|a, b| {
        (a.first_seen.is_none(), a.first_seen, &a.id).cmp(&(b.first_seen.is_none(), b.first_seen, &b.id))
    });
    incidents
}

/// The id of the finding that a denial belongs to: `f-` and sixteen hexadecimal digits.
pub fn id(denial: &Denial) -> String {
    let mut digest = Sha256::new();
    for part in [DOMAIN.to_owned()].into_iter().chain(fingerprint(denial)) {
        // Lengths before the parts: no part can pass for the end of another.
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let mut id = String::from("f-");
    for byte in digest.finalize().iter().take(8) {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Account, Region, principal, action, resource and denial class.
fn fingerprint(denial: &Denial) -> [String; 6] {
    let account = denial.caller.account().or(denial.recipient_account.as_deref()).or(denial.event_account.as_deref());
    [
        account.unwrap_or_default().to_owned(),
        denial.region.clone().unwrap_or_default(),
        principal(denial),
        action(denial).unwrap_or_default().to_ascii_lowercase(),
        resource(denial).unwrap_or_default().to_owned(),
        class(denial),
    ]
}

/// The entity, not its session. A role's path is left out, since not every record tells it and names are unique without it.
fn principal(denial: &Denial) -> String {
    match &denial.caller {
        Caller::Root { arn } | Caller::User { arn } => arn.to_string(),
        Caller::Role { account, name, role_arn, session_arn } => {
            let partition = role_arn.as_ref().or(session_arn.as_ref()).map(Arn::partition);
            let partition = partition.unwrap_or_else(|| identity::partition(denial.region.as_deref()));
            format!("arn:{partition}:iam::{account}:role/{name}")
        }
        Caller::FederatedUser { arn, issuer } => issuer.as_ref().unwrap_or(arn).to_string(),
        Caller::Service(service) => service.clone(),
        Caller::Account { account, principal_id } => {
            format!("{account} {}", principal_id.as_deref().unwrap_or_default())
        }
        Caller::Unknown => denial.message.principal.clone().unwrap_or_default(),
    }
}

/// The action that AWS's message names, else the one that the operation is authorized by.
fn action(denial: &Denial) -> Option<String> {
    if let Some(action) = &denial.message.action {
        return Some(action.clone());
    }
    let api = denial.api.as_deref()?;
    let action = match (api, denial.send.content, denial.send.generation) {
        ("SendEmail", Some(Content::Raw), _) => "SendRawEmail",
        ("SendEmail", Some(Content::Template), Some(ApiGeneration::V2)) => "SendTemplatedEmail",
        _ => api,
    };
    Some(format!("ses:{action}"))
}

/// The resource that AWS's message names, else the record's, else what the parameters name the sender by.
fn resource(denial: &Denial) -> Option<&str> {
    denial
        .message
        .resource
        .as_ref()
        .or_else(|| denial.resources.first())
        .or_else(|| denial.send.identity_arn.given())
        .or_else(|| denial.send.from_address.given())
        .map(String::as_str)
}

fn class(denial: &Denial) -> String {
    let kind = match (&denial.refusal, denial.message.kind) {
        (Refusal::Other(other), _) => return format!("other {}", other_name(*other)),
        (Refusal::AccessDenied, Some(CauseKind::NoAllow)) => "no-allow",
        (Refusal::AccessDenied, Some(CauseKind::ExplicitDeny)) => "explicit-deny",
        (Refusal::AccessDenied, None) => return "unclassified".to_owned(),
    };
    format!("{kind} {}", denial.message.layer.as_deref().unwrap_or_default())
}

fn other_name(other: OtherRefusal) -> &'static str {
    match other {
        OtherRefusal::Unverified => "unverified",
        OtherRefusal::SendingPaused => "sending-paused",
        OtherRefusal::Suspended => "suspended",
        OtherRefusal::Sandbox => "sandbox",
        OtherRefusal::Credentials => "credentials",
        OtherRefusal::Signature => "signature",
        OtherRefusal::MailFromDomain => "mail-from-domain",
        OtherRefusal::NotFound => "not-found",
        OtherRefusal::Throttled => "throttled",
        OtherRefusal::Rejected => "rejected",
    }
}

/// The copy that the caller's own account got.
fn is_own_copy(denial: &Denial) -> bool {
    denial.recipient_account.is_some() && denial.recipient_account.as_deref() == denial.caller.account()
}

/// A total order, so that the order of the input is of no matter: denials without a time last, ties by all they hold.
fn latest_first(a: &Denial, b: &Denial) -> Ordering {
    let key = |denial: &Denial| Reverse((denial.time, denial.provenance, is_own_copy(denial)));
    key(a)
        .cmp(&key(b))
        .then_with(|| a.event_id.cmp(&b.event_id))
        .then_with(|| a.shared_event_id.cmp(&b.shared_event_id))
        .then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
}

/// One incident of denials ordered by [`latest_first`].
fn incident(id: String, mut group: Vec<Denial>) -> Option<Incident> {
    let strongest = group.iter().map(|denial| denial.provenance).max()?;
    group.retain(|denial| denial.provenance == strongest);
    let latest = group.first()?.clone();
    let times = || group.iter().filter_map(|denial| denial.time);
    let (first_seen, last_seen) = (times().min(), times().max());
    let count = u64::try_from(group.len()).unwrap_or(u64::MAX);
    let sources = sources(&group);

    let mut places: BTreeMap<ContextKey, usize> = BTreeMap::new();
    let mut distinct: Vec<(Denial, u64)> = Vec::new();
    let mut cut = 0;
    for denial in group {
        let next = places.len();
        let place = *places.entry(context(&denial)).or_insert(next);
        match distinct.get_mut(place) {
            Some((_, count)) => *count += 1,
            None if place < CONTEXTS => distinct.push((denial, 1)),
            None if place == next => cut += 1,
            None => {}
        }
    }
    Some(Incident { id, latest, count, first_seen, last_seen, distinct, cut, sources })
}

/// What the request's conditions turn on: From, display name, feedback address, configuration set, template, tenant, endpoint
/// and the ARNs that the send names; recipients; where the call came from and through what; API version, TLS and MFA.
type ContextKey = ([Told; 10], (u8, Vec<String>), [Option<String>; 4], (Option<ApiGeneration>, [Option<bool>; 2]));

/// A parameter in an order: whether it was given, and its value.
type Told = (u8, Option<String>);

/// Whether two refusals are of one request context: no condition tells them apart but those on the time.
pub fn same_context(a: &Denial, b: &Denial) -> bool {
    context(a) == context(b)
}

fn context(denial: &Denial) -> ContextKey {
    let send = &denial.send;
    let texts = [
        &send.from_address,
        &send.from_display_name,
        &send.feedback_address,
        &send.configuration_set,
        &send.template,
        &send.template_arn,
        &send.identity_arn,
        &send.feedback_identity_arn,
        &send.tenant,
        &send.endpoint_id,
    ];
    let recipients = match &send.recipients {
        Parameter::Given(recipients) => {
            let mut recipients = recipients.clone();
            recipients.sort_unstable();
            recipients.dedup();
            (0, recipients)
        }
        Parameter::NotGiven => (1, Vec::new()),
        Parameter::Unknown => (2, Vec::new()),
    };
    let path = [&denial.source_ip, &denial.user_agent, &denial.vpc_endpoint_id, &denial.invoked_by];
    let flags = [denial.secure_transport, denial.mfa_authenticated];
    (texts.map(told), recipients, path.map(Clone::clone), (send.generation, flags))
}

fn told(parameter: &Parameter<String>) -> Told {
    match parameter {
        Parameter::Given(value) => (0, Some(value.clone())),
        Parameter::NotGiven => (1, None),
        Parameter::Unknown => (2, None),
    }
}

/// The sources last seen, latest first.
fn sources(group: &[Denial]) -> Vec<Source> {
    type Key = [Option<String>; 4];
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    let mut sources: Vec<(u64, Option<Timestamp>, Key)> = Vec::new();
    for denial in group {
        let key = [
            denial.source_ip.clone(),
            denial.user_agent.clone(),
            denial.access_key_id.as_deref().and_then(key_id_suffix),
            denial.vpc_endpoint_id.clone(),
        ];
        if key.iter().all(Option::is_none) {
            continue;
        }
        let place = *places.entry(key.clone()).or_insert(sources.len());
        match sources.get_mut(place) {
            Some((count, first, _)) => {
                *count += 1;
                *first = denial.time.or(*first);
            }
            None => sources.push((1, denial.time, key)),
        }
    }
    let source = |(count, first, [ip, user_agent, key_id_suffix, vpc_endpoint_id]): (u64, Option<Timestamp>, Key)| {
        let first_seen = first.map(|time| time.to_string());
        Source { ip, user_agent, key_id_suffix, vpc_endpoint_id, count, first_seen }
    };
    sources.into_iter().take(SOURCES).map(source).collect()
}

/// The last four characters of a key id: enough to find it, too little to be one.
fn key_id_suffix(key_id: &str) -> Option<String> {
    let start = key_id.len().checked_sub(4).filter(|start| *start >= 4)?;
    key_id.get(start..).map(str::to_owned)
}

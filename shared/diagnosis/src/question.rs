//! Which authorization questions a send asks: each resource that the call touches is authorized by itself.
//!
//! Sources: Amazon SES Developer Guide, "Identity and access management in Amazon SES" and "Using sending authorization";
//! Service Authorization Reference, "Actions, resources, and condition keys for Amazon SES" (v1 and v2).

use sesame_policy::Arn;

use crate::denial::{Content, Denial, SendParameters};
use crate::finding::Origin;
use crate::subject::Subject;
use crate::world::{Readable, SesRegion, World};

/// One question: may this principal do this action on this resource?
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The IAM action.
    pub action: String,
    /// The resource.
    pub resource: Arn,
    /// Why it is asked.
    pub origin: Origin,
}

/// The questions of a send, the one that AWS's message names first.
pub fn questions(denial: &Denial, subject: &Subject, world: &World) -> Vec<Question> {
    let mut list = Vec::new();
    let message = message_question(denial);
    let actions = actions(denial);
    if let Some((action, resource)) = &message {
        list.push(Question { action: action.clone(), resource: resource.clone(), origin: Origin::Message });
    }
    let place = Place::of(denial, subject, message.as_ref().map(|(_, resource)| resource));
    let Some(place) = place else { return list };
    let region = world.accounts.get(&place.account).and_then(|account| account.ses.get(&place.region));
    let region = region.and_then(Readable::known);
    let identity = from_identity(denial, &place, region);
    for (action, pair) in actions {
        let origin = if pair { Origin::BulkPair } else { Origin::Api };
        let mut ask = |resource: Option<Arn>, origin: Origin| {
            if let Some(resource) = resource {
                let known = list.iter().any(|question: &Question| {
                    question.resource == resource && question.action.eq_ignore_ascii_case(&action)
                });
                if !known {
                    list.push(Question { action: action.clone(), resource, origin });
                }
            }
        };
        if needs_identity(denial, &action) {
            ask(identity.clone(), origin);
        }
        let (set, default) = configuration_set(denial, &place, identity.as_ref(), region, world);
        ask(set, if default { Origin::DefaultConfigurationSet } else { origin });
        ask(template(denial, &place), origin);
        let feedback = denial.send.feedback_identity_arn.given().and_then(|text| Arn::parse(text).ok());
        ask(feedback, Origin::FeedbackIdentity);
        for recipient in sandbox_recipients(denial, &place, region) {
            ask(Some(recipient), Origin::RecipientInSandbox);
        }
    }
    mark_sandbox_recipient(&mut list, denial, identity.as_ref(), &place, world);
    list
}

/// Partition, Region and account in which the send's own resources stand.
struct Place {
    partition: &'static str,
    region: String,
    account: String,
}

impl Place {
    fn of(denial: &Denial, subject: &Subject, resource: Option<&Arn>) -> Option<Place> {
        let region = denial.region.clone().or_else(|| resource.map(|arn| arn.region().to_owned()))?;
        let account = subject.account_id.clone().or_else(|| denial.recipient_account.clone())?;
        Some(Place { partition: crate::record::identity::partition(Some(&region)), region, account })
    }
    fn arn(&self, resource: &str) -> Option<Arn> {
        Arn::parse(&format!("arn:{}:ses:{}:{}:{resource}", self.partition, self.region, self.account)).ok()
    }
}

/// Action and resource of AWS's message, where it names both (`*` is no resource that a policy could name).
fn message_question(denial: &Denial) -> Option<(String, Arn)> {
    let action =
        denial.message.action.clone().or_else(|| actions(denial).into_iter().next().map(|(action, _)| action))?;
    let resource = denial.message.resource.as_deref().and_then(named_resource);
    let resource = resource.or_else(|| {
        let of_identity = |text: &&String| text.contains(":identity/");
        denial.resources.iter().find(of_identity).or(denial.resources.first()).and_then(|text| named_resource(text))
    })?;
    denial.message.action.is_some().then_some((action, resource))
}

/// The ARN of one resource: no pattern, and no characters that do not show.
fn named_resource(text: &str) -> Option<Arn> {
    let plain = text.chars().all(|char| char.is_alphanumeric() || char.is_ascii_graphic());
    let one = !text.ends_with(['*', '?']);
    (plain && one).then(|| Arn::parse(text).ok()).flatten()
}

/// The IAM actions that the call is authorized as, each with whether it is the second of a pair.
///
/// A raw send over the v2 API or SMTP is authorized as `ses:SendRawEmail`; v2 `SendBulkEmail` needs two actions. For a v2 send
/// with a template AWS documents `ses:SendEmail` on the template; where its message names an action of SES, that one counts.
pub fn actions(denial: &Denial) -> Vec<(String, bool)> {
    let named = denial.message.action.as_deref().filter(|action| crate::near_miss::of_ses(action));
    let own = |name: &str| vec![(format!("ses:{name}"), false)];
    let bulk = || {
        let pair = ["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"];
        let second = named.is_some_and(|action| action.eq_ignore_ascii_case(pair[1]));
        let (first, other) = if second { (pair[1], pair[0]) } else { (pair[0], pair[1]) };
        vec![(first.to_owned(), false), (other.to_owned(), true)]
    };
    let send = &denial.send;
    match (denial.api.as_deref(), send.content) {
        (Some("SendBulkEmail"), _) => bulk(),
        _ if named.is_some_and(|action| action.eq_ignore_ascii_case("ses:SendBulkEmail")) => bulk(),
        _ if named.is_some() => vec![(named.unwrap_or_default().to_owned(), false)],
        (Some("SendRawEmail"), _) | (_, Some(Content::Raw)) => own("SendRawEmail"),
        _ if send.smtp => own("SendRawEmail"),
        (Some("SendEmail"), Some(Content::Template)) => own("SendEmail"),
        (Some(api), _) => own(api),
        (None, _) => Vec::new(),
    }
}

/// v2 custom verification e-mails are authorized on their template alone.
fn needs_identity(denial: &Denial, action: &str) -> bool {
    !(action.eq_ignore_ascii_case("ses:SendCustomVerificationEmail")
        && denial.send.generation == Some(crate::denial::ApiGeneration::V2))
}

/// The identity that the send is authorized on: the one named by ARN, else the address identity, else its domain's.
fn from_identity(denial: &Denial, place: &Place, region: Option<&SesRegion>) -> Option<Arn> {
    if let Some(arn) = denial.send.identity_arn.given().and_then(|text| Arn::parse(text).ok()) {
        return Some(arn);
    }
    if let Some(address) = denial.send.from_address.given() {
        let name = region.and_then(|region| identity_name(address, region));
        if let Some(name) = name {
            return place.arn(&format!("identity/{name}"));
        }
        // Nothing is known to be verified: what AWS itself names is nearer the truth than our guess.
        let named = denial.message.resource.as_deref().filter(|text| text.contains(":identity/"));
        // An internationalized address is an identity under its ASCII form, which only AWS tells.
        let fits = |arn: &Arn| covers(arn, address) || !address.is_ascii();
        if let Some(arn) = named.and_then(named_resource).filter(fits) {
            return Some(arn);
        }
        if let Some(text) = denial.resources.iter().find(|text| text.contains(":identity/")) {
            return Arn::parse(text).ok();
        }
        return place.arn(&format!("identity/{address}"));
    }
    let recorded = denial.resources.iter().find(|text| text.contains(":identity/"));
    recorded.and_then(|text| Arn::parse(text).ok())
}

/// Whether an identity's ARN is that of the address or of its domain or a parent of it.
fn covers(identity: &Arn, address: &str) -> bool {
    let name = identity.resource().strip_prefix("identity/").unwrap_or_default();
    name == address || address.rsplit_once('@').is_some_and(|(_, domain)| is_domain_or_parent(name, domain))
}

/// Domain identities ignore case and cover their subdomains; address identities do neither.
pub fn is_domain_or_parent(identity: &str, domain: &str) -> bool {
    let (identity, domain) = (identity.to_ascii_lowercase(), domain.to_ascii_lowercase());
    domain == identity || domain.ends_with(&format!(".{identity}"))
}

/// The identity in a Region that an address sends as: the address itself, else the nearest domain.
pub fn identity_name<'r>(address: &str, region: &'r SesRegion) -> Option<&'r str> {
    if let Some((name, _)) = region.identities.get_key_value(address) {
        return Some(name);
    }
    let (_, domain) = address.rsplit_once('@')?;
    let domains = region.identities.keys().filter(|name| !name.contains('@'));
    domains.filter(|name| is_domain_or_parent(name, domain)).max_by_key(|name| name.len()).map(String::as_str)
}

/// The configuration set: the named one, else the default of the identity (and then `true`).
fn configuration_set(
    denial: &Denial,
    place: &Place,
    identity: Option<&Arn>,
    region: Option<&SesRegion>,
    world: &World,
) -> (Option<Arn>, bool) {
    if let Some(name) = denial.send.configuration_set.given() {
        return (place.arn(&format!("configuration-set/{name}")), false);
    }
    let Some(identity) = identity else { return (None, false) };
    let same_account = identity.account() == place.account;
    let owner = world.accounts.get(identity.account());
    let region = if same_account {
        region
    } else {
        owner.and_then(|account| account.ses.get(identity.region())).and_then(Readable::known)
    };
    let name = identity.resource().strip_prefix("identity/").unwrap_or_default();
    let default = region.and_then(|region| region.identities.get(name)).and_then(|it| it.configuration_set.as_deref());
    // A delegate sender's configuration set must be its own; the owner's default is not used.
    match default.filter(|_| same_account) {
        Some(set) => (place.arn(&format!("configuration-set/{set}")), true),
        None => (None, false),
    }
}

fn template(denial: &Denial, place: &Place) -> Option<Arn> {
    let SendParameters { template, template_arn, content, .. } = &denial.send;
    if let Some(arn) = template_arn.given().and_then(|text| Arn::parse(text).ok()) {
        return Some(arn);
    }
    let name = template.given()?;
    let kind = match content {
        Some(Content::CustomVerification) => "custom-verification-email-template",
        _ => "template",
    };
    // v1 custom verification e-mails are authorized on the identity.
    let v1 = denial.send.generation == Some(crate::denial::ApiGeneration::V1);
    (*content != Some(Content::CustomVerification) || !v1).then(|| place.arn(&format!("{kind}/{name}"))).flatten()
}

/// In the sandbox the recipients' own identities are authorized too.
fn sandbox_recipients(denial: &Denial, place: &Place, region: Option<&SesRegion>) -> Vec<Arn> {
    let Some(region) = region.filter(|region| in_sandbox(region)) else { return Vec::new() };
    let mut arns: Vec<Arn> = Vec::new();
    for recipient in denial.send.recipients.given().into_iter().flatten() {
        if let Some(arn) = identity_name(recipient, region).and_then(|name| place.arn(&format!("identity/{name}")))
            && !arns.contains(&arn)
        {
            arns.push(arn);
        }
    }
    arns
}

/// Whether the account is known to be in the sandbox.
pub fn in_sandbox(region: &SesRegion) -> bool {
    region.account.as_ref().is_some_and(|account| account.production_access == Some(false))
}

/// AWS's message may name a recipient's identity: in the sandbox, an identity that is not the sender's.
fn mark_sandbox_recipient(
    list: &mut [Question],
    denial: &Denial,
    identity: Option<&Arn>,
    place: &Place,
    world: &World,
) {
    let Some(first) = list.first_mut().filter(|question| question.origin == Origin::Message) else { return };
    let region = world.accounts.get(&place.account).and_then(|account| account.ses.get(&place.region));
    let sandbox = region.and_then(Readable::known).is_some_and(in_sandbox);
    let is_identity = first.resource.resource().starts_with("identity/");
    let is_sender = identity == Some(&first.resource)
        || denial.send.from_address.given().is_none_or(|address| covers(&first.resource, address));
    if sandbox && is_identity && !is_sender {
        first.origin = Origin::RecipientInSandbox;
    }
}

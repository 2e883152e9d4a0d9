//! Hints about identities, configuration sets, Regions and the state of SES.

use serde_json::json;
use sesame_policy::Arn;

use super::{Facts, hint};
use crate::denial::{ApiGeneration, Parameter};
use crate::finding::{Hint, Origin};
use crate::question::in_sandbox;
use crate::world::{Readable, SesRegion};

/// The send went to a Region where it is not meant to go.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongRegion {
    called: String,
    meant: Vec<String>,
    /// The identity is not in the called Region: a grant there would not help.
    pub futile: bool,
    identity: String,
}

impl WrongRegion {
    pub(super) fn hint(&self) -> Hint {
        let meant = self.meant.iter().map(|region| format!("`{region}`")).collect::<Vec<_>>().join(", ");
        let text = match self.futile {
            true => format!(
                "the call went to `{}`, where `{}` is not an identity; it is one in {meant}: call that Region's endpoint",
                self.called, self.identity
            ),
            false => format!(
                "the call went to `{}`, and the policies speak of {meant}: if that is the Region that is meant, call its endpoint",
                self.called
            ),
        };
        hint("wrong-region", text, json!({ "called": self.called, "regions": self.meant, "identity": self.identity }))
    }
}

/// Whether the call went to a wrong Region: the nearest Allow is for another one, or the identity stands only in another one.
pub fn wrong_region(facts: &Facts) -> Option<WrongRegion> {
    for (examined, causes) in facts.refused() {
        let resource = &examined.question.resource;
        let Some(identity) = resource.resource().strip_prefix("identity/") else { continue };
        let called = facts.denial.region.clone().unwrap_or_else(|| resource.region().to_owned());
        let mut meant: Vec<String> = Vec::new();
        if !resource.region().is_empty() && resource.region() != called {
            // A delegate sender must use the Region of the owner's identity.
            meant.push(resource.region().to_owned());
        }
        for near in causes.iter().flat_map(|found| &found.cause.near_misses).filter(|near| near.fails == "Resource") {
            let regions = near.expected.iter().filter_map(|pattern| other_region(pattern, resource));
            meant.extend(regions);
        }
        let elsewhere = regions_of(facts, resource, identity);
        let here = region(facts, resource.account(), resource.region());
        let absent_here = here.is_some_and(|region| region.complete && !has_identity(region, identity));
        let futile = absent_here && !elsewhere.is_empty();
        if futile {
            meant = elsewhere;
        }
        meant.retain(|region| *region != called);
        meant.sort();
        meant.dedup();
        if !meant.is_empty() {
            return Some(WrongRegion { called, meant, futile, identity: identity.to_owned() });
        }
    }
    None
}

/// The identity is another account's, and the send did not say so by its ARN: SES then looks for it in the sender's account.
#[derive(Debug, Clone, PartialEq)]
pub struct ForgottenArn {
    arn: String,
    owner: String,
    identity: String,
    sender: String,
    /// How a send passes the ARN.
    parameter: &'static str,
}

impl ForgottenArn {
    pub(super) fn hint(&self) -> Hint {
        let ForgottenArn { arn, owner, identity, sender, parameter } = self;
        let text = format!(
            "`{identity}` is an identity of account {owner}, and SES looked for it in account {sender}, because the send does not name it by its ARN: pass `{arn}` as {parameter}"
        );
        let details = json!({ "owner": owner, "sender": sender, "arn": arn, "parameter": parameter });
        hint("identity-in-other-account", text, details)
    }
}

/// Whether the send lacks the ARN of another account's identity: its own account has no such identity, and a policy of the
/// sender, or another account that was read, names one elsewhere. Source: Amazon SES Developer Guide, "Delegate sender tasks for
/// Amazon SES sending authorization".
pub fn forgotten_arn(facts: &Facts) -> Option<ForgottenArn> {
    let denial = facts.denial;
    if denial.send.identity_arn != Parameter::NotGiven {
        return None;
    }
    let address = denial.send.from_address.given()?;
    for (examined, causes) in facts.refused() {
        let resource = &examined.question.resource;
        let here = region(facts, resource.account(), resource.region());
        let sent_as = resource.resource().strip_prefix("identity/").is_some_and(|name| covers(name, address));
        if !sent_as || here.is_none_or(|region| !region.complete || has_identity(region, address)) {
            continue;
        }
        let owns = |arn: &Arn| {
            let elsewhere =
                arn.account() != resource.account() && arn.account().bytes().all(|byte| byte.is_ascii_digit());
            let name = arn.resource().strip_prefix("identity/");
            elsewhere && arn.region() == resource.region() && name.is_some_and(|name| covers(name, address))
        };
        let allowed = causes.iter().flat_map(|found| &found.cause.near_misses).flat_map(|near| &near.expected);
        let allowed = allowed.filter_map(|pattern| Arn::parse(pattern).ok()).find(|arn| owns(arn));
        let read = facts.library.world.accounts.iter().filter(|(account, _)| *account != resource.account());
        let read = read.filter_map(|(account, world)| {
            let name = crate::question::identity_name(address, world.ses.get(resource.region())?.known()?)?;
            let (partition, region) = (resource.partition(), resource.region());
            Arn::parse(&format!("arn:{partition}:ses:{region}:{account}:identity/{name}")).ok()
        });
        if let Some(arn) = allowed.or_else(|| read.into_iter().next()) {
            let parameter = match denial.send.generation {
                _ if denial.send.smtp => "the header `X-SES-SOURCE-ARN`",
                Some(ApiGeneration::V1) => "`SourceArn`",
                _ => "`FromEmailAddressIdentityArn`",
            };
            return Some(ForgottenArn {
                owner: arn.account().to_owned(),
                identity: arn.resource().trim_start_matches("identity/").to_owned(),
                arn: arn.to_string(),
                sender: resource.account().to_owned(),
                parameter,
            });
        }
    }
    None
}

/// Whether an identity is the address itself or a domain that covers it.
fn covers(identity: &str, address: &str) -> bool {
    identity == address
        || address.rsplit_once('@').is_some_and(|(_, domain)| crate::question::is_domain_or_parent(identity, domain))
}

/// The Region of a pattern that would match the resource but for its Region.
fn other_region(pattern: &str, resource: &Arn) -> Option<String> {
    let pattern = Arn::parse(pattern).ok()?;
    let same = |one: &str, other: &str| sesame_policy::pattern::wildcard_matches(one, other);
    // Credentials are of one partition, and a pattern of Regions is no place to call.
    let one = pattern.partition() == resource.partition() && !pattern.region().contains(['*', '?', '$']);
    let but_for_region = same(pattern.account(), resource.account()) && same(pattern.resource(), resource.resource());
    (one && but_for_region && !same(pattern.region(), resource.region())).then(|| pattern.region().to_owned())
}

/// What was read of SES in an account and Region.
pub(super) fn region<'f>(facts: &'f Facts, account: &str, region: &str) -> Option<&'f SesRegion> {
    facts.library.world.accounts.get(account)?.ses.get(region)?.known()
}

/// The identity itself, or a domain that covers it.
fn has_identity(region: &SesRegion, name: &str) -> bool {
    region.identities.contains_key(name) || crate::question::identity_name(name, region).is_some()
}

fn regions_of(facts: &Facts, resource: &Arn, identity: &str) -> Vec<String> {
    let Some(account) = facts.library.world.accounts.get(resource.account()) else { return Vec::new() };
    let there = |(name, region): (&String, &Readable<SesRegion>)| {
        let region = region.known()?;
        (name != resource.region() && has_identity(region, identity)).then(|| name.clone())
    };
    account.ses.iter().filter_map(there).collect()
}

/// Which resources SES authorizes, where that surprises.
pub(super) fn about_the_resources(facts: &Facts) -> Vec<Hint> {
    let mut list = Vec::new();
    let denial = facts.denial;
    for (examined, _) in facts.refused() {
        let resource = &examined.question.resource;
        if examined.question.origin == Origin::RecipientInSandbox {
            let name = resource.resource().strip_prefix("identity/").unwrap_or_default();
            let text = format!(
                "the account is in the SES sandbox, where recipients' identities are authorized too: `{name}` is a recipient's, not the sender's; leave the sandbox, or allow the recipient's ARN"
            );
            list.push(hint("recipient-identity-in-sandbox", text, json!({ "identity": name })));
        }
        if let Some(set) = resource.resource().strip_prefix("configuration-set/")
            && let (true, Some(identity)) =
                (denial.send.configuration_set.given().is_none(), default_of(facts, resource, set))
        {
            let text = format!(
                "the send names no configuration set: `{set}` is the default of identity `{identity}`, and sending through it is authorized too"
            );
            list.push(hint(
                "default-configuration-set",
                text,
                json!({ "configurationSet": set, "identity": identity }),
            ));
        }
    }
    let (api, action) = (denial.api.as_deref(), denial.message.action.as_deref());
    if let (Some(api), Some(action)) = (api, action.and_then(|action| action.split_once(':').map(|(_, name)| name)))
        && !api.eq_ignore_ascii_case(action)
    {
        let also = if api == "SendBulkEmail" { "also " } else { "" };
        let whole = denial.message.action.as_deref().unwrap_or_default();
        let text = match crate::near_miss::of_ses(whole) {
            true => format!("the call was `{api}`, and SES authorizes it {also}as `{whole}`: allow that action"),
            false => format!("the call was `{api}`, and what AWS refused on its way is `{whole}`: allow that action"),
        };
        list.push(hint("action-differs-from-api", text, json!({ "api": api, "action": whole })));
    }
    let bulk =
        api == Some("SendBulkEmail") || action.is_some_and(|action| action.eq_ignore_ascii_case("ses:SendBulkEmail"));
    if bulk && facts.refused().next().is_some() {
        let text = "`SendBulkEmail` needs both `ses:SendBulkEmail` and `ses:SendBulkTemplatedEmail`".to_owned();
        list.push(hint(
            "bulk-needs-two-actions",
            text,
            json!({ "actions": ["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"] }),
        ));
    }
    let other = facts.examined.iter().filter_map(|contexts| contexts.first()).find(|examined| {
        let owner = examined.question.resource.account();
        let own = facts.subject.account_id.as_deref();
        examined.question.resource.resource().starts_with("identity/")
            && own.is_some_and(|own| !owner.is_empty() && own != owner)
    });
    if let Some(examined) = other {
        let owner = examined.question.resource.account();
        let text = format!(
            "the identity belongs to account {owner}: the sender's own policies and a sending authorization policy of the identity must both allow, in the identity's Region, and both accounts must be out of the sandbox to reach unverified addresses"
        );
        list.push(hint(
            "identity-in-other-account",
            text,
            json!({ "owner": owner, "sender": facts.subject.account_id }),
        ));
    }
    list
}

/// The identity whose default configuration set this is.
fn default_of(facts: &Facts, set_arn: &Arn, set: &str) -> Option<String> {
    let region = region(facts, set_arn.account(), set_arn.region())?;
    let used: Vec<&str> = facts
        .examined
        .iter()
        .filter_map(|contexts| contexts.first()?.question.resource.resource().strip_prefix("identity/"))
        .collect();
    let is_default = |name: &str| {
        region.identities.get(name).is_some_and(|identity| identity.configuration_set.as_deref() == Some(set))
    };
    let of_sender = used.iter().find(|name| is_default(name)).map(|name| (*name).to_owned());
    of_sender.or_else(|| region.identities.keys().find(|name| is_default(name)).cloned())
}

/// What SES would refuse next, once the policies allow; `said_elsewhere`: that the identity is in another Region.
pub(super) fn what_would_fail_next(facts: &Facts, said_elsewhere: bool) -> Vec<Hint> {
    let mut list = Vec::new();
    let Some(examined) = facts
        .examined
        .iter()
        .filter_map(|contexts| contexts.first())
        .find(|examined| examined.question.resource.resource().starts_with("identity/"))
    else {
        return list;
    };
    let resource = &examined.question.resource;
    let name = resource.resource().strip_prefix("identity/").unwrap_or_default();
    let sender = facts.subject.account_id.as_deref().unwrap_or_default();
    let own = region(facts, sender, resource.region());
    let owner = region(facts, resource.account(), resource.region());
    if own.or(owner).is_some_and(in_sandbox) {
        let text =
            format!("the account reaches verified addresses only: in {} it is in the SES sandbox", resource.region());
        list.push(hint("sandbox", text, json!({ "account": sender, "region": resource.region() })));
    }
    if let Some(account) = own.or(owner).and_then(|region| region.account.as_ref()) {
        let shut = account.enforcement_status.as_deref() == Some("SHUTDOWN");
        if account.sending_enabled == Some(false) || shut {
            let text = format!(
                "sending is {} for the account in {}: with the policies mended the next send fails for that",
                if shut { "shut down by AWS" } else { "paused" },
                resource.region()
            );
            list.push(hint(
                "sending-paused",
                text,
                json!({ "region": resource.region(), "enforcementStatus": account.enforcement_status }),
            ));
        }
    }
    if let Some(region) = owner {
        match region.identities.get(name) {
            Some(identity) if identity.verified == Some(false) => {
                let text = format!(
                    "identity `{name}` is not verified in {}: with the policies mended SES rejects the message for that",
                    resource.region()
                );
                list.push(hint("identity-unverified", text, json!({ "identity": name, "region": resource.region() })));
            }
            None if region.complete && !has_identity(region, name) && !said_elsewhere => {
                let text = format!(
                    "`{name}` is no identity in {} of account {}: with the policies mended SES rejects the message for that",
                    resource.region(),
                    resource.account()
                );
                list.push(hint("identity-not-found", text, json!({ "identity": name, "region": resource.region() })));
            }
            _ => {}
        }
    }
    list
}

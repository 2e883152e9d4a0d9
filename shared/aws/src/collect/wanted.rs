//! What one incident needs to have read, and no more: SES answers about one control call a second.

use std::collections::BTreeSet;

use sesame_diagnosis::denial::{Caller, Denial, Incident};
use sesame_policy::Arn;

/// A principal whose policies are kept in IAM, by the name that IAM knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    /// A user.
    User(String),
    /// A role.
    Role(String),
}

impl Principal {
    /// The call that reads it, as a gap names it.
    pub(super) fn call(&self) -> String {
        match self {
            Principal::User(name) => format!("iam:GetUser {name}"),
            Principal::Role(name) => format!("iam:GetRole {name}"),
        }
    }
}

/// The things to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// The caller's account.
    pub account: Option<String>,
    /// Whose policies; `None` for root, services and callers of which only the account is known.
    pub principal: Option<Principal>,
    /// Account, Region, and the identities there that the send may be authorized on: exact names, and addresses.
    pub identities: Vec<(String, String, Names)>,
    /// Recipients, whose identities count in the sandbox.
    pub recipients: Vec<String>,
}

/// Identities of one Region to look for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names {
    /// Named by ARN.
    pub exact: BTreeSet<String>,
    /// The identity of an address is the address itself, else its domain, else a parent of that.
    pub addresses: BTreeSet<String>,
}

/// How many sender addresses of folded refusals are looked up.
const ADDRESSES: usize = 3;
/// How many recipients' identities are looked up, in the sandbox.
const RECIPIENTS: usize = 5;

impl Wanted {
    pub(super) fn of(incident: &Incident) -> Wanted {
        let denials = || std::iter::once(&incident.latest).chain(incident.distinct.iter().map(|(denial, _)| denial));
        let caller = effective_caller(&incident.latest);
        let mut wanted =
            Wanted { account: caller.account().map(str::to_owned), principal: principal(&caller), ..Wanted::default() };
        for denial in denials() {
            let account = wanted.account.clone().or_else(|| denial.recipient_account.clone());
            if let (Some(account), Some(region)) = (account, &denial.region) {
                // Also without a name: whether the account may send at all is asked in any case.
                let names = wanted.names(&account, region);
                if denial.send.identity_arn.given().is_none() && names.addresses.len() < ADDRESSES {
                    names.addresses.extend(denial.send.from_address.given().cloned());
                }
            }
            let arns = [
                denial.message.resource.as_ref(),
                denial.send.identity_arn.given(),
                denial.send.feedback_identity_arn.given(),
            ];
            for text in arns.into_iter().flatten().chain(&denial.resources) {
                wanted.name_arn(text);
            }
            for recipient in denial.send.recipients.given().into_iter().flatten() {
                if wanted.recipients.len() < RECIPIENTS && !wanted.recipients.contains(recipient) {
                    wanted.recipients.push(recipient.clone());
                }
            }
        }
        wanted
    }

    fn name_arn(&mut self, text: &str) {
        let Ok(arn) = Arn::parse(text) else { return };
        let Some(name) = arn.resource().strip_prefix("identity/") else { return };
        if arn.service() == "ses" && !name.is_empty() && is_account(arn.account()) && !arn.region().is_empty() {
            let name = name.to_owned();
            self.names(arn.account(), arn.region()).exact.insert(name);
        }
    }

    fn names(&mut self, account: &str, region: &str) -> &mut Names {
        let found = self.identities.iter().position(|(id, place, _)| id == account && place == region);
        let at = found.unwrap_or(self.identities.len());
        if found.is_none() {
            self.identities.push((account.to_owned(), region.to_owned(), Names::default()));
        }
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just above")]
        &mut self.identities[at].2
    }
}

/// Where the identity of an address may be, the nearest first: the address, its domain, and that domain's parents.
pub(super) fn candidates(address: &str) -> Vec<String> {
    let mut list = vec![address.to_owned()];
    let Some((_, domain)) = address.rsplit_once('@') else { return list };
    let mut rest = domain.to_ascii_lowercase();
    // A top-level domain is nobody's identity.
    while rest.contains('.') {
        let parent = rest.split_once('.').map(|(_, parent)| parent.to_owned()).unwrap_or_default();
        list.push(std::mem::replace(&mut rest, parent));
    }
    list
}

/// The caller of the record; where that tells nothing, whom AWS's message names.
fn effective_caller(denial: &Denial) -> Caller {
    match &denial.caller {
        Caller::Unknown => denial.message.principal.as_deref().and_then(caller_of_arn).unwrap_or_default(),
        known => known.clone(),
    }
}

fn caller_of_arn(text: &str) -> Option<Caller> {
    let arn = Arn::parse(text).ok().filter(|arn| is_account(arn.account()))?;
    let (kind, rest) = arn.resource().split_once('/')?;
    let account = arn.account().to_owned();
    Some(match (arn.service(), kind) {
        ("iam", "user") => Caller::User { arn },
        ("iam", "role") => {
            let name = rest.rsplit('/').next()?.to_owned();
            Caller::Role { account, name, role_arn: Some(arn), session_arn: None }
        }
        ("sts", "assumed-role") => {
            let name = rest.split('/').next()?.to_owned();
            Caller::Role { account, name, role_arn: None, session_arn: Some(arn) }
        }
        _ => return None,
    })
}

fn principal(caller: &Caller) -> Option<Principal> {
    let user = |arn: &Arn| {
        let name = arn.resource().strip_prefix("user/")?.rsplit('/').next()?;
        (!name.is_empty()).then(|| Principal::User(name.to_owned()))
    };
    match caller {
        Caller::User { arn } => user(arn),
        Caller::FederatedUser { issuer: Some(issuer), .. } => user(issuer),
        Caller::Role { name, .. } => Some(Principal::Role(name.clone())),
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn the_identity_of_an_address_is_looked_for_from_the_address_up() {
        let expected = ["No-Reply@Mail.Example.com", "mail.example.com", "example.com"];
        assert_eq!(candidates("No-Reply@Mail.Example.com"), expected);
    }

    #[test]
    fn a_text_without_an_at_sign_is_one_name() {
        assert_eq!(candidates("example.com"), ["example.com"]);
    }
}

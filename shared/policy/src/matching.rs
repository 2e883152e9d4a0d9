//! How a statement's elements match a request.

use crate::condition::Condition;
use crate::context::{Context, ContextValue};
use crate::decision::Truth;
use crate::document::{Effect, PrincipalElement, PrincipalPattern, Statement};
use crate::principal::Principal;
use crate::request::Request;

/// Which implicit denies of the caller's own layers an allow in a resource's policy skips, in one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skips {
    /// A missing identity allow.
    pub identity: bool,
    /// A boundary's implicit deny.
    pub boundary: bool,
    /// A session policy's implicit deny.
    pub session: bool,
}

impl Skips {
    pub(crate) const NONE: Skips = Skips { identity: false, boundary: false, session: false };
    pub(crate) const IDENTITY: Skips = Skips { identity: true, boundary: false, session: false };
    pub(crate) const USER: Skips = Skips { identity: true, boundary: true, session: false };
    pub(crate) const ALL: Skips = Skips { identity: true, boundary: true, session: true };

    fn union(self, other: Skips) -> Skips {
        Skips {
            identity: self.identity || other.identity,
            boundary: self.boundary || other.boundary,
            session: self.session || other.session,
        }
    }
}

/// Whose resource it is.
pub(crate) fn resource_account(request: &Request) -> &str {
    match &request.resource_account {
        Some(account) => account,
        None if !request.resource.account().is_empty() => request.resource.account(),
        None => request.principal.account().unwrap_or_default(),
    }
}

pub(crate) fn matches_resource(statement: &Statement, request: &Request) -> Truth {
    let Some(element) = &statement.resource else { return Truth::True };
    let context = &request.context;
    let resolve = |key: &str| single(context, key);
    let mut any = Truth::False;
    for pattern in &element.patterns {
        let unknown = pattern.variables().any(|key| matches!(context.get(key), ContextValue::Unknown(_)));
        let truth = match unknown {
            // With every variable taken as `*` it must match at least.
            true => Truth::Unknown,
            false => Truth::from(pattern.matches(&request.resource, &resolve)),
        };
        any = any.or(truth);
    }
    if element.negated { !any } else { any }
}

fn single(context: &Context, key: &str) -> Option<String> {
    match context.get(key) {
        ContextValue::One(value) => Some(value.clone()),
        _ => None,
    }
}

/// The values of a condition with its variables put in, where it has any.
pub(crate) fn resolved_values(condition: &Condition, context: &Context) -> Option<Vec<Option<String>>> {
    condition.variables().next()?;
    let version = crate::document::Version::V2012;
    let text = |value: &String| {
        let pieces = crate::pattern::pieces(value, version);
        let mut text = String::new();
        for piece in pieces {
            match piece {
                crate::pattern::Piece::Text(part) => text.push_str(&part),
                crate::pattern::Piece::Escaped(char) => text.push(char),
                crate::pattern::Piece::Variable { key, default } => {
                    text.push_str(&single(context, &key).or(default)?);
                }
            }
        }
        Some(text)
    };
    Some(condition.values.iter().map(text).collect())
}

/// Whether a principal element matches the caller, and what an allow by it skips.
pub(crate) fn matches_principal(
    element: &PrincipalElement,
    effect: Effect,
    caller: &Principal,
    bounded: bool,
) -> (Truth, Skips) {
    if element.negated {
        if effect == Effect::Deny {
            return (deny_all_but(element, caller, bounded), Skips::NONE);
        }
        let any = element.members.iter().fold(Truth::False, |truth, member| truth.or(member_matches(member, caller).0));
        return (!any, Skips::ALL);
    }
    let mut truth = Truth::False;
    let mut skips = Skips::NONE;
    for member in &element.members {
        let (one, by) = member_matches(member, caller);
        if one.possible() {
            skips = skips.union(by);
        }
        truth = truth.or(one);
    }
    (truth, skips)
}

fn member_matches(member: &PrincipalPattern, caller: &Principal) -> (Truth, Skips) {
    let yes = |matched: bool, skips: Skips| (Truth::from(matched), skips);
    match (member, caller) {
        (PrincipalPattern::Everyone, _) => yes(true, Skips::ALL),
        (PrincipalPattern::Service(name), Principal::Service(caller)) => yes(name == caller, Skips::ALL),
        (PrincipalPattern::Account(account), caller) => yes(caller.account() == Some(account), Skips::NONE),
        (PrincipalPattern::Arn(arn), Principal::User { arn: caller }) => yes(arn == caller, Skips::USER),
        (PrincipalPattern::Arn(arn), Principal::Role { account, name, session, .. }) => {
            if arn.account() != account {
                return yes(false, Skips::NONE);
            }
            if let Some(path) = arn.resource().strip_prefix("role/").filter(|_| arn.service() == "iam") {
                return yes(path.rsplit('/').next() == Some(name), Skips::IDENTITY);
            }
            let of_role = arn.resource().strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'));
            match of_role {
                Some((role, wanted)) if role == name => match session {
                    Some(session) => yes(session == wanted, Skips::ALL),
                    None => (Truth::Unknown, Skips::ALL),
                },
                _ => yes(false, Skips::NONE),
            }
        }
        (PrincipalPattern::Arn(arn), Principal::FederatedUser { arn: caller, issuer }) => {
            if arn == caller {
                return yes(true, Skips::ALL);
            }
            let is_user =
                arn.service() == "iam" && arn.resource().starts_with("user/") && arn.account() == caller.account();
            match issuer {
                Some(issuer) => yes(arn == issuer, Skips::IDENTITY),
                None if is_user => (Truth::Unknown, Skips::IDENTITY),
                None => yes(false, Skips::NONE),
            }
        }
        _ => yes(false, Skips::NONE),
    }
}

/// `NotPrincipal` with `Deny`: whoever is not listed with each of its names is denied, and so is every principal with a
/// permissions boundary. Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal".
fn deny_all_but(element: &PrincipalElement, caller: &Principal, bounded: bool) -> Truth {
    let listed = |wanted: &dyn Fn(&PrincipalPattern) -> Truth| {
        element.members.iter().fold(Truth::False, |truth, member| truth.or(wanted(member)))
    };
    if listed(&|member| Truth::from(*member == PrincipalPattern::Everyone)) == Truth::True {
        return Truth::False;
    }
    if bounded {
        return Truth::True;
    }
    let account = listed(&|member| match member {
        PrincipalPattern::Account(account) => Truth::from(caller.account() == Some(account)),
        _ => Truth::False,
    });
    let own = |prefix: &'static str| {
        listed(&move |member| match member {
            PrincipalPattern::Arn(arn) if arn.resource().starts_with(prefix) => member_matches(member, caller).0,
            _ => Truth::False,
        })
    };
    let exempt = match caller {
        Principal::Root { .. } => account,
        Principal::User { .. } => account.and(own("user/")),
        Principal::Role { .. } => account.and(own("role/")).and(own("assumed-role/")),
        Principal::FederatedUser { .. } => account.and(own("federated-user/")),
        Principal::Service(_) => listed(&|member| member_matches(member, caller).0),
        Principal::Anonymous => Truth::False,
    };
    !exempt
}

//! A request made ready to be held against many statements, and who counts as a statement's principal.

use super::outcome::{ALL, BY_ROLE, BY_USER, MATCH, Outcome};
use crate::arn::Arn;
use crate::context::Context;
use crate::decision::Truth;
use crate::document::{ActionHead, Effect, PrincipalElement, PrincipalPattern};
use crate::layer::{Policy, PolicySet};
use crate::pattern::ResourceParts;
use crate::principal::Principal;
use crate::request::Request;

/// What statements are held against.
pub(crate) struct Environment<'a> {
    /// The action in lower case.
    pub(crate) action: String,
    pub(crate) head: ActionHead,
    pub(crate) resource: ResourceParts<'a>,
    pub(crate) context: &'a Context,
    pub(crate) principal: &'a Principal,
    /// Whether the principal has a permissions boundary: `NotPrincipal` with `Deny` then exempts nobody.
    pub(crate) boundary: Truth,
    /// Principal and resource are of one account.
    pub(crate) same_account: bool,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(policies: &PolicySet, request: &'a Request) -> Environment<'a> {
        let Request { principal, action, resource, resource_account, context } = request;
        let action = action.to_ascii_lowercase();
        // What is AWS's own, such as its managed policies, belongs to no account: the caller's policies decide.
        let named = Some(resource.account()).filter(|account| !matches!(*account, "" | "aws"));
        let owner = resource_account.as_deref().or(named);
        let caller = principal.account();
        Environment {
            head: ActionHead::new(&action),
            action,
            resource: resource.parts(),
            context,
            principal,
            boundary: has_boundary(policies),
            same_account: caller.is_some() && owner.is_none_or(|owner| caller == Some(owner)),
        }
    }

    /// The same for a principal of whom more is known.
    pub(crate) fn with_principal<'b>(&'b self, principal: &'b Principal, boundary: Truth) -> Environment<'b> {
        Environment { action: String::new(), principal, boundary, ..*self }
    }

    /// Root, user, role or federated user: someone with policies of their own.
    pub(crate) fn has_caller_side(&self) -> bool {
        !matches!(self.principal, Principal::Service(_) | Principal::Anonymous)
    }

    /// Whether service control policies bind the principal.
    pub(crate) fn bound_by_service_control(&self) -> bool {
        self.has_caller_side() && !self.principal.is_service_linked_role()
    }

    /// Who a `Principal` element is about, and what an allow for them lifts in the same account.
    pub(crate) fn principal_outcome(&self, element: &PrincipalElement, effect: Effect) -> Outcome {
        match (element.negated, effect) {
            (false, _) => self.listed(element),
            (true, Effect::Allow) => {
                let Outcome { must, may } = self.listed(element);
                Outcome { must: if may & MATCH == 0 { ALL } else { 0 }, may: if must & MATCH == 0 { ALL } else { 0 } }
            }
            (true, Effect::Deny) => Outcome::from(!self.exempt(element)),
        }
    }

    fn listed(&self, element: &PrincipalElement) -> Outcome {
        element.with_partitions().fold(Outcome::NEVER, |all, (member, partition)| all | self.member(member, partition))
    }

    fn member(&self, member: &PrincipalPattern, partition: Option<&str>) -> Outcome {
        match member {
            PrincipalPattern::Everyone => Outcome::ALWAYS,
            PrincipalPattern::Account(account) => {
                let same = self.principal.account() == Some(account) && self.in_partition(partition);
                Outcome::known(if same { MATCH } else { 0 })
            }
            PrincipalPattern::Arn(arn) => self.arn(arn),
            PrincipalPattern::Service(name) => {
                Outcome::known(if matches!(self.principal, Principal::Service(service) if service == name) {
                    ALL
                } else {
                    0
                })
            }
            // The first is of a principal that was deleted; the others are not among the principals of a request.
            PrincipalPattern::UniqueId(_) | PrincipalPattern::Federated(_) | PrincipalPattern::CanonicalUser(_) => {
                Outcome::NEVER
            }
        }
    }

    fn in_partition(&self, partition: Option<&str>) -> bool {
        partition.is_none_or(|partition| self.principal.partition() == Some(partition))
    }

    /// What an allow lifts that names the user, the role, or the user behind a federated session.
    pub(crate) fn entity_bits(&self) -> u8 {
        match self.principal {
            Principal::User { .. } => BY_USER,
            Principal::Role { .. } | Principal::FederatedUser { .. } => BY_ROLE,
            Principal::Root { .. } | Principal::Service(_) | Principal::Anonymous => MATCH,
        }
    }

    fn arn(&self, listed: &Arn) -> Outcome {
        let entity = self.entity_bits();
        match self.principal {
            Principal::User { arn } if arn == listed => Outcome::known(entity),
            Principal::Role { session, .. } => match self.role(listed) {
                RoleArn::Role => Outcome::known(entity),
                RoleArn::Session(name) => match session {
                    Some(session) => Outcome::known(if session == name { ALL } else { 0 }),
                    None => Outcome::perhaps(ALL),
                },
                RoleArn::Other => Outcome::NEVER,
            },
            Principal::FederatedUser { arn, .. } if arn == listed => Outcome::ALWAYS,
            Principal::FederatedUser { issuer, .. } if self.could_have_issued(listed) => match issuer {
                Some(issuer) => Outcome::known(if issuer == listed { entity } else { 0 }),
                None => Outcome::perhaps(entity),
            },
            _ => Outcome::NEVER,
        }
    }

    /// What an ARN in a policy means to the role that asks.
    pub(crate) fn role<'p>(&self, listed: &'p Arn) -> RoleArn<'p> {
        let Principal::Role { account, name, .. } = self.principal else { return RoleArn::Other };
        if listed.account() != account || !self.in_partition(Some(listed.partition())) {
            return RoleArn::Other;
        }
        match (listed.service(), listed.resource().split_once('/')) {
            // Role names are unique in an account, whatever their path.
            ("iam", Some(("role", path))) if path.rsplit('/').next() == Some(name) => RoleArn::Role,
            ("sts", Some(("assumed-role", rest))) => match rest.split_once('/') {
                Some((role, session)) if role == name => RoleArn::Session(session),
                _ => RoleArn::Other,
            },
            _ => RoleArn::Other,
        }
    }

    /// Whether an ARN is of a user who may have got the federated user's credentials.
    pub(crate) fn could_have_issued(&self, listed: &Arn) -> bool {
        matches!(self.principal, Principal::FederatedUser { arn, .. } if arn.account() == listed.account())
            && listed.service() == "iam"
            && listed.resource().starts_with("user/")
            && self.in_partition(Some(listed.partition()))
    }

    /// `NotPrincipal` with `Deny` exempts a caller whose every identity is listed: the account, and the caller within it. A
    /// `*` lists them all.
    fn exempt(&self, element: &PrincipalElement) -> Truth {
        let any = |is: &dyn Fn(&PrincipalPattern, Option<&str>) -> bool| -> Truth {
            element.with_partitions().any(|(member, partition)| is(member, partition)).into()
        };
        let everyone = any(&|member, _| *member == PrincipalPattern::Everyone);
        let account = any(&|member, partition| match member {
            PrincipalPattern::Account(account) => {
                self.principal.account() == Some(account) && self.in_partition(partition)
            }
            _ => false,
        });
        let listed = |own: &Arn| any(&|member, _| matches!(member, PrincipalPattern::Arn(arn) if arn == own));
        let all_listed = match self.principal {
            Principal::Anonymous => Truth::False,
            Principal::Service(name) => {
                any(&|member, _| matches!(member, PrincipalPattern::Service(service) if service == name))
            }
            Principal::Root { .. } => account,
            Principal::User { arn } | Principal::FederatedUser { arn, .. } => account.and(listed(arn)),
            Principal::Role { session, .. } => {
                let role =
                    any(&|member, _| matches!(member, PrincipalPattern::Arn(arn) if self.role(arn) == RoleArn::Role));
                let mut in_session = Truth::False;
                for member in &element.members {
                    if let PrincipalPattern::Arn(arn) = member
                        && let RoleArn::Session(name) = self.role(arn)
                    {
                        in_session = in_session.or(match session {
                            Some(session) => (session == name).into(),
                            None => Truth::Unknown,
                        });
                    }
                }
                account.and(role).and(in_session)
            }
        };
        everyone.or(all_listed).and(!self.boundary)
    }
}

/// What an ARN in a policy means to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoleArn<'p> {
    /// The role itself.
    Role,
    /// The session of this name.
    Session(&'p str),
    /// Someone else.
    Other,
}

fn has_boundary(policies: &PolicySet) -> Truth {
    match policies.boundary.as_deref() {
        None | Some([]) => Truth::False,
        Some(policies) if unreadable(policies) => Truth::Unknown,
        Some(_) => Truth::True,
    }
}

/// Nothing of these policies could be read, so that perhaps there are none.
fn unreadable(policies: &[Policy]) -> bool {
    !policies.is_empty() && policies.iter().all(|policy| policy.document.is_none())
}

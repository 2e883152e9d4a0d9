//! Who was refused: the caller of a denial, found again in the world.

use sesame_policy::{Arn, Principal};

use crate::denial::{Caller, Denial};
use crate::finding::{ManagedBy, PrincipalInfo, PrincipalKind};
use crate::world::{Account, Entity, World};

const ROOT_TAKES_NONE: &str = "the root user takes no identity-based policies";

/// The principal of a denial and what the world knows of it.
#[derive(Debug, Clone)]
pub struct Subject<'w> {
    /// As the engine asks for it; `None` when not even the account is known.
    pub principal: Option<Principal>,
    /// Twelve digits.
    pub account_id: Option<String>,
    /// The account, where the world holds it.
    pub account: Option<&'w Account>,
    /// The user or role whose policies count, where the world holds it.
    pub entity: Option<&'w Entity>,
    /// Names of the user's groups.
    pub groups: &'w [String],
    /// As the finding shows it.
    pub info: PrincipalInfo,
    /// SCPs do not bind it and nobody can change it.
    pub service_linked: bool,
    /// It acts with temporary credentials.
    pub is_session: bool,
    /// The session was made of a role or by `GetFederationToken`, so a session policy and session tags are possible; a user's
    /// own session (`GetSessionToken`, the console) has neither.
    pub has_issuer: bool,
}

/// Finds the caller in the world.
pub fn resolve<'w>(denial: &Denial, world: &'w World) -> Subject<'w> {
    let caller = effective_caller(denial);
    let account_id = caller.account().map(str::to_owned);
    let account = account_id.as_deref().and_then(|id| world.accounts.get(id));
    let (entity, groups) = find_entity(&caller, account);
    let entity_arn = entity.and_then(|entity| Arn::parse(&entity.arn).ok());
    let principal = engine_principal(&caller, entity_arn.as_ref());
    let info = describe(&caller, entity, account, account_id.as_deref());
    let path = info.path.clone().unwrap_or_default();
    let is_session = match &caller {
        Caller::Role { .. } | Caller::FederatedUser { .. } => true,
        Caller::User { .. } | Caller::Root { .. } => {
            denial.access_key_id.as_deref().is_some_and(|key| key.starts_with("ASIA"))
        }
        _ => false,
    };
    Subject {
        principal,
        account_id,
        account,
        entity,
        groups,
        info,
        service_linked: path.starts_with("/aws-service-role/"),
        is_session,
        // A service that calls for a user, and `AssumeRoot`, narrow the session.
        has_issuer: match &caller {
            Caller::User { .. } => is_session && denial.invoked_by.is_some(),
            _ => is_session,
        },
    }
}

/// The caller of the record, or, where the record tells nothing, the principal that AWS's message names.
fn effective_caller(denial: &Denial) -> Caller {
    let named = || denial.message.principal.as_deref().and_then(caller_of_arn);
    match &denial.caller {
        Caller::Unknown => named().unwrap_or_default(),
        // The record of another account's caller hides who it was; AWS's message may tell.
        Caller::Account { account, .. } => {
            named().filter(|caller| caller.account() == Some(account)).unwrap_or_else(|| denial.caller.clone())
        }
        known => known.clone(),
    }
}

/// The caller that an ARN names.
pub fn caller_of_arn(text: &str) -> Option<Caller> {
    let arn = Arn::parse(text).ok()?;
    let account = arn.account().to_owned();
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match (arn.service(), arn.resource()) {
        ("iam", "root") => Some(Caller::Root { arn }),
        ("iam", resource) if resource.starts_with("user/") => Some(Caller::User { arn }),
        ("iam", resource) => {
            let name = resource.strip_prefix("role/")?.rsplit('/').next()?.to_owned();
            Some(Caller::Role { account, name, role_arn: Some(arn), session_arn: None })
        }
        ("sts", resource) => {
            if let Some(rest) = resource.strip_prefix("assumed-role/") {
                let name = rest.split('/').next()?.to_owned();
                return Some(Caller::Role { account, name, role_arn: None, session_arn: Some(arn) });
            }
            resource.starts_with("federated-user/").then_some(Caller::FederatedUser { arn, issuer: None })
        }
        _ => None,
    }
}

fn find_entity<'w>(caller: &Caller, account: Option<&'w Account>) -> (Option<&'w Entity>, &'w [String]) {
    let Some(account) = account else { return (None, &[]) };
    let user = |arn: &Arn| account.users.iter().find(|user| user.entity.arn == arn.as_str());
    match caller {
        Caller::User { arn } => user(arn).map_or((None, &[][..]), |user| (Some(&user.entity), &user.groups)),
        Caller::FederatedUser { issuer: Some(issuer), .. } => {
            user(issuer).map_or((None, &[][..]), |user| (Some(&user.entity), &user.groups))
        }
        // Role names are unique in an account whatever their path.
        Caller::Role { name, .. } => {
            (account.roles.iter().find(|role| role.entity.name == *name).map(|role| &role.entity), &[])
        }
        _ => (None, &[]),
    }
}

fn engine_principal(caller: &Caller, entity_arn: Option<&Arn>) -> Option<Principal> {
    Some(match caller {
        Caller::Root { arn } => Principal::Root { arn: arn.clone() },
        Caller::User { arn } => Principal::User { arn: arn.clone() },
        Caller::Role { account, name, role_arn, session_arn } => Principal::Role {
            partition: [session_arn.as_ref(), role_arn.as_ref(), entity_arn]
                .into_iter()
                .flatten()
                .next()
                .map_or("aws", Arn::partition)
                .to_owned(),
            account: account.clone(),
            name: name.clone(),
            role_arn: role_arn.clone().or_else(|| entity_arn.cloned()),
            session: session_arn
                .as_ref()
                .and_then(|arn| arn.resource().strip_prefix("assumed-role/"))
                .and_then(|rest| rest.split_once('/'))
                .map(|(_, session)| session.to_owned()),
        },
        Caller::FederatedUser { arn, issuer } => Principal::FederatedUser { arn: arn.clone(), issuer: issuer.clone() },
        Caller::Service(name) => Principal::Service(name.clone()),
        // Only the account is known: the resource policy sees it as some principal there.
        Caller::Account { account, .. } => {
            Principal::Root { arn: Arn::parse(&format!("arn:aws:iam::{account}:root")).ok()? }
        }
        Caller::Unknown => return None,
    })
}

fn describe(
    caller: &Caller,
    entity: Option<&Entity>,
    account: Option<&Account>,
    account_id: Option<&str>,
) -> PrincipalInfo {
    let mut info = PrincipalInfo {
        arn: None,
        session_arn: None,
        kind: None,
        account: account_id.map(str::to_owned),
        path: None,
        name: None,
        modifiable: false,
        why_not: None,
        managed_by: None,
        owner: None,
    };
    match caller {
        Caller::Root { arn } => {
            info.arn = Some(arn.to_string());
            info.kind = Some(PrincipalKind::Root);
            info.why_not = Some(ROOT_TAKES_NONE.to_owned());
        }
        Caller::User { arn } => {
            info.arn = Some(arn.to_string());
            info.kind = Some(PrincipalKind::User);
            set_name_and_path(&mut info, arn, "user/");
        }
        Caller::Role { account, name, role_arn, session_arn } => {
            let arn = entity
                .map(|entity| entity.arn.clone())
                .or_else(|| role_arn.as_ref().map(Arn::to_string))
                .unwrap_or_else(|| format!("arn:aws:iam::{account}:role/{name}"));
            if let Ok(parsed) = Arn::parse(&arn) {
                set_name_and_path(&mut info, &parsed, "role/");
            }
            info.arn = Some(arn);
            info.session_arn = session_arn.as_ref().map(Arn::to_string);
            info.kind = Some(PrincipalKind::Role);
        }
        Caller::FederatedUser { arn, issuer } => {
            info.arn = Some(issuer.as_ref().unwrap_or(arn).to_string());
            info.session_arn = Some(arn.to_string());
            info.kind = Some(PrincipalKind::FederatedUser);
            match issuer {
                Some(issuer) if issuer.resource() == "root" => {
                    info.why_not = Some(ROOT_TAKES_NONE.to_owned());
                }
                Some(issuer) => set_name_and_path(&mut info, issuer, "user/"),
                None => {}
            }
        }
        Caller::Service(name) => {
            info.arn = Some(name.clone());
            info.name = Some(name.clone());
            info.kind = Some(PrincipalKind::Service);
            info.why_not = Some("an AWS service has no policies of its own".to_owned());
        }
        Caller::Account { account, .. } => {
            info.arn = Some(format!("arn:aws:iam::{account}:root"));
            info.kind = Some(PrincipalKind::Account);
            info.why_not = Some("only the principal's account is known".to_owned());
        }
        Caller::Unknown => {
            info.why_not = Some("the principal is not known".to_owned());
        }
    }
    let has_policies = matches!(caller, Caller::User { .. } | Caller::Role { .. } | Caller::FederatedUser { .. });
    if has_policies && info.why_not.is_none() {
        info.why_not = unmodifiable(&info, entity, account);
        info.modifiable = info.why_not.is_none();
    }
    if let Some(entity) = entity {
        info.managed_by = managed_by(entity, account);
        info.owner = tag(entity, &["owner", "team", "contact"]).map(str::to_owned);
    }
    if info.path.as_deref().is_some_and(|path| path.starts_with("/aws-reserved/sso.amazonaws.com/")) {
        info.managed_by = Some(ManagedBy::IdentityCenter);
    }
    info
}

fn set_name_and_path(info: &mut PrincipalInfo, arn: &Arn, prefix: &str) {
    let rest = arn.resource().strip_prefix(prefix).unwrap_or_default();
    let (path, name) = rest.rsplit_once('/').map_or(("", rest), |(path, name)| (path, name));
    info.path = Some(if path.is_empty() { "/".to_owned() } else { format!("/{path}/") });
    info.name = Some(name.to_owned());
}

fn unmodifiable(info: &PrincipalInfo, entity: Option<&Entity>, account: Option<&Account>) -> Option<String> {
    let path = info.path.as_deref().unwrap_or_default();
    if path.starts_with("/aws-service-role/") {
        return Some("only AWS can change a service-linked role".to_owned());
    }
    if path.starts_with("/aws-reserved/") {
        return Some("a role of IAM Identity Center is changed through its permission set".to_owned());
    }
    if entity.is_none() {
        return Some(match account {
            Some(account) if account.iam_gap.is_none() => "no such principal is in the account now".to_owned(),
            _ => "its account could not be read".to_owned(),
        });
    }
    None
}

/// What manages a principal, by its tags, else by who last changed its policies.
fn managed_by(entity: &Entity, account: Option<&Account>) -> Option<ManagedBy> {
    let has = |wanted: &str| {
        entity.tags.iter().any(|(key, value)| {
            let (key, value) = (key.to_ascii_lowercase(), value.to_ascii_lowercase());
            key == wanted
                || key.starts_with(&format!("{wanted}:"))
                || value == wanted
                || value.starts_with(&format!("{wanted}/"))
        })
    };
    if has("aws-cdk") || has("cdk") {
        return Some(ManagedBy::Cdk);
    }
    if entity.tags.iter().any(|(key, _)| key.starts_with("aws:cloudformation:")) || has("cloudformation") {
        return Some(ManagedBy::Cloudformation);
    }
    if has("terraform") || has("opentofu") {
        return Some(ManagedBy::Terraform);
    }
    let last_writer = account?
        .history
        .iter()
        .filter(|change| change.principal_arn.as_deref() == Some(entity.arn.as_str()))
        .max_by(|a, b| a.time.cmp(&b.time))?
        .by
        .as_deref()?
        .to_ascii_lowercase();
    if last_writer.contains("cdk") {
        Some(ManagedBy::Cdk)
    } else if last_writer.contains("cloudformation") {
        Some(ManagedBy::Cloudformation)
    } else if last_writer.contains("terraform") {
        Some(ManagedBy::Terraform)
    } else {
        None
    }
}

/// The value of the first tag whose key is one of these, whatever its case.
pub fn tag<'e>(entity: &'e Entity, keys: &[&str]) -> Option<&'e str> {
    keys.iter().find_map(|wanted| {
        entity.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    })
}

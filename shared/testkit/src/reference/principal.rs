//! Who calls, and whom a `Principal` element means.

use super::json::{Fault, Node};

/// The caller of a request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The root user of an account.
    Root(Account),
    /// An IAM user; the name with its path.
    User(Account, String),
    /// A role; the name without its path, and the session's name when it is known.
    Role { account: Account, name: String, session: Option<String>, service_linked: bool },
    /// A federated user, and the user (with path) who issued the session when that is known.
    Federated { account: Account, name: String, issuer: Option<String> },
    /// An AWS service.
    Service(String),
    /// Nobody in particular.
    Anonymous,
}

/// An account within its partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub partition: String,
    pub number: String,
}

/// One principal listed in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Everyone,
    /// A bare account number, in whatever partition.
    AccountNumber(String),
    Root(Account),
    User(Account, String),
    Role(Account, String),
    Session(Account, String, String),
    Federated(Account, String),
    Service(String),
    /// Unique ids, web identities, canonical users, anything else.
    Nobody,
}

/// How a principal of a policy means the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Account,
    User,
    Issuer,
    Role,
    Session,
    Federated,
    Service,
    Everyone,
}

/// Cuts an ARN of a principal; the name of a role without its path.
fn entity(text: &str) -> Option<Entry> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, "", number, rest] = parts.as_slice() else { return None };
    let account = Account { partition: (*partition).to_owned(), number: (*number).to_owned() };
    let (kind, name) = rest.split_once('/').unwrap_or((rest, ""));
    match (*service, kind) {
        ("iam", "root") if *rest == "root" => Some(Entry::Root(account)),
        ("iam", "user") if !name.is_empty() => Some(Entry::User(account, name.to_owned())),
        ("iam", "role") => {
            let last = name.rsplit('/').next().unwrap_or_default();
            (!last.is_empty()).then(|| Entry::Role(account, last.to_owned()))
        }
        ("sts", "assumed-role") => {
            let (role, session) = name.split_once('/')?;
            Some(Entry::Session(account, role.to_owned(), session.to_owned()))
        }
        ("sts", "federated-user") if !name.is_empty() => Some(Entry::Federated(account, name.to_owned())),
        _ => None,
    }
}

impl Caller {
    /// Reads the principal of a request.
    pub fn read(node: &Node) -> Result<Caller, Fault> {
        let text = node.text()?;
        if text == "anonymous" {
            return Ok(Caller::Anonymous);
        }
        if let Some(service) = text.strip_prefix("service:") {
            return Ok(Caller::Service(service.to_owned()));
        }
        match entity(&text) {
            Some(Entry::Root(account)) => Ok(Caller::Root(account)),
            Some(Entry::User(account, name)) => Ok(Caller::User(account, name)),
            Some(Entry::Role(account, name)) => {
                let service_linked = text.contains(":role/aws-service-role/");
                Ok(Caller::Role { account, name, session: None, service_linked })
            }
            Some(Entry::Session(account, name, session)) => {
                Ok(Caller::Role { account, name, session: Some(session), service_linked: false })
            }
            Some(Entry::Federated(account, name)) => Ok(Caller::Federated { account, name, issuer: None }),
            _ => Err(node.fault("expected a principal's ARN, `service:NAME` or `anonymous`")),
        }
    }

    pub fn account(&self) -> Option<&Account> {
        match self {
            Caller::Root(account) | Caller::User(account, _) => Some(account),
            Caller::Role { account, .. } | Caller::Federated { account, .. } => Some(account),
            Caller::Service(_) | Caller::Anonymous => None,
        }
    }

    /// Whether service control policies bind this caller.
    pub fn bound_by_service_control(&self) -> bool {
        match self {
            Caller::Role { service_linked, .. } => !service_linked,
            Caller::Service(_) | Caller::Anonymous => false,
            _ => true,
        }
    }
}

/// Reads a `Principal` or `NotPrincipal` element.
pub(crate) fn read(element: &Node) -> Result<Vec<Entry>, Fault> {
    if let Some(text) = element.value.as_str() {
        return if text == "*" { Ok(vec![Entry::Everyone]) } else { Err(element.fault("expected `*` or an object")) };
    }
    let mut entries = Vec::new();
    for (kind, listed) in element.fields()? {
        let values = listed.one_or_many()?;
        for value in values {
            let text = value.text()?;
            entries.push(match kind.as_str() {
                "AWS" if text == "*" => Entry::Everyone,
                "AWS" if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Entry::AccountNumber(text)
                }
                "AWS" => entity(&text).unwrap_or(Entry::Nobody),
                "Service" => Entry::Service(text),
                "Federated" | "CanonicalUser" => Entry::Nobody,
                _ => return Err(listed.fault("expected `AWS`, `Service`, `Federated` or `CanonicalUser`")),
            });
        }
    }
    Ok(entries)
}

/// How this entry means the caller, if it does. The caller's session or issuer is known here.
pub(crate) fn form(entry: &Entry, caller: &Caller) -> Option<Form> {
    let same = |account: &Account| caller.account() == Some(account);
    let found = match (entry, caller) {
        (Entry::Everyone, _) => return Some(Form::Everyone),
        (Entry::AccountNumber(number), _) => caller.account().is_some_and(|account| account.number == *number),
        (Entry::Root(account), _) => same(account),
        (Entry::User(account, name), Caller::User(_, own)) => same(account) && name == own,
        (Entry::User(account, name), Caller::Federated { issuer, .. }) => {
            same(account) && issuer.as_ref() == Some(name)
        }
        (Entry::Role(account, role), Caller::Role { name, .. }) => same(account) && role == name,
        (Entry::Session(account, role, listed), Caller::Role { name, session, .. }) => {
            same(account) && role == name && session.as_ref() == Some(listed)
        }
        (Entry::Federated(account, listed), Caller::Federated { name, .. }) => same(account) && listed == name,
        (Entry::Service(listed), Caller::Service(name)) => listed == name,
        _ => false,
    };
    let form = match (entry, caller) {
        (Entry::AccountNumber(_) | Entry::Root(_), _) => Form::Account,
        (Entry::User(..), Caller::User(..)) => Form::User,
        (Entry::User(..), _) => Form::Issuer,
        (Entry::Role(..), _) => Form::Role,
        (Entry::Session(..), _) => Form::Session,
        (Entry::Federated(..), _) => Form::Federated,
        _ => Form::Service,
    };
    found.then_some(form)
}

/// Whether a `NotPrincipal` list with `Deny` names every identity of the caller: account, entity and session. Everyone is
/// named by `*`.
pub(crate) fn names_every_identity(entries: &[Entry], caller: &Caller) -> bool {
    let forms: Vec<Form> = entries.iter().filter_map(|entry| form(entry, caller)).collect();
    let named = |wanted: Form| forms.contains(&wanted);
    if named(Form::Everyone) {
        return true;
    }
    let account = named(Form::Account);
    match caller {
        Caller::Root(_) => account,
        Caller::User(..) => account && named(Form::User),
        Caller::Role { .. } => account && named(Form::Role) && named(Form::Session),
        Caller::Federated { .. } => account && named(Form::Federated),
        Caller::Service(_) => named(Form::Service),
        Caller::Anonymous => false,
    }
}

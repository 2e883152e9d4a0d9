//! Policy documents and the question whether a statement fits a request.

use super::complete::Complete;
use super::condition::{self, Clause};
use super::context::Context;
use super::json::{Fault, Node};
use super::principal::{self, Entry, Form, form, names_every_identity};
use super::variable::{pieces, resolve};
use super::wildcard::{Item, arn_parts, matches, pattern};

/// Which elements a policy may and must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Identity policy, permissions boundary, session policy, service control policy: no principal, a resource.
    Identity,
    /// A policy of the resource: a principal; the resource may be left out.
    Resource,
    /// Resource control policy, VPC endpoint policy: both may be left out.
    Guard,
}

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub name: Option<String>,
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub allow: bool,
    pub principals: Principals,
    pub actions: Listed,
    /// `None` when the statement leaves the resource out: it is the resource itself.
    pub resources: Option<Listed>,
    pub clauses: Vec<Clause>,
    /// Whether the document's version knows policy variables.
    pub variables: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Principals {
    Unnamed,
    These(Vec<Entry>),
    AllBut(Vec<Entry>),
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub texts: Vec<String>,
    pub all_but: bool,
}

impl Policy {
    /// Reads a policy document, or `{"name", "document"}`.
    pub fn read(node: &Node, kind: Kind) -> Result<Policy, Fault> {
        let Some(document) = node.field("document") else {
            return Ok(Policy { name: None, statements: statements(node, kind)? });
        };
        for (field, value) in node.fields()? {
            if field != "name" && field != "document" {
                return Err(value.fault(format!("unknown field `{field}`")));
            }
        }
        let name = node.field("name").map(|name| name.text()).transpose()?;
        Ok(Policy { name, statements: statements(&document, kind)? })
    }
}

fn statements(document: &Node, kind: Kind) -> Result<Vec<Statement>, Fault> {
    document.object()?;
    let variables = match document.field("Version") {
        None => false,
        Some(version) => match version.text()?.as_str() {
            "2012-10-17" => true,
            "2008-10-17" => false,
            other => return Err(version.fault(format!("expected `2012-10-17` or `2008-10-17`, found `{other}`"))),
        },
    };
    if let Some(id) = document.field("Id") {
        id.text()?;
    }
    spelled_so(document, &["Version", "Id", "Statement"])?;
    let listed = document.required("Statement")?.one_or_many()?;
    listed.iter().map(|statement| Statement::read(statement, kind, variables)).collect()
}

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"];

/// No field is one of these names in other letters.
fn spelled_so(node: &Node, names: &[&str]) -> Result<(), Fault> {
    for (field, value) in node.fields()? {
        let lower = field.to_lowercase();
        if let Some(name) = names.iter().find(|name| name.to_lowercase() == lower && **name != field) {
            return Err(value.fault(format!("expected `{name}`, found `{field}`")));
        }
    }
    Ok(())
}

impl Statement {
    fn read(node: &Node, kind: Kind, variables: bool) -> Result<Statement, Fault> {
        spelled_so(node, &ELEMENTS)?;
        if let Some(sid) = node.field("Sid") {
            sid.text()?;
        }
        let effect = node.required("Effect")?;
        let allow = match effect.text()?.as_str() {
            "Allow" => true,
            "Deny" => false,
            other => return Err(effect.fault(format!("expected `Allow` or `Deny`, found `{other}`"))),
        };
        let actions = listed(node, "Action")?.ok_or_else(|| node.missing("Action"))?;
        let resources = listed(node, "Resource")?;
        if resources.is_none() && kind == Kind::Identity {
            return Err(node.missing("Resource"));
        }
        let clauses = node.field("Condition").map(|block| condition::read(&block)).transpose()?.unwrap_or_default();
        Ok(Statement { allow, principals: principals(node, kind)?, actions, resources, clauses, variables })
    }

    /// How the statement means the request's principal; empty when it does not fit the request.
    pub fn fits(&self, request: &Complete) -> Vec<Form> {
        let forms = self.forms(request);
        let fits = self.action_fits(request.action)
            && self.resource_fits(request)
            && self.clauses.iter().all(|clause| clause.holds(self.variables, request.context));
        if fits { forms } else { Vec::new() }
    }

    fn forms(&self, request: &Complete) -> Vec<Form> {
        let meant = |entries: &[Entry]| entries.iter().filter_map(|entry| form(entry, request.caller)).collect();
        match &self.principals {
            Principals::Unnamed => vec![Form::Everyone],
            Principals::These(entries) => meant(entries),
            Principals::AllBut(entries) => {
                let excepted = if self.allow {
                    let meant: Vec<Form> = meant(entries);
                    !meant.is_empty()
                } else {
                    !request.has_boundary() && names_every_identity(entries, request.caller)
                };
                if excepted { Vec::new() } else { vec![Form::Everyone] }
            }
        }
    }

    fn action_fits(&self, action: &str) -> bool {
        let action = action.to_lowercase();
        let found = self.actions.texts.iter().any(|text| matches(&pattern(&text.to_lowercase()), &action));
        found != self.actions.all_but
    }

    fn resource_fits(&self, request: &Complete) -> bool {
        let Some(resources) = &self.resources else { return true };
        let found = resources
            .texts
            .iter()
            .any(|text| resource_matches(text, request.resource, self.variables, request.context));
        found != resources.all_but
    }
}

/// Whether one entry of `Resource` or `NotResource` means the resource.
pub(crate) fn resource_matches(text: &str, resource: &str, variables: bool, context: &Context) -> bool {
    if text.chars().all(|character| character == '*') {
        return true;
    }
    let Some(actual) = arn_parts(resource) else { return false };
    let mut wanted: Vec<&str> = text.splitn(6, ':').collect();
    while wanted.len() < 6 {
        wanted.push("*");
    }
    wanted.iter().zip(actual).enumerate().all(|(index, (wanted, actual))| match index {
        0 | 2 => *wanted == "*" || *wanted == actual,
        5 => {
            resolve(&pieces(wanted, variables), true, context).is_some_and(|wanted: Vec<Item>| matches(&wanted, actual))
        }
        _ => matches(&pattern(wanted), actual),
    })
}

/// `service:action`: one colon, something on either side, and a service of letters, digits, `-`, `.` and wildcards.
fn action_named(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [service, action] = parts.as_slice() else { return false };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-.*?".contains(letter);
    !service.is_empty() && service.chars().all(plain) && !action.is_empty()
}

/// An ARN, perhaps cut short after the service: a service is named, and only a whole one has an empty part between others.
fn arn_written(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let whole = parts.len() >= 6;
    parts.first() == Some(&"arn")
        && parts.get(2).is_some_and(|service| !service.is_empty())
        && (whole || parts.iter().rev().skip(1).all(|part| !part.is_empty()))
}

fn principals(node: &Node, kind: Kind) -> Result<Principals, Fault> {
    let (these, all_but) = (node.field("Principal"), node.field("NotPrincipal"));
    if kind == Kind::Identity
        && let Some(element) = these.as_ref().or(all_but.as_ref())
    {
        return Err(element.fault("a policy of this kind names no principal"));
    }
    match (these, all_but) {
        (Some(_), Some(all_but)) => Err(all_but.fault("expected either `Principal` or `NotPrincipal`")),
        (Some(these), None) => Ok(Principals::These(principal::read(&these)?)),
        (None, Some(all_but)) => Ok(Principals::AllBut(principal::read(&all_but)?)),
        (None, None) if kind == Kind::Resource => Err(node.missing("Principal")),
        (None, None) => Ok(Principals::Unnamed),
    }
}

/// The list under `name` or under `Not` + `name`.
fn listed(node: &Node, name: &str) -> Result<Option<Listed>, Fault> {
    let (element, all_but) = match (node.field(name), node.field(&format!("Not{name}"))) {
        (Some(_), Some(all_but)) => return Err(all_but.fault(format!("expected either `{name}` or `Not{name}`"))),
        (Some(element), None) => (element, false),
        (None, Some(element)) => (element, true),
        (None, None) => return Ok(None),
    };
    let items = element.one_or_many()?;
    if items.is_empty() {
        return Err(element.fault("expected at least one entry"));
    }
    let mut texts = Vec::new();
    for item in items {
        let text = item.text()?;
        let stars = !text.is_empty() && text.chars().all(|character| character == '*');
        let fine = match name {
            "Action" => action_named(&text),
            _ => arn_written(&text),
        };
        if !stars && !fine {
            let expected = if name == "Action" { "`*` or `service:action`" } else { "`*` or an ARN" };
            return Err(item.fault(format!("expected {expected}, found `{text}`")));
        }
        texts.push(text);
    }
    Ok(Some(Listed { texts, all_but }))
}

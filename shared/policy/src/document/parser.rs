//! From JSON to a document.

use std::sync::Arc;

use super::{
    ActionElement, Effect, PolicyDocument, PolicyError, PolicyGrammar, PrincipalElement, PrincipalPattern,
    ResourceElement, Statement, Statements, Version,
};
use crate::arn::Arn;
use crate::condition::{Condition, Operator};
use crate::json::{Json, Place, quoted};
use crate::pattern::{ActionPattern, ArnPattern};

type Result<T> = std::result::Result<T, PolicyError>;

/// A principal, with the partition when it is written as the ARN of an account's root.
type Member = (PrincipalPattern, Option<Box<str>>);

fn error(place: &Place<'_>, found: impl Into<String>, expected: impl Into<String>) -> PolicyError {
    PolicyError { pointer: place.pointer(), found: found.into(), expected: expected.into() }
}

fn wrong(place: &Place<'_>, found: &Json, expected: &str) -> PolicyError {
    error(place, found.describe(), expected)
}

pub(super) fn document(json: Json, grammar: PolicyGrammar) -> Result<PolicyDocument> {
    let root = Place::Root;
    let fields = match &json {
        Json::Object(fields) => fields,
        // IAM's read calls answer with documents in this form.
        Json::String(text) if text.trim_start().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%7b")) => {
            return Err(wrong(&root, &json, "a policy document (a JSON object); this one has to be URL-decoded first"));
        }
        other => return Err(wrong(&root, other, "a policy document (a JSON object)")),
    };
    // A tree that was not parsed from text may hold a key twice.
    for (index, (name, _)) in fields.iter().enumerate() {
        if fields.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(error(&root.field(name), format!("duplicate key {}", quoted(name)), "every key once"));
        }
    }
    known_names(fields, &root, &["Version", "Id", "Statement"])?;
    let version = match json.get("Version") {
        None => Version::V2008,
        Some(Json::String(text)) if text == "2008-10-17" => Version::V2008,
        Some(Json::String(text)) if text == "2012-10-17" => Version::V2012,
        Some(other) => return Err(wrong(&root.field("Version"), other, "`2012-10-17` or `2008-10-17`")),
    };
    let id = optional_text(&json, &root, "Id")?;
    let reader = Reader { grammar, variables: version == Version::V2012 };
    let place = root.field("Statement");
    let statements = match json.get("Statement") {
        Some(single @ Json::Object(_)) => vec![reader.statement(single, &place)?],
        Some(Json::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| reader.statement(item, &place.item(index)))
            .collect::<Result<_>>()?,
        Some(other) => return Err(wrong(&place, other, "a statement or a list of statements")),
        None => return Err(error(&place, "nothing", "a statement or a list of statements")),
    };
    Ok(PolicyDocument { version, id, statements: Statements::new(statements), raw: Arc::new(json), grammar })
}

/// IAM takes its elements in one spelling only. What differs from one in its case alone is no extra field: a `condition` that
/// nobody reads would be a guard that is not there.
fn known_names(fields: &[(String, Json)], place: &Place<'_>, known: &[&str]) -> Result<()> {
    let foreign = fields.iter().map(|(name, _)| name.as_str()).filter(|name| !known.contains(name));
    for name in foreign {
        if let Some(meant) = known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            return Err(error(&place.field(name), quoted(name), format!("`{meant}`, in this spelling")));
        }
    }
    Ok(())
}

fn optional_text(json: &Json, place: &Place<'_>, name: &str) -> Result<Option<String>> {
    match json.get(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(&place.field(name), other, "a string")),
    }
}

/// What is made of a string, or of each in a list of at least one. `parse` gives `None` for a text that it does not take.
fn texts<T>(json: &Json, place: &Place<'_>, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
    let one = |text: &str, place: &Place<'_>| parse(text).ok_or_else(|| error(place, quoted(text), expected));
    match json {
        Json::String(text) => Ok(vec![one(text, place)?]),
        Json::Array(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Json::String(text) => one(text, &place.item(index)),
                other => Err(wrong(&place.item(index), other, expected)),
            })
            .collect(),
        other => Err(wrong(place, other, &format!("{expected}, or a list of them"))),
    }
}

/// Those that most statements have come first.
const ELEMENTS: [&str; 9] =
    ["Effect", "Action", "Resource", "Condition", "Sid", "Principal", "NotAction", "NotResource", "NotPrincipal"];

/// An element and its negation.
struct Names {
    plain: &'static str,
    negated: &'static str,
}

const ACTION: Names = Names { plain: "Action", negated: "NotAction" };
const RESOURCE: Names = Names { plain: "Resource", negated: "NotResource" };
const PRINCIPAL: Names = Names { plain: "Principal", negated: "NotPrincipal" };

/// The element or its negation; the boolean says which.
fn either<'a>(json: &'a Json, place: &Place<'_>, names: &Names) -> Result<Option<(bool, &'static str, &'a Json)>> {
    let Names { plain, negated } = *names;
    match (json.get(plain), json.get(negated)) {
        (Some(_), Some(_)) => {
            Err(error(&place.field(negated), format!("both `{plain}` and `{negated}`"), "one of the two"))
        }
        (Some(value), None) => Ok(Some((false, plain, value))),
        (None, Some(value)) => Ok(Some((true, negated, value))),
        (None, None) => Ok(None),
    }
}

struct Reader {
    grammar: PolicyGrammar,
    variables: bool,
}

impl Reader {
    fn statement(&self, json: &Json, place: &Place<'_>) -> Result<Statement> {
        let Json::Object(fields) = json else {
            return Err(wrong(place, json, "a statement (a JSON object)"));
        };
        known_names(fields, place, &ELEMENTS)?;
        let sid = optional_text(json, place, "Sid")?;
        let effect = match json.get("Effect") {
            Some(Json::String(text)) if text == "Allow" => Effect::Allow,
            Some(Json::String(text)) if text == "Deny" => Effect::Deny,
            Some(other) => return Err(wrong(&place.field("Effect"), other, "`Allow` or `Deny`")),
            None => return Err(error(&place.field("Effect"), "nothing", "`Allow` or `Deny`")),
        };
        Ok(Statement {
            sid,
            effect,
            principal: self.principal(json, place)?,
            action: action(json, place)?,
            resource: self.resource(json, place)?,
            conditions: self.conditions(json, place)?,
            pointer: place.pointer(),
        })
    }

    fn resource(&self, json: &Json, place: &Place<'_>) -> Result<Option<ResourceElement>> {
        let Some((negated, name, value)) = either(json, place, &RESOURCE)? else {
            return match self.grammar {
                PolicyGrammar::Identity => {
                    Err(error(&place.field("Resource"), "nothing", "`Resource` or `NotResource`"))
                }
                PolicyGrammar::Resource | PolicyGrammar::ResourceControl => Ok(None),
            };
        };
        let expected = "`*` or an ARN (`arn:partition:service:region:account:resource`)";
        let patterns = texts(value, &place.field(name), expected, |text| ArnPattern::parse(text, self.variables).ok())?;
        Ok(Some(ResourceElement { negated, patterns }))
    }

    fn principal(&self, json: &Json, place: &Place<'_>) -> Result<Option<PrincipalElement>> {
        let found = either(json, place, &PRINCIPAL)?;
        match (found, self.grammar) {
            (Some((_, name, value)), PolicyGrammar::Identity) => {
                Err(wrong(&place.field(name), value, "no principal in a policy of this kind"))
            }
            (None, PolicyGrammar::Resource) => {
                Err(error(&place.field("Principal"), "nothing", "`Principal` or `NotPrincipal`"))
            }
            (None, _) => Ok(None),
            (Some((negated, name, value)), _) => principal(negated, &place.field(name), value).map(Some),
        }
    }

    fn conditions(&self, json: &Json, place: &Place<'_>) -> Result<Vec<Condition>> {
        let place = place.field("Condition");
        let mut conditions = Vec::new();
        for (name, block) in object(json.get("Condition"), &place, "an object of condition operators")? {
            let place = place.field(name);
            let operator = Operator::parse(name).map_err(|_| error(&place, quoted(name), "a condition operator"))?;
            for (key, values) in object(Some(block), &place, "an object of condition keys")? {
                let place = place.field(key);
                let texts = condition_values(values, &place)?;
                let condition = Condition::new(operator.clone(), key.clone(), texts, place.pointer(), self.variables)
                    .map_err(|bad| {
                    let value = place.item(bad.index);
                    let at = if matches!(values, Json::Array(_)) { &value } else { &place };
                    error(at, quoted(&bad.found), bad.expected)
                })?;
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }
}

fn object<'a>(json: Option<&'a Json>, place: &Place<'_>, expected: &str) -> Result<&'a [(String, Json)]> {
    match json {
        None => Ok(&[]),
        Some(Json::Object(fields)) => Ok(fields),
        Some(other) => Err(wrong(place, other, expected)),
    }
}

fn condition_values(json: &Json, place: &Place<'_>) -> Result<Vec<String>> {
    let one = |value: &Json, place: &Place<'_>| match value {
        Json::String(text) | Json::Number(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        other => Err(wrong(place, other, "a string, a number or a boolean")),
    };
    match json {
        Json::Array(items) => items.iter().enumerate().map(|(index, item)| one(item, &place.item(index))).collect(),
        scalar => Ok(vec![one(scalar, place)?]),
    }
}

fn action(json: &Json, place: &Place<'_>) -> Result<ActionElement> {
    let Some((negated, name, value)) = either(json, place, &ACTION)? else {
        return Err(error(&place.field("Action"), "nothing", "`Action` or `NotAction`"));
    };
    let expected = "`*` or `service:Action`";
    let patterns = texts(value, &place.field(name), expected, |text| ActionPattern::parse(text).ok())?;
    Ok(ActionElement { negated, patterns })
}

fn principal(negated: bool, place: &Place<'_>, json: &Json) -> Result<PrincipalElement> {
    const KINDS: &str = "`*` or an object of `AWS`, `Service`, `Federated`, `CanonicalUser`";
    let mut element = PrincipalElement { negated, members: Vec::new(), partitions: Vec::new() };
    match json {
        Json::String(text) if text == "*" => {
            element.members.push(PrincipalPattern::Everyone);
            element.partitions.push(None);
        }
        Json::Object(kinds) if !kinds.is_empty() => {
            for (kind, values) in kinds {
                let place = place.field(kind);
                let (expected, parse): (_, fn(&str) -> Option<Member>) = match kind.as_str() {
                    "AWS" => ("`*`, an account id of twelve digits, an ARN or a unique id", aws_principal),
                    "Service" => ("a service such as `ses.amazonaws.com`", |text| {
                        Some((PrincipalPattern::Service(text.to_owned()), None))
                    }),
                    "Federated" => {
                        ("an identity provider", |text| Some((PrincipalPattern::Federated(text.to_owned()), None)))
                    }
                    "CanonicalUser" => {
                        ("a canonical user id", |text| Some((PrincipalPattern::CanonicalUser(text.to_owned()), None)))
                    }
                    other => {
                        return Err(error(&place, quoted(other), "`AWS`, `Service`, `Federated` or `CanonicalUser`"));
                    }
                };
                for (member, partition) in texts(values, &place, expected, parse)? {
                    element.members.push(member);
                    element.partitions.push(partition);
                }
            }
        }
        other => return Err(wrong(place, other, KINDS)),
    }
    Ok(element)
}

/// A member of `{"AWS": …}`.
fn aws_principal(text: &str) -> Option<Member> {
    if text == "*" {
        return Some((PrincipalPattern::Everyone, None));
    }
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((PrincipalPattern::Account(text.to_owned()), None));
    }
    if let Ok(arn) = Arn::parse(text) {
        if (arn.service(), arn.region(), arn.resource()) == ("iam", "", "root") {
            return Some((PrincipalPattern::Account(arn.account().to_owned()), Some(arn.partition().into())));
        }
        return Some((PrincipalPattern::Arn(arn), None));
    }
    let unique_id = text.len() >= 16 && text.starts_with('A') && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    unique_id.then(|| (PrincipalPattern::UniqueId(text.to_owned()), None))
}

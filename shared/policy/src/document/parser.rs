//! From JSON to a document.

use std::sync::Arc;

use super::{
    ActionElement, Effect, PolicyDocument, PolicyError, PolicyGrammar, PrincipalElement, PrincipalPattern,
    ResourceElement, Statement, Statements, Version,
};
use crate::arn::Arn;
use crate::condition::{Condition, Operator};
use crate::json::{Json, push_index, push_pointer, shortened};
use crate::pattern::{ActionPattern, ArnPattern};

type Result<T> = std::result::Result<T, PolicyError>;

/// A principal, with the partition when it is written as the ARN of an account's root.
type Member = (PrincipalPattern, Option<Box<str>>);

fn error(pointer: &str, found: impl Into<String>, expected: impl Into<String>) -> PolicyError {
    PolicyError { pointer: pointer.to_owned(), found: found.into(), expected: expected.into() }
}

fn wrong(pointer: &str, found: &Json, expected: &str) -> PolicyError {
    error(pointer, found.describe(), expected)
}

fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

pub(super) fn document(json: Json, grammar: PolicyGrammar) -> Result<PolicyDocument> {
    let Json::Object(fields) = &json else {
        return Err(wrong("", &json, "a policy document (a JSON object)"));
    };
    // A tree that was not parsed from text may hold a key twice.
    for (index, (name, _)) in fields.iter().enumerate() {
        if fields.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(error(&push_pointer("", name), format!("duplicate key {}", quoted(name)), "every key once"));
        }
    }
    let version = match json.get("Version") {
        None => Version::V2008,
        Some(Json::String(text)) if text == "2008-10-17" => Version::V2008,
        Some(Json::String(text)) if text == "2012-10-17" => Version::V2012,
        Some(other) => return Err(wrong("/Version", other, "`2012-10-17` or `2008-10-17`")),
    };
    let id = optional_text(&json, "", "Id")?;
    let reader = Reader { grammar, variables: version == Version::V2012 };
    let statements = match json.get("Statement") {
        Some(single @ Json::Object(_)) => vec![reader.statement(single, "/Statement")?],
        Some(Json::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| reader.statement(item, &push_index("/Statement", index)))
            .collect::<Result<_>>()?,
        Some(other) => return Err(wrong("/Statement", other, "a statement or a list of statements")),
        None => return Err(error("/Statement", "nothing", "a statement or a list of statements")),
    };
    Ok(PolicyDocument { version, id, statements: Statements::new(statements), raw: Arc::new(json), grammar })
}

fn optional_text(json: &Json, pointer: &str, name: &str) -> Result<Option<String>> {
    match json.get(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(&push_pointer(pointer, name), other, "a string")),
    }
}

/// A string, or a list of at least one string, each with its pointer.
fn texts<'a>(json: &'a Json, pointer: &str, expected: &str) -> Result<Vec<(String, &'a str)>> {
    match json {
        Json::String(text) => Ok(vec![(pointer.to_owned(), text)]),
        Json::Array(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let pointer = push_index(pointer, index);
                match item {
                    Json::String(text) => Ok((pointer, text.as_str())),
                    other => Err(wrong(&pointer, other, expected)),
                }
            })
            .collect(),
        other => Err(wrong(pointer, other, &format!("{expected}, or a list of them"))),
    }
}

/// `X` or `NotX`; the boolean says which.
fn either<'a>(json: &'a Json, pointer: &str, name: &str) -> Result<Option<(bool, String, &'a Json)>> {
    let not = format!("Not{name}");
    match (json.get(name), json.get(&not)) {
        (Some(_), Some(_)) => {
            Err(error(&push_pointer(pointer, &not), format!("both `{name}` and `{not}`"), "one of the two"))
        }
        (Some(value), None) => Ok(Some((false, push_pointer(pointer, name), value))),
        (None, Some(value)) => Ok(Some((true, push_pointer(pointer, &not), value))),
        (None, None) => Ok(None),
    }
}

struct Reader {
    grammar: PolicyGrammar,
    variables: bool,
}

impl Reader {
    fn statement(&self, json: &Json, pointer: &str) -> Result<Statement> {
        if !matches!(json, Json::Object(_)) {
            return Err(wrong(pointer, json, "a statement (a JSON object)"));
        }
        let sid = optional_text(json, pointer, "Sid")?;
        let effect_pointer = push_pointer(pointer, "Effect");
        let effect = match json.get("Effect") {
            Some(Json::String(text)) if text == "Allow" => Effect::Allow,
            Some(Json::String(text)) if text == "Deny" => Effect::Deny,
            Some(other) => return Err(wrong(&effect_pointer, other, "`Allow` or `Deny`")),
            None => return Err(error(&effect_pointer, "nothing", "`Allow` or `Deny`")),
        };
        Ok(Statement {
            sid,
            effect,
            principal: self.principal(json, pointer)?,
            action: action(json, pointer)?,
            resource: self.resource(json, pointer)?,
            conditions: self.conditions(json, pointer)?,
            pointer: pointer.to_owned(),
        })
    }

    fn resource(&self, json: &Json, pointer: &str) -> Result<Option<ResourceElement>> {
        let Some((negated, pointer, value)) = either(json, pointer, "Resource")? else {
            return match self.grammar {
                PolicyGrammar::Identity => {
                    Err(error(&push_pointer(pointer, "Resource"), "nothing", "`Resource` or `NotResource`"))
                }
                PolicyGrammar::Resource | PolicyGrammar::ResourceControl => Ok(None),
            };
        };
        let patterns = texts(value, &pointer, "`*` or an ARN")?
            .into_iter()
            .map(|(pointer, text)| {
                ArnPattern::parse(text, self.variables)
                    .map_err(|_| error(&pointer, quoted(text), "`*` or a text that starts with `arn:`"))
            })
            .collect::<Result<_>>()?;
        Ok(Some(ResourceElement { negated, patterns }))
    }

    fn principal(&self, json: &Json, pointer: &str) -> Result<Option<PrincipalElement>> {
        let found = either(json, pointer, "Principal")?;
        match (found, self.grammar) {
            (Some((_, pointer, value)), PolicyGrammar::Identity) => {
                Err(wrong(&pointer, value, "no principal in a policy of this kind"))
            }
            (None, PolicyGrammar::Resource) => {
                Err(error(&push_pointer(pointer, "Principal"), "nothing", "`Principal` or `NotPrincipal`"))
            }
            (None, _) => Ok(None),
            (Some((negated, pointer, value)), _) => principal(negated, &pointer, value).map(Some),
        }
    }

    fn conditions(&self, json: &Json, pointer: &str) -> Result<Vec<Condition>> {
        let pointer = push_pointer(pointer, "Condition");
        let mut conditions = Vec::new();
        for (name, block) in object(json.get("Condition"), &pointer, "an object of condition operators")? {
            let pointer = push_pointer(&pointer, name);
            let operator = Operator::parse(name).map_err(|_| error(&pointer, quoted(name), "a condition operator"))?;
            for (key, values) in object(Some(block), &pointer, "an object of condition keys")? {
                let pointer = push_pointer(&pointer, key);
                let texts = condition_values(values, &pointer)?;
                let condition = Condition::new(operator.clone(), key.clone(), texts, pointer.clone(), self.variables)
                    .map_err(|bad| {
                    let at = match values {
                        Json::Array(_) => push_index(&pointer, bad.index),
                        _ => pointer.clone(),
                    };
                    error(&at, quoted(&bad.found), bad.expected)
                })?;
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }
}

fn object<'a>(json: Option<&'a Json>, pointer: &str, expected: &str) -> Result<&'a [(String, Json)]> {
    match json {
        None => Ok(&[]),
        Some(Json::Object(fields)) => Ok(fields),
        Some(other) => Err(wrong(pointer, other, expected)),
    }
}

fn condition_values(json: &Json, pointer: &str) -> Result<Vec<String>> {
    let one = |value: &Json, pointer: &str| match value {
        Json::String(text) | Json::Number(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        other => Err(wrong(pointer, other, "a string, a number or a boolean")),
    };
    match json {
        Json::Array(items) => {
            items.iter().enumerate().map(|(index, item)| one(item, &push_index(pointer, index))).collect()
        }
        scalar => Ok(vec![one(scalar, pointer)?]),
    }
}

fn action(json: &Json, pointer: &str) -> Result<ActionElement> {
    const EXPECTED: &str = "`*` or `service:Action`";
    let Some((negated, pointer, value)) = either(json, pointer, "Action")? else {
        return Err(error(&push_pointer(pointer, "Action"), "nothing", "`Action` or `NotAction`"));
    };
    let patterns = texts(value, &pointer, EXPECTED)?
        .into_iter()
        .map(|(pointer, text)| ActionPattern::parse(text).map_err(|_| error(&pointer, quoted(text), EXPECTED)))
        .collect::<Result<_>>()?;
    Ok(ActionElement { negated, patterns })
}

fn principal(negated: bool, pointer: &str, json: &Json) -> Result<PrincipalElement> {
    const KINDS: &str = "`*` or an object of `AWS`, `Service`, `Federated`, `CanonicalUser`";
    let mut element = PrincipalElement { negated, members: Vec::new(), partitions: Vec::new() };
    match json {
        Json::String(text) if text == "*" => {
            element.members.push(PrincipalPattern::Everyone);
            element.partitions.push(None);
        }
        Json::Object(kinds) if !kinds.is_empty() => {
            for (kind, values) in kinds {
                let pointer = push_pointer(pointer, kind);
                let parse: fn(&str) -> Option<Member> = match kind.as_str() {
                    "AWS" => aws_principal,
                    "Service" => |text| Some((PrincipalPattern::Service(text.to_owned()), None)),
                    "Federated" => |text| Some((PrincipalPattern::Federated(text.to_owned()), None)),
                    "CanonicalUser" => |text| Some((PrincipalPattern::CanonicalUser(text.to_owned()), None)),
                    other => {
                        return Err(error(&pointer, quoted(other), "`AWS`, `Service`, `Federated` or `CanonicalUser`"));
                    }
                };
                for (pointer, text) in texts(values, &pointer, "a principal")? {
                    let Some((member, partition)) = parse(text) else {
                        return Err(error(
                            &pointer,
                            quoted(text),
                            "`*`, an account id of twelve digits, an ARN or a unique id",
                        ));
                    };
                    element.members.push(member);
                    element.partitions.push(partition);
                }
            }
        }
        other => return Err(wrong(pointer, other, KINDS)),
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

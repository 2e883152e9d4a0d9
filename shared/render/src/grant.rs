//! "X will be able to do Y as Z": read off the document that would be written, not off its title.

use serde_json::Value;
use sesame_diagnosis::finding::{Finding, Operation, Origin, Remedy, RequestInfo, TargetKind};
use sesame_diagnosis::words::short_arn;

use crate::{escape, words};

/// How many senders are named.
const SENDERS: usize = 4;
/// How many grants are spelled out.
const SPELLED_OUT: usize = 6;

/// What the plan gives, in sentences; empty when it gives nothing by an Allow of its own (an exception to a Deny, a detachment).
pub fn sentences(finding: &Finding) -> Vec<String> {
    let remedies: Vec<&Remedy> = finding.planned().collect();
    of(&remedies, finding)
}

/// What some remedies give.
pub fn of(remedies: &[&Remedy], finding: &Finding) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    let written: Vec<&Remedy> = remedies.iter().filter(|remedy| remedy.operation == Operation::Put).copied().collect();
    // A permissions boundary or an SCP only lets through what another policy gives.
    let bounds = |remedy: &&Remedy| matches!(remedy.target.kind, TargetKind::Boundary | TargetKind::Scp);
    let all_bound = written.iter().all(bounds);
    for remedy in written.into_iter().filter(|remedy| all_bound || !bounds(remedy)) {
        let who = remedy.target.principal.as_deref().map_or_else(|| words::who(&finding.principal), short_arn);
        for statement in added(remedy) {
            let grant = grant(&who, statement, remedy.expires.is_some(), finding);
            let until = remedy.expires.as_deref().map(|time| format!(", until {}", until(time))).unwrap_or_default();
            let sentence = format!("{}{until}.", words::capital(&grant));
            if !list.contains(&sentence) {
                list.push(sentence);
            }
        }
    }
    if list.len() > SPELLED_OUT {
        let more = list.len() - SPELLED_OUT;
        list.truncate(SPELLED_OUT);
        list.push(format!("And {more} more; the documents say which."));
    }
    list
}

/// A time as a reader says it.
pub(crate) fn until(time: &str) -> String {
    time.parse::<jiff::Timestamp>()
        .map(|at| at.strftime("%-d %b %Y %H:%M UTC").to_string())
        .unwrap_or_else(|_| time.to_owned())
}

/// The Allow statements of `after` that are not in `before`. A new boundary keeps the statements of the one whose place it takes:
/// what it adds has a Sid of Sesame's.
fn added(remedy: &Remedy) -> Vec<&Value> {
    let in_place = remedy.target.kind == TargetKind::Boundary && remedy.before.is_none();
    let own = |statement: &&Value| {
        let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default();
        !in_place || sid.starts_with("Sesame")
    };
    let before: Vec<&Value> = remedy.before.as_ref().map(statements).unwrap_or_default();
    let after = remedy.after.as_ref().map(statements).unwrap_or_default();
    let allow = |statement: &&Value| statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    after.into_iter().filter(allow).filter(own).filter(|statement| !before.contains(statement)).collect()
}

fn statements(document: &Value) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(single) => vec![single],
        None => Vec::new(),
    }
}

fn grant(who: &str, statement: &Value, ends: bool, finding: &Finding) -> String {
    let list = |element: &str| statement.get(element).map(texts).unwrap_or_default();
    let (actions, resources) = (list("Action"), list("Resource"));
    if actions.is_empty() || resources.is_empty() {
        return format!("{who} gets what a statement without Action or Resource allows; read the document");
    }
    let mut conditions = conditions(statement);
    // The end is said at the end of the sentence.
    conditions.retain(|condition| !(ends && condition.is_the_end()));
    // Whom it is held to is said at the beginning.
    conditions.retain(|condition| !condition.is_for(finding.principal.arn.as_deref()));
    let from: Vec<&Condition> = conditions.iter().filter(|condition| condition.names_the_sender()).collect();
    let guards: Vec<String> =
        conditions.iter().filter(|condition| !condition.names_the_sender()).map(Condition::words).collect();
    let mut sender: Vec<String> =
        from.iter().flat_map(|condition| &condition.values).map(|value| quote(value)).collect();
    if sender.len() > SENDERS {
        let more = sender.len() - SENDERS + 1;
        sender.truncate(SENDERS - 1);
        sender.push(format!("{more} more addresses"));
    }
    let of_recipient = |arn: &str| {
        let asked = |request: &&RequestInfo| request.origin == Origin::RecipientInSandbox && request.resource == arn;
        finding.requests.iter().find(asked).is_some()
    };
    let (identities, others): (Vec<&String>, Vec<&String>) =
        resources.iter().partition(|arn| arn.contains(":identity/"));
    let mut places: Vec<String> = Vec::new();
    for arn in identities.into_iter().chain(others) {
        let place = match of_recipient(arn) {
            true => format!("on the recipient's {}", short_arn(arn)),
            false => place(arn, &sender),
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let actions: Vec<String> = actions.iter().map(|action| quote(action)).collect();
    let only = if guards.is_empty() { String::new() } else { format!(", only where {}", words::and(&guards)) };
    format!("{who} will be able to call {} {}{only}", words::and(&actions), words::and(&places))
}

/// Where a grant applies: "as `news@example.com`", "through configuration set `x`".
fn place(arn: &str, sender: &[String]) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let region = arn.split(':').nth(3).unwrap_or_default();
    let region = if region.is_empty() || region == "*" { String::new() } else { format!(" in {region}") };
    match (resource.split_once('/'), sender) {
        (Some(("identity", _)), [_, ..]) => format!("as {}{region}", sender.join(" or ")),
        (Some(("identity", "*")), []) => format!("as any identity{region}"),
        (Some(("identity", name)), []) if name.contains('@') => format!("as {}{region}", quote(name)),
        (Some(("identity", name)), []) => format!("as any address of {}{region}", quote(name)),
        (Some(("configuration-set", name)), _) => format!("through configuration set {}", quote(name)),
        (Some(("template", name)), _) => format!("with template {}", quote(name)),
        _ => format!("on {}", quote(arn)),
    }
}

struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

impl Condition {
    fn names_the_sender(&self) -> bool {
        self.key.eq_ignore_ascii_case("ses:FromAddress")
            && matches!(self.operator.as_str(), "StringEquals" | "StringLike")
    }
    fn is_for(&self, principal: Option<&str>) -> bool {
        self.key.eq_ignore_ascii_case("aws:PrincipalArn")
            && matches!(self.operator.as_str(), "ArnEquals" | "ArnLike" | "StringEquals")
            && matches!(self.values.as_slice(), [only] if Some(only.as_str()) == principal)
    }
    fn is_the_end(&self) -> bool {
        self.key.eq_ignore_ascii_case("aws:CurrentTime") && self.operator == "DateLessThan"
    }
    fn words(&self) -> String {
        if self.operator.eq_ignore_ascii_case("Null") {
            let absent = self.values.iter().any(|value| value == "true");
            return format!("{} is {}in the request", quote(&self.key), if absent { "not " } else { "" });
        }
        let values: Vec<String> = self.values.iter().map(|value| quote(value)).collect();
        let (each, operator) = match self.operator.split_once(':') {
            Some((set, operator)) if set.eq_ignore_ascii_case("ForAllValues") => ("every ", operator),
            Some((set, operator)) if set.eq_ignore_ascii_case("ForAnyValue") => ("some ", operator),
            _ => ("", self.operator.as_str()),
        };
        let relation = match operator {
            "StringEquals" | "NumericEquals" | "DateEquals" | "Bool" | "ArnEquals" => "is".to_owned(),
            "StringLike" | "ArnLike" => "is like".to_owned(),
            "IpAddress" => "is in".to_owned(),
            other => quote(other),
        };
        format!("{each}{} {relation} {}", quote(&self.key), values.join(" or "))
    }
}

fn conditions(statement: &Value) -> Vec<Condition> {
    let Some(block) = statement.get("Condition").and_then(Value::as_object) else { return Vec::new() };
    let mut list = Vec::new();
    for (operator, keys) in block {
        for (key, values) in keys.as_object().into_iter().flatten() {
            list.push(Condition { operator: operator.clone(), key: key.clone(), values: texts(values) });
        }
    }
    list
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

fn quote(text: &str) -> String {
    format!("`{}`", escape::plain(&text.replace('`', "'")))
}

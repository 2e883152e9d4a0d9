//! A whole case, made so that most statements come close to the request.

use serde_json::{Map, Value, json};

use crate::condition::{Known, block, context, with_variable};
use crate::mistake;
use crate::principal::{OWNER, caller, not_principal, principal};
use crate::random::Random;
use crate::text::{arn_pattern, flip_case, pattern};

/// What the policies of a case are made for.
struct Aim<'a> {
    caller: &'a str,
    action: &'a str,
    resource: &'a str,
    known: Known,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Identity,
    Resource,
    Guard,
}

/// The case of that number.
pub fn case(seed: u64, number: u64) -> Value {
    let mut random = Random::new(seed, number);
    let random = &mut random;
    // Half of the cases are fully known.
    let (unknown_keys, unreadable) =
        random.weighted(&[(8, (0, 0)), (4, (1, 0)), (4, (2, 0)), (3, (0, 8)), (2, (1, 8))], (0, 0));
    let (context, known) = context(random, unknown_keys);
    let caller = caller(random);
    let action = random.pick(&["ses:SendEmail", "ses:SendRawEmail", "s3:GetObject"]);
    let resource = match action {
        "s3:GetObject" => random.pick(&["arn:aws:s3:::bucket/a/b", "arn:aws:s3:::bucket"]),
        _ => random.pick(&[
            "arn:aws:ses:eu-west-1:111122223333:identity/x.com",
            "arn:aws:ses:eu-west-1:111122223333:identity/x.com",
            "arn:aws:ses:eu-west-1:111122223333:identity/a@x.com",
            "arn:aws:ses:eu-west-1:111122223333:configuration-set/a:b",
        ]),
    };
    let aim = Aim { caller, action, resource, known };
    let mut request = Map::new();
    request.insert("principal".to_owned(), json!(caller));
    request.insert("action".to_owned(), json!(action));
    request.insert("resource".to_owned(), json!(resource));
    if random.chance(5) {
        request.insert("resourceAccount".to_owned(), json!(random.pick(&[OWNER, "444455556666"])));
    }
    request.insert("context".to_owned(), Value::Object(context));
    let id = format!("{seed}-{number}");
    let mut case = json!({"id": id, "request": request, "policies": policies(random, &aim, unreadable)});
    if random.chance(2) {
        mistake::put_in(random, &mut case);
    }
    case
}

fn policies(random: &mut Random, aim: &Aim, unreadable: usize) -> Value {
    let cross = !aim.caller.contains(OWNER);
    let mut layers = Map::new();
    let mut add = |random: &mut Random, name: &str, percent: usize, make: &dyn Fn(&mut Random) -> Value| {
        if random.chance(percent) {
            let unreadable = unreadable > 0 && random.chance(unreadable + 15);
            layers.insert(name.to_owned(), if unreadable { json!({"unreadable": true}) } else { make(random) });
        }
    };
    let list = |kind: Kind| move |random: &mut Random| policy_list(random, aim, kind);
    let levels = |kind: Kind| {
        move |random: &mut Random| {
            let mut levels = Vec::new();
            while levels.is_empty() || (random.chance(45) && levels.len() < 3) {
                let level = if unreadable > 0 && random.chance(unreadable) {
                    json!({"unreadable": true})
                } else {
                    policy_list(random, aim, kind)
                };
                levels.push(level);
            }
            if random.chance(4) { json!([]) } else { json!(levels) }
        }
    };
    let own_policies = aim.caller.starts_with("arn:");
    add(random, "identity", if own_policies { 95 } else { 0 }, &list(Kind::Identity));
    add(random, "boundary", 25, &list(Kind::Identity));
    add(random, "session", if aim.caller.contains("federated") { 70 } else { 20 }, &list(Kind::Identity));
    add(random, "serviceControl", 22, &levels(Kind::Identity));
    add(random, "resourceControl", 12, &levels(Kind::Guard));
    add(random, "vpcEndpoint", 10, &list(Kind::Guard));
    add(random, "resource", if cross { 92 } else { 45 }, &|random: &mut Random| {
        if random.chance(50) { policy(random, aim, Kind::Resource) } else { policy_list(random, aim, Kind::Resource) }
    });
    Value::Object(layers)
}

fn policy_list(random: &mut Random, aim: &Aim, kind: Kind) -> Value {
    let mut list = Vec::new();
    while list.len() < 3 && random.chance(if list.is_empty() { 94 } else { 25 }) {
        list.push(policy(random, aim, kind));
    }
    json!(list)
}

fn policy(random: &mut Random, aim: &Aim, kind: Kind) -> Value {
    let mut document = Map::new();
    let version = random.weighted(&[(85, Some("2012-10-17")), (7, Some("2008-10-17")), (8, None)], None);
    if let Some(version) = version {
        document.insert("Version".to_owned(), json!(version));
    }
    let mut statements = Vec::new();
    while statements.len() < 4 && (statements.is_empty() || random.chance(40)) {
        statements.push(statement(random, aim, kind, version == Some("2012-10-17")));
    }
    let statements = match statements.as_slice() {
        [only] if random.chance(25) => only.clone(),
        _ => Value::Array(statements),
    };
    document.insert("Statement".to_owned(), statements);
    if random.chance(30) { json!({"name": random.pick(&["a", "b"]), "document": document}) } else { json!(document) }
}

fn statement(random: &mut Random, aim: &Aim, kind: Kind, variables: bool) -> Value {
    let mut statement = Map::new();
    let allow = random.chance(72);
    statement.insert("Effect".to_owned(), json!(if allow { "Allow" } else { "Deny" }));
    if kind == Kind::Resource || (kind == Kind::Guard && random.chance(60)) {
        if random.chance(if allow { 7 } else { 25 }) {
            statement.insert("NotPrincipal".to_owned(), not_principal(random, aim.caller));
        } else {
            statement.insert("Principal".to_owned(), principal(random, aim.caller));
        }
    }
    let not_action = random.chance(8);
    let mut actions = vec![action_pattern(random, aim.action, not_action)];
    while random.chance(25) {
        actions.push(action_pattern(random, aim.action, not_action));
    }
    statement.insert(if not_action { "NotAction" } else { "Action" }.to_owned(), one_or_many(random, actions));
    if kind == Kind::Identity || random.chance(40) {
        let not_resource = random.chance(8);
        let mut resources = vec![resource_pattern(random, aim, variables)];
        while random.chance(25) {
            resources.push(resource_pattern(random, aim, variables));
        }
        let name = if not_resource { "NotResource" } else { "Resource" };
        statement.insert(name.to_owned(), one_or_many(random, resources));
    }
    if random.chance(if allow { 50 } else { 80 }) {
        statement.insert("Condition".to_owned(), block(random, &aim.known));
    }
    Value::Object(statement)
}

fn one_or_many(random: &mut Random, texts: Vec<String>) -> Value {
    match texts.as_slice() {
        [only] if random.chance(60) => json!(only),
        _ => json!(texts),
    }
}

fn action_pattern(random: &mut Random, action: &str, elsewhere: bool) -> String {
    if elsewhere && random.chance(60) {
        return random.pick(&["iam:*", "s3:*", "ses:SendRawEmail", "ses:Get*"]).to_owned();
    }
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    match random.below(10) {
        0 | 1 => "*".to_owned(),
        2 => format!("{service}:*"),
        3..=5 => action.to_owned(),
        6 => flip_case(random, action),
        7 => random.pick(&["ses:Send*", "s3:Get*", "ses:Send*Email", "ses:SendEmai?"]).to_owned(),
        _ => {
            let made = pattern(random, name);
            format!("{service}:{}", if made.is_empty() { "*" } else { &made })
        }
    }
}

fn resource_pattern(random: &mut Random, aim: &Aim, variables: bool) -> String {
    if random.chance(40) {
        return "*".to_owned();
    }
    let made = arn_pattern(random, aim.resource, true);
    let parts: Vec<&str> = made.splitn(6, ':').collect();
    if let [arn, partition, service, region, account, rest] = parts.as_slice()
        && variables
        && random.chance(15)
    {
        let rest = match rest.split_once('/') {
            Some((kind, name)) => format!("{kind}/{}", with_variable(random, name, &aim.known)),
            None => with_variable(random, rest, &aim.known),
        };
        return [arn, partition, service, region, account, &rest.as_str()].map(|part| (*part).to_owned()).join(":");
    }
    made
}

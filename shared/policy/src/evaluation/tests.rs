//! Layers, principals and exactness, as tables.

mod exactness;
mod layers;
mod principals;

use serde_json::{Value, json};

use crate::case::Case;
use crate::evaluation::Evaluation;

const MAILER: &str = "arn:aws:iam::111122223333:user/mailer";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/one";
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/bob";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const STRANGER: &str = "arn:aws:iam::999988887777:user/mailer";
const LINKED: &str = "arn:aws:iam::111122223333:role/aws-service-role/ses.amazonaws.com/Linked";
const SERVICE: &str = "service:ses.amazonaws.com";
const ANONYMOUS: &str = "anonymous";

/// A policy by its letter: `A` allows everything, `D` denies everything, `N` says nothing of the request, `U` can't be read.
fn policy(letter: char) -> Value {
    let statement = |effect: &str, action: &str| json!({"Effect": effect, "Action": action, "Resource": "*"});
    let statements = match letter {
        'A' => json!([statement("Allow", "*")]),
        'D' => json!([statement("Allow", "*"), statement("Deny", "*")]),
        'N' => json!([statement("Allow", "s3:*"), statement("Deny", "iam:*")]),
        'U' => return json!({"unreadable": true}),
        other => panic!("no policy is called {other}"),
    };
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A list of policies, a letter each; for layers of levels the levels are parted by spaces.
fn layer(name: &str, letters: &str) -> Value {
    let list = |letters: &str| Value::Array(letters.chars().map(policy).collect());
    match name {
        "serviceControl" | "resourceControl" => Value::Array(letters.split(' ').map(list).collect()),
        _ => list(letters),
    }
}

/// A policy of the resource with one statement.
fn grant(effect: &str, principal: &str) -> Value {
    let principal: Value = serde_json::from_str(principal).unwrap();
    let name = if principal.get("not").is_some() { "NotPrincipal" } else { "Principal" };
    let principal = principal.get("not").cloned().unwrap_or(principal);
    json!({"Version": "2012-10-17", "Statement": {"Effect": effect, name: principal, "Action": "ses:*"}})
}

fn evaluate(principal: &str, context: &Value, policies: &Value) -> Evaluation {
    let case = json!({
        "id": "case",
        "request": {
            "principal": principal,
            "action": "ses:SendEmail",
            "resource": "arn:aws:ses:us-east-1:111122223333:identity/example.com",
            "context": context,
        },
        "policies": policies,
    });
    let case = Case::parse(&case.to_string()).unwrap();
    let (short, full) = (super::decide(&case.policies, &case.request), super::evaluate(&case.policies, &case.request));
    assert_eq!((short.possible, &short.unknown_keys), (full.possible, &full.unknown_keys));
    full
}

/// The possible decisions by their first letters: `A`, `I`, `E`.
fn possible(evaluation: &Evaluation) -> String {
    evaluation.possible.iter().filter_map(|decision| decision.as_str().chars().next()).collect()
}

#[track_caller]
fn check(principal: &str, policies: &Value, expected: &str) {
    let evaluation = evaluate(principal, &json!({}), policies);
    assert_eq!(possible(&evaluation), expected, "{principal}: {policies}");
}

//! What functions show of themselves: their environment, their metrics, their errors.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use lambda_runtime::Diagnostic;
use sesame_lambda::{Environment, Fault, Metrics};
use sesame_responder::ports::PortError;

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "SESAME_STACK" => "sesame",
        "SESAME_ACCOUNT" => "111122223333",
        "SESAME_TABLE" => "findings",
        "SESAME_TOPIC" => "arn:aws:sns:eu-west-1:111122223333:topic",
        "SESAME_DEAD_LETTERS" => "https://sqs.eu-west-1.amazonaws.com/111122223333/dead",
        "SESAME_OWN_ROLES" => "arn:aws:iam::111122223333:role/a, arn:aws:iam::111122223333:role/b",
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn the_environment_of_the_template_is_read() {
    let environment = Environment::parse(variable).unwrap();
    assert_eq!(environment.account, "111122223333");
    assert_eq!(environment.own_roles, ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b"]);
}

#[test]
fn every_wrong_variable_is_named_at_once() {
    let error = Environment::parse(|name| match name {
        "SESAME_ACCOUNT" => Some("12".to_owned()),
        "SESAME_TABLE" => None,
        name => variable(name),
    });
    let message = error.unwrap_err().to_string();
    assert_eq!(
        message,
        "environment variable `SESAME_ACCOUNT`: expected twelve digits, found `12`; \
         environment variable `SESAME_TABLE`: expected a table's name, found ``"
    );
}

#[test]
fn metrics_are_one_line_of_the_embedded_format() {
    let metrics = Metrics::new("sesame", "diagnose").count("Denials", 2_u64).count("Failed", 0_u64);
    let line = metrics.line("2026-11-23T00:00:00Z".parse().unwrap());
    assert!(!line.contains('\n'));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(line["_aws"]["Timestamp"], 1_795_392_000_000_u64);
    assert_eq!((&directive["Namespace"], &directive["Metrics"][1]["Name"]), (&"Sesame".into(), &"Failed".into()));
    for dimension in directive["Dimensions"][0].as_array().unwrap() {
        assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension} has no value");
    }
    assert_eq!((&line["Denials"], &line["Failed"]), (&2.into(), &0.into()));
}

#[test]
fn an_error_has_a_stable_type() {
    let fault = Fault::Aws(PortError::passing("dynamodb:PutItem gave no connection"));
    let diagnostic = Diagnostic::from(fault);
    assert_eq!(diagnostic.error_type, "Sesame.AwsPassing");
    assert_eq!(diagnostic.error_message, "dynamodb:PutItem gave no connection");
    assert_eq!(Fault::Aws(PortError::lasting("x")).error_type(), "Sesame.AwsLasting");
    assert_eq!(Fault::Input("x".to_owned()).error_type(), "Sesame.Input");
}

/// What the template sets for a stack that applies.
fn remediation(name: &str) -> Option<String> {
    let value = match name {
        "SESAME_REMEDIATION" => "approve",
        "SESAME_DECISION_KEY" => "arn:aws:kms:eu-west-1:111122223333:key/1",
        "SESAME_REMEDIABLE_PRINCIPALS" => "arn:aws:iam::111122223333:role/a,arn:aws:iam::111122223333:user/b",
        "SESAME_REMEDIABLE_IDENTITIES" | "SESAME_REQUIRED_BOUNDARY" | "SESAME_APPLY_ROLE_NAME" => "none",
        "SESAME_APPLY_ROLE_ACCOUNTS" => "none",
        "SESAME_GRANTS_A_DAY" => "5",
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn what_a_stack_may_write_to_is_read_letter_by_letter() {
    use sesame_lambda::{Remediation, parse_environment};
    use sesame_responder::walls::Listed;

    let read = parse_environment(&remediation, Remediation::of).unwrap();
    assert!(read.applies);
    let principals = ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:user/b"].map(str::to_owned);
    assert_eq!(read.walls.principals, Listed::Only(principals.to_vec()));
    assert_eq!(read.walls.identities, Listed::Only(Vec::new()));
    assert_eq!((read.walls.required_boundary, read.walls.grants_a_day), (None, Some(5)));
    assert_eq!((read.apply_role, read.apply_role_accounts), (None, Vec::new()));
    for (name, wrong) in [
        ("SESAME_REMEDIATION", "on"),
        ("SESAME_DECISION_KEY", "alias/decisions"),
        ("SESAME_REMEDIABLE_PRINCIPALS", "*"),
        ("SESAME_REMEDIABLE_PRINCIPALS", "arn:aws:iam::111122223333:role/*"),
        ("SESAME_REMEDIABLE_PRINCIPALS", "arn:aws:iam::111122223333:role/a, arn:aws:iam::111122223333:role/b"),
        ("SESAME_REMEDIABLE_PRINCIPALS", ""),
        ("SESAME_REMEDIABLE_IDENTITIES", "arn:aws:ses:eu-west-1:111122223333:identity/*"),
        ("SESAME_REQUIRED_BOUNDARY", "arn:aws:iam::111122223333:policy/*"),
        ("SESAME_GRANTS_A_DAY", "-1"),
        ("SESAME_GRANTS_A_DAY", "1000"),
        ("SESAME_APPLY_ROLE_NAME", "a/b"),
        ("SESAME_APPLY_ROLE_ACCOUNTS", "1111"),
    ] {
        let variable = |asked: &str| if asked == name { Some(wrong.to_owned()) } else { remediation(asked) };
        let error = parse_environment(&variable, Remediation::of).unwrap_err();
        assert_eq!(error.0.len(), 1, "{name}={wrong}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

//! What functions show of themselves: their environment, their metrics, their errors.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use lambda_runtime::Diagnostic;
use sesame_aws::Members;
use sesame_lambda::{
    Environment, Fault, LinkEnvironment, Metrics, Remediation, Variables, approvals_needed, dead_letters,
    parse_environment, readable_accounts, writable_accounts,
};
use sesame_responder::ports::PortError;
use sesame_responder::settings::ApprovalsNeeded;

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "SESAME_STACK" => "sesame",
        "SESAME_ACCOUNT" => "111122223333",
        "SESAME_TABLE" => "findings",
        "SESAME_TOPIC" => "arn:aws:sns:eu-west-1:111122223333:topic",
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

fn links(name: &str) -> Option<String> {
    let value = match name {
        "SESAME_APPROVAL_URL" => "https://sesame.example/",
        "SESAME_LINK_SECRET" => "arn:aws:secretsmanager:eu-west-1:111122223333:secret:link",
        "SESAME_STAGE" => "$default",
        "SESAME_LINK_DAYS" => "7",
        name => return variable(name),
    };
    Some(value.to_owned())
}

#[test]
fn a_function_reads_the_parts_that_it_needs_and_names_all_that_is_wrong_with_them() {
    let parts = |all: &mut Variables<'_>| (Environment::of(all), LinkEnvironment::optional(all), approvals_needed(all));
    let (environment, found, needed) = parse_environment(&links, parts).unwrap();
    assert_eq!((environment.stack.as_str(), needed), ("sesame", ApprovalsNeeded::One));
    let found = found.unwrap();
    assert_eq!((found.url.as_str(), found.stage.as_str()), ("https://sesame.example", "$default"));
    assert_eq!(found.life, jiff::SignedDuration::from_hours(7 * 24));

    let wrong = |name: &str| match name {
        "SESAME_STACK" | "SESAME_LINK_SECRET" => None,
        "SESAME_LINK_DAYS" => Some("0".to_owned()),
        "SESAME_APPROVALS_NEEDED" => Some("3".to_owned()),
        name => links(name),
    };
    let message = parse_environment(&wrong, parts).unwrap_err().to_string();
    for name in ["SESAME_STACK", "SESAME_LINK_SECRET", "SESAME_LINK_DAYS", "SESAME_APPROVALS_NEEDED"] {
        assert!(message.contains(&format!("`{name}`: expected")), "{message}");
    }
}

#[test]
fn without_an_approval_url_there_are_no_links() {
    for url in [None, Some(""), Some("none")] {
        let without = |name: &str| if name == "SESAME_APPROVAL_URL" { url.map(str::to_owned) } else { variable(name) };
        assert_eq!(parse_environment(&without, LinkEnvironment::optional), Ok(None));
    }
    let two = |name: &str| (name == "SESAME_APPROVALS_NEEDED").then(|| "2".to_owned());
    assert_eq!(parse_environment(&two, approvals_needed), Ok(ApprovalsNeeded::Two));
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
        "SESAME_REMEDIABLE_IDENTITIES" | "SESAME_REQUIRED_BOUNDARY" | "SESAME_APPLY_ROLE_ACCOUNTS" => "none",
        "SESAME_GRANTS_A_DAY" => "5",
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn what_a_stack_may_write_to_is_read_letter_by_letter() {
    use sesame_responder::walls::Listed;

    let read = parse_environment(&remediation, Remediation::of).unwrap();
    assert!(read.applies);
    let principals = ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:user/b"].map(str::to_owned);
    assert_eq!(read.walls.principals, Listed::Only(principals.to_vec()));
    assert_eq!(read.walls.identities, Listed::Only(Vec::new()));
    assert_eq!((read.walls.required_boundary, read.walls.grants_a_day), (None, Some(5)));
    assert_eq!(read.apply_role_accounts, Vec::<String>::new());
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
        ("SESAME_APPLY_ROLE_ACCOUNTS", "1111"),
    ] {
        let variable = |asked: &str| if asked == name { Some(wrong.to_owned()) } else { remediation(asked) };
        let error = parse_environment(&variable, Remediation::of).unwrap_err();
        assert_eq!(error.0.len(), 1, "{name}={wrong}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn other_accounts_are_those_that_are_listed_under_the_name_of_their_role() {
    let parts = |all: &mut Variables<'_>| (readable_accounts(all, "prod"), writable_accounts(all, "prod"));
    let variable = |name: &str| {
        let value = match name {
            "SESAME_READ_ROLE_NAME" => "sesame-read",
            "SESAME_READ_ROLE_ACCOUNTS" => "444455556666,777788889999",
            "SESAME_APPLY_ROLE_NAME" => "sesame-apply",
            "SESAME_APPLY_ROLE_ACCOUNTS" => "none",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let listed = ["444455556666", "777788889999"].map(str::to_owned).to_vec();
    let expected = (Members::new("sesame-read", listed, "prod"), Members::new("sesame-apply", Vec::new(), "prod"));
    assert_eq!(parse_environment(&variable, parts), Ok(expected));

    let wrong = |name: &str| match name {
        "SESAME_READ_ROLE_NAME" => Some("a/b".to_owned()),
        "SESAME_READ_ROLE_ACCOUNTS" => Some("444455556666,".to_owned()),
        "SESAME_APPLY_ROLE_NAME" => None,
        name => variable(name),
    };
    assert_eq!(parse_environment(&wrong, parts).unwrap_err().0.len(), 3);
}

#[test]
fn the_queue_of_dead_letters_is_asked_of_those_that_use_it() {
    let error = parse_environment(&variable, dead_letters).unwrap_err();
    assert!(error.to_string().contains("`SESAME_DEAD_LETTERS`: expected a queue's URL"), "{error}");
}

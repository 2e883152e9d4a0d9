//! The content guard lets the remedies of our own making through, and nothing that grants more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{IDENTITY, USER, finding, with};
use serde_json::{Value, json};
use sesame_remediation::guard::check;

#[test]
fn a_remedy_of_our_own_making_passes() {
    let finding = finding();
    assert_eq!(check(&finding, &finding.remedies[0]), Ok(()));
}

#[test]
fn each_kind_of_target_has_its_own_passing_form() {
    let role = "arn:aws:iam::111122223333:role/app/mailer";
    let (mut finding, mut remedy) = with("/principal/arn", json!(role));
    remedy.target.principal = Some(role.to_owned());
    remedy.target.kind = sesame_diagnosis::finding::TargetKind::RoleInline;
    finding.remedies[0] = remedy.clone();
    assert_eq!(check(&finding, &remedy), Ok(()));

    let (finding, mut remedy) = with("/remedies/0/after/Statement/0/Principal", json!({ "AWS": USER }));
    remedy.target.kind = sesame_diagnosis::finding::TargetKind::SendingAuthorization;
    remedy.target.identity = Some("example.com".to_owned());
    remedy.target.region = Some("eu-west-1".to_owned());
    assert_eq!(check(&finding, &remedy), Ok(()));
}

#[test]
fn an_identity_may_be_in_another_account_if_it_is_the_one_that_was_asked() {
    let theirs = IDENTITY.replace("111122223333", "444455556666");
    let (mut finding, mut remedy) = with("/remedies/0/after/Statement/0/Principal", json!({ "AWS": USER }));
    finding.requests[0].resource = theirs.clone();
    remedy.after.as_mut().unwrap()["Statement"][0]["Resource"] = json!(theirs);
    remedy.target.kind = sesame_diagnosis::finding::TargetKind::SendingAuthorization;
    remedy.target.identity = Some("example.com".to_owned());
    remedy.target.region = Some("eu-west-1".to_owned());
    for (account, expected) in [("444455556666", None), ("111122223333", Some("/target/identity"))] {
        remedy.target.account = Some(account.to_owned());
        assert_eq!(check(&finding, &remedy).err().map(|refusal| refusal.pointer).as_deref(), expected, "{account}");
    }
}

#[test]
fn every_abuse_is_refused_at_its_place() {
    let statement = "/remedies/0/after/Statement/0";
    let target = "/remedies/0/target";
    let cases: Vec<(String, Value, &str)> = vec![
        // More than the refused action.
        (format!("{statement}/Action"), json!("*"), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!("ses:*"), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!("ses:Send*"), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!("ses:SendRawEmail"), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!("ses:DeleteIdentity"), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!("iam:CreateUser"), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!(["ses:SendEmail", "iam:PassRole"]), "/after/Statement/0/Action/1"),
        (format!("{statement}/Action"), json!([]), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!([7]), "/after/Statement/0/Action"),
        (format!("{statement}/Action"), json!({}), "/after/Statement/0/Action"),
        (format!("{statement}/NotAction"), json!("s3:*"), "/after/Statement/0/NotAction"),
        // More than the refused resource.
        (format!("{statement}/Resource"), json!("*"), "/after/Statement/0/Resource"),
        (
            format!("{statement}/Resource"),
            json!("arn:aws:ses:*:111122223333:identity/*"),
            "/after/Statement/0/Resource",
        ),
        (
            format!("{statement}/Resource"),
            json!("arn:aws:ses:eu-west-1:111122223333:identity/other.example"),
            "/after/Statement/0/Resource",
        ),
        (format!("{statement}/Resource"), json!("arn:aws:iam::111122223333:role/admin"), "/after/Statement/0/Resource"),
        (format!("{statement}/Resource"), json!([IDENTITY, "*"]), "/after/Statement/0/Resource/1"),
        (format!("{statement}/Resource"), Value::Null, "/after/Statement/0/Resource"),
        (format!("{statement}/NotResource"), json!("arn:aws:s3:::x"), "/after/Statement/0/NotResource"),
        // For anybody else.
        (format!("{statement}/Principal"), json!("*"), "/after/Statement/0/Principal"),
        (format!("{statement}/NotPrincipal"), json!({ "AWS": USER }), "/after/Statement/0/NotPrincipal"),
        // Another effect, or another shape.
        (format!("{statement}/Effect"), json!("Deny"), "/after/Statement/0/Effect"),
        (format!("{statement}/Effect"), json!("allow"), "/after/Statement/0/Effect"),
        (format!("{statement}/Effect"), Value::Null, "/after/Statement/0/Effect"),
        (format!("{statement}/Extra"), json!(1), "/after/Statement/0/Extra"),
        (statement.to_owned(), json!("Allow"), "/after/Statement/0"),
        ("/remedies/0/after/Statement".to_owned(), json!([]), "/after/Statement"),
        ("/remedies/0/after/Statement".to_owned(), json!({}), "/after/Statement"),
        ("/remedies/0/after/Version".to_owned(), json!("2008-10-17"), "/after/Version"),
        ("/remedies/0/after/Version".to_owned(), Value::Null, "/after/Version"),
        ("/remedies/0/after/Extra".to_owned(), json!(1), "/after/Extra"),
        ("/remedies/0/after".to_owned(), json!("{}"), "/after"),
        ("/remedies/0/after".to_owned(), Value::Null, "/after"),
        // Conditions that are no conditions.
        (format!("{statement}/Condition"), json!("x"), "/after/Statement/0/Condition"),
        (format!("{statement}/Condition"), json!({ "Anything": {} }), "/after/Statement/0/Condition/Anything"),
        (format!("{statement}/Condition"), json!({ "NullIfExists": {} }), "/after/Statement/0/Condition/NullIfExists"),
        (format!("{statement}/Condition"), json!({ "Bool": [] }), "/after/Statement/0/Condition/Bool"),
        (
            format!("{statement}/Condition"),
            json!({ "Bool": { "iam:X": "true" } }),
            "/after/Statement/0/Condition/Bool/iam:X",
        ),
        (
            format!("{statement}/Condition"),
            json!({ "Bool": { "aws:SecureTransport": [] } }),
            "/after/Statement/0/Condition/Bool/aws:SecureTransport",
        ),
        (
            format!("{statement}/Condition"),
            json!({ "StringLike": { "ses:FromAddress": "x".repeat(513) } }),
            "/after/Statement/0/Condition/StringLike/ses:FromAddress",
        ),
        // Too much, or what IAM cannot hold.
        (format!("{statement}/Sid"), json!("\u{2019}"), "/after"),
        (format!("{statement}/Sid"), json!("a\u{0}b"), "/after"),
        (format!("{statement}/Resource"), json!(vec![IDENTITY; 101]), "/after"),
        // Somebody else's document.
        (format!("{target}/policy"), json!("AdminPolicy"), "/target/policy"),
        (format!("{target}/policy"), json!("sesame-"), "/target/policy"),
        (format!("{target}/policy"), json!("sesame-../x"), "/target/policy"),
        (format!("{target}/policy"), json!(format!("sesame-{}", "x".repeat(130))), "/target/policy"),
        (format!("{target}/policy"), Value::Null, "/target/policy"),
        (format!("{target}/kind"), json!("customer-managed"), "/target/kind"),
        (format!("{target}/kind"), json!("group-inline"), "/target/kind"),
        (format!("{target}/kind"), json!("scp"), "/target/kind"),
        (format!("{target}/kind"), json!("boundary"), "/target/kind"),
        (format!("{target}/kind"), json!("permission-set"), "/target/kind"),
        (format!("{target}/kind"), json!("role-inline"), "/target/principal"),
        (format!("{target}/kind"), json!("sending-authorization"), "/target/identity"),
        (format!("{target}/account"), json!("444455556666"), "/target/account"),
        (format!("{target}/account"), Value::Null, "/target/account"),
        (format!("{target}/principal"), json!("arn:aws:iam::111122223333:user/admin"), "/target/principal"),
        (format!("{target}/principal"), Value::Null, "/target/principal"),
        ("/remedies/0/operation".to_owned(), json!("detach"), "/operation"),
        ("/remedies/0/applicability".to_owned(), json!("advice-only"), "/applicability"),
    ];
    for (pointer, value, expected) in cases {
        let (finding, remedy) = with(&pointer, value.clone());
        match check(&finding, &remedy) {
            Ok(()) => panic!("{pointer} = {value} passed"),
            Err(refusal) => assert_eq!(refusal.pointer, expected, "{pointer} = {value}: {refusal}"),
        }
    }
}

#[test]
fn variables_are_wildcards() {
    let own = "arn:aws:ses:eu-west-1:111122223333:identity/${aws:username}";
    let (mut finding, remedy) = with("/remedies/0/after/Statement/0/Resource", json!(own));
    // Even where the finding itself was made to ask for it.
    finding.requests[0].resource = own.to_owned();
    assert_eq!(check(&finding, &remedy).unwrap_err().pointer, "/after/Statement/0/Resource");
}

#[test]
fn roles_that_are_not_the_accounts_own_are_refused() {
    for role in ["role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x", "role/aws-service-role/ses.amazonaws.com/x"] {
        let arn = format!("arn:aws:iam::111122223333:{role}");
        let (finding, mut remedy) = with("/principal/arn", json!(arn));
        remedy.target.principal = Some(arn);
        remedy.target.kind = sesame_diagnosis::finding::TargetKind::RoleInline;
        assert_eq!(check(&finding, &remedy).unwrap_err().pointer, "/target/principal");
    }
}

#[test]
fn an_identity_of_another_account_or_region_is_refused() {
    for resource in [
        "arn:aws:ses:eu-west-1:444455556666:identity/example.com",
        "arn:aws:ses:us-east-1:111122223333:identity/example.com",
        "arn:aws:ses:eu-west-1:111122223333:identity/other.example",
    ] {
        let (mut finding, mut remedy) = with("/requests/0/resource", json!(resource));
        remedy.target.kind = sesame_diagnosis::finding::TargetKind::SendingAuthorization;
        remedy.target.identity = Some("example.com".to_owned());
        remedy.target.region = Some("eu-west-1".to_owned());
        finding.remedies[0] = remedy.clone();
        assert_eq!(check(&finding, &remedy).unwrap_err().pointer, "/target/identity", "{resource}");
    }
}

#[test]
fn a_grant_on_an_identity_names_the_refused_principal_and_nobody_else() {
    for principal in [
        json!("*"),
        json!({ "AWS": "*" }),
        json!({ "AWS": ["arn:aws:iam::111122223333:user/mailer", "*"] }),
        json!({ "AWS": "arn:aws:iam::111122223333:root" }),
        json!({ "AWS": USER, "Service": "lambda.amazonaws.com" }),
        Value::Null,
    ] {
        let (finding, mut remedy) = with("/remedies/0/after/Statement/0/Principal", principal.clone());
        remedy.target.kind = sesame_diagnosis::finding::TargetKind::SendingAuthorization;
        remedy.target.identity = Some("example.com".to_owned());
        remedy.target.region = Some("eu-west-1".to_owned());
        assert_eq!(check(&finding, &remedy).unwrap_err().pointer, "/after/Statement/0/Principal", "{principal}");
    }
}

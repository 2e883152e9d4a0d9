//! Whom a principal in a policy means, and what an allow for them lifts.

use serde_json::{Value, json};

use super::*;
use crate::principal::Principal;

const USER_FORM: &str = r#"{"AWS":"arn:aws:iam::111122223333:user/mailer"}"#;
const ROLE_FORM: &str = r#"{"AWS":"arn:aws:iam::111122223333:role/team/app"}"#;
const SESSION_FORM: &str = r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/one"}"#;
const FEDERATED_FORM: &str = r#"{"AWS":"arn:aws:sts::111122223333:federated-user/bob"}"#;
const ACCOUNT_FORM: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
const NUMBER_FORM: &str = r#"{"AWS":"111122223333"}"#;
const EVERYONE: &str = "\"*\"";

/// The layers of which a missing allow is made up for by an allow of the resource, each by itself.
fn lifted(principal: &str, form: &str) -> String {
    let grant = grant("Allow", form);
    let mut lifted = String::new();
    for (layer, letter) in [("identity", 'i'), ("boundary", 'b'), ("session", 's')] {
        // A federated user has no permissions without a session policy, so there is always one.
        let mut policies = json!({"identity": [policy('A')], "session": [policy('A')], "resource": grant});
        policies[layer] = json!([policy('N')]);
        match possible(&evaluate(principal, &json!({}), &policies)).as_str() {
            "A" => lifted.push(letter),
            "I" => {}
            other => panic!("{principal} {form} {layer}: {other}"),
        }
    }
    lifted
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>, what an allow in a
/// resource-based policy makes up for in the same account.
#[test]
fn what_an_allow_of_the_resource_lifts_depends_on_the_form_of_the_principal() {
    for (principal, form, expected) in [
        (MAILER, USER_FORM, "ib"),
        (MAILER, ACCOUNT_FORM, ""),
        (MAILER, NUMBER_FORM, ""),
        (MAILER, EVERYONE, "ibs"),
        (MAILER, r#"{"AWS":"*"}"#, "ibs"),
        (MAILER, r#"{"AWS":["111122223333","*"]}"#, "ibs"),
        (MAILER, r#"{"AWS":"arn:aws:iam::111122223333:user/other"}"#, ""),
        (MAILER, r#"{"AWS":"AIDAEXAMPLEEXAMPLE123"}"#, ""),
        (SESSION, ROLE_FORM, "i"),
        (SESSION, r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#, "i"),
        (SESSION, SESSION_FORM, "ibs"),
        (SESSION, r#"{"AWS":"arn:aws-cn:sts::111122223333:assumed-role/app/one"}"#, ""),
        (SESSION, r#"{"AWS":"arn:aws-cn:iam::111122223333:role/app"}"#, ""),
        (SESSION, r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/two"}"#, ""),
        (SESSION, r#"{"AWS":"arn:aws:iam::111122223333:role/other"}"#, ""),
        (SESSION, ACCOUNT_FORM, ""),
        (SESSION, EVERYONE, "ibs"),
        (ROLE, ROLE_FORM, "i"),
        (FEDERATED, FEDERATED_FORM, "ibs"),
        (FEDERATED, ACCOUNT_FORM, ""),
        (FEDERATED, r#"{"AWS":"arn:aws:sts::111122223333:federated-user/eve"}"#, ""),
        // Neither may be the user behind the session.
        (FEDERATED, ROLE_FORM, ""),
        (FEDERATED, r#"{"AWS":"arn:aws:iam::999988887777:user/mailer"}"#, ""),
    ] {
        assert_eq!(lifted(principal, form), expected, "{principal} {form}");
    }
}

#[test]
fn a_principal_is_meant_by_its_own_forms_only() {
    let forms: &[(&str, &[&str])] = &[
        (USER_FORM, &[MAILER]),
        (ROLE_FORM, &[ROLE, SESSION]),
        (SESSION_FORM, &[SESSION]),
        (FEDERATED_FORM, &[FEDERATED]),
        (ACCOUNT_FORM, &[MAILER, ROLE, SESSION, FEDERATED, ROOT, LINKED]),
        (NUMBER_FORM, &[MAILER, ROLE, SESSION, FEDERATED, ROOT, LINKED]),
        (r#"{"AWS":"arn:aws-cn:iam::111122223333:root"}"#, &[]),
        (r#"{"AWS":"999988887777"}"#, &[STRANGER]),
        (r#"{"Service":"ses.amazonaws.com"}"#, &[SERVICE]),
        (r#"{"Service":"sns.amazonaws.com"}"#, &[]),
        (r#"{"Federated":"cognito-identity.amazonaws.com"}"#, &[]),
        (r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#, &[]),
        (EVERYONE, &[MAILER, ROLE, SESSION, FEDERATED, ROOT, STRANGER, LINKED, SERVICE, ANONYMOUS]),
    ];
    for (form, meant) in forms {
        for principal in [MAILER, ROLE, SESSION, FEDERATED, ROOT, STRANGER, LINKED, SERVICE, ANONYMOUS] {
            let denied = evaluate(principal, &json!({}), &json!({"resource": grant("Deny", form)}));
            // Some session of the role may be this one, and the user may have issued the federated session.
            let perhaps = [(SESSION_FORM, ROLE), (USER_FORM, FEDERATED)].contains(&(*form, principal));
            let expected = match (meant.contains(&principal), perhaps) {
                (true, _) => "E",
                (_, true) => "IE",
                (false, false) if principal == ROOT => "A",
                _ => "I",
            };
            assert_eq!(possible(&denied), expected, "{form} {principal}");
        }
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
#[test]
fn not_principal_with_deny_exempts_who_is_listed_in_every_form() {
    let not = |members: &[&str]| json!({"not": {"AWS": members}}).to_string();
    let (account, user) = ("111122223333", "arn:aws:iam::111122223333:user/mailer");
    let (role, session) = ("arn:aws:iam::111122223333:role/team/app", "arn:aws:sts::111122223333:assumed-role/app/one");
    for (principal, members, expected) in [
        (MAILER, vec![account, user], "A"),
        (MAILER, vec![user], "E"),
        (MAILER, vec![account], "E"),
        (SESSION, vec![account, role, session], "A"),
        (SESSION, vec![account, role], "E"),
        (SESSION, vec![role, session], "E"),
        // The name of the session is not known.
        (ROLE, vec![account, role, session], "AE"),
        (ROOT, vec![account], "A"),
        (ROOT, vec![user], "E"),
    ] {
        let mut policies = json!({"identity": [policy('A')], "resource": grant("Deny", &not(&members))});
        check(principal, &policies, expected);
        // A principal with a permissions boundary is always denied.
        policies["boundary"] = json!([policy('A')]);
        if principal != ROOT {
            check(principal, &policies, "E");
        }
        // Whether there is one may be what can't be told: then it is there and exempts nobody, or it refuses nothing.
        if principal != ROOT {
            policies["boundary"] = json!([policy('U')]);
            check(principal, &policies, if expected == "E" { "E" } else { "AE" });
        }
    }
    check(MAILER, &json!({"resource": grant("Allow", &not(&[user]))}), "I");
    check(MAILER, &json!({"resource": grant("Allow", &not(&["arn:aws:iam::111122223333:user/other"]))}), "A");
}

#[test]
fn principals_without_policies_of_their_own_need_the_resource() {
    let own: &[(&str, Value, &str)] = &[
        (ROOT, json!({}), "A"),
        (ROOT, json!({"identity": [policy('D')]}), "E"),
        (ROOT, json!({"serviceControl": [[policy('D')]]}), "E"),
        (SERVICE, json!({}), "I"),
        (SERVICE, json!({"resource": grant("Allow", r#"{"Service":"ses.amazonaws.com"}"#)}), "A"),
        (
            SERVICE,
            json!({"resource": grant("Allow", r#"{"Service":"ses.amazonaws.com"}"#), "resourceControl": [[policy('N')]]}),
            "I",
        ),
        (SERVICE, json!({"resource": policy('U')}), "AIE"),
        (ANONYMOUS, json!({}), "I"),
        (ANONYMOUS, json!({"resource": grant("Allow", EVERYONE)}), "A"),
        (ANONYMOUS, json!({"resource": grant("Allow", NUMBER_FORM)}), "I"),
        (FEDERATED, json!({"identity": [policy('A')]}), "I"),
        (FEDERATED, json!({"identity": [policy('A')], "session": [policy('A')]}), "A"),
        (FEDERATED, json!({"identity": [policy('A')], "resource": grant("Allow", FEDERATED_FORM)}), "A"),
        (FEDERATED, json!({"identity": [policy('A')], "session": policy('U')}), "AIE"),
    ];
    for (principal, policies, expected) in own {
        check(principal, policies, expected);
    }
}

/// A federated session inherits what its issuing user is allowed by the resource, within the session policy.
#[test]
fn who_issued_a_federated_session_is_not_known() {
    let issuer = grant("Allow", r#"{"AWS":"arn:aws:iam::111122223333:user/issuer"}"#);
    check(FEDERATED, &json!({"session": [policy('A')], "resource": issuer}), "AI");
    check(FEDERATED, &json!({"session": [policy('N')], "resource": issuer}), "I");
    check(FEDERATED, &json!({"identity": [policy('A')], "session": [policy('A')], "resource": issuer}), "A");
    // Whoever it is shown with is a user of its account.
    let members = r#"{"AWS":["arn:aws:iam::999988887777:user/issuer","arn:aws:iam::111122223333:role/issuer","arn:aws:iam::111122223333:user/issuer"]}"#;
    let policies = json!({"session": [policy('A')], "resource": grant("Allow", members)});
    let issuers =
        evaluate(FEDERATED, &json!({}), &policies).completions.into_iter().map(|completion| completion.principal);
    let issuers: Vec<String> = issuers
        .map(|principal| match principal {
            Some(Principal::FederatedUser { issuer: Some(issuer), .. }) => issuer.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(issuers, ["arn:aws:iam::111122223333:user/issuer", "arn:aws:iam::111122223333:user/another-user"]);
    // It is not shown where nobody is named.
    let policies = json!({"identity": [policy('A')], "session": [policy('A')], "resource": policy('U')});
    let completions = evaluate(FEDERATED, &json!({}), &policies).completions;
    assert!(completions.iter().all(|completion| completion.principal.is_none()), "{completions:?}");
}

#[test]
fn a_completion_names_no_session_where_the_whole_account_is_meant() {
    for (principal, named) in [("111122223333", false), (SESSION, true)] {
        let statement = json!({
            "Effect": "Deny", "Action": "*", "Principal": {"AWS": principal}, "Condition": {"StringEquals": {"x:y": "a"}},
        });
        let policies =
            json!({"identity": [policy('A')], "resource": {"Version": "2012-10-17", "Statement": statement}});
        let evaluation = evaluate(ROLE, &json!({"x:y": {"unknown": true}}), &policies);
        let names: Vec<bool> = evaluation.completions.iter().map(|own| own.principal.is_some()).collect();
        assert_eq!((possible(&evaluation).as_str(), names), ("AE", vec![named; 2]), "{principal}");
    }
}

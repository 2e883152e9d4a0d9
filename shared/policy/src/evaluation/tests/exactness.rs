//! The possible decisions are those that some completion gives: no more, no less, and what they turn on is named.

use serde_json::{Value, json};

use super::*;
use crate::decision::{Decision, Truth};
use crate::layer::LayerKind;

/// A statement about everything under a condition, written `operator key values`; several are parted by ` & `.
fn when(effect: &str, conditions: &str) -> Value {
    let mut block = json!({});
    for condition in conditions.split(" & ") {
        let mut words = condition.splitn(3, ' ');
        let (operator, key, values) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        assert!(block[operator][key].is_null(), "{operator} {key} stands twice");
        block[operator][key] = Value::Array(values.split('|').map(|value| json!(value)).collect());
    }
    json!({"Effect": effect, "Action": "*", "Resource": "*", "Condition": block})
}

/// Statements parted by `; `, each `+` (Allow) or `-` (Deny) and its conditions; a lone sign is about everything.
fn document(text: &str) -> Value {
    let statements: Vec<Value> = text
        .split("; ")
        .map(|statement| {
            let effect = if statement.starts_with('+') { "Allow" } else { "Deny" };
            match statement.get(1..).map(str::trim) {
                Some("") | None => json!({"Effect": effect, "Action": "*", "Resource": "*"}),
                Some(conditions) => when(effect, conditions),
            }
        })
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Keys that are not known, and policies by layer, each as [`document`] reads it.
#[track_caller]
fn exactly(keys: &[&str], layers: &[(&str, &str)], expected: &str, turns_on: &[&str]) {
    let context: serde_json::Map<String, Value> =
        keys.iter().map(|key| ((*key).to_owned(), json!({"unknown": true}))).collect();
    let policies: serde_json::Map<String, Value> =
        layers.iter().map(|(layer, text)| ((*layer).to_owned(), json!([document(text)]))).collect();
    let evaluation = evaluate(MAILER, &context.into(), &policies.into());
    assert!(!evaluation.approximate, "{layers:?}");
    assert_eq!(possible(&evaluation), expected, "{layers:?}");
    assert_eq!(evaluation.unknown_keys, turns_on, "{layers:?}");
}

const FROM: &str = "ses:FromAddress";
const TO: &str = "ses:Recipients";
const TAG: &str = "aws:PrincipalTag/team";

#[test]
fn one_key_has_one_value_in_every_statement_and_layer() {
    for (identity, boundary, expected, turns_on) in [
        ("+ StringEquals ses:FromAddress a", "+", "AI", &[FROM][..]),
        ("+ StringEquals ses:FromAddress a; + StringNotEquals ses:FromAddress a", "+", "A", &[]),
        ("+ StringEquals ses:FromAddress a", "+ StringEquals ses:FromAddress b", "I", &[]),
        ("+ StringEquals ses:FromAddress a|b", "+ StringEquals ses:FromAddress b|c", "AI", &[FROM]),
        ("+ StringLike ses:FromAddress *@x.com", "+ StringLike ses:FromAddress a@*", "AI", &[FROM]),
        ("+ StringLike ses:FromAddress *@x.com", "+ StringNotLike ses:FromAddress *.com", "I", &[]),
        (
            "+ StringLike ses:FromAddress a?",
            "+ StringLike ses:FromAddress ?b; - StringNotEquals ses:FromAddress ab",
            "AE",
            &[FROM],
        ),
        ("+; - StringEquals ses:FromAddress a; - StringNotEquals ses:FromAddress a", "+", "E", &[]),
        ("+; - StringEquals ses:FromAddress a & StringNotEquals ses:FromAddress a", "+", "A", &[]),
        ("+ StringEqualsIgnoreCase ses:FromAddress A", "+ StringEquals ses:FromAddress a", "AI", &[FROM]),
        ("+ StringEqualsIgnoreCase ses:FromAddress A", "+ StringNotLike ses:FromAddress a", "AI", &[FROM]),
        // A character that no pattern names, in either case.
        ("+ StringLike ses:FromAddress ?; - StringEqualsIgnoreCase ses:FromAddress x", "+", "AIE", &[FROM]),
        // What several allow, or deny, at once is allowed, or denied.
        ("+ StringEquals ses:FromAddress a; + StringLike ses:FromAddress a", "+", "AI", &[FROM]),
        ("+; - StringEquals ses:FromAddress a; - StringLike ses:FromAddress a", "+", "AE", &[FROM]),
    ] {
        exactly(&[FROM], &[("identity", identity), ("boundary", boundary)], expected, turns_on);
    }
}

#[test]
fn an_unknown_key_may_be_absent() {
    for (identity, expected) in [
        ("+ StringNotEquals ses:FromAddress a; - Null ses:FromAddress false", "AE"),
        ("+ StringLike ses:FromAddress *; - Null ses:FromAddress true", "AE"),
        ("+ StringLike ses:FromAddress *; - Null ses:FromAddress false", "IE"),
        ("+ StringLikeIfExists ses:FromAddress *", "A"),
        ("+ Null ses:FromAddress true|false", "A"),
        ("+ StringNotLike ses:FromAddress *; - Null ses:FromAddress true", "IE"),
    ] {
        let turns_on: &[&str] = if expected.len() > 1 { &[FROM] } else { &[] };
        exactly(&[FROM], &[("identity", identity)], expected, turns_on);
    }
}

#[test]
fn values_lie_at_and_between_the_constants() {
    for (key, identity, expected) in [
        ("x:age", "+ NumericLessThan x:age 5 & NumericGreaterThan x:age 4", "AI"),
        ("x:age", "+ NumericLessThan x:age 5 & NumericGreaterThan x:age 5.0", "I"),
        ("x:age", "+ NumericLessThanEquals x:age 5 & NumericGreaterThanEquals x:age 5.0", "AI"),
        ("x:age", "+; - NumericNotEquals x:age 5; - NumericEquals x:age 5", "E"),
        // A key of which nothing is known may be a date, or an address.
        ("x:when", "+ DateLessThan x:when 2026-01-02 & DateGreaterThan x:when 2026-01-01", "AI"),
        ("x:when", "+ DateLessThan x:when 2026-01-01 & DateGreaterThan x:when 2026-01-02", "I"),
        ("x:from", "+ IpAddress x:from 10.0.0.0/8 & NotIpAddress x:from 10.0.0.0/9", "AI"),
        ("x:from", "+ IpAddress x:from 10.0.0.0/8 & NotIpAddress x:from 10.0.0.0/9|10.128.0.0/9", "I"),
        (
            "aws:CurrentTime",
            "+ DateLessThan aws:CurrentTime 2026-01-02 & DateGreaterThan aws:CurrentTime 2026-01-01",
            "AI",
        ),
        (
            "aws:CurrentTime",
            "+ DateLessThan aws:CurrentTime 2026-01-01 & DateGreaterThan aws:CurrentTime 2026-01-02",
            "I",
        ),
        ("aws:EpochTime", "+ DateLessThan aws:EpochTime 2026-01-01 & NumericGreaterThan aws:EpochTime 1767225600", "I"),
        (
            "aws:SourceIp",
            "+ IpAddress aws:SourceIp 10.0.0.0/8 & NotIpAddress aws:SourceIp 10.0.0.0/9|10.128.0.0/9",
            "I",
        ),
        ("aws:SourceIp", "+ IpAddress aws:SourceIp 10.0.0.0/8 & NotIpAddress aws:SourceIp 10.0.0.0/9", "AI"),
        ("aws:SourceIp", "+ StringLike aws:SourceIp 10.* & NotIpAddress aws:SourceIp 10.0.0.0/8", "I"),
        ("aws:SourceIp", "+ StringLike aws:SourceIp 10.?.* & NotIpAddress aws:SourceIp 10.0.0.0/13", "AI"),
        ("aws:SourceIp", "+ StringLike aws:SourceIp 10.0.0.?7 & IpAddress aws:SourceIp 10.0.0.8/29", "I"),
        // In a region between two ranges each number is free once the one before it is within.
        ("aws:SourceIp", "+ StringLike aws:SourceIp 10.3.5.2??; - IpAddress aws:SourceIp 10.5.5.8/29", "AIE"),
        ("aws:SourceIp", "+ StringLike aws:SourceIp 10.7.5.?; - IpAddress aws:SourceIp 10.5.5.0/28", "AIE"),
        ("aws:SourceIp", "+ StringNotLike aws:SourceIp 192.0.2.* & IpAddress aws:SourceIp 192.0.2.0/24", "I"),
        (
            "aws:SourceIp",
            "+ IpAddress aws:SourceIp 0.0.0.0/0; + IpAddress aws:SourceIp ::/0; + Null aws:SourceIp true",
            "A",
        ),
        (
            "aws:SecureTransport",
            "+ Bool aws:SecureTransport true; + Bool aws:SecureTransport false; + Null aws:SecureTransport true",
            "A",
        ),
        ("aws:SourceArn", "+ ArnLike aws:SourceArn arn:aws:ses:*:*:* & ArnEquals aws:SourceArn arn:aws:s3:*:*:*", "I"),
        ("aws:SourceArn", "+ ArnLike aws:SourceArn arn:*:ses:*:1:* & ArnNotLike aws:SourceArn arn:aws:*:*:*:x*", "AI"),
    ] {
        let turns_on: &[&str] = if expected.len() > 1 { &[key] } else { &[] };
        exactly(&[key], &[("identity", identity)], expected, turns_on);
    }
}

#[test]
fn a_list_needs_a_set_operator_and_shows_every_combination() {
    for (identity, expected) in [
        ("+ StringLike ses:Recipients *", "I"),
        ("+; - StringNotLike ses:Recipients *@x.com & Null ses:Recipients false", "A"),
        ("+ ForAllValues:StringLike ses:Recipients *@x.com & ForAnyValue:StringLike ses:Recipients *@y.com", "I"),
        ("+ ForAnyValue:StringLike ses:Recipients *@x.com & ForAnyValue:StringEquals ses:Recipients a@y.com", "AI"),
        (
            "+ ForAnyValue:StringEquals ses:Recipients a|b & ForAnyValue:StringLike ses:Recipients a & ForAnyValue:StringEqualsIfExists ses:Recipients b",
            "AI",
        ),
        ("+ ForAllValues:StringLike ses:Recipients *@x.com; - ForAnyValue:StringNotLike ses:Recipients *@x.com", "AE"),
        ("+; - ForAllValues:StringLike ses:Recipients *; ", "E"),
        ("+ ForAllValues:StringEquals ses:Recipients a & ForAllValues:StringLike ses:Recipients b", "AI"),
        (
            "+ ForAllValues:StringEquals ses:Recipients a & ForAllValues:StringNotEquals ses:Recipients a & Null ses:Recipients false",
            "AI",
        ),
    ] {
        let identity = identity.trim_end_matches("; ");
        let turns_on: &[&str] = if expected.len() > 1 { &[TO] } else { &[] };
        exactly(&[TO], &[("identity", identity)], expected, turns_on);
    }
}

#[test]
fn an_unknown_variable_takes_part_with_its_one_value() {
    for (identity, expected, turns_on) in [
        // Two unknown keys in relation.
        ("+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}@x.com", "AI", &[TAG, FROM][..]),
        (
            "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}@x.com; - StringNotLike ses:FromAddress *@x.com",
            "AIE",
            &[TAG, FROM],
        ),
        (
            "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team} & StringNotEquals ses:FromAddress ${aws:PrincipalTag/team}",
            "I",
            &[],
        ),
        (
            "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team} & StringLike ses:FromAddress a & StringEquals aws:PrincipalTag/team b",
            "I",
            &[],
        ),
        (
            "+ StringEqualsIgnoreCase ses:FromAddress ${aws:PrincipalTag/team} & StringEquals ses:FromAddress A & StringEquals aws:PrincipalTag/team a",
            "AI",
            &[TAG, FROM],
        ),
        (
            "+ StringEqualsIgnoreCase ses:FromAddress ${aws:PrincipalTag/team} & StringEquals ses:FromAddress A & StringEquals aws:PrincipalTag/team b",
            "I",
            &[],
        ),
        (
            "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}@x.com|${aws:PrincipalTag/team}@y.com & StringLike ses:FromAddress b*",
            "AI",
            &[TAG, FROM],
        ),
    ] {
        exactly(&[FROM, TAG], &[("identity", identity)], expected, turns_on);
    }
    // Of a known text it is the part that the pattern leaves, whatever the case.
    for (operator, from, expected) in
        [("StringEquals", "bA", "I"), ("StringEquals", "BA", "AI"), ("StringEqualsIgnoreCase", "bA", "AI")]
    {
        let policies =
            json!({"identity": [document(&format!("+ {operator} ses:FromAddress B${{aws:PrincipalTag/team}}"))]});
        let evaluation = evaluate(MAILER, &json!({FROM: from, TAG: {"unknown": true}}), &policies);
        assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), (expected, false), "{operator}");
    }
    // A short pattern of an ARN matches its beginning.
    let pattern = "arn:aws:${aws:PrincipalTag/team}";
    let policies =
        json!({"identity": [document(&format!("+ ArnLike aws:SourceArn {pattern} & StringNotLike {TAG} *:*"))]});
    let topic = "arn:aws:sns:us-east-1:111122223333:topic";
    let evaluation = evaluate(MAILER, &json!({"aws:SourceArn": topic, TAG: {"unknown": true}}), &policies);
    assert_eq!((possible(&evaluation).as_str(), evaluation.unknown_keys), ("AI", vec![TAG.to_owned()]));
    // A flag in relation to a text: the text may be no flag at all.
    exactly(
        &["aws:SecureTransport", FROM],
        &[("identity", "+; - BoolIfExists aws:SecureTransport ${ses:FromAddress}")],
        "AE",
        &["aws:SecureTransport", FROM],
    );
}

#[test]
fn a_variable_in_the_resource_is_held_against_the_resource() {
    let statement = json!({
        "Effect": "Deny", "Action": "*", "Resource": "arn:aws:ses:*:*:identity/${aws:username, '*'}",
        "Condition": {"StringEqualsIgnoreCase": {"aws:username": "${ses:FromAddress}"}},
    });
    let policies = json!({"identity": [policy('A'), {"Version": "2012-10-17", "Statement": statement}]});
    let unknown = json!({"aws:username": {"unknown": true}, "ses:FromAddress": {"unknown": true}});
    let evaluation = evaluate(MAILER, &unknown, &policies);
    assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), ("AE", false));
    assert_eq!(evaluation.unknown_keys, ["aws:username", FROM]);
    let known = json!({"aws:username": "example.org", "ses:FromAddress": {"unknown": true}});
    assert_eq!(possible(&evaluate(MAILER, &known, &policies)), "A");
}

/// Each variable may be any part of the resource.
#[test]
fn four_unknown_variables_in_one_resource_are_more_than_is_looked_at() {
    for (variables, keys, approximate) in [("${x:a}${x:b}${x:c}", 3, false), ("${x:a}${x:b}${x:c}${x:d}", 4, true)] {
        let statement =
            json!({"Effect": "Deny", "Action": "*", "Resource": format!("arn:aws:ses:*:*:identity/{variables}")});
        let policies = json!({"identity": [policy('A'), {"Version": "2012-10-17", "Statement": statement}]});
        let unknown: Value =
            ["x:a", "x:b", "x:c", "x:d"].map(|key| (key, json!({"unknown": true}))).into_iter().collect();
        let evaluation = evaluate(MAILER, &unknown, &policies);
        assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), ("AE", approximate), "{variables}");
        assert_eq!(evaluation.unknown_keys.len(), keys, "{variables}");
    }
}

#[test]
fn what_makes_no_difference_is_not_named() {
    // Two unknown keys, of which one decides.
    exactly(
        &[FROM, TAG],
        &[(
            "identity",
            "+ StringLike ses:FromAddress a*; - StringLike ses:FromAddress z* & StringLike aws:PrincipalTag/team *",
        )],
        "AIE",
        &[TAG, FROM],
    );
    exactly(
        &[FROM, TAG],
        &[("identity", "+; - StringEquals aws:PrincipalTag/team a"), ("boundary", "- StringLike ses:FromAddress *; -")],
        "E",
        &[],
    );
    let evaluation = evaluate(
        MAILER,
        &json!({"SES:fromaddress": {"unknown": true}}),
        &json!({"identity": [document("+ StringLike ses:FromAddress a*")], "serviceControl": policy('U')}),
    );
    assert_eq!((possible(&evaluation).as_str(), evaluation.unknown_keys), ("AIE", vec!["SES:fromaddress".to_owned()]));
    assert_eq!(evaluation.unreadable_layers, [crate::LayerKind::ServiceControl]);
}

/// A policy of the resource that cannot be read may name the user behind the session, which lifts no session policy.
#[test]
fn an_unreadable_policy_of_the_resource_may_allow_in_any_form() {
    let session = document("+ StringNotLikeIfExists ses:FromAddress b*");
    let unknown = json!({"ses:FromAddress": {"unknown": true}});
    for (principal, key_named) in [(FEDERATED, true), (ROLE, true), (ROOT, true)] {
        let evaluation = evaluate(principal, &unknown, &json!({"session": [session], "resource": policy('U')}));
        assert_eq!(possible(&evaluation), "AIE", "{principal}");
        assert_eq!(!evaluation.unknown_keys.is_empty(), key_named, "{principal}");
    }
}

/// What of an answer is approximate is told layer by layer, and level by level.
#[test]
fn a_layer_that_cannot_be_told_makes_the_answer_approximate() {
    // A key in its own pattern lacks values; that both conditions at once never hold cannot be told without them.
    let open = "+ StringLike x:y ${x:y}; - StringLike x:y ${x:y} & StringNotLike x:y ${x:y}";
    let every_decision = "+ StringLike x:y ${x:y}";
    for (layers, expected, approximate) in [
        (json!({"identity": [document("-")], "boundary": [document(open)]}), "E", true),
        (json!({"identity": [document("-")], "boundary": [document("+")]}), "E", false),
        (json!({"identity": [document("+")], "serviceControl": [[document(open)], [document("+; -")]]}), "E", true),
        // Whatever there is was found.
        (json!({"identity": [policy('N')], "boundary": [document(every_decision)]}), "I", false),
    ] {
        let evaluation = evaluate(MAILER, &json!({"x:y": {"unknown": true}}), &layers);
        assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), (expected, approximate), "{layers}");
    }
    // What only allows is not asked where something else is missing anyway.
    let layers =
        json!({"identity": [document("+ StringLike x:y ${x:y}; - StringEquals x:z a")], "boundary": [policy('N')]});
    let evaluation = evaluate(MAILER, &json!({"x:y": {"unknown": true}, "x:z": {"unknown": true}}), &layers);
    assert_eq!((possible(&evaluation).as_str(), evaluation.unknown_keys), ("IE", vec!["x:z".to_owned()]));
}

/// What an undetermined layer turns on.
#[test]
fn an_allow_that_makes_no_difference_is_not_decisive() {
    let [a, b] = ["StringEquals ses:FromAddress a", "StringEquals ses:FromAddress b"];
    for (principal, identity, expected, decisive) in [
        (MAILER, format!("+ {a}"), "AI", &[0][..]),
        (MAILER, format!("+ {a}; - {b}"), "AIE", &[0, 1]),
        (MAILER, format!("+; + {a}; - {b}"), "AE", &[0, 2]),
        // The root user is allowed without any statement.
        (ROOT, format!("+ {a}; - {b}"), "AE", &[1]),
    ] {
        let policies = json!({"identity": [document(&identity)]});
        let evaluation = evaluate(principal, &json!({FROM: {"unknown": true}}), &policies);
        let found: Vec<usize> = evaluation.layers[0].decisive.iter().map(|at| at.statement).collect();
        assert_eq!((possible(&evaluation).as_str(), found.as_slice()), (expected, decisive), "{principal} {identity}");
    }
}

#[test]
fn statements_that_match_in_turn_decide_together() {
    let policies = json!({"identity": [document("+ StringEquals ses:FromAddress a; +Null x:y false; + StringNotEquals ses:FromAddress a")]});
    let evaluation = evaluate(MAILER, &json!({"ses:FromAddress": {"unknown": true}}), &policies);
    assert_eq!(possible(&evaluation), "A");
    let decisive: Vec<usize> = evaluation.layers[0].decisive.iter().map(|at| at.statement).collect();
    assert_eq!(decisive, [0, 2]);
}

#[test]
fn each_possible_decision_comes_with_a_completion() {
    let policies = json!({
        "identity": [document("+ StringLike ses:FromAddress a*; - StringLike ses:FromAddress *z")],
        "boundary": policy('U'),
    });
    let evaluation = evaluate(MAILER, &json!({"ses:FromAddress": {"unknown": true}}), &policies);
    let shown: Vec<_> = evaluation.completions.iter().map(|completion| completion.decision).collect();
    assert_eq!(shown, crate::Decision::ALL);
    assert!(
        evaluation.completions.iter().all(|completion| completion.keys.len() == 1 && completion.unreadable.len() == 1)
    );
}

/// Each reason by itself, beside the nearest question that is exact.
#[test]
fn an_answer_that_may_hold_too_much_says_so() {
    let long = "a".repeat(300);
    let many: Vec<String> = (0..300).map(|index| format!("- StringEquals aws:username v{index}")).collect();
    let many = format!("+ StringEquals ses:FromAddress ${{aws:username}}@x.com; {}", many.join("; "));
    for (known, unknown, identity, approximate) in [
        // A key in its own pattern, and keys in a circle.
        (json!({}), &[FROM][..], "+ StringLike ses:FromAddress ${ses:FromAddress}", true),
        (json!({}), &[FROM, TAG], "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}", false),
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}; - StringEquals aws:PrincipalTag/team ${ses:FromAddress}",
            true,
        ),
        // A value that is missing may be the one beside which the other key matters.
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress a; + StringLike ses:FromAddress ${ses:FromAddress} & StringEquals aws:PrincipalTag/team a",
            true,
        ),
        // A wildcard beside the variable, or a third key.
        (json!({}), &[FROM, TAG], "+ StringLike ses:FromAddress ${aws:PrincipalTag/team}*", true),
        (json!({}), &[FROM, TAG], "+ StringLike ses:FromAddress ${aws:PrincipalTag/team}@x.com", false),
        (
            json!({}),
            &[FROM, TAG, "aws:username"],
            "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}; + StringEquals ses:FromAddress ${aws:username}",
            true,
        ),
        // One whose value is known stands for it.
        (
            json!({"aws:username": "mailer"}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress ${aws:username}-${aws:PrincipalTag/team}",
            false,
        ),
        // Two forms that may come to the same text, and a key that is a number too.
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress a${aws:PrincipalTag/team}|${aws:PrincipalTag/team}a",
            true,
        ),
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress a${aws:PrincipalTag/team}|b${aws:PrincipalTag/team}",
            false,
        ),
        (json!({}), &["x:y", TAG], "+ StringEquals x:y ${aws:PrincipalTag/team}; - NumericLessThan x:y 5", true),
        // The forms are never the same, or always.
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress a${aws:PrincipalTag/team}|${aws:PrincipalTag/team}bb",
            false,
        ),
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress a${aws:PrincipalTag/team}b|a${aws:PrincipalTag/team}c",
            false,
        ),
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEquals ses:FromAddress a${aws:PrincipalTag/team}b|A${aws:PrincipalTag/team}B",
            true,
        ),
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEqualsIgnoreCase ses:FromAddress a${aws:PrincipalTag/team}b|A${aws:PrincipalTag/team}c",
            false,
        ),
        // Without regard to case, beside a pattern with regard to it.
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEqualsIgnoreCase ses:FromAddress ${aws:PrincipalTag/team}; - StringLike ses:FromAddress a*",
            true,
        ),
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEqualsIgnoreCase ses:FromAddress ${aws:PrincipalTag/team}; - StringLike ses:FromAddress a",
            false,
        ),
        (
            json!({}),
            &[FROM, TAG],
            "+ StringEqualsIgnoreCase ses:FromAddress ${aws:PrincipalTag/team}; - StringLike ses:FromAddress 5*",
            false,
        ),
        // Long texts.
        (json!({FROM: long}), &[TAG], "+ StringLike ses:FromAddress ${aws:PrincipalTag/team}*", true),
        (json!({FROM: "a".repeat(256)}), &[TAG], "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}", false),
        (json!({FROM: "a".repeat(257)}), &[TAG], "+ StringEquals ses:FromAddress ${aws:PrincipalTag/team}", true),
        (
            json!({FROM: "a".repeat(257)}),
            &[TAG],
            "+ StringEqualsIgnoreCase ses:FromAddress ${aws:PrincipalTag/team}",
            true,
        ),
        (json!({TO: ["b", long]}), &[TAG], "+ ForAnyValue:StringLike ses:Recipients ${aws:PrincipalTag/team}", true),
        // A list that is compared as a whole is only there or not.
        (
            json!({}),
            &[TO],
            "+ ForAnyValue:StringLike ses:Recipients a*; - StringNotLike ses:Recipients ${ses:Recipients}",
            false,
        ),
        (json!({TO: ["b"]}), &[TAG], "+ ForAnyValue:StringLike ses:Recipients ${aws:PrincipalTag/team}", false),
        (
            json!({"aws:SourceArn": format!("arn:aws:ses:us-east-1:111122223333:identity/{long}")}),
            &[TAG],
            "+ ArnLike aws:SourceArn arn:aws:ses:*:*:identity/${aws:PrincipalTag/team}",
            true,
        ),
        // More values of the variable than are put in.
        (json!({}), &[FROM, "aws:username"], many.as_str(), true),
        // Wildcards on numbers, dates and IPv6 addresses; two families on one text.
        (json!({}), &["aws:MultiFactorAuthAge"], "+ StringLike aws:MultiFactorAuthAge *5", true),
        (json!({}), &["aws:MultiFactorAuthAge"], "+ StringLike aws:MultiFactorAuthAge 5", false),
        (json!({}), &["aws:CurrentTime"], "+ StringLike aws:CurrentTime 2026*", true),
        (json!({}), &["aws:CurrentTime"], "+ StringEquals aws:CurrentTime 2026-01-01", false),
        (json!({}), &["aws:SourceIp"], "+ StringLike aws:SourceIp 2001:*", true),
        (json!({}), &["aws:SourceIp"], "+ StringLike aws:SourceIp 10.*", false),
        (json!({}), &["x:y"], "+ NumericLessThan x:y 5; - DateLessThan x:y 2020-01-01", true),
        (json!({}), &["x:y"], "+ NumericLessThan x:y 5; - NumericLessThan x:y 4", false),
        (json!({}), &["x:y"], "+ NumericLessThan x:y 5; - StringLike x:y *5", true),
        (json!({}), &["x:y"], "+ NumericLessThan x:y 5; - StringLike x:y 4", false),
        (json!({}), &["x:y"], "+ NumericLessThan x:y 5; - StringLike x:y * & NumericLessThan x:y 4", false),
        (json!({}), &["aws:SourceIp"], "+ StringLike aws:SourceIp *; - IpAddress aws:SourceIp 10.0.0.0/8", false),
    ] {
        let mut context = known.clone();
        unknown.iter().for_each(|key| context[*key] = json!({"unknown": true}));
        let evaluation = evaluate(MAILER, &context, &json!({"identity": [document(identity)]}));
        assert_eq!(evaluation.approximate, approximate, "{identity:.90} {:?}", evaluation.possible);
        assert!(evaluation.decision().is_none(), "{identity:.90}");
        // What no statement denies is not denied, however little can be told apart.
        let denied = evaluation.possible.contains(Decision::ExplicitDeny);
        assert_eq!(denied, identity.contains("- "), "{identity:.90} {:?}", evaluation.possible);
        let mut all: Vec<&str> = unknown.to_vec();
        all.sort_unstable();
        assert!(!approximate || evaluation.unknown_keys == all, "{identity:.90} {:?}", evaluation.unknown_keys);
    }
}

/// Of many unknowns most answers are small, and exact.
#[test]
fn only_in_its_own_account_a_policy_of_the_resource_lifts_a_boundary() {
    for (user, expected) in [(MAILER, "AI"), (STRANGER, "I")] {
        let mut named = when("Allow", "StringEquals ses:FromAddress a");
        named["Principal"] = json!({"AWS": user});
        let policies = json!({
            "identity": [document("+")],
            "boundary": [document("+ Null aws:PrincipalArn true")],
            "resource": [{"Version": "2012-10-17", "Statement": [named]}],
        });
        let evaluation = evaluate(user, &json!({FROM: {"unknown": true}, "aws:PrincipalArn": user}), &policies);
        assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), (expected, false), "{user}");
    }
}

#[test]
fn many_unknowns_do_not_make_an_answer_approximate() {
    let keys: Vec<String> = (0..24).map(|index| format!("x:key{index}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let each: Vec<String> = keys.iter().map(|key| format!("StringEquals {key} a")).collect();
    // Refused in every completion, but only all keys together show it.
    let other: Vec<String> = keys.iter().map(|key| format!("StringNotEquals {key} a")).collect();
    let (each, other) = (format!("+ {}", each.join(" & ")), format!("+ {}", other.join(" & ")));
    exactly(&names, &[("identity", &each), ("boundary", &other)], "I", &[]);
    let mut sorted = names.clone();
    sorted.sort_unstable();
    exactly(&names, &[("identity", &each)], "AI", &sorted);
}

/// Which of many senders is in the list: answered for each sender, not for each list.
#[test]
fn a_list_compared_with_another_key_is_told_whichever_is_named_first() {
    let mut statements = vec![
        "+ ForAnyValue:StringLike ses:Recipients *@x.com".to_owned(),
        "- ForAnyValue:StringEquals ses:Recipients ${ses:FromAddress}".to_owned(),
    ];
    statements.extend((0..40).map(|index| format!("- StringEquals ses:FromAddress a{index}")));
    for _ in 0..2 {
        exactly(&[FROM, TO], &[("identity", &statements.join("; "))], "AIE", &[FROM, TO]);
        statements.reverse();
    }
}

/// So deep a diagram goes, and no deeper.
#[test]
fn a_thousand_unknown_keys_are_told_apart() {
    for (count, approximate) in [(1_000, false), (1_001, true)] {
        let keys: Vec<String> = (0..count).map(|index| format!("x:key{index}")).collect();
        let context: serde_json::Map<String, Value> =
            keys.iter().map(|key| (key.clone(), json!({"unknown": true}))).collect();
        let allows: Vec<String> = keys.iter().map(|key| format!("+ StringEquals {key} a")).collect();
        let evaluation = evaluate(MAILER, &context.into(), &json!({"identity": [document(&allows.join("; "))]}));
        assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), ("AI", approximate), "{count}");
    }
}

/// Each list of recipients may meet any of the Denys, and each Deny alone.
#[test]
fn many_statements_may_turn_on_one_list() {
    let denies = |operator: &str| -> Vec<String> {
        (0..40).map(|index| format!("- {operator} ses:Recipients *@d{index}.example")).collect()
    };
    exactly(&[TO], &[("identity", &format!("+; {}", denies("ForAnyValue:StringLike").join("; ")))], "AE", &[TO]);
    // What is shown of it is a text that does.
    let policies = json!({"identity": [document("+; - ForAnyValue:StringLike ses:Recipients *@a|*@b"), document("- ForAnyValue:StringLike ses:Recipients c@* & ForAllValues:StringLike ses:Recipients *@d")]});
    let evaluation = evaluate(MAILER, &json!({TO: {"unknown": true}}), &policies);
    let shown = |index: usize| evaluation.completions[index].keys[0].1.clone();
    assert_eq!(shown(0), crate::ContextValue::Absent);
    assert_eq!(shown(1), crate::ContextValue::Many(vec!["@a".to_owned()]));
    // No list is outside of all patterns but the empty one, which holds no text outside of any.
    exactly(&[TO], &[("identity", &format!("+; {}", denies("ForAllValues:StringLike").join("; ")))], "AE", &[TO]);
    let some = format!("+; {}; - Null ses:Recipients true", denies("ForAllValues:StringNotLike").join("; "));
    exactly(&[TO], &[("identity", &some)], "AE", &[TO]);
    // To be allowed, a list needs an address of each.
    let all: Vec<String> =
        (0..40).map(|index| format!("ForAnyValue:StringLike ses:Recipients *@d{index}.example")).collect();
    let policies = json!({"identity": [document("+")], "boundary": all.iter().map(|one| document(&format!("+; - ForAllValues:StringNotLike{}", one.trim_start_matches("ForAnyValue:StringLike")))).collect::<Vec<_>>()});
    let evaluation = evaluate(MAILER, &json!({TO: {"unknown": true}}), &policies);
    assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), ("AE", false));
    let allowed = &evaluation.completions[0];
    assert!(
        matches!(&allowed.keys[0].1, crate::ContextValue::Many(list) if list.len() == 40),
        "one address of each domain: {allowed:?}"
    );
    // The shortest list is shown.
    let denied = &evaluation.completions[1];
    assert!(matches!(&denied.keys[0].1, crate::ContextValue::Absent), "{denied:?}");
}

/// Too much to be told apart: the answer is then too large rather than wrong, says so, and comes soon.
#[test]
fn beyond_the_budget_the_answer_is_approximate() {
    // Which of the first thirty keys are `a` has to be kept in mind until the others are asked for.
    let keys: Vec<String> = (0..60).map(|index| format!("x:key{index:02}")).collect();
    let context: serde_json::Map<String, Value> =
        keys.iter().map(|key| (key.clone(), json!({"unknown": true}))).collect();
    let mut pairs =
        vec![format!("+ {}", keys.iter().map(|key| format!("StringEquals {key} a")).collect::<Vec<_>>().join(" & "))];
    let (first, second) = keys.split_at(30);
    pairs.extend(
        first.iter().zip(second).map(|(one, other)| format!("- StringEquals {one} a & StringEquals {other} a")),
    );
    let start = std::time::Instant::now();
    let evaluation = evaluate(MAILER, &context.into(), &json!({"identity": [document(&pairs.join("; "))]}));
    assert_eq!((possible(&evaluation).as_str(), evaluation.approximate), ("AIE", true));
    assert_eq!(evaluation.unknown_keys.len(), keys.len());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn what_is_settled_of_one_statement_is_said_of_that_statement() {
    let never = "+ StringEquals ses:FromAddress a & StringNotEquals ses:FromAddress a";
    let open = "+ StringEquals ses:FromAddress a";
    let text = format!("{never}; {open}; - StringEquals aws:UserAgent b");
    let unknown = json!({"ses:FromAddress": {"unknown": true}});
    let evaluation = evaluate(MAILER, &unknown, &json!({"identity": [document(&text)]}));
    let layer = evaluation.layer(LayerKind::Identity).unwrap();
    let outcomes: Vec<Truth> = layer.statements.iter().map(|statement| statement.outcome).collect();
    assert_eq!(outcomes, [Truth::False, Truth::Unknown, Truth::False]);
    let decisive: Vec<usize> = layer.decisive.iter().map(|at| at.statement).collect();
    assert_eq!(decisive, [1]);
}

#[test]
fn a_session_of_unknown_name_may_be_each_one_that_is_named() {
    let two = SESSION.replace("/one", "/two");
    let statement =
        |effect: &str, principal: &str| json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": "ses:*"});
    let resource = json!({
        "Version": "2012-10-17",
        "Statement": [statement("Allow", SESSION), statement("Deny", &two)],
    });
    for (identity, expected) in [('A', "AE"), ('N', "AIE")] {
        check(ROLE, &json!({"identity": [policy(identity)], "resource": [resource]}), expected);
    }
}

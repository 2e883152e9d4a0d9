//! Who must allow, and who may deny.

use serde_json::{Value, json};

use super::*;
use crate::{Decision, LayerKind};

/// Policies by layer: `identity=A boundary=N`; levels are parted by `/`.
fn policies(text: &str) -> Value {
    text.split(' ')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, letters) = part.split_once('=').unwrap();
            (name.to_owned(), layer(name, &letters.replace('/', " ")))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn every_layer_that_applies_must_allow_and_none_may_deny() {
    const LAYERS: [&str; 6] = ["identity", "boundary", "session", "serviceControl", "resourceControl", "vpcEndpoint"];
    let all = |name: &str, letters: &str| {
        let mut policies = policies(&LAYERS.map(|layer| format!("{layer}=A")).join(" "));
        policies[name] = layer(name, letters);
        policies
    };
    for name in LAYERS {
        for (letters, expected) in [
            ("A", "A"),
            ("N", "I"),
            ("D", "E"),
            ("AN", "A"),
            ("NA", "A"),
            ("NN", "I"),
            ("AD", "E"),
            ("ND", "E"),
            // What can't be read may allow, deny, or say nothing.
            ("U", "AIE"),
            ("AU", "AE"),
            ("NU", "AIE"),
            ("DU", "E"),
        ] {
            check(MAILER, &all(name, letters), expected);
        }
        if name != "identity" {
            check(MAILER, &json!({"identity": layer("identity", "D"), name: layer(name, "U")}), "E");
        }
    }
}

#[test]
fn an_empty_layer_is_none_but_an_empty_level_allows_nothing() {
    for (text, expected) in [
        ("identity=", "I"),
        ("", "I"),
        ("identity=A boundary=", "A"),
        ("identity=A session=", "A"),
        ("identity=A vpcEndpoint=", "A"),
        ("identity=A serviceControl=", "I"),
        ("identity=A serviceControl=A/", "I"),
        ("identity=A resourceControl=A//A", "I"),
    ] {
        check(MAILER, &policies(text), expected);
    }
    for name in ["serviceControl", "resourceControl", "boundary", "session", "vpcEndpoint", "resource"] {
        check(MAILER, &json!({"identity": [policy('A')], name: []}), "A");
        check(MAILER, &json!({"identity": [policy('A')], name: null}), "A");
    }
}

#[test]
fn every_level_needs_an_allow_and_a_deny_at_any_wins() {
    for (levels, expected, each) in [
        ("A", "A", "A"),
        ("A/A/A", "A", "AAA"),
        ("A/N/A", "I", "AIA"),
        ("N/AN/A", "I", "IAA"),
        ("NA/AN/A", "A", "AAA"),
        ("A/A/D", "E", "AAE"),
        ("N/D", "E", "IE"),
        ("A/U", "AIE", "A?"),
        ("N/U", "IE", "I?"),
        ("D/U", "E", "E?"),
    ] {
        for layer in ["serviceControl", "resourceControl"] {
            let evaluation = evaluate(MAILER, &json!({}), &policies(&format!("identity=A {layer}={levels}")));
            assert_eq!(possible(&evaluation), expected, "{layer} {levels}");
            let own = evaluation.layers.iter().find(|own| !own.levels.is_empty()).unwrap();
            let shown: String = own
                .levels
                .iter()
                .map(|level| level.determined().and_then(|decision| decision.as_str().chars().next()).unwrap_or('?'))
                .collect();
            assert_eq!(shown, each, "{layer} {levels}");
        }
    }
}

#[test]
fn service_control_policies_bind_users_roles_and_root_only() {
    let everyone = grant("Allow", "\"*\"");
    for (principal, expected) in
        [(MAILER, "I"), (ROLE, "I"), (SESSION, "I"), (ROOT, "I"), (LINKED, "A"), (SERVICE, "A"), (ANONYMOUS, "A")]
    {
        let levels = layer("serviceControl", "N");
        check(principal, &json!({"identity": [policy('A')], "serviceControl": levels, "resource": everyone}), expected);
    }
}

#[test]
fn another_account_needs_an_allow_on_both_sides() {
    let own = r#"{"AWS":"arn:aws:iam::999988887777:user/mailer"}"#;
    for (identity, resource, expected) in [
        ("A", Some(grant("Allow", own)), "A"),
        ("A", Some(grant("Allow", r#"{"AWS":"999988887777"}"#)), "A"),
        ("A", Some(grant("Allow", "\"*\"")), "A"),
        ("A", Some(grant("Allow", r#"{"AWS":"111122223333"}"#)), "I"),
        ("A", None, "I"),
        ("N", Some(grant("Allow", own)), "I"),
        ("N", Some(grant("Allow", "\"*\"")), "I"),
        ("D", Some(grant("Allow", own)), "E"),
        ("A", Some(grant("Deny", own)), "E"),
        ("N", Some(grant("Deny", own)), "E"),
        ("A", Some(policy('U')), "AIE"),
        ("N", Some(policy('U')), "IE"),
        ("U", Some(grant("Allow", own)), "AIE"),
    ] {
        let resource: Vec<Value> = resource.into_iter().collect();
        let policies = json!({"identity": layer("identity", identity), "resource": resource});
        check(STRANGER, &policies, expected);
        let mut bounded = policies.clone();
        bounded["boundary"] = layer("boundary", "N");
        // Across accounts nothing lifts a boundary.
        let refused = if expected.contains('E') { expected.trim_start_matches('A') } else { "I" };
        let refused = if refused == "E" || expected == "E" { "E" } else { refused };
        check(STRANGER, &bounded, refused);
    }
}

#[test]
fn whose_resource_it_is_can_be_told() {
    let case = |owner: &str| {
        format!(
            r#"{{"id":"x","request":{{"principal":"{MAILER}","action":"s3:GetObject","resource":"arn:aws:s3:::assets/a",
                "resourceAccount":{owner}}},"policies":{{"identity":[{}]}}}}"#,
            policy('A')
        )
    };
    for (owner, expected) in [("null", "A"), (r#""111122223333""#, "A"), (r#""999988887777""#, "I")] {
        let evaluation = Case::parse(&case(owner)).unwrap().decide();
        assert_eq!(possible(&evaluation), expected, "{owner}");
    }
}

#[test]
fn each_layer_keeps_its_own_decision_and_what_decided() {
    let evaluation =
        evaluate(MAILER, &json!({}), &policies("identity=NA boundary=N session=D serviceControl=A/NA resource="));
    type Row = (String, String, Vec<(Option<usize>, usize, usize)>);
    let shown: Vec<Row> = evaluation
        .layers
        .iter()
        .map(|layer| {
            let decisive = layer.decisive.iter().map(|at| (at.level, at.policy, at.statement)).collect();
            (layer.layer.to_string(), format!("{:?}", layer.possible), decisive)
        })
        .collect();
    let row = |layer: &str, possible: &str, decisive| (layer.to_owned(), format!("{{{possible}}}"), decisive);
    assert_eq!(
        shown,
        [
            row("identity-policy", "Allowed", vec![(None, 1, 0)]),
            row("permissions-boundary", "ImplicitDeny", vec![]),
            row("session-policy", "ExplicitDeny", vec![(None, 0, 1)]),
            row("service-control-policy", "Allowed", vec![(Some(0), 0, 0), (Some(1), 1, 0)]),
        ]
    );
    // Every statement is there, also those that do not match.
    let traces: usize = evaluation.layers.iter().map(|layer| layer.statements.len()).sum();
    assert_eq!(traces, 3 + 2 + 2 + 4);
    // An action that begins like that of the request is another one.
    let begins_alike =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ses:SendRaw*", "Resource": "*"}});
    let other = evaluate(MAILER, &json!({}), &json!({"identity": [begins_alike]}));
    assert_eq!((possible(&other).as_str(), other.layers[0].statements[0].action), ("I", crate::Truth::False));
    let own = |kind| evaluation.layer(kind).map(|layer| (layer.layer, layer.possible.determined()));
    assert_eq!(own(LayerKind::Session), Some((LayerKind::Session, Some(Decision::ExplicitDeny))));
    assert_eq!(own(LayerKind::ResourceControl), None);
}

#[test]
fn a_trace_says_of_each_element_whether_it_matched_and_with_what() {
    let statement = json!({
        "Effect": "Allow", "Action": "ses:Get*", "Resource": "arn:aws:ses:*:*:identity/example.org",
        "Condition": {
            "StringLike": {"ses:FromAddress": ["*@${aws:PrincipalTag/domain}", "${aws:PrincipalTag/none}*"]},
            "Bool": {"aws:SecureTransport": true},
            "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        },
    });
    let context = json!({
        "ses:fromaddress": "a@example.com", "aws:PrincipalTag/domain": "example.com", "aws:SourceIp": {"unknown": true},
    });
    let policies = json!({"identity": [{"Version": "2012-10-17", "Statement": statement}]});
    let evaluation = evaluate(MAILER, &context, &policies);
    let trace = &evaluation.layers[0].statements[0];
    use crate::Truth::{False, True, Unknown};
    assert_eq!((trace.action, trace.resource, trace.principal, trace.outcome), (False, False, None, False));
    let conditions: Vec<_> = trace
        .conditions
        .iter()
        .map(|condition| (condition.key.as_str(), condition.outcome, condition.resolved.clone()))
        .collect();
    let mut walked = Vec::new();
    for condition in &trace.conditions {
        walked.push((condition.key.as_str(), condition.outcome, condition.resolved.clone()));
    }
    assert_eq!(walked, conditions);
    let resolved = Some(vec![Some("*@example.com".to_owned()), None]);
    assert_eq!(
        conditions,
        [("ses:FromAddress", True, resolved), ("aws:SecureTransport", False, None), ("aws:SourceIp", Unknown, None)]
    );
    let [from, transport, _] = &trace.conditions[..] else { panic!("three conditions") };
    assert_eq!(from.pointer, "/Statement/Condition/StringLike/ses:FromAddress");
    assert_eq!(from.actual, crate::ContextValue::One("a@example.com".to_owned()));
    assert_eq!(
        (transport.expected.as_slice(), &transport.actual),
        (&["true".to_owned()][..], &crate::ContextValue::Absent)
    );
}

/// Whether a document is short or long, each statement's trace has that statement's conditions.
#[test]
fn each_trace_has_the_conditions_of_its_own_statement() {
    for statements in [1, 7, 8, 40] {
        let conditions = |index: usize| json!({"StringEquals": {format!("aws:PrincipalTag/t{index}"): "x"}});
        let statement = |index: usize| match index % 3 {
            2 => json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
            _ => json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": conditions(index)}),
        };
        let document =
            json!({"Version": "2012-10-17", "Statement": (0..statements).map(statement).collect::<Vec<_>>()});
        let evaluation = evaluate(MAILER, &json!({"aws:PrincipalTag/t0": "x"}), &json!({"identity": [document]}));
        for (index, trace) in evaluation.layers[0].statements.iter().enumerate() {
            let found: Vec<_> = trace.conditions.iter().map(|condition| (&*condition.key, condition.outcome)).collect();
            let key = format!("aws:PrincipalTag/t{index}");
            let expected = (index % 3 != 2).then_some((&*key, (index == 0).into()));
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "statement {index} of {statements}");
        }
    }
}

//! Cases as they come: what is read, what is refused and where, and what the answer says.

use serde_json::{Value, json};

use super::Case;

const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// A case of which some parts are replaced, as text.
fn case(replace: &[(&str, &str)]) -> String {
    let mut text = r#"{"id":"a","request":{"principal":"arn:aws:iam::111122223333:user/m","action":"ses:SendEmail","resource":"arn:aws:ses:us-east-1:111122223333:identity/example.com","context":{}},"policies":{"identity":[ALLOW]}}"#.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text.replace("ALLOW", ALLOW)
}

fn answer(text: &str) -> Value {
    let line = Case::parse(text).map_or_else(|error| error.answer(), |case| case.answer());
    assert!(!line.contains('\n'));
    serde_json::from_str(&line).unwrap()
}

#[test]
fn what_is_no_case_is_an_error_with_id_and_pointer() {
    const IDENTITY: &str = r#"{"identity":[ALLOW]}"#;
    for (replace, id, pointer) in [
        (&[(r#""id":"a","#, "")][..], None, "/id"),
        (&[(r#""id":"a""#, r#""id":5"#)], None, "/id"),
        (&[(r#""id":"a""#, r#""id":null"#)], None, "/id"),
        (&[("]}}", r#"]},"id":"b"}"#)], None, "/id"),
        (&[("]}}", r#"]},"why":"x","why":"y"}"#)], Some("a"), "/why"),
        (&[("]}}", "]}")], Some("a"), ""),
        (&[("]}}", "]}} x")], Some("a"), ""),
        (&[(r#""request":"#, r#""asked":"#)], Some("a"), "/request"),
        (&[(r#""policies":"#, r#""laws":"#)], Some("a"), "/policies"),
        (&[(r#""context":{}"#, r#""context":{},"extra":1"#)], Some("a"), "/request/extra"),
        (&[(r#""context":{}"#, r#""context":[]"#)], Some("a"), "/request/context"),
        (&[(r#""context":{}"#, r#""context":{"a:b":{"unknown":false}}"#)], Some("a"), "/request/context/a:b"),
        (&[(r#""context":{}"#, r#""context":{"a:b":{"unknown":true,"x":1}}"#)], Some("a"), "/request/context/a:b"),
        (&[(r#""context":{}"#, r#""context":{"a/b":["x",null]}"#)], Some("a"), "/request/context/a~1b/1"),
        (&[(r#""context":{}"#, r#""context":{"a:b":["x",{"unknown":true}]}"#)], Some("a"), "/request/context/a:b/1"),
        (&[(r#""context":{}"#, r#""context":{"a:b":1,"A:B":1}"#)], Some("a"), "/request/context/A:B"),
        (&[("user/m", "group/m")], Some("a"), "/request/principal"),
        (&[("ses:SendEmail", "SendEmail")], Some("a"), "/request/action"),
        (&[("ses:SendEmail", ":SendEmail")], Some("a"), "/request/action"),
        (&[("arn:aws:ses", "aws:ses")], Some("a"), "/request/resource"),
        (&[(r#""context""#, r#""resourceAccount":111122223333,"context""#)], Some("a"), "/request/resourceAccount"),
        (&[(r#""context""#, r#""resourceAccount":"1111","context""#)], Some("a"), "/request/resourceAccount"),
        (&[(IDENTITY, "[]")], Some("a"), "/policies"),
        (&[(IDENTITY, r#"{"scp":[]}"#)], Some("a"), "/policies/scp"),
        (&[(IDENTITY, r#"{"identity":ALLOW}"#)], Some("a"), "/policies/identity"),
        (&[(IDENTITY, r#"{"identity":{"unreadable":true,"x":1}}"#)], Some("a"), "/policies/identity"),
        (&[(IDENTITY, r#"{"identity":[ALLOW,null]}"#)], Some("a"), "/policies/identity/1"),
        (&[(IDENTITY, r#"{"identity":[{"name":"n"}]}"#)], Some("a"), "/policies/identity/0/document"),
        (&[(IDENTITY, r#"{"identity":[{"name":1,"document":ALLOW}]}"#)], Some("a"), "/policies/identity/0/name"),
        (&[(IDENTITY, r#"{"identity":[{"document":ALLOW,"x":1}]}"#)], Some("a"), "/policies/identity/0/x"),
        (&[(IDENTITY, r#"{"serviceControl":[ALLOW]}"#)], Some("a"), "/policies/serviceControl/0"),
        (&[(IDENTITY, r#"{"serviceControl":[[ALLOW],[{}]]}"#)], Some("a"), "/policies/serviceControl/1/0/Statement"),
        (&[(IDENTITY, r#"{"resource":ALLOW}"#)], Some("a"), "/policies/resource/Statement/Principal"),
        (&[(IDENTITY, r#"{"resource":[ALLOW]}"#)], Some("a"), "/policies/resource/0/Statement/Principal"),
        (
            &[("ALLOW", r#"{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}"#)],
            Some("a"),
            "/policies/identity/0/Statement/0/Effect",
        ),
        (
            &[("ALLOW", r#"{"Statement":[{"Effect":"Allow","Action":"*","Action":"*","Resource":"*"}]}"#)],
            Some("a"),
            "/policies/identity/0/Statement/0/Action",
        ),
    ] {
        let text = case(replace);
        let answer = answer(&text);
        assert_eq!(answer["id"].as_str(), id, "{text}\n{answer}");
        assert_eq!(answer["error"]["pointer"].as_str(), Some(pointer), "{text}\n{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("expected") || message.contains("duplicate key"), "{message}");
        assert_eq!(answer.as_object().unwrap().len(), 2);
    }
}

#[test]
fn what_is_no_json_object_is_an_error_without_id() {
    for text in ["", "{", "[]", "null", "5", "\"x\"", "{'id':1}", "\u{feff}{}", "{\"id\":\"\\ud800\"}"] {
        let answer = answer(text);
        assert_eq!(answer["id"], Value::Null, "{text}");
        assert!(answer["error"]["pointer"].is_string(), "{text}");
    }
}

/// The line of a syntax error within a case would be taken for the file's.
#[test]
fn a_case_of_one_line_is_told_the_column_only() {
    for (text, message) in [
        ("broken", "column 1: expected a value, found `b`"),
        ("{\"id\":\"a\",}", "column 11: expected a key in quotes, found `}`"),
        ("{\n}]", "line 2 column 2: expected the end of the text, found `]`"),
        ("{,\n}", "line 1 column 2: expected a key in quotes or `}`, found `,`"),
    ] {
        assert_eq!(answer(text)["error"]["message"], message, "{text}");
    }
}

#[test]
fn fields_of_the_case_that_are_not_known_are_passed_over() {
    let text = case(&[("]}}", r#"]},"why":"x","source":["y"],"expected":{"decision":"ExplicitDeny"}}"#)]);
    assert_eq!(answer(&text)["decision"], "Allowed");
    // And a policy keeps elements of AWS's own that are not known here.
    assert_eq!(answer(&case(&[("ALLOW", r#"{"Future":{"x":1},"Statement":[]}"#)]))["decision"], "ImplicitDeny");
}

#[test]
fn values_of_the_context_are_taken_as_their_text() {
    for (value, condition, allowed) in [
        ("1.50", r#""StringEquals":{"a:b":"1.50"}"#, true),
        ("1.50", r#""NumericEquals":{"a:b":1.5}"#, true),
        ("1e2", r#""StringEquals":{"a:b":"1e2"}"#, true),
        ("true", r#""Bool":{"a:b":true}"#, true),
        ("true", r#""StringEquals":{"a:b":"true"}"#, true),
        ("null", r#""Null":{"a:b":true}"#, true),
        ("[]", r#""Null":{"a:b":false}"#, true),
        ("[]", r#""ForAllValues:StringEquals":{"a:b":"x"}"#, true),
        ("[]", r#""ForAnyValue:StringLike":{"a:b":"*"}"#, false),
        (r#"["x"]"#, r#""StringEquals":{"a:b":"x"}"#, false),
        (r#"["x"]"#, r#""StringNotEquals":{"a:b":"y"}"#, false),
        (r#"["x"]"#, r#""ForAnyValue:StringEquals":{"a:b":"x"}"#, true),
        (r#"[1,true]"#, r#""ForAllValues:StringEquals":{"A:B":["true","1"]}"#, true),
        (r#""x""#, r#""ForAllValues:StringEquals":{"a:b":"x"}"#, true),
    ] {
        let text = case(&[
            (r#""context":{}"#, &format!(r#""context":{{"a:b":{value}}}"#)),
            ("ALLOW", &ALLOW.replace("}}", &format!(r#","Condition":{{{condition}}}}}}}"#))),
        ]);
        let expected = if allowed { "Allowed" } else { "ImplicitDeny" };
        assert_eq!(answer(&text)["decision"], expected, "{value} {condition}");
    }
}

#[test]
fn an_answer_has_the_fields_of_the_format_in_order() {
    let text = case(&[
        (r#""context":{}"#, r#""context":{"SES:FromAddress":{"unknown":true},"x:y":{"unknown":true}}"#),
        (
            r#"{"identity":[ALLOW]}"#,
            r#"{"identity":[{"name":"n","document":{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"ses:FromAddress":"a*"}}}]}}],
                "serviceControl":[[ALLOW],{"unreadable":true}]}"#,
        ),
    ]);
    let case = Case::parse(&text).unwrap();
    assert_eq!(
        case.answer(),
        concat!(
            r#"{"id":"a","decision":"Undetermined","possible":["Allowed","ImplicitDeny","ExplicitDeny"],"layers":["#,
            r#"{"layer":"identity-policy","decision":"Undetermined","possible":["Allowed","ImplicitDeny"],"decisive":["#,
            r#"{"policy":"n","statement":0,"pointer":"/Statement/0","sid":"S","at":"/policies/identity/0"}]},"#,
            r#"{"layer":"service-control-policy","decision":"Undetermined","#,
            r#""possible":["Allowed","ImplicitDeny","ExplicitDeny"],"decisive":["#,
            r#"{"policy":null,"statement":0,"pointer":"/Statement","sid":null,"at":"/policies/serviceControl/0/0"}]}],"#,
            r#""unknownKeys":["SES:FromAddress"],"unreadableLayers":["service-control-policy"]}"#,
        )
    );
}

#[test]
fn a_resource_holds_one_policy_or_a_list() {
    let grant = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]});
    let many: Vec<Value> = (0..20).map(|index| json!({"name": format!("p{index}"), "document": grant})).collect();
    for (resource, count, first) in [
        (grant.clone(), 1, "/policies/resource"),
        (json!([grant]), 1, "/policies/resource/0"),
        (json!({"name": "p", "document": grant}), 1, "/policies/resource"),
        (json!(many), 20, "/policies/resource/0"),
    ] {
        let text = case(&[(r#"{"identity":[ALLOW]}"#, &json!({"resource": resource}).to_string())]);
        let answer = answer(&text);
        assert_eq!(answer["decision"], "Allowed");
        let decisive = answer["layers"][1]["decisive"].as_array().unwrap();
        assert_eq!((decisive.len(), decisive[0]["at"].as_str()), (count, Some(first)));
    }
}

//! Statements and documents whose patterns match, miss by little, and deny.

use serde_json::{Map, Value, json};

use super::Tape;

fn one_or_more(tape: &mut Tape, pool: &[&str]) -> Value {
    let mut values = vec![tape.pick(pool)];
    if tape.one_in(3) {
        let other = tape.pick(pool);
        if !values.contains(&other) {
            values.push(other);
        }
    }
    if values.len() == 1 && !tape.one_in(3) { json!(values[0]) } else { json!(values) }
}

fn condition(tape: &mut Tape, block: &mut Map<String, Value>) {
    let if_exists =
        |tape: &mut Tape, name: &str| if tape.one_in(5) { format!("{name}IfExists") } else { name.to_owned() };
    let (operator, key, values) = match tape.below(12) {
        0 | 1 => {
            let name = tape.pick(&[
                "StringEquals",
                "StringLike",
                "StringNotEquals",
                "StringNotLike",
                "StringEqualsIgnoreCase",
            ]);
            (
                if_exists(tape, name),
                "ses:FromAddress",
                one_or_more(tape, &["a@example.com", "b@example.com", "*@example.com", "c@other.example"]),
            )
        }
        2 | 3 => {
            let set = tape.pick(&["ForAllValues:", "ForAnyValue:", ""]);
            let name = tape.pick(&["StringEquals", "StringLike", "StringNotLike"]);
            (
                format!("{set}{name}"),
                "ses:Recipients",
                one_or_more(tape, &["x@example.com", "*@example.com", "*@rival.example"]),
            )
        }
        4 => {
            let name = tape.pick(&["IpAddress", "NotIpAddress"]);
            (
                if_exists(tape, name),
                "aws:SourceIp",
                one_or_more(tape, &["203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32"]),
            )
        }
        5 => {
            let name = tape.pick(&["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"]);
            (
                name.to_owned(),
                "aws:PrincipalArn",
                one_or_more(
                    tape,
                    &[
                        "arn:aws:iam::111122223333:role/svc/app",
                        "arn:aws:iam::111122223333:user/mailer",
                        "arn:aws:iam::*:role/other",
                    ],
                ),
            )
        }
        6 => ("Bool".to_owned(), "aws:SecureTransport", json!(tape.pick(&["true", "false"]))),
        7 => {
            let name = tape.pick(&["DateLessThan", "DateGreaterThan"]);
            (name.to_owned(), "aws:CurrentTime", json!(tape.pick(&["2027-01-01T00:00:00Z", "2025-01-01T12:00Z"])))
        }
        8 => {
            let name = tape.pick(&["StringEquals", "StringNotEquals"]);
            (if_exists(tape, name), "aws:PrincipalTag/team", one_or_more(tape, &["mail", "web"]))
        }
        9 => (
            "Null".to_owned(),
            tape.pick(&["ses:FeedbackAddress", "ses:Recipients", "aws:SourceVpce"]),
            json!(tape.pick(&["true", "false"])),
        ),
        10 => {
            let name = tape.pick(&["StringEquals", "StringNotEquals"]);
            (if_exists(tape, name), "aws:SourceVpce", json!(tape.pick(&["vpce-1", "vpce-2"])))
        }
        _ => {
            let name = tape.pick(&["StringEquals", "StringNotEquals"]);
            (if_exists(tape, name), "ses:FromDisplayName", one_or_more(tape, &["Example", "Boss"]))
        }
    };
    let keys = block.entry(operator).or_insert_with(|| json!({}));
    keys.as_object_mut().unwrap().insert(key.to_owned(), values);
}

pub fn statement(tape: &mut Tape, principal: Option<Value>, resource: Option<&str>) -> Value {
    let mut fields = Map::new();
    if tape.one_in(3) {
        fields.insert("Sid".to_owned(), json!(format!("S{}", tape.below(90))));
    }
    fields.insert("Effect".to_owned(), json!(if tape.one_in(4) { "Deny" } else { "Allow" }));
    if let Some(principal) = principal {
        fields.insert("Principal".to_owned(), principal);
    }
    let actions = [
        "ses:SendEmail",
        "ses:SendRawEmail",
        "ses:Send*",
        "ses:*",
        "*",
        "ses:SendBulkEmail",
        "ses:SendBulkTemplatedEmail",
        "ses:SendTemplatedEmail",
        "s3:GetObject",
        "ses:SendEmai?",
    ];
    let element = if tape.one_in(10) { "NotAction" } else { "Action" };
    fields.insert(element.to_owned(), one_or_more(tape, &actions));
    match resource {
        Some(arn) => {
            fields.insert("Resource".to_owned(), json!(arn));
        }
        None => {
            let resources = [
                "*",
                "arn:aws:ses:us-east-1:111122223333:identity/example.com",
                "arn:aws:ses:us-east-1:111122223333:identity/a@example.com",
                "arn:aws:ses:*:*:identity/*",
                "arn:aws:ses:us-east-1:111122223333:configuration-set/tracking",
                "arn:aws:ses:us-east-1:111122223333:template/hello",
                "arn:aws:ses:eu-west-1:111122223333:identity/example.com",
                "arn:aws:ses:us-east-1:444455556666:identity/brand.example",
                "arn:aws:ses:us-east-1:111122223333:*",
            ];
            let element = if tape.one_in(10) { "NotResource" } else { "Resource" };
            fields.insert(element.to_owned(), one_or_more(tape, &resources));
        }
    }
    let conditions = tape.pick(&[0, 0, 1, 1, 2]);
    let mut block = Map::new();
    for _ in 0..conditions {
        condition(tape, &mut block);
    }
    if !block.is_empty() {
        fields.insert("Condition".to_owned(), Value::Object(block));
    }
    Value::Object(fields)
}

pub fn document(tape: &mut Tape) -> Value {
    let count = 1 + tape.below(3);
    let mut statements: Vec<Value> = (0..count).map(|_| statement(tape, None, None)).collect();
    let list = if count == 1 && tape.one_in(2) { statements.remove(0) } else { Value::Array(statements) };
    json!({ "Version": "2012-10-17", "Statement": list })
}

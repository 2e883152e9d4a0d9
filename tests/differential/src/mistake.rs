//! One mistake put into a case: both evaluators have to refuse it, at the same place.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// Breaks one statement of the case, if there is one.
pub(crate) fn put_in(random: &mut Random, case: &mut Value) {
    let mut places = Vec::new();
    if let Some(policies) = case.get("policies") {
        statements(policies, "/policies", &mut places);
    }
    let Some(place) = places.get(random.below(places.len())).cloned() else { return };
    if let Some(statement) = case.pointer_mut(&place).and_then(Value::as_object_mut) {
        break_statement(random, statement, place.starts_with("/policies/resource/"));
    }
}

fn statements(value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) if fields.contains_key("Effect") => places.push(place.to_owned()),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| statements(field, &format!("{place}/{name}"), places));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| statements(item, &format!("{place}/{index}"), places));
        }
        _ => {}
    }
}

fn break_statement(random: &mut Random, statement: &mut Map<String, Value>, of_resource: bool) {
    let mut set = |name: &str, value: Value| {
        statement.insert(name.to_owned(), value);
    };
    let condition = |operator: &str, value: Value| json!({operator: {"aws:PrincipalTag/team": value}});
    match random.below(20) {
        0 => set("Effect", json!("allow")),
        1 => set("Effect", json!(["Allow"])),
        2 => {
            statement.shift_remove("Effect");
        }
        3 => {
            statement.shift_remove("Action");
            statement.shift_remove("NotAction");
        }
        4 => {
            statement.shift_remove("NotAction");
            statement.insert("Action".to_owned(), json!(["ses:*", "SendEmail"]));
        }
        5 => {
            statement.shift_remove("NotAction");
            statement.insert("Action".to_owned(), json!([]));
        }
        6 => {
            statement.shift_remove("NotResource");
            statement.insert("Resource".to_owned(), json!("identity/x.com"));
        }
        7 => {
            statement.shift_remove("NotResource");
            statement.insert("Resource".to_owned(), json!(["*", 5]));
        }
        8 => set("Condition", condition("StringIs", json!("a"))),
        9 => set("Condition", condition("NullIfExists", json!("true"))),
        10 => set("Condition", condition("ForAnyValue:Null", json!("true"))),
        11 => set("Condition", condition("NumericEquals", json!(["1", "one"]))),
        12 => set("Condition", condition("DateLessThanIfExists", json!("2020-02-30"))),
        13 => set("Condition", condition("ForAllValues:IpAddress", json!("10.0.0.0/40"))),
        14 => set("Condition", condition("StringLike", json!([null]))),
        15 => set("condition", condition("StringLike", json!("a"))),
        16 => {
            statement.shift_remove("NotAction");
            statement.insert("Action".to_owned(), json!(random.pick(&["ses:Send:Email", " ses:SendEmail", "s3:"])));
        }
        17 => {
            statement.shift_remove("NotResource");
            statement
                .insert("Resource".to_owned(), json!(random.pick(&["arn:aws:s3::bucket", "arn:aws", "arn:aws::x"])));
        }
        18 => {
            statement.shift_remove("Effect");
            statement.insert("effect".to_owned(), json!("Deny"));
        }
        _ if of_resource => {
            statement.shift_remove("Principal");
            statement.shift_remove("NotPrincipal");
        }
        _ => set("Sid", json!(7)),
    }
}

//! The change as a CloudFormation fragment.
//!
//! Written without intrinsic functions, so `${…}` in a document is only text there.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::names::{
    Holder, INSTANCE_ARN_TO_FILL_IN, logical_id, organization_policy_name, path_of, permission_set_name, policy_name,
    principal_name, resource_name,
};
use super::shell::comment;
use super::{Change, Context};
use crate::document::{is_plain, push_escaped};
use crate::finding::{Target, TargetKind};

/// The fragment, where CloudFormation has such a resource and can hold the document as it is.
pub(super) fn fragment(change: Change<'_>, target: &Target, context: &Context<'_>) -> Option<String> {
    let (document, new) = match change {
        Change::New { after } => (after, true),
        Change::Replace { after, .. } => (after, false),
        Change::Detach { .. } | Change::Nothing => return None,
    };
    let name = policy_name(target);
    let (kind, properties) = match target.kind {
        TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline => {
            let holder = match target.kind {
                TargetKind::UserInline => Holder::User,
                TargetKind::GroupInline => Holder::Group,
                _ => Holder::Role,
            }
            .title();
            let holder_name = format!("{holder}Name");
            let properties = [
                ("PolicyName", json!(name)),
                (holder_name.as_str(), json!(principal_name(target))),
                ("PolicyDocument", document.clone()),
            ];
            (format!("AWS::IAM::{holder}Policy"), object(properties))
        }
        TargetKind::CustomerManaged | TargetKind::Boundary => {
            let mut properties = object([("ManagedPolicyName", json!(name))]);
            let path = path_of(target.policy.as_deref().unwrap_or_default());
            if path != "/" {
                properties.insert("Path".to_owned(), json!(path));
            }
            if new && target.kind == TargetKind::CustomerManaged {
                let holders = format!("{}s", Holder::of(target.principal.as_deref()).title());
                properties.insert(holders, json!([principal_name(target)]));
            }
            properties.insert("PolicyDocument".to_owned(), document.clone());
            ("AWS::IAM::ManagedPolicy".to_owned(), properties)
        }
        TargetKind::Scp => {
            let mut properties = object([
                ("Name", json!(organization_policy_name(target, context))),
                ("Type", json!("SERVICE_CONTROL_POLICY")),
            ]);
            if let (true, Some(node)) = (new, &target.node) {
                properties.insert("TargetIds".to_owned(), json!([node]));
            }
            properties.insert("Content".to_owned(), document.clone());
            ("AWS::Organizations::Policy".to_owned(), properties)
        }
        TargetKind::PermissionSet => {
            let properties = [
                ("Name", json!(permission_set_name(target))),
                ("InstanceArn", json!(INSTANCE_ARN_TO_FILL_IN)),
                ("InlinePolicy", document.clone()),
            ];
            ("AWS::SSO::PermissionSet".to_owned(), object(properties))
        }
        TargetKind::SendingAuthorization => return None,
    };
    let id = logical_id(resource_name(target, context));
    let template = json!({"Resources": {id: {"Type": kind, "Properties": properties}}});
    if holds_intrinsics(&template) {
        return None;
    }
    let mut text = String::new();
    if let Some(note) = note(target, new) {
        text.push_str(&comment(&note));
    }
    write_block(&mut text, &template, 0);
    Some(text.trim_end().to_owned())
}

/// What to do with the fragment.
fn note(target: &Target, new: bool) -> Option<String> {
    match target.kind {
        TargetKind::PermissionSet => Some(
            "merge InlinePolicy into the stack that owns the permission set; fill in InstanceArn otherwise".to_owned(),
        ),
        _ if new => None,
        _ => Some("merge the document into the stack that owns this policy".to_owned()),
    }
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Whether CloudFormation would replace a part: dynamic references in strings, intrinsic functions in keys.
fn holds_intrinsics(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{resolve:"),
        Value::Array(items) => items.iter().any(holds_intrinsics),
        Value::Object(fields) => fields.iter().any(|(key, field)| {
            key == "Ref" || key.starts_with("Fn::") || key.contains("{{resolve:") || holds_intrinsics(field)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Writes an object or a list that is not empty as a YAML block; everything else stands on its key's line.
fn write_block(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                let key = scalar_text(key);
                // A key on one line with its value may have 1,024 characters at most.
                if key.len() > 500 {
                    let _ = write!(text, "{indent}? {key}\n{indent}:");
                } else {
                    let _ = write!(text, "{indent}{key}:");
                }
                write_value(text, field, depth);
            }
        }
        Value::Array(items) => {
            for item in items {
                if is_block(item) {
                    let mut block = String::new();
                    write_block(&mut block, item, depth + 1);
                    // The first line of the item stands behind its dash.
                    let _ = write!(text, "{indent}- {}", block.trim_start_matches(' '));
                } else {
                    let _ = writeln!(text, "{indent}- {}", inline(item));
                }
            }
        }
        _ => {
            let _ = writeln!(text, "{indent}{}", inline(value));
        }
    }
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    if is_block(value) {
        text.push('\n');
        write_block(text, value, depth + 1);
    } else {
        let _ = writeln!(text, " {}", inline(value));
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// A scalar, `[]` or `{}`.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar_text(text),
        Value::Number(number) => number_text(&number.to_string()),
        other => other.to_string(),
    }
}

/// YAML 1.1 takes a number with an exponent only with a point and a sign.
fn number_text(number: &str) -> String {
    match number.split_once('e') {
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with(['+', '-']) { "" } else { "+" };
            format!("{mantissa}{point}e{sign}{exponent}")
        }
        None => number.to_owned(),
    }
}

/// A string: as it is where every version of YAML reads it as that string, else in double quotes.
fn scalar_text(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_./:*@+=".contains(character))
        && !text.ends_with(':')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if is_plain(character) && !matches!(character, '"' | '\\') {
            quoted.push(character);
        } else {
            push_escaped(&mut quoted, character);
        }
    }
    quoted.push('"');
    quoted
}

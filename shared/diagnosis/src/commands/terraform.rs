//! The change as a Terraform fragment.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::names::{
    Holder, INSTANCE_ARN_TO_FILL_IN, PERMISSION_SET_ARN_TO_FILL_IN, label, or_fill_in, organization_policy_name,
    path_of, permission_set_name, policy_name, principal_name, resource_name,
};
use super::shell::comment;
use super::{Change, Context};
use crate::document::{is_plain, push_escaped};
use crate::finding::{Target, TargetKind};

/// The fragment; Terraform has a resource for every kind, but none for an absence.
pub(super) fn fragment(change: Change<'_>, target: &Target, context: &Context<'_>) -> Option<String> {
    let (document, new) = match change {
        Change::New { after } => (after, true),
        Change::Replace { after, .. } => (after, false),
        Change::Detach { .. } | Change::Nothing => return None,
    };
    let name = policy_name(target);
    let principal = string(principal_name(target));
    let mut text = String::new();
    if !new {
        text.push_str(&comment("merge the document into the resource that holds this policy"));
    }
    let id = label(resource_name(target, context));
    let resource = |kind: &str, fields: &[(&str, String)], document_field: &str| {
        let mut text = format!("resource \"{kind}\" \"{id}\" {{\n");
        write_fields(&mut text, fields);
        let _ = write!(text, "\n  {document_field} = jsonencode({})\n}}\n", expression(document, 1));
        text
    };
    match target.kind {
        TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline => {
            let holder = match target.kind {
                TargetKind::UserInline => "user",
                TargetKind::GroupInline => "group",
                _ => "role",
            };
            let fields = [("name", string(name)), (holder, principal)];
            text.push_str(&resource(&format!("aws_iam_{holder}_policy"), &fields, "policy"));
        }
        TargetKind::CustomerManaged | TargetKind::Boundary => {
            let path = path_of(target.policy.as_deref().unwrap_or_default());
            let mut fields = vec![("name", string(name))];
            if path != "/" {
                fields.push(("path", string(&path)));
            }
            text.push_str(&resource("aws_iam_policy", &fields, "policy"));
            if new && target.kind == TargetKind::CustomerManaged {
                let holder = Holder::of(target.principal.as_deref()).word();
                let _ = write!(text, "\nresource \"aws_iam_{holder}_policy_attachment\" \"{id}\" {{\n");
                write_fields(&mut text, &[(holder, principal), ("policy_arn", format!("aws_iam_policy.{id}.arn"))]);
                text.push_str("}\n");
            }
        }
        TargetKind::Scp => {
            let fields = [
                ("name", string(organization_policy_name(target, context))),
                ("type", string("SERVICE_CONTROL_POLICY")),
            ];
            text.push_str(&resource("aws_organizations_policy", &fields, "content"));
            if new {
                let node = or_fill_in(target.node.as_deref(), "<fill in: the id of the root, OU or account>");
                let _ = write!(text, "\nresource \"aws_organizations_policy_attachment\" \"{id}\" {{\n");
                let policy_id = format!("aws_organizations_policy.{id}.id");
                write_fields(&mut text, &[("policy_id", policy_id), ("target_id", string(node))]);
                text.push_str("}\n");
            }
        }
        TargetKind::SendingAuthorization => {
            if let Some(region) = &target.region {
                text.push_str(&comment(&format!("with a provider for {region}")));
            }
            let identity = or_fill_in(target.identity.as_deref(), "<fill in: the identity>");
            let fields = [("email_identity", string(identity)), ("policy_name", string(name))];
            text.push_str(&resource("aws_sesv2_email_identity_policy", &fields, "policy"));
        }
        TargetKind::PermissionSet => {
            text.push_str(&comment(&format!("fill in the ARNs of permission set {}", permission_set_name(target))));
            let fields = [
                ("instance_arn", string(INSTANCE_ARN_TO_FILL_IN)),
                ("permission_set_arn", string(PERMISSION_SET_ARN_TO_FILL_IN)),
            ];
            text.push_str(&resource("aws_ssoadmin_permission_set_inline_policy", &fields, "inline_policy"));
        }
    }
    Some(text.trim_end().to_owned())
}

/// Arguments of a block, their signs of equality in one column.
fn write_fields(text: &mut String, fields: &[(&str, String)]) {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in fields {
        let _ = writeln!(text, "  {name:width$} = {value}");
    }
}

/// A document as an expression of Terraform's language.
fn expression(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::String(text) => string(text),
        Value::Array(items) if !items.is_empty() => {
            let lines: String =
                items.iter().map(|item| format!("{indent}  {},\n", expression(item, depth + 1))).collect();
            format!("[\n{lines}{indent}]")
        }
        Value::Object(fields) if !fields.is_empty() => format!("{{\n{}{indent}}}", object_lines(fields, depth + 1)),
        other => other.to_string(),
    }
}

/// The lines of an object; the signs of equality of neighbours that take one line stand in one column.
fn object_lines(fields: &Map<String, Value>, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let entries: Vec<(String, String)> =
        fields.iter().map(|(name, value)| (key(name), expression(value, depth))).collect();
    let mut text = String::new();
    for run in entries.chunk_by(|(_, left), (_, right)| !left.contains('\n') && !right.contains('\n')) {
        let width = run.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in run {
            let _ = writeln!(text, "{indent}{name:width$} = {value}");
        }
    }
    text
}

/// The key of an object: a bare word where it cannot be read as anything else, else a string.
fn key(name: &str) -> String {
    let bare = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|character| character.is_ascii_alphanumeric());
    if bare { name.to_owned() } else { string(name) }
}

/// A string of Terraform's language, in which `${` and `%{` begin a template unless they are doubled.
fn string(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    let mut rest = value.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '$' | '%' if rest.peek() == Some(&'{') => text.extend([character, character]),
            // Before another sign of the same kind the doubling would be ambiguous.
            '$' | '%' if rest.peek() == Some(&character) => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            '"' | '\\' => push_escaped(&mut text, character),
            plain if is_plain(plain) => text.push(plain),
            other => push_escaped(&mut text, other),
        }
    }
    text.push('"');
    text
}

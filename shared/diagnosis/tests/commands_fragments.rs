//! The CloudFormation and Terraform fragments, read back by parsers of their languages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod commands_cases;

use std::collections::BTreeMap;

use commands_cases::{Case, document_with, hostile_cases, plain_cases};
use hcl::eval::{Context, Evaluate, FuncDef, ParamType};
use serde_json::{Value, json};
use sesame_diagnosis::finding::{Operation, TargetKind};

/// Whether CloudFormation would read a part of the case as one of its own functions or references.
fn has_intrinsics(case: &Case) -> bool {
    format!("{:?}{:?}", case.target, case.after).contains("{{resolve:")
}

/// The one resource of a template: its logical id, type and properties.
fn resource(text: &str) -> (String, String, Value) {
    let template: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(template.as_object().unwrap().len(), 1);
    let resources = template["Resources"].as_object().unwrap();
    assert_eq!(resources.len(), 1);
    let (id, resource) = resources.iter().next().unwrap();
    assert_eq!(resource.as_object().unwrap().len(), 2);
    (id.clone(), resource["Type"].as_str().unwrap().to_owned(), resource["Properties"].clone())
}

fn principal_name(case: &Case) -> &str {
    case.target.principal.as_deref().unwrap_or_default().rsplit('/').next().unwrap()
}

fn policy_name(case: &Case) -> &str {
    let policy = case.target.policy.as_deref().unwrap();
    if policy.starts_with("arn:") { policy.rsplit('/').next().unwrap() } else { policy }
}

fn scp_name(case: &Case) -> &str {
    if policy_name(case) == "p-examplescp" { "deny-outside-senders" } else { policy_name(case) }
}

fn path(case: &Case) -> Option<&'static str> {
    case.target.policy.as_deref().unwrap().contains(":policy/team/").then_some("/team/")
}

/// Where a managed policy is attached: `role`, `user` or `group`.
fn holder(case: &Case) -> &'static str {
    let principal = case.target.principal.as_deref().unwrap_or_default();
    ["user", "group"].into_iter().find(|word| principal.contains(&format!(":{word}/"))).unwrap_or("role")
}

fn without_nulls(fields: Value) -> Value {
    fields.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// The CloudFormation resource that a person would write.
fn cloud_formation(case: &Case) -> Option<(&'static str, Value)> {
    let document = case.after.as_ref()?;
    let new = case.before.is_none();
    let (kind, properties) = match case.target.kind {
        TargetKind::UserInline => (
            "AWS::IAM::UserPolicy",
            json!({"PolicyName": policy_name(case), "UserName": principal_name(case), "PolicyDocument": document}),
        ),
        TargetKind::RoleInline => (
            "AWS::IAM::RolePolicy",
            json!({"PolicyName": policy_name(case), "RoleName": principal_name(case), "PolicyDocument": document}),
        ),
        TargetKind::GroupInline => (
            "AWS::IAM::GroupPolicy",
            json!({"PolicyName": policy_name(case), "GroupName": principal_name(case), "PolicyDocument": document}),
        ),
        TargetKind::CustomerManaged | TargetKind::Boundary => {
            let attached = |word: &str| {
                let here = new && case.target.kind == TargetKind::CustomerManaged && holder(case) == word;
                here.then(|| vec![principal_name(case)])
            };
            (
                "AWS::IAM::ManagedPolicy",
                json!({"ManagedPolicyName": policy_name(case), "Path": path(case), "PolicyDocument": document,
                       "Roles": attached("role"), "Users": attached("user"), "Groups": attached("group")}),
            )
        }
        TargetKind::Scp => (
            "AWS::Organizations::Policy",
            json!({"Name": scp_name(case), "Type": "SERVICE_CONTROL_POLICY", "Content": document,
                   "TargetIds": new.then(|| vec![case.target.node.clone().unwrap()])}),
        ),
        TargetKind::PermissionSet => (
            "AWS::SSO::PermissionSet",
            json!({"Name": permission_set(case), "InstanceArn": "arn:aws:sso:::instance/ssoins-REPLACEWITHYOURS",
                   "InlinePolicy": document}),
        ),
        TargetKind::SendingAuthorization => return None,
    };
    Some((kind, without_nulls(properties)))
}

fn permission_set(case: &Case) -> &'static str {
    if case.name.ends_with("-plain") { "MailOperators" } else { "<fill in: the name of the permission set>" }
}

#[test]
fn cloud_formation_says_the_same_in_yaml() {
    let mut read = 0;
    for case in [plain_cases(), hostile_cases()].concat() {
        let fragment = case.commands().cloud_formation;
        let Some((kind, properties)) = cloud_formation(&case).filter(|_| !has_intrinsics(&case)) else {
            assert_eq!(fragment, None, "{}", case.name);
            continue;
        };
        let text = fragment.unwrap_or_else(|| panic!("{} has no fragment", case.name));
        let (id, found_kind, found) = resource(&text);
        assert_eq!((found_kind.as_str(), &found), (kind, &properties), "{}\n{text}", case.name);
        assert!(id.starts_with(|first: char| first.is_ascii_alphabetic()), "{id}");
        assert!(id.chars().all(|character| character.is_ascii_alphanumeric()), "{id}");
        read += 1;
    }
    assert!(read > 300, "{read}");
}

#[test]
fn cloud_formation_is_left_out_where_it_would_change_the_document() {
    let case = plain_cases().into_iter().find(|case| case.name == "role-inline-new-plain").unwrap();
    let with = |document: Value| Case { after: Some(document), ..case.clone() }.commands().cloud_formation;
    for document in [
        json!({"Statement": {"Condition": {"StringEquals": {"Ref": "x"}}}}),
        json!({"Statement": {"Condition": {"Fn::Sub": {"a:b": "x"}}}}),
        json!({"Statement": [{"Resource": ["{{resolve:secretsmanager:x}}"]}]}),
        json!({"{{resolve:ssm:x}}": 1}),
    ] {
        assert_eq!(with(document.clone()), None, "{document}");
    }
    assert!(with(json!({"Statement": {"Resource": "arn:aws:iam::*:user/${aws:username}", "Sid": "Ref"}})).is_some());
}

/// Resources of a Terraform fragment: by type, their label and arguments.
fn terraform_resources(text: &str) -> BTreeMap<String, (String, BTreeMap<String, Value>)> {
    let body: hcl::Body = hcl::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut context = Context::new();
    context.declare_func(
        "jsonencode",
        FuncDef::builder()
            .param(ParamType::Any)
            .build(|arguments| Ok(hcl::Value::from(serde_json::to_string(&arguments[0]).unwrap()))),
    );
    let mut resources = BTreeMap::new();
    for structure in body {
        let block = structure.into_block().expect("nothing but blocks");
        assert_eq!(block.identifier(), "resource");
        let labels: Vec<String> = block.labels().iter().map(|label| label.as_str().to_owned()).collect();
        let mut arguments = BTreeMap::new();
        for attribute in block.body().attributes() {
            let value = match &attribute.expr {
                hcl::Expression::Traversal(traversal) => json!(format!("reference {}", reference(traversal))),
                expression => serde_json::to_value(expression.evaluate(&context).unwrap()).unwrap(),
            };
            arguments.insert(attribute.key().to_owned(), value);
        }
        assert_eq!(block.body().blocks().count(), 0);
        resources.insert(labels[0].clone(), (labels[1].clone(), arguments));
    }
    resources
}

fn reference(traversal: &hcl::expr::Traversal) -> String {
    hcl::format::to_string(traversal).unwrap()
}

/// The Terraform resources that a person would write; documents still as text.
fn terraform(case: &Case, label: &str) -> Option<Vec<(String, Value)>> {
    let document = case.after.as_ref()?;
    let new = case.before.is_none();
    let name = policy_name(case);
    let resources = match case.target.kind {
        TargetKind::UserInline => {
            vec![("aws_iam_user_policy", json!({"name": name, "user": principal_name(case), "policy": document}))]
        }
        TargetKind::RoleInline => {
            vec![("aws_iam_role_policy", json!({"name": name, "role": principal_name(case), "policy": document}))]
        }
        TargetKind::GroupInline => {
            vec![("aws_iam_group_policy", json!({"name": name, "group": principal_name(case), "policy": document}))]
        }
        TargetKind::CustomerManaged | TargetKind::Boundary => {
            let policy = json!({"name": name, "path": path(case), "policy": document});
            let mut resources = vec![("aws_iam_policy", without_nulls(policy))];
            if new && case.target.kind == TargetKind::CustomerManaged {
                let (kind, holder) = match holder(case) {
                    "user" => ("aws_iam_user_policy_attachment", "user"),
                    "group" => ("aws_iam_group_policy_attachment", "group"),
                    _ => ("aws_iam_role_policy_attachment", "role"),
                };
                let arn = format!("reference aws_iam_policy.{label}.arn");
                resources.push((kind, json!({holder: principal_name(case), "policy_arn": arn})));
            }
            resources
        }
        TargetKind::Scp => {
            let policy = json!({"name": scp_name(case), "type": "SERVICE_CONTROL_POLICY", "content": document});
            let mut resources = vec![("aws_organizations_policy", policy)];
            if new {
                let id = format!("reference aws_organizations_policy.{label}.id");
                let attachment = json!({"policy_id": id, "target_id": case.target.node});
                resources.push(("aws_organizations_policy_attachment", attachment));
            }
            resources
        }
        TargetKind::SendingAuthorization => vec![(
            "aws_sesv2_email_identity_policy",
            json!({"email_identity": case.target.identity, "policy_name": name, "policy": document}),
        )],
        TargetKind::PermissionSet => vec![(
            "aws_ssoadmin_permission_set_inline_policy",
            json!({"instance_arn": "arn:aws:sso:::instance/ssoins-REPLACEWITHYOURS",
                   "permission_set_arn": "arn:aws:sso:::permissionSet/ssoins-REPLACEWITHYOURS/ps-REPLACEWITHYOURS",
                   "inline_policy": document}),
        )],
    };
    Some(resources.into_iter().map(|(kind, fields)| (kind.to_owned(), fields)).collect())
}

#[test]
fn terraform_says_the_same_in_its_language() {
    let mut read = 0;
    for case in [plain_cases(), hostile_cases()].concat() {
        let fragment = case.commands().terraform;
        if case.operation == Operation::Detach {
            assert_eq!(fragment, None, "{}", case.name);
            continue;
        }
        let text = fragment.unwrap_or_else(|| panic!("{} has no fragment", case.name));
        let found = terraform_resources(&text);
        let label = found.values().next().unwrap().0.clone();
        let meant = terraform(&case, &label).unwrap();
        assert_eq!(found.len(), meant.len(), "{}\n{text}", case.name);
        for (kind, fields) in meant {
            let (found_label, arguments) = &found[&kind];
            assert_eq!(*found_label, label);
            assert!(label.starts_with(|first: char| first.is_ascii_lowercase()), "{label}");
            assert!(label.chars().all(|character| character.is_ascii_alphanumeric() || character == '_'), "{label}");
            let arguments: Value = arguments.iter().map(|(name, value)| (name.clone(), decoded(name, value))).collect();
            assert_eq!(arguments, fields, "{}\n{text}", case.name);
        }
        read += 1;
    }
    assert!(read > 400, "{read}");
}

/// The document behind `jsonencode`, everything else as it is.
fn decoded(name: &str, value: &Value) -> Value {
    if matches!(name, "policy" | "content" | "inline_policy") {
        serde_json::from_str(value.as_str().unwrap()).unwrap()
    } else {
        value.clone()
    }
}

#[test]
fn templates_of_terraform_are_doubled() {
    let case = plain_cases().into_iter().find(|case| case.name == "role-inline-new-plain").unwrap();
    let after = document_with("${aws:username} %{x} $${y} 5% $");
    let text = Case { after: Some(after), ..case }.commands().terraform.unwrap();
    assert!(text.contains(r#"Sid    = "$${aws:username} %%{x} \u0024$${y} 5% $""#), "{text}");
}

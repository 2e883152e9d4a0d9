//! Every kind of target and change, with plain and with hostile names and documents: for the tests and for the example that
//! writes them to files for other tools.
#![allow(dead_code, reason = "each user takes what it needs")]

use serde_json::{Value, json};
use sesame_diagnosis::commands::{Context, commands};
use sesame_diagnosis::finding::{Commands, Operation, Target, TargetKind};

/// One change and its commands.
#[derive(Debug, Clone)]
pub struct Case {
    /// `role-inline-new-plain`.
    pub name: String,
    pub operation: Operation,
    pub target: Target,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl Case {
    pub fn commands(&self) -> Commands {
        let context = Context { finding: "f-0123456789abcdef", policy_name: Some("deny-outside-senders") };
        commands(self.operation, &self.target, self.before.as_ref(), self.after.as_ref(), &context)
    }
}

/// All kinds of targets.
pub const KINDS: [TargetKind; 8] = [
    TargetKind::UserInline,
    TargetKind::RoleInline,
    TargetKind::GroupInline,
    TargetKind::CustomerManaged,
    TargetKind::Boundary,
    TargetKind::Scp,
    TargetKind::SendingAuthorization,
    TargetKind::PermissionSet,
];

/// The kind as in a finding.
pub fn kind_name(kind: TargetKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

/// Texts that try to be more than text.
pub const HOSTILE: [&str; 25] = [
    "$(echo pwned > canary)",
    "`echo pwned > canary`",
    "'; echo pwned > canary; '",
    "\"; echo pwned > canary; \"",
    "' \" ''' \"\"\"",
    "x\nJSON\necho pwned > canary\n",
    "x\r\nJSON\r\n",
    "JSON",
    "EOT\n  EOT\n",
    "${aws:username} ${*} ${?} ${$} $${x} $$${x} $",
    "%{ if true }x%{ endif } %%{x} %%%{x} %",
    "{{resolve:ssm:/secret:1}}",
    "# comment: [not, a] {comment} & *anchor !tag | > @ %",
    "- item\n  ? key\n: value",
    "yes",
    "1e3",
    "back\\slash \\\\ \\n \\",
    "--policy-name",
    "-x",
    "file:///etc/passwd",
    "https://example.com/x",
    "!! !echo *.rs ~ $HOME ;&|<>()",
    "é ü ÿ \u{a0} \u{ad} “ ” 日本語 \u{1f600}",
    "\u{202e}reversed\u{202c} \u{200b} \u{feff} \u{2028} \u{2029} \u{85} \u{7f} \u{9b}31m",
    "bell \u{7} escape \u{1b}[31m red \u{8}\u{8} tab\t nul \u{0} end",
];

/// A document as Sesame writes them.
pub fn plain_document() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "SesameSend",
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": "arn:aws:ses:eu-west-1:111122223333:identity/example.com",
            "Condition": {"StringEquals": {"ses:FromAddress": "news@example.com"}}
        }]
    })
}

/// Another, with a principal where the kind asks for one.
fn earlier_document(kind: TargetKind) -> Value {
    let mut statement = json!({"Sid": "Earlier", "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"});
    if kind == TargetKind::SendingAuthorization {
        statement["Principal"] = json!({"AWS": "111122223333"});
    }
    json!({"Version": "2012-10-17", "Id": "Earlier", "Statement": statement})
}

/// A document with the text in every place that can hold one, and every shape of value.
pub fn document_with(text: &str) -> Value {
    let long_key = format!("long:{}{text}", "k".repeat(1_100));
    json!({
        "Version": "2012-10-17",
        "Id": text,
        "Statement": {
            "Sid": text,
            "Effect": "Deny",
            "Action": [],
            "Resource": [text, format!("arn:aws:ses:*:*:identity/{text}"), [], [[text, {}], {"a": text, "b": {}}]],
            "Condition": {
                format!("StringLike {text}"): {format!("key:{text}"): [text, "*"], long_key.as_str(): [{"x": 1}], "": ""},
                "Bool": {"aws:SecureTransport": false},
                "NumericLessThan": {"n": 10, "m": -2.5, "big": 1e300, "small": 1e-7, "none": null}
            }
        }
    })
}

/// Where an ordinary change goes.
fn plain_target(kind: TargetKind, new: bool) -> Target {
    let mut target = Target {
        kind,
        account: Some("111122223333".to_owned()),
        principal: Some("arn:aws:iam::111122223333:role/team/app/mailer".to_owned()),
        policy: Some("sesame-f-0123456789abcdef".to_owned()),
        identity: None,
        region: None,
        node: None,
    };
    let managed = if new { "sesame-f-0123456789abcdef" } else { "arn:aws:iam::111122223333:policy/team/mail-senders" };
    match kind {
        TargetKind::UserInline => target.principal = Some("arn:aws:iam::111122223333:user/smtp/news".to_owned()),
        TargetKind::RoleInline => {}
        TargetKind::GroupInline => target.principal = Some("arn:aws:iam::111122223333:group/senders".to_owned()),
        TargetKind::CustomerManaged | TargetKind::Boundary => target.policy = Some(managed.to_owned()),
        TargetKind::Scp => {
            target.account = Some("999900001111".to_owned());
            target.principal = None;
            target.node = Some("ou-ab12-cdefgh34".to_owned());
            if !new {
                let arn = "arn:aws:organizations::999900001111:policy/o-exampleorg/service_control_policy/p-examplescp";
                target.policy = Some(arn.to_owned());
            }
        }
        TargetKind::SendingAuthorization => {
            target.principal = None;
            target.identity = Some("example.com".to_owned());
            target.region = Some("eu-west-1".to_owned());
        }
        TargetKind::PermissionSet => {
            target.policy = Some("AwsSSOInlinePolicy".to_owned());
            target.principal = Some(
                "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/\
                 AWSReservedSSO_MailOperators_0123456789abcdef"
                    .to_owned(),
            );
        }
    }
    target
}

/// A target in which every name is the text.
fn hostile_target(kind: TargetKind, text: &str) -> Target {
    let holder = match kind {
        TargetKind::UserInline => "user",
        TargetKind::GroupInline => "group",
        _ => "role",
    };
    Target {
        kind,
        account: Some(text.to_owned()),
        principal: Some(format!("arn:aws:iam::111122223333:{holder}/{text}")),
        policy: Some(text.to_owned()),
        identity: Some(text.to_owned()),
        region: Some(text.to_owned()),
        node: Some(text.to_owned()),
    }
}

/// A target of which only the kind is known.
pub fn empty_target(kind: TargetKind) -> Target {
    Target { kind, account: None, principal: None, policy: None, identity: None, region: None, node: None }
}

/// Every kind, new, replaced and detached.
pub fn changes(kind: TargetKind, suffix: &str, target: impl Fn(bool) -> Target, after: &Value) -> Vec<Case> {
    let case = |change: &str, operation, before: Option<&Value>, after: Option<&Value>| Case {
        name: format!("{}-{change}-{suffix}", kind_name(kind)),
        operation,
        target: target(change == "new"),
        before: before.cloned(),
        after: after.cloned(),
    };
    let before = earlier_document(kind);
    vec![
        case("new", Operation::Put, None, Some(after)),
        case("replaced", Operation::Put, Some(&before), Some(after)),
        case("detach", Operation::Detach, Some(&before), None),
    ]
}

/// Changes as they are every day.
pub fn plain_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let mut after = plain_document();
        if kind == TargetKind::SendingAuthorization {
            after["Statement"][0]["Principal"] = json!({"AWS": "arn:aws:iam::444455556666:role/mailer"});
        }
        cases.extend(changes(kind, "plain", |new| plain_target(kind, new), &after));
    }
    // Managed policies can also be attached to users and groups.
    for holder in ["user", "group"] {
        let target = |new| Target {
            principal: Some(format!("arn:aws:iam::111122223333:{holder}/team/mailer")),
            ..plain_target(TargetKind::CustomerManaged, new)
        };
        cases.extend(changes(TargetKind::CustomerManaged, &format!("{holder}-plain"), target, &plain_document()));
    }
    // A role of Identity Center has its managed policies and its boundary from its permission set.
    for kind in [TargetKind::CustomerManaged, TargetKind::Boundary] {
        let principal = plain_target(TargetKind::PermissionSet, false).principal;
        let target = |new| Target { principal: principal.clone(), ..plain_target(kind, new) };
        cases.extend(changes(kind, "identity-center-plain", target, &plain_document()));
        let policy = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess";
        let of_aws = |new| Target { policy: Some(policy.to_owned()), ..target(new) };
        let detached = |case: &Case| case.operation == Operation::Detach;
        cases.extend(changes(kind, "identity-center-aws", of_aws, &plain_document()).into_iter().filter(detached));
    }
    cases
}

/// Changes in which every name and every text of the documents is hostile.
pub fn hostile_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (index, text) in HOSTILE.iter().enumerate() {
        for kind in KINDS {
            let suffix = format!("hostile{index}");
            cases.extend(changes(kind, &suffix, |_| hostile_target(kind, text), &document_with(text)));
        }
    }
    cases
}

//! Documents written into a snapshot's files, and put back byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{ACCOUNT, Folder, encoded, iam, organization, sample, send_policy, ses};
use proptest::prelude::*;
use serde_json::{Value, json};
use sesame_diagnosis::document::digest;
use sesame_diagnosis::finding::{Operation, Target, TargetKind};
use sesame_remediation::receipt::{FileEdit, Written};
use sesame_snapshot::edit::{PutBack, put_back, read, write};
use sesame_snapshot::load;

const USER: &str = "arn:aws:iam::111122223333:user/team/mailer";
const GROUP: &str = "arn:aws:iam::111122223333:group/senders";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const BASE: &str = "arn:aws:iam::111122223333:policy/Base";

fn target(kind: TargetKind, holder: &str, policy: &str) -> Target {
    let (mut identity, mut node, mut principal) = (None, None, None);
    match kind {
        TargetKind::SendingAuthorization => identity = Some(holder.to_owned()),
        TargetKind::Scp => node = Some(holder.to_owned()),
        _ => principal = Some(holder.to_owned()),
    }
    Target {
        kind,
        account: Some(ACCOUNT.to_owned()),
        principal,
        policy: Some(policy.to_owned()),
        identity,
        region: Some("eu-west-1".to_owned()),
        node,
    }
}

fn written(target: &Target, before: Option<Value>, after: Option<Value>, edit: FileEdit) -> Written {
    Written {
        remedy: "r1".to_owned(),
        target: target.clone(),
        operation: if after.is_some() { Operation::Put } else { Operation::Detach },
        before_digest: before.as_ref().map(digest),
        after_digest: after.as_ref().map(digest),
        before,
        after,
        request_id: None,
        edit: Some(edit),
    }
}

/// Everything that can be put: new and existing, in every kind of place.
fn puts() -> Vec<Target> {
    use TargetKind::*;
    vec![
        target(UserInline, USER, "sesame-f-1"),
        target(UserInline, USER, "send"),
        target(GroupInline, GROUP, "sesame-f-1"),
        target(GroupInline, GROUP, "group"),
        target(RoleInline, ROLE, "sesame-f-1"),
        target(PermissionSet, ROLE, "AwsSSOInlinePolicy"),
        target(CustomerManaged, USER, BASE),
        target(CustomerManaged, ROLE, "sesame-f-1"),
        target(Boundary, USER, BASE),
        target(SendingAuthorization, "example.com", "sesame-f-1"),
        target(SendingAuthorization, "example.com", "partner"),
        target(SendingAuthorization, "bare.example", "sesame-f-1"),
        target(Scp, "ou-mail", "arn:aws:organizations::999999999999:policy/o-x/service_control_policy/p-deny"),
        target(Scp, "ou-mail", "p-FullAWSAccess"),
        target(Scp, ACCOUNT, "sesame-f-1"),
    ]
}

/// Everything that can be taken away.
fn removals() -> Vec<Target> {
    use TargetKind::*;
    vec![
        target(UserInline, USER, "send"),
        target(GroupInline, GROUP, "group"),
        target(CustomerManaged, USER, BASE),
        target(CustomerManaged, ROLE, BASE),
        target(Boundary, USER, BASE),
        target(SendingAuthorization, "example.com", "partner"),
        target(Scp, "ou-mail", "p-deny"),
        target(Scp, "r-root", "p-FullAWSAccess"),
    ]
}

/// The files in other styles than the AWS CLI's.
#[derive(Debug, Clone, Copy)]
enum Style {
    TwoSpaces,
    FourSpaces,
    Tabs,
    Compact,
    WindowsLines,
}

const STYLES: [Style; 5] = [Style::TwoSpaces, Style::FourSpaces, Style::Tabs, Style::Compact, Style::WindowsLines];

fn render(value: &Value, style: Style) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap();
    let indented = |unit: &str| {
        let lines = pretty.lines().map(|line| {
            let text = line.trim_start_matches(' ');
            unit.repeat((line.len() - text.len()) / 2) + text
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    };
    match style {
        Style::TwoSpaces => pretty,
        Style::FourSpaces => indented("    "),
        Style::Tabs => indented("\t"),
        Style::Compact => value.to_string(),
        Style::WindowsLines => indented("  ").replace('\n', "\r\n"),
    }
}

fn styled(style: Style) -> Folder {
    let folder = Folder::new();
    folder
        .write("organization.json", &render(&organization(), style))
        .write("accounts/111122223333/iam.json", &render(&iam(), style))
        .write("accounts/111122223333/ses/eu-west-1.json", &render(&ses(), style));
    folder
}

fn bytes(folder: &Folder) -> [String; 3] {
    ["organization.json", "accounts/111122223333/iam.json", "accounts/111122223333/ses/eu-west-1.json"]
        .map(|file| folder.read(file))
}

#[test]
fn what_is_put_is_read_and_taken_back_byte_for_byte() {
    for style in STYLES {
        for target in puts() {
            let folder = styled(style);
            let original = bytes(&folder);
            let before = read(folder.path(), &target).unwrap();
            let after = send_policy("Sesame \"quoted\" 100%");
            let edit = write(folder.path(), &target, Some(&after)).unwrap();
            assert_eq!(read(folder.path(), &target).unwrap().as_ref(), Some(&after), "{style:?} {target:?}");
            load(folder.path()).unwrap();
            assert_ne!(bytes(&folder), original);
            let back = put_back(folder.path(), &written(&target, before, Some(after), edit)).unwrap();
            assert_eq!(back, PutBack::Exact);
            assert_eq!(bytes(&folder), original, "{style:?} {target:?}");
        }
    }
}

#[test]
fn what_is_taken_away_is_put_back_byte_for_byte() {
    for style in STYLES {
        for target in removals() {
            let folder = styled(style);
            let original = bytes(&folder);
            let before = read(folder.path(), &target).unwrap();
            assert!(before.is_some(), "{target:?}");
            let edit = write(folder.path(), &target, None).unwrap();
            load(folder.path()).unwrap();
            assert_ne!(bytes(&folder), original);
            put_back(folder.path(), &written(&target, before, None, edit)).unwrap();
            assert_eq!(bytes(&folder), original, "{style:?} {target:?}");
        }
    }
}

#[test]
fn an_edit_keeps_the_style_of_the_file() {
    let folder = styled(Style::FourSpaces);
    write(folder.path(), &target(TargetKind::RoleInline, ROLE, "sesame-f-1"), Some(&send_policy("Sesame"))).unwrap();
    let mut expected = iam();
    let role = expected["RoleDetailList"][0].as_object_mut().unwrap();
    role.insert(
        "RolePolicyList".into(),
        json!([{ "PolicyName": "sesame-f-1", "PolicyDocument": send_policy("Sesame") }]),
    );
    assert_eq!(folder.read("accounts/111122223333/iam.json"), render(&expected, Style::FourSpaces));

    write(folder.path(), &target(TargetKind::RoleInline, ROLE, "sesame-f-2"), Some(&send_policy("More"))).unwrap();
    let list = expected["RoleDetailList"][0]["RolePolicyList"].as_array_mut().unwrap();
    list.push(json!({ "PolicyName": "sesame-f-2", "PolicyDocument": send_policy("More") }));
    assert_eq!(folder.read("accounts/111122223333/iam.json"), render(&expected, Style::FourSpaces));
}

#[test]
fn a_document_keeps_its_form() {
    let folder = sample();
    write(folder.path(), &target(TargetKind::GroupInline, GROUP, "group"), Some(&send_policy("a b"))).unwrap();
    let text = folder.read("accounts/111122223333/iam.json");
    assert!(text.contains(&encoded(&send_policy("a b"))), "URL-encoded stays URL-encoded");

    let partner = target(TargetKind::SendingAuthorization, "example.com", "partner");
    write(folder.path(), &partner, Some(&send_policy("Other"))).unwrap();
    let text = folder.read("accounts/111122223333/ses/eu-west-1.json");
    assert!(text.contains(r#""partner": "{\"Version\""#), "a string stays a string");
}

#[test]
fn an_scp_changes_wherever_it_is_attached() {
    let folder = sample();
    let deny = "arn:aws:organizations::999999999999:policy/o-x/service_control_policy/p-deny";
    write(folder.path(), &target(TargetKind::Scp, "ou-mail", deny), Some(&send_policy("Eased"))).unwrap();
    assert_eq!(read(folder.path(), &target(TargetKind::Scp, ACCOUNT, deny)).unwrap(), Some(send_policy("Eased")));
}

#[test]
fn a_new_managed_policy_is_attached() {
    let folder = sample();
    write(folder.path(), &target(TargetKind::CustomerManaged, ROLE, "extra"), Some(&send_policy("Extra"))).unwrap();
    let world = load(folder.path()).unwrap();
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.roles[0].entity.attached, [BASE, "arn:aws:iam::111122223333:policy/extra"]);
    let document = &account.managed_policies["arn:aws:iam::111122223333:policy/extra"].known().unwrap().document;
    assert_eq!(document.json.as_ref().unwrap().to_value(), send_policy("Extra"));
}

#[test]
fn a_file_changed_elsewhere_keeps_that_change() {
    let folder = sample();
    let (first, second) =
        (target(TargetKind::UserInline, USER, "sesame-f-1"), target(TargetKind::UserInline, USER, "sesame-f-2"));
    let edit = write(folder.path(), &first, Some(&send_policy("First"))).unwrap();
    write(folder.path(), &second, Some(&send_policy("Second"))).unwrap();
    let receipt = written(&first, None, Some(send_policy("First")), edit);
    assert_eq!(put_back(folder.path(), &receipt).unwrap(), PutBack::Document);
    assert_eq!(read(folder.path(), &first).unwrap(), None);
    assert_eq!(read(folder.path(), &second).unwrap(), Some(send_policy("Second")));
}

#[test]
fn a_document_changed_elsewhere_is_not_put_back() {
    let folder = sample();
    let policy = target(TargetKind::UserInline, USER, "sesame-f-1");
    let edit = write(folder.path(), &policy, Some(&send_policy("First"))).unwrap();
    write(folder.path(), &policy, Some(&send_policy("Somebody else's"))).unwrap();
    let error = put_back(folder.path(), &written(&policy, None, Some(send_policy("First")), edit)).unwrap_err();
    assert!(error.to_string().ends_with("expected the document that was written; it was changed since"), "{error}");

    let scp = target(TargetKind::Scp, "ou-mail", "p-deny");
    let edit = write(folder.path(), &scp, None).unwrap();
    write(folder.path(), &target(TargetKind::Scp, "r-root", "more"), Some(&send_policy("More"))).unwrap();
    let error = put_back(folder.path(), &written(&scp, None, None, edit)).unwrap_err();
    assert!(error.to_string().ends_with("roll back later changes first"), "{error}");
}

#[test]
fn places_that_are_not_there_are_errors() {
    use TargetKind::*;
    let folder = sample();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (iam, ses) = (file("accounts/111122223333/iam.json"), file("accounts/111122223333/ses/eu-west-1.json"));
    let cases = [
        (
            target(UserInline, "arn:aws:iam::111122223333:user/nobody", "p"),
            format!("{iam}: /: expected the principal `arn:aws:iam::111122223333:user/nobody`, found none"),
        ),
        (
            target(SendingAuthorization, "nowhere.example", "p"),
            format!("{ses}: /Identities: expected the identity `nowhere.example`, found none"),
        ),
        (
            target(Scp, "ou-nowhere", "p"),
            format!("{}: /: expected the node `ou-nowhere`, found none", file("organization.json")),
        ),
        (
            target(Boundary, USER, "arn:aws:iam::111122223333:policy/None"),
            format!("{iam}: /: expected the boundary `arn:aws:iam::111122223333:policy/None`, found none"),
        ),
    ];
    for (target, expected) in cases {
        let original = bytes(&folder);
        assert_eq!(write(folder.path(), &target, Some(&send_policy("x"))).unwrap_err().to_string(), expected);
        assert_eq!(bytes(&folder), original);
    }
    let error = write(folder.path(), &target(UserInline, USER, "nothing"), None).unwrap_err().to_string();
    assert_eq!(error, format!("{iam}: /UserDetailList/0: expected the policy `nothing`, found none"));
}

#[test]
fn no_target_or_receipt_leads_out_of_the_folder() {
    let folder = sample();
    let mut outside = target(TargetKind::UserInline, USER, "p");
    outside.account = Some("../../../etc".to_owned());
    let error = read(folder.path(), &outside).unwrap_err().to_string();
    assert!(error.ends_with("expected a target in an account, found `../../../etc`"), "{error}");
    let mut outside = target(TargetKind::SendingAuthorization, "example.com", "p");
    outside.region = Some("../../x".to_owned());
    let error = read(folder.path(), &outside).unwrap_err().to_string();
    assert!(error.ends_with("expected a target in a Region, found `../../x`"), "{error}");

    let policy = target(TargetKind::UserInline, USER, "sesame-f-1");
    let edit = write(folder.path(), &policy, Some(&send_policy("x"))).unwrap();
    for file in ["../iam.json", "/etc/hostname", "organization.json"] {
        let edit = FileEdit { file: file.to_owned(), ..edit.clone() };
        assert!(put_back(folder.path(), &written(&policy, None, Some(send_policy("x")), edit)).is_err(), "{file}");
    }
}

#[test]
fn a_forged_receipt_does_not_write_what_was_not_there() {
    let folder = sample();
    let policy = target(TargetKind::UserInline, USER, "sesame-f-1");
    let mut edit = write(folder.path(), &policy, Some(&send_policy("x"))).unwrap();
    let now = bytes(&folder);
    edit.replacements[0].removed = "something else".to_owned();
    let error = put_back(folder.path(), &written(&policy, None, Some(send_policy("x")), edit)).unwrap_err();
    assert!(error.to_string().ends_with("expected a receipt whose edits lead back to its digest"), "{error}");
    assert_eq!(bytes(&folder), now);
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_and_its_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = sample();
    let real = folder.path().join("real.json");
    let link = folder.path().join("accounts/111122223333/iam.json");
    std::fs::rename(&link, &real).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    write(folder.path(), &target(TargetKind::UserInline, USER, "sesame-f-1"), Some(&send_policy("x"))).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left beside the files");
}

fn json_text() -> impl Strategy<Value = String> {
    // Names and values that need escapes, and white space of every kind between the parts.
    "[ -~\u{e0}-\u{ff}\u{1f600}\t\n]{0,12}"
}

fn document() -> impl Strategy<Value = Value> {
    (json_text(), prop::collection::vec(json_text(), 0..3)).prop_map(|(sid, values)| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Sid": sid, "Effect": "Allow", "Action": values, "Resource": "*" }] })
    })
}

/// Puts white space between the parts of a JSON text, from a list of choices.
fn loosen(text: &str, spaces: &[usize]) -> String {
    let choices = ["", " ", "\n", "\t", "\r\n", "  "];
    let (mut result, mut in_string, mut escaped, mut next) = (String::new(), false, false, 0);
    for c in text.chars() {
        let structural = !in_string && matches!(c, '{' | '}' | '[' | ']' | ',' | ':');
        let mut space = || {
            next += 1;
            choices[spaces[next % spaces.len()] % choices.len()]
        };
        if structural {
            result.push_str(space());
        }
        result.push(c);
        if structural {
            result.push_str(space());
        }
        match c {
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
    }
    result
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(64))]

    #[test]
    fn apply_then_rollback_is_the_same_bytes(
        documents in prop::collection::vec((document(), 0..15_usize), 1..5),
        spaces in prop::collection::vec(0..6_usize, 7..40),
    ) {
        let folder = Folder::new();
        folder
            .write("organization.json", &loosen(&organization().to_string(), &spaces))
            .write("accounts/111122223333/iam.json", &loosen(&iam().to_string(), &spaces))
            .write("accounts/111122223333/ses/eu-west-1.json", &loosen(&ses().to_string(), &spaces));
        let original = bytes(&folder);
        let mut receipts = Vec::new();
        for (document, place) in documents {
            let target = puts().remove(place);
            let before = read(folder.path(), &target).unwrap();
            let edit = write(folder.path(), &target, Some(&document)).unwrap();
            prop_assert_eq!(read(folder.path(), &target).unwrap(), Some(document.clone()));
            receipts.push(written(&target, before, Some(document), edit));
        }
        for receipt in receipts.iter().rev() {
            prop_assert_eq!(put_back(folder.path(), receipt).unwrap(), PutBack::Exact);
        }
        prop_assert_eq!(bytes(&folder), original);
    }
}

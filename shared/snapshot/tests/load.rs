//! Folder to world: what is read, what is a gap, and what an error says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{ACCOUNT, Folder, encoded, iam, sample, send_policy};
use serde_json::{Value, json};
use sesame_diagnosis::finding::GapReason;
use sesame_diagnosis::world::{NodeKind, RawDocument, Readable};
use sesame_snapshot::load;

fn value(document: &RawDocument) -> Value {
    document.json.as_ref().unwrap().to_value()
}

#[test]
fn reads_users_roles_groups_and_managed_policies() {
    let folder = sample();
    let world = load(folder.path()).unwrap();
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.iam_gap, None);

    let user = &account.users[0];
    assert_eq!(user.groups, ["senders"]);
    assert_eq!((user.entity.name.as_str(), user.entity.path.as_str()), ("mailer", "/team/"));
    assert_eq!(user.entity.boundary.as_deref(), Some("arn:aws:iam::111122223333:policy/Base"));
    assert_eq!(user.entity.tags, [("owner".to_owned(), "mail".to_owned())]);
    assert_eq!(value(user.entity.inline[0].document.known().unwrap()), send_policy("Inline"));

    let group = account.groups[0].inline[0].document.known().unwrap();
    assert_eq!(value(group), send_policy("Group"), "URL-encoded documents are decoded");
    assert!(group.source.ends_with("iam.json#/GroupDetailList/0/GroupPolicyList/0/PolicyDocument"), "{}", group.source);

    let base = account.managed_policies["arn:aws:iam::111122223333:policy/Base"].known().unwrap();
    assert_eq!(value(&base.document), send_policy("New"), "the default version counts");
    assert_eq!(base.updated.as_deref(), Some("2026-02-01T00:00:00+00:00"));
}

#[test]
fn reads_ses_organization_and_history() {
    let folder = sample();
    let world = load(folder.path()).unwrap();
    let region = world.accounts[ACCOUNT].ses["eu-west-1"].known().unwrap();
    assert!(region.complete);
    assert_eq!(region.account.as_ref().unwrap().production_access, Some(true));
    assert_eq!(region.configuration_sets.as_deref(), Some(&["main".to_owned()][..]));
    let identity = &region.identities["example.com"];
    assert_eq!((identity.verified, identity.configuration_set.as_deref()), (Some(true), Some("main")));
    assert_eq!(value(&identity.policies.known().unwrap()[0].1), send_policy("Partner"));
    assert_eq!(region.identities["bare.example"].verified, Some(false));

    let organization = world.organization.known().unwrap().as_ref().unwrap();
    assert_eq!(organization.management_account.as_deref(), Some("999999999999"));
    let path: Vec<_> = organization.paths[ACCOUNT].iter().map(|node| (node.kind, node.id.as_str())).collect();
    assert_eq!(path, [(NodeKind::Root, "r-root"), (NodeKind::Ou, "ou-mail"), (NodeKind::Account, ACCOUNT)]);
    let attached = organization.paths[ACCOUNT][1].service_control_policies.known().unwrap();
    assert_eq!(value(&attached[1].document)["Statement"][0]["Effect"], "Deny", "content as a string is parsed");
    let unread = &organization.paths["999999999999"][1].resource_control_policies;
    assert!(matches!(unread, Readable::Gap(_)), "a list that is not there was not read");

    assert_eq!(world.accounts[ACCOUNT].history[0].api, "PutRolePolicy");
}

#[test]
fn not_in_an_organization_is_known() {
    let folder = sample();
    folder.write("organization.json", r#"{"NotInOrganization": true}"#);
    assert_eq!(load(folder.path()).unwrap().organization, Readable::Known(None));
}

#[test]
fn missing_files_are_gaps() {
    let folder = Folder::new();
    folder.write(&format!("accounts/{ACCOUNT}/ses/us-east-1.json"), "{}");
    let world = load(folder.path()).unwrap();
    assert_eq!(world.organization.gap().unwrap().reason, GapReason::MissingFile);
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.iam_gap.as_ref().unwrap().reason, GapReason::MissingFile);
    let region = account.ses["us-east-1"].known().unwrap();
    assert!(!region.complete && region.configuration_sets.is_none());
    assert!(!world.accounts.contains_key("444455556666"), "an account that is not in the folder is not known");
}

#[test]
fn names_and_paths_are_taken_from_the_arn_when_they_are_missing() {
    let folder = Folder::new();
    let iam = json!({
        "RoleDetailList": [{ "Arn": "arn:aws:iam::111122223333:role/a/b/app" }],
        "Policies": [{ "Arn": "arn:aws:iam::111122223333:policy/a/Base", "PolicyVersionList": [{ "Document": send_policy("Only") }] }]
    });
    folder.write(&format!("accounts/{ACCOUNT}/iam.json"), &iam.to_string());
    let world = load(folder.path()).unwrap();
    let account = &world.accounts[ACCOUNT];
    assert_eq!((account.roles[0].entity.name.as_str(), account.roles[0].entity.path.as_str()), ("app", "/a/b/"));
    let policy = account.managed_policies["arn:aws:iam::111122223333:policy/a/Base"].known().unwrap();
    assert_eq!(policy.name, "Base");
}

#[test]
fn a_managed_policy_without_a_default_version_is_a_gap() {
    let folder = Folder::new();
    let arn = "arn:aws:iam::111122223333:policy/Base";
    let iam = json!({ "Policies": [{ "Arn": arn, "DefaultVersionId": "v3", "PolicyVersionList": [
        { "Document": send_policy("Old"), "VersionId": "v1", "IsDefaultVersion": false }] }] });
    folder.write(&format!("accounts/{ACCOUNT}/iam.json"), &iam.to_string());
    let world = load(folder.path()).unwrap();
    assert_eq!(world.accounts[ACCOUNT].managed_policies[arn].gap().unwrap().reason, GapReason::NotFound);
}

#[test]
fn documents_that_are_no_json_stay_raw() {
    let folder = Folder::new();
    let iam = json!({ "UserDetailList": [{
        "Arn": "arn:aws:iam::111122223333:user/mailer",
        "UserPolicyList": [
            { "PolicyName": "broken", "PolicyDocument": "%7B%22Version%22" },
            { "PolicyName": "plain", "PolicyDocument": send_policy("Plain").to_string() },
            { "PolicyName": "plus", "PolicyDocument": encoded(&send_policy("a+b%20c")) },
        ]
    }] });
    folder.write(&format!("accounts/{ACCOUNT}/iam.json"), &iam.to_string());
    let world = load(folder.path()).unwrap();
    let inline = &world.accounts[ACCOUNT].users[0].entity.inline;
    assert!(inline[0].document.known().unwrap().json.is_err());
    assert_eq!(value(inline[1].document.known().unwrap()), send_policy("Plain"));
    assert_eq!(value(inline[2].document.known().unwrap()), send_policy("a+b%20c"));
}

/// A file's text, and what the error must say after the file's name.
#[test]
fn errors_name_the_file_the_place_and_what_was_expected() {
    let iam_file = format!("accounts/{ACCOUNT}/iam.json");
    let ses_file = format!("accounts/{ACCOUNT}/ses/eu-west-1.json");
    let history_file = format!("accounts/{ACCOUNT}/history.json");
    let mut truncated = serde_json::to_string_pretty(&iam()).unwrap();
    truncated.truncate(200);
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let cases: &[(&str, &str, &str)] = &[
        (&iam_file, "", "line 1 column 0: expected JSON: EOF while parsing a value"),
        (&iam_file, &truncated, "line 8 column 28: expected JSON: EOF while parsing a string"),
        (&iam_file, "{\n \"UserDetailList\": [,]}", "line 2 column 21: expected JSON: expected value"),
        (&iam_file, "[]", "/: expected an object, found a list"),
        (
            &iam_file,
            "{}",
            "/: expected `UserDetailList`, `GroupDetailList`, `RoleDetailList` or `Policies`, found none of them",
        ),
        (&iam_file, r#"{"UserDetailList": {}}"#, "/UserDetailList: expected a list, found an object"),
        (
            &iam_file,
            r#"{"UserDetailList": [{"UserName": "x"}]}"#,
            "/UserDetailList/0: expected the field `Arn`, found none",
        ),
        (&iam_file, r#"{"UserDetailList": [{"Arn": 7}]}"#, "/UserDetailList/0/Arn: expected a string, found a number"),
        (
            &iam_file,
            r#"{"UserDetailList": [{"Arn": "a", "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": true}]}]}"#,
            "/UserDetailList/0/UserPolicyList/0/PolicyDocument: expected a policy document (an object or a string), found a boolean",
        ),
        (&iam_file, r#"{"Policies": [], "Policies": []}"#, "/Policies: expected each key once, found it again"),
        (
            &iam_file,
            r#"{"Policies": [], "IsTruncated": true}"#,
            "/: expected all pages of the account's authorization details, found `IsTruncated`: true",
        ),
        (
            &iam_file,
            r#"{"UserDetailList": [{"Arn": "\ud800"}]}"#,
            "/UserDetailList/0/Arn: expected a string of valid Unicode",
        ),
        (&iam_file, &deep, "byte 129: expected at most 128 levels of JSON"),
        (&ses_file, r#"{"Identities": []}"#, "/Identities: expected an object, found a list"),
        (&ses_file, r#"{"Identities": {"a/b": 1}}"#, "/Identities/a~1b: expected an object, found a number"),
        (
            &ses_file,
            r#"{"Account": {"SendingEnabled": "yes"}}"#,
            "/Account/SendingEnabled: expected true or false, found a string",
        ),
        (
            &ses_file,
            r#"{"ConfigurationSets": [{"Name": "x"}]}"#,
            "/ConfigurationSets/0: expected a string, found an object",
        ),
        (&history_file, "{}", "/: expected a list, found an object"),
        (&history_file, r#"[{"time": "2026-01-01T00:00:00Z"}]"#, "/0: expected the field `api`, found none"),
        ("organization.json", "{}", "/: expected the field `Roots`, found none"),
        ("organization.json", r#"{"Roots": [{"Name": "Root"}]}"#, "/Roots/0: expected the field `Id`, found none"),
        (
            "organization.json",
            r#"{"Roots": [{"Id": "r", "Accounts": [{"Id": "1"}, {"Id": "1"}]}]}"#,
            "/Roots/0/Accounts/1: expected each account once in the tree, found `1` again",
        ),
        (
            "organization.json",
            r#"{"Roots": [{"Id": "r", "ServiceControlPolicies": [{"Id": "p"}]}]}"#,
            "/Roots/0/ServiceControlPolicies/0: expected the field `Content`, found none",
        ),
    ];
    for (file, text, expected) in cases {
        let folder = sample();
        folder.write(file, text);
        let error = load(folder.path()).unwrap_err().to_string();
        assert_eq!(error, format!("{}: {expected}", folder.path().join(file).display()), "{text}");
    }
}

#[test]
fn folders_and_files_that_cannot_be_read_are_errors() {
    let folder = Folder::new();
    let missing = folder.path().join("nowhere");
    assert_eq!(
        load(&missing).unwrap_err().to_string(),
        format!("{}: expected a file or folder here, found none", missing.display())
    );
    let error = load(folder.path()).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}: expected a snapshot (a folder `accounts` in it), found none", folder.path().display())
    );

    folder.write("file", "text");
    let file = folder.path().join("file");
    assert_eq!(load(&file).unwrap_err().to_string(), format!("{}: expected a folder, found a file", file.display()));

    folder.write(&format!("accounts/{ACCOUNT}/iam.json/inside"), "");
    let iam = folder.path().join(format!("accounts/{ACCOUNT}/iam.json"));
    assert_eq!(
        load(folder.path()).unwrap_err().to_string(),
        format!("{}: expected a file, found a folder", iam.display())
    );
}

#[test]
fn bytes_that_are_no_text_are_an_error() {
    let folder = sample();
    std::fs::write(folder.path().join("organization.json"), b"{\"Id\": \"\xff\"}").unwrap();
    let error = load(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("organization.json: byte 8: expected UTF-8 text"), "{error}");
}

#[test]
fn ten_thousand_statements_load_in_well_under_a_second() {
    let statement = |index: usize| {
        json!({ "Sid": format!("S{index}"), "Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": format!("arn:aws:ses:eu-west-1:111122223333:identity/tenant{index}.example.com"),
        "Condition": { "StringLike": { "ses:FromAddress": [format!("*@tenant{index}.example.com")] } } })
    };
    let policies: Vec<Value> = (0..1000)
        .map(|policy| {
            let statements: Vec<Value> = (0..10).map(|index| statement(policy * 10 + index)).collect();
            json!({ "Arn": format!("arn:aws:iam::111122223333:policy/P{policy}"), "PolicyVersionList": [
                { "IsDefaultVersion": true, "Document": { "Version": "2012-10-17", "Statement": statements } }] })
        })
        .collect();
    let folder = Folder::new();
    let text = serde_json::to_string_pretty(&json!({ "Policies": policies })).unwrap();
    folder.write(&format!("accounts/{ACCOUNT}/iam.json"), &text);
    let start = std::time::Instant::now();
    let world = load(folder.path()).unwrap();
    let took = start.elapsed();
    assert_eq!(world.accounts[ACCOUNT].managed_policies.len(), 1000);
    // Generous for a debug build on a busy machine; quadratic work would take minutes.
    assert!(took.as_secs() < 5, "{took:?} for {} bytes", text.len());
    println!("{took:?} for {} bytes", text.len());
}

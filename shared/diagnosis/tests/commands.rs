//! The AWS CLI commands, run by bash with an `aws` that only writes down what it was called with.
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
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use commands_cases::{Case, hostile_cases, plain_cases};
use serde_json::{Value, json};
use sesame_diagnosis::commands::{Context, commands};
use sesame_diagnosis::document::limits::Limit;
use sesame_diagnosis::document::{compact, pretty};
use sesame_diagnosis::finding::{Operation, TargetKind};

/// Takes the place of the AWS CLI: writes the number of arguments, the arguments and the document, each ended by NUL. No
/// other program can be found, so anything that escapes its quotes shows as an error or as a file.
const RECORDER: &str = r#"
PATH=
exec 3>record
aws() {
  local argument document=
  printf '%d\0' "$#" >&3
  printf '%s\0' "$@" >&3
  for argument; do
    if [[ $argument == file:///dev/stdin ]]; then IFS= read -r -d '' document; fi
  done
  printf '%s\0' "$document" >&3
  printf 'p-lookedup\n'
}
"#;

/// A call as the AWS CLI would see it.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    command: String,
    options: BTreeMap<String, String>,
    document: Option<Value>,
}

fn call(command: &str, options: &[(&str, &str)], document: Option<&Value>) -> Call {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), sent(value))).collect();
    Call { command: command.to_owned(), options, document: document.cloned() }
}

/// What of a value can be an argument, and is not read as a reference to a file.
fn sent(value: &str) -> String {
    let value = value.replace('\0', "\u{fffd}");
    let is_reference = value.starts_with("file://") || value.starts_with("https://");
    if is_reference { format!("\u{fffd}{value}") } else { value }
}

/// A new empty directory for one run.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands").join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Whether bash can read the script at all.
fn check_syntax(name: &str, script: &str) {
    let syntax = Command::new("bash").args(["-n", "-c", script]).output().unwrap();
    assert!(syntax.status.success() && syntax.stderr.is_empty(), "{name}: {syntax:?}\n{script}");
}

/// Runs the script and reads back the calls.
fn run(name: &str, script: &str) -> Vec<Call> {
    let directory = directory(name);
    let output = Command::new("bash")
        .args(["-c", &format!("{RECORDER}\n{script}\n")])
        .current_dir(&directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}\n{script}");
    let left: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["record"], "{name}: nothing else ran\n{script}");
    parse(&std::fs::read_to_string(directory.join("record")).unwrap())
}

fn parse(record: &str) -> Vec<Call> {
    let mut fields = record.strip_suffix('\0').unwrap_or(record).split('\0');
    let mut calls = Vec::new();
    while let Some(count) = fields.next().filter(|count| !count.is_empty()) {
        let arguments: Vec<&str> = fields.by_ref().take(count.parse().unwrap()).collect();
        let document = fields.next().unwrap();
        let mut options = BTreeMap::new();
        let mut words = arguments[2..].iter();
        while let Some(word) = words.next() {
            let option = word.strip_prefix("--").unwrap_or_else(|| panic!("`{word}` is no option"));
            match option.split_once('=') {
                Some((name, value)) => options.insert(name.to_owned(), value.to_owned()),
                None if option == "set-as-default" => options.insert(option.to_owned(), String::new()),
                None => options.insert(option.to_owned(), (*words.next().unwrap()).to_owned()),
            };
        }
        let document_options = options.extract_if(.., |_, value| value == "file:///dev/stdin").count();
        assert_eq!(document_options, usize::from(!document.is_empty()));
        calls.push(Call {
            command: arguments[..2].join(" "),
            options,
            document: (!document.is_empty()).then(|| serde_json::from_str(document).unwrap()),
        });
    }
    calls
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Forward,
    Back,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Create(&'a Value),
    Replace(&'a Value),
    Delete,
    Detach,
    Attach(&'a Value),
}

fn step(case: &Case, way: Way) -> Step<'_> {
    match (case.operation, &case.before, &case.after, way) {
        (Operation::Put, None, Some(after), Way::Forward) => Step::Create(after),
        (Operation::Put, None, _, Way::Back) => Step::Delete,
        (Operation::Put, Some(_), Some(after), Way::Forward) => Step::Replace(after),
        (Operation::Put, Some(before), _, Way::Back) => Step::Replace(before),
        (Operation::Detach, _, _, Way::Forward) => Step::Detach,
        (Operation::Detach, Some(before), _, Way::Back) => Step::Attach(before),
        other => panic!("no such case: {other:?}"),
    }
}

/// The calls that a person who knows AWS would make.
fn meant(case: &Case, way: Way) -> Vec<Call> {
    let target = &case.target;
    let principal = target.principal.clone().unwrap_or_default();
    let holder = ["user", "group"].into_iter().find(|word| principal.contains(&format!(":{word}/"))).unwrap_or("role");
    let holder_name = format!("{holder}-name");
    let name = principal.rsplit('/').next().unwrap();
    let policy = target.policy.clone().unwrap();
    let arn = if policy.starts_with("arn:") {
        policy.clone()
    } else {
        format!("arn:aws:iam::{}:policy/{policy}", target.account.clone().unwrap())
    };
    let step = step(case, way);

    let inline = |verb: &str, document| {
        vec![call(&format!("iam {verb}-{holder}-policy"), &[(&holder_name, name), ("policy-name", &policy)], document)]
    };
    let attachment =
        |verb: &str| call(&format!("iam {verb}-{holder}-policy"), &[(&holder_name, name), ("policy-arn", &arn)], None);
    let boundary = |arn: &str| {
        call(
            &format!("iam put-{holder}-permissions-boundary"),
            &[(&holder_name, name), ("permissions-boundary", arn)],
            None,
        )
    };
    let create = |document| call("iam create-policy", &[("policy-name", &policy)], Some(document));
    let version =
        |document| call("iam create-policy-version", &[("policy-arn", &arn), ("set-as-default", "")], Some(document));
    let delete = || call("iam delete-policy", &[("policy-arn", &arn)], None);

    let in_identity_center = principal.contains(":role/aws-reserved/sso.amazonaws.com/");
    match target.kind {
        TargetKind::CustomerManaged | TargetKind::Boundary if in_identity_center => {
            let (of_aws, boundary) = (arn.starts_with("arn:aws:iam::aws:"), target.kind == TargetKind::Boundary);
            let path = arn.split_once(":policy").unwrap().1.rsplit_once('/').unwrap().0;
            let reference = json!({ "Name": arn.rsplit('/').next().unwrap(), "Path": format!("{path}/") });
            let (what, value) = match (boundary, of_aws) {
                (false, true) => ("managed-policy", arn.clone()),
                (false, false) => ("customer-managed-policy-reference", reference.to_string()),
                (true, true) => ("permissions-boundary", json!({ "ManagedPolicyArn": arn }).to_string()),
                (true, false) => {
                    ("permissions-boundary", json!({ "CustomerManagedPolicyReference": reference }).to_string())
                }
            };
            let option = if what == "managed-policy" { "managed-policy-arn" } else { what };
            let put = |value: &str| {
                let command = format!("sso-admin {}-{what}-to-permission-set", if boundary { "put" } else { "attach" });
                of_permission_set(&principal, &command, &[(option, value)], None)
            };
            let take = || {
                let verb = if boundary { "delete" } else { "detach" };
                let options: &[(&str, &str)] = if boundary { &[] } else { &[(option, value.as_str())] };
                of_permission_set(&principal, &format!("sso-admin {verb}-{what}-from-permission-set"), options, None)
            };
            let before =
                json!({ "ManagedPolicyArn": "<fill in: the ARN of the permissions boundary before>" }).to_string();
            match step {
                Step::Create(document) => [vec![create(document)], put(&value)].concat(),
                Step::Replace(document) => vec![version(document)],
                Step::Delete => [if boundary { put(&before) } else { take() }, vec![delete()]].concat(),
                Step::Detach => take(),
                Step::Attach(_) => put(&value),
            }
        }
        TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline => match step {
            Step::Create(document) | Step::Replace(document) | Step::Attach(document) => inline("put", Some(document)),
            Step::Delete | Step::Detach => inline("delete", None),
        },
        TargetKind::CustomerManaged => match step {
            Step::Create(document) => vec![create(document), attachment("attach")],
            Step::Replace(document) => vec![version(document)],
            Step::Delete => vec![attachment("detach"), delete()],
            Step::Detach => vec![attachment("detach")],
            Step::Attach(_) => vec![attachment("attach")],
        },
        TargetKind::Boundary => match step {
            Step::Create(document) => vec![create(document), boundary(&arn)],
            Step::Replace(document) => vec![version(document)],
            Step::Delete => vec![boundary("<fill in: the ARN of the permissions boundary before>"), delete()],
            Step::Detach => {
                vec![call(&format!("iam delete-{holder}-permissions-boundary"), &[(&holder_name, name)], None)]
            }
            Step::Attach(_) => vec![boundary(&arn)],
        },
        TargetKind::Scp => scp(case, step, &policy),
        TargetKind::SendingAuthorization => {
            let options = [
                ("region", target.region.as_deref().unwrap()),
                ("email-identity", target.identity.as_deref().unwrap()),
                ("policy-name", policy.as_str()),
            ];
            vec![match step {
                Step::Create(document) | Step::Attach(document) => {
                    call("sesv2 create-email-identity-policy", &options, Some(document))
                }
                Step::Replace(document) => call("sesv2 update-email-identity-policy", &options, Some(document)),
                Step::Delete | Step::Detach => call("sesv2 delete-email-identity-policy", &options, None),
            }]
        }
        TargetKind::PermissionSet => match step {
            Step::Create(document) | Step::Replace(document) | Step::Attach(document) => {
                of_permission_set(&principal, "sso-admin put-inline-policy-to-permission-set", &[], Some(document))
            }
            Step::Delete | Step::Detach => {
                of_permission_set(&principal, "sso-admin delete-inline-policy-from-permission-set", &[], None)
            }
        },
    }
}

/// A change of a permission set, and its provisioning.
fn of_permission_set(principal: &str, command: &str, options: &[(&str, &str)], document: Option<&Value>) -> Vec<Call> {
    let mut set = vec![
        ("instance-arn", "arn:aws:sso:::instance/ssoins-REPLACEWITHYOURS"),
        ("permission-set-arn", "arn:aws:sso:::permissionSet/ssoins-REPLACEWITHYOURS/ps-REPLACEWITHYOURS"),
    ];
    if principal.contains("/sso.amazonaws.com/eu-west-1/") {
        set.push(("region", "eu-west-1"));
    }
    let provision = [set.as_slice(), &[("target-type", "ALL_PROVISIONED_ACCOUNTS")]].concat();
    vec![
        call(command, &[set.as_slice(), options].concat(), document),
        call("sso-admin provision-permission-set", &provision, None),
    ]
}

fn scp(case: &Case, step: Step<'_>, policy: &str) -> Vec<Call> {
    let node = case.target.node.as_deref().unwrap();
    let id = if policy.starts_with("arn:") { policy.rsplit('/').next().unwrap() } else { "p-lookedup" };
    let on = |command: &str, with_node: bool, document| {
        let mut options = vec![("policy-id", id)];
        options.extend(with_node.then_some(("target-id", node)));
        call(command, &options, document)
    };
    let calls = match step {
        Step::Create(document) => {
            let options = [
                ("name", policy),
                ("type", "SERVICE_CONTROL_POLICY"),
                ("description", "Sesame f-0123456789abcdef"),
                ("query", "Policy.PolicySummary.Id"),
                ("output", "text"),
            ];
            let create = call("organizations create-policy", &options, Some(document));
            return vec![create, on("organizations attach-policy", true, None)];
        }
        Step::Replace(document) => vec![on("organizations update-policy", false, Some(document))],
        Step::Delete => {
            vec![on("organizations detach-policy", true, None), on("organizations delete-policy", false, None)]
        }
        Step::Detach => vec![on("organizations detach-policy", true, None)],
        Step::Attach(_) => vec![on("organizations attach-policy", true, None)],
    };
    if policy.starts_with("arn:") {
        return calls;
    }
    let query = format!("Policies[?Name==`{}`].Id", json_literal(policy));
    let options = [("filter", "SERVICE_CONTROL_POLICY"), ("query", query.as_str()), ("output", "text")];
    [vec![call("organizations list-policies", &options, None)], calls].concat()
}

/// The query's literal, compared as JSON: see `same`.
fn json_literal(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Equal, with the literal of a query read as JSON.
fn same(mut meant: Vec<Call>, mut made: Vec<Call>) -> bool {
    for calls in [&mut meant, &mut made] {
        for query in calls.iter_mut().filter_map(|call| call.options.get_mut("query")) {
            if let Some(literal) = query.strip_prefix("Policies[?Name==`").and_then(|rest| rest.strip_suffix("`].Id")) {
                *query = serde_json::from_str(literal).unwrap();
            }
        }
    }
    meant == made
}

fn check(cases: &[Case]) {
    for case in cases {
        let commands = case.commands();
        for (way, script) in [(Way::Forward, &commands.aws_cli), (Way::Back, &commands.undo)] {
            let made = run(&format!("{}-{way:?}", case.name), script);
            let meant = meant(case, way);
            assert!(
                same(meant.clone(), made.clone()),
                "{} {way:?}\nmeant {meant:#?}\nmade {made:#?}\n{script}",
                case.name
            );
        }
    }
}

#[test]
fn ordinary_changes_call_what_is_meant() {
    let cases = plain_cases();
    assert_eq!(cases.len(), 38);
    for case in &cases {
        let commands = case.commands();
        check_syntax(&case.name, &commands.aws_cli);
        check_syntax(&case.name, &commands.undo);
    }
    check(&cases);
}

#[test]
fn hostile_names_and_documents_stay_arguments() {
    let cases = hostile_cases();
    assert_eq!(cases.len(), commands_cases::HOSTILE.len() * 8 * 3);
    // Some 1,200 runs of bash, by two threads.
    let (first, second) = cases.split_at(cases.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| check(first));
        scope.spawn(|| check(second));
    });
}

#[test]
fn what_a_target_leaves_out_is_asked_for() {
    for kind in commands_cases::KINDS {
        for case in commands_cases::changes(kind, "empty", |_| commands_cases::empty_target(kind), &json!({})) {
            let commands = case.commands();
            for (way, script) in [("forward", &commands.aws_cli), ("back", &commands.undo)] {
                check_syntax(&case.name, script);
                run(&format!("{}-{way}", case.name), script);
                let asks = script.contains("<fill in: ") || script.contains("REPLACEWITHYOURS");
                assert!(asks, "{}\n{script}", case.name);
            }
        }
    }
}

#[test]
fn documents_that_were_not_read_are_not_made_up() {
    let target = commands_cases::empty_target(TargetKind::RoleInline);
    let context = Context::default();
    let detach = commands(Operation::Detach, &target, None, None, &context);
    assert_eq!(detach.undo, "# the document was not read: put it back from where it is kept");
    let nothing = commands(Operation::Put, &target, Some(&json!({})), None, &context);
    assert_eq!(run("nothing", &nothing.aws_cli), []);
    assert_eq!(run("nothing", &nothing.undo), []);
    assert_eq!((nothing.cloud_formation, nothing.terraform), (None, None));
}

#[test]
fn commands_read_as_a_person_would_write_them() {
    let case = plain_cases().into_iter().find(|case| case.name == "role-inline-new-plain").unwrap();
    let after = json!({"Version": "2012-10-17", "Statement": []});
    let commands = Case { after: Some(after), ..case }.commands();
    assert_eq!(
        commands.aws_cli,
        "\
# in account 111122223333
aws iam put-role-policy \\
  --role-name 'mailer' \\
  --policy-name 'sesame-f-0123456789abcdef' \\
  --policy-document file:///dev/stdin <<'JSON'
{
  \"Version\": \"2012-10-17\",
  \"Statement\": []
}
JSON"
    );
    assert_eq!(
        commands.undo,
        "\
# in account 111122223333
aws iam delete-role-policy \\
  --role-name 'mailer' \\
  --policy-name 'sesame-f-0123456789abcdef'"
    );
}

#[test]
fn a_document_is_compact_where_white_space_would_make_it_too_long() {
    let case = plain_cases().into_iter().find(|case| case.name == "scp-new-plain").unwrap();
    let actions: Vec<String> = (0..400).map(|number| format!("ses:A{number}")).collect();
    let after = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": actions, "Resource": "*"}});
    let limit = Limit::ServiceControl.allowed();
    assert!(compact(&after).len() <= limit && pretty(&after).len() > limit);
    let script = Case { after: Some(after.clone()), ..case.clone() }.commands().aws_cli;
    assert!(script.contains(&format!("\n{}\nJSON\n", compact(&after))), "{script}");

    let hidden =
        json!({"Version": "2012-10-17", "Id": "\u{202e}\u{1f600}\u{9b}\n\"\\", "Statement": after["Statement"]});
    let script = Case { after: Some(hidden.clone()), ..case }.commands().aws_cli;
    assert!(script.contains(r#""Id":"\u202e\ud83d\ude00\u009b\n\"\\","#), "{script}");
    assert_eq!(run("hidden", &script)[0].document, Some(hidden));
}

#[test]
fn what_does_not_show_as_itself_is_escaped() {
    for case in hostile_cases() {
        let commands = case.commands();
        let texts = [Some(commands.aws_cli), Some(commands.undo), commands.cloud_formation, commands.terraform];
        for text in texts.into_iter().flatten() {
            let shown = |c: char| c == '\n' || matches!(c, ' '..='~' | '\u{a1}'..='\u{ff}') && c != '\u{ad}';
            assert_eq!(text.chars().find(|c| !shown(*c)), None, "{}\n{text}", case.name);
        }
    }
}

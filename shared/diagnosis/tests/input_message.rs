//! AWS's refusal texts in the forms that services, SDKs, mail servers and logs give them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use sesame_diagnosis::denial::{ApiGeneration, Caller, Content, DenialMessage, OtherRefusal, Refusal};
use sesame_diagnosis::finding::{CauseKind, Provenance};
use sesame_diagnosis::input::{from_message, read_message};
use sesame_diagnosis::message;

const USER: &str = "arn:aws:iam::111122223333:user/mail/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app-role/mailer@host,1=x.y-z";
const IDENTITY: &str = "arn:aws:ses:us-east-1:111122223333:identity/example.com";

/// Principal, action and resource of a text.
fn told(text: &str) -> (Option<String>, Option<String>, Option<String>) {
    let DenialMessage { principal, action, resource, .. } = message::parse(text);
    (principal, action, resource)
}

fn whole(principal: &str, action: &str, resource: &str) -> (Option<String>, Option<String>, Option<String>) {
    (Some(principal.to_owned()), Some(action.to_owned()), Some(resource.to_owned()))
}

/// Layer, kind and policy of a reason appended to IAM's form.
fn reason(clause: &str) -> (Option<String>, Option<CauseKind>, Option<String>) {
    let text = format!("User: {USER} is not authorized to perform: ses:SendEmail on resource: {IDENTITY} {clause}");
    assert_eq!(told(&text), whole(USER, "ses:SendEmail", IDENTITY), "{text}");
    let DenialMessage { layer, kind, policy_arn, .. } = message::parse(&text);
    (layer, kind, policy_arn)
}

#[test]
fn the_form_of_ses_is_read_with_quotes_of_any_kind() {
    for (open, close) in [("`", "'"), ("'", "'"), ("`", "`"), ("\"", "\""), ("\\\"", "\\\""), ("‘", "’"), ("“", "”")]
    {
        for (user, perform, on) in [("User", "perform", "on resource"), ("User:", "perform:", "on resource:")] {
            for end in [
                "",
                ".",
                "\n    at handler (/var/task/index.js:1:1)",
                "\"}",
                " (Service: Ses, Status Code: 403)",
                "\\n",
            ] {
                let text = format!(
                    "{user} {open}{SESSION}{close} is not authorized to {perform} {open}ses:SendRawEmail{close} {on} {open}{IDENTITY}{close}{end}"
                );
                assert_eq!(told(&text), whole(SESSION, "ses:SendRawEmail", IDENTITY), "{text}");
                assert_eq!(message::parse(&text).kind, None, "{text}");
            }
        }
    }
}

#[test]
fn iams_form_is_read_without_quotes_and_with_a_quoted_resource() {
    let text = format!("User: {SESSION} is not authorized to perform: ses:SendEmail on resource: {IDENTITY}");
    assert_eq!(told(&text), whole(SESSION, "ses:SendEmail", IDENTITY));
    let text =
        format!("User: {SESSION} is not authorized to perform: ses:SendEmail on resource: \"{IDENTITY}\" because");
    assert_eq!(told(&text), whole(SESSION, "ses:SendEmail", IDENTITY));
    let text = format!("User: {SESSION} is not authorized to perform: ses:ListSuppressedDestinations on resource: *");
    assert_eq!(told(&text), whole(SESSION, "ses:ListSuppressedDestinations", "*"));
    let text = format!(
        "{{\"error\":\"User: {USER} is not authorized to perform: ses:SendEmail on resource: {IDENTITY}\",\"a\":1}}"
    );
    assert_eq!(told(&text), whole(USER, "ses:SendEmail", IDENTITY));
}

#[test]
fn what_a_text_leaves_out_is_not_made_up() {
    let text = format!("User: {USER} is not authorized to perform: ses:VerifyEmailIdentity");
    assert_eq!(told(&text), (Some(USER.to_owned()), Some("ses:VerifyEmailIdentity".to_owned()), None));
    let text = format!("User is not authorized to perform `ses:SendEmail' on resource `{IDENTITY}'");
    assert_eq!(told(&text), (None, Some("ses:SendEmail".to_owned()), Some(IDENTITY.to_owned())));
    let text = format!("{IDENTITY} failed: User is not authorized to perform ses:SendEmail");
    assert_eq!(told(&text), (None, Some("ses:SendEmail".to_owned()), None));
    let text = "User: anonymous is not authorized to perform: ses:SendEmail on resource: example.com";
    assert_eq!(told(text), (None, Some("ses:SendEmail".to_owned()), None));
    assert_eq!(told("is not authorized to perform"), (None, None, None));
    assert_eq!(told("Access denied"), (None, None, None));
}

#[test]
fn names_with_apostrophes_and_spaces_stay_whole() {
    let resource = "arn:aws:ses:us-east-1:111122223333:identity/o'brien@example.com";
    let text = format!("User `{USER}' is not authorized to perform `ses:SendEmail' on resource `{resource}'");
    assert_eq!(told(&text), whole(USER, "ses:SendEmail", resource));
    let user = "arn:aws:iam::111122223333:user/Mail User";
    let text = format!("User: {user} is not authorized to perform: ses:SendEmail");
    assert_eq!(told(&text).0.as_deref(), Some(user));
    let user = "arn:aws:iam::111122223333:user/chris";
    let text = format!("User: {user} not authorized to perform: ses:SendEmail");
    assert_eq!(told(&text).0.as_deref(), Some(user));
}

#[test]
fn every_reason_for_a_missing_allow_names_its_layer() {
    let layers = [
        ("identity-based policy", Some("identity-policy")),
        ("resource-based policy", Some("sending-authorization-policy")),
        ("permissions boundary", Some("permissions-boundary")),
        ("session policy", Some("session-policy")),
        ("service control policy", Some("service-control-policy")),
        ("resource control policy", Some("resource-control-policy")),
        ("VPC endpoint policy", Some("vpc-endpoint-policy")),
        ("role trust policy", None),
    ];
    for (name, layer) in layers {
        let clause = format!("because no {name} allows the ses:SendEmail action");
        assert_eq!(reason(&clause), (layer.map(str::to_owned), Some(CauseKind::NoAllow), None), "{clause}");
    }
}

#[test]
fn every_explicit_deny_names_its_layer() {
    let layers = [
        ("an identity-based policy", Some("identity-policy")),
        ("a resource-based policy", Some("sending-authorization-policy")),
        ("a permissions boundary", Some("permissions-boundary")),
        ("a session policy", Some("session-policy")),
        ("a sessions policy", Some("session-policy")),
        ("a service control policy", Some("service-control-policy")),
        ("a resource control policy", Some("resource-control-policy")),
        ("a VPC endpoint policy", Some("vpc-endpoint-policy")),
        ("a VPC endpoint policy transitively through a service control policy", Some("vpc-endpoint-policy")),
        ("the role trust policy", None),
    ];
    for (name, layer) in layers {
        for end in ["", "."] {
            let clause = format!("with an explicit deny in {name}{end}");
            assert_eq!(reason(&clause), (layer.map(str::to_owned), Some(CauseKind::ExplicitDeny), None), "{clause}");
        }
    }
    assert_eq!(reason("with an explicit deny"), (None, Some(CauseKind::ExplicitDeny), None));
}

#[test]
fn the_arn_of_the_denying_policy_is_read() {
    let scp = "arn:aws:organizations::999900001111:policy/o-exampleorg/service_control_policy/p-0123456";
    let boundary = "arn:aws:iam::111122223333:policy/limits/boundary";
    let cases = [("a service control policy", scp), ("a permissions boundary", boundary)];
    for (name, arn) in cases {
        for end in ["", ".", " (Service: SesV2, Status Code: 403)", "\"}"] {
            let clause = format!("with an explicit deny in {name}: {arn}{end}");
            assert_eq!(reason(&clause).2.as_deref(), Some(arn), "{clause}");
        }
    }
    assert_eq!(reason("with an explicit deny in a service control policy: see arn:aws:iam::1:policy/x").2, None);
}

#[test]
fn of_a_text_cut_at_one_kilobyte_only_what_is_whole_is_told() {
    let arn = "arn:aws:organizations::999900001111:policy/o-exampleorg/service_control_policy/p-0123456";
    let full = format!(
        "User: {USER} is not authorized to perform: ses:SendEmail on resource: {IDENTITY} with an explicit deny in a service control policy: {arn}"
    );
    // What stands before the message fills the kilobyte.
    for length in 1..=full.len() {
        let (kept, _) = full.split_at(length);
        let text = format!("{}{kept}", "x".repeat(1023 - kept.len().min(1023)) + " ");
        assert_eq!(text.len(), 1024);
        let DenialMessage { principal, action, resource, layer, policy_arn, .. } = message::parse(&text);
        for (value, whole) in [
            (principal, USER),
            (action, "ses:SendEmail"),
            (resource, IDENTITY),
            (layer, "service-control-policy"),
            (policy_arn, arn),
        ] {
            assert!(value.as_deref().is_none_or(|value| value == whole), "{value:?} of {kept}");
        }
    }
    let quoted = format!("User `{USER}' is not authorized to perform `ses:SendEmail' on resource `{IDENTITY}");
    assert_eq!(told(&quoted), (Some(USER.to_owned()), Some("ses:SendEmail".to_owned()), None));
}

#[test]
fn the_message_about_a_send_is_found_among_others() {
    let text = format!(
        "User: {USER} is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::b/k\n\
         User: {SESSION} is not authorized to perform: ses:SendEmail on resource: {IDENTITY}\n\
         User: {USER} is not authorized to perform: sqs:SendMessage"
    );
    assert_eq!(told(&text), whole(SESSION, "ses:SendEmail", IDENTITY));
}

#[test]
fn the_operation_is_read_as_sdks_name_it() {
    let cases = [
        ("An error occurred (AccessDenied) when calling the SendRawEmail operation: User", Some("SendRawEmail")),
        ("operation error SESv2: SendEmail, https response error StatusCode: 403", Some("SendEmail")),
        ("operation error SES: SendTemplatedEmail, https", Some("SendTemplatedEmail")),
        ("Error executing \"SendEmail\" on \"https://email.us-east-1.amazonaws.com\"", Some("SendEmail")),
        ("AccessDenied: User", None),
        ("when calling the ", None),
    ];
    for (text, api) in cases {
        assert_eq!(message::api(text).as_deref(), api, "{text}");
    }
}

#[test]
fn refusals_that_no_policy_mends_are_told_apart() {
    use OtherRefusal::{
        Credentials, MailFromDomain, NotFound, Rejected, Sandbox, SendingPaused, Suspended, Throttled, Unverified,
    };
    let cases = [
        (
            "MessageRejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.example",
            Unverified,
        ),
        ("554 Message rejected: Email address is not verified.", Unverified),
        ("MailFromDomainNotVerifiedException", MailFromDomain),
        ("AccountSendingPausedException: Email sending is disabled", SendingPaused),
        ("SendingPausedException", SendingPaused),
        ("ConfigurationSetSendingPausedException: Email sending is paused", SendingPaused),
        ("AccountSuspendedException", Suspended),
        ("ProductionAccessNotGranted: account is still in the sandbox", Sandbox),
        ("535 Authentication Credentials Invalid", Credentials),
        ("(535, b'Authentication Credentials Invalid')", Credentials),
        ("ConfigurationSetDoesNotExist: Configuration set `x' does not exist.", NotFound),
        ("TemplateDoesNotExistException: Template Welcome does not exist", NotFound),
        ("454 Throttling failure: Maximum sending rate exceeded.", Throttled),
        ("Throttling: Daily message quota exceeded", Throttled),
        ("TooManyRequestsException: Too many requests", Throttled),
        ("MessageRejected: Address is on the suppression list", Rejected),
    ];
    for (text, refusal) in cases {
        assert_eq!(message::refusal(text), Some(Refusal::Other(refusal)), "{text}");
        let denial = from_message(text, None, None);
        assert_eq!(denial.refusal, Refusal::Other(refusal), "{text}");
        assert_eq!(denial.message.action, None, "{text}");
    }
    assert_eq!(message::refusal("AccessDeniedException"), Some(Refusal::AccessDenied));
    assert_eq!(message::refusal("550 relaying denied"), None);
    assert_eq!(from_message("something went wrong", None, None).refusal, Refusal::Other(Rejected));
}

#[test]
fn a_text_tells_caller_region_and_content() {
    let text = format!(
        "554 Access denied: User `{USER}' is not authorized to perform `ses:SendRawEmail' on resource `{IDENTITY}'"
    );
    let denial = from_message(&text, Some("2026-01-01T09:00:00Z".parse().unwrap()), None);
    assert_eq!(denial.provenance, Provenance::Text);
    assert!(matches!(&denial.caller, Caller::User { arn } if arn.as_str() == USER), "{:?}", denial.caller);
    assert_eq!(denial.region.as_deref(), Some("us-east-1"));
    assert_eq!(denial.time.map(|time| time.to_string()).as_deref(), Some("2026-01-01T09:00:00Z"));
    assert!(denial.send.smtp);
    assert_eq!((denial.send.content, denial.send.generation), (Some(Content::Raw), Some(ApiGeneration::V2)));
    assert_eq!(denial.message.text.as_deref(), Some(text.as_str()));

    let denial = from_message(&text, None, Some("eu-west-1"));
    assert_eq!(denial.region.as_deref(), Some("eu-west-1"), "what is given goes before what the text says");

    let text = format!(
        "An error occurred (AccessDenied) when calling the SendRawEmail operation: User `{USER}' is not authorized to perform `ses:SendRawEmail' on resource `{IDENTITY}'"
    );
    let denial = from_message(&text, None, None);
    assert_eq!(denial.api.as_deref(), Some("SendRawEmail"));
    assert!(!denial.send.smtp);
    assert_eq!((denial.send.content, denial.send.generation), (Some(Content::Raw), Some(ApiGeneration::V1)));
}

#[test]
fn a_text_about_another_service_is_skipped() {
    let input = read_message(&format!("User: {USER} is not authorized to perform: s3:GetObject"), None, None);
    assert_eq!((input.denials.len(), input.skipped.other_service), (0, 1));
    let input = read_message(&format!("User: {USER} is not authorized to perform: ses:GetAccount"), None, None);
    assert_eq!((input.denials.len(), input.skipped.not_a_send), (0, 1));
    let input = read_message("AccessDenied when calling the GetObject operation: Access Denied", None, None);
    assert_eq!((input.denials.len(), input.skipped.not_a_send), (0, 1));
    let input = read_message("Access denied", None, None);
    assert_eq!((input.denials.len(), input.skipped.total()), (1, 0));
}

#[test]
fn long_texts_are_kept_in_part_and_read_in_linear_time() {
    let sentence = format!("User `{USER}' is not authorized to perform `ses:SendEmail' on resource `{IDENTITY}'");
    let text = format!("{}{sentence}{}", "é".repeat(300_000), "ü".repeat(300_000));
    let message = message::parse(&text);
    assert_eq!(message.action.as_deref(), Some("ses:SendEmail"));
    let kept = message.text.unwrap();
    assert!(kept.len() <= 4096 && kept.contains(&sentence), "{}", kept.len());

    let start = std::time::Instant::now();
    for part in [
        "is not authorized to perform ",
        "not authorized to perform: a:B on resource: `",
        "arn:",
        "`",
        "User: ",
        "because no ",
    ] {
        let text = part.repeat(4_000_000 / part.len());
        message::parse(&text);
        message::refusal(&text);
        message::api(&text);
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

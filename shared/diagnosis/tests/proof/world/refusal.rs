//! Refused sends.

use sesame_diagnosis::denial::{ApiGeneration, Caller, Content, Denial, Incident, Parameter};
use sesame_diagnosis::finding::Provenance;
use sesame_diagnosis::{fold, message};
use sesame_policy::Arn;

use super::{ACCOUNT, ADDRESSES, NETWORKS, OWNER, OWNERS, RECIPIENTS, Tape, identity_arn};

fn maybe<T>(tape: &mut Tape, value: impl FnOnce(&mut Tape) -> T) -> Parameter<T> {
    match tape.below(4) {
        0 | 1 => Parameter::Given(value(tape)),
        2 => Parameter::NotGiven,
        _ => Parameter::Unknown,
    }
}

/// A caller by number: the refused ones and the bystanders.
pub fn caller(index: usize) -> Caller {
    let arn = |text: &str| Arn::parse(text).unwrap();
    let role = |path: &str, name: &str| Caller::Role {
        account: ACCOUNT.to_owned(),
        name: name.to_owned(),
        role_arn: Some(arn(&format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"))),
        session_arn: Some(arn(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session"))),
    };
    match index {
        0 => role("/svc/", "app"),
        1 => Caller::User { arn: arn(&format!("arn:aws:iam::{ACCOUNT}:user/mailer")) },
        2 => role("/", "other"),
        3 => Caller::User { arn: arn(&format!("arn:aws:iam::{ACCOUNT}:user/second")) },
        4 => Caller::Root { arn: arn(&format!("arn:aws:iam::{ACCOUNT}:root")) },
        5 => Caller::FederatedUser {
            arn: arn(&format!("arn:aws:sts::{ACCOUNT}:federated-user/guest")),
            issuer: Some(arn(&format!("arn:aws:iam::{ACCOUNT}:user/mailer"))),
        },
        _ => Caller::Service("cognito-idp.amazonaws.com".to_owned()),
    }
}

pub fn send(tape: &mut Tape, denial: &mut Denial) {
    let send = &mut denial.send;
    send.from_address =
        if tape.one_in(5) { Parameter::Unknown } else { Parameter::Given(tape.pick(&ADDRESSES).to_owned()) };
    send.from_display_name = maybe(tape, |tape| tape.pick(&["Example", "Boss"]).to_owned());
    send.feedback_address = maybe(tape, |_| "bounce@example.com".to_owned());
    send.recipients = if tape.one_in(3) {
        Parameter::Unknown
    } else {
        let mut list = vec![tape.pick(&RECIPIENTS).to_owned()];
        if tape.one_in(3) {
            list.push(tape.pick(&RECIPIENTS).to_owned());
        }
        Parameter::Given(list)
    };
    send.configuration_set = maybe(tape, |_| "tracking".to_owned());
    denial.source_ip = (!tape.one_in(8)).then(|| tape.pick(&NETWORKS).to_owned());
    denial.secure_transport = if tape.one_in(6) { None } else { Some(!tape.one_in(6)) };
}

/// A refused send; `who` as for [`caller`].
pub fn denial(tape: &mut Tape, who: usize) -> Denial {
    let mut denial = Denial::new(if tape.one_in(8) { Provenance::Log } else { Provenance::Cloudtrail });
    let caller = caller(who);
    let action = tape.pick(&["ses:SendEmail", "ses:SendRawEmail", "ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"]);
    let resource = match tape.below(8) {
        0..=2 => identity_arn(ACCOUNT, "example.com"),
        3 => identity_arn(ACCOUNT, "a@example.com"),
        4 => format!("arn:aws:ses:us-east-1:{ACCOUNT}:configuration-set/tracking"),
        5 => format!("arn:aws:ses:us-east-1:{ACCOUNT}:template/hello"),
        6 => identity_arn(OWNER, OWNERS[1]),
        _ => identity_arn(OWNER, OWNERS[0]),
    };
    let who = match &caller {
        Caller::Role { session_arn: Some(arn), .. }
        | Caller::User { arn }
        | Caller::Root { arn }
        | Caller::FederatedUser { arn, .. } => arn.to_string(),
        Caller::Service(name) => name.clone(),
        _ => panic!("every caller here is known"),
    };
    let reason = match tape.below(12) {
        0 => " with an explicit deny in an identity-based policy",
        1 => " with an explicit deny in a service control policy",
        2 => " because no permissions boundary allows the action",
        3 => " because no session policy allows the action",
        _ => "",
    };
    // Most often SES gives no reason.
    let text = format!("User: {who} is not authorized to perform: {action} on resource: {resource}{reason}");
    denial.message = message::parse(&text);
    denial.caller = caller;
    denial.recipient_account = Some(ACCOUNT.to_owned());
    denial.region = Some("us-east-1".to_owned());
    denial.time = Some("2026-03-01T03:00:00Z".parse().unwrap());
    denial.access_key_id = Some(if who.contains("assumed-role") { "ASIAEXAMPLE" } else { "AKIAEXAMPLE" }.to_owned());
    denial.user_agent = Some("Boto3/1.34".to_owned());
    denial.mfa_authenticated = Some(false);
    denial.send.generation = Some(ApiGeneration::V2);
    if action.contains("Bulk") {
        denial.api = Some("SendBulkEmail".to_owned());
        denial.send.content = Some(Content::Bulk);
    } else {
        denial.api = Some("SendEmail".to_owned());
        let simple = if resource.contains(":template/") { Content::Template } else { Content::Simple };
        denial.send.content = Some(if action == "ses:SendRawEmail" { Content::Raw } else { simple });
    }
    if resource.contains(OWNER) {
        denial.send.identity_arn = Parameter::Given(resource);
    } else {
        denial.send.identity_arn = Parameter::NotGiven;
    }
    // The feedback address may belong to an identity of its own.
    denial.send.feedback_identity_arn = match tape.below(12) {
        0 => Parameter::Given(identity_arn(ACCOUNT, "example.com")),
        1 => Parameter::Given(identity_arn(OWNER, OWNERS[0])),
        _ => Parameter::NotGiven,
    };
    if denial.send.content != Some(Content::Raw) {
        denial.send.template = maybe(tape, |_| "hello".to_owned());
    }
    denial.vpc_endpoint_id = tape.one_in(8).then(|| "vpce-1".to_owned());
    send(tape, &mut denial);
    denial
}

/// Up to three refusals of one fingerprint, folded.
pub fn incident(tape: &mut Tape) -> Incident {
    let who = match tape.below(12) {
        0..=6 => 0,
        7..=9 => 1,
        _ => 4 + tape.below(3),
    };
    let mut first = denial(tape, who);
    first.event_id = Some("event-0".to_owned());
    let mut all = vec![first.clone()];
    for index in 0..tape.pick(&[0, 0, 1, 2]) {
        let mut next = first.clone();
        send(tape, &mut next);
        next.event_id = Some(format!("event-{}", index + 1));
        next.time = Some(format!("2026-03-01T02:0{index}:00Z").parse().unwrap());
        all.push(next);
    }
    let incidents = fold::fold(all);
    assert_eq!(incidents.len(), 1, "one fingerprint");
    incidents.into_iter().next().unwrap()
}

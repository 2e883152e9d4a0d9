//! Refused sends to read for.

use sesame_diagnosis::denial::{Caller, Denial, DenialMessage, Incident, Parameter, Refusal, SendParameters};
use sesame_diagnosis::finding::Provenance;
use sesame_policy::Arn;

use crate::ACCOUNT;

/// What is known of a refused send.
pub fn denial(caller: Caller, from: Option<&str>, resource: Option<&str>) -> Denial {
    Denial {
        provenance: Provenance::Cloudtrail,
        event_id: Some("e1".to_owned()),
        shared_event_id: None,
        time: None,
        region: Some("eu-central-1".to_owned()),
        api: Some("SendEmail".to_owned()),
        caller,
        recipient_account: Some(ACCOUNT.to_owned()),
        event_account: None,
        access_key_id: None,
        source_ip: None,
        user_agent: None,
        secure_transport: None,
        host: None,
        vpc_endpoint_id: None,
        invoked_by: None,
        mfa_authenticated: None,
        session_created: None,
        source_identity: None,
        send: SendParameters {
            from_address: from.map_or(Parameter::Unknown, |from| Parameter::Given(from.to_owned())),
            ..SendParameters::default()
        },
        resources: Vec::new(),
        message: DenialMessage { resource: resource.map(str::to_owned), ..DenialMessage::default() },
        refusal: Refusal::AccessDenied,
    }
}

/// One refusal, folded with nothing.
pub fn incident(denial: Denial) -> Incident {
    Incident {
        id: "f-1".to_owned(),
        latest: denial.clone(),
        count: 1,
        first_seen: None,
        last_seen: None,
        distinct: vec![(denial, 1)],
        cut: 0,
        sources: Vec::new(),
    }
}

/// A user of the account.
pub fn user() -> Caller {
    Caller::User { arn: Arn::parse("arn:aws:iam::111122223333:user/team/shop").unwrap() }
}

/// A role of the account.
pub fn role() -> Caller {
    Caller::Role { account: ACCOUNT.to_owned(), name: "app".to_owned(), role_arn: None, session_arn: None }
}

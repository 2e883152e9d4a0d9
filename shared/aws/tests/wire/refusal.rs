//! Refused sends to read for.

use sesame_diagnosis::denial::{Caller, Denial, DenialMessage, Incident, Parameter, SendParameters};
use sesame_diagnosis::finding::Provenance;
use sesame_policy::Arn;

use crate::ACCOUNT;

/// What is known of a refused send.
pub fn denial(caller: Caller, from: Option<&str>, resource: Option<&str>) -> Denial {
    Denial {
        event_id: Some("e1".to_owned()),
        region: Some("eu-central-1".to_owned()),
        api: Some("SendEmail".to_owned()),
        caller,
        recipient_account: Some(ACCOUNT.to_owned()),
        send: SendParameters {
            from_address: from.map_or(Parameter::Unknown, |from| Parameter::Given(from.to_owned())),
            ..SendParameters::default()
        },
        message: DenialMessage { resource: resource.map(str::to_owned), ..DenialMessage::default() },
        ..Denial::new(Provenance::Cloudtrail)
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

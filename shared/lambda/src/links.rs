//! The environment variables that say where links lead, and what makes them.

use jiff::SignedDuration;
use sesame_aws::{Clients, link_key};
use sesame_remediation::mac::LocalKey;
use sesame_responder::links::Links;

use crate::environment::Variables;

/// Where links lead, and how they are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEnvironment {
    /// `SESAME_APPROVAL_URL`: the base URL, without a slash at its end.
    pub url: String,
    /// `SESAME_LINK_SECRET`: ARN of the secret that is their key.
    pub secret: String,
    /// `SESAME_STAGE`: the HTTP API's stage.
    pub stage: String,
    /// `SESAME_LINK_DAYS`: how long they last.
    pub life: SignedDuration,
}

impl LinkEnvironment {
    /// The part of an environment that says where links lead.
    pub fn of(variables: &mut Variables<'_>) -> LinkEnvironment {
        let is_url = |value: &str| value.starts_with("https://") || value.starts_with("http://");
        let is_days = |value: &str| value.parse().is_ok_and(|days| (1..=90).contains(&days));
        let url = variables.read("SESAME_APPROVAL_URL", "an https URL", is_url);
        let days = variables.read("SESAME_LINK_DAYS", "a number of days from 1 to 90", is_days);
        LinkEnvironment {
            url: url.trim_end_matches('/').to_owned(),
            secret: variables.read("SESAME_LINK_SECRET", "a secret's ARN", |value| value.starts_with("arn:")),
            stage: variables.read("SESAME_STAGE", "the stage's name", |value| !value.is_empty()),
            life: SignedDuration::from_hours(24 * days.parse().unwrap_or(7)),
        }
    }

    /// The same for a function that only puts links into messages: `None` where `SESAME_APPROVAL_URL` is empty or `none`.
    pub fn optional(variables: &mut Variables<'_>) -> Option<LinkEnvironment> {
        let url = (variables.variable)("SESAME_APPROVAL_URL").unwrap_or_default();
        (!url.is_empty() && url != "none").then(|| LinkEnvironment::of(variables))
    }
}

/// What makes the links of a stack; `None` where it has none, and, with a line in the log, where their key cannot be read: a
/// message without a link is worth more than none.
pub async fn links(environment: Option<LinkEnvironment>, stack: &str, clients: &Clients) -> Option<Links<LocalKey>> {
    let LinkEnvironment { url, secret, stage, life } = environment?;
    match link_key(clients, &secret).await {
        Ok(key) => Some(Links { stack: stack.to_owned(), stage, url, life, key }),
        Err(error) => {
            tracing::error!(error = %error, "messages go out without links: their key cannot be read");
            None
        }
    }
}

//! The environment variables that template.yaml sets. Each function reads the parts that it needs.

use jiff::SignedDuration;
use sesame_aws::{Clients, link_key};
use sesame_remediation::mac::LocalKey;
use sesame_responder::links::Links;
use sesame_responder::settings::ApprovalsNeeded;

/// The stack that a function belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `SESAME_STACK`: the stack's name.
    pub stack: String,
    /// `SESAME_ACCOUNT`: its account, twelve digits.
    pub account: String,
    /// `SESAME_TABLE`: the findings table's name.
    pub table: String,
    /// `SESAME_TOPIC`: the topic's ARN.
    pub topic: String,
    /// `SESAME_DEAD_LETTERS`: the URL of the queue of dead letters.
    pub dead_letters: String,
    /// `SESAME_OWN_ROLES`: ARNs of the stack's own roles, with commas between them.
    pub own_roles: Vec<String>,
}

/// What is wrong with the environment: every variable at once, so that one look mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct EnvironmentError(pub Vec<String>);

/// Variables that are being read: what is wrong is gathered, so that one look mends all of it.
pub struct Variables<'v> {
    variable: &'v dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl std::fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variables").field("wrong", &self.wrong).finish_non_exhaustive()
    }
}

impl Variables<'_> {
    /// The value of a variable; one that is not set reads as empty.
    pub fn read(&mut self, name: &str, expected: &str, is_right: impl Fn(&str) -> bool) -> String {
        let value = (self.variable)(name).unwrap_or_default();
        if !is_right(&value) {
            self.wrong.push(format!("environment variable `{name}`: expected {expected}, found `{value}`"));
        }
        value
    }
}

/// Reads what a function needs from the process's environment, all of its parts at once.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn read_environment<T>(parts: impl Fn(&mut Variables<'_>) -> T) -> Result<T, EnvironmentError> {
    parse_environment(&|name| std::env::var(name).ok(), parts)
}

/// The same from wherever variables are.
///
/// # Errors
/// Everything that is wrong with them, at once.
pub fn parse_environment<T>(
    variable: &dyn Fn(&str) -> Option<String>,
    parts: impl Fn(&mut Variables<'_>) -> T,
) -> Result<T, EnvironmentError> {
    let mut variables = Variables { variable, wrong: Vec::new() };
    let value = parts(&mut variables);
    if variables.wrong.is_empty() { Ok(value) } else { Err(EnvironmentError(variables.wrong)) }
}

impl Environment {
    /// Reads the process's environment.
    pub fn read() -> Result<Environment, EnvironmentError> {
        read_environment(Environment::of)
    }

    /// Reads variables from wherever they are.
    pub fn parse(variable: impl Fn(&str) -> Option<String>) -> Result<Environment, EnvironmentError> {
        parse_environment(&variable, Environment::of)
    }

    /// The part of an environment that every function has.
    pub fn of(variables: &mut Variables<'_>) -> Environment {
        let own_roles = variables.read("SESAME_OWN_ROLES", "role ARNs", |value| value.starts_with("arn:"));
        Environment {
            stack: variables.read("SESAME_STACK", "the stack's name", |value| !value.is_empty()),
            account: variables.read("SESAME_ACCOUNT", "twelve digits", is_account),
            table: variables.read("SESAME_TABLE", "a table's name", |value| !value.is_empty()),
            topic: variables.read("SESAME_TOPIC", "a topic's ARN", |value| value.starts_with("arn:")),
            dead_letters: variables.read("SESAME_DEAD_LETTERS", "a queue's URL", |value| value.starts_with("http")),
            own_roles: own_roles.split(',').map(|role| role.trim().to_owned()).collect(),
        }
    }
}

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

impl LinkEnvironment {
    /// What makes the links of a stack; `None`, and a line in the log, when their key cannot be read: a message without a link
    /// is worth more than none.
    pub async fn links(self, stack: &str, clients: &Clients) -> Option<Links<LocalKey>> {
        match link_key(clients, &self.secret).await {
            Ok(key) => Some(Links { stack: stack.to_owned(), stage: self.stage, url: self.url, life: self.life, key }),
            Err(error) => {
                tracing::error!(error = %error, "messages go out without links: their key cannot be read");
                None
            }
        }
    }
}

/// `SESAME_APPROVALS_NEEDED`: how many must approve; one where it is not set.
pub fn approvals_needed(variables: &mut Variables<'_>) -> ApprovalsNeeded {
    let needed = variables.read("SESAME_APPROVALS_NEEDED", "`1` or `2`", |value| ["", "1", "2"].contains(&value));
    if needed == "2" { ApprovalsNeeded::Two } else { ApprovalsNeeded::One }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

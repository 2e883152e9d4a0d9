//! The environment variables that template.yaml sets.

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

impl Environment {
    /// Reads the process's environment.
    pub fn read() -> Result<Environment, EnvironmentError> {
        Environment::parse(|name| std::env::var(name).ok())
    }

    /// Reads variables from wherever they are.
    pub fn parse(variable: impl Fn(&str) -> Option<String>) -> Result<Environment, EnvironmentError> {
        let mut wrong = Vec::new();
        let mut read = |name: &str, expected: &str, is_right: fn(&str) -> bool| {
            let value = variable(name).unwrap_or_default();
            if !is_right(&value) {
                wrong.push(format!("environment variable `{name}`: expected {expected}, found `{value}`"));
            }
            value
        };
        let environment = Environment {
            stack: read("SESAME_STACK", "the stack's name", |value| !value.is_empty()),
            account: read("SESAME_ACCOUNT", "twelve digits", is_account),
            table: read("SESAME_TABLE", "a table's name", |value| !value.is_empty()),
            topic: read("SESAME_TOPIC", "a topic's ARN", |value| value.starts_with("arn:")),
            dead_letters: read("SESAME_DEAD_LETTERS", "a queue's URL", |value| value.starts_with("http")),
            own_roles: read("SESAME_OWN_ROLES", "role ARNs", |value| value.starts_with("arn:"))
                .split(',')
                .map(|role| role.trim().to_owned())
                .collect(),
        };
        if wrong.is_empty() { Ok(environment) } else { Err(EnvironmentError(wrong)) }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

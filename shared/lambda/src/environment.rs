//! The environment variables that template.yaml sets. Each function reads the parts that it needs.

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
    /// `SESAME_OWN_ROLES`: ARNs of the stack's own roles, with commas between them.
    pub own_roles: Vec<String>,
}

/// What is wrong with the environment: every variable at once, so that one look mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct EnvironmentError(pub Vec<String>);

/// Variables that are being read: what is wrong is gathered, so that one look mends all of it.
pub struct Variables<'v> {
    pub(crate) variable: &'v dyn Fn(&str) -> Option<String>,
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
            own_roles: own_roles.split(',').map(|role| role.trim().to_owned()).collect(),
        }
    }
}

/// `SESAME_DEAD_LETTERS`: the URL of the queue of dead letters.
pub fn dead_letters(variables: &mut Variables<'_>) -> String {
    variables.read("SESAME_DEAD_LETTERS", "a queue's URL", |value| value.starts_with("http"))
}

/// `SESAME_APPROVALS_NEEDED`: how many must approve; one where it is not set.
pub fn approvals_needed(variables: &mut Variables<'_>) -> ApprovalsNeeded {
    let needed = variables.read("SESAME_APPROVALS_NEEDED", "`1` or `2`", |value| ["", "1", "2"].contains(&value));
    if needed == "2" { ApprovalsNeeded::Two } else { ApprovalsNeeded::One }
}

/// `SESAME_APPLY_ROLE_ACCOUNTS`, for a function that plans or decides, and does not write.
pub fn apply_role_accounts(variables: &mut Variables<'_>) -> Vec<String> {
    accounts(variables, "SESAME_APPLY_ROLE_ACCOUNTS")
}

pub(crate) fn accounts(variables: &mut Variables<'_>, name: &str) -> Vec<String> {
    list(&variables.read(name, "`none`, or accounts of twelve digits", |value| is_list(value, is_account)))
}

/// The word for an empty list: CloudFormation has no empty value for a list parameter.
pub(crate) const NONE: &str = "none";

/// Whether a value is `none`, or such items with commas between them.
pub(crate) fn is_list(value: &str, is_item: impl Fn(&str) -> bool) -> bool {
    value == NONE || value.split(',').all(is_item)
}

pub(crate) fn list(value: &str) -> Vec<String> {
    match value {
        NONE => Vec::new(),
        list => list.split(',').map(str::to_owned).collect(),
    }
}

pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

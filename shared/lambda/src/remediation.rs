//! The environment variables that say what a stack may write to.

use sesame_responder::walls::{Listed, Walls};

use crate::environment::EnvironmentError;

/// The word for an empty list: CloudFormation has no empty value for a list parameter.
const NONE: &str = "none";

/// What the apply function may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remediation {
    /// `SESAME_REMEDIATION`: `approve` applies what was approved, `suggest-only` nothing.
    pub applies: bool,
    /// `SESAME_DECISION_KEY`: ARN of the KMS key that decisions are signed with.
    pub decision_key: String,
    /// `SESAME_REMEDIABLE_PRINCIPALS`, `SESAME_REMEDIABLE_IDENTITIES`, `SESAME_REQUIRED_BOUNDARY`, `SESAME_GRANTS_A_DAY`.
    pub walls: Walls,
    /// `SESAME_APPLY_ROLE_NAME`: the role that other accounts have deployed; `None` when there is none.
    pub apply_role: Option<String>,
    /// `SESAME_APPLY_ROLE_ACCOUNTS`: those accounts.
    pub apply_role_accounts: Vec<String>,
}

impl Remediation {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn read() -> Result<Remediation, EnvironmentError> {
        Remediation::parse(|name| std::env::var(name).ok())
    }

    /// Reads variables from wherever they are.
    ///
    /// # Errors
    /// Everything that is wrong with them, at once.
    pub fn parse(variable: impl Fn(&str) -> Option<String>) -> Result<Remediation, EnvironmentError> {
        let mut wrong = Vec::new();
        let mut read = |name: &str, expected: &str, is_right: &dyn Fn(&str) -> bool| {
            let value = variable(name).unwrap_or_default();
            if !is_right(&value) {
                wrong.push(format!("environment variable `{name}`: expected {expected}, found `{value}`"));
            }
            value
        };
        let is_list = |value: &str, is_item: fn(&str) -> bool| value == NONE || value.split(',').all(is_item);
        let exact = |service: &str, value: &str| value.starts_with("arn:") && value.contains(service);
        let mode = read("SESAME_REMEDIATION", "`suggest-only` or `approve`", &|value| {
            ["suggest-only", "approve"].contains(&value)
        });
        let decision_key =
            read("SESAME_DECISION_KEY", "a key's ARN", &|value| exact(":kms:", value) && value.contains(":key/"));
        let principals =
            read("SESAME_REMEDIABLE_PRINCIPALS", "`none`, or ARNs of users and roles without wildcards", &|value| {
                is_list(value, |item| item.starts_with("arn:") && item.contains(":iam:") && is_exact(item))
            });
        let identities =
            read("SESAME_REMEDIABLE_IDENTITIES", "`none`, or ARNs of SES identities without wildcards", &|value| {
                is_list(value, |item| item.starts_with("arn:") && item.contains(":identity/") && is_exact(item))
            });
        let boundary = read("SESAME_REQUIRED_BOUNDARY", "`none`, or a policy's ARN", &|value| {
            value == NONE || exact(":policy/", value) && is_exact(value)
        });
        let grants_a_day = read("SESAME_GRANTS_A_DAY", "a number from 0 to 100", &|value| {
            value.parse().is_ok_and(|most: u32| most <= 100)
        });
        let apply_role = read("SESAME_APPLY_ROLE_NAME", "`none`, or a role's name", &|value| {
            !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c))
        });
        let accounts = read("SESAME_APPLY_ROLE_ACCOUNTS", "`none`, or accounts of twelve digits", &|value| {
            is_list(value, |item| item.len() == 12 && item.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if !wrong.is_empty() {
            return Err(EnvironmentError(wrong));
        }
        Ok(Remediation {
            applies: mode == "approve",
            decision_key,
            walls: Walls {
                principals: Listed::Only(list(&principals)),
                identities: Listed::Only(list(&identities)),
                required_boundary: (boundary != NONE).then_some(boundary),
                grants_a_day: Some(grants_a_day.parse().unwrap_or_default()),
            },
            apply_role: (apply_role != NONE).then_some(apply_role),
            apply_role_accounts: list(&accounts),
        })
    }
}

/// Lists are compared letter by letter here; IAM would take a wildcard in them for one.
fn is_exact(arn: &str) -> bool {
    !arn.contains(['*', '?', '$', ' '])
}

fn list(value: &str) -> Vec<String> {
    match value {
        NONE => Vec::new(),
        list => list.split(',').map(str::to_owned).collect(),
    }
}

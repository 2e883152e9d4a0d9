//! The environment variables that say which other accounts have deployed a role for this stack.

use sesame_aws::Members;

use crate::environment::{Variables, accounts, apply_role_accounts};

/// `SESAME_READ_ROLE_NAME`, `SESAME_READ_ROLE_ACCOUNTS`: the accounts that may be read. `stack` is the external id.
pub fn readable_accounts(variables: &mut Variables<'_>, stack: &str) -> Members {
    let role = role_name(variables, "SESAME_READ_ROLE_NAME");
    Members::new(role, accounts(variables, "SESAME_READ_ROLE_ACCOUNTS"), stack)
}

/// `SESAME_APPLY_ROLE_NAME`, `SESAME_APPLY_ROLE_ACCOUNTS`: the accounts that may be written to.
pub fn writable_accounts(variables: &mut Variables<'_>, stack: &str) -> Members {
    let role = role_name(variables, "SESAME_APPLY_ROLE_NAME");
    Members::new(role, apply_role_accounts(variables), stack)
}

fn role_name(variables: &mut Variables<'_>, name: &str) -> String {
    variables.read(name, "a role's name", |value| {
        !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c))
    })
}

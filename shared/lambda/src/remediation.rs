//! The environment variables that say what a stack may write to.

use sesame_responder::settings::ApprovalsNeeded;
use sesame_responder::walls::{Listed, Walls};

use crate::environment::{NONE, Variables, apply_role_accounts, approvals_needed, is_list, list};

/// What the apply function may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remediation {
    /// `SESAME_REMEDIATION`: `approve` applies what was approved, `suggest-only` nothing.
    pub applies: bool,
    /// `SESAME_DECISION_KEY`: ARN of the KMS key that decisions are signed with.
    pub decision_key: String,
    /// `SESAME_REMEDIABLE_PRINCIPALS`, `SESAME_REMEDIABLE_IDENTITIES`, `SESAME_REQUIRED_BOUNDARY`, `SESAME_GRANTS_A_DAY`.
    pub walls: Walls,
    /// `SESAME_APPLY_ROLE_ACCOUNTS`: other accounts that may be written to.
    pub apply_role_accounts: Vec<String>,
    /// `SESAME_APPROVALS_NEEDED`: how many must have approved.
    pub approvals_needed: ApprovalsNeeded,
}

impl Remediation {
    /// The part of an environment that says what may be applied.
    pub fn of(variables: &mut Variables<'_>) -> Remediation {
        let exact = |service: &str, value: &str| value.starts_with("arn:") && value.contains(service);
        let mode = variables.read("SESAME_REMEDIATION", "`suggest-only` or `approve`", |value| {
            ["suggest-only", "approve"].contains(&value)
        });
        let decision_key = variables
            .read("SESAME_DECISION_KEY", "a key's ARN", |value| exact(":kms:", value) && value.contains(":key/"));
        let principals = variables.read(
            "SESAME_REMEDIABLE_PRINCIPALS",
            "`none`, or ARNs of users and roles without wildcards",
            |value| is_list(value, |item| item.starts_with("arn:") && item.contains(":iam:") && is_exact(item)),
        );
        let identities = variables.read(
            "SESAME_REMEDIABLE_IDENTITIES",
            "`none`, or ARNs of SES identities without wildcards",
            |value| is_list(value, |item| item.starts_with("arn:") && item.contains(":identity/") && is_exact(item)),
        );
        let boundary = variables.read("SESAME_REQUIRED_BOUNDARY", "`none`, or a policy's ARN", |value| {
            value == NONE || exact(":policy/", value) && is_exact(value)
        });
        let grants_a_day = variables.read("SESAME_GRANTS_A_DAY", "a number from 0 to 100", |value| {
            value.parse().is_ok_and(|most: u32| most <= 100)
        });
        Remediation {
            applies: mode == "approve",
            decision_key,
            walls: Walls {
                principals: Listed::Only(list(&principals)),
                identities: Listed::Only(list(&identities)),
                required_boundary: (boundary != NONE).then_some(boundary),
                grants_a_day: Some(grants_a_day.parse().unwrap_or_default()),
            },
            apply_role_accounts: apply_role_accounts(variables),
            approvals_needed: approvals_needed(variables),
        }
    }
}

/// Lists are compared letter by letter here; IAM would take a wildcard in them for one.
fn is_exact(arn: &str) -> bool {
    !arn.contains(['*', '?', '$', ' '])
}

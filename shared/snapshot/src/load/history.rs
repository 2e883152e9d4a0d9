//! `history.json`: changes of policies to show beside a finding.

use sesame_diagnosis::world::Change;

use crate::error::SnapshotError;
use crate::located::{At, JsonFile};

/// Reads the changes, in their order.
pub(super) fn read(file: &JsonFile) -> Result<Vec<Change>, SnapshotError> {
    file.root().list(change)
}

fn change(at: &At<'_>) -> Result<Change, SnapshotError> {
    let fields = at.object()?;
    Ok(Change {
        time: fields.required("time")?.string()?,
        policy_arn: fields.string("policyArn")?,
        principal_arn: fields.string("principalArn")?,
        api: fields.required("api")?.string()?,
        by: fields.string("by")?,
    })
}

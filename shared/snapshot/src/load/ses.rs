//! `ses/<region>.json`: `GetAccount`, `GetEmailIdentity` of each identity, names of configuration sets and templates.
//! <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html>

use std::collections::BTreeMap;

use sesame_diagnosis::world::{Identity, Readable, SesAccount, SesRegion};

use crate::error::SnapshotError;
use crate::located::{At, JsonFile};

/// Reads one Region.
pub(crate) fn read(file: &JsonFile) -> Result<SesRegion, SnapshotError> {
    let fields = file.root().object()?;
    let identities = fields.get("Identities");
    Ok(SesRegion {
        account: fields.get("Account").map(|at| account(&at)).transpose()?,
        complete: identities.is_some(),
        identities: match identities {
            Some(at) => {
                at.object()?.iter().map(|(name, at)| Ok((name.to_owned(), identity(&at)?))).collect::<Result<_, _>>()?
            }
            None => BTreeMap::new(),
        },
        configuration_sets: fields.get("ConfigurationSets").map(|at| at.list(At::string)).transpose()?,
        templates: fields.get("Templates").map(|at| at.list(At::string)).transpose()?,
    })
}

fn account(at: &At<'_>) -> Result<SesAccount, SnapshotError> {
    let fields = at.object()?;
    Ok(SesAccount {
        production_access: fields.boolean("ProductionAccessEnabled")?,
        sending_enabled: fields.boolean("SendingEnabled")?,
        enforcement_status: fields.string("EnforcementStatus")?,
    })
}

fn identity(at: &At<'_>) -> Result<Identity, SnapshotError> {
    let fields = at.object()?;
    let verified = match fields.boolean("VerifiedForSendingStatus")? {
        Some(verified) => Some(verified),
        None => fields.string("VerificationStatus")?.map(|status| status == "SUCCESS"),
    };
    let policies = match fields.get("Policies") {
        Some(at) => {
            at.object()?.iter().map(|(name, at)| Ok((name.to_owned(), at.document()?))).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    Ok(Identity {
        verified,
        configuration_set: fields.string("ConfigurationSetName")?,
        policies: Readable::Known(policies),
    })
}

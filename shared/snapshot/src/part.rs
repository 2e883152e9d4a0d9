//! A snapshot in the parts that are written, and after a cut read again, each by itself.
//!
//! A part is a file that appears whole or not at all. Beside it stands `<file>.partial` for as long as something of it is
//! missing: what was read so far, or, beside a file that is there, the sign that parts of it could not be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use sesame_diagnosis::finding::Gap;
use sesame_diagnosis::world::{Account, Identity, Organization, Readable, SesRegion};

use crate::error::SnapshotError;
use crate::load;
use crate::located::JsonFile;
use crate::write::{Writer, write_file};

/// A part of a snapshot folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// `accounts/<account>/iam.json`
    Iam {
        /// Twelve digits.
        account: &'a str,
    },
    /// `accounts/<account>/ses/<region>.json`
    Ses {
        /// Twelve digits.
        account: &'a str,
        /// The Region.
        region: &'a str,
    },
    /// `organization.json`
    Organization,
}

impl Part<'_> {
    /// Its file.
    pub fn file(&self, folder: &Path) -> PathBuf {
        match self {
            Part::Iam { account } => folder.join("accounts").join(account).join("iam.json"),
            Part::Ses { account, region } => {
                folder.join("accounts").join(account).join("ses").join(format!("{region}.json"))
            }
            Part::Organization => folder.join("organization.json"),
        }
    }

    fn partial(&self, folder: &Path) -> PathBuf {
        let mut path = self.file(folder).into_os_string();
        path.push(".partial");
        path.into()
    }

    /// Whether it is there and nothing of it is missing.
    pub fn is_whole(&self, folder: &Path) -> bool {
        self.file(folder).is_file() && !self.partial(folder).exists()
    }

    /// Takes away what an earlier, unfinished reading left. The file itself stays until there is another.
    pub fn forget_partial(&self, folder: &Path) -> Result<(), SnapshotError> {
        let path = self.partial(folder);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(SnapshotError::whole(&path, format!("could not be removed: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// After the file was written: a mark if something of it is missing.
    fn settle(&self, folder: &Path, gaps: &[Gap]) -> Result<(), SnapshotError> {
        match gaps {
            [] => self.forget_partial(folder),
            _ if self.partial(folder).exists() => Ok(()),
            _ => write_file(&self.partial(folder), &json!({})),
        }
    }
}

/// Writes IAM of an account. What could not be read is returned.
pub fn write_iam(account: &Account, folder: &Path) -> Result<Vec<Gap>, SnapshotError> {
    if let Some(gap) = &account.iam_gap {
        return Ok(vec![gap.clone()]);
    }
    let part = Part::Iam { account: &account.id };
    let mut writer = Writer::default();
    write_file(&part.file(folder), &writer.iam(account))?;
    part.settle(folder, &writer.gaps)?;
    Ok(writer.gaps)
}

/// Writes SES of one Region. What could not be read is returned.
pub fn write_ses(
    region: &str,
    ses: &Readable<SesRegion>,
    account: &str,
    folder: &Path,
) -> Result<Vec<Gap>, SnapshotError> {
    let ses = match ses {
        Readable::Known(ses) => ses,
        Readable::Gap(gap) => return Ok(vec![gap.clone()]),
    };
    let part = Part::Ses { account, region };
    let mut writer = Writer::default();
    let value = writer.ses(ses);
    if !writer.gaps.is_empty() {
        keep_ses(region, ses, account, folder)?;
    }
    write_file(&part.file(folder), &value)?;
    part.settle(folder, &writer.gaps)?;
    Ok(writer.gaps)
}

/// Writes the organization. What could not be read is returned.
pub fn write_organization(
    organization: &Readable<Option<Organization>>,
    folder: &Path,
) -> Result<Vec<Gap>, SnapshotError> {
    let part = Part::Organization;
    let mut writer = Writer::default();
    let value = match organization {
        Readable::Gap(gap) => return Ok(vec![gap.clone()]),
        Readable::Known(None) => json!({ "NotInOrganization": true }),
        Readable::Known(Some(organization)) => writer.organization(organization),
    };
    write_file(&part.file(folder), &value)?;
    part.settle(folder, &writer.gaps)?;
    Ok(writer.gaps)
}

/// Keeps the identities of a Region that were read so far, for [`kept_ses`] after a cut.
pub fn keep_ses(region: &str, ses: &SesRegion, account: &str, folder: &Path) -> Result<(), SnapshotError> {
    let read = ses.identities.iter().filter(|(_, identity)| identity.policies.known().is_some());
    let identities = read.map(|(name, identity)| (name.clone(), identity.clone())).collect();
    let kept = SesRegion { identities, ..SesRegion::default() };
    write_file(&Part::Ses { account, region }.partial(folder), &Writer::default().ses(&kept))
}

/// The identities that an unfinished reading of a Region left; none where it left none, or nothing that can be read.
pub fn kept_ses(region: &str, account: &str, folder: &Path) -> BTreeMap<String, Identity> {
    let file = JsonFile::read(&Part::Ses { account, region }.partial(folder));
    file.and_then(|file| load::ses(&file)).map(|ses| ses.identities).unwrap_or_default()
}

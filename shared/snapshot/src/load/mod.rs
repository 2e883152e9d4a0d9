//! Folder to world.

mod history;
mod iam;
mod organization;
mod ses;

pub(crate) use iam::default_version;
pub(crate) use ses::read as ses;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Account, Readable, World};

use crate::error::SnapshotError;
use crate::located::JsonFile;

/// Reads a snapshot folder.
///
/// A file that is missing is a gap in the world; a file that is there and cannot be read is an error. Policy documents are
/// not parsed as policies here.
pub fn load(folder: &Path) -> Result<World, SnapshotError> {
    let mut accounts = BTreeMap::new();
    let accounts_folder = folder.join("accounts");
    let organization_file = folder.join("organization.json");
    list(folder)?; // names the folder itself when it is missing or a file
    if accounts_folder.exists() {
        for path in list(&accounts_folder)? {
            let id = file_name(&path);
            if is_account_id(&id) && path.is_dir() {
                accounts.insert(id.clone(), load_account(&path, id)?);
            }
        }
    } else if !organization_file.exists() {
        return Err(SnapshotError::whole(folder, "expected a snapshot (a folder `accounts` in it), found none"));
    }
    let organization = if organization_file.exists() {
        Readable::Known(organization::read(&JsonFile::read(&organization_file)?)?)
    } else {
        Readable::Gap(Gap {
            layer: "service-control-policy".to_owned(),
            source: organization_file.display().to_string(),
            reason: GapReason::MissingFile,
            summary: "the snapshot has no organization.json, so service control policies are not known".to_owned(),
        })
    };
    Ok(World { accounts, organization })
}

fn load_account(folder: &Path, id: String) -> Result<Account, SnapshotError> {
    let iam_file = folder.join("iam.json");
    let mut account = if iam_file.exists() {
        iam::read(&JsonFile::read(&iam_file)?, id)?
    } else {
        let gap = Gap {
            layer: "identity-policy".to_owned(),
            source: iam_file.display().to_string(),
            reason: GapReason::MissingFile,
            summary: format!("the snapshot has no iam.json of account {id}, so its IAM policies are not known"),
        };
        Account { iam_gap: Some(gap), ..Account::empty(id) }
    };
    let ses_folder = folder.join("ses");
    if ses_folder.exists() {
        for path in list(&ses_folder)? {
            if let Some(region) = file_name(&path).strip_suffix(".json") {
                account.ses.insert(region.to_owned(), Readable::Known(ses::read(&JsonFile::read(&path)?)?));
            }
        }
    }
    let history_file = folder.join("history.json");
    if history_file.exists() {
        account.history = history::read(&JsonFile::read(&history_file)?)?;
    }
    Ok(account)
}

/// A folder's entries, sorted so that errors and worlds do not turn on the file system's order.
fn list(folder: &Path) -> Result<Vec<PathBuf>, SnapshotError> {
    let error = |error: std::io::Error| SnapshotError::io(folder, &error);
    let mut paths = std::fs::read_dir(folder)
        .map_err(error)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>();
    if let Ok(paths) = &mut paths {
        paths.sort();
    }
    paths.map_err(error)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Twelve digits.
fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

//! Policy documents in a snapshot's files: read, written, put back.

mod place;
mod text;

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use sesame_diagnosis::finding::{Target, TargetKind};
use sesame_remediation::receipt::{FileEdit, Replacement, Written};
use sha2::{Digest, Sha256};

use crate::error::SnapshotError;
use crate::located::JsonFile;
use place::Place;

/// The document that stands at a target now; `None` when there is none.
pub fn read(folder: &Path, target: &Target) -> Result<Option<Value>, SnapshotError> {
    let path = file_of(folder, target)?;
    let file = JsonFile::read(&path)?;
    Place::find(&file, target)?.document()
}

/// Writes the whole document of a target, or takes the policy away (`None`); the file is replaced at once or not at all.
pub fn write(folder: &Path, target: &Target, document: Option<&Value>) -> Result<FileEdit, SnapshotError> {
    let path = file_of(folder, target)?;
    let file = JsonFile::read(&path)?;
    let place = Place::find(&file, target)?;
    let mut replacements = match document {
        Some(document) => place.put(document)?,
        None => place.remove()?,
    };
    replacements.sort_by_key(|replacement| replacement.offset);
    let text = text::splice(&file.text, &replacements)
        .ok_or_else(|| SnapshotError::whole(&path, "expected edits that do not overlap"))?;
    // What goes into the file can be read again, or does not go in.
    let after = JsonFile::parse(&path, text)?;
    let place = Place::find(&after, target)?;
    let holds = match document {
        Some(_) => place.document()?.as_ref() == document,
        None => !place.is_held()?,
    };
    if !holds {
        return Err(SnapshotError::whole(&path, "expected the edited file to hold the document that was written"));
    }
    replace_file(&path, after.text.as_bytes())?;
    let edit = FileEdit {
        file: relative(folder, &path),
        before_digest: digest(file.text.as_bytes()),
        after_digest: digest(after.text.as_bytes()),
        replacements,
    };
    Ok(edit)
}

/// How a document was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutBack {
    /// The file is what it was, byte for byte.
    Exact,
    /// The file was changed elsewhere in the meantime; the document is what it was.
    Document,
}

/// Puts back what a receipt says was written.
///
/// A file that nobody touched since becomes what it was byte for byte. In a file that was changed elsewhere only the document
/// is put back, as long as it is still the one that was written.
pub fn put_back(folder: &Path, written: &Written) -> Result<PutBack, SnapshotError> {
    let path = file_of(folder, &written.target)?;
    if let Some(edit) = &written.edit {
        let named = edited_file(folder, edit)?;
        if named != path {
            return Err(SnapshotError::whole(&named, "expected the file that the receipt's target stands in"));
        }
        let file = JsonFile::read(&path)?;
        if digest(file.text.as_bytes()) == edit.after_digest {
            let before = text::inverse(&edit.replacements)
                .and_then(|inverse| text::splice(&file.text, &inverse))
                .filter(|before| digest(before.as_bytes()) == edit.before_digest)
                .ok_or_else(|| SnapshotError::whole(&path, "expected a receipt whose edits lead back to its digest"))?;
            replace_file(&path, before.as_bytes())?;
            return Ok(PutBack::Exact);
        }
    }
    if !matches!(
        written.target.kind,
        TargetKind::UserInline | TargetKind::RoleInline | TargetKind::GroupInline | TargetKind::SendingAuthorization
    ) {
        return Err(SnapshotError::whole(&path, "expected the file as it was left; roll back later changes first"));
    }
    if read(folder, &written.target)? != written.after {
        return Err(SnapshotError::whole(&path, "expected the document that was written; it was changed since"));
    }
    write(folder, &written.target, written.before.as_ref())?;
    Ok(PutBack::Document)
}

/// The file that holds a target's document. Account and Region come from outside, and become parts of a path only when they
/// look like what they are.
fn file_of(folder: &Path, target: &Target) -> Result<PathBuf, SnapshotError> {
    if target.kind == TargetKind::Scp {
        return Ok(folder.join("organization.json"));
    }
    let account = target.account.as_deref().unwrap_or_default();
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SnapshotError::whole(folder, format!("expected a target in an account, found `{account}`")));
    }
    let account = folder.join("accounts").join(account);
    if target.kind != TargetKind::SendingAuthorization {
        return Ok(account.join("iam.json"));
    }
    let region = target.region.as_deref().unwrap_or_default();
    if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(SnapshotError::whole(folder, format!("expected a target in a Region, found `{region}`")));
    }
    Ok(account.join("ses").join(format!("{region}.json")))
}

fn edited_file(folder: &Path, edit: &FileEdit) -> Result<PathBuf, SnapshotError> {
    let relative = Path::new(&edit.file);
    match relative.components().all(|component| matches!(component, Component::Normal(_))) {
        true => Ok(folder.join(relative)),
        false => Err(SnapshotError::whole(folder, format!("expected a file in the snapshot, found `{}`", edit.file))),
    }
}

fn relative(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Writes beside the file and renames, so that a reader, or a crash, meets the old file or the new one.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let error = |error: std::io::Error| SnapshotError::whole(path, format!("could not be written: {error}"));
    let path = path.canonicalize().map_err(error)?; // a link stays a link
    let permissions = std::fs::metadata(&path).map_err(error)?.permissions();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::set_permissions(&beside, permissions))
        .and_then(|()| std::fs::rename(&beside, &path));
    written.map_err(|cause| {
        // The half-written file is of no use to anyone; that it may not go away adds nothing to the error.
        let _ = std::fs::remove_file(&beside);
        error(cause)
    })
}

/// `sha256:` of the bytes.
fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"))
}

/// Replacements of one edit; several where a new policy is also attached.
type Replacements = Vec<Replacement>;

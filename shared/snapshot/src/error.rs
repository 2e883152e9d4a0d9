//! What is wrong with a snapshot: one line that names the file, the place and what was expected.

use std::io;
use std::path::{Path, PathBuf};

/// A snapshot that could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}{message}", .file.display(), .place.as_deref().map(|place| format!("{place}: ")).unwrap_or_default())]
pub struct SnapshotError {
    /// The file or folder.
    pub file: PathBuf,
    /// A JSON pointer, `line 3 column 7` or `byte 12`; `None` where the file as a whole is meant.
    pub place: Option<String>,
    /// What was expected, and what was found.
    pub message: String,
}

impl SnapshotError {
    pub(crate) fn new(file: &Path, place: impl Into<String>, message: impl Into<String>) -> SnapshotError {
        SnapshotError { file: file.to_owned(), place: Some(place.into()), message: message.into() }
    }

    pub(crate) fn whole(file: &Path, message: impl Into<String>) -> SnapshotError {
        SnapshotError { file: file.to_owned(), place: None, message: message.into() }
    }

    pub(crate) fn io(file: &Path, error: &io::Error) -> SnapshotError {
        let message = match error.kind() {
            io::ErrorKind::NotFound => "expected a file or folder here, found none".to_owned(),
            io::ErrorKind::PermissionDenied => "expected a readable file, found no permission to read it".to_owned(),
            io::ErrorKind::IsADirectory => "expected a file, found a folder".to_owned(),
            io::ErrorKind::NotADirectory => "expected a folder, found a file".to_owned(),
            _ => format!("could not be read: {error}"),
        };
        SnapshotError::whole(file, message)
    }
}

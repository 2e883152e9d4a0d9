//! The responder's ports over folders: a snapshot that is read and written, findings in files, notices in an outbox, a key
//! beside them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::Value;
use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::{Operation, Target};
use sesame_diagnosis::world::World;
use sesame_remediation::mac::LocalKey;
use sesame_remediation::receipt::Written;
use sesame_responder::list::{Filter, Page, Summary};
use sesame_responder::memory::is_unfinished;
use sesame_responder::ports::{
    Clock, FindingStore, Notice, PolicyWriter, PortError, Publisher, SaveError, Trace, WorldSource,
};
use sesame_responder::record::Record;

use crate::edit;
use crate::error::SnapshotError;
use crate::load::load;
use crate::write::private;

impl From<SnapshotError> for PortError {
    fn from(error: SnapshotError) -> PortError {
        PortError::lasting(error.to_string())
    }
}

/// A snapshot folder as a world that is read and written.
#[derive(Debug, Clone)]
pub struct SnapshotFolder(pub PathBuf);

impl WorldSource for SnapshotFolder {
    async fn world(&self, _incident: &Incident) -> Result<World, PortError> {
        Ok(load(&self.0)?)
    }
}

impl PolicyWriter for SnapshotFolder {
    async fn read(&self, target: &Target) -> Result<Option<Value>, PortError> {
        Ok(edit::read(&self.0, target)?)
    }

    async fn write(&self, target: &Target, document: Option<&Value>) -> Result<Trace, PortError> {
        Ok(Trace { request_id: None, edit: Some(edit::write(&self.0, target, document)?) })
    }

    async fn put_back(&self, written: &Written) -> Result<(), PortError> {
        // What was detached is still there to be read.
        if written.operation == Operation::Put && edit::read(&self.0, &written.target)? == written.before {
            return Ok(());
        }
        edit::put_back(&self.0, written)?;
        Ok(())
    }
}

/// Findings in a folder, a file each.
#[derive(Debug, Clone)]
pub struct FindingFolder {
    folder: PathBuf,
}

impl FindingFolder {
    /// Keeps findings in this folder, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<FindingFolder, SnapshotError> {
        fs::create_dir_all(folder).map_err(|error| SnapshotError::io(folder, &error))?;
        Ok(FindingFolder { folder: folder.to_owned() })
    }

    /// Ids are ours (`f-` and hexadecimal digits); anything else is no file of this folder.
    fn file(&self, finding: &str) -> Result<PathBuf, PortError> {
        match !finding.is_empty() && finding.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            true => Ok(self.folder.join(format!("{finding}.json"))),
            false => Err(PortError::lasting(format!("expected a finding's id, found `{finding}`"))),
        }
    }

    fn read(&self, path: &Path) -> Result<Option<Record>, PortError> {
        let failed = |error: &dyn std::fmt::Display| PortError::lasting(format!("{}: {error}", path.display()));
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn all(&self) -> Result<Vec<Record>, PortError> {
        let failed = |error: io::Error| PortError::lasting(format!("{}: {error}", self.folder.display()));
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                records.extend(self.read(&path)?);
            }
        }
        Ok(records)
    }
}

impl FindingStore for FindingFolder {
    async fn load(&self, finding: &str) -> Result<Option<Record>, PortError> {
        self.read(&self.file(finding)?)
    }

    async fn save(&self, record: &mut Record) -> Result<(), SaveError> {
        let path = self.file(&record.finding.id)?;
        let failed = |error: io::Error| PortError::lasting(format!("{}: {error}", path.display()));
        // Held until the end: comparing the version and writing are one step among processes too.
        let lock = File::create(self.folder.join(".lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let stored = self.read(&path)?.map_or(0, |stored| stored.version);
        if stored != record.version {
            return Err(SaveError::Conflict(record.finding.id.clone()));
        }
        let next = Record { version: record.version + 1, ..record.clone() };
        let text = serde_json::to_string_pretty(&next)
            .map_err(|error| PortError::lasting(format!("{}: {error}", path.display())))?;
        let beside = path.with_extension("tmp");
        private(OpenOptions::new().write(true).create(true).truncate(true))
            .open(&beside)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(failed)?;
        *record = next;
        Ok(())
    }

    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        let mut ids: Vec<String> =
            self.all()?.into_iter().filter(is_unfinished).map(|record| record.finding.id).collect();
        ids.sort();
        Ok(ids)
    }

    async fn list(&self, filter: &Filter) -> Result<Page, PortError> {
        Ok(Page::cut(self.all()?.iter().map(Summary::of), filter))
    }
}

/// Notices as files in a folder, in the order in which they came; `render` makes the text.
#[derive(Debug)]
pub struct Outbox<R> {
    folder: PathBuf,
    next: AtomicUsize,
    render: R,
}

impl<R: Fn(Notice<'_>) -> String + Send + Sync> Outbox<R> {
    /// Puts notices into this folder, which is made if it is not there, behind those that are in it.
    pub fn open(folder: &Path, render: R) -> Result<Outbox<R>, SnapshotError> {
        let error = |error: io::Error| SnapshotError::io(folder, &error);
        fs::create_dir_all(folder).map_err(error)?;
        let there = fs::read_dir(folder).map_err(error)?.count();
        Ok(Outbox { folder: folder.to_owned(), next: AtomicUsize::new(there + 1), render })
    }
}

impl<R: Fn(Notice<'_>) -> String + Send + Sync> Publisher for Outbox<R> {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{number:04}-{}-{}.txt", notice.phase, notice.finding().id));
        let text = (self.render)(notice);
        private(OpenOptions::new().write(true).create_new(true))
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| PortError::lasting(format!("{}: {error}", path.display())))
    }
}

/// The key in a file; a new one when there is none. Only its owner can read it.
pub fn local_key(path: &Path) -> Result<LocalKey, SnapshotError> {
    let invalid = |message: String| SnapshotError::whole(path, message);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; LocalKey::SHORTEST];
            getrandom::fill(&mut key).map_err(|error| invalid(format!("no random bytes for a key: {error}")))?;
            private(OpenOptions::new().write(true).create_new(true))
                .open(path)
                .and_then(|mut file| file.write_all(&key))
                .map_err(|error| invalid(format!("could not be written: {error}")))?;
            key.to_vec()
        }
        Err(error) => return Err(SnapshotError::io(path, &error)),
    };
    LocalKey::new("local", &bytes).map_err(|error| invalid(error.to_string()))
}

/// The machine's clock, in whole seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

//! What the use cases need from a world. Each port has an implementation in AWS, one over a folder, and one in memory.

use std::future::Future;

use jiff::Timestamp;
use serde_json::Value;
use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::{Finding, Target};
use sesame_diagnosis::world::World;
use sesame_remediation::receipt::{FileEdit, Receipt, Written};
use sesame_render::Phase;

use crate::list::{Filter, Page};
use crate::record::Record;

/// Something outside could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    /// What failed, in one line.
    pub message: String,
    /// Whether the same may work later.
    pub retry: bool,
}

impl PortError {
    /// An error that another attempt will meet again.
    pub fn lasting(message: impl Into<String>) -> PortError {
        PortError { message: message.into(), retry: false }
    }
    /// An error that may pass.
    pub fn passing(message: impl Into<String>) -> PortError {
        PortError { message: message.into(), retry: true }
    }
}

/// Reads the policies that bear on a refusal.
pub trait WorldSource {
    /// What is known of the accounts and the organization, fresh; what could not be read is a gap in it, not an error.
    fn world(&self, incident: &Incident) -> impl Future<Output = Result<World, PortError>> + Send;
}

/// Keeps findings.
pub trait FindingStore {
    /// The record of a finding.
    fn load(&self, finding: &str) -> impl Future<Output = Result<Option<Record>, PortError>> + Send;
    /// Writes a record, if the stored one still has `record.version` (0: none is stored yet), and counts the version up.
    fn save(&self, record: &mut Record) -> impl Future<Output = Result<(), SaveError>> + Send;
    /// Findings whose alert was stored and not sent, or whose application was cut off.
    fn unfinished(&self) -> impl Future<Output = Result<Vec<String>, PortError>> + Send;
    /// A page of the list of findings, those refused last first. What was written a moment ago may be missing.
    fn list(&self, filter: &Filter) -> impl Future<Output = Result<Page, PortError>> + Send;
}

/// Why a record was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// Somebody else wrote it since it was read: read again.
    #[error("the finding `{0}` was changed by somebody else at the same time")]
    Conflict(String),
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What is told to people.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// About what.
    pub phase: Phase,
    /// The record, with the finding and where it stands.
    pub record: &'a Record,
}

impl<'a> Notice<'a> {
    /// The finding.
    pub fn finding(&self) -> &'a Finding {
        &self.record.finding
    }
    /// What was done last.
    pub fn receipt(&self) -> Option<&'a Receipt> {
        self.record.receipt.as_ref()
    }
}

/// Tells people.
pub trait Publisher {
    /// Publishes a notice; it may come twice.
    fn publish(&self, notice: Notice<'_>) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// What writing a document left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The AWS request id.
    pub request_id: Option<String>,
    /// The edit of a snapshot's file.
    pub edit: Option<FileEdit>,
}

/// Writes policy documents.
pub trait PolicyWriter {
    /// The document as it stands now; `None` when there is none.
    fn read(&self, target: &Target) -> impl Future<Output = Result<Option<Value>, PortError>> + Send;
    /// Writes the whole document, or deletes it (`None`); what a target's kind does not allow is an error.
    fn write(&self, target: &Target, document: Option<&Value>)
    -> impl Future<Output = Result<Trace, PortError>> + Send;
    /// Puts back what a receipt says was written; what is back already is no error.
    fn put_back(&self, written: &Written) -> impl Future<Output = Result<(), PortError>> + Send;
    /// Waits until what was written may have come to be seen everywhere, for the `attempt`th time in a row (0: the first);
    /// `false`, and no wait, when it should have been by now. A world that is consistent has nothing to wait for.
    fn settle(&self, _attempt: u32) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }
}

/// Tells the time.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
}

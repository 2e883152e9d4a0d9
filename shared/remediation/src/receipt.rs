//! Receipts: what was written, and all that is needed to put it back. The JSON form is `docs/schema/receipt.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sesame_diagnosis::finding::{Operation, Target};

use crate::state::State;

/// The schema's name and version.
pub const SCHEMA: &str = "sesame.receipt/v1";

/// What an application did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The finding.
    pub finding: String,
    /// Its generation.
    pub generation: u32,
    /// When the last document was written.
    pub time: Timestamp,
    /// What became of it.
    pub state: State,
    /// Whether a remedy of the plan is left for somebody else to do.
    pub complete: bool,
    /// What was written, in order.
    pub written: Vec<Written>,
    /// What was not, and why.
    pub left: Vec<Left>,
    /// The same send, evaluated again with what was written.
    pub verification: Verification,
    /// One sentence: why the application failed, or what is still to be done.
    pub note: Option<String>,
}

/// One document that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The remedy.
    pub remedy: String,
    /// Where.
    pub target: Target,
    /// Written or taken off.
    pub operation: Operation,
    /// The document as it was; null when there was none.
    pub before: Option<Value>,
    /// The document as it is now; null when it is gone.
    pub after: Option<Value>,
    /// Digest of `before`.
    pub before_digest: Option<String>,
    /// Digest of `after`.
    pub after_digest: Option<String>,
    /// The AWS request id, where AWS gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// In the embedded world: the text that was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<FileEdit>,
}

/// An edit of a file, exact to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEdit {
    /// The file, relative to the snapshot folder, with `/`.
    pub file: String,
    /// `sha256:` of the file's bytes before.
    pub before_digest: String,
    /// `sha256:` of the file's bytes after.
    pub after_digest: String,
    /// What was replaced, in the order of the file.
    pub replacements: Vec<Replacement>,
}

/// A text that stands in another's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replacement {
    /// Where the text that is gone began, in bytes of the file as it was.
    pub offset: usize,
    /// The text that stood there.
    pub removed: String,
    /// The text that stands there now.
    pub inserted: String,
}

/// A remedy that was not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// The remedy.
    pub remedy: String,
    /// Why, one sentence.
    pub why: String,
}

/// What the same send evaluates to now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// True: allowed; false: still refused; null: that turns on something that is not known.
    pub allowed_after: Option<bool>,
    /// Every question that the send asks, with its decision.
    pub requests: Vec<Verified>,
}

/// One question and its decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// `Allowed`, `ImplicitDeny`, `ExplicitDeny` or `Undetermined`.
    pub decision: String,
}

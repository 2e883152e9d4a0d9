//! The embedded world: the ports over a snapshot folder.
//!
//! A snapshot is an account, or a whole organization, on disk: `accounts/<id>/iam.json` as the AWS CLI prints it,
//! `accounts/<id>/ses/<region>.json`, `accounts/<id>/history.json` and `organization.json`.

pub mod edit;
pub mod embedded;
mod error;
mod load;
mod located;
pub mod part;
mod write;

pub use error::SnapshotError;
pub use load::load;
pub use write::write;

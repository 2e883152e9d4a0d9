//! The embedded world: the ports over a snapshot folder.
//!
//! A snapshot is an account, or a whole organization, on disk: `accounts/<id>/iam.json` as the AWS CLI prints it,
//! `accounts/<id>/ses/<region>.json`, `accounts/<id>/history.json` and `organization.json`.

pub mod edit;
mod error;
mod load;
mod located;

pub use error::SnapshotError;
pub use load::load;

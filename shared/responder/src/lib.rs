//! The use cases over ports: diagnose, decide, apply, roll back, sweep; and what they leave to be looked at: list, grants, audit.
//!
//! Written once, they run against AWS, against a snapshot folder, and against memory. Nothing here names an SDK, a file or a
//! runtime.

pub mod again;
pub mod apply;
pub mod audit;
pub mod decide;
pub mod diagnose;
mod documents;
pub mod grants;
pub mod links;
pub mod list;
pub mod memory;
pub mod notify;
pub mod place;
pub mod ports;
pub mod record;
pub mod settings;
pub mod sweep;
pub mod walls;
pub mod web;

pub use settings::{Settings, Shared};

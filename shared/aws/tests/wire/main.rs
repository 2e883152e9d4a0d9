//! The AWS world on the wire: before a scripted AWS that answers by operation and remembers what was asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

#[path = "../../../responder/tests/contract/mod.rs"]
mod contract;
#[path = "../fake/mod.rs"]
mod fake;

mod collect;
mod members;
mod refusal;
mod store;
mod survey;
mod writer;

/// The account of the credentials that a test begins with.
const ACCOUNT: &str = "111122223333";

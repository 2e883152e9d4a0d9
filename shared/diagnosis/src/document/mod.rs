//! Policy documents as JSON trees: digests, patches, edits that keep everything else, and AWS's size rules.
//!
//! Everything works on the tree as it was read, never through a type that could drop a field. Pure functions; no document
//! is assumed to be a valid policy.

mod digest;
mod edit;
pub mod limits;
mod patch;
#[cfg(test)]
mod tests;
mod text;

pub use digest::digest;
pub use edit::{EditError, add_statement, append_value, remove_statement, replace_at, unused_sid};
pub use patch::{PatchError, apply_patch, diff, patch};
pub use text::{compact, pretty};
pub(crate) use text::{compact_shown, is_plain, push_escaped, quoted};

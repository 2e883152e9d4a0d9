//! The policy corpus.

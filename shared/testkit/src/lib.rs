//! Test support: reference evaluator, policy corpus and its coverage page.

pub mod corpus;
pub mod coverage;
pub mod reference;

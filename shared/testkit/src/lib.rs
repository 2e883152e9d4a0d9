//! Test support that knows nothing of the engine: reference evaluator, policy corpus and its coverage page, the
//! configuration of property tests.

pub mod corpus;
pub mod coverage;
pub mod laws;
pub mod reference;

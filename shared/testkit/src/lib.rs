//! Test support: reference evaluator, policy corpus and its coverage page, the engine behind one function.

pub mod corpus;
pub mod coverage;
pub mod engine;
pub mod reference;

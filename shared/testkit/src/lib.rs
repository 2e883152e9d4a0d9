//! Test support: reference evaluator, policy corpus and its coverage page, the engine behind one function, the
//! configuration of property tests, what fuzzing asks.

pub mod corpus;
pub mod coverage;
pub mod engine;
pub mod fuzz;
pub mod laws;
pub mod reference;

//! From a refused send to causes, hints and proven remedies.
//!
//! Pure: [`world::World`] and the denial in, [`finding::Finding`] out.

pub mod finding;
pub mod world;

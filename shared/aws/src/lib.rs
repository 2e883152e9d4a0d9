//! The AWS world.

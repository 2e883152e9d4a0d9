//! The use cases over ports.

pub mod ports;
pub mod record;

//! Test support: scenario loader, in-memory ports, reference evaluator.

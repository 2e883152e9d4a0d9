//! The embedded world: the ports over a snapshot folder.

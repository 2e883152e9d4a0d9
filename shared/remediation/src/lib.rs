//! States, decision records, the content guard.

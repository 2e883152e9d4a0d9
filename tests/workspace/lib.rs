//! Rules of the workspace that are held by tests.

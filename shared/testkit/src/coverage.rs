//! The coverage page.

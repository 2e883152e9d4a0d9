//! The request context when everything about it is known.

use std::collections::BTreeMap;

/// The value of a context key that is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Present {
    /// A single-valued key.
    One(String),
    /// A multi-valued key, also of one value or of none.
    Many(Vec<String>),
}

/// Present keys by their name in lower case; a key that is not here is absent.
pub(crate) type Context = BTreeMap<String, Present>;

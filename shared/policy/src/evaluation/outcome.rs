//! What a statement comes to: whether it matches, and what its allow would lift.

use std::ops::{BitAnd, BitOr};

use crate::decision::Truth;

/// The statement matches.
pub(crate) const MATCH: u8 = 0b0001;
/// Its allow, in a policy of the resource, stands in for the identity policy's.
pub(crate) const SKIP_IDENTITY: u8 = 0b0010;
/// Its allow is not limited by a permissions boundary.
pub(crate) const SKIP_BOUNDARY: u8 = 0b0100;
/// Its allow is not limited by a session policy.
pub(crate) const SKIP_SESSION: u8 = 0b1000;
/// All of these.
pub(crate) const ALL: u8 = 0b1111;
/// What an allow is that names a user: all but [`SKIP_SESSION`].
pub(crate) const BY_USER: u8 = 0b0111;
/// What an allow is that names a role, or the user behind a federated session: [`MATCH`] and [`SKIP_IDENTITY`].
pub(crate) const BY_ROLE: u8 = 0b0011;

/// Bits that hold in every completion of what is not known, and bits that hold in some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) must: u8,
    pub(crate) may: u8,
}

impl Outcome {
    pub(crate) const NEVER: Outcome = Outcome { must: 0, may: 0 };
    pub(crate) const ALWAYS: Outcome = Outcome { must: ALL, may: ALL };
    pub(crate) const UNKNOWN: Outcome = Outcome { must: 0, may: ALL };

    /// Exactly these bits.
    pub(crate) fn known(bits: u8) -> Outcome {
        Outcome { must: bits, may: bits }
    }
    /// Perhaps these bits.
    pub(crate) fn perhaps(bits: u8) -> Outcome {
        Outcome { must: 0, may: bits }
    }
    /// Only these bits of it.
    pub(crate) fn masked(self, bits: u8) -> Outcome {
        Outcome { must: self.must & bits, may: self.may & bits }
    }
    /// Whether the statement matches.
    pub(crate) fn truth(self) -> Truth {
        match (self.must & MATCH, self.may & MATCH) {
            (MATCH, _) => Truth::True,
            (_, 0) => Truth::False,
            _ => Truth::Unknown,
        }
    }
}

impl From<Truth> for Outcome {
    fn from(truth: Truth) -> Outcome {
        match truth {
            Truth::True => Outcome::ALWAYS,
            Truth::False => Outcome::NEVER,
            Truth::Unknown => Outcome::UNKNOWN,
        }
    }
}

impl BitAnd for Outcome {
    type Output = Outcome;
    fn bitand(self, other: Outcome) -> Outcome {
        Outcome { must: self.must & other.must, may: self.may & other.may }
    }
}

impl BitOr for Outcome {
    type Output = Outcome;
    fn bitor(self, other: Outcome) -> Outcome {
        Outcome { must: self.must | other.must, may: self.may | other.may }
    }
}

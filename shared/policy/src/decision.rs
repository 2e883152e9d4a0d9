//! Decisions, sets of possible decisions, and Kleene's three truth values.

use std::fmt;

/// What an evaluation, or one layer of it, comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decision {
    /// Everything that must allow does, and nothing denies.
    Allowed,
    /// An allow that is needed is missing.
    ImplicitDeny,
    /// A Deny statement matches.
    ExplicitDeny,
}

impl Decision {
    /// As it is written in answers and findings.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Allowed => "Allowed",
            Decision::ImplicitDeny => "ImplicitDeny",
            Decision::ExplicitDeny => "ExplicitDeny",
        }
    }
    /// All three, in the order in which they are listed.
    pub const ALL: [Decision; 3] = [Decision::Allowed, Decision::ImplicitDeny, Decision::ExplicitDeny];
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of decisions: those that some completion of what is not known gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Possible(u8);

impl Possible {
    /// No decision at all; only useful to build a set up.
    pub const NONE: Possible = Possible(0);

    /// The set of one decision.
    pub fn only(decision: Decision) -> Possible {
        Possible(1 << decision as u8)
    }
    /// The same set with one more decision.
    #[must_use]
    pub fn with(self, decision: Decision) -> Possible {
        Possible(self.0 | 1 << decision as u8)
    }
    /// The union of two sets.
    #[must_use]
    pub fn union(self, other: Possible) -> Possible {
        Possible(self.0 | other.0)
    }
    /// Whether some completion gives this decision.
    pub fn contains(self, decision: Decision) -> bool {
        self.0 & (1 << decision as u8) != 0
    }
    /// Whether every decision here is also in the other set.
    pub fn is_subset(self, other: Possible) -> bool {
        self.0 & !other.0 == 0
    }
    /// The decision, when every completion gives the same one. `None` is written `Undetermined`.
    pub fn determined(self) -> Option<Decision> {
        let mut all = self.iter();
        match (all.next(), all.next()) {
            (Some(decision), None) => Some(decision),
            _ => None,
        }
    }
    /// Every completion refuses, even where it is not known how.
    pub fn refused(self) -> bool {
        self.0 != 0 && !self.contains(Decision::Allowed)
    }
    /// The decisions in the order Allowed, ImplicitDeny, ExplicitDeny.
    pub fn iter(self) -> impl Iterator<Item = Decision> {
        Decision::ALL.into_iter().filter(move |decision| self.contains(*decision))
    }
}

impl FromIterator<Decision> for Possible {
    fn from_iter<I: IntoIterator<Item = Decision>>(decisions: I) -> Possible {
        decisions.into_iter().fold(Possible::NONE, Possible::with)
    }
}

impl fmt::Debug for Possible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Kleene's strong three-valued logic: `Unknown` is "some completions match, or we can't tell that none does".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// Holds in every completion.
    True,
    /// Holds in no completion.
    False,
    /// Turns on something that is not known.
    Unknown,
}

impl Truth {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }
    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::False, Truth::False) => Truth::False,
            _ => Truth::Unknown,
        }
    }
    /// `Some` when it is known.
    pub fn known(self) -> Option<bool> {
        match self {
            Truth::True => Some(true),
            Truth::False => Some(false),
            Truth::Unknown => None,
        }
    }
    /// Could hold in some completion.
    pub fn possible(self) -> bool {
        self != Truth::False
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_tells_what_it_holds() {
        use Decision::{Allowed, ExplicitDeny, ImplicitDeny};
        for (decisions, determined, refused) in [
            (&[][..], None, false),
            (&[Allowed], Some(Allowed), false),
            (&[ImplicitDeny], Some(ImplicitDeny), true),
            (&[ExplicitDeny], Some(ExplicitDeny), true),
            (&[ImplicitDeny, ExplicitDeny], None, true),
            (&[Allowed, ImplicitDeny], None, false),
            (&[Allowed, ImplicitDeny, ExplicitDeny], None, false),
        ] {
            let set: Possible = decisions.iter().copied().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), decisions);
            assert_eq!((set.determined(), set.refused()), (determined, refused), "{set:?}");
            assert!(Decision::ALL.iter().all(|decision| set.contains(*decision) == decisions.contains(decision)));
            assert!(set.is_subset(set) && Possible::NONE.is_subset(set));
            assert_eq!(set.is_subset(Possible::only(ImplicitDeny)), decisions.iter().all(|own| *own == ImplicitDeny));
            assert_eq!(set.union(Possible::only(Allowed)), set.with(Allowed));
        }
        assert_eq!(format!("{:?}", Possible::only(Allowed).with(ExplicitDeny)), "{Allowed, ExplicitDeny}");
        assert_eq!(Decision::ALL.map(|decision| decision.to_string()), ["Allowed", "ImplicitDeny", "ExplicitDeny"]);
    }

    #[test]
    fn truth_is_three_valued() {
        use Truth::{False, True, Unknown};
        for (one, other, and, or) in [
            (True, True, True, True),
            (True, False, False, True),
            (True, Unknown, Unknown, True),
            (False, False, False, False),
            (False, Unknown, False, Unknown),
            (Unknown, Unknown, Unknown, Unknown),
        ] {
            assert_eq!((one.and(other), other.and(one)), (and, and), "{one:?} {other:?}");
            assert_eq!((one.or(other), other.or(one)), (or, or), "{one:?} {other:?}");
            assert_eq!(!(one.and(other)), (!one).or(!other));
        }
        assert_eq!([True, False, Unknown].map(Truth::known), [Some(true), Some(false), None]);
        assert_eq!([True, False, Unknown].map(Truth::possible), [true, false, true]);
        assert_eq!([true, false].map(Truth::from), [True, False]);
    }
}

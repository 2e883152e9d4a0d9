//! Exact decisions when something is not known.
//!
//! Everything unknown is an *axis*: a condition key, the name of a role's session, the user who issued a federated session,
//! a policy that could not be read. Each axis gets a list of values that shows every combination of outcomes which that
//! unknown can lead to. The statements' unknown elements, the *atoms*, are evaluated for those values by the same code that
//! evaluates what is known, so every decision found is one that some completion gives. The decisions of all combinations of
//! values are then laid out side by side, which also shows on which axes they turn.

mod automaton;
mod collect;
mod conclude;
mod keys;
mod points;
mod space;

pub(super) use conclude::conclude;

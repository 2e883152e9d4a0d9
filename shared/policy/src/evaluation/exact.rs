//! Exact decisions when something is not known.
//!
//! Everything unknown is an *axis*: a condition key, the name of a role's session, the user who issued a federated session,
//! a policy that could not be read. Each axis gets a list of values that shows every combination of outcomes which that
//! unknown can lead to. The statements' unknown elements, the *atoms*, are evaluated for those values by the same code that
//! evaluates what is known, so every decision found is one that some completion gives. From the atoms come statements,
//! levels, layers and the decision as functions of all axes, kept as decision diagrams, which also show on which axes they
//! turn.

mod automaton;
mod collect;
mod conclude;
mod diagram;
mod functions;
mod keys;
mod points;
mod product;
mod space;

pub(super) use conclude::conclude;

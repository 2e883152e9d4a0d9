//! The AWS IAM policy language, evaluated under partial evidence.
//!
//! Pure: no clock, no file, no network. A [`Request`] may hold context keys whose value is not known, and a layer may hold
//! policies that could not be read; [`evaluate`] then returns every [`Decision`] that some completion of the unknowns gives.
//!
//! What is modelled and where each rule comes from: `docs/policy-coverage.md` in the repository.

pub mod arn;
pub mod case;
pub mod condition;
pub mod context;
pub mod decision;
pub mod document;
pub mod evaluation;
pub mod json;
pub mod layer;
pub mod pattern;
pub mod principal;
pub mod request;

pub use arn::Arn;
pub use context::{Context, ContextValue};
pub use decision::{Decision, Possible, Truth};
pub use document::{Effect, PolicyDocument, PolicyError, PolicyGrammar, Statement};
pub use evaluation::{Evaluation, StatementRef, StatementTrace, decide, evaluate};
pub use layer::{LayerKind, Policy, PolicySet};
pub use principal::Principal;
pub use request::Request;

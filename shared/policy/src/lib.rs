//! The AWS IAM policy language, evaluated under partial evidence.
//!
//! Pure: no clock, no file, no network. A [`Request`] may hold context keys whose value is not known, and a layer may hold
//! policies that could not be read; [`evaluate`] then returns every [`Decision`] that some completion of the unknowns gives.
//!
//! ```
//! use std::sync::Arc;
//!
//! use sesame_policy::{
//!     Arn, Context, ContextValue, Decision, Policy, PolicyDocument, PolicyGrammar, PolicySet, Principal, Request, Truth,
//!     evaluate,
//! };
//!
//! let document = PolicyDocument::parse_str(
//!     r#"{"Version": "2012-10-17", "Statement": [{
//!         "Effect": "Allow",
//!         "Action": "ses:Send*",
//!         "Resource": "arn:aws:ses:*:111122223333:identity/example.com",
//!         "Condition": {"StringLike": {"ses:FromAddress": "*@example.com"}}
//!     }]}"#,
//!     PolicyGrammar::Identity,
//! )?;
//! let policies = PolicySet { identity: vec![Policy::new("send", Arc::new(document))], ..PolicySet::default() };
//! let mut request = Request {
//!     principal: Principal::parse("arn:aws:iam::111122223333:user/mailer")?,
//!     action: "ses:SendEmail".to_owned(),
//!     resource: Arn::parse("arn:aws:ses:us-east-1:111122223333:identity/example.com")?,
//!     resource_account: None,
//!     context: Context::new().with("ses:FromAddress", ContextValue::One("news@example.org".to_owned())),
//! };
//!
//! let evaluation = evaluate(&policies, &request);
//! assert_eq!(evaluation.decision(), Some(Decision::ImplicitDeny));
//! // Why: the one statement fails in its one condition.
//! let statement = &evaluation.layers[0].statements[0];
//! assert_eq!((statement.action, statement.resource, statement.outcome), (Truth::True, Truth::True, Truth::False));
//! assert_eq!(statement.conditions[0].pointer, "/Statement/0/Condition/StringLike/ses:FromAddress");
//! assert_eq!(statement.conditions[0].expected, ["*@example.com"]);
//!
//! // Were the address not known, the answer would be every decision that some address gives, and name the key.
//! request.context.set("ses:FromAddress", ContextValue::Unknown("not recorded".to_owned()));
//! let evaluation = evaluate(&policies, &request);
//! assert_eq!(evaluation.decision(), None);
//! assert_eq!(evaluation.possible.iter().collect::<Vec<_>>(), [Decision::Allowed, Decision::ImplicitDeny]);
//! assert_eq!(evaluation.unknown_keys, ["ses:FromAddress"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
mod letters;
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

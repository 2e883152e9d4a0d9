//! The AWS world: the responder's ports over IAM, Organizations, SES, DynamoDB, SNS and SQS.
//!
//! The only crate that names `aws-sdk-*`. What a diagnosis cannot read becomes a gap with a reason, never a failure; what it
//! cannot write is an error that says whether another attempt may help.

mod caller;
mod clients;
mod collect;
mod controls;
mod dead_letters;
mod failure;
mod fresh;
mod kms;
mod members;
mod publisher;
mod queue;
mod role;
mod secret;
mod stack;
mod store;
pub mod survey;
mod writer;

pub use caller::{Caller, caller};
pub use clients::{Access, AccessError, Clients};
pub use collect::AwsWorld;
pub use controls::DynamoControls;
pub use dead_letters::DeadLetters;
pub use fresh::FreshWorld;
pub use kms::KmsKey;
pub use members::Members;
pub use publisher::SnsPublisher;
pub use queue::{Message, Queue};
pub use role::{Role, RoleRefused};
pub use secret::link_key;
pub use stack::{Answer, StackApi, stack_outputs};
pub use store::DynamoStore;
pub use writer::AwsPolicyWriter;

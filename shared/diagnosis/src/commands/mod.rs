//! A remedy as commands and fragments for the tools that people keep their policies with.
//!
//! The AWS CLI commands are for bash and do the whole change, or take it back. CloudFormation and Terraform describe what
//! is there, so theirs are fragments: a resource of its own for a new document, a piece to merge into the resource that
//! holds it for one that is replaced. They are `None` where the tool has no such resource, for a `detach` (nothing describes
//! an absence: delete the resource that attaches it), and for CloudFormation also where the document holds a text that it
//! would replace by something else and has no way to quote (`{{resolve:…}}`, a key `Ref` or `Fn::…`).
//!
//! Names, ARNs and documents come from events and policies and are untrusted.

mod aws_cli;
mod cloudformation;
mod names;
mod shell;
mod terraform;

use serde_json::Value;

use crate::finding::{Commands, Operation, Target};

/// What a target does not say, for the comments and names in commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Context<'a> {
    /// The finding's id.
    pub finding: &'a str,
    /// The name of the SCP whose ARN the target has.
    pub policy_name: Option<&'a str>,
}

/// The change of a remedy as AWS CLI, CloudFormation and Terraform, and the AWS CLI that takes it back.
pub fn commands(
    operation: Operation,
    target: &Target,
    before: Option<&Value>,
    after: Option<&Value>,
    context: &Context<'_>,
) -> Commands {
    let change = match (operation, before, after) {
        (Operation::Detach, before, _) => Change::Detach { before },
        (Operation::Put, None, Some(after)) => Change::New { after },
        (Operation::Put, Some(before), Some(after)) => Change::Replace { before, after },
        (Operation::Put, _, None) => Change::Nothing,
    };
    Commands {
        aws_cli: aws_cli::apply(change, target, context),
        cloud_formation: cloudformation::fragment(change, target, context),
        terraform: terraform::fragment(change, target, context),
        undo: aws_cli::undo(change, target, context),
    }
}

/// What is done, without the combinations that mean nothing.
#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    /// A document that was not there.
    New { after: &'a Value },
    /// Another document in its place.
    Replace { before: &'a Value, after: &'a Value },
    /// The policy taken from the principal or node.
    Detach { before: Option<&'a Value> },
    /// A `put` without a document.
    Nothing,
}

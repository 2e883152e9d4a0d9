//! What is asked: principal, action, resource and context.

use crate::arn::Arn;
use crate::context::Context;
use crate::principal::Principal;

/// One authorization question. An API call that touches several resources is several requests.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks.
    pub principal: Principal,
    /// `service:Action` as the caller spelled it; matched without regard to case.
    pub action: String,
    /// The ARN that is asked for.
    pub resource: Arn,
    /// Twelve digits: whose resource it is. Defaults to the ARN's account, else the principal's. What is AWS's own
    /// (`arn:aws:iam::aws:policy/…`) is in no account, and counts as the principal's.
    pub resource_account: Option<String>,
    /// The condition keys. What is not set is absent: nothing is derived from the other fields.
    pub context: Context,
}

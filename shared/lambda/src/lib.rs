//! What every function needs: the environment parsed once, the system's clock, the metrics line, errors as Lambda shows them.

mod clock;
mod environment;
mod fault;
mod links;
mod members;
mod metrics;
mod remediation;
mod stack;

pub use clock::SystemClock;
pub use environment::{
    Environment, EnvironmentError, Variables, apply_role_accounts, approvals_needed, dead_letters, parse_environment,
    read_environment,
};
pub use fault::Fault;
pub use links::{LinkEnvironment, links};
pub use members::{readable_accounts, writable_accounts};
pub use metrics::Metrics;
pub use remediation::Remediation;
pub use stack::Stack;

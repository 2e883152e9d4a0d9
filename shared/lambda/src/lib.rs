//! What every function needs: the environment parsed once, the system's clock, the metrics line, errors as Lambda shows them.

mod clock;
mod environment;
mod fault;
mod metrics;
mod remediation;

pub use clock::SystemClock;
pub use environment::{
    Environment, EnvironmentError, LinkEnvironment, Variables, approvals_needed, parse_environment, read_environment,
};
pub use fault::Fault;
pub use metrics::Metrics;
pub use remediation::Remediation;

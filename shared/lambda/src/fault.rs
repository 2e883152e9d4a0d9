//! Errors of a whole invocation, as Lambda shows and counts them.

use std::fmt;

use lambda_runtime::Diagnostic;
use sesame_responder::ports::PortError;

/// Why an invocation failed. The type is stable: alarms and log queries may name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// What came in cannot be read.
    Input(String),
    /// AWS could not be read or written.
    Aws(PortError),
}

impl Fault {
    /// The `errorType` of the invocation's answer.
    pub fn error_type(&self) -> &'static str {
        match self {
            Fault::Input(_) => "Sesame.Input",
            Fault::Aws(error) if error.retry => "Sesame.AwsPassing",
            Fault::Aws(_) => "Sesame.AwsLasting",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Input(message) => f.write_str(message),
            Fault::Aws(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Diagnostic {
        Diagnostic { error_type: fault.error_type().to_owned(), error_message: fault.to_string() }
    }
}

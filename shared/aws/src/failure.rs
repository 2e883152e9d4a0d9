//! What an AWS error means: a gap for whoever reads, an error that may pass or not for whoever writes.

use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_responder::ports::PortError;

/// An error of one AWS call, without its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// `AccessDenied`, `NoSuchEntity`, …; what kept an answer from coming when AWS gave none.
    pub code: String,
    /// AWS's own words, where it had some.
    pub message: Option<String>,
    /// As a gap has it.
    pub reason: GapReason,
}

impl Failure {
    pub(crate) fn of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Failure {
        let unanswered = |code: &str| Failure { code: code.to_owned(), message: None, reason: GapReason::Timeout };
        match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("an error without a code").to_owned();
                let message = context.err().message().map(str::to_owned);
                Failure { reason: reason(&code), code, message }
            }
            SdkError::TimeoutError(_) => unanswered("no answer in time"),
            SdkError::DispatchFailure(_) => unanswered("no connection"),
            SdkError::ResponseError(_) => unanswered("an answer that could not be read"),
            _ => unanswered("a request that could not be made"),
        }
    }

    /// Whether the thing that was asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.reason == GapReason::NotFound
    }

    /// The gap of a layer; `call` names the operation and its object, `what` says what is not known for it.
    pub(crate) fn gap(&self, layer: &str, call: &str, what: &str) -> Gap {
        Gap {
            layer: layer.to_owned(),
            source: call.to_owned(),
            reason: self.reason,
            summary: format!("{what} could not be read: `{call}` gave {}", self.code),
        }
    }

    /// The error of a port.
    pub(crate) fn port_error(&self, call: &str) -> PortError {
        let message = match &self.message {
            Some(message) => format!("{call} gave {}: {message}", self.code),
            None => format!("{call} gave {}", self.code),
        };
        match self.reason {
            GapReason::Throttled | GapReason::Timeout => PortError::passing(message),
            _ => PortError::lasting(message),
        }
    }
}

/// Services spell the same thing differently: `NoSuchEntity` (IAM), `NotFoundException` (SES), `TargetNotFoundException`
/// (Organizations), `Throttling`, `TooManyRequestsException`, …
fn reason(code: &str) -> GapReason {
    const REFUSED: [&str; 8] = [
        "AccessDenied",
        "UnauthorizedOperation",
        "AuthorizationError",
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "ExpiredToken",
        "SignatureDoesNotMatch",
        "InvalidSignature",
    ];
    if REFUSED.iter().any(|prefix| code.starts_with(prefix)) {
        GapReason::AccessDenied
    } else if code.starts_with("NoSuchEntity") || code.contains("NotFound") || code.contains("NonExistent") {
        GapReason::NotFound
    } else if code.contains("Throttl") || code.starts_with("TooManyRequests") || code.contains("LimitExceeded") {
        GapReason::Throttled
    } else {
        GapReason::Timeout
    }
}

//! What an AWS error means: a gap for whoever reads, an error that may pass or not for whoever writes.

use aws_sdk_iam::config::http::HttpResponse;
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
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refused,
    NotFound,
    Throttled,
    /// AWS did not answer, or could not at that moment.
    Unanswered,
    /// AWS took the request for wrong.
    Wrong,
}

impl Failure {
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
        match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("an error without a code").to_owned();
                let message = context.err().message().map(str::to_owned);
                Failure { kind: kind(&code, context.raw().status().as_u16()), code, message }
            }
            SdkError::TimeoutError(_) => Failure::unanswered("no answer in time"),
            SdkError::DispatchFailure(_) => Failure::unanswered("no connection"),
            SdkError::ResponseError(_) => Failure::unanswered("an answer that could not be read"),
            _ => Failure { kind: Kind::Wrong, ..Failure::unanswered("a request that could not be made") },
        }
    }

    /// No answer that could be used, in a word why.
    pub(crate) fn unanswered(why: &str) -> Failure {
        Failure { code: why.to_owned(), message: None, kind: Kind::Unanswered }
    }

    /// Whether the thing that was asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether AWS said no for lack of permission or of good credentials.
    pub(crate) fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }

    fn reason(&self) -> GapReason {
        match self.kind {
            Kind::Refused => GapReason::AccessDenied,
            Kind::Throttled => GapReason::Throttled,
            Kind::Unanswered => GapReason::Timeout,
            // What AWS takes no request for is not to be found; the summary has AWS's code.
            Kind::NotFound | Kind::Wrong => GapReason::NotFound,
        }
    }

    /// The gap of a layer; `call` names the operation and its object, `what` says what is not known for it.
    pub(crate) fn gap(&self, layer: &str, call: &str, what: &str) -> Gap {
        Gap {
            layer: layer.to_owned(),
            source: call.to_owned(),
            reason: self.reason(),
            summary: format!("{what} could not be read: `{call}` gave {}", self.code),
        }
    }

    /// The error of a port.
    pub(crate) fn port_error(&self, call: &str) -> PortError {
        let message = match &self.message {
            Some(message) => format!("{call} gave {}: {message}", self.code),
            None => format!("{call} gave {}", self.code),
        };
        match self.kind {
            Kind::Throttled | Kind::Unanswered => PortError::passing(message),
            Kind::Refused | Kind::NotFound | Kind::Wrong => PortError::lasting(message),
        }
    }
}

/// Services spell the same thing differently: `NoSuchEntity` (IAM), `NotFoundException` (SES), `TargetNotFoundException`
/// (Organizations), `Throttling`, `TooManyRequestsException`, …
fn kind(code: &str, status: u16) -> Kind {
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
        Kind::Refused
    } else if code.starts_with("NoSuchEntity") || code.contains("NotFound") || code.contains("NonExistent") {
        Kind::NotFound
    } else if code.contains("Throttl") || code.starts_with("TooManyRequests") || code.contains("LimitExceeded") {
        Kind::Throttled
    } else if status >= 500 {
        Kind::Unanswered
    } else {
        Kind::Wrong
    }
}

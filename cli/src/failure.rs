//! How a command ends when it cannot do what was asked: one line on standard error, and a status.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use sesame_diagnosis::InvalidDocument;
use sesame_render::escape::visible;
use sesame_snapshot::SnapshotError;

/// The exit statuses; 0 is a command that did what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The input could not be read, or what was asked was refused.
    Input = 1,
    /// Wrong usage.
    Usage = 2,
    /// The snapshot, or AWS, could not be read or written.
    Snapshot = 3,
}

/// Why a command stops.
#[derive(Debug)]
pub struct Failure {
    /// The status.
    pub status: Status,
    /// One line: the place, and what was expected.
    pub message: String,
}

impl Failure {
    /// The input could not be read, or what was asked was refused.
    pub fn input(message: impl fmt::Display) -> Failure {
        Failure { status: Status::Input, message: message.to_string() }
    }
    /// An input file that could not be read.
    pub fn unreadable(path: &Path, error: &io::Error) -> Failure {
        let found = match error.kind() {
            io::ErrorKind::NotFound => "expected a file, found none".to_owned(),
            io::ErrorKind::IsADirectory => "expected a file, found a folder".to_owned(),
            _ => format!("could not be read: {error}"),
        };
        Failure::input(format!("{}: {found}", name(path)))
    }
    /// Wrong usage.
    pub fn usage(message: impl fmt::Display) -> Failure {
        Failure { status: Status::Usage, message: message.to_string() }
    }
    /// The snapshot could not be read or written.
    pub fn snapshot(message: impl fmt::Display) -> Failure {
        Failure { status: Status::Snapshot, message: message.to_string() }
    }

    /// Says why on standard error.
    pub fn report(&self) -> ExitCode {
        report(&self.message);
        self.status.into()
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Failure {
        Failure::snapshot(error)
    }
}

impl From<InvalidDocument> for Failure {
    fn from(error: InvalidDocument) -> Failure {
        Failure::snapshot(error)
    }
}

/// An input's name in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// One line on standard error. Names and messages come from outside: what would end the line, or steer a terminal, is shown.
pub fn report(message: &str) {
    let message = visible(message);
    let style = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{style}error{style:#}: {message}");
}

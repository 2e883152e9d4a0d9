//! Standard output: buffered, and no complaint when whoever reads it has read enough.

use std::io::{self, Write};

use crate::failure::Failure;

/// Writes to standard output as a whole; a reader that went away is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::AutoStream::auto(io::stdout()).lock();
    finish(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes bytes as they came.
#[cfg(feature = "aws")]
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    finish(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Makes of a write error what the user should hear of it.
pub fn finish(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::input(format!("standard output: could not be written: {error}")))
        }
        _ => Ok(()),
    }
}

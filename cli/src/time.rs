//! The clock, the one place that reads it.

use jiff::Timestamp;

/// Now, or the time that the command line gave in its place.
pub fn now(given: Option<Timestamp>) -> Timestamp {
    // Whole seconds: times are shown, and bridges end at one.
    let now = given.unwrap_or_else(Timestamp::now);
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

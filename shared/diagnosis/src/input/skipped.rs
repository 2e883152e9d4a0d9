//! Counts of what does not count.

use std::fmt;

use crate::record::Skip;

/// How many records were no refused sends, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Successes.
    pub success: u64,
    /// Failures other than `AccessDenied*`.
    pub other_failure: u64,
    /// APIs of SES that send nothing.
    pub not_a_send: u64,
    /// Another service's.
    pub other_service: u64,
    /// Log lines that speak of no refusal.
    pub no_refusal: u64,
    /// Events of other kinds.
    pub not_a_record: u64,
}

impl Skipped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.reasons().iter().map(|(count, _)| count).sum()
    }

    /// Adds other counts.
    pub fn append(&mut self, other: &Skipped) {
        self.success += other.success;
        self.other_failure += other.other_failure;
        self.not_a_send += other.not_a_send;
        self.other_service += other.other_service;
        self.no_refusal += other.no_refusal;
        self.not_a_record += other.not_a_record;
    }

    pub(super) fn count(&mut self, skip: Skip) {
        let counter = match skip {
            Skip::Success => &mut self.success,
            Skip::OtherFailure => &mut self.other_failure,
            Skip::NotASend => &mut self.not_a_send,
            Skip::OtherService => &mut self.other_service,
            Skip::NoRefusal => &mut self.no_refusal,
            Skip::NotARecord => &mut self.not_a_record,
        };
        *counter += 1;
    }

    fn reasons(&self) -> [(u64, &'static str); 6] {
        [
            (self.success, "not refused"),
            (self.other_failure, "failed otherwise"),
            (self.not_a_send, "not a send"),
            (self.other_service, "of another service"),
            (self.no_refusal, "without a refusal"),
            (self.not_a_record, "not from CloudTrail"),
        ]
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.total() {
            0 => return f.write_str("skipped no records"),
            1 => f.write_str("skipped 1 record: ")?,
            total => write!(f, "skipped {total} records: ")?,
        }
        for (index, (count, reason)) in self.reasons().iter().filter(|(count, _)| *count > 0).enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{count} {reason}")?;
        }
        Ok(())
    }
}

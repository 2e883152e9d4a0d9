//! The links in alerts: where somebody may look at a finding, and decide.

use jiff::{SignedDuration, Timestamp};
use sesame_remediation::State;
use sesame_remediation::link::Link;
use sesame_remediation::mac::{Mac, MacError};

use crate::record::Record;

/// Makes the links of a stack.
#[derive(Debug, Clone)]
pub struct Links<K> {
    /// The stack.
    pub stack: String,
    /// The HTTP API's stage.
    pub stage: String,
    /// Where they lead: `https://…`, without a slash at its end.
    pub url: String,
    /// How long a link lasts from the message that brings it.
    pub life: SignedDuration,
    /// The key of links: never that of decisions.
    pub key: K,
}

impl<K: Mac> Links<K> {
    /// The link of a finding that waits for a decision; `None` when it waits for none.
    ///
    /// # Errors
    /// The key could not be used.
    pub async fn of(&self, record: &Record, now: Timestamp) -> Result<Option<String>, MacError> {
        if record.state != State::Open {
            return Ok(None);
        }
        let link = Link {
            stack: self.stack.clone(),
            stage: self.stage.clone(),
            finding: record.finding.id.clone(),
            generation: record.finding.generation,
            series: record.link_series,
            expires: now.checked_add(self.life).unwrap_or(now),
        };
        Ok(Some(format!("{}/t/{}", self.url, link.token(&self.key).await?)))
    }
}

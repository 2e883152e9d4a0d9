//! Decision records: who decided what about which documents, signed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sesame_diagnosis::finding::Remedy;

use crate::mac::{self, Mac, MacError, Payload};
use crate::receipt::Written;

const DOMAIN: &str = "sesame decision v1";

/// A decision about one generation of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The stack that it is for; a record of another stack is worth nothing here.
    pub stack: String,
    /// The finding.
    pub finding: String,
    /// Its generation.
    pub generation: u32,
    /// What was decided.
    pub verdict: Verdict,
    /// What was shown when it was decided, in order; empty unless something is to be applied.
    pub remedies: Vec<DecidedRemedy>,
    /// Digest of what it rests on beside those documents: see [`crate::scope`]; empty where nothing is written.
    #[serde(default)]
    pub scope: String,
    /// By whom.
    pub approver: Approver,
    /// When.
    pub time: Timestamp,
    /// The end of a mute.
    pub until: Option<Timestamp>,
    /// Why, in the approver's words: untrusted text.
    #[serde(default)]
    pub reason: Option<String>,
    /// From where.
    #[serde(default)]
    pub origin: Origin,
}

/// From where a decision came, as far as that is known. Untrusted text: an address behind a proxy, and whatever a client says
/// that it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The caller's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The caller's `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl Origin {
    /// The longest text that is kept, in characters.
    pub const LONGEST: usize = 256;

    /// An origin, each text cut to [`Origin::LONGEST`] characters.
    pub fn new(source_ip: Option<&str>, user_agent: Option<&str>) -> Origin {
        let cut = |text: &str| text.chars().take(Origin::LONGEST).collect();
        Origin { source_ip: source_ip.map(cut), user_agent: user_agent.map(cut) }
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.source_ip.is_none() && self.user_agent.is_none()
    }
}

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Apply the remedies.
    Approve,
    /// Leave it as it is.
    Reject,
    /// Be silent until a time.
    Mute,
    /// Put back what was applied.
    RollBack,
    /// The same for a grant that is no longer wanted, whenever it was given.
    Revoke,
}

impl Verdict {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Approve => "approve",
            Verdict::Reject => "reject",
            Verdict::Mute => "mute",
            Verdict::RollBack => "roll-back",
            Verdict::Revoke => "revoke",
        }
    }

    /// Whether it takes back what was applied.
    pub fn is_undo(self) -> bool {
        matches!(self, Verdict::RollBack | Verdict::Revoke)
    }
}

/// A remedy as it was shown: its documents by their digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecidedRemedy {
    /// `r1`, `r2`, …
    pub id: String,
    /// Digest of the document as it was; `None` when there was none.
    pub before_digest: Option<String>,
    /// Digest of the document as it is to be; `None` when it is to be gone.
    pub after_digest: Option<String>,
}

impl From<&Remedy> for DecidedRemedy {
    fn from(remedy: &Remedy) -> DecidedRemedy {
        DecidedRemedy {
            id: remedy.id.clone(),
            before_digest: remedy.before_digest.clone(),
            after_digest: remedy.after_digest.clone(),
        }
    }
}

impl From<&Written> for DecidedRemedy {
    fn from(written: &Written) -> DecidedRemedy {
        DecidedRemedy {
            id: written.remedy.clone(),
            before_digest: written.before_digest.clone(),
            after_digest: written.after_digest.clone(),
        }
    }
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approver {
    /// By which way.
    pub channel: Channel,
    /// An IAM ARN, a Slack `team/user`, a local user's name; `None` for the holder of a link, whoever that is.
    pub id: Option<String>,
}

/// The ways in which decisions come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The link in the e-mail.
    Link,
    /// A button in Slack.
    Slack,
    /// The command line, signed with AWS credentials.
    Cli,
    /// The embedded world: a terminal or a page on this machine.
    Local,
}

impl Channel {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Link => "link",
            Channel::Slack => "slack",
            Channel::Cli => "cli",
            Channel::Local => "local",
        }
    }
}

/// A decision with its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedDecision {
    /// The decision.
    pub decision: Decision,
    /// Which key.
    pub key_id: String,
    /// The code, base64url.
    pub mac: String,
}

/// Why a stored decision is not acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// Somebody wrote to the table who does not hold the key, or the record was altered.
    #[error(
        "the decision's code is not that of the decision; nothing is applied. Find out who wrote to the findings table, then decide again"
    )]
    Forged,
    /// It is a decision about something else.
    #[error(
        "the decision is about {found}, expected {expected}; nothing is applied. Decide again about what stands now"
    )]
    Elsewhere {
        /// What it is about.
        found: String,
        /// What it should be about.
        expected: String,
    },
    /// Two must approve.
    #[error("two different people must approve the same, and one did; nothing is applied")]
    Alone,
    /// The key could not be used; try again.
    #[error(transparent)]
    Key(#[from] MacError),
}

impl Decision {
    fn payload(&self) -> Payload {
        let start = Payload::new(DOMAIN)
            .text(&self.stack)
            .text(&self.finding)
            .number(self.generation.into())
            .text(self.verdict.as_str())
            .number(self.remedies.len() as u64);
        let remedies = self.remedies.iter().fold(start, |payload, remedy| {
            payload.text(&remedy.id).optional(remedy.before_digest.as_deref()).optional(remedy.after_digest.as_deref())
        });
        remedies
            .text(&self.scope)
            .text(self.approver.channel.as_str())
            .optional(self.approver.id.as_deref())
            .text(&self.time.to_string())
            .optional(self.until.map(|until| until.to_string()).as_deref())
            .optional(self.reason.as_deref())
            .optional(self.origin.source_ip.as_deref())
            .optional(self.origin.user_agent.as_deref())
    }

    /// Signs the decision.
    pub async fn sign(self, key: &impl Mac) -> Result<SignedDecision, MacError> {
        let code = key.sign(&self.payload().message()).await?;
        Ok(SignedDecision { decision: self, key_id: key.key_id().to_owned(), mac: mac::encode(&code) })
    }
}

impl SignedDecision {
    /// The decision, if it was signed with this key and is about this stack, finding and generation.
    pub async fn verify(
        &self,
        key: &impl Mac,
        stack: &str,
        finding: &str,
        generation: u32,
    ) -> Result<&Decision, DecisionError> {
        let decision = &self.decision;
        let code = mac::decode(&self.mac).ok_or(DecisionError::Forged)?;
        if self.key_id != key.key_id() || !key.verify(&decision.payload().message(), &code).await? {
            return Err(DecisionError::Forged);
        }
        let about =
            |stack: &str, finding: &str, generation: u32| format!("`{stack}` {finding} generation {generation}");
        let found = about(&decision.stack, &decision.finding, decision.generation);
        let expected = about(stack, finding, generation);
        if found != expected {
            return Err(DecisionError::Elsewhere { found, expected });
        }
        Ok(decision)
    }
}

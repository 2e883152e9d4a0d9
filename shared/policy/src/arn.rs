//! Amazon Resource Names.

use std::fmt;

/// An ARN: `arn:partition:service:region:account:resource`. The resource part takes the rest, colons included.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    text: String,
    /// Byte offsets just after the first five colons.
    starts: [usize; 5],
}

/// Why a text is no ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an ARN of six parts (`arn:partition:service:region:account:resource`), found `{0}`")]
pub struct ArnError(pub String);

impl Arn {
    /// Parses the six parts; they may be empty, and wildcards are not looked at.
    pub fn parse(text: &str) -> Result<Arn, ArnError> {
        let mut starts = [0; 5];
        let mut colons = text.bytes().enumerate().filter(|(_, byte)| *byte == b':').map(|(at, _)| at);
        for start in &mut starts {
            *start = colons.next().ok_or_else(|| ArnError(text.to_owned()))? + 1;
        }
        if !text.starts_with("arn:") {
            return Err(ArnError(text.to_owned()));
        }
        Ok(Arn { text: text.to_owned(), starts })
    }
    /// `*`: what a call is authorized on that has no resource of its own. All its parts are empty but the last.
    pub fn any() -> Arn {
        Arn { text: "*".to_owned(), starts: [0; 5] }
    }
    fn part(&self, index: usize) -> &str {
        let start = self.starts.get(index).copied().unwrap_or_default();
        let end = self.starts.get(index + 1).map_or(self.text.len(), |next| next.saturating_sub(1));
        self.text.get(start..end).unwrap_or_default()
    }
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub fn partition(&self) -> &str {
        self.part(0)
    }
    /// `ses`, `iam`, …
    pub fn service(&self) -> &str {
        self.part(1)
    }
    /// The Region; empty for global services.
    pub fn region(&self) -> &str {
        self.part(2)
    }
    /// Twelve digits; empty where the ARN names no account.
    pub fn account(&self) -> &str {
        self.part(3)
    }
    /// The rest, such as `identity/example.com`.
    pub fn resource(&self) -> &str {
        self.part(4)
    }
    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

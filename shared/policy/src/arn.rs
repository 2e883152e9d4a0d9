//! Amazon Resource Names.

use std::fmt;

/// A text cut at its first five colons, when it begins with `arn:` and has that many.
pub(crate) fn split(text: &str) -> Option<[&str; 6]> {
    let rest = text.strip_prefix("arn:")?;
    let mut pieces = rest.splitn(5, ':');
    let parts = ["arn", pieces.next()?, pieces.next()?, pieces.next()?, pieces.next()?, pieces.next()?];
    Some(parts)
}

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
    fn part(&self, index: usize) -> &str {
        let start = self.starts.get(index).copied().unwrap_or_default();
        let end = self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        self.text.get(start..end).unwrap_or_default()
    }
    /// The six parts, `arn` first.
    pub(crate) fn parts(&self) -> [&str; 6] {
        ["arn", self.partition(), self.service(), self.region(), self.account(), self.resource()]
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

impl std::str::FromStr for Arn {
    type Err = ArnError;
    fn from_str(text: &str) -> Result<Arn, ArnError> {
        Arn::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_takes_the_rest() {
        let arn = Arn::parse("arn:aws:logs:us-east-1:111122223333:log-group:/app:*").unwrap();
        assert_eq!(arn.parts(), ["arn", "aws", "logs", "us-east-1", "111122223333", "log-group:/app:*"]);
        assert_eq!(split(arn.as_str()), Some(arn.parts()));
        assert_eq!(Arn::parse("arn:aws:s3:::assets/a").unwrap().account(), "");
    }

    #[test]
    fn too_few_parts_are_refused() {
        for text in ["", "*", "arn:aws:ses:us-east-1:111122223333", "urn:aws:ses:us-east-1:1:identity/x"] {
            assert!(Arn::parse(text).is_err(), "{text}");
            assert_eq!(split(text), None, "{text}");
        }
    }
}

//! Link tokens: the bearer of one may see a finding, and decide about it where the stack lets links decide.

use jiff::Timestamp;

use crate::mac::{self, Mac, MacError, Payload};

const DOMAIN: &str = "sesame link v1";
const FORM_DOMAIN: &str = "sesame form v1";

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The stack.
    pub stack: String,
    /// The HTTP API's stage.
    pub stage: String,
    /// The finding.
    pub finding: String,
    /// Its generation.
    pub generation: u32,
    /// The count of times that this generation's links were made void (a new source of refusals does).
    pub series: u32,
    /// When it ends.
    pub expires: Timestamp,
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No token of this stack and stage.
    #[error("the link is not one of this stack, or was cut short; copy it whole from the latest message")]
    Invalid,
    /// It was good once.
    #[error("the link expired at {0}; the next message brings a new one, and `sesame show` needs none")]
    Expired(Timestamp),
    /// The key could not be used; try again.
    #[error(transparent)]
    Key(#[from] MacError),
}

impl Link {
    fn payload(&self) -> Payload {
        Payload::new(DOMAIN)
            .text(&self.stack)
            .text(&self.stage)
            .text(&self.finding)
            .number(self.generation.into())
            .number(self.series.into())
            .text(&self.expires.as_second().to_string())
    }

    /// The token: finding, generation, series and expiry in the clear, stack and stage only under the code. Safe in a URL.
    pub async fn token(&self, key: &impl Mac) -> Result<String, MacError> {
        let code = key.sign(&self.payload().message()).await?;
        let expires = self.expires.as_second();
        Ok(format!("{}.{}.{}.{expires}.{}", self.finding, self.generation, self.series, mac::encode(&code)))
    }

    /// Reads a token that came to this stack and stage. Nothing in it is believed before its code is checked. A link whose time
    /// is over reads as well: it may still show how things stand.
    pub async fn verify(token: &str, key: &impl Mac, stack: &str, stage: &str) -> Result<Link, LinkError> {
        let (link, code) = parse(token, stack, stage).ok_or(LinkError::Invalid)?;
        match key.verify(&link.payload().message(), &code).await? {
            true => Ok(link),
            false => Err(LinkError::Invalid),
        }
    }

    /// Reads a token that came to this stack and stage, and is not over.
    pub async fn read(
        token: &str,
        key: &impl Mac,
        stack: &str,
        stage: &str,
        now: Timestamp,
    ) -> Result<Link, LinkError> {
        let link = Link::verify(token, key, stack, stage).await?;
        if link.expires <= now {
            return Err(LinkError::Expired(link.expires));
        }
        Ok(link)
    }
}

/// The code that a form carries: it shows that the form came with a page that this link opened.
pub async fn form_code(token: &str, purpose: &str, key: &impl Mac) -> Result<String, MacError> {
    Ok(mac::encode(&key.sign(&form_message(token, purpose)).await?))
}

/// Whether a code is that of a form of this link and purpose; in constant time.
pub async fn is_form_code(code: &str, token: &str, purpose: &str, key: &impl Mac) -> Result<bool, MacError> {
    match mac::decode(code) {
        Some(code) => key.verify(&form_message(token, purpose), &code).await,
        None => Ok(false),
    }
}

fn form_message(token: &str, purpose: &str) -> Vec<u8> {
    Payload::new(FORM_DOMAIN).text(token).text(purpose).message()
}

fn parse(token: &str, stack: &str, stage: &str) -> Option<(Link, Vec<u8>)> {
    let mut parts = token.split('.');
    let mut part = || parts.next();
    let (finding, generation, series, expires, code) = (part()?, part()?, part()?, part()?, part()?);
    if parts.next().is_some() {
        return None;
    }
    let link = Link {
        stack: stack.to_owned(),
        stage: stage.to_owned(),
        finding: finding.to_owned(),
        generation: generation.parse().ok()?,
        series: series.parse().ok()?,
        expires: Timestamp::from_second(expires.parse().ok()?).ok()?,
    };
    Some((link, mac::decode(code)?))
}

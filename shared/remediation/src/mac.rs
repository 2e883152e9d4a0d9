//! Message authentication codes: what makes a decision record or a link more than a row in a table or a text in a mail.

use std::fmt;
use std::future::Future;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Digest, Sha256};

/// Signs and verifies; the key stays where it is.
///
/// One implementation holds one key for one purpose. Messages are short (at most 128 bytes): see [`Payload::message`].
pub trait Mac {
    /// Which key, for the record.
    fn key_id(&self) -> &str;
    /// The code of a message.
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<Vec<u8>, MacError>> + Send;
    /// Whether the code is that of the message; in constant time.
    fn verify(&self, message: &[u8], mac: &[u8]) -> impl Future<Output = Result<bool, MacError>> + Send;
}

/// The key could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signing key could not be used: {0}")]
pub struct MacError(pub String);

/// An HMAC-SHA256 key in memory.
#[derive(Clone)]
pub struct LocalKey {
    id: String,
    key: Vec<u8>,
}

impl LocalKey {
    /// The shortest key that is taken, in bytes: the length of the hash.
    pub const SHORTEST: usize = 32;

    /// A key of at least [`Self::SHORTEST`] bytes.
    pub fn new(id: impl Into<String>, key: &[u8]) -> Result<LocalKey, MacError> {
        if key.len() < LocalKey::SHORTEST {
            return Err(MacError(format!("expected at least {} bytes, found {}", LocalKey::SHORTEST, key.len())));
        }
        Ok(LocalKey { id: id.into(), key: key.to_owned() })
    }

    fn hmac(&self, message: &[u8]) -> Result<Hmac<Sha256>, MacError> {
        let mut hmac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|error| MacError(error.to_string()))?;
        hmac.update(message);
        Ok(hmac)
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Mac for LocalKey {
    fn key_id(&self) -> &str {
        &self.id
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, MacError> {
        Ok(self.hmac(message)?.finalize().into_bytes().to_vec())
    }

    async fn verify(&self, message: &[u8], mac: &[u8]) -> Result<bool, MacError> {
        Ok(self.hmac(message)?.verify_slice(mac).is_ok())
    }
}

/// What is signed: a domain, and fields each with its length before it, so that no two records have the same bytes.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    domain: &'static str,
    bytes: Vec<u8>,
}

impl Payload {
    pub(crate) fn new(domain: &'static str) -> Payload {
        Payload { domain, bytes: Vec::new() }
    }

    pub(crate) fn text(mut self, text: &str) -> Payload {
        self.bytes.extend((text.len() as u64).to_be_bytes());
        self.bytes.extend(text.as_bytes());
        self
    }

    pub(crate) fn number(mut self, number: u64) -> Payload {
        self.bytes.extend(number.to_be_bytes());
        self
    }

    pub(crate) fn optional(self, text: Option<&str>) -> Payload {
        match text {
            Some(text) => self.number(1).text(text),
            None => self.number(0),
        }
    }

    /// The bytes that go to the key: the domain, a zero byte, the SHA-256 of the fields. KMS takes at most 4,096 bytes.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut message = self.domain.as_bytes().to_vec();
        message.push(0);
        message.extend(Sha256::digest(&self.bytes));
        message
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

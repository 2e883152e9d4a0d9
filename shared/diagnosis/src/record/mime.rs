//! The header section of a raw message, as far as SES reads it.

use crate::address::LENIENT_BASE64;
use base64::Engine;

/// The headers of a message, in their order, unfolded.
#[derive(Debug)]
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Reads the message in a raw send's `data`: base64, or the message itself. `None` when it is neither.
    pub(super) fn read(data: &str) -> Option<Headers> {
        let compact: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let decoded = LENIENT_BASE64.decode(&compact).ok();
        let message = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let headers = Headers::parse(message.as_deref().unwrap_or(data));
        (headers.first("from").is_some()).then_some(headers)
    }

    fn parse(message: &str) -> Headers {
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in message.lines() {
            if line.is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            } else {
                break;
            }
        }
        Headers(headers)
    }

    /// The first header of a name; SES reads the first where there are several.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every header of a name that is not empty.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

//! Encodings around the text: gzip, byte order marks, base64.

use std::borrow::Cow;
use std::io::Read;

use base64::Engine;
use flate2::read::MultiGzDecoder;

use super::EXPECTED;
use crate::address::LENIENT_BASE64;

/// No log file is as long; a bomb is longer.
const LONGEST: u64 = 256 * 1024 * 1024;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The text in `bytes`, unpacked and trimmed; not yet known to be UTF-8.
pub(super) fn plain_text(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let text = if bytes.starts_with(&GZIP) { Cow::Owned(gunzip(bytes, LONGEST)?) } else { Cow::Borrowed(bytes) };
    let text = match text {
        Cow::Borrowed(text) => without_mark(text),
        Cow::Owned(text) => match without_mark(&text) {
            Cow::Borrowed(shorter) if shorter.len() == text.len() => Cow::Owned(text),
            other => Cow::Owned(other.into_owned()),
        },
    };
    if text.trim_ascii().is_empty() {
        return Err(format!("the input is empty: expected {EXPECTED}"));
    }
    Ok(text)
}

/// Takes off a byte order mark; UTF-16 is what some shells write files in.
fn without_mark(text: &[u8]) -> Cow<'_, [u8]> {
    match text {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf_16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf_16(rest, u16::from_be_bytes)),
        _ => Cow::Borrowed(text),
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into_bytes()
}

/// Unpacks at most `longest` bytes.
fn gunzip(bytes: &[u8], longest: u64) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(longest.saturating_add(1)).read_to_end(&mut unpacked);
    match read {
        Ok(length) if u64::try_from(length).unwrap_or(u64::MAX) > longest => {
            Err(format!("the gzip data unpacks to more than {} MiB", longest / (1024 * 1024)))
        }
        Ok(_) => Ok(unpacked),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err("the gzip data is truncated: expected more after its last byte".to_owned())
        }
        Err(error) => Err(format!("the gzip data is damaged: {error}")),
    }
}

/// The payload of a CloudWatch Logs subscription: base64 of gzip of JSON.
pub(super) fn subscription(data: &str) -> Result<String, String> {
    let compact: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let packed = LENIENT_BASE64.decode(compact).map_err(|_| "expected base64".to_owned())?;
    if !packed.starts_with(&GZIP) {
        return Err("expected base64 of gzip data".to_owned());
    }
    String::from_utf8(gunzip(&packed, LONGEST)?).map_err(|_| "expected gzip of UTF-8 text".to_owned())
}

/// Whether a text that is not JSON as a whole is made of lines that were to be JSON.
pub(super) fn looks_like_lines(text: &[u8]) -> bool {
    let lines = || text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let whole = |line: &[u8]| line.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    let count = lines().count();
    if count < 2 {
        return false;
    }
    let closed = lines().filter(|line| line.starts_with(b"{") && line.ends_with(b"}")).count();
    closed * 2 >= count || lines().next().is_some_and(whole) || lines().next_back().is_some_and(whole)
}

/// What to say of a text that is not JSON.
pub(super) fn not_json(text: &[u8], error: &serde_json::Error) -> String {
    let start = text.trim_ascii_start();
    if !start.starts_with(b"{") && !start.starts_with(b"[") {
        let found = String::from_utf8_lossy(start.get(..100).unwrap_or(start));
        return format!("expected JSON, found `{}`", beginning(&found));
    }
    if error.is_eof() {
        return "expected JSON, found text that ends early".to_owned();
    }
    let position = format!(" at line {} column {}", error.line(), error.column());
    let what = error.to_string();
    let what = what.strip_suffix(&position).unwrap_or(&what);
    format!("expected JSON: {what} at column {}", error.column())
}

/// As much of a text as a message has room for.
pub(super) fn beginning(text: &str) -> String {
    const SHOWN: usize = 24;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(SHOWN).and_then(|(end, _)| line.get(..end)) {
        Some(start) => format!("{start}…"),
        None => line.to_owned(),
    }
}

/// What kind of JSON value a text is, for messages.
pub(super) fn kind(json: &str) -> &'static str {
    match json.trim_start().chars().next() {
        Some('{') => "an object",
        Some('[') => "an array",
        Some('"') => "a string",
        Some('t' | 'f') => "a boolean",
        Some('n') => "null",
        Some('-' | '0'..='9') => "a number",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn unpacking_stops_at_the_limit() {
        let packed = gzip(&[b' '; 5000]);
        assert_eq!(gunzip(&packed, 5000).unwrap().len(), 5000);
        let error = gunzip(&packed, 4999).unwrap_err();
        assert!(error.starts_with("the gzip data unpacks to more than"), "{error}");
    }

    #[test]
    fn members_one_after_the_other_are_one_text() {
        let packed = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(gunzip(&packed, 100).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn a_truncated_document_is_not_taken_for_lines() {
        assert!(!looks_like_lines(b"{\n  \"Records\": [\n    {\n      \"eventName\": \"Se"));
        assert!(!looks_like_lines(b"{\"Records\":[{\"a\":1},"));
        assert!(looks_like_lines(b"{\"a\":1}\nnot json\n{\"a\":"));
        assert!(looks_like_lines(b"not json\n{\"a\":1}"));
        assert!(looks_like_lines(b"{\"a\" 1}\n{\"a\":1 2}"));
    }
}

//! Documents as text: compact as AWS counts them, indented as people read them.

use std::fmt::Write;

use serde_json::Value;

/// The document without white space between its parts, in its own order.
pub fn compact(document: &Value) -> String {
    document.to_string()
}

/// [`compact`], with the escapes of [`pretty`].
pub(crate) fn compact_shown(document: &Value) -> String {
    let mut text = String::new();
    // Outside of strings there is nothing that does not show as itself, and what JSON must escape is escaped already.
    for character in compact(document).chars() {
        if is_plain(character) { text.push(character) } else { push_unicode_escape(&mut text, character) }
    }
    text
}

/// The document indented by two spaces, in its own order.
///
/// Characters that a terminal or a page may not show as they are (controls, text direction marks, anything beyond Latin-1)
/// are written as `\u` escapes, so that what is read is what is there. The text parses to the same document.
pub fn pretty(document: &Value) -> String {
    let mut text = String::new();
    write_pretty(&mut text, document, 0);
    text
}

fn write_pretty(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                new_line(text, index > 0, depth + 1);
                write_pretty(text, item, depth + 1);
            }
            new_line(text, false, depth);
            text.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            text.push('{');
            for (index, (key, field)) in fields.iter().enumerate() {
                new_line(text, index > 0, depth + 1);
                text.push_str(&quoted(key));
                text.push_str(": ");
                write_pretty(text, field, depth + 1);
            }
            new_line(text, false, depth);
            text.push('}');
        }
        Value::String(string) => text.push_str(&quoted(string)),
        other => text.push_str(&other.to_string()),
    }
}

fn new_line(text: &mut String, comma: bool, depth: usize) {
    text.push_str(if comma { ",\n" } else { "\n" });
    text.extend(std::iter::repeat_n("  ", depth));
}

/// Whether a character shows as itself wherever text goes: printable ASCII and Latin-1, which is also all that IAM takes.
pub(crate) fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{a1}'..='\u{ff}') && character != '\u{ad}'
}

/// A JSON string literal in which every character that [`is_plain`] refuses is escaped.
pub(crate) fn quoted(string: &str) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    text.push('"');
    for character in string.chars() {
        if is_plain(character) && !matches!(character, '"' | '\\') {
            text.push(character);
        } else if u32::from(character) > 0xffff {
            push_unicode_escape(&mut text, character);
        } else {
            push_escaped(&mut text, character);
        }
    }
    text.push('"');
    text
}

/// A character as JSON's `\u` escapes, two of them beyond U+FFFF.
fn push_unicode_escape(text: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
}

/// A character as an escape that JSON, YAML and HCL read alike; beyond U+FFFF only the latter two, with eight digits.
pub(crate) fn push_escaped(text: &mut String, character: char) {
    match character {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        other => {
            let code = u32::from(other);
            let _ = if code <= 0xffff { write!(text, "\\u{code:04x}") } else { write!(text, "\\U{code:08x}") };
        }
    }
}

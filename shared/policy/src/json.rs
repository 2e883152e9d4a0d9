//! JSON trees that lose nothing: duplicate keys are errors, numbers keep their text, object order is kept.

mod parser;

use std::fmt::{self, Write as _};

use serde::ser::{Serialize, SerializeMap, Serializer};

/// How deep lists and objects may stand in each other.
pub const MAXIMUM_DEPTH: usize = 64;

/// A JSON value. Objects keep their order; numbers keep the text they were written with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object, in its order, without duplicate keys.
    Object(Vec<(String, Json)>),
}

/// Why a text is not JSON that we take: a syntax error (with line and column) or a duplicate key (with its pointer).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct JsonError {
    /// `line 3 column 7`, or a JSON pointer.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// A text read as far as it could be: for callers who must name what they could not take.
pub(crate) struct Reading {
    /// The tree, or why there is none.
    pub(crate) result: Result<Json, JsonError>,
    /// The string under the top-level key `id`, when it was met before the reading ended.
    pub(crate) id: Option<String>,
}

impl Json {
    /// Parses a text. Stricter than most parsers: a duplicate key is an error, and so is nesting deeper than
    /// [`MAXIMUM_DEPTH`].
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        Json::read(text).result
    }
    /// Parses a text and keeps its top-level `id` even when the rest is refused.
    pub(crate) fn read(text: &str) -> Reading {
        parser::read(text)
    }
    /// The value under a key of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
    /// The value at a JSON pointer (RFC 6901); the empty pointer is the value itself.
    ///
    /// ```
    /// use sesame_policy::json::Json;
    ///
    /// let document = Json::parse(r#"{"Statement": [{"Effect": "Allow"}]}"#)?;
    /// let effect = document.pointer("/Statement/0/Effect").and_then(Json::as_str);
    /// assert_eq!(effect, Some("Allow"));
    /// # Ok::<(), sesame_policy::json::JsonError>(())
    /// ```
    pub fn pointer(&self, pointer: &str) -> Option<&Json> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| match value {
            Json::Object(_) => value.get(&token.replace("~1", "/").replace("~0", "~")),
            Json::Array(items) => {
                let canonical = token == "0" || !token.starts_with(['0', '+']);
                canonical.then(|| token.parse::<usize>().ok()).flatten().and_then(|index| items.get(index))
            }
            _ => None,
        })
    }
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }
    /// The same tree as a `serde_json` value. A number that no `serde_json` number can hold becomes a string.
    pub fn to_value(&self) -> serde_json::Value {
        match self {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => serde_json::Value::Bool(*value),
            Json::Number(text) => text
                .parse::<serde_json::Number>()
                .map_or_else(|_| serde_json::Value::String(text.clone()), serde_json::Value::Number),
            Json::String(text) => serde_json::Value::String(text.clone()),
            Json::Array(items) => serde_json::Value::Array(items.iter().map(Json::to_value).collect()),
            Json::Object(fields) => {
                serde_json::Value::Object(fields.iter().map(|(name, value)| (name.clone(), value.to_value())).collect())
            }
        }
    }
    /// The tree of a `serde_json` value.
    pub fn from_value(value: &serde_json::Value) -> Json {
        match value {
            serde_json::Value::Null => Json::Null,
            serde_json::Value::Bool(value) => Json::Bool(*value),
            serde_json::Value::Number(number) => Json::Number(number.to_string()),
            serde_json::Value::String(text) => Json::String(text.clone()),
            serde_json::Value::Array(items) => Json::Array(items.iter().map(Json::from_value).collect()),
            serde_json::Value::Object(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.clone(), Json::from_value(value))).collect())
            }
        }
    }
    /// What stands here in a few words, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Json::Null => "null".to_owned(),
            Json::Bool(value) => format!("`{value}`"),
            Json::Number(text) => format!("the number `{}`", shortened(text)),
            Json::String(text) => quoted(text),
            Json::Array(items) if items.is_empty() => "an empty list".to_owned(),
            Json::Array(_) => "a list".to_owned(),
            Json::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
            Json::Object(_) => "an object".to_owned(),
        }
    }
}

/// A text of any length, cut for a message.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A text as it is told in messages.
pub(crate) fn quoted(text: &str) -> String {
    match text {
        "" => "an empty text".to_owned(),
        text => format!("`{}`", shortened(text)),
    }
}

/// A JSON pointer with one more token, escaped as RFC 6901 wants it.
pub fn push_pointer(pointer: &str, token: &str) -> String {
    let mut longer = String::with_capacity(pointer.len() + token.len() + 1);
    longer.push_str(pointer);
    longer.push('/');
    for character in token.chars() {
        match character {
            '~' => longer.push_str("~0"),
            '/' => longer.push_str("~1"),
            other => longer.push(other),
        }
    }
    longer
}

/// A JSON pointer with one more list index.
pub fn push_index(pointer: &str, index: usize) -> String {
    format!("{pointer}/{index}")
}

/// A place in a tree, from the leaf to the root, as long as it is walked; a pointer only where one is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub(crate) fn field(&'a self, name: &'a str) -> Place<'a> {
        Place::Field(self, name)
    }
    pub(crate) fn item(&'a self, index: usize) -> Place<'a> {
        Place::Item(self, index)
    }
    /// The place as a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Field(parent, name) => push_pointer(&parent.pointer(), name),
            Place::Item(parent, index) => push_index(&parent.pointer(), *index),
        }
    }
}

/// Writes a string as JSON.
pub(crate) fn write_string(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            control if control < ' ' => write!(out, "\\u{:04x}", u32::from(control))?,
            other => out.write_char(other)?,
        }
    }
    out.write_char('"')
}

/// Compact JSON.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Number(text) => f.write_str(text),
            Json::String(text) => write_string(f, text),
            Json::Array(items) => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_char(',')?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_char(']')
            }
            Json::Object(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        f.write_char(',')?;
                    }
                    write_string(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

/// Numbers keep their text with the serializers of `serde_json`.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(text) => match serde_json::value::RawValue::from_string(text.clone()) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
            Json::String(text) => serializer.serialize_str(text),
            Json::Array(items) => serializer.collect_seq(items),
            Json::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text_and_objects_their_order() {
        let text = r#"{"b":1.50,"a":[1e400,-0,12345678901234567890123,1E+2,2e-7],"c":{"":null,"x/y":true}}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.to_string(), text);
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
        assert_eq!(json.pointer("/a/1"), Some(&Json::Number("-0".to_owned())));
        assert_eq!(json.pointer("/c/x~1y"), Some(&Json::Bool(true)));
        assert_eq!(json.pointer("/c/"), Some(&Json::Null));
        assert_eq!(json.pointer("/a/01"), None);
        assert_eq!(json.pointer("a"), None);
    }

    #[test]
    fn a_duplicate_key_is_named_by_its_pointer() {
        let error = Json::parse(r#"{"a":[{"x":1},{"k/~":1,"y":2,"k\u002f~":3}],"a":2}"#).unwrap_err();
        assert_eq!(error.place, "/a/1/k~1~0");
        assert_eq!(error.to_string(), "/a/1/k~1~0: duplicate key `k/~`");
    }

    #[test]
    fn a_duplicate_among_many_keys_is_found() {
        let mut text = String::from("{");
        for index in 0..5000 {
            text.push_str(&format!("\"k{index}\":{index},"));
        }
        text.push_str("\"k77\":0}");
        assert_eq!(Json::parse(&text).unwrap_err().place, "/k77");
    }

    #[test]
    fn syntax_errors_name_line_and_column() {
        for (text, place, message) in [
            ("", "line 1 column 1", "expected a value, found the end of the text"),
            ("{\n \"a\": }", "line 2 column 7", "expected a value, found `}`"),
            ("[1,]", "line 1 column 4", "expected a value, found `]`"),
            ("[1 2]", "line 1 column 4", "expected `,` or `]`, found `2`"),
            ("{\"a\" 1}", "line 1 column 6", "expected `:`, found `1`"),
            ("{a:1}", "line 1 column 2", "expected a key in quotes or `}`, found `a`"),
            ("01", "line 1 column 2", "expected the end of the text, found `1`"),
            ("1.", "line 1 column 3", "expected a digit, found the end of the text"),
            ("-x", "line 1 column 2", "expected a digit, found `x`"),
            ("tru", "line 1 column 1", "expected a value, found `t`"),
            ("\"a", "line 1 column 3", "expected `\"`, found the end of the text"),
            ("\"a\nb\"", "line 1 column 3", "expected an escaped control character, found U+000A"),
            ("\"\\x\"", "line 1 column 3", "expected an escape, found `x`"),
            ("\"\\ud800\"", "line 1 column 8", "expected the second half of a surrogate pair, found `\"`"),
            ("\"\\udc00\"", "line 1 column 8", "expected a character, found the second half of a surrogate pair"),
            ("{} {}", "line 1 column 4", "expected the end of the text, found `{`"),
        ] {
            let error = Json::parse(text).unwrap_err();
            assert_eq!((error.place.as_str(), error.message.as_str()), (place, message), "{text}");
        }
    }

    #[test]
    fn escapes_are_undone() {
        let json = Json::parse(r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#).unwrap();
        assert_eq!(json.as_str(), Some("\"\\/\u{8}\u{c}\n\r\té😀é"));
        assert_eq!(Json::parse(&json.to_string()).unwrap(), json);
        // Written short: only what needs an escape gets one.
        assert_eq!(Json::String("\u{1f} ~é".to_owned()).to_string(), "\"\\u001f ~é\"");
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let deep = "[".repeat(1_000_000);
        assert_eq!(Json::parse(&deep).unwrap_err().message, "lists and objects nested deeper than 64");
        let fits = format!("{}{}", "[".repeat(MAXIMUM_DEPTH), "]".repeat(MAXIMUM_DEPTH));
        assert!(Json::parse(&fits).is_ok());
    }

    #[test]
    fn values_of_serde_json_go_there_and_back() {
        let value = serde_json::json!({"a": [1, 2.5, null, "x", {"b": false}]});
        assert_eq!(Json::from_value(&value).to_value(), value);
        assert_eq!(Json::Number("1e999".to_owned()).to_value(), serde_json::json!("1e999"));
    }
}

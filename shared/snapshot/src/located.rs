//! JSON with the byte span of every value: for errors that name the place, and for edits that touch nothing else.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;
use sesame_diagnosis::world::RawDocument;
use sesame_policy::json::Json;

use crate::error::SnapshotError;

/// How deep a file may nest; `serde_json` draws the same line.
const DEEPEST: usize = 128;

/// A file's text and the tree over it.
#[derive(Debug)]
pub(crate) struct JsonFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) root: Node,
}

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

/// What a value is; scalars are read from the text when they are wanted.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar,
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// Where the key's opening quote stands.
    pub(crate) start: usize,
    pub(crate) node: Node,
}

impl JsonFile {
    /// Reads and parses a file.
    pub(crate) fn read(path: &Path) -> Result<JsonFile, SnapshotError> {
        let bytes = std::fs::read(path).map_err(|error| SnapshotError::io(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            SnapshotError::new(path, format!("byte {}", error.utf8_error().valid_up_to()), "expected UTF-8 text")
        })?;
        JsonFile::parse(path, text)
    }

    /// Parses a text that stands, or is to stand, in a file.
    pub(crate) fn parse(path: &Path, text: String) -> Result<JsonFile, SnapshotError> {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(&text) {
            let place = format!("line {} column {}", error.line(), error.column());
            let found = error.to_string();
            // serde_json puts the place at the end of its message; it is ours to put.
            let found = found.rsplit_once(" at line ").map_or(found.as_str(), |(message, _)| message);
            return Err(SnapshotError::new(path, place, format!("expected JSON: {found}")));
        }
        let mut walker = Walker { text: &text, at: 0 };
        let root =
            walker.value(0).map_err(|expected| SnapshotError::new(path, format!("byte {}", walker.at), expected))?;
        Ok(JsonFile { path: path.to_owned(), text, root })
    }

    /// The root value, to read from.
    pub(crate) fn root(&self) -> At<'_> {
        At { file: self, node: &self.root, pointer: String::new() }
    }

    /// The text of a span.
    pub(crate) fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }
}

/// Walks a text that is known to be JSON; what can still be wrong is said as what was expected.
struct Walker<'t> {
    text: &'t str,
    at: usize,
}

impl Walker<'_> {
    fn peek(&mut self) -> Result<u8, &'static str> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        bytes.get(self.at).copied().ok_or("expected JSON, found the end of the file")
    }

    fn value(&mut self, depth: usize) -> Result<Node, &'static str> {
        if depth > DEEPEST {
            return Err("expected at most 128 levels of JSON");
        }
        let first = self.peek()?;
        let start = self.at;
        let value = match first {
            b'{' => {
                self.at += 1;
                let mut members = Vec::new();
                while self.peek()? != b'}' {
                    let start = self.at;
                    self.string();
                    let key = serde_json::from_str(self.text.get(start..self.at).unwrap_or_default())
                        .map_err(|_| "expected a key of valid Unicode")?;
                    self.peek()?;
                    self.at += 1; // the colon
                    members.push(Member { key, start, node: self.value(depth + 1)? });
                    if self.peek()? == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
                Value::Object(members)
            }
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                while self.peek()? != b']' {
                    items.push(self.value(depth + 1)?);
                    if self.peek()? == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
                Value::Array(items)
            }
            b'"' => {
                self.string();
                Value::Scalar
            }
            _ => {
                let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
                let end =
                    rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'));
                self.at += end.unwrap_or(rest.len());
                Value::Scalar
            }
        };
        Ok(Node { span: start..self.at, value })
    }

    /// Steps over a string, from its opening quote to behind its closing one.
    fn string(&mut self) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            match bytes.get(self.at) {
                Some(b'\\') => self.at += 2,
                Some(b'"') | None => break,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
    }
}

/// A value in a file, with the pointer that leads to it.
#[derive(Debug, Clone)]
pub(crate) struct At<'f> {
    pub(crate) file: &'f JsonFile,
    pub(crate) node: &'f Node,
    pub(crate) pointer: String,
}

/// The fields of an object.
#[derive(Debug)]
pub(crate) struct Fields<'f> {
    at: At<'f>,
    members: &'f [Member],
}

impl<'f> At<'f> {
    fn text(&self) -> &'f str {
        self.file.slice(&self.node.span)
    }

    fn step(&self, key: &str, node: &'f Node) -> At<'f> {
        let key = key.replace('~', "~0").replace('/', "~1");
        At { file: self.file, node, pointer: format!("{}/{key}", self.pointer) }
    }

    /// An error at this place.
    pub(crate) fn error(&self, message: impl Into<String>) -> SnapshotError {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        SnapshotError::new(&self.file.path, place, message)
    }

    /// An error at this place that says what stands here.
    pub(crate) fn expected(&self, what: &str) -> SnapshotError {
        let found = match (&self.node.value, self.text().as_bytes().first()) {
            (Value::Array(_), _) => "a list",
            (Value::Object(_), _) => "an object",
            (_, Some(b'"')) => "a string",
            (_, Some(b't' | b'f')) => "a boolean",
            (_, Some(b'n')) => "null",
            _ => "a number",
        };
        self.error(format!("expected {what}, found {found}"))
    }

    pub(crate) fn is_null(&self) -> bool {
        self.text() == "null"
    }

    /// The fields; a key that stands twice is an error, since one of them would be ignored.
    pub(crate) fn object(&self) -> Result<Fields<'f>, SnapshotError> {
        let Value::Object(members) = &self.node.value else { return Err(self.expected("an object")) };
        let mut seen = HashSet::with_capacity(members.len());
        match members.iter().find(|member| !seen.insert(member.key.as_str())) {
            Some(twice) => Err(self.step(&twice.key, &twice.node).error("expected each key once, found it again")),
            None => Ok(Fields { at: self.clone(), members }),
        }
    }

    pub(crate) fn array(&self) -> Result<impl Iterator<Item = At<'f>> + use<'f>, SnapshotError> {
        let Value::Array(items) = &self.node.value else { return Err(self.expected("a list")) };
        let here = self.clone();
        Ok(items.iter().enumerate().map(move |(index, item)| here.step(&index.to_string(), item)))
    }

    pub(crate) fn string(&self) -> Result<String, SnapshotError> {
        if !self.text().starts_with('"') {
            return Err(self.expected("a string"));
        }
        serde_json::from_str(self.text()).map_err(|_| self.error("expected a string of valid Unicode"))
    }

    pub(crate) fn boolean(&self) -> Result<bool, SnapshotError> {
        match self.text() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A list, each item read in the same way.
    pub(crate) fn list<T>(&self, read: impl Fn(&At<'f>) -> Result<T, SnapshotError>) -> Result<Vec<T>, SnapshotError> {
        self.array()?.map(|item| read(&item)).collect()
    }

    /// A policy document: an object, or a string that holds one as JSON or URL-encoded JSON. What is wrong inside stays
    /// inside, until the document bears on a request.
    pub(crate) fn document(&self) -> Result<RawDocument, SnapshotError> {
        let json = match &self.node.value {
            Value::Object(_) => Json::parse(self.text()),
            Value::Scalar if self.text().starts_with('"') => Json::parse(&decode(self.string()?)),
            _ => return Err(self.expected("a policy document (an object or a string)")),
        };
        let source = format!("{}#{}", self.file.path.display(), self.pointer);
        Ok(RawDocument { json: json.map_err(|error| error.to_string()), source })
    }
}

/// IAM's API gives documents URL-encoded (RFC 3986: `+` stands for itself); the others give them as plain JSON.
fn decode(text: String) -> String {
    if text.trim_start().starts_with('{') {
        return text;
    }
    percent_decode_str(&text).decode_utf8().map_or_else(|_| text.clone(), |decoded| decoded.into_owned())
}

impl<'f> Fields<'f> {
    /// A field's value; null is as good as absent.
    pub(crate) fn get(&self, key: &str) -> Option<At<'f>> {
        let member = self.members.iter().find(|member| member.key == key)?;
        Some(self.at.step(key, &member.node)).filter(|at| !at.is_null())
    }

    /// A field that must be there.
    pub(crate) fn required(&self, key: &str) -> Result<At<'f>, SnapshotError> {
        self.get(key).ok_or_else(|| self.at.error(format!("expected the field `{key}`, found none")))
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<String>, SnapshotError> {
        self.get(key).map(|at| at.string()).transpose()
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, SnapshotError> {
        self.get(key).map(|at| at.boolean()).transpose()
    }

    /// A list; empty when the field is absent.
    pub(crate) fn list<T>(
        &self,
        key: &str,
        read: impl Fn(&At<'f>) -> Result<T, SnapshotError>,
    ) -> Result<Vec<T>, SnapshotError> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |at| at.list(read))
    }

    /// Every key with its value, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'f str, At<'f>)> {
        self.members.iter().map(|member| (member.key.as_str(), self.at.step(&member.key, &member.node)))
    }
}

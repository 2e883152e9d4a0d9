//! The JSON parser: recursive to a fixed depth, one pass, no look-back.

use std::collections::HashSet;

use super::{Json, JsonError, MAXIMUM_DEPTH, Reading, push_pointer};

/// Objects up to this size are searched for duplicate keys by comparing all pairs.
const SMALL_OBJECT: usize = 16;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// The path of the first duplicate key, from the key up to the root.
    duplicate: Option<Vec<String>>,
    id: Option<String>,
}

pub(super) fn read(text: &str) -> Reading {
    let mut parser = Parser { text, at: 0, depth: 0, duplicate: None, id: None };
    let result = parser.document();
    Reading { result, id: parser.id }
}

impl Parser<'_> {
    fn document(&mut self) -> Result<Json, JsonError> {
        let value = self.value()?;
        self.skip_space();
        if self.peek().is_some() {
            return Err(self.expected("the end of the text"));
        }
        match self.duplicate.take() {
            None => Ok(value),
            Some(path) => {
                let key = path.first().cloned().unwrap_or_default();
                let place = path.iter().rev().fold(String::new(), |pointer, token| push_pointer(&pointer, token));
                if place == "/id" {
                    self.id = None;
                }
                Err(JsonError { place, message: format!("duplicate key `{}`", super::shortened(&key)) })
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn error(&self, message: String) -> JsonError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        JsonError { place: format!("line {line} column {column}"), message }
    }

    fn expected(&self, what: &str) -> JsonError {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => "the end of the text".to_owned(),
            Some(control) if control.is_control() => format!("U+{:04X}", u32::from(control)),
            Some(character) => format!("`{character}`"),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    fn value(&mut self) -> Result<Json, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') if self.word("true") => Ok(Json::Bool(true)),
            Some(b'f') if self.word("false") => Ok(Json::Bool(false)),
            Some(b'n') if self.word("null") => Ok(Json::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if found {
            self.at += word.len();
        }
        found
    }

    fn nested(&mut self, container: fn(&mut Self) -> Result<Json, JsonError>) -> Result<Json, JsonError> {
        if self.depth == MAXIMUM_DEPTH {
            return Err(self.error(format!("lists and objects nested deeper than {MAXIMUM_DEPTH}")));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        let value = container(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            let clean = self.duplicate.is_none();
            items.push(self.value()?);
            if let (true, Some(path)) = (clean, &mut self.duplicate) {
                path.push((items.len() - 1).to_string());
            }
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(fields));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                let what = if fields.is_empty() { "a key in quotes or `}`" } else { "a key in quotes" };
                return Err(self.expected(what));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.expected("`:`"));
            }
            self.at += 1;
            let clean = self.duplicate.is_none();
            let value = self.value()?;
            if let (true, Some(path)) = (clean, &mut self.duplicate) {
                path.push(key.clone());
            }
            if let (1, "id", Json::String(id), None) = (self.depth, key.as_str(), &value, &self.id) {
                self.id = Some(id.clone());
            }
            fields.push((key, value));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    if self.duplicate.is_none() {
                        self.duplicate = duplicate_key(&fields).map(|key| vec![key.to_owned()]);
                    }
                    return Ok(Json::Object(fields));
                }
                _ => return Err(self.expected("`,` or `}`")),
            }
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.expected("a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Json::Number(self.since(start).to_owned()))
    }

    fn since(&self, start: usize) -> &str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    let last = self.since(start);
                    let text = if unescaped.is_empty() { last.to_owned() } else { unescaped + last };
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    unescaped.push_str(self.since(start));
                    self.at += 1;
                    unescaped.push(self.escape()?);
                    start = self.at;
                }
                Some(0..=0x1f) => return Err(self.expected("an escaped control character")),
                Some(_) => self.skip_plain(),
                None => return Err(self.expected("`\"`")),
            }
        }
    }

    /// To the next byte of a string that is more than itself.
    fn skip_plain(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        self.at += plain.unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        const SECOND_HALF: &str = "the second half of a surrogate pair";
        let first = self.hexadecimal()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.word("\\u") {
                    return Err(self.expected(SECOND_HALF));
                }
                let second = self.hexadecimal()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.error(format!("expected {SECOND_HALF}, found another character")));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.error(format!("expected a character, found {SECOND_HALF}")))
    }

    fn hexadecimal(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(code)
    }
}

/// The first key that stands twice in an object.
fn duplicate_key(fields: &[(String, Json)]) -> Option<&str> {
    if fields.len() <= SMALL_OBJECT {
        return fields.iter().enumerate().find_map(|(index, (key, _))| {
            fields.iter().take(index).any(|(earlier, _)| earlier == key).then_some(key.as_str())
        });
    }
    let mut seen = HashSet::with_capacity(fields.len());
    fields.iter().map(|(key, _)| key.as_str()).find(|key| !seen.insert(*key))
}

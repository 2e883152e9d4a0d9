//! JSON with places: a strict reader that refuses duplicate keys, and nodes that know their pointer.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a case cannot be evaluated, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the case.
    pub pointer: String,
    /// What was expected there.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// One step further down in a JSON pointer.
pub(crate) fn step(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Reads JSON text; a key that stands twice in one object is a fault at that key.
///
/// # Errors
/// When the text is no JSON, or holds a duplicate key.
pub fn read(text: &str) -> Result<Value, Fault> {
    let duplicate = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Reader { pointer: String::new(), duplicate: &duplicate }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| duplicate.into_inner().unwrap_or_else(|| Fault::new("", error.to_string())))
}

struct Reader<'a> {
    pointer: String,
    duplicate: &'a RefCell<Option<Fault>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let pointer = step(&self.pointer, &items.len().to_string());
            match sequence.next_element_seed(Reader { pointer, duplicate: self.duplicate })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let pointer = step(&self.pointer, &key);
            if object.contains_key(&key) {
                let message = format!("duplicate key `{key}`");
                self.duplicate.replace(Some(Fault::new(pointer, message.clone())));
                return Err(de::Error::custom(message));
            }
            let value = entries.next_value_seed(Reader { pointer, duplicate: self.duplicate })?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// A JSON value together with the place where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub pointer: String,
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    pub fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.pointer.clone(), message)
    }

    /// The fault that a field is not there, at the place where it would be.
    pub fn missing(&self, name: &str) -> Fault {
        Fault::new(step(&self.pointer, name), format!("expected a field `{name}`"))
    }

    /// The field of that name, when this is an object that has it.
    pub fn field(&self, name: &str) -> Option<Node<'a>> {
        self.value.get(name).map(|value| Node { pointer: step(&self.pointer, name), value })
    }

    pub fn required(&self, name: &str) -> Result<Node<'a>, Fault> {
        self.object()?;
        self.field(name).ok_or_else(|| self.missing(name))
    }

    pub fn object(&self) -> Result<&'a Map<String, Value>, Fault> {
        self.value.as_object().ok_or_else(|| self.fault("expected an object"))
    }

    /// All fields of an object, with their names.
    pub fn fields(&self) -> Result<Vec<(String, Node<'a>)>, Fault> {
        Ok(self
            .object()?
            .iter()
            .map(|(name, value)| (name.clone(), Node { pointer: step(&self.pointer, name), value }))
            .collect())
    }

    pub fn items(&self) -> Result<Vec<Node<'a>>, Fault> {
        let items = self.value.as_array().ok_or_else(|| self.fault("expected a list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Node { pointer: format!("{}/{index}", self.pointer), value })
            .collect())
    }

    /// The items of a list, or the value itself where a scalar or object may stand for a list of one.
    pub fn one_or_many(&self) -> Result<Vec<Node<'a>>, Fault> {
        if self.value.is_array() { self.items() } else { Ok(vec![self.clone()]) }
    }

    pub fn text(&self) -> Result<String, Fault> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.fault("expected a string"))
    }

    /// A string, or a number or boolean as its JSON text.
    pub fn scalar(&self) -> Result<String, Fault> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(boolean) => Ok(boolean.to_string()),
            _ => Err(self.fault("expected a string, a number or a boolean")),
        }
    }
}

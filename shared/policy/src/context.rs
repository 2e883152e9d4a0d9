//! The request context: condition keys and what is known of their values.

/// What is known of a condition key's value in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// Present with a single value.
    One(String),
    /// Present with a list of values, perhaps of one, perhaps empty.
    Many(Vec<String>),
    /// Not in the request. A negated operator matches an absent key.
    Absent,
    /// May have any value, or be absent; why we can't tell, in one phrase.
    Unknown(String),
}

/// The condition keys of one request. A key that is not named is absent; key names ignore case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// As it was spelled by whoever set it.
    key: String,
    value: ContextValue,
}

impl Context {
    /// An empty context: every key is absent.
    pub fn new() -> Context {
        Context::default()
    }
    /// Sets a key, replacing what was there under any spelling.
    pub fn set(&mut self, key: impl Into<String>, value: ContextValue) {
        let key = key.into();
        match self.entries.iter_mut().find(|entry| entry.key.eq_ignore_ascii_case(&key)) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry { key, value }),
        }
    }
    /// The same with one more key, for building by chaining.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: ContextValue) -> Context {
        self.set(key, value);
        self
    }
    /// The value of a key; absent when it was never set.
    pub fn get(&self, key: &str) -> &ContextValue {
        const ABSENT: &ContextValue = &ContextValue::Absent;
        self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)).map_or(ABSENT, |entry| &entry.value)
    }
    /// Keys and values in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), &entry.value))
    }
}

//! The request context: condition keys and what is known of their values.

use std::sync::Arc;

/// What values a condition key can have, where that is known; it bounds what an unknown key may turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// Any text.
    Text,
    /// An IPv4 or IPv6 address.
    IpAddress,
    /// A date and time.
    Date,
    /// Seconds since 1970.
    Epoch,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of texts.
    TextList,
}

/// The keys whose values are not simply texts. Service prefix and name, without regard to case.
const KEY_TYPES: &[(&str, KeyType)] = &[
    ("aws:SourceIp", KeyType::IpAddress),
    ("aws:VpcSourceIp", KeyType::IpAddress),
    ("aws:CurrentTime", KeyType::Date),
    ("aws:TokenIssueTime", KeyType::Date),
    ("aws:EpochTime", KeyType::Epoch),
    ("aws:MultiFactorAuthAge", KeyType::Number),
    ("aws:SecureTransport", KeyType::Boolean),
    ("aws:ViaAWSService", KeyType::Boolean),
    ("aws:MultiFactorAuthPresent", KeyType::Boolean),
    ("aws:PrincipalIsAWSService", KeyType::Boolean),
    ("ses:Recipients", KeyType::TextList),
    ("aws:TagKeys", KeyType::TextList),
    ("aws:PrincipalOrgPaths", KeyType::TextList),
    ("aws:ResourceOrgPaths", KeyType::TextList),
    ("aws:SourceOrgPaths", KeyType::TextList),
    ("aws:VpceOrgPaths", KeyType::TextList),
    ("aws:CalledVia", KeyType::TextList),
    ("aws:PrincipalServiceNamesList", KeyType::TextList),
    ("cloudformation:ImportResourceTypes", KeyType::TextList),
    ("cloudformation:ResourceTypes", KeyType::TextList),
    ("dynamodb:Attributes", KeyType::TextList),
    ("dynamodb:LeadingKeys", KeyType::TextList),
    ("kms:EncryptionContextKeys", KeyType::TextList),
    ("kms:GrantOperations", KeyType::TextList),
    ("sts:TransitiveTagKeys", KeyType::TextList),
];

impl KeyType {
    /// The type of a key's values; of a key that is not in the table, one text. So an unknown key of a service whose keys are
    /// not listed here is never tried as a list.
    pub fn of(key: &str) -> KeyType {
        KEY_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map_or(KeyType::Text, |(_, kind)| *kind)
    }
}

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

/// The condition keys of one request. Key names ignore case. A clone shares the entries until one of the two is changed.
///
/// Nothing is filled in: a key that is not set is absent, those included that AWS derives from the caller, the resource or the
/// moment (`aws:PrincipalArn`, `aws:username`, `aws:ResourceAccount`, `aws:CurrentTime` and so on). Set what the request had,
/// and [`ContextValue::Unknown`] what it may have had. Each unknown key may have any value of its type whatever the others
/// have, also where AWS would not give the two together.
///
/// ```
/// use sesame_policy::{Context, ContextValue};
///
/// let context = Context::new()
///     .with("aws:SecureTransport", ContextValue::One("true".to_owned()))
///     .with("ses:Recipients", ContextValue::Many(vec!["jo@example.com".to_owned()]))
///     .with("aws:SourceIp", ContextValue::Unknown("redacted".to_owned()));
/// assert_eq!(context.get("AWS:securetransport"), &ContextValue::One("true".to_owned()));
/// assert_eq!(context.get("aws:username"), &ContextValue::Absent);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    entries: Arc<Vec<Entry>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// As it was spelled by whoever set it.
    key: String,
    /// [`key_hash`] of it.
    hash: u64,
    value: ContextValue,
}

impl Entry {
    /// Whether the entry is of a key, whose hash was taken. Most are spelled alike.
    fn is(&self, hash: u64, key: &str) -> bool {
        self.hash == hash && (self.key == key || self.key.eq_ignore_ascii_case(key))
    }
}

/// A hash of a condition key that ignores case, so that most look-ups compare one number.
pub(crate) fn key_hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Context {
    /// An empty context: every key is absent.
    pub fn new() -> Context {
        Context::default()
    }
    /// Sets a key, replacing what was there under any spelling.
    pub fn set(&mut self, key: impl Into<String>, value: ContextValue) {
        let key = key.into();
        let hash = key_hash(&key);
        let entries = Arc::make_mut(&mut self.entries);
        match entries.iter_mut().find(|entry| entry.is(hash, &key)) {
            Some(entry) => entry.value = value,
            None => entries.push(Entry { key, hash, value }),
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
        self.get_hashed(key_hash(key), key)
    }
    /// The same for a key whose hash was taken before.
    pub(crate) fn get_hashed(&self, hash: u64, key: &str) -> &ContextValue {
        const ABSENT: &ContextValue = &ContextValue::Absent;
        self.entries.iter().find(|entry| entry.is(hash, key)).map_or(ABSENT, |entry| &entry.value)
    }
    /// A key as it was spelled when it was set.
    pub(crate) fn spelling(&self, hash: u64, key: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.is(hash, key)).map(|entry| entry.key.as_str())
    }
    /// Keys and values in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), &entry.value))
    }
}

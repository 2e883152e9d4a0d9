//! Patterns with `*`, `?` and policy variables: parsed once, matched by the greedy loop, never worse than pattern × text.

/// A pattern for actions, such as `ses:Send*`; matched without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPattern {
    text: String,
}

impl ActionPattern {
    /// As written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A pattern for resources: six parts matched each by itself, the last one taking the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArnPattern {
    text: String,
}

impl ArnPattern {
    /// As written in the policy.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

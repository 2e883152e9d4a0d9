//! Words and here-documents for bash. Every value is hostile: none may become anything but the one argument that it is.

use std::fmt::Write;

use serde_json::Value;

use crate::document::{compact_shown, is_plain, pretty};

/// A value as one bash word that is exactly this value.
///
/// Single quotes, in which bash reads nothing; where the value holds characters that do not show as they are, the `$'…'` form
/// with their bytes in hexadecimal. A NUL cannot be in an argument at all: it becomes U+FFFD, which is in no name of AWS's.
pub(super) fn word(value: &str) -> String {
    let value = value.replace('\0', "\u{fffd}");
    if value.chars().all(is_plain) {
        return format!("'{}'", value.replace('\'', r"'\''"));
    }
    let mut text = String::from("$'");
    for character in value.chars() {
        match character {
            '\'' => text.push_str("\\'"),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            plain if plain.is_ascii() && is_plain(plain) => text.push(plain),
            other => {
                for byte in other.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "\\x{byte:02x}");
                }
            }
        }
    }
    text.push('\'');
    text
}

/// An option with its value. `--name='-x'` where a space would make the value an option of its own.
///
/// The AWS CLI reads values that begin with `file://` and the like from a file or an address, and has no way to quote them.
/// No name of AWS's begins so; U+FFFD in front keeps a made-up one from being read.
pub(super) fn option(name: &str, value: &str) -> String {
    let is_reference = ["file://", "fileb://", "http://", "https://"].iter().any(|prefix| value.starts_with(prefix));
    let value = if is_reference { format!("\u{fffd}{value}") } else { value.to_owned() };
    let separator = if value.starts_with('-') { '=' } else { ' ' };
    format!("--{name}{separator}{}", word(&value))
}

/// A line of a comment: a value in it can neither end the line nor show as something else.
pub(super) fn comment(text: &str) -> String {
    let shown: String = text.chars().map(|character| if is_plain(character) { character } else { '?' }).collect();
    format!("# {shown}\n")
}

/// One call of the AWS CLI.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// `iam put-role-policy`.
    command: String,
    /// Whole options, quoted.
    options: Vec<String>,
    /// The document's option and text, given on standard input.
    document: Option<(&'static str, String)>,
}

impl Call {
    pub(super) fn new(command: impl Into<String>) -> Call {
        Call { command: command.into(), options: Vec::new(), document: None }
    }
    /// Adds an option with a value.
    pub(super) fn option(mut self, name: &str, value: &str) -> Call {
        self.options.push(option(name, value));
        self
    }
    /// Adds an option whose value is a word of ours.
    pub(super) fn constant(mut self, name: &'static str, value: &'static str) -> Call {
        self.options.push(format!("--{name} {value}"));
        self
    }
    /// Adds an option without a value.
    pub(super) fn flag(mut self, name: &'static str) -> Call {
        self.options.push(format!("--{name}"));
        self
    }
    /// Adds an option whose value is a variable set before.
    pub(super) fn variable(mut self, name: &'static str, variable: &'static str) -> Call {
        self.options.push(format!("--{name} \"${variable}\""));
        self
    }
    /// Adds the document: indented, or compact where the white space would count and make it longer than AWS takes.
    pub(super) fn document(mut self, name: &'static str, document: &Value, size_with_white_space: usize) -> Call {
        let indented = pretty(document);
        let text = if indented.len() <= size_with_white_space { indented } else { compact_shown(document) };
        self.document = Some((name, text));
        self
    }

    /// The call and its options.
    fn head(&self) -> String {
        let mut text = format!("aws {}", self.command);
        let document = self.document.iter().map(|(name, _)| format!("--{name} file:///dev/stdin"));
        for option in self.options.iter().cloned().chain(document) {
            text.push_str(" \\\n  ");
            text.push_str(&option);
        }
        text
    }

    /// The here-document with everything that stands before it on its line.
    ///
    /// The terminator is quoted, so nothing in the document is expanded. No line of a JSON document is the terminator: a
    /// line begins with white space, a bracket, a quote, a digit, `-`, `t`, `f` or `n`.
    fn with_document(&self, head: &str, after: &str) -> String {
        match &self.document {
            Some((_, document)) => format!("{head} <<'JSON'{after}\n{document}\nJSON\n"),
            None => format!("{head}{after}\n"),
        }
    }
}

/// Calls of which each runs only when those before it succeeded.
pub(super) fn chain(steps: &[Step]) -> String {
    let last = steps.len().saturating_sub(1);
    steps.iter().enumerate().map(|(index, step)| step.text(if index < last { " &&" } else { "" })).collect()
}

/// A step of a chain.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A call.
    Call(Call),
    /// `name=value`, the value quoted already.
    Set(&'static str, String),
    /// `name=$(call)`.
    Read(&'static str, Call),
}

impl Step {
    fn text(&self, after: &str) -> String {
        match self {
            Step::Call(call) => call.with_document(&call.head(), after),
            Step::Set(name, value) => format!("{name}={value}{after}\n"),
            // The here-document stays outside of `$(…)`: bash 3 misreads quotes in one that is inside.
            Step::Read(name, call) if call.document.is_some() => {
                call.with_document(&format!("{{ {name}=$({}); }}", call.head()), after)
            }
            Step::Read(name, call) => format!("{name}=$({}){after}\n", call.head()),
        }
    }
}

impl From<Call> for Step {
    fn from(call: Call) -> Step {
        Step::Call(call)
    }
}

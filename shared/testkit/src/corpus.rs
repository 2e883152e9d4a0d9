//! The policy corpus: cases with the answer that the rules of AWS ask for.
//!
//! A file of the corpus has one case a line, in the format of `sesame evaluate`, with the fields `rule` (a tag of
//! `rules.json`), `why` (one sentence), `source` (a page of AWS) and `expected` beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One line of the corpus.
#[derive(Clone, Debug)]
pub struct CorpusCase {
    /// The file's name.
    pub file: String,
    /// The line as it stands, which is the case to evaluate.
    pub text: String,
    /// What stands beside the case.
    pub about: About,
}

/// The fields of a line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Unique in the corpus.
    pub id: String,
    /// The rule that the case shows, a tag of `rules.json`.
    pub rule: String,
    /// One sentence: why the answer is what it is.
    pub why: String,
    /// The page on which the rule stands.
    pub source: String,
    /// The request.
    pub request: Value,
    /// The policies.
    pub policies: Value,
    /// The answer.
    pub expected: Expected,
}

/// The answer that a case asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expected {
    /// The decision; none when an error is expected.
    pub decision: Option<String>,
    /// All possible decisions, when there is more than one.
    pub possible: Option<Vec<String>>,
    /// The keys on which an undetermined decision turns.
    #[serde(default)]
    pub unknown_keys: Vec<String>,
    /// The layers on which an undetermined decision turns.
    #[serde(default)]
    pub unreadable_layers: Vec<String>,
    /// Policy and statement of everything that decided, in the layers that agree with the decision.
    pub decisive: Option<Vec<(Option<String>, usize)>>,
    /// The place of the error.
    pub error: Option<String>,
}

/// Reads every case of a folder, file by file in the order of their names.
///
/// # Errors
/// When a file cannot be read, a line is no case of the corpus, or an id stands twice.
pub fn load(folder: &Path) -> Result<Vec<CorpusCase>, String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    let mut ids = BTreeSet::new();
    for path in files {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for (index, line) in text.lines().enumerate() {
            let about: About =
                serde_json::from_str(line).map_err(|error| format!("{file}, line {}: {error}", index + 1))?;
            if !ids.insert(about.id.clone()) {
                return Err(format!("{file}, line {}: the id `{}` stands twice", index + 1, about.id));
            }
            cases.push(CorpusCase { file: file.clone(), text: line.to_owned(), about });
        }
    }
    Ok(cases)
}

/// Where an answer differs from the expected one; empty when it does not.
pub fn differences(expected: &Expected, answer: &Value) -> Vec<String> {
    let pointer = answer.pointer("/error/pointer").and_then(Value::as_str);
    if expected.error.is_some() || pointer.is_some() {
        let same = expected.error.as_deref() == pointer;
        let message = answer.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
        let expected = expected.error.as_ref().map_or("no error".to_owned(), |at| format!("an error at `{at}`"));
        let found = pointer.map_or("none".to_owned(), |at| format!("one at `{at}`: {message}"));
        return if same { Vec::new() } else { vec![format!("expected {expected}, found {found}")] };
    }
    let mut found = Vec::new();
    let mut compare = |name: &str, expected: BTreeSet<String>, actual: BTreeSet<String>| {
        if expected != actual {
            found.push(format!("{name}: expected {expected:?}, found {actual:?}"));
        }
    };
    let decision: Vec<String> = expected.decision.iter().cloned().collect();
    let possible = expected.possible.clone().unwrap_or_else(|| decision.clone());
    compare("decision", decision.into_iter().collect(), texts(answer.get("decision")));
    compare("possible", possible.into_iter().collect(), texts(answer.get("possible")));
    compare("unknownKeys", expected.unknown_keys.iter().cloned().collect(), texts(answer.get("unknownKeys")));
    let layers = expected.unreadable_layers.iter().cloned().collect();
    compare("unreadableLayers", layers, texts(answer.get("unreadableLayers")));
    if let Some(decisive) = &expected.decisive {
        let expected = decisive.iter().map(|(policy, statement)| named(policy.as_deref(), *statement)).collect();
        compare("decisive", expected, decisive_in(answer));
    }
    found
}

/// A string, or the strings of a list.
fn texts(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(Value::String(text)) => BTreeSet::from([text.clone()]),
        _ => BTreeSet::new(),
    }
}

fn named(policy: Option<&str>, statement: usize) -> String {
    format!("{} {statement}", policy.unwrap_or("(no name)"))
}

/// The decisive statements of the layers whose decision is the answer's.
fn decisive_in(answer: &Value) -> BTreeSet<String> {
    let layers = answer.get("layers").and_then(Value::as_array);
    layers
        .into_iter()
        .flatten()
        .filter(|layer| layer.get("decision") == answer.get("decision"))
        .filter_map(|layer| layer.get("decisive").and_then(Value::as_array))
        .flatten()
        .map(|entry| {
            // The reference gives pairs, the engine objects.
            let policy = entry.get("policy").or_else(|| entry.get(0)).and_then(Value::as_str);
            let statement = entry.get("statement").or_else(|| entry.get(1)).and_then(Value::as_u64).unwrap_or(u64::MAX);
            named(policy, usize::try_from(statement).unwrap_or(usize::MAX))
        })
        .collect()
}

/// One line for people about a case that does not come out as expected.
pub fn failure(case: &CorpusCase, differences: &[String]) -> String {
    format!("{} `{}`: {}\n    {}", case.file, case.about.id, case.about.why, differences.join("\n    "))
}

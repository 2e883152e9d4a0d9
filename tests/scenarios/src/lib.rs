//! Literate scenarios. Each Markdown file under `tests/scenarios/` tells a short story and holds three fenced blocks:
//!
//! - `json world`: accounts in short form, see [`world::expand`]; it becomes a snapshot folder on disk, read by the real loader;
//!   left out where there is no snapshot at all;
//! - `json event`: a CloudTrail record in short form, see [`event::expand`], or whole, or a list of them, which becomes JSON
//!   Lines; or `text event` with a bare message;
//! - `json expected`: a part of the finding; what it names must be so, see [`expect::differences`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test support: a broken scenario must stop the test with its place"
)]

pub mod event;
pub mod expect;
pub mod run;
pub mod world;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A scenario as it stands in its file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file's name without folder and ending.
    pub name: String,
    /// The heading.
    pub title: String,
    /// The snapshot's files by path; empty when there is no snapshot.
    pub files: Vec<(String, Value)>,
    /// The event as the command line would get it.
    pub event: String,
    /// A part of the finding.
    pub expected: Value,
    /// How often the refusal is to have been seen, where one event stands for many: `{"count": 214, "firstSeen": "…"}`.
    pub repeated: Option<Value>,
}

/// Reads a scenario.
pub fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let block = |info: &str| {
        let fence = format!("```{info}\n");
        let start = text.find(&fence).map(|at| at + fence.len())?;
        let end = text[start..].find("\n```").unwrap_or_else(|| panic!("{name}: the block `{info}` has no end"));
        Some(text[start..start + end].to_owned())
    };
    let json = |info: &str| {
        let text = block(info)?;
        Some(serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{name}: block `{info}`: {error}")))
    };
    assert!(text.starts_with("# "), "{name}: a scenario begins with a title");
    let event = match (json("json event"), block("text event")) {
        (Some(Value::Array(list)), _) => {
            list.iter().map(|short| format!("{}\n", event::expand(short))).collect::<String>()
        }
        (Some(short), _) => event::expand(&short).to_string(),
        (None, Some(message)) => serde_json::json!({ "message": message }).to_string(),
        (None, None) => panic!("{name}: no block `json event` or `text event`"),
    };
    let expected = json("json expected").unwrap_or_default();
    let repeated = json("json repeated");
    let files = json("json world").map(|world| world::expand(&world)).unwrap_or_default();
    let title = text.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
    Scenario { files, name, title, event, expected, repeated }
}

/// All scenarios of the project, sorted by name.
pub fn all() -> Vec<Scenario> {
    let scenarios = read_all(&folder());
    for scenario in &scenarios {
        assert!(!scenario.expected.is_null(), "{}: no block `json expected`", scenario.name);
    }
    scenarios
}

/// What the renderers' tests are shown, written as scenarios without expectations.
pub fn rendered() -> Vec<Scenario> {
    read_all(&folder().join("rendered"))
}

fn read_all(folder: &Path) -> Vec<Scenario> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md") && path.file_stem().unwrap() != "README")
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// Where the scenarios are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Writes a scenario's snapshot into a folder.
pub fn write_snapshot(scenario: &Scenario, folder: &Path) {
    for (path, content) in &scenario.files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, serde_json::to_string_pretty(content).unwrap()).unwrap();
    }
}

/// Writes a scenario's event as `event.json` into a folder.
pub fn write_event(scenario: &Scenario, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let event = match serde_json::from_str::<Value>(&scenario.event) {
        Ok(event) => serde_json::to_string_pretty(&event).unwrap(),
        Err(_) => scenario.event.clone(),
    };
    std::fs::write(folder.join("event.json"), event).unwrap();
}

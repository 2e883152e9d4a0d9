//! The coverage page says what the corpus holds. `BLESS=1` writes it anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use sesame_testkit::corpus::{self, CorpusCase};
use sesame_testkit::coverage::{self, Rules};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn corpus_and_rules() -> (Vec<CorpusCase>, Rules) {
    let folder = root().join("tests/corpus");
    let rules = fs::read_to_string(folder.join("rules.json")).unwrap();
    (corpus::load(&folder).unwrap(), serde_json::from_str(&rules).unwrap())
}

#[test]
fn every_case_shows_a_known_rule_and_every_rule_has_a_case() {
    let (cases, rules) = corpus_and_rules();
    let problems = coverage::problems(&rules, &cases);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn coverage_page_is_up_to_date() {
    let (cases, rules) = corpus_and_rules();
    let not_modelled = fs::read_to_string(root().join("tests/corpus/not-modelled.md")).unwrap();
    let expected = coverage::page(&rules, &cases, &not_modelled);
    let path = root().join("docs/policy-coverage.md");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/policy-coverage.md is out of date; run `make bless`");
}

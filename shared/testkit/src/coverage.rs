//! The coverage page: which rule of AWS is shown by how many cases of the corpus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::corpus::CorpusCase;

/// `rules.json` of the corpus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The title of each page of AWS, by its address, in the order of the coverage page.
    pub sources: serde_json::Map<String, serde_json::Value>,
    /// The rules, in the order of the coverage page.
    pub rules: Vec<Rule>,
}

/// One rule of AWS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The tag by which cases name the rule.
    pub rule: String,
    /// The rule in one sentence.
    pub says: String,
    /// The address of the page on which it stands.
    pub source: String,
}

/// What does not fit together between rules and cases; empty when everything does.
pub fn problems(rules: &Rules, cases: &[CorpusCase]) -> Vec<String> {
    let mut found = Vec::new();
    let known: BTreeMap<&str, &Rule> = rules.rules.iter().map(|rule| (rule.rule.as_str(), rule)).collect();
    let count = counts(cases);
    for rule in &rules.rules {
        if !rules.sources.contains_key(&rule.source) {
            found.push(format!("the source of rule `{}` has no title", rule.rule));
        }
        if !count.contains_key(rule.rule.as_str()) {
            found.push(format!("rule `{}` has no case", rule.rule));
        }
    }
    for case in cases {
        match known.get(case.about.rule.as_str()) {
            None => found.push(format!("case `{}` names the unknown rule `{}`", case.about.id, case.about.rule)),
            Some(rule) if rule.source != case.about.source => {
                found.push(format!("case `{}` and its rule `{}` name different sources", case.about.id, rule.rule));
            }
            Some(_) => {}
        }
        if !case.about.why.ends_with('.') {
            found.push(format!("`why` of case `{}` is no sentence", case.about.id));
        }
    }
    found
}

fn counts(cases: &[CorpusCase]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for case in cases {
        *counts.entry(case.about.rule.as_str()).or_default() += 1;
    }
    counts
}

/// The coverage page as Markdown. `not_modelled` is the list that is kept by hand.
pub fn page(rules: &Rules, cases: &[CorpusCase], not_modelled: &str) -> String {
    let counts = counts(cases);
    let mut page = String::from("# Policy coverage\n\n");
    let _ = writeln!(
        page,
        "What the policy engine models, by the page of AWS that states it, and how many cases of `tests/corpus` show each \
         rule: {} cases for {} rules. Every case is answered by the engine and by a slow reference evaluator that shares \
         no code with it; `make differential` compares the two on generated cases. Where a page of AWS leaves room, the \
         engine takes the reading that the rule states.\n\n\
         This page is written by `make bless` from the corpus, `rules.json` and `not-modelled.md` beside it.",
        cases.len(),
        rules.rules.len()
    );
    for (source, title) in &rules.sources {
        let _ = writeln!(page, "\n## {}\n\n<{source}>\n", title.as_str().unwrap_or(source));
        page.push_str("| rule | tag | cases |\n|---|---|---:|\n");
        for rule in rules.rules.iter().filter(|rule| rule.source == *source) {
            let count = counts.get(rule.rule.as_str()).copied().unwrap_or_default();
            let _ = writeln!(page, "| {} | `{}` | {count} |", rule.says.replace('|', "\\|"), rule.rule);
        }
    }
    let _ = write!(page, "\n## Not modelled\n\n{}\n", not_modelled.trim_end());
    page
}

//! The engine gives every case of the corpus the answer that the corpus asks for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;

use sesame_differential::engine;
use sesame_testkit::corpus;

#[test]
fn engine_agrees_with_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let cases = corpus::load(&folder).unwrap();
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let answer = engine::answer(&case.text);
            let found = corpus::differences(&case.about.expected, &answer);
            (!found.is_empty()).then(|| corpus::failure(case, &found))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

//! Every input that fuzzing has kept, replayed. What once failed stays here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;

use sesame_differential::fuzz::TARGETS;

#[test]
fn kept_inputs_hold_what_fuzzing_asks() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (target, check) in TARGETS {
        let folder = corpus.join(target);
        let inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() >= 10, "only {} inputs in {}", inputs.len(), folder.display());
        for input in inputs {
            println!("{}", input.display());
            check(&fs::read(&input).unwrap());
        }
    }
}

//! The pieces of work that are measured.

use std::error::Error;
use std::hint::black_box;

use sesame_policy::case::Case;
use sesame_policy::{ContextValue, Policy, PolicyDocument, decide, evaluate};

use crate::made;

const CASES: &str = include_str!("../cases.jsonl");

/// Something to do over and over.
pub(crate) struct Work {
    pub(crate) name: String,
    pub(crate) once: Box<dyn FnMut()>,
}

fn work(name: String, once: impl FnMut() + 'static) -> Work {
    Work { name, once: Box::new(once) }
}

/// All of it, in the order of the report.
pub(crate) fn all() -> Result<Vec<Work>, Box<dyn Error>> {
    let mut all = Vec::new();
    for line in CASES.lines() {
        let case = Case::parse(line)?;
        let id = case.id.clone();
        let mut unknown = case.clone();
        unknown.request.context.set("ses:Recipients", ContextValue::Unknown("redacted".to_owned()));
        let (traced, answered) = (case.clone(), case.clone());
        let documents: Vec<Policy> = case.policies.identity.clone();
        all.extend([
            work(format!("{id}: decide"), move || {
                black_box(decide(black_box(&case.policies), black_box(&case.request)));
            }),
            work(format!("{id}: evaluate, full trace"), move || {
                black_box(evaluate(black_box(&traced.policies), black_box(&traced.request)));
            }),
            work(format!("{id}: decide, recipients unknown"), move || {
                black_box(decide(black_box(&unknown.policies), black_box(&unknown.request)));
            }),
            work(format!("{id}: decide and write the answer"), move || {
                black_box(answered.answer());
            }),
            work(format!("{id}: parse the case"), move || {
                black_box(Case::parse(black_box(line)).is_ok());
            }),
            work(format!("{id}: documents from their trees"), move || {
                for document in documents.iter().filter_map(|policy| policy.document.as_ref()) {
                    black_box(PolicyDocument::parse(black_box(&document.raw), document.grammar()).is_ok());
                }
            }),
        ]);
    }
    for count in [100, 1_000, 10_000] {
        let (policies, request) = made::statements(count)?;
        all.push(work(format!("growth: decide over {count} statements"), move || {
            black_box(decide(black_box(&policies), black_box(&request)));
        }));
    }
    for count in [10, 100] {
        let (policies, request) = made::hidden(count)?;
        all.push(work(format!("unknown: {count} Denys that turn on recipients"), move || {
            black_box(decide(black_box(&policies), black_box(&request)));
        }));
    }
    for length in [1_000, 10_000] {
        for (name, policies, request) in made::hostile(length)? {
            all.push(work(format!("hostile: {name}, {length} characters"), move || {
                black_box(decide(black_box(&policies), black_box(&request)));
            }));
        }
    }
    Ok(all)
}

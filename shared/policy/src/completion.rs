//! Completions: Kleene's logic first, then representative values of what is not known.

use std::collections::BTreeSet;

use crate::context::ContextValue;
use crate::decision::Possible;
use crate::evaluation::{Evaluation, Unread, pass, unreadable};
use crate::layer::{LayerKind, PolicySet};
use crate::matching::Skips;
use crate::request::Request;

/// How many completions are tried.
const BUDGET: usize = 20_000;

pub(crate) fn evaluate(policies: &PolicySet, request: &Request, traced: bool) -> Evaluation {
    let kleene = pass(policies, request, None, traced);
    let mut evaluation = Evaluation {
        possible: kleene.possible,
        approximate: false,
        layers: kleene.layers,
        unknown_keys: Vec::new(),
        unreadable_layers: Vec::new(),
    };
    if kleene.possible.determined().is_some() {
        return evaluation;
    }
    let axes = axes(policies, request);
    let total: usize = axes.iter().map(|axis| axis.len()).product();
    if total > BUDGET || total == 0 {
        evaluation.approximate = true;
        name_everything(policies, request, &mut evaluation);
        return evaluation;
    }
    let decisions: Vec<Possible> = (0..total).map(|index| complete(policies, request, &axes, index)).collect();
    evaluation.possible = decisions.iter().fold(Possible::NONE, |all, one| all.union(*one));
    if evaluation.possible.determined().is_none() {
        // An axis matters when two completions that differ in it alone decide differently.
        let mut stride = 1;
        let mut keys = BTreeSet::new();
        for axis in &axes {
            let matters = (0..total).any(|index| {
                let position = index / stride % axis.len();
                position + 1 < axis.len() && decisions.get(index) != decisions.get(index + stride)
            });
            stride *= axis.len();
            match axis {
                Axis::Key(key, _) if matters => {
                    keys.insert(key.clone());
                }
                Axis::Unread(layer, _) if matters && !evaluation.unreadable_layers.contains(layer) => {
                    evaluation.unreadable_layers.push(*layer);
                }
                _ => {}
            }
        }
        evaluation.unknown_keys = keys.into_iter().collect();
    }
    evaluation
}

enum Axis {
    Key(String, Vec<ContextValue>),
    Unread(LayerKind, Vec<Unread>),
}

impl Axis {
    fn len(&self) -> usize {
        match self {
            Axis::Key(_, values) => values.len(),
            Axis::Unread(_, choices) => choices.len(),
        }
    }
}

fn complete(policies: &PolicySet, request: &Request, axes: &[Axis], index: usize) -> Possible {
    let mut completed = request.clone();
    let mut unread = Vec::new();
    let mut rest = index;
    for axis in axes {
        let at = rest % axis.len();
        rest /= axis.len();
        match axis {
            Axis::Key(key, values) => {
                if let Some(value) = values.get(at) {
                    completed.context.set(key.clone(), value.clone());
                }
            }
            Axis::Unread(_, choices) => unread.extend(choices.get(at)),
        }
    }
    pass(policies, &completed, Some(&unread), false).possible
}

fn axes(policies: &PolicySet, request: &Request) -> Vec<Axis> {
    let mut list = Vec::new();
    for (key, value) in request.context.iter() {
        if matches!(value, ContextValue::Unknown(_)) {
            list.push(Axis::Key(key.to_owned(), candidates(policies, key)));
        }
    }
    for (layer, _) in unreadable(policies, request) {
        let choices = match layer {
            LayerKind::Resource => vec![
                Unread::Nothing,
                Unread::Denies,
                Unread::AllowsAs(Skips::NONE),
                Unread::AllowsAs(Skips::IDENTITY),
                Unread::AllowsAs(Skips::USER),
                Unread::AllowsAs(Skips::ALL),
            ],
            _ => vec![Unread::Open, Unread::Nothing, Unread::Denies],
        };
        list.push(Axis::Unread(layer, choices));
    }
    list
}

fn name_everything(policies: &PolicySet, request: &Request, evaluation: &mut Evaluation) {
    let unknown = request.context.iter().filter(|(_, value)| matches!(value, ContextValue::Unknown(_)));
    evaluation.unknown_keys = unknown.map(|(key, _)| key.to_owned()).collect();
    evaluation.unknown_keys.sort();
    for (layer, _) in unreadable(policies, request) {
        if !evaluation.unreadable_layers.contains(&layer) {
            evaluation.unreadable_layers.push(layer);
        }
    }
}

/// Representative values of a key: what the policies name, and something else.
fn candidates(policies: &PolicySet, key: &str) -> Vec<ContextValue> {
    let mut texts: BTreeSet<String> = BTreeSet::from(["other".to_owned()]);
    for statement in policies.documents().flat_map(|document| &document.statements) {
        for condition in statement.conditions.iter().filter(|condition| condition.key.eq_ignore_ascii_case(key)) {
            for value in &condition.values {
                texts.insert(value.replace("${*}", "*").replace("${?}", "?").replace(['*', '?'], "x"));
                if let Some((network, _)) = value.split_once('/') {
                    texts.insert(network.to_owned());
                }
            }
        }
    }
    let mut list = vec![ContextValue::Absent];
    if is_multivalued(key) {
        let texts: Vec<String> = texts.into_iter().collect();
        list.push(ContextValue::Many(Vec::new()));
        for (index, text) in texts.iter().enumerate() {
            list.push(ContextValue::Many(vec![text.clone()]));
            list.extend(
                texts.iter().skip(index + 1).map(|other| ContextValue::Many(vec![text.clone(), other.clone()])),
            );
        }
    } else {
        if key.eq_ignore_ascii_case("aws:SourceIp") {
            texts.insert("192.0.2.251".to_owned());
        }
        list.extend(texts.into_iter().map(ContextValue::One));
        if key.eq_ignore_ascii_case("aws:SecureTransport") {
            list =
                vec![ContextValue::Absent, ContextValue::One("true".to_owned()), ContextValue::One("false".to_owned())];
        }
    }
    list
}

/// Keys that hold a list of values. Source: Service Authorization Reference; IAM User Guide, "AWS global condition context keys".
pub(crate) fn is_multivalued(key: &str) -> bool {
    const KEYS: [&str; 8] = [
        "ses:recipients",
        "aws:tagkeys",
        "aws:principalorgpaths",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:vpceorgpaths",
        "aws:calledvia",
        "aws:principalservicenameslist",
    ];
    KEYS.contains(&key.to_ascii_lowercase().as_str())
}

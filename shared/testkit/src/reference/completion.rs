//! Every way to fill in what a case leaves open, and what follows from each.

use std::collections::BTreeSet;

use super::case::{Case, Given, Slot};
use super::complete::{Complete, Decision, Decisive, LayerKind, Layers, Outcome};
use super::context::{Context, Present};
use super::policy::{Listed, Policy, Principals, Statement};
use super::principal::{Caller, Entry};
use super::universe::Universe;

/// What follows from all completions of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub possible: BTreeSet<Decision>,
    /// As the case spells them.
    pub unknown_keys: BTreeSet<String>,
    pub unreadable_layers: BTreeSet<&'static str>,
    /// In the order of the layers.
    pub layers: Vec<LayerAnswer>,
}

/// What follows for one layer.
#[derive(Clone, Debug)]
pub(crate) struct LayerAnswer {
    pub kind: LayerKind,
    pub possible: BTreeSet<Decision>,
    /// The deciding statements, when they are the same in every completion.
    pub decisive: Option<Decisive>,
}

/// A part of the case that is open, with the number of ways to fill it.
#[derive(Clone, Debug)]
enum Open {
    Caller,
    Key(String),
    Slot(usize),
}

/// Why a case cannot be answered by trying everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// The number of completions.
    pub completions: usize,
}

/// The answer by trying every completion.
pub(crate) fn answer(case: &Case, universe: &Universe, most: usize) -> Result<Answer, TooMany> {
    let callers = callers(case);
    let nothing = Vec::new();
    let fillings: Vec<Vec<Vec<Filling>>> = callers
        .iter()
        .map(|caller| case.slots.iter().map(|(kind, slot)| fill(*kind, slot, caller)).collect())
        .collect();
    let first = fillings.first().unwrap_or(&nothing);

    let mut open = vec![(Open::Caller, callers.len())];
    for (key, (_, given)) in &case.context {
        if matches!(given, Given::Unknown) {
            open.push((Open::Key(key.clone()), universe.values.get(key).map_or(1, |values| values.len().max(1))));
        }
    }
    for (index, slot) in first.iter().enumerate() {
        if slot.len() > 1 {
            open.push((Open::Slot(index), slot.len()));
        }
    }
    let completions = open.iter().fold(1_usize, |product, (_, ways)| product.saturating_mul(*ways));
    if completions > most {
        return Err(TooMany { completions });
    }

    let mut outcomes = Vec::with_capacity(completions);
    for number in 0..completions {
        outcomes.push(evaluate(case, universe, &callers, &fillings, &open, number));
    }
    Ok(summarize(case, &open, &outcomes))
}

/// Which way each open part is filled in the completion of that number.
fn choices(open: &[(Open, usize)], number: usize) -> Vec<usize> {
    let mut rest = number;
    open.iter()
        .map(|(_, ways)| {
            let choice = rest % ways;
            rest /= ways;
            choice
        })
        .collect()
}

fn evaluate(
    case: &Case,
    universe: &Universe,
    callers: &[Caller],
    fillings: &[Vec<Vec<Filling>>],
    open: &[(Open, usize)],
    number: usize,
) -> Outcome {
    let choices = choices(open, number);
    let caller_choice = choices.first().copied().unwrap_or(0);
    let caller = callers.get(caller_choice).unwrap_or(&case.caller);
    let mut context: Context = case
        .context
        .iter()
        .filter_map(|(key, (_, given))| match given {
            Given::Known(value) => value.as_ref().map(|value| (key.clone(), value.clone())),
            Given::Unknown => None,
        })
        .collect();
    let mut slot_choices = vec![0; case.slots.len()];
    for ((part, _), choice) in open.iter().zip(&choices) {
        match part {
            Open::Caller => {}
            Open::Key(key) => {
                let value: Option<&Option<Present>> = universe.values.get(key).and_then(|values| values.get(*choice));
                if let Some(Some(value)) = value {
                    context.insert(key.clone(), value.clone());
                }
            }
            Open::Slot(index) => {
                if let Some(slot) = slot_choices.get_mut(*index) {
                    *slot = *choice;
                }
            }
        }
    }
    let mut layers = Layers::default();
    for (index, (kind, _)) in case.slots.iter().enumerate() {
        let filling = fillings
            .get(caller_choice)
            .and_then(|slots| slots.get(index))
            .and_then(|ways| ways.get(slot_choices.get(index).copied().unwrap_or(0)));
        let policies = filling.and_then(|filling| filling.as_deref());
        match kind {
            LayerKind::Identity => layers.identity = policies.unwrap_or_default(),
            LayerKind::Boundary => layers.boundary = policies.unwrap_or_default(),
            LayerKind::Session => layers.session = policies.unwrap_or_default(),
            LayerKind::ServiceControl => layers.service_control.push(policies),
            LayerKind::ResourceControl => layers.resource_control.push(policies),
            LayerKind::Resource => layers.resource = policies.unwrap_or_default(),
            LayerKind::VpcEndpoint => layers.vpc_endpoint = policies.unwrap_or_default(),
        }
    }
    let complete = Complete {
        caller,
        action: &case.action,
        resource: &case.resource,
        resource_account: case.resource_account.as_deref(),
        context: &context,
        layers,
    };
    complete.evaluate(&|kind| case.gives(kind))
}

fn summarize(case: &Case, open: &[(Open, usize)], outcomes: &[Outcome]) -> Answer {
    let mut answer =
        Answer { possible: outcomes.iter().map(|outcome| outcome.decision).collect(), ..Answer::default() };
    for outcome in outcomes {
        for layer in &outcome.layers {
            match answer.layers.iter_mut().find(|known| known.kind == layer.kind) {
                Some(known) => {
                    known.possible.insert(layer.decision);
                    known.decisive = known.decisive.take().filter(|decisive| *decisive == layer.decisive);
                }
                None => answer.layers.push(LayerAnswer {
                    kind: layer.kind,
                    possible: BTreeSet::from([layer.decision]),
                    decisive: Some(layer.decisive.clone()),
                }),
            }
        }
    }
    // An open part turns the decision when two completions that differ in it only decide differently.
    let mut stride = 1;
    for (part, ways) in open {
        let turns = (0..outcomes.len()).any(|number| {
            let zeroth = number - (number / stride % ways) * stride;
            outcomes.get(number).map(|outcome| outcome.decision) != outcomes.get(zeroth).map(|outcome| outcome.decision)
        });
        stride *= ways;
        match part {
            Open::Key(key) if turns => {
                answer.unknown_keys.extend(case.context.get(key).map(|(spelled, _)| spelled.clone()));
            }
            Open::Slot(index) if turns => {
                answer.unreadable_layers.extend(case.slots.get(*index).map(|(kind, _)| kind.name()));
            }
            _ => {}
        }
    }
    answer
}

/// The caller with every session name, or every issuer, that the policies tell apart.
fn callers(case: &Case) -> Vec<Caller> {
    let listed = case
        .slots
        .iter()
        .filter_map(|(_, slot)| match slot {
            Slot::Readable(policies) => Some(policies),
            Slot::Unreadable => None,
        })
        .flatten()
        .flat_map(|policy| &policy.statements)
        .flat_map(|statement| match &statement.principals {
            Principals::Unnamed => &[],
            Principals::These(entries) | Principals::AllBut(entries) => entries.as_slice(),
        });
    match &case.caller {
        Caller::Role { account, name, session: None, service_linked } => {
            let mut sessions = BTreeSet::from(["another".to_owned()]);
            sessions.extend(listed.filter_map(|entry| match entry {
                Entry::Session(listed, role, session) if listed == account && role == name => Some(session.clone()),
                _ => None,
            }));
            let caller = |session| Caller::Role {
                account: account.clone(),
                name: name.clone(),
                session: Some(session),
                service_linked: *service_linked,
            };
            sessions.into_iter().map(caller).collect()
        }
        Caller::Federated { account, name, .. } => {
            let mut issuers = BTreeSet::from(["another".to_owned()]);
            issuers.extend(listed.filter_map(|entry| match entry {
                Entry::User(listed, user) if listed == account => Some(user.clone()),
                _ => None,
            }));
            let caller =
                |issuer| Caller::Federated { account: account.clone(), name: name.clone(), issuer: Some(issuer) };
            issuers.into_iter().map(caller).collect()
        }
        known => vec![known.clone()],
    }
}

/// The policies of a slot; `None` when it is not there.
type Filling = Option<Vec<Policy>>;

/// The ways to fill a slot. A readable one has one way.
fn fill(kind: LayerKind, slot: &Slot, caller: &Caller) -> Vec<Filling> {
    if let Slot::Readable(policies) = slot {
        return vec![Some(policies.clone())];
    }
    let anyone = || Principals::Unnamed;
    let mut ways = vec![None, Some(vec![policy(None)]), Some(vec![policy(Some((false, anyone())))])];
    if kind == LayerKind::Resource {
        ways.extend(entries(caller).into_iter().map(|entry| {
            let principals = Principals::These(vec![entry]);
            Some(vec![policy(Some((true, principals)))])
        }));
    } else {
        ways.push(Some(vec![policy(Some((true, anyone())))]));
    }
    ways
}

/// A policy with no statement, or with one that fits every request of those principals.
fn policy(statement: Option<(bool, Principals)>) -> Policy {
    let statements = statement.map(|(allow, principals)| Statement {
        allow,
        principals,
        actions: Listed { texts: vec!["*".to_owned()], all_but: false },
        resources: None,
        clauses: Vec::new(),
        variables: false,
    });
    Policy { name: None, statements: statements.into_iter().collect() }
}

/// Every form in which a policy of the resource can name the caller.
fn entries(caller: &Caller) -> Vec<Entry> {
    let mut entries = vec![Entry::Everyone];
    entries.extend(caller.account().map(|account| Entry::Root(account.clone())));
    match caller {
        Caller::User(account, name) => entries.push(Entry::User(account.clone(), name.clone())),
        Caller::Role { account, name, session, .. } => {
            entries.push(Entry::Role(account.clone(), name.clone()));
            entries
                .extend(session.iter().map(|session| Entry::Session(account.clone(), name.clone(), session.clone())));
        }
        Caller::Federated { account, name, issuer } => {
            entries.push(Entry::Federated(account.clone(), name.clone()));
            entries.extend(issuer.iter().map(|issuer| Entry::User(account.clone(), issuer.clone())));
        }
        Caller::Service(name) => entries.push(Entry::Service(name.clone())),
        Caller::Root(_) | Caller::Anonymous => {}
    }
    entries
}

//! Remedies put into a world, and the world asked again: nothing here uses the code that makes or proves remedies, and where a
//! whole request is known, the engine is not believed alone.

use std::sync::Arc;

use serde_json::{Value, json};
use sesame_diagnosis::assemble::assemble;
use sesame_diagnosis::context::context;
use sesame_diagnosis::denial::{Denial, Incident};
use sesame_diagnosis::examine::request;
use sesame_diagnosis::finding::{Operation, Remedy, TargetKind};
use sesame_diagnosis::question::{Question, questions};
use sesame_diagnosis::subject::resolve;
use sesame_diagnosis::world::{
    Entity, Identity, InlinePolicy, ManagedPolicy, OrganizationPolicy, RawDocument, Readable, SesRegion, World,
};
use sesame_policy::json::Json;
use sesame_policy::{
    Evaluation, LayerKind, Policy, PolicyDocument, PolicyGrammar, PolicySet, Possible, Request, evaluate,
};

use crate::reference;
use crate::world::{ACCOUNT, AWS_MANAGED, NAMES, OWNERS};

fn raw(document: &Value) -> RawDocument {
    RawDocument { json: Ok(Json::from_value(document)), source: "generated".to_owned() }
}

fn entity<'w>(world: &'w mut World, arn: &str) -> &'w mut Entity {
    let account = world.accounts.get_mut(arn.split(':').nth(4).unwrap()).unwrap();
    let users = account.users.iter_mut().map(|user| &mut user.entity);
    users.chain(account.roles.iter_mut().map(|role| &mut role.entity)).find(|entity| entity.arn == arn).unwrap()
}

fn put_inline(list: &mut Vec<InlinePolicy>, name: &str, document: Option<&Value>) {
    let place = list.iter().position(|policy| policy.name == name);
    match (place, document) {
        (Some(place), Some(document)) => list[place].document = Readable::Known(raw(document)),
        (Some(place), None) => {
            list.remove(place);
        }
        (None, Some(document)) => {
            list.push(InlinePolicy { name: name.to_owned(), document: Readable::Known(raw(document)) });
        }
        (None, None) => panic!("nothing to take away"),
    }
}

/// Writes a document where a remedy aims; `new` says that this policy is not there without the remedy, `None` takes it away.
fn write(world: &mut World, remedy: &Remedy, document: Option<&Value>) {
    let target = &remedy.target;
    let new = remedy.before.is_none();
    let name = target.policy.as_deref().unwrap();
    match target.kind {
        TargetKind::UserInline | TargetKind::RoleInline | TargetKind::PermissionSet => {
            put_inline(&mut entity(world, target.principal.as_deref().unwrap()).inline, name, document);
        }
        TargetKind::GroupInline => {
            let account = world.accounts.get_mut(target.account.as_deref().unwrap()).unwrap();
            let arn = target.principal.as_deref().unwrap();
            let group = account.groups.iter_mut().find(|group| group.arn == arn).unwrap();
            put_inline(&mut group.inline, name, document);
        }
        TargetKind::CustomerManaged | TargetKind::Boundary => {
            let account = target.account.clone().unwrap();
            let arn = if name.starts_with("arn:") {
                name.to_owned()
            } else {
                format!("arn:aws:iam::{account}:policy/{name}")
            };
            let policies = &mut world.accounts.get_mut(&account).unwrap().managed_policies;
            match document {
                Some(document) => {
                    let old = policies.get(&arn).and_then(Readable::known).cloned();
                    assert_eq!(old.is_none(), new, "`before` tells whether {arn} is there");
                    let name = old.map_or_else(|| name.to_owned(), |old| old.name);
                    let policy = ManagedPolicy { arn: arn.clone(), name, document: raw(document), updated: None };
                    policies.insert(arn.clone(), Readable::Known(policy));
                    if new {
                        let holder = entity(world, target.principal.as_deref().unwrap());
                        match target.kind {
                            TargetKind::Boundary => holder.boundary = Some(arn),
                            _ => holder.attached.push(arn),
                        }
                    }
                }
                None => {
                    policies.remove(&arn);
                    let holder = entity(world, target.principal.as_deref().unwrap());
                    match target.kind {
                        // The only one that a new boundary takes the place of.
                        TargetKind::Boundary => holder.boundary = Some(AWS_MANAGED.to_owned()),
                        _ => holder.attached.retain(|attached| *attached != arn),
                    }
                }
            }
        }
        TargetKind::Scp => {
            let Readable::Known(Some(organization)) = &mut world.organization else { panic!("no organization") };
            for node in organization.paths.values_mut().flatten() {
                let Readable::Known(policies) = &mut node.service_control_policies else { continue };
                match document {
                    Some(document) if new => {
                        if Some(&node.id) == target.node.as_ref() {
                            assert!(policies.iter().all(|policy| policy.name != name), "names are unique");
                            let policy = OrganizationPolicy {
                                id: name.to_owned(),
                                name: name.to_owned(),
                                arn: None,
                                document: raw(document),
                            };
                            policies.push(policy);
                        }
                    }
                    Some(document) => {
                        for policy in policies.iter_mut().filter(|policy| policy.arn.as_deref() == Some(name)) {
                            policy.document = raw(document);
                        }
                    }
                    None => policies.retain(|policy| policy.name != name),
                }
            }
        }
        TargetKind::SendingAuthorization => {
            let account = world.accounts.get_mut(target.account.as_deref().unwrap()).unwrap();
            let Some(Readable::Known(region)) = account.ses.get_mut(target.region.as_deref().unwrap()) else {
                panic!("the Region was not read")
            };
            let identity = region.identities.get_mut(target.identity.as_deref().unwrap()).unwrap();
            let Readable::Known(policies) = &mut identity.policies else { panic!("the policies were not read") };
            let place = policies.iter().position(|(known, _)| known == name);
            match (place, document) {
                (Some(place), Some(document)) => policies[place].1 = raw(document),
                (None, Some(document)) => policies.push((name.to_owned(), raw(document))),
                (Some(place), None) => {
                    policies.remove(place);
                }
                (None, None) => panic!("nothing to take away"),
            }
        }
    }
}

/// Puts a remedy in place.
pub fn apply(world: &mut World, remedy: &Remedy) {
    match remedy.operation {
        Operation::Put => write(world, remedy, remedy.after.as_ref()),
        Operation::Detach => attached(world, remedy).retain(|arn| Some(arn) != remedy.target.policy.as_ref()),
    }
}

/// The managed policies of whoever a remedy takes one off.
fn attached<'w>(world: &'w mut World, remedy: &Remedy) -> &'w mut Vec<String> {
    assert_eq!(remedy.target.kind, TargetKind::CustomerManaged, "of AWS's own policies, those attached to a principal");
    let holder = remedy.target.principal.as_deref().unwrap();
    match holder.contains(":group/") {
        true => {
            let account = world.accounts.get_mut(remedy.target.account.as_deref().unwrap()).unwrap();
            &mut account.groups.iter_mut().find(|group| group.arn == holder).unwrap().attached
        }
        false => &mut entity(world, holder).attached,
    }
}

/// The same with another document in the place of `after`.
pub fn apply_document(world: &mut World, remedy: &Remedy, document: &Value) {
    write(world, remedy, Some(document));
}

/// Takes it back.
pub fn undo(world: &mut World, remedy: &Remedy) {
    match remedy.operation {
        Operation::Put => write(world, remedy, remedy.before.as_ref()),
        Operation::Detach => {
            let list = attached(world, remedy);
            list.push(remedy.target.policy.clone().unwrap());
            list.sort();
        }
    }
}

/// The world with everything that could not be read as it would do least harm: what must allow does, nothing denies.
pub fn filled_in(world: &World) -> World {
    let mut world = world.clone();
    let everything =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    match &mut world.organization {
        gap @ Readable::Gap(_) => *gap = Readable::Known(None),
        Readable::Known(organization) => {
            let nodes = organization.iter_mut().flat_map(|organization| organization.paths.values_mut().flatten());
            for node in nodes.filter(|node| node.service_control_policies.known().is_none()) {
                let (id, name, arn) = ("p-full".to_owned(), "Full".to_owned(), None);
                let policy = OrganizationPolicy { id, name, arn, document: raw(&everything) };
                node.service_control_policies = Readable::Known(vec![policy]);
            }
        }
    }
    for account in world.accounts.values_mut() {
        let users = account.users.iter_mut().map(|user| &mut user.entity);
        for entity in users.chain(account.roles.iter_mut().map(|role| &mut role.entity)) {
            entity.inline.iter_mut().for_each(|policy| read_as(&mut policy.document, &everything));
            if entity.gap.take().is_some() {
                put_inline(&mut entity.inline, "Full", Some(&everything));
            }
        }
        for group in &mut account.groups {
            group.inline.iter_mut().for_each(|policy| read_as(&mut policy.document, &everything));
        }
        let users = account.users.iter().map(|user| &user.entity);
        let entities = users.chain(account.roles.iter().map(|role| &role.entity));
        let of_entities = entities.flat_map(|entity| entity.attached.iter().chain(&entity.boundary));
        let arns = of_entities.chain(account.groups.iter().flat_map(|group| &group.attached));
        for arn in arns.cloned().collect::<Vec<String>>() {
            account.managed_policies.entry(arn.clone()).or_insert_with(|| {
                let name = arn.rsplit('/').next().unwrap().to_owned();
                Readable::Known(ManagedPolicy { arn, name, document: raw(&everything), updated: None })
            });
        }
        let own = account.id == ACCOUNT;
        let everyone =
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "*" }] });
        // An allow of the owner must be there for another account, and would stand in for the caller's own policies here.
        let policies = if own { Vec::new() } else { vec![("Full".to_owned(), raw(&everyone))] };
        for region in account.ses.values_mut() {
            if region.known().is_none() {
                *region = Readable::Known(SesRegion::default());
            }
            let Readable::Known(region) = region else { continue };
            for name in if own { NAMES.as_slice() } else { &OWNERS }.iter().filter(|_| !region.complete) {
                region.identities.entry((*name).to_owned()).or_insert_with(|| Identity {
                    verified: None,
                    configuration_set: None,
                    policies: Readable::Known(policies.clone()),
                });
            }
            region.complete = true;
            for identity in region.identities.values_mut().filter(|identity| identity.policies.known().is_none()) {
                identity.policies = Readable::Known(policies.clone());
            }
        }
    }
    world
}

fn read_as(document: &mut Readable<RawDocument>, filled: &Value) {
    if document.known().is_none() {
        *document = Readable::Known(raw(filled));
    }
}

/// A question in a world, answered.
pub fn ask(world: &World, denial: &Denial, question: &Question) -> (Request, Evaluation) {
    let (policies, request) = asked(world, denial, question);
    let evaluation = answered(&policies, &request);
    (request, evaluation)
}

/// The engine's answer; where the whole request is known, the reference evaluator must give the same.
fn answered(policies: &PolicySet, request: &Request) -> Evaluation {
    let evaluation = evaluate(policies, request);
    if let Some(possible) = reference::decide(policies, request) {
        assert_eq!(evaluation.possible, possible, "the reference evaluator disagrees on {request:#?}\n{policies:#?}");
    }
    evaluation
}

fn asked(world: &World, denial: &Denial, question: &Question) -> (PolicySet, Request) {
    let subject = resolve(denial, world);
    let set = assemble(world, &subject, question, false).unwrap();
    let context = context(denial, &subject, question, world, &set);
    let request = request(subject.principal.clone().unwrap(), question, context);
    (set.policy_set(), request)
}

/// The same question to the whole, and to each of these layers alone, as if every other one allowed everything: what one layer lets
/// through shows there, even where another one still refuses it.
pub fn ask_apart(world: &World, denial: &Denial, question: &Question, layers: &[LayerKind]) -> Vec<Possible> {
    let (policies, request) = asked(world, denial, question);
    let open = |grammar: PolicyGrammar| {
        let everyone = match grammar {
            PolicyGrammar::Resource => json!({ "Principal": "*" }),
            _ => json!({}),
        };
        let mut statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        statement.as_object_mut().unwrap().extend(everyone.as_object().unwrap().clone());
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        let document = PolicyDocument::from_json(Json::from_value(&document), grammar).unwrap();
        vec![Policy { name: None, document: Some(Arc::new(document)) }]
    };
    let own = request.principal.account() == Some(request.resource.account());
    let all_open = PolicySet {
        identity: open(PolicyGrammar::Identity),
        resource: if own { Vec::new() } else { open(PolicyGrammar::Resource) },
        ..PolicySet::default()
    };
    let alone = |layer: &LayerKind| match layer {
        LayerKind::Identity => PolicySet { identity: policies.identity.clone(), ..all_open.clone() },
        LayerKind::Boundary => PolicySet { boundary: policies.boundary.clone(), ..all_open.clone() },
        LayerKind::ServiceControl => {
            PolicySet { service_control: policies.service_control.clone(), ..all_open.clone() }
        }
        LayerKind::Resource => PolicySet { resource: policies.resource.clone(), ..all_open.clone() },
        other => panic!("no remedy touches {other:?}"),
    };
    std::iter::once(policies.clone())
        .chain(layers.iter().map(alone))
        .map(|policies| answered(&policies, &request).possible)
        .collect()
}

/// The layers that remedies touch.
pub fn touched(remedies: &[&Remedy]) -> Vec<LayerKind> {
    let layer = |remedy: &&Remedy| match remedy.target.kind {
        TargetKind::Boundary => LayerKind::Boundary,
        TargetKind::Scp => LayerKind::ServiceControl,
        TargetKind::SendingAuthorization => LayerKind::Resource,
        _ => LayerKind::Identity,
    };
    let mut layers: Vec<LayerKind> = remedies.iter().map(layer).collect();
    layers.sort();
    layers.dedup();
    layers
}

/// Every question of every request context of an incident, answered; questions as the world stood at first.
pub fn answers(world: &World, first: &World, incident: &Incident) -> Vec<Evaluation> {
    let mut list = Vec::new();
    for (denial, _) in &incident.distinct {
        for question in questions(denial, &resolve(denial, first), first) {
            list.push(ask(world, denial, &question).1);
        }
    }
    list
}

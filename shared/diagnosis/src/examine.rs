//! Abduction: AWS refused, so what must be true? Each thing that may block the request is held apart from the others by
//! evaluating the request with everything else out of the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use sesame_policy::evaluation::{Evaluation, decide};
use sesame_policy::{
    Context, Decision, Effect, LayerKind, Policy, PolicyDocument, PolicyGrammar, PolicySet, Possible, Principal,
    Request, StatementRef, Truth, evaluate,
};

use crate::assemble::{Assembled, session_gap, unreadable};
use crate::context::context;
use crate::denial::Denial;
use crate::finding::{CauseKind, Certainty, Gap, GapReason};
use crate::question::Question;
use crate::subject::Subject;
use crate::world::World;

/// Something that keeps a request from being allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Blocker {
    /// A Deny statement.
    Deny(StatementRef),
    /// A layer, or a level of SCPs, that must allow and does not.
    Gate(LayerKind, Option<usize>),
    /// A policy that could not be read.
    Unreadable(LayerKind, Option<usize>, usize),
}

impl Blocker {
    /// The layer that blocks.
    pub fn layer(&self) -> LayerKind {
        match self {
            Blocker::Deny(at) => at.layer,
            Blocker::Gate(layer, _) | Blocker::Unreadable(layer, _, _) => *layer,
        }
    }
    /// The level of SCPs.
    pub fn level(&self) -> Option<usize> {
        match self {
            Blocker::Deny(at) => at.level,
            Blocker::Gate(_, level) | Blocker::Unreadable(_, level, _) => *level,
        }
    }
}

/// One question, evaluated, and what blocks it.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The question.
    pub question: Question,
    /// The refused call that asks it.
    pub denial: Arc<Denial>,
    /// The policies that bear on it.
    pub set: Arc<Assembled>,
    /// The same in the engine's form.
    pub policies: PolicySet,
    /// The engine's request.
    pub request: Request,
    /// The engine's answer with every statement's trace.
    pub evaluation: Evaluation,
    /// What blocks it, surest first.
    pub blockers: Vec<(Blocker, Certainty)>,
    /// What may block it besides.
    pub left: Vec<Blocker>,
}

/// Evaluates a question for a denial, against the policies that bear on it, and finds what blocks it.
pub fn examine(
    question: &Question,
    denial: &Arc<Denial>,
    subject: &Subject,
    world: &World,
    mut set: Arc<Assembled>,
) -> Option<Examined> {
    let principal = subject.principal.clone()?;
    let context = context(denial, subject, question, world, &set);
    let request = request(principal, question, context);
    let refused_here = question.origin == crate::finding::Origin::Message || denial.message.action.is_none();
    let named = named_layer(denial).filter(|_| refused_here);
    name_the_unseen(&mut set, named, denial);
    let mut examined = weigh(question, denial, set, request, named);
    // Everything that can be seen allows, and yet AWS refused: what is never seen comes under suspicion.
    let allowed = examined.evaluation.possible == Possible::only(Decision::Allowed);
    // Where AWS names a layer that can be seen, that is the one that was changed since.
    let open = matches!(named, None | Some(LayerKind::Session | LayerKind::VpcEndpoint));
    if allowed && refused_here && open && suspect_the_unseen(&mut examined.set, denial, subject, world) {
        examined = weigh(question, denial, examined.set, examined.request, named);
    }
    Some(examined)
}

/// The engine's request.
pub fn request(principal: Principal, question: &Question, context: Context) -> Request {
    Request {
        principal,
        action: question.action.clone(),
        resource: question.resource.clone(),
        resource_account: None,
        context,
    }
}

/// The layer that AWS's message names.
fn named_layer(denial: &Denial) -> Option<LayerKind> {
    let name = denial.message.layer.as_deref()?;
    LayerKind::ALL.into_iter().find(|layer| layer.as_str() == name)
}

/// A session policy or a VPC endpoint policy that the message names is there, and was not read.
fn name_the_unseen(set: &mut Arc<Assembled>, named: Option<LayerKind>, denial: &Denial) {
    match named {
        Some(LayerKind::Session) if set.session.is_none() => {
            Arc::make_mut(set).session = Some(vec![unreadable(LayerKind::Session, session_gap())]);
        }
        Some(LayerKind::VpcEndpoint) => {
            Arc::make_mut(set).vpc_endpoint = Some(vec![unreadable(LayerKind::VpcEndpoint, endpoint_gap(denial))]);
        }
        _ => {}
    }
}

fn endpoint_gap(denial: &Denial) -> Gap {
    let endpoint = denial.vpc_endpoint_id.as_deref().unwrap_or("the VPC endpoint");
    Gap {
        layer: LayerKind::VpcEndpoint.as_str().to_owned(),
        source: endpoint.to_owned(),
        reason: GapReason::NotFound,
        summary: format!("the policy of `{endpoint}` is not read"),
    }
}

/// Puts what is never read under suspicion; false when there is nothing of that kind, or the policies are known to have
/// changed since.
fn suspect_the_unseen(set: &mut Arc<Assembled>, denial: &Denial, subject: &Subject, world: &World) -> bool {
    if crate::changes::changed_since(denial, subject, world, set) {
        return false;
    }
    let mut suspected = false;
    if subject.has_issuer && set.session.is_none() {
        Arc::make_mut(set).session = Some(vec![unreadable(LayerKind::Session, session_gap())]);
        suspected = true;
    }
    if denial.vpc_endpoint_id.is_some() && set.vpc_endpoint.is_none() {
        Arc::make_mut(set).vpc_endpoint = Some(vec![unreadable(LayerKind::VpcEndpoint, endpoint_gap(denial))]);
        suspected = true;
    }
    suspected
}

fn weigh(
    question: &Question,
    denial: &Arc<Denial>,
    set: Arc<Assembled>,
    request: Request,
    named: Option<LayerKind>,
) -> Examined {
    let policies = set.policy_set();
    let evaluation = evaluate(&policies, &request);
    let candidates = candidates(&set, &evaluation, &request);
    let possible = |set: &PolicySet| decide(set, &request).possible;
    let mut certain = Vec::new();
    let mut maybe = Vec::new();
    for (index, (candidate, surely)) in candidates.iter().enumerate() {
        if *surely {
            certain.push(candidate.clone());
            continue;
        }
        let others =
            candidates.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, (blocker, _))| blocker);
        let alone = possible(&neutralize(&policies, others, &request));
        if !alone.contains(Decision::Allowed) {
            certain.push(candidate.clone());
        } else if alone != Possible::only(Decision::Allowed) {
            maybe.push(candidate.clone());
        }
    }
    let mut blockers: Vec<(Blocker, Certainty)> =
        certain.iter().cloned().map(|blocker| (blocker, Certainty::Proven)).collect();
    // A witness narrows what was open: the layer that AWS names is one that did refuse, in the way and by the policy it names.
    let of_layer = |blocker: &&Blocker| Some(blocker.layer()) == named;
    let fits = |blocker: &&Blocker| of_layer(blocker) && is_as_told(blocker, denial, &set);
    let told: Vec<Blocker> = maybe.iter().filter(fits).cloned().collect();
    let certain_named = certain.iter().any(|blocker| match told.is_empty() {
        true => of_layer(&blocker),
        false => fits(&blocker),
    });
    let suspects: Vec<Blocker> = match certain_named {
        true => Vec::new(),
        false if told.is_empty() => maybe.iter().filter(of_layer).cloned().collect(),
        false => told,
    };
    let suspects = if suspects.is_empty() && certain.is_empty() { maybe.clone() } else { suspects };
    let by_name = suspects.iter().all(|blocker| Some(blocker.layer()) == named);
    for suspect in &suspects {
        let explains = || {
            let without = neutralize(&policies, std::iter::once(suspect), &request);
            possible(&without) == Possible::only(Decision::Allowed)
        };
        let alone = suspects.len() == 1;
        let readable = !matches!(suspect, Blocker::Unreadable(..));
        let inferred = alone && (by_name || (readable && explains()));
        blockers.push((suspect.clone(), if inferred { Certainty::Inferred } else { Certainty::Possible }));
    }
    let left = maybe.into_iter().filter(|blocker| !suspects.contains(blocker)).collect();
    Examined { question: question.clone(), denial: denial.clone(), set, policies, request, evaluation, blockers, left }
}

/// Whether a blocker of the layer that AWS's message names is what the message says of it: a Deny or a missing allow, and in the
/// policy whose ARN it gives. A missing allow of an SCP may be called an explicit deny.
fn is_as_told(blocker: &Blocker, denial: &Denial, set: &Assembled) -> bool {
    let kind = match (blocker, denial.message.kind) {
        (Blocker::Deny(_), Some(CauseKind::NoAllow)) => false,
        (Blocker::Gate(layer, _), Some(CauseKind::ExplicitDeny)) => *layer == LayerKind::ServiceControl,
        _ => true,
    };
    let policy = match (blocker, denial.message.policy_arn.as_deref()) {
        (_, None) => true,
        (Blocker::Deny(at), Some(arn)) => {
            set.policy(at).and_then(|policy| policy.info.as_ref()?.arn.as_deref()) == Some(arn)
        }
        (Blocker::Gate(..), Some(_)) => false,
        (Blocker::Unreadable(layer, level, index), Some(arn)) => {
            let unread = set.policies(*layer, *level).get(*index).and_then(|policy| policy.info.as_ref());
            unread.and_then(|info| info.arn.as_deref()).is_none_or(|known| known == arn)
        }
    };
    kind && policy
}

/// Everything that may block a request, and whether it is plain that it does: a Deny that matches blocks whatever the rest says.
fn candidates(set: &Assembled, evaluation: &Evaluation, request: &Request) -> Vec<(Blocker, bool)> {
    let mut list = Vec::new();
    for layer in &evaluation.layers {
        for trace in &layer.statements {
            if trace.effect == Effect::Deny && trace.outcome.possible() {
                list.push((Blocker::Deny(trace.at.clone()), trace.outcome == Truth::True));
            }
        }
        let levels: Vec<Option<usize>> = match layer.layer {
            LayerKind::ServiceControl => (0..set.service_control.as_ref().map_or(0, Vec::len)).map(Some).collect(),
            _ => vec![None],
        };
        for level in levels {
            let policies = set.policies(layer.layer, level);
            let unread = policies.iter().enumerate().filter(|(_, policy)| policy.document.is_none());
            let unread: Vec<usize> = unread.map(|(index, _)| index).collect();
            let allows = layer
                .statements
                .iter()
                .any(|trace| trace.at.level == level && trace.effect == Effect::Allow && trace.outcome == Truth::True);
            if unread.is_empty() && !allows && is_gate(layer.layer, request) {
                list.push((Blocker::Gate(layer.layer, level), false));
            }
            list.extend(unread.into_iter().map(|index| (Blocker::Unreadable(layer.layer, level, index), false)));
        }
    }
    list
}

/// Whether a layer has to allow this request.
fn is_gate(layer: LayerKind, request: &Request) -> bool {
    match layer {
        LayerKind::Identity => {
            !matches!(request.principal, Principal::Root { .. } | Principal::Service(_) | Principal::Anonymous)
        }
        LayerKind::Resource => !same_account(request),
        _ => true,
    }
}

/// Whether principal and resource are in one account.
pub fn same_account(request: &Request) -> bool {
    request.principal.account().is_some_and(|account| account == request.resource.account())
}

/// The policies that could not be read.
pub fn unreadable_policies(policies: &PolicySet) -> Vec<Blocker> {
    let levels = policies.service_control.iter().flatten().enumerate();
    let levels = levels.map(|(level, list)| (LayerKind::ServiceControl, Some(level), list.as_slice()));
    let flat =
        [LayerKind::Identity, LayerKind::Boundary, LayerKind::Session, LayerKind::Resource, LayerKind::VpcEndpoint]
            .into_iter()
            .filter_map(|layer| Some((layer, None, list(policies, layer, None)?.as_slice())));
    let unread = |(layer, level, list): (LayerKind, Option<usize>, &[Policy])| {
        let unread = list.iter().enumerate().filter(|(_, policy)| policy.document.is_none());
        unread.map(|(index, _)| Blocker::Unreadable(layer, level, index)).collect::<Vec<_>>()
    };
    flat.chain(levels).flat_map(unread).collect()
}

/// The policies of a layer, or of one level of it.
fn list(policies: &PolicySet, layer: LayerKind, level: Option<usize>) -> Option<&Vec<Policy>> {
    match layer {
        LayerKind::Identity => Some(&policies.identity),
        LayerKind::Boundary => policies.boundary.as_ref(),
        LayerKind::Session => policies.session.as_ref(),
        LayerKind::ServiceControl => policies.service_control.as_ref()?.get(level?),
        LayerKind::ResourceControl => None,
        LayerKind::Resource => Some(&policies.resource),
        LayerKind::VpcEndpoint => policies.vpc_endpoint.as_ref(),
    }
}

/// The same, to change them.
fn list_mut(policies: &mut PolicySet, layer: LayerKind, level: Option<usize>) -> Option<&mut Vec<Policy>> {
    match layer {
        LayerKind::Identity => Some(&mut policies.identity),
        LayerKind::Boundary => policies.boundary.as_mut(),
        LayerKind::Session => policies.session.as_mut(),
        LayerKind::ServiceControl => policies.service_control.as_mut()?.get_mut(level?),
        LayerKind::ResourceControl => None,
        LayerKind::Resource => Some(&mut policies.resource),
        LayerKind::VpcEndpoint => policies.vpc_endpoint.as_mut(),
    }
}

/// The same policies with some blockers out of the way.
pub fn neutralize<'b>(
    policies: &PolicySet,
    blockers: impl IntoIterator<Item = &'b Blocker>,
    request: &Request,
) -> PolicySet {
    let mut open = policies.clone();
    let mut denies: BTreeMap<(LayerKind, Option<usize>, usize), BTreeSet<usize>> = BTreeMap::new();
    for blocker in blockers {
        let Some(list) = list_mut(&mut open, blocker.layer(), blocker.level()) else { continue };
        match blocker {
            // The statements of one document are taken out together.
            Blocker::Deny(at) => {
                denies.entry((at.layer, at.level, at.policy)).or_default().insert(at.statement);
            }
            // Behind the others, so that their indices stay true.
            Blocker::Gate(layer, _) => list.push(allow_everything(*layer)),
            Blocker::Unreadable(layer, _, index) => {
                if let Some(policy) = list.get_mut(*index) {
                    *policy = if is_gate(*layer, request) { allow_everything(*layer) } else { nothing() };
                }
            }
        }
    }
    for ((layer, level, policy), statements) in denies {
        let policy = list_mut(&mut open, layer, level).and_then(|list| list.get_mut(policy));
        if let Some(document) = policy.and_then(|policy| policy.document.as_mut()) {
            *document = Arc::new(document.keeping(|index| !statements.contains(&index)));
        }
    }
    open
}

/// One layer, or one level of SCPs, with every other one open.
pub fn alone(policies: &PolicySet, layer: LayerKind, level: Option<usize>, request: &Request) -> PolicySet {
    let mut open = all_open(request);
    match layer {
        LayerKind::Identity => open.identity.clone_from(&policies.identity),
        LayerKind::Boundary => open.boundary.clone_from(&policies.boundary),
        LayerKind::ServiceControl => {
            open.service_control = list(policies, layer, level).map(|level| vec![level.clone()]);
        }
        LayerKind::Resource => open.resource.clone_from(&policies.resource),
        LayerKind::Session | LayerKind::ResourceControl | LayerKind::VpcEndpoint => {}
    }
    open
}

/// A layer that holds this one document, or none, and with `beside` a policy that allows everything; every other layer is open.
pub fn only(layer: LayerKind, document: Option<Arc<PolicyDocument>>, beside: bool, request: &Request) -> PolicySet {
    let mut policies = all_open(request);
    let mut list: Vec<Policy> =
        document.into_iter().map(|document| Policy { name: None, document: Some(document) }).collect();
    list.extend(beside.then(|| allow_everything(layer)));
    match layer {
        LayerKind::Identity => policies.identity = list,
        LayerKind::Boundary => policies.boundary = Some(list),
        LayerKind::ServiceControl => policies.service_control = Some(vec![list]),
        LayerKind::Resource => policies.resource = list,
        LayerKind::Session | LayerKind::ResourceControl | LayerKind::VpcEndpoint => {}
    }
    policies
}

/// Policies that let a request through. In the same account the resource's own need not allow, and would pass a boundary by; a
/// federated user has only what its session policy allows too.
fn all_open(request: &Request) -> PolicySet {
    let resource = is_gate(LayerKind::Resource, request).then(|| allow_everything(LayerKind::Resource));
    let federated = matches!(request.principal, Principal::FederatedUser { .. });
    PolicySet {
        identity: vec![allow_everything(LayerKind::Identity)],
        session: federated.then(|| vec![allow_everything(LayerKind::Session)]),
        resource: resource.into_iter().collect(),
        ..PolicySet::default()
    }
}

/// A policy that allows everything to everyone, for a layer.
pub(crate) fn allow_everything(layer: LayerKind) -> Policy {
    static IDENTITY: OnceLock<Arc<PolicyDocument>> = OnceLock::new();
    static RESOURCE: OnceLock<Arc<PolicyDocument>> = OnceLock::new();
    let document = match layer {
        LayerKind::Resource => RESOURCE.get_or_init(|| {
            constant(
                r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
                PolicyGrammar::Resource,
            )
        }),
        _ => IDENTITY.get_or_init(|| {
            constant(
                r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
                PolicyGrammar::Identity,
            )
        }),
    };
    Policy { name: None, document: Some(document.clone()) }
}

/// A document that does nothing: it allows an action that no service has.
fn nothing() -> Policy {
    static NOTHING: OnceLock<Arc<PolicyDocument>> = OnceLock::new();
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sesame:Nothing","Resource":"*"}}"#;
    let document = NOTHING.get_or_init(|| constant(text, PolicyGrammar::Identity)).clone();
    Policy { name: None, document: Some(document) }
}

#[expect(clippy::expect_used, reason = "the texts are constants of this file, and tests evaluate every one of them")]
fn constant(text: &str, grammar: PolicyGrammar) -> Arc<PolicyDocument> {
    Arc::new(PolicyDocument::parse_str(text, grammar).expect("a constant policy parses"))
}

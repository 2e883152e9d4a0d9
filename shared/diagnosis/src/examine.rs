//! Abduction: AWS refused, so what must be true? Each thing that may block the request is held apart from the others by
//! evaluating the request with everything else out of the way.

use std::sync::{Arc, OnceLock};

use sesame_policy::evaluation::{Evaluation, decide};
use sesame_policy::{
    Context, Decision, Effect, LayerKind, PolicyDocument, PolicyGrammar, Possible, Principal, Request, StatementRef,
    Truth, evaluate,
};

use crate::InvalidDocument;
use crate::assemble::{Assembled, Attached, assemble, session_gap, unreadable};
use crate::context::context;
use crate::denial::Denial;
use crate::finding::{Certainty, Gap, GapReason};
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
    /// The policies that bear on it.
    pub set: Assembled,
    /// The engine's request.
    pub request: Request,
    /// The engine's answer with every statement's trace.
    pub evaluation: Evaluation,
    /// What blocks it, surest first.
    pub blockers: Vec<(Blocker, Certainty)>,
    /// What may block it besides.
    pub left: Vec<Blocker>,
}

/// Evaluates a question for a denial and finds what blocks it.
///
/// # Errors
/// With `strict`, a policy document that bears on the question and does not parse.
pub fn examine(
    question: &Question,
    denial: &Denial,
    subject: &Subject,
    world: &World,
    strict: bool,
) -> Result<Option<Examined>, InvalidDocument> {
    let Some(principal) = subject.principal.clone() else { return Ok(None) };
    let mut set = assemble(world, subject, question, strict)?;
    let context = context(denial, subject, question, world, &set);
    let request = request(principal, question, context);
    let refused_here = question.origin == crate::finding::Origin::Message || denial.message.action.is_none();
    let named = named_layer(denial).filter(|_| refused_here);
    name_the_unseen(&mut set, named, denial);
    let mut examined = weigh(question, set, request, named);
    // Everything that can be seen allows, and yet AWS refused: what is never seen comes under suspicion.
    let allowed = examined.evaluation.possible == Possible::only(Decision::Allowed);
    if allowed && refused_here && suspect_the_unseen(&mut examined.set, denial, subject, world) {
        examined = weigh(question, examined.set, examined.request, named);
    }
    Ok(Some(examined))
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
fn name_the_unseen(set: &mut Assembled, named: Option<LayerKind>, denial: &Denial) {
    match named {
        Some(LayerKind::Session) if set.session.is_none() => {
            set.session = Some(vec![unreadable(LayerKind::Session, session_gap())]);
        }
        Some(LayerKind::VpcEndpoint) => {
            set.vpc_endpoint = Some(vec![unreadable(LayerKind::VpcEndpoint, endpoint_gap(denial))]);
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
fn suspect_the_unseen(set: &mut Assembled, denial: &Denial, subject: &Subject, world: &World) -> bool {
    if crate::changes::changed_since(denial, subject, world, set) {
        return false;
    }
    let mut suspected = false;
    if subject.is_session && set.session.is_none() {
        set.session = Some(vec![unreadable(LayerKind::Session, session_gap())]);
        suspected = true;
    }
    if denial.vpc_endpoint_id.is_some() && set.vpc_endpoint.is_none() {
        set.vpc_endpoint = Some(vec![unreadable(LayerKind::VpcEndpoint, endpoint_gap(denial))]);
        suspected = true;
    }
    suspected
}

fn weigh(question: &Question, set: Assembled, request: Request, named: Option<LayerKind>) -> Examined {
    let evaluation = evaluate(&set.policy_set(), &request);
    let candidates = candidates(&set, &evaluation, &request);
    let possible = |set: &Assembled| decide(&set.policy_set(), &request).possible;
    let mut certain = Vec::new();
    let mut maybe = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let others = candidates.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, blocker)| blocker);
        let alone = possible(&neutralize(&set, others, &request));
        if !alone.contains(Decision::Allowed) {
            certain.push(candidate.clone());
        } else if alone != Possible::only(Decision::Allowed) {
            maybe.push(candidate.clone());
        }
    }
    let mut blockers: Vec<(Blocker, Certainty)> =
        certain.iter().cloned().map(|blocker| (blocker, Certainty::Proven)).collect();
    // A witness narrows what was open: the layer that AWS names is one that did refuse.
    let certain_named = certain.iter().any(|blocker| Some(blocker.layer()) == named);
    let suspects: Vec<Blocker> = match named {
        Some(layer) if !certain_named => maybe.iter().filter(|blocker| blocker.layer() == layer).cloned().collect(),
        _ => Vec::new(),
    };
    let suspects = if suspects.is_empty() && certain.is_empty() { maybe.clone() } else { suspects };
    let by_name = suspects.iter().all(|blocker| Some(blocker.layer()) == named);
    for suspect in &suspects {
        let explains =
            possible(&neutralize(&set, std::iter::once(suspect), &request)) == Possible::only(Decision::Allowed);
        let alone = suspects.len() == 1;
        let readable = !matches!(suspect, Blocker::Unreadable(..));
        let inferred = alone && (by_name || (explains && readable));
        blockers.push((suspect.clone(), if inferred { Certainty::Inferred } else { Certainty::Possible }));
    }
    let left = maybe.into_iter().filter(|blocker| !suspects.contains(blocker)).collect();
    Examined { question: question.clone(), set, request, evaluation, blockers, left }
}

/// Everything that may block a request, whether it does or not.
fn candidates(set: &Assembled, evaluation: &Evaluation, request: &Request) -> Vec<Blocker> {
    let mut list = Vec::new();
    for layer in &evaluation.layers {
        for trace in &layer.statements {
            if trace.effect == Effect::Deny && trace.outcome.possible() {
                list.push(Blocker::Deny(trace.at.clone()));
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
                list.push(Blocker::Gate(layer.layer, level));
            }
            list.extend(unread.into_iter().map(|index| Blocker::Unreadable(layer.layer, level, index)));
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

impl Assembled {
    /// The policies that could not be read, as blockers.
    pub fn unreadable(&self) -> impl Iterator<Item = Blocker> {
        let layers = LayerKind::ALL.into_iter().flat_map(|layer| match layer {
            LayerKind::ServiceControl => {
                (0..self.service_control.as_ref().map_or(0, Vec::len)).map(|level| (layer, Some(level))).collect()
            }
            _ => vec![(layer, None)],
        });
        layers.flat_map(|(layer, level)| {
            let policies = self.policies(layer, level).iter().enumerate();
            let unread = policies.filter(|(_, policy)| policy.document.is_none());
            unread.map(move |(index, _)| Blocker::Unreadable(layer, level, index))
        })
    }
}

/// The same policies with some blockers out of the way.
pub fn neutralize<'b>(set: &Assembled, blockers: impl Iterator<Item = &'b Blocker>, request: &Request) -> Assembled {
    let mut blockers: Vec<&Blocker> = blockers.collect();
    // Statements are taken out from the last to the first, so that indices stay true; a layer's allow is added after that.
    blockers.sort_by(|a, b| b.cmp(a));
    let mut open = set.clone();
    for blocker in blockers {
        let Some(policies) = open.policies_mut(blocker.layer(), blocker.level()) else { continue };
        match blocker {
            Blocker::Deny(at) => {
                if let Some(document) = policies.get_mut(at.policy).and_then(|policy| policy.document.as_mut()) {
                    *document = Arc::new(document.without_statement(at.statement));
                }
            }
            Blocker::Gate(layer, _) => policies.push(allow_everything(*layer)),
            Blocker::Unreadable(layer, _, index) => {
                let replacement = if is_gate(*layer, request) { Some(allow_everything(*layer)) } else { None };
                if let Some(policy) = policies.get_mut(*index) {
                    policy.document = replacement.map_or_else(|| Some(nothing()), |allow| allow.document);
                }
            }
        }
    }
    open
}

/// A policy that allows everything to everyone, for a layer.
fn allow_everything(layer: LayerKind) -> Attached {
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
    let target = crate::assemble::target(crate::finding::TargetKind::RoleInline);
    Attached { info: None, target, document: Some(document.clone()), gap: None }
}

/// A document that does nothing: it allows an action that no service has.
fn nothing() -> Arc<PolicyDocument> {
    static NOTHING: OnceLock<Arc<PolicyDocument>> = OnceLock::new();
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sesame:Nothing","Resource":"*"}}"#;
    NOTHING.get_or_init(|| constant(text, PolicyGrammar::Identity)).clone()
}

#[expect(clippy::expect_used, reason = "the texts are constants of this file, and tests evaluate every one of them")]
fn constant(text: &str, grammar: PolicyGrammar) -> Arc<PolicyDocument> {
    Arc::new(PolicyDocument::parse_str(text, grammar).expect("a constant policy parses"))
}

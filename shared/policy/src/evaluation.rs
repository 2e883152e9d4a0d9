//! Evaluation: every layer, without early return, with evidence.

use crate::completion;
use crate::context::ContextValue;
use crate::decision::{Decision, Possible, Truth};
use crate::document::{Effect, Statement};
use crate::layer::{LayerKind, Policy, PolicySet};
use crate::matching::{Skips, matches_principal, matches_resource, resolved_values, resource_account};
use crate::principal::Principal;
use crate::request::Request;

/// Which statement of which policy, by position in the [`PolicySet`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatementRef {
    /// The layer.
    pub layer: LayerKind,
    /// The level, from the root down; `Some` only for SCPs and RCPs.
    pub level: Option<usize>,
    /// Index of the policy in its layer or level.
    pub policy: usize,
    /// Index of the statement in its document.
    pub statement: usize,
}

/// The result of evaluating one request against a [`PolicySet`].
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Every decision that some completion of the unknowns gives.
    pub possible: Possible,
    /// The budget for enumerating completions was used up: `possible` may hold too much, never too little.
    pub approximate: bool,
    /// Each layer that applies, in the order of [`LayerKind::ALL`].
    pub layers: Vec<LayerEvaluation>,
    /// The unknown context keys on which an undetermined decision turns, as spelled in the context, sorted.
    pub unknown_keys: Vec<String>,
    /// The layers with unreadable policies on which an undetermined decision turns.
    pub unreadable_layers: Vec<LayerKind>,
}

impl Evaluation {
    /// The decision when all completions agree; `None` is `Undetermined`.
    pub fn decision(&self) -> Option<Decision> {
        self.possible.determined()
    }
    /// The evaluation of one layer, if it applies.
    pub fn layer(&self, kind: LayerKind) -> Option<&LayerEvaluation> {
        self.layers.iter().find(|layer| layer.layer == kind)
    }
}

/// What one layer says by itself.
#[derive(Debug, Clone)]
pub struct LayerEvaluation {
    /// Which layer.
    pub layer: LayerKind,
    /// Its possible decisions.
    pub possible: Possible,
    /// For SCPs and RCPs what each level says, from the root down; empty for other layers.
    pub levels: Vec<Possible>,
    /// The statements that make this decision (the matching Denys, else the matching Allows), or on which it turns.
    pub decisive: Vec<StatementRef>,
    /// Every statement with its elements; filled by [`evaluate`], empty after [`crate::evaluation::decide`].
    pub statements: Vec<StatementTrace>,
}

/// One statement held against the request.
#[derive(Debug, Clone)]
pub struct StatementTrace {
    /// Which statement.
    pub at: StatementRef,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whether the statement as a whole matches.
    pub outcome: Truth,
    /// Whether the action element matches (after `NotAction` was turned round).
    pub action: Truth,
    /// Whether the resource element matches (after `NotResource` was turned round).
    pub resource: Truth,
    /// Whether the principal element matches; `None` where the grammar has none.
    pub principal: Option<Truth>,
    /// Each condition.
    pub conditions: Vec<ConditionTrace>,
}

/// One condition (an operator, a key, its values) held against the context.
#[derive(Debug, Clone)]
pub struct ConditionTrace {
    /// JSON pointer to the values in the document.
    pub pointer: String,
    /// As spelled in the document, for example `ForAnyValue:StringLikeIfExists`.
    pub operator: String,
    /// As spelled in the document.
    pub key: String,
    /// The values of the document.
    pub expected: Vec<String>,
    /// The values after policy variables were put in, where that changed them; `None` in the list for a variable that has no
    /// value.
    pub resolved: Option<Vec<Option<String>>>,
    /// What the request has.
    pub actual: ContextValue,
    /// Whether it holds.
    pub outcome: Truth,
}

/// Evaluates a request with the full trace of every statement in every layer.
pub fn evaluate(policies: &PolicySet, request: &Request) -> Evaluation {
    completion::evaluate(policies, request, true)
}

/// The same result without the traces of statements.
pub fn decide(policies: &PolicySet, request: &Request) -> Evaluation {
    completion::evaluate(policies, request, false)
}

/// What an unreadable policy is taken to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Anything.
    Unknown,
    /// It allows, or is not there at all.
    Open,
    /// It is there and allows nothing.
    Nothing,
    /// It denies.
    Denies,
    /// In a resource's policies: it allows in this form.
    AllowsAs(Skips),
}

/// One pass over all layers.
pub(crate) struct Pass {
    pub possible: Possible,
    pub layers: Vec<LayerEvaluation>,
}

/// The layers' truths of one pass: whether something denies, and whether it allows.
#[derive(Clone, Copy)]
struct Truths {
    deny: Truth,
    allow: Truth,
}

impl Truths {
    fn possible(self) -> Possible {
        let mut possible = Possible::NONE;
        if self.deny.possible() {
            possible = possible.with(Decision::ExplicitDeny);
        }
        if self.deny != Truth::True {
            if self.allow.possible() {
                possible = possible.with(Decision::Allowed);
            }
            if self.allow != Truth::True {
                possible = possible.with(Decision::ImplicitDeny);
            }
        }
        possible
    }
}

/// Evaluates once; `unread` says what each unreadable policy does, in the order of [`unreadable`].
pub(crate) fn pass(policies: &PolicySet, request: &Request, unread: Option<&[Unread]>, traced: bool) -> Pass {
    let walk = Walk { request, policies, unread, next: 0, traced, layers: Vec::new(), skips: SkipTruths::default() };
    walk.run()
}

/// Where the unreadable policies are: layer, level, index.
pub(crate) fn unreadable(policies: &PolicySet, request: &Request) -> Vec<(LayerKind, Option<usize>)> {
    let mut list = Vec::new();
    for (layer, levels) in layers(policies, request) {
        for (level, policies) in levels {
            list.extend(policies.iter().filter(|policy| policy.document.is_none()).map(|_| (layer, level)));
        }
    }
    list
}

type Levels<'p> = Vec<(Option<usize>, &'p [Policy])>;

/// The layers that apply, in the order in which they are shown.
fn layers<'p>(policies: &'p PolicySet, request: &Request) -> Vec<(LayerKind, Levels<'p>)> {
    let mut list: Vec<(LayerKind, Levels)> = Vec::new();
    let one = |policies: &'p [Policy]| vec![(None, policies)];
    let own = !matches!(request.principal, Principal::Service(_) | Principal::Anonymous);
    if own || !policies.identity.is_empty() {
        list.push((LayerKind::Identity, one(&policies.identity)));
    }
    if let Some(boundary) = policies.boundary.as_deref().filter(|list| !list.is_empty()) {
        list.push((LayerKind::Boundary, one(boundary)));
    }
    let federated = matches!(request.principal, Principal::FederatedUser { .. });
    match policies.session.as_deref() {
        Some(session) if !session.is_empty() => list.push((LayerKind::Session, one(session))),
        _ if federated => list.push((LayerKind::Session, one(&[]))),
        _ => {}
    }
    let by_level = |levels: &'p [Vec<Policy>]| {
        levels.iter().enumerate().map(|(index, level)| (Some(index), level.as_slice())).collect::<Levels>()
    };
    if let Some(levels) = policies.service_control.as_deref().filter(|list| !list.is_empty()) {
        if own && !request.principal.is_service_linked() {
            list.push((LayerKind::ServiceControl, by_level(levels)));
        }
    }
    if let Some(levels) = policies.resource_control.as_deref().filter(|list| !list.is_empty()) {
        list.push((LayerKind::ResourceControl, by_level(levels)));
    }
    if !policies.resource.is_empty() || !same_account(request) {
        list.push((LayerKind::Resource, one(&policies.resource)));
    }
    if let Some(endpoint) = policies.vpc_endpoint.as_deref().filter(|list| !list.is_empty()) {
        list.push((LayerKind::VpcEndpoint, one(endpoint)));
    }
    list
}

fn same_account(request: &Request) -> bool {
    request.principal.account().is_some_and(|account| account == resource_account(request))
}

/// Which implicit denies an allow of the resource's policies skips, each with its truth.
#[derive(Clone, Copy)]
struct SkipTruths {
    identity: Truth,
    boundary: Truth,
    session: Truth,
}

impl Default for SkipTruths {
    fn default() -> SkipTruths {
        SkipTruths { identity: Truth::False, boundary: Truth::False, session: Truth::False }
    }
}

impl SkipTruths {
    fn add(&mut self, skips: Skips, truth: Truth) {
        let with = |on: bool| if on { truth } else { Truth::False };
        self.identity = self.identity.or(with(skips.identity));
        self.boundary = self.boundary.or(with(skips.boundary));
        self.session = self.session.or(with(skips.session));
    }
}

struct Walk<'a> {
    request: &'a Request,
    policies: &'a PolicySet,
    unread: Option<&'a [Unread]>,
    next: usize,
    traced: bool,
    layers: Vec<LayerEvaluation>,
    skips: SkipTruths,
}

impl Walk<'_> {
    fn run(mut self) -> Pass {
        let mut deny = Truth::False;
        let mut gates: Vec<(LayerKind, Truth)> = Vec::new();
        for (layer, levels) in layers(self.policies, self.request) {
            let truths = self.layer(layer, &levels);
            deny = deny.or(truths.deny);
            gates.push((layer, truths.allow));
        }
        let allow = self.allow(&gates);
        Pass { possible: Truths { deny, allow }.possible(), layers: self.layers }
    }

    /// Whether everything that must allow does. Source: IAM User Guide, "Policy evaluation logic", "Cross-account policy
    /// evaluation logic", and "AWS JSON policy elements: Principal" for what a resource policy's allow skips.
    fn allow(&self, gates: &[(LayerKind, Truth)]) -> Truth {
        let gate = |kind: LayerKind| gates.iter().find(|(layer, _)| *layer == kind).map(|(_, truth)| *truth);
        let open = |kind: LayerKind| gate(kind).unwrap_or(Truth::True);
        let guards =
            open(LayerKind::ServiceControl).and(open(LayerKind::ResourceControl)).and(open(LayerKind::VpcEndpoint));
        let (boundary, session) = (open(LayerKind::Boundary), open(LayerKind::Session));
        let identity = match self.request.principal {
            Principal::Root { .. } => Truth::True,
            _ => gate(LayerKind::Identity).unwrap_or(Truth::False),
        };
        match self.request.principal {
            Principal::Service(_) | Principal::Anonymous => {
                open(LayerKind::Resource).and(boundary).and(session).and(guards)
            }
            _ if same_account(self.request) => {
                let skips = self.skips;
                let own = identity.or(skips.identity).and(boundary.or(skips.boundary)).and(session.or(skips.session));
                own.and(guards)
            }
            _ => identity.and(boundary).and(session).and(open(LayerKind::Resource)).and(guards),
        }
    }

    fn layer(&mut self, layer: LayerKind, levels: &Levels) -> Truths {
        let mut all = Truths { deny: Truth::False, allow: Truth::True };
        let mut statements = Vec::new();
        let mut by_level = Vec::new();
        for (level, policies) in levels {
            let mut truths = Truths { deny: Truth::False, allow: Truth::False };
            for (index, policy) in policies.iter().enumerate() {
                match &policy.document {
                    None => self.unread_policy(layer, &mut truths),
                    Some(document) => {
                        for (number, statement) in document.statements.iter().enumerate() {
                            let at = StatementRef { layer, level: *level, policy: index, statement: number };
                            let (trace, skips) = self.statement(at, statement);
                            match statement.effect {
                                Effect::Deny => truths.deny = truths.deny.or(trace.outcome),
                                Effect::Allow => {
                                    truths.allow = truths.allow.or(trace.outcome);
                                    if layer == LayerKind::Resource {
                                        self.skips.add(skips, trace.outcome);
                                    }
                                }
                            }
                            statements.push(trace);
                        }
                    }
                }
            }
            if level.is_some() {
                by_level.push(truths.possible());
            }
            all.deny = all.deny.or(truths.deny);
            all.allow = all.allow.and(truths.allow);
        }
        if layer == LayerKind::Identity && matches!(self.request.principal, Principal::Root { .. }) {
            all.allow = Truth::True;
        }
        let possible = all.possible();
        let decisive = decisive(possible, &statements);
        if !self.traced {
            statements.clear();
        }
        self.layers.push(LayerEvaluation { layer, possible, levels: by_level, decisive, statements });
        all
    }

    fn unread_policy(&mut self, layer: LayerKind, truths: &mut Truths) {
        let unread = self.unread.and_then(|list| list.get(self.next)).copied().unwrap_or(Unread::Unknown);
        self.next += 1;
        let (deny, allow) = match unread {
            Unread::Unknown => (Truth::Unknown, Truth::Unknown),
            Unread::Open | Unread::AllowsAs(_) => (Truth::False, Truth::True),
            Unread::Nothing => (Truth::False, Truth::False),
            Unread::Denies => (Truth::True, Truth::False),
        };
        truths.deny = truths.deny.or(deny);
        truths.allow = truths.allow.or(allow);
        if layer == LayerKind::Resource {
            match unread {
                Unread::Unknown => self.skips.add(Skips::ALL, Truth::Unknown),
                Unread::AllowsAs(skips) => self.skips.add(skips, Truth::True),
                _ => {}
            }
        }
    }

    fn statement(&self, at: StatementRef, statement: &Statement) -> (StatementTrace, Skips) {
        let request = self.request;
        let action = Truth::from(statement.action.matches(&request.action));
        let resource = matches_resource(statement, request);
        let bounded = self.policies.boundary.as_ref().is_some_and(|list| !list.is_empty());
        let (principal, skips) = match &statement.principal {
            Some(element) => {
                let (truth, skips) = matches_principal(element, statement.effect, &request.principal, bounded);
                (Some(truth), skips)
            }
            None => (None, Skips::ALL),
        };
        let conditions: Vec<ConditionTrace> = statement
            .conditions
            .iter()
            .map(|condition| ConditionTrace {
                pointer: condition.pointer.clone(),
                operator: condition.operator.text.clone(),
                key: condition.key.clone(),
                expected: condition.values.clone(),
                resolved: resolved_values(condition, &request.context),
                actual: request.context.get(&condition.key).clone(),
                outcome: condition.outcome(&request.context),
            })
            .collect();
        let outcome =
            conditions.iter().fold(action.and(resource).and(principal.unwrap_or(Truth::True)), |truth, condition| {
                truth.and(condition.outcome)
            });
        (StatementTrace { at, effect: statement.effect, outcome, action, resource, principal, conditions }, skips)
    }
}

/// The statements that make a layer's decision, or on which it turns.
fn decisive(possible: Possible, statements: &[StatementTrace]) -> Vec<StatementRef> {
    let that = |effect: Effect| {
        let matching = statements.iter().filter(move |trace| trace.effect == effect && trace.outcome == Truth::True);
        matching.map(|trace| trace.at.clone()).collect()
    };
    match possible.determined() {
        Some(Decision::ExplicitDeny) => that(Effect::Deny),
        Some(Decision::Allowed) => that(Effect::Allow),
        Some(Decision::ImplicitDeny) => Vec::new(),
        None => statements.iter().filter(|trace| trace.outcome.possible()).map(|trace| trace.at.clone()).collect(),
    }
}

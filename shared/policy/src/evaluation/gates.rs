//! How the layers make one decision: every rule of who must allow, who may deny, and what an allow of the resource lifts.

use super::environment::Environment;
use super::outcome::{MATCH, Outcome, SKIP_BOUNDARY, SKIP_IDENTITY, SKIP_SESSION};
use crate::decision::{Decision, Possible};
use crate::document::Effect;
use crate::layer::LayerKind;
use crate::principal::Principal;

/// One completion of what is not known, reduced to what the decision turns on: whether each layer lets the request through.
/// A layer that does not apply does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct World {
    /// Some Deny statement matches.
    pub(super) deny: bool,
    pub(super) identity: bool,
    pub(super) boundary: bool,
    pub(super) session: bool,
    pub(super) service_control: bool,
    pub(super) resource_control: bool,
    pub(super) vpc_endpoint: bool,
    /// The bits of all matching allows in policies of the resource.
    pub(super) resource: u8,
}

/// What of the principal and the resource the rules turn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// The caller needs no allow of an identity policy: the root user, a service, an anonymous caller.
    identity_not_needed: bool,
    /// A federated user has no permissions without a session policy.
    session_needed: bool,
    same_account: bool,
    root: bool,
}

impl Rules {
    pub(super) fn new(environment: &Environment<'_>) -> Rules {
        Rules {
            identity_not_needed: matches!(
                environment.principal,
                Principal::Root { .. } | Principal::Service(_) | Principal::Anonymous
            ),
            session_needed: matches!(environment.principal, Principal::FederatedUser { .. }),
            same_account: environment.same_account,
            root: matches!(environment.principal, Principal::Root { .. }),
        }
    }

    /// The world in which no layer applies.
    pub(super) fn empty_world(self) -> World {
        World {
            deny: false,
            identity: self.identity_not_needed,
            boundary: true,
            session: !self.session_needed,
            service_control: true,
            resource_control: true,
            vpc_endpoint: true,
            resource: 0,
        }
    }

    /// Puts into a world what one layer comes to in it.
    pub(super) fn set(self, world: &mut World, layer: LayerKind, deny: bool, allow: u8) {
        let allowed = allow & MATCH != 0;
        world.deny |= deny;
        match layer {
            LayerKind::Identity => world.identity = allowed || self.identity_not_needed,
            LayerKind::Boundary => world.boundary = allowed,
            LayerKind::Session => world.session = allowed,
            LayerKind::ServiceControl => world.service_control = allowed,
            LayerKind::ResourceControl => world.resource_control = allowed,
            LayerKind::Resource => world.resource = allow,
            LayerKind::VpcEndpoint => world.vpc_endpoint = allowed,
        }
    }

    /// What a layer says by itself: the root user needs no identity policy.
    pub(super) fn layer(self, layer: LayerKind, tally: Tally) -> Tally {
        match layer {
            LayerKind::Identity if self.root => Tally { allow: Outcome::ALWAYS, ..tally },
            _ => tally,
        }
    }

    /// The decision in one world.
    pub(super) fn decide(self, world: World) -> Decision {
        if world.deny {
            return Decision::ExplicitDeny;
        }
        let World { identity, boundary, session, resource, .. } = world;
        let guards = world.service_control && world.resource_control && world.vpc_endpoint;
        let allowed = if self.same_account {
            guards
                && (identity || resource & SKIP_IDENTITY != 0)
                && (boundary || resource & SKIP_BOUNDARY != 0)
                && (session || resource & SKIP_SESSION != 0)
        } else {
            guards && identity && boundary && session && resource & MATCH != 0
        };
        if allowed { Decision::Allowed } else { Decision::ImplicitDeny }
    }

    /// Every decision between the world where as little as possible matches and the one where as much as possible does. More
    /// allows never turn an allow into a refusal, so this misses nothing; it may hold too much.
    pub(super) fn between(self, least: World, most: World) -> Possible {
        if least.deny {
            return Possible::only(Decision::ExplicitDeny);
        }
        let without_deny = |world: World| self.decide(World { deny: false, ..world });
        let possible = Possible::only(without_deny(least)).with(without_deny(most));
        if most.deny { possible.with(Decision::ExplicitDeny) } else { possible }
    }
}

/// What the statements of one layer, or of one level of it, come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) deny: Outcome,
    pub(super) allow: Outcome,
}

impl Tally {
    pub(super) const NOTHING: Tally = Tally { deny: Outcome::NEVER, allow: Outcome::NEVER };

    /// Of a layer, from those of its levels: one may deny, and all must allow.
    pub(super) fn of_levels(levels: impl Iterator<Item = Tally>) -> Tally {
        levels.fold(Tally { deny: Outcome::NEVER, allow: Outcome::ALWAYS }, |layer, level| Tally {
            deny: layer.deny | level.deny,
            allow: layer.allow & level.allow,
        })
    }

    /// Adds a statement.
    pub(super) fn take(&mut self, effect: Effect, outcome: Outcome) {
        match effect {
            Effect::Deny => self.deny = self.deny | outcome,
            Effect::Allow => self.allow = self.allow | outcome,
        }
    }

    /// Adds a policy that could not be read.
    pub(super) fn take_unreadable(&mut self) {
        self.take(Effect::Deny, Outcome::UNKNOWN);
        self.take(Effect::Allow, Outcome::UNKNOWN);
    }

    /// Puts what a layer comes to into the worlds where as little and as much as possible matches.
    pub(super) fn put(self, rules: Rules, layer: LayerKind, least: &mut World, most: &mut World) {
        rules.set(least, layer, self.deny.must & MATCH != 0, self.allow.must);
        rules.set(most, layer, self.deny.may & MATCH != 0, self.allow.may);
    }

    /// The layer's own decisions.
    pub(super) fn possible(self) -> Possible {
        if self.deny.must & MATCH != 0 {
            return Possible::only(Decision::ExplicitDeny);
        }
        let mut possible = Possible::NONE;
        if self.allow.may & MATCH != 0 {
            possible = possible.with(Decision::Allowed);
        }
        if self.allow.must & MATCH == 0 {
            possible = possible.with(Decision::ImplicitDeny);
        }
        if self.deny.may & MATCH != 0 { possible.with(Decision::ExplicitDeny) } else { possible }
    }
}

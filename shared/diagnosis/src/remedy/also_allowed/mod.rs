//! What else remedies let through: the refused request is varied in one respect at a time, and every variation is evaluated
//! without the remedies and with them. What another policy still refuses is looked at besides, with each layer that a remedy
//! touches taken alone, and so is whoever else the changed document speaks of.

mod sentence;
mod variation;

use std::sync::Arc;

use serde_json::Value;
use sesame_policy::evaluation::decide;
use sesame_policy::{Decision, LayerKind, PolicySet, Possible, Request};

use self::sentence::Phrase;
use self::variation::{AtPlay, Bearing, Variation, by_another};
use super::Situation;
use super::draft::Draft;
use super::patched::{self, Change, patched, patched_on};
use crate::assemble::Attached;
use crate::examine::{Blocker, Examined, alone, neutralize, only, unreadable_policies};
use crate::finding::TargetKind;
use crate::question::Question;
use crate::words;

/// How many examples a remedy shows.
const EXAMPLES: usize = 10;

/// The refused questions and what is tried beside them.
pub struct Variations<'e> {
    questions: Vec<Tried<'e>>,
}

/// One refused question and its variations, each with what it comes to before any change.
struct Tried<'e> {
    examined: &'e Examined,
    variations: Vec<(Variation, Possible)>,
}

/// What remedies allow beyond the refused requests.
#[derive(Debug, Clone, Default)]
pub struct AlsoAllowed {
    /// One sentence.
    pub sentence: String,
    /// Examples, as they stand in `alsoAllowedRequests`.
    pub examples: Vec<Value>,
}

/// What was found on the way to the sentence.
#[derive(Default)]
struct Seen<'e> {
    /// Allowed as soon as the changes are made.
    now: Vec<Phrase>,
    /// Let through by a changed layer, and refused by another.
    behind: Vec<Phrase>,
    /// Who else is let through, "every other principal …".
    others: Vec<String>,
    sends: Vec<&'e Question>,
    sends_behind: Vec<&'e Question>,
    examples: Vec<Value>,
}

impl<'e> Variations<'e> {
    /// The variations of the refused questions, in their latest request context, over what these drafts write.
    pub fn of(situation: &Situation<'e>, drafts: &[Draft]) -> Variations<'e> {
        let examined = situation.examined;
        let surely = Possible::only(Decision::Allowed);
        let at_play = AtPlay::of(drafts);
        // What the same call asks, and what a plan lets through besides, by name.
        let asked = |of: &Examined| -> Vec<&Question> {
            let belongs =
                |other: &Examined| Arc::ptr_eq(&other.denial, &of.denial) || other.evaluation.possible != surely;
            let contexts = examined.iter().filter(|contexts| contexts.iter().any(belongs));
            contexts.filter_map(|contexts| Some(&contexts.first()?.question)).collect()
        };
        let refused = examined
            .iter()
            .filter_map(|contexts| contexts.first())
            .filter(|examined| examined.evaluation.possible != surely);
        let tried = |examined: &'e Examined| {
            let itself = by_what_was_read(examined, &examined.policies, &examined.request);
            let variations =
                variation::variations(situation, examined, &at_play, &asked(examined)).into_iter().map(|variation| {
                    let policies = variation.bearing.first().map_or(&examined.policies, |bearing| &bearing.policies);
                    let before = match &variation.request {
                        Some(request) => by_what_was_read(examined, policies, request),
                        None => itself,
                    };
                    (variation, before)
                });
            // What is allowed already cannot become so.
            Tried { examined, variations: variations.filter(|(_, before)| *before != surely).collect() }
        };
        Variations { questions: refused.map(tried).collect() }
    }

    /// One sentence, and examples, of what these changes allow beyond the refused requests.
    pub fn also_allowed(&self, changes: &[&Change], who: &str) -> AlsoAllowed {
        let mut seen = Seen::default();
        for tried in &self.questions {
            tried.look(changes, &mut seen);
        }
        AlsoAllowed { sentence: sentence::sentence(&seen, who), examples: seen.examples }
    }
}

impl<'e> Tried<'e> {
    fn look(&self, changes: &[&Change], seen: &mut Seen<'e>) {
        let Tried { examined, variations } = self;
        let policies = patched(examined, changes);
        let itself = by_what_was_read(examined, &policies, &examined.request);
        let touched = Touched::of(examined, &examined.policies, &policies, changes);
        for (variation, before) in variations {
            let request = variation.request.as_ref().unwrap_or(&examined.request);
            let opened = match variation.bearing.as_slice() {
                [] => {
                    let after = variation
                        .request
                        .as_ref()
                        .map_or(itself, |request| by_what_was_read(examined, &policies, request));
                    opened(*before, after, &touched, request)
                        .or_else(|| perhaps(&examined.policies, &policies, request))
                }
                [read, all @ ..] => {
                    let patched =
                        |bearing: &Bearing| patched_on(&bearing.set, &bearing.policies, &request.resource, changes);
                    let after = patched(read);
                    let touched = Touched::of(examined, &read.policies, &after, changes);
                    opened(*before, by_what_was_read(examined, &after, request), &touched, request)
                        .or_else(|| perhaps(&read.policies, &after, request))
                        .or_else(|| all.iter().find_map(|all| perhaps(&all.policies, &patched(all), request)))
                }
            };
            let Some(opened) = opened else { continue };
            let behind = opened == Opened::Behind;
            let (phrases, sends) = match behind {
                false => (&mut seen.now, &mut seen.sends),
                true => (&mut seen.behind, &mut seen.sends_behind),
            };
            let phrase = Phrase::of(variation);
            if !phrases.contains(&phrase) {
                phrases.push(phrase);
            }
            if !sends.contains(&&examined.question) {
                sends.push(&examined.question);
            }
            if seen.examples.len() < EXAMPLES {
                let mut shown = variation.shown.clone();
                if let (true, Some(fields)) = (behind, shown.as_object_mut()) {
                    fields.insert("refusedBy".to_owned(), Value::from("other policies"));
                }
                seen.examples.push(shown);
            }
        }
        for who in changes.iter().filter_map(|change| lets_others_through(examined, change)) {
            if !seen.others.contains(&who) {
                seen.others.push(who);
            }
        }
    }
}

/// What a request comes to by what was read: a policy that was not is taken to refuse nothing, and to allow only where another
/// one must allow as well, or where nothing of the caller was read. What is said of it is said beside the sentence.
fn by_what_was_read(examined: &Examined, policies: &PolicySet, request: &Request) -> Possible {
    let beside = examined.set.identity.iter().any(|policy| policy.info.is_some());
    let (own, others): (Vec<Blocker>, Vec<Blocker>) =
        unreadable_policies(policies).into_iter().partition(|unread| beside && unread.layer() == LayerKind::Identity);
    if own.is_empty() && others.is_empty() {
        return decide(policies, request).possible;
    }
    let mut known = neutralize(policies, &others, request);
    known.identity.retain(|policy| policy.document.is_some());
    decide(&known, request).possible
}

/// Whether what was not read may let it through once these policies are those.
fn perhaps(before: &PolicySet, after: &PolicySet, request: &Request) -> Option<Opened> {
    let unread = !unreadable_policies(after).is_empty();
    let opens = || becomes_allowed(decide(before, request).possible, decide(after, request).possible);
    (unread && opens()).then_some(Opened::Behind)
}

/// How far changes let a variation through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opened {
    /// It is allowed.
    Now,
    /// Other policies still refuse it, or may.
    Behind,
}

fn opened(before: Possible, after: Possible, touched: &[Touched], request: &Request) -> Option<Opened> {
    if becomes_allowed(before, after) {
        return Some(Opened::Now);
    }
    touched.iter().any(|layer| layer.lets_through(request)).then_some(Opened::Behind)
}

/// Whether a request that was refused is no longer so, or one that was open is now allowed for certain.
fn becomes_allowed(before: Possible, after: Possible) -> bool {
    let newly = !before.contains(Decision::Allowed) && after.contains(Decision::Allowed);
    newly || (before != after && after == Possible::only(Decision::Allowed))
}

/// A layer, or a level of SCPs, that the changes touch, with all others open: without the changes and with them.
struct Touched {
    before: PolicySet,
    after: PolicySet,
}

impl Touched {
    fn of(examined: &Examined, before: &PolicySet, after: &PolicySet, changes: &[&Change]) -> Vec<Touched> {
        let mut layers = patched::places(examined, changes);
        // Where nothing else stands in the way, the layer alone is the whole.
        let identity_only = after.boundary.is_none()
            && after.session.is_none()
            && after.service_control.is_none()
            && after.vpc_endpoint.is_none()
            && after.resource.is_empty()
            && crate::examine::same_account(&examined.request);
        layers.retain(|(layer, _)| !(identity_only && *layer == LayerKind::Identity));
        let of = |policies: &PolicySet, (layer, level): (LayerKind, Option<usize>)| {
            alone(policies, layer, level, &examined.request)
        };
        layers.into_iter().map(|place| Touched { before: of(before, place), after: of(after, place) }).collect()
    }

    fn lets_through(&self, request: &Request) -> bool {
        becomes_allowed(decide(&self.before, request).possible, decide(&self.after, request).possible)
    }
}

/// Whether a changed document also lets other principals through, and which.
fn lets_others_through(examined: &Examined, change: &Change) -> Option<String> {
    let target = change.target();
    // What is detached from one principal stays on all others; a group and a node of the organization hold many.
    let of_one = |arn: &str| arn.contains(":user/") || arn.contains(":role/");
    if change.is_detachment() && target.principal.as_deref().is_some_and(of_one) {
        return None;
    }
    let shared = match target.kind {
        TargetKind::UserInline | TargetKind::RoleInline => false,
        TargetKind::PermissionSet => true,
        TargetKind::CustomerManaged | TargetKind::Boundary => !change.is_new(),
        TargetKind::GroupInline | TargetKind::Scp | TargetKind::SendingAuthorization => true,
    };
    let request = by_another(&examined.request).filter(|_| shared)?;
    let layer = patched::layer(target.kind);
    let there =
        |(_, _, attached): &(LayerKind, Option<usize>, &Attached)| patched::same_policy(&attached.target, target);
    let attached = examined.set.iter().find(there).map(|(_, _, attached)| attached);
    let before = attached.and_then(|attached| attached.document.clone());
    // A new sending authorization policy is asked for its own identity alone.
    if attached.is_none()
        && target.kind == TargetKind::SendingAuthorization
        && !patched::is_of(&examined.question.resource, target)
    {
        return None;
    }
    let after = change.document();
    // Beside the changed policy nothing, and something that allows: an Allow shows in the one, an exception to a Deny in the other.
    let open = [false, true].into_iter().any(|beside| {
        let of = |document| decide(&only(layer, document, beside, &request), &request).possible;
        becomes_allowed(of(before.clone()), of(after.clone()))
    });
    open.then(|| others(examined, change, attached))
}

/// Whom else a document speaks of: "every other principal below organizational unit `Prod`".
fn others(examined: &Examined, change: &Change, attached: Option<&Attached>) -> String {
    let target = change.target();
    let name = attached.and_then(|attached| attached.info.as_ref()).map(|info| format!(" `{}`", info.name));
    let name = name.unwrap_or_default();
    match target.kind {
        TargetKind::Scp => {
            let nodes = patched::levels(examined, change);
            let levels = nodes.into_iter().filter_map(|level| examined.set.level(Some(level))?.level.as_ref());
            let places: Vec<String> = levels.map(words::level).collect();
            match places.as_slice() {
                [account] if account.starts_with("account ") => format!("every other principal of {account}"),
                _ => format!("every other principal below {}", words::join(&places)),
            }
        }
        TargetKind::Boundary => format!("every other principal with permissions boundary{name}"),
        TargetKind::PermissionSet => "the role of the same permission set in every other account".to_owned(),
        // A managed policy is detached from a group alone.
        kind if kind == TargetKind::GroupInline || change.is_detachment() => {
            let group = target.principal.as_deref().map(words::short_arn).unwrap_or_else(|| "the group".to_owned());
            format!("every other member of {group}")
        }
        TargetKind::SendingAuthorization => {
            format!("every other principal that policy{name} speaks of")
        }
        _ => format!("every other principal with managed policy{name}"),
    }
}

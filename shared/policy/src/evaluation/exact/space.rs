//! The axes of what is not known, and the statement elements that turn on them.

use super::super::environment::{Environment, RoleArn};
use super::super::outcome::Outcome;
use crate::arn::Arn;
use crate::condition::Condition;
use crate::context::{Context, ContextValue, KeyType};
use crate::decision::Truth;
use crate::document::{Effect, PrincipalElement, PrincipalPattern, ResourceElement};
use crate::evaluation::Assumed;
use crate::layer::LayerKind;
use crate::pattern::{Substitute, Variable};
use crate::principal::Principal;

/// How many combinations of values are looked at for one statement element.
const COMBINATIONS: usize = 65_536;

/// Something that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AxisKind {
    /// A condition key.
    Key { key: String, hash: u64, kind: KeyType },
    /// The name of the role's session.
    Session,
    /// Who got the federated user's credentials.
    Issuer,
    /// Policies that could not be read, of a layer or of one level.
    Unreadable { layer: LayerKind, level: Option<usize> },
}

/// What an axis may turn out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AxisValue {
    Key(ContextValue),
    Session(String),
    Issuer(Arn),
    Unreadable(Assumed),
}

impl AxisValue {
    /// The texts of a list.
    pub(super) fn texts(&self) -> &[String] {
        match self {
            AxisValue::Key(ContextValue::Many(texts)) => texts,
            _ => &[],
        }
    }
}

#[derive(Debug)]
pub(super) struct Axis {
    pub(super) kind: AxisKind,
    /// Of a key whose values are lists: absent, the empty list, and lists of one text, of which longer ones are made.
    pub(super) values: Vec<AxisValue>,
    /// No combination of outcomes is missing from the values.
    pub(super) complete: bool,
}

impl Axis {
    pub(super) fn is_list(&self) -> bool {
        matches!(self.kind, AxisKind::Key { kind: KeyType::TextList, .. })
    }
}

/// An element of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element<'p> {
    Principal(&'p PrincipalElement, Effect),
    Resource(&'p ResourceElement),
    Condition(&'p Condition),
}

/// An element whose outcome is not known, with its outcome for each combination of its axes' values.
#[derive(Debug)]
pub(super) struct Atom<'p> {
    pub(super) element: Element<'p>,
    pub(super) axes: Vec<usize>,
    /// Outcome bits; the last axis runs fastest. `None`: over the budget.
    table: Option<Vec<u8>>,
}

impl<'p> Atom<'p> {
    pub(super) fn new(element: Element<'p>, axes: Vec<usize>) -> Atom<'p> {
        Atom { element, axes, table: None }
    }

    pub(super) fn table(&self) -> Option<&[u8]> {
        self.table.as_deref()
    }
}

/// All axes and atoms of an evaluation.
#[derive(Debug, Default)]
pub(super) struct Space<'p> {
    pub(super) axes: Vec<Axis>,
    pub(super) atoms: Vec<Atom<'p>>,
}

impl Space<'_> {
    /// The axis of a kind, made when it is new.
    pub(super) fn axis(&mut self, kind: AxisKind) -> usize {
        match self.axes.iter().position(|axis| axis.kind == kind) {
            Some(index) => index,
            None => {
                self.axes.push(Axis { kind, values: Vec::new(), complete: true });
                self.axes.len() - 1
            }
        }
    }

    /// The axis of a condition key.
    pub(super) fn key_axis(&mut self, key: &str, hash: u64) -> usize {
        let known = |axis: &Axis| matches!(&axis.kind, AxisKind::Key { key: own, .. } if own.eq_ignore_ascii_case(key));
        match self.axes.iter().position(known) {
            Some(index) => index,
            None => self.axis(AxisKind::Key { key: key.to_owned(), hash, kind: KeyType::of(key) }),
        }
    }

    /// The axis of a policy variable whose value is not known.
    pub(super) fn variable_axis(&mut self, variable: &Variable, context: &Context) -> Option<usize> {
        match variable.substitute(context) {
            Substitute::Unknown => Some(self.key_axis(&variable.key, variable.hash)),
            Substitute::Text(_) | Substitute::Nothing => None,
        }
    }

    pub(super) fn size(&self, axes: &[usize]) -> usize {
        axes.iter().fold(1, |size, axis| size.saturating_mul(self.axes.get(*axis).map_or(1, |axis| axis.values.len())))
    }

    /// Every combination of the values of some axes, as the index of each axis of the space (0 for the others), the last one
    /// of the given axes running fastest.
    pub(super) fn combinations(&self, axes: &[usize]) -> Combinations {
        let axes = axes.iter().map(|axis| (*axis, self.axes.get(*axis).map_or(1, |axis| axis.values.len()))).collect();
        Combinations { axes, at: vec![0; self.axes.len()], started: false }
    }

    /// The values of the axes that are no condition keys, and no unreadable policies.
    pub(super) fn fill_principals(&mut self, environment: &Environment<'_>) {
        let mut sessions: Vec<String> = Vec::new();
        let mut issuers: Vec<Arn> = Vec::new();
        for atom in &self.atoms {
            let Element::Principal(element, _) = atom.element else { continue };
            for member in &element.members {
                let PrincipalPattern::Arn(arn) = member else { continue };
                if let RoleArn::Session(name) = environment.role(arn)
                    && !sessions.iter().any(|known| known == name)
                {
                    sessions.push(name.to_owned());
                }
                if environment.could_have_issued(arn) && !issuers.contains(arn) {
                    issuers.push(arn.clone());
                }
            }
        }
        let mut another = "another-session".to_owned();
        while sessions.contains(&another) {
            another.push('-');
        }
        sessions.push(another);
        // None of the users that are named.
        issuers.extend(another_issuer(environment.principal, &issuers));
        for axis in &mut self.axes {
            match axis.kind {
                AxisKind::Session => axis.values = sessions.iter().cloned().map(AxisValue::Session).collect(),
                AxisKind::Issuer => axis.values = issuers.iter().cloned().map(AxisValue::Issuer).collect(),
                AxisKind::Key { .. } | AxisKind::Unreadable { .. } => {}
            }
        }
    }

    /// Evaluates every atom for every combination of its axes' values.
    pub(super) fn fill_tables(&mut self, environment: &Environment<'_>) {
        for index in 0..self.atoms.len() {
            let Some(Atom { element, axes, .. }) = self.atoms.get(index) else { continue };
            let (element, size) = (*element, self.size(axes));
            if size > COMBINATIONS {
                continue;
            }
            let mut table = Vec::with_capacity(size);
            let mut context = environment.context.clone();
            let mut combinations = self.combinations(axes);
            while let Some(at) = combinations.next_combination() {
                table.push(self.evaluate(element, axes, at, environment, &mut context).must);
            }
            if let Some(atom) = self.atoms.get_mut(index) {
                atom.table = Some(table);
            }
        }
    }

    /// One atom for one combination, by the code that evaluates what is known.
    fn evaluate(
        &self,
        element: Element<'_>,
        axes: &[usize],
        at: &[usize],
        environment: &Environment<'_>,
        context: &mut Context,
    ) -> Outcome {
        let mut principal = None;
        let mut boundary = environment.boundary;
        for axis in axes {
            let Some((kind, value)) = self.value(*axis, at) else { continue };
            match (kind, value) {
                (AxisKind::Key { key, .. }, AxisValue::Key(value)) => context.set(key.as_str(), value.clone()),
                (AxisKind::Unreadable { .. }, AxisValue::Unreadable(assumed)) => {
                    boundary = Truth::from(*assumed != Assumed::NotThere);
                }
                (_, value) => principal = Some(complete_principal(environment.principal, value)),
            }
        }
        match element {
            Element::Condition(condition) => condition.evaluate(context).into(),
            Element::Resource(element) => element.matches_parts(&environment.resource, context).into(),
            Element::Principal(element, effect) => {
                let principal = principal.as_ref().unwrap_or(environment.principal);
                environment.with_principal(principal, boundary).principal_outcome(element, effect)
            }
        }
    }

    /// The value of an axis in a combination.
    pub(super) fn value(&self, axis: usize, at: &[usize]) -> Option<(&AxisKind, &AxisValue)> {
        let Axis { kind, values, .. } = self.axes.get(axis)?;
        Some((kind, values.get(at.get(axis).copied().unwrap_or_default())?))
    }
}

/// A user who may have got a federated user's credentials, and is none of these.
pub(super) fn another_issuer(principal: &Principal, issuers: &[Arn]) -> Option<Arn> {
    let Principal::FederatedUser { arn, .. } = principal else { return None };
    let mut name = format!("arn:{}:iam::{}:user/another-user", arn.partition(), arn.account());
    while issuers.iter().any(|known| known.as_str() == name) {
        name.push('-');
    }
    Arn::parse(&name).ok()
}

/// The principal with what was not known of it.
pub(super) fn complete_principal(principal: &Principal, value: &AxisValue) -> Principal {
    let mut complete = principal.clone();
    match (&mut complete, value) {
        (Principal::Role { session, .. }, AxisValue::Session(name)) => *session = Some(name.clone()),
        (Principal::FederatedUser { issuer, .. }, AxisValue::Issuer(arn)) => *issuer = Some(arn.clone()),
        _ => {}
    }
    complete
}

/// An odometer over the values of some axes.
pub(super) struct Combinations {
    /// Axes and how many values each has.
    axes: Vec<(usize, usize)>,
    at: Vec<usize>,
    started: bool,
}

impl Combinations {
    /// The next combination, in the place of the one before.
    pub(super) fn next_combination(&mut self) -> Option<&[usize]> {
        if !self.started {
            self.started = true;
            return self.axes.iter().all(|(_, size)| *size > 0).then_some(&self.at);
        }
        for (axis, size) in self.axes.iter().rev() {
            let value = self.at.get_mut(*axis)?;
            *value += 1;
            if *value < *size {
                return Some(&self.at);
            }
            *value = 0;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odometer_shows_every_combination_once() {
        let mut space = Space::default();
        for (index, size) in [2, 5, 3].into_iter().enumerate() {
            let axis = space.axis(AxisKind::Unreadable { layer: LayerKind::ServiceControl, level: Some(index) });
            space.axes[axis].values = vec![AxisValue::Unreadable(Assumed::Allow); size];
        }
        let mut combinations = space.combinations(&[0, 2]);
        let mut seen = Vec::new();
        while let Some(at) = combinations.next_combination() {
            seen.push(at.to_vec());
        }
        assert_eq!(seen, [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 1], [1, 0, 2]]);
        assert_eq!(space.size(&[0, 1, 2]), 30);
        let mut none = space.combinations(&[]);
        assert!(none.next_combination().is_some() && none.next_combination().is_none());
    }
}

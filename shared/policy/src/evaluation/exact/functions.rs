//! What elements, statements and levels come to, as functions of everything that is not known.
//!
//! Each axis is one variable with a value for each of its values. A list is more: a first variable tells whether the key is
//! there, and then each text that makes a difference has a variable of its own, which tells whether it is in the list. What
//! a list comes to is what its texts come to together, so that the lists themselves need not be written out.

use super::super::Assumed;
use super::super::outcome::{ALL, MATCH, Outcome};
use super::collect::{Level, Undecided};
use super::diagram::{Diagrams, Function};
use super::space::{AxisKind, AxisValue, Element, Space};
use crate::condition::SetOperator;
use crate::context::ContextValue;
use crate::document::Effect;

/// How many variables there are at most: so deep are the diagrams.
const VARIABLES: usize = 1_000;

/// The functions over a space.
pub(super) struct Functions<'s, 'p> {
    space: &'s Space<'p>,
    pub(super) diagrams: Diagrams,
    /// The first variable of each axis.
    first: Vec<usize>,
    /// The axis of each variable.
    owner: Vec<usize>,
}

/// What an element comes to.
struct Outcomes<'t> {
    /// For each combination of its axes' values.
    table: &'t [u8],
    /// The bits that matter.
    mask: u8,
    /// How the texts of a list come to one outcome.
    set: Option<SetOperator>,
}

impl<'s, 'p> Functions<'s, 'p> {
    pub(super) fn new(space: &'s Space<'p>) -> Functions<'s, 'p> {
        let (mut first, mut owner) = (vec![0; space.axes.len()], Vec::new());
        // Lists come last: where one is compared with another key's value, it would have to be kept in mind which texts are in
        // the list until that value is asked for.
        let (lists, others): (Vec<_>, Vec<_>) = space.axes.iter().enumerate().partition(|(_, axis)| axis.is_list());
        for (index, axis) in others.into_iter().chain(lists) {
            if let Some(first) = first.get_mut(index) {
                *first = owner.len();
            }
            let count = if axis.is_list() { axis.values.len().saturating_sub(1) } else { 1 };
            owner.extend(std::iter::repeat_n(index, count));
        }
        Functions { space, diagrams: Diagrams::default(), first, owner }
    }

    /// The outcome bits of a statement; `None` over the budget.
    pub(super) fn statement(&mut self, statement: &Undecided) -> Option<Function> {
        if self.owner.len() > VARIABLES {
            return None;
        }
        let mut outcome: Option<Function> = None;
        for atom in &statement.atoms {
            let atom = self.atom(*atom, statement.fixed)?;
            outcome = Some(match outcome {
                Some(outcome) => self.diagrams.combine(outcome, atom, |one, other| one & other)?,
                None => atom,
            });
        }
        Some(outcome.unwrap_or(Function::constant(statement.fixed.into())))
    }

    /// Those bits of an element's outcome that are not ruled out.
    fn atom(&mut self, index: usize, mask: u8) -> Option<Function> {
        let atom = self.space.atoms.get(index)?;
        let mut axes = Vec::with_capacity(atom.axes.len());
        let mut stride = 1;
        for axis in atom.axes.iter().rev() {
            axes.push((*axis, stride));
            stride *= self.space.size(&[*axis]);
        }
        axes.sort_unstable_by_key(|(axis, _)| self.first.get(*axis));
        let set = match atom.element {
            Element::Condition(condition) => condition.operator.set,
            Element::Principal(..) | Element::Resource(_) => None,
        };
        self.branch(&Outcomes { table: atom.table()?, mask, set }, &axes, 0)
    }

    /// The function of the axes from one on, for certain values of those before: where these lead to in the table.
    fn branch(&mut self, outcomes: &Outcomes<'_>, axes: &[(usize, usize)], at: usize) -> Option<Function> {
        let Some(((axis, stride), rest)) = axes.split_first() else {
            return outcomes.table.get(at).map(|bits| Function::constant((bits & outcomes.mask).into()));
        };
        let space = self.space;
        let (own, first) = (space.axes.get(*axis)?, *self.first.get(*axis)?);
        let values: Option<Vec<Function>> =
            (0..own.values.len()).map(|value| self.branch(outcomes, rest, at + value * stride)).collect();
        let values = values?;
        if !own.is_list() {
            return self.diagrams.choice(first, values);
        }
        let [absent, empty, texts @ ..] = values.as_slice() else { return None };
        let mut list = *empty;
        for (index, text) in texts.iter().enumerate().rev() {
            let with_text = match outcomes.set {
                Some(SetOperator::ForAnyValue) => self.diagrams.combine(list, *text, |list, text| list | text)?,
                Some(SetOperator::ForAllValues) => self.diagrams.combine(list, *text, |list, text| list & text)?,
                None => list,
            };
            list = self.diagrams.choice(first + 1 + index, vec![list, with_text])?;
        }
        self.diagrams.choice(first, vec![*absent, list])
    }

    /// Whether something in a level denies, as 0 or 1; `None` over the budget.
    pub(super) fn deny(&mut self, level: &Level) -> Option<Function> {
        if level.deny {
            return Some(Function::constant(1));
        }
        let mut all = self.undecided(level, Effect::Deny)?;
        all.extend(self.unreadable(level, |assumed| (assumed == Assumed::Deny).into())?);
        self.diagrams.combine_all(all, 0, |one, other| one | other)
    }

    /// The bits of all allows of a level; `None` over the budget.
    pub(super) fn allow(&mut self, level: &Level) -> Option<Function> {
        if level.allow & level.mask == level.mask {
            return Some(Function::constant(level.allow.into()));
        }
        let mut all = self.undecided(level, Effect::Allow)?;
        all.push(Function::constant(level.allow.into()));
        let bits = |assumed| match assumed {
            Assumed::AllowNothing | Assumed::Deny => 0,
            Assumed::NotThere | Assumed::Allow => MATCH,
            Assumed::AllowEntity => level.entity,
            Assumed::AllowDirectly => ALL,
        };
        all.extend(self.unreadable(level, bits)?);
        self.diagrams.combine_all(all, 0, |one, other| one | other)
    }

    fn undecided(&self, level: &Level, effect: Effect) -> Option<Vec<Function>> {
        level.undecided.iter().filter(|own| own.effect == effect).map(|own| own.function).collect()
    }

    /// What the policies come to that could not be read: nothing where there are none, `None` over the budget.
    fn unreadable(&mut self, level: &Level, bits: impl Fn(Assumed) -> u8) -> Option<Option<Function>> {
        let Some(index) = level.unreadable else { return Some(None) };
        let axis = self.space.axes.get(index)?;
        let values = axis.values.iter().map(|value| match value {
            AxisValue::Unreadable(assumed) => Function::constant(bits(*assumed).into()),
            AxisValue::Key(_) | AxisValue::Session(_) | AxisValue::Issuer(_) => Function::constant(0),
        });
        self.diagrams.choice(*self.first.get(index)?, values.collect()).map(Some)
    }

    /// The bits in all and in some completions.
    pub(super) fn outcome(&self, function: Function) -> Outcome {
        self.diagrams.results(function).into_iter().fold(Outcome { must: u8::MAX, may: 0 }, |outcome, bits| {
            let bits = u8::try_from(bits).unwrap_or(u8::MAX);
            Outcome { must: outcome.must & bits, may: outcome.may | bits }
        })
    }

    /// The axes that make a difference to a function.
    pub(super) fn axes(&self, function: Function) -> Vec<usize> {
        let variables = self.diagrams.variables(function);
        let mut axes: Vec<usize> = variables.iter().filter_map(|variable| self.owner.get(*variable)).copied().collect();
        axes.sort_unstable();
        axes.dedup();
        axes
    }

    /// A value for each of some axes with which a function has a result; the first where several do, of lists the shortest.
    pub(super) fn values(
        &self,
        function: Function,
        result: u16,
        axes: &[usize],
    ) -> Option<Vec<(&'s AxisKind, AxisValue)>> {
        // An axis has one variable, but that of a list, which has one more for each of its texts.
        let is_text =
            |variable: usize| self.owner.get(variable).is_some_and(|axis| self.first.get(*axis) != Some(&variable));
        let way = self.diagrams.way_to(result, function, is_text)?;
        let chosen = |variable| way.iter().find(|(own, _)| *own == variable).map_or(0, |(_, value)| *value);
        let value_of = |index: &usize| {
            let (axis, first) = (self.space.axes.get(*index)?, *self.first.get(*index)?);
            let mut value = axis.values.get(chosen(first))?.clone();
            if axis.is_list() && chosen(first) == 1 {
                let present =
                    axis.values.iter().skip(2).zip(first + 1..).filter(|(_, variable)| chosen(*variable) == 1);
                value =
                    AxisValue::Key(ContextValue::Many(present.flat_map(|(text, _)| text.texts()).cloned().collect()));
            }
            Some((&axis.kind, value))
        };
        Some(axes.iter().filter_map(value_of).collect())
    }
}

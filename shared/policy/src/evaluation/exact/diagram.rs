//! Decision diagrams: functions of many unknowns, each kept as a graph in which what is the same is there once.
//!
//! A node asks for the value of one variable and has a child for each; variables are asked for in one order, a node whose
//! children are all the same is left out, and equal nodes are one. So two functions are the same when their roots are, a
//! function turns on a variable exactly when it asks for it, and its results are the ends that can be reached. Where a list
//! of all combinations grows as the product of the variables' values, a diagram mostly grows as their sum.

use std::collections::HashMap;

/// How many nodes are made, and pairs of nodes are combined, in one evaluation.
const STEPS: usize = 200_000;

/// A function: the root of its diagram, or its one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Function(u32);

/// Results are below this number, nodes from it on.
const FIRST_NODE: u32 = 1 << 16;

impl Function {
    /// The function that has the same result for everything.
    pub(super) const fn constant(result: u16) -> Function {
        Function(result as u32)
    }
    fn node(index: usize) -> Option<Function> {
        Some(Function(u32::try_from(index).ok()?.checked_add(FIRST_NODE)?))
    }
    fn index(self) -> Option<usize> {
        self.0.checked_sub(FIRST_NODE).map(|index| index as usize)
    }
    /// The result of a constant function.
    pub(super) fn result(self) -> Option<u16> {
        u16::try_from(self.0).ok()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    variable: usize,
    children: Box<[Function]>,
}

/// The diagrams of one evaluation.
#[derive(Debug, Default)]
pub(super) struct Diagrams {
    nodes: Vec<Node>,
    known: HashMap<Node, Function>,
    steps: usize,
}

impl Diagrams {
    /// The function that asks for a variable first; `None` over the budget. The children ask for later variables only.
    pub(super) fn choice(&mut self, variable: usize, children: Vec<Function>) -> Option<Function> {
        let first = *children.first()?;
        if children.iter().all(|child| *child == first) {
            return Some(first);
        }
        let node = Node { variable, children: children.into() };
        if let Some(known) = self.known.get(&node) {
            return Some(*known);
        }
        self.step()?;
        let function = Function::node(self.nodes.len())?;
        self.nodes.push(node.clone());
        self.known.insert(node, function);
        Some(function)
    }

    fn step(&mut self) -> Option<()> {
        self.steps += 1;
        (self.steps <= STEPS).then_some(())
    }

    fn get(&self, function: Function) -> Option<&Node> {
        self.nodes.get(function.index()?)
    }

    /// The function whose results are made of those of two others; `None` over the budget.
    pub(super) fn combine(
        &mut self,
        one: Function,
        other: Function,
        mut results: impl FnMut(u16, u16) -> u16,
    ) -> Option<Function> {
        self.combine_below(one, other, &mut results, &mut HashMap::new())
    }

    fn combine_below(
        &mut self,
        one: Function,
        other: Function,
        results: &mut impl FnMut(u16, u16) -> u16,
        done: &mut HashMap<(Function, Function), Function>,
    ) -> Option<Function> {
        if let (Some(one), Some(other)) = (one.result(), other.result()) {
            return Some(Function::constant(results(one, other)));
        }
        if let Some(function) = done.get(&(one, other)) {
            return Some(*function);
        }
        self.step()?;
        let asked = |function| self.get(function).map(|node| (node.variable, node.children.len()));
        let (variable, count) = match (asked(one), asked(other)) {
            (Some(one), Some(other)) => one.min(other),
            (one, other) => one.or(other)?,
        };
        let mut children = Vec::with_capacity(count);
        for value in 0..count {
            let (one, other) = (self.child(one, variable, value), self.child(other, variable, value));
            children.push(self.combine_below(one, other, results, done)?);
        }
        let function = self.choice(variable, children)?;
        done.insert((one, other), function);
        Some(function)
    }

    /// The function where a variable has a value; itself where it does not ask for that variable first.
    fn child(&self, function: Function, variable: usize, value: usize) -> Function {
        match self.get(function) {
            Some(node) if node.variable == variable => node.children.get(value).copied().unwrap_or(function),
            _ => function,
        }
    }

    /// All functions of a list in one; neighbours first, so that the small ones are joined while they are small.
    pub(super) fn combine_all(
        &mut self,
        mut functions: Vec<Function>,
        empty: u16,
        results: impl Fn(u16, u16) -> u16,
    ) -> Option<Function> {
        while functions.len() > 1 {
            let mut joined = Vec::with_capacity(functions.len().div_ceil(2));
            for pair in functions.chunks(2) {
                joined.push(match *pair {
                    [one, other] => self.combine(one, other, &results)?,
                    [alone] => alone,
                    _ => continue,
                });
            }
            functions = joined;
        }
        Some(functions.pop().unwrap_or(Function::constant(empty)))
    }

    /// The function with its results put through another one.
    pub(super) fn map(&mut self, function: Function, mut result: impl FnMut(u16) -> u16) -> Option<Function> {
        self.combine(function, Function::constant(0), |own, _| result(own))
    }

    /// Every result that there is.
    pub(super) fn results(&self, function: Function) -> Vec<u16> {
        let mut results = Vec::new();
        self.walk(function, |function| results.extend(function.result()));
        results
    }

    /// Every variable that makes a difference, each once for every node that asks for it.
    pub(super) fn variables(&self, function: Function) -> Vec<usize> {
        let mut variables = Vec::new();
        self.walk(function, |function| variables.extend(self.get(function).map(|node| node.variable)));
        variables
    }

    /// Visits each node and each result once.
    fn walk(&self, function: Function, mut visit: impl FnMut(Function)) {
        let mut seen_nodes = vec![false; self.nodes.len()];
        let mut seen_results: Vec<Function> = Vec::new();
        let mut open = vec![function];
        while let Some(function) = open.pop() {
            let Some(node) = self.get(function) else {
                if !seen_results.contains(&function) {
                    seen_results.push(function);
                    visit(function);
                }
                continue;
            };
            let Some(seen) = function.index().and_then(|index| seen_nodes.get_mut(index)) else { continue };
            if !std::mem::replace(seen, true) {
                visit(function);
                open.extend(&node.children);
            }
        }
    }

    /// Values of the variables that lead to a result, as few of the `costly` variables' second values as can be, and for
    /// the others the first value that leads there. What is not in the list makes no difference.
    pub(super) fn way_to(
        &self,
        result: u16,
        function: Function,
        costly: impl Fn(usize) -> bool,
    ) -> Option<Vec<(usize, usize)>> {
        let mut costs = HashMap::new();
        self.cost(result, function, &costly, &mut costs)?;
        let cost = |function: &Function| costs.get(function).copied().flatten();
        let (mut way, mut at) = (Vec::new(), function);
        while let Some(node) = self.get(at) {
            let ways = node.children.iter().enumerate().filter_map(|(value, child)| {
                let price = if costly(node.variable) { value } else { 0 };
                Some((cost(child)? + price, value, *child))
            });
            // Of two ways that cost the same, the one with an earlier text in the list.
            let (_, value, child) = match costly(node.variable) {
                true => ways.min_by_key(|(cost, value, _)| (*cost, usize::MAX - value))?,
                false => ways.min_by_key(|(_, value, _)| *value)?,
            };
            way.push((node.variable, value));
            at = child;
        }
        Some(way)
    }

    /// The fewest costly values on a way to a result; `None`: there is no way.
    fn cost(
        &self,
        result: u16,
        function: Function,
        costly: &impl Fn(usize) -> bool,
        costs: &mut HashMap<Function, Option<usize>>,
    ) -> Option<usize> {
        let Some(node) = self.get(function) else {
            let cost = (function.result() == Some(result)).then_some(0);
            costs.insert(function, cost);
            return cost;
        };
        if let Some(cost) = costs.get(&function) {
            return *cost;
        }
        let mut least = None;
        for (value, child) in node.children.iter().enumerate() {
            let price = if costly(node.variable) { value } else { 0 };
            let own = self.cost(result, *child, costly, costs).map(|cost| cost + price);
            least = [least, own].into_iter().flatten().min();
        }
        costs.insert(function, least);
        least
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OR: fn(u16, u16) -> u16 = |one, other| one | other;
    const AND: fn(u16, u16) -> u16 = |one, other| one & other;

    /// Variables with this many values each.
    const SIZES: [usize; 4] = [2, 3, 2, 4];

    fn is_value(diagrams: &mut Diagrams, variable: usize, value: usize) -> Function {
        let children = (0..SIZES[variable]).map(|own| Function::constant((own == value).into())).collect();
        diagrams.choice(variable, children).unwrap()
    }

    fn value_at(diagrams: &Diagrams, function: Function, at: &[usize]) -> u16 {
        let mut function = function;
        while let Some(node) = diagrams.get(function) {
            function = node.children[at[node.variable]];
        }
        function.result().unwrap()
    }

    fn all_values() -> Vec<Vec<usize>> {
        SIZES.iter().fold(vec![Vec::new()], |all, size| {
            all.iter().flat_map(|at| (0..*size).map(|value| [at.as_slice(), &[value]].concat())).collect()
        })
    }

    #[test]
    fn equal_functions_are_one_and_what_makes_no_difference_is_not_asked() {
        let mut diagrams = Diagrams::default();
        let (a, b) = (is_value(&mut diagrams, 0, 1), is_value(&mut diagrams, 1, 2));
        let one = diagrams.combine(a, b, OR).unwrap();
        let other = diagrams.combine(b, a, OR).unwrap();
        assert_eq!(one, other);
        let not = diagrams.map(a, |result| 1 - result).unwrap();
        assert_eq!(diagrams.combine(a, not, OR), Some(Function::constant(1)));
        assert_eq!(diagrams.combine(a, not, AND), Some(Function::constant(0)));
        let absorbed = diagrams.combine(one, a, AND).unwrap();
        assert_eq!((absorbed, diagrams.variables(absorbed)), (a, vec![0]));
        assert_eq!(diagrams.combine_all(Vec::new(), 7, OR), Some(Function::constant(7)));
        assert_eq!(diagrams.choice(0, Vec::new()), None);
    }

    #[test]
    fn the_way_to_a_result_is_short() {
        let mut diagrams = Diagrams::default();
        // Variables 0 and 2 cost: `0 is 1, or 1 is 2 and 2 is 1`.
        let [a, b, c] = [(0, 1), (1, 2), (2, 1)].map(|(variable, value)| is_value(&mut diagrams, variable, value));
        let both = diagrams.combine(b, c, AND).unwrap();
        let function = diagrams.combine(a, both, OR).unwrap();
        let costly = |variable| variable != 1;
        assert_eq!(diagrams.way_to(0, function, costly), Some(vec![(0, 0), (1, 0)]));
        // Of two ways that cost one each the one with the earlier variable.
        assert_eq!(diagrams.way_to(1, function, costly), Some(vec![(0, 1)]));
        assert_eq!(diagrams.way_to(1, both, costly), Some(vec![(1, 2), (2, 1)]));
        assert_eq!(diagrams.way_to(2, function, costly), None);
        // Of a way with two second values and one with a fourth value: what a choice costs later counts too.
        let d = is_value(&mut diagrams, 3, 3);
        let both = diagrams.combine(a, c, AND).unwrap();
        let either = diagrams.combine(both, d, OR).unwrap();
        assert_eq!(diagrams.way_to(1, either, costly), Some(vec![(0, 1), (2, 1)]));
        // Where nothing costs, the first values that lead there.
        assert_eq!(diagrams.way_to(1, function, |_| false), Some(vec![(0, 0), (1, 2), (2, 1)]));
    }

    #[test]
    fn too_many_steps_come_to_no_function() {
        let mut diagrams = Diagrams { steps: STEPS - 2, ..Diagrams::default() };
        let (a, b) = (is_value(&mut diagrams, 0, 1), is_value(&mut diagrams, 1, 1));
        assert_eq!(diagrams.combine(a, b, AND), None);
        // What is known needs no step.
        assert_eq!(is_value(&mut diagrams, 0, 1), a);
    }

    proptest! {
        #![proptest_config(sesame_testkit::laws::config(300))]

        /// A diagram has the results of what it was made of, asks for what makes a difference, and finds a way to each.
        #[test]
        fn a_diagram_is_what_it_was_made_of(steps in prop::collection::vec((0_usize..4, 0_usize..4, any::<bool>(), 0_usize..8, 1_u16..16), 1..10)) {
            let mut diagrams = Diagrams::default();
            let mut made: Vec<(Function, Vec<u16>)> = Vec::new();
            let all = all_values();
            for (variable, value, or, earlier, factor) in steps {
                let value = value % SIZES[variable];
                let mut function = is_value(&mut diagrams, variable, value);
                function = diagrams.map(function, |result| result * factor).unwrap();
                let mut results: Vec<u16> = all.iter().map(|at| if at[variable] == value { factor } else { 0 }).collect();
                if let Some((other, expected)) = made.get(earlier % made.len().max(1)) {
                    let join = if or { OR } else { |one: u16, other: u16| one.saturating_sub(other) };
                    function = diagrams.combine(function, *other, join).unwrap();
                    results = results.iter().zip(expected).map(|(one, other)| join(*one, *other)).collect();
                }
                made.push((function, results));
            }
            for (function, expected) in made {
                for (at, result) in all.iter().zip(&expected) {
                    prop_assert_eq!(value_at(&diagrams, function, at), *result);
                }
                let mut found = diagrams.results(function);
                found.sort_unstable();
                let mut results = expected.clone();
                results.sort_unstable();
                results.dedup();
                prop_assert_eq!(&found, &results);
                let asked = diagrams.variables(function);
                for variable in 0..SIZES.len() {
                    let matters = all.iter().zip(&expected).any(|(at, result)| {
                        all.iter().zip(&expected).any(|(other, changed)| {
                            changed != result && (0..SIZES.len()).all(|own| own == variable || at[own] == other[own])
                        })
                    });
                    prop_assert_eq!(asked.contains(&variable), matters);
                }
                for result in results {
                    let mut at = vec![0; SIZES.len()];
                    for (variable, value) in diagrams.way_to(result, function, |variable| SIZES[variable] == 2).unwrap() {
                        at[variable] = value;
                    }
                    prop_assert_eq!(value_at(&diagrams, function, &at), result);
                }
            }
        }
    }
}

//! Which combinations of patterns one text can match: the patterns' automata walked side by side, breadth first, so that
//! each combination comes with a shortest text.

use std::collections::{HashSet, VecDeque};

use super::automaton::{Glob, Step, insert, positions};
use crate::letters;

/// How many states of the product are looked at before giving up.
const STATES: usize = 20_000;

/// A test of a text: it passes when one of the patterns matches.
pub(super) type Test = Vec<Glob>;

/// Texts that show every combination of passed tests that there is.
pub(super) struct Witnesses {
    /// One text a combination, the shortest first.
    pub(super) texts: Vec<String>,
    /// No combination is missing.
    pub(super) complete: bool,
}

/// Where all patterns stand after a text: a set of places of a [`Product`].
pub(super) type State = Vec<u64>;

/// All patterns side by side. Beginnings that patterns share are there once.
pub(super) struct Product {
    places: Vec<Place>,
    start: State,
    tests: usize,
}

/// A position in a pattern, or in all patterns that are the same up to and with its step.
struct Place {
    /// The step that comes next; `None` at the end.
    step: Option<Step>,
    /// The places behind that step.
    next: Vec<usize>,
    /// The tests that a text passes which ends here.
    passes: Vec<usize>,
    /// Other patterns may lead through here.
    shared: bool,
}

impl Product {
    pub(super) fn new(tests: &[Test]) -> Product {
        let mut product = Product { places: Vec::new(), start: State::new(), tests: tests.len() };
        let mut begins = Vec::new();
        let mut roots = Vec::new();
        for (test, glob) in
            tests.iter().enumerate().flat_map(|(test, globs)| globs.iter().map(move |glob| (test, glob)))
        {
            let whole = glob.is_whole();
            let mut path: Vec<usize> = Vec::with_capacity(glob.steps.len() + 1);
            for step in glob.steps.iter().copied().map(Some).chain([None]) {
                let place = product.place(path.last().copied(), &mut roots, step, whole);
                path.push(place);
            }
            for (position, place) in path.iter().enumerate() {
                if positions(&glob.accept).any(|accept| accept == position)
                    && let Some(place) = product.places.get_mut(*place)
                {
                    place.passes.push(test);
                }
            }
            begins.extend(positions(&glob.start).filter_map(|position| path.get(position)).copied());
        }
        product.start = vec![0; product.places.len().div_ceil(64)];
        for place in begins {
            insert(&mut product.start, place);
        }
        product
    }

    /// The place of a step behind another place; that of another pattern, where there is one and it may be shared.
    fn place(&mut self, before: Option<usize>, roots: &mut Vec<usize>, step: Option<Step>, shared: bool) -> usize {
        let siblings = before.and_then(|before| self.places.get(before)).map_or(roots.as_slice(), |place| &place.next);
        let same = |place: &Place| shared && place.shared && place.step == step;
        let known = siblings.iter().copied().find(|sibling| self.places.get(*sibling).is_some_and(same));
        if let Some(known) = known {
            return known;
        }
        self.places.push(Place { step, next: Vec::new(), passes: Vec::new(), shared });
        let new = self.places.len() - 1;
        match before.and_then(|before| self.places.get_mut(before)) {
            Some(place) => place.next.push(new),
            None => roots.push(new),
        }
        new
    }

    pub(super) fn start(&self) -> State {
        self.start.clone()
    }

    fn at(&self, state: &[u64]) -> impl Iterator<Item = (usize, &Place)> {
        positions(state).filter_map(|index| Some((index, self.places.get(index)?)))
    }

    fn step(&self, state: &[u64], character: char) -> State {
        let mut to = vec![0; state.len()];
        for (index, place) in self.at(state) {
            match place.step {
                Some(step) if step.takes(character) && step.is_sequence() => self.enter(&mut to, index),
                Some(step) if step.takes(character) => place.next.iter().for_each(|next| self.enter(&mut to, *next)),
                _ => {}
            }
        }
        to
    }

    /// Adds a place, and those behind it that an empty sequence leads to.
    fn enter(&self, state: &mut [u64], index: usize) {
        insert(state, index);
        if let Some(place) = self.places.get(index)
            && place.step.is_some_and(Step::is_sequence)
        {
            place.next.iter().for_each(|next| self.enter(state, *next));
        }
    }

    /// The state after a text.
    pub(super) fn run(&self, state: &[u64], text: &str) -> State {
        text.chars().fold(state.to_vec(), |state, character| self.step(&state, character))
    }

    /// Which tests a text passes that ends here.
    pub(super) fn combination(&self, state: &[u64]) -> Vec<u64> {
        let mut passed = vec![0; self.tests.div_ceil(64)];
        for (_, place) in self.at(state) {
            place.passes.iter().for_each(|test| insert(&mut passed, *test));
        }
        passed
    }

    /// The characters that can make a difference in a state, and one that makes none.
    fn characters(&self, state: &[u64], other: char) -> Vec<char> {
        let mut characters = vec![other];
        let mut add = |character: char| {
            if !characters.contains(&character) {
                characters.push(character);
            }
        };
        for (_, place) in self.at(state) {
            match place.step {
                Some(Step::Character(own)) => add(own),
                Some(Step::IgnoringCase(own)) => {
                    add(letters::lower(own));
                    add(letters::upper(own));
                }
                Some(Step::AnyButColon | Step::SequenceButColon) => add(':'),
                Some(Step::Any | Step::Sequence) | None => {}
            }
        }
        characters
    }

    /// A character that no pattern names.
    fn other_character(&self) -> char {
        let named = |character: char| {
            character == ':'
                || self.places.iter().any(|place| match place.step {
                    Some(Step::Character(own)) => own == character,
                    Some(step @ Step::IgnoringCase(_)) => step.takes(character),
                    _ => false,
                })
        };
        ('a'..='z')
            .rev()
            .skip(2)
            .chain('\u{e000}'..='\u{f8ff}')
            .find(|character| !named(*character))
            .unwrap_or('\u{f8ff}')
    }
}

struct Node {
    parent: usize,
    character: char,
}

/// Walks the product of all patterns.
pub(super) fn witnesses(tests: &[Test]) -> Witnesses {
    let product = Product::new(tests);
    let other = product.other_character();
    if product.places.is_empty() {
        return Witnesses { texts: vec![other.to_string()], complete: true };
    }
    let start = product.start();
    let all = u32::try_from(tests.len()).ok().and_then(|count| 1_usize.checked_shl(count)).unwrap_or(usize::MAX);
    let mut found: HashSet<Vec<u64>> = HashSet::new();
    let mut texts = Vec::new();
    let mut nodes = vec![Node { parent: 0, character: other }];
    let mut seen: HashSet<State> = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start.clone(), 0)]);
    let mut complete = true;
    // Where one more character leads back to the start, a text of it shows the same as the empty text, and reads better.
    if product.step(&start, other) == start {
        found.insert(product.combination(&start));
        texts.push(other.to_string());
    }
    'walk: while let Some((state, node)) = queue.pop_front() {
        for character in product.characters(&state, other) {
            let next = product.step(&state, character);
            if seen.contains(&next) {
                continue;
            }
            if seen.len() >= STATES {
                complete = false;
                break 'walk;
            }
            let index = nodes.len();
            nodes.push(Node { parent: node, character });
            seen.insert(next.clone());
            if found.insert(product.combination(&next)) {
                texts.push(text_of(&nodes, index));
                if found.len() == all {
                    break 'walk;
                }
            }
            queue.push_back((next, index));
        }
    }
    // The empty text is a value too, but any other that shows the same reads better.
    if found.insert(product.combination(&start)) {
        texts.push(String::new());
    }
    Witnesses { texts, complete }
}

fn text_of(nodes: &[Node], index: usize) -> String {
    let mut characters = Vec::new();
    let mut at = index;
    while at != 0 {
        let Some(node) = nodes.get(at) else { break };
        characters.push(node.character);
        at = node.parent;
    }
    characters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::super::automaton::tests::{glob, like};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(sesame_testkit::laws::config(1500))]
        #[test]
        fn no_combination_is_missed(patterns in prop::collection::vec("[ab*?]{0,5}", 1..4), texts in prop::collection::vec("[abc]{0,7}", 20)) {
            let tests: Vec<Test> = patterns.iter().map(|pattern| vec![glob(pattern)]).collect();
            let combination = |text: &str| patterns.iter().map(|pattern| like(pattern, text)).collect::<Vec<_>>();
            let found = witnesses(&tests);
            prop_assert!(found.complete);
            let shown: HashSet<Vec<bool>> = found.texts.iter().map(|text| combination(text)).collect();
            prop_assert_eq!(shown.len(), found.texts.len());
            for text in texts {
                prop_assert!(shown.contains(&combination(&text)), "{} {:?}", text, found.texts);
            }
        }
    }

    #[test]
    fn long_patterns_are_walked_to_their_end() {
        for length in [1, 62, 63, 64, 65, 127, 128, 129, 200] {
            let text = "a".repeat(length);
            let found = witnesses(&[vec![glob(&text)], vec![glob(&format!("*b{text}"))]]);
            let shown: HashSet<&str> = found.texts.iter().map(String::as_str).collect();
            assert!(found.complete && found.texts.len() == 3, "{length} {:?}", found.texts);
            assert!(shown.contains(text.as_str()) && shown.contains(format!("b{text}").as_str()), "{length}");
        }
    }

    #[test]
    fn shared_beginnings_are_walked_once() {
        let tests: Vec<Test> = ["ab*c", "ab*d", "abx", "ab", "ab*c"].iter().map(|text| vec![glob(text)]).collect();
        let product = Product::new(&tests);
        // a b * c | d | x | and four ends: what is the same is there once.
        assert_eq!(product.places.len(), 6 + 4);
        let passed = |text: &str| product.combination(&product.run(&product.start(), text));
        for (text, expected) in
            [("ab", 0b01000), ("abc", 0b10001), ("abd", 0b00010), ("abx", 0b00100), ("abxc", 0b10001), ("b", 0)]
        {
            assert_eq!(passed(text), [expected], "{text}");
        }
        // Of texts between two others the beginning is another.
        let tests = vec![vec![glob("ab*c").between("a", "")], vec![glob("ab*c")], vec![glob("ab")]];
        let product = Product::new(&tests);
        let passed = |text: &str| product.combination(&product.run(&product.start(), text));
        assert_eq!([passed("bc"), passed("abc"), passed("ab"), passed("c")], [[0b001], [0b010], [0b100], [0]]);
    }

    #[test]
    fn combinations_of_suffixes_exclude_each_other() {
        let tests = vec![vec![glob("*@example.com")], vec![glob("*@example.org")], vec![glob("*@example.*")]];
        let found = witnesses(&tests);
        assert!(found.complete);
        let mut texts = found.texts;
        texts.sort_unstable();
        assert_eq!(texts, ["@example.", "@example.com", "@example.org", "w"]);
    }

    #[test]
    fn too_many_states_end_the_walk() {
        let tests: Vec<Test> = (0..12).map(|index| vec![glob(&format!("*a{}b*", "?".repeat(index + 6)))]).collect();
        assert!(!witnesses(&tests).complete);
    }
}

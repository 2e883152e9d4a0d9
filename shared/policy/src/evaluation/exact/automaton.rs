//! Which combinations of patterns one text can match: the patterns' automata walked side by side, breadth first, so that
//! each combination comes with a shortest text.

use std::collections::{HashSet, VecDeque};

use crate::pattern::Token;

/// How many states of the product are looked at before giving up.
pub(super) const STATES: usize = 20_000;

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Character(char),
    IgnoringCase(char),
    Any,
    AnyButColon,
    Sequence,
    SequenceButColon,
}

impl Step {
    fn is_sequence(self) -> bool {
        matches!(self, Step::Sequence | Step::SequenceButColon)
    }
    fn takes(self, character: char) -> bool {
        match self {
            Step::Character(own) => own == character,
            Step::IgnoringCase(own) => own.eq_ignore_ascii_case(&character),
            Step::Any | Step::Sequence => true,
            Step::AnyButColon | Step::SequenceButColon => character != ':',
        }
    }
}

/// A set of positions in a pattern.
pub(super) type Positions = Vec<u64>;

fn insert(positions: &mut [u64], position: usize) {
    if let Some(word) = positions.get_mut(position / 64) {
        *word |= 1 << (position % 64);
    }
}

/// A pattern as an automaton: position `n` is before step `n`, the last one after all steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Glob {
    steps: Vec<Step>,
    start: Positions,
    accept: Positions,
}

impl Glob {
    fn from_steps(steps: Vec<Step>) -> Glob {
        let words = steps.len() / 64 + 1;
        let mut glob = Glob { start: vec![0; words], accept: vec![0; words], steps };
        let (mut start, mut accept) = (glob.start.clone(), glob.accept.clone());
        glob.enter(&mut start, 0);
        insert(&mut accept, glob.steps.len());
        (glob.start, glob.accept) = (start, accept);
        glob
    }

    /// Of a resolved pattern.
    pub(super) fn of_tokens(tokens: &[Token<'_>], ignore_case: bool) -> Glob {
        let mut steps = Vec::new();
        push_tokens(&mut steps, tokens, ignore_case, false);
        Glob::from_steps(steps)
    }

    /// Of a text that stands for itself.
    pub(super) fn of_text(text: &str, ignore_case: bool) -> Glob {
        Glob::of_tokens(&[Token::Literal(text)], ignore_case)
    }

    /// Of a resolved ARN pattern, cut in parts: the first five hold no colon. Only ARNs match.
    pub(super) fn of_arn(parts: &[Vec<Token<'_>>]) -> Option<Glob> {
        let first = parts.first()?;
        if !crate::pattern::tokens_match(first, "arn") {
            return None;
        }
        let mut steps = Vec::new();
        push_tokens(&mut steps, &[Token::Literal("arn")], false, false);
        for index in 1..6 {
            steps.push(Step::Character(':'));
            let part = parts.get(index).map_or(&[Token::AnySequence][..], Vec::as_slice);
            push_tokens(&mut steps, part, false, index < 5);
        }
        Some(Glob::from_steps(steps))
    }

    /// Whether it is read from its first step to its last.
    fn is_whole(&self) -> bool {
        positions(&self.accept).eq([self.steps.len()]) && self.start == Glob::from_steps(self.steps.clone()).start
    }

    /// Whether only one text matches, apart from its case.
    pub(super) fn is_literal(&self) -> bool {
        let plain = self.steps.iter().all(|step| matches!(step, Step::Character(_) | Step::IgnoringCase(_)));
        plain && positions(&self.start).eq([0]) && positions(&self.accept).eq([self.steps.len()])
    }

    /// Whether every text matches.
    pub(super) fn is_everything(&self) -> bool {
        self.steps == [Step::Sequence] && positions(&self.start).next() == Some(0)
    }

    /// Whether some IPv6 address may match: two colons at least, and a dot only after them.
    pub(super) fn may_match_ipv6(&self) -> bool {
        let mut seen: HashSet<(usize, u8)> = HashSet::new();
        let mut open: Vec<(usize, u8)> = positions(&self.start).map(|position| (position, 0)).collect();
        while let Some((position, colons)) = open.pop() {
            if !seen.insert((position, colons)) {
                continue;
            }
            if colons == 2 && positions(&self.accept).any(|accept| accept == position) {
                return true;
            }
            let Some(step) = self.steps.get(position) else { continue };
            let next = if step.is_sequence() { position } else { position + 1 };
            for character in "0123456789abcdefABCDEF:.".chars().filter(|character| step.takes(*character)) {
                match character {
                    '.' if colons < 2 => {}
                    ':' => open.push((next, (colons + 1).min(2))),
                    _ => open.push((next, colons)),
                }
            }
            if step.is_sequence() {
                open.push((position + 1, colons));
            }
        }
        false
    }

    /// Whether no step tells upper from lower case.
    pub(super) fn ignores_case(&self) -> bool {
        self.steps.iter().all(|step| match step {
            Step::Character(own) => own.to_ascii_lowercase() == own.to_ascii_uppercase(),
            _ => true,
        })
    }

    /// The same pattern without regard to case.
    pub(super) fn ignoring_case(&self) -> Glob {
        let mut glob = self.clone();
        for step in &mut glob.steps {
            if let Step::Character(own) = *step {
                *step = Step::IgnoringCase(own);
            }
        }
        glob
    }

    /// The text in upper case, when it is all that matches and its case is ignored.
    pub(super) fn upper_case_text(&self) -> Option<String> {
        let upper = |step: &Step| match step {
            Step::IgnoringCase(own) => Some(own.to_ascii_uppercase()),
            _ => None,
        };
        self.is_literal().then(|| self.steps.iter().map(upper).collect()).flatten()
    }

    /// Whether a text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.accepts(&text.chars().fold(self.start.clone(), |at, character| self.step(&at, character)))
    }

    /// The texts which, put between two given ones, match this pattern.
    pub(super) fn between(&self, before: &str, after: &str) -> Glob {
        let run =
            |from: &[u64], text: &str| text.chars().fold(from.to_vec(), |at, character| self.step(&at, character));
        let mut accept = vec![0; self.accept.len()];
        for position in 0..=self.steps.len() {
            let mut from = vec![0; self.accept.len()];
            self.enter(&mut from, position);
            if self.accepts(&run(&from, after)) {
                insert(&mut accept, position);
            }
        }
        Glob { steps: self.steps.clone(), start: run(&self.start, before), accept }
    }

    /// Adds a position, and those behind it that an empty sequence leads to.
    fn enter(&self, positions: &mut [u64], position: usize) {
        let mut at = position;
        loop {
            insert(positions, at);
            if !self.steps.get(at).is_some_and(|step| step.is_sequence()) {
                return;
            }
            at += 1;
        }
    }

    fn step(&self, from: &[u64], character: char) -> Positions {
        let mut to = vec![0; from.len()];
        for position in positions(from) {
            match self.steps.get(position) {
                Some(step) if step.takes(character) => {
                    self.enter(&mut to, if step.is_sequence() { position } else { position + 1 });
                }
                _ => {}
            }
        }
        to
    }

    fn accepts(&self, positions: &[u64]) -> bool {
        positions.iter().zip(&self.accept).any(|(at, accept)| at & accept != 0)
    }
}

fn positions(set: &[u64]) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(word, bits)| {
        let mut rest = *bits;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(word * 64 + bit)
        })
    })
}

fn push_tokens(steps: &mut Vec<Step>, tokens: &[Token<'_>], ignore_case: bool, within_colons: bool) {
    for token in tokens {
        match token {
            Token::Literal(text) if ignore_case => steps.extend(text.chars().map(Step::IgnoringCase)),
            Token::Literal(text) => steps.extend(text.chars().map(Step::Character)),
            Token::AnyCharacter => steps.push(if within_colons { Step::AnyButColon } else { Step::Any }),
            Token::AnySequence => steps.push(if within_colons { Step::SequenceButColon } else { Step::Sequence }),
        }
    }
}

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
                    add(own.to_ascii_lowercase());
                    add(own.to_ascii_uppercase());
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
                    Some(Step::IgnoringCase(own)) => own.eq_ignore_ascii_case(&character),
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
    use super::*;
    use crate::context::Context;
    use crate::pattern::{Pattern, Resolved, Syntax, tokens_match};
    use proptest::prelude::*;

    fn glob(pattern: &str) -> Glob {
        let parsed = Pattern::parse(pattern, Syntax { wildcards: true, variables: false });
        let context = Context::new();
        let Resolved::Tokens(tokens) = parsed.resolve(&context) else { panic!("no variable") };
        Glob::of_tokens(&tokens, false)
    }

    fn like(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern, Syntax { wildcards: true, variables: false }).matches_plain(text)
    }

    proptest! {
        #![proptest_config(sesame_testkit::laws::config(1500))]
        #[test]
        fn the_automaton_agrees_with_the_matcher(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(glob(&pattern).matches(&text), like(&pattern, &text));
        }

        #[test]
        fn a_text_between_two_others_matches_when_the_whole_does(
            pattern in "[ab*?]{0,8}", before in "[ab]{0,3}", text in "[ab]{0,5}", after in "[ab]{0,3}",
        ) {
            let between = glob(&pattern).between(&before, &after);
            prop_assert_eq!(between.matches(&text), like(&pattern, &format!("{before}{text}{after}")));
        }

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
    fn long_patterns_are_read_to_their_end() {
        for length in [1, 62, 63, 64, 65, 127, 128, 129, 200] {
            let text = "a".repeat(length);
            let pattern = glob(&text);
            assert!(pattern.matches(&text) && !pattern.matches(&format!("{text}a")), "{length}");
            assert!(!pattern.matches(&"a".repeat(length - 1)), "{length}");
            let suffix = glob(&format!("*b{text}"));
            assert!(suffix.matches(&format!("bb{text}")) && !suffix.matches(&format!("b{text}b")), "{length}");
            let found = witnesses(&[vec![pattern], vec![suffix]]);
            let shown: HashSet<&str> = found.texts.iter().map(String::as_str).collect();
            assert!(found.complete && found.texts.len() == 3, "{length} {:?}", found.texts);
            assert!(shown.contains(text.as_str()) && shown.contains(format!("b{text}").as_str()), "{length}");
        }
    }

    #[test]
    fn only_some_patterns_may_match_an_ipv6_address() {
        for (pattern, expected) in [
            ("*", true),
            ("2001:*", true),
            ("2001:db8::5", true),
            ("::ffff:10.0.0.?", true),
            ("?:?", true),
            ("*.5", true),
            ("a:b", false),
            ("10.*", false),
            ("192.0.2.?", false),
            ("1.*:*:*", false),
            ("a:1.*:*", false),
            ("office*", false),
            ("", false),
        ] {
            assert_eq!(glob(pattern).may_match_ipv6(), expected, "{pattern}");
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
    fn an_arn_pattern_takes_no_colon_in_its_first_parts() {
        let parts: Vec<Vec<Token<'_>>> = vec![
            vec![Token::AnySequence],
            vec![Token::AnySequence],
            vec![Token::Literal("s"), Token::AnyCharacter],
            vec![],
            vec![],
            vec![Token::AnySequence],
        ];
        let arn = Glob::of_arn(&parts).unwrap();
        assert!(arn.matches("arn:x:s3:::a:b") && arn.matches("arn::sx:::"));
        assert!(!arn.matches("arn:x:s::::") && !arn.matches("arm:x:s3:::a") && !arn.matches("arn:x:y:s3:::"));
        assert!(Glob::of_arn(&[vec![Token::Literal("urn")]]).is_none());
        assert!(tokens_match(&[Token::AnySequence], "arn"));
    }

    #[test]
    fn too_many_states_end_the_walk() {
        let tests: Vec<Test> = (0..12).map(|index| vec![glob(&format!("*a{}b*", "?".repeat(index + 6)))]).collect();
        assert!(!witnesses(&tests).complete);
    }
}

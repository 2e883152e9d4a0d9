//! A pattern as an automaton that reads a text character by character.

use std::collections::HashSet;

use crate::letters;
use crate::pattern::Token;

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Character(char),
    IgnoringCase(char),
    Any,
    AnyButColon,
    Sequence,
    SequenceButColon,
}

impl Step {
    pub(super) fn is_sequence(self) -> bool {
        matches!(self, Step::Sequence | Step::SequenceButColon)
    }
    pub(super) fn takes(self, character: char) -> bool {
        match self {
            Step::Character(own) => own == character,
            Step::IgnoringCase(own) => letters::lower(own) == letters::lower(character),
            Step::Any | Step::Sequence => true,
            Step::AnyButColon | Step::SequenceButColon => character != ':',
        }
    }
}

/// A set of positions in a pattern.
type Positions = Vec<u64>;

pub(super) fn insert(positions: &mut [u64], position: usize) {
    if let Some(word) = positions.get_mut(position / 64) {
        *word |= 1 << (position % 64);
    }
}

/// A pattern as an automaton: position `n` is before step `n`, the last one after all steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Glob {
    pub(super) steps: Vec<Step>,
    pub(super) start: Positions,
    pub(super) accept: Positions,
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
    pub(super) fn is_whole(&self) -> bool {
        positions(&self.accept).eq([self.steps.len()]) && self.start == Glob::from_steps(self.steps.clone()).start
    }

    /// Whether only one text matches, apart from its case.
    pub(super) fn is_literal(&self) -> bool {
        let plain = self.steps.iter().all(|step| matches!(step, Step::Character(_) | Step::IgnoringCase(_)));
        plain && positions(&self.start).eq([0]) && positions(&self.accept).eq([self.steps.len()])
    }

    /// Whether every text matches.
    pub(super) fn is_everything(&self) -> bool {
        self.steps == [Step::Sequence]
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
            Step::Character(own) => letters::lower(*own) == letters::upper(*own),
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

/// The places of a set, in order.
pub(super) fn positions(set: &[u64]) -> impl Iterator<Item = usize> {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::context::Context;
    use crate::pattern::{Pattern, Resolved, Syntax, tokens_match};
    use proptest::prelude::*;

    pub(in super::super) fn glob(pattern: &str) -> Glob {
        let parsed = Pattern::parse(pattern, Syntax { wildcards: true, variables: false });
        let context = Context::new();
        let Resolved::Tokens(tokens) = parsed.resolve(&context) else { panic!("no variable") };
        Glob::of_tokens(&tokens, false)
    }

    pub(in super::super) fn like(pattern: &str, text: &str) -> bool {
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

    }

    #[test]
    fn long_patterns_are_read_to_their_end() {
        for length in [1, 62, 63, 64, 65, 127, 128, 129, 200] {
            let text = "a".repeat(length);
            let (pattern, suffix) = (glob(&text), glob(&format!("*b{text}")));
            assert!(pattern.matches(&text) && !pattern.matches(&format!("{text}a")), "{length}");
            assert!(!pattern.matches(&"a".repeat(length - 1)), "{length}");
            assert!(suffix.matches(&format!("bb{text}")) && !suffix.matches(&format!("b{text}b")), "{length}");
        }
    }

    #[test]
    fn only_some_patterns_may_match_an_ipv6_address() {
        for (pattern, expected) in [
            ("*", true),
            ("2001:*", true),
            ("2001:db8::5", true),
            ("::ffff:10.0.0.?", true),
            ("::", true),
            ("2001:db8::office", false),
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
}

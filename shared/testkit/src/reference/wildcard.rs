//! Patterns with `*` and `?`, matched by plain recursion.

/// One element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// This character.
    Char(char),
    /// `?`
    AnyOne,
    /// `*`
    AnyMany,
}

/// The items of a text in which `*` and `?` are wildcards.
pub(crate) fn pattern(text: &str) -> Vec<Item> {
    text.chars()
        .map(|character| match character {
            '*' => Item::AnyMany,
            '?' => Item::AnyOne,
            other => Item::Char(other),
        })
        .collect()
}

/// The items of a text that stands for itself.
pub(crate) fn literal(text: &str) -> Vec<Item> {
    text.chars().map(Item::Char).collect()
}

/// Whether the whole text fits the whole pattern.
pub(crate) fn matches(pattern: &[Item], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    fits(pattern, &text)
}

fn fits(pattern: &[Item], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((Item::AnyMany, rest)), None) => fits(rest, text),
        (Some((Item::AnyMany, rest)), Some((_, tail))) => fits(rest, text) || fits(pattern, tail),
        (Some(_), None) => false,
        (Some((Item::AnyOne, rest)), Some((_, tail))) => fits(rest, tail),
        (Some((Item::Char(wanted), rest)), Some((found, tail))) => wanted == found && fits(rest, tail),
    }
}

/// A pattern cut at its literal colons into six parts, the last of which takes the rest.
pub(crate) fn six_parts(pattern: &[Item]) -> Vec<Vec<Item>> {
    let mut parts: Vec<Vec<Item>> = pattern.splitn(6, |item| *item == Item::Char(':')).map(<[Item]>::to_vec).collect();
    while parts.len() < 6 {
        parts.push(vec![Item::AnyMany]);
    }
    parts
}

/// The six parts of an ARN; `None` when the text is none.
pub(crate) fn arn_parts(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    (parts.len() == 6 && parts.first() == Some(&"arn")).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_takes_any_run_and_question_mark_one_character() {
        for (text, pattern_text, expected) in [
            ("", "", true),
            ("", "*", true),
            ("", "?", false),
            ("abc", "a*c", true),
            ("ac", "a*c", true),
            ("abd", "a*c", false),
            ("abc", "a?c", true),
            ("ac", "a?c", false),
            ("abcabc", "*abc", true),
            ("abcabx", "*abc", false),
            ("aXbXc", "a*b*c", true),
            ("abc", "**", true),
            ("é", "?", true),
        ] {
            assert_eq!(matches(&pattern(pattern_text), text), expected, "`{pattern_text}` on `{text}`");
        }
    }

    #[test]
    fn literal_text_has_no_wildcards() {
        assert!(matches(&literal("a*"), "a*"));
        assert!(!matches(&literal("a*"), "ab"));
    }
}

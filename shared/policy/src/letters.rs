//! Letters without regard to case.
//!
//! Two letters count as the same when each is the other's upper or lower case. Such a pair has one letter on either side, so
//! that a text and its counterpart have equally many characters; `ß`, which is two letters in upper case, is only itself.

/// A letter in lower case; itself when it has no counterpart.
pub(crate) fn lower(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    match single(letter.to_lowercase()) {
        Some(lower) if single(lower.to_uppercase()) == Some(letter) => lower,
        _ => letter,
    }
}

/// A letter in upper case; itself when it has no counterpart.
pub(crate) fn upper(letter: char) -> char {
    match single(letter.to_uppercase()) {
        Some(upper) if lower(upper) == letter => upper,
        _ => letter,
    }
}

/// A text in lower case.
pub(crate) fn lower_text(text: &str) -> String {
    text.chars().map(lower).collect()
}

/// Whether two texts are the same apart from the case of their letters.
pub(crate) fn same(one: &str, other: &str) -> bool {
    match one.is_ascii() || other.is_ascii() {
        true => one.eq_ignore_ascii_case(other),
        false => one.chars().map(lower).eq(other.chars().map(lower)),
    }
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_in_pairs() {
        for (small, large) in
            [('a', 'A'), ('z', 'Z'), ('é', 'É'), ('ö', 'Ö'), ('þ', 'Þ'), ('ÿ', 'Ÿ'), ('ω', 'Ω'), ('я', 'Я')]
        {
            assert_eq!((lower(small), lower(large), upper(small), upper(large)), (small, small, large, large));
        }
    }

    #[test]
    fn what_is_in_no_pair_is_itself() {
        // The micro sign, the sign for kelvin, and letters with and without a dot have a counterpart that is another's.
        for letter in ['1', '@', '×', '÷', 'ß', 'µ', '\u{212a}', 'ı', 'İ', 'ſ', 'ς', '字'] {
            assert_eq!((lower(letter), upper(letter)), (letter, letter), "{letter}");
        }
    }

    #[test]
    fn texts_are_the_same_letter_by_letter() {
        for (one, other, expected) in [
            ("MÜLLER", "müller", true),
            ("Müller", "Muller", false),
            ("sendEmail", "SENDEMAIL", true),
            ("Straße", "STRASSE", false),
            ("\u{212a}", "k", false),
            ("é", "É1", false),
            ("", "", true),
        ] {
            assert_eq!((same(one, other), same(other, one)), (expected, expected), "{one} {other}");
            assert_eq!(lower_text(one) == lower_text(other), expected);
        }
    }
}

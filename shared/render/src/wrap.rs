//! Wrapping prose.

/// Wraps at spaces. A word longer than the width (a link, an ARN) has a line of its own and is never broken.
pub fn wrap(text: &str, width: usize, first: &str, rest: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_owned();
    let mut used = first.chars().count();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if !empty && used + 1 + length > width {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            used = rest.chars().count();
            empty = true;
        }
        if !empty {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
        empty = false;
    }
    lines.push(line);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn wraps_at_spaces_and_never_breaks_a_word() {
        assert_eq!(wrap("one two three", 7, "", ""), "one two\nthree");
        assert_eq!(
            wrap("a arn:aws:iam::111122223333:role/app b", 10, "", "  "),
            "a\n  arn:aws:iam::111122223333:role/app\n  b"
        );
    }
}

//! Patterns that a given text fits, or nearly fits.

use crate::random::Random;

/// A pattern made from a text: the text itself, with wildcards put in, or slightly wrong.
pub(crate) fn pattern(random: &mut Random, text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let cut = random.below(characters.len() + 1);
    let head = || characters.iter().take(cut).collect::<String>();
    let tail = || characters.iter().skip(cut).collect::<String>();
    match random.below(16) {
        0..=3 => text.to_owned(),
        4 => "*".to_owned(),
        5 | 6 => format!("{}*", head()),
        7 | 8 => format!("*{}", tail()),
        9 => format!("{}*{}", head(), tail()),
        10 => format!("{}*{}", head(), tail().chars().skip(1).collect::<String>()),
        11 => format!("{}?{}", head(), tail().chars().skip(1).collect::<String>()),
        12 => flip_case(random, text),
        13 => format!("{}**", head()),
        14 => format!("{}?*", head()),
        _ => format!("{text}?"),
    }
}

/// The text with the case of some letters changed.
pub(crate) fn flip_case(random: &mut Random, text: &str) -> String {
    text.chars()
        .map(|character| {
            if random.chance(70) {
                character.to_string()
            } else if character.is_uppercase() {
                character.to_lowercase().to_string()
            } else {
                character.to_uppercase().to_string()
            }
        })
        .collect()
}

/// An ARN pattern made from an ARN, part by part. `exact_service` keeps wildcards out of the service part.
pub(crate) fn arn_pattern(random: &mut Random, arn: &str, exact_service: bool) -> String {
    if random.chance(10) {
        return random.pick(&["*", "**"]).to_owned();
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    // A pattern for resources names its service.
    let least = if exact_service { 3 } else { 2 };
    let keep = if random.chance(6) { least + random.below(6 - least) } else { 6 };
    let mut made = Vec::new();
    for (index, part) in parts.iter().enumerate().take(keep) {
        let last = index == 5;
        made.push(if index == 0 || random.chance(if last { 30 } else { 75 }) {
            (*part).to_owned()
        } else if index == 2 && exact_service {
            random.pick(&["*", "ses", "s3"]).to_owned()
        } else {
            pattern(random, part)
        });
    }
    while exact_service && made.len() < 6 && made.last().is_some_and(String::is_empty) {
        made.pop();
    }
    made.join(":")
}

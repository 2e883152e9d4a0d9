//! Policy variables: `${key}`, `${key, 'default'}`, `${*}`, `${?}`, `${$}`.

use super::context::{Context, Present};
use super::wildcard::{Item, literal, pattern};

/// A stretch of a policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text that stands in the policy as it is.
    Text(String),
    /// `${*}`, `${?}` or `${$}`: that character, without its special meaning.
    Escaped(char),
    /// A context key to be put in.
    Variable { key: String, default: Option<String> },
}

/// Cuts a text into pieces. Only the version `2012-10-17` knows variables; a `${` without its `}` is text.
pub(crate) fn pieces(text: &str, variables: bool) -> Vec<Piece> {
    if !variables {
        return vec![Piece::Text(text.to_owned())];
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, tail)) = after.split_once('}') else { break };
        found.push(Piece::Text(before.to_owned()));
        found.push(match inside {
            "*" => Piece::Escaped('*'),
            "?" => Piece::Escaped('?'),
            "$" => Piece::Escaped('$'),
            _ => variable(inside),
        });
        rest = tail;
    }
    found.push(Piece::Text(rest.to_owned()));
    found
}

fn variable(inside: &str) -> Piece {
    let (key, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((key, default)) => (key, default.trim().strip_prefix('\'').and_then(|default| default.strip_suffix('\''))),
    };
    Piece::Variable { key: key.trim().to_lowercase(), default: default.map(str::to_owned) }
}

/// The text as a pattern with every variable put in as literal text; `None` when one has no value and no default.
///
/// `wildcards` says whether `*` and `?` of the policy's own text are wildcards.
pub(crate) fn resolve(pieces: &[Piece], wildcards: bool, context: &Context) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) if wildcards => items.extend(pattern(text)),
            Piece::Text(text) => items.extend(literal(text)),
            Piece::Escaped(character) => items.push(Item::Char(*character)),
            Piece::Variable { key, default } => match (context.get(key), default) {
                (Some(Present::One(value)), _) => items.extend(literal(value)),
                (_, Some(default)) => items.extend(literal(default)),
                (_, None) => return None,
            },
        }
    }
    Some(items)
}

/// The characters of items that are all literal.
pub(crate) fn plain_text(items: &[Item]) -> String {
    items
        .iter()
        .map(|item| match item {
            Item::Char(character) => *character,
            Item::AnyOne => '?',
            Item::AnyMany => '*',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_cut_out_with_their_defaults() {
        assert_eq!(
            pieces("a/${aws:PrincipalTag/team, 'x y'}/b", true),
            vec![
                Piece::Text("a/".to_owned()),
                Piece::Variable { key: "aws:principaltag/team".to_owned(), default: Some("x y".to_owned()) },
                Piece::Text("/b".to_owned()),
            ]
        );
        assert_eq!(pieces("${open", true), vec![Piece::Text("${open".to_owned())]);
        assert_eq!(pieces("${k}", false), vec![Piece::Text("${k}".to_owned())]);
    }
}

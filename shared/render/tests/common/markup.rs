//! What a page may be made of. Tests of other crates take this file in as well.
#![allow(clippy::string_slice, reason = "tests")]
#![allow(dead_code, reason = "each test file uses a part of this")]

use sesame_render::escape;

/// What data may try to be: every value of `tests/hostile/values.json`.
pub fn hostile() -> Vec<String> {
    let values: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../../tests/hostile/values.json")).unwrap();
    assert!(values.len() >= 80);
    values.iter().map(|row| row["value"].as_str().unwrap().to_owned()).collect()
}

pub fn no_hidden_characters(text: &str, what: &str) {
    let found: Vec<char> =
        text.chars().filter(|character| escape::is_hidden(*character) && *character != '\n').collect();
    assert!(found.is_empty(), "{what}: {found:?}");
}

/// Every tag of a page as its name and the names of its attributes.
pub fn tags(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut list = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap();
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            if let Some(after) = rest.strip_prefix("/>") {
                rest = after;
                break;
            }
            let end = rest.find(|c: char| c == '=' || c == '>' || c.is_whitespace()).unwrap();
            let attribute = rest[..end].to_owned();
            rest = &rest[end..];
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let end = quoted.find('"').unwrap();
                value = quoted[..end].to_owned();
                rest = &quoted[end + 1..];
            }
            attributes.push((attribute, value));
        }
        list.push((name, attributes));
    }
    list
}

/// Nothing but our own tags, attributes and classes; links and forms lead only to these places.
pub fn is_our_markup(html: &str, what: &str, places: &[&str]) {
    const TAGS: &str = "!doctype html head meta title style body a header p svg path span section h1 h2 h3 h4 details summary \
        ol ul li main div code aside dl dt dd figure figcaption desc circle rect g text article pre ins del br blockquote \
        form input fieldset legend label button footer strong select option";
    const ATTRIBUTES: &str = "html lang charset name content class href id aria-labelledby aria-label aria-hidden role title \
        viewBox d fill stroke stroke-width stroke-linejoin cx cy r x y width height rx text-anchor method action type value \
        checked for maxlength autocomplete disabled hidden selected http-equiv aria-current";
    let (known_tags, known): (Vec<&str>, Vec<&str>) =
        (TAGS.split_whitespace().collect(), ATTRIBUTES.split_whitespace().collect());
    no_hidden_characters(html, what);
    for (tag, attributes) in tags(html) {
        assert!(known_tags.contains(&tag.trim_start_matches('/')), "{what}: <{tag}>");
        for (name, value) in attributes {
            assert!(known.contains(&name.as_str()), "{what}: <{tag} {name}>");
            match name.as_str() {
                "href" | "action" => assert!(places.contains(&value.as_str()), "{what}: {name} {value}"),
                "class" => assert!(
                    value.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == ' '),
                    "{what}: class {value}"
                ),
                "http-equiv" => assert_eq!(value, "refresh", "{what}"),
                "content" => assert!(!value.contains("url="), "{what}: content {value}"),
                _ => {}
            }
        }
    }
}

//! Edits of a JSON text that leave every other byte as it was, in the style of what stands around them.

use std::ops::Range;

use serde::Serialize as _;
use serde_json::Value as Json;
use serde_json::ser::{PrettyFormatter, Serializer};
use sesame_remediation::receipt::Replacement;

use crate::located::{JsonFile, Node, Value};

/// The places of a list's items or an object's members.
struct Slots {
    /// Just behind the opening bracket.
    open: usize,
    /// At the closing bracket.
    close: usize,
    items: Vec<Range<usize>>,
}

fn slots(node: &Node) -> Slots {
    let items = match &node.value {
        Value::Scalar => Vec::new(),
        Value::Array(items) => items.iter().map(|item| item.span.clone()).collect(),
        Value::Object(members) => members.iter().map(|member| member.start..member.node.span.end).collect(),
    };
    Slots { open: node.span.start + 1, close: node.span.end.saturating_sub(1), items }
}

/// Replaces a value.
pub(super) fn replace(file: &JsonFile, node: &Node, value: &Json) -> Replacement {
    let indent = match file.slice(&node.span).contains('\n') || unit(file).is_some() {
        true => Some(line_indent(file, node.span.start)),
        false => None,
    };
    change(file, node.span.clone(), render(file, value, indent.as_deref()))
}

/// Adds an item at the end of a list.
pub(super) fn append_item(file: &JsonFile, list: &Node, value: &Json) -> Replacement {
    append(file, list, |indent| render(file, value, indent))
}

/// Adds a member at the end of an object.
pub(super) fn append_member(file: &JsonFile, object: &Node, key: &str, value: &Json) -> Replacement {
    let colon = match &object.value {
        Value::Object(members) => members.first().and_then(|member| {
            let between = member.start..member.node.span.start;
            file.slice(&between).rsplit_once(':').map(|(_, space)| format!(":{space}"))
        }),
        _ => None,
    };
    append(file, object, |indent| {
        let colon = colon.as_deref().unwrap_or(if indent.is_some() { ": " } else { ":" });
        format!("{}{colon}{}", Json::from(key), render(file, value, indent))
    })
}

fn append(file: &JsonFile, container: &Node, text: impl Fn(Option<&str>) -> String) -> Replacement {
    let Slots { open, close, items } = slots(container);
    if let Some(last) = items.last() {
        let before = file.text.get(..last.start).unwrap_or_default();
        let lead = before.get(before.trim_end().len()..).unwrap_or_default();
        let indent = lead.rsplit_once('\n').map(|(_, indent)| indent);
        return change(file, last.end..last.end, format!(",{lead}{}", text(indent)));
    }
    let inner = match unit(file) {
        Some(unit) => {
            let outer = line_indent(file, container.span.start);
            let indent = format!("{outer}{unit}");
            let newline = newline(file);
            format!("{newline}{indent}{}{newline}{outer}", text(Some(&indent)))
        }
        None => text(None),
    };
    change(file, open..close, inner)
}

/// Takes an item or a member out, with its comma and the white space that belongs to it.
pub(super) fn remove(file: &JsonFile, container: &Node, index: usize) -> Option<Replacement> {
    let Slots { open, close, items } = slots(container);
    let gone = items.get(index)?;
    let span = match (index.checked_sub(1).and_then(|previous| items.get(previous)), items.get(index + 1)) {
        (Some(previous), _) => previous.end..gone.end,
        (None, Some(following)) => gone.start..following.start,
        (None, None) => open..close,
    };
    Some(change(file, span, String::new()))
}

fn change(file: &JsonFile, span: Range<usize>, inserted: String) -> Replacement {
    Replacement { offset: span.start, removed: file.slice(&span).to_owned(), inserted }
}

/// The text with all replacements made; `None` when one of them does not fit it.
pub(super) fn splice(text: &str, replacements: &[Replacement]) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for replacement in replacements {
        result.push_str(text.get(done..replacement.offset)?);
        done = replacement.offset.checked_add(replacement.removed.len())?;
        if text.get(replacement.offset..done)? != replacement.removed {
            return None;
        }
        result.push_str(&replacement.inserted);
    }
    result.push_str(text.get(done..)?);
    Some(result)
}

/// The replacements that undo these.
pub(super) fn inverse(replacements: &[Replacement]) -> Option<Vec<Replacement>> {
    let mut grown = 0_usize;
    let mut shrunk = 0_usize;
    let mut inverse = Vec::with_capacity(replacements.len());
    for Replacement { offset, removed, inserted } in replacements {
        let offset = offset.checked_add(grown)?.checked_sub(shrunk)?;
        inverse.push(Replacement { offset, removed: inserted.clone(), inserted: removed.clone() });
        grown = grown.checked_add(inserted.len())?;
        shrunk = shrunk.checked_add(removed.len())?;
    }
    Some(inverse)
}

/// A value as text: on one line, or with every line but the first indented.
fn render(file: &JsonFile, value: &Json, indent: Option<&str>) -> String {
    let Some(indent) = indent else { return value.to_string() };
    let unit = unit(file).unwrap_or("  ");
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(unit.as_bytes()));
    // A tree of strings and numbers always has a text; one line is as good JSON as many.
    let text = match value.serialize(&mut serializer).map(|()| String::from_utf8(bytes)) {
        Ok(Ok(text)) => text,
        _ => value.to_string(),
    };
    // Strings hold no raw line feeds, so every one is the formatter's.
    text.replace('\n', &format!("{}{indent}", newline(file)))
}

/// What one level of the file is indented by; `None` for a file without lines.
fn unit(file: &JsonFile) -> Option<&str> {
    let Slots { open, items, .. } = slots(&file.root);
    let lead = file.slice(&(open..items.first()?.start));
    let (_, unit) = lead.rsplit_once('\n')?;
    Some(unit)
}

fn newline(file: &JsonFile) -> &'static str {
    if file.text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The white space at the start of the line that holds this byte.
fn line_indent(file: &JsonFile, at: usize) -> String {
    let before = file.text.get(..at).unwrap_or_default();
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    line.chars().take_while(|c| *c == ' ' || *c == '\t').collect()
}

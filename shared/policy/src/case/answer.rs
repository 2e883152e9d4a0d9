//! Answers, written as one line of JSON.

use std::fmt::{self, Write};

use super::{Case, CaseError};
use crate::decision::Possible;
use crate::evaluation::{Evaluation, StatementRef};
use crate::json::write_string;
use crate::layer::LayerKind;

pub(super) fn line(case: &Case, evaluation: &Evaluation) -> String {
    let mut line = String::with_capacity(512);
    // Writing to a string does not fail.
    let _ = write_line(&mut line, case, evaluation);
    line
}

pub(super) fn error_line(error: &CaseError) -> String {
    let mut line = String::new();
    let _ = write_error(&mut line, error);
    line
}

fn write_error(out: &mut String, error: &CaseError) -> fmt::Result {
    out.push_str("{\"id\":");
    write_optional(out, error.id.as_deref())?;
    out.push_str(",\"error\":{\"pointer\":");
    write_string(out, &error.pointer)?;
    out.push_str(",\"message\":");
    write_string(out, &error.message)?;
    out.push_str("}}");
    Ok(())
}

fn write_line(out: &mut String, case: &Case, evaluation: &Evaluation) -> fmt::Result {
    out.push_str("{\"id\":");
    write_string(out, &case.id)?;
    out.push(',');
    write_possible(out, evaluation.possible)?;
    out.push_str(",\"layers\":");
    write_list(out, &evaluation.layers, |out, layer| {
        write!(out, "{{\"layer\":\"{}\",", layer.layer)?;
        write_possible(out, layer.possible)?;
        out.push_str(",\"decisive\":");
        write_list(out, &layer.decisive, |out, at| write_statement(out, case, at))?;
        out.push('}');
        Ok(())
    })?;
    out.push_str(",\"unknownKeys\":");
    write_list(out, &evaluation.unknown_keys, |out, key| write_string(out, key))?;
    out.push_str(",\"unreadableLayers\":");
    write_list(out, &evaluation.unreadable_layers, |out, layer| write!(out, "\"{layer}\""))?;
    if evaluation.approximate {
        out.push_str(",\"approximate\":true");
    }
    out.push('}');
    Ok(())
}

fn write_list<T>(out: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T) -> fmt::Result) -> fmt::Result {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item)?;
    }
    out.push(']');
    Ok(())
}

fn write_optional(out: &mut String, text: Option<&str>) -> fmt::Result {
    match text {
        Some(text) => write_string(out, text),
        None => out.write_str("null"),
    }
}

fn write_possible(out: &mut String, possible: Possible) -> fmt::Result {
    let decision = possible.determined().map_or("Undetermined", |decision| decision.as_str());
    write!(out, "\"decision\":\"{decision}\",\"possible\":[")?;
    for (index, decision) in possible.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(out, "{comma}\"{decision}\"")?;
    }
    out.push(']');
    Ok(())
}

fn write_statement(out: &mut String, case: &Case, at: &StatementRef) -> fmt::Result {
    let policy = at.policy(&case.policies);
    let statement = policy.and_then(|policy| policy.document.as_ref()?.statements.get(at.statement));
    out.push_str("{\"policy\":");
    write_optional(out, policy.and_then(|policy| policy.name.as_deref()))?;
    write!(out, ",\"statement\":{},\"pointer\":", at.statement)?;
    write_optional(out, statement.map(|statement| statement.pointer.as_str()))?;
    out.push_str(",\"sid\":");
    write_optional(out, statement.and_then(|statement| statement.sid.as_deref()))?;
    write!(out, ",\"at\":\"/policies/{}", field(at.layer))?;
    if let Some(level) = at.level {
        write!(out, "/{level}")?;
    }
    if at.layer != LayerKind::Resource || case.resource_is_list {
        write!(out, "/{}", at.policy)?;
    }
    out.push_str("\"}");
    Ok(())
}

/// The layer's field in a case.
fn field(layer: LayerKind) -> &'static str {
    match layer {
        LayerKind::Identity => "identity",
        LayerKind::Boundary => "boundary",
        LayerKind::Session => "session",
        LayerKind::ServiceControl => "serviceControl",
        LayerKind::ResourceControl => "resourceControl",
        LayerKind::Resource => "resource",
        LayerKind::VpcEndpoint => "vpcEndpoint",
    }
}

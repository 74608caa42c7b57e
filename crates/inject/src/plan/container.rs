//! Adds variables to a service's own `environment`, in every shape it can have.
//!
//! What is shared by an anchor is never changed for the others: the shared mapping is kept as it is and
//! brought in by a merge key, beside which the new variables stand.

mod shared;
mod write;

use std::ops::Range;
use std::sync::Arc;

use clearml_secure_core::compose::Service;
use clearml_secure_core::yaml::{Entry, Node, Quoting, Style, Value, edit};

use super::indent::{column, indentation, line_end, line_start};
use super::wanted::Wanted;
use super::{Edit, Edits, Refusal, Target, value};
use shared::{
    flow_environment, heirs, inherited_lines, refuse_extensions, refuse_nothing_to_share, set_apart,
};
pub(super) use shared::{keep_heirs, split_list};
use write::{Shape, blanks, flow_pairs, insert_lines_before, lines_shape, variable_lines};
pub(super) use write::{insert_into_flow, insert_lines, plain};

type Variables = [Wanted];

/// Adds the edits that give a service these variables.
pub(super) fn add(
    target: &mut Target<'_>,
    service: &Service,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let part = service
        .parts
        .iter()
        .rev()
        .find(|part| part.source == target.source && part.service == service.name)
        .ok_or_else(|| {
            let file = target
                .deployment
                .sources
                .path(service.name_span.source)
                .display()
                .to_string();
            target.refuse(
                0,
                format!("service {} is not in this file", escaped(&service.name)),
                format!("inject into {file}"),
            )
        })?;
    refuse_extensions(target, service, variables)?;
    target.edited.insert(service.name.clone());
    let mapping = Arc::clone(&part.node);
    if mapping.tag().is_some_and(|tag| tag == "!reset") {
        return Err(target.refuse(
            mapping.start_with_properties(),
            format!("service {} is reset here", escaped(&service.name)),
            "inject into the file that defines it",
        ));
    }
    // The service is somebody else's mapping under another name: `apiserver: *base`.
    if let Value::Alias(shared) = &mapping.value {
        return alias_service(target, service, &mapping, shared, variables, edits);
    }
    let Value::Mapping(style, entries) = &mapping.value else {
        return Err(target.refuse(
            mapping.start_with_properties(),
            format!("service {} is empty", escaped(&service.name)),
            "give it an image first",
        ));
    };
    let own = entries.iter().find(|entry| is_key(entry, "environment"));
    match (own, style) {
        (Some(entry), _) => {
            refuse_nothing_to_share(target, service, &entry.value)?;
            own_environment(target, entry, *style, variables, edits)
        }
        (None, Style::Flow) => {
            let inherited = mapping
                .get("environment")
                .map(|field| Arc::clone(field.value));
            let flow = flow_environment(target, inherited.as_ref(), variables, edits)?;
            let text = format!("environment: {}", *flow);
            edits.push(insert_into_flow(
                target,
                &mapping,
                entries.last().map(end_of_entry),
                text,
            ));
            Ok(())
        }
        (None, Style::Block) => {
            let key_column = indentation(target.text, mapping.span(target.source).start);
            let step = step(target, service, key_column);
            let inherited = mapping
                .get("environment")
                .map(|field| Arc::clone(field.value));
            let at = entries
                .last()
                .map_or(mapping.span(target.source).end, end_of_entry);
            let mut lines = vec![plain(format!("{}environment:", blanks(key_column)))];
            lines.extend(inherited_lines(
                target,
                inherited.as_ref(),
                key_column + step,
                variables,
                edits,
            )?);
            lines.extend(variable_lines(
                &lines_shape(inherited.as_ref()),
                key_column + step,
                variables,
            ));
            let first = entries.first().filter(|_| {
                entries
                    .last()
                    .is_some_and(|last| is_block_scalar(&last.value))
            });
            edits.push(match first {
                Some(first) => {
                    insert_lines_before(target, first.key.start_with_properties(), &lines)
                }
                None => insert_lines(target, at, &lines),
            });
            Ok(())
        }
    }
}

/// `environment` stands in the service itself.
fn own_environment(
    target: &mut Target<'_>,
    entry: &Entry,
    style: Style,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let node = &entry.value;
    if node.tag().is_some_and(|tag| tag == "!reset") {
        return Err(target.refuse(
            node.start_with_properties(),
            "`environment` is reset here",
            "remove `!reset`, or inject into the file that sets the environment",
        ));
    }
    let key_column = indentation(target.text, entry.key.span(target.source).start);
    let has_heirs = heirs(target, node).next().is_some();
    let is_shared = has_heirs || target.aliased.contains(&Arc::as_ptr(node));
    if is_shared && matches!(node.value, Value::Sequence(..)) {
        target.split_lists.push(Arc::clone(node));
    }
    match &node.value {
        Value::Scalar(_) if style == Style::Flow => {
            let flow = flow_environment(target, None, variables, edits)?;
            edits.push(Edit::replace(
                null_range(target, entry),
                format!(" {}", *flow),
            ));
            Ok(())
        }
        Value::Scalar(_) => {
            edits.push(Edit::replace(null_range(target, entry), String::new()));
            let lines = variable_lines(
                &Shape::Mapping,
                key_column + own_step(target, key_column, entry),
                variables,
            );
            edits.push(insert_lines(
                target,
                entry.key.span(target.source).end,
                &lines,
            ));
            Ok(())
        }
        Value::Mapping(Style::Flow, items)
            if items.is_empty() && style == Style::Block && !is_shared =>
        {
            empty_collection(target, entry, &Shape::Mapping, key_column, variables, edits)
        }
        Value::Sequence(Style::Flow, items)
            if items.is_empty() && style == Style::Block && !is_shared =>
        {
            empty_collection(target, entry, &Shape::List, key_column, variables, edits)
        }
        Value::Mapping(Style::Flow, items) => {
            let text = flow_pairs(variables);
            if is_shared {
                let name = set_apart(target, node);
                let start = node.start_with_properties();
                let anchor = if node.anchor().is_some() {
                    String::new()
                } else {
                    format!("&{name} ")
                };
                edits.push(Edit::insert(start, format!("{{<<: {anchor}")));
                edits.push(Edit::insert(
                    node.span(target.source).end,
                    format!(", {}}}", *text),
                ));
            } else {
                edits.push(insert_into_flow(
                    target,
                    node,
                    items.last().map(end_of_entry),
                    text.to_string(),
                ));
            }
            Ok(())
        }
        Value::Mapping(Style::Block, items) => {
            let Some(first) = items.first() else {
                return Ok(());
            };
            // `? key` stands behind its question mark.
            let indent = indentation(target.text, first.key.start_with_properties());
            let end = items.last().map_or(0, end_of_entry);
            if is_shared {
                return isolate_block(target, entry, indent, end, variables, edits);
            }
            let lines = variable_lines(&Shape::Mapping, indent, variables);
            let ends_in_block = items
                .last()
                .is_some_and(|last| is_block_scalar(&last.value));
            edits.push(if ends_in_block {
                insert_lines_before(target, first.key.start_with_properties(), &lines)
            } else {
                insert_lines(target, end, &lines)
            });
            Ok(())
        }
        Value::Sequence(Style::Flow, items) => {
            let texts: Vec<String> = variables
                .iter()
                .map(|wanted| value::item(wanted).to_string())
                .collect();
            let end = items.last().map(|item| item.span(target.source).end);
            edits.push(insert_into_flow(target, node, end, texts.join(", ")));
            Ok(())
        }
        Value::Sequence(Style::Block, items) => {
            let dash = items
                .first()
                .map_or(0, |item| edit::dash(target.text, item));
            let lines = variable_lines(&Shape::List, column(target.text, dash), variables);
            let end = items.last().map_or(0, |item| item.span(target.source).end);
            edits.push(if items.last().is_some_and(is_block_scalar) {
                insert_lines_before(target, dash, &lines)
            } else {
                insert_lines(target, end, &lines)
            });
            Ok(())
        }
        Value::Alias(shared) => {
            let indent = key_column + own_step(target, key_column, entry);
            let shared = Arc::clone(shared);
            target.written_out.insert(node.range().start);
            if has_heirs && shared.items().is_some() {
                target.split_lists.push(Arc::clone(node));
            } else if has_heirs {
                set_apart(target, node);
            }
            if style == Style::Flow {
                let flow = flow_environment(target, Some(node), variables, edits)?;
                edits.push(Edit::replace(
                    node.span(target.source).start..node.span(target.source).end,
                    flow.to_string(),
                ));
                return Ok(());
            }
            let mut lines = inherited_lines(target, Some(node), indent, variables, edits)?;
            lines.extend(variable_lines(
                &lines_shape(Some(&shared)),
                indent,
                variables,
            ));
            let span = node.span(target.source);
            let start = target.text[..span.start].trim_end_matches(' ').len();
            edits.push(Edit::replace(start..span.end, String::new()));
            edits.push(insert_lines(target, span.end, &lines));
            Ok(())
        }
    }
}

/// `environment: {}` becomes lines.
fn empty_collection(
    target: &Target<'_>,
    entry: &Entry,
    shape: &Shape,
    key_column: usize,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let span = entry.value.span(target.source);
    if line_end(target.text, span.start) < span.end {
        // Brackets over several lines may hold comments; fill them rather than drop those.
        let text = match shape {
            Shape::Mapping => flow_pairs(variables).to_string(),
            Shape::List => {
                let items: Vec<String> = variables
                    .iter()
                    .map(|wanted| value::item(wanted).to_string())
                    .collect();
                items.join(", ")
            }
        };
        edits.push(Edit::insert(span.start + 1, text));
        return Ok(());
    }
    let start = target.text[..entry.value.start_with_properties()]
        .trim_end_matches(' ')
        .len();
    edits.push(Edit::replace(start..span.end, String::new()));
    let indent = key_column + own_step(target, key_column, entry);
    edits.push(insert_lines(
        target,
        span.end,
        &variable_lines(shape, indent, variables),
    ));
    Ok(())
}

/// `environment: &shared` with lines below becomes `environment:`, `<<: &shared` with the lines one step
/// deeper, and the new variables beside it.
fn isolate_block(
    target: &mut Target<'_>,
    entry: &Entry,
    indent: usize,
    end: usize,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let name = set_apart(target, &entry.value);
    let text = target.text;
    if let Some((_, anchor)) = entry.value.anchor() {
        let start = text[..anchor.start].trim_end_matches(' ').len();
        edits.push(Edit::replace(start..anchor.end, String::new()));
    }
    let step = own_step(
        target,
        column(text, entry.key.span(target.source).start),
        entry,
    );
    let first_line = line_end(text, entry.key.span(target.source).end);
    let merge = vec![plain(format!("{}<<: &{name}", blanks(indent)))];
    edits.push(insert_lines(target, first_line, &merge));
    let last = line_end(text, end);
    let mut at = line_start(text, skip_break(text, first_line));
    while at < last {
        let stop = line_end(text, at);
        if !text[at..stop].trim().is_empty() {
            edits.indent(at, step);
        }
        at = skip_break(text, stop);
        if at >= text.len() {
            break;
        }
    }
    edits.push(insert_lines(
        target,
        end,
        &variable_lines(&Shape::Mapping, indent, variables),
    ));
    Ok(())
}

/// `apiserver: *base` becomes a mapping that merges the base.
fn alias_service(
    target: &mut Target<'_>,
    service: &Service,
    alias: &Arc<Node>,
    shared: &Arc<Node>,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let span = alias.span(target.source);
    let name = target.text[span.start..span.end]
        .trim_start_matches('*')
        .to_owned();
    let name_column = column(target.text, service.name_span.start);
    let step = name_column.max(2);
    let inherited = shared
        .get("environment")
        .map(|field| Arc::clone(field.value));
    let mut lines = vec![
        plain(format!("{}<<: *{name}", blanks(name_column + step))),
        plain(format!("{}environment:", blanks(name_column + step))),
    ];
    lines.extend(inherited_lines(
        target,
        inherited.as_ref(),
        name_column + 2 * step,
        variables,
        edits,
    )?);
    lines.extend(variable_lines(
        &lines_shape(inherited.as_ref()),
        name_column + 2 * step,
        variables,
    ));
    let start = target.text[..span.start].trim_end_matches(' ').len();
    edits.push(Edit::replace(start..span.end, String::new()));
    edits.push(insert_lines(target, span.end, &lines));
    Ok(())
}

fn is_block_scalar(node: &Arc<Node>) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.style == Quoting::Block)
}

/// What is written for a null: nothing, or `~` with the blank before it.
fn null_range(target: &Target<'_>, entry: &Entry) -> Range<usize> {
    let span = entry.value.span(target.source);
    let key_end = entry.key.span(target.source).end;
    let colon = target.text[key_end..]
        .find(':')
        .map_or(key_end, |at| key_end + at + 1);
    if span.start == span.end {
        return colon..colon;
    }
    colon..span.end
}

/// Where an entry's last byte with content is. A value that is not written ends with its key's colon.
pub(super) fn end_of_entry(entry: &Entry) -> usize {
    entry.end()
}

/// How much deeper the entries of `environment` stand: as the service's keys stand below its name.
fn step(target: &Target<'_>, service: &Service, key_column: usize) -> usize {
    key_column
        .saturating_sub(column(target.text, service.name_span.start))
        .max(1)
}

/// The same for an `environment` that is there: half of its own column is right for files indented evenly.
fn own_step(target: &Target<'_>, key_column: usize, entry: &Entry) -> usize {
    let indent = indentation(target.text, entry.key.span(target.source).start);
    if key_column == indent && key_column >= 4 && key_column.is_multiple_of(2) {
        key_column / 2
    } else {
        2
    }
}

fn skip_break(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + if rest.starts_with("\r\n") {
        2
    } else {
        usize::from(rest.starts_with('\n'))
    }
}

fn is_key(entry: &Entry, name: &str) -> bool {
    entry.key.scalar().is_some_and(|key| key.text() == name)
}

fn escaped(name: &str) -> String {
    clearml_secure_core::shown::escape(name).into_owned()
}

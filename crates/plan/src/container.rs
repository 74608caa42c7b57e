//! Adds variables to a service's own `environment`, in every shape it can have.
//!
//! What is shared by an anchor is never changed for the others: the shared mapping is kept as it is and
//! brought in by a merge key, beside which the new variables stand.

mod elsewhere;
mod shared;
mod write;

use std::ops::Range;
use std::sync::Arc;

use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::yaml::{Entry, Field, Node, Quoting, Style, Value, edit};

use crate::refusal::Refusal;
use crate::target::Target;
use crate::value;
use crate::wanted::Wanted;
use clearml_secure_core::yaml::lines::{column, indentation, line_end, line_start};
use elsewhere::in_another_file;
pub(crate) use shared::{add_entry, keep_inheritors, split_list};
use shared::{
    flow_environment, follower, inherited_lines, inheritors, is_open_ended, refuse_extensions,
    refuse_nothing_to_share, set_apart,
};
pub(crate) use write::insert_lines;
use write::{Shape, blanks, flow_pairs, insert_lines_before, lines_shape, variable_lines};

type Variables = [Wanted];

/// Adds the edits that give a service these variables.
pub(crate) fn add(
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
        .ok_or_else(|| in_another_file(target, service))?;
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
        return alias_service(target, part, shared, variables, edits);
    }
    let Value::Mapping(style, entries) = &mapping.value else {
        return Err(target.refuse(
            mapping.start_with_properties(),
            format!("service {} is empty", escaped(&service.name)),
            "give it an image first",
        ));
    };
    let own = entries.iter().find(|entry| is_key(entry, "environment"));
    if own.is_none() {
        target.new_environments.insert(Arc::as_ptr(&mapping));
    }
    match (own, style) {
        (Some(entry), _) => {
            refuse_nothing_to_share(target, service, &entry.value)?;
            own_environment(target, &mapping, entry, variables, edits)
        }
        (None, Style::Flow) => new_in_braces(target, &mapping, variables, edits),
        (None, Style::Block) => new_on_lines(target, part, variables, edits),
    }
}

/// A service in braces gets an `environment`.
fn new_in_braces(
    target: &mut Target<'_>,
    mapping: &Arc<Node>,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let inherited = mapping.get_written("environment");
    let flow = flow_environment(target, inherited, variables, edits)?;
    let text = format!("environment: {flow}");
    let last = mapping.entries().and_then(<[_]>::last).map(end_of_entry);
    edits.push(edit::into_flow(target.text, mapping, last, &text));
    Ok(())
}

/// A service on lines gets an `environment`.
fn new_on_lines(
    target: &mut Target<'_>,
    part: &Part,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let mapping = &part.node;
    let key_column = indentation(target.text, mapping.range().start);
    let indent = key_column + step(target, part, key_column);
    let inherited = mapping.get_written("environment");
    let mut lines = vec![format!("{}environment:", blanks(key_column))];
    lines.extend(inherited_lines(
        target, inherited, indent, variables, edits,
    )?);
    lines.extend(variable_lines(&lines_shape(inherited), indent, variables));
    let entries = mapping.entries().unwrap_or_default();
    let at = entries.last().map_or(mapping.range().end, end_of_entry);
    edits.push(match follower(target.text, entries) {
        Some(next) => insert_lines_before(target, next.key.start_with_properties(), &lines),
        None => insert_lines(target, at, &lines),
    });
    Ok(())
}

/// `environment` stands in the service itself.
fn own_environment(
    target: &mut Target<'_>,
    mapping: &Node,
    entry: &Entry,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let node = &entry.value;
    let style = match mapping.value {
        Value::Mapping(style, _) => style,
        _ => Style::Block,
    };
    if node.tag() == Some("!reset") {
        return override_reset(target, mapping, entry, style, variables, edits);
    }
    let has_inheritors = inheritors(target, node).next().is_some();
    let is_shared = has_inheritors || target.aliased.contains(&Arc::as_ptr(node));
    if is_shared && matches!(node.value, Value::Sequence(..)) {
        target.split_lists.push(Arc::clone(node));
    }
    match &node.value {
        Value::Scalar(..) => null_environment(target, entry, style, variables, edits),
        Value::Mapping(Style::Flow, items)
            if items.is_empty() && style == Style::Block && !is_shared =>
        {
            empty_collection(target, entry, &Shape::Mapping, variables, edits);
            Ok(())
        }
        Value::Mapping(Style::Flow, _) => {
            flow_mapping(target, node, is_shared, variables, edits);
            Ok(())
        }
        Value::Mapping(Style::Block, items) => {
            block_mapping(target, entry, items, is_shared, variables, edits)
        }
        Value::Sequence(Style::Flow, items)
            if items.is_empty() && style == Style::Block && !is_shared =>
        {
            empty_collection(target, entry, &Shape::List, variables, edits);
            Ok(())
        }
        Value::Sequence(style, items) => {
            edits.push(list(target, node, *style, items, variables));
            Ok(())
        }
        Value::Alias(shared) => {
            note_written_out(target, node, shared, has_inheritors);
            alias_environment(target, entry, style, variables, edits)
        }
    }
}

/// The column of the `environment` key, and of what is below it where nothing is yet.
fn columns(target: &Target<'_>, entry: &Entry) -> (usize, usize) {
    let key_column = indentation(target.text, entry.key.range().start);
    (key_column, key_column + own_step(target, key_column, entry))
}

/// `!reset` takes away what the service would have, and `!override` does that too and lets it have something of its own,
/// beside what it merges.
fn override_reset(
    target: &mut Target<'_>,
    mapping: &Node,
    entry: &Entry,
    style: Style,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let node = &entry.value;
    let start = node.start_with_properties();
    let range = start..node.range().end.max(node.end_of_properties(target.text));
    if node.anchor().is_some() || target.text[range.clone()].contains(['\n', '#']) {
        return Err(target.refuse(
            start,
            "`environment` is reset here, on more than one line or with an anchor",
            "write `environment: !reset null`, then run this again",
        ));
    }
    let merged = mapping
        .get_written("environment")
        .filter(|field| field.merged);
    let is_below = |field: Field<'_>| match &field.value.value {
        Value::Alias(shared) => shared.range().start > start,
        Value::Sequence(..) => false,
        _ => field.value.range().start > start,
    };
    // An alias of what is merged goes here, and YAML knows no alias of what follows.
    if merged.is_some_and(is_below) {
        return Err(target.refuse(
            entry.key.start_with_properties(),
            "`environment` is reset here, and what the service merges instead stands further down",
            "move this line below the merged `environment`, then run this again",
        ));
    }
    if style == Style::Flow {
        let flow = flow_environment(target, merged, variables, edits)?;
        edits.push(Edit::replace(range, format!("!override {flow}")));
        return Ok(());
    }
    let (_, indent) = columns(target, entry);
    let mut lines = inherited_lines(target, merged, indent, variables, edits)?;
    lines.extend(variable_lines(&lines_shape(merged), indent, variables));
    edits.push(Edit::replace(range.clone(), "!override".to_owned()));
    edits.push(insert_lines(target, range.end, &lines));
    Ok(())
}

/// Nothing is written there.
fn null_environment(
    target: &mut Target<'_>,
    entry: &Entry,
    style: Style,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let range = null_range(target, entry);
    if style == Style::Flow {
        let flow = flow_environment(target, None, variables, edits)?;
        edits.push(Edit::replace(range, format!(" {flow}")));
        return Ok(());
    }
    edits.push(Edit::replace(range, String::new()));
    let (_, indent) = columns(target, entry);
    let lines = variable_lines(&Shape::Mapping, indent, variables);
    edits.push(insert_lines(target, entry.key.range().end, &lines));
    Ok(())
}

/// A mapping in braces. A shared one becomes a mapping that merges it.
fn flow_mapping(
    target: &mut Target<'_>,
    node: &Arc<Node>,
    is_shared: bool,
    variables: &Variables,
    edits: &mut Edits,
) {
    let text = flow_pairs(variables);
    if !is_shared {
        let last = node.entries().and_then(<[_]>::last).map(end_of_entry);
        edits.push(edit::into_flow(target.text, node, last, &text));
        return;
    }
    let name = set_apart(target, node);
    let anchor = match node.anchor() {
        Some(_) => String::new(),
        None => format!("&{name} "),
    };
    let start = node.start_with_properties();
    edits.push(Edit::insert(start, format!("{{<<: {anchor}")));
    edits.push(Edit::insert(node.range().end, format!(", {text}}}")));
}

/// A mapping of lines.
fn block_mapping(
    target: &mut Target<'_>,
    entry: &Entry,
    items: &[Entry],
    is_shared: bool,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return Ok(());
    };
    let start = first.key.start_with_properties();
    let before = &target.text[line_start(target.text, start)..start];
    // `? key` is behind its question mark, and the first key of `: key: value` behind the colon of the value.
    let indent = match before.trim_start().starts_with(':') {
        true => column(target.text, start),
        false => indentation(target.text, start),
    };
    let end = end_of_entry(last);
    if is_shared {
        return isolate_block(target, entry, indent, end, variables, edits);
    }
    let lines = variable_lines(&Shape::Mapping, indent, variables);
    edits.push(if is_block_scalar(&last.value) {
        insert_lines_before(target, start, &lines)
    } else {
        insert_lines(target, end, &lines)
    });
    Ok(())
}

/// A list in either style.
fn list(
    target: &Target<'_>,
    node: &Node,
    style: Style,
    items: &[Arc<Node>],
    variables: &Variables,
) -> Edit {
    let end = items.last().map(|item| item.range().end);
    if style == Style::Flow {
        return edit::into_flow(target.text, node, end, &flow_items(variables));
    }
    let first = items.first();
    let dash = first.map_or(0, |item| edit::dash(target.text, item));
    let lines = variable_lines(&Shape::List, column(target.text, dash), variables);
    if items.last().is_some_and(is_block_scalar) {
        insert_lines_before(target, dash, &lines)
    } else {
        insert_lines(target, end.unwrap_or_default(), &lines)
    }
}

fn flow_items(variables: &Variables) -> String {
    let items = variables
        .iter()
        .map(|wanted| value::item(wanted).to_string());
    items.collect::<Vec<_>>().join(", ")
}

/// The alias gives way to what is behind it, and those who inherit it keep it.
fn note_written_out(
    target: &mut Target<'_>,
    alias: &Arc<Node>,
    shared: &Node,
    has_inheritors: bool,
) {
    target.written_out.insert(alias.range().start);
    if has_inheritors && shared.items().is_some() {
        target.split_lists.push(Arc::clone(alias));
    } else if has_inheritors {
        set_apart(target, alias);
    }
}

/// An alias becomes a mapping that merges what is behind it, or a copy of the list.
fn alias_environment(
    target: &mut Target<'_>,
    entry: &Entry,
    style: Style,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let (alias, range) = (Some(entry.field()), entry.value.range());
    if style == Style::Flow {
        let flow = flow_environment(target, alias, variables, edits)?;
        edits.push(Edit::replace(range, flow.to_string()));
        return Ok(());
    }
    let (_, indent) = columns(target, entry);
    let mut lines = inherited_lines(target, alias, indent, variables, edits)?;
    lines.extend(variable_lines(&lines_shape(alias), indent, variables));
    let start = target.text[..range.start].trim_end_matches(' ').len();
    edits.push(Edit::replace(start..range.end, String::new()));
    edits.push(insert_lines(target, range.end, &lines));
    Ok(())
}

/// `environment: {}` becomes lines.
fn empty_collection(
    target: &Target<'_>,
    entry: &Entry,
    shape: &Shape,
    variables: &Variables,
    edits: &mut Edits,
) {
    let span = entry.value.range();
    if line_end(target.text, span.start) < span.end {
        // Brackets over several lines may hold comments; fill them rather than drop those.
        let text = match shape {
            Shape::Mapping => flow_pairs(variables).to_string(),
            Shape::List => flow_items(variables),
        };
        edits.push(Edit::insert(span.start + 1, text));
        return;
    }
    let start = match entry.value.tag() {
        // It still takes away what the service would have from others.
        Some("!override") => entry.value.end_of_properties(target.text),
        _ => entry.value.start_with_properties(),
    };
    let start = target.text[..start].trim_end_matches(' ').len();
    edits.push(Edit::replace(start..span.end, String::new()));
    let (_, indent) = columns(target, entry);
    let lines = variable_lines(shape, indent, variables);
    edits.push(insert_lines(target, span.end, &lines));
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
    let lines = variable_lines(&Shape::Mapping, indent, variables);
    let merge = format!("{}<<: &{name}", blanks(indent));
    let (above, below) = match is_open_ended(text, &entry.value) {
        true => (lines.into_iter().chain([merge]).collect(), Vec::new()),
        false => (vec![merge], lines),
    };
    edits.push(insert_lines(target, first_line, &above));
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
    if !below.is_empty() {
        edits.push(insert_lines(target, end, &below));
    }
    Ok(())
}

/// `apiserver: *base` becomes a mapping that merges the base.
fn alias_service(
    target: &mut Target<'_>,
    part: &Part,
    shared: &Arc<Node>,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let span = part.node.span(target.source);
    let name = target.text[span.start..span.end]
        .trim_start_matches('*')
        .to_owned();
    let name_column = target.column(part.name);
    let step = name_column.max(2);
    let inherited = shared.get_written("environment");
    let mut lines = vec![
        format!("{}<<: *{name}", blanks(name_column + step)),
        format!("{}environment:", blanks(name_column + step)),
    ];
    lines.extend(inherited_lines(
        target,
        inherited,
        name_column + 2 * step,
        variables,
        edits,
    )?);
    lines.extend(variable_lines(
        &lines_shape(inherited),
        name_column + 2 * step,
        variables,
    ));
    let start = target.text[..span.start].trim_end_matches(' ').len();
    edits.push(Edit::replace(start..span.end, String::new()));
    edits.push(insert_lines(target, span.end, &lines));
    Ok(())
}

fn is_block_scalar(node: &Arc<Node>) -> bool {
    matches!(&node.value, Value::Scalar(Quoting::Block, _))
}

/// What is written for a null: nothing, or `~` with the blank before it.
fn null_range(target: &Target<'_>, entry: &Entry) -> Range<usize> {
    let span = entry.value.span(target.source);
    let key_end = entry.key.span(target.source).end;
    let colon = target.text[key_end..]
        .find(':')
        .map_or(key_end, |at| key_end + at + 1);
    if span.start == span.end {
        // A tag without a value would be one of the lines that come.
        let end = match entry.value.anchor() {
            Some(_) => colon,
            None => entry.value.end_of_properties(target.text).max(colon),
        };
        return colon..end;
    }
    colon..span.end
}

/// Where an entry's last byte with content is. A value that is not written ends with its key's colon.
pub(crate) fn end_of_entry(entry: &Entry) -> usize {
    entry.end()
}

/// How much deeper the entries of `environment` stand: as the service's keys stand below its name.
fn step(target: &Target<'_>, part: &Part, key_column: usize) -> usize {
    key_column.saturating_sub(target.column(part.name)).max(1)
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

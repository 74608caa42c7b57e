//! What is shared with other services: it is brought in by a merge key, set apart under an anchor, and kept for the
//! others.

use std::collections::HashSet;
use std::ptr;
use std::sync::Arc;

use super::write::{blanks, flow_pairs, insert_lines, insert_lines_before};
use super::{Variables, end_of_entry, escaped, is_block_scalar, is_key};
use crate::item::name_of;
use crate::refusal::Refusal;
use crate::slot;
use crate::target::Target;
use crate::value;
use crate::wanted::Wanted;
use clearml_secure_core::compose::Service;
use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::yaml::lines::indentation;
use clearml_secure_core::yaml::{Entry, Field, Node, Quoting, Style, Value, edit};

/// A service that extends this one gets what this one gets. It may, if it is to have the very same.
pub(super) fn refuse_extensions(
    target: &Target<'_>,
    service: &Service,
    variables: &Variables,
) -> Result<(), Refusal> {
    for index in target.extensions.inheritors(&service.name) {
        let other = &target.deployment.project.services[*index];
        let may = |variable: &Wanted| {
            variable.is_of_inheritor()
                || target.is_wanted(*index, variable)
                || target.is_kept_from(*index, &variable.name)
        };
        if !variables.iter().all(may) {
            return Err(Refusal {
                place: target.deployment.sources.place(other.name_span),
                message: format!(
                    "service {} extends {} and would get secrets that it does not need",
                    escaped(&other.name),
                    escaped(&service.name)
                ),
                help: format!(
                    "give {} `environment: !override` with all that it needs, or move what they share to a third service, and let both extend that",
                    escaped(&other.name)
                ),
            });
        }
    }
    Ok(())
}

/// What a new `environment` of a service has to start with so that it loses nothing it inherits: a merge key
/// for a mapping, copies of the items for a list.
pub(super) fn inherited_lines(
    target: &mut Target<'_>,
    inherited: Option<Field<'_>>,
    indent: usize,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<Vec<String>, Refusal> {
    let Some(field) = inherited.filter(|field| !field.value.is_null()) else {
        return Ok(Vec::new());
    };
    if let Some(items) = field.value.items() {
        let kept = kept_items(target, items, variables);
        let line = |item: String| format!("{}- {}", blanks(indent), item);
        return Ok(kept.into_iter().map(line).collect());
    }
    let name = anchor_of(target, field, edits)?;
    Ok(vec![format!("{}<<: *{name}", blanks(indent))])
}

/// Copies of a list's items, without those that are written anew.
fn kept_items(target: &Target<'_>, items: &[Arc<Node>], variables: &Variables) -> Vec<String> {
    let is_new = |text: &str| variables.iter().any(|one| one.name == name_of(text));
    let kept = items.iter().filter(|item| !item.text().is_some_and(is_new));
    kept.map(|item| copy(target, item)).collect()
}

/// An item as it is written where it can be written again, and its text otherwise.
pub(crate) fn copy(target: &Target<'_>, item: &Node) -> String {
    if let Some(new) = target.new_items.get(&item.target().range().start) {
        return edit::on_one_line(new);
    }
    let written = &target.text[item.range()];
    let is_simple = !written.contains(['\n', ',', '[', ']', '{', '}', '#', ':']);
    let is_quoted = written.starts_with(['"', '\'']) && !written.contains('\n');
    let is_safe = is_simple || is_quoted;
    match item.text() {
        Some(text) if !is_safe || matches!(&item.value, Value::Scalar(Quoting::Block, _)) => {
            edit::on_one_line(text)
        }
        // Without its tag, what is written may be another text.
        _ => match item.tag() {
            Some(tag) => format!("{tag} {written}"),
            None => written.to_owned(),
        },
    }
}

pub(crate) fn in_brackets(items: &[String]) -> String {
    let items: Vec<&str> = items.iter().map(|item| item.as_str()).collect();
    format!("[{}]", items.join(", "))
}

/// A list of the service's own is changed for it alone: anyone who shares it gets a copy of what was there.
pub(crate) fn split_list(
    target: &mut Target<'_>,
    service: &Service,
    one: &Wanted,
) -> Result<(), Refusal> {
    refuse_extensions(target, service, std::slice::from_ref(one))?;
    if let Some(entry) = slot::own_environment(target, service) {
        target.split_lists.push(Arc::clone(&entry.value));
    }
    Ok(())
}

/// The copies for those who share a list that was changed for its own service alone.
fn keep_lists(target: &Target<'_>, edits: &mut Edits) {
    let mut known = HashSet::new();
    for list in &target.split_lists {
        if !known.insert(Arc::as_ptr(list)) {
            continue;
        }
        let Some(items) = list.items() else {
            continue;
        };
        let copies: Vec<_> = items.iter().map(|item| copy(target, item)).collect();
        let copies = in_brackets(&copies);
        let aliases = target.list_aliases.iter().filter(|alias| {
            matches!(&alias.value, Value::Alias(shared) if Arc::ptr_eq(shared, list))
                && !target.written_out.contains(&alias.range().start)
        });
        for alias in aliases {
            edits.push(Edit {
                range: alias.range(),
                text: copies.clone(),
            });
        }
        for (inheritor, mapping) in inheritors(target, list) {
            if !target.edited.contains(inheritor) {
                add_environment(target, mapping, &copies, edits);
            }
        }
    }
}

/// The same in braces.
pub(super) fn flow_environment(
    target: &mut Target<'_>,
    inherited: Option<Field<'_>>,
    variables: &Variables,
    edits: &mut Edits,
) -> Result<String, Refusal> {
    let pairs = flow_pairs(variables);
    let Some(field) = inherited.filter(|field| !field.value.is_null()) else {
        return Ok(format!("{{{}}}", pairs));
    };
    if let Some(items) = field.value.items() {
        let new = variables.iter().map(value::item);
        let items: Vec<_> = kept_items(target, items, variables)
            .into_iter()
            .chain(new)
            .collect();
        return Ok(in_brackets(&items));
    }
    let name = anchor_of(target, field, edits)?;
    Ok(format!("{{<<: *{name}, {}}}", pairs))
}

/// The anchor of an inherited `environment`, given to it where it has none.
pub(super) fn anchor_of(
    target: &mut Target<'_>,
    field: Field<'_>,
    edits: &mut Edits,
) -> Result<String, Refusal> {
    let node = field.value;
    if let Value::Alias(_) = node.value {
        let span = node.span(target.source);
        return Ok(target.text[span.start..span.end]
            .trim_start_matches('*')
            .to_owned());
    }
    if let Some(name) = anchor_name(target, node) {
        return Ok(name);
    }
    // Another service may have needed the same anchor already: two edits at one place are the same edit.
    let colon = edit::colon_behind(target.text, field.key.range().end);
    let at = colon.map_or_else(|| node.start_with_properties(), |colon| colon + 1);
    if let Some(known) = edits
        .inserted_at(at)
        .find_map(|text| text.strip_prefix(" &"))
    {
        return Ok(known.trim_end().to_owned());
    }
    let name = new_anchor(target);
    let rest = target.text.get(at..).unwrap_or_default();
    let blank = if rest.starts_with(['{', '"']) {
        " "
    } else {
        ""
    };
    edits.push(Edit::insert(at, format!(" &{name}{blank}")));
    Ok(name)
}

/// A name that no anchor of the file has.
pub(super) fn new_anchor(target: &mut Target<'_>) -> String {
    let names = (1..).map(|number| match number {
        1 => "environment".to_owned(),
        number => format!("environment-{number}"),
    });
    let name = { names }
        .find(|name| !target.anchors.contains(name))
        .unwrap_or_default();
    target.anchors.insert(name.clone());
    name
}

/// The anchor that a node has, or is given by an edit that sets it apart.
pub(super) fn anchor_name(target: &Target<'_>, node: &Arc<Node>) -> Option<String> {
    let given = target
        .set_apart
        .iter()
        .find(|(known, _)| Arc::ptr_eq(known, node));
    given
        .map(|(_, name)| name.clone())
        .or_else(|| node.anchor().map(|(name, _)| name.to_owned()))
}

/// Notes that an environment is kept as it is under an anchor, beside which its service adds; returns the anchor.
pub(super) fn set_apart(target: &mut Target<'_>, node: &Arc<Node>) -> String {
    let name = match &node.value {
        Value::Alias(_) => alias_name(target, node),
        _ => match anchor_name(target, node) {
            Some(name) => name,
            None => new_anchor(target),
        },
    };
    target.set_apart.push((Arc::clone(node), name.clone()));
    name
}

pub(super) fn alias_name(target: &Target<'_>, alias: &Node) -> String {
    let span = alias.span(target.source);
    target.text[span.start..span.end]
        .trim_start_matches('*')
        .to_owned()
}

/// The services that inherit this `environment` because they merge the one in which it stands: their names and mappings.
pub(super) fn inheritors<'t, 'a>(
    target: &'t Target<'a>,
    environment: &Arc<Node>,
) -> impl Iterator<Item = (&'a str, &'a Arc<Node>)> + use<'t, 'a> {
    let of_environment = target.merging.get(&Arc::as_ptr(environment));
    of_environment.into_iter().flatten().copied()
}

/// A null cannot be kept for inheritors beside what is added.
pub(super) fn refuse_nothing_to_share(
    target: &Target<'_>,
    service: &Service,
    node: &Arc<Node>,
) -> Result<(), Refusal> {
    let can_be_kept = match &node.value {
        Value::Alias(shared) => shared.entries().is_some() || shared.items().is_some(),
        Value::Mapping(..) | Value::Sequence(..) => true,
        _ => false,
    };
    match inheritors(target, node).next() {
        Some((inheritor, _)) if !can_be_kept => Err(target.refuse(
            node.start_with_properties(),
            format!(
                "service {} merges {} and would get its secrets",
                escaped(inheritor),
                escaped(&service.name)
            ),
            format!("give {} an `environment` of its own", escaped(inheritor)),
        )),
        _ => Ok(()),
    }
}

/// Gives every inheritor of an environment that was set apart what it inherited, where it got none of its own.
pub(crate) fn keep_inheritors(target: &mut Target<'_>, edits: &mut Edits) -> Result<(), Refusal> {
    keep_without(target, edits)?;
    for (node, name) in &target.set_apart {
        for (inheritor, mapping) in inheritors(target, node) {
            if target.edited.contains(inheritor) {
                continue;
            }
            add_environment(target, mapping, &format!("*{name}"), edits);
        }
    }
    keep_lists(target, edits);
    Ok(())
}

/// A service that merges one which had no `environment`, and has one now, keeps what it had: nothing, or what it has from
/// elsewhere.
fn keep_without(target: &mut Target<'_>, edits: &mut Edits) -> Result<(), Refusal> {
    let deployment = target.deployment;
    for service in &deployment.project.services {
        let mut parts = service.parts.iter().rev();
        let own = parts.find(|part| part.source == target.source && part.service == service.name);
        let Some(part) = own.filter(|_| !target.edited.contains(&service.name)) else {
            continue;
        };
        let mut merged = part.node.merged().into_iter();
        let entries = part.node.entries().unwrap_or_default();
        let has_own = entries.iter().any(|entry| is_key(entry, "environment"));
        if has_own || !merged.any(|one| target.new_environments.contains(&ptr::from_ref(one))) {
            continue;
        }
        if !matches!(part.node.value, Value::Mapping(..)) {
            return Err(target.refuse(
                part.node.start_with_properties(),
                format!(
                    "service {} is an alias of a server, and would get its secrets",
                    escaped(&service.name)
                ),
                format!(
                    "give {} an `environment` of its own",
                    escaped(&service.name)
                ),
            ));
        }
        let inherited = part.node.get_written("environment");
        let environment = match inherited.filter(|field| !field.value.is_null()) {
            Some(field) => format!("*{}", anchor_of(target, field, edits)?),
            None => "{}".to_owned(),
        };
        add_environment(target, &part.node, &environment, edits);
    }
    Ok(())
}

/// Gives a service an `environment`.
fn add_environment(target: &Target<'_>, mapping: &Arc<Node>, environment: &str, edits: &mut Edits) {
    let mut entries = mapping.entries().unwrap_or_default().iter();
    if let Some(entry) = entries.find(|entry| is_key(entry, "environment")) {
        // It is `!reset`, which hides nothing that is merged; an alias takes no tag.
        let value = &entry.value;
        let range = value.start_with_properties()
            ..value.range().end.max(value.end_of_properties(target.text));
        let own = match environment.starts_with('*') {
            true => format!("{{<<: {environment}}}"),
            false => environment.to_owned(),
        };
        edits.push(Edit::replace(range, format!("!override {own}")));
        return;
    }
    add_entry(
        target,
        mapping,
        &format!("environment: {environment}"),
        edits,
    );
}

/// The entry in front of which a further one goes, where the last is a text, behind which nothing can be put. What is merged
/// stays above it: the further one may be an alias of a part of that.
pub(super) fn follower<'a>(text: &str, entries: &'a [Entry]) -> Option<&'a Entry> {
    let is_open = |last: &&Entry| is_block_scalar(&last.value) || is_open_ended(text, &last.value);
    let last = entries.last().filter(is_open)?;
    match entries.iter().any(|entry| is_key(entry, "<<")) {
        true => Some(last),
        false => entries.first(),
    }
}

/// Whether what follows a node is a part of the last text in it: the blank lines that `|+` keeps, or the line break that the
/// end of the file lacks.
pub(super) fn is_open_ended(text: &str, node: &Node) -> bool {
    match &node.value {
        Value::Scalar(style, scalar) => {
            let (value, rest) = (scalar.text(), text.get(node.range().end..));
            let is_last = !text.ends_with('\n') && rest.unwrap_or_default().trim().is_empty();
            let is_kept = value == "\n" || value.ends_with("\n\n");
            *style == Quoting::Block && (is_kept || is_last)
        }
        Value::Mapping(_, entries) => {
            let last = entries.last();
            last.is_some_and(|last| is_open_ended(text, &last.value))
        }
        Value::Sequence(_, items) => items.last().is_some_and(|last| is_open_ended(text, last)),
        Value::Alias(_) => false,
    }
}

/// Gives a mapping a further entry on one line.
pub(crate) fn add_entry(target: &Target<'_>, mapping: &Arc<Node>, text: &str, edits: &mut Edits) {
    let Value::Mapping(style, entries) = &mapping.value else {
        return;
    };
    let end = entries.last().map(end_of_entry);
    let column = indentation(target.text, mapping.range().start);
    let line = format!("{}{text}", blanks(column));
    // Lines of `environment` may come and those of `ports` may go.
    let is_edited = |entry: &Entry| is_key(entry, "environment") || is_key(entry, "ports");
    let before = match entries.last() {
        Some(last) if is_edited(last) => Some(last),
        _ => follower(target.text, entries),
    };
    edits.push(match (style, before) {
        (Style::Flow, _) => edit::into_flow(target.text, mapping, end, &format!("{text} ")),
        (Style::Block, Some(next)) => {
            insert_lines_before(target, next.key.start_with_properties(), &[line])
        }
        (Style::Block, None) => insert_lines(target, end.unwrap_or(mapping.range().end), &[line]),
    });
}

//! Edits of `ports` where they stand, in every syntax; comments stay.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use super::anew::anew_entry;
use super::{Order, Ports, from_variable, is_double, is_right, refuse, refuse_doubles, short};
use crate::container::{add_entry, copy, end_of_entry, in_brackets, insert_lines};
use crate::intended::IntendedPort;
use crate::refusal::Refusal;
use crate::target::Target;
use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::shown::escape;
use clearml_secure_core::yaml::edit::{colon_behind, dash, into_flow};
use clearml_secure_core::yaml::lines::{column, line_end, line_start};
use clearml_secure_core::yaml::{Node, Quoting, Style, Value};

/// Works out the edits.
pub(crate) fn plan(
    target: &Target<'_>,
    ports: Ports,
    edits: &mut Edits,
) -> Result<Vec<IntendedPort>, Refusal> {
    let mut intended = Vec::new();
    for (index, service) in target.deployment.project.services.iter().enumerate() {
        let Some(order) = ports.order(target, index)? else {
            continue;
        };
        for part in &service.parts {
            let Some(field) = part.node.get("ports") else {
                continue;
            };
            if field.value.is_null() || field.value.items().is_some_and(<[_]>::is_empty) {
                continue;
            }
            refuse_elsewhere(target, service, part, field.value)?;
            let before = intended.len();
            match order {
                Order::Close => {
                    close(target, field.key, field.value, edits)?;
                    intended.push(IntendedPort {
                        path: format!("services/{}/ports", service.name),
                        text: None,
                    });
                }
                Order::Bind(address) => {
                    refuse_doubles(target, service, address)?;
                    let items = field.value.items().unwrap_or_default();
                    let mut items = items.iter().map(|item| item.span(part.source));
                    let is_alias = matches!(field.value.value, Value::Alias(_));
                    if is_alias || items.any(|span| is_double(service, span)) {
                        let new = write_out(target, (service, part), field.value, address, edits)?;
                        intended.extend(new);
                        continue;
                    }
                    for (number, item) in field.value.items().unwrap_or_default().iter().enumerate()
                    {
                        let path = format!("services/{}/ports/{number}", service.name);
                        intended.extend(bind(target, (service, part), item, address, path, edits)?);
                    }
                }
            }
            if intended.len() > before {
                keep_inheritors(target, ports, (index, order), field.value, edits)?;
            }
        }
    }
    Ok(intended)
}

/// Only a list that stands in this file, in the service itself, and is nobody else's can be changed.
fn refuse_elsewhere(
    target: &Target<'_>,
    service: &Service,
    part: &Part,
    ports: &Arc<Node>,
) -> Result<(), Refusal> {
    let stands_here = part.source == target.source
        && part.service == service.name
        && matches!(&part.node.value, Value::Mapping(_, entries)
            if entries.iter().any(|entry| Arc::ptr_eq(&entry.value, ports)));
    if !stands_here {
        return Err(refuse(
            target,
            ports.span(part.source),
            "the service inherits these ports",
            "add `ports` to the service in the edited file, or change them here",
        ));
    }
    if target.aliased.contains(&Arc::as_ptr(ports)) {
        let is_alias = |alias: &&Arc<Node>| matches!(&alias.value, Value::Alias(shared) if Arc::ptr_eq(shared, ports));
        let aliases = target.list_aliases.iter().filter(is_alias);
        let places: Vec<String> = aliases
            .map(|alias| {
                target
                    .deployment
                    .sources
                    .place(alias.span(target.source))
                    .to_string()
            })
            .collect();
        return Err(refuse(
            target,
            ports.span(part.source),
            &format!(
                "the ports of service {} are used again at {}",
                escape(&service.name),
                places.join(", ")
            ),
            "write the ports there instead of the alias",
        ));
    }
    Ok(())
}

/// A service that inherits these ports keeps them, unless the same is asked for of it: one that merges this service's
/// mapping gets a list of its own. One that extends it cannot, because compose adds the two lists up.
fn keep_inheritors(
    target: &Target<'_>,
    ports: Ports,
    (index, order): (usize, Order),
    list: &Arc<Node>,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let services = &target.deployment.project.services;
    for (other, inheritor) in services.iter().enumerate() {
        let mut lists = inheritor
            .parts
            .iter()
            .filter_map(|part| part.node.get("ports"));
        if other == index
            || !lists.any(|field| Arc::ptr_eq(field.value, list))
            || ports.order(target, other)? == Some(order)
        {
            continue;
        }
        let Some((mapping, copies)) = own_list(target, inheritor, list) else {
            return Err(refuse_inheritor(target, inheritor, &services[index].name));
        };
        add_entry(target, mapping, &format!("ports: {copies}"), edits);
    }
    Ok(())
}

/// The mapping of a service that gets a list of its own, and the list; none where it has the list by `extends`, or the
/// list cannot be copied.
fn own_list<'a>(
    target: &Target<'_>,
    inheritor: &'a Service,
    list: &Node,
) -> Option<(&'a Arc<Node>, String)> {
    let items = list.items()?;
    let [part] = &inheritor.parts[..] else {
        return None;
    };
    let is_own = part.source == target.source && part.service == inheritor.name;
    let is_mapping = matches!(part.node.value, Value::Mapping(..));
    if !is_own || !is_mapping || items.iter().any(|item| item.text().is_none()) {
        return None;
    }
    let copies: Vec<_> = items.iter().map(|item| copy(target, item)).collect();
    Some((&part.node, in_brackets(&copies)))
}

fn refuse_inheritor(target: &Target<'_>, inheritor: &Service, base: &str) -> Refusal {
    let (name, base) = (escape(&inheritor.name), escape(base));
    refuse(
        target,
        inheritor.name_span,
        &format!(
            "service {name} inherits the ports of {base}, and would publish them in the new way too"
        ),
        &format!(
            "give {name} `ports: !override` with its own entries, or move what they share to a third service without ports"
        ),
    )
}

/// Writes a list out with the address: one behind an alias, which may be others' as well, and one of which entries go.
fn write_out(
    target: &Target<'_>,
    (service, part): (&Service, &Part),
    list: &Node,
    address: IpAddr,
    edits: &mut Edits,
) -> Result<Vec<IntendedPort>, Refusal> {
    let items = list.items().unwrap_or_default();
    let mut is_new = false;
    let mut texts = Vec::new();
    for item in items {
        let span = item.span(part.source);
        is_new |= !is_right(target, service, span, address)?;
        if is_double(service, span) {
            continue;
        }
        texts.push(anew_entry(target, part, item, span, address)?);
    }
    if !is_new {
        return Ok(Vec::new());
    }
    let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    let range = place_of_list(target, list)?;
    let blank = match target.text[..range.start].ends_with(':') {
        true => " ",
        false => "",
    };
    edits.push(Edit::replace(
        range,
        format!("{blank}[{}]", quoted.join(", ")),
    ));
    let intended = texts
        .into_iter()
        .enumerate()
        .map(|(number, text)| IntendedPort {
            path: format!("services/{}/ports/{number}", service.name),
            text: Some(text),
        });
    Ok(intended.collect())
}

/// The bytes of a list as a value in brackets can take their place: from the end of its key's line where it has lines of
/// its own.
fn place_of_list(target: &Target<'_>, list: &Node) -> Result<Range<usize>, Refusal> {
    let range = list.range();
    if !matches!(list.value, Value::Sequence(Style::Block, _)) {
        return Ok(range);
    }
    let above = target.text[..range.start].trim_end();
    let start = match above.ends_with(':') {
        true => above.len(),
        false => range.start,
    };
    if above.len() != start || target.text[start..range.end].contains('#') {
        return Err(refuse(
            target,
            list.span(target.source),
            "two entries of this list would become one, and a comment beside them may be lost",
            "remove one of the two",
        ));
    }
    Ok(start..range.end)
}

/// Leaves an empty list, and the comments.
fn close(
    target: &Target<'_>,
    key: &Node,
    ports: &Arc<Node>,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    let span = ports.span(target.source);
    let items = match &ports.value {
        Value::Alias(_) => {
            edits.push(Edit::replace(span.start..span.end, "[]".to_owned()));
            return Ok(());
        }
        Value::Sequence(Style::Flow, _) => {
            if target.text[span.start..span.end].contains('#') {
                return Err(refuse(
                    target,
                    span,
                    "a comment inside these brackets may be lost",
                    "write one port per line, each after a dash",
                ));
            }
            edits.push(Edit::replace(span.start..span.end, "[]".to_owned()));
            return Ok(());
        }
        Value::Sequence(Style::Block, items) => items,
        _ => {
            return Err(refuse(
                target,
                span,
                "this list cannot be emptied here",
                "remove its entries by hand",
            ));
        }
    };
    let colon = colon_behind(target.text, key.range().end).map_or(key.range().end, |at| at + 1);
    let at = colon.max(ports.end_of_properties(target.text));
    edits.push(Edit::insert(at, " []".to_owned()));
    for item in items {
        let dash = dash(target.text, item);
        let last = item.range().end;
        if target.text[dash..last].contains('#') {
            return Err(refuse(
                target,
                item.span(target.source),
                "a comment inside this entry may be lost",
                "write the port on one line, and the comment after it",
            ));
        }
        let end = line_end(target.text, last);
        let rest = &target.text[last..end];
        edits.push(match rest.find('#') {
            // What a comment says is not ours to take away.
            Some(comment) => Edit::replace(dash..last + comment, String::new()),
            None => {
                let next = target.text[end..].find('\n').map_or(end, |at| end + at + 1);
                Edit::replace(line_start(target.text, dash)..next, String::new())
            }
        });
    }
    Ok(())
}

/// Publishes one entry on an address only.
fn bind(
    target: &Target<'_>,
    (service, part): (&Service, &Part),
    item: &Arc<Node>,
    address: IpAddr,
    path: String,
    edits: &mut Edits,
) -> Result<Option<IntendedPort>, Refusal> {
    let span = item.span(target.source);
    let refused = |message, help| Err(refuse(target, span, message, help));
    if is_right(target, service, span, address)? {
        return Ok(None);
    }
    match &item.value {
        Value::Scalar(scalar) if scalar.style != Quoting::Block => {
            let text =
                short(target, part, item, address).ok_or_else(|| from_variable(target, span))?;
            let quote = match target.text[span.start..].chars().next() {
                Some('\'') => '\'',
                _ => '"',
            };
            edits.push(Edit::replace(
                span.start..span.end,
                format!("{quote}{text}{quote}"),
            ));
            Ok(Some(IntendedPort {
                path,
                text: Some(text),
            }))
        }
        Value::Mapping(style, entries) => {
            let own = entries
                .iter()
                .find(|entry| entry.key.text() == Some("host_ip"));
            match (own, style) {
                (Some(entry), _) if entry.value.scalar().is_some() => {
                    let old = entry.value.span(target.source);
                    edits.push(Edit::replace(old.start..old.end, format!("\"{address}\"")));
                }
                (Some(_), _) => return refused("this address cannot be read", "write it as text"),
                (None, Style::Flow) => edits.push(into_flow(
                    item,
                    entries.last().map(end_of_entry),
                    format!("host_ip: \"{address}\""),
                )),
                (None, Style::Block) => {
                    let blanks = " ".repeat(column(target.text, span.start));
                    let line = format!("{blanks}host_ip: \"{address}\"");
                    let end = entries.last().map_or(span.end, end_of_entry);
                    edits.push(insert_lines(target, end, &[line]));
                }
            }
            Ok(Some(IntendedPort {
                path: format!("{path}/host_ip"),
                text: Some(address.to_string()),
            }))
        }
        _ => refused(
            "this port is written in a way that cannot be edited",
            "write it as text",
        ),
    }
}

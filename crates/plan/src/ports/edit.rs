//! Edits of `ports` where they stand, in every syntax; comments stay.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use super::anew::anew_entry;
use super::fate::{Listed, is_own, own_entry};
use super::{Order, from_variable, is_double, is_right, refuse, refuse_doubles, short};
use crate::container::{end_of_entry, insert_lines};
use crate::intended::{IntendedPort, NewPort};
use crate::refusal::Refusal;
use crate::target::Target;
use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::shown::escape;
use clearml_secure_core::yaml::edit::{colon_behind, dash, into_flow};
use clearml_secure_core::yaml::lines::{column, line_end, line_start};
use clearml_secure_core::yaml::{Node, Quoting, Style, Value};

/// Edits the entries of a service's own lists that are not as asked for.
pub(super) fn entries(
    target: &Target<'_>,
    service: &Service,
    order: Order,
    lists: &[Listed<'_>],
    edits: &mut Edits,
) -> Result<Vec<IntendedPort>, Refusal> {
    let mut intended = Vec::new();
    for (_, part, list) in lists {
        let own = own_entry(&part.node).filter(|_| is_own(target, service, part, list));
        let Some(entry) = own else {
            continue;
        };
        refuse_aliased(target, service, list)?;
        let Order::Bind(address) = order else {
            close(target, &entry.key, list, edits)?;
            intended.push(IntendedPort::none(service));
            continue;
        };
        refuse_doubles(target, service, address)?;
        let items = list.items().unwrap_or_default();
        let mut spans = items.iter().map(|item| item.span(part.source));
        let is_alias = matches!(list.value, Value::Alias(_));
        if is_alias || spans.any(|span| is_double(service, span)) {
            intended.extend(write_out(target, (service, part), list, address, edits)?);
            continue;
        }
        for (number, item) in items.iter().enumerate() {
            let path = format!("services/{}/ports/{number}", service.name);
            intended.extend(bind(target, (service, part), item, address, path, edits)?);
        }
    }
    Ok(intended)
}

/// A list that has an anchor is edited for all who use it again.
pub(super) fn refuse_aliased(
    target: &Target<'_>,
    service: &Service,
    list: &Arc<Node>,
) -> Result<(), Refusal> {
    if !target.aliased.contains(&Arc::as_ptr(list)) {
        return Ok(());
    }
    let is_alias = |alias: &&Arc<Node>| matches!(&alias.value, Value::Alias(shared) if Arc::ptr_eq(shared, list));
    let sources = &target.deployment.sources;
    let aliases = target.list_aliases.iter().filter(is_alias);
    let places = aliases.map(|alias| sources.place(alias.span(target.source)).to_string());
    Err(refuse(
        target,
        list.span(target.source),
        &format!(
            "the ports of service {} are used again at {}",
            escape(&service.name),
            places.collect::<Vec<_>>().join(", ")
        ),
        "write the ports there instead of the alias",
    ))
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
        texts.push(anew_entry(target, part, item, span, Some(address))?);
    }
    if !is_new {
        return Ok(Vec::new());
    }
    let quoted: Vec<String> = texts.iter().map(NewPort::written).collect();
    let range = place_of_list(target, list)?;
    let blank = match target.text[..range.start].ends_with(':') {
        true => " ",
        false => "",
    };
    edits.push(Edit::replace(
        range,
        format!("{blank}[{}]", quoted.join(", ")),
    ));
    Ok(IntendedPort::these(service, texts))
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
        Value::Scalar(style, scalar) if *style != Quoting::Block => {
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
                is_kept: false,
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
                    target.text,
                    item,
                    entries.last().map(end_of_entry),
                    &format!("host_ip: \"{address}\""),
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
                is_kept: false,
            }))
        }
        _ => refused(
            "this port is written in a way that cannot be edited",
            "write it as text",
        ),
    }
}

//! A list of its own for a service that has ports from elsewhere.

use std::collections::HashSet;
use std::ops::Range;

use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::yaml::edit::colon_behind;
use clearml_secure_core::yaml::{Entry, Value};

use super::anew::{bound, kept};
use super::edit::refuse_aliased;
use super::fate::{Fates, Listed, lists, own_entry, own_part};
use super::{KEY, Order, refuse, refuse_doubles, shown};
use crate::container::add_entry;
use crate::extensions::is_extended;
use crate::intended::{IntendedPort, NewPort};
use crate::refusal::Refusal;
use crate::target::Target;

/// Gives a service a list that says all that it is to publish.
pub(super) fn whole(
    target: &Target<'_>,
    fates: &Fates<'_>,
    index: usize,
    edits: &mut Edits,
) -> Result<Vec<IntendedPort>, Refusal> {
    let service = &target.deployment.project.services[index];
    let order = fates.orders[index];
    let Some((own, part)) = own_part(target, service) else {
        return Err(elsewhere(target, service, order, lists(service).next()));
    };
    if let Some(later) = fates.wrong(index)?.iter().find(|(at, ..)| *at > own) {
        return Err(elsewhere(target, service, order, Some(*later)));
    }
    let before: Vec<Listed<'_>> = lists(service).filter(|(at, ..)| *at <= own).collect();
    let mut texts = match order {
        None => kept(target, &before)?,
        Some(Order::Close) => Vec::new(),
        Some(Order::Bind(address)) => {
            refuse_doubles(target, service, address)?;
            bound(target, service, &before, address)?
        }
    };
    let mut known = HashSet::new();
    texts.retain(|text| known.insert(text.clone()));
    let quoted: Vec<String> = texts.iter().map(NewPort::written).collect();
    // Without the tag, compose would add what the service has from others.
    let is_tagged = own > 0 || part.clears(&[KEY]).is_some();
    if is_tagged && is_extended(target.deployment, service) {
        return Err(extended(target, service));
    }
    let tag = if is_tagged { "!override " } else { "" };
    write(
        target,
        service,
        part,
        &format!("{tag}[{}]", quoted.join(", ")),
        edits,
    )?;
    let mut intended = match texts.is_empty() {
        true => vec![IntendedPort::none(service)],
        false => IntendedPort::these(service, texts),
    };
    for one in &mut intended {
        one.is_kept |= order.is_none();
    }
    Ok(intended)
}

/// Docker compose would not always apply the tag.
fn extended(target: &Target<'_>, service: &Service) -> Refusal {
    let name = escape(&service.name);
    refuse(
        target,
        service.name_span,
        &format!(
            "service {name} needs `ports: !override`, which docker compose does not always apply to a service that others extend"
        ),
        "move what they share to a third service without ports and let all extend that, or run this with --override: docker compose merges what it prints over all files",
    )
}

/// Puts the list where the service's own is, or behind what else it has.
fn write(
    target: &Target<'_>,
    service: &Service,
    part: &Part,
    list: &str,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    if !matches!(part.node.value, Value::Mapping(..)) {
        return Err(refuse(
            target,
            part.node.span(part.source),
            &format!(
                "service {} is an alias of another one, and its ports must be its own",
                escape(&service.name)
            ),
            "write `<<:` before the alias, on a line below the service's name, then run this again",
        ));
    }
    let Some(entry) = own_entry(&part.node) else {
        add_entry(target, &part.node, &format!("{KEY}: {list}"), edits);
        return Ok(());
    };
    refuse_aliased(target, service, &entry.value)?;
    let range = value_range(target, entry);
    if target.text[range.clone()].contains('#') {
        return Err(refuse(
            target,
            entry.value.span(target.source),
            "this list must be replaced, and a comment in it may be lost",
            "remove the comment, or move it above `ports`",
        ));
    }
    edits.push(Edit::replace(range, format!(" {list}")));
    Ok(())
}

/// From the colon of a key to the end of its value.
fn value_range(target: &Target<'_>, entry: &Entry) -> Range<usize> {
    let key_end = entry.key.range().end;
    let start = colon_behind(target.text, key_end).map_or(key_end, |at| at + 1);
    let value = &entry.value;
    let end = match value.range().is_empty() {
        true => value.end_of_properties(target.text),
        false => value.range().end,
    };
    start..end.max(start)
}

/// The list is in a file that the edited one includes, or that is merged over it.
fn elsewhere(
    target: &Target<'_>,
    service: &Service,
    order: Option<Order>,
    listed: Option<Listed<'_>>,
) -> Refusal {
    let name = escape(&service.name);
    let span = match listed {
        Some((_, part, list)) => list.span(part.source),
        None => service.name_span,
    };
    let (option, change) = match order {
        None => {
            return refuse(
                target,
                span,
                &format!(
                    "service {name} would no longer publish the ports that it has from others"
                ),
                &format!("give {name} `ports: !override` with all that it publishes"),
            );
        }
        Some(Order::Close) => ("--close-ports", "remove these ports".to_owned()),
        Some(Order::Bind(address)) => (
            "--bind",
            format!("write {} before these ports", shown(address)),
        ),
    };
    let edited = target.deployment.sources.path(target.source);
    refuse(
        target,
        span,
        &format!(
            "service {name} has these ports from another file than {}, which is the one that {option} changes",
            escape_path(edited)
        ),
        &format!(
            "{change} yourself, or run this with --override: docker compose merges what it prints over all files"
        ),
    )
}

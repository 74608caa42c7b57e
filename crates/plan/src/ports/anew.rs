//! Whole lists of ports, for a document that is merged over the file.

use std::net::IpAddr;

use clearml_secure_core::compose::Part;
use clearml_secure_core::source::Span;
use clearml_secure_core::yaml::Node;

use super::{
    Order, Ports, from_variable, is_double, is_right, refuse, refuse_doubles, short, shown,
};
use crate::refusal::Refusal;
use crate::target::Target;

/// What a service publishes from now on.
pub(crate) enum NewPorts {
    /// Nothing.
    None,
    /// These entries, in the short form.
    These(Vec<String>),
}

/// What a service has to publish anew, in a document that is merged over the file; none where all is as asked for.
pub(crate) fn anew(
    target: &Target<'_>,
    index: usize,
    ports: Ports,
) -> Result<Option<NewPorts>, Refusal> {
    let service = &target.deployment.project.services[index];
    let lists = || {
        service.parts.iter().filter_map(|part| {
            let field = part.node.get("ports")?;
            (!field.value.is_null()).then_some((part, field.value))
        })
    };
    match ports.order(target, index)? {
        None => Ok(None),
        Some(Order::Close) => {
            // Both of compose's tags drop what came before, and what stands behind `!reset` as well.
            let has_any = lists().fold(false, |has_any, (_, list)| {
                let is_filled = list.items().is_none_or(|all| !all.is_empty());
                match list.tag() {
                    Some("!reset") => false,
                    Some(_) => is_filled,
                    None => has_any || is_filled,
                }
            });
            Ok(has_any.then_some(NewPorts::None))
        }
        Some(Order::Bind(address)) => {
            refuse_doubles(target, service, address)?;
            let mut these = Vec::new();
            let mut is_new = false;
            for (part, list) in lists() {
                if list.tag().is_some() {
                    these.clear();
                }
                for item in list.items().unwrap_or_default() {
                    let span = item.span(part.source);
                    is_new |= !is_right(target, service, span, address)?;
                    if is_double(service, span) {
                        continue;
                    }
                    these.push(anew_entry(target, part, item, span, address)?);
                }
            }
            Ok(is_new.then_some(NewPorts::These(these)))
        }
    }
}

/// The short form of an entry in any form.
pub(super) fn anew_entry(
    target: &Target<'_>,
    part: &Part,
    item: &Node,
    span: Span,
    address: IpAddr,
) -> Result<String, Refusal> {
    if item.entries().is_none() {
        return short(target, part, item, address).ok_or_else(|| from_variable(target, span));
    }
    let field = |key: &str| item.get(key).and_then(|field| field.value.text());
    let is_known = item.fields().iter().all(|field| {
        let name = field.key.text();
        name.is_some_and(|name| ["target", "published", "host_ip", "protocol"].contains(&name))
    });
    let parts =
        [field("published"), field("target"), field("protocol")].map(Option::unwrap_or_default);
    if !is_known || parts.iter().any(|part| part.contains(['"', '\\'])) {
        return Err(refuse(
            target,
            span,
            "this port has no short form",
            "write it as `\"8080:80\"`, or edit the file itself instead of printing an override",
        ));
    }
    let [published, container, protocol] = parts;
    let protocol = if protocol.is_empty() {
        String::new()
    } else {
        format!("/{protocol}")
    };
    Ok(format!(
        "{}:{published}:{container}{protocol}",
        shown(address)
    ))
}

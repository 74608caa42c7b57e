//! Whole lists of ports, for a document that is merged over the file.

use std::net::IpAddr;

use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::source::Span;
use clearml_secure_core::yaml::{Node, Typed};

use super::fate::{Listed, lists};
use super::{
    Order, Ports, from_variable, is_double, is_right, refuse, refuse_doubles, short, shown,
};
use crate::intended::NewPort;
use crate::refusal::Refusal;
use crate::target::Target;

/// What a service publishes from now on.
pub(crate) enum NewPorts {
    /// Nothing.
    None,
    /// These entries.
    These(Vec<NewPort>),
}

/// What a service has to publish anew, in a document that is merged over the file; none where all is as asked for.
pub(crate) fn anew(
    target: &Target<'_>,
    index: usize,
    ports: Ports,
) -> Result<Option<NewPorts>, Refusal> {
    let service = &target.deployment.project.services[index];
    let mut lists = lists(service);
    match ports.order(target, index)? {
        None => Ok(None),
        Some(Order::Close) => Ok(lists.next().map(|_| NewPorts::None)),
        Some(Order::Bind(address)) => {
            refuse_doubles(target, service, address)?;
            let mut is_new = false;
            let lists: Vec<Listed<'_>> = lists.collect();
            for (_, part, list) in &lists {
                for item in list.items().unwrap_or_default() {
                    is_new |= !is_right(target, service, item.span(part.source), address)?;
                }
            }
            is_new
                .then(|| bound(target, service, &lists, address).map(NewPorts::These))
                .transpose()
        }
    }
}

/// All entries of lists on an address, each once.
pub(super) fn bound(
    target: &Target<'_>,
    service: &Service,
    lists: &[Listed<'_>],
    address: IpAddr,
) -> Result<Vec<NewPort>, Refusal> {
    let mut texts = Vec::new();
    for (_, part, list) in lists {
        for item in list.items().unwrap_or_default() {
            let span = item.span(part.source);
            if !is_double(service, span) {
                texts.push(anew_entry(target, part, item, span, Some(address))?);
            }
        }
    }
    Ok(texts)
}

/// All entries of lists as they are, each once.
pub(super) fn kept(target: &Target<'_>, lists: &[Listed<'_>]) -> Result<Vec<NewPort>, Refusal> {
    let mut texts = Vec::new();
    for (_, part, list) in lists {
        for item in list.items().unwrap_or_default() {
            texts.push(anew_entry(
                target,
                part,
                item,
                item.span(part.source),
                None,
            )?);
        }
    }
    Ok(texts)
}

/// An entry in any form, in the short form where it has one, on an address where one is given.
pub(super) fn anew_entry(
    target: &Target<'_>,
    part: &Part,
    item: &Node,
    span: Span,
    address: Option<IpAddr>,
) -> Result<NewPort, Refusal> {
    if item.entries().is_none() {
        let text = match address {
            Some(address) => short(target, part, item, address),
            None => item.text().filter(|text| is_plain(text)).map(str::to_owned),
        };
        let text = text.ok_or_else(|| from_variable(target, span))?;
        return Ok(NewPort::Short(text));
    }
    const KEYS: [&str; 4] = ["host_ip", "published", "target", "protocol"];
    let field = |key: &str| item.get(key).and_then(|field| field.value.text());
    let is_known = item.fields().iter().all(|field| {
        let name = field.key.text();
        // `docker compose config` writes this mode, which a port without one has.
        let is_usual = name == Some("mode") && field.value.text() == Some("ingress");
        is_usual || name.is_some_and(|name| KEYS.contains(&name))
    });
    let parts = KEYS.map(|key| field(key).unwrap_or_default());
    if !is_known || !parts.iter().all(|part| is_plain(part)) {
        return long(item, address).ok_or_else(|| {
            refuse(
                target,
                span,
                "this port holds more than numbers and simple texts",
                "write it as one text, e.g. `\"8080:80\"`",
            )
        });
    }
    let [host, published, container, protocol] = parts;
    let host = match address {
        Some(address) => shown(address),
        None if host.contains(':') && !host.starts_with(['[', '$']) => format!("[{host}]"),
        None => host.to_owned(),
    };
    let mut text = match (&*host, published) {
        ("", "") => container.to_owned(),
        ("", _) => format!("{published}:{container}"),
        _ => format!("{host}:{published}:{container}"),
    };
    if !protocol.is_empty() {
        text.push('/');
        text.push_str(protocol);
    }
    Ok(NewPort::Short(text))
}

/// Whether a text can stand between double quotes as it is.
fn is_plain(text: &str) -> bool {
    !text.contains(['"', '\\'])
}

/// The keys and values of an entry, on an address where one is given; none where a value would not be the same in quotes.
fn long(item: &Node, address: Option<IpAddr>) -> Option<NewPort> {
    const HOST: &str = "host_ip";
    let mut fields = Vec::new();
    for field in item.fields() {
        let key = field.key.text()?;
        if field.value.is_null() || key == HOST && address.is_some() {
            continue;
        }
        // Compose takes a number for a port as a text, too.
        let is_same = match field.value.typed()? {
            Typed::Text => true,
            Typed::Integer(_) => matches!(key, "published" | "target"),
            _ => false,
        };
        let text = field.value.text().filter(|text| is_same && is_plain(text));
        fields.push((key.to_owned(), text?.to_owned()));
    }
    fields.extend(address.map(|address| (HOST.to_owned(), address.to_string())));
    Some(NewPort::Long(fields))
}

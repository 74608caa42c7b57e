//! What is published on the host: nothing of the databases, and the servers on one address only.

use std::net::IpAddr;
use std::sync::Arc;

use clearml_secure_core::compose::port::{self, Interface, Port};
use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::deployment::{Database, Deployment};
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Span;
use clearml_secure_core::yaml::{Node, Quoting, Style, Value};

use super::container::{end_of_entry, insert, insert_into_flow, insert_lines, plain, replace};
use super::indent::{column, line_end, line_start};
use super::{Edit, Refusal, Target};

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ports {
    /// No port of a database is published.
    pub close: bool,
    /// The web, API and file servers are published here only.
    pub bind: Option<IpAddr>,
}

/// One place at which the file comes to say something else about ports.
pub(crate) struct IntendedPort {
    /// Of the service, or of its entry: `services/redis/ports`, `services/apiserver/ports/0`.
    pub path: String,
    /// What stands there then; none for an empty list.
    pub text: Option<String>,
}

/// The services that `--bind` is about.
pub(crate) fn is_bound(deployment: &Deployment, index: usize) -> bool {
    deployment.instances.iter().any(|instance| {
        instance.service == index
            && matches!(
                instance.server,
                Server::Apiserver | Server::Fileserver | Server::Webserver
            )
    })
}

/// The interface that an address is.
pub(crate) fn interface_of(address: IpAddr) -> Interface {
    if address.is_unspecified() {
        Interface::All
    } else if address.is_loopback() {
        Interface::Loopback
    } else {
        Interface::One(address)
    }
}

/// What a service publishes from now on.
pub(super) enum NewPorts {
    /// Nothing.
    None,
    /// These entries, in the short form.
    These(Vec<String>),
}

/// What is asked for of one service.
enum Order {
    Close,
    Bind(IpAddr),
}

impl Ports {
    /// What is asked for of a service.
    fn order(self, target: &Target<'_>, index: usize) -> Result<Option<Order>, Refusal> {
        let service = &target.deployment.project.services[index];
        let order = if self.close && Database::of(service).is_some() {
            Some(Order::Close)
        } else {
            let is_bound = is_bound(target.deployment, index);
            self.bind.filter(|_| is_bound).map(Order::Bind)
        };
        let mode = service.network_mode.as_ref();
        match mode.filter(|mode| order.is_some() && mode.text == "host") {
            Some(mode) => Err(refuse(
                target,
                mode.span,
                "the service is on the host's own network, where all its ports are open",
                "take `network_mode: host` out first",
            )),
            None => Ok(order),
        }
    }
}

/// What a service has to publish anew, in a document that is merged over the file; none where all is as asked for.
pub(super) fn anew(
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
            let has_any = lists().any(|(_, list)| list.items().is_none_or(|all| !all.is_empty()));
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
                    these.push(anew_entry(target, item, span, address)?);
                }
            }
            Ok(is_new.then_some(NewPorts::These(these)))
        }
    }
}

/// The short form of an entry in any form.
fn anew_entry(
    target: &Target<'_>,
    item: &Node,
    span: Span,
    address: IpAddr,
) -> Result<String, Refusal> {
    if item.entries().is_none() {
        return short(target, item, address).ok_or_else(|| from_variable(target, span));
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

/// Whether an entry is published on the address only.
fn is_right(
    target: &Target<'_>,
    service: &Service,
    span: Span,
    address: IpAddr,
) -> Result<bool, Refusal> {
    let Some(port) = service.ports.iter().find(|port| port.span == span) else {
        return Err(refuse(
            target,
            span,
            "this port cannot be read; a variable in it may have no value",
            "give the variable a value in .env, or write the port out",
        ));
    };
    let is_right = port.interface == interface_of(address);
    if !is_right && is_range(port) {
        return Err(refuse(
            target,
            span,
            "a range of ports is not bound to an address",
            "write the ports out, one a line",
        ));
    }
    Ok(is_right)
}

fn from_variable(target: &Target<'_>, span: Span) -> Refusal {
    refuse(
        target,
        span,
        "the address in front of this port comes from a variable",
        "change the variable, or write the address out",
    )
}

/// Works out the edits.
pub(super) fn plan(
    target: &Target<'_>,
    ports: Ports,
    edits: &mut Vec<Edit>,
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
                    for (number, item) in field.value.items().unwrap_or_default().iter().enumerate()
                    {
                        let path = format!("services/{}/ports/{number}", service.name);
                        intended.extend(bind(target, service, item, address, path, edits)?);
                    }
                }
            }
        }
    }
    Ok(intended)
}

fn refuse(target: &Target<'_>, span: Span, message: &str, help: &str) -> Refusal {
    Refusal {
        place: target.deployment.sources.place(span),
        message: message.to_owned(),
        help: help.to_owned(),
    }
}

/// Only a list that stands in this file, in the service itself, and is nobody else's can be changed.
fn refuse_elsewhere(
    target: &Target<'_>,
    service: &Service,
    part: &Part,
    ports: &Arc<Node>,
) -> Result<(), Refusal> {
    let stands_here = part.layer == Some(target.layer)
        && part.service == service.name
        && matches!(&part.node.value, Value::Mapping(_, entries)
            if entries.iter().any(|entry| Arc::ptr_eq(&entry.value, ports)));
    if !stands_here {
        return Err(refuse(
            target,
            ports.span(part.source),
            "these ports come to the service from elsewhere",
            "give the service `ports` of its own in the file that is edited, or change them here",
        ));
    }
    if target.aliased.contains(&Arc::as_ptr(ports)) {
        return Err(refuse(
            target,
            ports.span(part.source),
            "this list is shared with other services",
            "write the list out where its alias stands",
        ));
    }
    Ok(())
}

/// Two entries for two addresses are one port twice on one address, which compose refuses, and so does the engine.
fn refuse_doubles(target: &Target<'_>, service: &Service, address: IpAddr) -> Result<(), Refusal> {
    let is_same = |one: &Port, other: &Port| {
        one.protocol == other.protocol
            && match (&one.published, &other.published) {
                (Some(one), Some(other)) => one == other,
                (None, None) => one.target == other.target,
                _ => false,
            }
    };
    let bound = interface_of(address);
    for (number, port) in service.ports.iter().enumerate() {
        let earlier = service.ports[..number]
            .iter()
            .find(|earlier| is_same(earlier, port));
        if let Some(earlier) = earlier
            && (earlier.interface != bound || port.interface != bound)
        {
            return Err(refuse(
                target,
                port.span,
                "on one address this would be the same port as another entry of the list",
                "take one of the two out",
            ));
        }
    }
    Ok(())
}

/// Leaves an empty list, and the comments.
fn close(
    target: &Target<'_>,
    key: &Node,
    ports: &Arc<Node>,
    edits: &mut Vec<Edit>,
) -> Result<(), Refusal> {
    let span = ports.span(target.source);
    let items = match &ports.value {
        Value::Alias(_) => {
            edits.push(replace(span.start..span.end, "[]".to_owned()));
            return Ok(());
        }
        Value::Sequence(Style::Flow, _) => {
            if target.text[span.start..span.end].contains('#') {
                return Err(refuse(
                    target,
                    span,
                    "there may be a comment inside these brackets, which would be lost",
                    "write one port a line, each behind a dash",
                ));
            }
            edits.push(replace(span.start..span.end, "[]".to_owned()));
            return Ok(());
        }
        Value::Sequence(Style::Block, items) if ports.anchor().is_none() => items,
        _ => {
            return Err(refuse(
                target,
                span,
                "this list cannot be emptied where it stands",
                "take its entries out by hand",
            ));
        }
    };
    let key_end = key.span(target.source).end;
    let colon = target.text[key_end..].find(':').unwrap_or_default();
    edits.push(insert(key_end + colon + 1, " []".to_owned()));
    for item in items {
        let before = target.text[..item.start_with_properties()].trim_end();
        let dash = before.len().saturating_sub(1);
        let last = item.range().end;
        let end = line_end(target.text, last);
        let rest = &target.text[last..end];
        edits.push(match rest.find('#') {
            // What a comment says is not ours to take away.
            Some(comment) => replace(dash..last + comment, String::new()),
            None => {
                let next = target.text[end..].find('\n').map_or(end, |at| end + at + 1);
                replace(line_start(target.text, dash)..next, String::new())
            }
        });
    }
    Ok(())
}

/// Publishes one entry on an address only.
fn bind(
    target: &Target<'_>,
    service: &Service,
    item: &Arc<Node>,
    address: IpAddr,
    path: String,
    edits: &mut Vec<Edit>,
) -> Result<Option<IntendedPort>, Refusal> {
    let span = item.span(target.source);
    let refused = |message, help| Err(refuse(target, span, message, help));
    if is_right(target, service, span, address)? {
        return Ok(None);
    }
    match &item.value {
        Value::Scalar(scalar) if scalar.style != Quoting::Block => {
            let text = short(target, item, address).ok_or_else(|| from_variable(target, span))?;
            let quote = match target.text[span.start..].chars().next() {
                Some('\'') => '\'',
                _ => '"',
            };
            edits.push(replace(
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
                    edits.push(replace(old.start..old.end, format!("\"{address}\"")));
                }
                (Some(_), _) => return refused("this address cannot be read", "write it out"),
                (None, Style::Flow) => edits.push(insert_into_flow(
                    target,
                    item,
                    entries.last().map(end_of_entry),
                    format!("host_ip: \"{address}\""),
                )),
                (None, Style::Block) => {
                    let blanks = " ".repeat(column(target.text, span.start));
                    let line = plain(format!("{blanks}host_ip: \"{address}\""));
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
            "write it out",
        ),
    }
}

fn is_range(port: &Port) -> bool {
    let is_range = |range: &std::ops::RangeInclusive<u16>| range.start() != range.end();
    is_range(&port.target) || port.published.as_ref().is_some_and(is_range)
}

/// The short form with another address; none where a variable holds the address or could end the quotes.
fn short(target: &Target<'_>, item: &Node, address: IpAddr) -> Option<String> {
    let written = item.text()?;
    if written.contains(['"', '\'', '\\']) {
        return None;
    }
    let value = target.deployment.project.interpolated(item)?;
    let (old, published, _) = port::split(&value);
    let rest = match old {
        "" => written,
        old => written.strip_prefix(old)?.strip_prefix(':')?,
    };
    let address = shown(address);
    let is_chosen = published.is_empty() && !rest.starts_with(':');
    Some(format!(
        "{address}{}{rest}",
        if is_chosen { "::" } else { ":" }
    ))
}

/// An address as the short form has it.
fn shown(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

//! What is published on the host: nothing of the databases, and the servers on one address only.

mod anew;
mod edit;
mod fate;
mod whole;

use std::collections::HashSet;
use std::net::IpAddr;

use clearml_secure_core::compose::interpolate;
use clearml_secure_core::compose::port;
use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::container::{Interface, NetworkKind, Port};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::deployment::exposure::Namespace;
use clearml_secure_core::edit::Edits;
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Span;
use clearml_secure_core::yaml::Node;

pub(crate) use anew::{NewPorts, anew};

use crate::intended::IntendedPort;
use crate::refusal::Refusal;
use crate::target::Target;
use fate::{Fate, Fates};

/// Where compose has ports.
const KEY: &str = "ports";

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub struct Ports {
    /// No port of a database is published.
    pub close: bool,
    /// The web, API and file servers are published here only.
    pub bind: Option<IpAddr>,
}

impl Ports {
    /// The options that ask for it.
    pub fn options(self) -> String {
        let close = if self.close { " --close-ports" } else { "" };
        let bind = self.bind.map(|address| format!(" --bind {address}"));
        format!("{close}{}", bind.unwrap_or_default())
    }
}

/// Works out the edits: what is written, and the services that get it from those that they extend.
pub(crate) fn plan(
    target: &Target<'_>,
    ports: Ports,
    edits: &mut Edits,
) -> Result<(Vec<IntendedPort>, Vec<String>), Refusal> {
    let fates = Fates::of(target, ports)?;
    let services = &target.deployment.project.services;
    let mut intended = Vec::new();
    for (index, service) in services.iter().enumerate() {
        match (fates.get(index), fates.orders[index]) {
            (Fate::Whole, _) => intended.extend(whole::whole(target, &fates, index, edits)?),
            (Fate::Entries, Some(order)) => {
                let new = edit::entries(target, service, order, &fates.wrong(index)?, edits)?;
                for other in fates.merging(index) {
                    intended.extend(new.iter().map(|one| one.at(service, &services[other])));
                }
                intended.extend(new);
            }
            _ => {}
        }
    }
    let written: HashSet<&str> = intended.iter().map(IntendedPort::service).collect();
    let mut inheriting = Vec::new();
    for (index, service) in services.iter().enumerate() {
        if !written.contains(&*service.name) && !fates.wrong(index)?.is_empty() {
            inheriting.push(service.name.clone());
        }
    }
    Ok((intended, inheriting))
}

/// The services that `--bind` is about.
pub fn is_bound(deployment: &Composed, index: usize) -> bool {
    deployment.instances.iter().any(|instance| {
        instance.service == index
            && matches!(
                instance.server,
                Server::Apiserver | Server::Fileserver | Server::Webserver
            )
    })
}

/// What is asked for of one service.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    Close,
    Bind(IpAddr),
}

impl Ports {
    /// What is asked for of a service.
    fn order(self, target: &Target<'_>, index: usize) -> Result<Option<Order>, Refusal> {
        let order = if self.close && target.deployment.database(index).is_some() {
            Some(Order::Close)
        } else {
            let is_bound = is_bound(target.deployment, index);
            self.bind.filter(|_| is_bound).map(Order::Bind)
        };
        if order.is_some()
            && let Some(refusal) = Self::elsewhere(target, index)
        {
            return Err(refusal);
        }
        Ok(order)
    }

    /// What opens the ports of a service and is none of its `ports`.
    fn elsewhere(target: &Target<'_>, index: usize) -> Option<Refusal> {
        let deployment = target.deployment;
        let service = &deployment.containers[index];
        let span = |at: Option<Span>| at.unwrap_or(service.name_span);
        let mode = service.network_mode.as_ref().map(|mode| mode.span);
        match deployment.namespace(index) {
            Namespace::Host(at) => Some(refuse(
                target,
                at,
                "the service is on the host's own network, where all its ports are open",
                match mode {
                    Some(_) => "remove `network_mode: host` first",
                    None => "remove the service from this network first",
                },
            )),
            Namespace::Own(owner) if owner == index => {
                let mut attached = service.attached.iter();
                let open = attached.find(|network| {
                    let kind = network.kind.known();
                    matches!(kind, Some(NetworkKind::Lan | NetworkKind::Routed))
                })?;
                Some(refuse(
                    target,
                    open.span,
                    "the service is on a network where all its ports are open",
                    "remove the service from this network first",
                ))
            }
            Namespace::Own(owner) if deployment.containers[owner].ports.is_empty() => None,
            Namespace::Own(_) | Namespace::Elsewhere(_) => Some(refuse(
                target,
                span(mode),
                "the service uses the network of another service, which publishes its ports",
                "change the `ports` of that service by hand",
            )),
            Namespace::Nowhere => None,
        }
    }
}

/// Two entries for two addresses are one port twice on one address, which compose refuses, and so does the engine.
fn refuse_doubles(target: &Target<'_>, service: &Service, address: IpAddr) -> Result<(), Refusal> {
    for (number, port) in service.ports.iter().enumerate() {
        let earlier = service.ports[..number].iter().find(|earlier| {
            earlier.protocol == port.protocol
                && match (&earlier.published, &port.published) {
                    (Some(one), Some(other)) => one == other,
                    (None, None) => earlier.target == port.target,
                    _ => false,
                }
                && !is_twin(earlier, port)
        });
        if let Some(earlier) = earlier
            && !(earlier.is_at(address) && port.is_at(address))
        {
            return Err(refuse(
                target,
                port.span,
                "on one address this would be the same port as another entry of the list",
                "remove one of the two",
            ));
        }
    }
    Ok(())
}

/// Whether an earlier entry publishes the same, perhaps on another address: `0.0.0.0:80:80` beside `[::]:80:80`. On one
/// address the two are one.
fn is_double(service: &Service, span: Span) -> bool {
    let ports = &service.ports;
    let Some(number) = ports.iter().position(|port| port.span == span) else {
        return false;
    };
    ports[..number]
        .iter()
        .any(|earlier| is_twin(earlier, &ports[number]))
}

fn is_twin(one: &Port, other: &Port) -> bool {
    one.interface == Interface::All
        && other.interface == Interface::All
        && one.protocol == other.protocol
        && one.published == other.published
        && one.target == other.target
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
            "give the variable a value in .env, or write the port itself",
        ));
    };
    Ok(port.is_at(address))
}

fn from_variable(target: &Target<'_>, span: Span) -> Refusal {
    refuse(
        target,
        span,
        "this port comes from a variable, to which no address can be added",
        "write the address and the ports themselves",
    )
}

/// The short form with another address; none where a variable holds the address or could end the quotes.
fn short(target: &Target<'_>, part: &Part, item: &Node, address: IpAddr) -> Option<String> {
    let written = item.text()?;
    if written.contains(['"', '\'', '\\']) {
        return None;
    }
    let value = target.deployment.project.text_of(part, item)?;
    let (old, published, _) = port::split(&value);
    let rest = match old {
        "" => written,
        old => match written
            .strip_prefix(old)
            .and_then(|rest| rest.strip_prefix(':'))
        {
            Some(rest) => rest,
            None => behind_variable(target, written, old)?,
        },
    };
    let address = shown(address);
    let is_chosen = published.is_empty() && !rest.starts_with(':');
    Some(format!(
        "{address}{}{rest}",
        if is_chosen { "::" } else { ":" }
    ))
}

/// What follows an address that is all a variable gives: `${BIND:-0.0.0.0}:8008:8008`.
fn behind_variable<'a>(target: &Target<'_>, written: &'a str, address: &str) -> Option<&'a str> {
    let end = match written.strip_prefix("${") {
        Some(_) => closing_brace(written)? + 1,
        None => written.find(':')?,
    };
    let (variable, rest) = written.split_at_checked(end)?;
    let env = target.deployment.project.env();
    let lookup = |name: &str| env.value(name).map(str::to_owned);
    let given = interpolate::interpolate(variable, &lookup).ok()?;
    rest.strip_prefix(':').filter(|_| *given.text == *address)
}

/// The brace that closes the first one.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut braces = text.match_indices(['{', '}']);
    braces.find_map(|(at, brace)| {
        match brace {
            "{" => depth += 1,
            _ => depth = depth.saturating_sub(1),
        }
        (depth == 0).then_some(at)
    })
}

/// An address as the short form has it.
fn shown(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

fn refuse(target: &Target<'_>, span: Span, message: &str, help: &str) -> Refusal {
    Refusal {
        place: target.deployment.sources.place(span),
        message: message.to_owned(),
        help: help.to_owned(),
    }
}

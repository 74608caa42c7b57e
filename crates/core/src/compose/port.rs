//! What a service publishes on its host, in the short and the long syntax.
//!
//! | written | published |
//! |---|---|
//! | `"8080:80"` | host port 8080 on all interfaces, container port 80 |
//! | `"127.0.0.1:8080:80"`, `"[::1]:8080:80"` | on this address only |
//! | `"9200"` | container port 9200 on all interfaces, at a host port that docker chooses |
//! | `"9200-9300:9200-9300/tcp"` | ranges |
//! | `{target: 80, published: 8080, host_ip: 127.0.0.1}` | the same in words |

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::attribute::counting;
use super::{Part, Project};
use crate::container::{Interface, Port};
use crate::source::Span;
use crate::unseen::{Hides, Unseen};
use crate::yaml::Node;

/// What is said of an entry that cannot be read.
pub(super) const UNSEEN: &str = "a published port";

/// The ports of a service: those of all its parts, as compose adds them up.
pub(super) fn of_service(project: &mut Project, service: &str, parts: &[Part]) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let mut unseen = Vec::new();
    for (part, field) in counting(parts, "ports") {
        let mut miss = |span, reason: &str| {
            unseen.push(Unseen {
                what: UNSEEN.to_owned(),
                hides: Hides::Port,
                reason: reason.to_owned(),
                service: Some(service.to_owned()),
                span: Some(span),
            });
        };
        for item in field.value.seen_items() {
            let span = item.span(part.source);
            match read(project, part, item, span) {
                Some(port) => ports.push(port),
                None => miss(
                    span,
                    "it is no port that can be read here; a variable in it may have no value",
                ),
            }
        }
    }
    project.unseen.extend(unseen);
    ports
}

/// Publishes what names no address on the one of its network.
pub(super) fn bind(ports: &mut [Port], address: &str) {
    let Some(interface) = interface(address) else {
        return;
    };
    for port in ports.iter_mut().filter(|port| port.address.is_none()) {
        port.interface = interface;
        port.address = parsed(address);
    }
}

fn read(project: &Project, part: &Part, item: &Node, span: Span) -> Option<Port> {
    if item.entries().is_none() {
        return short(&project.text_of(part, item)?, span);
    }
    let field = |key: &str| match item.get(key).filter(|field| !field.value.is_null()) {
        None => Some(None),
        Some(field) => project.text_of(part, field.value).map(Some),
    };
    let target = range(&field("target")??)?;
    let published = chosen(&field("published")?.unwrap_or_default())?;
    let host_ip = field("host_ip")?.unwrap_or_default();
    Some(Port {
        target,
        published,
        interface: interface(&host_ip)?,
        address: parsed(&host_ip),
        protocol: protocol(&field("protocol")?.unwrap_or_default()),
        opener: None,
        span,
    })
}

/// The address, the host's ports and the container's ports of the short form, each empty where it is not there.
pub fn split(text: &str) -> (&str, &str, &str) {
    let text = text.split('/').next().unwrap_or(text);
    let (rest, target) = match text.rsplit_once(':') {
        Some((rest, target)) => (Some(rest), target),
        None => (None, text),
    };
    let (address, published) = match rest {
        None => ("", ""),
        // An address of IPv6 has colons of its own.
        Some(rest) if rest.ends_with(']') => (rest, ""),
        Some(rest) => rest.rsplit_once(':').unwrap_or(("", rest)),
    };
    (address, published, target)
}

fn short(text: &str, span: Span) -> Option<Port> {
    let (address, published, target) = split(text);
    Some(Port {
        target: range(target)?,
        published: chosen(published)?,
        interface: interface(address)?,
        address: parsed(address),
        protocol: protocol(text.split_once('/').map_or("", |(_, protocol)| protocol)),
        opener: None,
        span,
    })
}

/// The ports of the host; docker chooses for none, and for port 0. The outer one is none for what is no port.
fn chosen(text: &str) -> Option<Option<RangeInclusive<u16>>> {
    match text {
        "" => Some(None),
        text => range(text).map(|range| Some(range).filter(|range| *range != (0..=0))),
    }
}

fn protocol(written: &str) -> String {
    if written.is_empty() {
        "tcp".to_owned()
    } else {
        written.to_ascii_lowercase()
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

fn parsed(address: &str) -> Option<IpAddr> {
    let address = address.trim_start_matches('[').trim_end_matches(']');
    // Compose takes `::ffff:0.0.0.0`, which is 0.0.0.0 to everyone who binds to it.
    let address: IpAddr = address.parse().ok()?;
    Some(address.to_canonical())
}

/// On which of the host's addresses an address publishes.
pub(crate) fn interface(address: &str) -> Option<Interface> {
    if address.is_empty() {
        return Some(Interface::All);
    }
    if address == "localhost" {
        return Some(Interface::Loopback);
    }
    let address = parsed(address)?;
    Some(if address.is_unspecified() {
        Interface::All
    } else if address.is_loopback() {
        Interface::Loopback
    } else {
        Interface::One(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    #[test]
    fn short_forms_are_read() {
        let mut sources = Sources::new();
        let source = sources.add("x", zeroize::Zeroizing::new(String::new()));
        let span = Span {
            source,
            start: 0,
            end: 0,
        };
        let read =
            |text: &str| short(text, span).map(|port| (port.shown(), port.target, port.interface));
        let is = |shown: &str, target, interface| Some((shown.to_owned(), target, interface));
        assert_eq!(read("8080:80"), is("8080", 80..=80, Interface::All));
        let mapped = read("[::ffff:0.0.0.0]:8080:80");
        assert_eq!(mapped, is("8080", 80..=80, Interface::All));
        let mapped = read("[::ffff:127.0.0.1]:8080:80");
        assert_eq!(mapped, is("8080", 80..=80, Interface::Loopback));
        assert_eq!(
            read("127.0.0.1:8080:80/tcp"),
            is("8080", 80..=80, Interface::Loopback)
        );
        assert_eq!(
            read("[::1]:8080:80"),
            is("8080", 80..=80, Interface::Loopback)
        );
        assert_eq!(read("[::]:8080:80"), is("8080", 80..=80, Interface::All));
        assert_eq!(
            read("0.0.0.0::80"),
            is("a port that docker chooses", 80..=80, Interface::All)
        );
        assert_eq!(
            read("0:80"),
            is("a port that docker chooses", 80..=80, Interface::All)
        );
        assert_eq!(
            read("9200"),
            is("a port that docker chooses", 9200..=9200, Interface::All)
        );
        assert_eq!(
            read("9200-9300:9200-9300"),
            is("9200-9300", 9200..=9300, Interface::All)
        );
        let one = Interface::One("10.0.0.5".parse().unwrap_or(IpAddr::from([0, 0, 0, 0])));
        assert_eq!(read("10.0.0.5:1:2"), is("1", 2..=2, one));
        for wrong in ["", "x", "80:", "70000", "9-1", "host:80:80", "::"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

//! What an engine publishes of a container, as it says.

use super::{at, is_true, text};
use crate::compose::port;
use crate::container::{Doubt, Port};
use crate::source::SourceId;
use crate::unseen::Hides;
use crate::yaml::Node;
use crate::yaml::below::list;

/// What is published, and what of it cannot be read.
#[derive(Default)]
pub(super) struct Published {
    pub(super) ports: Vec<Port>,
    pub(super) doubts: Vec<Doubt>,
}

impl Published {
    /// What is published of a container: as the engine does it, or is to do it. Of a container that has the network of another,
    /// podman shows what that one publishes (docs/clearml.md#what-docker-inspect-tells).
    pub(super) fn of(node: &Node) -> Self {
        let mut published = Self::default();
        let mode = text(node, &["HostConfig", "NetworkMode"]);
        if mode.is_some_and(|mode| mode.starts_with("container:")) {
            return published;
        }
        let fields = |keys: &[&str]| {
            at(node, keys)
                .map(|ports| ports.fields())
                .unwrap_or_default()
        };
        let real = fields(&["NetworkSettings", "Ports"]);
        let asked = match real.is_empty() {
            true => fields(&["HostConfig", "PortBindings"]),
            false => real,
        };
        let is_asked_alone = asked.is_empty();
        for field in asked {
            published.add(field.key, field.value);
        }
        // While it waits for its next start the engine has chosen no ports, and says only that it will.
        let is_waiting = is_true(node, &["State", "Restarting"]);
        if is_asked_alone && is_waiting && is_true(node, &["HostConfig", "PublishAllPorts"]) {
            for field in fields(&["Config", "ExposedPorts"]) {
                let exposed = field.key.text().unwrap_or_default();
                published.add_at(exposed, "", None, field.key);
            }
        }
        published
    }

    /// Adds what a swarm publishes of a service on every machine. What it publishes on the container's own is in the container's
    /// description.
    pub(super) fn add_everywhere(&mut self, service: &Node) {
        for item in list(service, &["Endpoint", "Ports"]) {
            let field = |key| Some(at(item, &[key])?.scalar()?.text());
            if field("PublishMode") == Some("host") {
                continue;
            }
            let target = field("TargetPort").unwrap_or_default();
            let protocol = field("Protocol").unwrap_or("tcp");
            let number = field("PublishedPort").and_then(|port| port.parse::<u16>().ok());
            self.add_at(&format!("{target}/{protocol}"), "", number, item);
        }
    }

    /// Adds a port of the container and where it is published: a list, or null where it is not.
    fn add(&mut self, key: &Node, bound: &Node) {
        if bound.is_null() {
            return;
        }
        let Some(items) = bound.items() else {
            return self.unread(bound);
        };
        for item in items {
            let address = text(item, &["HostIp"]).unwrap_or_default();
            let number = text(item, &["HostPort"]).and_then(|port| port.parse::<u16>().ok());
            let number = number.filter(|port| *port != 0);
            self.add_at(key.text().unwrap_or_default(), address, number, item);
        }
    }

    /// Adds a port of the container, such as `8008/tcp`, that is published at an address.
    fn add_at(&mut self, written: &str, address: &str, number: Option<u16>, at: &Node) {
        let (target, protocol) = written.split_once('/').unwrap_or((written, "tcp"));
        // An address of IPv6 may name the interface that it is on.
        let address = address.split('%').next().unwrap_or_default();
        let (Ok(target), Some(interface)) = (target.parse::<u16>(), port::interface(address))
        else {
            return self.unread(at);
        };
        let port = Port {
            target: target..=target,
            published: number.map(|port| port..=port),
            interface,
            address: address.parse().ok(),
            protocol: protocol.to_ascii_lowercase(),
            opener: None,
            span: at.span(SourceId::FIRST).at_start(),
        };
        let is_same = |known: &Port| {
            known.target == port.target
                && known.published == port.published
                && known.interface == port.interface
                && known.protocol == port.protocol
        };
        // All addresses of IPv4 and of IPv6 are two entries.
        if !self.ports.iter().any(is_same) {
            self.ports.push(port);
        }
    }

    fn unread(&mut self, at: &Node) {
        self.doubts.push(Doubt {
            hides: Hides::Port,
            reason: "this published port is not written as docker inspect writes it".into(),
            span: at.span(SourceId::FIRST).at_start(),
        });
    }
}

//! From where the networks of an engine are reached. A container's own description does not say what drives them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::swarm::UNTOLD;
use super::{at, text};
use crate::container::NetworkKind;
use crate::knowable::Knowable;
use crate::yaml::Node;

/// On which a swarm publishes ports of its services, on every machine of it.
pub(super) const INGRESS: &str = "ingress";

/// What is known of the networks, by name.
pub(super) struct Networks<'a> {
    /// What `docker network inspect` says of them, where it is in the same text.
    described: HashMap<&'a str, &'a Node>,
    /// Those that have to be bridges, because a port of a container that is on no other is really published.
    publishing: Vec<&'a str>,
}

impl<'a> Networks<'a> {
    pub(super) fn of(objects: &[&'a Arc<Node>]) -> Self {
        let mut described = HashMap::new();
        let mut publishing = Vec::new();
        for object in objects {
            let name = text(object, &["Name"]).or_else(|| text(object, &["name"]));
            let is_network =
                at(object, &["IPAM"]).is_some() || at(object, &["ipam_options"]).is_some();
            if let Some(name) = name.filter(|_| is_network) {
                described.insert(name, &***object);
            }
            let networks = at(object, &["NetworkSettings", "Networks"]);
            let networks = networks
                .map(|networks| networks.fields())
                .unwrap_or_default();
            if let [network] = &networks[..]
                && is_published(object)
            {
                publishing.extend(network.key.text());
            }
        }
        Self {
            described,
            publishing,
        }
    }

    /// From where a container on a network is reached, besides what it publishes. `endpoint` is what its own
    /// description says of the network.
    pub(super) fn kind(&self, name: &str, endpoint: &Node) -> Knowable<NetworkKind> {
        if let Some(network) = self.described.get(name).filter(|_| name != INGRESS) {
            return of_network(network);
        }
        let is_bridge = ["bridge", "podman"].contains(&name)
            || self.publishing.contains(&name)
            || text(endpoint, &["NetworkID"]).is_some_and(is_bridge_here);
        if name == INGRESS {
            return Knowable::unknown(UNTOLD);
        }
        match name {
            "host" => Knowable::Known(NetworkKind::Host),
            "none" => Knowable::Known(NetworkKind::Inner),
            _ if is_bridge => Knowable::Known(NetworkKind::Inner),
            _ => Knowable::unknown(
                "docker inspect of a container does not say what kind of network it is on; add its networks: \
                 docker inspect $(docker ps -q) $(docker network ls -q) | clearml-verify -",
            ),
        }
    }
}

/// What `docker network inspect`, or podman's, says.
fn of_network(network: &Node) -> Knowable<NetworkKind> {
    let either = |docker: &[&str], podman: &[&str]| {
        text(network, docker)
            .or_else(|| text(network, podman))
            .map(str::to_owned)
    };
    const MODES: [&str; 2] = [
        "com.docker.network.bridge.gateway_mode_ipv4",
        "com.docker.network.bridge.gateway_mode_ipv6",
    ];
    let is_routed = MODES.iter().any(|mode| {
        let mode = text(network, &["Options", mode]);
        mode.is_some_and(|mode| ["routed", "nat-unprotected"].contains(&mode))
    });
    match either(&["Driver"], &["driver"]).as_deref() {
        Some("host") => Knowable::Known(NetworkKind::Host),
        Some("macvlan" | "ipvlan") => Knowable::Known(NetworkKind::Lan),
        Some("bridge") if is_routed => Knowable::Known(NetworkKind::Routed),
        Some("bridge" | "null" | "overlay" | "nat" | "l2bridge") => {
            Knowable::Known(NetworkKind::Inner)
        }
        _ => Knowable::unknown("its driver is none of docker's own"),
    }
}

/// Whether the engine of this machine has a bridge for a network, which it names after its id.
fn is_bridge_here(id: &str) -> bool {
    const NAMED_BY: usize = 12;
    let is_id = id.len() >= NAMED_BY && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id
        && Path::new("/sys/class/net")
            .join(format!("br-{}", &id[..NAMED_BY]))
            .exists()
}

/// Whether the engine really forwards a port of the host to a container.
fn is_published(object: &Node) -> bool {
    let ports = at(object, &["NetworkSettings", "Ports"]);
    let fields = ports.map(|ports| ports.fields()).unwrap_or_default();
    fields
        .iter()
        .any(|field| field.value.items().is_some_and(|bound| !bound.is_empty()))
}

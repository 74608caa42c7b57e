//! Where something comes in from outside, in words.

use clearml_secure_core::container::{Entrance, Interface, NetworkKind};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::deployment::exposure::{Reach, Way};
use clearml_secure_core::shown::escape;

use crate::address::{is_own, is_public};
use crate::words;

/// `port 80 of service nginx`, `port 80 of service edge, through service nginx`, and what else opens a way.
pub(crate) fn entry(deployment: &Deployment, way: &Way<'_>) -> String {
    let name = |index: usize| words::container(&deployment.containers[index]);
    let mut by = way.through.iter().map(|forward| forward.by);
    // A container whose network another one shares has the port, and the other one what listens there.
    let is_apart = matches!(way.opening.reach, Reach::Entrance(_));
    let first = by.next().filter(|first| is_apart || *first != way.by);
    let port = words::port(&way.opening.port);
    let mut text = match &way.opening.reach {
        Reach::Published(Interface::One(address)) => {
            format!("{port} of {} on {address}", name(way.by))
        }
        Reach::Published(_) => format!("{port} of {}", name(way.by)),
        Reach::Host(_) => format!("{port} of {}, on the host's network,", name(way.by)),
        Reach::Network(network, NetworkKind::Routed) => {
            format!(
                "network {}, which is open to anyone who has a route to it,",
                escape(network)
            )
        }
        Reach::Network(network, _) => format!(
            "network {}, which gives containers addresses on the host's network,",
            escape(network)
        ),
        Reach::Entrance(entrance) => named(entrance),
        Reach::Tunnel => format!("the tunnel of {}", name(way.by)),
    };
    let through: Vec<String> = first.into_iter().chain(by).map(name).collect();
    if !through.is_empty() {
        text.push_str(&format!(", through {},", through.join(" and ")));
    }
    text
}

/// Whether it is for a private network alone: by what it is reached through, or as only such a network knows its name. A name
/// for everybody's own machine, as the chart's values have, does not tell who comes in.
pub(crate) fn is_within(entrance: &Entrance) -> bool {
    let is_private =
        |host: &str| !host.trim_matches('*').is_empty() && !is_public(host) && !is_own(host);
    entrance.interface == Interface::Private || entrance.host.as_deref().is_some_and(is_private)
}

/// `Ingress app`, or `Ingress app for ml.example.com`.
pub(crate) fn named(entrance: &Entrance) -> String {
    match &entrance.host {
        Some(host) => format!("{} for {}", entrance.name, escape(host)),
        None => entrance.name.clone(),
    }
}

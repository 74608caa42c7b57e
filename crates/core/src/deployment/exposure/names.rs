//! Whom a host leads to that a container names: the one answer for all who ask (docs/clearml.md#names-of-containers).
//!
//! A container has its names on its networks. One that has the network of another is found under the names of that one. Who asks
//! finds what is on a network with it, under the names that it has there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Around, Deployment, Namespace, namespace};
use crate::container::host::canonical;
use crate::container::{Asked, Container};

/// Networks of an engine on which containers have addresses and no names.
const NAMELESS: [&str; 3] = ["bridge", "default", "podman"];

/// Containers by all names that may lead to them.
#[derive(Default)]
pub(in crate::deployment) struct Names(HashMap<String, Vec<usize>>);

/// Whom a host leads to.
pub(super) enum Meant {
    /// What shares the network of who asks.
    Itself,
    /// The host: what is published there, or listens on its network.
    Host {
        /// At an address that others than the host itself do not reach.
        is_loopback: bool,
    },
    /// These containers; without any, something else.
    Containers(Vec<usize>),
}

impl Names {
    pub(in crate::deployment) fn of_all(
        containers: &[Arc<Container>],
        namespaces: &[Namespace],
    ) -> Self {
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, container) in containers.iter().enumerate() {
            let owner = &containers[namespace::owner(namespaces, index)];
            for container in [container, owner] {
                for name in container.names() {
                    let of_name = names.entry(canonical(name).into_owned()).or_default();
                    if of_name.last() != Some(&index) {
                        of_name.push(index);
                    }
                }
            }
        }
        Self(names)
    }

    /// Those that a host may be, on whatever network.
    fn of(&self, asked: &Asked<'_>) -> Vec<usize> {
        let found = asked.names().filter_map(|name| self.0.get(name));
        let mut found: Vec<usize> = found.flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A host to look up.
struct Lookup<'a> {
    asked: Asked<'a>,
    /// Whether a name that one container alone knows leads there: of a link, or of a line of its `/etc/hosts`.
    is_own: bool,
}

impl Around<'_> {
    /// Whom a host leads to that a container names.
    pub(super) fn meant(&self, from: usize, host: &str) -> Meant {
        let mut found = Vec::new();
        let mut other = None;
        for asked in self.asked(from, host) {
            match self.meant_by(from, &asked) {
                Meant::Containers(named) => found.extend(named),
                meant => other = other.or(Some(meant)),
            }
        }
        match other {
            Some(other) if found.is_empty() => other,
            _ => Meant::Containers(found),
        }
    }

    fn meant_by(&self, from: usize, lookup: &Lookup<'_>) -> Meant {
        let asked = &lookup.asked;
        let is_on_the_host = matches!(self.namespace(from), Namespace::Host(_));
        match is_itself(asked.host()) {
            true if is_on_the_host => return Meant::Host { is_loopback: true },
            true => return Meant::Itself,
            false => {}
        }
        let mut named = self.names.of(asked);
        if named.is_empty() && is_of_the_host(asked.host()) {
            return Meant::Host { is_loopback: false };
        }
        named.retain(|other| self.finds(from, *other, lookup));
        Meant::Containers(named)
    }

    /// Whether a host may be one of the containers at all.
    pub(super) fn is_anybody(&self, from: usize, host: &str) -> bool {
        match self.meant(from, host) {
            Meant::Itself | Meant::Host { .. } => true,
            Meant::Containers(containers) => !containers.is_empty(),
        }
    }

    /// A host that a container names; all that names of its own lead to instead of that.
    fn asked<'n>(&'n self, from: usize, host: &'n str) -> Vec<Lookup<'n>> {
        let container = &self.containers[from];
        let asked = Asked::by(container, host);
        let owner = &self.containers[namespace::owner(self.namespaces, from)];
        let own = container.hosts.iter().chain(&owner.hosts);
        let own = own.filter(|own| own.name.eq_ignore_ascii_case(asked.host()));
        let mut all: Vec<Lookup<'_>> = own
            .map(|own| Lookup {
                asked: Asked::by(container, &own.to),
                is_own: true,
            })
            .collect();
        if all.is_empty() {
            all.push(Lookup {
                asked,
                is_own: false,
            });
        }
        all
    }

    /// Whether one finds another under a host.
    fn finds(&self, from: usize, other: usize, lookup: &Lookup<'_>) -> bool {
        let asked = &lookup.asked;
        if !self.are_beside(from, other) {
            return false;
        }
        let owner = |index| namespace::owner(self.namespaces, index);
        let (from, other) = (owner(from), owner(other));
        let container = &self.containers[other];
        // In a cluster all names are everywhere, and the host itself has a way to every address.
        let is_everywhere = container.pod.is_some()
            || asked.is_address() && matches!(self.namespace(from), Namespace::Host(_));
        if is_everywhere {
            return container.answers_to(asked);
        }
        let networks = self.networks(from);
        let shared = self.networks(other).into_iter();
        let mut shared = shared.filter(|network| networks.contains(network));
        shared.any(|network| {
            let called = container.network_called(network);
            let has_names = !called.is_some_and(|called| NAMELESS.contains(&called));
            (has_names || lookup.is_own || asked.is_address())
                && container.answers_on(network, called, asked)
        })
    }
}

impl Deployment {
    /// The containers that one finds under a host, on its networks.
    pub fn found(&self, from: usize, host: &str) -> Vec<usize> {
        match self.around().meant(from, host) {
            Meant::Containers(found) => found,
            Meant::Itself | Meant::Host { .. } => Vec::new(),
        }
    }

    /// Whether a host is the name of any container at all, on whatever network.
    pub(in crate::deployment) fn is_name(&self, from: usize, host: &str) -> bool {
        let around = self.around();
        let asked = around.asked(from, host);
        let mut asked = asked.iter().flat_map(|own| own.asked.names());
        asked.any(|name| self.names.0.contains_key(name))
    }

    /// Those that it would find under a host if they were on all networks.
    pub fn called(&self, from: usize, host: &str) -> Vec<usize> {
        let around = self.around();
        let answers = |other: &usize, asked: &Asked<'_>| {
            let owner = namespace::owner(&self.namespaces, *other);
            let mut both = [*other, owner].into_iter();
            both.any(|index| self.containers[index].answers_to(asked))
        };
        let asked = around.asked(from, host).into_iter();
        asked
            .flat_map(|own| {
                let mut named = self.names.of(&own.asked);
                named.retain(|other| answers(other, &own.asked));
                named
            })
            .collect()
    }
}

/// Whether a name leads to who uses it.
fn is_itself(host: &str) -> bool {
    host == "localhost" || host == "::1" || host == "0.0.0.0" || host.starts_with("127.")
}

/// The names of the host in a container, and addresses: which of them are the host's is not known.
fn is_of_the_host(host: &str) -> bool {
    const NAMES: [&str; 3] = [
        "host.docker.internal",
        "gateway.docker.internal",
        "host.containers.internal",
    ];
    let is_address = |address: IpAddr| !address.is_loopback() && !address.is_unspecified();
    NAMES.contains(&host) || host.parse().is_ok_and(is_address)
}

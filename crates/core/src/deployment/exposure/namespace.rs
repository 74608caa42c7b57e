//! Whose network a container has, and what opens a port there.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Around, Opening, Reach};
use crate::container::{Container, Interface, Network, NetworkKind};
use crate::knowable::Knowable;
use crate::source::Span;

/// Whose network a container has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// A container's own: this one's, or the first one's of a pod.
    Own(usize),
    /// The host's, and what says so.
    Host(Span),
    /// None.
    Nowhere,
    /// That of a container which is in none of these files, and what says so.
    Elsewhere(Span),
}

/// Why it is not known what is published of a container.
pub(super) const ELSEWHERE: &str =
    "it has the network of a container that is in none of these files";

/// Whose network each of the containers has (docs/clearml.md#networks-of-docker).
pub(in crate::deployment) fn of_all(containers: &[Arc<Container>]) -> Vec<Namespace> {
    let mut services = HashMap::new();
    for (index, container) in containers.iter().enumerate() {
        services.entry(container.name.as_str()).or_insert(index);
    }
    let mut pods = HashMap::new();
    for (index, container) in containers.iter().enumerate() {
        let pod = container.pod.iter();
        pod.for_each(|pod| {
            pods.entry(pod.number).or_insert(index);
        });
    }
    let steps: Vec<Step> = (0..containers.len())
        .map(|index| match &containers[index].pod {
            Some(pod) if containers[index].network_mode.is_none() => {
                Step::End(Namespace::Own(pods[&pod.number]))
            }
            _ => step(containers, &services, index),
        })
        .collect();
    let follow = |(index, container): (usize, &Arc<Container>)| {
        let mut at = index;
        // A circle, which compose refuses, ends as well.
        for _ in 0..=steps.len() {
            match steps[at] {
                Step::To(next) => at = next,
                Step::End(namespace) => return namespace,
            }
        }
        Namespace::Elsewhere(container.name_span)
    };
    containers.iter().enumerate().map(follow).collect()
}

/// What a container's `network_mode` says.
enum Step {
    End(Namespace),
    /// It has that of another container.
    To(usize),
}

fn step(containers: &[Arc<Container>], services: &HashMap<&str, usize>, at: usize) -> Step {
    let Some(mode) = &containers[at].network_mode else {
        return Step::End(of_networks(&containers[at], at));
    };
    let (kind, name) = mode.text.split_once(':').unwrap_or((&mode.text, ""));
    let next = match kind {
        "host" => return Step::End(Namespace::Host(mode.span)),
        "none" => return Step::End(Namespace::Nowhere),
        "service" => services.get(name).copied(),
        "container" => containers.iter().position(|other| is_called(other, name)),
        // A network of docker's by its name.
        _ => return Step::End(Namespace::Own(at)),
    };
    next.map_or(Step::End(Namespace::Elsewhere(mode.span)), Step::To)
}

impl Around<'_> {
    pub(super) fn namespace(&self, container: usize) -> Namespace {
        self.namespaces[container]
    }

    /// The container whose ports and networks a container has: none where there are none. Those of a pod each of its
    /// containers has.
    pub(super) fn lender(&self, container: usize) -> Option<usize> {
        lender(self.containers, self.namespaces, container)
    }

    /// The networks that a container is on itself.
    pub(super) fn networks(&self, container: usize) -> Vec<&str> {
        let container = &self.containers[container];
        let mode = container.network_mode.iter();
        let names = container.networks.iter().map(String::as_str);
        names.chain(mode.map(|mode| mode.text.as_str())).collect()
    }

    /// What opens a port on which a process of a container listens, at the loopback address alone or not, and whose it is.
    pub(super) fn openings(
        &self,
        (container, port): (usize, u16),
        is_loopback: bool,
    ) -> Vec<(usize, Opening)> {
        if !self.listening(container).may_be(port) {
            return Vec::new();
        }
        if let Namespace::Host(span) = self.namespace(container) {
            let interface = match is_loopback {
                true => Interface::Loopback,
                false => Interface::All,
            };
            let reach = Reach::Host(interface);
            return vec![(container, opening(reach, port, span))];
        }
        let Some(owner) = self.lender(container) else {
            return Vec::new();
        };
        // Only who shares its network reaches it.
        if is_loopback {
            return Vec::new();
        }
        let owned = &self.containers[owner];
        let is_published = !is_within(owned);
        let leading = owned.ports.iter();
        let leading = leading.filter(|one| is_published && one.leads_to(port));
        let published = leading.map(|one| Opening {
            reach: Reach::Published(one.interface),
            port: owned.shown_port(one),
            span: one.span,
        });
        let attached = owned.attached.iter().filter_map(|network| {
            let reach = match network.kind.known()? {
                NetworkKind::Inner | NetworkKind::Internal | NetworkKind::External => {
                    return None;
                }
                NetworkKind::Host => Reach::Host(Interface::All),
                kind @ (NetworkKind::Lan | NetworkKind::Routed) => {
                    Reach::Network(network.name.clone(), *kind)
                }
            };
            Some(opening(reach, port, network.span))
        });
        let own = self.containers[container].pod.iter();
        let entrances = own.flat_map(|pod| &pod.entrances);
        let entrances = entrances.filter(|one| one.port.is_none_or(|own| own == port));
        let entrances = entrances.map(|one| opening(Reach::Entrance(one.clone()), port, one.span));
        let all = published.chain(attached).chain(entrances);
        all.map(|opening| (owner, opening)).collect()
    }
}

/// The container whose network another one has, or that itself.
pub(super) fn owner(namespaces: &[Namespace], container: usize) -> usize {
    match namespaces[container] {
        Namespace::Own(owner) => owner,
        Namespace::Host(_) | Namespace::Nowhere | Namespace::Elsewhere(_) => container,
    }
}

/// The container whose ports and networks a container has.
pub(super) fn lender(
    containers: &[Arc<Container>],
    namespaces: &[Namespace],
    container: usize,
) -> Option<usize> {
    match namespaces[container] {
        Namespace::Own(_) if containers[container].pod.is_some() => Some(container),
        Namespace::Own(owner) => Some(owner),
        Namespace::Host(_) | Namespace::Nowhere | Namespace::Elsewhere(_) => None,
    }
}

fn opening(reach: Reach, port: u16, span: Span) -> Opening {
    Opening {
        reach,
        port: port.to_string(),
        span,
    }
}

/// Whether all its networks are without a way out: docker publishes nothing there (docs/clearml.md#networks-of-docker).
fn is_within(container: &Container) -> bool {
    let is_internal = |network: &Network| network.kind.known() == Some(&NetworkKind::Internal);
    container.network_mode.is_none()
        && !container.attached.is_empty()
        && container.attached.iter().all(is_internal)
}

/// A network that is the host's own takes the place of all others.
fn of_networks(container: &Container, index: usize) -> Namespace {
    let is_host = |kind: &Knowable<NetworkKind>| kind.known() == Some(&NetworkKind::Host);
    let mut attached = container.attached.iter();
    match attached.find(|network| is_host(&network.kind)) {
        Some(network) => Namespace::Host(network.span),
        None => Namespace::Own(index),
    }
}

/// Whether a container is called so: by its own name, or by the one that compose makes of the project's and the service's.
fn is_called(container: &Container, name: &str) -> bool {
    match &container.container_name {
        Some(own) => own == name,
        None => {
            let of_service = |separator: char| {
                let project = name.strip_suffix('1').and_then(|rest| {
                    let rest = rest.strip_suffix(separator)?;
                    rest.strip_suffix(container.name.as_str())
                });
                project.is_some_and(|project| project.ends_with(separator))
            };
            of_service('-') || of_service('_') || name == container.name
        }
    }
}

//! From where a port of a container can be reached, and through which other containers.
//!
//! A container has a network of its own, or that of another one or of the host (`namespace.rs`). What is published there, and a
//! network on which nothing needs to be published, are openings. A container behind an opening may forward what comes in
//! (`forward.rs`), so that a port is reached through the openings of all who forward to it, too.

mod address;
mod anywhere;
mod condition;
mod files;
mod forward;
mod hop;
mod listen;
mod mention;
mod names;
mod namespace;
mod proxy;
mod reading;
mod spoken;
mod stunnel;
mod tool;
mod tunnel;
mod variables;

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, LazyLock};

use super::{Database, Deployment};
use crate::container::{Container, Entrance, Interface, NetworkKind, Port};
use crate::instance::{Instance, Listening};
use crate::knowable::Knowable;
use crate::setting::Server;
use crate::source::Span;
use crate::unseen::{Hides, Unseen};
pub(super) use address::is_loopback;
pub use hop::{Forward, How};
pub(super) use listen::has_file;
pub(super) use names::Names;
pub use namespace::Namespace;
pub(super) use namespace::of_all as namespaces;
pub(super) use proxy::webserver::Told;
pub use tool::{Tool, Walls};

/// One way to a port, from where it enters to the container that listens.
pub struct Way<'a> {
    /// Where it enters.
    pub opening: Opening,
    /// The container that it enters by.
    pub by: usize,
    /// Who passes it on, the first one first.
    pub through: Vec<&'a Forward>,
    /// Whether it ends where nothing is in clear text.
    is_to_sealed: bool,
}

/// Where something enters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// From where it is reached.
    pub reach: Reach,
    /// The port in words, as who comes from outside has it.
    pub port: String,
    /// What opens it.
    pub span: Span,
}

/// From where an opening is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A published port, on addresses of the host.
    Published(Interface),
    /// The host's own network.
    Host(Interface),
    /// A network on which nothing needs to be published.
    Network(String, NetworkKind),
    /// What leads to a pod of a cluster from outside.
    Entrance(Entrance),
    /// From wherever the other end of a tunnel is.
    Tunnel,
}

impl Reach {
    /// On which of the host's addresses; a network of its own counts as all.
    pub fn interface(&self) -> Interface {
        match self {
            Self::Published(interface) | Self::Host(interface) => *interface,
            Self::Entrance(entrance) => entrance.interface,
            Self::Network(..) | Self::Tunnel => Interface::All,
        }
    }
}

impl Way<'_> {
    /// Whether what enters can be read on its way: all who pass bytes on as they are leave TLS to the next one.
    pub fn is_clear(&self) -> bool {
        match &self.opening.reach {
            Reach::Entrance(entrance) if !entrance.is_clear() => return false,
            Reach::Entrance(entrance) if !entrance.is_bytes => return true,
            _ => {}
        }
        for forward in &self.through {
            if forward.is_tls {
                return false;
            }
            if forward.how != How::Bytes {
                return true;
            }
        }
        !self.is_to_sealed
    }

    /// Whether all of it is told by the files, and nothing is concluded from which software it is.
    pub fn is_told(&self) -> bool {
        self.through.iter().all(|forward| forward.is_told)
    }

    /// Whether it goes straight to the container.
    pub fn is_direct(&self, container: usize) -> bool {
        self.through.is_empty() && self.by == container
    }
}

/// The names of all software by which a container may lead to others.
static LEADING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let names = mention::names().chain(anywhere::names());
    names.chain(proxy::names()).chain(Tool::names()).collect()
});

/// Whether a text has a word by which a container in it may lead to others, or be a database: the name of software, or a port.
pub fn may_lead(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_port = |word: &str| {
        word.parse()
            .is_ok_and(|port| Database::by_port(port).is_some())
    };
    let mut words = text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    // What is a part of a name is a part of one word.
    mention::is_by_part(text) || words.any(|word| LEADING.contains(word) || is_port(word))
}

/// Whether a word is the name of software that leads to others.
pub(super) fn is_software(word: &str) -> bool {
    mention::is_by_part(word) || LEADING.contains(word)
}

/// Who forwards what to whom, and what of it is not known.
#[derive(Default)]
pub struct Exposure {
    /// In the order of whom they lead to.
    forwards: Vec<Forward>,
    /// The ports of which all is known to whom a container passes on what comes in there: containers of the deployment.
    proxied: HashSet<(usize, u16)>,
}

impl Exposure {
    /// Of all containers of a deployment.
    pub(super) fn of(deployment: &Deployment) -> (Self, Vec<Unseen>) {
        let Deployment {
            containers,
            instances,
            ..
        } = deployment;
        // Without a server nothing is a way to one, and whose a database is nobody can tell.
        if instances.is_empty() {
            return (Self::default(), Vec::new());
        }
        let containers: Vec<_> = containers
            .iter()
            .map(super::scripts::with_scripts)
            .collect();
        let around = Around {
            containers: &containers,
            ..deployment.around()
        };
        let (mut forwards, mut unseen) = (Vec::new(), Vec::new());
        let mut proxied = HashSet::new();
        for (index, container) in containers.iter().enumerate() {
            if !around.is_server(index) && Database::of(container).is_none() {
                let ports = forward::of(&around, index, &mut forwards, &mut unseen);
                proxied.extend(ports.into_iter().map(|port| (index, port)));
            }
            let mut servers = around.servers(index).iter();
            if servers.any(|one| one.server == Server::Webserver) {
                forward::of_webserver(&around, index, &mut forwards, &mut unseen);
            }
        }
        proxy::traefik::of(&around, &mut forwards, &mut unseen);
        proxy::labelled::of(&around, &mut forwards, &mut unseen);
        unseen.extend(around.untold());
        unseen.extend(around.untold_ways(deployment, &forwards));
        forwards.sort_by_key(|forward| forward.to);
        (Self { forwards, proxied }, unseen)
    }

    /// Those that lead to a port of a container.
    fn to(&self, to: (usize, u16)) -> &[Forward] {
        let start = self.forwards.partition_point(|forward| forward.to < to);
        let end = self.forwards.partition_point(|forward| forward.to <= to);
        &self.forwards[start..end]
    }
}

/// The containers, for those who look at one among the others.
#[derive(Clone, Copy)]
struct Around<'a> {
    containers: &'a [Arc<Container>],
    instances: &'a [Instance],
    namespaces: &'a [Namespace],
    names: &'a Names,
}

impl Around<'_> {
    fn is_server(&self, index: usize) -> bool {
        !self.servers(index).is_empty()
    }

    /// The servers that run in a container: they are in the order of the containers.
    fn servers(&self, index: usize) -> &[Instance] {
        let start = self.instances.partition_point(|one| one.service < index);
        let end = self.instances.partition_point(|one| one.service <= index);
        &self.instances[start..end]
    }

    /// Whether two containers reach each other: on a network together, or in one network namespace.
    fn are_beside(&self, one: usize, other: usize) -> bool {
        match (self.namespace(one), self.namespace(other)) {
            (Namespace::Own(owner), Namespace::Own(others)) => {
                let networks = |index| self.lender(index).map(|index| self.networks(index));
                let (own, attached) = (networks(one), networks(other));
                let (own, attached) = (own.unwrap_or_default(), attached.unwrap_or_default());
                owner == others || own.iter().any(|name| attached.contains(name))
            }
            // The host reaches every container, and they reach what listens on all of its addresses.
            (Namespace::Host(_), Namespace::Host(_) | Namespace::Own(_))
            | (Namespace::Own(_), Namespace::Host(_)) => true,
            _ => false,
        }
    }

    /// What of servers and databases is not known.
    fn untold(&self) -> Vec<Unseen> {
        let mut unseen = Vec::new();
        for (index, container) in self.containers.iter().enumerate() {
            let mut servers = self.servers(index).iter();
            let listens = servers.any(|one| !one.listening.ports.is_empty());
            let database = Database::of(container);
            if !listens && database.is_none() {
                continue;
            }
            let mut miss = |reason: String, span| {
                unseen.push(Unseen {
                    what: "who reaches the ports".to_owned(),
                    hides: Hides::Port,
                    reason,
                    service: Some(container.name.clone()),
                    span: Some(span),
                });
            };
            match self.namespace(index) {
                Namespace::Elsewhere(span) => miss(namespace::ELSEWHERE.to_owned(), span),
                Namespace::Own(owner) => {
                    // Docker's own bridge, or another network that is in none of these files.
                    let mode = self.containers[owner].network_mode.as_ref();
                    if let Some(mode) = mode.filter(|_| database.is_some()) {
                        miss(EXTERNAL.to_owned(), mode.span);
                    }
                    for network in &self.containers[owner].attached {
                        match &network.kind {
                            Knowable::Unknown(reason) => {
                                miss(format!("of its network, {reason}"), network.span);
                            }
                            Knowable::Known(NetworkKind::External) if database.is_some() => {
                                miss(EXTERNAL.to_owned(), network.span);
                            }
                            Knowable::Known(_) => {}
                        }
                    }
                }
                Namespace::Host(_) | Namespace::Nowhere => {}
            }
        }
        unseen
    }

    /// What leads to a database and asks nobody, on a network that somebody else makes: who comes in there is not known.
    fn untold_ways(&self, deployment: &Deployment, forwards: &[Forward]) -> Vec<Unseen> {
        let is_open = |forward: &&Forward| {
            let asks_nobody = match forward.how {
                How::Page(tool) => matches!(
                    tool.walls(&self.containers[forward.by]),
                    Walls::None | Walls::Untold
                ),
                How::Bytes | How::Requests => forward.is_told && !forward.is_guarded,
            };
            let is_of_clearml = || deployment.database(forward.to.0).is_some();
            asks_nobody && !forward.is_loopback && is_of_clearml()
        };
        let mut by: Vec<usize> = { forwards.iter().filter(is_open) }
            .map(|forward| forward.by)
            .collect();
        by.sort_unstable();
        by.dedup();
        let unseen = by.into_iter().filter_map(|by| {
            let Namespace::Own(owner) = self.namespace(by) else {
                return None;
            };
            let mut networks = self.containers[owner].attached.iter();
            let external = Knowable::Known(NetworkKind::External);
            let network = networks.find(|network| network.kind == external)?;
            Some(Unseen {
                what: "who reaches the ports".to_owned(),
                hides: Hides::Way,
                reason: THROUGH.to_owned(),
                service: Some(self.containers[by].name.clone()),
                span: Some(network.span),
            })
        });
        unseen.collect()
    }
}

/// Why the containers of a network that somebody else makes may be open to others.
const EXTERNAL: &str = "the network is made elsewhere: whatever else is on it reaches the database; give the databases a \
                        network of these files";
/// The same of what leads to a database.
const THROUGH: &str = "the network is made elsewhere: whatever else is on it reaches a database through this service; \
                       give the service a network of these files";

impl Deployment {
    fn around(&self) -> Around<'_> {
        Around {
            containers: &self.containers,
            instances: &self.instances,
            namespaces: &self.namespaces,
            names: &self.names,
        }
    }

    /// Where a container is in the network.
    pub fn namespace(&self, container: usize) -> Namespace {
        self.namespaces[container]
    }

    /// The names of the networks on which a container is reached.
    pub fn networks(&self, container: usize) -> Vec<&str> {
        let lender = namespace::lender(&self.containers, &self.namespaces, container);
        let names = lender
            .into_iter()
            .flat_map(|lender| &self.containers[lender].networks);
        names.map(String::as_str).collect()
    }

    /// Where the processes of a container listen, as far as it is known.
    pub fn listening(&self, container: usize) -> Listening {
        self.around().listening(container)
    }

    /// Whether it is known to whom a container passes on all that comes in at a port, and these are containers of this
    /// deployment: what listens there is a proxy, whatever else has this port by default.
    pub fn is_proxied(&self, container: usize, port: u16) -> bool {
        self.exposure.proxied.contains(&(container, port))
    }

    /// Whether a container is known to pass on to another one of this deployment what comes in at a port.
    pub fn passes_on(&self, container: usize, port: u16) -> bool {
        let mut forwards = self.exposure.forwards.iter();
        forwards.any(|forward| (forward.by, forward.at) == (container, port))
    }

    /// The port at which a way begins, where it is published.
    pub fn port(&self, way: &Way<'_>) -> Option<&Port> {
        let mut ports = self.containers[way.by].ports.iter();
        ports.find(|port| port.span == way.opening.span)
    }

    /// Every way from outside to a port of a container: of several through one port of another container the shortest one, with
    /// TLS and without, and with a guard and without.
    pub fn ways(&self, container: usize, port: u16) -> Vec<Way<'_>> {
        let around = self.around();
        let mut ways = Vec::new();
        let mut seen = HashSet::new();
        let is_to_sealed = around.listening(container).sealed.contains(&port);
        let start = ((container, port), Vec::new(), !is_to_sealed, false, false);
        let mut next = VecDeque::from([start]);
        while let Some((to, through, is_clear, is_loopback, is_guarded)) = next.pop_front() {
            let is_loopback = is_loopback || around.listening(to.0).is_loopback;
            let way = |by, opening| Way {
                opening,
                by,
                through: through.clone(),
                is_to_sealed,
            };
            let openings = around.openings(to, is_loopback).into_iter();
            ways.extend(openings.map(|(by, opening)| way(by, opening)));
            for forward in self.exposure.to(to) {
                let is_clear = !forward.is_tls && (forward.how != How::Bytes || is_clear);
                let is_reached =
                    !is_loopback || around.namespace(forward.by) == around.namespace(to.0);
                if forward.by == to.0 || !is_reached {
                    continue;
                }
                let is_guarded = is_guarded || forward.is_guarded;
                let place = (forward.by, forward.at, forward.is_loopback);
                if !seen.insert((place, is_clear, is_guarded)) {
                    continue;
                }
                let longer: Vec<&Forward> = [forward]
                    .into_iter()
                    .chain(through.iter().copied())
                    .collect();
                match forward.tunnel {
                    Some(span) => ways.push(Way {
                        opening: Opening {
                            reach: Reach::Tunnel,
                            port: String::new(),
                            span,
                        },
                        by: forward.by,
                        through: longer,
                        is_to_sealed,
                    }),
                    None => next.push_back((
                        (forward.by, forward.at),
                        longer,
                        is_clear,
                        forward.is_loopback,
                        is_guarded,
                    )),
                }
            }
        }
        ways
    }
}

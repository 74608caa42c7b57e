//! Whose a container is: none of ClearML's, where it can be seen that no server uses it.

use std::collections::HashSet;

use super::exposure::{Namespace, is_loopback};
use super::{Database, Deployment, exposure};
use crate::container::host::hosts;
use crate::container::{Container, Variable};
use crate::instance::Instance;
use crate::knowable::Knowable;
use crate::secret::Secret;
use crate::setting::{Server, Setting};

impl Deployment {
    /// Which database of ClearML a container runs: none also for one of somebody else's, which no server names and which
    /// shares no network with any, or which is no part of their release.
    pub fn database(&self, container: usize) -> Option<Database> {
        Database::of(&self.containers[container]).filter(|_| !self.is_foreign(container))
    }

    /// Whether it can be seen that no server uses a container.
    pub fn is_foreign(&self, container: usize) -> bool {
        let is_its_own = |index: usize| matches!(self.namespace(index), Namespace::Own(_));
        let is_apart = |index: usize| {
            let networks = self.networks(index);
            !networks.is_empty()
                && !networks
                    .iter()
                    .any(|name| self.networks(container).contains(name))
        };
        let mut servers = self.instances.iter();
        !self.instances.is_empty()
            && servers.all(|server| {
                is_its_own(server.service)
                    && !self.named(server.service).contains(&container)
                    && (is_apart(server.service) && !self.networks(container).is_empty()
                        || self.is_for_others(container))
            })
    }

    /// The variable that may send an agent to another API server than those of this deployment: its address has the name of no
    /// container, nor of this machine.
    pub fn other_server(&self, agent: &Instance) -> Option<&Variable> {
        const HOSTS: [&str; 2] = ["CLEARML_API_HOST", "TRAINS_API_HOST"];
        let is_here = |word: &str| {
            word == "host.docker.internal"
                || is_loopback(word)
                || !self.called(agent.service, word).is_empty()
        };
        let mut variables = self.service(agent).environment.iter();
        variables.find(|one| {
            let address = one.value.known().map_or("", Secret::expose);
            let names_this = address.contains("[::1]") || hosts(address).any(is_here);
            HOSTS.contains(&&*one.name) && !address.is_empty() && !names_this
        })
    }

    /// Whether a database that servers reach is none that they ask: they ask another one by its name, and this one is on the host's
    /// network, or beside the release of Helm that they are of, or something else asks it.
    fn is_for_others(&self, container: usize) -> bool {
        let database = Database::of(&self.containers[container]);
        let is_another = |other: &usize| {
            *other != container && Database::of(&self.containers[*other]) == database
        };
        // The web server asks none, whatever variables a cluster gives it.
        let readers = self.instances.iter();
        let readers = readers.filter(|server| server.server.reads_configuration());
        let asked = readers
            .flat_map(|server| self.named(server.service))
            .copied();
        let asked: HashSet<usize> = asked.filter(is_another).collect();
        if asked.is_empty() || database.is_none() {
            return false;
        }
        if matches!(self.namespace(container), Namespace::Host(_)) {
            return true;
        }
        // Those that a server asks may have copies beside them, or in a release of their own.
        let is_apart = self.named(container).is_disjoint(&asked);
        match self.is_beside_the_release(container) {
            true => {
                let is_of_its_release =
                    |other: &usize| self.release(*other) == self.release(container);
                is_apart && !asked.iter().any(is_of_its_release)
            }
            false => is_apart && self.is_of_another(container, &asked),
        }
    }

    /// Whether something asks a database that asks none of those that servers do, and these know nothing of it either.
    fn is_of_another(&self, container: usize, asked: &HashSet<usize>) -> bool {
        let own = &self.containers[container];
        let is_replicated = own.option("--replSet").next().is_some();
        let names_it =
            |other: &usize| *other != container && self.named(*other).contains(&container);
        let naming: Vec<usize> = (0..self.containers.len()).filter(names_it).collect();
        let knows_one =
            |other: &usize| asked.contains(other) || !self.named(*other).is_disjoint(asked);
        own.pod.is_none()
            && !is_replicated
            && !exposure::has_file(own)
            && !naming.is_empty()
            && !naming.iter().any(knows_one)
    }

    /// Whether all servers are of a release of Helm, and a container is not: in a cluster everything shares one network.
    fn is_beside_the_release(&self, container: usize) -> bool {
        let own = self.release(container);
        let mut servers = self
            .instances
            .iter()
            .map(|server| self.release(server.service));
        self.containers[container].pod.is_some()
            && servers.all(|release| release.is_some() && release != own)
    }

    fn release(&self, container: usize) -> Option<&str> {
        self.containers[container].pod.as_ref()?.release.as_deref()
    }

    /// Those of which anything that a container is given has a name; of a server also those that publish a port of which it has
    /// the address.
    fn named(&self, index: usize) -> &HashSet<usize> {
        self.named[index].get_or_init(|| {
            let container = &self.containers[index];
            let variables = container.environment.iter();
            // A key has no name of a host, also where nothing tells it.
            let variables = variables.filter(|one| Setting::by_variable(&one.name).is_none());
            let values = variables.clone().filter_map(|one| one.value.known());
            let words = container.words.iter().map(String::as_str);
            let texts = values.map(Secret::expose).chain(words);
            let mut named = self.named_in(index, texts);
            let is_untold = variables.clone().any(|one| one.value.known().is_none());
            for instance in self.instances.iter().filter(|one| one.service == index) {
                if is_untold || !instance.is_config_seen() {
                    named.extend(0..self.containers.len());
                    break;
                }
                named.extend(self.named_by(instance));
            }
            named
        })
    }

    /// The containers in which a file server remembers tokens (docs/clearml.md#addresses); none where that is not known, as where it
    /// asks its own container or host, or is no file server.
    pub fn redis_of(&self, instance: &Instance) -> Option<Vec<usize>> {
        let found = |host| self.found(instance.service, host);
        match redis_host(self.service(instance)).into_known()? {
            _ if instance.server != Server::Fileserver => None,
            Some("127.0.0.1" | "localhost") => None,
            Some(host) => Some(found(host)),
            None => Some(found("redis")).filter(|found| !found.is_empty()),
        }
    }

    /// What a server asks by its files, by default, or at ports of the host.
    fn named_by(&self, instance: &Instance) -> HashSet<usize> {
        let mut named = self.named_in(instance.service, self.texts(instance));
        named.extend(self.redis_of(instance).into_iter().flatten());
        // What host its files have beside a port is not read.
        let words = self.texts(instance).flat_map(hosts);
        let mut ports: HashSet<u16> = words.filter_map(|word| word.parse().ok()).collect();
        ports.extend(self.ports_elsewhere(instance));
        let is_published = |index: &usize| {
            let mut published = self.containers[*index].ports.iter();
            published.any(|one| ports.iter().any(|port| one.is_published_at(*port)))
        };
        named.extend((0..self.containers.len()).filter(is_published));
        named
    }

    /// The containers that one finds under any word of some texts; of a word under which it finds nobody, those that have that
    /// name elsewhere.
    fn named_in<'a>(&self, from: usize, texts: impl Iterator<Item = &'a str>) -> HashSet<usize> {
        let words: HashSet<&str> = texts.flat_map(hosts).collect();
        let words = words.into_iter().filter(|word| self.is_name(from, word));
        let found = words.flat_map(|word| {
            let found = self.found(from, word);
            match found.is_empty() {
                true => self.called(from, word),
                false => found,
            }
        });
        found.collect()
    }

    /// The texts of the configuration files of a server.
    fn texts<'a>(&'a self, instance: &'a Instance) -> impl Iterator<Item = &'a str> {
        let files = instance.config.iter();
        files.map(|file| self.sources.text(file.source))
    }

    /// The ports of the host that servers are told by variables.
    pub(crate) fn ports_of_the_host(&self) -> HashSet<u16> {
        let instances = self.instances.iter();
        instances
            .flat_map(|one| self.ports_elsewhere(one))
            .collect()
    }

    /// The ports that variables of a server name, at hosts that are none of the containers on its networks.
    fn ports_elsewhere(&self, instance: &Instance) -> HashSet<u16> {
        let is_elsewhere = |host: &str| self.found(instance.service, host).is_empty();
        let mut ports = HashSet::new();
        for variable in &self.service(instance).environment {
            let text = variable.value.known().map(Secret::expose);
            let is_key = Setting::by_variable(&variable.name).is_some();
            let Some(text) = text.filter(|_| !is_key) else {
                continue;
            };
            let beside = || self.host_beside(instance, &variable.name);
            match self.alone(instance, &variable.name) {
                Some(database) if is_elsewhere(text) => ports.extend(database.own_ports()),
                _ => {}
            }
            let told = addresses(text).filter(|(host, _)| is_elsewhere(host));
            ports.extend(told.filter_map(|(_, port)| port.parse::<u16>().ok()));
            ports.extend(text.parse::<u16>().ok().filter(|_| is_elsewhere(beside())));
        }
        ports
    }

    /// The database whose host a variable tells a server, with no port beside it.
    fn alone(&self, instance: &Instance, name: &str) -> Option<Database> {
        const KINDS: [(&str, Database); 3] = [
            ("ELASTIC", Database::Elasticsearch),
            ("MONGO", Database::Mongodb),
            ("REDIS", Database::Redis),
        ];
        let start = name.strip_suffix("_HOST")?;
        let (_, database) = KINDS.iter().find(|(kind, _)| start.contains(kind))?;
        let port = format!("{start}_PORT");
        let mut variables = self.service(instance).environment.iter();
        (!variables.any(|variable| variable.name == port)).then_some(*database)
    }

    /// The host that a server is told beside a port: `…_HOST` beside `…_PORT`.
    fn host_beside(&self, instance: &Instance, port: &str) -> &str {
        let host = port
            .strip_suffix("_PORT")
            .map(|start| format!("{start}_HOST"));
        host.and_then(|name| Some(self.service(instance).known_variable(&name)?.expose()))
            .unwrap_or_default()
    }
}

/// What tells a file server where its Redis is: the first one that is not empty counts.
pub const REDIS_HOST: [&str; 3] = [
    "CLEARML_REDIS_SERVICE_HOST",
    "TRAINS_REDIS_SERVICE_HOST",
    "REDIS_SERVICE_HOST",
];

/// The host of a file server's Redis, where a variable names it.
fn redis_host(container: &Container) -> Knowable<Option<&str>> {
    for name in REDIS_HOST {
        match container
            .variable(name)
            .map(|host| host.map(Secret::expose))
        {
            Knowable::Known(None | Some("")) => {}
            told => return told,
        }
    }
    Knowable::Known(None)
}

/// `host:port`, as often as it is in a text.
fn addresses(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || "-_.:".contains(c)));
    parts.filter_map(|part| part.rsplit_once(':').filter(|(host, _)| !host.is_empty()))
}

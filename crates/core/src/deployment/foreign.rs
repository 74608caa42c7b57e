//! Whose a container is: none of ClearML's, where it can be seen that no server uses it.

use std::collections::{HashMap, HashSet};

use super::exposure::Namespace;
use super::{Database, Deployment};
use crate::container::host::{canonical, hosts};
use crate::container::{Asked, Container, Variable};
use crate::instance::Instance;
use crate::secret::Secret;
use crate::setting::Setting;

/// Hosts that a container names, by the names under which each may be found: there may be thousands of databases to look for.
struct Named<'a>(HashMap<String, Vec<Asked<'a>>>);

impl<'a> Named<'a> {
    /// Those in some texts of a container.
    fn of(asker: &'a Container, texts: impl Iterator<Item = &'a str>) -> Self {
        let words: HashSet<&str> = texts.flat_map(hosts).collect();
        let mut named: HashMap<String, Vec<Asked<'_>>> = HashMap::new();
        for word in words {
            let asked = Asked::by(asker, word);
            for name in asked.names() {
                let of_name = named.entry(name.to_owned()).or_default();
                of_name.push(asked.clone());
            }
        }
        Self(named)
    }

    fn has(&self, container: &Container) -> bool {
        self.of_container(container).next().is_some()
    }

    /// Those that a container answers to.
    fn of_container<'s>(&'s self, container: &'s Container) -> impl Iterator<Item = &'s Asked<'a>> {
        container.names().flat_map(|name| {
            let of_name = self.0.get(&*canonical(name)).into_iter().flatten();
            of_name.filter(|asked| container.answers_to(asked))
        })
    }
}

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
        let named = self.named.get_or_init(|| self.all_named());
        let mut servers = self.instances.iter().zip(named);
        !self.instances.is_empty()
            && servers.all(|(server, own)| {
                is_its_own(server.service)
                    && !own.contains(&container)
                    && (is_apart(server.service) && !self.networks(container).is_empty()
                        || self.is_for_others(container, named))
            })
    }

    /// The variable that may send an agent to another API server than those of this deployment: its address has the name of no
    /// container, nor of this machine.
    pub fn other_server(&self, agent: &Instance) -> Option<&Variable> {
        const HOSTS: [&str; 2] = ["CLEARML_API_HOST", "TRAINS_API_HOST"];
        const HERE: [&str; 3] = ["127.0.0.1", "host.docker.internal", "localhost"];
        let agent = self.service(agent);
        let is_here = |word: &str| {
            let asked = Asked::by(agent, word);
            HERE.contains(&word) || self.containers.iter().any(|other| other.answers_to(&asked))
        };
        let mut variables = agent.environment.iter();
        variables.find(|one| {
            let address = one.value.known().map_or("", Secret::expose);
            HOSTS.contains(&&*one.name) && !address.is_empty() && !hosts(address).any(is_here)
        })
    }

    /// Whether a database on the host's network, or beside the release of Helm that the servers are of, is none that a server
    /// asks: they ask another one by its name.
    fn is_for_others(&self, container: usize, named: &[HashSet<usize>]) -> bool {
        let is_on_the_host = matches!(self.namespace(container), Namespace::Host(_));
        if !is_on_the_host && !self.is_beside_the_release(container) {
            return false;
        }
        let own = &self.containers[container];
        let database = Database::of(own);
        let is_another = |other: &usize| {
            *other != container && Database::of(&self.containers[*other]) == database
        };
        // The web server asks none, whatever variables a cluster gives it.
        let asked = self.instances.iter().zip(named);
        let asked = asked.filter(|(server, _)| server.server.reads_configuration());
        let asked = asked.flat_map(|(_, named)| named).copied();
        let asked: HashSet<usize> = asked.filter(is_another).collect();
        if asked.is_empty() || database.is_none() {
            return false;
        }
        // Those that a server asks may have copies beside them, or in a release of their own.
        let values = own.environment.iter().filter_map(|one| one.value.known());
        let words = own.words.iter().map(String::as_str);
        let followed = Named::of(own, values.map(|value| value.expose()).chain(words));
        let is_one_of_them = |other: &usize| {
            self.release(*other) == self.release(container)
                || followed.has(&self.containers[*other])
        };
        is_on_the_host || !asked.iter().any(is_one_of_them)
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

    /// Of each server, the containers of which anything that it is given has a name, or the address of a port that they publish.
    fn all_named(&self) -> Vec<HashSet<usize>> {
        let named = |instance: &Instance| {
            let server = self.service(instance);
            let variables = server.environment.iter();
            // A key has no name of a host, also where nothing tells it.
            let variables = variables.filter(|one| Setting::by_variable(&one.name).is_none());
            let is_unclear = !instance.is_config_seen()
                || variables.clone().any(|one| one.value.known().is_none());
            let values = variables.clone().filter_map(|one| one.value.known());
            let values = values.map(|value| value.expose());
            let named = Named::of(server, values.chain(self.texts(instance)));
            // Of two with one name, that on a network of the server's is meant.
            let is_near = |index: usize| self.share_a_network(instance.service, index);
            let has_twin = |asked: &Asked<'_>| {
                let mut others = self.containers.iter().enumerate();
                others.any(|(index, other)| is_near(index) && other.answers_to(asked))
            };
            let is_named = |index: &usize| {
                let container = &self.containers[*index];
                let mut asked = named.of_container(container);
                is_unclear
                    || asked.any(|asked| is_near(*index) || !has_twin(asked))
                    || !container.ports.is_empty() && self.names_port_of(instance, *index)
            };
            (0..self.containers.len()).filter(is_named).collect()
        };
        self.instances.iter().map(named).collect()
    }

    fn share_a_network(&self, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|container| self.networks(container));
        other.iter().any(|name| one.contains(name))
    }

    /// The texts of the configuration files of a server.
    fn texts<'a>(&'a self, instance: &'a Instance) -> impl Iterator<Item = &'a str> {
        let files = instance.config.iter();
        files.map(|file| self.sources.text(file.source))
    }

    /// Whether a server is given the address of a port that a container publishes.
    fn names_port_of(&self, instance: &Instance, index: usize) -> bool {
        let container = &*self.containers[index];
        let listening = self.listening(index);
        let is_at = |host: &str, port: &str| self.is_published(instance, container, host, port);
        let variables = self.service(instance).environment.iter();
        let mut variables = variables.filter(|one| Setting::by_variable(&one.name).is_none());
        variables.any(|variable| {
            let Some(text) = variable.value.known().map(|value| value.expose()) else {
                return false;
            };
            let is_at_home = |port: &u16| is_at(text, &port.to_string());
            self.is_host_alone(instance, &variable.name) && listening.ports.iter().any(is_at_home)
                || addresses(text).any(|(host, port)| is_at(host, port))
                || text.parse::<u16>().is_ok()
                    && is_at(self.host_beside(instance, &variable.name), text)
        }) || self
            .texts(instance)
            .any(|text| hosts(text).any(|word| is_at("", word)))
    }

    /// Whether a server is told a host of a database by a variable, and no port beside it.
    fn is_host_alone(&self, instance: &Instance, name: &str) -> bool {
        const KINDS: [&str; 3] = ["ELASTIC", "MONGO", "REDIS"];
        let start = name
            .strip_suffix("_HOST")
            .filter(|start| KINDS.iter().any(|kind| start.contains(kind)));
        start.is_some_and(|start| {
            let port = format!("{start}_PORT");
            let environment = &self.service(instance).environment;
            !environment.iter().any(|variable| variable.name == port)
        })
    }

    /// The host that a server is told beside a port: `…_HOST` beside `…_PORT`.
    fn host_beside(&self, instance: &Instance, port: &str) -> &str {
        let host = port
            .strip_suffix("_PORT")
            .map(|start| format!("{start}_HOST"));
        host.and_then(|name| Some(self.service(instance).known_variable(&name)?.expose()))
            .unwrap_or_default()
    }

    /// Whether a port of a host is one at which a container is published. A host that is another container is none.
    fn is_published(
        &self,
        instance: &Instance,
        container: &Container,
        host: &str,
        port: &str,
    ) -> bool {
        let mut others = self.containers.iter().enumerate();
        let asked = Asked::by(self.service(instance), host);
        let is_beside = |index: usize| self.share_a_network(instance.service, index);
        container.ports.iter().any(|one| one.is_published_at(port))
            && (host.is_empty()
                || !others.any(|(index, other)| other.answers_to(&asked) && is_beside(index)))
    }
}

/// `host:port`, as often as it is in a text.
fn addresses(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || "-_.:".contains(c)));
    parts.filter_map(|part| part.rsplit_once(':').filter(|(host, _)| !host.is_empty()))
}

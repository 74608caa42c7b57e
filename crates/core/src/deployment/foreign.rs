//! Whose a container is: none of ClearML's, where it can be seen that no server uses it.

use super::exposure::Namespace;
use super::{Database, Deployment};
use crate::container::Container;
use crate::instance::Instance;
use crate::setting::Setting;

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
                    && (is_apart(server.service) && !self.networks(container).is_empty()
                        || self.is_for_others(container))
                    && !self.names(server, container)
            })
    }

    /// Whether a database on the host's network, or beside the release of Helm that the servers are of, is none that a server
    /// asks: they ask another one by its name.
    fn is_for_others(&self, container: usize) -> bool {
        let is_on_the_host = matches!(self.namespace(container), Namespace::Host(_));
        if !is_on_the_host && !self.is_beside_the_release(container) {
            return false;
        }
        let database = Database::of(&self.containers[container]);
        let others = self.containers.iter().enumerate().filter(|(index, other)| {
            *index != container && Database::of(other) == database && database.is_some()
        });
        let asked: Vec<usize> = others
            .map(|(index, _)| index)
            .filter(|other| {
                self.instances
                    .iter()
                    .any(|server| self.names(server, *other))
            })
            .collect();
        // Those that a server asks may have copies beside them, or in a release of their own.
        let own = &self.containers[container];
        let is_named = |text: &str, other: usize| {
            let other = &self.containers[other];
            words(text).any(|word| is_of(other, word))
        };
        let follows = |other: usize| {
            let values = own.environment.iter().filter_map(|one| one.value.known());
            values
                .map(|value| value.expose())
                .any(|text| is_named(text, other))
                || own.words.iter().any(|text| is_named(text, other))
        };
        let is_one_of_them =
            |other: &usize| self.release(*other) == self.release(container) || follows(*other);
        !asked.is_empty() && (is_on_the_host || !asked.iter().any(is_one_of_them))
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

    /// Whether anything that a server is given has a name of a container, or the address of a port that it publishes.
    fn names(&self, instance: &Instance, container: usize) -> bool {
        let listening = self.listening(container);
        let container = &*self.containers[container];
        let server = self.service(instance);
        let is_named = |text: &str| words(text).any(|word| is_of(container, word));
        let variables = server.environment.iter();
        // A key has no name of a host, also where nothing tells it.
        let mut variables = variables.filter(|one| Setting::by_variable(&one.name).is_none());
        variables.any(|variable| {
            let known = variable.value.known();
            known.is_none_or(|value| {
                let text = value.expose();
                let is_at_home =
                    |port: &u16| self.is_published(instance, container, text, &port.to_string());
                is_named(text)
                    || self.is_host_alone(instance, &variable.name)
                        && listening.ports.iter().any(is_at_home)
                    || addresses(text)
                        .any(|(host, port)| self.is_published(instance, container, host, port))
                    || text.parse::<u16>().is_ok()
                        && self.is_published(
                            instance,
                            container,
                            self.host_beside(instance, &variable.name),
                            text,
                        )
            })
        }) || !instance.is_config_seen()
            || instance.config.iter().any(|file| {
                let text = self.sources.text(file.source);
                is_named(text)
                    || words(text).any(|word| self.is_published(instance, container, "", word))
            })
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
        let is_beside = |index: usize| {
            let networks = self.networks(instance.service);
            self.networks(index)
                .iter()
                .any(|name| networks.contains(name))
        };
        container.ports.iter().any(|one| one.is_published_at(port))
            && (host.is_empty()
                || !others.any(|(index, other)| other.answers_to(host) && is_beside(index)))
    }
}

/// Whether a name leads to a container: also one of a pod, which is before that of a headless Service.
fn is_of(container: &Container, name: &str) -> bool {
    let parent = name.split_once('.').map(|(_, parent)| parent);
    container.answers_to(name) || parent.is_some_and(|parent| container.answers_to(parent))
}

/// The words of a text that may be names of hosts: what is before `://` is none.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
    let is_scheme = |word: &str| {
        let end = word.as_ptr() as usize - text.as_ptr() as usize + word.len();
        text[end..].starts_with("://")
    };
    // A whole name ends with a dot.
    let words = words.filter(move |word| !is_scheme(word));
    words.map(|word| word.trim_end_matches('.'))
}

/// `host:port`, as often as it is in a text.
fn addresses(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || "-_.:".contains(c)));
    parts.filter_map(|part| part.rsplit_once(':').filter(|(host, _)| !host.is_empty()))
}

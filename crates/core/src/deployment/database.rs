//! The databases around ClearML's servers, told by their image, their name, or the port they listen on.

use std::fmt;

use super::Deployment;
use crate::container::{Container, Port};
use crate::instance::Instance;

/// A database that ClearML keeps everything in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Tasks' logs and metrics.
    Elasticsearch,
    /// Users, credentials, tasks and models.
    Mongodb,
    /// Workers, queues, and the file server's token cache.
    Redis,
}

impl Database {
    /// Which database a service runs.
    pub fn of(container: &Container) -> Option<Self> {
        let image = container.known_image().map(|image| image.text.as_str());
        let repository = image.unwrap_or_default();
        let repository = repository.split('@').next().unwrap_or_default();
        let name = repository.rsplit('/').next().unwrap_or_default();
        let name = name.split(':').next().unwrap_or_default();
        Self::by_image(name).or_else(|| match image {
            // What an image with a name of its own runs is told by the service's name.
            Some(_) if name.starts_with("clearml") => None,
            _ => Self::by_name(&container.name),
        })
    }

    /// Which database listens on a port of a container.
    pub fn at(port: &Port) -> Option<Self> {
        [
            (9200, Self::Elasticsearch),
            (9300, Self::Elasticsearch),
            (27017, Self::Mongodb),
            (6379, Self::Redis),
        ]
        .into_iter()
        .find(|(number, _)| port.target.contains(number))
        .map(|(_, database)| database)
    }

    fn by_image(name: &str) -> Option<Self> {
        match name {
            "elasticsearch" | "elasticsearch-oss" | "opensearch" => Some(Self::Elasticsearch),
            "mongo" | "mongodb" | "mongodb-community-server" | "percona-server-mongodb" => {
                Some(Self::Mongodb)
            }
            "redis" | "redis-stack" | "redis-stack-server" | "valkey" | "keydb" => {
                Some(Self::Redis)
            }
            _ => None,
        }
    }

    fn by_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name
            .trim_start_matches("clearml-")
            .trim_start_matches("trains-");
        match name {
            "elasticsearch" | "elastic" | "opensearch" => Some(Self::Elasticsearch),
            "mongo" | "mongodb" => Some(Self::Mongodb),
            "redis" | "valkey" => Some(Self::Redis),
            _ => None,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::Mongodb => "MongoDB",
            Self::Redis => "Redis",
        })
    }
}

impl Deployment {
    /// Which database of ClearML a container runs: none also for one of somebody else's, which no server names and which
    /// shares no network with any.
    pub fn database(&self, container: &Container) -> Option<Database> {
        Database::of(container).filter(|_| !self.is_foreign(container))
    }

    /// Whether it can be seen that no server uses a container.
    pub fn is_foreign(&self, container: &Container) -> bool {
        let mut servers = self.instances.iter().map(|one| (one, self.service(one)));
        !container.networks.is_empty()
            && !self.instances.is_empty()
            && servers.all(|(instance, server)| {
                !server.networks.is_empty()
                    && !server.is_beside(container)
                    && !self.names(instance, container)
            })
    }

    /// Whether anything that a server is given has a name of a container, or a port that it publishes.
    fn names(&self, instance: &Instance, container: &Container) -> bool {
        let is_there = |text: &str| {
            let mut words = text.split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
            words.any(|word| {
                container.answers_to(word)
                    || container
                        .ports
                        .iter()
                        .any(|port| port.is_published_at(word))
            })
        };
        let mut variables = self.service(instance).environment.iter();
        variables.any(|variable| {
            let known = variable.value.known();
            known.is_none_or(|value| is_there(value.expose()))
        }) || !instance.is_config_seen()
            || instance
                .config
                .iter()
                .any(|file| is_there(self.sources.text(file.source)))
    }
}

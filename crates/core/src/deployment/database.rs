//! The databases around ClearML's servers, told by their image, their name, or the port they listen on.

use std::fmt;

use super::recognise;
use crate::container::{Container, Port};

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

/// Where databases listen (docs/clearml.md#where-databases-listen).
const PORTS: [(u16, Database); 4] = [
    (9200, Database::Elasticsearch),
    (9300, Database::Elasticsearch),
    (27017, Database::Mongodb),
    (6379, Database::Redis),
];

impl Database {
    /// Which database a service runs: told by its image, by its command, and by its name where neither says that it runs
    /// something of ClearML's.
    pub fn of(container: &Container) -> Option<Self> {
        let name = container.image_name();
        Self::of_image(name).or_else(|| {
            let by_program = Self::of_program(name, &container.words);
            let named = by_program.or(Self::by_name(&container.name))?;
            let is_clearml = name.starts_with("clearml") || recognise::runs_clearml(container);
            (!is_clearml).then_some(named)
        })
    }

    /// Which database listens on a port of a container.
    pub fn at(port: &Port) -> Option<Self> {
        let mut ports = PORTS.iter();
        let (_, database) = ports.find(|(number, _)| port.target.contains(number))?;
        Some(*database)
    }

    /// The ports on which databases listen, unless they are told otherwise.
    pub fn ports() -> impl Iterator<Item = u16> {
        PORTS.iter().map(|(port, _)| *port)
    }

    /// The ports on which it listens, unless it is told otherwise.
    pub(super) fn own_ports(self) -> impl Iterator<Item = u16> {
        let own = PORTS.iter().filter(move |(_, database)| *database == self);
        own.map(|(port, _)| *port)
    }

    /// Which database listens on a port, unless it is told otherwise.
    pub(super) fn by_port(port: u16) -> Option<Self> {
        let mut ports = PORTS.iter();
        Some(ports.find(|(number, _)| *number == port)?.1)
    }

    /// Which database an image runs, by the last part of its name.
    pub(crate) fn of_image(name: &str) -> Option<Self> {
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

    /// Which database a program is, by the last part of its image's name and the words of its command.
    pub(crate) fn of_program(image: &str, words: &[String]) -> Option<Self> {
        Self::of_image(image).or_else(|| Self::by_words(words))
    }

    fn by_words(words: &[String]) -> Option<Self> {
        words
            .iter()
            .find_map(|word| match word.rsplit('/').next()? {
                "mongod" => Some(Self::Mongodb),
                "keydb-server" | "redis-server" | "valkey-server" => Some(Self::Redis),
                // Without a folder it may be a host.
                "elasticsearch" if word.ends_with("bin/elasticsearch") => Some(Self::Elasticsearch),
                _ => None,
            })
    }

    fn by_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match recognise::bare(&name) {
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

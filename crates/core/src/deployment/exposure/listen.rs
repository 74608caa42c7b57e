//! Where the processes of a container listen.

use super::Around;
use super::address;
use super::tool::Tool;
use crate::container::Container;
use crate::deployment::Database;
use crate::instance::Listening;
use crate::knowable::Knowable;
use crate::secret::Secret;

impl Around<'_> {
    /// Where a container listens: a server of ClearML, a database, or any other.
    pub(super) fn listening(&self, index: usize) -> Listening {
        let container = &self.containers[index];
        if let Some(database) = Database::of(container) {
            return of_database(container, database);
        }
        let mut servers = self.servers(index).iter().map(|one| &one.listening);
        if servers.clone().all(|one| one.ports.is_empty())
            && let Some(tool) = Tool::of(container)
        {
            return Listening {
                ports: vec![tool.listens_at(container)],
                ..Listening::default()
            };
        }
        if let [one] = self.servers(index) {
            return one.listening.clone();
        }
        let ports = servers.clone().flat_map(|one| &one.ports).copied();
        let sealed = servers.clone().flat_map(|one| &one.sealed).copied();
        let ports: Vec<u16> = ports.collect();
        let is_hidden = servers.clone().any(|one| one.is_hidden);
        Listening {
            sealed: sealed.collect(),
            is_loopback: !ports.is_empty()
                && servers.all(|one| one.ports.is_empty() || one.is_loopback),
            ports,
            is_whole: false,
            is_hidden,
        }
    }
}

/// Where a database listens (docs/clearml.md#where-databases-listen).
fn of_database(container: &Container, database: Database) -> Listening {
    let (defaults, options, variables): (&[u16], &[&str], &[&str]) = match database {
        Database::Elasticsearch => (
            &[9200, 9300],
            &["-Ehttp.port", "-Etransport.port"],
            &[
                "http.port",
                "transport.port",
                "ELASTICSEARCH_HTTP_PORT_NUMBER",
                "ELASTICSEARCH_TRANSPORT_PORT_NUMBER",
            ],
        ),
        Database::Mongodb => (&[27017], &["--port"], &["MONGODB_PORT_NUMBER"]),
        Database::Redis => (
            &[6379],
            &["--port", "--tls-port"],
            &["REDIS_PORT_NUMBER", "VALKEY_PORT_NUMBER", "REDIS_TLS_PORT"],
        ),
    };
    let mut ports = Vec::new();
    let mut is_whole = true;
    let of_command = options.iter().flat_map(|option| container.option(option));
    let of_variables = container.environment.iter();
    let of_variables = of_variables.filter(|variable| variables.contains(&variable.name.as_str()));
    let of_variables = of_variables.map(|variable| variable.value.known().map(Secret::expose));
    let given = of_command.map(Some).chain(of_variables);
    for port in given {
        match port.and_then(|port| port.trim().parse().ok()) {
            Some(port) => ports.push(port),
            None => is_whole = false,
        }
    }
    // A second one may be beside the first: Elasticsearch has two, Redis one without and one with TLS.
    if ports.is_empty() || database != Database::Mongodb {
        ports.extend(defaults);
    }
    if is_stack(container) {
        ports.push(REDIS_INSIGHT);
    }
    Listening {
        ports,
        is_whole: is_whole && !has_file(container) && is_of_its_image(container),
        is_loopback: is_loopback(container, database),
        sealed: Vec::new(),
        is_hidden: false,
    }
}

/// Redis Stack's image has RedisInsight in it.
const REDIS_INSIGHT: u16 = 8001;

fn is_stack(container: &Container) -> bool {
    container.image_name() == "redis-stack"
}

/// Whether it is told by its image what it is, so that its command is that image's own.
fn is_of_its_image(container: &Container) -> bool {
    Database::of_image(container.image_name()).is_some()
}

/// Whether a file may say otherwise.
pub(in crate::deployment) fn has_file(container: &Container) -> bool {
    let is_file = |word: &String| {
        [".conf", ".yml", ".yaml", ".cnf"]
            .iter()
            .any(|end| word.ends_with(end))
    };
    let is_config = |path: &String| {
        [".conf", ".yml", ".yaml"]
            .iter()
            .any(|end| path.ends_with(end))
            || path.ends_with("/config")
            || path.starts_with("/etc/")
    };
    let is_option = |word: &String| matches!(word.as_str(), "--config" | "-f");
    let mut targets = container
        .mounts
        .iter()
        .filter_map(|mount| mount.target.known());
    container
        .words
        .iter()
        .any(|word| is_file(word) || is_option(word))
        || targets.any(is_config)
}

/// Whether a database is told to listen for its own container alone.
fn is_loopback(container: &Container, database: Database) -> bool {
    let is_local = |text: &str| {
        let mut parts = text.split([',', ' ']).filter(|part| !part.is_empty());
        parts.all(|part| {
            let part = part.trim_start_matches('-');
            part == "_local_" || address::is_loopback(part)
        })
    };
    let options: &[&str] = match database {
        Database::Elasticsearch => &["-Enetwork.host", "-Ehttp.host"],
        Database::Mongodb => &["--bind_ip"],
        Database::Redis => &["--bind"],
    };
    let mut told: Vec<&str> = options
        .iter()
        .flat_map(|option| container.option(option))
        .collect();
    if database == Database::Redis {
        // It takes several addresses, each a word of its own.
        let words = container.words.iter().map(String::as_str);
        let behind = words.skip_while(|word| *word != "--bind").skip(1);
        told.extend(behind.take_while(|word| !word.starts_with("--")));
    }
    if database == Database::Elasticsearch {
        for name in ["network.host", "http.host"] {
            match container.variable(name) {
                Knowable::Known(address) => told.extend(address.map(Secret::expose)),
                Knowable::Unknown(_) => return false,
            }
        }
    }
    let opens = container.words.iter().any(|word| word == "--bind_ip_all");
    !opens && !told.is_empty() && told.iter().all(|address| is_local(address))
}

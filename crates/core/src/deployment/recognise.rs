//! Which ClearML servers a service runs, told by its command, entrypoint, image and name, in that order.

use crate::command::{is_shell, serves_nothing};
use crate::container::{self, Container};
use crate::image::REPOSITORIES;
use crate::instance::Family;
use crate::knowable::Knowable;
use crate::setting::Server;
use crate::unseen::{Hides, Unseen};
use crate::version::Release;

/// What a service was recognised as.
pub(super) struct Recognised {
    /// Several for an all-in-one service, none for anything else.
    pub(super) servers: Vec<Server>,
    pub(super) family: Family,
    /// What its image tells of its release.
    pub(super) release: Knowable<Release>,
    /// Why it may be a server although nothing tells which.
    doubt: Option<&'static str>,
    /// Which server it is called like, or has as an argument, where its image is none that is known; and how that is said.
    pub(super) hint: Option<(Server, &'static str)>,
    /// Whether its image is known to be something else.
    pub(super) is_foreign: bool,
    /// Whether it has ClearML's own image, which runs nothing unless told what, and is told nothing. So has a service that
    /// others extend.
    pub(super) is_idle: bool,
}

impl Recognised {
    /// A service of which nobody can tell what it runs must not pass for "no server".
    pub(super) fn unseen(&self, service: &Container) -> Option<Unseen> {
        self.doubt.map(|reason| unseen(service, reason))
    }
}

/// What is said of a service that may be a server.
pub(super) fn unseen(service: &Container, reason: &str) -> Unseen {
    Unseen {
        what: "the server".to_owned(),
        hides: Hides::Anything,
        reason: reason.to_owned(),
        service: Some(service.name.clone()),
        span: Some(service.name_span),
    }
}

/// A service is called like a server of ClearML, and no other service is that server.
const ONLY_NAMED: &str = "its name is that of a ClearML server, yet neither its image nor its command tells that it is one";

/// A ClearML server's name is an argument of another program's, and no other service is that server.
const ONLY_AN_ARGUMENT: &str = "a ClearML server's name is in its command, yet neither its image nor its name tells that it is one";

/// No service is a server, and this one may have been meant for one.
pub(super) const IDLE: &str =
    "its image is ClearML's server, which runs nothing without a command such as `apiserver`";

/// The only API server is one of which compose starts no container.
pub(super) const UNSTARTED: &str =
    "it is the only API server, and has `scale: 0` or `replicas: 0`: docker compose starts none";

/// Whether a service runs an image of ClearML's own that runs nobody else's code, as agents do.
pub(super) fn is_own_image(service: &Container) -> bool {
    let Some(image) = service.known_image().or(service.built_as.as_ref()) else {
        return false;
    };
    let repository = repository(&image.text);
    let owner = repository.rsplit('/').nth(1).unwrap_or_default();
    match classify(&repository).0 {
        Image::Agent => false,
        Image::Other => ["allegroai", "clearml"].contains(&owner),
        Image::Server => true,
    }
}

/// Whether a service runs a server or an agent of ClearML, by its image and its command, whatever it is called.
pub(super) fn runs_clearml(service: &Container) -> bool {
    let named = service.known_image().or(service.built_as.as_ref());
    let repository = repository(named.map_or("", |image| image.text.as_str()));
    classify(&repository).0 != Image::Other || !recognise(service).servers.is_empty()
}

/// The kinds of image that matter.
#[derive(PartialEq)]
enum Image {
    Agent,
    Other,
    Server,
}

pub(super) fn recognise(service: &Container) -> Recognised {
    // What an image is called that is built from nobody knows what still says what it is for.
    let named = service.known_image().or(service.built_as.as_ref());
    let repository = repository(named.map_or("", |image| image.text.as_str()));
    let (image, family) = classify(&repository);
    let mut recognised = Recognised {
        servers: Vec::new(),
        family,
        release: release(service),
        doubt: None,
        hint: None,
        is_foreign: false,
        is_idle: false,
    };
    if image == Image::Agent {
        // Agents have versions of their own, on which nothing here depends.
        recognised.release = Knowable::Known(Release::Newest);
        recognised
            .servers
            .extend(is_services_agent(&repository, service).then_some(Server::AgentServices));
        return recognised;
    }
    recognised.servers = by_words(&service.words);
    let of = Named {
        service,
        repository: &repository,
        image,
    };
    let is_third_party = of.is_third_party();
    let is_clearml = !is_third_party && (of.image == Image::Server || looks_like_clearml(service));
    // An unknown image that is told to start what only ClearML's image has is a copy of it.
    let is_a_copy = !is_third_party
        && recognised.servers != [Server::Webserver]
        && starts_a_server(&service.words);
    let runs_a_job = service.words.iter().any(|word| word.starts_with("jobs."));
    match recognised.servers.first().copied() {
        Some(_) if is_clearml || is_a_copy => {}
        Some(told) => {
            recognised.servers.clear();
            of.as_a_stranger(&mut recognised);
            let is_read = told.reads_configuration();
            let hint = is_read.then_some((told, ONLY_AN_ARGUMENT));
            recognised.hint = recognised.hint.or(hint);
        }
        None if runs_a_job => {}
        None if is_clearml => of.as_clearml(&mut recognised),
        None => of.as_a_stranger(&mut recognised),
    }
    recognised
}

/// A service whose command has no server's word, so that only names are left to tell what it is.
struct Named<'a> {
    service: &'a Container,
    repository: &'a str,
    image: Image,
}

impl<'a> Named<'a> {
    /// The last part of its image's name.
    fn image_name(&self) -> &'a str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    fn by_image(&self) -> Option<Server> {
        by_name(self.image_name()).filter(|_| self.image == Image::Other)
    }

    fn is_third_party(&self) -> bool {
        self.image == Image::Other && THIRD_PARTY.contains(&self.image_name())
    }

    fn by_own_name(&self) -> Option<Server> {
        let own = self.service.container_name.as_deref();
        let mut names = [Some(self.service.name.as_str()), own]
            .into_iter()
            .flatten();
        names.find_map(by_name)
    }

    /// It has ClearML's image, or is given what ClearML's servers read.
    fn as_clearml(&self, recognised: &mut Recognised) {
        let server = self.by_own_name().or(self.by_image());
        recognised.servers.extend(server);
        if server.is_some() {
            return;
        }
        let starts_nothing = match &self.service.words[..] {
            [] => true,
            // Without a script it waits for somebody at a terminal.
            [only] => is_shell(only),
            _ => false,
        };
        recognised.is_idle = starts_nothing && is_official(self.repository);
        if self.image == Image::Server && serves_nothing(&self.service.command) {
            return;
        }
        if self.image == Image::Server && !recognised.is_idle {
            recognised.doubt = Some(
                "its image is ClearML's server, yet neither its command nor its name tells which server it is",
            );
        } else if self.image == Image::Other && has_server_variable(self.service) {
            recognised.doubt = Some(
                "it is given what ClearML's servers read, yet neither its command nor its name tells which server \
                 it is",
            );
        } else {
            recognised.is_foreign = !self.repository.is_empty();
        }
    }

    /// Nothing but its name may be a server's.
    fn as_a_stranger(&self, recognised: &mut Recognised) {
        if self.repository.is_empty() {
            // Built here, or named by a variable without a value: only a name that is ClearML's own counts.
            let own = ["apiserver", "fileserver", "async_delete"];
            if own.contains(&self.service.name.as_str()) {
                recognised.servers.extend(self.by_own_name());
            }
            return;
        }
        recognised.is_foreign = true;
        // `api`, `web` and `files` are anybody's names.
        let is_own = |name: &str| {
            let name = name.to_ascii_lowercase();
            let own = ["apiserver", "fileserver", "async_delete", "async-delete"];
            own.iter().any(|own| name.contains(own))
        };
        let named = self.by_image().or(by_name(&self.service.name));
        let named = named.filter(|server| {
            server.reads_configuration()
                && (is_own(self.image_name()) || is_own(&self.service.name))
        });
        recognised.hint = named.map(|server| (server, ONLY_NAMED));
    }
}

/// Images of other software around ClearML's. Some share its environment now and then, and some are told its services' names.
const THIRD_PARTY: [&str; 30] = [
    "alpine",
    "autoheal",
    "busybox",
    "caddy",
    "certbot",
    "docker",
    "dozzle",
    "elasticsearch",
    "grafana",
    "haproxy",
    "kibana",
    "kubectl",
    "logspout",
    "mariadb",
    "minio",
    "mongo",
    "mongodb",
    "mysql",
    "nginx",
    "opensearch",
    "postgres",
    "prometheus",
    "rabbitmq",
    "redis",
    "redis-stack",
    "rclone",
    "traefik",
    "valkey",
    "wait-for-dependencies",
    "watchtower",
];

/// What an image tells of the release, by its name or, where a container of an engine shows it, by itself. In what runs,
/// `latest` is what it was when the image was pulled (docs/clearml.md#what-docker-inspect-tells).
fn release(service: &Container) -> Knowable<Release> {
    let named = service.image.as_ref().and_then(|image| match image {
        Some(image) => Release::of_image(&image.text),
        None => Knowable::unknown("no image is named"),
    });
    let Some(made) = &service.made else {
        return named;
    };
    match (&named, made.version) {
        (Knowable::Known(Release::Numbered(_)), _) | (Knowable::Unknown(_), None) => named,
        (_, Some(version)) => Knowable::Known(Release::Numbered(version)),
        (Knowable::Known(Release::Newest), None) => Knowable::unknown(match service.pod {
            Some(_) => {
                "its pods run what `latest` was when each was started; name a version in its image"
            }
            None => {
                "the container was made from what `latest` was at that time, and its image has no CLEARML_SERVER_VERSION"
            }
        }),
    }
}

/// Its name as registries compare it.
fn repository(image: &str) -> String {
    container::repository(image).to_ascii_lowercase()
}

/// The images' names over time (docs/clearml.md#image-names), with any registry in front.
fn classify(repository: &str) -> (Image, Family) {
    let mut parts = repository.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let owner = parts.next().unwrap_or_default();
    let family = if name.starts_with("trains") {
        Family::Trains
    } else {
        Family::Clearml
    };
    let image = match name {
        _ if name.starts_with("clearml-agent") || name.starts_with("trains-agent") => Image::Agent,
        "clearml" | "trains" | "clearml-server" | "trains-server" => Image::Server,
        "server" if owner == "clearml" => Image::Server,
        _ => Image::Other,
    };
    (image, family)
}

/// Whether a container runs an image as ClearML makes it.
pub fn has_official_image(container: &Container) -> bool {
    let image = container.known_image().map(|image| repository(&image.text));
    container.built_as.is_none() && image.is_some_and(|image| is_official(&image))
}

/// Whether a container runs an agent, one for services or an ordinary worker.
pub fn is_agent(container: &Container) -> bool {
    let named = container.known_image().or(container.built_as.as_ref());
    named.is_some_and(|image| classify(&repository(&image.text)).0 == Image::Agent)
}

/// Whether an image with these words for a command is one of ClearML's servers or agents.
pub(crate) fn is_clearml(image: &str, words: &[&str]) -> bool {
    classify(&repository(image)).0 != Image::Other || !by_words(words).is_empty()
}

/// Whether an image is called like ClearML's server, as copies are in other registries.
pub(super) fn is_called_server(image: &str) -> bool {
    classify(&repository(image)).0 == Image::Server
}

fn is_official(repository: &str) -> bool {
    REPOSITORIES
        .iter()
        .any(|official| repository == *official || repository.ends_with(&format!("/{official}")))
}

/// The stock agent that runs services; an ordinary worker has its own credentials and is none of ours.
fn is_services_agent(repository: &str, service: &Container) -> bool {
    let names = [Some(&service.name), service.container_name.as_ref()];
    let is_named = |name: &String| {
        name.to_ascii_lowercase()
            .replace('_', "-")
            .contains("agent-services")
    };
    repository.ends_with("-services") || names.into_iter().flatten().any(is_named)
}

/// Other images count when they are given what only ClearML's servers read, or are named after it. An
/// application that merely uses ClearML has `CLEARML_API_HOST` and the like, and is none.
fn looks_like_clearml(service: &Container) -> bool {
    let names = [
        Some(service.name.as_str()),
        service.container_name.as_deref(),
        service.known_image().map(|image| image.text.as_str()),
        service.built_as.as_ref().map(|image| image.text.as_str()),
    ];
    let is_named = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("clearml") || name.contains("trains-")
    };
    has_server_variable(service) || names.into_iter().flatten().any(is_named)
}

fn has_server_variable(service: &Container) -> bool {
    let is_server_variable = |name: &str| {
        let rest = name
            .strip_prefix("CLEARML_")
            .or_else(|| name.strip_prefix("TRAINS_"));
        rest.is_some_and(|rest| {
            rest.starts_with('_')
                || ["ELASTIC_SERVICE_", "MONGODB_SERVICE_", "REDIS_SERVICE_"]
                    .iter()
                    .any(|known| rest.starts_with(known))
        })
    };
    service
        .environment
        .iter()
        .any(|variable| is_server_variable(&variable.name))
}

pub(super) fn by_words<T: AsRef<str>>(words: &[T]) -> Vec<Server> {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if words.iter().any(|word| word.contains("async_urls_delete")) {
        return vec![Server::AsyncDelete];
    }
    let kinds = [Server::Apiserver, Server::Fileserver, Server::Webserver];
    let mut told: Vec<Server> = told(&words).map(|(_, server)| server).collect();
    told.sort_by_key(|server| kinds.iter().position(|kind| kind == server));
    told.dedup();
    told
}

/// The words that are servers' names or programs, and neither hosts nor folders.
fn told<'a>(words: &'a [&'a str]) -> impl Iterator<Item = (usize, Server)> + 'a {
    words.iter().enumerate().filter_map(|(at, word)| {
        let server = match word.rsplit('/').next().unwrap_or(word) {
            "apiserver" | "apiserver.server" | "apiserver.server:app" => Server::Apiserver,
            "fileserver" | "fileserver.py" | "fileserver:app" => Server::Fileserver,
            "webserver" => Server::Webserver,
            _ => return None,
        };
        let is_run = !word.contains("://") && !is_address(words, at) && !is_data(words, at);
        is_run.then_some((at, server))
    })
}

/// Whether a server's word is what a container is told to run, and no argument of another program: `pg_dump apiserver`. It
/// may come after a script that starts ClearML's servers.
fn starts_a_server(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_started = |at: usize, word: &str| match word {
        "apiserver" | "fileserver" => begins_a_command(&words[..at]),
        // Elsewhere than in ClearML's folder it is another program with the name.
        _ if word.ends_with("/apiserver") || word.ends_with("/fileserver") => {
            word.contains("clearml")
        }
        _ => true,
    };
    by_words(&words) == [Server::AsyncDelete]
        || told(&words).any(|(at, _)| is_started(at, words[at]))
}

/// Whether what comes after these words is a command, and no argument of one.
fn begins_a_command(before: &[&str]) -> bool {
    const BEGINS: [&str; 4] = ["--", "do", "else", "then"];
    const PASSES_ON: [&str; 6] = ["catatonit", "dumb-init", "env", "nice", "nohup", "tini"];
    // What these do to a server is another thing than to start it.
    const OTHERWISE: [&str; 5] = ["backup", "check", "restart", "stop", "wait"];
    let (Some(&last), earlier) = (before.last(), &before[..before.len().saturating_sub(1)]) else {
        return true;
    };
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let of_earlier = earlier.last().map(|word| name(word)).unwrap_or_default();
    let is_shell = of_earlier.ends_with("sh");
    let is_script = [".sh", "entrypoint", "clearml"]
        .iter()
        .any(|part| last.contains(part));
    match last {
        "exec" => !earlier.is_empty() && begins_a_command(earlier),
        option if option.starts_with('-') && option.ends_with('c') => is_shell,
        _ if BEGINS.contains(&last) || PASSES_ON.contains(&&*name(last)) => true,
        // A user for whom they start something.
        _ if ["gosu", "su-exec"].contains(&&*of_earlier) => true,
        _ => is_script && !OTHERWISE.iter().any(|part| name(last).contains(part)),
    }
}

/// Whether a word is a folder that has a server's name, as that of its data has: `chown -R 1000 /mnt/fileserver`. A program
/// is the first word or comes after `exec` or `--`, and what is started in the folder of a server's program is that server.
/// No program is where the images have the data, or in a folder that is called so.
fn is_data(words: &[&str], at: usize) -> bool {
    let is_folder = words[at].contains('/') && !words[at].ends_with(".py");
    let mut folders = words[at].split('/');
    if is_folder && folders.any(|folder| ["data", "mnt"].contains(&folder)) {
        return true;
    }
    let starts = ["--", "cd", "exec"];
    let is_started = at == 0 || words.get(at - 1).is_some_and(|word| starts.contains(word));
    is_folder && !is_started
}

/// Whether a word names the host of another server: `wait-for apiserver 8008`, `nc -z fileserver 8081`.
fn is_address(words: &[&str], at: usize) -> bool {
    let is_port = |word: &&str| word.parse::<u16>().is_ok();
    // `--host`, `--local-host`, `--server`.
    let is_host_option = |word: &str| {
        const ADDRESSES: [&str; 12] = [
            "addr", "address", "api", "backend", "dest", "endpoint", "host", "hostname", "remote",
            "server", "target", "upstream",
        ];
        let name = word.strip_prefix("--").unwrap_or_default();
        name.split('-').any(|part| ADDRESSES.contains(&part))
    };
    let waits = |word: &&str| {
        let word = word.rsplit('/').next().unwrap_or(word);
        word.starts_with("wait")
            || [
                "curl", "dig", "getent", "host", "hosts", "nc", "nslookup", "ping", "telnet", "-h",
                "-z", "-zv",
            ]
            .contains(&word)
            || is_host_option(word)
    };
    words.get(at + 1).is_some_and(is_port) || at > 0 && words.get(at - 1).is_some_and(waits)
}

/// A name without what ClearML's own begin with.
pub(super) fn bare(mut name: &str) -> &str {
    // To look for a prefix takes ten times as long with `trim_start_matches`, and every service is asked often.
    for prefix in ["clearml-", "trains-"] {
        while let Some(rest) = name.strip_prefix(prefix) {
            name = rest;
        }
    }
    name
}

fn by_name(name: &str) -> Option<Server> {
    let plain = name.to_ascii_lowercase().replace(['_', '.'], "-");
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    match bare(plain) {
        "apiserver" | "api-server" | "api" => Some(Server::Apiserver),
        "fileserver" | "file-server" | "files" | "fileserv" => Some(Server::Fileserver),
        "webserver" | "web-server" | "web" | "webapp" => Some(Server::Webserver),
        "async-delete" | "async-urls-delete" => Some(Server::AsyncDelete),
        "agent-services" => Some(Server::AgentServices),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_ends_before_tag_and_digest() {
        assert_eq!(repository("clearml/server"), "clearml/server");
        assert_eq!(repository("r:5000/a/Clearml:1.16"), "r:5000/a/clearml");
        assert_eq!(repository("clearml/server:2.3@sha256:ab"), "clearml/server");
    }

    #[test]
    fn words_tell_servers() {
        let words = |text: &str| {
            by_words(
                &text
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(words("apiserver"), [Server::Apiserver]);
        assert_eq!(
            words("python3 -m jobs.async_urls_delete --fileserver-host http://fileserver:8081"),
            [Server::AsyncDelete]
        );
        assert_eq!(
            words("clearml-server apiserver clearml-server webserver clearml-server fileserver"),
            [Server::Apiserver, Server::Fileserver, Server::Webserver]
        );
        assert!(words("bash -c curl http://apiserver/debug.ping").is_empty());
        assert!(words("local 8008 --local-host apiserver --to bore.pub").is_empty());
        assert!(words("python app.py --server apiserver --port 8008").is_empty());
        assert!(words("sh -c chown -R 1000 /mnt/fileserver").is_empty());
        assert!(words("sh -c cd /mnt/fileserver tar cz .").is_empty());
        assert!(words("/opt/clearml/data/fileserver -A").is_empty());
        assert_eq!(
            words("bash -c cd /opt/clearml/fileserver python3 start.py"),
            [Server::Fileserver]
        );
        assert_eq!(words("tini -- ./apiserver"), [Server::Apiserver]);
        assert_eq!(
            words("sh -c wait-for apiserver 8008 exec fileserver"),
            [Server::Fileserver]
        );
    }
}

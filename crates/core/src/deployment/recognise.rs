//! Which ClearML servers a service runs, told by its command, entrypoint, image and name, in that order.

mod name;
mod other;
mod program;
mod told;

use super::{is_of_the_image, is_software, scripts};
use crate::command::{is_own_script, is_shell, serves_nothing};
use crate::container::{self, Container};
use crate::image::REPOSITORIES;
use crate::instance::Family;
use crate::knowable::Knowable;
use crate::setting::Server;
use crate::unseen::{Hides, Unseen};
use crate::version::Release;
pub(super) use name::bare;
use name::by_name;
pub(super) use told::starts;
use told::{How, Told};

/// What a service was recognised as.
pub(super) struct Recognised {
    /// Several for an all-in-one service, none for anything else.
    pub(super) servers: Vec<Server>,
    pub(super) family: Family,
    /// What its image tells of its release.
    pub(super) release: Knowable<Release>,
    /// Why it may be a server although nothing tells which.
    doubt: Option<&'static str>,
    /// Which server it may be, where nothing tells that it is one.
    pub(super) hint: Option<Hint>,
    /// Whether nothing but its name and its image's tell that it is one.
    pub(super) is_by_name: bool,
    /// Whether its image is known to be something else.
    pub(super) is_foreign: bool,
    /// Whether it has ClearML's own image, which runs nothing unless told what, and is told nothing. So has a service that
    /// others extend.
    pub(super) is_idle: bool,
}

/// A server that a service is called like, or has as an argument.
#[derive(Clone, Copy)]
pub(super) struct Hint {
    pub(super) server: Server,
    pub(super) reason: &'static str,
    /// Whether it is said beside another server of the kind as well.
    pub(super) is_of_another: bool,
    /// Whether it is said where nothing else is of ClearML.
    pub(super) is_alone: bool,
}

impl Recognised {
    /// A service of which nobody can tell what it runs must not pass for "no server".
    pub(super) fn unseen(&self, service: &Container) -> Option<Unseen> {
        self.doubt.map(|reason| unseen(service, reason))
    }
}

/// Takes those that nothing but their names make a server for what may be one, where another service is that server for sure.
pub(super) fn settle(all: &mut [Recognised]) {
    let sure: Vec<Server> = { all.iter() }
        .filter(|one| !one.is_by_name)
        .flat_map(|one| one.servers.iter().copied())
        .collect();
    for one in all.iter_mut().filter(|one| one.is_by_name) {
        let Some(server) = one.servers.first().copied() else {
            continue;
        };
        // One that reads nothing gets nothing, and has its ports.
        if sure.contains(&server) && server.reads_configuration() {
            one.servers.clear();
            one.hint = Some(Hint {
                server,
                reason: ONLY_NAMED,
                is_of_another: true,
                is_alone: false,
            });
        }
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

/// What is not asked for where nothing but the command is looked at.
const NOT_READ: &str = "it is not looked at";

/// A service is called like a server of ClearML, and no other service is that server.
const ONLY_NAMED: &str = "its name is that of a ClearML server, yet neither its image nor its command tells that it is one";

/// A ClearML server's name is an argument of a program that may start it.
const ONLY_AN_ARGUMENT: &str = "a ClearML server's name is in its command, yet neither its image nor its name tells that it is one";

/// ClearML's own script is told which server to start.
const UNSETTLED: &str = "ClearML's own script starts the server that it is told, and which one that is, is not known here";

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
        is_by_name: false,
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
    let of = Named {
        service,
        repository: &repository,
        image,
    };
    let told = told(service);
    let (servers, how) = told.surest();
    if of.runs(&servers, how) {
        recognised.servers = servers;
        return recognised;
    }
    if servers.is_empty() && told.is_job {
        return recognised;
    }
    if told.is_unsettled {
        recognised.doubt = Some(UNSETTLED);
        return recognised;
    }
    match !of.is_third_party() && of.is_clearml() {
        true => of.as_clearml(&told, &mut recognised),
        false => of.as_a_stranger(&mut recognised),
    }
    if recognised.servers.is_empty() && recognised.doubt.is_none() {
        let mut told = servers.into_iter();
        let told = told.find(|server| server.reads_configuration());
        let may_run = of.may_run(how);
        if let Some(server) = told.filter(|_| may_run || recognised.hint.is_none()) {
            recognised.hint = Some(Hint {
                server,
                reason: ONLY_AN_ARGUMENT,
                is_of_another: may_run,
                is_alone: false,
            });
        }
    }
    recognised
}

/// What a container's command tells.
fn told(service: &Container) -> Told {
    let unknown = || Knowable::unknown("no file says so");
    let folder = service.working_directory.clone().unwrap_or_else(unknown);
    let around = told::Around {
        folder: &folder,
        variable: &|name| variable(service, name),
        file: &|path| match scripts::text(service, path) {
            Some(text) if !is_own_script(path) => Knowable::Known(text.to_string()),
            _ => Knowable::unknown("it runs a file that is not here"),
        },
    };
    let dropped = service.dropped.as_deref();
    Told::of((&service.command, dropped), &service.words, &around)
}

/// A variable that the container has before its command runs.
pub(super) fn variable(container: &Container, name: &str) -> Knowable<Option<String>> {
    let mut all = container.environment.iter();
    if is_of_the_image(name) && !all.any(|known| known.name == name) {
        return Knowable::unknown("it uses a variable of the image");
    }
    let value = container.variable(name);
    value.map(|value| value.map(|text| text.expose().to_owned()))
}

/// A service, and what it and its image are called.
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
        let name = self.image_name();
        self.image == Image::Other && (other::is_known(name) || is_software(name))
    }

    fn by_own_name(&self) -> Option<Server> {
        let own = self.service.container_name.as_deref();
        let mut names = [Some(self.service.name.as_str()), own]
            .into_iter()
            .flatten();
        names.find_map(by_name)
    }

    /// Whether it has ClearML's image, or something else that only ClearML's servers have.
    fn is_clearml(&self) -> bool {
        self.image == Image::Server || looks_like_clearml(self.service)
    }

    /// Whether it is one of these servers, as sure as its command tells of them. What another program is told counts where
    /// something else says the same.
    fn runs(&self, servers: &[Server], how: How) -> bool {
        if servers.is_empty() || self.is_third_party() {
            return false;
        }
        let is_given = self.image == Image::Server || has_server_variable(self.service);
        let is_called = || {
            [self.by_own_name(), self.by_image()].map(|one| one.is_some_and(|one| servers == [one]))
        };
        match how {
            // An unknown image that is told to start what only ClearML's image has is a copy of it.
            How::Runs => true,
            How::Module | How::Named if self.is_clearml() => true,
            // Of an image that is not known, ClearML's own words tell.
            How::Module | How::Named if self.repository.is_empty() => {
                servers != [Server::Webserver]
            }
            How::Passes | How::Called if is_given => true,
            How::Module | How::Named | How::Passes => {
                self.has_own_name() && is_called().contains(&true)
            }
            How::Called | How::Mentions => false,
        }
    }

    /// Whether it may be a server beside another one of the kind, although what tells of it is not enough. What has the name
    /// of other software, and is where that is published, runs what that is.
    fn may_run(&self, how: How) -> bool {
        let is_published = || self.is_third_party() && other::is_published(self.repository);
        match how {
            How::Runs | How::Module => true,
            How::Named | How::Passes if other::is_told_names(self.image_name()) => false,
            How::Named | How::Passes => !is_published(),
            How::Called | How::Mentions => false,
        }
    }

    /// Whether it or its image has a name of ClearML's. `api`, `web` and `files` are anybody's names.
    fn has_own_name(&self) -> bool {
        let own = ["apiserver", "fileserver", "async_delete", "async-delete"];
        let own_name = self.service.container_name.as_deref().unwrap_or_default();
        let mut names = [self.image_name(), &self.service.name, own_name].into_iter();
        names.any(|name| {
            let name = name.to_ascii_lowercase();
            own.iter().any(|own| name.contains(own)) || bare(&name) != name
        })
    }

    /// It has ClearML's image, or is given what ClearML's servers read, or is called like something of ClearML's.
    fn as_clearml(&self, told: &Told, recognised: &mut Recognised) {
        if self.image == Image::Server && self.serves_nothing() {
            return;
        }
        let is_given = self.image == Image::Server || has_server_variable(self.service);
        let named = self.by_own_name().or(self.by_image());
        // Anybody's program may be given the names of databases.
        let may_start = |server: Server| {
            self.image == Image::Server
                || self.has_full_name()
                || self.is_open()
                || told.names(server)
        };
        if let Some(server) = named.filter(|server| !is_given || may_start(*server)) {
            if is_given || self.is_by_name(server, told) {
                recognised.servers.push(server);
                recognised.is_by_name = !is_given;
            } else {
                self.as_a_stranger(recognised);
            }
            return;
        }
        let service = self.service;
        let is_told = || {
            service
                .unread
                .as_ref()
                .is_some_and(|one| one.hides == Hides::Base)
        };
        let starts_nothing = match &service.words[..] {
            [] => service.command.is_empty() && !is_told(),
            // Without a script it waits for somebody at a terminal.
            [only] => is_shell(only),
            _ => false,
        };
        recognised.is_idle = starts_nothing && is_official(self.repository);
        if self.image == Image::Server && !recognised.is_idle {
            recognised.doubt = Some(
                "its image is ClearML's server, yet neither its command nor its name tells which server it is",
            );
        } else if self.image == Image::Other && has_server_variable(service) {
            recognised.doubt = Some(
                "it is given what ClearML's servers read, yet neither its command nor its name tells which server \
                 it is",
            );
        } else {
            recognised.is_foreign = !self.repository.is_empty();
        }
    }

    /// Whether its command only waits, prints or handles files, by itself or as ClearML's script runs it.
    fn serves_nothing(&self) -> bool {
        let command = &self.service.command;
        let first = command.first().and_then(Knowable::known);
        let is_script = first.is_some_and(|path| is_own_script(path));
        serves_nothing(&command[usize::from(is_script)..])
    }

    /// Whether a name alone makes it a server: one that only ClearML's have, and where its command may start that. nginx starts
    /// the web server, which gets no keys.
    fn is_by_name(&self, server: Server, told: &Told) -> bool {
        let image = self.image_name();
        let is_web = server == Server::Webserver;
        let is_called = self.by_image() == Some(Server::Webserver)
            && (image.contains("clearml") || image.contains("trains"));
        let runs_nginx = || is_web && self.service.words.iter().any(|word| word == "nginx");
        (self.has_full_name() || is_called)
            && (self.is_open() || told.names(server) || runs_nginx())
    }

    /// Whether its command tells nothing, or something that is not known.
    fn is_open(&self) -> bool {
        let mut command = self.service.command.iter();
        self.service.command.is_empty() || command.any(|word| word.known().is_none())
    }

    /// Whether it or its image is called so that the name says what it serves. `api`, `web` and `files` are anybody's names.
    fn has_full_name(&self) -> bool {
        const FULL: [&str; 5] = [
            "apiserver",
            "fileserver",
            "webserver",
            "async-delete",
            "agent-services",
        ];
        let own_name = self.service.container_name.as_deref().unwrap_or_default();
        let mut names = [self.image_name(), &self.service.name, own_name].into_iter();
        names.any(|name| {
            let name = name.to_ascii_lowercase().replace('_', "-");
            FULL.iter().any(|full| name.contains(full))
        })
    }

    /// Nothing but its name may be a server's, or an argument.
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
        let named = self.by_image().or(self.by_own_name());
        let is_called = || self.has_full_name() || looks_like_clearml(self.service);
        let named = named.filter(|server| server.reads_configuration() && is_called());
        recognised.hint = named.map(|server| Hint {
            server,
            reason: ONLY_NAMED,
            is_of_another: false,
            is_alone: looks_like_clearml(self.service) && self.is_open(),
        });
    }
}

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
    let known = words.iter().map(|word| Knowable::Known((*word).to_owned()));
    let command: Vec<Knowable<String>> = known.collect();
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let around = told::Around {
        folder: &Knowable::unknown(NOT_READ),
        variable: &|_| Knowable::unknown(NOT_READ),
        file: &|_| Knowable::unknown(NOT_READ),
    };
    let told = || Told::of((&command, None), &words, &around).surest();
    let is_told = |(servers, how): (Vec<Server>, How)| !servers.is_empty() && how <= How::Passes;
    classify(&repository(image)).0 != Image::Other || is_told(told())
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
        service
            .known_image()
            .map(|image| without_registry(&image.text)),
        service
            .built_as
            .as_ref()
            .map(|image| without_registry(&image.text)),
    ];
    let is_named = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("clearml") || name.contains("trains-")
    };
    has_server_variable(service) || names.into_iter().flatten().any(is_named)
}

/// An image's name without the host that it comes from.
fn without_registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => image,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_ends_before_tag_and_digest() {
        assert_eq!(repository("clearml/server"), "clearml/server");
        assert_eq!(repository("r:5000/a/Clearml:1.16"), "r:5000/a/clearml");
        assert_eq!(repository("clearml/server:2.3@sha256:ab"), "clearml/server");
    }
}

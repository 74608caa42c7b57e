//! Which ClearML servers a service runs, told by its command, entrypoint, image and name, in that order.

use super::Family;
use crate::compose::{Service, Unseen};
use crate::setting::Server;
use crate::version::Version;

/// What a service was recognised as.
pub(super) struct Recognised {
    /// Several for an all-in-one service, none for anything else.
    pub(super) servers: Vec<Server>,
    pub(super) family: Family,
    pub(super) version: Option<Version>,
    /// The image is ClearML's server, and something of it may run.
    may_run: bool,
}

impl Recognised {
    /// A ClearML image of which nobody can tell what it runs must not pass for "no server".
    pub(super) fn unseen(&self, service: &Service) -> Option<Unseen> {
        let runs_a_job = service.words.iter().any(|word| word.starts_with("jobs."));
        (self.may_run && !runs_a_job).then(|| Unseen {
            what: "the server".to_owned(),
            reason: "its image is ClearML's server, yet neither its command nor its name tells which server it is"
                .to_owned(),
            service: Some(service.name.clone()),
            span: Some(service.name_span),
        })
    }
}

/// The kinds of image that matter.
#[derive(PartialEq)]
enum Image {
    Agent,
    Other,
    Server,
}

pub(super) fn recognise(service: &Service) -> Recognised {
    let text = service
        .image
        .as_ref()
        .map(|image| image.text.as_str())
        .unwrap_or_default();
    let (repository, tag) = split_image(text);
    let (image, family) = classify(&repository);
    let mut recognised = Recognised {
        servers: Vec::new(),
        family,
        version: tag.and_then(Version::parse),
        // ClearML's own images run nothing unless told what.
        may_run: image == Image::Server && !(service.words.is_empty() && is_official(&repository)),
    };
    if image == Image::Agent {
        recognised.version = None;
        recognised
            .servers
            .extend(is_services_agent(&repository, service).then_some(Server::AgentServices));
        return recognised;
    }
    let is_clearml = image == Image::Server || looks_like_clearml(service);
    if repository.is_empty() && !is_clearml {
        // Built here, or named by a variable without a value: it may be any, so only ClearML's own words count.
        let own = ["apiserver", "fileserver", "async_delete"];
        if own.contains(&service.name.as_str())
            || own
                .iter()
                .any(|name| service.words.iter().any(|word| word == name))
        {
            recognised.servers = by_words(&service.words);
            if recognised.servers.is_empty() {
                recognised.servers.extend(by_name(service));
            }
        }
        return recognised;
    }
    if !is_clearml {
        return recognised;
    }
    recognised.servers = by_words(&service.words);
    if recognised.servers.is_empty() && !runs_something_else(service) {
        recognised.servers.extend(by_name(service));
    }
    recognised
}

/// `registry:5000/allegroai/clearml:1.16.2@sha256:…` is (`registry:5000/allegroai/clearml`, `1.16.2`).
fn split_image(image: &str) -> (String, Option<&str>) {
    let image = image.split('@').next().unwrap_or(image);
    let name_start = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[name_start..].find(':') {
        Some(at) => (
            image[..name_start + at].to_ascii_lowercase(),
            Some(&image[name_start + at + 1..]),
        ),
        None => (image.to_ascii_lowercase(), None),
    }
}

/// The images' names over time (clearml-facts.md, head), with any registry in front.
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

fn is_official(repository: &str) -> bool {
    ["clearml/server", "allegroai/clearml", "allegroai/trains"]
        .iter()
        .any(|official| repository == *official || repository.ends_with(&format!("/{official}")))
}

/// The stock agent that runs services; an ordinary worker has its own credentials and is none of ours.
fn is_services_agent(repository: &str, service: &Service) -> bool {
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
fn looks_like_clearml(service: &Service) -> bool {
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
    let names = [
        Some(service.name.as_str()),
        service.container_name.as_deref(),
        service.image.as_ref().map(|image| image.text.as_str()),
    ];
    let is_named = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("clearml") || name.contains("trains-")
    };
    service
        .environment
        .iter()
        .any(|variable| is_server_variable(&variable.name))
        || names.into_iter().flatten().any(is_named)
}

fn by_words(words: &[String]) -> Vec<Server> {
    if words.iter().any(|word| word.contains("async_urls_delete")) {
        return vec![Server::AsyncDelete];
    }
    let kinds: [(Server, &[&str]); 3] = [
        (
            Server::Apiserver,
            &["apiserver", "apiserver.server", "apiserver.server:app"],
        ),
        (
            Server::Fileserver,
            &["fileserver", "fileserver.py", "fileserver:app"],
        ),
        (Server::Webserver, &["webserver"]),
    ];
    let is_run = |names: &[&str]| {
        words.iter().any(|word| {
            names.contains(&word.rsplit('/').next().unwrap_or(word)) && !word.contains("://")
        })
    };
    kinds
        .into_iter()
        .filter(|(_, names)| is_run(names))
        .map(|(server, _)| server)
        .collect()
}

/// A command that names a module of its own is a job, not a server without a command.
fn runs_something_else(service: &Service) -> bool {
    service.words.iter().any(|word| word.starts_with("jobs."))
}

fn by_name(service: &Service) -> Option<Server> {
    let names = [
        Some(service.name.as_str()),
        service.container_name.as_deref(),
    ];
    names.into_iter().flatten().find_map(|name| {
        let plain = name.to_ascii_lowercase().replace(['_', '.'], "-");
        let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        let bare = plain
            .trim_start_matches("clearml-")
            .trim_start_matches("trains-");
        match bare {
            "apiserver" | "api-server" | "api" => Some(Server::Apiserver),
            "fileserver" | "file-server" | "files" | "fileserv" => Some(Server::Fileserver),
            "webserver" | "web-server" | "web" | "webapp" => Some(Server::Webserver),
            "async-delete" | "async-urls-delete" => Some(Server::AsyncDelete),
            "agent-services" => Some(Server::AgentServices),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_split_at_tag_and_digest() {
        let split = |image| split_image(image);
        assert_eq!(split("clearml/server"), ("clearml/server".to_owned(), None));
        assert_eq!(
            split("r:5000/a/Clearml:1.16"),
            ("r:5000/a/clearml".to_owned(), Some("1.16"))
        );
        assert_eq!(
            split("clearml/server:2.3@sha256:ab"),
            ("clearml/server".to_owned(), Some("2.3"))
        );
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
    }
}

//! The ports on which a server of ClearML listens in its container: its own, and those that its configuration names.

use super::exposure::{self, Told};
use super::recognise::has_official_image;
use crate::container::{Container, Variable};
use crate::hocon::Value;
use crate::instance::{ConfigFile, Instance, Listening};
use crate::knowable::Knowable;
use crate::setting::Server;
use crate::version::{Release, Version};

/// Where the API server's own port is configured (docs/clearml.md#ports-and-networks).
const PORT: &str = "apiserver.listen.port";
/// And its address.
const IP: &str = "apiserver.listen.ip";

/// Where it listens, by all that may say so. Where a port is configured, the server's own counts as well: a version may not read it.
pub(super) fn of(container: &Container, instance: &Instance) -> Listening {
    let of_image = instance.server.ports();
    if of_image.is_empty() {
        return Listening::default();
    }
    let web = match instance.server {
        Server::Webserver => Told::of(container, keeps_main(instance)),
        _ => None,
    };
    let is_told = web.is_some();
    let mut listening = web.map_or_else(
        || Listening {
            ports: of_image.to_vec(),
            is_whole: true,
            ..Listening::default()
        },
        |web| web.listening(),
    );
    let (told, is_known) = configured(container, instance);
    let options = container.option("--port").chain(container.option("-p"));
    let ports = &mut listening.ports;
    ports.extend(told.into_iter().chain(options.filter_map(number)));
    ports.sort_unstable();
    ports.dedup();
    listening.is_whole &= is_as_shipped(container) && is_known;
    if !is_told {
        listening.is_loopback = is_loopback(container, instance);
    }
    listening
}

/// Whether a container runs ClearML's own image with nothing but the name of a server for its command.
fn is_as_shipped(container: &Container) -> bool {
    let names = ["apiserver", "fileserver", "webserver"];
    has_official_image(container)
        && matches!(&container.words[..], [word] if names.contains(&word.as_str()))
}

/// Whether the image's start leaves nginx' main file as it is; older ones write it (docs/clearml.md#nginx-of-the-web-server).
fn keeps_main(instance: &Instance) -> bool {
    match instance.release.known() {
        Some(Release::Newest) => true,
        Some(Release::Numbered(version)) => *version >= Version::new(2, 0, 0),
        None => false,
    }
}

/// The ports that its configuration names, and whether no more may be named by what is not known.
fn configured(container: &Container, instance: &Instance) -> (Vec<u16>, bool) {
    let gunicorn = match instance.server {
        Server::Apiserver => "CLEARML_GUNICORN_BIND",
        Server::Fileserver => "FILESERVER_GUNICORN_BIND",
        _ => return (Vec::new(), true),
    };
    let mut told: Vec<Option<u16>> = Vec::new();
    match container.variable(gunicorn) {
        Knowable::Known(None) => {}
        Knowable::Known(Some(bound)) => {
            told.push(bound.expose().rsplit(':').next().and_then(number));
        }
        Knowable::Unknown(_) => told.push(None),
    }
    let mut is_known = true;
    if instance.server == Server::Apiserver {
        let variables = instance
            .spellings_of(PORT, &container.environment)
            .into_iter();
        told.extend(variables.map(|variable| number(variable.value.known()?.expose())));
        let files = instance.config.iter();
        let files = files.filter_map(|file| in_file(file, PORT));
        told.extend(files.map(|text| number(&text?)));
        is_known = instance.is_config_seen();
    }
    is_known &= told.iter().all(Option::is_some);
    let ports = told.into_iter().flatten().collect();
    (ports, is_known)
}

/// Whether an API server listens at the loopback address alone, by all that may say where (docs/clearml.md#ports-and-networks).
fn is_loopback(container: &Container, instance: &Instance) -> bool {
    if instance.server != Server::Apiserver || !instance.is_config_seen() {
        return false;
    }
    let value = |variable: &Variable| {
        variable
            .value
            .known()
            .map(|value| value.expose().to_owned())
    };
    let named = |name: &str| container.environment.iter().find(|one| one.name == name);
    let told: Vec<Option<String>> = match named("CLEARML_USE_GUNICORN").map(value) {
        None => {
            let variables = instance.spellings_of(IP, &container.environment);
            let files = instance.config.iter().filter_map(|file| in_file(file, IP));
            let options = container.option("--ip").map(|ip| Some(ip.to_owned()));
            let variables = variables.into_iter().map(value);
            variables.chain(files).chain(options).collect()
        }
        Some(Some(text)) if ["1", "true"].contains(&text.as_str()) => {
            vec![named("CLEARML_GUNICORN_BIND").and_then(value)]
        }
        Some(_) => return false,
    };
    // A tree may have another address in it.
    let is_tree = |variable: &Variable| {
        let path = instance.path_of(variable);
        path.is_some_and(|path| path == "apiserver" || path == "apiserver.listen")
    };
    let is_own = |address: &Option<String>| {
        let address = address.as_deref().map(|text| text.trim().trim_matches('"'));
        address.is_some_and(exposure::is_loopback)
    };
    !told.is_empty() && told.iter().all(is_own) && !container.environment.iter().any(is_tree)
}

/// A port, bare or in quotes of HOCON.
fn number(text: &str) -> Option<u16> {
    text.trim().trim_matches('"').parse().ok()
}

/// The text or number that a file sets a path to; nothing in it where that is something else.
fn in_file(file: &ConfigFile, path: &str) -> Option<Option<String>> {
    let path = path.strip_prefix(&file.key)?.strip_prefix('.')?;
    Some(match &file.tree.as_ref().ok()?.get(path)?.value {
        Value::Integer(text) | Value::String(text) => Some(text.expose().to_owned()),
        _ => None,
    })
}

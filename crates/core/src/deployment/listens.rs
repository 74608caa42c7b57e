//! The ports on which a server of ClearML listens in its container: its own, and those that its configuration names.

use super::exposure;
use crate::container::{Container, Variable};
use crate::hocon::Value;
use crate::instance::{ConfigFile, Instance};
use crate::secret::Secret;
use crate::setting::Server;

/// Where the API server's own port is configured (docs/clearml.md#ports-and-networks).
const PORT: &str = "apiserver.listen.port";
/// And its address.
const IP: &str = "apiserver.listen.ip";

/// The ports, each once. Where one is configured, the server's own counts as well: a version may not read it.
pub(super) fn ports(container: &Container, instance: &Instance) -> Vec<u16> {
    let mut ports = instance.server.ports().to_vec();
    if ports.is_empty() {
        return ports;
    }
    if instance.server == Server::Apiserver {
        let variables = instance
            .spellings_of(PORT, &container.environment)
            .into_iter();
        let variables = variables.filter_map(|variable| variable.value.known());
        let bound = container.known_variable("CLEARML_GUNICORN_BIND");
        let bound = bound.and_then(|bound| bound.expose().rsplit(':').next());
        let texts = variables.map(Secret::expose).chain(bound);
        ports.extend(texts.filter_map(number));
        let files = instance
            .config
            .iter()
            .filter_map(|file| in_file(file, PORT)?);
        ports.extend(files.filter_map(|text| number(&text)));
    }
    let told = container.option("--port").chain(container.option("-p"));
    ports.extend(told.filter_map(number));
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Whether an API server listens at the loopback address alone, by all that may say where (docs/clearml.md#ports-and-networks).
pub(super) fn is_loopback(container: &Container, instance: &Instance) -> bool {
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

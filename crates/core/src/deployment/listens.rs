//! The ports on which a server of ClearML listens in its container: its own, and those that its configuration names.

use crate::container::Container;
use crate::hocon::Value;
use crate::instance::{ConfigFile, Instance};
use crate::secret::Secret;
use crate::setting::Server;

/// Where the API server's own port is configured (docs/clearml.md#ports-and-networks).
const PORT: &str = "apiserver.listen.port";

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
        ports.extend(instance.config.iter().filter_map(in_file));
    }
    let told = container.option("--port").chain(container.option("-p"));
    ports.extend(told.filter_map(number));
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// A port, bare or in quotes of HOCON.
fn number(text: &str) -> Option<u16> {
    text.trim().trim_matches('"').parse().ok()
}

fn in_file(file: &ConfigFile) -> Option<u16> {
    let path = PORT.strip_prefix(&file.key)?.strip_prefix('.')?;
    match &file.tree.as_ref().ok()?.get(path)?.value {
        Value::Integer(text) | Value::String(text) => number(text.expose()),
        _ => None,
    }
}

//! Caddy's own configuration, in JSON: its servers, each with where it listens and whom its routes pass on to.

use serde_json::{Map, Value};

use super::upstream;
use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::condition::Holds;
use crate::deployment::exposure::hop::{How, Rule, Target};

/// Where servers speak HTTP and HTTPS, unless it says otherwise.
const PORTS: [(&str, u16); 2] = [("http_port", 80), ("https_port", 443)];

/// What a text says that is JSON; none where it is not.
pub(super) fn rules(text: &str) -> Option<Vec<Rule>> {
    let root: Map<String, Value> = serde_json::from_str(text).ok()?;
    let http = root.get("apps").and_then(|apps| apps.get("http"));
    let servers = http.and_then(|http| http.get("servers")?.as_object());
    let [plain, tls] = PORTS.map(|(name, port)| {
        let told = http.and_then(|http| http.get(name)?.as_u64());
        told.and_then(|port| u16::try_from(port).ok())
            .unwrap_or(port)
    });
    let servers = servers.into_iter().flat_map(Map::values);
    Some(
        servers
            .flat_map(|server| of_server(server, plain, tls))
            .collect(),
    )
}

/// A server at each of its addresses. It has a certificate where it is told how, at the port for that, and for the names of
/// its routes.
fn of_server(server: &Value, plain: u16, tls: u16) -> Vec<Rule> {
    let mut to = Vec::new();
    let mut has_names = false;
    look(server, &mut to, &mut has_names);
    let has = |path: &str| server.pointer(path);
    let is_off = has("/automatic_https/disable").and_then(Value::as_bool) == Some(true);
    let policies = has("/tls_connection_policies").and_then(Value::as_array);
    let is_told = policies.is_some_and(|policies| !policies.is_empty());
    let addresses = has("/listen").and_then(Value::as_array);
    let addresses = addresses
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|address| !address.starts_with("unix/"));
    let rule = |address: &str| {
        let address = address.rsplit('/').next().unwrap_or(address);
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let at = crate::deployment::exposure::proxy::port_range(port);
        let is_at = |port| at.as_ref().is_some_and(|at| at.contains(&port));
        let is_automatic = !is_off && (is_at(tls) || has_names && !is_at(plain));
        Rule {
            is_loopback: is_loopback(host),
            how: How::Requests,
            is_tls: is_told || is_automatic,
            sends_away: Holds::Never,
            to: to.clone(),
            at,
        }
    };
    addresses.map(rule).collect()
}

/// The upstreams of all handlers below a value, and whether a route is for certain hosts.
fn look(value: &Value, to: &mut Vec<Target>, has_names: &mut bool) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| look(item, to, has_names)),
        Value::Object(object) => {
            *has_names |= object.get("host").is_some_and(Value::is_array);
            if object.get("handler").and_then(Value::as_str) == Some("reverse_proxy") {
                to.extend(upstreams(object));
            }
            let inner = object.values();
            inner.for_each(|inner| look(inner, to, has_names));
        }
        _ => {}
    }
}

/// Whom a handler passes on to, as far as it is written.
fn upstreams(handler: &Map<String, Value>) -> Vec<Target> {
    let written = handler.get("upstreams").and_then(Value::as_array);
    let dials = written.into_iter().flatten();
    let dials = dials.filter_map(|one| upstream(one.get("dial")?.as_str()?));
    let asked = handler.get("dynamic_upstreams").map(|_| Address::untold());
    dials.chain(asked).map(Target::from).collect()
}

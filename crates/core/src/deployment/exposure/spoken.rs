//! What software that passes bytes on speaks with those who come in: TLS, or the bytes as they are.

use serde_json::Value;

use super::files::Files;
use super::mention::{is_stunnel, is_tunnel, programs, values};
use super::variables::Variables;
use crate::container::Container;

/// Tunnels whose other end takes what comes there as it is, whatever it is told.
const CLEAR_TUNNELS: [&str; 6] = ["bore", "chisel", "gost", "playit", "rathole", "wstunnel"];
/// And others where they are told that it is one of these.
const CLEAR_KINDS: [(&str, &[&str]); 4] = [
    ("inlets", &["tcp"]),
    ("inlets-pro", &["tcp"]),
    ("ngrok", &["tcp"]),
    ("pinggy", &["tcp"]),
];

/// What Envoy and gost have in a file where they speak TLS, to somebody.
const TLS_IN_FILES: [&str; 7] = [
    "DownstreamTlsContext",
    "tls_certificates",
    "type: h2",
    "type: mtls",
    "type: quic",
    "type: tls",
    "type: wss",
];

/// What software that passes bytes on speaks with those who come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// What they have been told to pass on.
    Bytes,
    Tls,
    /// TLS in some place, perhaps, of a configuration that is not read.
    Unknown,
}

/// What a container speaks that passes on what it is given addresses for.
pub(super) fn spoken(container: &Container, files: &Files, variables: &Variables<'_>) -> Spoken {
    if is_tunnel(container) {
        return by_tunnel(container, files);
    }
    let has = |word: &str| container.words.iter().any(|known| known == word);
    let is_tls = |name: &str| match name {
        "ghostunnel" => has("server"),
        "websockify" => has("--ssl-only"),
        _ => false,
    };
    // What its sections say is read; where they are not here, any of them may be told to take bytes in.
    if is_stunnel(container) {
        return match may_be_client(container, files, variables) {
            true => Spoken::Unknown,
            false => Spoken::Tls,
        };
    }
    if programs(container).any(is_tls) {
        return Spoken::Tls;
    }
    // Where gost listens: `-L tcp://:8008/apiserver:8008`.
    let by_gost: Vec<bool> = values(container, "-L").map(has_tls).collect();
    if by_gost.contains(&true) {
        return match by_gost.contains(&false) {
            true => Spoken::Unknown,
            false => Spoken::Tls,
        };
    }
    let has_text = |text: &&str| files.texts.iter().any(|file| file.text.contains(text));
    match TLS_IN_FILES.iter().any(has_text) {
        true => Spoken::Unknown,
        false => Spoken::Bytes,
    }
}

/// Whether anything that stunnel is given says that it takes bytes in and sends TLS.
fn may_be_client(container: &Container, files: &Files, variables: &Variables<'_>) -> bool {
    let words = container.words.iter().map(String::as_str);
    let mut texts = words.chain(files.texts.iter().map(|file| file.text.as_str()));
    variables.text("STUNNEL_CLIENT").is_some() || texts.any(|text| text.contains("client"))
}

/// Whether one of these addresses speaks TLS, by its scheme.
fn has_tls(address: &str) -> bool {
    let scheme = address.split("://").next().unwrap_or_default();
    let mut parts = scheme.split('+');
    parts.any(|part| part.ends_with("tls") || ["https", "wss", "h2", "quic"].contains(&part))
}

/// What the other end of a tunnel speaks with those who come there.
fn by_tunnel(container: &Container, files: &Files) -> Spoken {
    let mut spoken = programs(container).map(|name| match name {
        "ssh" | "autossh" if is_for_all(container) => Spoken::Bytes,
        name if CLEAR_TUNNELS.contains(&name) => Spoken::Bytes,
        // What each of its proxies speaks is read with the proxy.
        "frpc" => Spoken::Unknown,
        name => match CLEAR_KINDS.iter().find(|(program, _)| *program == name) {
            Some((_, clear)) => of_kinds(container, files, clear),
            None => Spoken::Tls,
        },
    });
    spoken
        .find(|one| *one != Spoken::Tls)
        .unwrap_or(Spoken::Tls)
}

/// What a tunnel speaks that is told its kind by a word of the command, or for each of its ways by a line such as
/// `type = "tcp"`.
fn of_kinds(container: &Container, files: &Files, clear: &[&str]) -> Spoken {
    let is_clear = |kind: &str| clear.contains(&kind);
    let lines = files.texts.iter().flat_map(|file| file.text.lines());
    let mut told: Vec<bool> = lines.filter_map(kind_of_way).map(is_clear).collect();
    told.extend(files.texts.iter().flat_map(|file| of_endpoints(&file.text)));
    let is_said = || {
        let is_http = |name| {
            container
                .option(name)
                .any(|to| to.split("://").next() == Some("http"))
        };
        if is_http("--scheme") || is_http("--url") {
            return true;
        }
        let mut words = container.words.iter();
        words.any(|word| {
            word.split(|c: char| !c.is_ascii_alphanumeric())
                .any(is_clear)
        })
    };
    match (told.contains(&true), told.contains(&false)) {
        (true, true) => Spoken::Unknown,
        (true, false) => Spoken::Bytes,
        (false, true) => Spoken::Tls,
        (false, false) if is_said() => Spoken::Bytes,
        (false, false) => Spoken::Tls,
    }
}

/// Of each endpoint of ngrok's, whether it takes bytes or requests in clear text, as its address says.
fn of_endpoints(text: &str) -> Vec<bool> {
    let value: Value = serde_yaml::from_str(text).unwrap_or_default();
    let endpoints = value.get("endpoints").and_then(Value::as_array);
    let urls = endpoints.into_iter().flatten().map(|one| {
        let url = one.get("url").and_then(Value::as_str).unwrap_or_default();
        url.starts_with("tcp://") || url.starts_with("http://")
    });
    urls.collect()
}

/// `type = "tcp"` and `proto: http`, on a line of its own.
fn kind_of_way(line: &str) -> Option<&str> {
    let (name, kind) = line.split_once(['=', ':'])?;
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '#');
    let kind = kind.split(['#', ',']).next()?;
    ["proto", "type"]
        .contains(&name)
        .then(|| kind.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
}

/// Whether `ssh -R` has the other end listen for others than its own host.
fn is_for_all(container: &Container) -> bool {
    const ALL: [&str; 3] = ["0.0.0.0", "*", "[::]"];
    // Nothing before the first of three colons is every address.
    let is_all = |way: &str| {
        let address = way.rsplitn(4, ':').nth(3);
        address.is_some_and(|address| address.is_empty() || ALL.contains(&address))
    };
    let is_remote = |pair: &[String]| match pair[1].strip_prefix("-R") {
        Some(attached) if !attached.is_empty() => is_all(attached),
        _ => pair[0].starts_with('-') && pair[0].ends_with('R') && is_all(&pair[1]),
    };
    let variables = container.environment.iter();
    let mut values = variables.filter_map(|one| Some(one.value.known()?.expose()));
    container.words.windows(2).any(is_remote)
        || values.any(|value| ALL.contains(&value) || is_all(value))
}

//! Words and turns of phrase that several messages share.

use std::path::Path;

use clearml_secure_core::account::Role;
use clearml_secure_core::container::{
    Container, Entrance, EntranceKind, Interface, Opener, Port, Speaks,
};
use clearml_secure_core::setting::{Kind, Setting};
use clearml_secure_core::shell::quoted;
pub(crate) use clearml_secure_core::shown::and;
use clearml_secure_core::shown::escape;
use clearml_secure_core::version::Version;
use serde_json::error::Category;

/// A variable's name, fit to be printed: as far as it is one. In `NAME:value` or `NAME=value` at the wrong place a
/// value is part of the name.
pub(crate) fn shown(name: &str) -> &str {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    name.split(|c| !is_name(c)).next().unwrap_or_default()
}

/// What a value is called in a sentence.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Key => "key",
        Kind::Secret => "secret",
    }
}

/// What follows where another server than the API server is given it (docs/clearml.md#the-twelve-settings).
pub(crate) const REFUSED: &str = "the API server has another value for this setting";

/// What follows where an account is revoked.
pub(crate) const REVOKED: &str =
    "nobody can log in with it while fixed users are enabled (the server revokes the account)";

/// What follows where a key is public and its secret is not.
pub(crate) const HALF_PUBLIC: &str =
    "nobody can log in with the key alone, and its secret is not public";

/// What the pair of an account of a role can be used for (docs/clearml.md#secrets-in-clear).
pub(crate) fn can_as(role: Role) -> &'static str {
    match role {
        Role::System | Role::Root => "log in with role system and read every other secret",
        Role::Admin => "log in as an administrator",
        Role::Superuser | Role::User => "log in as a user",
        Role::Annotator | Role::Guest => "log in as a guest",
    }
}

/// What a setting can be used for; nothing for the session secret (docs/clearml.md#secrets-in-clear).
pub(crate) fn can_with(setting: Setting) -> Option<&'static str> {
    match setting.group() {
        "token_secret" => Some("sign tokens for any user and role"),
        "session_secret" => None,
        "tests" => Some(can_as(Role::User)),
        "services_agent" => Some(can_as(Role::Admin)),
        _ => Some(can_as(Role::System)),
    }
}

/// `anyone who guesses it can log in as a user`.
pub(crate) fn anyone_can(knows: &str, what: &str) -> String {
    format!("anyone who {knows} can {what}")
}

/// What follows where somebody knows the session secret.
pub(crate) const LOW_RISK: &str = "low risk, because no known release uses it";

/// A help that ends in commands, each on a line of its own, where no terminal and no page breaks it.
pub(crate) fn run(what: &str, commands: &[&str]) -> String {
    format!("{what}:\n  {}", commands.join("\n  "))
}

/// A help with the keyset in use by its name, in place of `KEYS`.
fn with_keyset(help: &str, keys: &Path) -> String {
    let keys = quoted(keys);
    let help = help.replace(" (KEYS is the keyset in use)", "");
    ["-k ", "--keys ", "--from ", "--from-env-file="]
        .iter()
        .fold(help, |help, option| {
            help.replace(&format!("{option}KEYS"), &format!("{option}{keys}"))
        })
}

/// The keyset in use, for helps in the order in which they are read.
pub(crate) struct InUse<'a> {
    keys: Option<&'a Path>,
    /// The first help that puts another one in: then this one is not in use any more.
    replaced_by: Option<String>,
}

impl<'a> InUse<'a> {
    pub(crate) fn of(keys: Option<&'a Path>) -> Self {
        Self {
            keys,
            replaced_by: None,
        }
    }

    /// A help with the keyset by its name, as long as it is the one in use.
    pub(crate) fn named(&mut self, help: &str) -> String {
        let first = self.replaced_by.as_deref();
        let keys = self
            .keys
            .filter(|_| first.is_none_or(|first| first == help));
        if first.is_none() && puts_another_in(help) {
            self.replaced_by = Some(help.to_owned());
        }
        keys.map_or_else(|| help.to_owned(), |keys| with_keyset(help, keys))
    }
}

/// Whether the commands of a help put another keyset in than the one in use.
fn puts_another_in(help: &str) -> bool {
    const INJECT: &str = "clearml-inject -k ";
    let mut runs = help.match_indices(INJECT);
    runs.any(|(at, _)| !help[at + INJECT.len()..].starts_with("KEYS"))
}

/// Why a text is none of the JSON that we write, without the place, which is said once, and without what is there: it may be
/// a keyset by mistake.
pub(crate) fn of_json(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => return "the JSON is incomplete".to_owned(),
        Category::Syntax => return "this is not JSON".to_owned(),
        Category::Data | Category::Io => {}
    }
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    without_value(message.get(..end).unwrap_or(&message)).to_owned()
}

/// What a file of a wrong shape should have, in a reader's words and without the text that it has instead.
pub(crate) fn without_value(message: &str) -> &str {
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    let is_of_value = kinds.iter().any(|kind| message.starts_with(kind));
    let start = message.rfind(", expected ").filter(|_| is_of_value);
    match start.map_or(message, |comma| &message[comma + 2..]) {
        text if text.starts_with("expected struct") => "expected an object",
        "expected u32" | "expected u64" | "expected usize" => "expected a whole number",
        "expected path string" => "expected a string",
        "expected a sequence" => "expected a list",
        text => text,
    }
}

/// `service api`, or `Deployment clearml-api`: a container by what makes it.
pub(crate) fn container(container: &Container) -> String {
    let kind = container.pod.as_ref().map_or("service", |pod| &pod.kind);
    format!("{kind} {}", escape(&container.name))
}

/// `port 8008`, or `a port that docker chooses`, of a port in words.
pub(crate) fn port(shown: &str) -> String {
    match shown.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("port {shown}"),
        false => shown.to_owned(),
    }
}

/// The release that a server is of. Images of `trains` without a release's tag are of its last line.
pub(crate) fn release(version: Option<Version>) -> String {
    version.map_or_else(
        || "a release of trains, 0.16 or before".to_owned(),
        |version| format!("version {version}"),
    )
}

/// How to close a port: of a pod, what opens it tells.
pub(crate) fn close(port: Option<&Port>) -> &'static str {
    match port.and_then(|port| port.opener) {
        None => "remove this port",
        Some(Opener::BehindBalancer) => {
            "set the Service's `allocateLoadBalancerNodePorts: false` and remove its `nodePort`, if the load balancer sends to pods, or close the ports of the nodes with a firewall"
        }
        Some(Opener::HostPort) => "remove `hostPort` from the container's port",
        Some(Opener::Tailnet) => "remove the annotation `tailscale.com/expose` from the Service",
        Some(Opener::Service { by_addresses, .. }) if !by_addresses => {
            "set the Service's type to ClusterIP"
        }
        Some(Opener::Service { by_type: false, .. }) => "remove `externalIPs` from the Service",
        Some(Opener::Service { .. }) => {
            "set the Service's type to ClusterIP and remove its `externalIPs`"
        }
    }
}

/// What to do where an entrance takes clear text, alone or besides TLS.
pub(crate) fn with_tls_alone(entrance: &Entrance) -> &'static str {
    match (entrance.speaks.known(), entrance.kind) {
        (Some(Speaks::Both), EntranceKind::HttpRoute) => {
            "name its Gateway's listener with TLS in `parentRefs` (`sectionName`), and let a route of the other listener redirect"
        }
        (Some(Speaks::Both), _) => "let it redirect to https://: remove what keeps it from that",
        (_, EntranceKind::HttpRoute) => {
            "give its Gateway a listener with `protocol: HTTPS` and a certificate"
        }
        (_, EntranceKind::IngressRoute) => {
            "add `tls: {}` to its `spec`, and name the entry point `websecure`"
        }
        (_, EntranceKind::Route) => "add `spec.tls` with `termination: edge` to the Route",
        (_, EntranceKind::Ingress) => {
            "give it a certificate (spec.tls of an Ingress; in the chart's values, tlsSecretName)"
        }
        (_, EntranceKind::Service) => {
            "close it, and put an Ingress with TLS in front of the server"
        }
        (_, _) => "let it speak TLS alone",
    }
}

/// To whom a port is open.
pub(crate) fn place(interface: Interface) -> String {
    match interface {
        Interface::All => "to every network".to_owned(),
        Interface::Listed => "to the addresses in loadBalancerSourceRanges".to_owned(),
        Interface::Loopback => "on the host itself".to_owned(),
        Interface::One(address) => format!("on {address}"),
        Interface::Private => "to a private network".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_keyset_is_named() {
        let help = run(
            "add users (KEYS is the keyset in use)",
            &["a --from KEYS --user b", "c -k KEYS", "d --keys KEYS e"],
        );
        let expected =
            "add users:\n  a --from 'my keys' --user b\n  c -k 'my keys'\n  d --keys 'my keys' e";
        assert_eq!(with_keyset(&help, Path::new("my keys")), expected);
    }
}

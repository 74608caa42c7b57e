//! The file server finds no API server or no Redis.
//!
//! **What**: a file server, since 1.16, asks for the API server as `apiserver` and for Redis as `redis`, or by the names that
//! it is told. No container on its networks has such a name: no service, container name, alias, link or extra host; or the API
//! server does not listen at the port that the file server is told. A container with `network_mode: host`, `bridge` or `none`
//! knows no names of services, and has none for others. On the host's network, `localhost` is what is published on the host or
//! is on its network as well.
//!
//! **Why**: the file server asks the API server about every token and keeps the answers in Redis. Without them it refuses
//! every upload and every download.
//!
//! bad: tests/fixtures/rules/unreachable-host/bad.yml
//!
//! good: tests/fixtures/rules/unreachable-host/good.yml
//!
//! **Fix**: give the file server `CLEARML__hosts__api_server: http://NAME:8008` and `CLEARML_REDIS_SERVICE_HOST: NAME`, or give
//! the services a network alias.
//!
//! **References**: docs/clearml.md#addresses.

use std::net::IpAddr;

use clearml_secure_core::container::{Container, VariableValue};
use clearml_secure_core::deployment::exposure::Namespace;
use clearml_secure_core::deployment::{Database, REDIS_HOST};
use clearml_secure_core::effective::{Configured, ServerConfiguration};
use clearml_secure_core::hocon::Value;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::{escape, or};

use super::{Case, Rule};
use crate::address;
use crate::finding::{Draft, Severity};

/// Nothing is open; nothing works (docs/clearml.md#addresses).
const SEVERITY: Severity = Severity::Warning;

/// What `network_mode` says where there are no names of services.
const NAMELESS: [&str; 4] = ["bridge", "default", "host", "none"];

/// What it asks for: the name, the path and the variables that say otherwise, of which the first that is not empty wins.
struct Need {
    host: &'static str,
    path: &'static str,
    variables: &'static [&'static str],
    help: &'static str,
}

const NEEDS: [Need; 2] = [
    Need {
        host: "apiserver",
        path: "hosts.api_server",
        variables: &[],
        help: "set CLEARML__hosts__api_server: http://NAME:8008 at the file server",
    },
    Need {
        host: "redis",
        path: "hosts.redis.fileserver.host",
        variables: &REDIS_HOST,
        help: "set CLEARML_REDIS_SERVICE_HOST: NAME at the file server",
    },
];

/// How a file server comes to its names.
enum Names<'a> {
    /// On the networks of this container, which is itself or one whose network it shares.
    Of(&'a Container),
    /// It knows none but those of its own hosts file.
    None,
    /// On networks that these files do not tell.
    Unknown,
}

pub(crate) struct UnreachableHost;

impl Rule for UnreachableHost {
    fn id(&self) -> &'static str {
        "unreachable-host"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let needs = NEEDS.iter().filter(|need| is_here(case, need));
        let needs: Vec<&Need> = needs.collect();
        for server in case.servers(Server::Fileserver) {
            let instance = &case.deployment.instances[server.instance];
            if instance.release.known().is_none() || case.asks_nobody(server) {
                continue;
            }
            let container = case.deployment.service(instance);
            let names = names(case, container);
            let missing = needs.iter().filter_map(|need| {
                let host = asked_for(case, server, need)?;
                let is_lost = is_lost(case, (instance.service, &names), (need, &host));
                is_lost.then_some((host, need.help))
            });
            let missing: Vec<(String, &str)> = missing.collect();
            if missing.is_empty() {
                findings.extend(closed_port(case, server));
                continue;
            }
            let hosts: Vec<String> = missing
                .iter()
                .map(|(host, _)| escape(host).into())
                .collect();
            let mut hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
            hosts.dedup();
            let help: Vec<&str> = missing.iter().map(|(_, help)| *help).collect();
            let is_local = hosts.iter().all(|host| address::is_loopback(host));
            let why = match names {
                _ if is_local && is_on_the_host(container) => {
                    "nothing else of these files can be reached at"
                }
                Names::None => "with its network_mode it finds no container named",
                _ => "no container on its networks is named",
            };
            // It has the hosts file of the machine then.
            let unless = match is_on_the_host(container) && !is_local {
                true => ", unless /etc/hosts of the machine has the name",
                false => "",
            };
            let message = format!(
                "{} refuses every file{unless}: {why} {}",
                case.name(server),
                or(&hosts)
            );
            findings.push(case.finding(SEVERITY, server, message, &help.join("; ")));
        }
    }
}

/// That it asks an API server of this deployment at a port at which that does not listen. In a cluster, a Service may lead there
/// from any.
fn closed_port(case: &Case<'_>, server: &ServerConfiguration) -> Option<Draft> {
    let [need, _] = &NEEDS;
    let Configured::Value(Value::String(url), _) = server.configured(case.deployment, need.path)
    else {
        return None;
    };
    let url = url.expose();
    let port = address::port(url).unwrap_or(match url.starts_with("https://") {
        true => 443,
        false => 80,
    });
    let own = case.deployment.instances[server.instance].service;
    let found = case.deployment.found(own, address::host(url));
    let is_pod = case.deployment.containers[own].pod.is_some();
    let is_other = |index: &usize| {
        let mut servers = case.deployment.of(Server::Apiserver);
        servers.any(|one| {
            one.service == *index && one.listening.is_whole && !one.listening.ports.contains(&port)
        })
    };
    let is_closed = !is_pod && !found.is_empty() && found.iter().all(is_other);
    let host = escape(address::host(url));
    let why = format!("{host} does not listen at port {port}");
    let message = format!("{} refuses every file: {why}", case.name(server));
    is_closed.then(|| case.finding(SEVERITY, server, message, need.help))
}

/// Whether the deployment has what is asked for, under whatever name; elsewhere it may have any.
fn is_here(case: &Case<'_>, need: &Need) -> bool {
    containers_of(case, need).next().is_some()
}

/// The containers that may be what is asked for.
fn containers_of<'a>(case: &'a Case<'_>, need: &Need) -> impl Iterator<Item = &'a Container> {
    let is_api = need.host == "apiserver";
    let servers = case.deployment.of(Server::Apiserver);
    let servers = servers.map(|instance| case.deployment.service(instance));
    let databases = case.deployment.containers.iter().map(|one| &**one);
    let databases = databases.filter(|one| Database::of(one) == Some(Database::Redis));
    servers
        .filter(move |_| is_api)
        .chain(databases.filter(move |_| !is_api))
}

/// Whether a container is where no network has names.
fn has_no_name(container: &Container) -> bool {
    let mode = container.network_mode.as_ref();
    mode.is_some_and(|mode| NAMELESS.contains(&mode.text.as_str()))
}

fn is_on_the_host(container: &Container) -> bool {
    let mode = container.network_mode.as_ref();
    mode.is_some_and(|mode| mode.text == "host")
}

/// Whether a process on the host's network may find what is asked for at a port of the host.
fn is_on_a_port_of_the_host(case: &Case<'_>, need: &Need) -> bool {
    // Of one that has another's network or whose networks are not known, the ports are elsewhere.
    let may_be =
        |one: &Container| is_on_the_host(one) || !one.ports.is_empty() || one.networks.is_empty();
    containers_of(case, need).any(may_be)
}

/// The host that the file server asks for; none where it is not known.
fn asked_for(case: &Case<'_>, server: &ServerConfiguration, need: &Need) -> Option<String> {
    let environment = &case
        .deployment
        .service(&case.deployment.instances[server.instance])
        .environment;
    for name in need.variables {
        match environment
            .iter()
            .find(|one| one.name == *name)
            .map(|one| &one.value)
        {
            None => {}
            Some(VariableValue::Known(value)) if value.is_empty() => {}
            Some(VariableValue::Known(value)) => return Some(value.expose().to_owned()),
            Some(_) => return None,
        }
    }
    match server.configured(case.deployment, need.path) {
        Configured::Not if server.is_seen(case.deployment) => Some(need.host.to_owned()),
        Configured::Value(Value::String(text), _) => Some(address::host(text.expose()).to_owned()),
        _ => None,
    }
}

/// Where the file server looks for names.
fn names<'a>(case: &'a Case<'_>, container: &'a Container) -> Names<'a> {
    let on = |container: &'a Container| match container.networks.is_empty() || container.is_shared {
        true => Names::Unknown,
        false => Names::Of(container),
    };
    let mode = container
        .network_mode
        .as_ref()
        .map(|mode| mode.text.as_str());
    match mode {
        // Without its own Service, those of others may not have been given either.
        None if container.pod.is_some() && container.aliases.is_empty() => Names::Unknown,
        None => on(container),
        // What names the pod finds on the node's network, its dnsPolicy says.
        Some(_) if container.pod.is_some() => Names::Unknown,
        Some(mode) if NAMELESS.contains(&mode) => Names::None,
        Some(mode) => {
            let mut containers = case.deployment.containers.iter();
            let name = mode.strip_prefix("service:");
            let owner = name.and_then(|name| containers.find(|other| other.name == name));
            match owner {
                Some(owner) if owner.network_mode.is_none() => on(owner),
                _ => Names::Unknown,
            }
        }
    }
}

/// Whether nothing that the file server may reach has the name. An address, a name with a domain, and what is not known
/// count as reached.
fn is_lost(
    case: &Case<'_>,
    (server, names): (usize, &Names<'_>),
    (need, host): (&Need, &str),
) -> bool {
    let container = &*case.deployment.containers[server];
    let owner = match names {
        Names::Unknown => return false,
        Names::Of(owner) => owner,
        Names::None => container,
    };
    let is_local = address::is_loopback(host);
    if is_local {
        return match is_on_the_host(container) {
            true => !is_on_a_port_of_the_host(case, need),
            false => !has_company(case, container),
        };
    }
    let is_name = !host.is_empty() && !host.contains('.') && host.parse::<IpAddr>().is_err();
    let is_told = owner
        .hosts
        .iter()
        .chain(&container.hosts)
        .any(|known| known.name == host);
    if !is_name || is_told {
        return false;
    }
    if matches!(names, Names::None) {
        return true;
    }
    // Where its network is not known, it may be this one.
    let is_unknown = |other: &usize| {
        let container = &case.deployment.containers[*other];
        match case.deployment.namespace(*other) {
            Namespace::Own(owner) if owner == *other => {
                container.networks.is_empty() && !has_no_name(container)
            }
            Namespace::Elsewhere(_) => true,
            Namespace::Own(_) | Namespace::Host(_) | Namespace::Nowhere => false,
        }
    };
    let mut called = case.deployment.called(server, host).into_iter();
    case.deployment.found(server, host).is_empty() && !called.any(|other| is_unknown(&other))
}

/// Whether something else may listen where the file server itself does: in the same container, or in its network.
fn has_company(case: &Case<'_>, container: &Container) -> bool {
    let mode = container
        .network_mode
        .as_ref()
        .map(|mode| mode.text.as_str());
    let own = format!("service:{}", container.name);
    let servers = case.deployment.instances.iter();
    let servers = servers.filter(|one| case.deployment.service(one).name == container.name);
    let mut others = case.deployment.containers.iter();
    mode.is_some_and(|mode| mode != "none" && mode != "bridge" && mode != "default")
        || servers.count() > 1
        || others.any(|other| {
            other
                .network_mode
                .as_ref()
                .is_some_and(|mode| mode.text == own)
                || other.name != container.name && other.is_in_pod_of(container)
        })
}

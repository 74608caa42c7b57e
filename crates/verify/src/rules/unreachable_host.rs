//! The file server finds no API server or no Redis.
//!
//! **What**: no service of the deployment has the name at which a file server, since 1.16, asks for the API server
//! (`apiserver`) or for Redis (`redis`), and nothing tells it another name.
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

use clearml_secure_core::container::Container;
use clearml_secure_core::deployment::Database;
use clearml_secure_core::effective::{Configured, ServerConfiguration};
use clearml_secure_core::setting::Server;
use clearml_secure_core::version::Version;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::and;

/// Nothing is open; nothing works (docs/clearml.md#addresses).
const SEVERITY: Severity = Severity::Warning;

/// What it asks for: the name, the paths that say otherwise, and the variables that do.
struct Need {
    host: &'static str,
    paths: &'static [&'static str],
    variables: &'static [&'static str],
    help: &'static str,
}

const NEEDS: [Need; 2] = [
    Need {
        host: "apiserver",
        paths: &["hosts.api_server"],
        variables: &[],
        help: "set CLEARML__hosts__api_server: http://NAME:8008 at the file server",
    },
    Need {
        host: "redis",
        paths: &["hosts.redis.fileserver.host"],
        variables: &[
            "CLEARML_REDIS_SERVICE_HOST",
            "TRAINS_REDIS_SERVICE_HOST",
            "REDIS_SERVICE_HOST",
        ],
        help: "set CLEARML_REDIS_SERVICE_HOST: NAME at the file server",
    },
];

pub(crate) struct UnreachableHost;

impl Rule for UnreachableHost {
    fn id(&self) -> &'static str {
        "unreachable-host"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Fileserver) {
            let instance = &case.deployment.instances[server.instance];
            let is_old = |version| version < Version::FILE_SERVER_AUTHENTICATION;
            if instance.release.known().is_none() || instance.known_version().is_some_and(is_old) {
                continue;
            }
            let service = case.deployment.service(instance);
            // On another network, a name may be one that these files do not tell.
            if service.networks.is_empty() || service.is_shared {
                continue;
            }
            let missing = NEEDS.iter().filter(|need| {
                is_here(case, need)
                    && !is_told(case, server, need)
                    && !is_found(case, service, need)
            });
            let missing: Vec<&Need> = missing.collect();
            if missing.is_empty() {
                continue;
            }
            let hosts: Vec<&str> = missing.iter().map(|need| need.host).collect();
            let help: Vec<&str> = missing.iter().map(|need| need.help).collect();
            let message = format!(
                "{} refuses every file: nothing on its networks is called {}",
                case.name(server),
                and(&hosts)
            );
            findings.push(case.finding(SEVERITY, server, message, &help.join("; ")));
        }
    }
}

/// Whether the deployment has what is asked for, under whatever name; elsewhere it may have any.
fn is_here(case: &Case<'_>, need: &Need) -> bool {
    match need.host {
        "apiserver" => case.deployment.of(Server::Apiserver).next().is_some(),
        _ => {
            let mut containers = case.deployment.containers.iter();
            containers.any(|container| Database::of(container) == Some(Database::Redis))
        }
    }
}

/// Whether the file server is told where it is, or may be.
fn is_told(case: &Case<'_>, server: &ServerConfiguration, need: &Need) -> bool {
    let service = case
        .deployment
        .service(&case.deployment.instances[server.instance]);
    let is_set = |path: &&str| !matches!(server.configured(case.deployment, path), Configured::Not);
    let mut variables = service.environment.iter();
    need.paths.iter().any(is_set)
        || variables.any(|variable| need.variables.contains(&variable.name.as_str()))
        || !server.is_seen(case.deployment)
}

/// Whether some container has the name on a network of the file server, or the file server alone knows it.
fn is_found(case: &Case<'_>, service: &Container, need: &Need) -> bool {
    let mut others = case.deployment.containers.iter();
    service.hosts.iter().any(|host| host == need.host)
        || others.any(|other| {
            // Where its network cannot be told, it may be this one.
            other.answers_to(need.host) && (other.networks.is_empty() || other.is_beside(service))
        })
}

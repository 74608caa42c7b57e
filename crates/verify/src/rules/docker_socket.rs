//! A server can take over the host.
//!
//! **What**: an agent, or a server, runs privileged, as root with the capability `ALL`, `SYS_ADMIN` or
//! `SYS_MODULE`, or has the socket of docker, podman or containerd, by itself or in a folder of the host that has it:
//! `/var/run`, `/run`, `/`.
//!
//! **Why**: an agent runs what is put into its queue. Anyone who may enqueue a task there becomes root of the host. It is how
//! ClearML ships the services agent, so it is a note, and a reason to give the queue to few. No server needs it: there, anyone
//! who takes the server over takes the host over. Mounting the socket read-only changes nothing.
//!
//! bad: tests/fixtures/rules/docker-socket/bad.yml
//!
//! good: tests/fixtures/rules/docker-socket/good.yml
//!
//! **Fix**: run the agent on a machine of its own, or leave it out if nobody uses its queue. Remove the socket, `privileged`
//! and such capabilities from every server.
//!
//! **References**: ClearML, "Securing ClearML Server"; Docker, "Docker daemon attack surface";
//! docs/clearml.md#docker-socket.

use std::collections::HashSet;

use clearml_secure_core::container::{Container, Mount, MountSource};
use clearml_secure_core::deployment::is_agent;
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words;

/// It takes an account that may enqueue (docs/clearml.md#docker-socket).
const OF_AGENTS: Severity = Severity::Note;
const ENQUEUED: &str = "anyone who can enqueue a task in its queue is root on this host";
/// It takes a hole in the server, and nobody needs it.
const OF_OTHERS: Severity = Severity::Warning;

/// Sockets through which containers are started (docs/clearml.md#docker-socket).
const SOCKETS: [&str; 7] = [
    "docker.sock",
    "podman.sock",
    "containerd.sock",
    "crio.sock",
    "cri-dockerd.sock",
    "docker_engine",
    "dockerDesktopLinuxEngine",
];

/// Folders of the host in which they are.
const FOLDERS: [&str; 14] = [
    "/",
    "/var",
    "/var/run",
    "/var/run/containerd",
    "/var/run/crio",
    "/var/run/podman",
    "/var/run/user",
    "/run",
    "/run/containerd",
    "/run/crio",
    "/run/host",
    "/run/k3s",
    "/run/podman",
    "/run/user",
];

pub(crate) struct DockerSocket;

impl Rule for DockerSocket {
    fn id(&self) -> &'static str {
        "docker-socket"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        let instances = case.deployment.instances.iter();
        let servers = instances.map(|one| (case.deployment.service(one), Some(one)));
        // Ordinary workers have nothing of a server but this.
        let all = case.deployment.containers.iter().map(|one| &**one);
        let agents = all.filter(|one| is_agent(one)).map(|one| (one, None));
        for (service, instance) in servers.chain(agents) {
            let socket = service
                .mounts
                .iter()
                .find_map(|mount| Some((holds(mount)?, mount.span)));
            let (what, span) = match (socket, rights(service)) {
                (Some((what, span)), Some((rights, _))) => {
                    (format!("{rights} and has {what}"), span)
                }
                (Some((what, span)), None) => (format!("has {what}"), span),
                (None, Some(rights)) => rights,
                (None, None) => continue,
            };
            let (severity, then, help) = match instance.map(|one| one.server) {
                Some(Server::AgentServices) => (
                    OF_AGENTS,
                    ENQUEUED,
                    "run it on a separate machine, or remove the service if nobody uses the services queue",
                ),
                None => (OF_AGENTS, ENQUEUED, "run it on a separate machine"),
                _ => (
                    OF_OTHERS,
                    "anyone who takes it over is root on this host",
                    "remove it: this server does not need it",
                ),
            };
            // Several servers in one container have one socket.
            if !seen.insert((span, severity, service.name.clone())) {
                continue;
            }
            let name = match instance {
                Some(instance) => case.named(instance),
                None => words::container(service),
            };
            let message = format!("{name} {what}: {then}");
            let mut finding = Draft::new(severity, message, help).at(span);
            if let Some(instance) = instance {
                finding = finding.server(instance.server);
            }
            findings.push(finding);
        }
    }
}

/// What lets its process do on the host what root may do there.
fn rights(service: &Container) -> Option<(String, Span)> {
    let capability = service
        .capability
        .filter(|_| service.is_root() != Some(false));
    match (service.privileged, capability) {
        (Some(span), _) => Some(("runs privileged".to_owned(), span)),
        (None, Some(("ALL", span))) => Some(("has all capabilities".to_owned(), span)),
        (None, Some((name, span))) => Some((format!("has the capability {name}"), span)),
        (None, None) => None,
    }
}

/// What of the host a mount holds, if it is a socket or a folder with one.
fn holds(mount: &Mount) -> Option<&'static str> {
    // As it is written, and from the folder of its file.
    let host = mount.source.known().and_then(|source| match source {
        MountSource::Bind(host) => Some((host.written.as_str(), host.path.to_string_lossy())),
        MountSource::Node(path) => Some((path.as_str(), path.into())),
        _ => None,
    });
    let target = mount.target.known().map(String::as_str);
    let written = host.as_ref().map(|(written, _)| *written);
    let socket = |path: &str| {
        let path = path.trim_end_matches(['/', '\\']);
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut sockets = SOCKETS.iter();
        let socket = sockets.find(|socket| name.eq_ignore_ascii_case(socket))?;
        Some(match *socket {
            "containerd.sock" => "containerd's socket",
            "crio.sock" => "CRI-O's socket",
            "podman.sock" => "podman's socket",
            _ => "the Docker socket",
        })
    };
    // What is not on the host at all is no socket of it.
    let may_be_there = host.is_some() || mount.source.known().is_none();
    let named = [written, target.filter(|_| may_be_there)];
    if let Some(socket) = named.into_iter().flatten().find_map(socket) {
        return Some(socket);
    }
    let (written, path) = host?;
    let is_folder = is_absolute(written) && (FOLDERS.contains(&&*path) || is_of_a_user(&path));
    is_folder.then_some(if path == "/" {
        "all files of the host"
    } else {
        "the host's folder with the engine's socket"
    })
}

/// Whether a path stands for one of the host, and not for one that depends on where the file is.
fn is_absolute(written: &str) -> bool {
    written.starts_with(['/', '~'])
}

/// `/run/user/1000`, where sockets of users without root are, and folders in which other engines keep theirs.
fn is_of_a_user(path: &str) -> bool {
    let rest = path
        .strip_prefix("/var")
        .unwrap_or(path)
        .strip_prefix("/run/user/");
    let of_a_user = rest.is_some_and(|rest| {
        let below = rest.split_once('/').map_or("", |(_, below)| below);
        matches!(below, "" | "podman" | "containerd")
    });
    of_a_user
        || [
            ".docker/run",
            ".docker/desktop",
            ".colima/default",
            ".rd",
            ".orbstack/run",
        ]
        .iter()
        .any(|end| path.ends_with(&format!("/{end}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clearml_secure_core::container::HostPath;
    use clearml_secure_core::knowable::Knowable;
    use clearml_secure_core::source::{Sources, Span};

    #[test]
    fn sockets_and_their_folders_are_found() {
        let source = Sources::new().add("x", zeroize::Zeroizing::new(String::new()));
        let span = Span {
            source,
            start: 0,
            end: 0,
        };
        let found = |host: &str, target: &str| {
            holds(&Mount {
                source: Knowable::Known(MountSource::Bind(HostPath::new(host, host))),
                target: Knowable::Known(target.to_owned()),
                span,
                is_interpolated: false,
            })
        };
        for host in [
            "/var/run/docker.sock",
            "/run/user/1000/podman/podman.sock",
            "/run/user/1000/docker.sock",
            "/run/user/1000",
            "/run/user/1000/podman",
            "/var/run",
            "/run",
            "/",
            "/home/me/.docker/run",
            "//./pipe/docker_engine",
        ] {
            assert!(found(host, "/x").is_some(), "{host}");
        }
        for host in [
            "/opt/clearml/config",
            "/var/log",
            "/run/clearml",
            "/run/user/1000/app",
            "/opt/run",
            "./run",
        ] {
            assert_eq!(found(host, "/x"), None, "{host}");
        }
        assert!(found("/opt/any", "/var/run/docker.sock").is_some());
    }
}

//! An agent owns the host.
//!
//! **What**: the services agent runs privileged, or has docker's socket.
//!
//! **Why**: it runs what is put into its queue. Whoever may enqueue a task in the `services` queue becomes root of
//! the host. It is how ClearML ships the agent, so it is a note, and a reason to give the queue to few.
//!
//! bad: tests/fixtures/rules/docker-socket/bad.yml
//!
//! good: tests/fixtures/rules/docker-socket/good.yml
//!
//! **Fix**: run the agent on a machine of its own, or leave it out if nobody uses the `services` queue.
//!
//! **References**: ClearML, "Securing ClearML Server"; Docker, "Docker daemon attack surface";
//! docs/clearml.md#docker-socket.

use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It takes an account that may enqueue (docs/clearml.md#docker-socket).
const SEVERITY: Severity = Severity::Note;

pub(crate) struct DockerSocket;

impl Rule for DockerSocket {
    fn id(&self) -> &'static str {
        "docker-socket"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for instance in case.deployment.of(Server::AgentServices) {
            let service = case.deployment.service(instance);
            let socket = service.mounts.iter().find(|volume| {
                let is_socket = |path: &str| path.trim_end_matches('/').ends_with("docker.sock");
                let target = volume.target.known().map(String::as_str);
                [target, volume.host()].into_iter().flatten().any(is_socket)
            });
            let (what, span) = match (socket, service.privileged) {
                (Some(socket), Some(_)) => ("runs privileged and has docker's socket", socket.span),
                (Some(socket), None) => ("has docker's socket", socket.span),
                (None, Some(privileged)) => ("runs privileged", privileged),
                (None, None) => continue,
            };
            findings.push(Draft::new(SEVERITY, format!(
                    "{} {what}; whoever may enqueue in its queue is root on this host",
                    case.named(instance)
                ), "run it on a machine of its own, or leave the service out if nobody uses the services queue")
.server(instance.server)
.at(span));
        }
    }
}

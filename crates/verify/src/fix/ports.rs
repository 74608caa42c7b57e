//! Ports that nobody complains of: clearml-inject changes those of all servers or of all databases.

use clearml_secure_core::container::{Container, Interface};
use clearml_secure_core::deployment::{Database, Deployment};

use super::Obstacle;
use crate::finding::Finding;

/// The services that `--close-ports` is about.
pub(super) fn databases(deployment: &Deployment) -> Vec<&Container> {
    let services = deployment.containers.iter().enumerate();
    services
        .filter(|(index, _)| deployment.database(*index).is_some())
        .map(|(_, container)| container.as_ref())
        .collect()
}

/// The services that `--bind` is about.
pub(super) fn servers(deployment: &Deployment) -> Vec<&Container> {
    let services = deployment.containers.iter().enumerate();
    let is_published = |index: usize| {
        let mut instances = deployment.instances.iter();
        instances.any(|one| one.service == index && !one.listening.ports.is_empty())
    };
    services
        .filter(|(index, service)| is_published(*index) && Database::of(service).is_none())
        .map(|(_, service)| service.as_ref())
        .collect()
}

/// Why the ports of these services are not changed by a command.
pub(super) fn obstacle(
    deployment: &Deployment,
    findings: &[Finding],
    services: &[&Container],
    is_bind: bool,
) -> Option<Obstacle> {
    for service in services {
        for port in &service.ports {
            let changes = !is_bind || port.interface != Interface::Loopback;
            let is_found = findings
                .iter()
                .any(|finding| finding.span == Some(port.span));
            if changes && !is_found {
                // It is accepted as it is, or published on one address on purpose.
                return Some(Obstacle::Harm(format!(
                    "clearml-inject would also change {}, which no finding is about",
                    deployment.sources.place(port.span)
                )));
            }
        }
    }
    None
}

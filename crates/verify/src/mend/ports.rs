//! What stands in the way of changing ports: clearml-inject changes those of all servers or of all databases.

use clearml_secure_core::container::{Container, Interface, Port};
use clearml_secure_core::deployment::{Database, Deployment};
use clearml_secure_core::shown::escape;
use clearml_secure_core::unseen::Hides;

use crate::finding::Finding;
use crate::rules::own_ports;

/// The services that `--close-ports` is about.
pub(super) fn databases(deployment: &Deployment) -> Vec<&Container> {
    let services = deployment.containers.iter();
    services
        .map(AsRef::as_ref)
        .filter(|container| deployment.database(container).is_some())
        .collect()
}

/// The services that `--bind` is about.
pub(super) fn servers(deployment: &Deployment) -> Vec<&Container> {
    let services = deployment.containers.iter().enumerate();
    let is_published = |index: usize| {
        let mut instances = deployment.instances.iter();
        instances.any(|one| one.service == index && !own_ports(one.server).is_empty())
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
) -> Option<String> {
    let first = deployment.project.files[0];
    let place = |span| deployment.sources.place(span);
    for service in services {
        let is_host = service
            .network_mode
            .as_ref()
            .is_some_and(|mode| mode.text == "host");
        if is_host {
            let name = escape(&service.name);
            return Some(format!(
                "clearml-inject refuses as long as service {name} is on the host's network"
            ));
        }
        let mut unseen = deployment.project.unseen.iter();
        let hidden = unseen.find(|unseen| {
            unseen.hides == Hides::Port && unseen.service.as_ref() == Some(&service.name)
        });
        if let Some(unseen) = hidden {
            let at = unseen.span.map(|span| place(span).to_string());
            let at = at.unwrap_or_else(|| unseen.what.clone());
            return Some(format!(
                "clearml-inject refuses as long as a port cannot be read: {at}"
            ));
        }
        for port in &service.ports {
            if port.span.source != first {
                return Some(format!(
                    "{} is not in the file that clearml-inject changes",
                    place(port.span)
                ));
            }
            if is_bind && is_range(port) {
                return Some(format!(
                    "{} is a range, which clearml-inject does not bind",
                    place(port.span)
                ));
            }
            let changes = !is_bind || port.interface != Interface::Loopback;
            let is_found = findings
                .iter()
                .any(|finding| finding.span == Some(port.span));
            if changes && !is_found {
                // It is accepted as it is, or published on one address on purpose.
                return Some(format!(
                    "clearml-inject would also change {}, which no finding is about",
                    place(port.span)
                ));
            }
        }
    }
    None
}

fn is_range(port: &Port) -> bool {
    let is_range = |range: &std::ops::RangeInclusive<u16>| range.start() != range.end();
    is_range(&port.target) || port.published.as_ref().is_some_and(is_range)
}

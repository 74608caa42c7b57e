//! A server is published on all interfaces without TLS.
//!
//! **What**: the web server, the API server or the file server publishes its port on all interfaces of the host.
//!
//! **Why**: they speak plain HTTP: passwords, tokens and files can be read on the way, and docker's published ports
//! go past the firewall rules of the host. Behind a reverse proxy that speaks TLS, a port that is published too
//! goes around it.
//!
//! bad: tests/fixtures/rules/public-port/bad.yml
//!
//! good: tests/fixtures/rules/public-port/good.yml
//!
//! **Fix**: publish on the address that a reverse proxy with TLS uses, e.g. `127.0.0.1:8080:80`.
//!
//! **References**: ClearML, "Securing ClearML Server"; Docker, "Packet filtering and firewalls".

use clearml_secure_core::container::{Container, Interface, Port};
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Fix, Severity};

/// Whoever is on the way reads passwords and tokens (docs/clearml.md#ports-and-networks).
const CLEAR: Severity = Severity::Warning;

/// Images that are made to terminate TLS.
const PROXIES: [&str; 10] = [
    "caddy",
    "envoy",
    "haproxy",
    "httpd",
    "nginx",
    "nginx-proxy",
    "nginx-proxy-manager",
    "swag",
    "traefik",
    "nginx-unprivileged",
];

pub(crate) struct PublicPort;

impl Rule for PublicPort {
    fn id(&self) -> &'static str {
        "public-port"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let proxy = case
            .deployment
            .containers
            .iter()
            .find(|service| is_proxy(service));
        let around = match proxy {
            Some(proxy) => format!(", around the TLS of {}", escape(&proxy.name)),
            None => " without TLS".to_owned(),
        };
        let mut seen = Vec::new();
        for instance in &case.deployment.instances {
            let service = case.deployment.service(instance);
            let own = own_ports(instance.server);
            let host_mode = service
                .network_mode
                .as_ref()
                .filter(|mode| mode.text == "host");
            let published: Vec<(String, String, Span)> = match host_mode {
                // Its `ports` have no effect then, and its own port is the host's.
                Some(mode) => own
                    .first()
                    .map(|port| {
                        let help = "remove `network_mode: host` and publish it on 127.0.0.1, behind a reverse proxy with TLS";
                        (port.to_string(), help.to_owned(), mode.span)
                    })
                    .into_iter()
                    .collect(),
                None => service
                    .ports
                    .iter()
                    .filter(|port| own.iter().any(|own| port.target.contains(own)))
                    .filter(|port| port.interface == Interface::All)
                    .map(|port| (port.shown(), help(port), port.span))
                    .collect(),
            };
            for (port, help, span) in published {
                if host_mode.is_none() && seen.contains(&span) {
                    continue;
                }
                seen.push(span);
                findings.push(Draft::new(CLEAR, format!(
                        "{} is published at {port} on all interfaces{around}; whoever is on the way reads passwords and tokens",
                        case.named(instance)
                    ), help)
.server(instance.server)
.at(span)
.fixed_by(host_mode.is_none().then_some(Fix::Bind)));
            }
        }
    }
}

/// Where a server listens in its container (docs/clearml.md#ports-and-networks).
pub(crate) fn own_ports(server: Server) -> &'static [u16] {
    match server {
        Server::Apiserver => &[8008],
        Server::Fileserver => &[8081],
        Server::Webserver => &[80, 8080],
        Server::AsyncDelete | Server::AgentServices => &[],
    }
}

/// A service that publishes what TLS is spoken on, with software for it.
fn is_proxy(service: &Container) -> bool {
    let image = service.known_image().map(|image| image.text.as_str());
    let name = image
        .unwrap_or_default()
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let name = name.split([':', '@']).next().unwrap_or_default();
    let speaks = |port: &Port| port.target.contains(&443) || port.target.contains(&8443);
    PROXIES.contains(&name) && service.ports.iter().any(speaks)
}

fn help(port: &Port) -> String {
    match &port.published {
        Some(published) if published.start() == published.end() => format!(
            "publish it as \"127.0.0.1:{}:{}\" behind a reverse proxy with TLS",
            published.start(),
            port.target.start()
        ),
        _ => "publish it on 127.0.0.1, behind a reverse proxy with TLS".to_owned(),
    }
}

//! A server can be reached without TLS from outside.
//!
//! **What**: the web server, the API server or the file server publishes its port on all interfaces of the host or on a
//! public address, or something else leads there in clear text: a reverse proxy without TLS, a forwarder such as socat, a
//! container whose network it shares, a server that somebody adds to the web server's nginx, a tunnel whose other end has no TLS, or a network of its own in that of the host (macvlan, ipvlan).
//!
//! **Why**: they speak plain HTTP: passwords, tokens and files can be sniffed, and docker's published ports
//! go past the firewall rules of the host. Behind a reverse proxy that speaks TLS, a port that is published too
//! goes around it.
//!
//! bad: tests/fixtures/rules/public-port/bad.yml
//!
//! good: tests/fixtures/rules/public-port/good.yml
//!
//! **Fix**: publish on the address that a reverse proxy with TLS uses, e.g. `127.0.0.1:8080:80`. Give the proxy a certificate,
//! and let it publish 443; what it publishes at 80 should do nothing but redirect.
//!
//! **References**: ClearML, "Securing ClearML Server"; Docker, "Packet filtering and firewalls"; docs/clearml.md#networks-of-docker;
//! docs/clearml.md#proxies; docs/clearml.md#nginx-of-the-web-server.

use std::collections::HashSet;

use clearml_secure_core::container::{Container, Interface, Port};
use clearml_secure_core::deployment::exposure::{Reach, Way};
use clearml_secure_core::instance::Instance;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::address::is_private;
use crate::entry::{entry, is_within};
use crate::finding::{Draft, Finding, Fix, Severity};
use crate::words::{self, and};

/// Passwords and tokens can be sniffed (docs/clearml.md#ports-and-networks).
const CLEAR: Severity = Severity::Warning;
/// Clients come in through the load balancer: what they send is not there.
const BEHIND: Severity = Severity::Note;

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
        let proxy = case.deployment.containers.iter().find(|one| is_proxy(one));
        let around = match proxy {
            Some(proxy) => format!(", bypassing the TLS of {}", escape(&proxy.name)),
            None => " without TLS".to_owned(),
        };
        let mut seen = HashSet::new();
        let mut paths: Vec<Path> = Vec::new();
        for instance in &case.deployment.instances {
            let ports = &instance.listening.ports;
            let ways = ports.iter().flat_map(|port| {
                let ways = case.deployment.ways(instance.service, *port);
                ways.into_iter().map(move |way| (*port, way))
            });
            let mut has_host = false;
            for (port, way) in ways.filter(|(_, way)| way.is_clear() && is_open(way)) {
                let is_host = matches!(way.opening.reach, Reach::Host(_));
                // Of those that lead straight to a server, plain-http tells.
                let is_entrance = matches!(way.opening.reach, Reach::Entrance(_));
                if is_entrance && way.is_direct(instance.service) {
                    continue;
                }
                if !way.is_direct(instance.service) || is_on_a_network(&way) {
                    Path::add(&mut paths, case, instance, port, &way);
                    continue;
                }
                // Heirs of a service have its entry; what values make has the place of the values.
                let heir = case
                    .deployment
                    .manifests
                    .is_some()
                    .then_some(instance.service);
                let is_new = seen.insert((way.opening.span, heir));
                if is_host && !has_host || !is_host && is_new {
                    has_host |= is_host;
                    findings.push(direct(case, instance, &way, &around));
                }
            }
        }
        findings.extend(paths.iter().map(Path::finding));
    }

    fn together(&self, findings: &[&Finding]) -> Option<String> {
        Some(format!(
            "passwords and tokens can be sniffed: servers can be reached without TLS in {} places",
            findings.len()
        ))
    }
}

/// Whether others than the host and its own networks come in there.
fn is_open(way: &Way<'_>) -> bool {
    if matches!(&way.opening.reach, Reach::Entrance(entrance) if is_within(entrance)) {
        return false;
    }
    match way.opening.reach.interface() {
        Interface::All | Interface::Listed => true,
        Interface::Loopback | Interface::Private => false,
        Interface::One(address) => !is_private(address),
    }
}

fn is_on_a_network(way: &Way<'_>) -> bool {
    matches!(way.opening.reach, Reach::Network(..))
}

/// A server's own port.
fn direct(case: &Case<'_>, instance: &Instance, way: &Way<'_>, around: &str) -> Draft {
    let ports = &case.deployment.service(instance).ports;
    let port = ports.iter().find(|port| port.span == way.opening.span);
    if port.is_some_and(Port::is_behind_balancer) {
        let message = format!(
            "anyone who can reach a node can bypass the load balancer: {} of {} is open to every network without TLS",
            words::port(&way.opening.port),
            case.named(instance),
        );
        return Draft::new(BEHIND, message, words::close(port))
            .server(instance.server)
            .at(way.opening.span);
    }
    let help = match port {
        Some(port) if port.opener.is_some() => format!(
            "{}, and put an Ingress with TLS in front of it",
            words::close(Some(port))
        ),
        Some(port) => help(port),
        None if case.deployment.manifests.is_some() => {
            "remove `hostNetwork: true`, and put an Ingress with TLS in front of it".to_owned()
        }
        None => "remove `network_mode: host` and publish it on 127.0.0.1, behind a reverse proxy with TLS".to_owned(),
    };
    let place = words::place(way.opening.reach.interface());
    let message = format!(
        "{} of {} is open {place}{around}: passwords and tokens can be sniffed",
        words::port(&way.opening.port),
        case.named(instance),
    );
    Draft::new(CLEAR, message, help)
        .server(instance.server)
        .at(way.opening.span)
        .fixed_by(port.is_some().then_some(Fix::Bind))
}

/// One place at which something else leads to servers.
struct Path {
    span: Span,
    severity: Severity,
    /// What it is, up to whom it leads to.
    start: String,
    is_told: bool,
    help: String,
    /// The servers, each with its port.
    to: Vec<String>,
    server: clearml_secure_core::setting::Server,
}

impl Path {
    /// One place is one finding, however many servers it leads to.
    fn add(all: &mut Vec<Self>, case: &Case<'_>, instance: &Instance, port: u16, way: &Way<'_>) {
        let name = |index: usize| escape(&case.deployment.containers[index].name).into_owned();
        let to = format!("{}:{port}", name(instance.service));
        let start = format!("{} leads to", entry(case.deployment, way));
        let is_of = |path: &&mut Self| path.span == way.opening.span && path.start == start;
        if let Some(path) = all.iter_mut().find(is_of) {
            path.is_told &= way.is_told();
            if !path.to.contains(&to) {
                path.to.push(to);
            }
            return;
        }
        all.push(Self {
            span: way.opening.span,
            severity: match case.deployment.port(way) {
                Some(port) if port.is_behind_balancer() => BEHIND,
                _ => CLEAR,
            },
            start,
            is_told: way.is_told(),
            help: help_with(case, way),
            to: vec![to],
            server: instance.server,
        });
    }

    fn finding(&self) -> Draft {
        let unless = match self.is_told {
            true => "",
            false => ", unless its own configuration says otherwise",
        };
        let to: Vec<&str> = self.to.iter().map(String::as_str).collect();
        let (before, then) = match self.severity {
            BEHIND => (
                "anyone who can reach a node can bypass the load balancer: ",
                "",
            ),
            _ => ("", ": passwords and tokens can be sniffed"),
        };
        let message = format!(
            "{before}{} {} in clear text{unless}{then}",
            self.start,
            and(&to),
        );
        let draft = Draft::new(self.severity, message, self.help.as_str()).at(self.span);
        match self.to.len() {
            1 => draft.server(self.server),
            _ => draft,
        }
    }
}

/// What to do where something else leads to a server.
fn help_with(case: &Case<'_>, way: &Way<'_>) -> String {
    let help = match (&way.opening.reach, way.through.is_empty()) {
        (Reach::Published(_), is_direct) if case.deployment.manifests.is_some() => {
            let port = case.deployment.port(way);
            let close = words::close(port);
            return match is_direct {
                _ if port.is_some_and(Port::is_behind_balancer) => close.to_owned(),
                true => format!("{close}, and put an Ingress with TLS in front of it"),
                false => format!("turn on TLS there, or {close}"),
            };
        }
        (Reach::Network(..), true) => {
            "remove the server from this network, and put a reverse proxy with TLS in front of it"
        }
        (Reach::Entrance(entrance), _) => words::with_tls_alone(entrance),
        (Reach::Tunnel, _) => {
            "lead it to a reverse proxy with TLS, or use a tunnel whose other end speaks TLS"
        }
        (_, true) => "publish it on 127.0.0.1, behind a reverse proxy with TLS",
        (_, false) => "turn on TLS there, or publish it on 127.0.0.1 only",
    };
    help.to_owned()
}

/// A service that publishes what TLS is spoken on, with software for it.
fn is_proxy(service: &Container) -> bool {
    let speaks = |port: &Port| port.target.contains(&443) || port.target.contains(&8443);
    PROXIES.contains(&service.image_name()) && service.ports.iter().any(speaks)
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

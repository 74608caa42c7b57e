//! Rules of what speaks HTTP in front of Services, and whether TLS is spoken there.

use std::sync::Arc;

use super::{Services, list, target};
use crate::container::Entrance;
use crate::knowable::Knowable;
use crate::kubernetes::object::{Object, number};
use crate::shown::escape;
use crate::yaml::Node;
use crate::yaml::below::{at, text};

/// Annotations that give an Ingress TLS without `spec.tls`, each with a part of the value that says so.
const TLS: [(&str, &str); 7] = [
    ("alb.ingress.kubernetes.io/certificate-arn", ""),
    ("alb.ingress.kubernetes.io/listen-ports", "HTTPS"),
    ("ingress.gcp.kubernetes.io/pre-shared-cert", ""),
    ("networking.gke.io/managed-certificates", ""),
    ("route.openshift.io/termination", ""),
    (
        "traefik.ingress.kubernetes.io/router.entrypoints",
        "websecure",
    ),
    ("traefik.ingress.kubernetes.io/router.tls", "true"),
];

/// Every rule that leads to one of a pod's Services. `routes` are the Ingresses, Routes and HTTPRoutes of the pool, and
/// `gateways` what the last ones are of.
pub(in crate::kubernetes) fn entrances(
    services: &Services<'_>,
    container: &Node,
    routes: &[&Object],
    gateways: &[&Object],
) -> Vec<Entrance> {
    let mut found = Vec::new();
    for route in routes {
        let all = match route.kind.as_str() {
            "Ingress" => of_ingress(route),
            "Route" => of_route(route),
            _ => of_http_route(route, gateways),
        };
        for rule in all {
            let leads =
                |service: &&&Object| service.name == rule.service && service.may_be_beside(route);
            let Some(service) = services.0.iter().find(leads) else {
                continue;
            };
            let (is_there, port) = port_of(service, &rule.port, container);
            if is_there {
                found.push(Entrance {
                    name: format!("{} {}", route.kind, escape(&route.name)),
                    host: rule.host,
                    port,
                    is_tls: rule.is_tls,
                    span: route.span(rule.at),
                });
            }
        }
    }
    found
}

/// One rule.
struct Rule<'a> {
    host: Option<String>,
    service: String,
    /// Number or name of the Service's port; none where it has only one.
    port: Option<String>,
    is_tls: Knowable<bool>,
    at: &'a Node,
}

/// Whether a port of a Service leads to a container, and to which port of it.
fn port_of(service: &Object, wanted: &Option<String>, container: &Node) -> (bool, Option<u16>) {
    let ports = list(&service.node, &["spec", "ports"]);
    let is_meant = |port: &&Arc<Node>| match wanted {
        None => true,
        Some(wanted) => {
            text(port, &["port"]) == Some(wanted)
                || text(port, &["name"]) == Some(wanted)
                || text(port, &["targetPort"]) == Some(wanted)
        }
    };
    match ports.iter().find(is_meant) {
        Some(port) => {
            let target = target(port, container);
            (target.is_some(), target)
        }
        // What the rule says, the Service does not have; then nothing is told.
        None => (true, None),
    }
}

fn of_ingress(ingress: &Object) -> Vec<Rule<'_>> {
    let is_annotated = TLS.iter().any(|(name, part)| {
        let value = ingress.annotation(name);
        value.is_some_and(|value| value.contains(part))
    });
    let tls = list(&ingress.node, &["spec", "tls"]);
    let covers = |host: Option<&str>| {
        tls.iter().any(|entry| {
            let hosts = list(entry, &["hosts"]);
            let is_covered = |one: &Arc<Node>| covers(one.text().unwrap_or_default(), host);
            hosts.is_empty() || hosts.iter().any(is_covered)
        })
    };
    let backend = |node: &Node| {
        let own = ["backend", "defaultBackend"];
        let backend = own.iter().find_map(|key| at(node, &[key]))?;
        let name =
            text(backend, &["service", "name"]).or_else(|| text(backend, &["serviceName"]))?;
        let port = text(backend, &["service", "port", "number"])
            .or_else(|| text(backend, &["service", "port", "name"]))
            .or_else(|| text(backend, &["servicePort"]));
        Some((name.to_owned(), port.map(str::to_owned)))
    };
    let mut rules = Vec::new();
    let mut add = |host: Option<&str>, node: &Node, place| {
        if let Some((service, port)) = backend(node) {
            rules.push(Rule {
                host: host.map(str::to_owned),
                service,
                port,
                is_tls: Knowable::Known(is_annotated || covers(host)),
                at: place,
            });
        }
    };
    for rule in list(&ingress.node, &["spec", "rules"]) {
        let host = text(rule, &["host"]);
        for path in list(rule, &["http", "paths"]) {
            add(host, path, &**rule);
        }
    }
    if let Some(spec) = at(&ingress.node, &["spec"]) {
        let place = at(&ingress.node, &["metadata", "name"]).unwrap_or(spec);
        let is_default = spec.get("defaultBackend").is_some() || spec.get("backend").is_some();
        if is_default {
            add(None, spec, &**place);
        }
    }
    rules
}

/// Whether a name of a certificate's list covers a host.
fn covers(name: &str, host: Option<&str>) -> bool {
    match (name.strip_prefix("*."), host) {
        (_, None) => false,
        (None, Some(host)) => name.eq_ignore_ascii_case(host),
        (Some(domain), Some(host)) => host
            .split_once('.')
            .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain) || host == name),
    }
}

/// A Route of OpenShift.
fn of_route(route: &Object) -> Vec<Rule<'_>> {
    let Some(service) = text(&route.node, &["spec", "to", "name"]) else {
        return Vec::new();
    };
    let place = at(&route.node, &["spec", "host"])
        .or_else(|| at(&route.node, &["metadata", "name"]))
        .unwrap_or(&route.node);
    let allows_clear = text(
        &route.node,
        &["spec", "tls", "insecureEdgeTerminationPolicy"],
    );
    let has_tls = at(&route.node, &["spec", "tls"]).is_some();
    vec![Rule {
        host: text(&route.node, &["spec", "host"]).map(str::to_owned),
        service: service.to_owned(),
        port: text(&route.node, &["spec", "port", "targetPort"]).map(str::to_owned),
        is_tls: Knowable::Known(has_tls && allows_clear != Some("Allow")),
        at: place,
    }]
}

fn of_http_route<'a>(route: &'a Object, gateways: &[&Object]) -> Vec<Rule<'a>> {
    let hosts = list(&route.node, &["spec", "hostnames"]);
    let host = hosts.first().and_then(|host| host.text());
    let is_tls = gateway_tls(route, gateways);
    let mut rules = Vec::new();
    for rule in list(&route.node, &["spec", "rules"]) {
        for backend in list(rule, &["backendRefs"]) {
            let Some(service) = text(backend, &["name"]) else {
                continue;
            };
            rules.push(Rule {
                host: host.map(str::to_owned),
                service: service.to_owned(),
                port: number(backend, &["port"]).map(|port| port.to_string()),
                is_tls: is_tls.clone(),
                at: rule,
            });
        }
    }
    rules
}

/// Whether every listener that a route is of speaks TLS.
fn gateway_tls(route: &Object, gateways: &[&Object]) -> Knowable<bool> {
    let mut is_tls = true;
    for parent in list(&route.node, &["spec", "parentRefs"]) {
        let name = text(parent, &["name"]).unwrap_or_default();
        let Some(gateway) = gateways.iter().find(|gateway| gateway.name == name) else {
            return Knowable::unknown(format!(
                "Gateway {} was not given; add it as a TARGET",
                escape(name)
            ));
        };
        let section = text(parent, &["sectionName"]);
        let listeners = list(&gateway.node, &["spec", "listeners"]);
        let meant = listeners
            .iter()
            .filter(|one| section.is_none_or(|section| text(one, &["name"]) == Some(section)));
        for listener in meant {
            is_tls &= matches!(text(listener, &["protocol"]), Some("HTTPS" | "TLS"));
        }
    }
    Knowable::Known(is_tls)
}

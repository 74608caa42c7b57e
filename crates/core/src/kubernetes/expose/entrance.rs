//! Rules of what leads to Services from outside, and whether TLS is spoken there (docs/clearml.md#ways-into-a-cluster).

use std::collections::HashMap;
use std::sync::Arc;

use super::external::Externals;
use super::{Leading, Services, balancer};
use crate::container::{Entrance, EntranceKind, Interface, ServiceName, Speaks};
use crate::knowable::Knowable;
use crate::kubernetes::object::{Object, number};
use crate::kubernetes::pool::Pool;
use crate::shown::escape;
use crate::source::Span;
use crate::yaml::Node;
use crate::yaml::below::{at, list, text};

mod tls;
mod traefik;

/// All rules of the pool, by the Services that they name.
pub(in crate::kubernetes) struct Entrances<'a>(HashMap<String, Vec<(&'a Object, Rule)>>);

/// One rule.
#[derive(Clone)]
struct Rule {
    /// What it is.
    name: String,
    kind: EntranceKind,
    host: Option<String>,
    /// The Service, and its namespace where one is known.
    service: String,
    namespace: Option<String>,
    /// Number or name of the Service's port; none where it has only one.
    port: Option<String>,
    speaks: Knowable<Speaks>,
    is_bytes: bool,
    is_guarded: bool,
    interface: Interface,
    at: Span,
}

impl Rule {
    /// The same to a Service in the namespace that a reference names, if it names one.
    fn within(self, reference: &Node) -> Self {
        let named = text(reference, &["namespace"]).map(str::to_owned);
        Self {
            namespace: named.or(self.namespace),
            ..self
        }
    }

    /// The same for each of several hosts.
    fn at_hosts(&self, hosts: &[Option<&str>]) -> impl Iterator<Item = Self> {
        hosts.iter().map(|host| Self {
            host: host.map(str::to_owned),
            ..self.clone()
        })
    }
}

impl<'a> Entrances<'a> {
    pub(in crate::kubernetes) fn of(pool: &'a Pool, externals: &Externals<'_>) -> Self {
        let of_kind = |kind: &str| -> Vec<&Object> {
            let objects = pool.objects.iter();
            objects.filter(|object| object.kind == kind).collect()
        };
        let gateways = of_kind("Gateway");
        let middlewares = traefik::Middlewares::of(pool);
        let mut by_service: HashMap<String, Vec<(&Object, Rule)>> = HashMap::new();
        for object in &pool.objects {
            let rules = match object.kind.as_str() {
                "ConfigMap" => of_config_map(object),
                "HTTPRoute" => of_http_route(object, &gateways),
                "Ingress" => of_ingress(object, &middlewares.of_ingress(object)),
                "IngressRoute" | "IngressRouteTCP" => middlewares.rules_of(object),
                "Route" => of_route(object),
                _ => continue,
            };
            for mut rule in rules {
                let service = ServiceName {
                    name: &rule.service,
                    namespace: rule.namespace.as_deref(),
                };
                if let Some(external) = externals.named(service) {
                    let ports = list(&external.service.node, &["spec", "ports"]);
                    // Only what is asked for counts: nothing is translated on the way.
                    if let Some(port) = ports.iter().find(|port| is_meant(port, &rule.port)) {
                        let asked = number(port, &["targetPort"]).or(number(port, &["port"]));
                        rule.port = asked.map(|port| port.to_string());
                    }
                    rule.service = external.name.clone();
                    rule.namespace = external.namespace.clone();
                }
                let of_service = by_service.entry(rule.service.clone()).or_default();
                of_service.push((object, rule));
            }
        }
        Self(by_service)
    }

    /// Every rule that leads to a pod by one of its Services.
    pub(in crate::kubernetes) fn to(
        &self,
        services: &Services<'_>,
        workload: &Object,
        declared: &[&Arc<Node>],
    ) -> Vec<Entrance> {
        let mut found: Vec<Entrance> = Vec::new();
        for leading in &services.0 {
            let service = leading.service;
            let is_meant = |(route, rule): &&(&Object, Rule)| {
                route.is_of_release_of(workload)
                    && (rule.namespace.is_none()
                        || service.namespace.is_none()
                        || rule.namespace == service.namespace)
            };
            let rules = self.0.get(&service.name).into_iter().flatten();
            for (_, rule) in rules.filter(is_meant) {
                let (is_there, port) = port_of(leading, &rule.port, declared);
                let entrance = Entrance {
                    name: rule.name.clone(),
                    kind: rule.kind,
                    host: rule.host.clone(),
                    port,
                    speaks: rule.speaks.clone(),
                    is_bytes: rule.is_bytes,
                    is_guarded: rule.is_guarded,
                    interface: rule.interface,
                    span: rule.at,
                };
                if is_there && !found.contains(&entrance) {
                    found.push(entrance);
                }
            }
        }
        found.sort_by_key(|one| (one.span.source, one.span.start));
        found
    }
}

/// Whether a port of a Service leads to a pod, and to which port of it.
fn port_of(
    leading: &Leading<'_>,
    wanted: &Option<String>,
    declared: &[&Arc<Node>],
) -> (bool, Option<u16>) {
    let ports = list(&leading.service.node, &["spec", "ports"]);
    match ports.iter().find(|port| is_meant(port, wanted)) {
        Some(port) => {
            let target = leading.target(port, declared);
            (target.is_some(), target)
        }
        // What the rule says, the Service does not have; then nothing is told.
        None => (true, None),
    }
}

/// Whether a rule means a port of a Service.
fn is_meant(port: &Node, wanted: &Option<String>) -> bool {
    let keys = ["port", "name", "targetPort"];
    wanted.as_deref().is_none_or(|wanted| {
        let mut words = keys.iter().filter_map(|key| text(port, &[key]));
        words.any(|word| word == wanted)
    })
}

/// A rule of an object, as far as all are alike.
fn rule(object: &Object, service: &str, speaks: Knowable<Speaks>, at: &Node) -> Rule {
    Rule {
        name: format!("{} {}", object.kind, escape(&object.name)),
        kind: match object.kind.as_str() {
            "HTTPRoute" => EntranceKind::HttpRoute,
            "Ingress" => EntranceKind::Ingress,
            "IngressRoute" | "IngressRouteTCP" => EntranceKind::IngressRoute,
            "Route" => EntranceKind::Route,
            _ => EntranceKind::Service,
        },
        host: None,
        service: service.to_owned(),
        namespace: object.namespace.clone(),
        port: None,
        speaks,
        is_bytes: false,
        is_guarded: tls::is_guarded(object),
        interface: Interface::All,
        at: object.span(at),
    }
}

fn of_ingress(ingress: &Object, done: &traefik::Done) -> Vec<Rule> {
    const PASSTHROUGH: &str = "nginx.ingress.kubernetes.io/ssl-passthrough";
    let mut rules = Vec::new();
    let mut add = |host: Option<&str>, backend: &Node, place: &Node| {
        let service =
            text(backend, &["service", "name"]).or_else(|| text(backend, &["serviceName"]));
        let port = text(backend, &["service", "port", "number"])
            .or_else(|| text(backend, &["service", "port", "name"]))
            .or_else(|| text(backend, &["servicePort"]));
        let speaks = done.after(tls::of_ingress(ingress, host));
        rules.extend(service.zip(speaks).map(|(service, speaks)| {
            let own = rule(ingress, service, speaks, place);
            Rule {
                host: host.map(str::to_owned),
                port: port.map(str::to_owned),
                is_bytes: tls::obeyed(ingress, PASSTHROUGH) == Some("true"),
                interface: balancer::of_ingress(ingress),
                is_guarded: own.is_guarded || done.is_guarded,
                ..own
            }
        }));
    };
    for rule in list(&ingress.node, &["spec", "rules"]) {
        for path in list(rule, &["http", "paths"]) {
            if let Some(backend) = at(path, &["backend"]) {
                add(text(rule, &["host"]), backend, rule);
            }
        }
    }
    for key in ["defaultBackend", "backend"] {
        if let Some(backend) = at(&ingress.node, &["spec", key]) {
            let place = at(&ingress.node, &["metadata", "name"]).unwrap_or(backend);
            add(None, backend, place);
        }
    }
    rules
}

/// A Route of OpenShift.
fn of_route(route: &Object) -> Vec<Rule> {
    let spec = |keys: &[&str]| text(&route.node, &[&["spec"], keys].concat());
    let place = at(&route.node, &["spec", "host"])
        .or_else(|| at(&route.node, &["metadata", "name"]))
        .unwrap_or(&route.node);
    let is_clear_too = spec(&["tls", "insecureEdgeTerminationPolicy"]) == Some("Allow");
    let speaks = match at(&route.node, &["spec", "tls"]) {
        None => Speaks::Clear,
        Some(_) if is_clear_too => Speaks::Both,
        Some(_) => Speaks::Tls,
    };
    let others = list(&route.node, &["spec", "alternateBackends"]).iter();
    let others = others.filter_map(|other| text(other, &["name"]));
    let services = spec(&["to", "name"]).into_iter().chain(others);
    let of_service = |service| Rule {
        host: spec(&["host"]).map(str::to_owned),
        port: spec(&["port", "targetPort"]).map(str::to_owned),
        is_bytes: spec(&["tls", "termination"]) == Some("passthrough"),
        ..rule(route, service, Knowable::Known(speaks), place)
    };
    services.map(of_service).collect()
}

fn of_http_route(route: &Object, gateways: &[&Object]) -> Vec<Rule> {
    let hosts = list(&route.node, &["spec", "hostnames"]).iter();
    let mut hosts: Vec<Option<&str>> = hosts.map(|host| host.text()).collect();
    if hosts.is_empty() {
        hosts.push(None);
    }
    let mut rules = Vec::new();
    let listening = tls::of_gateways(route, gateways);
    for part in list(&route.node, &["spec", "rules"]) {
        // Nobody sees what a mirror answers, and it does what it is asked all the same.
        let backends = list(part, &["backendRefs"]);
        let of_backends = backends.iter().flat_map(|one| list(one, &["filters"]));
        let filters = list(part, &["filters"]).iter().chain(of_backends);
        let mirrors = filters.filter_map(|one| at(one, &["requestMirror", "backendRef"]));
        for backend in backends.iter().chain(mirrors) {
            let Some(service) = text(backend, &["name"]) else {
                continue;
            };
            for (speaks, interface) in &listening {
                let own = rule(route, service, speaks.clone(), part).within(backend);
                let own = Rule {
                    port: number(backend, &["port"]).map(|port| port.to_string()),
                    interface: *interface,
                    ..own
                };
                rules.extend(own.at_hosts(&hosts));
            }
        }
    }
    rules
}

/// Whether a ConfigMap names Services by ports, as a table of ingress-nginx does.
pub(in crate::kubernetes) fn is_table(map: &Object) -> bool {
    !of_config_map(map).is_empty()
}

/// A table of ingress-nginx: `9200: NAMESPACE/SERVICE:9200` at each port that it opens.
fn of_config_map(map: &Object) -> Vec<Rule> {
    let Some(data) = at(&map.node, &["data"]) else {
        return Vec::new();
    };
    let is_port = |key: &str| key.parse::<u16>().is_ok();
    let mut rules = Vec::new();
    for field in data.fields() {
        let key = field.key.scalar().map(|key| key.text()).unwrap_or_default();
        let to = field.value.text().filter(|_| is_port(key));
        let to = to.and_then(|to| to.split_once('/'));
        let Some((namespace, rest)) = to.filter(|_| !map.name.contains("udp")) else {
            continue;
        };
        let mut parts = rest.split(':');
        let service = parts.next().unwrap_or_default();
        rules.push(Rule {
            name: format!("port {key} of ConfigMap {}", escape(&map.name)),
            namespace: Some(namespace.to_owned()),
            port: parts.next().map(str::to_owned),
            is_bytes: true,
            ..rule(map, service, Knowable::Known(Speaks::Clear), field.value)
        });
    }
    rules
}

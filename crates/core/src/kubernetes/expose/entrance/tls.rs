//! What an entrance speaks with who comes in, and whether it lets everybody in.

use std::sync::Arc;

use super::super::balancer::{self, class};
use super::super::list;
use crate::container::{Interface, Speaks};
use crate::knowable::Knowable;
use crate::kubernetes::object::Object;
use crate::shown::escape;
use crate::yaml::Node;
use crate::yaml::below::text;

/// Annotations that give an Ingress TLS without `spec.tls`, each with a part of the value that says so.
const TLS: [(&str, &str); 7] = [
    (ALB_CERTIFICATE, ""),
    (ALB_PORTS, "HTTPS"),
    (GKE[0], ""),
    (GKE[1], ""),
    ("route.openshift.io/termination", ""),
    (TRAEFIK_ENTRY_POINTS, "websecure"),
    (TRAEFIK_TLS, "true"),
];
const ALB_CERTIFICATE: &str = "alb.ingress.kubernetes.io/certificate-arn";
const ALB_PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";
const GKE: [&str; 2] = [
    "ingress.gcp.kubernetes.io/pre-shared-cert",
    "networking.gke.io/managed-certificates",
];
const TRAEFIK_ENTRY_POINTS: &str = "traefik.ingress.kubernetes.io/router.entrypoints";
const TRAEFIK_TLS: &str = "traefik.ingress.kubernetes.io/router.tls";

/// What Go's `ParseBool` takes for true and for false.
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE: [&str; 6] = ["0", "f", "F", "FALSE", "false", "False"];

/// Annotations of controllers that ask for a password, or look at the address, by the last part of their names.
const GUARDS: [&str; 10] = [
    "allow-list",
    "allowlist-source-range",
    "auth-tls-secret",
    "auth-type",
    "auth-url",
    "inbound-cidrs",
    "ip_allowlist",
    "ip_whitelist",
    "whitelist",
    "whitelist-source-range",
];

/// Controllers: a word in the names of their classes, and those before the annotations that they obey.
const CONTROLLERS: [(&str, &[&str]); 10] = [
    ("alb", &["alb"]),
    ("contour", &["contour"]),
    ("gce", &["gce", "gcp", "gke"]),
    ("haproxy", &["haproxy"]),
    ("istio", &["istio"]),
    ("kong", &["kong"]),
    ("nginx", &["nginx"]),
    ("openshift", &["openshift"]),
    ("tailscale", &["tailscale"]),
    ("traefik", &["traefik"]),
];

/// What is before the annotations of no controller alone, and the controllers that obey these.
const SHARED: &str = "ingress.kubernetes.io";
const SHARING: [&str; 3] = ["contour", "haproxy", "nginx"];

/// Whether the controller of a class obeys an annotation. Where the class tells none, it may be any.
fn obeys(object: &Object, annotation: &str) -> bool {
    let class = class(object).unwrap_or_default();
    let before = annotation.split('/').next().unwrap_or_default();
    let is_named = |name: &str| {
        let mut words = class.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word == name)
    };
    let known = CONTROLLERS.iter().filter(|(name, _)| is_named(name));
    let mut known = known.peekable();
    let obeys = |(name, own): &(&str, &[&str])| match before {
        SHARED => SHARING.contains(name),
        _ => own.iter().any(|word| before.contains(word)),
    };
    known.peek().is_none() || known.any(obeys)
}

/// The value of an annotation that is obeyed.
pub(super) fn obeyed<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.annotation(name).filter(|_| obeys(object, name))
}

/// Whether something is asked of who comes in.
pub(super) fn is_guarded(object: &Object) -> bool {
    let asks = |(name, value): (&str, &str)| {
        let last = name.rsplit('/').next().unwrap_or(name);
        GUARDS.contains(&last)
            && obeys(object, name)
            && !["", "none"].contains(&value)
            && !value.contains("0.0.0.0/0")
    };
    object.annotations().any(asks)
}

/// What an Ingress speaks at a host.
pub(super) fn of_ingress(ingress: &Object, host: Option<&str>) -> Speaks {
    if class(ingress) == Some("tailscale") {
        // Its operator gets a certificate for the name. Clear text, where it is told to take it, comes from Tailscale's own
        // network alone, which encrypts it.
        return Speaks::Tls;
    }
    let has = |(name, part): &(&str, &str)| {
        let value = obeyed(ingress, name);
        value.is_some_and(|value| value.contains(part))
    };
    let covers = |entry: &Arc<Node>| {
        let hosts = list(entry, &["hosts"]);
        let is_covered = |one: &Arc<Node>| covers(one.text().unwrap_or_default(), host);
        hosts.is_empty() || hosts.iter().any(is_covered)
    };
    let is_covered = list(&ingress.node, &["spec", "tls"]).iter().any(covers);
    match is_covered || TLS.iter().any(has) || is_forced(ingress) {
        false => Speaks::Clear,
        true if is_clear_too(ingress) => Speaks::Both,
        true => Speaks::Tls,
    }
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

/// Whether an Ingress that speaks TLS answers in clear text, too: controllers redirect, unless they are told not to. Google's
/// does not, unless it is told to.
fn is_clear_too(ingress: &Object) -> bool {
    let is = |name: &str, value: &str| ingress.annotation(name) == Some(value);
    let has_key = |part: &str| ingress.annotations().any(|(name, _)| name.contains(part));
    let mut all = ingress
        .annotations()
        .filter(|(name, _)| obeys(ingress, name));
    let is_told = all.any(|(name, value)| {
        name.ends_with("/ssl-redirect") && FALSE.contains(&value)
            || name == TRAEFIK_ENTRY_POINTS
                && !is(TRAEFIK_TLS, "true")
                && value.split(',').any(|point| point.trim() != "websecure")
            || name == ALB_PORTS && value.contains("\"HTTP\"") && !has_key("ssl-redirect")
    });
    let is_googles = matches!(class(ingress), Some("gce" | "gce-internal"))
        || GKE.iter().any(|name| ingress.annotation(name).is_some());
    is_told && !is_forced(ingress)
        || is_googles
            && !is("kubernetes.io/ingress.allow-http", "false")
            && !has_key("FrontendConfig")
}

/// Whether ingress-nginx sends everybody to https, with a certificate of its own where the Ingress names none.
fn is_forced(ingress: &Object) -> bool {
    let told = obeyed(ingress, "nginx.ingress.kubernetes.io/force-ssl-redirect");
    told.is_some_and(|told| TRUE.contains(&told))
}

/// What a route is reached by: from where, and what is spoken there; nothing where it is of nothing.
pub(super) type Listening = Vec<(Knowable<Speaks>, Interface)>;

/// What the listeners speak that a route is of, for each network from which they are reached: clear text in a private one says
/// nothing of a public one.
pub(super) fn of_gateways(route: &Object, gateways: &[&Object]) -> Listening {
    let unknown = |why: String| vec![(Knowable::unknown(why), Interface::All)];
    let mut found: Vec<(Interface, Vec<bool>)> = Vec::new();
    let parents = list(&route.node, &["spec", "parentRefs"]).iter();
    let hosts = list(&route.node, &["spec", "hostnames"]).iter();
    let hosts: Vec<&str> = hosts.filter_map(|host| host.text()).collect();
    // A Service as a parent is for what pods of the cluster ask.
    let is_outside = |parent: &&Arc<Node>| text(parent, &["kind"]) != Some("Service");
    for parent in parents.filter(is_outside) {
        let name = text(parent, &["name"]).unwrap_or_default();
        let kind = text(parent, &["kind"]).unwrap_or("Gateway");
        if kind != "Gateway" {
            return unknown(format!(
                "its parent is {} {}, of a kind that is not read",
                escape(kind),
                escape(name)
            ));
        }
        let namespace = text(parent, &["namespace"]).or(route.namespace.as_deref());
        let is_parent = |gateway: &&&Object| {
            let own = gateway.namespace.as_deref();
            gateway.name == name && (own.is_none() || namespace.is_none() || own == namespace)
        };
        let own: Vec<&&Object> = gateways.iter().filter(is_parent).collect();
        if own.is_empty() {
            return unknown(format!(
                "Gateway {} was not given; add it as a TARGET",
                escape(name)
            ));
        }
        for gateway in own {
            let interface = balancer::of_gateway(gateway);
            let at = found.iter().position(|(known, _)| *known == interface);
            let at = at.unwrap_or_else(|| {
                found.push((interface, Vec::new()));
                found.len() - 1
            });
            found[at].1.extend(protocols(gateway, parent, &hosts));
        }
    }
    let spoken = |(interface, is_tls): (Interface, Vec<bool>)| {
        let speaks = match (is_tls.contains(&true), is_tls.contains(&false)) {
            (false, false) => Knowable::unknown("its Gateway has no such listener"),
            (false, true) => Knowable::Known(Speaks::Clear),
            (true, false) => Knowable::Known(Speaks::Tls),
            (true, true) => Knowable::Known(Speaks::Both),
        };
        (speaks, interface)
    };
    found.into_iter().map(spoken).collect()
}

/// Whether two names of hosts, each maybe with `*.` in front, have one in common.
fn meet(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(str::to_ascii_lowercase);
    let within = |name: &str, wide: &str| {
        let domain = wide.strip_prefix('*');
        domain.is_some_and(|domain| name.trim_start_matches('*').ends_with(domain))
    };
    one == other || within(&one, &other) || within(&other, &one)
}

/// Whether the listeners of a Gateway speak TLS that a route's parent means, and that are for one of its hosts.
fn protocols(gateway: &Object, parent: &Node, hosts: &[&str]) -> Vec<bool> {
    let is_for_them = |listener: &&Arc<Node>| {
        let own = text(listener, &["hostname"]).filter(|own| !own.is_empty());
        own.is_none_or(|own| hosts.is_empty() || hosts.iter().any(|host| meet(own, host)))
    };
    let is_meant = |listener: &&Arc<Node>| {
        ["sectionName", "port"]
            .iter()
            .zip(["name", "port"])
            .all(|(wanted, own)| {
                let wanted = text(parent, &[wanted]);
                wanted.is_none_or(|wanted| text(listener, &[own]) == Some(wanted))
            })
    };
    let meant = list(&gateway.node, &["spec", "listeners"])
        .iter()
        .filter(is_meant)
        .filter(is_for_them);
    let protocols = meant.filter_map(|listener| text(listener, &["protocol"]));
    protocols
        .map(|protocol| matches!(protocol, "HTTPS" | "TLS"))
        .collect()
}

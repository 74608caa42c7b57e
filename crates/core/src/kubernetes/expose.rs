//! What leads to a pod from outside: Services, Ingresses, Routes, HTTPRoutes, and the node's own network
//! (docs/clearml.md#ways-into-a-cluster).

mod balancer;
pub(super) mod endpoints;
mod entrance;
mod external;
pub(super) mod policy;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::object::{Object, number};
use super::pool::Pool;
use crate::compose::port;
use crate::container::{Alias, Entrance, EntranceKind, Interface, Opener, Port};
use crate::shown::escape;
use crate::source::Span;
use crate::yaml::Node;
use crate::yaml::below::{at, list, text, truth};
pub(super) use entrance::{Entrances, is_table};
pub(super) use external::{External, Externals};

/// Where a Service says to which pods it leads.
pub(super) const SELECTOR: &[&str] = &["spec", "selector"];

/// All Services, by the first label of those for which each of them asks: a namespace may have thousands.
pub(super) struct Selectors<'a> {
    by_label: HashMap<(&'a str, &'a str), Vec<&'a Object>>,
    unselected: Vec<&'a Object>,
}

impl<'a> Selectors<'a> {
    pub(super) fn of(pool: &'a Pool) -> Self {
        let mut selectors = Self {
            by_label: HashMap::new(),
            unselected: Vec::new(),
        };
        for service in pool.objects.iter().filter(|one| one.kind == "Service") {
            match at(&service.node, SELECTOR).and_then(|wanted| given_labels(wanted).next()) {
                Some(label) => selectors.by_label.entry(label).or_default().push(service),
                None => selectors.unselected.push(service),
            }
        }
        selectors
    }

    /// Those that may lead to a pod of a workload.
    fn may_lead_to(&self, workload: &Object, pod: &Node) -> Vec<&'a Object> {
        let own = at(pod, &["metadata", "labels"]);
        let own = own.into_iter().flat_map(|own| labels(own));
        let named = own.filter_map(|label| self.by_label.get(&label)).flatten();
        let all = named.chain(&self.unselected).copied();
        let is_near = |one: &&Object| one.may_be_beside(workload) && one.is_of_release_of(workload);
        let mut all: Vec<&Object> = { all }.filter(is_near).collect();
        all.sort_by_key(|service| (service.source, service.range.start));
        all
    }
}

/// The labels in a mapping.
pub(super) fn labels(all: &Node) -> impl Iterator<Item = (&str, &str)> {
    let fields = all.fields().into_iter();
    fields.filter_map(|field| Some((field.key.scalar()?.text(), field.value.text()?)))
}

/// The label with the name of a pod, which a StatefulSet puts on those that it makes.
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// Others that a controller puts on pods, and on what leads to them: no workload has them.
const ADDED: [&str; 3] = [
    "apps.kubernetes.io/pod-index",
    "pod-template-hash",
    "rollouts-pod-template-hash",
];

/// The labels in a selector that a workload gives its pods.
pub(super) fn given_labels(all: &Node) -> impl Iterator<Item = (&str, &str)> {
    labels(all).filter(|(name, _)| *name != POD_NAME && !ADDED.contains(name))
}

/// The Services that lead to a pod, each by its own name.
pub(super) struct Services<'a>(Vec<Leading<'a>>);

/// A Service that leads to a pod.
struct Leading<'a> {
    service: &'a Object,
    /// The lists of ports of its endpoints, where these name the pod and no selector does.
    endpoints: Option<Vec<&'a [Arc<Node>]>>,
}

impl<'a> Services<'a> {
    /// Those of the namespace that select a pod. Where no namespace is written, one that leads to a pod of its own file is not
    /// meant for that of another, which is another release.
    pub(super) fn of(
        pool: &'a Pool,
        selectors: &Selectors<'a>,
        (workload, pod): (&Object, &Node),
        is_at_home: impl Fn(&Object) -> bool,
    ) -> Self {
        let is_elsewhere = |service: &Object| {
            service.unit != workload.unit
                && (service.namespace.is_none() || workload.namespace.is_none())
                && is_at_home(service)
        };
        let may_lead = selectors.may_lead_to(workload, pod).into_iter();
        let leading = may_lead.filter_map(|service| {
            let selected = Self::leads_to(service, workload).then_some(None);
            let endpoints = selected.or_else(|| {
                let ports = endpoints::of_pod(pool, service, workload);
                (!ports.is_empty()).then_some(Some(ports))
            })?;
            (!is_elsewhere(service)).then_some(Leading { service, endpoints })
        });
        Self(leading.collect())
    }

    /// Whether one selects the pods of a workload.
    pub(super) fn leads_to(service: &Object, workload: &Object) -> bool {
        let wanted = at(&service.node, SELECTOR);
        let wanted = || wanted.into_iter().flat_map(|wanted| labels(wanted));
        wanted().any(|(name, _)| !ADDED.contains(&name))
            && wanted().all(|label| is_met(workload, label))
    }

    /// The names and addresses by which others find the pod.
    pub(super) fn names(&self, workload: &Object, externals: &Externals<'_>) -> Vec<Alias> {
        let mut names = Vec::new();
        for Leading { service, .. } in &self.0 {
            let mut add = |name: &str, namespace: Option<&String>| {
                names.push(Alias {
                    name: name.to_owned(),
                    network: None,
                    namespace: namespace.cloned(),
                });
            };
            let namespace = service.namespace.as_ref().or(workload.namespace.as_ref());
            add(&service.name, namespace);
            if let Some(name) = name_of_pod(service, workload) {
                add(&name, namespace);
            }
            for address in addresses(service) {
                add(address, None);
            }
            for other in externals.all().filter(|other| other.means(service)) {
                add(&other.service.name, other.service.namespace.as_ref());
            }
        }
        names
    }

    /// The ports that they open on every node, or at a load balancer; and as entrances those where that may speak TLS.
    pub(super) fn ports(&self, declared: &[&Arc<Node>]) -> (Vec<Port>, Vec<Entrance>) {
        let (mut ports, mut entrances) = (Vec::new(), Vec::new());
        for leading in &self.0 {
            let service = leading.service;
            let kind = text(&service.node, &["spec", "type"]).unwrap_or("ClusterIP");
            let is_balanced = kind == "LoadBalancer";
            let has_addresses = !list(&service.node, &["spec", "externalIPs"]).is_empty();
            let is_node_port = kind == "NodePort";
            let opener = match is_balanced || is_node_port || has_addresses {
                true => Opener::Service {
                    by_type: is_balanced || is_node_port,
                    by_addresses: has_addresses,
                },
                false if balancer::is_on_tailnet(service) => Opener::Tailnet,
                false => continue,
            };
            let interface = match opener {
                Opener::Service { .. } if is_node_port || has_addresses => Interface::All,
                _ => balancer::interface(service),
            };
            for item in list(&service.node, &["spec", "ports"]) {
                let Some(target) = leading.target(item, declared) else {
                    continue;
                };
                let span = service.span(item);
                let own = number(item, &["port"]);
                let speaks = balancer::speaks(service, item).filter(|_| is_balanced);
                let is_for_all = interface == Interface::All && speaks.is_none();
                if is_balanced && !is_for_all {
                    ports.extend(on_nodes(service, item, target));
                }
                if let Some(speaks) = speaks {
                    let own = own.map_or_else(String::new, |port| format!("port {port} of "));
                    entrances.push(Entrance {
                        name: format!("{own}Service {}", escape(&service.name)),
                        kind: EntranceKind::Service,
                        host: None,
                        port: Some(target),
                        speaks,
                        is_bytes: true,
                        is_guarded: false,
                        interface,
                        span,
                    });
                    continue;
                }
                let published = match kind {
                    "NodePort" => number(item, &["nodePort"]),
                    _ => own,
                };
                ports.push(Port {
                    target: target..=target,
                    published: published.map(|port| port..=port),
                    interface,
                    address: None,
                    protocol: protocol(item),
                    opener: Some(opener),
                    span,
                });
            }
        }
        (ports, entrances)
    }
}

/// Whether each pod of a Service has an address of its own there, and none is common to all.
pub(super) fn is_headless(service: &Object) -> bool {
    text(&service.node, &["spec", "clusterIP"]) == Some("None")
}

/// The name of a pod with a name of its own behind a Service.
fn name_of_pod(service: &Object, workload: &Object) -> Option<String> {
    let pod = workload.pod().filter(|_| is_headless(service))?;
    let own = text(pod, &["spec", "hostname"])?;
    let is_there = text(pod, &["spec", "subdomain"]) == Some(&service.name);
    is_there.then(|| format!("{own}.{}", service.name))
}

/// The addresses of a Service, and the names that its load balancer has outside.
pub(super) fn addresses(service: &Object) -> impl Iterator<Item = &str> {
    let lists = ["clusterIPs", "externalIPs"].into_iter();
    let lists = lists.flat_map(|key| list(&service.node, &["spec", key]));
    let balanced = list(&service.node, &["status", "loadBalancer", "ingress"]).iter();
    let addresses = balanced.clone().filter_map(|one| text(one, &["ip"]));
    let names = balanced.filter_map(|one| text(one, &["hostname"]));
    let own = text(&service.node, &["spec", "clusterIP"]).into_iter();
    let all = own
        .chain(lists.filter_map(|one| one.text()))
        .chain(addresses);
    let all = all.filter(|address| address.parse::<IpAddr>().is_ok());
    all.chain(names.filter(|name| name.contains('.')))
}

/// The ports that the containers of a pod open on its node.
pub(super) fn host_ports(workload: &Object, declared: &[&Arc<Node>]) -> Vec<Port> {
    let port = |item: &&Arc<Node>| {
        let target = number(item, &["containerPort"])?;
        let published = number(item, &["hostPort"])?;
        let address = text(item, &["hostIP"]).unwrap_or_default();
        Some(Port {
            target: target..=target,
            published: Some(published..=published),
            interface: port::interface(address)?,
            address: address.parse().ok(),
            protocol: protocol(item),
            opener: Some(Opener::HostPort),
            span: workload.span(item),
        })
    };
    declared.iter().filter_map(port).collect()
}

/// The port that is open on every node for a load balancer, unless the Service says that it needs none: one that it names itself
/// is open all the same.
fn on_nodes(service: &Object, item: &Node, target: u16) -> Option<Port> {
    let spec = |key: &str| at(&service.node, &["spec", key]);
    let own = at(item, &["nodePort"]).filter(|_| number(item, &["nodePort"]) != Some(0));
    let is_given =
        spec("allocateLoadBalancerNodePorts").and_then(|node| truth(node)) != Some(false);
    let place = own.or_else(|| spec("type").filter(|_| is_given))?;
    let published = number(item, &["nodePort"]).filter(|port| *port != 0);
    Some(Port {
        target: target..=target,
        published: published.map(|port| port..=port),
        interface: Interface::All,
        address: None,
        protocol: protocol(item),
        opener: Some(Opener::BehindBalancer),
        span: service.span(place),
    })
}

/// The protocol of a port, which is TCP where nothing else is said.
fn protocol(port: &Node) -> String {
    let own = text(port, &["protocol"]);
    own.unwrap_or("TCP").to_ascii_lowercase()
}

impl Leading<'_> {
    /// The port of a pod to which a port leads: where a selector names the pod, what the port says, and else that of the same
    /// name among the endpoints.
    fn target(&self, port: &Node, declared: &[&Arc<Node>]) -> Option<u16> {
        let Some(endpoints) = &self.endpoints else {
            return target(port, declared);
        };
        let name = |port: &Node| text(port, &["name"]).unwrap_or_default().to_owned();
        let mut all = endpoints.iter().copied().flatten();
        number(all.find(|one| name(one) == name(port))?, &["port"])
    }
}

/// The port of a pod to which a port of a Service leads; none where no container of it declares one of that name.
fn target(port: &Node, declared: &[&Arc<Node>]) -> Option<u16> {
    let target = text(port, &["targetPort"]).or_else(|| text(port, &["port"]))?;
    let is_named = |one: &&&Arc<Node>| text(one, &["name"]) == Some(target);
    match target.parse().ok() {
        // Nothing has to be declared.
        Some(number) => Some(number),
        None => number(declared.iter().find(is_named)?, &["containerPort"]),
    }
}

/// Whether the pods of a workload have a label.
fn is_met(workload: &Object, (name, value): (&str, &str)) -> bool {
    let own = workload.pod().and_then(|pod| label(pod, name));
    match own {
        Some(own) => own == value,
        None if name == POD_NAME => endpoints::is_pod_of(workload, value),
        None => ADDED.contains(&name),
    }
}

/// The value of a label of a pod.
fn label<'a>(pod: &'a Node, name: &str) -> Option<&'a str> {
    let labels = at(pod, &["metadata", "labels"])?;
    labels.get(name)?.value.text()
}

/// Whether a pod is on the network of its node, and what says so.
pub(super) fn host_network(workload: &Object, spec: &Node) -> Option<Span> {
    let node = at(spec, &["hostNetwork"])?;
    (truth(node) == Some(true)).then(|| workload.span(node))
}

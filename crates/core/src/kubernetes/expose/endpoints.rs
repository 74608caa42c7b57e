//! Services without a selector whose endpoints name pods (docs/clearml.md#ways-into-a-cluster).

use std::sync::Arc;

use crate::kubernetes::object::Object;
use crate::kubernetes::pool::Pool;
use crate::yaml::Node;
use crate::yaml::below::{at, list, text};

/// The signs of which Kubernetes makes the ends of names.
const SIGNS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Addresses, each of a pod or not, and the ports at them.
type Part<'a> = (Vec<&'a Node>, &'a [Arc<Node>]);

/// Whether a Service has no selector.
pub(in crate::kubernetes) fn is_unselected(service: &Object) -> bool {
    let selector = at(&service.node, &["spec", "selector"]);
    selector.is_none_or(|selector| selector.fields().is_empty())
}

/// The ports at which the endpoints of a Service without a selector lead to a pod of a workload.
pub(super) fn of_pod<'a>(
    pool: &'a Pool,
    service: &'a Object,
    workload: &Object,
) -> Vec<&'a [Arc<Node>]> {
    if !is_unselected(service) {
        return Vec::new();
    }
    let is_own = |address: &&Node| pod(address).is_some_and(|name| is_pod_of(workload, name));
    let parts = parts(pool, service).into_iter();
    let own = parts.filter(|(addresses, _)| addresses.iter().any(is_own));
    own.map(|(_, ports)| ports).collect()
}

/// Whether every address that the endpoints of a Service have, and there is one, is of a pod that was given.
pub(in crate::kubernetes) fn are_known(pool: &Pool, service: &Object) -> bool {
    let parts = parts(pool, service);
    let mut addresses = parts.iter().flat_map(|(addresses, _)| addresses).peekable();
    let is_given = |name: &str| {
        let mut workloads = pool.objects.iter().filter(|one| one.is_workload());
        workloads.any(|one| one.may_be_beside(service) && is_pod_of(one, name))
    };
    addresses.peek().is_some() && addresses.all(|address| pod(address).is_some_and(is_given))
}

fn parts<'a>(pool: &'a Pool, service: &'a Object) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for object in pool.called(service, "Endpoints", &service.name) {
        let of = |node: &'a Node, keys: &[&str]| -> Vec<&'a Node> {
            let lists = keys.iter().flat_map(|key| list(node, &[key]));
            lists.map(|item| &**item).collect()
        };
        parts.push((
            of(&object.node, &["endpoints"]),
            list(&object.node, &["ports"]),
        ));
        for subset in list(&object.node, &["subsets"]) {
            let addresses = of(subset, &["addresses", "notReadyAddresses"]);
            parts.push((addresses, list(subset, &["ports"])));
        }
    }
    parts
}

/// The pod that an address is of.
fn pod(address: &Node) -> Option<&str> {
    let is_pod = text(address, &["targetRef", "kind"]) == Some("Pod");
    text(address, &["targetRef", "name"]).filter(|_| is_pod)
}

/// Whether a workload makes the pod of a name.
pub(super) fn is_pod_of(workload: &Object, pod: &str) -> bool {
    let rest = pod.strip_prefix(&workload.name);
    let kind = workload.kind.as_str();
    let Some(rest) = rest
        .filter(|_| kind != "Pod")
        .and_then(|rest| rest.strip_prefix('-'))
    else {
        return kind == "Pod" && pod == workload.name;
    };
    match kind {
        "StatefulSet" => rest.parse::<u32>().is_ok(),
        _ => {
            let is_made = |part: &str| !part.is_empty() && part.chars().all(|c| SIGNS.contains(c));
            rest.split('-').count() <= 2 && rest.split('-').all(is_made)
        }
    }
}

//! Who NetworkPolicies let in to a pod (docs/clearml.md#ways-into-a-cluster).

use std::net::IpAddr;
use std::sync::Arc;

use super::{balancer, host_network, label, list};
use crate::kubernetes::object::{Object, number};
use crate::shown::escape;
use crate::yaml::Node;
use crate::yaml::below::{at, text};

/// The label that every namespace has: its own name.
const NAME: &str = "kubernetes.io/metadata.name";

/// A pod, and what is known of where it is.
#[derive(Clone, Copy)]
pub(in crate::kubernetes) struct Behind<'a> {
    pub(in crate::kubernetes) workload: &'a Object,
    /// Metadata and spec.
    pub(in crate::kubernetes) pod: &'a Node,
    /// The namespace that it names, or else the only one of what belongs together with it.
    pub(in crate::kubernetes) namespace: Option<&'a str>,
    /// Whether something that belongs together with it names none: what names none is applied with that.
    pub(in crate::kubernetes) is_partly_unnamed: bool,
}

/// What NetworkPolicies do for a container.
#[derive(Default)]
pub(in crate::kubernetes) struct Policies {
    /// They say who reaches it, and none of them lets everybody in.
    pub(in crate::kubernetes) is_closed: bool,
    /// Why one that would close it does not count, in words.
    pub(in crate::kubernetes) elsewhere: Option<String>,
    /// The rules that let somebody in to it at the port of a database, where it is closed.
    pub(in crate::kubernetes) rules: Vec<String>,
}

impl Policies {
    /// What those do that may be in the namespace of a pod. One lets in whom it may, and closes what it is known to be about: in
    /// another namespace it does nothing for the pod.
    pub(in crate::kubernetes) fn of(all: &[&Object], behind: Behind<'_>, container: &Node) -> Self {
        // No policy is about the network of a node.
        let is_on_node = at(behind.pod, &["spec"])
            .is_some_and(|spec| host_network(behind.workload, spec).is_some());
        let own: Vec<&&Object> = all
            .iter()
            .filter(|policy| !is_on_node && is_about(policy, behind.pod))
            .collect();
        let lets_in = |policy: &&&Object| {
            let mut rules = list(&policy.node, &["spec", "ingress"]).iter();
            rules.any(|rule| {
                is_for_everybody(rule, behind.namespace) && is_for_port(rule, container)
            })
        };
        if own.is_empty() || own.iter().any(lets_in) {
            return Self::default();
        }
        let is_there = |policy: &&&Object| {
            let named = policy.namespace.as_deref();
            named == behind.namespace || named.is_none() && behind.is_partly_unnamed
        };
        let is_closed = own.iter().any(is_there);
        let elsewhere = own.first().filter(|_| !is_closed).map(|policy| {
            let in_words = |namespace: Option<&str>, none: &str| match namespace {
                Some(name) => format!("namespace {}", escape(name)),
                None => none.to_owned(),
            };
            format!(
                "NetworkPolicy {} does not count: it names {}, and {} names {}",
                escape(&policy.name),
                in_words(policy.namespace.as_deref(), "no namespace"),
                escape(&behind.workload.name),
                in_words(behind.workload.namespace.as_deref(), "none")
            )
        });
        let rules = own.iter().flat_map(|policy| {
            let is_open = |rule: &Node| is_for_port(rule, container);
            named_rules(policy, is_open)
        });
        Self {
            is_closed,
            elsewhere,
            rules: rules.collect(),
        }
    }
}

/// The rules that let a pod in, wherever they lead.
pub(in crate::kubernetes) fn let_in(all: &[&Object], behind: Behind<'_>) -> Vec<String> {
    let picks_it = |peer: &Arc<Node>| {
        let (namespaces, pods) = (at(peer, &["namespaceSelector"]), at(peer, &["podSelector"]));
        (namespaces.is_some() || pods.is_some())
            && namespaces.is_none_or(|one| picks_namespace(one, behind.namespace))
            && pods.is_none_or(|one| picks(one, behind.pod))
    };
    let is_let_in = |rule: &Node| list(rule, &["from"]).iter().any(picks_it);
    let rules = all.iter().flat_map(|policy| named_rules(policy, is_let_in));
    rules.collect()
}

/// Names for the rules of a policy, which no other has, of those that are meant.
fn named_rules(policy: &Object, is_meant: impl Fn(&Node) -> bool) -> Vec<String> {
    let rules = list(&policy.node, &["spec", "ingress"]).iter();
    let meant = rules.filter(|rule| is_meant(rule));
    let name = |rule: &Arc<Node>| {
        let span = policy.span(rule);
        let name = escape(&policy.name);
        format!(
            "pods that NetworkPolicy {name} lets in ({:?}, {})",
            span.source, span.start
        )
    };
    meant.map(name).collect()
}

/// Whether a policy is about what comes in to a pod.
fn is_about(policy: &Object, pod: &Node) -> bool {
    let types = list(&policy.node, &["spec", "policyTypes"]);
    let is_about = types.is_empty() || types.iter().any(|one| one.text() == Some("Ingress"));
    is_about && at(&policy.node, &["spec", "podSelector"]).is_none_or(|one| picks(one, pod))
}

/// Whether a rule lets every pod of a namespace in: it names nobody, all pods of that namespace or of all of them, or all addresses
/// that pods have. Where the namespace is not known, one that the rule names may be it.
fn is_for_everybody(rule: &Node, namespace: Option<&str>) -> bool {
    let from = list(rule, &["from"]);
    let is_for_all = |peer: &Arc<Node>| {
        let (namespaces, pods) = (at(peer, &["namespaceSelector"]), at(peer, &["podSelector"]));
        let is_near = namespaces.is_none_or(|one| picks_namespace(one, namespace));
        let are_all = pods.is_none_or(|one| asks(one).all(|asked| asked.is_for_most()));
        (namespaces.is_some() || pods.is_some()) && is_near && are_all
    };
    from.is_empty() || from.iter().any(is_for_all) || has_addresses_of_pods(from)
}

/// Whether peers that are ranges of addresses have together all that pods may have: all of a kind, or a private network whole.
fn has_addresses_of_pods(from: &[Arc<Node>]) -> bool {
    let ranges = from
        .iter()
        .filter_map(|peer| text(peer, &["ipBlock", "cidr"]));
    let mut halves = [false; 2];
    for range in ranges {
        let Some((address, bits)) = range.split_once('/') else {
            continue;
        };
        let (Ok(address), Ok(bits)) = (address.parse::<IpAddr>(), bits.parse::<u32>()) else {
            continue;
        };
        let is_upper = match address {
            IpAddr::V4(address) => address.octets()[0] >= 0x80,
            IpAddr::V6(_) => bits <= 7,
        };
        halves[usize::from(is_upper)] |= bits == 1;
        if bits == 0 || bits > 1 && balancer::has_private_network(address, bits) {
            return true;
        }
    }
    halves == [true; 2]
}

/// One thing that a selector asks of labels.
struct Asked<'a> {
    key: Option<&'a str>,
    operator: &'a str,
    values: Vec<&'a str>,
}

/// All that a selector asks, `matchLabels` as what they stand for.
fn asks(selector: &Node) -> impl Iterator<Item = Asked<'_>> {
    let labels = at(selector, &["matchLabels"]).map(|labels| labels.fields());
    let labels = labels.unwrap_or_default().into_iter().map(|field| Asked {
        key: field.key.scalar().map(|key| key.text()),
        operator: "In",
        values: field.value.text().into_iter().collect(),
    });
    let expressions = list(selector, &["matchExpressions"]).iter();
    let expressions = expressions.map(|expression| Asked {
        key: text(expression, &["key"]),
        operator: text(expression, &["operator"]).unwrap_or_default(),
        values: list(expression, &["values"])
            .iter()
            .filter_map(|value| value.text())
            .collect(),
    });
    labels.chain(expressions)
}

impl Asked<'_> {
    /// Whether a label of a pod is as asked.
    fn is_met(&self, own: Option<&str>) -> bool {
        let is_listed = || own.is_some_and(|own| self.values.contains(&own));
        match self.operator {
            "In" => is_listed(),
            "NotIn" => !is_listed(),
            "Exists" => own.is_some(),
            "DoesNotExist" => own.is_none(),
            // Kubernetes takes no such policy.
            _ => false,
        }
    }

    /// Whether it only leaves some out.
    fn is_for_most(&self) -> bool {
        matches!(self.operator, "NotIn" | "DoesNotExist")
    }
}

/// Whether a selector picks a pod; an empty one picks all.
fn picks(selector: &Node, pod: &Node) -> bool {
    asks(selector).all(|asked| asked.is_met(asked.key.and_then(|key| label(pod, key))))
}

/// Whether a selector picks a namespace, of which the name is all that is known. People give it as the label `name`, too.
fn picks_namespace(selector: &Node, namespace: Option<&str>) -> bool {
    asks(selector).all(|asked| match (asked.key, namespace) {
        (Some(NAME | "name"), Some(name)) => asked.is_met(Some(name)),
        (Some(NAME), None) => asked.operator != "DoesNotExist",
        _ => asked.is_for_most(),
    })
}

/// Whether a rule of a NetworkPolicy is about a port of a container at which a database may listen: one that the container
/// declares, or a usual one.
fn is_for_port(rule: &Node, container: &Node) -> bool {
    const USUAL: [u16; 4] = [6379, 9200, 9300, 27017];
    let ports = list(rule, &["ports"]);
    let declared = list(container, &["ports"]);
    let is_own = |port: &Arc<Node>| {
        // No database is asked in another way.
        if text(port, &["protocol"]).is_some_and(|protocol| protocol != "TCP") {
            return false;
        }
        let Some(word) = text(port, &["port"]) else {
            return true;
        };
        let first = word.parse::<u16>().ok();
        let last = number(port, &["endPort"]).or(first);
        let covers =
            |own: &u16| first.is_some_and(|first| (first..=last.unwrap_or(first)).contains(own));
        USUAL.iter().any(covers)
            || declared.iter().any(|own| {
                text(own, &["name"]) == Some(word)
                    || number(own, &["containerPort"]).is_some_and(|own| covers(&own))
            })
    };
    ports.is_empty() || ports.iter().any(is_own)
}

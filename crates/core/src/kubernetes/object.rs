//! One object of a manifest, as far as every kind is alike.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::shown::escape;
use crate::source::{SourceId, Span};
use crate::yaml::below::{at, is_true, list, text};
use crate::yaml::{Field, Node, Typed};

/// The keys of an object, each with its value and whether that is encoded.
pub(super) type Keys = HashMap<String, (Arc<Node>, Arc<Node>, bool)>;

/// An object, and where it is.
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) node: Arc<Node>,
    pub(super) source: SourceId,
    /// Where in the text.
    pub(super) range: Range<usize>,
    /// Which of the things that were given it is of: one file, or the files of one folder.
    pub(super) unit: usize,
    /// Which of the releases of a chart it is of, where it is made of values.
    pub(super) release: Option<usize>,
    /// What its keys hold, once somebody asks: a Secret may have as many keys as there are variables that ask for one.
    pub(super) keys: OnceLock<Keys>,
    /// Where and why Kubernetes does not take it, once somebody asks.
    pub(super) refused: OnceLock<Option<(Span, String)>>,
}

/// An object with the values of a chart in it, for what installs that.
pub(super) struct Wrapped {
    pub(super) kind: String,
    pub(super) node: Arc<Node>,
    pub(super) source: SourceId,
    pub(super) range: Range<usize>,
    pub(super) unit: usize,
}

/// What an object is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It has the values of a chart in it.
    Chart,
    /// An operator makes a database of it. It is not read.
    Database,
    /// It leads from outside to the Services that it names, and is read.
    Entrance,
    /// It makes a Secret whose values are in the cluster only, and names the keys of it.
    Maker,
    /// It is of no interest, unless it names an image of ClearML.
    Other,
    /// It tells what is or was, and nothing runs because of it.
    Record,
    /// It is read for what it says of workloads.
    Read,
    /// It may lead from outside to the Services that it names. It is not read.
    Route,
    /// It makes pods.
    Workload,
}

/// Its groups, before and from version 2.10 on.
const TRAEFIK: &[&str] = &["traefik.containo.us", "traefik.io"];

/// The kinds that are read, each with the groups of its API beside those without a dot, which are Kubernetes' own. An object of
/// another group is something else: Knative's `Service` makes pods (docs/clearml.md#ways-into-a-cluster).
const KINDS: [(&str, Role, &[&str]); 39] = [
    ("Application", Role::Chart, &["argoproj.io"]),
    ("ApplicationSet", Role::Chart, &["argoproj.io"]),
    ("CloneSet", Role::Workload, &["apps.kruise.io"]),
    ("ConfigMap", Role::Read, &[]),
    ("ControllerRevision", Role::Record, &[]),
    ("CronJob", Role::Workload, &[]),
    (
        "CustomResourceDefinition",
        Role::Record,
        &["apiextensions.k8s.io"],
    ),
    ("DaemonSet", Role::Workload, &["apps.kruise.io"]),
    ("Deployment", Role::Workload, &[]),
    ("DeploymentConfig", Role::Workload, &["apps.openshift.io"]),
    ("EndpointSlice", Role::Read, &["discovery.k8s.io"]),
    ("Endpoints", Role::Read, &[]),
    ("Event", Role::Record, &["events.k8s.io"]),
    (
        "ExternalSecret",
        Role::Maker,
        &["external-secrets.io", "kubernetes-client.io"],
    ),
    ("Gateway", Role::Read, &["gateway.networking.k8s.io"]),
    ("HTTPRoute", Role::Entrance, &["gateway.networking.k8s.io"]),
    ("HTTPScaledObject", Role::Read, &["http.keda.sh"]),
    ("HelmChart", Role::Chart, &["helm.cattle.io"]),
    ("HelmChartConfig", Role::Chart, &["helm.cattle.io"]),
    ("HelmRelease", Role::Chart, &["helm.toolkit.fluxcd.io"]),
    ("ImageStream", Role::Record, &["image.openshift.io"]),
    ("Ingress", Role::Entrance, &["networking.k8s.io"]),
    ("IngressRoute", Role::Entrance, TRAEFIK),
    ("IngressRouteTCP", Role::Entrance, TRAEFIK),
    ("Job", Role::Workload, &[]),
    ("Middleware", Role::Read, TRAEFIK),
    ("MiddlewareTCP", Role::Read, TRAEFIK),
    ("NetworkPolicy", Role::Read, &["networking.k8s.io"]),
    ("Node", Role::Record, &[]),
    ("Pod", Role::Workload, &[]),
    ("ReplicaSet", Role::Workload, &[]),
    ("ReplicationController", Role::Workload, &[]),
    ("Rollout", Role::Workload, &["argoproj.io"]),
    ("Route", Role::Entrance, &["route.openshift.io"]),
    ("ScaledObject", Role::Read, &["keda.sh"]),
    ("SealedSecret", Role::Maker, &["bitnami.com"]),
    ("Secret", Role::Read, &[]),
    ("Service", Role::Read, &[]),
    ("StatefulSet", Role::Workload, &["apps.kruise.io"]),
];

/// Words of kinds that lead from outside to the Services that they name: `TCPRoute`, `HTTPProxy`, `TunnelBinding`.
const WAYS: [&str; 18] = [
    "AgentEndpoint",
    "CloudEndpoint",
    "Connector",
    "Envoy",
    "Gateway",
    "Ingress",
    "Listener",
    "Mapping",
    "Proxy",
    "Route",
    "ServiceExport",
    "TCP",
    "TargetGroupBinding",
    "TraefikService",
    "TransportServer",
    "Tunnel",
    "VirtualServer",
    "VirtualService",
];

/// Words of kinds of which operators make databases: `MongoDBCommunity`, `RedisFailover`.
const DATABASES: [&str; 7] = [
    "dragonfly",
    "elasticsearch",
    "keydb",
    "mongo",
    "opensearch",
    "redis",
    "valkey",
];

/// What an object of a kind is to us; without a version, what it may be.
pub(super) fn role(kind: &str, version: Option<&str>) -> Role {
    let word = kind.to_ascii_lowercase();
    match known(kind) {
        Some((_, role, _)) if version.is_none_or(|version| is_its_own(kind, version)) => *role,
        // It may hold a release all the same.
        Some((_, Role::Chart, _)) => Role::Chart,
        _ if kind == "Service" || WAYS.iter().any(|way| kind.contains(way)) => Role::Route,
        // What scanners find, for example.
        _ if kind.ends_with("Report") => Role::Record,
        _ if DATABASES.iter().any(|name| word.contains(name)) => Role::Database,
        _ => Role::Other,
    }
}

/// What an object is to us.
pub(super) fn role_of(object: &Object) -> Role {
    let kind = text(&object.node, &["kind"]).unwrap_or_default();
    role(kind, text(&object.node, &["apiVersion"]))
}

fn known(kind: &str) -> Option<&'static (&'static str, Role, &'static [&'static str])> {
    KINDS.iter().find(|(known, ..)| *known == kind)
}

/// Whether a kind that is read is the one of that name in the group of a version.
pub(super) fn is_its_own(kind: &str, version: &str) -> bool {
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    !group.contains('.') || known(kind).is_some_and(|(_, _, groups)| groups.contains(&group))
}

/// A kind in words, with its group where others have the same name.
pub(super) fn shown_kind(kind: &str, version: &str) -> String {
    match version.rsplit_once('/') {
        Some((group, _)) if known(kind).is_some() && !is_its_own(kind, version) => {
            format!("{kind} of {}", escape(group))
        }
        _ => kind.to_owned(),
    }
}

/// The annotations of an object, or of a pod in it, by name.
pub(super) fn annotations(node: &Node) -> impl Iterator<Item = (&str, Field<'_>)> {
    let all = at(node, &["metadata", "annotations"]);
    let fields = all.map(|all| all.fields()).unwrap_or_default();
    fields
        .into_iter()
        .filter_map(|field| Some((field.key.scalar()?.text(), field)))
}

impl Object {
    /// Where a node of it is.
    pub(super) fn span(&self, node: &Node) -> Span {
        node.span(self.source)
    }

    /// Where all of it is.
    pub(super) fn whole(&self) -> Span {
        Span {
            source: self.source,
            start: self.range.start,
            end: self.range.end,
        }
    }

    /// Where its name is.
    pub(super) fn name_span(&self) -> Span {
        let name = at(&self.node, &["metadata", "name"]);
        self.span(name.unwrap_or(&self.node))
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        text(&self.node, &["metadata", "annotations", name])
    }

    /// Names and values of all annotations.
    pub(super) fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        annotations(&self.node).filter_map(|(name, field)| Some((name, field.value.text()?)))
    }

    pub(super) fn is_workload(&self) -> bool {
        role(&self.kind, None) == Role::Workload
    }

    /// Whether it is of a cluster and no manifest: a cluster gives each object a number of its own.
    pub(super) fn is_live(&self) -> bool {
        text(&self.node, &["metadata", "uid"]).is_some()
    }

    /// What describes its pods: metadata and spec.
    pub(super) fn pod(&self) -> Option<&Node> {
        let path: &[&str] = match self.kind.as_str() {
            "Pod" => return Some(&self.node),
            "CronJob" => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        };
        at(&self.node, path).map(|node| &**node)
    }

    /// The namespaces in which its pods look for names besides their own: `dnsConfig.searches` with `NAMESPACE.svc` and a domain.
    pub(super) fn searched(&self) -> Vec<String> {
        let spec = self.pod().and_then(|pod| at(pod, &["spec"]));
        let domains = spec.map_or(&[][..], |spec| list(spec, &["dnsConfig", "searches"]));
        let namespaces = domains.iter().filter_map(|domain| {
            let (namespace, rest) = domain.text()?.split_once('.')?;
            rest.starts_with("svc").then(|| namespace.to_owned())
        });
        namespaces.collect()
    }

    /// The containers that somebody added to a running pod to debug it. One that has ended never runs again.
    pub(super) fn added(&self) -> Vec<&Arc<Node>> {
        let ended: Vec<&str> = list(&self.node, &["status", "ephemeralContainerStatuses"])
            .iter()
            .filter(|status| at(status, &["state", "terminated"]).is_some())
            .filter_map(|status| text(status, &["name"]))
            .collect();
        let has_ended =
            |one: &&Arc<Node>| text(one, &["name"]).is_some_and(|own| ended.contains(&own));
        let spec = self.pod().and_then(|pod| at(pod, &["spec"]));
        let all = spec
            .map(|spec| list(spec, &["ephemeralContainers"]))
            .unwrap_or_default();
        all.iter().filter(|one| !has_ended(one)).collect()
    }

    /// The release of Helm that it is of. ClearML's chart gives each server's pods a value of their own, their workload's name.
    pub(super) fn release(&self) -> Option<&str> {
        let label = |name| text(&self.node, &["metadata", "labels", name]);
        let workload = self.owner().map(|(kind, name)| match kind {
            "ReplicaSet" => above(name),
            _ => name,
        });
        self.annotation("meta.helm.sh/release-name")
            .or_else(|| label("app.kubernetes.io/instance").filter(|own| Some(*own) != workload))
            .or_else(|| label("release"))
    }

    /// Whether Helm made it, as its labels say.
    pub(super) fn is_of_helm(&self) -> bool {
        let label = |name| text(&self.node, &["metadata", "labels", name]);
        self.annotation("meta.helm.sh/release-name").is_some()
            || label("helm.sh/chart").is_some()
            || label("app.kubernetes.io/managed-by") == Some("Helm")
    }

    /// What controls it: kind and name.
    pub(super) fn owner(&self) -> Option<(&str, &str)> {
        let owners = at(&self.node, &["metadata", "ownerReferences"])?.items()?;
        let is_controller = |owner: &&Arc<Node>| is_true(owner, &["controller"]);
        let owner = owners.iter().find(is_controller)?;
        Some((text(owner, &["kind"])?, text(owner, &["name"])?))
    }

    /// The topmost that controls it, as far as names tell: a ReplicaSet is taken for that of a Deployment.
    pub(super) fn made_by(&self) -> Option<(String, String)> {
        let (kind, name) = match self.owner()? {
            ("ReplicaSet", name) => ("Deployment", above(name)),
            other => other,
        };
        Some((kind.to_owned(), name.to_owned()))
    }

    /// Whether it may be for an object: what values make of one release is all of it, and meant for no other.
    pub(super) fn is_of_release_of(&self, object: &Self) -> bool {
        self.release.is_none() || self.release == object.release
    }

    /// Whether two objects may be in one namespace: where none is written, it may be any.
    pub(super) fn may_be_beside(&self, other: &Self) -> bool {
        self.namespace.is_none() || other.namespace.is_none() || self.namespace == other.namespace
    }
}

/// The Deployment of a ReplicaSet, by its name.
pub(super) fn above(replica_set: &str) -> &str {
    replica_set
        .rsplit_once('-')
        .map_or(replica_set, |(above, _)| above)
}

/// What Kubernetes makes of a value that has to be text: nothing for null, and what it is where it is something else. The
/// types are those of YAML 1.1 (docs/clearml.md#values-in-kubernetes).
pub(super) fn text_of(node: &Node) -> Result<&str, &'static str> {
    let Some(scalar) = node.scalar() else {
        return Err(match node.items() {
            Some(_) => "a list",
            None => "a mapping",
        });
    };
    match node.typed_as_1_1() {
        Some(Typed::Null) => Ok(""),
        Some(Typed::Bool(_)) => Err("a truth value"),
        Some(Typed::Float(_) | Typed::Integer(_)) => Err("a number"),
        _ => Ok(scalar.text()),
    }
}

/// The value of a key that holds numbers of ports: a number, or a name.
pub(super) fn number(node: &Node, keys: &[&str]) -> Option<u16> {
    text(node, keys)?.parse().ok()
}

//! One object of a manifest, as far as every kind is alike.

use std::ops::Range;
use std::sync::Arc;

use crate::source::{SourceId, Span};
use crate::yaml::below::{at, text};
use crate::yaml::{Node, Typed};

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
}

/// An object with the values of a chart in it, for what installs that.
pub(super) struct Wrapped {
    pub(super) kind: String,
    pub(super) node: Arc<Node>,
    pub(super) source: SourceId,
    pub(super) range: Range<usize>,
    pub(super) unit: usize,
}

/// What makes pods.
pub(super) const WORKLOADS: [&str; 7] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "ReplicaSet",
    "StatefulSet",
];

/// What makes a Secret whose values are in the cluster only, and where the keys of it are named.
pub(super) const MAKERS: [&str; 2] = ["ExternalSecret", "SealedSecret"];

/// What is read besides.
pub(super) const OTHERS: [&str; 7] = [
    "ConfigMap",
    "Gateway",
    "HTTPRoute",
    "Ingress",
    "NetworkPolicy",
    "Route",
    "Secret",
];

impl Object {
    /// Where a node of it is.
    pub(super) fn span(&self, node: &Node) -> Span {
        node.span(self.source)
    }

    /// Where its name is.
    pub(super) fn name_span(&self) -> Span {
        let name = at(&self.node, &["metadata", "name"]);
        self.span(name.unwrap_or(&self.node))
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        text(&self.node, &["metadata", "annotations", name])
    }

    pub(super) fn is_workload(&self) -> bool {
        WORKLOADS.contains(&self.kind.as_str())
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

    /// The release of Helm that it is of.
    pub(super) fn release(&self) -> Option<&str> {
        let label = |name| text(&self.node, &["metadata", "labels", name]);
        self.annotation("meta.helm.sh/release-name")
            .or_else(|| label("app.kubernetes.io/instance"))
            .or_else(|| label("release"))
    }

    /// What controls it: kind and name.
    pub(super) fn owner(&self) -> Option<(&str, &str)> {
        let owners = at(&self.node, &["metadata", "ownerReferences"])?.items()?;
        let is_controller = |owner: &&Arc<Node>| text(owner, &["controller"]) == Some("true");
        let owner = owners.iter().find(is_controller)?;
        Some((text(owner, &["kind"])?, text(owner, &["name"])?))
    }

    /// Whether two objects may be in one namespace: where none is written, it may be any.
    pub(super) fn may_be_beside(&self, other: &Self) -> bool {
        self.namespace.is_none() || other.namespace.is_none() || self.namespace == other.namespace
    }
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

//! What Kubernetes says of a container, and what leads to it there.

use super::{Doubt, Interface};
use crate::knowable::Knowable;
use crate::secret::Secret;
use crate::source::Span;

/// What Kubernetes says of a container, besides what every source says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// What makes its pod: `Deployment`.
    pub kind: String,
    /// What controls that and was not given, by kind and name: the Deployment of a ReplicaSet.
    pub made_by: Option<(String, String)>,
    /// Which pod of the deployment it is in: all containers of one have one network, and its ports are those of each.
    pub number: usize,
    /// The namespace, where one is written.
    pub namespace: Option<String>,
    /// Other namespaces in which it looks for a name without one.
    pub searched: Vec<String>,
    /// The release of Helm that it is of.
    pub release: Option<String>,
    /// Where else variables may come from that are not known: each may set any that nothing later sets.
    pub sources: Vec<Doubt>,
    /// Names that are more than once in its `env`, each with the entry that is not the first.
    pub repeated: Vec<(String, Span)>,
    /// References that lead nowhere, for which the pod does not start.
    pub broken: Vec<BrokenReference>,
    /// What leads from outside to a port of it.
    pub entrances: Vec<Entrance>,
    /// Whether a NetworkPolicy says who may ask it, and does not let everybody.
    pub is_closed: bool,
    /// Why a NetworkPolicy that would close it does not count, in words.
    pub policy_elsewhere: Option<String>,
    /// The passwords that its probes send, which are written in it.
    pub probed: Vec<(Secret, Span)>,
}

/// A reference to something that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenReference {
    /// The variable that it is for; none for a mount or for all of `envFrom`.
    pub variable: Option<String>,
    /// `Secret` or `ConfigMap`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The key that it does not have.
    pub key: String,
    /// Where the reference is.
    pub span: Span,
}

/// A rule of an Ingress, an IngressRoute, a Route, an HTTPRoute or a table of TCP ports that leads to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// What it is: `Ingress clearml-app`.
    pub name: String,
    /// What makes it.
    pub kind: EntranceKind,
    /// The host that it is for; none for any.
    pub host: Option<String>,
    /// The port of the container; none where nothing tells.
    pub port: Option<u16>,
    /// What it speaks with who comes in.
    pub speaks: Knowable<Speaks>,
    /// Whether it passes on what comes in as it is, and not as requests of HTTP.
    pub is_bytes: bool,
    /// Whether it asks for a password, or looks at the address, before it passes anything on.
    pub is_guarded: bool,
    /// From where it is reached.
    pub interface: Interface,
    /// Where the rule is.
    pub span: Span,
}

/// What makes an entrance, which is where TLS is turned on for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntranceKind {
    /// An HTTPRoute, which is as safe as the listeners of its Gateway.
    HttpRoute,
    /// An Ingress.
    Ingress,
    /// A route of Traefik's own kinds.
    IngressRoute,
    /// A Route of OpenShift.
    Route,
    /// A Service at a load balancer, or a Service that a table of ingress-nginx opens: nothing of its own gives it a certificate.
    Service,
}

/// What an entrance speaks with who comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// TLS, and clear text besides.
    Both,
    /// Clear text.
    Clear,
    /// TLS, to which it redirects what comes in otherwise.
    Tls,
}

impl Entrance {
    /// Whether it is known to take clear text.
    pub fn is_clear(&self) -> bool {
        self.speaks
            .known()
            .is_some_and(|speaks| *speaks != Speaks::Tls)
    }
}

//! From a workload to what its containers are given.

use std::sync::Arc;

use super::environment::{Environment, expand};
use super::expose::policy::{self, Behind, Policies};
use super::expose::{self, Entrances, Externals, Selectors, Services};
use super::object::Object;
use super::pool::{Near, Pool};
use super::volume::Volumes;
use crate::compose::service::plain_words;
use crate::container::{Container, Hook, HostName, Pod, Text, VariableValue, capability_of_root};
use crate::deployment::{Database, is_server};
use crate::keyset::kubernetes::decode;
use crate::knowable::Knowable;
use crate::secret::Secret;
use crate::source::{Sources, Span};
use crate::yaml::Node;
use crate::yaml::below::{at, list, text, texts, truth};

/// What a workload is among those that belong together.
#[derive(Clone, Copy)]
pub(super) struct Among<'a> {
    /// Of its pod.
    pub(super) number: usize,
    /// The namespace that one of them names.
    pub(super) home: Option<&'a str>,
    /// Whether one of them names none.
    pub(super) is_partly_unnamed: bool,
}

/// Everything that containers are made from.
pub(super) struct Builder<'a> {
    pub(super) pool: &'a Pool,
    pub(super) sources: &'a Sources,
    /// The Services, what leads to them from outside, and who may reach what.
    selectors: Selectors<'a>,
    entrances: Entrances<'a>,
    externals: Externals<'a>,
    policies: Near<'a>,
    /// The pods to which somebody added containers, each with what makes it.
    debugged: Vec<(&'a Object, Option<&'a Object>)>,
}

/// The network that all pods share, and the one of pods that a NetworkPolicy closes.
const NETWORK: &str = "pods";
const CLOSED: &str = "pods behind a NetworkPolicy";

impl<'a> Builder<'a> {
    pub(super) fn new(pool: &'a Pool, sources: &'a Sources) -> Self {
        let pods = pool.objects.iter().filter(|one| one.kind == "Pod");
        let debugged = pods.filter(|pod| !pod.added().is_empty());
        let externals = Externals::of(pool);
        Self {
            debugged: debugged.map(|pod| (pod, pool.maker(pod))).collect(),
            pool,
            sources,
            selectors: Selectors::of(pool),
            entrances: Entrances::of(pool, &externals),
            externals,
            policies: Near::of(pool, &["NetworkPolicy"]),
        }
    }

    /// Whether a Service leads to a pod that is given with it.
    fn is_at_home(&self, service: &Object) -> bool {
        let mut own = self
            .pool
            .objects
            .iter()
            .filter(|one| one.unit == service.unit);
        own.any(|one| one.pod().is_some() && Services::leads_to(service, one))
    }

    /// The containers of a workload, and those that somebody added to its pods.
    pub(super) fn containers(&self, workload: &Object, among: Among<'_>) -> Vec<Container> {
        let debugged = self.debugged.iter();
        let debugged = debugged.filter(|(pod, maker)| match maker {
            Some(maker) => std::ptr::eq(*maker, workload),
            // Of pods that one thing has made, which was not given, one is read.
            None => is_twin(pod, workload),
        });
        let pods: Vec<&Object> = debugged.map(|(pod, _)| *pod).collect();
        let added: Vec<_> = pods.iter().flat_map(|pod| pod.added()).collect();
        let mut containers = self.of_pod(workload, among, &described(workload), &added);
        for pod in pods {
            containers.extend(self.of_pod(pod, among, &pod.added(), &[]));
        }
        containers
    }

    /// Some containers of a pod, with what others mount besides those that it describes.
    fn of_pod(
        &self,
        workload: &Object,
        among: Among<'_>,
        chosen: &[&Arc<Node>],
        others: &[&Arc<Node>],
    ) -> Vec<Container> {
        let Some((pod, spec)) = workload
            .pod()
            .and_then(|pod| Some((pod, at(pod, &["spec"])?)))
        else {
            return Vec::new();
        };
        let all = described(workload);
        let services = Services::of(self.pool, &self.selectors, (workload, pod), |one| {
            self.is_at_home(one)
        });
        let added = workload.added();
        let mounting = ["initContainers", "containers"];
        let mounting = mounting.iter().flat_map(|key| list(spec, &[key]));
        let mounting = mounting.chain(added.iter().chain(others).copied());
        let one = One {
            builder: self,
            workload,
            among,
            pod,
            spec,
            services,
            volumes: Volumes::of_pod((self.pool, self.sources), workload, pod, spec, mounting),
            is_only: all.len() == 1,
            declared: all.iter().flat_map(|item| list(item, &["ports"])).collect(),
        };
        chosen.iter().map(|item| one.container(item)).collect()
    }
}

/// The containers of a pod, with those that start first and keep running. What only runs before it is no server.
fn described(workload: &Object) -> Vec<&Arc<Node>> {
    let spec = workload.pod().and_then(|pod| at(pod, &["spec"]));
    let of = |key: &str| spec.map(|spec| list(spec, &[key])).unwrap_or_default();
    let keeps_running = |item: &&Arc<Node>| text(item, &["restartPolicy"]) == Some("Always");
    let first = of("initContainers").iter().filter(keeps_running);
    let all = of("containers").iter().chain(first);
    all.chain(workload.added()).collect()
}

/// Whether two pods are made by the same thing.
fn is_twin(one: &Object, other: &Object) -> bool {
    !std::ptr::eq(one, other)
        && one.owner().is_some()
        && one.owner() == other.owner()
        && one.namespace == other.namespace
}

/// One pod, for its containers.
struct One<'a> {
    builder: &'a Builder<'a>,
    workload: &'a Object,
    among: Among<'a>,
    pod: &'a Node,
    spec: &'a Arc<Node>,
    services: Services<'a>,
    volumes: Volumes<'a>,
    is_only: bool,
    /// The ports that its containers declare: any other of them may be the one that listens there.
    declared: Vec<&'a Arc<Node>>,
}

impl One<'_> {
    fn container(&self, node: &Arc<Node>) -> Container {
        let workload = self.workload;
        let environment = self.environment(node);
        let keys = ["command", "args"];
        let command: Vec<Knowable<String>> = keys
            .iter()
            .flat_map(|key| texts(node, &[key]))
            .map(|word| expanded(&environment, word))
            .collect();
        let words = command.iter().filter_map(Knowable::known);
        let name = text(node, &["name"]).unwrap_or_default();
        let host = expose::host_network(workload, self.spec);
        let privileged = at(node, &["securityContext", "privileged"]);
        let mut added = list(node, &["securityContext", "capabilities", "add"]).iter();
        let named = |one: &Arc<Node>| Some((capability_of_root(one.text()?)?, workload.span(one)));
        let user = at(node, &["securityContext", "runAsUser"])
            .or_else(|| at(self.spec, &["securityContext", "runAsUser"]));
        let mut container = Container {
            name: match self.is_only {
                true => workload.name.clone(),
                false => format!("{}/{name}", workload.name),
            },
            name_span: workload.name_span(),
            image: Knowable::Known(at(node, &["image"]).and_then(|image| {
                Some(Text {
                    text: image.text()?.to_owned(),
                    span: workload.span(image),
                })
            })),
            built_as: None,
            container_name: None,
            words: words.flat_map(|word| plain_words(word)).collect(),
            hooks: self.hooks(node),
            command,
            dropped: None,
            command_span: keys.iter().rev().find_map(|key| {
                let field = node.get(key)?;
                field.value.items().map(|_| workload.span(field.key))
            }),
            user: user.and_then(|user| Some(Knowable::Known(user.text()?.to_owned()))),
            working_directory: text(node, &["workingDir"])
                .map(|folder| Knowable::Known(folder.to_owned())),
            environment: environment.variables.into_values().collect(),
            mounts: self.volumes.of(node),
            removed: Vec::new(),
            unread: None,
            copies: Vec::new(),
            synced: Vec::new(),
            doubts: Vec::new(),
            ports: expose::host_ports(workload, &self.declared),
            networks: vec![NETWORK.to_owned()],
            attached: Vec::new(),
            aliases: self.services.names(workload, &self.builder.externals),
            hosts: hosts(self.spec),
            is_shared: false,
            network_mode: host.map(|span| Text {
                text: "host".to_owned(),
                span,
            }),
            privileged: privileged
                .filter(|node| truth(node) == Some(true))
                .map(|node| workload.span(node)),
            capability: added.find_map(named),
            labels: Vec::new(),
            made: workload.is_live().then(Box::default),
            pod: Some(Box::new(Pod {
                probed: self.probed(node),
                ..environment.pod
            })),
        };
        self.open(node, &mut container);
        container
    }

    /// From where it is reached.
    fn open(&self, node: &Node, container: &mut Container) {
        let (ports, entrances) = self.services.ports(&self.declared);
        container.ports.extend(ports);
        let builder = self.builder;
        let policies = builder.policies.beside(self.workload);
        let behind = Behind {
            workload: self.workload,
            pod: self.pod,
            namespace: self.workload.namespace.as_deref().or(self.among.home),
            is_partly_unnamed: self.among.is_partly_unnamed,
        };
        let Policies {
            is_closed,
            elsewhere,
            rules,
        } = Policies::of(&policies, behind, node);
        // A policy for what comes in keeps a pod from asking nobody: only what waits to be asked is apart behind one.
        if is_closed && Database::of(container).is_some() {
            container.networks = [vec![CLOSED.to_owned()], rules].concat();
        } else {
            container.networks.extend(policy::let_in(&policies, behind));
            // A policy is meant to let servers in.
            let is_meant = is_server(container);
            container
                .networks
                .extend(is_meant.then(|| CLOSED.to_owned()));
        }
        if let Some(pod) = &mut container.pod {
            pod.is_closed = is_closed;
            pod.policy_elsewhere = elsewhere;
            pod.entrances = builder
                .entrances
                .to(&self.services, self.workload, &self.declared);
            pod.entrances.extend(entrances);
        }
    }

    /// The passwords that its probes send.
    fn probed(&self, node: &Node) -> Vec<(Secret, Span)> {
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"];
        let headers = probes
            .into_iter()
            .filter_map(|probe| at(node, &[probe, "httpGet", "httpHeaders"]))
            .flat_map(|headers| headers.items().unwrap_or_default());
        let password = |header: &Arc<Node>| {
            let value = at(header, &["value"])?;
            let (kind, encoded) = value.text()?.split_once(' ')?;
            let decoded = decode(encoded).filter(|_| kind.eq_ignore_ascii_case("basic"))?;
            let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
            Some((Secret::from(password), self.workload.span(value)))
        };
        headers.filter_map(password).collect()
    }

    /// What the kubelet runs in it besides.
    fn hooks(&self, node: &Node) -> Vec<Hook> {
        let hook = |name: &'static str| {
            let exec = at(node, &["lifecycle", name, "exec"])?;
            // References in a hook stand for themselves, but a shell in it has the variables.
            Some(Hook {
                name,
                command: texts(exec, &["command"])
                    .into_iter()
                    .map(|word| Knowable::Known(word.to_owned()))
                    .collect(),
                span: self.workload.span(exec),
            })
        };
        ["postStart", "preStop"]
            .into_iter()
            .filter_map(hook)
            .collect()
    }

    fn environment(&self, node: &Node) -> Environment<'_> {
        let mut environment = Environment {
            pool: self.builder.pool,
            workload: self.workload,
            variables: Default::default(),
            meant: Default::default(),
            pod: Pod {
                kind: self.workload.kind.clone(),
                made_by: self.workload.made_by(),
                number: self.among.number,
                namespace: self.workload.namespace.clone(),
                searched: self.workload.searched(),
                release: self.workload.release().map(str::to_owned),
                ..Pod::default()
            },
        };
        environment.read(node);
        environment.doubt_refused();
        environment.add_injected(self.pod);
        let image = text(node, &["image"]).unwrap_or_default();
        let is_linked =
            at(self.spec, &["enableServiceLinks"]).and_then(|node| truth(node)) != Some(false);
        if is_linked && (image.contains("clearml") || image.contains("trains")) {
            environment.add_services();
        }
        environment
    }
}

/// Names of hosts that a pod alone knows.
fn hosts(spec: &Node) -> Vec<HostName> {
    let lines = list(spec, &["hostAliases"]).iter();
    let of_line = |line: &Arc<Node>| -> Vec<HostName> {
        let address = text(line, &["ip"]).unwrap_or_default();
        let names = texts(line, &["hostnames"]).into_iter();
        names.map(|name| HostName::new(name, address)).collect()
    };
    lines.flat_map(of_line).collect()
}

/// A word of a command, with what its references stand for.
fn expanded(environment: &Environment<'_>, word: &str) -> Knowable<String> {
    match expand(word, &|name| environment.value(name)) {
        Ok(text) => Knowable::Known(text),
        Err(VariableValue::Unknown(reason)) => Knowable::Unknown(reason),
        Err(VariableValue::Elsewhere(elsewhere)) => Knowable::Unknown(elsewhere.reason),
        Err(_) => Knowable::unknown("it uses a variable that has no value here"),
    }
}

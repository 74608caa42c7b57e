//! What is not known of a deployment, because objects tell too little of it or are of a kind that is not read.

mod annotated;

use std::collections::{HashMap, HashSet};

use super::expose::{External, Externals, endpoints, is_table};
use super::object::{Object, Role, number, role_of};
use super::pool::Pool;
use crate::container::host::hosts;
use crate::container::{Asked, Container};
use crate::deployment::exposure::Tool;
use crate::deployment::{Database, Deployment};
use crate::setting::Server;
use crate::shown::escape;
use crate::source::{Sources, Span};
use crate::unseen::{Hides, Unseen};
use crate::yaml::Node;
use crate::yaml::below::{list, text};
use annotated::Annotated;

/// Notes where it is not known which servers belong together, and what an entrance speaks.
pub(super) fn servers(deployment: &mut Deployment) {
    let mut names: Vec<(&str, Span)> = Vec::new();
    for instance in deployment.of(Server::Apiserver) {
        let container = deployment.service(instance);
        names.push((&container.name, container.name_span));
    }
    let mut unseen = Vec::new();
    if let [(first, span), (second, _), ..] = &names[..] {
        let (first, second) = (escape(first), escape(second));
        let what = match first == second {
            true => format!("two API servers are called {first}"),
            false => format!("{first} and {second} are both API servers of one release"),
        };
        unseen.push(Unseen {
            what: "which servers belong together".to_owned(),
            hides: Hides::Anything,
            reason: format!("{what}; give each release a run of its own"),
            service: None,
            span: Some(*span),
        });
    }
    // A certificate makes no database safer.
    let others = deployment.containers.iter();
    for container in others.filter(|container| Database::of(container).is_none()) {
        for entrance in container.pod.iter().flat_map(|pod| &pod.entrances) {
            unseen.extend(entrance.speaks.reason().map(|reason| Unseen {
                what: format!("whether {} speaks TLS", entrance.name),
                hides: Hides::Way,
                reason: reason.as_str().to_owned(),
                service: None,
                span: Some(entrance.span),
            }));
        }
    }
    deployment.unseen.extend(unseen);
}

/// What is around the deployments: what is of kinds that are not read, and which Services lead where only addresses tell.
pub(super) struct Outside<'a> {
    others: Vec<Worded<'a>>,
    /// What is written for a controller in annotations of what leads from outside.
    annotated: Vec<Annotated<'a>>,
    /// Each with why it is not known.
    untold: Vec<(&'a Object, String)>,
    externals: Externals<'a>,
}

/// An object, and the words of its text.
struct Worded<'a> {
    object: &'a Object,
    words: HashSet<&'a str>,
}

impl<'a> Outside<'a> {
    pub(super) fn of(pool: &'a Pool, others: &'a [Object], sources: &'a Sources) -> Self {
        let worded = |object: &'a Object| Worded {
            object,
            words: words(sources.slice(object.whole())).collect(),
        };
        let others = others.iter().filter(|object| !is_for_pods(object));
        let others: Vec<Worded<'_>> = others.map(worded).collect();
        let is_table = |object: &Object| object.kind == "ConfigMap" && is_table(object);
        let read = pool.objects.iter();
        let read = read.filter(|object| role_of(object) == Role::Entrance || is_table(object));
        let read: Vec<Worded<'_>> = read.map(worded).collect();
        let routes = others
            .iter()
            .filter(|one| role_of(one.object) == Role::Route);
        let ways = Ways::of(read.iter().chain(routes));
        let annotated = pool
            .objects
            .iter()
            .filter(|object| object.kind == "Service" || role_of(object) == Role::Entrance);
        let annotated = annotated.flat_map(Annotated::of).collect();
        let services = pool.objects.iter().filter(|one| one.kind == "Service");
        let unselected = services.filter(|service| endpoints::is_unselected(service));
        let externals = Externals::of(pool);
        let is_led_to = |service: &Object| {
            let mut others = externals.all().filter(|one| one.means(service));
            is_open(service)
                || ways.lead_to(service)
                || others.any(|other| ways.lead_to(other.service))
        };
        let untold = unselected
            .filter_map(|service| Some((service, untold(pool, service)?)))
            .filter(|(service, _)| is_led_to(service))
            .collect();
        Self {
            others,
            annotated,
            untold,
            externals,
        }
    }

    /// Notes what is of a kind that is not read and may lead to a server or a database, or makes one.
    pub(super) fn others(&self, deployment: &mut Deployment) {
        if self.others.is_empty() && self.annotated.is_empty() {
            return;
        }
        let names = Names::of(deployment);
        let told = told(deployment, &self.externals);
        let mut unseen = Vec::new();
        for Worded {
            object: other,
            words,
        } in &self.others
        {
            let kind = &other.kind;
            let said = match role_of(other) {
                Role::Database if makes_one_of(other, &told) => Some((
                    format!("who reaches the database of {kind} {}", escape(&other.name)),
                    "its operator makes the database, and this kind is not read; check that it has a password, and that only pods reach it",
                )),
                Role::Database => None,
                _ => names.led_to_by(other, words).map(|is_database| {
                    let reason = match is_database {
                        true => {
                            "this kind is not read; check that it does not lead to a database from outside"
                        }
                        false => "this kind is not read; check that it speaks TLS",
                    };
                    (format!("what {kind} opens"), reason)
                }),
            };
            if let Some((what, reason)) = said {
                unseen.push(Unseen {
                    what,
                    hides: Hides::Way,
                    reason: reason.to_owned(),
                    service: None,
                    span: Some(other.whole().at_start()),
                });
            }
        }
        let annotated = self.annotated.iter();
        unseen.extend(annotated.filter_map(|one| one.unseen(&names)));
        deployment.unseen.extend(unseen);
    }

    /// Notes Services without a selector that lead from outside to a port on which a server or a database may listen: to
    /// what pods, or to what else, only addresses tell.
    pub(super) fn unselected(&self, deployment: &mut Deployment, members: &[&Object]) {
        // The namespace of what it means counts, where it is another name.
        let is_beside = |service: &Object| {
            let mut externals = self.externals.all();
            let meant = externals.find(|one| std::ptr::eq(one.service, service));
            let is_own = |one: &&Object| match meant.and_then(|one| one.namespace.as_ref()) {
                Some(meant) => one.namespace.as_ref().is_none_or(|own| own == meant),
                None => service.may_be_beside(one),
            };
            members.iter().any(is_own)
        };
        let untold = self.untold.iter().filter(|(service, _)| is_beside(service));
        deployment
            .unseen
            .extend(untold.map(|(service, reason)| Unseen {
                what: format!("where Service {} leads", escape(&service.name)),
                hides: Hides::Way,
                reason: reason.clone(),
                service: None,
                span: Some(service.name_span()),
            }));
    }
}

/// Whether a route of Istio is for what pods of the cluster ask, as all are that name no gateway.
fn is_for_pods(route: &Object) -> bool {
    let gateways = list(&route.node, &["spec", "gateways"]);
    let version = text(&route.node, &["apiVersion"]).unwrap_or_default();
    let is_istios = route.kind == "VirtualService" && version.starts_with("networking.istio.io/");
    is_istios && gateways.iter().all(|one| one.text() == Some("mesh"))
}

/// Where ClearML's servers and their databases listen, but for the web server's port, which is everybody's.
const PORTS: [u16; 7] = [6379, 8008, 8080, 8081, 9200, 9300, 27017];

/// Why it is not known where a Service without a selector leads, if that may be to a server or a database.
fn untold(pool: &Pool, service: &Object) -> Option<String> {
    let ports = ports(pool, service);
    let port = ports.iter().find(|port| PORTS.contains(port));
    if let Some(external) = External::of(service, pool) {
        let mut meant = pool.objects.iter().filter(|one| one.kind == "Service");
        if meant.any(|one| external.means(one)) {
            return None;
        }
        if external.is_of_cluster && ports.is_empty() {
            return Some(format!(
                "it is another name for Service {}, which was not given, and is open to the outside; add that Service and its pods as a TARGET",
                escape(&external.name)
            ));
        }
    }
    let port = port.filter(|_| !endpoints::are_known(pool, service))?;
    Some(format!(
        "it has no selector, and is open to the outside; check that its port {port} is none of ClearML or its databases"
    ))
}

/// The ports of a Service, and those of its endpoints.
fn ports(pool: &Pool, service: &Object) -> Vec<u16> {
    let mut ports = Vec::new();
    let mut add = |node: &Node, keys: &[&str]| {
        for item in list(node, keys) {
            let keys = ["port", "targetPort"].iter();
            ports.extend(keys.filter_map(|key| number(item, &[key])));
        }
    };
    add(&service.node, &["spec", "ports"]);
    for endpoints in pool.called(service, "Endpoints", &service.name) {
        add(&endpoints.node, &["ports"]);
        for subset in list(&endpoints.node, &["subsets"]) {
            add(subset, &["ports"]);
        }
    }
    ports
}

/// Whether a Service is reached from outside by itself.
fn is_open(service: &Object) -> bool {
    let kind = text(&service.node, &["spec", "type"]).unwrap_or_default();
    ["LoadBalancer", "NodePort"].contains(&kind)
        || !list(&service.node, &["spec", "externalIPs"]).is_empty()
}

/// What leads from outside to the Services that it names, by their names, each with the namespace.
struct Ways<'a>(HashMap<String, Vec<(&'a Worded<'a>, Option<String>)>>);

impl<'a> Ways<'a> {
    fn of(ways: impl Iterator<Item = &'a Worded<'a>>) -> Self {
        let mut by_name: HashMap<String, Vec<_>> = HashMap::new();
        for way in ways {
            for word in &way.words {
                let asked = Asked::in_cluster(word, way.object.namespace.as_deref());
                for service in asked.services() {
                    let of_name = by_name.entry(service.name.to_owned()).or_default();
                    of_name.push((way, service.namespace.map(str::to_owned)));
                }
            }
        }
        Self(by_name)
    }

    /// Whether one names a Service: of its own namespace, of one that it names besides, or with that.
    fn lead_to(&self, service: &Object) -> bool {
        let own = service.namespace.as_ref();
        let mut named = self.0.get(&*service.name).into_iter().flatten();
        named.any(|(way, meant)| {
            own.is_none_or(|own| meant.as_ref().is_none_or(|meant| meant == own))
                || *meant == way.object.namespace
                    && own.is_some_and(|own| way.words.contains(own.as_str()))
        })
    }
}

/// The names of servers, databases and pages for databases, each with the namespaces of those that have it and whether one
/// leads to a database.
struct Names<'a>(HashMap<&'a str, Vec<(Option<&'a str>, bool)>>);

impl<'a> Names<'a> {
    fn of(deployment: &'a Deployment) -> Self {
        let mut names: HashMap<&str, Vec<(Option<&str>, bool)>> = HashMap::new();
        let leads_to_database = |container: &Container| {
            Database::of(container).is_some() || Tool::of(container).is_some()
        };
        for (index, container) in deployment.containers.iter().enumerate() {
            let mut instances = deployment.instances.iter();
            let is_server = instances.any(|instance| instance.service == index);
            let is_database = leads_to_database(container);
            if !is_server && !is_database {
                continue;
            }
            for alias in &container.aliases {
                let of_name = names.entry(&alias.name).or_default();
                of_name.push((alias.namespace.as_deref(), is_database));
            }
        }
        Self(names)
    }

    /// Whether an object names one of them, and then whether it leads to a database. A name without a namespace is of the
    /// object's own, or of one that it names besides.
    fn led_to_by(&self, other: &Object, words: &HashSet<&str>) -> Option<bool> {
        let mut found = None;
        let home = other.namespace.as_deref();
        for word in words {
            let asked = Asked::in_cluster(word, home);
            for service in asked.services() {
                let of_name = self.0.get_key_value(service.name).into_iter();
                let all = of_name.flat_map(|(name, all)| all.iter().map(move |one| (*name, one)));
                let named = all.filter(|(name, (namespace, _))| {
                    service.is_called(name, *namespace)
                        || service.namespace == home
                            && namespace.is_some_and(|one| words.contains(one))
                });
                found = found.max(named.map(|(_, (_, is_database))| *is_database).max());
            }
        }
        found
    }
}

/// A Service that servers are told: its name, and its namespace where one is known.
type Told = (String, Option<String>);

/// The Services that servers are told; of one that is another name, the one that it means.
fn told(deployment: &Deployment, externals: &Externals<'_>) -> HashSet<Told> {
    let mut told = HashSet::new();
    for instance in &deployment.instances {
        let server = deployment.service(instance);
        let mut add = |text| {
            for word in hosts(text) {
                let asked = Asked::by(server, word);
                let services = asked.services();
                // No operator gives a pod a name of its own.
                for service in services.filter(|service| !service.name.contains('.')) {
                    let other = externals.named(service);
                    let meant = other.map_or(service, |other| other.meant());
                    let namespace = meant.namespace.map(str::to_owned);
                    told.insert((meant.name.to_owned(), namespace));
                }
            }
        };
        for variable in &server.environment {
            if let Some(value) = variable.value.known() {
                add(value.expose());
            }
        }
        for file in &instance.config {
            add(deployment.sources.text(file.source));
        }
    }
    told
}

/// Whether an operator makes one of these Services of an object: it has its name, with or without a word more, as in
/// `NAME-es-http`, `NAME-svc` and `rfs-NAME`.
fn makes_one_of(object: &Object, told: &HashSet<Told>) -> bool {
    told.iter().any(|(host, namespace)| {
        let own = object.namespace.as_ref();
        let is_there = own.is_none() || namespace.is_none() || own == namespace.as_ref();
        let behind = host.strip_prefix(&*object.name);
        let before = host.strip_suffix(&*object.name);
        is_there
            && (behind.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                || before.is_some_and(|rest| rest.ends_with('-')))
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)))
}

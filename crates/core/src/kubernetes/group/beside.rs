//! What is of another release or namespace and belongs to what servers are reached by, or ask: databases that they name, and
//! proxies, pages and other workloads that name them.

use std::collections::{HashMap, HashSet};

use super::{Group, may_be_clearml};
use crate::deployment::{Database, hosts, is_clearml};
use crate::kubernetes::expose::Services;
use crate::kubernetes::object::Object;
use crate::kubernetes::pool::Pool;
use crate::source::Sources;
use crate::yaml::Node;
use crate::yaml::below::{list, text};

/// Workloads, by their places in the pool, and those that each of them names.
struct Named<'a> {
    pool: &'a Pool,
    /// By their namespaces.
    workloads: HashMap<Option<&'a str>, Vec<usize>>,
    /// By their names.
    maps: HashMap<&'a str, Vec<&'a Object>>,
    services: HashMap<&'a str, Vec<&'a Object>>,
}

/// Adds to each group that may have servers the databases that it names, and then whatever names any of all these and is not
/// ClearML's itself.
pub(super) fn add(groups: &mut [Group], pool: &Pool, sources: &Sources) {
    let is_ours = |group: &Group| {
        let mut members = group.iter().map(|at| &pool.objects[*at]);
        members.any(|one| may_be_clearml(one, sources.text(one.source)))
    };
    let ours: Vec<usize> = (0..groups.len())
        .filter(|at| is_ours(&groups[*at]))
        .collect();
    if ours.is_empty() || groups.len() == 1 {
        return;
    }
    let named = Named::of(groups, pool);
    let all: Vec<usize> = groups.iter().flatten().copied().collect();
    let mut asks: HashMap<usize, HashSet<usize>> = HashMap::new();
    let mut asked_by: HashMap<usize, Vec<usize>> = HashMap::new();
    for at in all {
        let targets = named.by(at);
        for target in targets.iter().filter(|_| !runs_clearml(&pool.objects[at])) {
            asked_by.entry(*target).or_default().push(at);
        }
        asks.insert(at, targets);
    }
    for at in ours {
        let group = &mut groups[at];
        let mut known: HashSet<usize> = group.iter().copied().collect();
        let asked = group.iter().flat_map(|at| &asks[at]).copied();
        let asked = asked.filter(|at| is_database(&pool.objects[*at]));
        let mut next: Vec<usize> = asked.chain(group.iter().copied()).collect();
        while let Some(one) = next.pop() {
            if known.insert(one) {
                group.push(one);
            }
            let by = asked_by.get(&one).into_iter().flatten();
            next.extend(by.filter(|by| !known.contains(by)));
        }
    }
}

impl<'a> Named<'a> {
    fn of(groups: &[Group], pool: &'a Pool) -> Self {
        let mut named = Self {
            pool,
            workloads: HashMap::new(),
            maps: HashMap::new(),
            services: HashMap::new(),
        };
        for at in groups.iter().flatten() {
            let namespace = pool.objects[*at].namespace.as_deref();
            named.workloads.entry(namespace).or_default().push(*at);
        }
        for object in &pool.objects {
            let all = match object.kind.as_str() {
                "ConfigMap" => &mut named.maps,
                "Service" => &mut named.services,
                _ => continue,
            };
            all.entry(&*object.name).or_default().push(object);
        }
        named
    }

    /// The workloads behind the Services that a workload names.
    fn by(&self, at: usize) -> HashSet<usize> {
        let workload = &self.pool.objects[at];
        let mut found = HashSet::new();
        for word in self.words(workload) {
            let (name, rest) = word.split_once('.').unwrap_or((word, ""));
            // A pod of a headless Service has a name before it: `mongo-0.mongo-headless`.
            let (parent, beyond) = rest.split_once('.').unwrap_or((rest, ""));
            let called = |name: &str| self.services.get(name).into_iter().flatten().copied();
            let headless = called(parent).filter(|service| {
                text(&service.node, &["spec", "clusterIP"]) == Some("None")
                    && is_meant(service, workload, beyond)
            });
            let meant = called(name).filter(|service| is_meant(service, workload, rest));
            let meant = meant.chain(headless);
            for service in at_home(workload, meant, |service| service) {
                found.extend(self.behind(service));
            }
        }
        found.remove(&at);
        found
    }

    /// The workloads to which a Service leads.
    fn behind(&self, service: &Object) -> Vec<usize> {
        let within = |namespace| self.workloads.get(&namespace).into_iter().flatten();
        let near: Vec<usize> = match service.namespace.as_deref() {
            None => self.workloads.values().flatten().copied().collect(),
            named => within(named).chain(within(None)).copied().collect(),
        };
        let selected = near.into_iter().filter(|at| {
            let pod = self.pool.objects[*at].pod();
            pod.is_some_and(|pod| Services::leads_to(service, pod))
        });
        at_home(service, selected, |at| &self.pool.objects[*at])
    }

    /// The words of what pods are given, with those of ConfigMaps that they name.
    fn words(&self, workload: &'a Object) -> HashSet<&'a str> {
        let mut words = HashSet::new();
        if let Some(pod) = workload.pod() {
            add_words(pod, &mut words);
        }
        let maps = words
            .iter()
            .filter_map(|name| self.maps.get(name))
            .flatten();
        let maps: Vec<&Object> = maps
            .filter(|map| map.may_be_beside(workload))
            .copied()
            .collect();
        for map in maps {
            add_words(&map.node, &mut words);
        }
        words
    }
}

/// The images that a workload runs.
fn images(workload: &Object) -> impl Iterator<Item = &str> {
    let containers = workload.pod().map(|pod| list(pod, &["spec", "containers"]));
    let containers = containers.unwrap_or_default().iter();
    containers.filter_map(|container| text(container, &["image"]))
}

fn is_database(workload: &Object) -> bool {
    images(workload).any(|image| {
        let last = image.rsplit('/').next().unwrap_or_default();
        let name = last.split([':', '@']).next().unwrap_or_default();
        Database::of_image(name).is_some()
    })
}

/// Whether a workload runs what is ClearML's: a server of another release, or an agent.
fn runs_clearml(workload: &Object) -> bool {
    let containers = workload.pod().map(|pod| list(pod, &["spec", "containers"]));
    let mut containers = containers.unwrap_or_default().iter();
    containers.any(|container| {
        let image = text(container, &["image"]).unwrap_or_default();
        let lists = [list(container, &["command"]), list(container, &["args"])];
        let words: Vec<&str> = { lists.into_iter().flatten() }
            .filter_map(|item| item.text())
            .collect();
        is_clearml(image, &words)
    })
}

/// Those that were given together with an object, if there are any: two renderings without a namespace are two releases. Where
/// all namespaces are written, they tell.
fn at_home<'o, T>(
    object: &Object,
    all: impl Iterator<Item = T>,
    object_of: impl Fn(&T) -> &'o Object,
) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    let is_unnamed = |one: &T| object.namespace.is_none() || object_of(one).namespace.is_none();
    let is_at_home = |one: &T| object_of(one).unit == object.unit;
    if all.iter().any(is_at_home) {
        all.retain(|one| !is_unnamed(one) || is_at_home(one));
    }
    all
}

/// Whether a Service is the one that a workload means by its name and what is behind the dot.
fn is_meant(service: &Object, by: &Object, rest: &str) -> bool {
    let (namespace, domain) = rest.split_once('.').unwrap_or((rest, ""));
    let own = service.namespace.as_deref();
    match rest {
        "" => service.may_be_beside(by),
        _ => {
            own.is_none_or(|own| own == namespace)
                && ["", "svc", "svc.cluster.local"].contains(&domain)
        }
    }
}

fn add_words<'a>(node: &'a Node, words: &mut HashSet<&'a str>) {
    if let Some(text) = node.text() {
        words.extend(hosts(text));
    }
    for item in node.items().unwrap_or_default() {
        add_words(item, words);
    }
    for entry in node.entries().unwrap_or_default() {
        add_words(&entry.value, words);
    }
}

//! What is of another release or namespace and belongs to what servers are reached by, or ask: databases that they name, and
//! proxies, pages and other workloads that name them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Group, may_be_clearml};
use crate::compose::service::plain_words;
use crate::container::Asked;
use crate::container::host::{canonical, hosts};
use crate::deployment::exposure::may_lead;
use crate::deployment::{Database, is_clearml};
use crate::kubernetes::expose::{
    Externals, SELECTOR, Services, addresses, given_labels, is_headless, labels,
};
use crate::kubernetes::object::Object;
use crate::kubernetes::pool::Pool;
use crate::kubernetes::store::{self, Content};
use crate::source::Sources;
use crate::yaml::Node;
use crate::yaml::below::{self, list, text};

/// Workloads, by their places in the pool, and those that each of them names.
struct Named<'a> {
    pool: &'a Pool,
    all: Vec<usize>,
    /// By the labels of their pods.
    workloads: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// ConfigMaps and Secrets, by their names.
    stores: HashMap<&'a str, Vec<&'a Object>>,
    /// By their names and addresses.
    services: HashMap<Cow<'a, str>, Vec<&'a Object>>,
    externals: Externals<'a>,
    /// How the names of all these begin, up to a dot.
    starts: HashSet<String>,
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
        let own = group.len();
        let mut known: HashSet<usize> = group.iter().copied().collect();
        let is_database = |at: &usize| is_database(&pool.objects[*at]);
        // What they ask, and what is behind those that pass it on.
        let mut asked: HashSet<usize> = HashSet::new();
        let mut asking = group.clone();
        while let Some(one) = asking.pop() {
            let new = asks[&one].iter().copied().filter(|at| asked.insert(*at));
            asking.extend(new.filter(|at| passes_on(&pool.objects[*at])));
        }
        let asked = asked.into_iter().filter(is_database);
        let mut next: Vec<usize> = asked.chain(group.iter().copied()).collect();
        while let Some(one) = next.pop() {
            if known.insert(one) {
                group.push(one);
            }
            let by = asked_by.get(&one).into_iter().flatten();
            next.extend(by.filter(|by| !known.contains(by)));
        }
        // In the order of the texts, in which what is said of them stays the same.
        group[own..].sort_unstable();
    }
}

impl<'a> Named<'a> {
    fn of(groups: &[Group], pool: &'a Pool) -> Self {
        let mut named = Self {
            pool,
            all: groups.iter().flatten().copied().collect(),
            workloads: HashMap::new(),
            stores: HashMap::new(),
            services: HashMap::new(),
            externals: Externals::of(pool),
            starts: HashSet::new(),
        };
        for at in groups.iter().flatten() {
            let pod = pool.objects[*at].pod();
            let own = pod.and_then(|pod| below::at(pod, &["metadata", "labels"]));
            for label in own.into_iter().flat_map(|own| labels(own)) {
                named.workloads.entry(label).or_default().push(*at);
            }
        }
        for object in &pool.objects {
            let names = std::iter::once(&*object.name);
            match object.kind.as_str() {
                "ConfigMap" | "Secret" => {
                    named.starts.insert(start(&canonical(&object.name)));
                    named.stores.entry(&object.name).or_default().push(object);
                }
                "Service" => {
                    for name in names.chain(addresses(object)) {
                        let name = canonical(name);
                        named.starts.insert(start(&name));
                        let of_name = named.services.entry(name).or_default();
                        of_name.push(object);
                    }
                }
                _ => {}
            }
        }
        named
    }

    /// The workloads behind the Services that a workload names.
    fn by(&self, at: usize) -> HashSet<usize> {
        let workload = &self.pool.objects[at];
        let searched = workload.searched();
        let mut found = HashSet::new();
        for word in self.words(workload) {
            let asked =
                Asked::in_cluster(&word, workload.namespace.as_deref()).searching(&searched);
            for service in asked.services().chain(asked.balanced()) {
                let other = self.externals.named(service);
                let service = other.map_or(service, |other| other.meant());
                let of_name = self.called(service.name);
                let meant = of_name.filter(|one| service.may_be_in(one.namespace.as_deref()));
                for service in at_home(workload, meant, |service| service) {
                    found.extend(self.behind(service));
                }
            }
        }
        found.remove(&at);
        found
    }

    /// The Services of a name or an address; of that of a pod with one of its own, those that have one for each pod.
    fn called(&self, name: &str) -> impl Iterator<Item = &'a Object> {
        let of_pods = name
            .split_once('.')
            .and_then(|(_, name)| self.services.get(name));
        let of_pods = of_pods.into_iter().flatten().copied();
        let of_pods = of_pods.filter(|service| is_headless(service));
        let own = self.services.get(name).into_iter().flatten().copied();
        own.chain(of_pods)
    }

    /// The workloads to which a Service leads.
    fn behind(&self, service: &Object) -> Vec<usize> {
        let wanted = below::at(&service.node, SELECTOR);
        let first = wanted.and_then(|wanted| given_labels(wanted).next());
        let near = match first {
            Some(label) => self.workloads.get(&label),
            None => wanted.map(|_| &self.all),
        };
        let selected = near.into_iter().flatten().copied().filter(|at| {
            let workload = &self.pool.objects[*at];
            service.may_be_beside(workload) && Services::leads_to(service, workload)
        });
        at_home(service, selected, |at| &self.pool.objects[*at])
    }

    /// Whether a word may be the name of any of these: nearly none is. Before the name of a Service there may be a pod's.
    fn may_be_name(&self, word: &str) -> bool {
        let host = canonical(word);
        let mut labels = host.split('.').take(2);
        labels.any(|label| self.starts.contains(label))
    }

    /// The words of what pods are given, with those of ConfigMaps and Secrets that they name, as far as they may be names.
    fn words(&self, workload: &'a Object) -> HashSet<Cow<'a, str>> {
        let mut words = HashSet::new();
        if let Some(pod) = workload.pod() {
            self.add_words(pod, &mut words);
        }
        let named = words.iter().filter_map(|name| self.stores.get(&**name));
        let named = named.flatten().filter(|one| one.may_be_beside(workload));
        let stores: Vec<&Object> = named.copied().collect();
        for store in stores {
            if store.kind == "ConfigMap" {
                self.add_words(&store.node, &mut words);
                continue;
            }
            for entry in store::entries(store) {
                if let Content::Text(text) = &entry.content {
                    let names = hosts(text).filter(|word| self.may_be_name(word));
                    words.extend(names.map(|word| Cow::Owned(word.to_owned())));
                }
            }
        }
        words
    }

    fn add_words(&self, node: &'a Node, words: &mut HashSet<Cow<'a, str>>) {
        if let Some(text) = node.text() {
            let names = hosts(text).filter(|word| self.may_be_name(word));
            words.extend(names.map(Cow::Borrowed));
        }
        for item in node.items().unwrap_or_default() {
            self.add_words(item, words);
        }
        for entry in node.entries().unwrap_or_default() {
            self.add_words(&entry.value, words);
        }
    }
}

fn start(name: &str) -> String {
    let start = name.split('.').next();
    start.unwrap_or_default().to_owned()
}

/// The images that a workload runs, and the words of each one's command.
fn programs(workload: &Object) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let containers = workload.pod().map(|pod| list(pod, &["spec", "containers"]));
    let containers = containers.unwrap_or_default().iter();
    containers.map(|container| {
        let lists = [list(container, &["command"]), list(container, &["args"])];
        let words = lists.into_iter().flatten().filter_map(|item| item.text());
        let image = text(container, &["image"]).unwrap_or_default();
        (image, words.collect())
    })
}

/// The last part of the name of an image.
fn last_name(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split([':', '@']).next().unwrap_or_default()
}

fn is_database(workload: &Object) -> bool {
    programs(workload).any(|(image, words)| {
        let words: Vec<String> = words.into_iter().flat_map(plain_words).collect();
        Database::of_program(last_name(image), &words).is_some()
    })
}

/// Whether a workload is of those that may pass on what they are asked, by its images.
fn passes_on(workload: &Object) -> bool {
    programs(workload).any(|(image, _)| may_lead(last_name(image)))
}

/// Whether a workload runs what is ClearML's: a server of another release, or an agent.
fn runs_clearml(workload: &Object) -> bool {
    programs(workload).any(|(image, words)| is_clearml(image, &words))
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

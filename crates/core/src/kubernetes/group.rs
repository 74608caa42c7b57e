//! Which workloads belong together: those of one release in one namespace, what else is in that namespace, and what they ask or
//! are asked by, wherever that is.

mod beside;

use std::collections::BTreeMap;

use super::object::{Object, number};
use super::pool::Pool;
use crate::shown::escape;
use crate::source::Sources;
use crate::yaml::below::text;

/// Workloads that are judged together: their places among all objects.
pub(super) type Group = Vec<usize>;

/// The groups, and what is passed over, in words.
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
    pub(super) remarks: Vec<String>,
}

impl Groups {
    pub(super) fn of(pool: &Pool, sources: &Sources) -> Self {
        let mut groups = Self {
            groups: Vec::new(),
            remarks: Vec::new(),
        };
        let workloads = groups.running(pool);
        let mut by_release: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for index in workloads {
            let release = pool.objects[index].release();
            by_release.entry(release).or_default().push(index);
        }
        let loose = by_release.remove(&None).unwrap_or_default();
        for members in by_release.into_values() {
            groups.groups.extend(by_namespace(pool, members));
        }
        groups.join(pool, loose);
        groups.groups.sort();
        beside::add(&mut groups.groups, pool, sources);
        groups
    }

    /// The workloads that run, or will.
    fn running(&mut self, pool: &Pool) -> Vec<usize> {
        let mut kept: Vec<usize> = Vec::new();
        let mut known: BTreeMap<(Option<&str>, String, Installed), usize> = BTreeMap::new();
        let mut scaled = Vec::new();
        for (index, object) in pool.objects.iter().enumerate() {
            let is_test = object
                .annotation("helm.sh/hook")
                .is_some_and(|hook| hook.contains("test"));
            // What it made before may be old.
            if !object.is_workload() || is_test || pool.maker(object).is_some() {
                continue;
            }
            let is_scaled = number(&object.node, &["spec", "replicas"]) == Some(0);
            if is_scaled && !is_started_otherwise(pool, object) {
                scaled.push(escape(&object.name).into_owned());
                continue;
            }
            // Of pods that one thing has made, one is as good as another; an operator makes several things.
            let is_of_many = ["Job", "Pod", "ReplicaSet"].contains(&object.kind.as_str());
            let owner = object.owner().filter(|_| is_of_many);
            let made_by = owner.map(|(kind, name)| format!("{kind} {name}"));
            let name = made_by.unwrap_or_else(|| format!("{} {}", object.kind, object.name));
            let key = (object.namespace.as_deref(), name, installed(object));
            if let Some(before) = known.insert(key, index) {
                let (kind, name) = (&object.kind, escape(&object.name));
                let is_replaced = owner.is_some() || !is_of_another_file(pool, before, index);
                let counts = match is_replaced {
                    true => "the last one counts",
                    false => "they are in several files and differ, so each is judged",
                };
                if is_replaced {
                    kept.retain(|one| *one != before);
                }
                if owner.is_none() {
                    let remark = format!("{kind} {name} is there more than once; {counts}");
                    self.remarks.push(remark);
                }
            }
            kept.push(index);
        }
        if !scaled.is_empty() {
            self.remarks.push(format!(
                "passed over, because they have replicas: 0: {}",
                scaled.join(", ")
            ));
        }
        kept
    }

    /// Puts what is of no release to the only release of its namespace, or else together.
    fn join(&mut self, pool: &Pool, loose: Vec<usize>) {
        let mut rest = Vec::new();
        for index in loose {
            let object = &pool.objects[index];
            let is_near = |group: &&mut Group| {
                let members = group.iter().map(|at| &pool.objects[*at]);
                let mut near =
                    members.filter(|one| one.unit == object.unit || one.namespace.is_some());
                near.any(|one| one.namespace == object.namespace)
            };
            let mut near = self.groups.iter_mut().filter(is_near);
            match (near.next(), near.next()) {
                (Some(only), None) => only.push(index),
                _ => rest.push(index),
            }
        }
        self.groups.extend(by_namespace(pool, rest));
    }
}

/// Whether two objects of one name differ and are in several files, of which nothing tells that both are applied: each may be the
/// one of an installation of its own.
fn is_of_another_file(pool: &Pool, one: usize, other: usize) -> bool {
    let (one, other) = (&pool.objects[one], &pool.objects[other]);
    one.source != other.source && !one.node.says_the_same(&other.node)
}

/// Splits what may be of one release by its namespaces. What is written without one is of the only one beside it: charts
/// differ in this (docs/clearml.md#helm-chart). Two renderings of one release stay two.
fn by_namespace(pool: &Pool, members: Vec<usize>) -> Vec<Group> {
    let mut named: BTreeMap<&str, Group> = BTreeMap::new();
    let mut unnamed = Group::new();
    for index in members {
        match &pool.objects[index].namespace {
            Some(namespace) => named.entry(namespace).or_default().push(index),
            None => unnamed.push(index),
        }
    }
    let mut groups: Vec<Group> = named.into_values().collect();
    match &mut groups[..] {
        [only] => only.append(&mut unnamed),
        _ => groups.extend((!unnamed.is_empty()).then_some(unnamed)),
    }
    groups
        .into_iter()
        .flat_map(|group| by_unit(pool, group))
        .collect()
}

/// What of all that was given an object comes from, and which release in it: two Applications for two clusters are two.
type Installed = (usize, Option<usize>);

fn installed(object: &Object) -> Installed {
    (object.unit, object.release)
}

/// Splits a group whose objects are in several of the things that were given, one and the same object twice.
fn by_unit(pool: &Pool, group: Group) -> Vec<Group> {
    let name = |index: &usize| {
        let object = &pool.objects[*index];
        (&object.kind, &object.name)
    };
    let mut names: Vec<_> = group.iter().map(name).collect();
    names.sort();
    if !names.windows(2).any(|pair| pair[0] == pair[1]) {
        return vec![group];
    }
    let mut units: BTreeMap<Installed, Group> = BTreeMap::new();
    for index in group {
        let unit = installed(&pool.objects[index]);
        units.entry(unit).or_default().push(index);
    }
    units.into_values().collect()
}

/// Whether something else starts pods of a workload without replicas of its own: an Argo Rollout, or KEDA, at a request.
fn is_started_otherwise(pool: &Pool, object: &Object) -> bool {
    pool.objects.iter().any(|other| {
        let reference = match other.kind.as_str() {
            "Rollout" => "workloadRef",
            "HTTPScaledObject" | "ScaledObject" => "scaleTargetRef",
            _ => return false,
        };
        let meant = |key| text(&other.node, &["spec", reference, key]);
        other.may_be_beside(object)
            && meant("kind").unwrap_or("Deployment") == object.kind
            && meant("name") == Some(&object.name)
    })
}

/// Whether any of them speaks of ClearML: the databases of others are none of its.
pub(super) fn may_be_clearml(object: &Object, text_around: &str) -> bool {
    const WORDS: [&str; 7] = [
        "clearml",
        "CLEARML",
        "ClearML",
        "allegroai",
        "trains-",
        "TRAINS_",
        "async_urls_delete",
    ];
    let written = &text_around[object.range.clone()];
    WORDS.iter().any(|word| written.contains(word))
        || text(&object.node, &["metadata", "labels", "app"]) == Some("trains")
}

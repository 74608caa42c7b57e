//! All objects that were given, and which of them a reference means.

use std::collections::HashMap;

use super::object::{Object, above};
use crate::knowable::Reason;
use crate::source::{SourceId, Span};
use crate::yaml::below::{at, text};

/// All objects that were given.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) objects: Vec<Object>,
    /// By kind and name, and then by namespace.
    named: HashMap<(String, String), HashMap<Option<String>, Vec<usize>>>,
    /// In the order of where they begin.
    placed: Vec<(SourceId, usize, usize)>,
}

/// Objects of some kinds by their namespaces. A cluster has many namespaces, and what is asked for is in one of them.
pub(super) struct Near<'a>(HashMap<Option<&'a str>, Vec<&'a Object>>);

impl<'a> Near<'a> {
    pub(super) fn of(pool: &'a Pool, kinds: &[&str]) -> Self {
        let mut by_namespace: HashMap<Option<&str>, Vec<&Object>> = HashMap::new();
        for object in &pool.objects {
            if kinds.contains(&object.kind.as_str()) {
                let namespace = object.namespace.as_deref();
                by_namespace.entry(namespace).or_default().push(object);
            }
        }
        Self(by_namespace)
    }

    /// All of them: a Gateway may be in a namespace of its own.
    pub(super) fn all(&self) -> Vec<&'a Object> {
        let mut all: Vec<&Object> = self.0.values().flatten().copied().collect();
        all.sort_unstable_by_key(|object| (object.source, object.range.start));
        all
    }

    /// Those that may be in the namespace of an object: where none is written, it may be any.
    pub(super) fn beside(&self, object: &Object) -> Vec<&'a Object> {
        let of = |namespace| self.0.get(&namespace).into_iter().flatten().copied();
        let is_meant = |one: &&Object| one.is_of_release_of(object);
        match object.namespace.as_deref() {
            Some(namespace) => of(Some(namespace))
                .chain(of(None))
                .filter(is_meant)
                .collect(),
            None => self.all().into_iter().filter(is_meant).collect(),
        }
    }
}

/// Above a pod there is a ReplicaSet or a Job, and above that a Deployment or a CronJob, which something else may control.
const LEVELS: usize = 4;

/// What a reference means.
#[derive(Clone)]
pub(super) enum Found<'a> {
    Object(&'a Object),
    /// What makes it, which does not have its values.
    Maker(&'a Object),
    /// It was not given.
    Nothing,
    /// It is not known, for this reason.
    Unclear(Reason),
}

impl Pool {
    pub(super) fn new(objects: Vec<Object>) -> Self {
        let mut named: HashMap<(String, String), HashMap<Option<String>, Vec<usize>>> =
            HashMap::new();
        for (index, object) in objects.iter().enumerate() {
            let (kind, name) = made_by(object);
            let key = (kind.to_owned(), name.to_owned());
            let of_name = named.entry(key).or_default();
            let of_namespace = of_name.entry(object.namespace.clone()).or_default();
            of_namespace.push(index);
        }
        let place = |(index, object): (usize, &Object)| (object.source, object.range.start, index);
        let mut placed: Vec<_> = objects.iter().enumerate().map(place).collect();
        placed.sort_unstable();
        Self {
            objects,
            named,
            placed,
        }
    }

    /// The object in which something is.
    pub(super) fn at(&self, span: Span) -> Option<&Object> {
        let is_before = |(source, start, _): &(SourceId, usize, usize)| {
            (*source, *start) <= (span.source, span.start)
        };
        let next = self.placed.partition_point(is_before);
        let (_, _, index) = self.placed.get(next.checked_sub(1)?)?;
        let object = &self.objects[*index];
        let is_in = object.source == span.source && object.range.contains(&span.start);
        is_in.then_some(object)
    }

    /// All objects of a kind and a name that may be in the namespace of another one.
    pub(super) fn called<'a>(
        &'a self,
        beside: &'a Object,
        kind: &str,
        name: &str,
    ) -> impl Iterator<Item = &'a Object> {
        let of_name = self.named.get(&(kind.to_owned(), name.to_owned()));
        let mut found: Vec<usize> = match (of_name, &beside.namespace) {
            (None, _) => Vec::new(),
            (Some(all), None) => all.values().flatten().copied().collect(),
            (Some(all), namespace) => [namespace, &None]
                .into_iter()
                .filter_map(|namespace| all.get(namespace))
                .flatten()
                .copied()
                .collect(),
        };
        found.sort_unstable();
        found.into_iter().map(|at| &self.objects[at])
    }

    /// What makes an object: of all that was given, the topmost that controls it.
    pub(super) fn maker<'a>(&'a self, object: &'a Object) -> Option<&'a Object> {
        let mut made = object;
        for _ in 0..LEVELS {
            let Some((kind, name)) = made.owner() else {
                break;
            };
            let own = self.called(made, kind, name).next();
            // The ReplicaSet between a Deployment and its pods may not have been given.
            let own = match kind {
                "ReplicaSet" => own.or_else(|| self.called(made, "Deployment", above(name)).next()),
                _ => own,
            };
            match own {
                Some(own) => made = own,
                None => break,
            }
        }
        Some(made).filter(|made| !std::ptr::eq(*made, object))
    }

    /// What an object means by the name of a Secret or a ConfigMap: what was given together with it comes first, and what
    /// is known to be in its namespace.
    pub(super) fn meant<'a>(&'a self, by: &'a Object, kind: &str, name: &str) -> Found<'a> {
        let all: Vec<&Object> = self.called(by, kind, name).collect();
        let real = |object: &&&Object| object.kind == kind;
        let own: Vec<&Object> = all.iter().filter(real).copied().collect();
        if own.is_empty() {
            return all
                .first()
                .map_or(Found::Nothing, |maker| Found::Maker(maker));
        }
        let together: Vec<&Object> = own
            .iter()
            .filter(|one| one.unit == by.unit)
            .copied()
            .collect();
        let near = if together.is_empty() { own } else { together };
        let is_told = |one: &&&Object| one.namespace == by.namespace;
        let told: Vec<&Object> = near.iter().filter(is_told).copied().collect();
        let candidates = if told.is_empty() { near } else { told };
        let last = candidates[candidates.len() - 1];
        let others = &candidates[..candidates.len() - 1];
        match others.iter().all(|one| holds_the_same(one, last)) {
            true => Found::Object(last),
            false => Found::Unclear(
                format!(
                    "several of kind {kind} are called {}, and they differ; give each release a run of its own",
                    crate::shown::escape(name)
                )
                .into(),
            ),
        }
    }
}

/// Kind and name; of what makes a Secret, those of the Secret, and of a slice of a Service's endpoints, those of them all.
fn made_by(object: &Object) -> (&str, &str) {
    const SERVICE: [&str; 3] = ["metadata", "labels", "kubernetes.io/service-name"];
    let (kind, path): (&str, &[&str]) = match object.kind.as_str() {
        "EndpointSlice" => ("Endpoints", &SERVICE),
        "ExternalSecret" => ("Secret", &["spec", "target", "name"]),
        "SealedSecret" => ("Secret", &["spec", "template", "metadata", "name"]),
        kind => (kind, &["metadata", "name"]),
    };
    (kind, text(&object.node, path).unwrap_or(&object.name))
}

fn holds_the_same(one: &Object, other: &Object) -> bool {
    ["data", "stringData", "binaryData"].iter().all(|key| {
        match (at(&one.node, &[key]), at(&other.node, &[key])) {
            (None, None) => true,
            (Some(one), Some(other)) => one.says_the_same(other),
            _ => false,
        }
    })
}

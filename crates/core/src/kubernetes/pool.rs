//! All objects that were given, and which of them a reference means.

use std::collections::HashMap;

use super::object::{MAKERS, Object};
use crate::knowable::Reason;
use crate::yaml::below::{at, text};

/// All objects that were given.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) objects: Vec<Object>,
    /// By kind and name.
    named: HashMap<(String, String), Vec<usize>>,
}

/// What a reference means.
pub(super) enum Found<'a> {
    Object(&'a Object),
    /// What makes it, which does not have its values.
    Maker(&'a Object),
    /// It was not given.
    Nothing,
    /// It cannot be told.
    Unclear(Reason),
}

impl Pool {
    pub(super) fn new(objects: Vec<Object>) -> Self {
        let mut named: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (index, object) in objects.iter().enumerate() {
            let (kind, name) = made_by(object);
            let key = (kind.to_owned(), name.to_owned());
            named.entry(key).or_default().push(index);
        }
        Self { objects, named }
    }

    /// All objects of a kind and a name that may be in the namespace of another one.
    pub(super) fn called<'a>(
        &'a self,
        beside: &'a Object,
        kind: &str,
        name: &str,
    ) -> impl Iterator<Item = &'a Object> {
        let all = self.named.get(&(kind.to_owned(), name.to_owned()));
        let objects = all.into_iter().flatten().map(|at| &self.objects[*at]);
        objects.filter(|object| object.may_be_beside(beside))
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
        match candidates.iter().all(|one| holds_the_same(one, last)) {
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

/// Kind and name; of what makes a Secret, those of the Secret.
fn made_by(object: &Object) -> (&str, &str) {
    if !MAKERS.contains(&object.kind.as_str()) {
        return (&object.kind, &object.name);
    }
    let named = match object.kind.as_str() {
        "ExternalSecret" => text(&object.node, &["spec", "target", "name"]),
        _ => text(&object.node, &["spec", "template", "metadata", "name"]),
    };
    ("Secret", named.unwrap_or(&object.name))
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

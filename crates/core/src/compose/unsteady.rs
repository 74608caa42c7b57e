//! Tags that Docker Compose does not apply in every run. It takes the services of a file in an order that changes, and what
//! `!reset` and `!override` take away of what a service inherits is there or not, as it happens, where a third service of
//! the file extends that one: at both, and at all that extend them in turn. Where what is inherited is in another
//! file, the service itself is read in one way, and those that extend it are not.
//!
//! Found by running Docker Compose 2.40.3 many times over the same files: `tests/tests/unsteady.rs`.

use super::attribute::{attribute, counting};
use super::{Part, Project};
use crate::container::{Variable, VariableValue};
use crate::knowable::Reason;
use crate::source::Span;
use crate::unseen::{Hides, Unseen};
use crate::yaml::{Node, Value};

const WHY: &str = "docker compose does not apply `!reset` and `!override` in every run where another service extends the one that has them; extend a service without such tags";

/// Keys of which compose adds up what the parts say.
const ADDED: [(&str, Hides); 9] = [
    ("configs", Hides::Anything),
    ("labels", Hides::Port),
    ("networks", Hides::Port),
    ("post_start", Hides::Anything),
    ("ports", Hides::Port),
    ("secrets", Hides::Anything),
    ("tmpfs", Hides::Anything),
    ("volumes", Hides::Anything),
    ("volumes_from", Hides::Anything),
];
/// Keys of which the last part counts.
const REPLACED: [(&str, Hides); 8] = [
    ("build", Hides::Anything),
    ("command", Hides::Anything),
    ("entrypoint", Hides::Anything),
    ("image", Hides::Anything),
    ("network_mode", Hides::Port),
    ("privileged", Hides::Anything),
    ("user", Hides::Anything),
    ("working_dir", Hides::Anything),
];

impl Project {
    /// A service's parts as compose reads them in other runs; none where it reads them in one way.
    pub(super) fn in_other_runs(&self, name: &str, parts: &[Part]) -> Option<Vec<Part>> {
        let mut other = parts.to_vec();
        for part in &mut other {
            part.ignores_tags = self.is_unsteady(name, part);
        }
        other.iter().any(|part| part.ignores_tags).then_some(other)
    }

    /// Whether the tags of a part may not be applied for a service.
    fn is_unsteady(&self, name: &str, part: &Part) -> bool {
        let Some(extends) = part.node.get("extends") else {
            return false;
        };
        // What another file has that only `extends` names is read in one way.
        if extends.value.is_null() || !self.order.contains(&part.document) {
            return false;
        }
        let is_of_file = extends.value.get("file").is_some();
        let document = &self.documents[part.document];
        let extends_it = |(heir, named): (&String, &super::NamedNode)| {
            let extends = named.node.get("extends").map(|field| field.value);
            let from = extends.and_then(|node| match node.get("service") {
                Some(_) if node.get("file").is_some() => None,
                Some(service) => self.interpolated(document.scope, service.value),
                None => self.interpolated(document.scope, node),
            });
            *heir != part.service && from.as_ref() == Some(&part.service)
        };
        // Most have no tag, and who extends whom is asked of all services.
        (part.service != name || !is_of_file)
            && may_have_tag(&part.node)
            && document.services.iter().any(extends_it)
    }

    /// Says which keys of a service differ from run to run. Variables are compared one by one.
    pub(super) fn note_unsteady(&mut self, name: &str, parts: &[Part], other: &[Part]) {
        let added = ADDED.iter().filter(|(key, _)| {
            let count = |parts: &[Part]| counting(parts, key).count();
            count(parts) != count(other)
        });
        let replaced = REPLACED.iter().filter(|(key, _)| {
            let last =
                |parts: &[Part]| attribute(parts, key).map(|(part, node)| node.span(part.source));
            last(parts) != last(other)
        });
        let differing: Vec<_> = added.chain(replaced).collect();
        for (key, hides) in differing {
            self.unseen.push(Unseen {
                what: format!("`{key}`"),
                hides: *hides,
                reason: WHY.to_owned(),
                service: Some(name.to_owned()),
                span: tag(parts, other, key),
            });
        }
    }
}

/// Whether a node has one of compose's tags in it, or is an alias of one that may.
fn may_have_tag(node: &Node) -> bool {
    node.clears().is_some()
        || match &node.value {
            Value::Alias(_) => true,
            Value::Mapping(_, entries) => entries.iter().any(|entry| may_have_tag(&entry.value)),
            Value::Scalar(_) => false,
            Value::Sequence(_, items) => items.iter().any(|item| may_have_tag(item)),
        }
}

/// Where a key is written that has the tag.
fn tag(parts: &[Part], other: &[Part], key: &str) -> Option<Span> {
    let mut unsteady = parts
        .iter()
        .zip(other)
        .rev()
        .filter(|(_, other)| other.ignores_tags);
    unsteady.find_map(|(part, _)| {
        part.node.clears_of(key)?;
        let field = part.node.get(key)?;
        Some(field.key.span(part.source))
    })
}

/// Puts variables together that differ from run to run; both lists are sorted by name.
pub(super) fn put_together(variables: &mut Vec<Variable>, others: Vec<Variable>) {
    let of_all_runs = |one: &Variable, other: &Variable| match (&one.value, &other.value) {
        (VariableValue::Known(one), VariableValue::Known(other)) => one == other,
        _ => one.value_span == other.value_span,
    };
    for variable in &mut *variables {
        let same = others.iter().find(|other| other.name == variable.name);
        if !same.is_some_and(|other| of_all_runs(variable, other)) {
            variable.value = VariableValue::Unknown(Reason::from(WHY));
        }
    }
    for mut other in others {
        let place = variables.binary_search_by(|known| known.name.cmp(&other.name));
        if let Err(place) = place {
            other.value = VariableValue::Unknown(Reason::from(WHY));
            variables.insert(place, other);
        }
    }
}

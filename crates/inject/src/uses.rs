//! Which names a compose file takes from an env file, and where.

use std::cell::RefCell;

use clearml_secure_core::compose::{Project, interpolate};
use clearml_secure_core::source::{SourceId, Span};
use clearml_secure_core::yaml::{Node, Value};

/// Every use in the project's files: the name, and the scalar in which it stands. What decides whether another name is
/// used counts as well.
pub(crate) fn all(project: &Project) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    for layer in &project.layers {
        note(project, &layer.root, layer.source, &mut found);
    }
    found
}

fn note(project: &Project, node: &Node, source: SourceId, found: &mut Vec<(String, Span)>) {
    match &node.value {
        Value::Scalar(_) => {
            let Some(text) = node.text().filter(|text| text.contains('$')) else {
                return;
            };
            let asked = RefCell::new(Vec::new());
            let lookup = |name: &str| {
                asked.borrow_mut().push(name.to_owned());
                project.env.value(name).map(str::to_owned)
            };
            drop(interpolate::interpolate(text, &lookup));
            let span = node.span(source);
            found.extend(asked.into_inner().into_iter().map(|name| (name, span)));
        }
        Value::Mapping(_, entries) => {
            for entry in entries {
                if entry.value.is_null() {
                    // A bare name of an `environment` takes the value of the same name.
                    if let Some(name) = entry.key.text() {
                        found.push((name.to_owned(), entry.key.span(source)));
                    }
                }
                note(project, &entry.value, source, found);
            }
        }
        Value::Sequence(_, items) => {
            for item in items {
                if let Some(name) = item.text() {
                    // In an `environment`, a bare name again.
                    found.push((name.to_owned(), item.span(source)));
                }
                note(project, item, source, found);
            }
        }
        Value::Alias(_) => {}
    }
}

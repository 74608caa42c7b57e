//! The labels of a service's container.

use super::{Part, Project, volume};
use crate::container::Label;
use crate::knowable::Knowable;
use crate::yaml::Clears;

/// The labels, of which a later part's wins.
pub(super) fn of_service(project: &Project, parts: &[Part]) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::new();
    for part in parts {
        let Some(field) = part.node.get("labels") else {
            continue;
        };
        if field.value.clears().is_some() {
            labels.clear();
        }
        if field.value.clears() == Some(Clears::All) {
            continue;
        }
        let document = &project.documents[part.document];
        let told = |node| volume::told(project, document, node);
        for item in field.value.items().unwrap_or_default() {
            let label = match told(item) {
                Knowable::Known(line) => {
                    let (name, value) = line.split_once('=').unwrap_or((&line, ""));
                    (name.to_owned(), Knowable::Known(value.to_owned()))
                }
                Knowable::Unknown(reason) => {
                    let written = item.text().unwrap_or_default();
                    let name = written.split('=').next().unwrap_or_default();
                    (name.to_owned(), Knowable::Unknown(reason))
                }
            };
            put(&mut labels, label, item.span(part.source));
        }
        for entry in field.value.fields() {
            let Some(name) = entry.key.text() else {
                continue;
            };
            let value = match entry.value.is_null() {
                true => Knowable::Known(String::new()),
                false => told(entry.value),
            };
            put(
                &mut labels,
                (name.to_owned(), value),
                entry.key.span(part.source),
            );
        }
    }
    labels
}

fn put(
    labels: &mut Vec<Label>,
    (name, value): (String, Knowable<String>),
    span: crate::source::Span,
) {
    labels.retain(|label| label.name != name);
    labels.push(Label { name, value, span });
}

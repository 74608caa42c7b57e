//! The labels of a service's container.

use std::collections::HashSet;

use super::attribute::Before;
use super::{Part, Project, volume};
use crate::container::Label;
use crate::knowable::Knowable;
use crate::yaml::{Clears, Node};

/// The labels, of which a later part's wins, and any over those of files.
pub(super) fn of_service(project: &Project, parts: &[Part], of_files: Vec<Label>) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::new();
    let mut before = Before::Nothing;
    for part in parts {
        // A swarm reads those below `deploy`.
        let deploy = part.node.get("deploy").map(|deploy| &**deploy.value);
        for node in [Some(&*part.node), deploy].into_iter().flatten() {
            if node.clears_of("labels").is_some() {
                labels.clear();
                before = Before::Nothing;
            }
            if let Some(field) = node.get("labels") {
                let is_reset = |name: &str| field.value.clears_of(name) == Some(Clears::All);
                if before == Before::Mapping {
                    labels.retain(|label| !is_reset(&label.name));
                }
                add(project, part, field.value, &mut labels);
                before = before.and(field.value);
            }
        }
    }
    let mut seen = HashSet::new();
    labels.splice(0..0, of_files);
    labels.reverse();
    labels.retain(|label| seen.insert(label.name.clone()));
    labels.reverse();
    labels
}

fn add(project: &Project, part: &Part, list: &Node, labels: &mut Vec<Label>) {
    let document = &project.documents[part.document];
    let told = |node| volume::told(project, document, node);
    for item in list.seen_items() {
        let (name, value) = match told(item) {
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
        let span = item.span(part.source);
        labels.push(Label { name, value, span });
    }
    for entry in list.fields() {
        let Some(name) = entry.key.text() else {
            continue;
        };
        let value = match entry.value.is_null() {
            true => Knowable::Known(String::new()),
            false => told(entry.value),
        };
        labels.push(Label {
            name: name.to_owned(),
            value,
            span: entry.key.span(part.source),
        });
    }
}

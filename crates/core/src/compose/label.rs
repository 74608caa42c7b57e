//! The labels of a service's container.

use std::collections::HashSet;

use super::attribute::{counting_at, counting_below, taken_from};
use super::{Part, Project, volume};
use crate::container::{Label, LabelReader as Reader};
use crate::knowable::Knowable;
use crate::yaml::{Field, Node};

/// The labels, of which a later part's wins, and any over those of files; and those that only a swarm reads, below `deploy`.
pub(super) fn of_service(project: &Project, parts: &[Part], of_files: Vec<Label>) -> Vec<Label> {
    let own = counting_at(parts, "labels");
    let mut labels = of_files;
    let keys = &["labels"][..];
    labels.extend(merged(project, parts, (keys, &own), Reader::Engine));
    let of_deploy = counting_below(parts, "deploy", "labels");
    let keys = &["deploy", "labels"];
    labels.extend(merged(project, parts, (keys, &of_deploy), Reader::Swarm));
    let mut seen = HashSet::new();
    labels.reverse();
    labels.retain(|label| seen.insert((label.name.clone(), label.reader)));
    labels.reverse();
    labels.shrink_to_fit();
    labels
}

/// The labels of one list or mapping over all parts, of which a later one of a name comes behind.
fn merged(
    project: &Project,
    parts: &[Part],
    (keys, counting): (&[&str], &[(usize, Field<'_>)]),
    reader: Reader,
) -> impl Iterator<Item = Label> {
    let mut labels: Vec<(usize, Label)> = Vec::new();
    for (number, (at, field)) in counting.iter().enumerate() {
        let taken_from = taken_from(parts, *at, &counting[..number]);
        let is_taken = |at: &usize| taken_from.iter().any(|range| range.contains(at));
        let cleared = parts[*at].clears_below(keys);
        labels.retain(|(at, label)| !(is_taken(at) && cleared.contains(&&*label.name)));
        let mut own = Vec::new();
        add(project, &parts[*at], field.value, reader, &mut own);
        labels.extend(own.into_iter().map(|label| (*at, label)));
    }
    labels.into_iter().map(|(_, label)| label)
}

fn add(project: &Project, part: &Part, list: &Node, reader: Reader, labels: &mut Vec<Label>) {
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
        labels.push(Label {
            name,
            value,
            reader,
            span,
        });
    }
    for entry in list.fields() {
        let Some(name) = entry.key.text() else {
            continue;
        };
        let value = match entry.value.is_null() {
            true => Knowable::Known(String::new()),
            // A number without quotes is one, and written in another way.
            false => match entry.value.typed().and_then(|typed| typed.rewritten()) {
                Some(rewritten) => Knowable::Known(rewritten),
                None => told(entry.value),
            },
        };
        labels.push(Label {
            name: name.to_owned(),
            value,
            reader,
            span: entry.key.span(part.source),
        });
    }
}

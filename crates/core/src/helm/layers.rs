//! Values over values, as Helm puts them: mappings are merged, lists and scalars replaced, and null takes the chart's own
//! value away.

use std::collections::HashMap;
use std::sync::Arc;

use super::Layer;
use super::table::{self, DEFAULTS};
use crate::source::Span;
use crate::version::Version;
use crate::yaml::Node;

/// Where something is that Helm refuses, and why.
pub(super) type Refused = (Span, String);

/// The values of all layers.
pub(super) fn merged(layers: &[Layer], file: Span) -> Arc<Node> {
    let nothing = Node::made_of(file, Vec::new());
    layers
        .iter()
        .fold(nothing, |below, layer| over(&below, &layer.root))
}

/// One mapping over another. What is in both is where the upper one has it.
fn over(below: &Node, above: &Node) -> Arc<Node> {
    let mut entries: Vec<(Arc<Node>, Arc<Node>)> = pairs(below);
    // Every key is a text to Helm.
    let known = entries.iter().enumerate();
    let known: HashMap<String, usize> = known
        .filter_map(|(at, (key, _))| Some((key.text()?.to_owned(), at)))
        .collect();
    for (key, value) in pairs(above) {
        let same = key.text().and_then(|key| known.get(key));
        match same.map(|at| &mut entries[*at]) {
            Some((known, old)) => {
                *old = match (old.entries(), value.entries()) {
                    (Some(_), Some(_)) => over(old, &value),
                    _ => value,
                };
                *known = key;
            }
            None => entries.push((key, value)),
        }
    }
    // The source is the node's own.
    Node::made_of(above.span(crate::source::SourceId::FIRST), entries)
}

fn pairs(node: &Node) -> Vec<(Arc<Node>, Arc<Node>)> {
    let pair = |field: crate::yaml::Field<'_>| (Arc::clone(field.key), Arc::clone(field.value));
    node.fields().into_iter().map(pair).collect()
}

/// The values over the chart's own. A value of the chart is where somebody would have to write another.
pub(super) fn over_defaults(
    own: &Arc<Node>,
    chart: Version,
    file: Span,
) -> Result<Arc<Node>, Refused> {
    let rows = DEFAULTS.iter().map(|(path, text, is_text)| Row {
        path,
        text: match *text {
            "{tag}" => table::tag(chart),
            text => text,
        },
        is_text: *is_text,
    });
    with(own, &rows.collect::<Vec<_>>(), "", file)
}

struct Row {
    /// What is left of the path.
    path: &'static str,
    text: &'static str,
    is_text: bool,
}

fn with(own: &Arc<Node>, rows: &[Row], above: &str, place: Span) -> Result<Arc<Node>, Refused> {
    let mut entries = pairs(own);
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        let name = row.path.split('.').next().unwrap_or_default();
        let below = |row: &Row| {
            row.path
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
        };
        let group: Vec<Row> = rows[at..]
            .iter()
            .map_while(|row| {
                Some(Row {
                    path: below(row)?,
                    ..*row
                })
            })
            .collect();
        at += group.len().max(1);
        let path = format!("{above}{name}");
        let known = entries.iter().position(|(key, _)| key.text() == Some(name));
        let Some(index) = known else {
            let value = match group.is_empty() {
                true => row.node(place),
                false => with(&Node::made_of(place, Vec::new()), &group, "", place)?,
            };
            entries.push((Node::made_text(place, name), value));
            continue;
        };
        if group.is_empty() {
            continue;
        }
        let (key, value) = &entries[index];
        // Where a node has a source of its own, no other one counts.
        let place = key.span(place.source).at_start();
        if value.entries().is_none() {
            return Err((
                place,
                format!("{path} is not a mapping, and the chart looks into it"),
            ));
        }
        let value = with(value, &group, &format!("{path}."), place)?;
        entries[index].1 = value;
    }
    // Null takes the chart's own value away, and its key.
    entries.retain(|(_, value)| !value.is_null());
    Ok(Node::made_of(own.span(place.source), entries))
}

impl Row {
    fn node(&self, place: Span) -> Arc<Node> {
        match self.is_text {
            true => Node::made_text(place, self.text),
            false => Node::made_plain(place, self.text),
        }
    }
}

//! What a values file is told by, and what a value of it is for a template.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Layer;
use super::table::READ;
use crate::source::{SourceId, Span};
use crate::yaml::below::at;
use crate::yaml::{Field, Node, Typed, parse_part_last};

/// What the chart calls its own parts.
const PARTS: [&str; 4] = ["apiserver", "clearml", "fileserver", "webserver"];

/// What Helm prints above the values of a release.
const HEADINGS: [&str; 2] = ["COMPUTED VALUES", "USER-SUPPLIED VALUES"];

/// Whether a text is what Helm prints of a release without values: a heading, and no YAML below it.
pub fn are_none(text: &str) -> bool {
    let (heading, rest) = text.trim().split_once(':').unwrap_or_default();
    HEADINGS.contains(&heading) && rest.trim() == "null"
}

/// Whether a text is values of ClearML's chart, alone or as a part of another chart. What is no YAML may have been values, if
/// lines of it begin so.
pub fn is_values(path: &Path, text: &str) -> bool {
    let has_lines = || has_lines(text);
    // Most files have none of its words, or are too large for values, and need no reading.
    const LARGEST: usize = 4 << 20;
    if are_none(text) {
        return true;
    }
    text.len() <= LARGEST
        && (!has_services(text) || has_lines())
        && PARTS.iter().filter(|part| text.contains(**part)).count() > 1
        && match parse_part_last(path, text, 0..text.len()) {
            Ok((documents, _)) => documents
                .first()
                .is_some_and(|root| section(root).is_some()),
            Err(_) => has_lines(),
        }
}

/// Whether lines of a text begin as two parts of the chart do.
fn has_lines(text: &str) -> bool {
    let mut has = [false; PARTS.len()];
    for line in text.lines() {
        for (has, part) in has.iter_mut().zip(PARTS) {
            *has |= is_key(line, part);
        }
    }
    has.iter().filter(|has| **has).count() > 1
}

/// Whether a line is a key at the top.
fn is_key(line: &str, key: &str) -> bool {
    line.strip_prefix(key)
        .is_some_and(|rest| rest.starts_with(':'))
}

/// Whether a text, if it is YAML, is one document with the key `services` at its top, as far as its lines tell that by themselves:
/// to read a compose file twice would be a sixth of all that is done with it. What stands before that key could make something
/// else of it; so nothing may be open there.
fn has_services(text: &str) -> bool {
    let marks = ["\n---", "\r---", "\n...", "\r..."];
    let is_one_document = || !marks.iter().any(|mark| text.contains(mark));
    let is_plain = |line: &&str| {
        let is_even = |quote| line.matches(quote).count() % 2 == 0;
        line.starts_with('#') || !line.contains(['{', '[']) && is_even('"') && is_even('\'')
    };
    let is_services = |line: &str| {
        let rest = line.strip_prefix("services:");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    };
    let mut lines = text.lines().take_while(is_plain);
    lines.any(is_services) && is_one_document()
}

/// Whether a text has one part of the chart alone, which does not tell values from other files. ClearML's other charts have
/// a `clearml` of their own, with keys that this one does not read.
pub fn has_one_part(path: &Path, text: &str) -> bool {
    let is_part = |root: &Node| {
        let is_other = |key: &str| root.get(key).is_some();
        let is_values = |name: &str| {
            let part = at(root, &[name]);
            // A service has an image in a text.
            part.is_some_and(|part| {
                part.entries().is_some()
                    && at(part, &["image"]).is_none_or(|one| one.text().is_none())
                    && (part.fields().is_empty() || has_read(name, part))
            })
        };
        !is_other("apiVersion") && !is_other("services") && PARTS.into_iter().any(is_values)
    };
    let is_read_as_part = || {
        let parsed = parse_part_last(path, text, 0..text.len());
        parsed.is_ok_and(|(documents, _)| documents.first().is_some_and(|root| is_part(root)))
    };
    !has_services(text) && is_read_as_part()
}

/// Whether the chart reads anything of what is in a part.
fn has_read(name: &str, part: &Node) -> bool {
    let is_read = |key: &str| {
        let mut read = READ.iter().map(|(path, _)| path.split('.'));
        read.any(|mut path| path.next() == Some(name) && path.next() == Some(key))
    };
    let fields = part.fields();
    fields
        .iter()
        .any(|field| field.key.text().is_some_and(is_read))
}

/// Whether a mapping has parts of the chart.
fn is_chart(node: &Node) -> bool {
    let parts = PARTS.iter();
    let parts = parts.filter(|part| at(node, &[part]).is_some_and(|one| one.entries().is_some()));
    parts.count() > 1
}

/// Where in a values file the values for ClearML's chart are: at the top, or below the name that another chart has for it.
/// None where they are not.
pub fn section(root: &Node) -> Option<Option<String>> {
    if root.get("apiVersion").is_some() || root.get("services").is_some() {
        return None;
    }
    if is_chart(root) {
        return Some(None);
    }
    let fields = root.fields();
    let below = fields.iter().find(|field| is_chart(field.value))?;
    Some(Some(below.key.scalar()?.text().to_owned()))
}

/// Where in a values file the values for ClearML's chart are once more, below another name: the chart is installed twice.
pub fn second(root: &Node) -> Option<&Node> {
    let Some(Some(first)) = section(root) else {
        return None;
    };
    let is_another = |field: &Field<'_>| field.key.text() != Some(&first);
    let mut others = root.fields().into_iter().filter(is_another);
    let found = others.find(|field| is_chart(field.value))?;
    Some(found.key)
}

/// The first merge key of which Helm lets a key win over one that is written above it, which no other reader does.
pub fn late_merge(node: &Node) -> Option<&Node> {
    let entries = node.entries().unwrap_or_default();
    let is_above = |at: usize, key: &Node| {
        entries[..at]
            .iter()
            .any(|entry| entry.key.says_the_same(key))
    };
    let late = entries.iter().enumerate().find(|(at, entry)| {
        entry.is_merge()
            && entry
                .merge_sources()
                .iter()
                .any(|source| source.fields().iter().any(|field| is_above(*at, field.key)))
    });
    let below = || {
        let items = node.items().unwrap_or_default().iter();
        let nodes = entries.iter().map(|entry| &entry.value).chain(items);
        nodes.into_iter().find_map(|node| late_merge(node))
    };
    late.map(|(_, entry)| &*entry.key).or_else(below)
}

impl Layer {
    /// The values for the chart in a document.
    pub(crate) fn of(source: SourceId, root: &Node, section: Option<&str>) -> Self {
        let span = Span {
            end: 0,
            start: 0,
            source,
        };
        let own = match section {
            None => Some(root.placed(source)),
            Some(name) => root.get(name).map(|field| field.value.placed(source)),
        };
        let entries = own.iter().flat_map(|own| own.fields()).map(|field| {
            let is_heading = |key: &str| HEADINGS.contains(&key);
            // Another chart asks this before it has this one at all.
            let is_condition = section.is_some()
                && field.key.text() == Some("enabled")
                && is_true(Some(field.value));
            let is_kept =
                !is_condition && !field.key.scalar().is_some_and(|key| is_heading(key.text()));
            is_kept.then(|| (Arc::clone(field.key), Arc::clone(field.value)))
        });
        let mut entries: Vec<_> = entries.flatten().collect();
        // What is for all charts of a release wins.
        if let Some(global) = section.and_then(|_| root.get("global")) {
            entries.retain(|(key, _)| key.text() != Some("global"));
            entries.push((global.key.placed(source), global.value.placed(source)));
        }
        Self {
            source,
            root: Node::made_of(span, entries),
        }
    }
}

/// Whether a template takes a value for true.
pub(super) fn is_true(value: Option<&Arc<Node>>) -> bool {
    let Some(value) = value else { return false };
    if let Some(items) = value.items() {
        return !items.is_empty();
    }
    match value.typed_as_1_1() {
        None => !value.fields().is_empty(),
        Some(Typed::Bool(is_true)) => is_true,
        Some(Typed::Float(number)) => number != 0.0,
        Some(Typed::Integer(number)) => number != 0,
        Some(Typed::Null) => false,
        _ => value.text().is_some_and(|text| !text.is_empty()),
    }
}

/// What a template prints for a value.
pub(super) fn printed(value: Option<&Arc<Node>>) -> String {
    match value {
        Some(value) if !value.is_null() => go(value),
        _ => String::new(),
    }
}

/// What Go prints for a value, which has no quotes in lists and mappings.
fn go(value: &Node) -> String {
    if let Some(items) = value.items() {
        let items: Vec<String> = items.iter().map(|item| go(item)).collect();
        return format!("[{}]", items.join(" "));
    }
    let written = || value.scalar().map(|scalar| scalar.text().to_owned());
    let known = match value.typed_as_1_1() {
        // Helm reads every number as JSON does.
        Some(Typed::Integer(number)) => Typed::Float(number as f64).rewritten(),
        Some(typed @ (Typed::Bool(_) | Typed::Float(_))) => typed.rewritten(),
        Some(Typed::Null) => Some("<nil>".to_owned()),
        Some(_) => written(),
        None => {
            let entry = |field: Field<'_>| Some((field.key.text()?.to_owned(), go(field.value)));
            let entries: BTreeMap<_, _> = value.fields().into_iter().filter_map(entry).collect();
            let entries = entries.iter().map(|(key, value)| format!("{key}:{value}"));
            Some(format!("map[{}]", entries.collect::<Vec<_>>().join(" ")))
        }
    };
    known.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_services_is_no_values_as_its_parser_says() {
        let parts = "apiserver:\n  enabled: true\nwebserver:\n  enabled: true\n";
        let below = "\n  apiserver: {}\n  webserver: {}\n";
        let told = [
            format!("# It's\nversion: \"3.6\"\n\nservices:{below}"),
            format!("x-common: &common 1\r\nservices: # all\r\n  a: 1\r\n{below}"),
            format!("---\nservices:\t{below}"),
        ];
        for text in &told {
            assert!(has_services(text), "{text}");
        }
        let not_told = [
            format!("clearml:{below}"),
            format!("clearml: {{\nservices: 1,{below}}}"),
            format!("text: \"\nservices:\n\"\nclearml:{below}"),
            format!("text: '\nservices:\n'\nclearml:{below}"),
            format!("clearml:{below}---\nservices: 1\n"),
            format!("clearml:{below}...\nservices: 1\n"),
            format!("services:1\nclearml:{below}"),
        ];
        for text in &not_told {
            assert!(!has_services(text), "{text}");
        }
        let path = Path::new("a.yml");
        for text in told.iter().chain(&not_told) {
            let parsed = parse_part_last(path, text, 0..text.len());
            let is_one = parsed
                .is_ok_and(|(all, _)| all.first().is_some_and(|root| section(root).is_some()));
            assert_eq!(is_values(path, text), is_one, "{text}");
        }
        // It is no YAML, and may have been values.
        assert!(is_values(path, &format!("services: 1\n{parts}x: [")));
        assert!(!is_values(path, &format!("services:{below}x: [")));
    }
}

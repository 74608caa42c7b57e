//! Trees of YAML, and how they are written.

use std::fmt::Write;

use super::{Random, Role};

pub(super) enum Yaml {
    Alias(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    Text(String),
}

pub(super) struct Node {
    /// A tag and an anchor, as they are written.
    pub(super) properties: String,
    pub(super) value: Yaml,
}

pub(super) fn text(text: impl Into<String>) -> Node {
    plain(Yaml::Text(text.into()))
}

pub(super) fn plain(value: Yaml) -> Node {
    Node {
        properties: String::new(),
        value,
    }
}

pub(super) fn map(entries: Vec<(&str, Node)>) -> Node {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    plain(Yaml::Map(entries.collect()))
}

pub(super) fn list(items: Vec<Node>) -> Node {
    plain(Yaml::List(items))
}

/// Writes a tree as blocks, of which some are in flow style by chance.
pub(super) fn write_block(random: &mut Random, out: &mut String, node: &Node, depth: usize) {
    let properties = &node.properties;
    let space = if properties.is_empty() { "" } else { " " };
    let is_flow = depth > 1 && random.chance(30);
    match &node.value {
        Yaml::Alias(name) => drop(writeln!(out, " *{name}")),
        Yaml::Text(text) => drop(writeln!(out, " {properties}{space}{text}")),
        Yaml::Map(entries) if !entries.is_empty() && !is_flow => {
            let _ = writeln!(out, "{space}{properties}");
            for (key, value) in entries {
                let _ = write!(out, "{}{key}:", "  ".repeat(depth));
                write_block(random, out, value, depth + 1);
            }
        }
        Yaml::List(items) if !items.is_empty() && !is_flow => {
            let _ = writeln!(out, "{space}{properties}");
            for item in items {
                let _ = writeln!(out, "{}- {}", "  ".repeat(depth), flow(item));
            }
        }
        _ => drop(writeln!(out, " {}", flow(node))),
    }
}

fn flow(node: &Node) -> String {
    let value = match &node.value {
        Yaml::Alias(name) => format!("*{name} "),
        // A comma would be part of a tag.
        Yaml::Text(text) if text.is_empty() => "null".to_owned(),
        Yaml::Text(text) => text.clone(),
        Yaml::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Yaml::List(items) => format!(
            "[{}]",
            items.iter().map(flow).collect::<Vec<_>>().join(", ")
        ),
    };
    format!("{} {value}", node.properties).trim().to_owned()
}

impl Node {
    /// Something else where the file has no top level of its own.
    pub(super) fn or_text(self, role: Role, other: &str) -> Self {
        match role {
            Role::Included | Role::IncludedOver => text(other),
            _ => self,
        }
    }

    /// An included file has other files beside it.
    pub(super) fn or_files(self, role: Role) -> Self {
        match role {
            Role::Included | Role::IncludedOver | Role::Extended => text("a.env"),
            _ => self,
        }
    }
}

//! The networks of a service, and the names by which containers find each other.

use super::{Part, Project};
use crate::yaml::{Clears, Node};

/// What a service says of networks and names.
pub(super) struct Networks {
    /// The networks it is on, by the names of the file: `default` where it names none, and none where `network_mode` says
    /// otherwise.
    pub(super) names: Vec<String>,
    /// What others on its networks may call it, besides its name.
    pub(super) aliases: Vec<String>,
    /// Names that it alone knows.
    pub(super) hosts: Vec<String>,
    /// Whether containers of other projects may be on one of its networks.
    pub(super) is_shared: bool,
}

impl Networks {
    pub(super) fn of(project: &Project, parts: &[Part]) -> Self {
        let (mut names, mut aliases) = (Vec::new(), Vec::new());
        let mut hosts = Vec::new();
        for part in parts {
            let texts = |node: &Node| -> Vec<String> {
                let items = node.items().unwrap_or_default();
                let texts = items.iter().filter_map(|item| project.text_of(part, item));
                texts.collect()
            };
            add_networks(part, &mut names, &mut aliases, &texts);
            if let Some(field) = part.node.get("links") {
                let links = texts(field.value).into_iter();
                hosts.extend(links.map(|link| name_after(&link).to_owned()));
            }
            if let Some(field) = part.node.get("extra_hosts") {
                let lines = texts(field.value).into_iter();
                hosts.extend(lines.map(|line| name_before(&line).to_owned()));
                hosts.extend(keys(field.value));
            }
            let name = part.node.get("hostname");
            aliases.extend(name.and_then(|field| project.text_of(part, field.value)));
        }
        let has_mode = |part: &Part| part.node.get("network_mode").is_some();
        if names.is_empty() && !parts.iter().any(has_mode) {
            names.push("default".to_owned());
        }
        let is_shared = names.iter().any(|name| is_external(project, name));
        Self {
            names,
            aliases,
            hosts,
            is_shared,
        }
    }
}

/// Lists and mappings of networks add up over files.
fn add_networks(
    part: &Part,
    names: &mut Vec<String>,
    aliases: &mut Vec<String>,
    texts: &dyn Fn(&Node) -> Vec<String>,
) {
    let Some(field) = part.node.get("networks") else {
        return;
    };
    if field.value.clears().is_some() {
        names.clear();
        aliases.clear();
    }
    if field.value.clears() == Some(Clears::All) {
        return;
    }
    names.extend(texts(field.value));
    names.extend(keys(field.value));
    for network in field.value.fields() {
        let own = network.value.get("aliases");
        aliases.extend(own.map(|field| texts(field.value)).unwrap_or_default());
    }
}

fn keys(node: &Node) -> impl Iterator<Item = String> {
    let fields = node.fields().into_iter();
    fields.filter_map(|field| Some(field.key.text()?.to_owned()))
}

/// Whether a network is made by somebody else.
fn is_external(project: &Project, name: &str) -> bool {
    project.whole_documents().any(|document| {
        let networks = document.root.get("networks");
        let network = networks.and_then(|networks| networks.value.get(name));
        let external = network.and_then(|network| network.value.get("external"));
        external.is_some_and(|external| external.value.text() != Some("false"))
    })
}

/// `service:alias` or `service`.
fn name_after(link: &str) -> &str {
    link.rsplit(':').next().unwrap_or(link)
}

/// `name:address` or `name=address`.
fn name_before(line: &str) -> &str {
    line.split([':', '=']).next().unwrap_or(line).trim()
}

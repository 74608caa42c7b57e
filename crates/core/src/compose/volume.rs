//! What a container mounts, as far as it says where a configuration file comes from.

use super::{Part, Project};
use crate::source::Span;
use crate::yaml::Node;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// What is mounted.
    pub source: VolumeSource,
    /// Where, in the container, without a slash at the end.
    pub target: String,
    /// The item under `volumes`, `tmpfs`, `configs` or `secrets`.
    pub span: Span,
    /// Whether its text has variables, whose values may be secrets.
    pub is_interpolated: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// A folder or file of the host, as written.
    Bind(String),
    /// A volume that docker keeps, or a config or secret that is in no file; what it holds cannot be seen.
    Named(String),
    /// A new volume without a name, a tmpfs: empty at first.
    Empty,
    /// A config whose text stands in the compose file.
    Inline,
}

/// The mounts of a service; a later one at the same target replaces an earlier one.
pub(super) fn of_service(project: &Project, parts: &[Part]) -> Vec<Volume> {
    let mut volumes: Vec<Volume> = Vec::new();
    for section in ["volumes", "tmpfs", "configs", "secrets"] {
        let start = volumes.len();
        for part in parts {
            let Some(field) = part.node.get(section) else {
                continue;
            };
            if matches!(field.value.tag(), Some("!reset" | "!override")) {
                volumes.truncate(start);
            }
            if field.value.tag() == Some("!reset") {
                continue;
            }
            let one = [field.value.clone()];
            // `tmpfs` may be a single text.
            let items = field.value.items().unwrap_or(match section {
                "tmpfs" => &one,
                _ => &[],
            });
            for item in items {
                let found = match section {
                    "volumes" => read(project, item),
                    "tmpfs" => read_tmpfs(project, item),
                    _ => read_file(project, section, item),
                };
                if let Some((source, target)) = found {
                    volumes.retain(|volume| volume.target != target);
                    volumes.push(Volume {
                        source,
                        target,
                        span: item.span(part.source),
                        is_interpolated: has_variable(item),
                    });
                }
            }
        }
    }
    volumes
}

/// `/run` or `/run:size=64m`.
fn read_tmpfs(project: &Project, item: &Node) -> Option<(VolumeSource, String)> {
    let text = project.interpolated(item)?;
    let target = text.split(':').next().unwrap_or(&text);
    Some((VolumeSource::Empty, trimmed(target)))
}

/// Whether compose replaces something in a text below a node.
fn has_variable(node: &Node) -> bool {
    match node.entries() {
        Some(entries) => entries.iter().any(|entry| has_variable(&entry.value)),
        None => node.text().is_some_and(|text| text.contains('$')),
    }
}

/// An item of `configs` or `secrets`: a file of the host, where the top-level entry names one.
fn read_file(project: &Project, section: &str, item: &Node) -> Option<(VolumeSource, String)> {
    let field = |key: &str| {
        item.get(key)
            .and_then(|field| project.interpolated(field.value))
    };
    let name = match item.entries() {
        Some(_) => field("source")?,
        None => project.interpolated(item)?,
    };
    let target = field("target").unwrap_or_else(|| name.clone());
    let target = match section {
        _ if target.starts_with('/') => target,
        "secrets" => format!("/run/secrets/{target}"),
        _ => format!("/{target}"),
    };
    let entry = |key: &str| top_level(project, section, &name, &[key]);
    let source = match (entry("file"), entry("content")) {
        (Some(file), _) => VolumeSource::Bind(file),
        (None, Some(_)) => VolumeSource::Inline,
        (None, None) => VolumeSource::Named(name),
    };
    Some((source, trimmed(&target)))
}

/// A text below a top-level entry, of the last file that has it.
fn top_level(project: &Project, section: &str, name: &str, path: &[&str]) -> Option<String> {
    project.layers.iter().rev().find_map(|layer| {
        let mut node = layer.root.get(section)?.value.get(name)?.value;
        for key in path {
            node = node.get(key)?.value;
        }
        project.interpolated(node)
    })
}

/// A named volume can be a folder of the host all the same.
fn named(project: &Project, name: String) -> VolumeSource {
    let option = |key: &str| top_level(project, "volumes", &name, &["driver_opts", key]);
    let is_bind = option("o").is_some_and(|options| options.split(',').any(|one| one == "bind"));
    match option("device") {
        Some(device) if is_bind => VolumeSource::Bind(device),
        _ => VolumeSource::Named(name),
    }
}

fn read(project: &Project, item: &Node) -> Option<(VolumeSource, String)> {
    if item.entries().is_some() {
        let field = |key: &str| {
            item.get(key)
                .and_then(|field| project.interpolated(field.value))
        };
        let target = field("target")?;
        let source = match (field("type").as_deref(), field("source")) {
            (Some("bind"), Some(source)) => VolumeSource::Bind(source),
            (Some("volume"), Some(source)) => named(project, source),
            (Some("tmpfs"), _) | (_, None) => VolumeSource::Empty,
            (_, Some(source)) => classify(project, source),
        };
        return Some((source, trimmed(&target)));
    }
    let text = project.interpolated(item)?;
    let (source, rest) = split_source(&text);
    let Some(source) = source else {
        return Some((VolumeSource::Empty, trimmed(rest)));
    };
    let target = rest.split(':').next().unwrap_or(rest);
    Some((classify(project, source.to_owned()), trimmed(target)))
}

/// Splits `source:target[:mode]`; a drive letter such as `c:/x` is part of the source.
fn split_source(text: &str) -> (Option<&str>, &str) {
    let bytes = text.as_bytes();
    let drive = bytes.len() > 2
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'/' | b'\\');
    let from = if drive { 2 } else { 0 };
    match text[from..].find(':') {
        Some(at) => (Some(&text[..from + at]), &text[from + at + 1..]),
        None => (None, text),
    }
}

fn classify(project: &Project, source: String) -> VolumeSource {
    let bytes = source.as_bytes();
    let is_path = source.starts_with(['/', '.', '~', '\\'])
        || (bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':');
    if is_path {
        VolumeSource::Bind(source)
    } else {
        named(project, source)
    }
}

fn trimmed(target: &str) -> String {
    let target = target.trim_end_matches('/');
    if target.is_empty() {
        "/".to_owned()
    } else {
        target.to_owned()
    }
}

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
    /// The item under `volumes`, `configs` or `secrets`.
    pub span: Span,
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
}

/// The mounts of a service; a later one at the same target replaces an earlier one.
pub(super) fn of_service(project: &Project, parts: &[Part]) -> Vec<Volume> {
    let mut volumes: Vec<Volume> = Vec::new();
    for section in ["volumes", "configs", "secrets"] {
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
            for item in field.value.items().unwrap_or_default() {
                let found = match section {
                    "volumes" => read(project, item),
                    _ => read_file(project, section, item),
                };
                if let Some((source, target)) = found {
                    let span = item.span(part.source);
                    volumes.retain(|volume| volume.target != target);
                    volumes.push(Volume {
                        source,
                        target,
                        span,
                    });
                }
            }
        }
    }
    volumes
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
    let file = top_level(project, section, &name, &["file"]);
    let source = file.map_or_else(|| VolumeSource::Named(name), VolumeSource::Bind);
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

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
    /// The item under `volumes`.
    pub span: Span,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// A folder or file of the host, as written.
    Bind(String),
    /// A volume that docker keeps; what it holds cannot be seen from the files.
    Named(String),
    /// A new volume without a name, a tmpfs: empty at first.
    Empty,
}

/// The mounts of a service; a later one at the same target replaces an earlier one.
pub(super) fn of_service(project: &Project, parts: &[Part]) -> Vec<Volume> {
    let mut volumes: Vec<Volume> = Vec::new();
    for part in parts {
        let Some(field) = part.node.get("volumes") else {
            continue;
        };
        if matches!(field.value.tag(), Some("!reset" | "!override")) {
            volumes.clear();
        }
        if field.value.tag() == Some("!reset") {
            continue;
        }
        for item in field.value.items().unwrap_or_default() {
            if let Some((source, target)) = read(project, item) {
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
    volumes
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
            (Some("volume"), Some(source)) => VolumeSource::Named(source),
            (Some("tmpfs"), _) | (_, None) => VolumeSource::Empty,
            (_, Some(source)) => classify(source),
        };
        return Some((source, trimmed(&target)));
    }
    let text = project.interpolated(item)?;
    let (source, rest) = split_source(&text);
    let Some(source) = source else {
        return Some((VolumeSource::Empty, trimmed(rest)));
    };
    let target = rest.split(':').next().unwrap_or(rest);
    Some((classify(source.to_owned()), trimmed(target)))
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

fn classify(source: String) -> VolumeSource {
    let bytes = source.as_bytes();
    let is_path = source.starts_with(['/', '.', '~', '\\'])
        || (bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':');
    if is_path {
        VolumeSource::Bind(source)
    } else {
        VolumeSource::Named(source)
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

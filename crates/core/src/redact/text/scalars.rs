//! The scalars of a compose file, and how much of each is shown.

use std::ops::Range;
use std::sync::Arc;

use crate::setting::Server;
use crate::yaml::{Node, Typed, Value};

/// Keys of compose files, of manifests, and of what `docker inspect` prints, whose values are shown, sorted.
pub(super) const HARMLESS: [&str; 65] = [
    "CapAdd",
    "Destination",
    "HostIp",
    "HostPort",
    "Image",
    "Name",
    "NetworkMode",
    "Privileged",
    "Source",
    "cap_add",
    "condition",
    "containerPort",
    "container_name",
    "depends_on",
    "driver",
    "env_file",
    "existingAdditionalConfigsConfigMap",
    "existingAdditionalConfigsSecret",
    "existingSecret",
    "expose",
    "extends",
    "external",
    "file",
    "format",
    "hostName",
    "hostPort",
    "host_ip",
    "hostname",
    "image",
    "interval",
    "kind",
    "mode",
    "mountPath",
    "name",
    "namespace",
    "network_mode",
    "networks",
    "nodePort",
    "path",
    "platform",
    "port",
    "ports",
    "privileged",
    "profiles",
    "protocol",
    "published",
    "read_only",
    "required",
    "restart",
    "retries",
    "secretName",
    "service",
    "source",
    "start_period",
    "subPath",
    "target",
    "targetPort",
    "timeout",
    "tlsSecretName",
    "tmpfs",
    "type",
    "user",
    "version",
    "volumes",
    "working_dir",
];

/// The tags that YAML has of its own, behind `!!`.
const OF_YAML: [&str; 13] = [
    "binary",
    "bool",
    "float",
    "int",
    "map",
    "merge",
    "null",
    "omap",
    "pairs",
    "seq",
    "set",
    "str",
    "timestamp",
];

/// A scalar of a compose file.
pub(super) struct Scalar {
    pub(super) range: Range<usize>,
    /// From here to its end it is masked.
    pub(super) masked_from: usize,
}

/// Those of a compose file that are on a line, or a part of one, in their order.
pub(super) fn on_line(text: &str, roots: &[Arc<Node>], line: &Range<usize>) -> Vec<Scalar> {
    let mut finder = Finder {
        text,
        line,
        found: Vec::new(),
    };
    for root in finder.on_line(roots, |root| root) {
        finder.walk(root, Around::Other);
    }
    let mut scalars = finder.found;
    scalars.retain(|one| one.range.start < line.end && one.range.end > line.start);
    scalars.sort_by_key(|scalar| scalar.range.start);
    scalars
}

/// Whose value a node is.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    Environment,
    Harmless,
    /// Of something that the user named.
    Named,
    Other,
    /// Of the name of a Secret or a ConfigMap, and of the key in it.
    Reference,
}

/// Looks for what is on a line.
struct Finder<'t> {
    text: &'t str,
    line: &'t Range<usize>,
    found: Vec<Scalar>,
}

impl Finder<'_> {
    /// Of nodes one behind the other, those that may have a part on the line: none says where it ends, the next one does.
    fn on_line<'n, T>(&self, all: &'n [T], node: impl Fn(&T) -> &Arc<Node>) -> &'n [T] {
        let start = |one: &T| node(one).start_with_properties();
        let behind = all.partition_point(|one| start(one) < self.line.end);
        let at = all[..behind].partition_point(|one| start(one) <= self.line.start);
        &all[at.saturating_sub(1)..behind]
    }

    /// The tag and the anchor in front of a node, which are shown unless a value may begin with them.
    fn properties(&mut self, node: &Node, around: Around) {
        let range = node.start_with_properties()..node.range().start;
        let is_value = matches!(node.value, Value::Scalar(..)) && around != Around::Harmless;
        if is_value && is_misread(self.text, node) {
            return self.found.push(Scalar {
                masked_from: range.start,
                range,
            });
        }
        // A comment may be between them and the value.
        let mut at = range.start;
        loop {
            let rest = self.text[at..range.end].trim_start();
            let word = rest.split_whitespace().next().unwrap_or_default();
            if !word.starts_with(['&', '!']) {
                break;
            }
            let start = range.end - rest.len();
            at = start + word.len();
            self.found.push(Scalar {
                range: start..at,
                masked_from: at,
            });
        }
    }

    fn walk(&mut self, node: &Node, around: Around) {
        let text = self.text;
        let span = node.range();
        self.properties(node, around);
        match &node.value {
            // What it names is found where it is written.
            Value::Alias(_) => self.found.push(Scalar {
                masked_from: span.end,
                range: span,
            }),
            Value::Scalar(..) => {
                let masked_from = match around {
                    Around::Environment | Around::Named | Around::Other if !is_no_secret(node) => {
                        span.start
                    }
                    _ => span.end,
                };
                self.found.push(Scalar {
                    range: span.start..span.end,
                    masked_from,
                });
            }
            Value::Sequence(_, items) => {
                for item in self.on_line(items, |item| item) {
                    let is_scalar = matches!(item.value, Value::Scalar(..)) && !is_no_secret(item);
                    if is_scalar && around != Around::Harmless {
                        self.properties(item, around);
                        self.found.push(item_of(text, item, around));
                    } else {
                        self.walk(item, around);
                    }
                }
            }
            Value::Mapping(_, entries) => {
                for entry in self.on_line(entries, |entry| &entry.key) {
                    self.properties(&entry.key, Around::Harmless);
                    let key = entry.key.range();
                    self.found.push(Scalar {
                        range: key.start..key.end,
                        masked_from: key.start + name_length(&text[key.start..key.end]),
                    });
                    self.walk(&entry.value, around.of(&entry.key));
                }
            }
        }
    }
}

impl Around {
    /// What is around the value of a key in it.
    fn of(self, key: &Node) -> Self {
        match key.scalar().map(|key| key.text()) {
            // These have names of the user's own, which may be any.
            _ if [Self::Environment, Self::Named].contains(&self) => self,
            Some("configMapKeyRef" | "secretKeyRef") => Self::Reference,
            Some("key") if self == Self::Reference => Self::Harmless,
            Some("environment") => Self::Environment,
            // What has no `=` there is no name.
            Some(
                "Env" | "annotations" | "args" | "binaryData" | "data" | "driver_opts" | "labels"
                | "Labels" | "Options" | "stringData",
            ) => Self::Named,
            Some(name) if HARMLESS.binary_search(&name).is_ok() => Self::Harmless,
            _ => Self::Other,
        }
    }
}

/// A tag or an anchor in front of a value that may be what somebody meant for its beginning: without quotes, YAML takes it
/// from a value that starts with `!` or `&`.
fn is_misread(text: &str, node: &Node) -> bool {
    let is_tag = |tag: &str| {
        let of_yaml = tag.strip_prefix("!!");
        of_yaml.is_some_and(|name| OF_YAML.contains(&name))
            || ["!", "!override", "!reset"].contains(&tag)
    };
    let has_alias = |(name, _): &(&str, Range<usize>)| {
        let mut aliases = text.match_indices('*');
        aliases.any(|(at, _)| text[at + 1..].starts_with(name))
    };
    !(node.tag().is_none_or(is_tag) && node.anchor().as_ref().is_none_or(has_alias))
}

/// Null, a truth value, and the name of one of ClearML's servers say nothing that anybody wants.
fn is_no_secret(node: &Node) -> bool {
    matches!(node.typed(), Some(Typed::Null | Typed::Bool(_)))
        || node
            .text()
            .is_some_and(|text| Server::ALL.iter().any(|server| server.name() == text))
}

/// `NAME=value` shows its name; a bare name is shown only in an environment.
fn item_of(text: &str, item: &Node, around: Around) -> Scalar {
    let span = item.range();
    let written = &text[span.start..span.end];
    let name = name_length(written);
    let is_shown = match written.as_bytes().get(name) {
        Some(b'=') if around == Around::Environment => true,
        // Behind a secret in base64 there may be such a sign and nothing.
        Some(b'=') => !matches!(
            written.as_bytes().get(name + 1),
            None | Some(b'=' | b'"' | b'\'')
        ),
        None => around == Around::Environment,
        Some(_) => false,
    };
    Scalar {
        masked_from: span.start
            + if is_shown {
                (name + 1).min(written.len())
            } else {
                0
            },
        range: span.start..span.end,
    }
}

/// How much of a text is a name, with its quotes.
pub(super) fn name_length(text: &str) -> usize {
    let is_name = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '"' | '\'' | '<')
    };
    text.find(|c| !is_name(c)).unwrap_or(text.len())
}

//! Values that no template of the chart reads.

use super::table::{INSTEAD, READ};
use super::values::is_true;
use crate::nearest::nearest;
use crate::source::{SourceId, Span};
use crate::version::Version;
use crate::yaml::Node;
use crate::yaml::below::at;

/// Nobody reads more advice than this, and each takes its time.
const SUGGESTIONS: usize = 100;

/// A value that nothing reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadValue {
    /// Its path: `apiserver.ingress.tls`.
    pub path: String,
    /// Where its key is.
    pub span: Span,
    /// What is read and was probably meant.
    pub instead: Option<String>,
    /// The path of the value because of which it is not read.
    pub hidden_by: Option<&'static str>,
}

/// Files of the API server's configuration, of which the chart takes the first that are set.
const CONFIGS: [&str; 3] = [
    "apiserver.existingAdditionalConfigsConfigMap",
    "apiserver.existingAdditionalConfigsSecret",
    "apiserver.additionalConfigs",
];

/// What nothing reads of the values that somebody wrote.
pub(super) fn values(own: &Node, chart: Version) -> Vec<UnreadValue> {
    let read = READ
        .iter()
        .filter(|(_, lifetime)| lifetime.includes(Some(chart)));
    let read: Vec<&str> = read.map(|(path, _)| *path).collect();
    let mut found = Vec::new();
    add(own, "", &read, &mut found);
    found.extend(hidden(own));
    found
}

/// What is read only where another value is not set.
fn hidden(own: &Node) -> Vec<UnreadValue> {
    let Some(apiserver) = at(own, &["apiserver"]) else {
        return Vec::new();
    };
    let mut set = CONFIGS.into_iter().filter_map(|path| {
        let field = apiserver.get(path.split_once('.')?.1)?;
        is_true(Some(field.value)).then_some((path, field.key.span(SourceId::FIRST)))
    });
    let Some((first, _)) = set.next() else {
        return Vec::new();
    };
    set.map(|(path, span)| UnreadValue {
        path: path.to_owned(),
        span,
        instead: None,
        hidden_by: Some(first),
    })
    .collect()
}

fn add(node: &Node, above: &str, read: &[&str], found: &mut Vec<UnreadValue>) {
    for field in node.fields() {
        let Some(name) = field.key.text() else {
            continue;
        };
        let path = format!("{above}{name}");
        let is_whole = |known: &&str| {
            let all = known.strip_suffix(".*");
            all.unwrap_or(known) == path
                || all.is_some_and(|all| {
                    path.strip_prefix(all)
                        .is_some_and(|rest| rest.starts_with('.'))
                })
        };
        // What an anchor is on is read where its aliases are.
        let is_held = above.is_empty() && field.value.anchor().is_some();
        // SOPS takes it away as it decrypts the file.
        let is_held = is_held || path == "sops" && field.value.get("mac").is_some();
        if is_held || field.value.is_null() || read.iter().any(is_whole) {
            continue;
        }
        let below = format!("{path}.");
        let is_above = read.iter().any(|known| known.starts_with(&below));
        if is_above && field.value.entries().is_some() {
            add(field.value, &below, read, found);
            continue;
        }
        let is_few = found.len() < SUGGESTIONS;
        found.push(UnreadValue {
            instead: is_few.then(|| instead(&path, above, read)).flatten(),
            span: field.key.span(SourceId::FIRST),
            path,
            hidden_by: None,
        });
    }
}

/// What was probably meant: what people are known to write for it, or a name beside it that is nearly the same.
fn instead(path: &str, above: &str, read: &[&str]) -> Option<String> {
    if let Some((_, write)) = INSTEAD.iter().find(|(known, _)| *known == path) {
        return Some((*write).to_owned());
    }
    let beside = read.iter().filter_map(|known| known.strip_prefix(above));
    let beside = beside.filter_map(|rest| Some(rest.split('.').next()?.to_owned()));
    let names: Vec<String> = beside.collect();
    let name = nearest(path.strip_prefix(above)?, &names)?;
    Some(format!("{above}{name}"))
}

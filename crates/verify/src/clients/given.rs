//! Pairs that a text gives to a client, by the names that ClearML's SDK and agent read.

use std::ops::Range;
use std::path::Path;

use clearml_secure_core::container::{Container, VariableValue};
use clearml_secure_core::dotenv;
use clearml_secure_core::fault::Fault;
use clearml_secure_core::hocon::{self, Context, Included, Lookup, Object, Value};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::Kind;
use clearml_secure_core::yaml::{self, Node};
use zeroize::Zeroizing;

/// The variables (docs/clearml.md#services-agent; before 0.17 with the older name).
const NAMES: [(&str, Kind); 4] = [
    ("CLEARML_API_ACCESS_KEY", Kind::Key),
    ("CLEARML_API_SECRET_KEY", Kind::Secret),
    ("TRAINS_API_ACCESS_KEY", Kind::Key),
    ("TRAINS_API_SECRET_KEY", Kind::Secret),
];

/// Where `clearml.conf` has its pair.
const CREDENTIALS: &str = "api.credentials";

/// A key or a secret, where it is written.
pub(super) struct Half {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    /// None where the text does not tell.
    pub(super) value: Option<Secret>,
}

/// What one client is given.
pub(super) type Given = Vec<Half>;

fn kind(name: &str) -> Option<Kind> {
    let (_, kind) = NAMES.iter().find(|(known, _)| *known == name)?;
    Some(*kind)
}

/// Whether a text may give somebody a pair.
pub(super) fn may_be(text: &str) -> bool {
    NAMES.iter().any(|(name, _)| text.contains(name))
        || text.contains("credentials") && text.contains("secret_key")
        || text.contains("api_server")
}

/// Where a line first has a name under which a client is given a secret.
pub(super) fn secret_named(line: &str) -> Option<usize> {
    let secrets = NAMES.iter().filter(|(_, kind)| *kind == Kind::Secret);
    let names = secrets.map(|(name, _)| *name).chain(["secret_key"]);
    names.filter_map(|name| line.find(name)).min()
}

/// Lines that act although they begin like comments: of C, of a shell's first line, and of what runs jobs in batches.
const DIRECTIVES: [&str; 11] = [
    "#!", "#$ ", "#@", "#BSUB", "#COBALT", "#FLUX:", "#MSUB", "#PBS", "#PJM", "#SBATCH", "#define",
];

/// Whether a line acts although it begins like a comment.
pub(super) fn is_directive(line: &str) -> bool {
    DIRECTIVES.iter().any(|start| line.starts_with(start))
}

/// Whether a value is one that somebody else puts there: `$NAME`, `${NAME}`, `${{ secrets.NAME }}`, `$(command)`,
/// `{{ name }}`, `%NAME%`.
pub(super) fn is_reference(text: &str) -> bool {
    text.contains('$') || text.contains("{{") || text.starts_with('%')
}

/// A half by its text; none where that is empty, as good as not given.
fn half(kind: Kind, range: Range<usize>, text: &str) -> Option<Half> {
    let text = text.trim();
    (!text.is_empty()).then(|| Half {
        kind,
        range,
        value: Some(Secret::from(text)),
    })
}

/// The pair of a `clearml.conf`; nothing where it is none.
///
/// # Errors
/// What no client could read.
pub(super) fn of_hocon(text: &str) -> Result<Vec<Given>, hocon::Fault> {
    let variable = |_: &str| Lookup::Unknown("a variable".to_owned());
    let include = |_: &hocon::Include<'_>| Included::Unknown("an include".to_owned());
    let tree = hocon::parse(text, &Context::new(&variable, &include))?;
    let is_client = ["api.credentials", "api.api_server"]
        .iter()
        .any(|path| tree.get(path).is_some());
    Ok(match is_client {
        true => vec![of_tree(&tree)],
        false => Vec::new(),
    })
}

fn of_tree(tree: &Object) -> Given {
    let half = |(name, kind): (&str, Kind)| {
        let node = tree.get(&format!("{CREDENTIALS}.{name}"))?;
        let range = node.span.clone();
        match &node.value {
            Value::String(text) => half(kind, range, text.expose()),
            Value::Null => None,
            _ => Some(Half {
                kind,
                range,
                value: None,
            }),
        }
    };
    [("access_key", Kind::Key), ("secret_key", Kind::Secret)]
        .into_iter()
        .filter_map(half)
        .collect()
}

/// The pairs of any YAML or JSON: variables of a pipeline, of a manifest, of a playbook.
pub(super) fn of_yaml(path: &Path, text: &str) -> Vec<Given> {
    let mut found = Vec::new();
    for document in yaml::parse_documents(path, text).unwrap_or_default() {
        of_node(&document, &mut found);
    }
    found
}

fn of_node(node: &Node, found: &mut Vec<Given>) {
    if let Some(entries) = node.entries() {
        let pairs = entries.iter().filter_map(|entry| {
            let kind = kind(entry.key.text()?)?;
            // GitLab has `NAME: {value: …}` as well.
            let value = match entry.value.get("value") {
                Some(field) => field.value,
                None => &entry.value,
            };
            half(kind, value.range(), value.text()?)
        });
        found.push(pairs.collect());
        // An alias is what it stands for, which is elsewhere in the text.
        for entry in entries {
            of_node(&entry.value, found);
        }
    }
    if let Some(items) = node.items() {
        found.push(items.iter().filter_map(|item| of_item(item)).collect());
        items.iter().for_each(|item| of_node(item, found));
    }
}

/// `NAME=value`, and `{name: NAME, value: …}` of Kubernetes.
fn of_item(item: &Node) -> Option<Half> {
    if let Some((name, value)) = item.text().and_then(|text| text.split_once('=')) {
        return half(kind(name.trim())?, item.range(), value);
    }
    let name = item.get("name")?.value.text()?;
    let kind = kind(name)?;
    match item.get("value") {
        Some(field) => half(kind, field.value.range(), field.value.text()?),
        None => Some(Half {
            kind,
            range: item.get("name")?.value.range(),
            value: None,
        }),
    }
}

/// The pair of a text with variables on its lines: an env file, a script, a Dockerfile.
pub(super) fn of_lines(text: &str) -> Given {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for (at, name, kind) in names_in(line) {
            // What comes behind the comma is another variable.
            let end = match is_directive(line.trim_start()) {
                true => line[at..].find(',').map_or(line.len(), |end| at + end),
                false => line.len(),
            };
            found.extend(of_line(&line[at..end], name, kind).map(|half| Half {
                range: start + at + half.range.start..start + at + half.range.end,
                ..half
            }));
        }
        start += line.len();
    }
    found
}

/// Where a line begins with variables of a client, before which there may be others.
fn names_in(line: &str) -> impl Iterator<Item = (usize, &'static str, Kind)> {
    let is_before =
        |word: &str| matches!(word, "export" | "ENV" | "set" | "env" | "ARG") || word.contains('=');
    // `#SBATCH --export=ALL,NAME=value`, and `#PBS -v NAME=value`.
    let acts = is_directive(line.trim_start());
    NAMES.into_iter().filter_map(move |(name, kind)| {
        let at = line.find(name)?;
        if acts {
            return line[..at]
                .ends_with([',', '=', ' ', '"', '\''])
                .then_some((at, name, kind));
        }
        let before = line[..at].trim_end_matches(['"', '\'']);
        let is_first = before.split_whitespace().all(is_before)
            && before.chars().last().is_none_or(char::is_whitespace);
        is_first.then_some((at, name, kind))
    })
}

/// `NAME=value`, `NAME: value`, and `NAME value` of a Dockerfile.
fn of_line(text: &str, name: &str, kind: Kind) -> Option<Half> {
    let entry =
        |text: &str| -> Result<Vec<dotenv::Entry>, Fault> { dotenv::parse(text, &|_| None) };
    let entries = entry(text).ok().filter(|entries| !entries.is_empty());
    let rest = text.get(name.len()..)?;
    let (value, range, written) = match entries.and_then(|entries| entries.into_iter().next()) {
        Some(entry) => {
            // With its variables, as it is written.
            let written = text.get(entry.value_span.clone())?;
            let value = match entry.variables.is_empty() {
                true => entry.value.as_ref()?.expose().to_owned(),
                false => written.trim_matches(['"', '\'']).to_owned(),
            };
            (Zeroizing::new(value), entry.value_span.clone(), written)
        }
        None if rest.starts_with([' ', '=', ':']) => {
            let value = rest.trim_matches([' ', '=', ':', '\t', '\r', '\n', '"', '\'']);
            let at = name.len() + rest.find(value)?;
            let range = at..at + value.len();
            (Zeroizing::new(value.to_owned()), range, rest)
        }
        None => return None,
    };
    if is_reference(&value) || written.starts_with(['"', '\'']) {
        return half(kind, range, &value);
    }
    // No key has a blank in it: what follows is another variable, or a command. A shell ends a word at these, too.
    let end = value.find(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '"' | '\''));
    let value = &value[..end.unwrap_or(value.len())];
    half(kind, range.start..range.start + value.len(), value)
}

/// What a container is given, with the place in whatever file sets it.
pub(super) fn of_container(
    container: &Container,
) -> Vec<(Kind, &clearml_secure_core::container::Variable)> {
    let variables = container.environment.iter();
    let given = variables.filter_map(|variable| Some((kind(&variable.name)?, variable)));
    let is_given =
        |(_, variable): &(Kind, &clearml_secure_core::container::Variable)| match &variable.value {
            VariableValue::Known(text) => !text.is_empty(),
            _ => true,
        };
    given.filter(is_given).collect()
}

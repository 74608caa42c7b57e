//! What the configuration file of a database says, put to its words as the options that say the same: anyone who asks for a
//! password, an address or a port asks the words alone. What the command says itself wins, so that the file's is left out.

use std::sync::Arc;

use super::Database;
use crate::container::Container;
use crate::knowable::Knowable;
use crate::yaml::{self, Node};

/// Where Elasticsearch finds its file without being told.
const ELASTICSEARCH: &str = "/usr/share/elasticsearch/config/elasticsearch.yml";

/// Reads the file that a database is started with, where it is here. `text` gives what the container has at a path.
pub(super) fn apply(
    container: &mut Container,
    database: Database,
    text: &mut dyn FnMut(&Container, &str) -> Knowable<String>,
) {
    let named = match database {
        Database::Elasticsearch => Some((container.command.len(), 0, ELASTICSEARCH.to_owned())),
        Database::Mongodb | Database::Redis => named(container),
    };
    let Some((at, count, path)) = named else {
        return;
    };
    let Knowable::Known(text) = text(container, &path) else {
        return;
    };
    let options = match database {
        Database::Redis => of_redis(container, &text),
        Database::Mongodb => of_mongodb(&path, &text),
        Database::Elasticsearch => of_elasticsearch(container, &path, &text),
    };
    let Some(options) = options else {
        return;
    };
    // What was read says no more by its name.
    container.command.drain(at..at + count);
    if let Some(start) = container.words.iter().position(|word| *word == path) {
        let start = start + 1 - count.min(start + 1);
        container.words.drain(start..start + count);
    }
    container.words.extend(options.iter().cloned());
    container
        .command
        .extend(options.into_iter().map(Knowable::Known));
}

/// The file that the command names as a word of its own: where, how many words that takes, and which file.
fn named(container: &Container) -> Option<(usize, usize, String)> {
    let word = |at: usize| container.command.get(at)?.known().map(String::as_str);
    (0..container.command.len()).find_map(|at| {
        let path = word(at)?;
        let before = at.checked_sub(1).and_then(word);
        match before {
            Some("--config" | "-f") => Some((at - 1, 2, path.to_owned())),
            Some(option) if option.starts_with("--") => None,
            _ if path.starts_with('/') && path.ends_with(".conf") => Some((at, 1, path.to_owned())),
            _ => None,
        }
    })
}

/// `name value …`, as `--name value …` does on the command line. None where another file belongs to it.
fn of_redis(container: &Container, text: &str) -> Option<Vec<String>> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut options = Vec::new();
    for line in lines {
        let (name, values) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let name = name.to_ascii_lowercase();
        if name == "include" {
            return None;
        }
        let option = format!("--{name}");
        if container.words.contains(&option) {
            continue;
        }
        options.push(option);
        let values = values.split_whitespace();
        options.extend(values.map(|value| value.trim_matches(['"', '\'']).to_owned()));
    }
    Some(options)
}

fn of_mongodb(path: &str, text: &str) -> Option<Vec<String>> {
    let root = root(path, text)?;
    let field = |path: [&str; 2]| {
        let section = root.get(path[0])?.value.get(path[1])?;
        section.value.text().map(str::to_owned)
    };
    let mut options = Vec::new();
    if field(["security", "authorization"]).is_some_and(|word| word == "enabled")
        || field(["security", "keyFile"]).is_some()
    {
        options.push("--auth".to_owned());
    }
    if field(["net", "bindIpAll"]).is_some_and(|word| word == "true") {
        options.push("--bind_ip_all".to_owned());
    }
    for (path, option) in [
        (["net", "bindIp"], "--bind_ip"),
        (["net", "port"], "--port"),
    ] {
        if let Some(value) = field(path) {
            options.extend([option.to_owned(), value]);
        }
    }
    Some(options)
}

/// `name: value`, in which names may be parts of names, as `-Ename=value`. The image puts variables before it.
fn of_elasticsearch(container: &Container, path: &str, text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    flatten(root(path, text)?.as_ref(), "", &mut found);
    let is_told = |name: &str| {
        let names = [name.to_owned(), elasticsearch_variable(name)];
        let mut words = container.words.iter();
        let is_set = |word: &String| {
            let word = word.strip_prefix("-E").unwrap_or(word);
            word.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('='))
        };
        words.any(is_set)
            || container
                .environment
                .iter()
                .any(|one| names.contains(&one.name))
    };
    let own = found.into_iter().filter(|(name, _)| !is_told(name));
    Some(
        own.map(|(name, value)| format!("-E{name}={value}"))
            .collect(),
    )
}

/// The variable that sets a setting of Elasticsearch where a name must not have dots
/// (docs/clearml.md#passwords-of-images).
pub fn elasticsearch_variable(setting: &str) -> String {
    let name = setting.replace('_', "__").replace('.', "_");
    format!("ES_SETTING_{}", name.to_ascii_uppercase())
}

fn flatten(node: &Node, above: &str, found: &mut Vec<(String, String)>) {
    for field in node.fields() {
        let Some(key) = field.key.text() else {
            continue;
        };
        let name = format!("{above}{key}");
        match field.value.text() {
            Some(text) => found.push((name, text.to_owned())),
            None => flatten(field.value, &format!("{name}."), found),
        }
    }
}

fn root(path: &str, text: &str) -> Option<Arc<Node>> {
    yaml::parse(path.as_ref(), text).ok()
}

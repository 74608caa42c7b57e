//! What a Traefik is told before it starts. It takes a file, or else its options, or else its variables, and never two of
//! these together (docs/clearml.md#proxies).

use super::Paths;
use crate::container::{Container, VariableValue};
use crate::deployment::exposure::files::Files;
use crate::knowable::Knowable;

/// Where it looks for a file, and what that ends with.
const PLACES: [&str; 3] = ["/etc/traefik/traefik", "/root/.config/traefik", "/traefik"];
const ENDINGS: [&str; 3] = [".toml", ".yaml", ".yml"];

/// Its settings, and those of the files that it may read for its routers.
pub(super) fn of(container: &Container, files: &Files) -> Paths {
    let options = options(container);
    let told = options.get("configfile").map(String::as_str);
    let is_own = |path: &str| match told {
        Some(told) => path == told,
        None => PLACES.iter().any(|place| {
            let ending = path.strip_prefix(place);
            ending.is_some_and(|ending| ENDINGS.contains(&ending))
        }),
    };
    let mut own = match () {
        () if files.texts.iter().any(|file| is_own(&file.path)) => Paths::new(),
        () if options.is_empty() => variables(container),
        () => options,
    };
    for file in &files.texts {
        own.extend(of_text(&file.path, &file.text));
    }
    own
}

fn options(container: &Container) -> Paths {
    let mut own = Paths::new();
    // A word of the command has its quotes and its operators.
    let whole = container.command.iter().filter_map(Knowable::known);
    let mut words = container.words.iter().chain(whole).peekable();
    while let Some(word) = words.next() {
        // One dash does, too; without a dot it is an option of a shell.
        let option = match word.strip_prefix("--") {
            None => word.strip_prefix('-').filter(|option| option.contains('.')),
            option => option.filter(|option| !option.is_empty()),
        };
        let Some(option) = option else {
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value),
            // What takes no value is followed by another option.
            None => {
                let value = words.next_if(|next| !next.starts_with('-'));
                (option, value.map_or("true", String::as_str))
            }
        };
        own.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    own
}

fn variables(container: &Container) -> Paths {
    let own = container.environment.iter().filter_map(|variable| {
        let name = variable.name.strip_prefix("TRAEFIK_")?;
        let VariableValue::Known(value) = &variable.value else {
            return None;
        };
        let path = name.to_ascii_lowercase().replace('_', ".");
        Some((path, value.expose().to_owned()))
    });
    own.collect()
}

/// The settings of a file, if it is one of Traefik's.
fn of_text(path: &str, text: &str) -> Paths {
    let value: Option<serde_json::Value> = match path.rsplit_once('.') {
        Some((_, "yml" | "yaml")) => merged(text),
        Some((_, "toml")) => toml::from_str(text).ok(),
        _ => None,
    };
    let mut paths = Paths::new();
    if let Some(value) = value {
        flatten("", &value, 0, &mut paths);
    }
    paths
}

/// A text of YAML, with its merge keys applied.
fn merged(text: &str) -> Option<serde_json::Value> {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).ok()?;
    value.apply_merge().ok()?;
    serde_json::to_value(value).ok()
}

fn flatten(path: &str, value: &serde_json::Value, depth: usize, paths: &mut Paths) {
    use serde_json::Value;
    if depth > 16 {
        return;
    }
    let below = |name: &str| match path {
        "" => name.to_ascii_lowercase(),
        path => format!("{path}.{}", name.to_ascii_lowercase()),
    };
    match value {
        Value::Object(fields) if fields.is_empty() => {
            drop(paths.insert(path.to_owned(), "true".to_owned()))
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&below(name), value, depth + 1, paths);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                flatten(&below(&at.to_string()), value, depth + 1, paths);
            }
        }
        Value::Null => drop(paths.insert(path.to_owned(), "true".to_owned())),
        Value::String(text) => drop(paths.insert(path.to_owned(), text.clone())),
        other => drop(paths.insert(path.to_owned(), other.to_string())),
    }
}

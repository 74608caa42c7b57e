//! What a Traefik is told before it starts, and by its files. Before it starts it takes a file, or else its options, or else its
//! variables, and never two of these together (docs/clearml.md#proxies).

use std::collections::BTreeSet;

use serde::Deserialize as _;

use super::super::hidden::{has_ending, is_for_others, missing};
use super::super::included::beside;
use super::{Paths, is_on, starting, template};
use crate::container::{Container, VariableValue};
use crate::container_path::is_below;
use crate::deployment::exposure::files::{File, Files};
use crate::knowable::Knowable;

/// Where it looks for a file, and what that ends with.
const PLACES: [&str; 3] = ["/etc/traefik/traefik", "/root/.config/traefik", "/traefik"];
const ENDINGS: [&str; 3] = [".toml", ".yaml", ".yml"];

/// What is below `providers` and gives no routers here: labels and files are read, and a cluster has none of these containers.
const NO_OTHERS: [&str; 10] = [
    "docker",
    "file",
    "knative",
    "kubernetescrd",
    "kubernetesgateway",
    "kubernetesingress",
    "kubernetesingressnginx",
    "precedence",
    "providersthrottleduration",
    "swarm",
];

/// What a Traefik is told.
#[derive(Default)]
pub(super) struct Settings {
    /// Before it starts.
    pub(super) own: Paths,
    /// By the files that have its routers.
    pub(super) dynamic: Paths,
    /// Why some of that is not known.
    pub(super) untold: Option<String>,
}

impl Settings {
    pub(super) fn of(container: &Container, files: &Files) -> Self {
        let mut settings = Self::default();
        settings.read_own(container, files);
        if settings.is_seen() {
            settings.read_named(container, files);
        } else {
            // Each of the files that are here may be one that has its routers, or the one that it has for itself.
            for file in &files.texts {
                settings
                    .dynamic
                    .extend(of_text(&file.path, &file.text).unwrap_or_default());
            }
            settings.own.extend(settings.dynamic.clone());
        }
        settings
    }

    /// Whether anything that it is told before it starts is here.
    pub(super) fn is_seen(&self) -> bool {
        ["entrypoints.", "providers."]
            .iter()
            .any(|start| starting(&self.own, start).next().is_some())
    }

    fn read_own(&mut self, container: &Container, files: &Files) {
        let options = options(container);
        let places: Vec<String> = match options.get("configfile") {
            Some(path) => vec![absolute(container, path)],
            None => PLACES
                .iter()
                .flat_map(|place| ENDINGS.map(|ending| format!("{place}{ending}")))
                .collect(),
        };
        let mut found = places.iter().filter_map(|place| files.at(place));
        let Some(file) = found.next() else {
            self.untold = missing(container, files, |path| {
                places.iter().any(|place| is_below(place, path))
            });
            // Where its providers are told, what is not known is likely an address of mail, or a level of its log.
            let is_told = starting(&options, "providers.").any(|(_, value)| !value.is_empty());
            let untold = container.command.iter().find_map(Knowable::reason);
            if untold.is_some_and(|_| !is_told) {
                self.miss("a part of its command is not known".to_owned());
            }
            self.own = match options.is_empty() {
                true => variables(container),
                false => options,
            };
            if !is_told && let Some(why) = container.untold() {
                self.miss(why.to_string());
            }
            return;
        };
        match of_text(&file.path, &file.text) {
            Some(paths) => self.own = paths,
            None => self.miss(broken(&file.path)),
        }
    }

    /// Reads the files that it is told to take its routers from.
    fn read_named(&mut self, container: &Container, files: &Files) {
        let setting = |name: &str| {
            let told = self.own.get(&format!("providers.file.{name}"));
            told.filter(|path| !path.is_empty())
                .map(|path| absolute(container, path))
        };
        // With both, the folder counts.
        match (setting("directory"), setting("filename")) {
            (Some(folder), _) => {
                let is_there = |path: &str| match is_below(path, &folder) {
                    true => is_one(path) || !has_ending(path) && !is_for_others(path),
                    false => is_below(&folder, path),
                };
                let mounts = container.mounts.iter().chain(&container.copies);
                let mut paths = mounts.filter_map(|mount| mount.target.known());
                if let Some(reason) = missing(container, files, is_there) {
                    self.miss(reason);
                } else if !paths.any(|path| is_there(path)) {
                    self.miss(not_here(&folder));
                }
                for file in files.below(&[&folder]).filter(|file| is_one(&file.path)) {
                    self.read(container, file);
                }
            }
            (None, Some(path)) => match files.at(&path) {
                Some(file) => self.read(container, file),
                None => {
                    let reason = missing(container, files, |above| is_below(&path, above));
                    self.miss(reason.unwrap_or_else(|| not_here(&path)));
                }
            },
            (None, None) => {}
        }
        if let Some(name) = self.other_provider().map(str::to_owned) {
            self.miss(format!("what its provider `{name}` says is not here"));
        }
    }

    /// What else gives it routers.
    fn other_provider(&self) -> Option<&str> {
        let providers = starting(&self.own, "providers.");
        let mut names = providers.filter_map(|(path, _)| path.split('.').nth(1));
        let is_other = |name: &&str| {
            !NO_OTHERS.contains(name) && is_on(&self.own, &format!("providers.{name}"))
        };
        names.find(is_other)
    }

    /// Adds what a file says. Before it is read, what it has of a template is carried out.
    fn read(&mut self, container: &Container, file: &File) {
        let Some(text) = template::expanded(container, &file.text) else {
            let reason = format!("{} has a template that is not read", file.path);
            return self.miss(reason);
        };
        match of_text(&file.path, &text) {
            Some(paths) => self.define(paths),
            None => self.miss(broken(&file.path)),
        }
    }

    /// Adds what a file says of what no other file has said before it.
    fn define(&mut self, paths: Paths) {
        // A router, a service, a middleware: `http.routers.NAME`.
        let unit = |path: &str| path.split('.').take(3).collect::<Vec<_>>().join(".");
        let known: BTreeSet<String> = self.dynamic.keys().map(|path| unit(path)).collect();
        let new = paths
            .into_iter()
            .filter(|(path, _)| !known.contains(&unit(path)));
        self.dynamic.extend(new);
    }

    fn miss(&mut self, reason: String) {
        self.untold.get_or_insert(reason);
    }
}

/// Whether a file may be one of those that it reads in a folder.
fn is_one(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// A path, as it is from where the process starts.
fn absolute(container: &Container, path: &str) -> String {
    let folder = container.working_directory.as_ref();
    let folder = folder.and_then(Knowable::known).map_or("/", String::as_str);
    beside(folder, path)
}

fn not_here(path: &str) -> String {
    format!("it takes its routers from {path}, which cannot be read here")
}

fn broken(path: &str) -> String {
    format!("{path} cannot be read as YAML or TOML")
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

/// The settings of a file; none where it cannot be read.
fn of_text(path: &str, text: &str) -> Option<Paths> {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let value: serde_json::Value = match &*ending.to_ascii_lowercase() {
        "yml" | "yaml" => merged(text)?,
        "toml" => toml::from_str(text).ok()?,
        _ => return None,
    };
    let mut paths = Paths::new();
    flatten("", &value, 0, &mut paths);
    Some(paths)
}

/// The first document of a text of YAML, with its merge keys applied.
fn merged(text: &str) -> Option<serde_json::Value> {
    let first = serde_yaml::Deserializer::from_str(text).next()?;
    let mut value = serde_yaml::Value::deserialize(first).ok()?;
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
        // It counts as not written.
        Value::Null => {}
        Value::String(text) => drop(paths.insert(path.to_owned(), text.clone())),
        other => drop(paths.insert(path.to_owned(), other.to_string())),
    }
}

//! What compose refuses of a service that is put together: what it names and is not there, and what does not go together.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::Fault;
use super::texts;
use super::tree::{Entry, Tree, Value};
use crate::compose::{Project, mount};
use crate::shown::escape;
use crate::source::Span;

/// The names that services may use.
pub(super) struct Known<'a> {
    /// Each with whether it is built.
    pub(super) services: HashMap<&'a str, bool>,
    /// Of networks, volumes and the like, by the name of their section; one that is wrong itself may have any.
    pub(super) sections: BTreeMap<&'static str, HashSet<String>>,
}

/// Which service waits for which, and where it says so.
pub(super) type Edges = BTreeMap<String, Vec<(String, Span)>>;

/// A service and what it may name.
pub(super) struct Whole<'a> {
    pub(super) project: &'a Project,
    pub(super) known: &'a Known<'a>,
    pub(super) name: &'a str,
    /// Whether a file gives it something to run.
    pub(super) names_image: bool,
    pub(super) tree: &'a Tree<'a>,
}

/// A name of something else, and where it is.
struct Name<'t> {
    name: Cow<'t, str>,
    /// Whether a value of a variable is in it, which nobody is shown.
    is_private: bool,
    span: Span,
}

impl Name<'_> {
    /// For a message.
    fn missing(&self, word: &str) -> String {
        match self.is_private {
            true => format!("there is no such {word}"),
            false => format!("there is no {word} {}", escape(&self.name)),
        }
    }
}

/// The name of a key, what is wrong with it, and where.
type Wrong = (&'static str, String, Span);

impl Whole<'_> {
    /// The first fault. `edges` gets what it waits for.
    pub(super) fn fault(&self, edges: &mut Edges) -> Option<Fault> {
        let wrong = self
            .image()
            .or_else(|| self.storage())
            .or_else(|| self.build())
            .or_else(|| self.contexts())
            .or_else(|| self.networks())
            .or_else(|| self.health())
            .or_else(|| self.dependencies(edges))
            .or_else(|| self.volumes())
            .or_else(|| self.temporary())
            .or_else(|| self.grants())
            .or_else(|| self.number())
            .or_else(|| self.limits())
            .or_else(|| self.watch())
            .or_else(|| self.devices());
        let (key, message, span) = wrong?;
        Some(Fault {
            path: format!("services.{}.{key}", escape(self.name)),
            message,
            span,
        })
    }

    fn told<'t>(&self, tree: &'t Tree<'_>) -> Option<Cow<'t, str>> {
        tree.text(self.project)
    }

    /// A text at a path that is not empty.
    fn text(&self, path: &[&str]) -> Option<Cow<'_, str>> {
        self.told(self.at(path)?).filter(|text| !text.is_empty())
    }

    fn at(&self, path: &[&str]) -> Option<&Tree<'_>> {
        let mut tree = self.tree;
        for name in path {
            tree = tree.get(name)?;
        }
        Some(tree)
    }

    fn has(&self, section: &str, name: &str) -> bool {
        let names = self.known.sections.get(section);
        names.is_none_or(|names| names.contains(name))
    }

    /// Without an image or a build there is nothing to run.
    fn image(&self) -> Option<Wrong> {
        let runs = ["build", "provider"];
        let runs = runs.iter().any(|key| self.tree.get(key).is_some());
        match self.tree.get("image") {
            _ if runs => None,
            // What is not here may name one, and is said.
            None if self.project.unread_base(self.name).is_some() => None,
            Some(image) if self.told(image)?.is_empty() => {
                Some(("image", "it is empty".to_owned(), image.span))
            }
            None => {
                let message = match self.names_image {
                    true => "a later file takes it away, and nothing is left to run",
                    false => {
                        "there is neither an image nor a build; if another file has one, name that file, too"
                    }
                };
                Some(("image", message.to_owned(), self.tree.span))
            }
            Some(_) => None,
        }
    }

    fn storage(&self) -> Option<Wrong> {
        let mut entries = self.tree.get("storage_opt")?.entries().iter();
        let is_wrong = |entry: &&Entry<'_>| {
            entry.name.starts_with("x-")
                || matches!(
                    entry.value.value,
                    Value::Bool(_)
                        | Value::Date
                        | Value::List(_)
                        | Value::Map(_)
                        | Value::Number {
                            has_point: true,
                            ..
                        }
                )
        };
        let entry = entries.find(is_wrong)?;
        let message = format!(
            "{} must be a text (in quotes) or a whole number",
            escape(&entry.name)
        );
        Some(("storage_opt", message, entry.at))
    }

    fn build(&self) -> Option<Wrong> {
        if let (Some(_), Some(inline)) = (
            self.text(&["build", "dockerfile"]),
            self.at(&["build", "dockerfile_inline"]),
        ) && self.told(inline).is_some_and(|text| !text.is_empty())
        {
            let message = "`dockerfile` and `dockerfile_inline` exclude each other";
            return Some(("build", message.to_owned(), inline.span));
        }
        let platform = self.text(&["platform"])?;
        let platforms = self.at(&["build", "platforms"])?.items();
        let mut told = platforms.iter().map(|one| self.told(one));
        let is_one = told.any(|one| one.is_none_or(|one| one == platform));
        let span = self.tree.get("platform")?.span;
        (!is_one && !platforms.is_empty()).then(|| {
            let message = "it is none of `build.platforms`";
            ("platform", message.to_owned(), span)
        })
    }

    fn contexts(&self) -> Option<Wrong> {
        let contexts = self.at(&["build", "additional_contexts"])?;
        let of_entries = contexts.entries().iter().map(|entry| &entry.value);
        { contexts.items().iter().chain(of_entries) }.find_map(|context| {
            let text = self.told(context)?;
            let value = match contexts.entries().is_empty() {
                true => text.split_once('=')?.1,
                false => &text,
            };
            let name = value.strip_prefix("service:")?;
            let message = match self.known.services.get(name) {
                Some(true) => return None,
                Some(false) => "the service is not built".to_owned(),
                None => "there is no such service".to_owned(),
            };
            Some(("build.additional_contexts", message, context.span))
        })
    }

    fn networks(&self) -> Option<Wrong> {
        let networks = self.tree.get("networks")?;
        let names = self.named(networks);
        if let (Some(first), Some(_)) = (names.first(), self.text(&["network_mode"])) {
            let message = "`network_mode` and `networks` exclude each other";
            return Some(("networks", message.to_owned(), first.span));
        }
        self.missing("networks", "network", &names)
            .map(|(message, span)| ("networks", message, span))
    }

    /// The names that a list or a mapping has.
    fn named<'t>(&self, tree: &'t Tree<'_>) -> Vec<Name<'t>> {
        let items = tree.items().iter().filter_map(|item| {
            Some(Name {
                name: self.told(item)?,
                is_private: item.has_variables(),
                span: item.span,
            })
        });
        let entries = tree.entries().iter().map(|entry| Name {
            name: Cow::Borrowed(&*entry.name),
            is_private: false,
            span: entry.at,
        });
        items.chain(entries).collect()
    }

    /// The first name that a section does not have.
    fn missing(&self, section: &str, word: &str, names: &[Name<'_>]) -> Option<(String, Span)> {
        let missing = names.iter().find(|one| !self.has(section, &one.name))?;
        let message = format!("{} in `{section}`", missing.missing(word));
        Some((message, missing.span))
    }

    fn health(&self) -> Option<Wrong> {
        let first = self.at(&["healthcheck", "test"])?.items().first()?;
        let is_right = ["CMD", "CMD-SHELL", "NONE"].contains(&&*self.told(first)?);
        (!is_right).then(|| {
            let message = "the first item must be CMD, CMD-SHELL or NONE";
            ("healthcheck.test", message.to_owned(), first.span)
        })
    }

    fn dependencies(&self, edges: &mut Edges) -> Option<Wrong> {
        let mut found: Vec<(&'static str, Name<'_>)> = Vec::new();
        if let Some(tree) = self.tree.get("depends_on") {
            let names = self.named(tree).into_iter();
            found.extend(names.map(|name| ("depends_on", name)));
        }
        for key in ["links", "volumes_from"] {
            for mut name in self
                .tree
                .get(key)
                .map_or(Vec::new(), |tree| self.named(tree))
            {
                if key == "links" || !name.name.starts_with("container:") {
                    let service = name.name.split(':').next().unwrap_or_default();
                    name.name = Cow::Owned(service.to_owned());
                    found.push((key, name));
                }
            }
        }
        for key in ["network_mode", "ipc", "pid", "uts"] {
            let tree = self.tree.get(key);
            found.extend(tree.and_then(|tree| {
                let text = self.told(tree)?;
                let name = Name {
                    name: Cow::Owned(text.strip_prefix("service:")?.to_owned()),
                    is_private: tree.has_variables(),
                    span: tree.span,
                };
                Some((key, name))
            }));
        }
        let services = &self.known.services;
        let is_missing = |(_, one): &&(&str, Name<'_>)| !services.contains_key(&*one.name);
        if let Some((key, one)) = found.iter().find(is_missing) {
            return Some((key, one.missing("service"), one.span));
        }
        let of_service = found.into_iter();
        let of_service = of_service.map(|(_, one)| (one.name.into_owned(), one.span));
        edges.insert(self.name.to_owned(), of_service.collect());
        None
    }

    /// Nothing is at the place of a tmpfs.
    fn temporary(&self) -> Option<Wrong> {
        let tree = self.tree.get("tmpfs")?;
        let one = matches!(tree.value, Value::Text(_)).then_some(tree);
        let (mut texts, mut targets) = (HashSet::new(), HashSet::new());
        for item in tree.items().iter().chain(one) {
            let text = self.told(item)?;
            // Of two that are the same, compose leaves one out.
            if !texts.insert(text.clone()) {
                continue;
            }
            let target = text.split(':').next().unwrap_or_default();
            if !targets.insert(target.to_owned()) {
                return Some(("tmpfs", TAKEN.to_owned(), item.span));
            }
        }
        let volumes = self.tree.get("volumes").map_or(&[][..], Tree::items);
        let is_taken = |item: &&Tree<'_>| {
            let target = self.mount(item).map(|(target, _)| target);
            target.is_some_and(|target| targets.contains(&target))
        };
        let item = volumes.iter().find(is_taken)?;
        Some(("volumes", TAKEN.to_owned(), item.span))
    }

    fn volumes(&self) -> Option<Wrong> {
        let items = self.tree.get("volumes")?.items();
        let mut last: HashMap<String, Option<Name<'_>>> = HashMap::new();
        for item in items {
            let Some((target, source)) = self.mount(item) else {
                // It may take the place of any before, of which compose then asks no name.
                last.clear();
                continue;
            };
            let kind = item.get("type").and_then(|kind| self.told(kind));
            if kind.as_deref() == Some("bind") && item.get("source").is_none() {
                return Some((
                    "volumes",
                    "a bind mount lacks `source`".to_owned(),
                    item.span,
                ));
            }
            let name = source.map(|source| Name {
                name: Cow::Owned(source),
                is_private: item.get("source").unwrap_or(item).has_variables(),
                span: item.span,
            });
            last.insert(target, name);
        }
        let mut names: Vec<Name<'_>> = last.into_values().flatten().collect();
        names.sort_by_key(|name| name.span.start);
        let (message, span) = self.missing("volumes", "volume", &names)?;
        Some(("volumes", message, span))
    }

    /// The target of a mount, and the volume that it names.
    fn mount(&self, item: &Tree<'_>) -> Option<(String, Option<String>)> {
        if let Value::Map(_) = item.value {
            let text = |key: &str| Some(self.told(item.get(key)?)?.into_owned());
            let is_volume = text("type")? == "volume";
            let source = text("source").filter(|source| is_volume && !source.is_empty());
            return Some((text("target")?, source));
        }
        let text = self.told(item)?;
        let (source, target) = mount::split(&text)?;
        let is_name = !source.is_empty() && !mount::is_path(source);
        Some((target.to_owned(), is_name.then(|| source.to_owned())))
    }

    fn grants(&self) -> Option<Wrong> {
        let keys = [
            ("configs", "configs", "config", self.tree.get("configs")),
            ("secrets", "secrets", "secret", self.tree.get("secrets")),
            (
                "build.secrets",
                "secrets",
                "secret",
                self.at(&["build", "secrets"]),
            ),
        ];
        for (key, section, word, tree) in keys {
            let items = tree.map_or(&[][..], Tree::items);
            let mut granted: Vec<(String, Name<'_>)> = Vec::new();
            for item in items {
                let source = match (&item.value, item.get("source")) {
                    (_, Some(source)) => self.told(source),
                    (Value::Map(_), None) => Some(Cow::Borrowed("")),
                    _ => self.told(item),
                };
                let Some(source) = source else {
                    continue;
                };
                let target = item.get("target").and_then(|target| self.told(target));
                let folder = if key == "secrets" { "/run/secrets" } else { "" };
                let target = match target {
                    Some(target) => target.into_owned(),
                    None => format!("{folder}/{source}"),
                };
                let name = Name {
                    name: source,
                    is_private: item.get("source").unwrap_or(item).has_variables(),
                    span: item.span,
                };
                granted.push((target, name));
            }
            if key != "build.secrets" {
                // Of those at one target the last one counts.
                let mut seen = HashSet::new();
                granted.reverse();
                granted.retain(|(target, _)| seen.insert(target.clone()));
                granted.reverse();
            }
            let names: Vec<Name<'_>> = granted.into_iter().map(|(_, name)| name).collect();
            if let Some((message, span)) = self.missing(section, word, &names) {
                return Some((key, message, span));
            }
        }
        let names = self.named(self.tree.get("models")?);
        let (message, span) = self.missing("models", "model", &names)?;
        Some(("models", message, span))
    }

    /// A number, or a text of one.
    fn quantity(&self, path: &[&str], read: fn(&str) -> Option<f64>) -> Option<f64> {
        let tree = self.at(path)?;
        match &tree.value {
            Value::Number { number, .. } => Some(*number),
            _ => read(&self.told(tree)?),
        }
    }

    fn number(&self) -> Option<Wrong> {
        let scale = self.quantity(&["scale"], texts::float);
        let replicas = self.quantity(&["deploy", "replicas"], texts::float);
        if let (Some(scale), Some(replicas)) = (scale, replicas)
            && scale != replicas
        {
            let message = "`deploy.replicas` is another number".to_owned();
            return Some(("scale", message, self.tree.get("scale")?.span));
        }
        let number = scale.or(replicas)?;
        let name = self.text(&["container_name"]).is_some() && number > 1.0;
        name.then_some(())?;
        let message = "several containers cannot have one name".to_owned();
        Some((
            "container_name",
            message,
            self.tree.get("container_name")?.span,
        ))
    }

    fn limits(&self) -> Option<Wrong> {
        type Read = fn(&str) -> Option<f64>;
        const PAIRS: [(&str, &str, &str, Read); 4] = [
            ("cpus", "limits", "cpus", texts::float),
            ("mem_limit", "limits", "memory", texts::size),
            ("mem_reservation", "reservations", "memory", texts::size),
            ("pids_limit", "limits", "pids", texts::float),
        ];
        PAIRS.iter().find_map(|(key, section, of_section, read)| {
            let own = self.quantity(&[key], *read).filter(|own| *own != 0.0)?;
            let path = ["deploy", "resources", section, of_section];
            self.at(&path[..3]).filter(|section| !section.is_null())?;
            let other = match self.at(&path) {
                None => 0.0,
                Some(_) => self.quantity(&path, *read)?,
            };
            if is_near(own, other) {
                return None;
            }
            let message = format!("`deploy.resources.{section}.{of_section}` is not the same");
            Some((*key, message, self.tree.get(key)?.span))
        })
    }

    fn watch(&self) -> Option<Wrong> {
        let items = self.at(&["develop", "watch"])?.items();
        items.iter().find_map(|item| {
            let action = self.told(item.get("action")?)?;
            let target = match item.get("target") {
                Some(target) => self.told(target)?,
                None => Cow::Borrowed(""),
            };
            let needs_target = !["rebuild", "restart"].contains(&&*action);
            (needs_target && target.is_empty()).then(|| {
                let message =
                    "it lacks `target`, which only rebuild and restart do not need".to_owned();
                ("develop.watch", message, item.span)
            })
        })
    }

    fn devices(&self) -> Option<Wrong> {
        let gpus = ("gpus", self.at(&["gpus"]));
        let path = ["deploy", "resources", "reservations", "devices"];
        let reserved = ("deploy.resources.reservations.devices", self.at(&path));
        [gpus, reserved].into_iter().find_map(|(key, tree)| {
            let mut items = tree?.items().iter();
            let has_both =
                |item: &&Tree<'_>| item.get("count").is_some() && item.get("device_ids").is_some();
            let item = items.find(has_both)?;
            let message = "`count` and `device_ids` exclude each other".to_owned();
            Some((key, message, item.span))
        })
    }
}

/// What is said of the later of two mounts.
const TAKEN: &str = "something else is mounted at its target";

/// Whether two numbers are one to compose, which holds them with 32 bits.
fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= one.abs() * f64::from(f32::EPSILON)
}

/// The first service that waits for itself.
pub(super) fn circle(edges: &Edges) -> Option<Fault> {
    let mut done: HashSet<&str> = HashSet::new();
    for start in edges.keys() {
        // The services on the way, each with how many of its edges were followed.
        let mut way: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, at)) = way.pop() {
            let next = edges.get(name).and_then(|all| all.get(at));
            let Some((next, span)) = next.filter(|_| !done.contains(name)) else {
                done.insert(name);
                continue;
            };
            way.push((name, at + 1));
            if way.iter().any(|(before, _)| before == next) {
                return Some(Fault {
                    path: format!("services.{}", escape(name)),
                    message: format!("it waits for {}, which waits for it", escape(next)),
                    span: *span,
                });
            }
            way.push((next, 0));
        }
    }
    None
}

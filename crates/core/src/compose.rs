//! Compose files as docker compose v2 reads them: several files merged, `extends` within a file and across
//! files, `env_file`, and interpolation from `.env`.
//!
//! Nothing is merged into a new tree. A service is the list of its [`Part`]s, lowest precedence first, and
//! each attribute is read from the parts that hold it, so every value still knows where it stands.

mod elsewhere;
pub mod environment;
pub mod interpolate;
pub mod port;
pub mod volume;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::dotenv;
use crate::error::Error;
use crate::io;
use crate::source::{SourceId, Sources, Span};
use crate::version::Version;
use crate::yaml::{self, Node};
pub use environment::{Origin, Variable, VariableValue};
pub use port::{Interface, Port};
pub use volume::Volume;

/// `extends` may be followed this far.
const EXTENDS_LIMIT: usize = 32;

/// A compose project: what `docker compose -f … -f …` would see.
pub struct Project {
    /// Relative paths start here: the folder of the first compose file.
    pub folder: PathBuf,
    /// The files, lowest precedence first.
    pub layers: Vec<Layer>,
    /// What `.env` or `--env-file` says.
    pub env: ProjectEnv,
    /// The services, in the order in which the files name them.
    pub services: Vec<Service>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// One compose file.
pub struct Layer {
    /// Its text.
    pub source: SourceId,
    /// Its tree.
    pub root: Arc<Node>,
    services: HashMap<String, Arc<Node>>,
}

/// Something that was not looked at, and why. It is never taken for safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// What, e.g. `env_file ./secrets.env`.
    pub what: String,
    /// What it may hold.
    pub hides: Hides,
    /// Why, and what to do about it.
    pub reason: String,
    /// The service that is concerned, by its name in the file.
    pub service: Option<String>,
    /// Where it is named.
    pub span: Option<Span>,
}

/// What something that was not looked at may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hides {
    /// Anything.
    Anything,
    /// A published port.
    Port,
    /// Other services, and what is merged over those that are seen.
    Services,
    /// Variables of a service.
    Variables,
}

/// A service, put together from its parts.
pub struct Service {
    /// Its name under `services`.
    pub name: String,
    /// Where the name stands, in the last file that has it.
    pub name_span: Span,
    /// Lowest precedence first.
    pub parts: Vec<Part>,
    /// The image, interpolated.
    pub image: Option<Text>,
    /// The container's name, interpolated.
    pub container_name: Option<String>,
    /// The entrypoint's and then the command's words.
    pub words: Vec<String>,
    /// Every variable of the container that a file sets, sorted by name.
    pub environment: Vec<Variable>,
    /// What is mounted.
    pub volumes: Vec<Volume>,
    /// What is published.
    pub ports: Vec<Port>,
    /// The networks it is on, by the names of the file: `default` where it names none.
    pub networks: Vec<String>,
    /// `network_mode`, interpolated.
    pub network_mode: Option<Text>,
    /// `privileged: true`, where it stands.
    pub privileged: Option<Span>,
    /// `volumes_from`, where it is there.
    pub volumes_from: Option<Span>,
}

/// A text of the file after interpolation, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// The scalar.
    pub span: Span,
}

impl Text {
    /// The version that an image's tag names.
    pub fn version(&self) -> Option<Version> {
        let name = self.text.split('@').next()?.rsplit('/').next()?;
        Version::parse(name.split_once(':')?.1)
    }
}

/// The mapping of one file that contributes to a service.
#[derive(Clone)]
pub struct Part {
    /// The file.
    pub source: SourceId,
    /// Which of the project's files; none for a file that only `extends` names.
    pub layer: Option<usize>,
    /// The service under whose name it stands.
    pub service: String,
    /// The mapping.
    pub node: Arc<Node>,
}

/// The variables for interpolation.
#[derive(Default)]
pub struct ProjectEnv {
    /// The file they come from.
    pub source: Option<SourceId>,
    entries: Vec<dotenv::Entry>,
}

impl ProjectEnv {
    /// Reads the text of a `.env` file.
    ///
    /// # Errors
    /// What compose would refuse.
    pub fn read(
        sources: &mut Sources,
        path: &Path,
        text: Zeroizing<String>,
    ) -> Result<Self, Error> {
        let entries = dotenv::parse(&text, &|_| None);
        let source = sources.add(path, text);
        match entries {
            Ok(entries) => Ok(Self {
                source: Some(source),
                entries,
            }),
            Err(error) => Err(Error::Dotenv {
                place: sources.place(Span {
                    source,
                    start: error.offset,
                    end: error.offset,
                }),
                message: error.message,
            }),
        }
    }

    /// The value of a variable; the last line wins.
    pub fn value(&self, name: &str) -> Option<&str> {
        let entry = self
            .entries
            .iter()
            .rev()
            .find(|entry| entry.name == name && entry.value.is_some())?;
        entry.value.as_ref().map(|value| value.expose())
    }

    /// Where a variable's value stands.
    pub fn span(&self, name: &str) -> Option<Span> {
        let entry = self
            .entries
            .iter()
            .rev()
            .find(|entry| entry.name == name && entry.value.is_some())?;
        Some(Span {
            source: self.source?,
            start: entry.value_span.start,
            end: entry.value_span.end,
        })
    }
}

impl Project {
    /// Puts the project together. `files` are path and text, lowest precedence first.
    ///
    /// # Errors
    /// What is not YAML or not a compose file.
    pub fn load(
        sources: &mut Sources,
        folder: &Path,
        files: Vec<(PathBuf, Zeroizing<String>)>,
        env: ProjectEnv,
    ) -> Result<Self, Error> {
        let mut project = Self {
            folder: folder.to_owned(),
            layers: Vec::with_capacity(files.len()),
            env,
            services: Vec::new(),
            unseen: Vec::new(),
        };
        let mut names: Vec<(String, Span)> = Vec::new();
        let mut known = HashMap::new();
        for (path, text) in files {
            let root = yaml::parse(&path, &text)?;
            let source = sources.add(path, text);
            let mut services = HashMap::new();
            for (name, span, node) in read_services(sources, source, &root)? {
                match known.entry(name.clone()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(names.len());
                        names.push((name.clone(), span));
                    }
                    Entry::Occupied(index) => names[*index.get()].1 = span,
                }
                services.insert(name, node);
            }
            project.layers.push(Layer {
                source,
                root,
                services,
            });
        }
        project.note_includes(sources);
        project.note_compose_file(sources);
        for (name, span) in names {
            let parts = project.parts(sources, &name)?;
            if !parts.is_empty() {
                let service = project.service(sources, name, span, parts)?;
                project.services.push(service);
            }
        }
        Ok(project)
    }

    /// The service of that name.
    pub fn service_named(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// What contributes to a service, over all files.
    fn parts(&mut self, sources: &mut Sources, name: &str) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        for index in 0..self.layers.len() {
            let layer = &self.layers[index];
            let Some(node) = layer.services.get(name).cloned() else {
                continue;
            };
            if node.tag() == Some("!reset") {
                parts.clear();
                continue;
            }
            if node.tag() == Some("!override") {
                parts.clear();
            }
            let part = Part {
                source: layer.source,
                layer: Some(index),
                service: name.to_owned(),
                node,
            };
            let root = Arc::clone(&layer.root);
            self.extend(sources, &root, part, &mut parts, 0)?;
        }
        Ok(parts)
    }

    /// Adds what a part extends, then the part.
    fn extend(
        &mut self,
        sources: &mut Sources,
        root: &Arc<Node>,
        part: Part,
        parts: &mut Vec<Part>,
        depth: usize,
    ) -> Result<(), Error> {
        let refuse = |sources: &Sources, span: Span, message: &str| Error::Compose {
            place: sources.place(span),
            message: message.to_owned(),
            help: Some("mend `extends`; `docker compose config` refuses it too".to_owned()),
        };
        if let Some(extends) = part
            .node
            .get("extends")
            .filter(|field| !field.value.is_null())
        {
            let span = extends.value.span(part.source);
            if depth >= EXTENDS_LIMIT {
                return Err(refuse(sources, span, "`extends` runs in a circle"));
            }
            let read = |node: &Node| self.interpolated(node);
            let (file, service) = match extends.value.text() {
                Some(_) => (None, read(extends.value)),
                None => (
                    extends
                        .value
                        .get("file")
                        .and_then(|field| read(field.value)),
                    extends
                        .value
                        .get("service")
                        .and_then(|field| read(field.value)),
                ),
            };
            let Some(service) = service else {
                return Err(refuse(sources, span, "`extends` names no service"));
            };
            let (base_root, source, layer) = match file {
                None => (Arc::clone(root), part.source, part.layer),
                Some(file) => {
                    let beside = sources
                        .path(part.source)
                        .parent()
                        .unwrap_or(Path::new(""))
                        .to_owned();
                    let path = beside.join(&file);
                    match io::read_text(&path) {
                        Ok(text) => {
                            let root = yaml::parse(&path, &text)?;
                            (root, sources.add(path, text), None)
                        }
                        Err(error) => {
                            self.unseen.push(Unseen {
                                what: format!("extended file {file}"),
                                hides: Hides::Variables,
                                reason: error.to_string(),
                                service: Some(part.service.clone()),
                                span: Some(span),
                            });
                            parts.push(part);
                            return Ok(());
                        }
                    }
                }
            };
            let node = base_root
                .get("services")
                .and_then(|field| field.value.get(&service))
                .map(|field| Arc::clone(field.value));
            let Some(node) = node else {
                return Err(refuse(
                    sources,
                    span,
                    "`extends` names a service that is not there",
                ));
            };
            let base = Part {
                source,
                layer,
                service,
                node,
            };
            self.extend(sources, &base_root, base, parts, depth + 1)?;
        }
        parts.push(part);
        Ok(())
    }

    fn service(
        &mut self,
        sources: &mut Sources,
        name: String,
        name_span: Span,
        parts: Vec<Part>,
    ) -> Result<Service, Error> {
        let image = self.attribute(&parts, "image").and_then(|(source, node)| {
            let text = self.interpolated(&node)?;
            Some(Text {
                text,
                span: node.span(source),
            })
        });
        let container_name = self
            .attribute(&parts, "container_name")
            .and_then(|(_, node)| self.interpolated(&node));
        let mut words = Vec::new();
        for key in ["entrypoint", "command"] {
            if let Some((_, node)) = self.attribute(&parts, key) {
                words.extend(self.words(&node));
            }
        }
        let environment = environment::of_service(self, sources, &name, &parts)?;
        let volumes = volume::of_service(self, &parts);
        let ports = port::of_service(self, &name, &parts);
        let networks = self.networks(&parts);
        let network_mode = self
            .attribute(&parts, "network_mode")
            .map(|(source, node)| {
                let span = node.span(source);
                let text = self.interpolated(&node);
                (text, span)
            });
        if let Some((None, span)) = network_mode {
            // It may be the host's, on which everything is published.
            self.unseen.push(Unseen {
                what: port::UNSEEN.to_owned(),
                hides: Hides::Port,
                reason: "`network_mode` is a variable without a value".to_owned(),
                service: Some(name.clone()),
                span: Some(span),
            });
        }
        let network_mode = network_mode.and_then(|(text, span)| Some(Text { text: text?, span }));
        let privileged = self
            .attribute(&parts, "privileged")
            .filter(|(_, node)| self.interpolated(node).as_deref() == Some("true"))
            .map(|(source, node)| node.span(source));
        let volumes_from = self
            .attribute(&parts, "volumes_from")
            .map(|(source, node)| node.span(source));
        Ok(Service {
            name,
            name_span,
            parts,
            image,
            container_name,
            words,
            environment,
            volumes,
            ports,
            networks,
            network_mode,
            privileged,
            volumes_from,
        })
    }

    /// Lists and mappings of networks add up over files.
    fn networks(&self, parts: &[Part]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for part in parts {
            let Some(field) = part.node.get("networks") else {
                continue;
            };
            if matches!(field.value.tag(), Some("!reset" | "!override")) {
                found.clear();
            }
            if let Some(items) = field.value.items() {
                found.extend(items.iter().filter_map(|item| self.interpolated(item)));
            } else {
                found.extend(
                    field
                        .value
                        .fields()
                        .iter()
                        .filter_map(|field| Some(field.key.text()?.to_owned())),
                );
            }
        }
        if found.is_empty() {
            found.push("default".to_owned());
        }
        found
    }

    /// The last part's value of a key that is not reset and not null.
    fn attribute(&self, parts: &[Part], key: &str) -> Option<(SourceId, Arc<Node>)> {
        for part in parts.iter().rev() {
            if let Some(field) = part.node.get(key) {
                if field.value.tag() == Some("!reset") {
                    return None;
                }
                if !field.value.is_null() {
                    return Some((part.source, Arc::clone(field.value)));
                }
            }
        }
        None
    }

    /// A command as words: a list's items, or a text split as a shell would, quotes and operators dropped.
    /// Only used to recognise what runs.
    fn words(&self, node: &Node) -> Vec<String> {
        let texts: Vec<String> = match node.items() {
            Some(items) => items
                .iter()
                .filter_map(|item| self.interpolated(item))
                .collect(),
            None => self.interpolated(node).into_iter().collect(),
        };
        let separator =
            |c: char| c.is_whitespace() || matches!(c, '&' | ';' | '|' | '(' | ')' | '"' | '\'');
        texts
            .iter()
            .flat_map(|text| text.split(separator))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A scalar's text after interpolation; none where it is null or cannot be interpolated.
    pub fn interpolated(&self, node: &Node) -> Option<String> {
        let text = node.text()?;
        interpolate::interpolate(text, &|name| self.env.value(name).map(str::to_owned))
            .ok()
            .map(|done| done.text.to_string())
    }
}

/// The services of a file: name, where it stands, and its mapping.
fn read_services(
    sources: &Sources,
    source: SourceId,
    root: &Node,
) -> Result<Vec<(String, Span, Arc<Node>)>, Error> {
    let refuse = |span: Span, message: &str| Error::Compose {
        place: sources.place(span),
        message: message.to_owned(),
        help: Some("name a compose file, e.g. docker-compose.yml".to_owned()),
    };
    if root.entries().is_none() {
        return Err(refuse(
            root.span(source),
            "not a compose file: its top is no mapping",
        ));
    }
    let Some(services) = root.get("services").filter(|field| !field.value.is_null()) else {
        return Ok(Vec::new());
    };
    if services.value.entries().is_none() {
        return Err(refuse(
            services.value.span(source),
            "`services` is no mapping",
        ));
    }
    let mut found = Vec::new();
    for field in services.value.fields() {
        let Some(name) = field.key.scalar() else {
            return Err(refuse(
                field.key.span(source),
                "a service's name is no text",
            ));
        };
        if field.value.entries().is_none()
            && !field.value.is_null()
            && field.value.tag() != Some("!reset")
        {
            return Err(refuse(field.value.span(source), "a service is no mapping"));
        }
        found.push((
            name.text().to_owned(),
            field.key.span(source),
            Arc::clone(field.value),
        ));
    }
    Ok(found)
}

//! What contributes to a service: over all documents, and over what these extend.

mod include;
mod likeness;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::remote;
use super::volume::joined;
use super::{Document, DocumentId, Loader, NamedNode, Part, Project, Scope, env};
use crate::error::Error;
use crate::source::{HIDDEN, SourceId, Sources, Span, place_of};
use crate::unseen::{Hides, Unseen};
use crate::yaml::tags::Tags;
use crate::yaml::{self, Field, Node};
use include::Model;
use likeness::{Likeness, Of, likeness};

/// `extends` may be followed this far. Docker Compose has no limit; a longer way is a circle.
const EXTENDS_LIMIT: usize = 256;

/// Reads files into a project.
pub(super) struct Reader<'a> {
    pub(super) project: &'a mut Project,
    pub(super) loader: &'a mut Loader,
    pub(super) sources: &'a mut Sources,
}

/// A service's name, where it stands, and its parts.
pub(super) type Found = (String, Span, Vec<Part>);

impl Reader<'_> {
    /// The documents of the files that are given.
    pub(super) fn given(&mut self, files: &[SourceId]) -> Result<Vec<DocumentId>, Error> {
        let folder = self.project.folder.clone();
        self.documents(files, &folder, Scope::PROJECT)
    }

    /// The documents of files that are merged. A file without any, which is empty or all comments, is nothing beside others.
    pub(super) fn documents(
        &mut self,
        files: &[SourceId],
        folder: &Path,
        scope: Scope,
    ) -> Result<Vec<DocumentId>, Error> {
        let mut documents = Vec::with_capacity(files.len());
        let group = self.project.documents.len();
        for file in files {
            documents.extend(self.documents_of(*file, folder, scope, group)?);
        }
        match (documents.is_empty(), files.first()) {
            (true, Some(empty)) => {
                let root = yaml::parse(self.sources.path(*empty), "")?;
                read_services(self.sources, *empty, &root).map(|_| documents)
            }
            _ => Ok(documents),
        }
    }

    fn documents_of(
        &mut self,
        source: SourceId,
        folder: &Path,
        scope: Scope,
        group: DocumentId,
    ) -> Result<Vec<DocumentId>, Error> {
        let path = self.sources.path(source).to_owned();
        let roots = yaml::parse_shared(&path, &self.sources.shared(source))?;
        let first = self.project.documents.len();
        for root in roots {
            let text = self.sources.text(source);
            let refused = |(at, message): (usize, &str)| Error::Yaml {
                place: place_of(&path, text, at),
                message: message.to_owned(),
            };
            if let Some(escape) = yaml::of_escapes(text, &root) {
                return Err(refused(escape));
            }
            let tags = Tags::of(&root).map_err(refused)?;
            let services = read_services(self.sources, source, &root)?;
            self.project.documents.push(Document {
                source,
                root,
                folder: folder.to_owned(),
                scope,
                services,
                group,
                extended: OnceLock::new(),
                tags: Arc::new(tags),
            });
        }
        Ok((first..self.project.documents.len()).collect())
    }

    /// Finds out what the project is called: its texts may use the name.
    pub(super) fn name_project(&mut self, documents: &[DocumentId]) {
        let project = &mut *self.project;
        let own = project
            .env()
            .value("COMPOSE_PROJECT_NAME")
            .map(str::to_owned);
        let said = || {
            let mut last_first = documents.iter().rev();
            last_first.find_map(|id| {
                let document = &project.documents[*id];
                let name = document.root.get("name")?;
                project.interpolated(document.scope, name.value)
            })
        };
        let name = own
            .filter(|name| !name.is_empty())
            .or_else(said)
            .unwrap_or_else(|| env::default_name(&project.folder));
        project.scopes.name_project(name);
    }

    /// Every service of a model, in the order in which the documents name them.
    pub(super) fn services(&mut self, model: &Model) -> Result<Vec<Found>, Error> {
        let mut names = Vec::new();
        let mut known = HashMap::new();
        self.note_names(model, &mut names, &mut known);
        let mut found = Vec::with_capacity(names.len());
        for (name, span) in names {
            let parts = self.parts(model, &name)?;
            if !parts.is_empty() {
                found.push((name, span, parts));
            }
        }
        Ok(found)
    }

    fn note_names(
        &self,
        model: &Model,
        names: &mut Vec<(String, Span)>,
        known: &mut HashMap<String, usize>,
    ) {
        for entry in &model.entries {
            let document = &self.project.documents[entry.document];
            let services = document.root.get("services");
            for field in services.iter().flat_map(|field| field.value.fields()) {
                let Some(name) = field.key.scalar() else {
                    continue;
                };
                let span = field.key.span(document.source);
                match known.entry(name.text().to_owned()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(names.len());
                        names.push((name.text().to_owned(), span));
                    }
                    Entry::Occupied(index) => names[*index.get()].1 = span,
                }
            }
            for included in &entry.includes {
                self.note_names(included, names, known);
            }
        }
    }

    /// What contributes to a service.
    fn parts(&mut self, model: &Model, name: &str) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        for entry in &model.entries {
            let document = &self.project.documents[entry.document];
            let is_named = document.services.contains_key(name);
            if document.clears(name) {
                parts.clear();
            }
            let mut imported: Vec<Part> = Vec::new();
            for included in &entry.includes {
                let more = self.parts(included, name)?;
                if imported.is_empty() {
                    imported = more;
                } else if !more.is_empty() {
                    self.refuse_other(entry.document, name, (&imported, &more))?;
                }
            }
            if is_named {
                let mut own = Vec::new();
                let said = (self.project.unseen.len(), self.project.remote.len());
                self.extend(&[entry.document], name, &mut own, 0)?;
                self.note_extending(name, said);
                if !imported.is_empty() {
                    self.refuse_other(entry.document, name, (&imported, &own))?;
                }
                imported = own;
            }
            let start = parts.len();
            for part in &mut imported {
                part.reach += start;
            }
            if is_named && let Some(own) = imported.last_mut() {
                own.reach = 0;
            }
            parts.extend(imported);
        }
        Ok(parts)
    }

    /// What was not read since then of what a service extends is missing in that service, whichever of these names it.
    fn note_extending(&mut self, name: &str, (unseen, remote): (usize, usize)) {
        let project = &mut *self.project;
        let missing = project.unseen[unseen..].iter_mut();
        for one in missing.chain(&mut project.remote[remote..]) {
            if one.service.is_some() {
                one.service = Some(name.to_owned());
            }
        }
    }

    /// Compose merges files that it is given, and not what one of them includes with what stands beside it.
    fn refuse_other(
        &self,
        document: DocumentId,
        name: &str,
        (one, other): (&[Part], &[Part]),
    ) -> Result<(), Error> {
        let compose = match of_parts(one, other) {
            Likeness::Same => return Ok(()),
            Likeness::Unsure => "docker compose takes only what it reads as the same",
            Likeness::Other => "docker compose refuses it too",
        };
        let document = &self.project.documents[document];
        let include = document.root.get("include").map(|field| field.key);
        let span = include.unwrap_or(&document.root).span(document.source);
        Err(Error::Compose {
            place: self.sources.place(span),
            message: format!(
                "service {} is defined twice: in what this includes, and beside it",
                crate::shown::escape(name)
            ),
            help: Some(format!(
                "{compose}; rename one, or change the included service in a file of --merge"
            )),
        })
    }

    /// Adds what a service of some documents extends, then what they say of it themselves. Compose has applied
    /// `extends` before it merges the documents of a file that is given, and after that in one that is extended.
    fn extend(
        &mut self,
        group: &[DocumentId],
        name: &str,
        parts: &mut Vec<Part>,
        depth: usize,
    ) -> Result<(), Error> {
        let own = self.own_parts(group, name);
        let extends = own.iter().rev().find_map(|part| {
            let field = part.node.get("extends")?;
            (!field.value.is_null()).then(|| (part.clone(), Arc::clone(field.value)))
        });
        if let Some((part, node)) = extends {
            let span = node.span(part.source);
            if depth >= EXTENDS_LIMIT {
                return Err(self.refuse(span, "`extends` runs in a circle"));
            }
            let Some((file, service)) = self.extended(&part, &node) else {
                return Err(self.refuse(span, "`extends` names no service"));
            };
            let base = match file {
                None => Some(group.to_vec()),
                Some(file) => self.extended_file(&part, &file, span)?,
            };
            if let Some(base) = base {
                let mut documents = base.iter().map(|id| &self.project.documents[*id]);
                if !documents.any(|document| document.services.contains_key(&service)) {
                    return Err(self.refuse(span, "`extends` names a service that is not there"));
                }
                self.extend(&base, &service, parts, depth + 1)?;
            }
        }
        parts.extend(own);
        Ok(())
    }

    /// What documents themselves say of a service.
    fn own_parts(&self, group: &[DocumentId], name: &str) -> Vec<Part> {
        let mut own = Vec::new();
        for id in group {
            let document = &self.project.documents[*id];
            let is_cleared = document.clears(name);
            if is_cleared {
                own.clear();
            }
            let Some(named) = document.services.get(name) else {
                continue;
            };
            own.push(Part {
                document: *id,
                source: document.source,
                service: name.to_owned(),
                name: named.name,
                reach: 0,
                // What takes away all that is before leaves what it extends as it is, further tags or not.
                tags: match is_cleared {
                    true => Arc::default(),
                    false => Arc::clone(&document.tags),
                },
                ignores_tags: false,
                node: Arc::clone(&named.node),
            });
        }
        own
    }

    /// The file and the service that an `extends` names.
    fn extended(&self, part: &Part, node: &Node) -> Option<(Option<String>, String)> {
        let read = |node: &Node| self.project.text_of(part, node);
        if node.text().is_some() {
            return Some((None, read(node)?));
        }
        let of_key = |field: Field<'_>| read(field.value);
        Some((
            node.get("file").and_then(of_key),
            node.get("service").and_then(of_key)?,
        ))
    }

    /// The documents of a file that a part extends; none where it cannot be read.
    fn extended_file(
        &mut self,
        part: &Part,
        file: &str,
        span: Span,
    ) -> Result<Option<Vec<DocumentId>>, Error> {
        let document = &self.project.documents[part.document];
        let scope = document.scope;
        let path = joined(&document.folder, file);
        let extends = part.node.get("extends").map(|field| field.value);
        let named = extends
            .and_then(|node| node.get("file"))
            .and_then(|field| field.value.text());
        let is_private = extends.is_some_and(|node| self.project.holds_a_value(scope, node));
        if let Some(name) = remote::name(file) {
            let shown = shown(is_private, &name);
            self.project.remote.push(Unseen {
                what: format!("extended file {shown}"),
                // Compose has it, with all that it sets: what nothing sets here may be set there.
                hides: Hides::Variables,
                reason: remote::REASON.to_owned(),
                service: Some(part.service.clone()),
                span: Some(span),
            });
            return Ok(None);
        }
        let as_written = named.filter(|_| is_private).map(str::to_owned);
        let opened = self
            .loader
            .open_written(self.sources, &path, as_written.as_deref());
        let source = match opened {
            Ok(source) => source,
            Err(error) => {
                let shown = shown(is_private, file);
                self.project.unseen.push(Unseen {
                    what: format!("extended file {shown}"),
                    hides: Hides::Base,
                    reason: unreadable(shown == file, &error),
                    service: Some(part.service.clone()),
                    span: Some(span),
                });
                return Ok(None);
            }
        };
        if let Some(documents) = self.project.extended.get(&(source, scope)) {
            return Ok(Some(documents.clone()));
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let documents = self.documents(&[source], &folder, scope)?;
        let key = (source, scope);
        self.project.extended.insert(key, documents.clone());
        Ok(Some(documents))
    }

    pub(super) fn refuse(&self, span: Span, message: &str) -> Error {
        Error::Compose {
            place: self.sources.place(span),
            message: message.to_owned(),
            help: Some("change the line; `docker compose config` refuses it too".to_owned()),
        }
    }
}

impl Document {
    /// Whether it takes a service away from the documents before.
    fn clears(&self, service: &str) -> bool {
        let services = ["services", service];
        self.tags.at(&services[..1]).is_some() || self.tags.at(&services).is_some()
    }
}

/// How like two definitions of a service are, with what they extend.
fn of_parts(one: &[Part], other: &[Part]) -> Likeness {
    let pairs = one.iter().zip(other);
    let likes = pairs.map(|(one, other)| likeness(&one.node, &other.node, Of::Service));
    match likes.max() {
        Some(like) if one.len() == 1 && other.len() == 1 => like,
        Some(Likeness::Same) if one.len() == other.len() => Likeness::Same,
        _ => Likeness::Unsure,
    }
}

/// A path as it may be shown: not one with a value of an env file.
pub(super) fn shown(is_private: bool, path: &str) -> &str {
    match is_private {
        true => HIDDEN,
        false => path,
    }
}

/// Why a file cannot be read. Its path is in the error, so one that may not be shown takes the reason with it.
pub(super) fn unreadable(is_shown: bool, error: &Error) -> String {
    if is_shown {
        error.to_string()
    } else {
        "it cannot be read; `docker compose config` shows its path".to_owned()
    }
}

/// Whether a text has more than comments and marks of documents.
fn has_content(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| !line.is_empty() && !line.starts_with('#') && line != "---")
}

/// The services of a document by name.
type Services = HashMap<String, NamedNode>;

fn read_services(sources: &Sources, source: SourceId, root: &Node) -> Result<Services, Error> {
    let refused = |span: Span, message: &str, help: &str| Error::Compose {
        place: sources.place(span),
        message: message.to_owned(),
        help: Some(help.to_owned()),
    };
    let refuse = |span, message| {
        refused(
            span,
            message,
            "name a compose file, e.g. docker-compose.yml",
        )
    };
    if root.entries().is_none() {
        if root.is_null() && has_content(sources.text(source)) {
            let message = "docker compose refuses a document without anything in it";
            return Err(refused(root.span(source), message, "remove its `---`"));
        }
        let what = match root.is_null() {
            true => "not a compose file: it is empty",
            false => "not a compose file: it has no keys, such as `services:`, at its top",
        };
        return Err(refuse(root.span(source), what));
    }
    let services = root.get("services");
    let Some(services) = services.filter(|services| !services.value.is_null()) else {
        return Ok(Services::default());
    };
    if services.value.entries().is_none() {
        return Err(refuse(
            services.value.span(source),
            "`services` is no mapping",
        ));
    }
    let mut found = HashMap::new();
    for field in services.value.fields() {
        let Some(name) = field.key.scalar() else {
            return Err(refuse(
                field.key.span(source),
                "a service's name is no text",
            ));
        };
        let is_service = field.value.entries().is_some() || field.value.is_null();
        if !is_service {
            return Err(refuse(field.value.span(source), "a service is no mapping"));
        }
        let named = NamedNode {
            name: field.key.span(source),
            node: Arc::clone(field.value),
        };
        found.insert(name.text().to_owned(), named);
    }
    Ok(found)
}

//! `include:` as compose follows it: each file, with the ones that are merged over it, is a project within the project,
//! with a folder and variables of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::likeness::{Likeness, Of, likeness};
use super::{Reader, shown, unreadable};
use crate::compose::remote;
use crate::compose::section::SECTIONS;
use crate::compose::volume::joined;
use crate::compose::{DocumentId, Scope, env};
use crate::error::Error;
use crate::shown::escape;
use crate::source::{SourceId, Span};
use crate::unseen::{Hides, Unseen};
use crate::yaml::Node;

/// Files that are merged, the one that wins last.
pub(in crate::compose) struct Model {
    pub(super) entries: Vec<Entry>,
}

/// One of their documents.
pub(super) struct Entry {
    pub(super) document: DocumentId,
    /// What it includes.
    pub(super) includes: Vec<Model>,
}

impl Model {
    /// Adds the documents, lowest precedence first: what is included comes before what includes it.
    pub(in crate::compose) fn note_order(&self, order: &mut Vec<DocumentId>) {
        for entry in &self.entries {
            for included in &entry.includes {
                included.note_order(order);
            }
            order.push(entry.document);
        }
    }
}

/// One item of `include`.
struct Item {
    /// The file, and what is merged over it.
    paths: Vec<String>,
    /// Relative paths in the files start here; the first file's folder where it is not said.
    folder: Option<String>,
    /// Instead of the `.env` in that folder.
    env_files: Vec<String>,
    /// Whether a value of an env file is in what it names.
    is_private: bool,
    span: Span,
}

impl Reader<'_> {
    /// Documents with what they include. `around` are the files from which these are included.
    pub(in crate::compose) fn model(
        &mut self,
        documents: Vec<DocumentId>,
        around: &mut Vec<SourceId>,
    ) -> Result<Model, Error> {
        let mut entries = Vec::with_capacity(documents.len());
        for document in documents {
            let mut includes = Vec::new();
            for item in self.items(document)? {
                includes.extend(self.include(document, &item, around)?);
            }
            self.note_conflicts(document, &includes);
            entries.push(Entry { document, includes });
        }
        Ok(Model { entries })
    }

    /// Notes what of the sections beside the services a document and what it includes say otherwise: compose merges none of it.
    fn note_conflicts(&mut self, document: DocumentId, includes: &[Model]) {
        if includes.is_empty() {
            return;
        }
        for section in SECTIONS {
            let mut known: HashMap<String, Arc<Node>> = HashMap::new();
            for (name, _, value) in self.entries(document, section) {
                known.insert(name, value);
            }
            for included in includes {
                let mut order = Vec::new();
                included.note_order(&mut order);
                let all = order.iter().flat_map(|one| self.entries(*one, section));
                let all: Vec<_> = all.collect();
                let mut files: HashMap<&str, usize> = HashMap::new();
                for (name, ..) in &all {
                    *files.entry(name).or_default() += 1;
                }
                // What it has of several files is merged first.
                let of_one = all.iter().filter(|(name, ..)| files[&**name] == 1);
                for (name, span, value) in of_one {
                    let before = known.entry(name.clone());
                    let before = before.or_insert_with(|| Arc::clone(value));
                    if likeness(before, value, Of::Section) == Likeness::Other {
                        self.project.refused.push(Unseen {
                            what: escape(&format!("{section}.{name}")).into_owned(),
                            hides: Hides::Anything,
                            reason: "docker compose 2.40 refuses it: another file says otherwise, and compose merges nothing of what is included"
                                .to_owned(),
                            service: None,
                            span: Some(*span),
                        });
                    }
                }
            }
        }
    }

    /// The names in a section of a document, where they are, and what it says of them.
    fn entries(&self, document: DocumentId, section: &str) -> Vec<(String, Span, Arc<Node>)> {
        let document = &self.project.documents[document];
        let section = document.root.get(section);
        let fields = section.iter().flat_map(|field| field.value.fields());
        fields
            .filter_map(|field| {
                let name = field.key.text()?.to_owned();
                let span = field.key.span(document.source);
                Some((name, span, Arc::clone(field.value)))
            })
            .collect()
    }

    /// What a document includes.
    fn items(&mut self, document: DocumentId) -> Result<Vec<Item>, Error> {
        let source = self.project.documents[document].source;
        let include = self.project.documents[document].root.get("include");
        let Some(list) = include
            .map(|field| field.value.clone())
            .filter(|list| !list.is_null())
        else {
            return Ok(Vec::new());
        };
        if list.items().is_none() {
            return Err(self.refuse(list.span(source), "`include` is no list"));
        }
        let mut items = Vec::new();
        for node in list.seen_items() {
            let span = node.span(source);
            match self.item(document, node, span) {
                Some(item) if !item.paths.is_empty() => items.push(item),
                _ => return Err(self.refuse(span, "this item of `include` names no file")),
            }
        }
        Ok(items)
    }

    fn item(&self, document: DocumentId, node: &Node, span: Span) -> Option<Item> {
        let scope = self.project.documents[document].scope;
        let read = |node: &Node| self.project.interpolated(scope, node);
        // Compose takes it for the folder.
        let is_empty = |node: &Node| node.text() == Some("");
        let texts = |node: &Node| -> Option<Vec<String>> {
            match node.items() {
                Some(_) => node.seen_items().map(|item| read(item)).collect(),
                None => Some(vec![read(node)?]),
            }
        };
        let path = match node.get("path") {
            Some(field) => field.value,
            None => node,
        };
        if is_empty(path) || path.seen_items().any(|item| is_empty(item)) {
            return None;
        }
        if node.entries().is_none() {
            return Some(Item {
                paths: vec![read(node)?],
                folder: None,
                env_files: Vec::new(),
                is_private: self.project.holds_a_value(scope, node),
                span,
            });
        }
        let field = |key: &str| node.get(key).filter(|field| !field.value.is_null());
        Some(Item {
            paths: texts(field("path")?.value)?,
            folder: match field("project_directory") {
                Some(folder) => Some(read(folder.value)?),
                None => None,
            },
            env_files: match field("env_file") {
                Some(files) => texts(files.value)?,
                None => Vec::new(),
            },
            is_private: self.project.holds_a_value(scope, node),
            span,
        })
    }

    /// The project that an item stands for; none where a file of it cannot be read.
    fn include(
        &mut self,
        document: DocumentId,
        item: &Item,
        around: &mut Vec<SourceId>,
    ) -> Result<Option<Model>, Error> {
        let base = self.project.documents[document].folder.clone();
        let outer = self.project.documents[document].scope;
        let mut files = Vec::with_capacity(item.paths.len());
        for path in &item.paths {
            if let Some(name) = remote::name(path) {
                self.miss_remote(item, &name);
                return Ok(None);
            }
            match self.open(item, &base, path) {
                Ok(source) => files.push(source),
                Err(error) => {
                    self.miss(item, path, &error);
                    return Ok(None);
                }
            }
        }
        if files.first().is_some_and(|first| around.contains(first)) {
            return Err(self.refuse(item.span, "`include` runs in a circle"));
        }
        let folder = match &item.folder {
            Some(folder) => joined(&base, folder),
            None => folder_of(&joined(&base, &item.paths[0])),
        };
        let Some(scope) = self.include_scope(item, &base, &folder, outer)? else {
            return Ok(None);
        };
        let documents = self.documents(&files, &folder, scope)?;
        let depth = around.len();
        around.extend(&files);
        let model = self.model(documents, around);
        around.truncate(depth);
        model.map(Some)
    }

    /// The variables of an included file.
    fn include_scope(
        &mut self,
        item: &Item,
        base: &Path,
        folder: &Path,
        outer: Scope,
    ) -> Result<Option<Scope>, Error> {
        let mut files = Vec::new();
        for path in item.env_files.iter().filter(|path| *path != "/dev/null") {
            match self.open(item, base, path) {
                Ok(source) => files.push(source),
                Err(error) => {
                    self.miss(item, path, &error);
                    return Ok(None);
                }
            }
        }
        if item.env_files.is_empty() {
            files.extend(env::beside(self.loader, self.sources, folder)?);
        }
        self.project
            .scopes
            .within(outer, self.sources, &files)
            .map(Some)
    }

    fn open(&mut self, item: &Item, base: &Path, path: &str) -> Result<SourceId, Error> {
        let written = item.is_private.then(|| {
            let text = self.sources.slice(item.span);
            text.trim_matches(['"', '\'']).to_owned()
        });
        self.loader
            .open_written(self.sources, &joined(base, path), written.as_deref())
    }

    fn miss_remote(&mut self, item: &Item, name: &str) {
        let shown = shown(item.is_private, name);
        self.project.remote.push(Unseen {
            what: format!("included file {shown}"),
            hides: Hides::Services,
            reason: remote::REASON.to_owned(),
            service: None,
            span: Some(item.span),
        });
    }

    fn miss(&mut self, item: &Item, path: &str, error: &Error) {
        let shown = shown(item.is_private, path);
        self.project.unseen.push(Unseen {
            what: format!("included file {shown}"),
            hides: Hides::Services,
            reason: unreadable(shown == path, error),
            service: None,
            span: Some(item.span),
        });
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

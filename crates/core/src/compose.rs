//! Compose files as docker compose v2 reads them: several files merged, each of several documents, `include`,
//! `extends` within a file and across files, `env_file`, and interpolation from `.env`.
//!
//! Nothing is merged into a new tree. A service is the list of its [`Part`]s, lowest precedence first, and
//! each attribute is read from the parts that hold it, so every value still knows where it stands.

mod attribute;
mod build;
pub mod elsewhere;
mod env;
mod env_file;
pub mod environment;
pub mod files;
pub mod interpolate;
mod label;
mod loader;
mod mount;
mod network;
mod parts;
pub mod port;
mod remote;
pub mod resolved;
mod scale;
mod schema;
mod section;
pub(crate) mod service;
mod shellwords;
mod text_words;
mod unsteady;
mod uses;
pub mod volume;
mod watch;

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::container::{Container, Doubt};
use crate::error::Error;
use crate::source::{SourceId, Sources, Span};
use crate::unseen::{Hides, Unseen};
use crate::yaml::tags::{Cleared, Tags};
use crate::yaml::{Field, Node};
pub use env::{EnvFiles, ProjectEnv, Scope, disabled_at, is_reserved};
use env::{Scopes, ShellVariables};
pub use loader::{Kind, Loader};
use parts::Reader;
use section::Sections;
pub use uses::Use;

/// A compose project: what `docker compose -f … -f …` would see.
pub struct Project {
    /// Relative paths in the files that are given start here: the folder of the first of them.
    pub folder: PathBuf,
    /// The files that are given, lowest precedence first.
    pub files: Vec<SourceId>,
    /// Every document of every file that compose opens; those of the first file that is given come first.
    pub documents: Vec<Document>,
    /// The services, in the order in which the files name them.
    pub services: Vec<Service>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
    /// Files in git repositories and OCI artifacts, which compose fetches and this program does not.
    pub remote: Vec<Unseen>,
    /// What compose refuses, and with it all of the project.
    pub refused: Vec<Unseen>,
    scopes: Scopes,
    /// The documents that are given or included, lowest precedence first.
    order: Vec<DocumentId>,
    /// What their sections beside the services say.
    sections: Sections,
    /// The documents of a file that `extends` names, by its text.
    extended: HashMap<(SourceId, Scope), Vec<DocumentId>>,
    /// What the files of `env_file` take from around them.
    env_file_uses: Vec<Use>,
}

/// One document of one compose file.
pub struct Document {
    /// Its text.
    pub source: SourceId,
    /// Its tree.
    pub root: Arc<Node>,
    /// Relative paths in it start here.
    pub folder: PathBuf,
    /// The variables that it may use.
    pub scope: Scope,
    services: HashMap<String, NamedNode>,
    /// The services that others of it extend, once that is asked.
    extended: OnceLock<HashSet<String>>,
    /// The first of those that are merged into one: of the files that are given, or that one item of `include` names.
    group: DocumentId,
    /// What it takes from the documents before.
    tags: Arc<Tags>,
}

/// A key that a document has, and what it says.
#[derive(Clone)]
struct NamedNode {
    name: Span,
    node: Arc<Node>,
}

/// Which of [`Project::documents`].
pub type DocumentId = usize;

/// A service, put together from its parts.
pub struct Service {
    /// Lowest precedence first.
    pub parts: Vec<Part>,
    /// What its container is given.
    pub container: Arc<Container>,
}

impl Deref for Service {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

/// The mapping of one document that contributes to a service.
#[derive(Clone)]
pub struct Part {
    /// The document.
    pub document: DocumentId,
    /// The document's text.
    pub source: SourceId,
    /// The service under whose name it stands.
    pub service: String,
    /// That name. Another document may name the service again, in another file.
    pub name: Span,
    /// The first of the service's parts that a tag of this one takes something from: what only comes by `extends` has no say
    /// over the files before.
    reach: usize,
    /// Those of the document.
    tags: Arc<Tags>,
    /// Whether its tags take away nothing, as in some of compose's runs.
    ignores_tags: bool,
    /// The mapping.
    pub node: Arc<Node>,
}

impl Part {
    /// What takes away what the parts before say at a path within the service.
    pub fn clears(&self, path: &[&str]) -> Option<&Cleared> {
        match self.ignores_tags {
            true => None,
            false => self.tags.at(&self.within(path)),
        }
    }

    /// The rest of each path within the service at which something is taken away, of those below one.
    fn clears_below(&self, path: &[&str]) -> Vec<&str> {
        match self.ignores_tags {
            true => Vec::new(),
            false => self.tags.below(&self.within(path)),
        }
    }

    /// A path within the service as one within the document.
    fn within<'a>(&'a self, path: &[&'a str]) -> Vec<&'a str> {
        let around = ["services", &self.service];
        around.into_iter().chain(path.iter().copied()).collect()
    }

    /// Whether it gives the service something to run.
    pub fn runs(&self) -> bool {
        const RUNS: [&str; 4] = ["image", "build", "extends", "provider"];
        RUNS.iter().any(|key| self.node.get(key).is_some())
    }
}

impl Service {
    /// Whether a part, by its place, counts for a key that compose adds up: no later one takes away what it says.
    pub fn counts(&self, at: usize, key: &str) -> bool {
        attribute::counts(&self.parts, at, key)
    }

    /// What counts of a key that compose adds up, lowest precedence first.
    pub fn counting<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a Part, Field<'a>)> {
        attribute::counting(&self.parts, key)
    }
}

impl Project {
    /// What compose calls it; none where that is not known.
    pub fn name(&self) -> Option<&str> {
        self.scopes.project_name()
    }

    /// The texts that those that are given include whole.
    pub fn included(&self) -> impl Iterator<Item = SourceId> {
        let order = self.order.iter();
        let sources = order.map(|document| self.documents[*document].source);
        sources.filter(|source| !self.files.contains(source))
    }

    /// The services that have nothing to run: compose refuses them as long as no other file gives them something.
    pub fn incomplete(&self) -> impl Iterator<Item = &Service> {
        let services = self.services.iter();
        services.filter(|service| !service.parts.iter().any(Part::runs))
    }

    /// Puts the project together from files that are given, lowest precedence first, and its env files, of which a
    /// later one wins.
    ///
    /// # Errors
    /// What is not YAML or not a compose file.
    pub fn load(
        loader: &mut Loader,
        sources: &mut Sources,
        folder: &Path,
        files: &[SourceId],
        env_files: EnvFiles<'_>,
    ) -> Result<Self, Error> {
        let mut env = ProjectEnv::of(env_files);
        let (EnvFiles::Default(files_of_env) | EnvFiles::Named(files_of_env)) = env_files;
        let shell = ShellVariables::of(folder);
        for file in files_of_env {
            env.add(sources, *file, &|name| shell.value(name).map(str::to_owned))?;
        }
        if !env.are_named {
            env.obey_its_own_line(sources)?;
        }
        let mut project = Self {
            folder: folder.to_owned(),
            files: files.to_vec(),
            documents: Vec::with_capacity(files.len()),
            services: Vec::new(),
            unseen: Vec::new(),
            remote: Vec::new(),
            refused: Vec::new(),
            scopes: Scopes::new(folder, env),
            order: Vec::new(),
            sections: Sections::default(),
            extended: HashMap::new(),
            env_file_uses: Vec::new(),
        };
        let mut reader = Reader {
            project: &mut project,
            loader,
            sources,
        };
        let documents = reader.given(files)?;
        reader.name_project(&documents);
        let model = reader.model(documents, &mut files.to_vec())?;
        let services = reader.services(&model)?;
        model.note_order(&mut project.order);
        project.sections = Sections::of(project.whole_documents());
        for (name, name_span, parts) in services {
            let service = project.service(loader, sources, name, name_span, parts)?;
            project.services.push(service);
        }
        volume::inherit(&mut project);
        let refused = schema::refused(&project);
        project.refused.extend(refused);
        Ok(project)
    }

    /// What the project's own env files say.
    pub fn env(&self) -> &ProjectEnv {
        self.scopes.project()
    }

    /// The documents of which all belongs to the project, lowest precedence first: of a file that only `extends`
    /// names, a service does.
    pub fn whole_documents(&self) -> impl DoubleEndedIterator<Item = &Document> {
        self.order.iter().map(|id| &self.documents[*id])
    }

    /// The service of that name.
    pub fn service_named(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// What is not read and may set variables of a service.
    fn unread(&self, service: &str) -> impl Iterator<Item = &Unseen> {
        let is_of_it = move |one: &&Unseen| one.service.as_deref() == Some(service);
        let all = self.unseen.iter().filter(|one| one.hides.variables());
        all.filter(is_of_it)
    }

    /// Why services may have more variables than are read, by their names.
    pub(crate) fn unread_by_service(&self) -> HashMap<String, Doubt> {
        // Of several the first one counts, and what hides more.
        let all = self.unseen.iter().chain(&self.remote);
        let mut hiding: Vec<&Unseen> = { all.rev() }.filter(|one| one.hides.variables()).collect();
        hiding.sort_by_key(|one| one.hides == Hides::Base);
        let why = |one: &Unseen| {
            let doubt = Doubt {
                hides: one.hides,
                reason: one.may_set_variables(),
                span: one.span?,
            };
            Some((one.service.clone()?, doubt))
        };
        hiding.into_iter().filter_map(why).collect()
    }

    /// What a service extends and is not read.
    fn unread_base(&self, service: &str) -> Option<&Unseen> {
        let mut all = self.unread(service);
        all.find(|one| one.hides == Hides::Base)
    }

    /// The value that compose puts in for a variable in a document.
    pub fn variable(&self, scope: Scope, name: &str) -> Option<&str> {
        self.scopes.value(scope, name)
    }

    /// Where an env file gives a variable the value that a document of this scope has.
    pub fn env_span(&self, scope: Scope, name: &str) -> Option<Span> {
        self.scopes.span(scope, name)
    }

    /// A scalar's text after interpolation, as a document of this scope has it; none where it is null or cannot be
    /// interpolated.
    pub fn interpolated(&self, scope: Scope, node: &Node) -> Option<String> {
        let lookup = |name: &str| self.variable(scope, name).map(str::to_owned);
        let done = interpolate::interpolate(node.text()?, &lookup).ok()?;
        Some(done.text.to_string())
    }

    /// Whether a value of an env file is a part of a node's texts; a default in the text itself is none.
    pub(crate) fn holds_a_value(&self, scope: Scope, node: &Node) -> bool {
        if let Some(entries) = node.entries() {
            let mut values = entries.iter().map(|entry| &entry.value);
            return values.any(|value| self.holds_a_value(scope, value));
        }
        if let Some(mut items) = node.items().map(|items| items.iter()) {
            return items.any(|item| self.holds_a_value(scope, item));
        }
        let lookup = |name: &str| self.variable(scope, name).map(str::to_owned);
        let is_value = |used: &interpolate::Variable| used.outcome == interpolate::Outcome::Value;
        node.text().is_some_and(|text| {
            let done = interpolate::interpolate(text, &lookup);
            done.map_or(true, |done| done.variables.iter().any(is_value))
        })
    }

    /// The text of a scalar in a part of a service.
    pub fn text_of(&self, part: &Part, node: &Node) -> Option<String> {
        self.interpolated(self.documents[part.document].scope, node)
    }
}

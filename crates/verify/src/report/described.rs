//! A deployment, and what describes it.

use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use clearml_secure_core::compose::Project;
use clearml_secure_core::deployment::{Composed, Deployment};
use clearml_secure_core::docker::{ComposeProject, Running};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::kubernetes::{Rendered, Values};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::SourceId;
use clearml_secure_core::yaml::Node;

use crate::fix::Names;

/// A deployment, and what describes it.
pub(crate) struct Described {
    /// The project that compose makes of its files; none of containers that an engine has.
    pub(crate) project: Option<Box<Project>>,
    /// A suffix for a copy of its compose file that nothing has yet.
    pub(crate) backup: String,
    /// What docker compose has written on the containers of an engine.
    pub(crate) made_from: Option<ComposeProject>,
    /// Where the objects of manifests are.
    pub(crate) manifests: Option<Objects>,
    deployment: Box<Deployment>,
    /// What `docker inspect` printed.
    roots: Arc<[Arc<Node>]>,
}

/// The objects of manifests that describe a deployment.
pub(crate) struct Objects {
    /// Where each of them is.
    pub(crate) parts: Vec<(SourceId, Range<usize>)>,
    /// Their namespace, where one is written.
    pub(crate) namespace: Option<String>,
    /// The release of Helm that they name.
    pub(crate) release: Option<String>,
    /// Whether Helm made any of them.
    pub(crate) is_of_helm: bool,
    /// Whether there are those of another deployment in the same text.
    pub(crate) has_neighbor: bool,
    /// The values of a chart that they are made of, where they are.
    pub(crate) values: Option<Arc<Values>>,
}

impl Described {
    /// What tells it from the other deployments that an engine or a cluster has; none of one that is made of files of its own.
    pub(crate) fn running_name(&self) -> Option<String> {
        if self.project.is_some() {
            return None;
        }
        let project = self.made_from.as_ref().map(|made| made.name.as_str());
        let namespace = self
            .manifests
            .as_ref()
            .and_then(|one| one.namespace.as_deref());
        let project = project.or(namespace);
        let first = self.instances.first();
        let first = first.map(|instance| self.service(instance).name.as_str());
        Some([project, first].map(Option::unwrap_or_default).join("/"))
    }

    /// What it is called besides its files, where these have others: its project, or its release and namespace.
    pub(crate) fn name_among_others(&self) -> String {
        if let Some(made) = &self.made_from {
            return format!(", project {}", made.name);
        }
        let Some(manifests) = self.manifests.as_ref().filter(|one| one.has_neighbor) else {
            return String::new();
        };
        match (&manifests.release, &manifests.namespace) {
            (Some(release), Some(namespace)) => {
                format!(", release {release} in namespace {namespace}")
            }
            (Some(release), None) => format!(", release {release}"),
            (None, Some(namespace)) => format!(", namespace {namespace}"),
            (None, None) => String::new(),
        }
    }

    /// The options of clearml-inject for what is read beside the compose file, each behind a blank.
    pub(crate) fn inject_files<'a>(&self, env_files: impl Iterator<Item = &'a Path>) -> String {
        let merged = self
            .project
            .iter()
            .flat_map(|project| project.files.iter().skip(1));
        let merged = merged.map(|id| format!(" --merge {}", quoted(self.sources.path(*id))));
        merged
            .chain(env_files.map(|path| format!(" --env-file {}", quoted(path))))
            .collect()
    }

    /// Whether it is containers that an engine has.
    pub(crate) fn is_running(&self) -> bool {
        self.project.is_none() && self.manifests.is_none()
    }

    /// Takes a keyset for what Secrets hold that were not given. What a person should know about that.
    pub(crate) fn trust(&mut self, keyset: &Keyset) -> Option<String> {
        let names = self.deployment.trust(keyset);
        let names: Vec<_> = names.iter().map(|name| escape(name)).collect();
        let plural = if names.len() == 1 { "" } else { "s" };
        (!names.is_empty()).then(|| {
            format!(
                "not given: Secret{plural} {}. The result holds if the keyset of --keys is in there",
                names.join(", ")
            )
        })
    }

    /// Where its texts are; of texts that many deployments share, its own parts.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (SourceId, Range<usize>)> {
        let sources = &self.deployment.sources;
        let parts = self.manifests.iter().flat_map(|manifests| &manifests.parts);
        // A comment may be on the line above the first one.
        let before = |source: SourceId, start: usize| {
            let text = sources.text(source);
            let line = text[..start].trim_end().rfind('\n').map_or(0, |at| at + 1);
            line.min(start)
        };
        let parts =
            parts.map(move |(source, range)| (*source, before(*source, range.start)..range.end));
        let is_whole = self.manifests.is_none();
        let whole = sources.ids().filter(move |_| is_whole);
        whole.map(|id| (id, 0..sources.text(id).len())).chain(parts)
    }

    /// The trees of its texts.
    pub(crate) fn trees(&self) -> impl Iterator<Item = (SourceId, &Arc<Node>)> {
        let documents = self.project.iter().flat_map(|project| &project.documents);
        let documents = documents.map(|document| (document.source, &document.root));
        let roots = self.roots.iter();
        documents.chain(roots.map(|root| (self.deployment.first, root)))
    }
}

impl From<Composed> for Described {
    fn from(composed: Composed) -> Self {
        let (deployment, project) = composed.into();
        let compose = deployment.sources.path(deployment.first);
        Self {
            backup: Names::default().backup(compose),
            project: Some(Box::new(project)),
            made_from: None,
            manifests: None,
            deployment: Box::new(deployment),
            roots: Arc::new([]),
        }
    }
}

impl From<Running> for Described {
    fn from(running: Running) -> Self {
        Self {
            project: None,
            backup: ".orig".to_owned(),
            made_from: running.project,
            manifests: None,
            deployment: Box::new(running.deployment),
            roots: running.roots,
        }
    }
}

impl From<Rendered> for Described {
    fn from(rendered: Rendered) -> Self {
        Self {
            project: None,
            backup: ".orig".to_owned(),
            made_from: None,
            manifests: Some(Objects {
                parts: rendered.parts,
                namespace: rendered.namespace,
                release: rendered.release,
                is_of_helm: rendered.is_of_helm,
                has_neighbor: rendered.has_neighbor,
                values: rendered.values,
            }),
            deployment: Box::new(rendered.deployment),
            roots: Arc::new([]),
        }
    }
}

impl Deref for Described {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.deployment
    }
}

//! A deployment, and what describes it.

use std::ops::Deref;
use std::sync::Arc;

use clearml_secure_core::compose::Project;
use clearml_secure_core::deployment::{Composed, Deployment};
use clearml_secure_core::docker::{ComposeProject, Running};
use clearml_secure_core::source::SourceId;
use clearml_secure_core::yaml::Node;

/// A deployment, and what describes it.
pub(crate) struct Described {
    /// The project that compose makes of its files; none of containers that an engine has.
    pub(crate) project: Option<Box<Project>>,
    /// What docker compose has written on the containers of an engine.
    pub(crate) made_from: Option<ComposeProject>,
    deployment: Box<Deployment>,
    /// What `docker inspect` printed.
    roots: Arc<[Arc<Node>]>,
}

impl Described {
    /// What tells it from the other deployments that an engine has; none of one that is made of files.
    pub(crate) fn running_name(&self) -> Option<String> {
        if self.project.is_some() {
            return None;
        }
        let project = self.made_from.as_ref().map(|made| made.name.as_str());
        let first = self.instances.first();
        let first = first.map(|instance| self.service(instance).name.as_str());
        Some([project, first].map(Option::unwrap_or_default).join("/"))
    }

    /// The trees of its texts.
    pub(crate) fn trees(&self) -> impl Iterator<Item = (SourceId, &Node)> {
        let documents = self.project.iter().flat_map(|project| &project.documents);
        let documents = documents.map(|document| (document.source, &*document.root));
        let roots = self.roots.iter();
        documents.chain(roots.map(|root| (self.deployment.first, &**root)))
    }
}

impl From<Composed> for Described {
    fn from(composed: Composed) -> Self {
        let (deployment, project) = composed.into();
        Self {
            project: Some(Box::new(project)),
            made_from: None,
            deployment: Box::new(deployment),
            roots: Arc::new([]),
        }
    }
}

impl From<Running> for Described {
    fn from(running: Running) -> Self {
        Self {
            project: None,
            made_from: running.project,
            deployment: Box::new(running.deployment),
            roots: running.roots,
        }
    }
}

impl Deref for Described {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.deployment
    }
}

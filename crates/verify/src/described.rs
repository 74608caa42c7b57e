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

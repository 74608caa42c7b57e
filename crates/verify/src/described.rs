//! A deployment, and the compose files that describe it, if any do.

use std::ops::Deref;

use clearml_secure_core::compose::Project;
use clearml_secure_core::deployment::{Composed, Deployment};

/// A deployment, and the project that compose makes of its files; none of containers that an engine runs.
pub(crate) struct Described {
    pub(crate) project: Option<Project>,
    deployment: Deployment,
}

impl From<Composed> for Described {
    fn from(composed: Composed) -> Self {
        let (deployment, project) = composed.into();
        Self {
            project: Some(project),
            deployment,
        }
    }
}

impl Deref for Described {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.deployment
    }
}

//! What was looked at, and what was found in it.

use std::sync::LazyLock;

use clearml_secure_core::compose::Unseen;
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Reading};
use clearml_secure_core::finding::Finding;
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Sources;
use clearml_secure_core::version::Version;

use crate::lines::Lines;

/// What was looked at, and what was found in it.
pub(crate) struct Report {
    pub(crate) subject: Subject,
    /// Sorted by place.
    pub(crate) findings: Vec<Finding>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Unseen>,
}

/// What was looked at.
pub(crate) enum Subject {
    /// Files.
    Deployment(Deployment, Effective),
    /// A running server, by its address, its version where it is known, and the parts that were found.
    Server {
        target: String,
        version: Option<Version>,
        parts: Vec<(Server, String)>,
    },
}

impl Report {
    /// The deployment and its effective configuration, where it is one.
    pub(crate) fn deployment(&self) -> Option<(&Deployment, &Effective)> {
        match &self.subject {
            Subject::Deployment(deployment, effective) => Some((deployment, effective)),
            Subject::Server { .. } => None,
        }
    }

    /// The texts that spans point into: none of a running server.
    pub(crate) fn sources(&self) -> &Sources {
        static NONE: LazyLock<Sources> = LazyLock::new(Sources::new);
        self.deployment()
            .map_or_else(|| &*NONE, |(deployment, _)| &deployment.sources)
    }

    /// What is read, each with the deployment that it is read in.
    pub(crate) fn readings(&self) -> impl Iterator<Item = (&Deployment, &Reading)> {
        self.deployment()
            .into_iter()
            .flat_map(|(deployment, effective)| {
                effective
                    .readings()
                    .map(move |reading| (deployment, reading))
            })
    }

    /// The lines that findings are about.
    pub(crate) fn lines(&self) -> Option<Lines<'_>> {
        self.deployment()
            .map(|(deployment, _)| Lines::of(deployment))
    }
}

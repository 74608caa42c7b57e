//! Reads compose files into deployments, with what the command line gives for all of them.

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{Files, Given, merged_over};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::docker::Engine;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{read_argument, read_text};
use clearml_secure_core::kubernetes;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::described::Described;
use crate::error::Error;
use crate::report::NotChecked;
use crate::shard::Share;
use crate::walk::listed;

/// What a target is, or one of the files below it.
pub(crate) enum Target {
    /// A deployment with a ClearML server in it, and the same with each file that is merged over it besides.
    Deployment {
        deployment: Described,
        merged: Vec<Described>,
    },
    /// Something of which no deployment could be made, and all that keeps it from being checked.
    Nothing(PathBuf, Vec<NotChecked>),
}

impl Target {
    /// A deployment with a server, or what may hide one; none where there is neither.
    pub(crate) fn of(path: &Path, deployment: impl Into<Described>) -> Option<Self> {
        let deployment = deployment.into();
        if !deployment.instances.is_empty() {
            return Some(Self::Deployment {
                deployment,
                merged: Vec::new(),
            });
        }
        let sources = &deployment.sources;
        let unseen = deployment.unseen.iter().cloned();
        let unknown: Vec<_> = unseen.map(|one| NotChecked::of(one, sources)).collect();
        (!unknown.is_empty()).then(|| Self::Nothing(path.to_owned(), unknown))
    }

    /// What an error keeps from being checked.
    pub(crate) fn failed(path: &Path, error: &Error) -> Self {
        Self::Nothing(path.to_owned(), vec![NotChecked::because(path, error)])
    }

    /// Whether it is containers that an engine has.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Deployment { deployment, .. } if deployment.is_running())
    }

    /// Whether it is this run that checks it.
    pub(crate) fn is_in(&self, share: &mut Share) -> bool {
        let running = match self {
            Self::Deployment { deployment, .. } => deployment.running_name(),
            Self::Nothing(..) => None,
        };
        match running {
            Some(name) => share.takes_one_in(self.path(), &name),
            None => share.takes_file(self.path()),
        }
    }

    /// What was not checked, where it is no deployment.
    pub(crate) fn into_unknown(self) -> Vec<NotChecked> {
        match self {
            Self::Deployment { .. } => Vec::new(),
            Self::Nothing(_, unknown) => unknown,
        }
    }

    /// The file or folder that it is of.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Deployment { deployment, .. } => deployment.sources.path(deployment.first),
            Self::Nothing(path, _) => path,
        }
    }
}

/// Reads compose files. What the command line gives for all of them is read once: a pipe has its text only once.
pub(crate) struct Reader<'a> {
    cli: &'a Cli,
    env_file: Vec<Given>,
    merge: Vec<Given>,
    /// Which deployments this run checks.
    pub(crate) share: &'a mut Share,
    /// Those of other shards are read as well.
    pub(crate) reads_all: bool,
    /// What a person should know about how they were read.
    pub(crate) remarks: &'a mut Vec<String>,
    /// Manifests of Kubernetes, which mean each other's objects: they are one pool.
    manifests: kubernetes::Reader,
    /// The targets with manifests that have to have a server among them.
    pub(crate) of_manifests: Vec<PathBuf>,
    /// How many things with manifests there are.
    units: usize,
}

impl<'a> Reader<'a> {
    /// Reads what is given for all of them.
    pub(crate) fn new(
        cli: &'a Cli,
        share: &'a mut Share,
        remarks: &'a mut Vec<String>,
    ) -> Result<Self, CoreError> {
        let read = |path: &PathBuf| Ok((path.clone(), read_argument(path)?));
        Ok(Self {
            cli,
            env_file: cli.env_file.iter().map(read).collect::<Result<_, _>>()?,
            merge: cli.merge.iter().map(read).collect::<Result<_, _>>()?,
            reads_all: !share.is_part(),
            share,
            remarks,
            manifests: kubernetes::Reader::new(),
            of_manifests: Vec::new(),
            units: 0,
        })
    }

    /// A number for manifests that belong together.
    pub(crate) fn unit(&mut self) -> usize {
        self.units += 1;
        self.units
    }

    /// Takes over the manifests of a text.
    pub(crate) fn add_manifests(
        &mut self,
        path: &Path,
        text: Zeroizing<String>,
        unit: usize,
    ) -> Result<(), CoreError> {
        self.manifests.add(path, text, unit)
    }

    /// The deployments of all manifests that were taken over.
    pub(crate) fn finish(self) -> Result<Vec<Target>, Error> {
        let Some(first) = self.of_manifests.first().cloned() else {
            return Ok(Vec::new());
        };
        let manifests = self.manifests.finish(self.cli.config_dir.as_deref())?;
        let is_told = !manifests.remarks.is_empty();
        self.remarks.extend(manifests.remarks);
        let found = manifests.deployments.into_iter();
        let mut found: Vec<Target> = found.filter_map(|one| Target::of(&first, one)).collect();
        let unread = manifests.unread.into_iter().map(|one| NotChecked {
            what: one.what,
            reason: one.reason,
            place: Some(one.place),
        });
        let unread: Vec<NotChecked> = unread.collect();
        let is_deployment = |target: &Target| matches!(target, Target::Deployment { .. });
        if !unread.is_empty() {
            found.push(Target::Nothing(first, unread));
        } else if !found.iter().any(is_deployment) {
            let none = Error::NoServer(first.clone());
            // What is said of how they were read may be why.
            if found.is_empty() && !is_told {
                return Err(none);
            }
            found.push(Target::failed(&first, &none));
        }
        Ok(found)
    }

    /// Whether the command line says what is merged over each file.
    pub(crate) fn has_merge(&self) -> bool {
        !self.merge.is_empty()
    }

    /// The deployment that a compose file makes, with what is merged over it.
    pub(crate) fn deployment(
        &mut self,
        path: &Path,
        text: Zeroizing<String>,
    ) -> Result<Composed, CoreError> {
        let mut texts = vec![(path.to_owned(), text)];
        if self.has_merge() {
            texts.extend(self.merge.iter().cloned());
            return self.load(texts);
        }
        let merged = merged_over(path);
        for found in &merged {
            texts.push((found.clone(), read_text(found)?));
        }
        let deployment = self.load(texts)?;
        if !deployment.instances.is_empty() && !merged.is_empty() {
            self.remarks.push(format!(
                "{} is read with {}, as docker compose reads them together",
                path.display(),
                listed(&merged)
            ));
        }
        Ok(deployment)
    }

    /// The deployments among containers that `docker inspect` describes.
    pub(crate) fn engine(
        &mut self,
        path: &Path,
        text: &Zeroizing<String>,
    ) -> Result<Vec<Target>, Error> {
        let engine = Engine::read(path, text, self.cli.config_dir.as_deref())?;
        if engine.stopped > 0 {
            self.remarks.push(format!(
                "{}: containers that do not run are passed over: {}",
                path.display(),
                engine.stopped
            ));
        }
        let found = engine.deployments.into_iter();
        let found: Vec<Target> = found.filter_map(|one| Target::of(path, one)).collect();
        if found.is_empty() {
            return Err(Error::NoServer(path.to_owned()));
        }
        Ok(found)
    }

    /// The deployment of a compose file and another that is merged over it, instead of what compose would merge by itself.
    pub(crate) fn merged(&self, path: &Path, over: &Path) -> Result<Composed, CoreError> {
        let read = |path: &Path| Ok((path.to_owned(), read_text(path)?));
        self.load(vec![read(path)?, read(over)?])
    }

    fn load(&self, texts: Vec<Given>) -> Result<Composed, CoreError> {
        let config_dir = self.cli.config_dir.as_deref();
        Composed::load(Files::of(texts, self.env_file.clone(), config_dir)?)
    }
}

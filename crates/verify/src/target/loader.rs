//! Reads compose files into deployments, with what the command line gives for all of them.

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{Files, GivenFile, merged_over};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{read_argument, read_text};
use clearml_secure_core::shown::escape;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::target::walk::listed;

/// Reads compose files. What the command line gives for all of them is read once: a pipe has its text only once.
pub(crate) struct Loader<'a> {
    cli: &'a Cli,
    env_file: Vec<GivenFile>,
    pub(crate) merge: Vec<GivenFile>,
}

impl<'a> Loader<'a> {
    /// Reads what is given for all of them.
    pub(crate) fn new(cli: &'a Cli) -> Result<Self, Error> {
        if let Some(path) = cli.config_dir.as_ref().filter(|path| !path.is_dir()) {
            let what = if path.exists() {
                "is a file"
            } else {
                "does not exist"
            };
            let path = path.clone();
            return Err(Error::ConfigDir { path, what });
        }
        let read = |path: &PathBuf| Ok::<_, Error>((path.clone(), read_argument(path)?.into()));
        Ok(Self {
            cli,
            env_file: cli.env_file.iter().map(read).collect::<Result<_, _>>()?,
            merge: cli.merge.iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// Whether the command line says what is merged over each file.
    pub(crate) fn has_merge(&self) -> bool {
        !self.merge.is_empty()
    }

    /// The deployment that a compose file makes, with what is merged over it. A remark says so.
    pub(crate) fn deployment(
        &self,
        path: &Path,
        text: Zeroizing<String>,
        remarks: &mut Vec<String>,
    ) -> Result<Composed, CoreError> {
        let mut texts = vec![(path.to_owned(), text.into())];
        if self.has_merge() {
            texts.extend(self.merge.iter().cloned());
            return self.load(texts, remarks);
        }
        let merged = merged_over(path);
        for found in &merged {
            texts.push((found.clone(), read_text(found)?.into()));
        }
        let deployment = self.load(texts, remarks)?;
        if !deployment.instances.is_empty() && !merged.is_empty() {
            remarks.push(format!(
                "{} is read with {}, as docker compose reads them together",
                path.display(),
                listed(&merged)
            ));
        }
        Ok(deployment)
    }

    /// The deployment of a compose file and another that is merged over it, instead of what compose would merge by itself.
    pub(crate) fn merged(
        &self,
        path: &Path,
        over: &Path,
        remarks: &mut Vec<String>,
    ) -> Result<Composed, CoreError> {
        let read = |path: &Path| Ok((path.to_owned(), read_text(path)?.into()));
        self.load(vec![read(path)?, read(over)?], remarks)
    }

    fn load(
        &self,
        texts: Vec<GivenFile>,
        remarks: &mut Vec<String>,
    ) -> Result<Composed, CoreError> {
        let config_dir = self.cli.config_dir.as_deref();
        let mut files = Files::of(texts, self.env_file.clone(), config_dir)?;
        files.is_of_started = true;
        let deployment = Composed::load(files)?;
        let has_server = !deployment.instances.is_empty();
        let unstarted = deployment.unstarted.iter();
        let unstarted: Vec<_> = unstarted.map(|one| escape(&one.name)).collect();
        if !unstarted.is_empty() && (has_server || deployment.has_unstarted_server()) {
            remarks.push(format!(
                "passed over, because they have scale: 0 or replicas: 0: {}",
                unstarted.join(", ")
            ));
        }
        Ok(deployment)
    }
}

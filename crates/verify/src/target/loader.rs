//! Reads compose files into deployments, with what the command line gives for all of them.

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{
    Elsewhere, Files, GivenFile, elsewhere, has_own_run, merged_over, named_above,
};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{is_same, read_argument, read_text};
use clearml_secure_core::keyset::Keyset;
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
        if let Some(keys) = cli.merge.iter().find(|path| Keyset::is_in(path)) {
            return Err(Error::Keyset(keys.clone()));
        }
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
            return self.load(texts, None, false, remarks);
        }
        let Some((folder, Elsewhere { compose, env })) = self.named_above(path) else {
            return self.together(texts, &merged_over(path), None, remarks);
        };
        remarks.push(format!(
            "{} is read with {}, whose COMPOSE_FILE names it",
            path.display(),
            folder.join(".env").display()
        ));
        let further = match is_same(&compose[0], path) {
            true => &compose[1..],
            false => &[],
        };
        self.together(texts, further, Some(&env), remarks)
    }

    /// Where `docker compose` reads a file with others and with another `.env` than beside it, as far as it starts no other
    /// deployment beside it.
    fn named_above(&self, path: &Path) -> Option<(PathBuf, Elsewhere)> {
        let above = named_above(path).filter(|_| self.env_file.is_empty());
        above.filter(|(folder, named)| !has_own_run(path, folder, &named.compose))
    }

    /// The deployment of a compose file that was found, as `docker compose` reads it: where `named_in` is a folder, its `.env`
    /// names the file.
    pub(crate) fn found(
        &self,
        path: &Path,
        named_in: Option<&Path>,
        remarks: &mut Vec<String>,
    ) -> Result<Composed, CoreError> {
        let text = read_text(path)?;
        let named = named_in.filter(|_| !self.has_merge()).and_then(elsewhere);
        let Some(Elsewhere { compose, env }) = named else {
            return self.deployment(path, text, remarks);
        };
        let texts = vec![(path.to_owned(), text.into())];
        self.together(texts, &compose[1..], Some(&env), remarks)
    }

    /// The deployment of these files and those that are merged over them. A remark says so.
    fn together(
        &self,
        mut texts: Vec<GivenFile>,
        merged: &[PathBuf],
        env: Option<&[PathBuf]>,
        remarks: &mut Vec<String>,
    ) -> Result<Composed, CoreError> {
        let path = texts[0].0.clone();
        for found in merged {
            texts.push((found.clone(), read_text(found)?.into()));
        }
        let deployment = self.load(texts, env, false, remarks)?;
        if !deployment.instances.is_empty() && !merged.is_empty() {
            remarks.push(format!(
                "{} is read with {}, as docker compose reads them together",
                path.display(),
                listed(merged)
            ));
        }
        Ok(deployment)
    }

    /// The deployment of a compose file and another that is merged over it, instead of what compose would merge by itself.
    pub(crate) fn merged(
        &self,
        path: &Path,
        over: &Path,
        named_in: Option<&Path>,
        remarks: &mut Vec<String>,
    ) -> Result<Composed, CoreError> {
        let env = named_in.and_then(elsewhere).map(|one| one.env);
        let texts = vec![given(path)?, given(over)?];
        self.load(texts, env.as_deref(), true, remarks)
    }

    /// `env` is what compose finds of these in place of the one beside the first file.
    fn load(
        &self,
        texts: Vec<GivenFile>,
        env: Option<&[PathBuf]>,
        is_besides: bool,
        remarks: &mut Vec<String>,
    ) -> Result<Composed, CoreError> {
        let config_dir = self.cli.config_dir.as_deref();
        let mut files = Files::of(texts, self.env_file.clone(), config_dir)?;
        if let Some(env) = env.filter(|_| files.is_env_default) {
            files.env = env
                .iter()
                .map(|path| given(path))
                .collect::<Result<_, _>>()?;
        }
        files.is_of_started = true;
        files.is_besides = is_besides;
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

fn given(path: &Path) -> Result<GivenFile, CoreError> {
    Ok((path.to_owned(), read_text(path)?.into()))
}

//! From the command line's targets to deployments.

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{Files, override_beside};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{read_argument, read_text};
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::report::NotChecked;
use crate::walk::Walk;

/// What a target is, or one of the files below it.
pub(crate) enum Target {
    /// A deployment with a ClearML server in it.
    Deployment(Deployment),
    /// Something of which no deployment could be made, and all that keeps it from being checked.
    Nothing(PathBuf, Vec<NotChecked>),
}

/// Every deployment of the targets, and what cannot be read of them. `remarks` is what a person should know about how
/// they were read.
///
/// # Errors
/// The only target cannot be read or holds no ClearML server, or a file that is given for all of them cannot be read.
pub(crate) fn targets(cli: &Cli, remarks: &mut Vec<String>) -> Result<Vec<Target>, Error> {
    let is_file = |target: &&PathBuf| !is_url(&target.to_string_lossy());
    let mut files = cli.targets.iter().filter(is_file).peekable();
    if files.peek().is_none() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(cli, remarks)?;
    let mut found = Vec::new();
    for target in files {
        match reader.target(target) {
            Ok(targets) => found.extend(targets),
            Err(error) if cli.targets.len() == 1 => return Err(error),
            // The others are worth reporting all the same.
            Err(error) => found.push(nothing(target, &error)),
        }
    }
    Ok(found)
}

fn nothing(path: &Path, error: &Error) -> Target {
    Target::Nothing(path.to_owned(), vec![NotChecked::because(path, error)])
}

/// The running servers among the targets.
///
/// # Errors
/// An address with a user's name, whose password would stand in the command line.
pub(crate) fn servers(cli: &Cli) -> Result<Vec<String>, Error> {
    let given = [&cli.api, &cli.web, &cli.files];
    let named = given.into_iter().flatten().map(String::as_str);
    let targets = cli.targets.iter().filter_map(|target| target.to_str());
    let urls: Vec<&str> = targets.filter(|text| is_url(text)).collect();
    for url in urls.iter().copied().chain(named) {
        let authority = url.split_once("://").map(|(_, rest)| rest);
        let authority = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
        match authority {
            Some(authority) if is_url(url) && !authority.is_empty() && !authority.contains('@') => {
            }
            _ => return Err(Error::Url),
        }
    }
    Ok(urls.into_iter().map(str::to_owned).collect())
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A file's path and text.
type Text = (PathBuf, Zeroizing<String>);

/// Reads targets. The files that the command line gives for all of them are read once: a pipe has its text only once.
struct Reader<'a> {
    cli: &'a Cli,
    env_file: Option<Text>,
    merge: Vec<Text>,
    remarks: &'a mut Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(cli: &'a Cli, remarks: &'a mut Vec<String>) -> Result<Self, CoreError> {
        let read = |path: &PathBuf| Ok((path.clone(), read_argument(path)?));
        Ok(Self {
            cli,
            env_file: cli.env_file.as_ref().map(read).transpose()?,
            merge: cli.merge.iter().map(read).collect::<Result<_, _>>()?,
            remarks,
        })
    }

    /// What a target of the command line is.
    fn target(&mut self, target: &Path) -> Result<Vec<Target>, Error> {
        if target.is_dir() {
            return self.below(target);
        }
        if target.to_string_lossy().ends_with(".conf") {
            return Err(Error::Target(target.to_owned()));
        }
        let deployment = self.deployment(target, read_argument(target)?)?;
        if !deployment.instances.is_empty() {
            return Ok(vec![Target::Deployment(deployment)]);
        }
        let none = Error::NoServer(target.to_owned());
        let mut unknown = unseen(deployment);
        if unknown.is_empty() {
            return Err(none);
        }
        unknown.push(NotChecked::because(target, &none));
        Ok(vec![Target::Nothing(target.to_owned(), unknown)])
    }

    /// Every deployment below a folder, and whatever there may be one.
    fn below(&mut self, folder: &Path) -> Result<Vec<Target>, Error> {
        let walk = Walk::below(folder)?;
        self.remarks.extend(walk.remarks);
        let mut found = Vec::new();
        let mut has_server = false;
        for path in walk.found {
            let text = read_text(&path);
            match text.and_then(|text| self.deployment(&path, text)) {
                Ok(deployment) if !deployment.instances.is_empty() => {
                    has_server = true;
                    found.push(Target::Deployment(deployment));
                }
                Ok(deployment) => {
                    // What could not be understood may hold a server: it is never passed over.
                    let unknown = unseen(deployment);
                    if !unknown.is_empty() {
                        found.push(Target::Nothing(path, unknown));
                    }
                }
                Err(error) => found.push(nothing(&path, &error.into())),
            }
        }
        for (path, error) in walk.closed {
            found.push(nothing(&path, &error.into()));
        }
        if !has_server {
            let none = Error::NothingBelow(folder.to_owned());
            if found.is_empty() {
                return Err(none);
            }
            found.push(nothing(folder, &none));
        }
        Ok(found)
    }

    fn deployment(
        &mut self,
        path: &Path,
        text: Zeroizing<String>,
    ) -> Result<Deployment, CoreError> {
        let mut texts = vec![(path.to_owned(), text)];
        if !self.merge.is_empty() {
            texts.extend(self.merge.iter().cloned());
        } else if let Some(found) = override_beside(path) {
            self.remarks.push(format!(
                "{} is read with {}, as docker compose reads them together",
                path.display(),
                found.display()
            ));
            let text = read_text(&found)?;
            texts.push((found, text));
        }
        let config_dir = self.cli.config_dir.as_deref();
        Deployment::load(Files::of(
            texts,
            self.env_file.iter().cloned().collect(),
            config_dir,
        )?)
    }
}

/// What could not be looked at in a deployment without a server.
fn unseen(deployment: Deployment) -> Vec<NotChecked> {
    let sources = &deployment.sources;
    let unseen = deployment.unseen.into_iter();
    unseen.map(|one| NotChecked::of(one, sources)).collect()
}

//! What there is to check: a deployment, or a file of which one is made only when its turn comes, so that not all of them
//! are in memory.

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{default_in, is_default};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::helm;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::io::read_argument;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::shell::quoted;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::report::NotChecked;
use crate::report::described::Described;
use crate::target::loader::Loader;
use crate::target::shard::Share;

/// What a target is, or one of the files below it.
pub(crate) enum Target {
    /// A deployment with a ClearML server in it, and the same with each file that is merged over it besides.
    Deployment {
        deployment: Described,
        merged: Vec<Described>,
    },
    /// The end of a folder.
    Folder(Folder),
    /// Something of which no deployment could be made, and all that keeps it from being checked.
    Nothing(PathBuf, Vec<NotChecked>),
    /// A compose file.
    Unopened(Unopened),
}

/// A compose file that is not read yet.
pub(crate) struct Unopened {
    pub(crate) path: PathBuf,
    pub(crate) way: Way,
}

/// How a compose file came to be a target.
pub(crate) enum Way {
    /// It was found below a folder.
    Found {
        /// Whether it speaks of ClearML.
        has_words: bool,
        /// Files beside it that only change it.
        overlays: Vec<PathBuf>,
        /// The folder whose `.env` names it, where that is another one.
        named_in: Option<PathBuf>,
    },
    /// The command line names it.
    Named {
        /// Its text, if it has that only once.
        text: Option<Zeroizing<String>>,
        /// Whether it has clients. It may then be something else than a deployment.
        has_clients: bool,
    },
}

/// A folder, of which it is told at its end if no deployment was below it.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    /// Files below it that may have one and that other shards check.
    pub(crate) others: Vec<PathBuf>,
    /// Whether a deployment was found at once.
    pub(crate) has_deployment: bool,
    /// Whether it has clients.
    pub(crate) has_clients: bool,
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
            // Every shard has to say that it found nothing below it.
            Self::Folder(_) => return true,
            Self::Nothing(..) | Self::Unopened(_) => None,
        };
        match running {
            Some(name) => share.takes_one_in(self.path(), &name),
            None => share.takes_file(self.path()),
        }
    }

    /// The file or folder that it is of.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Deployment { deployment, .. } => deployment.sources.path(deployment.first),
            Self::Nothing(path, _) => path,
            Self::Folder(folder) => &folder.path,
            Self::Unopened(file) => &file.path,
        }
    }
}

impl Unopened {
    /// The deployments that it makes, or what keeps it from being checked; nothing if it is none of ClearML's.
    ///
    /// # Errors
    /// It is named, and is no deployment.
    pub(crate) fn open(
        self,
        loader: &Loader<'_>,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Target>, Error> {
        match self.way {
            Way::Found {
                has_words,
                overlays,
                named_in,
            } => {
                let how = How {
                    has_words,
                    named_in: named_in.as_deref(),
                };
                Ok(found(loader, &self.path, how, &overlays, remarks))
            }
            Way::Named { text, .. } => named(loader, &self.path, text, remarks),
        }
    }
}

/// A file that the command line names.
fn named(
    loader: &Loader<'_>,
    path: &Path,
    text: Option<Zeroizing<String>>,
    remarks: &mut Vec<String>,
) -> Result<Vec<Target>, Error> {
    let text = match text {
        Some(text) => text,
        None => read_argument(path)?,
    };
    if Keyset::is_one(&text, path) {
        return Err(Error::Keyset(path.to_owned()));
    }
    let is_part = helm::has_one_part(path, &text);
    let deployment = loader.deployment(path, text, remarks)?;
    if !loader.has_merge() && changes_another(path, &deployment) {
        let base = path.parent().and_then(default_in);
        return Err(Error::Overlay {
            path: path.to_owned(),
            base,
        });
    }
    let none = match is_part {
        true => Error::OnePart(path.to_owned()),
        false => Error::NoServer(path.to_owned()),
    };
    match Target::of(path, deployment) {
        None => Err(none),
        Some(Target::Nothing(path, mut unknown)) => {
            unknown.push(NotChecked::because(&path, &none));
            Ok(vec![Target::Nothing(path, unknown)])
        }
        Some(target) => Ok(vec![target]),
    }
}

/// Whether a file only changes servers of another. Standard input has none beside it.
fn changes_another(path: &Path, deployment: &Composed) -> bool {
    let is_file = deployment.sources.file(deployment.first).is_some();
    let may_be_one = is_file && !has_default_name(path);
    let is_server = |name: &str| {
        let mut instances = deployment.instances.iter();
        instances.any(|instance| deployment.service(instance).name == name)
    };
    let mut changed = deployment.project.incomplete();
    may_be_one && changed.any(|service| deployment.instances.is_empty() || is_server(&service.name))
}

/// How a file was found.
struct How<'a> {
    has_words: bool,
    named_in: Option<&'a Path>,
}

/// A file below a folder: alone, and with each that changes it. Where it has no server alone, it may have one with another.
fn found(
    loader: &Loader<'_>,
    path: &Path,
    how: How<'_>,
    overlays: &[PathBuf],
    remarks: &mut Vec<String>,
) -> Vec<Target> {
    let alone = match loader.found(path, how.named_in, remarks) {
        Ok(alone) => alone,
        Err(error) => return vec![Target::failed(path, &error.into())],
    };
    if is_overlay(path, &alone) {
        // It changes nothing that is beside it.
        let error = Error::Overlay {
            path: path.to_owned(),
            base: None,
        };
        let targets = how.has_words.then(|| Target::failed(path, &error));
        return targets.into_iter().collect();
    }
    let mut targets = Vec::new();
    let mut merged = Vec::new();
    for overlay in overlays {
        match loader.merged(path, overlay, how.named_in, remarks) {
            Ok(one) => {
                if !one.instances.is_empty() {
                    remarks.push(merged_over(path, overlay));
                }
                merged.push(one);
            }
            Err(error) => targets.push(Target::failed(overlay, &error.into())),
        }
    }
    match Target::of(path, alone) {
        Some(Target::Deployment { deployment, .. }) => {
            let merged = merged.into_iter().map(Into::into).collect();
            targets.insert(0, Target::Deployment { deployment, merged });
        }
        alone => {
            let with = merged.into_iter();
            let with = with.filter_map(|one| Target::of(path, one));
            let with = with.filter(|one| matches!(one, Target::Deployment { .. }));
            targets.splice(0..0, alone.into_iter().chain(with));
        }
    }
    targets
}

fn merged_over(path: &Path, overlay: &Path) -> String {
    format!(
        "{} belongs to {} and is checked merged over it: clearml-verify {} --merge {}",
        overlay.display(),
        path.display(),
        quoted(path),
        quoted(overlay)
    )
}

/// Whether a file only changes another: compose refuses it alone, since a service has nothing to run. Under a name that compose
/// takes by itself that is a mistake in a file that is meant to be whole, as long as one of its servers is.
pub(crate) fn is_overlay(path: &Path, deployment: &Composed) -> bool {
    let incomplete: Vec<&str> = deployment
        .project
        .incomplete()
        .map(|one| one.name.as_str())
        .collect();
    let is_whole = |instance: &Instance| {
        let name = deployment.service(instance).name.as_str();
        !incomplete.contains(&name)
    };
    let has_whole_server = || deployment.instances.iter().any(is_whole);
    !incomplete.is_empty() && (!has_default_name(path) || !has_whole_server())
}

/// Whether compose takes a file of this name by itself.
pub(crate) fn has_default_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(is_default)
}

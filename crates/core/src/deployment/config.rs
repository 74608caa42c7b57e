//! Which `*.conf` files a server loads: its configuration folders, and what the mounts put there.
//!
//! A container sees one thing at every path: the mount with the longest target above it hides what the others
//! have there, also where it is empty.

use std::path::{Path, PathBuf};

use super::{Family, Instance};
use crate::compose::volume::{Volume, VolumeSource};
use crate::compose::{Hides, Project, Service, Unseen, Variable};
use crate::error::Error;
use crate::io::{entries, is_link};
use crate::setting::Server;

/// The files of a server's configuration folders, in the order it loads them, and what cannot be seen.
#[derive(Default)]
pub(super) struct Found {
    /// The configuration path that the file is loaded at (`secure`, `services.auth`), and the file.
    pub(super) files: Vec<(String, PathBuf)>,
    pub(super) unseen: Vec<Unseen>,
}

/// What the files of one folder that was given by hand would be loaded as.
pub(super) fn given(folder: &Path) -> Result<Found, Error> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    Ok(Found {
        files: files.into_iter().map(keyed).collect(),
        unseen: Vec::new(),
    })
}

/// What a server finds in its configuration folders, from whatever is mounted there.
pub(super) fn mounted(project: &Project, instance: &Instance) -> Result<Found, Error> {
    let service = &project.services[instance.service];
    let mut found = Found::default();
    let variable = folder_variable(instance, service);
    if let Some(variable) = variable.filter(|variable| variable.value.known().is_none()) {
        found.unseen.push(Unseen {
            what: "the configuration folder".to_owned(),
            hides: Hides::Anything,
            reason: format!(
                "{} has no value that is known here; give --config-dir",
                variable.name
            ),
            service: Some(service.name.clone()),
            span: Some(variable.span),
        });
        return Ok(found);
    }
    for folder in folders(instance, variable) {
        let mut view = View {
            project,
            service,
            folder: &folder,
            files: Vec::new(),
            unseen: Vec::new(),
        };
        view.look()?;
        found.files.extend(view.files.into_iter().map(keyed));
        found
            .unseen
            .extend(view.unseen.into_iter().map(|(_, unseen)| unseen));
    }
    if let Some(span) = service.volumes_from {
        found.unseen.push(Unseen {
            what: "volumes_from".to_owned(),
            hides: Hides::Anything,
            reason: "the mounts of other containers are not followed; give --config-dir".to_owned(),
            service: Some(service.name.clone()),
            span: Some(span),
        });
    }
    Ok(found)
}

/// The file of the host that an instance loads at a key, whether it is there or not: in the last of its folders that
/// is a folder of the host.
pub(super) fn path(project: &Project, instance: &Instance, key: &str) -> Option<PathBuf> {
    let service = &project.services[instance.service];
    let variable = folder_variable(instance, service);
    if variable.is_some_and(|variable| variable.value.known().is_none()) {
        return None;
    }
    let folders = folders(instance, variable);
    let mut last_first = folders.iter().rev();
    last_first.find_map(|folder| {
        let wanted = format!("{folder}/{}.conf", key.replace('.', "/"));
        let (rest, volume) = service
            .volumes
            .iter()
            .filter_map(|volume| Some((relative(&wanted, &volume.target)?, volume)))
            .max_by_key(|(_, volume)| volume.target.len())?;
        let VolumeSource::Bind(host) = &volume.source else {
            return None;
        };
        let path = project.folder.join(host);
        if rest.is_empty() {
            // Compose makes a folder of a file that is not there.
            return path.is_file().then_some(path);
        }
        let is_made_by_compose = host.starts_with('.') && !path.exists();
        (path.is_dir() || is_made_by_compose).then(|| path.join(rest))
    })
}

/// The variable that moves the configuration folder, where one is given (docs/clearml.md#configuration-folders).
fn folder_variable<'a>(instance: &Instance, service: &'a Service) -> Option<&'a Variable> {
    let names: &[&str] = match instance.family {
        Family::Clearml => &["CLEARML_CONFIG_DIR", "TRAINS_CONFIG_DIR"],
        Family::Trains => &["TRAINS_CONFIG_DIR"],
    };
    let of_name = |name: &&str| {
        service
            .environment
            .iter()
            .find(|variable| variable.name == *name)
    };
    names.iter().find_map(of_name)
}

/// The folders a server loads, lowest precedence first (docs/clearml.md#configuration-folders).
fn folders(instance: &Instance, variable: Option<&Variable>) -> Vec<String> {
    let set = variable
        .and_then(|variable| variable.value.known())
        .map(|value| value.expose().to_owned());
    let folders = match (set, instance.family, instance.server) {
        (Some(set), ..) if !set.is_empty() => set,
        (_, Family::Trains, _) => "/opt/trains/config".to_owned(),
        (_, _, Server::Fileserver) => "/opt/clearml/config".to_owned(),
        _ => "/opt/trains/config:/opt/clearml/config".to_owned(),
    };
    folders
        .split(':')
        .filter(|folder| !folder.is_empty())
        .map(|folder| folder.trim_end_matches('/').to_owned())
        .collect()
}

/// One configuration folder as its container sees it.
struct View<'a> {
    project: &'a Project,
    service: &'a Service,
    folder: &'a str,
    /// Path below the folder, and the file of the host.
    files: Vec<(String, PathBuf)>,
    /// Path below the folder, and why it cannot be seen.
    unseen: Vec<(String, Unseen)>,
}

impl View<'_> {
    fn look(&mut self) -> Result<(), Error> {
        let volumes = &self.service.volumes;
        let around = volumes
            .iter()
            .filter_map(|volume| Some((relative(self.folder, &volume.target)?, volume)))
            .max_by_key(|(_, volume)| volume.target.len());
        if let Some((rest, volume)) = around {
            self.mount("", rest, volume)?;
        }
        let mut below: Vec<(&str, &Volume)> = volumes
            .iter()
            .filter_map(|volume| Some((relative(&volume.target, self.folder)?, volume)))
            .filter(|(rest, _)| !rest.is_empty())
            .collect();
        below.sort_by_key(|(rest, _)| rest.len());
        for (rest, volume) in below {
            self.mount(rest, "", volume)?;
        }
        self.files.sort();
        Ok(())
    }

    /// Puts a mount at a path below the folder, in place of what was seen there. `within` is the path from the
    /// mount's target to the folder.
    fn mount(&mut self, at: &str, within: &str, volume: &Volume) -> Result<(), Error> {
        let stays = |path: &str| at != path && relative(path, at).is_none() && !at.is_empty();
        self.files.retain(|(path, _)| stays(path));
        self.unseen.retain(|(path, _)| stays(path));
        let host = match &volume.source {
            VolumeSource::Empty => return Ok(()),
            VolumeSource::Named(name) => {
                let reason = format!(
                    "it is in {name}, which only docker can open; copy its *.conf files out and give --config-dir"
                );
                self.miss(at, volume, reason);
                return Ok(());
            }
            VolumeSource::Inline => {
                let reason = "its text stands in the compose file, where it is not looked at; give --config-dir";
                self.miss(at, volume, reason.to_owned());
                return Ok(());
            }
            VolumeSource::Bind(host) => host,
        };
        let mut path = self.project.folder.join(host);
        if !within.is_empty() {
            path.push(within);
        }
        if path.is_dir() {
            collect(&path, at, &mut self.files)?;
        } else if path.exists() {
            if at.ends_with(".conf") {
                self.files.push((at.to_owned(), path));
            }
        } else if !host.starts_with('.') {
            // Compose creates a folder that is not there, empty; yet an absolute path may be another machine's,
            // and `~` is the home of whoever runs compose. The path may hold a value of .env.
            let host = if volume.is_interpolated || host.starts_with('~') {
                "what is mounted"
            } else {
                host
            };
            let reason = format!(
                "{host} is not on this machine; run this where it is, or give --config-dir"
            );
            self.miss(at, volume, reason);
        }
        Ok(())
    }

    fn miss(&mut self, at: &str, volume: &Volume, reason: String) {
        let what = if at.is_empty() {
            self.folder.to_owned()
        } else {
            format!("{}/{at}", self.folder)
        };
        let unseen = Unseen {
            what,
            hides: Hides::Anything,
            reason,
            service: Some(self.service.name.clone()),
            span: Some(volume.span),
        };
        self.unseen.push((at.to_owned(), unseen));
    }
}

/// `path` below `folder`: empty for the folder itself, none where it is elsewhere.
fn relative<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

/// The configuration path that a file is loaded at: `services/auth.conf` is `services.auth`.
fn keyed((path, file): (String, PathBuf)) -> (String, PathBuf) {
    let key = path.strip_suffix(".conf").unwrap_or(&path);
    (key.replace('/', "."), file)
}

/// Every `*.conf` below a folder, as servers look for them (docs/clearml.md#file-names-are-paths), with the path below
/// the configuration folder.
fn collect(folder: &Path, at: &str, found: &mut Vec<(String, PathBuf)>) -> Result<(), Error> {
    for path in entries(folder)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let below = if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}/{name}")
        };
        if path.is_dir() {
            // Python's rglob does not walk into linked folders, and a circle of them would not end.
            if !is_link(&path) {
                collect(&path, &below, found)?;
            }
        } else if name.len() > ".conf".len() && name.ends_with(".conf") {
            found.push((below, path));
        }
    }
    Ok(())
}

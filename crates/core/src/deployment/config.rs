//! Which `*.conf` files a server loads: its configuration folders, and what the mounts put there.
//!
//! A container sees one thing at every path: the mount with the longest target above it hides what the others
//! have there, also where it is empty.

use std::path::{Path, PathBuf};

use super::mounts::{anywhere, around, relative};
use crate::container::{Container, FileText, Mount, MountSource, Variable};
use crate::error::Error;
use crate::instance::{Family, Instance};
use crate::io::{entries, is_link};
use crate::knowable::{Knowable, Reason};
use crate::setting::Server;
use crate::unseen::{Hides, Unseen};

/// The files of a server's configuration folders, in the order it loads them, and what cannot be seen.
#[derive(Default)]
pub(super) struct Found {
    /// The configuration path that the file is loaded at (`secure`, `services.auth`), and the file.
    pub(super) files: Vec<(String, Content)>,
    pub(super) unseen: Vec<Unseen>,
}

/// A `.conf` file as a container has it.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// A file of the host.
    Host(PathBuf),
    /// A text that is in no file of its own.
    Text(FileText),
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
pub(super) fn mounted(service: &Container, instance: &Instance) -> Result<Found, Error> {
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
    if let Some((volume, reason)) = anywhere(service) {
        found.unseen.push(Unseen {
            what: "the configuration folder".to_owned(),
            hides: Hides::Anything,
            reason: format!("a mount may be over it: {reason}; give --config-dir"),
            service: Some(service.name.clone()),
            span: Some(volume.span),
        });
    }
    for folder in folders(instance, variable) {
        let view = View::of(service, &folder)?;
        found.files.extend(view.files.into_iter().map(keyed));
        found
            .unseen
            .extend(view.unseen.into_iter().map(|(_, unseen)| unseen));
    }
    Ok(found)
}

/// The file of the host that an instance loads at a key, whether it is there or not: in the last of its folders that
/// is a folder of the host.
pub(super) fn path(service: &Container, instance: &Instance, key: &str) -> Option<PathBuf> {
    let variable = folder_variable(instance, service);
    if variable.is_some_and(|variable| variable.value.known().is_none()) {
        return None;
    }
    let folders = folders(instance, variable);
    let mut last_first = folders.iter().rev();
    last_first.find_map(|folder| {
        let wanted = format!("{folder}/{}.conf", key.replace('.', "/"));
        let (rest, volume) = around(service, &wanted)?;
        let MountSource::Bind(host) = volume.source.known()? else {
            return None;
        };
        let path = &host.path;
        if rest.is_empty() {
            // Compose makes a folder of a file that is not there.
            return path.is_file().then(|| path.clone());
        }
        let is_made_by_compose = host.written.starts_with('.') && !path.exists();
        (path.is_dir() || is_made_by_compose).then(|| path.join(rest))
    })
}

/// The variable that moves the configuration folder, where one is given (docs/clearml.md#configuration-folders).
fn folder_variable<'a>(instance: &Instance, service: &'a Container) -> Option<&'a Variable> {
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
    service: &'a Container,
    folder: &'a str,
    /// Path below the folder, and what is there.
    files: Vec<(String, Content)>,
    /// Path below the folder, and why it cannot be seen.
    unseen: Vec<(String, Unseen)>,
}

impl<'a> View<'a> {
    fn of(service: &'a Container, folder: &'a str) -> Result<Self, Error> {
        let mut view = Self {
            service,
            folder,
            files: Vec::new(),
            unseen: Vec::new(),
        };
        for copy in &service.copies {
            view.copy(copy)?;
        }
        if let Some((rest, volume)) = around(service, folder) {
            view.mount("", rest, volume)?;
        }
        let mut below: Vec<(&str, &Mount)> = service
            .mounts
            .iter()
            .filter_map(|volume| Some((relative(volume.target.known()?, folder)?, volume)))
            .filter(|(rest, _)| !rest.is_empty())
            .collect();
        below.sort_by_key(|(rest, _)| rest.len());
        for (rest, volume) in below {
            view.mount(rest, "", volume)?;
        }
        view.files.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(view)
    }

    /// Adds what the image was built with, which hides nothing.
    fn copy(&mut self, copy: &Mount) -> Result<(), Error> {
        let target = match &copy.target {
            Knowable::Known(target) => target,
            Knowable::Unknown(reason) => {
                self.hidden("", copy, reason);
                return Ok(());
            }
        };
        if let Some(rest) = relative(target, self.folder) {
            self.content(rest, "", copy)
        } else if let Some(rest) = relative(self.folder, target) {
            // A tree that goes to a folder above need not have this one.
            match copy.source.known() {
                Some(MountSource::Bind(host))
                    if host.path.exists() && !host.path.join(rest).exists() =>
                {
                    Ok(())
                }
                _ => self.content("", rest, copy),
            }
        } else {
            Ok(())
        }
    }

    /// Puts a mount at a path below the folder, in place of what was seen there. `within` is the path from the
    /// mount's target to the folder.
    fn mount(&mut self, at: &str, within: &str, volume: &Mount) -> Result<(), Error> {
        let stays = |path: &str| at != path && relative(path, at).is_none() && !at.is_empty();
        self.files.retain(|(path, _)| stays(path));
        self.unseen.retain(|(path, _)| stays(path));
        self.content(at, within, volume)
    }

    fn content(&mut self, at: &str, within: &str, volume: &Mount) -> Result<(), Error> {
        match &volume.source {
            Knowable::Unknown(reason) => self.hidden(at, volume, reason),
            Knowable::Known(MountSource::Empty) => {}
            Knowable::Known(MountSource::Named(name)) => {
                let name = crate::shown::escape(name);
                let reason = format!(
                    "it is in {name}, which only docker can open; copy its *.conf files out and give --config-dir"
                );
                self.miss(at, volume, reason);
            }
            Knowable::Known(MountSource::Text(text)) => {
                if at.ends_with(".conf") {
                    self.files
                        .push((at.to_owned(), Content::Text(text.clone())));
                }
            }
            Knowable::Known(MountSource::Bind(host)) => {
                let mut path = host.path.clone();
                if !within.is_empty() {
                    path.push(within);
                }
                self.host(at, volume, &host.written, path)?;
            }
        }
        Ok(())
    }

    /// What a mount has at a path of the host. A folder that is not there may be on another machine, or be left out of
    /// a copy: compose would make an empty one, and nobody can tell which it is.
    fn host(
        &mut self,
        at: &str,
        volume: &Mount,
        written: &str,
        path: PathBuf,
    ) -> Result<(), Error> {
        if path.is_dir() {
            return collect(&path, at, &mut self.files);
        }
        if path.exists() {
            if at.ends_with(".conf") {
                self.files.push((at.to_owned(), Content::Host(path)));
            }
            return Ok(());
        }
        // The path may hold a value of .env, and `~` is the home of the user who runs compose.
        let shown = if volume.is_interpolated || written.starts_with('~') {
            "what is mounted".into()
        } else if written.trim_end_matches('/') == self.named(at) {
            "it".into()
        } else {
            crate::shown::escape(written)
        };
        self.miss(
            at,
            volume,
            format!(
                "{shown} is not on this machine; run this where it is, or pass --config-dir DIR"
            ),
        );
        Ok(())
    }

    fn hidden(&mut self, at: &str, volume: &Mount, reason: &Reason) {
        self.miss(at, volume, format!("{reason}; give --config-dir"));
    }

    /// The path in the container.
    fn named(&self, at: &str) -> String {
        if at.is_empty() {
            self.folder.to_owned()
        } else {
            format!("{}/{at}", self.folder)
        }
    }

    fn miss(&mut self, at: &str, volume: &Mount, reason: String) {
        let unseen = Unseen {
            what: self.named(at),
            hides: Hides::Anything,
            reason,
            service: Some(self.service.name.clone()),
            span: Some(volume.span),
        };
        self.unseen.push((at.to_owned(), unseen));
    }
}

/// The configuration path that a file is loaded at: `services/auth.conf` is `services.auth`.
fn keyed((path, content): (String, Content)) -> (String, Content) {
    let key = path.strip_suffix(".conf").unwrap_or(&path);
    (key.replace('/', "."), content)
}

/// Every `*.conf` below a folder, as servers look for them (docs/clearml.md#file-names-are-paths), with the path below the
/// configuration folder.
fn collect(folder: &Path, at: &str, found: &mut Vec<(String, Content)>) -> Result<(), Error> {
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
            found.push((below, Content::Host(path)));
        }
    }
    Ok(())
}

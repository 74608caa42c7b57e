//! What a container has at a path of its own.

use std::path::PathBuf;

use crate::compose::volume::cleaned;
use crate::container::{Container, FileText, Folder, Mount, MountSource};
use crate::container_path::relative;
use crate::io::{entries, link_target};
use crate::knowable::{Knowable, Reason};

/// What a container has at a path.
pub enum There<'a> {
    /// Something is put somewhere, and nobody knows where: it may be here. That is said of what puts it there.
    Anywhere(Reason),
    /// What is at this path of the host, if anything is.
    Host {
        /// The path.
        path: PathBuf,
        /// Whether the folder or file that is mounted is on this machine.
        is_here: bool,
    },
    /// What the image has there; nobody mounts anything over it.
    Image,
    /// Nothing: it is in a volume that is empty at first.
    Nothing,
    /// This text.
    Text(&'a FileText),
    /// It is not known.
    Unknown(Reason),
}

/// The mount that decides what is at a path, and the rest of the path below its target.
pub(super) fn around<'a, 'p>(
    service: &'a Container,
    path: &'p str,
) -> Option<(&'p str, &'a Mount)> {
    service
        .mounts
        .iter()
        .filter_map(|volume| Some((relative(path, volume.target.known()?)?, volume)))
        .max_by_key(|(_, volume)| volume.target.known().map_or(0, String::len))
}

/// Why some mount of a service may be at any path.
pub(super) fn anywhere(service: &Container) -> Option<(&Mount, &Reason)> {
    let mut volumes = service.mounts.iter();
    volumes.find_map(|volume| Some((volume, volume.target.reason()?)))
}

/// Why it is not known what is at a path to which files are copied while the container runs.
pub(super) const SYNCED: &str = "docker compose watch copies files there (`develop.watch`)";

/// Whether files that are copied while the container runs may be at a path.
pub(super) fn may_have(synced: &Mount, path: &str) -> bool {
    let Some(target) = synced.target.known() else {
        return true;
    };
    relative(path, target).is_some_and(|rest| match synced.source.known() {
        Some(MountSource::Bind(host)) if !rest.is_empty() => {
            host.path.join(rest).exists() || !host.path.exists()
        }
        _ => true,
    })
}

/// A path of as many links leads in a circle, as Linux has it.
const LINKS: usize = 40;

/// What a container has at a path. A link leads to a path of the container, whatever the host has there.
pub(super) fn at<'a>(service: &'a Container, path: &str) -> There<'a> {
    let mut next = Some(path.to_owned());
    for _ in 0..LINKS {
        let Some(path) = next else {
            break;
        };
        let there = at_itself(service, &path);
        next = match there {
            There::Host { is_here: true, .. } => link(service, &path),
            _ => None,
        };
        if next.is_none() {
            return there;
        }
    }
    There::Nothing
}

/// The path of the container at which a folder is, where links lead to it.
pub(super) fn real(service: &Container, path: &str) -> String {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match link(service, &path) {
            Some(next) => path = next,
            None => break,
        }
    }
    path
}

/// The path of the container to which the first link on the way to a path leads; none where there is no link.
fn link(service: &Container, path: &str) -> Option<String> {
    let (rest, volume) = around(service, path)?;
    let Some(MountSource::Bind(host)) = volume.source.known() else {
        return None;
    };
    let (mut here, mut there) = (host.path.clone(), volume.target.known()?.clone());
    let mut steps = rest.split('/').filter(|step| !step.is_empty());
    while let Some(step) = steps.next() {
        here.push(step);
        if let Some(to) = link_target(&here) {
            let start = match to.starts_with('/') {
                true => "",
                false => there.as_str(),
            };
            let after: Vec<&str> = steps.collect();
            return cleaned(&format!("{start}/{to}/{}", after.join("/")));
        }
        there = format!("{there}/{step}");
    }
    None
}

/// What a container has at a path on which no link is.
fn at_itself<'a>(service: &'a Container, path: &str) -> There<'a> {
    if let Some((_, reason)) = anywhere(service) {
        return There::Anywhere(reason.clone());
    }
    let mut synced = service.synced.iter().filter(|one| may_have(one, path));
    if let Some(first) = synced.next() {
        let is_here = |one: &Mount| one.target.known().is_some();
        return match is_here(first) || synced.any(is_here) {
            true => There::Unknown(SYNCED.into()),
            false => There::Anywhere(SYNCED.into()),
        };
    }
    if let Some((rest, volume)) = around(service, path) {
        return below(volume, rest);
    }
    // Of what the build copies, a folder is put over the image's own, so that what it has not is the image's.
    let copies = service.copies.iter().rev();
    let mut found = copies.filter_map(|copy| {
        let there = match copy.target.known() {
            Some(target) => below(copy, relative(path, target)?),
            None => There::Anywhere(copy.target.reason()?.clone()),
        };
        match &there {
            There::Host { path, is_here } => (path.exists() || !is_here).then_some(there),
            There::Image | There::Nothing => None,
            There::Anywhere(_) | There::Text(_) | There::Unknown(_) => Some(there),
        }
    });
    found.next().unwrap_or(There::Image)
}

/// Whether something is put at a path over what the image has there, or may be.
pub(super) fn has(service: &Container, path: &str) -> bool {
    match at(service, path) {
        There::Host { path, is_here } => path.exists() || !is_here,
        There::Anywhere(_) | There::Image | There::Nothing => false,
        There::Text(_) | There::Unknown(_) => true,
    }
}

/// The shell scripts that are put into a folder of the image's, by name. One of a name that nobody knows is in it where the
/// folder is not seen.
pub(super) fn scripts(service: &Container, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let copied = service.copies.iter().chain(&service.synced);
    for mount in service.mounts.iter().chain(copied) {
        let Some(target) = mount.target.known() else {
            continue;
        };
        match (relative(target, folder), relative(folder, target)) {
            (Some(name), _) if !name.is_empty() => names.push(name.to_owned()),
            (_, Some(rest)) => names.extend(names_in(mount, rest)),
            _ => {}
        }
    }
    names.retain(|name| name.ends_with(".sh") && !name.contains('/'));
    names.sort_unstable();
    names.dedup();
    let paths = names.iter().map(|name| format!("{folder}/{name}"));
    // One mount may hide what another has there.
    paths.filter(|path| has(service, path)).collect()
}

/// Why nobody sees what a path of a pod's node holds.
pub(super) const ON_THE_NODE: &str = "it is on the node, in a hostPath";

/// The names of what a mount has in a folder.
fn names_in(mount: &Mount, folder: &str) -> Vec<String> {
    let unseen = || vec!["*.sh".to_owned()];
    match mount.source.known() {
        Some(MountSource::Bind(host)) => match entries(&host.path.join(folder)) {
            Ok(inside) => inside
                .iter()
                .filter(|path| host.has(path) != Knowable::Known(false))
                .filter_map(|path| path.file_name())
                .map(|name| name.to_string_lossy().into_owned())
                .collect(),
            // It is here, and has no such folder.
            Err(_) if host.path.exists() && !host.path.join(folder).exists() => Vec::new(),
            Err(_) => unseen(),
        },
        Some(MountSource::Folder(Folder { files, others })) => {
            let inside = files.iter().filter_map(|(path, _)| match folder {
                "" => Some(path.as_str()),
                folder => relative(path, folder),
            });
            let others = others.iter().flat_map(|_| unseen());
            inside.map(str::to_owned).chain(others).collect()
        }
        Some(MountSource::Anonymous | MountSource::Empty | MountSource::Text(_)) => Vec::new(),
        Some(MountSource::Named(_) | MountSource::Node(_)) | None => unseen(),
    }
}

/// What a mount has at a path below its target.
fn below<'a>(volume: &'a Mount, rest: &str) -> There<'a> {
    match &volume.source {
        Knowable::Unknown(reason) => There::Unknown(reason.clone()),
        Knowable::Known(MountSource::Anonymous) => There::Image,
        Knowable::Known(MountSource::Empty) => There::Nothing,
        Knowable::Known(MountSource::Text(text)) if rest.is_empty() => There::Text(text),
        Knowable::Known(MountSource::Text(_)) => There::Nothing,
        Knowable::Known(MountSource::Folder(folder)) => match &folder.others {
            Some(reason) => There::Unknown(reason.clone()),
            None => { folder.files.iter() }
                .find(|(path, _)| path == rest)
                .map_or(There::Nothing, |(_, file)| There::Text(file)),
        },
        Knowable::Known(MountSource::Node(_)) => There::Unknown(ON_THE_NODE.into()),
        Knowable::Known(MountSource::Named(_)) => {
            There::Unknown("it is in a volume that only docker can open".into())
        }
        Knowable::Known(MountSource::Bind(host)) => {
            let path = match rest {
                "" => host.path.clone(),
                rest => host.path.join(rest),
            };
            match host.has(&path) {
                Knowable::Unknown(reason) if path.exists() => There::Unknown(reason),
                Knowable::Known(false) => There::Nothing,
                _ => There::Host {
                    path,
                    is_here: host.path.exists(),
                },
            }
        }
    }
}

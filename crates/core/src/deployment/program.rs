//! The programs of ClearML's servers, where an image has them: what is mounted there runs in their place.

use std::path::Path;

use super::mounts::relative;
use crate::container::{Container, HostPath, Mount, MountSource};
use crate::container_path::cleaned;
use crate::io::entries;
use crate::knowable::Knowable;
use crate::secret::Secret;

const PYTHON: [&str; 3] = [".py", ".pyc", ".so"];

/// How many folders down a module is looked for in what is copied.
const DEEP: usize = 4;

/// Where the images have the configuration.
const GIVEN: &str = "/opt/clearml/config";

/// What is mounted over the program of a server, where it is, or over what starts it, or copied there by its build.
pub(super) fn replaced<'a>(
    container: &'a Container,
    home: &str,
    server: &str,
) -> Vec<(&'a str, &'a Mount)> {
    let program = format!("{home}/{server}");
    let starts = ["entrypoint.sh", "wrapper.sh"].map(|name| format!("{home}/{name}"));
    let copied = || container.copies.iter().chain(&container.synced);
    let is_part = |target: &str, mount: &Mount| {
        // Its configuration is read, wherever it is mounted, and tells what a mount over all of the program is.
        let below = relative(target, &program).unwrap_or_default();
        let is_below = !below.is_empty() && relative(below, "config").is_none();
        // A folder that is copied is put over the image's own.
        let is_over = target == program && copied().any(|copy| std::ptr::eq(copy, mount));
        starts.iter().any(|path| path == target)
            || (is_below && !is_data(server, target, mount) || is_over)
                && has_python(target, mount, None)
    };
    let mounts = container.mounts.iter().chain(copied());
    let known = mounts.filter_map(|mount| Some((mount.target.known()?.as_str(), mount)));
    known
        .filter(|(target, mount)| is_part(target, mount))
        .collect()
}

/// Whether what is mounted below a program, and cannot be looked into, is data that people keep there. A volume's first
/// content is the image's own. The file server's program has no folder but its configuration, so that another replaces none
/// of it (docs/clearml.md#folders-of-the-programs).
fn is_data(server: &str, target: &str, mount: &Mount) -> bool {
    let may_be = match mount.source.known() {
        Some(MountSource::Named(_)) => true,
        Some(MountSource::Bind(host)) => server == "fileserver" && !host.path.exists(),
        _ => false,
    };
    may_be && !is_python(target)
}

/// The folder that a server's process starts in: its image names its own home.
pub(super) fn folder(container: &Container) -> Knowable<String> {
    let named = container.working_directory.clone();
    named.unwrap_or_else(|| Knowable::Known("/opt/clearml".to_owned()))
}

/// What is mounted where PYTHONPATH or LD_PRELOAD lets code be loaded before the server's own, and the variable that does.
pub(super) fn loaded_first(container: &Container) -> Option<(&'static str, &Mount)> {
    let value = |name: &str| container.known_variable(name).map(Secret::expose);
    let mounts = || {
        let copied = container.copies.iter().chain(&container.synced);
        let all = container.mounts.iter().chain(copied);
        all.filter_map(|mount| Some((mount.target.known()?.as_str(), mount)))
    };
    let is_loaded = |path: &str, target: &str, mount: &Mount| match relative(path, target) {
        Some(rest) => has_python(target, mount, Some(rest)),
        // The configuration is read, wherever it is mounted.
        None => {
            relative(target, path).is_some()
                && relative(target, GIVEN).is_none()
                && has_python(target, mount, None)
        }
    };
    // One that is empty, or has no slash in front, is in the folder that the process is in.
    let absolute = |path: &str| match (path.starts_with('/'), folder(container)) {
        (true, _) => Some(cleaned(path)),
        (false, Knowable::Known(folder)) => Some(cleaned(&format!("{folder}/{path}"))),
        (false, Knowable::Unknown(_)) => None,
    };
    let python = value("PYTHONPATH").filter(|paths| !paths.is_empty());
    let mut python = python.into_iter().flat_map(|paths| paths.split(':'));
    let of_python = python.find_map(|path| {
        let path = absolute(path)?;
        mounts().find(|(target, mount)| is_loaded(&path, target, mount))
    });
    let of_libraries = || {
        let libraries = value("LD_PRELOAD").unwrap_or_default();
        libraries.split([':', ' ']).find_map(|path| {
            mounts().find(|(target, _)| path.starts_with('/') && relative(path, target).is_some())
        })
    };
    let named = |name: &'static str| move |(_, mount)| (name, mount);
    of_python
        .map(named("PYTHONPATH"))
        .or_else(|| of_libraries().map(named("LD_PRELOAD")))
}

/// Whether a mount is Python, or has some: in a folder of it, or in all of it. What is not known may be some, but for a file
/// that is called otherwise.
fn has_python(target: &str, mount: &Mount, folder: Option<&str>) -> bool {
    let may_be = folder.is_some() || is_python(target) || Path::new(target).extension().is_none();
    let folder = folder.unwrap_or_default();
    match mount.source.known() {
        None | Some(MountSource::Named(_)) => may_be,
        Some(MountSource::Empty) => false,
        Some(MountSource::Text(_)) => is_python(target),
        Some(MountSource::Folder(files)) => files.iter().any(|(path, _)| {
            is_python(path) && (folder.is_empty() || relative(path, folder).is_some())
        }),
        Some(MountSource::Bind(host)) => {
            let path = match folder {
                "" => host.path.clone(),
                folder => host.path.join(folder),
            };
            if path.is_dir() {
                return lists_python(host, &path, DEEP * usize::from(host.copied.is_some()));
            }
            match path.exists() {
                true => is_python(target),
                false => may_be && !host.path.exists(),
            }
        }
    }
}

/// Whether there is Python in a folder, or so many folders further down: what is copied is put over the image's own.
fn lists_python(host: &HostPath, folder: &Path, depth: usize) -> bool {
    // What cannot be listed may be some.
    entries(folder).map_or(true, |entries| {
        entries.iter().any(|path| {
            let is_code = is_python(&path.to_string_lossy())
                || path.join("__init__.py").is_file()
                || depth > 0 && path.is_dir() && lists_python(host, path, depth - 1);
            is_code && host.has(path) != Knowable::Known(false)
        })
    })
}

fn is_python(name: &str) -> bool {
    PYTHON.iter().any(|end| name.ends_with(end))
}

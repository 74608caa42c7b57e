//! The programs of ClearML's servers, where an image has them: what is mounted there runs in their place.

use super::mounts::relative;
use crate::container::{Container, Mount, MountSource};
use crate::io::entries;
use crate::knowable::Knowable;
use crate::secret::Secret;

const PYTHON: [&str; 3] = [".py", ".pyc", ".so"];

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
        starts.iter().any(|path| path == target) || (is_below || is_over) && is_code(target, mount)
    };
    let mounts = container.mounts.iter().chain(copied());
    let known = mounts.filter_map(|mount| Some((mount.target.known()?.as_str(), mount)));
    known
        .filter(|(target, mount)| is_part(target, mount))
        .collect()
}

/// What is mounted where PYTHONPATH or LD_PRELOAD lets code be loaded before the server's own, and the variable that does.
pub(super) fn loaded_first(container: &Container) -> Option<(&'static str, &Mount)> {
    let paths = |name: &str| {
        let value = container.known_variable(name).map(Secret::expose);
        value.unwrap_or_default().split([':', ' '])
    };
    let mounts = || {
        let all = container.mounts.iter().chain(&container.copies);
        all.filter_map(|mount| Some((mount.target.known()?.as_str(), mount)))
    };
    let is_loaded = |path: &str, target: &str, mount: &Mount| match relative(path, target) {
        Some(rest) => holds_python(mount, rest),
        None => relative(target, path).is_some() && is_code(target, mount),
    };
    let of_python = paths("PYTHONPATH").find_map(|path| {
        let mut mounts = mounts().filter(|_| path.starts_with('/'));
        let path = path.trim_end_matches('/');
        mounts.find(|(target, mount)| is_loaded(path, target, mount))
    });
    let of_libraries = || {
        paths("LD_PRELOAD").find_map(|path| {
            mounts().find(|(target, _)| path.starts_with('/') && relative(path, target).is_some())
        })
    };
    let named = |name: &'static str| move |(_, mount)| (name, mount);
    of_python
        .map(named("PYTHONPATH"))
        .or_else(|| of_libraries().map(named("LD_PRELOAD")))
}

/// Whether there is Python in a folder of a mount. What is not here may be some.
fn holds_python(mount: &Mount, rest: &str) -> bool {
    let Some(MountSource::Bind(host)) = mount.source.known() else {
        return true;
    };
    match entries(&host.path.join(rest)) {
        Ok(entries) => entries.iter().any(|path| {
            let name = path.to_string_lossy();
            PYTHON.iter().any(|end| name.ends_with(end)) || path.join("__init__.py").is_file()
        }),
        Err(_) => true,
    }
}

/// Whether a mount is Python, or a folder with some in it. People also keep data beside the program.
fn is_code(target: &str, mount: &Mount) -> bool {
    let is_python = |name: &str| PYTHON.iter().any(|end| name.ends_with(end));
    let folder = match mount.source.known() {
        Some(MountSource::Bind(host)) => {
            let mut entries = entries(&host.path).unwrap_or_default();
            entries.retain(|path| host.has(path) != Knowable::Known(false));
            entries
        }
        _ => Vec::new(),
    };
    is_python(target) || folder.iter().any(|path| is_python(&path.to_string_lossy()))
}

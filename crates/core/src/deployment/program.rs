//! The programs of ClearML's servers, where an image has them: what is mounted there runs in their place.

use super::mounts::relative;
use crate::container::{Container, Mount, MountSource};
use crate::io::entries;
use crate::knowable::Knowable;

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

/// Whether a mount is Python, or a folder with some in it. People also keep data beside the program.
fn is_code(target: &str, mount: &Mount) -> bool {
    const PYTHON: [&str; 3] = [".py", ".pyc", ".so"];
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

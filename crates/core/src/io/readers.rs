//! Who reads a file besides its owner.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Who does.
pub struct Readers {
    /// `its group`, `everybody on this machine`.
    pub who: &'static str,
    /// The permission bits of the file.
    pub mode: u32,
}

/// Who reads a file besides its owner, by its permission bits and those of the folders above it; none where nobody does, or there
/// is no file.
pub fn readers(path: &Path) -> Option<Readers> {
    let path = fs::canonicalize(path).ok()?;
    let mode = |path: &Path| Some(fs::metadata(path).ok()?.permissions().mode());
    let own = mode(&path)? & 0o777;
    let is_reached = |bits: u32| {
        let mut folders = path.ancestors().skip(1);
        folders.all(|folder| mode(folder).is_some_and(|mode| mode & bits != 0))
    };
    let who = if own & 0o004 != 0 && is_reached(0o001) {
        "everybody on this machine"
    } else if own & 0o040 != 0 && is_reached(0o011) {
        "its group"
    } else {
        return None;
    };
    Some(Readers { who, mode: own })
}

//! Reading within bounds, and writing whole or not at all.

mod attributes;
mod beside;
mod lock;
mod mode;
mod read;
mod readers;
mod replace;
mod spool;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::Error;
use crate::exit;
pub use beside::{Temporary, abandon, before_temporary_files};
pub use mode::Mode;
pub use read::{LIMIT_MIB, entries, read_argument, read_text};
pub use readers::{Readers, readers};
pub use replace::{Before, NewFile, replace_files};
pub use spool::Spool;

/// Whether a path is a symbolic link.
pub fn is_link(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_symlink())
}

/// Where a link leads, as it is written in it; none for what is no link, and for what is no text.
pub fn link_target(path: &Path) -> Option<String> {
    let target = path.read_link().ok()?;
    target.into_os_string().into_string().ok()
}

/// Whether two paths lead to the same file, which need not be there yet.
pub fn is_same(one: &Path, other: &Path) -> bool {
    one == other || real(one) == real(other)
}

/// The path by which a file is known, whatever way leads to it, and also where it is not there yet.
pub fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize();
        match (folder, path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        }
    })
}

/// The mode of an open file that others can read; none for a pipe, a terminal, and a file of its owner alone.
pub fn mode_for_others(file: impl AsFd) -> Option<u32> {
    let file = fs::File::from(file.as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Refuses standard output that a shell has closed (`>&-`), for what would be lost in silence. Rust opens `/dev/null` in its
/// place, for reading and writing, which no shell does for `>/dev/null`; a program that throws away what another prints may.
///
/// # Errors
/// It is closed, or such a program's.
pub fn refuse_closed(stdout: impl AsFd) -> io::Result<()> {
    let is_both = rustix::fs::fcntl_getfl(&stdout).is_ok_and(|flags| flags.contains(OFlags::RDWR));
    let file = fs::File::from(stdout.as_fd().try_clone_to_owned()?);
    let device = file.metadata()?.rdev();
    let is_null = fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == device && device != 0);
    match is_both && is_null {
        true => Err(io::Error::other("it is closed, or thrown away")),
        false => Ok(()),
    }
}

/// Writes a file that only its owner can read (mode 0600 from the first moment on), whole or not at all.
/// Without `force` an existing file is left alone; with it, the file is replaced. A pipe or a terminal is written to.
///
/// # Errors
/// What cannot be written; nothing is left behind then.
pub fn write_secret_file(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    write_file(path, text, force, Mode::Private)
}

fn write_file(path: &Path, text: &str, force: bool, mode: Mode) -> Result<(), Error> {
    if is_stream(path) || force && is_no_file(path) {
        return write_through(path, text).map_err(|source| Error::Write {
            path: path.to_owned(),
            source,
        });
    }
    let before = if force {
        Before::Whatever
    } else {
        Before::Nothing
    };
    replace_files(&[NewFile {
        path,
        text,
        before,
        mode,
    }])
}

/// Whether a pipe, a terminal or the like is there: what is written to it overwrites nothing.
pub fn is_stream(path: &Path) -> bool {
    let is_one = |kind: fs::FileType| kind.is_fifo() || kind.is_char_device();
    fs::metadata(path).is_ok_and(|metadata| is_one(metadata.file_type()))
}

/// Whether something else than a file or a folder is there.
fn is_no_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// `/dev/stdout`, a pipe or a terminal cannot be replaced by a rename; they are written to.
fn write_through(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    exit::writing();
    file.write_all(text.as_bytes())
}

/// The folder that a path names a file in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn public_files_are_everybodys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clearml.prom");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let write_public = |text| {
            let mut spool = Spool::to(&path);
            spool.push(text)?;
            spool.write(Mode::Anyone)
        };
        write_public("a").unwrap();
        assert_eq!(mode(), 0o644);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write_public("b").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(mode(), 0o644);
    }

    #[test]
    fn secret_files_are_private_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.env");
        write_secret_file(&path, "a", false).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(write_secret_file(&path, "b", false).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_secret_file(&path, "b", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

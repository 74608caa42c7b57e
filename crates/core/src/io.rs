//! Reading within bounds, writing whole or not at all, and printing other people's text.

mod attributes;
mod beside;
mod lock;
mod replace;

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::Error;
use crate::source::place_of;
pub use replace::{Before, Mode, NewFile, replace_files};

/// The largest file that is read, in MiB.
pub const LIMIT_MIB: u64 = 64;

/// Reads a whole file of UTF-8, or standard input for `-`.
///
/// The buffer is allocated once where the size is known: a buffer that grew leaves a copy of the secret behind.
///
/// # Errors
/// What cannot be opened or read, is a folder, is over [`LIMIT_MIB`], or is not UTF-8.
pub fn read_text(path: &Path) -> Result<Zeroizing<String>, Error> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    if path == Path::new("-") {
        return read_bounded(io::stdin().lock(), 0, path);
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    read_bounded(file, metadata.len(), path)
}

/// What is in a folder, sorted.
///
/// # Errors
/// A folder that cannot be read.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let mut entries = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    };
    read().map_err(|source| Error::Read {
        path: folder.to_owned(),
        source,
    })
}

/// Whether a path is a symbolic link.
pub fn is_link(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_symlink())
}

/// Whether two paths lead to the same file, which need not be there yet.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        path.canonicalize().ok().or_else(|| {
            let folder = match path.parent()? {
                here if here.as_os_str().is_empty() => Path::new("."),
                folder => folder,
            };
            Some(folder.canonicalize().ok()?.join(path.file_name()?))
        })
    };
    one == other || matches!((real(one), real(other)), (Some(one), Some(other)) if one == other)
}

fn read_bounded(reader: impl Read, size: u64, path: &Path) -> Result<Zeroizing<String>, Error> {
    let limit = LIMIT_MIB << 20;
    let capacity = usize::try_from(size.min(limit)).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity.max(64 * 1024)));
    let read = reader.take(limit + 1).read_to_end(&mut bytes);
    let length = read.map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    if length as u64 > limit {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            limit: LIMIT_MIB,
        });
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let bytes = Zeroizing::new(error.into_bytes());
            let before = Zeroizing::new(String::from_utf8_lossy(&bytes[..valid]).into_owned());
            Err(Error::Encoding {
                place: place_of(path, &before, valid),
            })
        }
    }
}

/// Writes a file that only its owner can read (mode 0600 from the first moment on), whole or not at all.
/// Without `force` an existing file is left alone; with it, the file is replaced.
///
/// # Errors
/// What cannot be written; nothing is left behind then.
pub fn write_secret_file(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let is_other = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    if force && fs::metadata(path).is_ok_and(is_other) {
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
        mode: Mode::Private,
    }])
}

/// `/dev/stdout`, a pipe or a terminal cannot be replaced by a rename; they are written to.
fn write_through(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}

/// The folder that a path names a file in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Text from somebody's file, safe to print on a terminal: control characters and the characters that turn
/// the direction of writing are shown as escapes.
pub fn escape(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_unicode())
        } else {
            out.push(c)
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(escape("a\u{1b}[31mb\u{202e}"), "a\\u{1b}[31mb\\u{202e}");
        assert!(matches!(escape("plain ü"), Cow::Borrowed(_)));
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

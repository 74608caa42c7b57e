//! Reading within bounds: whole texts, and nothing that may never end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::encrypted::Encrypted;
use crate::error::Error;
use crate::source::place_of;

/// The largest file that is read, in MiB.
pub const LIMIT_MIB: u64 = 64;

/// Reads a whole file of UTF-8 that was found, or that another file names.
///
/// Anyone who reads a pipe or a device waits for its other end, perhaps for ever. No server's or deployment's file is
/// one, so these are errors; only `/dev/null` is what it is for everybody, an empty file.
///
/// # Errors
/// What cannot be opened or read, is no regular file, is over [`LIMIT_MIB`], or is not UTF-8.
pub fn read_text(path: &Path) -> Result<Zeroizing<String>, Error> {
    let metadata = fs::metadata(path).map_err(|source| failed(path, source))?;
    read_regular(path, metadata)
}

/// The same of a file of which we know what it is.
fn read_regular(path: &Path, metadata: Metadata) -> Result<Zeroizing<String>, Error> {
    let failed = |source| failed(path, source);
    if is_null(&metadata) {
        return Ok(Zeroizing::new(String::new()));
    }
    check(path, &metadata)?;
    // Between the two the name may have become a pipe's, and some of the kernel's files wait as well.
    let mut options = OpenOptions::new();
    let no_waiting = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(no_waiting.bits().cast_signed());
    let file = options.read(true).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check(path, &metadata)?;
    read_bounded(file, metadata.len(), path)
}

/// Reads what the command line names: a file as [`read_text`] does, standard input for `-`, or a pipe, as the shell's
/// `<(…)` is one. A pipe can be read once.
///
/// # Errors
/// The same, but for the pipe.
pub fn read_argument(path: &Path) -> Result<Zeroizing<String>, Error> {
    if path == Path::new("-") {
        return read_bounded(io::stdin().lock(), 0, path);
    }
    let metadata = fs::metadata(path).map_err(|source| failed(path, source))?;
    if metadata.file_type().is_fifo() {
        let pipe = File::open(path).map_err(|source| failed(path, source))?;
        return read_bounded(pipe, 0, path);
    }
    read_regular(path, metadata)
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
    read().map_err(|source| failed(folder, source))
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}

/// Whether it is the device that everybody takes for an empty file.
fn is_null(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device()
        && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev())
}

/// An error for all but a regular file.
fn check(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(failed(path, io::ErrorKind::IsADirectory.into()));
    }
    let kind = if kind.is_fifo() {
        "a named pipe (FIFO)"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(Error::NoFile {
        path: path.to_owned(),
        kind,
    })
}

fn read_bounded(reader: impl Read, size: u64, path: &Path) -> Result<Zeroizing<String>, Error> {
    let limit = LIMIT_MIB << 20;
    // The buffer is allocated once where the size is known: one that grew leaves a copy of the secret behind.
    let capacity = usize::try_from(size.min(limit)).unwrap_or_default() + 1;
    let least = match size {
        0 => 64 * 1024,
        // With less room to spare a part is read beside the buffer first.
        _ => 256,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity.max(least)));
    let read = reader.take(limit + 1).read_to_end(&mut bytes);
    let length = read.map_err(|source| failed(path, source))?;
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
                by: Encrypted::of_bytes(&bytes, &before),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// The message of a reading that must end by itself.
    fn refusal(read: fn(&Path) -> Result<Zeroizing<String>, Error>, path: &Path) -> String {
        let (sender, receiver) = mpsc::channel();
        let path = path.to_owned();
        thread::spawn(move || sender.send(read(&path).unwrap_err().to_string()));
        receiver
            .recv_timeout(Duration::from_secs(20))
            .expect("it waits for ever")
    }

    #[test]
    fn what_may_never_end_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        let _listener = UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink(at("pipe"), at("link")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        for (name, said) in [
            ("pipe", "pipe"),
            ("link", "pipe"),
            ("socket", "socket"),
            ("endless", "device"),
            ("dangling", "no such file"),
            ("folder", "is a folder"),
        ] {
            let message = refusal(read_text, &at(name));
            assert!(
                message.contains(name) && message.contains(said),
                "{message}"
            );
            if said != "pipe" {
                assert_eq!(refusal(read_argument, &at(name)), message);
            }
        }
    }

    #[test]
    fn a_pipe_is_read_where_the_command_line_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let writer = {
            let pipe = pipe.clone();
            thread::spawn(move || fs::write(pipe, "text"))
        };
        assert_eq!(*read_argument(&pipe).unwrap(), "text");
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn the_null_device_is_an_empty_file() {
        assert_eq!(*read_text(Path::new("/dev/null")).unwrap(), "");
    }

    #[test]
    fn no_file_is_called_like_standard_input() {
        assert!(refusal(read_text, Path::new("-")).contains("no such file"));
    }
}

//! One run at a time in a folder.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::folder_of;

/// How long to wait for others. Writing takes milliseconds, so who needs longer is no run of ours, and may even be the
/// one that waits for us: `flock . clearml-inject …`.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 10_000 });

/// Folders that are locked as long as this value lives.
///
/// The folder and not the file is locked, because a file that is replaced is another one.
pub(super) struct Folders(Vec<(PathBuf, File)>);

impl Folders {
    /// Locks the folders of these files; the error is the folder that somebody else does not let go.
    ///
    /// What cannot be locked is not: a folder that may not be read, and any on a network file system without locks for
    /// folders. A file there is still compared just before it is replaced.
    pub(super) fn lock<'a>(files: impl Iterator<Item = &'a Path>) -> Result<Self, PathBuf> {
        // Each once, and all runs in the same order: they would wait for each other otherwise.
        let mut folders = BTreeMap::new();
        for folder in files.map(folder_of) {
            let opened = File::open(folder).and_then(|file| Ok((file.metadata()?, file)));
            if let Ok((metadata, file)) = opened {
                folders.insert((metadata.dev(), metadata.ino()), (folder.to_owned(), file));
            }
        }
        let until = Instant::now() + PATIENCE;
        let mut locked = Vec::with_capacity(folders.len());
        for (folder, file) in folders.into_values() {
            loop {
                match file.try_lock() {
                    Ok(()) => locked.push((folder, file)),
                    Err(TryLockError::WouldBlock) if Instant::now() < until => {
                        thread::sleep(Duration::from_millis(10));
                        continue;
                    }
                    Err(TryLockError::WouldBlock) => return Err(folder),
                    Err(TryLockError::Error(_)) => {}
                }
                break;
            }
        }
        Ok(Self(locked))
    }

    /// Those that are locked.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(folder, _)| folder.as_path())
    }
}

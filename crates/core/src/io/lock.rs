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
pub(super) struct Folders {
    locked: Vec<File>,
    are_locked: bool,
}

impl Folders {
    /// Locks the folders of these files; the error is the folder that somebody else does not let go.
    ///
    /// Some network file systems have no locks for folders. Nothing is locked there.
    pub(super) fn lock<'a>(targets: impl Iterator<Item = &'a Path>) -> Result<Self, PathBuf> {
        // Each once, and all runs in the same order: they would wait for each other otherwise.
        let mut folders = BTreeMap::new();
        let mut are_locked = true;
        for target in targets {
            let folder = folder_of(target);
            let opened = File::open(folder)
                .and_then(|file| file.metadata().map(|metadata| (file, metadata)));
            match opened {
                Ok((file, metadata)) => {
                    folders.insert((metadata.dev(), metadata.ino()), (folder.to_owned(), file));
                }
                Err(_) => are_locked = false,
            }
        }
        let mut locked = Vec::with_capacity(folders.len());
        let until = Instant::now() + PATIENCE;
        for (folder, file) in folders.into_values() {
            loop {
                match file.try_lock() {
                    Ok(()) => locked.push(file),
                    Err(TryLockError::WouldBlock) if Instant::now() < until => {
                        thread::sleep(Duration::from_millis(10));
                        continue;
                    }
                    Err(TryLockError::WouldBlock) => return Err(folder),
                    Err(TryLockError::Error(_)) => are_locked = false,
                }
                break;
            }
        }
        Ok(Self { locked, are_locked })
    }

    /// Whether all of them are.
    pub(super) fn are_locked(&self) -> bool {
        self.are_locked && !self.locked.is_empty()
    }
}

//! Files beside a target, which are to take its name or have lost it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::attributes::Old;
use super::mode::Mode;
use crate::error::Error;

/// A temporary name in the folder of a target. It is removed with this value, unless it has become another.
pub(super) struct Beside {
    path: PathBuf,
    is_temporary: bool,
}

impl Beside {
    /// An empty file that only its owner can read.
    pub(super) fn create(target: &Path) -> io::Result<(Self, File)> {
        with_free_name(target, |path| {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
        })
    }

    /// What is at the target now. Where a file system has no second names, a copy.
    pub(super) fn second_name(target: &Path, old: &Old) -> io::Result<Self> {
        if let Ok((name, ())) = with_free_name(target, |path| fs::hard_link(target, path)) {
            return Ok(name);
        }
        let (name, mut copy) = Self::create(target)?;
        io::copy(&mut File::open(target)?, &mut copy)?;
        old.give_to(&copy, Mode::Keep).map_err(|(_, error)| error)?;
        copy.sync_all()?;
        Ok(name)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the target's name, anyone who has it.
    pub(super) fn take_name(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.is_temporary = false;
        names().remove(&self.path);
        Ok(())
    }

    /// Takes the target's name if nobody has it.
    pub(super) fn take_free_name(self, target: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, target) {
            // A file system without second names: it was free a moment ago, and what replaces files has the lock.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => self.take_name(target),
            taken => taken,
        }
    }

    /// Takes the name back that it had. If that fails, it is not lost.
    pub(super) fn return_name(mut self, target: &Path) -> io::Result<()> {
        self.is_temporary = false;
        names().remove(&self.path);
        fs::rename(&self.path, target)
    }
}

/// A text that another program is to read from a folder: only its owner can read it, and it is removed with this value.
pub struct Temporary(Beside);

impl Temporary {
    /// Writes it under a free name beside a target.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn beside(target: &Path, text: &str) -> Result<Self, Error> {
        let write = || {
            let (beside, mut file) = Beside::create(target)?;
            file.write_all(text.as_bytes())?;
            Ok(beside)
        };
        write().map(Self).map_err(|source| Error::Write {
            path: target.to_owned(),
            source,
        })
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.is_temporary {
            // If that fails, the next run does it.
            drop(fs::remove_file(&self.path));
            names().remove(&self.path);
        }
    }
}

/// An empty file in the folder of a target that nobody finds by a name, and that is gone with this value.
pub(super) fn unnamed(target: &Path) -> io::Result<File> {
    let (name, file) = with_free_name(target, |path| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    })?;
    drop(name);
    Ok(file)
}

/// The temporary names that are on the disk, of this process.
static NAMES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn names() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // A name is added or removed as a whole.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is done before there are any.
static BEFORE: OnceLock<fn()> = OnceLock::new();

/// Has this done before each temporary file of this process: what calls [`abandon`] need not run without one. The first call
/// counts.
pub fn before_temporary_files(does: fn()) {
    BEFORE.get_or_init(|| does);
}

/// How long a file system may take to create a name; one that hangs lets nobody go otherwise.
const LONGEST: Duration = Duration::from_secs(1);

/// Removes the temporary files of this process, and lets it create no more. Only for a process that ends now, because of a
/// signal or a bug: any thread that still writes files waits from then on, or fails.
///
/// Each file is then what it was, or what it was to be, and the first ones may be new while the rest are old. That is what
/// [`replace_files`](super::replace_files) leaves of a process that is killed, but for the files with keys that nobody
/// knows of.
pub fn abandon() {
    let until = Instant::now() + LONGEST;
    let names = loop {
        match NAMES.try_lock() {
            Ok(names) => break names,
            Err(TryLockError::Poisoned(names)) => break names.into_inner(),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::WouldBlock) => return,
        }
    };
    for name in names.iter() {
        drop(fs::remove_file(name));
    }
    // For ever: nobody adds to what was removed.
    std::mem::forget(names);
}

/// Removes what runs that were killed have left in a folder. Only for who has the lock of the folder.
pub(super) fn remove_leftovers(folder: &Path) {
    // A folder that cannot be listed or written to fails soon enough, where it matters.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_temporary(&entry.file_name()) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

fn with_free_name<T>(
    target: &Path,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(Beside, T)> {
    let of = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    if let Some(does) = BEFORE.get() {
        does();
    }
    for attempt in 0..100 {
        let mut name = OsString::from(".");
        name.push(of);
        name.push(format!("{MARK}{}-{attempt}", std::process::id()));
        let path = target.with_file_name(name);
        // Until it is in the list: a signal in between would leave it behind.
        let mut names = names();
        match make(&path) {
            Ok(made) => {
                names.insert(path.clone());
                let is_temporary = true;
                return Ok((Beside { path, is_temporary }, made));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// In `.NAME.clearml-PROCESS-NUMBER`.
const MARK: &str = ".clearml-";

fn is_temporary(name: &OsStr) -> bool {
    let Some((of, numbers)) = name.to_str().and_then(|name| name.rsplit_once(MARK)) else {
        return false;
    };
    let is_number =
        |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    of.len() > 1
        && of.starts_with('.')
        && numbers
            .split_once('-')
            .is_some_and(|(process, number)| is_number(process) && is_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_told_from_other_peoples_files() {
        let folder = tempfile::tempdir().unwrap();
        let ours = [
            ".a.yml.clearml-1-0",
            ".a.yml.clearml-4711-12",
            ".a.clearml-1-0.clearml-1-0",
            ".b.clearml-1-0",
        ];
        let others = [
            "a.yml",
            ".a.yml.clearml-1",
            ".a.yml.clearml-1-",
            ".a.yml.clearml-1-0-0",
            ".a.yml.clearml-1-x",
            ".a.yml.swp",
            "a.yml.clearml-1-0",
            ".clearml-1-0",
        ];
        for name in ours.iter().chain(&others) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let a_folder = folder.path().join(".a.yml.clearml-2-0");
        fs::create_dir(&a_folder).unwrap();
        remove_leftovers(folder.path());
        assert!(ours.iter().all(|name| !folder.path().join(name).exists()));
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
        assert!(a_folder.exists());
    }
}

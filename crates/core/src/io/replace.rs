//! Writes several files as one: all of them or none.
//!
//! Every new text is on the disk, beside its target, before the first name changes. So a full disk, a folder that
//! cannot be written to and an owner that cannot be kept are met while nothing has happened yet. What fails later is
//! undone by a second name of each old file. A process that is killed leaves the first of the files new and the rest
//! old, each of them whole: their order is for the caller to choose.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::attributes::Old;
use super::beside::{Beside, remove_leftovers};
use super::lock::Folders;
use super::mode::Mode;
use super::{folder_of, read_text};
use crate::error::Error;
use crate::exit;

/// A file as it is to be.
#[derive(Clone, Copy)]
pub struct NewFile<'a> {
    /// Where. A symbolic link stays one, and its target is replaced.
    pub path: &'a Path,
    /// All of its text.
    pub text: &'a str,
    /// What must be there until then.
    pub before: Before<'a>,
    /// Who may read it.
    pub mode: Mode,
}

/// What must be at a path for a file to be put there.
#[derive(Clone, Copy, PartialEq)]
pub enum Before<'a> {
    /// Nothing, not even a symbolic link.
    Nothing,
    /// The text that the new one was made from, or the new one already.
    Text(&'a str),
    /// Any file, or nothing.
    Whatever,
}

/// Writes all of these files, in this order, or none.
///
/// A file that is replaced keeps its owner, or is not replaced. One that is to have the text it has is not touched.
///
/// The folders are locked meanwhile. So of two runs the later one finds the text of the earlier one, and fails with
/// [`Error::Changed`]. And anyone who has the lock knows that a temporary file there was left by a run that was killed,
/// and removes it, for it holds secrets; no process number has to be trusted, which means nothing in another container.
/// (`O_TMPFILE` would leave none, but the file could be given only a name that is free.)
///
/// # Errors
/// What cannot be written, or was changed by somebody else. Every file is what it was then, unless the error is
/// [`Error::PutBack`].
pub fn replace_files(files: &[NewFile<'_>]) -> Result<(), Error> {
    replace(files.iter().map(Step::new).collect::<Result<_, _>>()?)
}

/// The same for one file, whose text begins with what is in an open one.
pub(super) fn replace_with_start(file: &NewFile<'_>, start: &File) -> Result<(), Error> {
    let mut step = Step::new(file)?;
    step.start = Some(start);
    replace(vec![step])
}

fn replace(steps: Vec<Step<'_>>) -> Result<(), Error> {
    // That of a symbolic link, too: its backup is there.
    let paths = steps.iter().flat_map(|step| [step.file.path, &step.target]);
    let lock = match Folders::lock(paths) {
        Ok(lock) => Some(lock),
        // A file can be created without: the name is taken only if it is free.
        Err(_) if steps.iter().all(Step::is_creation) => None,
        Err(folder) => return Err(Error::Locked { folder }),
    };
    lock.iter()
        .flat_map(Folders::paths)
        .for_each(remove_leftovers);
    // The temporary names go with the steps, and that is before the lock does: nobody else can have taken them.
    take(steps)
}

fn take(mut steps: Vec<Step<'_>>) -> Result<(), Error> {
    // What was read is looked at before what is to be created: who has lost a race is to hear that, and not what else
    // the winner has created.
    for creations in [false, true] {
        for step in &mut steps {
            if step.is_creation() == creations {
                step.is_due = step.is_due()?;
            }
        }
    }
    steps.retain(|step| step.is_due);
    for step in &mut steps {
        step.prepare()?;
    }
    // Once more, because an editor asks for no lock, and the disk took its time.
    for step in &steps {
        step.is_due()?;
    }
    exit::writing();
    let taken = steps.iter_mut().try_for_each(Step::take_name);
    if taken.is_err() {
        // Where this stops, what came earlier stays as well: what is there then is what a killed run leaves.
        for step in steps.iter_mut().rev() {
            step.put_back()?;
        }
    }
    taken
}

/// One file on its way.
struct Step<'a> {
    file: &'a NewFile<'a>,
    /// What its text begins with, if that is not in memory.
    start: Option<&'a File>,
    /// The path without the symbolic link.
    target: PathBuf,
    is_due: bool,
    /// The new text, until it has its name.
    new: Option<Beside>,
    /// A second name of what was there.
    old: Option<Beside>,
    has_name: bool,
}

impl<'a> Step<'a> {
    fn new(file: &'a NewFile<'a>) -> Result<Self, Error> {
        let mut target = file.path.to_owned();
        if file.before != Before::Nothing && super::is_link(&target) {
            target = fs::canonicalize(&target).map_err(|source| file.cannot_be_written(source))?;
        }
        Ok(Self {
            file,
            start: None,
            target,
            is_due: true,
            new: None,
            old: None,
            has_name: false,
        })
    }

    fn is_creation(&self) -> bool {
        self.file.before == Before::Nothing
    }

    /// Whether there is something to do; an error if it must not be done.
    fn is_due(&self) -> Result<bool, Error> {
        let metadata = match self.target.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match self.file.before {
                    Before::Nothing | Before::Whatever => Ok(true),
                    Before::Text(_) => Err(self.changed()),
                };
            }
            Err(error) => return Err(self.file.cannot_be_written(error)),
        };
        let before = match self.file.before {
            Before::Nothing => {
                return Err(self
                    .file
                    .cannot_be_written(io::ErrorKind::AlreadyExists.into()));
            }
            _ if metadata.is_dir() => {
                return Err(self
                    .file
                    .cannot_be_written(io::ErrorKind::IsADirectory.into()));
            }
            _ if !metadata.is_file() => {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
                return Err(self.file.cannot_be_written(error));
            }
            Before::Whatever => return Ok(true),
            Before::Text(before) => before,
        };
        let now = read_text(&self.target)?;
        let is_open = metadata.permissions().mode() & 0o077 != 0;
        if *now == self.file.text && !(is_open && self.file.mode == Mode::Private) {
            Ok(false)
        } else if *now == before {
            Ok(true)
        } else {
            Err(self.changed())
        }
    }

    fn changed(&self) -> Error {
        Error::Changed {
            path: self.file.path.to_owned(),
        }
    }

    /// Does all that can be done before a name changes.
    fn prepare(&mut self) -> Result<(), Error> {
        let cannot_be_written = |source| self.file.cannot_be_written(source);
        let (new, mut file) = Beside::create(&self.target).map_err(cannot_be_written)?;
        if let Some(mut start) = self.start {
            start
                .rewind()
                .and_then(|()| io::copy(&mut start, &mut file))
                .map_err(cannot_be_written)?;
        }
        file.write_all(self.file.text.as_bytes())
            .map_err(cannot_be_written)?;
        if self.file.mode == Mode::Anyone {
            file.set_permissions(PermissionsExt::from_mode(0o644))
                .map_err(cannot_be_written)?;
        }
        if let Some(old) = Old::at(&self.target).map_err(cannot_be_written)? {
            let given = match self.file.mode {
                Mode::Anyone => Ok(()),
                mode => old.give_to(&file, mode),
            };
            given.map_err(|(what, source)| Error::Keep {
                path: self.file.path.to_owned(),
                what,
                source,
            })?;
            self.old = Some(Beside::second_name(&self.target, &old).map_err(cannot_be_written)?);
        }
        file.sync_all().map_err(cannot_be_written)?;
        self.new = Some(new);
        Ok(())
    }

    /// Gives the new file its name, and has the folder on the disk before the next file gets its own: not even a
    /// power failure may turn their order around.
    fn take_name(&mut self) -> Result<(), Error> {
        let is_due = self.is_due()?;
        let Some(new) = self.new.take().filter(|_| is_due) else {
            return Ok(());
        };
        let taken = if self.is_creation() {
            new.take_free_name(&self.target)
        } else {
            new.take_name(&self.target)
        };
        taken.map_err(|source| self.file.cannot_be_written(source))?;
        self.has_name = true;
        flush_folder(&self.target).map_err(|source| self.file.cannot_be_written(source))
    }

    fn put_back(&mut self) -> Result<(), Error> {
        if !self.has_name {
            return Ok(());
        }
        let (put_back, kept) = match self.old.take() {
            Some(old) => {
                let kept = old.path().to_owned();
                (old.return_name(&self.target), Some(kept))
            }
            None => (fs::remove_file(&self.target), None),
        };
        put_back.map_err(|source| Error::PutBack {
            path: self.file.path.to_owned(),
            kept,
            source,
        })?;
        // If this fails, too, the names are right all the same; only a power failure now could turn them around.
        drop(flush_folder(&self.target));
        Ok(())
    }
}

impl NewFile<'_> {
    fn cannot_be_written(&self, source: io::Error) -> Error {
        // A folder is not overwritten, whatever option is added.
        let is_folder = source.kind() == io::ErrorKind::AlreadyExists && self.path.is_dir();
        let source = match is_folder {
            true => io::ErrorKind::IsADirectory.into(),
            false => source,
        };
        Error::Write {
            path: self.path.to_owned(),
            source,
        }
    }
}

/// Has the names in a file's folder on the disk. Some file systems cannot, and a folder that may only be written to
/// cannot be opened for it; the names hold all the same.
fn flush_folder(target: &Path) -> io::Result<()> {
    let Ok(folder) = fs::File::open(folder_of(target)) else {
        return Ok(());
    };
    match folder.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        flushed => flushed,
    }
}

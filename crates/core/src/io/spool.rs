//! A text that may be too long for memory, and is written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::beside::unnamed;
use super::mode::Mode;
use super::replace::{Before, NewFile, replace_with_start};
use super::{is_no_file, write_file};
use crate::error::Error;

/// So many bytes of a text are kept in memory.
const KEPT: usize = 1 << 20;

/// A text on its way to a file. What is too much for memory waits on the disk, beside the file and without a name: nothing is
/// left of it, however the program ends.
pub struct Spool {
    path: PathBuf,
    start: Option<File>,
    rest: String,
    /// How much is kept in memory: all that goes to a pipe or a terminal, which have no disk beside them.
    most: usize,
}

impl Spool {
    /// An empty one. A file that is there is going to be replaced.
    pub fn to(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            start: None,
            rest: String::new(),
            most: match is_no_file(path) {
                true => usize::MAX,
                false => KEPT,
            },
        }
    }

    /// Adds to it.
    ///
    /// # Errors
    /// A folder that cannot be written to, or a full disk.
    pub fn push(&mut self, text: &str) -> Result<(), Error> {
        self.rest.push_str(text);
        if self.rest.len() < self.most {
            return Ok(());
        }
        self.spill().map_err(|source| Error::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut start = match self.start.take() {
            Some(start) => start,
            None => unnamed(&fs::canonicalize(&self.path).unwrap_or(self.path.clone()))?,
        };
        start.write_all(self.rest.as_bytes())?;
        self.start = Some(start);
        self.rest.clear();
        Ok(())
    }

    /// Puts it where it belongs.
    ///
    /// # Errors
    /// What cannot be written; nothing is left behind then.
    pub fn write(self, mode: Mode) -> Result<(), Error> {
        let Some(start) = &self.start else {
            return write_file(&self.path, &self.rest, true, mode);
        };
        let file = NewFile {
            path: &self.path,
            text: &self.rest,
            before: Before::Whatever,
            mode,
        };
        replace_with_start(&file, start)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_long_text_is_whole_and_was_nowhere_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "before").unwrap();
        let mut spool = Spool::to(&path);
        let mut whole = String::new();
        for number in 0..300_000 {
            let line = format!("line {number}\n");
            spool.push(&line).unwrap();
            whole.push_str(&line);
        }
        assert!(spool.start.is_some() && spool.rest.len() < KEPT);
        assert_eq!(names(folder.path()), ["report.json"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        spool.write(Mode::Private).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["report.json"]);
    }

    #[test]
    fn what_is_not_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let mut spool = Spool::to(&path);
        spool.push(&"x".repeat(2 * KEPT)).unwrap();
        drop(spool);
        assert!(names(folder.path()).is_empty());
        let mut nowhere = Spool::to(&folder.path().join("no/report.json"));
        assert!(nowhere.push(&"x".repeat(2 * KEPT)).is_err());
    }

    #[test]
    fn what_goes_to_no_file_is_kept() {
        let mut spool = Spool::to(Path::new("/dev/null"));
        spool.push(&"x".repeat(2 * KEPT)).unwrap();
        assert!(spool.start.is_none());
        spool.write(Mode::Private).unwrap();
    }
}

//! What comes out: text on standard output, or files, all of them or none.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clearml_secure_cli::talk::has_color;
use clearml_secure_core::io::{
    Before, Mode, NewFile, is_stream, mode_for_others, read_text, readers, refuse_closed,
    replace_files, write_secret_file,
};
use clearml_secure_core::redact::Mark;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;
use clearml_secure_core::{error::Error as CoreError, exit};
use clearml_secure_plan::env_file::EnvFile;

use crate::cli::Cli;
use crate::diff::{self, Change};
use crate::error::Error;
use clearml_secure_cli::talk::say;

/// All that has been proved and may be written.
pub(crate) struct Product<'a> {
    pub(crate) cli: &'a Cli,
    /// The compose file as it is.
    pub(crate) before: &'a str,
    /// The compose file as it is to be, or what is merged over it.
    pub(crate) after: &'a str,
    pub(crate) env_file: Option<&'a EnvFile>,
    /// Whether the output is there and says all that it has to say.
    pub(crate) is_output_right: bool,
    pub(crate) is_changed: bool,
    /// Whether secrets are in it from now on.
    pub(crate) holds_secrets: bool,
    /// What tells masked values apart in a diff.
    pub(crate) marks: &'a [Mark],
}

impl Product<'_> {
    /// Writes it to where it was asked for; returns the exit code.
    pub(crate) fn write(&self) -> Result<u8, Error> {
        if self.cli.check {
            return Ok(if self.is_changed {
                exit::FINDINGS
            } else {
                exit::FINE
            });
        }
        if self.cli.diff {
            print(&self.diff())?;
        } else if self.cli.in_place {
            self.in_place()?;
        } else if self.is_output_right {
            self.replace(self.new_env_file().as_slice(), None)?;
            self.close_output()?;
        } else {
            match self.cli.output.as_deref() {
                Some(path) if path != Path::new("-") => self.to_file(path)?,
                _ => self.to_standard_output()?,
            }
        }
        if !self.cli.diff {
            self.close_env_file();
        }
        Ok(exit::FINE)
    }

    fn diff(&self) -> String {
        let color = has_color(self.cli.general.color, &io::stdout());
        let of_env_file = self.env_file.map(|file| Change {
            path: &file.path,
            before: file.before.as_ref().map(|text| text.as_str()),
            after: &file.after,
            is_compose: false,
        });
        let of_compose = Change {
            path: &self.cli.compose,
            before: Some(self.before),
            after: self.after,
            is_compose: true,
        };
        let changes = of_env_file.into_iter().chain([of_compose]);
        changes
            .map(|change| diff::unified(&change, self.marks, color))
            .collect()
    }

    /// Changes the compose file itself, and keeps it as it was beside it if asked to.
    ///
    /// The env file comes before the compose file: what a run that is killed between the two leaves is the old compose
    /// file, which does not ask for the new lines yet.
    fn in_place(&self) -> Result<(), Error> {
        let is_changed = self.before != self.after;
        let backup = self.backup().filter(|_| is_changed);
        let mut files = Vec::new();
        if let Some(backup) = &backup {
            files.push(NewFile {
                path: backup,
                text: self.before,
                before: Before::Nothing,
                mode: Mode::Private,
            });
        }
        files.extend(self.new_env_file());
        files.push(NewFile {
            path: &self.cli.compose,
            text: self.after,
            before: Before::Text(self.before),
            mode: Mode::Keep,
        });
        let old = File::open(&self.cli.compose);
        self.replace(&files, backup.as_deref())?;
        if let Ok(old) = old
            && is_changed
            && !self.cli.general.quiet
        {
            say(&remarks_in_place(
                &self.cli.compose,
                &old,
                self.holds_secrets,
            ));
        }
        Ok(())
    }

    /// The backup that is still to be made; none if a run that was killed has made it already.
    fn backup(&self) -> Option<PathBuf> {
        let mut path = self.cli.compose.clone().into_os_string();
        path.push(self.cli.backup.as_ref()?);
        let path = PathBuf::from(path);
        let is_made = path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file())
            && read_text(&path).is_ok_and(|text| *text == self.before);
        (!is_made).then_some(path)
    }

    fn to_file(&self, path: &Path) -> Result<(), Error> {
        let Some(env_file) = self.new_env_file() else {
            return Ok(write_secret_file(path, self.after, self.cli.force)?);
        };
        if is_stream(path) {
            // It cannot be replaced together with the other.
            self.replace(&[env_file], None)?;
            return Ok(
                write_secret_file(path, self.after, true).inspect_err(|_| put_back(&env_file))?
            );
        }
        let files = [
            env_file,
            NewFile {
                path,
                text: self.after,
                before: if self.cli.force {
                    Before::Whatever
                } else {
                    Before::Nothing
                },
                mode: Mode::Private,
            },
        ];
        self.replace(&files, None)
    }

    /// The env file first. If nobody takes the other half, it is put back.
    fn to_standard_output(&self) -> Result<(), Error> {
        if self.holds_secrets
            && !self.cli.general.quiet
            && let Some(mode) = mode_for_others(io::stdout())
        {
            say(&format!(
                "clearml-inject: others can read the file that you write to, and it holds secrets (mode {mode:04o}). Use `-o FILE`, not `>`: -o creates the file with mode 0600\n"
            ));
        }
        let Some(env_file) = self.new_env_file() else {
            // Thrown away, it was a question whether all can be done.
            return print(self.after).map(drop);
        };
        refuse_closed(io::stdout()).map_err(Error::Output)?;
        self.replace(&[env_file], None)?;
        let taken = print(self.after);
        if !matches!(taken, Ok(true)) {
            put_back(&env_file);
        }
        taken.map(drop)
    }

    /// The env file as it is to be: private, because it holds secrets.
    fn new_env_file(&self) -> Option<NewFile<'_>> {
        let file = self.env_file.filter(|file| file.is_changed())?;
        Some(NewFile {
            path: &file.path,
            text: &file.after,
            before: file
                .before
                .as_ref()
                .map_or(Before::Nothing, |text| Before::Text(text)),
            mode: Mode::Private,
        })
    }

    /// Writes files, all of them or none.
    fn replace(&self, files: &[NewFile<'_>], backup: Option<&Path>) -> Result<(), Error> {
        let mode = self.env_file.and_then(|file| wide_mode(&file.path));
        replace_files(files).map_err(|error| match error {
            CoreError::Write { path, source }
                if source.kind() == ErrorKind::AlreadyExists && backup == Some(&*path) =>
            {
                Error::BackupExists(path)
            }
            error => Error::Core(error),
        })?;
        if let (Some(file), Some(mode)) = (self.env_file, mode)
            && file.is_changed()
        {
            self.say_closed(&file.path, mode);
        }
        Ok(())
    }

    /// An env file that has all lines already is not written, and is made as private as a new one.
    fn close_env_file(&self) {
        let file = self.env_file.filter(|file| !file.is_changed());
        let wide = file.and_then(|file| Some((&file.path, wide_mode(&file.path)?)));
        let Some((path, mode)) = wide.filter(|(path, _)| path.is_file()) else {
            return;
        };
        match fs::set_permissions(path, Permissions::from_mode(0o600)) {
            Ok(()) => self.say_closed(path, mode),
            Err(_) if self.cli.general.quiet => {}
            Err(_) => say(&open(path, mode)),
        }
    }

    /// An output that says all that it has to say already is made as private as a new one.
    fn close_output(&self) -> Result<(), Error> {
        let output = self.cli.output.as_deref().filter(|_| self.holds_secrets);
        let Some((path, mode)) = output.and_then(|path| Some((path, wide_mode(path)?))) else {
            return Ok(());
        };
        let text = read_text(path)?;
        replace_files(&[NewFile {
            path,
            text: &text,
            before: Before::Text(&text),
            mode: Mode::Private,
        }])?;
        self.say_closed(path, mode);
        Ok(())
    }

    fn say_closed(&self, path: &Path, mode: u32) {
        if !self.cli.general.quiet {
            let name = path.to_string_lossy();
            say(&format!(
                "clearml-inject: {} holds secrets, so now only its owner can read it (mode 0600; it was {mode:04o})\n",
                escape(&name)
            ));
        }
    }
}

/// What could not be written is told already; that this fails as well leaves an env file with lines that nobody reads.
fn put_back(new: &NewFile<'_>) {
    match new.before {
        Before::Text(text) => drop(replace_files(&[NewFile {
            text,
            before: Before::Text(new.text),
            ..*new
        }])),
        _ => drop(fs::remove_file(new.path)),
    }
}

/// Whether somebody took it; nobody did where a pipe was closed.
fn print(text: &str) -> Result<bool, Error> {
    exit::write_product(io::stdout().lock(), text.as_bytes()).map_err(Error::Output)
}

/// The mode of a file that others may read, too.
fn wide_mode(path: &Path) -> Option<u32> {
    let mode = path.metadata().ok()?.mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// What to do about files with secrets that others can read, and that no run closes.
pub(crate) fn left_open(files: &[PathBuf]) -> String {
    let open = |path: &PathBuf| Some(open(path, readers(path)?.mode));
    files.iter().filter_map(open).collect()
}

/// What to do about a file with secrets that others can read.
fn open(path: &Path, mode: u32) -> String {
    format!(
        "clearml-inject: {} holds secrets, and others can read it (mode {mode:04o}). To close it:\n  chmod 600 {}\n",
        escape(&path.to_string_lossy()),
        quoted(path)
    )
}

/// What a person should know about the file: it keeps its mode, also where it holds secrets from now on, and other
/// names of the old one keep the old text.
fn remarks_in_place(path: &Path, old: &File, holds_secrets: bool) -> String {
    let Ok(metadata) = old.metadata() else {
        return String::new();
    };
    let name = path.to_string_lossy();
    let name = escape(&name);
    let mut out = String::new();
    if holds_secrets && metadata.mode() & 0o077 != 0 {
        out.push_str(&open(path, metadata.mode() & 0o7777));
    }
    // The name that it had is no longer one of its own.
    if metadata.nlink() > 0 {
        out.push_str(&format!(
            "clearml-inject: {name} had other hard links: they still have the old text\n"
        ));
    }
    out
}

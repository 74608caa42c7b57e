//! What is written: the keyset, and beside a `secure.conf` the `apiserver.conf` with its users. Both or neither.

use std::path::{Path, PathBuf};

use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{
    Before, Mode, NewFile, is_same, read_text, replace_files, write_secret_file,
};
use clearml_secure_core::keyset::{self, Keyset, enumerated};
use clearml_secure_core::setting::SETTINGS;
use zeroize::Zeroizing;

use crate::cli::{Cli, Format};
use crate::error::Error;
use crate::talk::{exists, name, say, to_standard_output};

/// The name under which servers read the keyset (docs/clearml.md#file-names-are-paths).
const SECURE: &str = "secure.conf";

/// The name under which the API server reads its users.
const APISERVER: &str = "apiserver.conf";

/// All that is to be written. Whatever can fail without writing has been done.
pub(crate) struct Product {
    keyset: Zeroizing<String>,
    users: usize,
    apiserver: Option<Apiserver>,
}

struct Apiserver {
    path: PathBuf,
    /// What is there now.
    before: Option<Zeroizing<String>>,
    merged: keyset::Apiserver,
}

impl Product {
    /// `text` is the keyset as it was asked for.
    ///
    /// # Errors
    /// An `apiserver.conf` that is there and is not to be changed, or cannot be.
    pub(crate) fn new(cli: &Cli, keyset: &Keyset, text: Zeroizing<String>) -> Result<Self, Error> {
        let apiserver = match file(cli) {
            Some(path) if is_secure_conf(cli, path) && !keyset.users().is_empty() => {
                Some(Apiserver::new(cli, keyset, path.with_file_name(APISERVER))?)
            }
            _ => None,
        };
        Ok(Self {
            keyset: text,
            users: keyset.users().len(),
            apiserver,
        })
    }

    /// The `apiserver.conf` beside the keyset that was given, where clearml-inject with the new one would remove users
    /// of it: what it puts in stands for the whole list of the file.
    pub(crate) fn left_out(&self, cli: &Cli, keyset: &Keyset) -> Option<String> {
        let from = cli.from.as_deref().filter(|path| *path != Path::new("-"))?;
        let path = from.with_file_name(APISERVER);
        let is_merged = |apiserver: &Apiserver| is_same(&apiserver.path, &path);
        if self.users == 0 || !path.is_file() || self.apiserver.as_ref().is_some_and(is_merged) {
            return None;
        }
        let left_out = read_text(&path).and_then(|text| keyset.users_left_out(&text, &path));
        match left_out {
            Ok(users) if users.is_empty() => None,
            Ok(users) => Some(format!(
                "warning: {}: not in this keyset, and clearml-inject with it would remove them: {}\n  \
                 help: `-f hocon -o FOLDER/{SECURE}` keeps them; or list them in --users-from FILE",
                name(&path),
                enumerated(&users)
            )),
            Err(error) => Some(format!(
                "warning: not checked whether {} has users whom clearml-inject with this keyset would remove: {error}",
                name(&path)
            )),
        }
    }

    /// Writes the files or the standard output, and says so.
    ///
    /// # Errors
    /// What cannot be written. The files are what they were then.
    pub(crate) fn write(&self, cli: &Cli) -> Result<(), Error> {
        let Some(path) = file(cli) else {
            return to_standard_output(cli, &self.keyset);
        };
        self.write_files(cli, path).map_err(exists)?;
        let (path, settings) = (name(path), SETTINGS.len());
        say(
            cli,
            &format!("wrote {path} (mode 0600): {settings} settings"),
        );
        match &self.apiserver {
            Some(apiserver) => apiserver.tell(cli, self.users),
            None if self.users > 0 && matches!(cli.format, Format::Hocon) => say(
                cli,
                &format!(
                    "no server reads the users in {path}; `-o FOLDER/{SECURE}` writes {APISERVER} beside it"
                ),
            ),
            None => {}
        }
        Ok(())
    }

    fn write_files(&self, cli: &Cli, path: &Path) -> Result<(), CoreError> {
        let Some(apiserver) = &self.apiserver else {
            return write_secret_file(path, &self.keyset, cli.force);
        };
        let before = if cli.force {
            Before::Whatever
        } else {
            Before::Nothing
        };
        replace_files(&[
            apiserver.file(),
            NewFile {
                path,
                text: &self.keyset,
                before,
                mode: Mode::Private,
            },
        ])
    }
}

impl Apiserver {
    fn new(cli: &Cli, keyset: &Keyset, path: PathBuf) -> Result<Self, Error> {
        // A symbolic link to nothing is there as well.
        let is_there = path.symlink_metadata().is_ok();
        if is_there && !cli.force {
            return Err(Error::ApiserverExists(path));
        }
        let before = if path.exists() {
            Some(read_text(&path)?)
        } else {
            None
        };
        let merged = match &before {
            Some(text) => keyset.merge_apiserver(text, &path)?,
            None => keyset::Apiserver {
                text: keyset.write_apiserver(),
                kept: Vec::new(),
                renewed: Vec::new(),
            },
        };
        Ok(Self {
            path,
            before,
            merged,
        })
    }

    /// The file as it is to be.
    fn file(&self) -> NewFile<'_> {
        NewFile {
            path: &self.path,
            text: &self.merged.text,
            before: self
                .before
                .as_ref()
                .map_or(Before::Nothing, |text| Before::Text(text)),
            mode: Mode::Private,
        }
    }

    /// Says what became of the users.
    fn tell(&self, cli: &Cli, users: usize) {
        let path = name(&self.path);
        let users = match users {
            1 => "1 web-login user".to_owned(),
            count => format!("{count} web-login users"),
        };
        say(cli, &format!("wrote {path} (mode 0600): {users}"));
        let (kept, renewed) = (&self.merged.kept, &self.merged.renewed);
        if !renewed.is_empty() {
            let names = enumerated(renewed);
            say(cli, &format!("{path}: new password for {names}"));
        }
        if !kept.is_empty() {
            let names = enumerated(kept);
            say(
                cli,
                &format!("{path}: kept, though not in the keyset: {names}"),
            );
        }
    }
}

/// The file to write, if it is not standard output.
fn file(cli: &Cli) -> Option<&Path> {
    cli.output.as_deref().filter(|path| *path != Path::new("-"))
}

/// Whether servers will read the file as `secure`.
fn is_secure_conf(cli: &Cli, path: &Path) -> bool {
    matches!(cli.format, Format::Hocon) && path.file_name().is_some_and(|name| name == SECURE)
}

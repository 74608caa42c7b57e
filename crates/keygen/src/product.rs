//! What is written: the keyset, and beside a `secure.conf` the `apiserver.conf` with its users. Both or neither.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::{Before, Mode, NewFile, read_text, replace_files, write_secret_file};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shown::escape;
use zeroize::Zeroizing;

use crate::cli::{Cli, Format};
use crate::error::Error;
use crate::talk::{exists, say, to_standard_output};

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
    text: Zeroizing<String>,
    /// What is there now.
    before: Option<Zeroizing<String>>,
    /// Users who no longer can log in.
    gone: Vec<String>,
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

    /// Writes the files or the standard output, and says so.
    ///
    /// # Errors
    /// What cannot be written. The files are what they were then.
    pub(crate) fn write(&self, cli: &Cli) -> Result<(), Error> {
        let Some(path) = file(cli) else {
            return to_standard_output(cli, &self.keyset);
        };
        match &self.apiserver {
            None => write_secret_file(path, &self.keyset, cli.force),
            Some(apiserver) => replace_files(&[
                apiserver.file(),
                NewFile {
                    path,
                    text: &self.keyset,
                    before: if cli.force {
                        Before::Whatever
                    } else {
                        Before::Nothing
                    },
                    mode: Mode::Private,
                },
            ]),
        }
        .map_err(exists)?;
        let name = |path: &Path| escape(&path.to_string_lossy()).into_owned();
        let (path, settings) = (name(path), SETTINGS.len());
        say(
            cli,
            &format!("wrote {path} (mode 0600): {settings} settings"),
        );
        match &self.apiserver {
            Some(apiserver) => {
                let path = name(&apiserver.path);
                let users = match self.users {
                    1 => "1 web-login user".to_owned(),
                    count => format!("{count} web-login users"),
                };
                say(cli, &format!("wrote {path} (mode 0600): {users}"));
                for user in &apiserver.gone {
                    say(
                        cli,
                        &format!("{path}: {} is no longer a user", escape(user)),
                    );
                }
            }
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
}

impl Apiserver {
    fn new(cli: &Cli, keyset: &Keyset, path: PathBuf) -> Result<Self, Error> {
        // A symbolic link to nothing is there as well.
        let is_there = path.symlink_metadata().is_ok();
        if is_there && !cli.force {
            return Err(Error::ApiserverExists(path));
        }
        if !path.exists() {
            return Ok(Self {
                text: keyset.write_apiserver(),
                path,
                before: None,
                gone: Vec::new(),
            });
        }
        let before = read_text(&path)?;
        let merged = keyset.merge_apiserver(&before, &path)?;
        Ok(Self {
            path,
            text: merged.text,
            before: Some(before),
            gone: merged.gone,
        })
    }

    /// The file as it is to be.
    fn file(&self) -> NewFile<'_> {
        NewFile {
            path: &self.path,
            text: &self.text,
            before: self
                .before
                .as_ref()
                .map_or(Before::Nothing, |text| Before::Text(text)),
            mode: Mode::Private,
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

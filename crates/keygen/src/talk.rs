//! What a person is told on standard error, and the keyset on standard output.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::exit::{self, Input};
use clearml_secure_core::io::{mode_for_others, refuse_closed};
use clearml_secure_core::shown::escape_path;

use crate::cli::Cli;
use crate::error::Error;

/// A file that is there already has an error of its own.
pub(crate) fn exists(error: CoreError) -> Error {
    match error {
        CoreError::Write { path, source } if source.kind() == ErrorKind::AlreadyExists => {
            Error::Exists(path)
        }
        error => Error::Core(error),
    }
}

/// Prints what is no secret.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let printed = exit::write_product(io::stdout().lock(), text.as_bytes());
    printed.map(drop).map_err(Error::Output)
}

pub(crate) fn to_standard_output(cli: &Cli, text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    refuse_closed(&out).map_err(Error::Output)?;
    exit::write_product(&mut out, text.as_bytes()).map_err(Error::Output)?;
    if out.is_terminal() {
        say(
            cli,
            "these secrets are now on your screen. `-o FILE` writes them to a file that only you can read",
        );
    } else if let Some(mode) = mode_for_others(&out) {
        say(
            cli,
            &format!(
                "others can read the file that you write to (mode {mode:04o}). Use `-o FILE`, not `>`: -o creates the file with mode 0600"
            ),
        );
    }
    Ok(())
}

/// That a file was written. What is no file, such as `/dev/stdout`, keeps its mode.
pub(crate) fn wrote(path: &Path) -> String {
    match path.is_file() {
        true => format!("wrote {} (mode 0600)", name(path)),
        false => format!("wrote {}", name(path)),
    }
}

/// What a file that is read, or written, is called.
pub(crate) fn name(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => escape_path(path).into_owned(),
    }
}

/// Talk, which goes to standard error. That nobody may be listening is no error.
pub(crate) fn say(cli: &Cli, text: &str) {
    if !cli.general.quiet {
        drop(writeln!(io::stderr(), "clearml-keygen: {text}"));
    }
}

/// Several things, each on a line of its own.
pub(crate) fn say_all(cli: &Cli, all: impl IntoIterator<Item = String>) {
    all.into_iter().for_each(|text| say(cli, &text));
}

/// Says to a person at a terminal that there is something to type.
pub(crate) fn waiting(cli: &Cli) {
    let input = |path, what, named| Input { path, what, named };
    let inputs = [
        input(cli.from.as_deref(), "a keyset", "--from FILE"),
        input(
            cli.users_from.as_deref(),
            "users, a line `name:password` each,",
            "--users-from FILE",
        ),
    ];
    if let Some(text) = exit::waiting("clearml-keygen", &inputs).filter(|_| !cli.general.quiet) {
        drop(io::stderr().write_all(text.as_bytes()));
    }
}

//! Where the keyset and the users go, by the command line.

use std::path::{Path, PathBuf};

use clearml_secure_core::keyset::{APISERVER, SECURE};

use crate::cli::{Cli, Format};

/// The `apiserver.conf` that is written, if any: the output itself, or the one beside a `secure.conf`. `of_users` is
/// [`is_of_users`].
pub(crate) fn apiserver(cli: &Cli, of_users: bool) -> Option<PathBuf> {
    let path = file(cli)?;
    if of_users {
        return Some(path.to_owned());
    }
    is_secure_conf(cli, path).then(|| path.with_file_name(APISERVER))
}

/// Whether only users are written: what is named for the server, and another file where the users come from an
/// `apiserver.conf`, which has nothing else for a keyset.
pub(crate) fn is_of_users(cli: &Cli, from_apiserver: bool) -> bool {
    let is_named = |path: &Path| path.file_name().is_some_and(|name| name == APISERVER);
    let is_it = |path: &Path| is_named(path) || from_apiserver && !is_secure_conf(cli, path);
    matches!(cli.format, Format::Hocon) && file(cli).is_some_and(is_it)
}

/// The file to write, if it is not standard output.
pub(crate) fn file(cli: &Cli) -> Option<&Path> {
    cli.output.as_deref().filter(|path| *path != Path::new("-"))
}

/// Whether servers will read the file as `secure`.
pub(crate) fn is_secure_conf(cli: &Cli, path: &Path) -> bool {
    matches!(cli.format, Format::Hocon) && path.file_name().is_some_and(|name| name == SECURE)
}

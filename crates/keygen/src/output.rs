//! Where the keyset and the users go, by the command line.

use std::path::{Path, PathBuf};

use crate::cli::{Cli, Format};

/// The name under which servers read the keyset (docs/clearml.md#file-names-are-paths).
pub(crate) const SECURE: &str = "secure.conf";

/// The name under which the API server reads its users.
pub(crate) const APISERVER: &str = "apiserver.conf";

/// The `apiserver.conf` that is written, if any: the output itself, or the one beside a `secure.conf`.
pub(crate) fn apiserver(cli: &Cli) -> Option<PathBuf> {
    let path = file(cli)?;
    (is_of_users(cli) || is_secure_conf(cli, path)).then(|| path.with_file_name(APISERVER))
}

/// Whether only users are written.
pub(crate) fn is_of_users(cli: &Cli) -> bool {
    let is_named = |path: &Path| path.file_name().is_some_and(|name| name == APISERVER);
    matches!(cli.format, Format::Hocon) && file(cli).is_some_and(is_named)
}

/// The file to write, if it is not standard output.
pub(crate) fn file(cli: &Cli) -> Option<&Path> {
    cli.output.as_deref().filter(|path| *path != Path::new("-"))
}

/// Whether servers will read the file as `secure`.
fn is_secure_conf(cli: &Cli, path: &Path) -> bool {
    matches!(cli.format, Format::Hocon) && path.file_name().is_some_and(|name| name == SECURE)
}

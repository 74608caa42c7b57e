//! The `secure.conf` that is read or written, whose users are a copy of those of the `apiserver.conf` beside it.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::read_text;
use clearml_secure_core::keyset::{Keyset, SECURE};
use clearml_secure_core::setting::{SETTINGS, Setting};

use crate::cli::Cli;
use crate::error::Error;
use crate::from::From;
use crate::output::{file, is_secure_conf};
use crate::users::New;

/// Lets the users of a copy be what they are now, because somebody changed a key. What this run is asked to change of a user is
/// left to it. Says who is another.
///
/// # Errors
/// A file that is there and cannot be read, or has a password of theirs in clear text.
pub(crate) fn follow(
    cli: &Cli,
    from: Option<&From<'_>>,
    added: &[New],
    keyset: &mut Keyset,
) -> Result<Vec<String>, Error> {
    let Some((path, copy)) = copy(cli, from)? else {
        return Ok(Vec::new());
    };
    let is_asked = |user: &String| {
        let mut added = added.iter();
        cli.remove_user.contains(user)
            || cli.reset_password.contains(user)
            || added.any(|one| one.username == *user)
    };
    let followed = keyset.follow(&path, &copy, is_asked)?;
    Ok(followed.iter().flat_map(|one| one.remarks()).collect())
}

/// The `secure.conf` that is read, or else the one that is written, as a keyset.
fn copy(cli: &Cli, from: Option<&From<'_>>) -> Result<Option<(PathBuf, Keyset)>, Error> {
    let is_copy = |from: &&From<'_>| from.path.file_name().is_some_and(|name| name == SECURE);
    if let Some(from) = from.filter(is_copy) {
        return Ok(Some((from.path.to_owned(), from.keyset.clone())));
    }
    let Some(path) = written(cli) else {
        return Ok(None);
    };
    Ok(replaced(path)?.map(|keyset| (path.to_owned(), keyset)))
}

/// The settings that get another value in the `secure.conf` that is written.
///
/// # Errors
/// One that is there and cannot be read.
pub(crate) fn changed(cli: &Cli, keyset: &Keyset) -> Result<Vec<Setting>, Error> {
    let before = written(cli)
        .map(replaced)
        .transpose()?
        .flatten()
        .unwrap_or_default();
    let is_new = |setting: &Setting| before.get(*setting) != keyset.get(*setting);
    Ok(SETTINGS.into_iter().filter(is_new).collect())
}

fn written(cli: &Cli) -> Option<&Path> {
    file(cli).filter(|path| is_secure_conf(cli, path) && path.is_file())
}

/// The keyset that is in a file; none in one that is something else.
fn replaced(path: &Path) -> Result<Option<Keyset>, Error> {
    let read = Keyset::read_incomplete(&read_text(path)?, path);
    Ok(read.ok().map(|(keyset, _)| keyset))
}

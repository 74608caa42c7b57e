//! The `secure.conf` that is read or written, whose users are a copy of those of the `apiserver.conf` beside it.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::{is_same, read_text};
use clearml_secure_core::keyset::{APISERVER, Followed, Keyset, apiserver_of};
use clearml_secure_core::setting::{SETTINGS, Setting};

use crate::cli::Cli;
use crate::error::Error;
use crate::from::From;
use crate::output::{file, is_secure_conf};
use crate::users::New;

/// Lets the users of a copy be what they are now, because somebody changed a key. What this run is asked to change of a user is
/// left to it. Says who is another, and who comes to those that are there without being asked for.
///
/// # Errors
/// A file that is there and cannot be read, or has a password of theirs in clear text.
pub(crate) fn follow(
    cli: &Cli,
    from: Option<&From<'_>>,
    added: &[New],
    keyset: &mut Keyset,
) -> Result<Vec<String>, Error> {
    let is_added = |user: &String| added.iter().any(|one| one.username == *user);
    let is_asked = |user: &String| {
        cli.remove_user.contains(user) || cli.reset_password.contains(user) || is_added(user)
    };
    let mut remarks = Vec::new();
    let own = from.and_then(|from| Some((apiserver_of(&from.text, from.path)?, &from.keyset)));
    if let Some((path, copy)) = &own {
        let followed = keyset.follow(path, copy, is_asked)?;
        remarks.extend(followed.iter().flat_map(Followed::remarks));
        forget(keyset, followed.as_ref(), added);
    }
    let Some((path, copy)) = replaced_with(cli, from)? else {
        return Ok(remarks);
    };
    if own.is_some_and(|(own, _)| is_same(&own, &path)) {
        return Ok(remarks);
    }
    let followed = keyset.follow(&path, &copy, is_asked)?;
    remarks.extend(followed.iter().flat_map(Followed::remarks));
    forget(keyset, followed.as_ref(), added);
    let users = keyset.users().iter().map(|user| user.username.clone());
    let unasked: Vec<String> = users.filter(|name| !is_asked(name)).collect();
    remarks.extend(followed.and_then(|followed| followed.joined_by(&unasked)));
    Ok(remarks)
}

/// One who was removed, and is added by this run, is somebody new.
fn forget(keyset: &mut Keyset, followed: Option<&Followed>, added: &[New]) {
    for user in added {
        if followed.is_some_and(|followed| followed.leaves_out(&user.username)) {
            keyset.remove_user(&user.username);
        }
    }
}

/// The `apiserver.conf` beside the `secure.conf` that is written, and the users that are a copy of its: those of the file itself, and
/// of the keyset that is read, where that is the same at another time.
fn replaced_with(cli: &Cli, from: Option<&From<'_>>) -> Result<Option<(PathBuf, Keyset)>, Error> {
    let Some(path) = written(cli) else {
        return Ok(None);
    };
    let mut copy = replaced(path)?.unwrap_or_default();
    let kin = from.filter(|from| from.keyset.is_kin_of(&copy));
    for user in kin.iter().flat_map(|from| from.keyset.users()) {
        copy.remove_user(&user.username);
        // Both were read, so that it fits.
        copy.add_user(user.clone()).ok();
    }
    Ok(Some((path.with_file_name(APISERVER), copy)))
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

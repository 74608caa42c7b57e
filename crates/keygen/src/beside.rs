//! A `secure.conf` and the `apiserver.conf` beside it. The API server takes its users from the second alone: what the first has
//! of them is a copy, and may be one of yesterday.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::read_text;
use clearml_secure_core::keyset::{Keyset, enumerated};
use clearml_secure_core::setting::{SETTINGS, Setting};

use crate::cli::Cli;
use crate::error::Error;
use crate::from::From;
use crate::output::{APISERVER, SECURE, file, is_secure_conf};
use crate::talk::name;
use crate::users::New;

/// Lets the users of a copy be what they are in the `apiserver.conf`: one who was removed there, or got another password, would
/// have the old login again, because somebody changed a key. What this run is asked to change of a user is left to it. Says who
/// is another.
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
    let path = path.with_file_name(APISERVER);
    if copy.users().is_empty() || !path.is_file() {
        return Ok(Vec::new());
    }
    let text = read_text(&path)?;
    // What does not tell its users is refused where it is written.
    let Ok(listed) = Keyset::new().users_left_out(&text, &path) else {
        return Ok(Vec::new());
    };
    let hashes = Keyset::read_apiserver(&text, &path).unwrap_or_default();
    let is_asked = |user: &String| {
        let mut added = added.iter();
        cli.remove_user.contains(user)
            || cli.reset_password.contains(user)
            || added.any(|one| one.username == *user)
    };
    let (mut gone, mut other) = (Vec::new(), Vec::new());
    let mut in_clear_text = Vec::new();
    for user in copy.users() {
        let username = &user.username;
        let has_it = keyset
            .user(username)
            .is_some_and(|one| one.password_hash == user.password_hash);
        if !has_it || is_asked(username) {
            continue;
        }
        let there = hashes.user(username).map(|there| &there.password_hash);
        match there {
            _ if !listed.contains(username) => {
                keyset.remove_user(username);
                gone.push(username.clone());
            }
            // The hash of the copy may be of another password.
            None if hashes.passed_over() > 0 => in_clear_text.push(username.clone()),
            Some(hash) if *hash != user.password_hash => {
                let reset = keyset.reset_password(username, hash.clone());
                other.extend(reset.is_ok().then(|| username.clone()));
            }
            _ => {}
        }
    }
    if !in_clear_text.is_empty() {
        return Err(Error::ClearText {
            path,
            users: in_clear_text,
        });
    }
    let said = [
        ("does not list these users, so they are left out", gone),
        ("has another password for these users, which is kept", other),
    ];
    let said = said.into_iter().filter(|(_, names)| !names.is_empty());
    let path = name(&path);
    Ok(said
        .map(|(what, names)| format!("{path} {what}: {}", enumerated(&names)))
        .collect())
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

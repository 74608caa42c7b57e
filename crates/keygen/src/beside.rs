//! The `secure.conf` that is read or written, whose users are a copy of those of the `apiserver.conf` beside it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clearml_secure_core::io::{is_same, read_text};
use clearml_secure_core::keyset::{APISERVER, Followed, Keyset, apiserver_of, enumerated};
use clearml_secure_core::setting::{SETTINGS, Setting};
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::from::From;
use crate::output::{file, is_secure_conf};
use crate::talk::name;
use crate::users::New;

/// What became of the users of a copy.
#[derive(Default)]
pub(crate) struct Users {
    /// Who is another, and who comes to those that are there without being asked for.
    pub(crate) remarks: Vec<String>,
    /// The file that is replaced, with users whom nobody has removed and nothing else has.
    pub(crate) kept: Option<Kept>,
}

/// A file as it was, under another name.
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    pub(crate) text: Zeroizing<String>,
}

/// Lets the users of a copy be what they are now, because somebody changed a key. What this run is asked to change of a user is
/// left to it.
///
/// # Errors
/// A file that is there and cannot be read, or has a password of theirs in clear text.
pub(crate) fn follow(
    cli: &Cli,
    from: Option<&From<'_>>,
    added: &[New],
    keyset: &mut Keyset,
) -> Result<Users, Error> {
    let is_added = |user: &String| added.iter().any(|one| one.username == *user);
    let is_asked = |user: &String| {
        cli.remove_user.contains(user) || cli.reset_password.contains(user) || is_added(user)
    };
    let mut users = Users::default();
    let own = from.and_then(|from| Some((apiserver_of(&from.text, from.path)?, &from.keyset)));
    if let Some((path, copy)) = &own {
        let followed = keyset.follow(path, copy, is_asked)?;
        users.add(cli, followed.as_ref())?;
        forget(keyset, followed.as_ref(), added);
    }
    let Some((path, copy)) = replaced_with(cli, from)? else {
        return Ok(users);
    };
    users
        .remarks
        .extend(returned(cli, &path, &copy, keyset, is_asked));
    if own.is_some_and(|(own, _)| is_same(&own, &path)) {
        return Ok(users);
    }
    let followed = keyset.follow(&path, &copy, is_asked)?;
    users.add(cli, followed.as_ref())?;
    forget(keyset, followed.as_ref(), added);
    let names = keyset.users().iter().map(|user| user.username.clone());
    let unasked: Vec<String> = names.filter(|name| !is_asked(name)).collect();
    let joined = followed.and_then(|followed| followed.joined_by(&unasked));
    users.remarks.extend(joined);
    Ok(users)
}

impl Users {
    fn add(&mut self, cli: &Cli, followed: Option<&Followed>) -> Result<(), Error> {
        let Some(followed) = followed else {
            return Ok(());
        };
        self.remarks.extend(followed.remarks());
        let left = followed.left_by_an_empty_file();
        let Some(path) = file(cli).filter(|path| !left.is_empty() && path.is_file()) else {
            return Ok(());
        };
        let before = replaced(path)?.unwrap_or_default();
        if left.iter().any(|name| before.user(name).is_some()) {
            self.kept = Some(Kept {
                path: free(path),
                text: read_text(path)?,
            });
        }
        Ok(())
    }
}

/// Users who can log in again, because the file from which the API server takes them is gone and is written from a copy.
fn returned(
    cli: &Cli,
    apiserver: &Path,
    copy: &Keyset,
    keyset: &Keyset,
    is_asked: impl Fn(&String) -> bool,
) -> Option<String> {
    if apiserver.symlink_metadata().is_ok() {
        return None;
    }
    let users = keyset.users().iter().map(|user| user.username.clone());
    let back: Vec<String> = users
        .filter(|name| copy.user(name).is_some() && !is_asked(name))
        .collect();
    let conf = file(cli).filter(|_| !back.is_empty())?;
    Some(format!(
        "{} is not there, so it is written with the users that {} has, who can log in with it: {}\n  \
         to leave one out, run this with --remove-user NAME",
        name(apiserver),
        name(conf),
        enumerated(&back)
    ))
}

/// A name beside a file that nothing has yet.
fn free(path: &Path) -> PathBuf {
    let named = |number: String| {
        let mut name = OsString::from(path);
        name.push(format!(".orig{number}"));
        PathBuf::from(name)
    };
    let numbers =
        std::iter::once(String::new()).chain((2_u32..).map(|number| format!("-{number}")));
    let mut names = numbers.map(named);
    // The numbers do not end.
    names
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or_default()
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

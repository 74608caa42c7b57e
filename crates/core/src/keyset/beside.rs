//! A `secure.conf` and the `apiserver.conf` beside it. The API server takes its users from the second alone: the first has a
//! copy of them, which may be one of yesterday.

use std::path::{Path, PathBuf};

use super::{Keyset, enumerated};
use crate::error::Error;
use crate::io::read_text;
use crate::shown::escape_path;

/// The name under which the API server reads its users (docs/clearml.md#file-names-are-paths).
pub const APISERVER: &str = "apiserver.conf";

/// The name under which servers read a keyset.
pub const SECURE: &str = "secure.conf";

/// What became of users of a copy.
pub struct Followed {
    /// The file that counts.
    path: PathBuf,
    /// Those whom it does not list.
    gone: Vec<String>,
    /// Those who have another password there.
    other: Vec<String>,
    /// Those of whom the file does not tell.
    untold: Vec<String>,
}

impl Followed {
    /// What to say of it, a line each.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        let said = [
            (
                "does not list these users, so they are left out",
                &self.gone,
            ),
            (
                "has another password for these users, which is kept",
                &self.other,
            ),
            (
                "does not tell whether these users of the secure.conf beside it are still meant; check that they are",
                &self.untold,
            ),
        ];
        let said = said.into_iter().filter(|(_, names)| !names.is_empty());
        said.map(|(what, names)| {
            format!("{} {what}: {}", escape_path(&self.path), enumerated(names))
        })
    }
}

impl Keyset {
    /// Lets the users of a `secure.conf` be what they are in the `apiserver.conf` beside it: one who was removed there, or got
    /// another password, would have the old login again. A keyset of another file stays as it is.
    ///
    /// # Errors
    /// As [`Self::follow`].
    pub fn follow_own(&mut self, path: &Path) -> Result<Option<Followed>, Error> {
        match path.file_name().is_some_and(|name| name == SECURE) {
            true => self.follow(path, &self.clone(), |_| false),
            false => Ok(None),
        }
    }

    /// The same for a keyset that has users of `copy`, which is the `secure.conf` of this path. Those that are asked for
    /// stay as they are.
    ///
    /// # Errors
    /// An `apiserver.conf` that cannot be read, or has a password of theirs in clear text: the hash of the copy may be of
    /// another one.
    pub fn follow(
        &mut self,
        path: &Path,
        copy: &Self,
        is_asked: impl Fn(&String) -> bool,
    ) -> Result<Option<Followed>, Error> {
        let path = path.with_file_name(APISERVER);
        if copy.users().is_empty() || !path.is_file() {
            return Ok(None);
        }
        let text = read_text(&path)?;
        // Where it is written, it is refused.
        let Ok(listed) = Self::new().users_left_out(&text, &path) else {
            let users = copy.users().iter().map(|user| user.username.clone());
            let untold = users.filter(|name| self.user(name).is_some() && !is_asked(name));
            return Ok(Some(Followed {
                path,
                gone: Vec::new(),
                other: Vec::new(),
                untold: untold.collect(),
            }));
        };
        let hashes = Self::read_apiserver(&text, &path).unwrap_or_default();
        let (mut gone, mut other, mut in_clear_text) = (Vec::new(), Vec::new(), Vec::new());
        for user in copy.users() {
            let username = &user.username;
            let has_it = self
                .user(username)
                .is_some_and(|one| one.password_hash == user.password_hash);
            if !has_it || is_asked(username) {
                continue;
            }
            match hashes.user(username).map(|there| &there.password_hash) {
                _ if !listed.contains(username) => {
                    self.remove_user(username);
                    gone.push(username.clone());
                }
                None if hashes.passed_over() > 0 => in_clear_text.push(username.clone()),
                Some(hash) if *hash != user.password_hash => {
                    let reset = self.reset_password(username, hash.clone());
                    other.extend(reset.is_ok().then(|| username.clone()));
                }
                _ => {}
            }
        }
        match in_clear_text.is_empty() {
            true => Ok(Some(Followed {
                path,
                gone,
                other,
                untold: Vec::new(),
            })),
            false => Err(Error::ClearText {
                path,
                users: enumerated(&in_clear_text),
            }),
        }
    }
}

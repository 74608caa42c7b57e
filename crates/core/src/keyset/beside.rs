//! A `secure.conf` and the `apiserver.conf` beside it. The API server takes its users from the second alone: the first has a
//! copy of them, which may be one of yesterday.

use std::path::{Path, PathBuf};

use super::misfit::is_hash;
use super::{Format, Keyset, apiserver, enumerated, recognise};
use crate::error::Error;
use crate::io::read_text;
use crate::setting::SETTINGS;
use crate::shell::quoted;
use crate::shown::escape_path;

/// The name under which the API server reads its users (docs/clearml.md#file-names-are-paths).
pub const APISERVER: &str = "apiserver.conf";

/// The name under which servers read a keyset.
pub const SECURE: &str = "secure.conf";

/// What became of users of a copy.
pub struct Followed {
    /// The file that counts.
    path: PathBuf,
    /// Those that it lists; none where it does not tell.
    listed: Option<Vec<String>>,
    /// Whether it has a list of users at all.
    has_list: bool,
    /// Those whom it does not list.
    gone: Vec<String>,
    /// Those who have another password there.
    other: Vec<String>,
    /// Those of whom the file does not tell.
    untold: Vec<String>,
}

impl Followed {
    /// Nothing yet.
    fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            listed: None,
            has_list: false,
            gone: Vec::new(),
            other: Vec::new(),
            untold: Vec::new(),
        }
    }

    /// What to say of it, a line each, with what to do about users who were never there.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        let gone = match self.has_list {
            true => "does not list these users, so they are left out",
            false => {
                "has no users, and the API server takes them from there alone, so these are left out"
            }
        };
        let said = [
            (gone, &self.gone),
            (
                "has another password for these users, which is kept",
                &self.other,
            ),
            (
                "does not tell whether these users of the keyset are still meant; check that they are",
                &self.untold,
            ),
        ];
        let said = said.into_iter().filter(|(_, names)| !names.is_empty());
        let said = said.map(|(what, names)| {
            format!("{} {what}: {}", escape_path(&self.path), enumerated(names))
        });
        let conf = self.path.with_file_name(SECURE);
        let help = (!self.has_list && !self.gone.is_empty() && conf.is_file()).then(|| {
            let conf = quoted(&conf);
            // On the screen, because any name may be taken.
            format!(
                "to let one of them in, with a new password (this run does not):\n  \
                 clearml-keygen --from {conf} --user NAME --passwords - -f hocon -o {conf} --force"
            )
        });
        said.chain(help)
    }

    /// Those who are left out because the file lists nobody at all, which may be a mistake.
    pub fn left_by_an_empty_file(&self) -> &[String] {
        match self.has_list {
            true => &[],
            false => &self.gone,
        }
    }

    /// Whether the file says that it does not list a user.
    pub fn leaves_out(&self, username: &str) -> bool {
        let mut listed = self.listed.iter();
        listed.any(|listed| listed.iter().all(|name| name != username))
    }

    /// What to say of those who come to the users that it lists, if anybody does.
    pub fn joined_by(&self, names: &[String]) -> Option<String> {
        let listed = self.listed.as_ref().filter(|listed| !listed.is_empty())?;
        let new = names.iter().filter(|name| !listed.contains(name));
        let new: Vec<String> = new.cloned().collect();
        (!new.is_empty()).then(|| {
            format!(
                "{} does not list these users of the keyset, so they are added, and can log in: {}",
                escape_path(&self.path),
                enumerated(&new)
            )
        })
    }
}

/// The `apiserver.conf` whose users a keyset has a copy of, if there is one. That is so of what servers could read, HOCON,
/// whatever its file is called: `secure.conf`, the `secure.conf.orig` that a change keeps, or a link to one of them. A pipe has no
/// folder, and what was copied to elsewhere has another one.
pub fn apiserver_of(text: &str, path: &Path) -> Option<PathBuf> {
    if path == Path::new("-") || recognise::format(text) != Ok(Format::Hocon) {
        return None;
    }
    let is_secure = |path: &Path| path.file_name().is_some_and(|name| name == SECURE);
    let real = path.canonicalize().ok();
    let mut files = vec![path.to_owned()];
    files.extend(real);
    // What servers read under this name is in the folder that they read.
    files.sort_by_key(|file| !is_secure(file));
    let beside = files.iter().map(|file| file.with_file_name(APISERVER));
    // A link to nothing is there as well: in a container it may lead somewhere.
    beside
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok() || has_other_files(path))
}

/// Whether other files may set what is in an `apiserver.conf`: names of files and folders are paths
/// (docs/clearml.md#file-names-are-paths).
fn has_other_files(apiserver: &Path) -> bool {
    apiserver.with_extension("").is_dir()
}

impl Keyset {
    /// Lets the users of a keyset be what they are in the `apiserver.conf` of which it has a copy: one who was removed there, or
    /// got another password, would have the old login again. `text` is that of the keyset.
    ///
    /// # Errors
    /// As [`Self::follow`].
    pub fn follow_own(&mut self, text: &str, path: &Path) -> Result<Option<Followed>, Error> {
        match apiserver_of(text, path) {
            Some(apiserver) => self.follow(&apiserver, &self.clone(), |_| false),
            None => Ok(None),
        }
    }

    /// Whether two keysets are one at different times: a value that was generated is in both.
    pub fn is_kin_of(&self, other: &Self) -> bool {
        let mut settings = SETTINGS.into_iter();
        settings
            .any(|setting| self.get(setting).is_some() && self.get(setting) == other.get(setting))
    }

    /// The same for a keyset that has users of `copy`, which is a keyset beside this `apiserver.conf`. Those that are asked
    /// for stay as they are.
    ///
    /// # Errors
    /// An `apiserver.conf` that cannot be read, or has a password of theirs in clear text, also where it should be a hash: that of
    /// the copy may be of another one.
    pub fn follow(
        &mut self,
        path: &Path,
        copy: &Self,
        is_asked: impl Fn(&String) -> bool,
    ) -> Result<Option<Followed>, Error> {
        if self.users().is_empty() || path.symlink_metadata().is_err() && !has_other_files(path) {
            return Ok(None);
        }
        let mut followed = Followed::of(path);
        let text = match path.is_file() {
            true => read_text(path)?,
            false => Default::default(),
        };
        let is_whole = path.is_file() && !has_other_files(path);
        // Where it is written, it is refused.
        let listed = Self::new().users_left_out(&text, path);
        let Some(listed) = listed.ok().filter(|_| is_whole) else {
            let users = copy.users().iter().map(|user| user.username.clone());
            let untold = users.filter(|name| self.user(name).is_some() && !is_asked(name));
            followed.untold = untold.collect();
            return Ok(Some(followed));
        };
        followed.has_list = apiserver::has_list(&text);
        let hashes = Self::read_apiserver(&text, path).unwrap_or_default();
        let (mut in_clear_text, mut not_hashed) = (Vec::new(), Vec::new());
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
                    followed.gone.push(username.clone());
                }
                None if hashes.passed_over() > 0 => in_clear_text.push(username.clone()),
                Some(hash) if !is_hash(hash) => not_hashed.push(username.clone()),
                Some(hash) if *hash != user.password_hash => {
                    let reset = self.reset_password(username, hash.clone());
                    followed
                        .other
                        .extend(reset.is_ok().then(|| username.clone()));
                }
                _ => {}
            }
        }
        followed.listed = Some(listed);
        let path = path.to_owned();
        match (in_clear_text.is_empty(), not_hashed.is_empty()) {
            (true, true) => Ok(Some(followed)),
            (true, false) => Err(Error::NotHashed {
                path,
                users: enumerated(&not_hashed),
            }),
            (false, _) => Err(Error::ClearText {
                path,
                users: enumerated(&in_clear_text),
            }),
        }
    }
}

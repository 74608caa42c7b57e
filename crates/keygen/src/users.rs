//! Web-login users: whose passwords are generated, and whose an administrator chose.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clearml_secure_core::generate;
use clearml_secure_core::io::read_argument;
use clearml_secure_core::keyset::{Keyset, User};
use clearml_secure_core::password::{self, Weakness};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::shown::escape;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;

/// Bcrypt's work factor: about a quarter of a second for each guess on one core.
const COST: u32 = 12;

/// Bcrypt reads no further, and Python's refuses what is longer.
const LONGEST: usize = 72;

/// Somebody who gets a login.
pub(crate) struct New {
    username: String,
    name: String,
    password: Secret,
    /// The file and line that name the user; none for `--user`.
    place: Option<(PathBuf, usize)>,
}

/// The users of `--user` and of `--users-from`, in this order.
///
/// # Errors
/// A file that cannot be read, and a line or a password that cannot be.
pub(crate) fn new(cli: &Cli) -> Result<Vec<New>, Error> {
    let mut users = Vec::new();
    for word in &cli.user {
        let (username, name) = word.split_once('=').unwrap_or((word, word));
        // Where passwords are read from a file again, such a line is a comment.
        if username.trim_start().starts_with('#') {
            return Err(Error::UserName(username.to_owned()));
        }
        users.push(New {
            username: username.to_owned(),
            name: if name.is_empty() { username } else { name }.to_owned(),
            password: generate::password()?,
            place: None,
        });
    }
    if let Some(path) = &cli.users_from {
        let text = read_argument(path)?;
        for (index, line) in text.lines().enumerate() {
            let line = line.strip_prefix('\u{feff}').unwrap_or(line);
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                users.push(chosen(path, index + 1, line)?);
            }
        }
    }
    Ok(users)
}

/// A line `name:password` or `name:password:Full Name`.
fn chosen(path: &Path, line: usize, text: &str) -> Result<New, Error> {
    let wrong = |reason: &'static str| Error::UserLine {
        path: path.to_owned(),
        line,
        reason,
    };
    let mut parts = text.splitn(3, ':');
    let (Some(username), Some(password)) = (parts.next(), parts.next()) else {
        return Err(wrong("there is no colon between name and password"));
    };
    let name = parts.next().filter(|name| !name.is_empty());
    if password.is_empty() {
        return Err(wrong("the password is empty"));
    }
    if password.len() > LONGEST {
        return Err(wrong(
            "the password is longer than 72 bytes, of which bcrypt reads no more",
        ));
    }
    if password.chars().any(char::is_control) {
        return Err(wrong("the password has a character that cannot be typed"));
    }
    Ok(New {
        username: username.to_owned(),
        name: name.unwrap_or(username).to_owned(),
        password: Secret::from(password),
        place: Some((path.to_owned(), line)),
    })
}

/// What is to be said of passwords that an administrator chose and somebody else would try.
pub(crate) fn warnings(users: &[New]) -> Vec<String> {
    let warning = |user: &New| {
        let (path, line) = user.place.as_ref()?;
        let weakness = password::weakness(user.password.expose(), &user.username, &user.name)?;
        let path = path.to_string_lossy();
        let path = escape(&path);
        // Where the name is the password, it is not printed.
        let whose = match weakness {
            Weakness::Name => String::new(),
            _ => format!(" of {}", escape(&user.username)),
        };
        let what = weakness.text();
        Some(format!(
            "warning: {path}:{line}: the password{whose} {what}; anyone who tries it is in"
        ))
    };
    users.iter().filter_map(warning).collect()
}

/// Adds the users to a keyset. The hashes are made on all cores.
///
/// # Errors
/// A name that is taken or that no server would take; no random bytes for a hash.
pub(crate) fn add(keyset: &mut Keyset, users: &[New]) -> Result<(), Error> {
    let hashes: Vec<Result<Secret, Error>> =
        users.par_iter().map(|user| hash(&user.password)).collect();
    for (user, hash) in users.iter().zip(hashes) {
        let added = keyset.add_user(User {
            username: user.username.clone(),
            name: user.name.clone(),
            password_hash: hash?,
        });
        added.map_err(|misfit| match &user.place {
            Some((path, line)) => Error::UserOfFile {
                path: path.clone(),
                line: *line,
                misfit,
            },
            None => Error::User {
                name: user.username.clone(),
                misfit,
            },
        })?;
    }
    Ok(())
}

/// The hash as the server wants it: bcrypt's text in base64 (docs/clearml.md#password-hashes).
fn hash(password: &Secret) -> Result<Secret, Error> {
    let password = password.expose();
    // A password that fills bcrypt's key leaves no room for the zero byte behind it, which this crate counts, too. No
    // byte of the password itself is cut off: a longer one does not come here.
    let hashed = if password.len() == LONGEST {
        bcrypt::hash(password, COST)
    } else {
        bcrypt::non_truncating_hash(password, COST)
    };
    let hash = hashed
        .map(Zeroizing::new)
        .map_err(|error| Error::Hash(error.to_string()))?;
    Ok(Secret::new(STANDARD.encode(hash.as_bytes())))
}

/// The generated passwords, in the form that `--users-from` reads.
pub(crate) fn passwords(users: &[New]) -> Zeroizing<String> {
    let generated = || users.iter().filter(|user| user.place.is_none());
    let room = generated().map(|user| user.username.len() + user.name.len() + LONGEST);
    // Allocated once: a buffer that grew would leave copies behind.
    let mut out = Zeroizing::new(String::with_capacity(room.sum()));
    for user in generated() {
        out.push_str(&user.username);
        out.push(':');
        out.push_str(user.password.expose());
        if user.name != user.username {
            out.push(':');
            out.push_str(&user.name);
        }
        out.push('\n');
    }
    out
}

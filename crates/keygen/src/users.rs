//! Web-login users: whose passwords are generated, and whose an administrator chose.

use std::collections::HashSet;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clearml_secure_core::generate;
use clearml_secure_core::keyset::{Keyset, Misfit, User};
use clearml_secure_core::password::{self, PasswordWeakness};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::shown::{escape, escape_path};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::error::Error;

/// Bcrypt's work factor: about a quarter of a second for each guess on one core.
const COST: u32 = 12;

/// Bcrypt reads no further, and Python's refuses what is longer.
pub(crate) const LONGEST: usize = 72;

/// Somebody who gets a login.
pub(crate) struct New {
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) password: Secret,
    /// The file and line that name the user; none for a generated password.
    pub(crate) place: Option<(PathBuf, usize)>,
}

impl New {
    /// Somebody with a generated password.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub(crate) fn generated(username: &str, name: &str) -> Result<Self, Error> {
        Ok(Self {
            username: username.to_owned(),
            name: name.to_owned(),
            password: generate::password()?,
            place: None,
        })
    }

    /// The user as a keyset has it.
    ///
    /// # Errors
    /// No random bytes for a hash.
    fn hashed(&self) -> Result<User, Error> {
        Ok(User {
            username: self.username.clone(),
            name: self.name.clone(),
            password_hash: hash(&self.password)?,
        })
    }
}

/// The users as a keyset has them. The hashes are made on all cores.
///
/// # Errors
/// No random bytes for a hash.
pub(crate) fn hashed(users: &[New]) -> Result<Vec<User>, Error> {
    users.par_iter().map(New::hashed).collect()
}

/// What an administrator should know of the users that are added: passwords that somebody else would try, and names that nobody
/// would type.
pub(crate) fn warnings(users: &[New]) -> Vec<String> {
    let blank = |user: &New| {
        let is_bare = user.username.trim() == user.username;
        // A password that is the name would be printed with it.
        let place = match &user.place {
            Some((path, line)) => format!("{}:{line}", escape_path(path)),
            None => format!("--user '{}'", escape(&user.username)),
        };
        (!is_bare).then(|| {
            format!("warning: {place}: a blank begins or ends the user's name, and has to be typed at the login")
        })
    };
    let guessed = |user: &New| {
        let (path, line) = user.place.as_ref()?;
        let weakness = password::weakness(user.password.expose(), &user.username, &user.name)?;
        let path = escape_path(path);
        // Where the name is the password, it is not printed.
        let whose = match weakness {
            PasswordWeakness::Name => String::new(),
            _ => format!(" of {}", escape(&user.username)),
        };
        let what = weakness.text();
        Some(format!(
            "warning: {path}:{line}: anyone can guess the password{whose}: it {what}"
        ))
    };
    users
        .iter()
        .flat_map(|user| blank(user).into_iter().chain(guessed(user)))
        .collect()
}

/// Refuses to add somebody who is in the file that is changed: the password in it would be gone, and nobody asked for that.
/// One that an administrator gives takes its place.
pub(crate) fn refuse_known(users: &[New], listed: &[String]) -> Result<(), Error> {
    let mut generated = users.iter().filter(|user| user.place.is_none());
    match generated.find(|user| listed.contains(&user.username)) {
        Some(user) => Err(Error::User {
            name: user.username.clone(),
            misfit: Misfit::User,
        }),
        None => Ok(()),
    }
}

/// Adds the users to a keyset. A password that an administrator chose takes the place of the one that it has, as in an
/// `apiserver.conf`. Returns whose.
///
/// # Errors
/// A name that is taken or that no server would take; no random bytes for a hash.
pub(crate) fn add(keyset: &mut Keyset, users: &[New]) -> Result<Vec<String>, Error> {
    let mut names = HashSet::new();
    if let Some(user) = users.iter().find(|user| !names.insert(&user.username)) {
        return Err(Error::UserTwice {
            name: user.username.clone(),
            place: user.place.clone(),
        });
    }
    let mut replaced = Vec::new();
    for (user, hashed) in users.iter().zip(hashed(users)?) {
        let refused = |misfit| match &user.place {
            Some((path, line)) => Error::UserOfFile {
                path: path.clone(),
                line: *line,
                misfit,
            },
            None => Error::User {
                name: user.username.clone(),
                misfit,
            },
        };
        if let Some(known) = keyset.user(&user.username).filter(|_| user.place.is_some()) {
            replaced.push(user.username.clone());
            // A line may leave the full name out. Where it is the same, the user stays at the same place of the list, which
            // has an order in a secure.conf.
            if [&hashed.username, &known.name].contains(&&hashed.name) {
                let password = keyset.reset_password(&user.username, hashed.password_hash);
                password.map_err(refused)?;
                continue;
            }
            keyset.remove_user(&user.username);
        }
        keyset.add_user(hashed).map_err(refused)?;
    }
    Ok(replaced)
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

/// Whether it begins and ends with a quote, as in a file of another kind, whose quotes are none of the text.
pub(crate) fn is_quoted(text: &str) -> bool {
    let is_in = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    is_in('"') || is_in('\'')
}

/// A user as a line of JSON. No name has a character that cannot be printed.
fn push_json(out: &mut String, user: &New) {
    let entries = [
        ("username", user.username.as_str()),
        ("password", user.password.expose()),
        ("name", &user.name),
    ];
    for (number, (key, text)) in entries.into_iter().enumerate() {
        out.push_str(if number == 0 { "{\"" } else { ", \"" });
        out.push_str(key);
        out.push_str("\": \"");
        for character in text.chars() {
            if matches!(character, '"' | '\\') {
                out.push('\\');
            }
            out.push(character);
        }
        out.push('"');
    }
    out.push_str("}\n");
}

/// The generated passwords, in the form that `--users-from` reads.
pub(crate) fn passwords<'a>(users: impl Iterator<Item = &'a New> + Clone) -> Zeroizing<String> {
    let generated = || users.clone().filter(|user| user.place.is_none());
    let room = generated().map(|user| 2 * (user.username.len() + user.name.len()) + 2 * LONGEST);
    // Lines `name:password:Full Name` are read back; what is in these names would be taken for something else.
    let is_plain = |user: &New| {
        let is_json = user.username.trim_start().starts_with(['{', '[']);
        let is_quoted = [&user.username, &user.name]
            .into_iter()
            .any(|name| is_quoted(name));
        !is_json && !is_quoted && !user.name.contains(':')
    };
    let is_json = !generated().all(is_plain);
    // Allocated once: a buffer that grew would leave copies behind.
    let mut out = Zeroizing::new(String::with_capacity(room.sum()));
    for user in generated() {
        if is_json {
            push_json(&mut out, user);
            continue;
        }
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

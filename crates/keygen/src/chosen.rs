//! The users who are added: of `--user`, and of `--users-from`, whose passwords an administrator chose.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clearml_secure_core::io::read_argument;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::secret::Secret;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::{Error, Unusable};
use crate::users::{LONGEST, New, is_quoted};

/// The users of `--user` and of `--users-from`, in this order.
///
/// # Errors
/// A file that cannot be read, and a line or a password that cannot be.
pub(crate) fn new(cli: &Cli) -> Result<Vec<New>, Error> {
    let mut users = Vec::new();
    for word in &cli.user {
        let (username, name) = word.split_once('=').unwrap_or((word, word));
        let (username, name) = named(username, Some(name));
        // Where passwords are read from a file again, such a line is a comment.
        if username.trim_start().starts_with('#') {
            return Err(Error::UserName(username.to_owned()));
        }
        users.push(New::generated(username, name)?);
    }
    if let Some(path) = &cli.users_from {
        let of_file = read(path)?;
        // Without users anyone can log in, and nobody would see that the file gave none.
        if of_file.is_empty() {
            return Err(Error::NobodyIn(path.clone()));
        }
        users.extend(of_file);
    }
    Ok(users)
}

/// The name that a user logs in with, as it is written, and the one that is shown.
fn named<'a>(username: &'a str, name: Option<&'a str>) -> (&'a str, &'a str) {
    let name = name.filter(|name| !name.is_empty());
    (username, name.unwrap_or(username))
}

/// The users of a file: lines `name:password`, or JSON lines.
fn read(path: &Path) -> Result<Vec<New>, Error> {
    let text = read_argument(path)?;
    let lines = text
        .lines()
        .map(|line| line.strip_prefix('\u{feff}').unwrap_or(line));
    let is_said = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut said = lines
        .enumerate()
        .filter(|(_, line)| is_said(line))
        .peekable();
    let first = said.peek().map_or("", |(_, line)| line.trim_start());
    // One line of JSON is enough: read as `name:password`, it would be a user with half of it as a password.
    let is_json = |line: &str| {
        let entries = line.trim_start().strip_prefix('{');
        entries.is_some_and(|entries| entries.trim_start().starts_with('"'))
    };
    if first.starts_with(['{', '[']) || text.lines().any(is_json) {
        return of_json(path, &text);
    }
    if let Some((index, _)) = said.peek()
        && Keyset::is_apiserver(&text)
    {
        return Err(wrong(path, index + 1, Unusable::Apiserver));
    }
    said.map(|(index, line)| of_line(path, index + 1, line))
        .collect()
}

/// JSON lines: a password in them may have a colon.
fn of_json(path: &Path, text: &str) -> Result<Vec<New>, Error> {
    let users = Keyset::read_chosen(text, path)?;
    let users = users.into_iter().map(|user| {
        let (username, name) = named(&user.username, user.name.as_deref());
        usable(New {
            username: username.to_owned(),
            name: name.to_owned(),
            password: user.password,
            place: Some((path.to_owned(), user.line)),
        })
    });
    users.collect()
}

/// A line `name:password` or `name:password:Full Name`.
fn of_line(path: &Path, line: usize, text: &str) -> Result<New, Error> {
    let mut parts = text.splitn(3, ':');
    let (Some(username), Some(password)) = (parts.next(), parts.next()) else {
        return Err(wrong(path, line, Unusable::NoColon));
    };
    let name = parts.next();
    // Nobody sees whether it belongs to the password.
    if password.trim() != password {
        return Err(wrong(path, line, Unusable::Blank));
    }
    if name.is_some_and(|name| name.contains(':')) {
        return Err(wrong(path, line, Unusable::Colons));
    }
    if [Some(username), Some(password), name]
        .into_iter()
        .flatten()
        .any(is_quoted)
    {
        return Err(wrong(path, line, Unusable::Quotes));
    }
    let (username, name) = named(username, name);
    usable(New {
        username: username.to_owned(),
        name: name.to_owned(),
        password: Secret::from(password),
        place: Some((path.to_owned(), line)),
    })
}

/// A user with a password that somebody can type and bcrypt takes.
fn usable(user: New) -> Result<New, Error> {
    let password = user.password.expose();
    let reason = if is_hash(password) {
        Unusable::Hash
    } else if password.is_empty() {
        Unusable::Empty
    } else if password.len() > LONGEST {
        Unusable::Long
    } else if password.chars().any(char::is_control) {
        Unusable::Control
    } else {
        return Ok(user);
    };
    let (path, line) = user.place.unwrap_or_default();
    Err(wrong(&path, line, reason))
}

/// Whether it is what htpasswd, crypt or an apiserver.conf (docs/clearml.md#password-hashes) has in place of a password.
fn is_hash(password: &str) -> bool {
    // Of LDAP, `{SSHA512}…`: an id, which is followed by base64 or by a text of crypt's.
    let scheme = password
        .strip_prefix('{')
        .and_then(|rest| rest.split_once('}'));
    if let Some((scheme, hash)) = scheme {
        const SCHEMES: [&str; 8] = [
            "ARGON2", "BCRYPT", "CRYPT", "MD5", "PBKDF2", "SHA", "SMD5", "SSHA",
        ];
        let id = scheme.split('-').next().unwrap_or_default();
        let is_known = |id: &str| SCHEMES.contains(&id);
        let is_scheme = is_known(id) || is_known(id.trim_end_matches(|c: char| c.is_ascii_digit()));
        return is_scheme && hash.len() >= 22 && !hash.contains(' ');
    }
    // `$2y$05$…`, `$apr1$salt$…`, `$6$rounds=5000$salt$…`; of the same in base64, the first part is enough.
    let is_crypt = |text: &[u8]| {
        let mut parts = text.split(|byte| *byte == b'$');
        let is_first_empty = parts.next().is_some_and(<[u8]>::is_empty);
        let is_id = |id: &[u8]| {
            (1..10).contains(&id.len())
                && id
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        };
        is_first_empty
            && parts.next().is_some_and(is_id)
            && parts.next().is_some()
            && parts.next_back().is_some_and(|hash| hash.len() >= 22)
    };
    let decoded = STANDARD.decode(password).map(Zeroizing::new);
    is_crypt(password.as_bytes()) || decoded.is_ok_and(|text| is_crypt(&text))
}

fn wrong(path: &Path, line: usize, reason: Unusable) -> Error {
    Error::UserLine {
        path: path.to_owned(),
        line,
        reason,
    }
}

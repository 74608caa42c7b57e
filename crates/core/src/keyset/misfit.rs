//! What can be a value, a name or a hash of a keyset, in every format.

use zeroize::Zeroizing;

use crate::dotenv;
use crate::hash::Bcrypt;
use crate::secret::{Replaced, Secret};
use crate::shown::escape;

/// The longest value, name or hash that is taken, in characters.
pub const LONGEST: usize = 1024;

/// Why something cannot be part of a keyset. The value is not in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// Double quotes keep no shell from it, and single quotes cannot hold the rest of the value.
    #[error("the value has a backtick, which a shell would run when it reads the .env file")]
    Backtick,
    /// The server takes what stands before the first colon for the key.
    #[error("the value has a colon, so this key cannot log in")]
    Colon,
    /// A server that reads it has no such account, or signs with what everybody has.
    #[error("the value is empty")]
    Empty,
    /// Over [`LONGEST`].
    #[error("the value is longer than {LONGEST} characters")]
    Long,
    /// Control characters, line breaks, and for secrets all that is not ASCII.
    #[error("the value has a character that cannot be printed, or is not ASCII")]
    NotPrintable,
    /// Nobody has no name.
    #[error("the name is empty")]
    NameEmpty,
    /// The same of a user's name, in which any letter may be.
    #[error("the value has a character that cannot be printed")]
    NameNotPrintable,
    /// The API server takes what stands before the first colon for the name.
    #[error("the name has a colon, so this user cannot log in")]
    NameColon,
    /// Another program replaces it, and everybody who has the file has what is there until then.
    #[error("{}", .0.said_of("the value"))]
    Replaced(Replaced),
    /// One name is one user.
    #[error("there is already a user of this name")]
    User,
}

pub(super) fn fits(value: &Secret) -> Result<(), Misfit> {
    let text = value.expose();
    if text.is_empty() {
        Err(Misfit::Empty)
    } else if let Some(replaced) = Replaced::of(text) {
        Err(Misfit::Replaced(replaced))
    } else if !text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        Err(Misfit::NotPrintable)
    } else if text.len() > LONGEST {
        Err(Misfit::Long)
    } else if text.contains('`') && dotenv::quote(text).map(Zeroizing::new).is_none() {
        Err(Misfit::Backtick)
    } else {
        Ok(())
    }
}

/// Whether the API server takes this for the hash of a password (docs/clearml.md#password-hashes).
pub(super) fn is_hash(text: &Secret) -> bool {
    Bcrypt::stored(text.expose()).is_some()
}

pub(super) fn fits_name(name: &str) -> Result<(), Misfit> {
    // The last two are no characters, and YAML refuses them.
    let is_printable = escape(name) == name && !name.contains(['\u{fffe}', '\u{ffff}']);
    if name.is_empty() {
        Err(Misfit::NameEmpty)
    } else if !is_printable {
        Err(Misfit::NameNotPrintable)
    } else if name.chars().count() > LONGEST {
        Err(Misfit::Long)
    } else if name.contains('`') {
        // All users stand in one value, and one of them may be an O'Brien.
        Err(Misfit::Backtick)
    } else {
        Ok(())
    }
}

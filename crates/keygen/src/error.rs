use std::io;
use std::path::PathBuf;

use clearml_secure_core::keyset::kubernetes::Misnamed;
use clearml_secure_core::keyset::{Keyset, Misfit, enumerated};
use clearml_secure_core::nearest::nearest;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shell;
use clearml_secure_core::shown::{escape, escape_path};

/// Why a line of `--users-from` gives no user.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("this is an apiserver.conf, not a list of users")]
    Apiserver,
    #[error("a blank begins or ends the password")]
    Blank,
    #[error("more than two colons: one of them may belong to the password")]
    Colons,
    #[error("the password has a character that cannot be typed")]
    Control,
    #[error("the password is empty")]
    Empty,
    /// A password that is none.
    #[error("this is the hash of a password. The user could log in only with the hash itself")]
    Hash,
    #[error("the password is longer than 72 bytes, the most that bcrypt reads")]
    Long,
    #[error("the line has no colon between name and password")]
    NoColon,
    #[error("quotes begin and end a name or the password, and would belong to it")]
    Quotes,
}

impl Unusable {
    fn help(self) -> &'static str {
        match self {
            Self::Apiserver => "--from takes an apiserver.conf, whose users keep their passwords",
            Self::Blank => {
                "remove it. If it belongs to the password, write JSON: {\"username\": \"jane\", \"password\": \" a \"}"
            }
            Self::Control | Self::Long => "choose another password",
            Self::Quotes => {
                "remove them. If they belong to it, write JSON: {\"username\": \"jane\", \"password\": \"\\\"a\\\"\", \"name\": \"Jane\"}"
            }
            Self::Colons | Self::Empty | Self::NoColon => {
                "write `name:password` or `name:password:Full Name`. If the password has a colon, write JSON: \
                 {\"username\": \"jane\", \"password\": \"a:b\", \"name\": \"Jane\"}"
            }
            Self::Hash => {
                "write the password itself. --from takes an apiserver.conf or a keyset, whose users keep their hashes"
            }
        }
    }
}

/// Why there is no keyset. No value is ever in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: exists, and the web-login users belong in this file", escape_path(.0))]
    ApiserverExists(PathBuf),
    #[error(transparent)]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("--count prints one keyset a line, which only -f jsonl does")]
    CountWithout,
    #[error("{}: this is a compose file or values of the chart, which would be lost", escape_path(.0))]
    Deployment(PathBuf),
    #[error("{}: exists", escape_path(.0))]
    Exists(PathBuf),
    /// It is what the values are taken from, too.
    #[error("{}: exists", escape_path(.0))]
    ExistsAsFrom(PathBuf),
    #[error("a password cannot be hashed: {0}")]
    Hash(String),
    #[error("-f helm prints values without keys, so it cannot make keys or users")]
    HelmHasNoKeys,
    #[error("{}: there is no user in it", escape_path(.0))]
    NobodyIn(PathBuf),
    #[error("{}: the keyset has no web-login users to write", escape_path(.0))]
    NoUsers(PathBuf),
    #[error("{}: clearml-keygen takes files as options only", escape_path(.0))]
    NoOption(PathBuf),
    #[error("{}: the other lines of this file would be lost", escape_path(.0))]
    OtherLines(PathBuf),
    #[error("{}: the file already exists, and may hold passwords that are nowhere else", escape_path(.0))]
    PasswordsExist(PathBuf),
    #[error("{}: the keyset and the passwords cannot go to one file", escape_path(.0))]
    OneFile(PathBuf),
    #[error("standard output cannot be written: {}", clearml_secure_core::error::words(.0))]
    Output(io::Error),
    #[error("--secret {0}")]
    SecretName(#[from] Misnamed),
    #[error("--secret is for Kubernetes only")]
    SecretWithout,
    #[error("standard input cannot be both the keyset and the users")]
    StandardInputTwice,
    #[error("{} is both in {first} and in {second}", escape(name))]
    TwoChanges {
        name: String,
        first: &'static str,
        second: &'static str,
    },
    #[error("{flag}: {} has no web-login user {}", escape_path(path), escape(name))]
    UnknownUser {
        flag: &'static str,
        name: String,
        /// Where users were looked for.
        path: PathBuf,
        /// The users that there are.
        known: Vec<String>,
    },
    #[error("--only does not know `{}`", escape(.0))]
    UnknownWord(String),
    #[error("{}: this is an apiserver.conf with web-login users, and no secure.conf with keys", escape_path(.0))]
    UsersOnly(PathBuf),
    #[error("{}: exists", escape_path(.0))]
    ValuesExist(PathBuf),
    #[error("{}: {misfit}", of_user(name, None))]
    User { name: String, misfit: Misfit },
    #[error("{}: {}", of_user(name, place.as_ref()), Misfit::User)]
    UserTwice {
        name: String,
        place: Option<(PathBuf, usize)>,
    },
    #[error("--user {}: a name cannot begin with #", escape(.0))]
    UserName(String),
    #[error("{}:{line}: {reason}", escape_path(path))]
    UserLine {
        path: PathBuf,
        line: usize,
        reason: Unusable,
    },
    #[error("{}:{line}: {misfit}", escape_path(path))]
    UserOfFile {
        path: PathBuf,
        line: usize,
        misfit: Misfit,
    },
}

impl Error {
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::CountWithout => Some("add -f jsonl".to_owned()),
            Self::ApiserverExists(_) => Some(
                "add --force: it adds the keyset's users and changes nothing else in the file"
                    .to_owned(),
            ),
            Self::Core(error) => error.help(),
            Self::HelmHasNoKeys => Some("make the keys with -f kubernetes first, then print the values with --from".to_owned()),
            Self::SecretName(name) => Some(name.help().to_owned()),
            Self::SecretWithout => Some("add -f kubernetes or -f helm".to_owned()),
            Self::Deployment(path) => Some(format!(
                "name another file, then put the keys in:\n  clearml-keygen -o keys.env\n  clearml-inject -k keys.env -i --backup .orig {}",
                shell::quoted(path)
            )),
            Self::Exists(path) => Some(format!(
                "name another file, or add --force to overwrite it. With --force, its values are kept only if you add --from {}",
                escape_path(path)
            )),
            Self::ExistsAsFrom(_) => {
                Some("name another file, or add --force to write the result into this one".to_owned())
            }
            Self::ValuesExist(_) => {
                Some("name another file, or add --force to overwrite it".to_owned())
            }
            Self::OtherLines(path) => Some(format!(
                "name another file with -o. To change the values and keep the other lines, use `-f hocon` for a secure.conf, or `clearml-inject --env-file {}` for an env file",
                escape_path(path)
            )),
            Self::NoOption(path) => {
                let name = shell::quoted(path);
                Some(match path.exists() {
                    true if Keyset::is_in(path) => format!(
                        "to keep its values and add what is missing:\n  clearml-keygen --from {name} -o new.env"
                    ),
                    true => format!(
                        "if it is a compose file, put keys into it:\n  clearml-keygen -o keys.env\n  clearml-inject -k keys.env -i --backup .orig {name}"
                    ),
                    false => format!("to write the keyset there:\n  clearml-keygen -o {name}"),
                })
            }
            Self::NobodyIn(_) => Some(
                "write one line for each user: `name:password` or `name:password:Full Name`".to_owned(),
            ),
            Self::NoUsers(_) => Some("add a user with --user NAME".to_owned()),
            Self::Hash(_) | Self::Output(_) => None,
            Self::PasswordsExist(_) => Some(
                "name another with --passwords, or move the file away; --force does not overwrite passwords"
                    .to_owned(),
            ),
            Self::OneFile(_) => Some("name another file with -o".to_owned()),
            Self::StandardInputTwice => {
                Some("name a file for --from or for --users-from".to_owned())
            }
            Self::UsersOnly(_) => Some(
                "write its users to a file of another name, for example -o new.conf"
                    .to_owned(),
            ),
            Self::User { .. }
            | Self::UserLine { .. }
            | Self::UserName(_)
            | Self::UserOfFile { .. }
            | Self::UserTwice { .. } => Some(self.help_for_a_user()),
            Self::TwoChanges { .. } => Some("name the user in one of them only".to_owned()),
            Self::UnknownUser { name, known, .. } => Some(match nearest(name, known) {
                _ if known.is_empty() => "the keyset has no users: add one with --user NAME".to_owned(),
                Some(near) => format!("did you mean {}? The users are {}", escape(near), enumerated(known)),
                None => format!("the users are {}", enumerated(known)),
            }),
            Self::UnknownWord(word) => Some(words_of_only(word)),
        }
    }

    /// What helps where a user cannot be added.
    fn help_for_a_user(&self) -> String {
        match self {
            Self::UserTwice { place: None, .. } => "name each user once".to_owned(),
            Self::UserTwice { .. } => {
                "an earlier line or --user has this name: name each user once".to_owned()
            }
            Self::User {
                misfit: Misfit::User,
                name,
                ..
            } => format!(
                "the keyset of --from has this user, or the apiserver.conf that is written. For a new password, use {}",
                shell::option("--reset-password", name)
            ),
            Self::UserLine { reason, .. } => reason.help().to_owned(),
            _ => "give the user another name, or another full name".to_owned(),
        }
    }
}

/// Where a user is named.
fn of_user(name: &str, place: Option<&(PathBuf, usize)>) -> String {
    match place {
        Some((path, line)) => format!("{}:{line}", escape_path(path)),
        None if name.is_empty() => "--user ''".to_owned(),
        None => format!("--user {}", escape(name)),
    }
}

/// What --only takes, with what was probably meant first.
fn words_of_only(word: &str) -> String {
    let mut known = SETTINGS.map(|setting| setting.group().to_owned()).to_vec();
    known.dedup();
    let near = nearest(word, &known).map(|near| format!("did you mean {near}? Use"));
    format!(
        "{} one of {}, or the path of a setting, for example {}",
        near.as_deref().unwrap_or("use"),
        known.join(", "),
        SETTINGS[1]
    )
}

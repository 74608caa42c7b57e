use std::io;
use std::path::{Path, PathBuf};

use clearml_secure_core::keyset::{Misfit, enumerated};
use clearml_secure_core::nearest::nearest;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shell;
use clearml_secure_core::shown::escape;

/// Why there is no keyset. No value is ever in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: the file is already there, and the web-login users belong into it", escape(&.0.to_string_lossy()))]
    ApiserverExists(PathBuf),
    #[error(transparent)]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("{}: the file is already there", escape(&.0.to_string_lossy()))]
    Exists(PathBuf),
    #[error("a password cannot be hashed: {0}")]
    Hash(String),
    #[error("-f helm prints values without any key, so there is no key and no user to make")]
    HelmHasNoKeys,
    #[error("{}: there is no web-login user to write", escape(&.0.to_string_lossy()))]
    NoUsers(PathBuf),
    #[error("{}: other lines of the file would be lost", escape(&.0.to_string_lossy()))]
    OtherLines(PathBuf),
    #[error("{}: the keyset and the passwords need a file each", escape(&.0.to_string_lossy()))]
    OneFile(PathBuf),
    #[error("standard output cannot be written: {0}")]
    Output(io::Error),
    #[error("--secret {}: no name that Kubernetes takes", escape(.0))]
    SecretName(String),
    #[error("--secret names a Secret of Kubernetes")]
    SecretWithout,
    #[error("standard input cannot be both the keyset and the users")]
    StandardInputTwice,
    #[error("{} is in {first} and in {second}", escape(name))]
    TwoChanges {
        name: String,
        first: &'static str,
        second: &'static str,
    },
    #[error("{flag}: {} has no web-login user {}", escape(&path.to_string_lossy()), escape(name))]
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
    #[error("--user {}: {misfit}", escape(name))]
    User { name: String, misfit: Misfit },
    #[error("--user {}: a name does not begin with #", escape(.0))]
    UserName(String),
    #[error("{}:{line}: {reason}", escape(&path.to_string_lossy()))]
    UserLine {
        path: PathBuf,
        line: usize,
        reason: &'static str,
    },
    #[error("{}:{line}: {misfit}", escape(&path.to_string_lossy()))]
    UserOfFile {
        path: PathBuf,
        line: usize,
        misfit: Misfit,
    },
}

impl Error {
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::ApiserverExists(_) => Some(
                "give --force: it adds the keyset's users, and everything else in the file stays"
                    .to_owned(),
            ),
            Self::Core(error) => error.help(),
            Self::HelmHasNoKeys => Some("make them with -f kubernetes, and print the values with --from".to_owned()),
            Self::SecretName(_) => Some("lower-case letters, digits, `-` and `.`, e.g. clearml-keys".to_owned()),
            Self::SecretWithout => Some("give -f kubernetes or -f helm with it".to_owned()),
            Self::Exists(path) => Some(format!(
                "name another, or give --force to replace it; --from {} keeps the values it has",
                escape(&path.to_string_lossy())
            )),
            Self::OtherLines(path) => Some(format!(
                "name another file with -o; `-f hocon` keeps them in a secure.conf, `clearml-inject --env-file {}` in an env file",
                escape(&path.to_string_lossy())
            )),
            Self::NoUsers(_) => Some("--user NAME adds one".to_owned()),
            Self::Hash(_) | Self::Output(_) => None,
            Self::OneFile(_) => Some("name another with --passwords".to_owned()),
            Self::StandardInputTwice => {
                Some("name a file with --from or with --users-from".to_owned())
            }
            Self::UserName(_) => Some("give the user another name".to_owned()),
            Self::User { misfit: Misfit::User, name } => Some(format!(
                "--from keeps the users that its keyset has; --reset-password {} makes a new password",
                shell::quoted(Path::new(name))
            )),
            Self::UserOfFile { misfit: Misfit::User, .. } => Some(
                "--from keeps the users that its keyset has; --remove-user NAME takes the old one out first".to_owned(),
            ),
            Self::User { .. } | Self::UserOfFile { .. } => Some("give the user another name".to_owned()),
            Self::UserLine { reason, .. } if !reason.contains("colon") => None,
            Self::UserLine { .. } => Some(
                "a line is `name:password` or `name:password:Full Name`; a password with a colon needs JSON lines: \
                 {\"username\": \"jane\", \"password\": \"a:b\", \"name\": \"Jane\"}"
                    .to_owned(),
            ),
            Self::TwoChanges { .. } => Some("leave it out of one of them".to_owned()),
            Self::UnknownUser { name, known, .. } => Some(match nearest(name, known) {
                _ if known.is_empty() => "it has no users at all; --user NAME adds one".to_owned(),
                Some(near) => format!("did you mean {}? The users are {}", escape(near), enumerated(known)),
                None => format!("the users are {}", enumerated(known)),
            }),
            Self::UnknownWord(_) => {
                let mut words = SETTINGS.map(|setting| setting.group()).to_vec();
                words.dedup();
                Some(format!(
                    "it knows {}, and the path of a setting, such as {}",
                    words.join(", "),
                    SETTINGS[1]
                ))
            }
        }
    }
}
